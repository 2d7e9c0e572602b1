/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What sriovd knows of the host's PFs and does to their VFs, as JSON, one line each: for the system
 * tests, which know the same from elsewhere.
 */
#include <jansson.h>
#include <lib/clock.h>
#include <poll.h>
#include <sriovd/host.h>
#include <sriovd/vf_rtnl.h>
#include <stdio.h>
#include <string.h>

static int print(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		return 2;
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(j);
	return 0;
}

static int print_error(int error, const char *text)
{
	print(json_pack("{s:s, s:s}", "error", op_code(error), "text", text));
	return 1;
}

static int pfs(int sysfs)
{
	static struct host_pf list[HOST_PFS_MAX];
	int n = host_pfs(sysfs, list);

	if (n < 0)
		return print_error(n, "");
	for (int i = 0; i < n; i++) {
		const struct host_pf *p = &list[i];
		char mac[MAC_TEXT];
		unsigned int mbps = 0;

		if (host_pf_speed(sysfs, p->bdf.text, &mbps) < 0)
			mbps = 0;
		print(json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:i, s:b, s:b, "
				"s:i, s:s}",
				"address", p->bdf.text, "driver", p->driver, "vendor", p->vendor,
				"device", p->device, "numa_node", p->numa_node, "group", p->group,
				"total_vfs", p->total_vfs, "num_vfs", p->num_vfs, "autoprobe",
				p->autoprobe, "netdev", p->netdev, "ifindex", p->ifindex, "up",
				p->up, "carrier", p->carrier, "speed_mbps", mbps, "mac",
				mac_format(&p->mac, mac)));
	}
	return 0;
}

static int vf(int sysfs, const char *bdf, unsigned int number)
{
	struct host_vf v;
	int r = host_vf_read(sysfs, bdf, number, &v);

	if (r < 0)
		return print_error(r, bdf);
	return print(json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "address", v.bdf.text, "driver",
			       v.driver, "netdev", v.netdev, "numa_node", v.numa_node, "group",
			       v.group, "foreign", v.foreign));
}

static int by_netdev(int sysfs, const char *netdev)
{
	struct pcisys_bdf bdf;
	int r = host_pf_by_netdev(sysfs, netdev, &bdf);

	return r < 0 ? print_error(r, netdev) : print(json_pack("{s:s}", "address", bdf.text));
}

static json_t *attr_names(unsigned int which)
{
	json_t *list = json_array();

	for (unsigned int bit = 1; bit <= VF_ATTR_STATS; bit <<= 1)
		if (which & bit)
			json_array_append_new(list, json_string(vf_attr_name((enum vf_attr)bit)));
	return list;
}

static int read_vf(int ifindex, unsigned int number)
{
	struct op_error e = {.http = 0};
	struct vf_stats stats;
	struct vf_attrs a;
	char mac[MAC_TEXT];
	unsigned int has;
	int r = vf_rtnl_read(ifindex, number, &a, &has, &stats, &e);

	if (r < 0)
		return print_error(r, op_text(&e, r));
	return print(json_pack("{s:s, s:i, s:i, s:i, s:b, s:b, s:i, s:i, s:i, s:o}", "mac",
			       mac_format(&a.mac, mac), "vlan", a.vlan, "vlan_qos", a.vlan_qos,
			       "vlan_proto", a.vlan_proto, "spoofchk", a.spoofchk, "trust", a.trust,
			       "min_tx_rate", a.min_tx_rate, "max_tx_rate", a.max_tx_rate,
			       "link_state", a.link_state, "has", attr_names(has)));
}

static int probe_vf(int ifindex, unsigned int number)
{
	struct op_error e = {.http = 0};
	unsigned int caps;
	bool sure;
	int r = vf_rtnl_probe(ifindex, number, &caps, &sure, &e);

	if (r < 0)
		return print_error(r, op_text(&e, r));
	return print(json_pack("{s:o, s:i}", "capabilities", attr_names(caps), "bits", caps));
}

/* NAME=VALUE; false: neither a name nor a value of one. */
static bool take_attr(const char *word, struct vf_attrs *a, unsigned int *which)
{
	const char *value = strchr(word, '=');
	unsigned int n;

	if (!value)
		return false;
	n = (unsigned int)strtoul(value + 1, NULL, 0);
	for (unsigned int bit = 1; bit < VF_ATTR_STATS; bit <<= 1) {
		const char *name = vf_attr_name((enum vf_attr)bit);

		if (strncmp(word, name, (size_t)(value - word)) || name[value - word])
			continue;
		*which |= bit;
		switch ((enum vf_attr)bit) {
		case VF_ATTR_MAC:
			return mac_parse(value + 1, &a->mac) >= 0;
		case VF_ATTR_VLAN:
			a->vlan = n;
			return true;
		case VF_ATTR_VLAN_QOS:
			a->vlan_qos = n;
			return true;
		case VF_ATTR_VLAN_PROTO:
			a->vlan_proto = (uint16_t)n;
			return true;
		case VF_ATTR_SPOOFCHK:
			a->spoofchk = n;
			return true;
		case VF_ATTR_TRUST:
			a->trust = n;
			return true;
		case VF_ATTR_MIN_TX_RATE:
			a->min_tx_rate = n;
			return true;
		case VF_ATTR_MAX_TX_RATE:
			a->max_tx_rate = n;
			return true;
		default:
			a->link_state = (enum vf_link)(n % 3);
			return true;
		}
	}
	return false;
}

static int write_vf(char **words)
{
	struct vf_attrs a = {.vlan_proto = 0x8100};
	unsigned int which = 0, caps = (unsigned int)strtoul(words[2], NULL, 0);
	unsigned int number = (unsigned int)atoi(words[1]);
	struct op_error e = {.http = 0};
	uint64_t began = clock_us();
	char name[32];
	int r;

	for (char **word = words + 3; *word; word++)
		if (!take_attr(*word, &a, &which))
			return print_error(-EINVAL, *word);
	snprintf(name, sizeof(name), "p0/%u", number);
	r = vf_rtnl_write(atoi(words[0]), number, name, &a, which, caps, &e);
	if (r < 0)
		return print_error(r, op_text(&e, r));
	return print(json_pack("{s:i}", "took_us", (int)(clock_us() - began)));
}

static int watch(int sysfs)
{
	static const char *const changes[] = {"added",	"removed", "driver",
					      "netdev", "link",	   "everything"};
	_cleanup_(host_watch_freep) struct host_watch *w = NULL;
	struct host_event e;
	int r = host_watch_new(sysfs, &w);

	if (r >= 0)
		print(json_pack("{s:s, s:s}", "change", "ready", "address", ""));
	while (r >= 0) {
		struct pollfd p[] = {{.fd = host_watch_fd(w), .events = POLLIN},
				     {.fd = STDIN_FILENO, .events = POLLIN}};

		if (poll(p, 2, -1) < 0)
			return 2;
		/* the other side has seen enough */
		if (p[1].revents)
			return 0;
		while ((r = host_watch_next(w, &e)) > 0)
			print(json_pack("{s:s, s:s}", "change", changes[e.change], "address",
					e.bdf.text));
	}
	return print_error(r, "watch");
}

int main(int argc, char **argv)
{
	_cleanup_(fd_closep) int sysfs = -1;
	const char *verb = argc > 1 ? argv[1] : "";

	if (pcisys_open(NULL, &sysfs) < 0)
		return 2;
	if (!strcmp(verb, "pfs"))
		return pfs(sysfs);
	if (!strcmp(verb, "watch"))
		return watch(sysfs);
	if (!strcmp(verb, "vf") && argc == 4)
		return vf(sysfs, argv[2], (unsigned int)atoi(argv[3]));
	if (!strcmp(verb, "by-netdev") && argc == 3)
		return by_netdev(sysfs, argv[2]);
	if (!strcmp(verb, "read") && argc == 4)
		return read_vf(atoi(argv[2]), (unsigned int)atoi(argv[3]));
	if (!strcmp(verb, "probe") && argc == 4)
		return probe_vf(atoi(argv[2]), (unsigned int)atoi(argv[3]));
	if (!strcmp(verb, "write") && argc > 5)
		return write_vf(argv + 2);
	fprintf(stderr,
		"usage: host-live pfs | watch | vf PF N | by-netdev NAME | read IFINDEX N |\n"
		"       probe IFINDEX N | write IFINDEX N CAPABILITIES NAME=VALUE...\n");
	return 2;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* sriov-bridge: a learning switch between virtual machines. Control methods: docs/processes.md. */
#include <abi/nic_mbx.h>
#include <lib/mac.h>
#include "eal.h"
#include "nudge.h"
#include "switch.h"
#include "uplink.h"
#include "vport.h"

#include <getopt.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define MEMORY_MB    40u
#define POOL_MBUFS   4095u /* frames are in flight for one round only, and in the uplink's rings */
#define POOL_CACHE   512u  /* frames of several rounds: they come back into it, not into the pool */
#define FDB_LIST_MAX 512u  /* entries that fit into one control message */

struct bridge {
	const char *name;
	int control_fd;
	int tap_fd;
	int cpu;
	bool no_huge;
	struct fp_switch sw;
	struct fp_uplink *uplink;
	struct fp_port uplink_port;
	sd_event *event;
	struct ctl_server *ctl;
};

static const char *rung_name(int rung)
{
	return rung == FP_SPIN ? "spin" : rung == FP_NAP ? "nap" : "sleep";
}

static int do_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct bridge *b = userdata;
	uint64_t rx = counter_get(&b->uplink_port.rx_packets);
	uint64_t tx = counter_get(&b->uplink_port.tx_packets);
	unsigned int n = 0;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++) {
		const struct fp_vport *v = fp_vport_get(i);

		if (!v)
			continue;
		n++;
		rx += counter_get(&v->p.rx_packets);
		tx += counter_get(&v->p.tx_packets);
	}
	ctl_reply(req,
		  json_pack("{s:s, s:i, s:i, s:b, s:s, s:I, s:I, s:I, s:i, s:b, s:I}", "name",
			    b->name, "ports", (int)n, "fdb_entries", (int)fp_fdb_count(b->sw.fdb),
			    "uplink", b->uplink != NULL, "rung",
			    rung_name(atomic_load(&b->sw.rung)), "rx_packets", (json_int_t)rx,
			    "tx_packets", (json_int_t)tx, "flooded",
			    (json_int_t)counter_get(&b->sw.flooded), "cpu", b->cpu, "hugepages",
			    !b->no_huge, "busy_tsc", (json_int_t)counter_get(&b->sw.busy_tsc)));
	return 0;
}

static int do_port_add(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	const char *name, *path, *text = NULL;
	uint8_t mac[6] = {0};
	int r;

	r = ctl_unpack(req, params, "{s:s, s:s, s?s", "name", &name, "path", &path, "mac", &text);
	if (r < 0)
		return r;
	if (text && (mac_from_text(text, mac) < 0 || !nic_mac_valid(mac)))
		return ctl_fail(req, -EINVAL, "port %s: %.32s is no unicast MAC", name, text);
	r = fp_vport_add(name, path, text ? mac : NULL);
	if (r == -EINVAL)
		return ctl_fail(req, r, "port %s: name or path %s is not usable", name, path);
	if (r < 0)
		return ctl_fail(req, r, "port %s at %s: %s", name, path, strerror(-r));
	ctl_reply(req, NULL);
	return 0;
}

static int do_port_remove(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			  void *userdata)
{
	const char *name;
	int r;

	r = ctl_unpack(req, params, "{s:s", "name", &name);
	if (r < 0)
		return r;
	r = fp_vport_remove(name);
	if (r < 0)
		return ctl_fail(req, r, "port %s: %s", name,
				r == -ENOENT ? "there is none of that name" : strerror(-r));
	ctl_reply(req, NULL);
	return 0;
}

static json_t *port_json(const struct fp_vport *v)
{
	const struct fp_port *p = &v->p;

	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", v->name,
			 "connected", atomic_load(&p->vid) >= 0, "rx_packets",
			 (json_int_t)counter_get(&p->rx_packets), "tx_packets",
			 (json_int_t)counter_get(&p->tx_packets), "rx_bytes",
			 (json_int_t)counter_get(&p->rx_bytes), "tx_bytes",
			 (json_int_t)counter_get(&p->tx_bytes), "rx_dropped",
			 (json_int_t)counter_get(&p->rx_dropped), "tx_dropped",
			 (json_int_t)counter_get(&p->tx_dropped), "spoofed",
			 (json_int_t)counter_get(&p->spoofed));
}

static int do_port_list(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	json_t *list;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	list = json_array();
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++)
		if (fp_vport_get(i))
			json_array_append_new(list, port_json(fp_vport_get(i)));
	ctl_reply(req, json_pack("{s:o}", "ports", list));
	return 0;
}

static json_t *fdb_entry_json(const struct fp_fdb_entry *e)
{
	const struct fp_vport *v = fp_vport_get(e->port);
	uint8_t bytes[8];
	char mac[MAC_TEXT];

	if (!v && e->port != FP_UPLINK_PORT)
		return NULL; /* the port went a moment ago */
	memcpy(bytes, &e->mac.v, sizeof(bytes));
	return json_pack("{s:s, s:s, s:I}", "mac", mac_to_text(bytes, mac), "port",
			 v ? v->name : "uplink", "age_ms", (json_int_t)e->age_ms);
}

static int do_fdb_list(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct bridge *b = userdata;
	_cleanup_(freep) struct fp_fdb_entry *e = NULL;
	unsigned int n;
	json_t *list;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	e = calloc(FDB_LIST_MAX, sizeof(*e));
	if (!e)
		return -ENOMEM;
	n = fp_fdb_snapshot(b->sw.fdb, fp_switch_now_ms(), e, FDB_LIST_MAX);
	list = json_array();
	for (unsigned int i = 0; i < n; i++) {
		json_t *j = fdb_entry_json(&e[i]);

		if (j)
			json_array_append_new(list, j);
	}
	ctl_reply(req, json_pack("{s:o}", "entries", list));
	return 0;
}

static int do_quit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct bridge *b = userdata;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	ctl_reply(req, NULL);
	sd_event_exit(b->event, 0);
	return 0;
}

static const struct ctl_method methods[] = {
	{"bridge.info", do_info},
	{"port.add", do_port_add},
	{"port.remove", do_port_remove},
	{"port.list", do_port_list},
	{"fdb.list", do_fdb_list},
	{"ctl.quit", do_quit},
	{NULL, NULL},
};

static int number(const char *text, int *ret_val)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v < 0 || v > 65535)
		return -EINVAL;
	*ret_val = (int)v;
	return 0;
}

static int parse_args(int argc, char **argv, struct bridge *b)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"control-fd", required_argument, NULL, 'c'},
		{"cpu", required_argument, NULL, 'p'},
		{"tap-fd", required_argument, NULL, 't'},
		{"no-huge", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt, r = 0;

	while (r == 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			b->name = optarg;
			break;
		case 'c':
			r = number(optarg, &b->control_fd);
			break;
		case 'p':
			r = number(optarg, &b->cpu);
			break;
		case 't':
			r = number(optarg, &b->tap_fd);
			break;
		case 'h':
			b->no_huge = true;
			break;
		default:
			r = -EINVAL;
			break;
		}
	}
	return r < 0 || optind != argc || !b->name || b->control_fd < 0 ? -EINVAL : 0;
}

/* EAL cannot be tried twice in one process: once more from the beginning, with our descriptors. */
static int start_over_without_hugepages(char **argv, int argc)
{
	char **again = calloc((size_t)argc + 2, sizeof(*again));

	if (!again)
		return -ENOMEM;
	memcpy(again, argv, (size_t)argc * sizeof(*again));
	again[argc] = "--no-huge";
	execv("/proc/self/exe", again);
	free(again);
	return -errno;
}

static int start_eal(struct bridge *b, int argc, char **argv)
{
	struct fp_eal want = {.program = "sriov-bridge", .memory_mb = MEMORY_MB, .cpu = b->cpu};
	int r;

	if (!b->no_huge && !fp_eal_hugepages_free(MEMORY_MB)) {
		b->no_huge = true;
		log_notice("no free huge pages: running without them, somewhat slower");
	}
	want.no_huge = b->no_huge;
	r = fp_eal_init(&want, &b->cpu);
	if (r < 0 && r != -EINVAL && !b->no_huge) {
		log_warning(r, "DPDK does not start with huge pages, trying without");
		r = start_over_without_hugepages(argv, argc);
	}
	return r;
}

static int start_data(struct bridge *b)
{
	struct rte_mempool *pool;
	int r;

	pool = rte_pktmbuf_pool_create("frames", POOL_MBUFS, POOL_CACHE, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool)
		return -ENOMEM;
	r = fp_switch_init(&b->sw, pool);
	if (r < 0)
		return r;
	if (b->tap_fd >= 0) {
		r = fp_uplink_new(TAKE_FD(b->tap_fd), pool, &b->uplink);
		if (r < 0)
			return log_error(r, "the uplink is no tap without packet information");
		b->uplink_port.id = FP_UPLINK_PORT;
		b->uplink_port.vid = -1;
		b->uplink_port.uplink = b->uplink;
		r = fp_switch_add_port(&b->sw, &b->uplink_port);
		if (r < 0)
			return r;
	}
	fp_vports_init(&b->sw);
	r = fp_nudge_init();
	if (r < 0)
		log_warning(r, "new ports answer up to a second late");
	return rte_eal_remote_launch(fp_switch_run, &b->sw, FP_DATA_LCORE);
}

static void stop_data(struct bridge *b)
{
	fp_vports_remove_all();
	fp_nudge_done();
	fp_switch_stop(&b->sw);
	rte_eal_wait_lcore(FP_DATA_LCORE);
	fp_uplink_free(b->uplink);
	fp_switch_done(&b->sw);
	fp_eal_done();
}

static int serve(struct bridge *b)
{
	int r;

	r = sd_event_new(&b->event);
	if (r < 0)
		return r;
	r = sd_event_add_signal(b->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(b->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = ctl_server_new(b->event, TAKE_FD(b->control_fd), b->name, methods, b, &b->ctl);
	if (r >= 0)
		r = sd_event_loop(b->event);
	if (b->ctl)
		ctl_server_free(b->ctl);
	sd_event_unref(b->event);
	return r;
}

int main(int argc, char **argv)
{
	static struct bridge b = {.control_fd = -1, .tap_fd = -1, .cpu = -1};
	sigset_t mask;
	int r;

	log_init("sriov-bridge");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (parse_args(argc, argv, &b) < 0) {
		fprintf(stderr, "usage: sriov-bridge --name NAME --control-fd FD [--cpu N] "
				"[--tap-fd FD] [--no-huge]\n");
		return 2;
	}
	/* port sockets are for us and root */
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);

	r = start_eal(&b, argc, argv);
	if (r < 0) {
		log_error(r, "bridge %s: DPDK does not start", b.name);
		return 1;
	}
	r = start_data(&b);
	if (r < 0) {
		log_error(r, "bridge %s: the data thread does not start", b.name);
		return 1;
	}
	r = serve(&b);
	stop_data(&b);
	if (r < 0)
		log_error(r, "bridge %s: control channel", b.name);
	return r < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The facts of a verification: two looks with a pause between them. */
#include <lib/clock.h>
#include <sriovd/attrs.h>
#include <sriovd/link.h>
#include <sriovd/pf.h>
#include <sriovd/tap.h>
#include <sriovd/verify.h>
#include <sriovd/vm.h>
#include <stdio.h>
#include <string.h>

#include "api_internal.h"

#define CALL_US	   (3 * USEC_PER_SEC)
#define MS_DIGITS  6u
#define NAMED_MAX  3
#define INTERRUPTS "/proc/interrupts"
#define UNSAFE	   "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

/* Counters of one look. */
struct counters {
	bool traps_known, nic_known, guest_known;
	uint64_t bar_exits, messages;
	uint64_t nic_packets, guest_packets;
};

/* The net while it is still attached as it was; whoever dropped the baton asks again. */
static struct net *still(struct sriovd *d, const char *name, uint64_t generation,
			 struct op_error *e)
{
	struct net *net = net_find(d, name);

	if (!net) {
		op_fail(e, HTTP_MISSING, -ENOENT, "no net %.64s", name);
		return NULL;
	}
	if (net->state == NET_ATTACHED && net->vm && (!generation || net->generation == generation))
		return net;
	if (net->state == NET_LOST)
		op_fail(e, HTTP_CONFLICT, -ENOTCONN, "net %s is lost: %s", name, net->reason);
	else if (generation)
		op_fail(e, HTTP_CONFLICT, -ENOTCONN, "net %s was detached meanwhile", name);
	else
		op_fail(e, HTTP_CONFLICT, -ENOTCONN, "net %s is not attached: it is %s", name,
			net_state_name(net->state));
	return NULL;
}

static json_t *find_by(json_t *list, const char *key, const char *value)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *text = json_string_value(json_object_get(one, key));

		if (text && strcmp(text, value) == 0)
			return one;
	}
	return NULL;
}

static uint64_t number(const json_t *object, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(object, key));

	return v > 0 ? (uint64_t)v : 0;
}

static void text_of(const json_t *object, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	text_set(ret, size, "%s", text ? text : "");
}

/* ---- VMM and guest ---- */

static void look_device(json_t *devices, struct verify_facts *f, struct counters *c)
{
	json_t *dev = find_by(json_object_get(devices, "devices"), "id", f->net);
	json_t *msix = json_object_get(dev, "msix");

	f->device_known = dev;
	f->msix_known = json_is_object(msix);
	f->msix_enabled = json_is_true(json_object_get(msix, "enabled"));
	f->vectors = (unsigned int)number(msix, "vectors");
	f->unmasked = (unsigned int)json_array_size(json_object_get(msix, "guest_vectors"));
	f->direct = (unsigned int)number(msix, "direct");
	c->traps_known = dev;
	c->bar_exits = number(dev, "bar_exits");
	c->messages = number(dev, "messages");
}

static void look_guest(json_t *info, struct verify_facts *f, struct counters *c)
{
	json_t *iface = find_by(json_object_get(info, "interfaces"), "id", f->net);

	f->guest_known = true;
	text_of(iface, "state", f->guest_state, sizeof(f->guest_state));
	text_of(iface, "mac", f->guest_mac, sizeof(f->guest_mac));
	c->guest_known = iface;
	c->guest_packets = number(iface, "rx_packets") + number(iface, "tx_packets");
}

static void look_vm(struct sriovd *d, const struct vm *vm, struct verify_facts *f,
		    struct counters *c)
{
	_cleanup_(json_decrefp) json_t *devices = NULL;

	f->device_known = false;
	if (vm_devices(d, vm, &devices) >= 0)
		look_device(devices, f, c);
}

static void look_inside(struct sriovd *d, const struct vm *vm, struct verify_facts *f,
			struct counters *c)
{
	_cleanup_(json_decrefp) json_t *info = NULL;

	f->guest_known = false;
	if (vm_info(d, vm, &info, NULL) >= 0)
		look_guest(info, f, c);
}

/* ---- the NIC ---- */

static int remapping(void)
{
	FILE *file = fopen(INTERRUPTS, "re");
	int found = -ENODATA;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (found != 1 && getline(&line, &size, file) >= 0) {
		int r = pcisys_remapped(line);

		if (r >= 0)
			found = r;
	}
	free(line);
	fclose(file);
	return found;
}

static void look_group(struct sriovd *d, struct verify_facts *f)
{
	struct pcisys_member member[PCISYS_MEMBERS_MAX];
	int n, others = 0;

	f->others[0] = '\0';
	if (f->group < 0)
		return;
	baton_drop(d);
	n = pcisys_group_members(d->sysfs, (unsigned int)f->group, member);
	baton_take(d);
	if (n == -E2BIG)
		text_set(f->others, sizeof(f->others), "more than %u functions",
			 PCISYS_MEMBERS_MAX);
	else if (n < 0)
		text_set(f->others, sizeof(f->others), "nobody knows whom: %s",
			 strerrordesc_np(-n));
	for (int i = 0; i < n; i++) {
		size_t have = strlen(f->others);

		if (strcmp(member[i].bdf.text, f->address) == 0 || others++ >= NAMED_MAX)
			continue;
		text_set(f->others + have, sizeof(f->others) - have, "%s%s", have ? ", " : "",
			 member[i].bdf.text);
	}
}

static void look_vf_now(struct sriovd *d, const struct vf_now *now, struct verify_facts *f,
			struct counters *c)
{
	f->now = now->attrs;
	f->has = now->has;
	c->nic_known = now->has & VF_ATTR_STATS;
	c->nic_packets = now->stats.rx_packets + now->stats.tx_packets;
	if (f->how != VERIFY_HOST)
		return;
	text_set(f->address, sizeof(f->address), "%s", now->address);
	text_set(f->driver, sizeof(f->driver), "%s", now->driver);
	f->group = now->group;
	look_group(d, f);
}

static void look_vf(struct sriovd *d, struct pf *pf, unsigned int vf, struct verify_facts *f,
		    struct counters *c)
{
	_cleanup_(freep) struct vf_list *list = NULL;
	struct op_error e = {};
	int r;

	f->has = 0;
	r = pf_vf_list(d, pf, true, &list, &e);
	if (r >= 0 && vf < list->n)
		look_vf_now(d, &list->vf[vf], f, c);
	else
		text_set(f->vf_reason, sizeof(f->vf_reason), "%s",
			 r < 0 ? op_text(&e, r) : "it has no such VF any more");
}

/* ---- the bridge ---- */

static void look_port(struct sriovd *d, struct bridge *br, struct verify_facts *f,
		      struct counters *c)
{
	_cleanup_(json_decrefp) json_t *ports = NULL;
	_cleanup_(json_decrefp) json_t *fdb = NULL;
	char mac[MAC_TEXT];
	json_t *port;

	f->port_known =
		child_call(d, &br->child, "port.list", NULL, NULL, 0, CALL_US, &ports, NULL) >= 0 &&
		child_call(d, &br->child, "fdb.list", NULL, NULL, 0, CALL_US, &fdb, NULL) >= 0;
	if (!f->port_known)
		return;
	port = find_by(json_object_get(ports, "ports"), "name", f->net);
	f->port_connected = json_is_true(json_object_get(port, "connected"));
	c->nic_known = port;
	c->nic_packets = number(port, "rx_packets") + number(port, "tx_packets");
	text_of(find_by(json_object_get(fdb, "entries"), "mac", mac_format(&f->want.mac, mac)),
		"port", f->fdb_port, sizeof(f->fdb_port));
}

static void look_tap(struct sriovd *d, const struct net *net, struct verify_facts *f)
{
	char tap[IFNAMSIZ], link[IFNAMSIZ];
	struct link_bridge br;
	int master;

	tap_name(net->id.name, tap);
	text_set(link, sizeof(link), "%s", net->way.link);
	baton_drop(d);
	f->port_known = true;
	f->port_connected = link_bridge(link, &br, NULL) >= 0 && link_master(tap, &master) >= 0 &&
			    master == br.ifindex;
	baton_take(d);
}

/* ---- both looks ---- */

static void begin(struct sriovd *d, const struct net *net, struct verify_facts *f)
{
	char tap[IFNAMSIZ];

	text_set(f->net, sizeof(f->net), "%s", net->id.name);
	attrs_of_net(&net->id, &f->want);
	f->trapped = net->way.path == PATH_EMULATED;
	if (net->way.backend == BACKEND_TAP) {
		f->how = VERIFY_TAP;
		tap_name(net->id.name, tap);
		text_set(f->back_end, sizeof(f->back_end), "tap %s", tap);
		text_set(f->fdb_port, sizeof(f->fdb_port), "%s", net->way.link);
		return;
	}
	if (!net->pf) {
		f->how = VERIFY_VIRTIO;
		text_set(f->back_end, sizeof(f->back_end), "bridge %s",
			 net->bridge ? net->bridge->cfg.name : "-");
		return;
	}
	f->how = net->pf->ops->host ? VERIFY_HOST : VERIFY_SOFT;
	text_set(f->back_end, sizeof(f->back_end), "%s", net->pf->ops->back_end(net->pf));
	if (f->how != VERIFY_HOST)
		return;
	baton_drop(d); /* from here on @net may be gone */
	f->remapping = remapping();
	f->unsafe = pcisys_flag(d->sysfs, UNSAFE);
	baton_take(d);
}

static int look(struct sriovd *d, const char *name, uint64_t generation, struct verify_facts *f,
		struct counters *ret, struct op_error *e)
{
	struct counters c = {};
	struct net *net;

	net = still(d, name, generation, e);
	if (net)
		look_vm(d, net->vm, f, &c);
	if (net)
		net = still(d, name, generation, e);
	if (net && net->pf) {
		struct pf *pf = pf_ref(net->pf);

		look_vf(d, pf, net->vf, f, &c);
		pf_unref(d, pf);
	} else if (net && net->way.backend == BACKEND_TAP) {
		look_tap(d, net, f);
	} else if (net && net->bridge) {
		look_port(d, net->bridge, f, &c);
	}
	if (net)
		net = still(d, name, generation, e);
	if (net)
		look_inside(d, net->vm, f, &c);
	*ret = c;
	return net && still(d, name, generation, e) ? 0 : e->error;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* An access that traps is counted by the VMM and again by the NIC: the larger is taken. */
static void compare(const struct counters *a, const struct counters *b, struct verify_facts *f)
{
	uint64_t exits = since(b->bar_exits, a->bar_exits);
	uint64_t messages = since(b->messages, a->messages);

	f->traps = exits > messages ? exits : messages;
	f->by_guest = !(a->nic_known && b->nic_known);
	f->packets = f->by_guest ? since(b->guest_packets, a->guest_packets)
				 : since(b->nic_packets, a->nic_packets);
	f->traffic_known = a->traps_known && b->traps_known &&
			   (!f->by_guest || (a->guest_known && b->guest_known));
}

static json_t *answer(const struct net *net, const struct verify_facts *f)
{
	bool ok;
	json_t *checks = verify_judge(f, &ok);
	json_t *view = json_pack("{s:s, s:s, s:o, s:b}", "net", net->id.name, "vm", net->vm->name,
				 "checks", checks, "ok", ok);

	if (net->pf)
		json_object_set_new(view, "vf", json_sprintf("%s/%u", net->pf->name, net->vf));
	return view;
}

int net_verify(struct sriovd *d, const char *name, uint64_t window_ms, json_t **ret,
	       struct op_error *e)
{
	struct verify_facts f = {.group = -1, .window_ms = window_ms};
	struct net *net = still(d, name, 0, e);
	struct counters before, after;
	uint64_t generation;
	int r;

	if (!net)
		return e->error;
	generation = net->generation;
	begin(d, net, &f);
	r = look(d, name, generation, &f, &before, e);
	if (r < 0)
		return r;
	r = state_pause(d, window_ms * USEC_PER_MSEC);
	if (r < 0)
		return op_fail(e, HTTP_CONFLICT, r, "sriovd is shutting down");
	r = look(d, name, generation, &f, &after, e);
	if (r < 0)
		return r;
	compare(&before, &after, &f);
	net = still(d, name, generation, e);
	if (!net)
		return e->error;
	*ret = answer(net, &f);
	return 0;
}

int call_net_verify(struct sriovd *d, struct call *c)
{
	unsigned long ms = VERIFY_DEFAULT_MS;

	if (c->query) {
		size_t n = strspn(c->query, "0123456789");

		if (n == 0 || n > MS_DIGITS || c->query[n] != '\0')
			return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
				       "ms: must be a number from 1 to %u", VERIFY_MAX_MS);
		ms = strtoul(c->query, NULL, 10);
	}
	if (ms < 1 || ms > VERIFY_MAX_MS)
		return op_fail(&c->error, HTTP_BAD_INPUT, -ERANGE,
			       "ms: must be a number from 1 to %u", VERIFY_MAX_MS);
	return net_verify(d, c->arg[0], ms, &c->answer, &c->error);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Nets, status and shutdown. */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/attach.h>
#include <sriovd/fields.h>
#include <sriovd/net.h>
#include <sriovd/reconcile.h>
#include <sriovd/view.h>
#include <sriovd/vm.h>
#include <string.h>

#include "api_internal.h"

#define BODY "request body"

#define ATTACH_DEFAULT_MS 10000
#define ATTACH_MAX_MS	  120000
#define DETACH_DEFAULT_MS 5000
#define DETACH_MAX_MS	  120000
#define TX_RATE_MAX	  1000000 /* Mbps */

static const struct field no_fields[] = {{}};

int call_status(struct sriovd *d, struct call *c)
{
	c->answer = view_status(d);
	return 0;
}

/* ---- nets ---- */

/* Shows the net if it is still there after its VM was asked. */
static int show_net(struct sriovd *d, struct call *c, const char *name)
{
	_cleanup_(json_decrefp) json_t *infos = NULL;
	struct net *net = net_find(d, name);

	if (net && net->vm) {
		char vm[NAME_SIZE];

		text_set(vm, sizeof(vm), "%s", net->vm->name);
		infos = view_vm_infos(d, vm);
		net = net_find(d, name);
	}
	if (!net)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no net %s", name);
	c->answer = view_net(net, infos);
	return 0;
}

int call_net_list(struct sriovd *d, struct call *c)
{
	_cleanup_(json_decrefp) json_t *infos = view_vm_infos(d, NULL);
	json_t *list = json_array();

	for (struct net *net = d->nets; net; net = net->next)
		json_array_append_new(list, view_net(net, infos));
	c->answer = json_pack("{s:o}", "nets", list);
	return 0;
}

int call_net_show(struct sriovd *d, struct call *c)
{
	return show_net(d, c, c->arg[0]);
}

int call_net_create(struct sriovd *d, struct call *c)
{
	static const struct field fields[] = {
		{.key = "name", .required = true, .offset = offsetof(struct net_spec, name)},
		{.key = "mac", .offset = offsetof(struct net_spec, mac)},
		{.key = "vlan",
		 FIELD_INT,
		 .offset = offsetof(struct net_spec, vlan),
		 .max = VLAN_MAX},
		{.key = "vlan_qos",
		 FIELD_INT,
		 .offset = offsetof(struct net_spec, vlan_qos),
		 .max = VLAN_QOS_MAX},
		{.key = "spoofchk", FIELD_BOOL, .offset = offsetof(struct net_spec, spoofchk)},
		{.key = "vlan_proto", .offset = offsetof(struct net_spec, vlan_proto)},
		{.key = "trust", FIELD_BOOL, .offset = offsetof(struct net_spec, trust)},
		{.key = "min_tx_rate",
		 FIELD_INT,
		 .offset = offsetof(struct net_spec, min_tx_rate),
		 .max = TX_RATE_MAX},
		{.key = "max_tx_rate",
		 FIELD_INT,
		 .offset = offsetof(struct net_spec, max_tx_rate),
		 .max = TX_RATE_MAX},
		{.key = "link_state", .offset = offsetof(struct net_spec, link_state)},
		{.key = "pf", .offset = offsetof(struct net_spec, pf)},
		{},
	};
	struct net_spec spec = {.spoofchk = true};
	int r;

	r = fields_decode(c->body, BODY, fields, &spec, &c->error);
	if (r >= 0)
		r = net_create(d, &spec, &c->error);
	if (r >= 0)
		r = show_net(d, c, spec.name);
	c->status = 201;
	return r;
}

int call_net_delete(struct sriovd *d, struct call *c)
{
	int r;

	r = fields_decode(c->body, BODY, no_fields, NULL, &c->error);
	return r < 0 ? r : net_delete(d, c->arg[0], &c->error);
}

/* The sriovd before this one got so far. */
static bool attached_so(struct sriovd *d, const struct attach_request *rq)
{
	const struct net *net = net_find(d, rq->net);

	return net && net->state == NET_ATTACHED && net->way.path == rq->way.path && net->vm &&
	       strcmp(net->vm->name, rq->vm) == 0;
}

static bool is_detached(struct sriovd *d, const char *name)
{
	const struct net *net = net_find(d, name);

	return net && net->state == NET_DETACHED;
}

int call_net_attach(struct sriovd *d, struct call *c)
{
	struct {
		const char *vm, *path, *backend, *bridge;
		int64_t queues, timeout_ms;
	} in = {.path = "vf",
		.backend = "",
		.bridge = "",
		.timeout_ms = (int64_t)clock_patient_us(ATTACH_DEFAULT_MS)};
	const struct field fields[] = {
		{.key = "vm", .required = true, .offset = offsetof(__typeof__(in), vm)},
		{.key = "path", .offset = offsetof(__typeof__(in), path)},
		{.key = "backend", .offset = offsetof(__typeof__(in), backend)},
		{.key = "bridge", .offset = offsetof(__typeof__(in), bridge)},
		{.key = "queues",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(in), queues),
		 .min = 1,
		 .max = TAP_QUEUES_MAX},
		{.key = "timeout_ms",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(in), timeout_ms),
		 .min = 1,
		 .max = ATTACH_MAX_MS},
		{},
	};
	struct attach_request rq = {.net = c->arg[0], .started_us = c->rq->received_us};
	double ms = 0;
	int r;

	r = fields_decode(c->body, BODY, fields, &in, &c->error);
	if (r < 0)
		return r;
	if (net_path_parse(in.path, &rq.way.path) < 0)
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "path %.32s: must be vf, virtio or emulated", in.path);
	if (net_backend_parse(in.backend, &rq.way.backend) < 0)
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "backend %.32s: must be bridge, tap or nic", in.backend);
	if (in.bridge[0] && !ifname_valid(in.bridge))
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "bridge %.32s: no network device can have this name", in.bridge);
	text_set(rq.way.link, sizeof(rq.way.link), "%s", in.bridge);
	rq.way.queues = (unsigned int)in.queues;
	r = net_way_check(c->arg[0], &rq.way, &c->error);
	if (r < 0)
		return r;
	rq.vm = in.vm;
	rq.timeout_ms = (uint64_t)in.timeout_ms;
	r = net_attach(d, &rq, &ms, &c->error);
	if (r == -EALREADY && c->resumed && attached_so(d, &rq)) {
		c->error = (struct op_error){};
		r = 0;
	}
	if (r >= 0)
		r = show_net(d, c, c->arg[0]);
	if (r >= 0)
		json_object_set_new(c->answer, "attach_ms", json_real(ms));
	return r;
}

int call_net_detach(struct sriovd *d, struct call *c)
{
	struct {
		int64_t deadline_ms;
		bool force;
	} in = {.deadline_ms = (int64_t)clock_patient_us(DETACH_DEFAULT_MS)};
	const struct field fields[] = {
		{.key = "deadline_ms",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(in), deadline_ms),
		 .max = DETACH_MAX_MS},
		{.key = "force", FIELD_BOOL, .offset = offsetof(__typeof__(in), force)},
		{},
	};
	char how[16] = "";
	int r;

	r = fields_decode(c->body, BODY, fields, &in, &c->error);
	if (r >= 0)
		r = net_detach(d, c->arg[0], (uint64_t)in.deadline_ms, in.force, how, &c->error);
	if (r == -ENOTCONN && c->resumed && is_detached(d, c->arg[0])) {
		c->error = (struct op_error){};
		text_set(how, sizeof(how), "earlier");
		r = 0;
	}
	if (r >= 0)
		r = show_net(d, c, c->arg[0]);
	if (r >= 0)
		json_object_set_new(c->answer, "how", json_string(how));
	return r;
}

/* ---- shutdown ---- */

int call_shutdown(struct sriovd *d, struct call *c)
{
	bool vms = false;
	const struct field fields[] = {
		{.key = "vms", FIELD_BOOL},
		{},
	};
	json_t *stopped;
	int r;

	r = fields_decode(c->body, BODY, fields, &vms, &c->error);
	if (r < 0)
		return r;
	stopped = json_array();
	c->answer = json_pack("{s:o}", "stopped", stopped);
	r = reconcile_shutdown(d, vms, stopped, &c->error);
	c->exit = r >= 0;
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/attrs.h>
#include <sriovd/pf.h>
#include <sriovd/tap.h>
#include <sriovd/view.h>
#include <sriovd/vm.h>
#include <string.h>

json_t *view_vm_infos(struct sriovd *d, const char *only)
{
	_cleanup_(json_decrefp) json_t *names = json_array();
	json_t *infos = json_object();
	json_t *name;
	size_t i;

	for (struct vm *vm = d->vms; vm; vm = vm->next)
		if (vm->state == VM_RUNNING && (!only || strcmp(only, vm->name) == 0))
			json_array_append_new(names, json_string(vm->name));
	json_array_foreach (names, i, name) {
		struct vm *vm = vm_find(d, json_string_value(name));
		json_t *info = NULL;

		if (vm && vm_info(d, vm, &info, NULL) >= 0)
			json_object_set_new(infos, json_string_value(name), info);
	}
	return infos;
}

void view_vm_devices(struct sriovd *d, json_t *infos)
{
	json_t *info;
	const char *name;
	void *next;

	json_object_foreach_safe(infos, next, name, info)
	{
		_cleanup_(json_decrefp) json_t *list = NULL;
		struct vm *vm = vm_find(d, name);

		if (vm && vm_devices(d, vm, &list) >= 0)
			json_object_set(info, "devices", json_object_get(list, "devices"));
	}
}

static json_t *guest_interface(const struct net *net, json_t *infos)
{
	json_t *list = NULL, *iface;
	size_t i;

	if (net->vm)
		list = json_object_get(json_object_get(infos, net->vm->name), "interfaces");
	json_array_foreach (list, i, iface) {
		const char *id = json_string_value(json_object_get(iface, "id"));

		if (id && strcmp(id, net->id.name) == 0)
			return iface;
	}
	return NULL;
}

static bool is_down(const struct net *net)
{
	return net->state == NET_ATTACHED && net->down;
}

static void add_way(json_t *view, const struct net *net)
{
	char tap[IFNAMSIZ];

	json_object_set_new(view, "path", json_string(net_path_name(net->way.path)));
	json_object_set_new(view, "backend", json_string(net_backend_name(net->way.backend)));
	if (net->bridge)
		json_object_set_new(view, "bridge", json_string(net->bridge->cfg.name));
	if (net->way.backend != BACKEND_TAP)
		return;
	tap_name(net->id.name, tap);
	json_object_set_new(view, "bridge", json_string(net->way.link));
	json_object_set_new(view, "tap", json_string(tap));
	json_object_set_new(view, "queues", json_integer(net->way.queues ?: 1));
}

json_t *view_net(const struct net *net, json_t *infos)
{
	bool held = net->state != NET_DETACHED;
	char mac[MAC_TEXT], vf[NAME_SIZE + 12];
	json_t *view, *guest;

	view = json_pack("{s:s, s:s, s:i, s:i, s:s, s:b, s:b, s:i, s:i, s:s, s:s*, s:s}", "name",
			 net->id.name, "mac", mac_format(&net->id.mac, mac), "vlan",
			 (int)net->id.vlan, "vlan_qos", (int)net->id.vlan_qos, "vlan_proto",
			 attrs_proto_name(net->id.vlan_proto), "spoofchk", (int)net->id.spoofchk,
			 "trust", (int)net->id.trust, "min_tx_rate", (int)net->id.min_tx_rate,
			 "max_tx_rate", (int)net->id.max_tx_rate, "link_state",
			 attrs_link_name(net->id.link_state), "pf",
			 net->id.pf[0] ? net->id.pf : NULL, "state",
			 is_down(net) ? "down" : net_state_name(net->state));
	if (held && net->vm)
		json_object_set_new(view, "vm", json_string(net->vm->name));
	if (held)
		add_way(view, net);
	if (net->pf) {
		text_set(vf, sizeof(vf), "%s/%u", net->pf->name, net->vf);
		json_object_set_new(view, "vf", json_string(vf));
	}
	if (net->state == NET_LOST || is_down(net))
		json_object_set_new(view, "reason", json_string(net->reason));
	if (net->state == NET_LOST && net->again[0])
		json_object_set_new(view, "returns", json_true());
	guest = guest_interface(net, infos);
	if (guest)
		json_object_set(view, "guest", guest);
	return view;
}

/* How it is defined; a bench guest has nothing but its memory. */
static void add_spec(json_t *view, const struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *spec = vm_spec_json(&vm->spec);

	json_object_set_new(view, "kind", json_string(vm->spec.kernel[0] ? "linux" : "bench"));
	json_object_set_new(view, "defined", json_boolean(vm->kept));
	if (!vm->kept)
		json_object_del(spec, "autostart");
	json_object_update_missing(view, spec);
}

static bool comes_back(const struct net *net, const struct vm *vm)
{
	return !net->vm && strcmp(net->id.home, vm->name) == 0;
}

json_t *view_vm(const struct sriovd *d, const struct vm *vm, json_t *infos)
{
	static const char *const keys[] = {"uptime_ms", "first_console_ms", "exits",
					   "kvm_exits", "exit_source",	    "exits_by",
					   "devices",	"interfaces",	    "jail"};
	json_t *info = json_object_get(infos, vm->name);
	json_t *nets = json_array(), *later = json_array();
	json_t *view;

	for (const struct net *net = d->nets; net; net = net->next) {
		if (net->vm == vm)
			json_array_append_new(nets, json_string(net->id.name));
		else if (comes_back(net, vm))
			json_array_append_new(later, json_string(net->id.name));
	}
	view = json_pack("{s:s, s:s, s:i, s:i, s:o}", "name", vm->name, "state",
			 vm_state_name(vm->state), "pid", (int)vm->child.pid, "memory_mib",
			 (int)vm->spec.memory_mib, "nets", nets);
	if (vm->kept)
		json_object_set(view, "nets_at_start", later);
	json_decref(later);
	add_spec(view, vm);
	if (vm->reason[0])
		json_object_set_new(view, "reason", json_string(vm->reason));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(info, keys[i]))
			json_object_set(view, keys[i], json_object_get(info, keys[i]));
	if (json_is_string(json_object_get(info, "panic")))
		json_object_set(view, "panic", json_object_get(info, "panic"));
	if (!json_object_get(view, "interfaces"))
		json_object_set_new(view, "interfaces", json_array());
	json_object_set_new(view, "hotplug", plug_log_json(&vm->plugs));
	return view;
}

/* ---- status ---- */

static void add_child(json_t *list, const struct child *c)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:i, s:s}", "kind", child_kind_name(c->kind),
					"name", c->name, "pid", (int)c->pid, "state",
					c->running ? "running" : "dead"));
}

static void add_problem(json_t *list, const char *fmt, ...) _printf_(2, 3);

static void add_problem(json_t *list, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_array_append_new(list, json_vsprintf(fmt, ap));
	va_end(ap);
}

static json_t *problems(const struct sriovd *d)
{
	json_t *list = json_array();

	if (d->ledger_problem[0])
		add_problem(list, "%s", d->ledger_problem);
	if (d->watch_problem[0])
		add_problem(list, "%s", d->watch_problem);
	for (const struct pf *pf = d->pfs; pf; pf = pf->next) {
		if (!pf->up)
			add_problem(list, "pf %s is lost: %s", pf->name, pf->reason);
		for (unsigned int i = 0; i < VFS_MAX; i++)
			if (pf->vf[i].state == VF_QUARANTINED)
				add_problem(list, "vf %s/%u is quarantined: %s", pf->name, i,
					    pf->vf[i].reason);
	}
	for (size_t i = 0; i < d->n_bridges; i++)
		if (!d->bridges[i].up)
			add_problem(list, "bridge %s is lost: %s", d->bridges[i].cfg.name,
				    d->bridges[i].reason);
	for (const struct vm *vm = d->vms; vm; vm = vm->next)
		if (vm->state == VM_CRASHED || vm->state == VM_LOST)
			add_problem(list, "vm %s is %s: %s", vm->name, vm_state_name(vm->state),
				    vm->reason);
	for (const struct net *net = d->nets; net; net = net->next)
		if (net->state == NET_LOST)
			add_problem(list, "net %s is lost: %s; %s", net->id.name, net->reason,
				    net->again[0] ? "it is attached again by itself"
						  : "attach it again or detach it");
	for (const struct net *net = d->nets; net; net = net->next)
		if (is_down(net))
			add_problem(list, "net %s is down: %s; it is connected again by itself",
				    net->id.name, net->reason);
	return list;
}

json_t *view_status(struct sriovd *d)
{
	json_t *children = json_array();
	int n_pfs = 0, n_vms = 0, n_nets = 0;

	for (const struct pf *pf = d->pfs; pf; pf = pf->next, n_pfs++) {
		if (!pf->ops->host)
			add_child(children, &pf->snic);
		if (!pf->ops->kernel)
			add_child(children, &pf->drv);
	}
	for (size_t i = 0; i < d->n_bridges; i++)
		add_child(children, &d->bridges[i].child);
	for (const struct vm *vm = d->vms; vm; vm = vm->next, n_vms++)
		if (!vm->kept || vm->child.pid > 0)
			add_child(children, &vm->child);
	for (const struct net *net = d->nets; net; net = net->next)
		n_nets++;
	return json_pack("{s:s, s:i, s:I, s:s+, s:s, s:i, s:i, s:i, s:o, s:o}", "version",
			 SRIOVD_VERSION, "pid", (int)getpid(), "uptime_s",
			 (json_int_t)((clock_us() - d->started_us) / USEC_PER_SEC), "state_db",
			 d->cfg.state_dir, "/state.db", "run_dir", d->cfg.run_dir, "pfs", n_pfs,
			 "vms", n_vms, "nets", n_nets, "children", children, "problems",
			 problems(d));
}

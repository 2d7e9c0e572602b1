/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/bridge.h>
#include <sriovd/nic.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

#define FORCE_MS 2000

static int pick_vf(struct sriovd *d, struct net *net, struct op_error *e)
{
	char object[NAME_SIZE + 4];
	int r = -ENOSPC;

	if (net->id.pf[0] && !nic_find(d, net->id.pf))
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "net %s wants pf %s, which is not there",
			       net->id.name, net->id.pf);
	for (size_t i = 0; i < d->n_nics; i++) {
		struct nic *nic = &d->nics[i];

		if (net->id.pf[0] && strcmp(net->id.pf, nic->cfg.name) != 0)
			continue;
		if (net->id.pf[0] && !nic->up)
			return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", nic->cfg.name,
				       nic->reason);
		text_set(object, sizeof(object), "pf %s", nic->cfg.name);
		r = nic->up ? hold_take(&nic->hold, false, object, e, "attach of %s", net->id.name)
			    : -ENOSPC;
		if (r < 0)
			continue;
		r = nic_pick_vf(nic, &net->vf);
		if (r >= 0) {
			net->nic = nic;
			return 0;
		}
		hold_release(d, &nic->hold, false);
	}
	if (r == -EBUSY)
		return r;
	return op_fail(e, HTTP_CONFLICT, -ENOSPC, "no free VF on %s%s for net %s",
		       net->id.pf[0] ? "pf " : "any pf", net->id.pf, net->id.name);
}

static int pick_bridge(struct sriovd *d, struct net *net, struct op_error *e)
{
	if (net->id.vlan)
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP,
			       "net %s has VLAN %u, and the virtio bridge has no VLANs",
			       net->id.name, net->id.vlan);
	if (d->n_bridges == 0)
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "no bridge is configured");
	for (size_t i = 0; i < d->n_bridges; i++)
		if (d->bridges[i].up) {
			net->bridge = &d->bridges[i];
			return 0;
		}
	return op_fail(e, HTTP_CHILD, -ENODEV, "bridge %s is lost: %s", d->bridges[0].cfg.name,
		       d->bridges[0].reason);
}

/* The promise, written down before anything is touched. */
static int write_intent(struct sriovd *d, struct net *net, struct op_error *e)
{
	struct row_attachment row = {.vf = net->nic ? (int)net->vf : -1, .phase = PHASE_ATTACHING};
	int r;

	r = ledger_generation(d->ledger, &net->generation);
	row.generation = net->generation;
	text_set(row.net, sizeof(row.net), "%s", net->id.name);
	text_set(row.vm, sizeof(row.vm), "%s", net->vm->name);
	text_set(row.path, sizeof(row.path), "%s", net_path_name(net->path));
	text_set(row.pf, sizeof(row.pf), "%s",
		 net->nic ? net->nic->cfg.name : net->bridge->cfg.name);
	if (r >= 0)
		r = ledger_put_attachment(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	if (net->nic)
		net->nic->vf[net->vf] = (struct vf){.net = net};
	net_phase_in_memory(net, PHASE_ATTACHING);
	return 0;
}

static int plug_once(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
		     struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char mac[MAC_TEXT];
	json_t *params;
	int r;

	if (net->nic) {
		r = nic_vf_program(d, net->nic, net->vf, &net->id, e);
		if (r >= 0)
			r = nic_vf_connect(d, net->nic, net->vf, &fd, e);
		if (r < 0)
			return r;
		params = json_pack("{s:s, s:s, s:b}", "id", net->id.name, "kind", "vfio-user",
				   "trapped", net->path == PATH_EMULATED);
	} else {
		r = bridge_port_add(d, net->bridge, net->id.name,
				    net->id.spoofchk ? &net->id.mac : NULL, &fd, e);
		if (r < 0)
			return r;
		params = json_pack("{s:s, s:s, s:s}", "id", net->id.name, "kind", "vhost-user",
				   "mac", mac_format(&net->id.mac, mac));
	}
	return vm_device_add(d, net->vm, params, fd, timeout_ms, ret_added, e);
}

/* What is there under the net's name belongs to nobody: an undoing that could not reach it. */
static int plug(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
		struct op_error *e)
{
	char how[16];
	int r;

	r = plug_once(d, net, timeout_ms, ret_added, e);
	if (r != -EEXIST)
		return r;
	log_object_warning(net->vm->child.object, 0, "%s; taking it away", e->text);
	*e = (struct op_error){};
	r = vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, e);
	if (r >= 0 && net->bridge)
		r = bridge_port_remove(d, net->bridge, net->id.name, e);
	return r < 0 ? r : plug_once(d, net, timeout_ms, ret_added, e);
}

static int attach_held(struct sriovd *d, struct net *net, uint64_t timeout_ms, struct op_error *e)
{
	unsigned int *epoch = net->nic ? &net->nic->epoch : &net->bridge->epoch;
	unsigned int epoch_then = *epoch;
	bool added = false;
	char how[16];
	int r;

	r = write_intent(d, net, e);
	if (r < 0) {
		net_detached(net);
		return r;
	}
	r = plug(d, net, timeout_ms, &added, e);
	/* a NIC that died and came back has a fresh VF which nobody programmed */
	if (r >= 0 && *epoch != epoch_then)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "net %s: its %s vanished meanwhile",
			    net->id.name, net->nic ? "VF" : "bridge");
	if (r >= 0 && net->vm->state != VM_RUNNING)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "vm %s: %s", net->vm->name, net->vm->reason);
	if (r >= 0) {
		r = net_phase(d, net, PHASE_ATTACHED);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	if (r >= 0)
		return 0;

	if (added) {
		struct op_error undo = {};

		if (vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, &undo) < 0)
			log_object_warning(net->vm->child.object, 0, "undoing attach: %s",
					   undo.text);
	}
	net_release(d, net);
	return r;
}

static int attach_checked(struct sriovd *d, struct net *net, struct vm *vm,
			  const struct attach_request *rq, struct op_error *e)
{
	struct nic *nic;
	int r;

	if (net->state == NET_LOST)
		net_release(d, net);
	if (net->state != NET_DETACHED)
		return op_fail(e, HTTP_CONFLICT, -EALREADY, "net %s is attached to %s already",
			       net->id.name, net->vm ? net->vm->name : "?");
	if (vm->state != VM_RUNNING)
		return op_fail(e, HTTP_CONFLICT, -ENOTCONN, "vm %s is %s, not running", vm->name,
			       vm_state_name(vm->state));
	net->vm = vm;
	net->path = rq->path;
	r = rq->path == PATH_VIRTIO ? pick_bridge(d, net, e) : pick_vf(d, net, e);
	if (r < 0) {
		net_detached(net);
		return r;
	}
	nic = net->nic;
	r = attach_held(d, net, rq->timeout_ms, e);
	if (nic)
		hold_release(d, &nic->hold, false);
	return r;
}

int net_attach(struct sriovd *d, const struct attach_request *rq, double *ret_ms,
	       struct op_error *e)
{
	struct net *net = net_find(d, rq->net);
	struct vm *vm = vm_find(d, rq->vm);
	char object[NAME_SIZE + 4];
	int r;

	if (!net)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no net %.64s", rq->net);
	if (!vm)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no vm %.64s", rq->vm);
	text_set(object, sizeof(object), "net %s", net->id.name);
	r = hold_take(&net->hold, true, object, e, "attach of %s", net->id.name);
	if (r < 0)
		return r;
	text_set(object, sizeof(object), "vm %s", vm->name);
	r = hold_take(&vm->hold, false, object, e, "attach of %s", net->id.name);
	if (r >= 0) {
		r = attach_checked(d, net, vm, rq, e);
		hold_release(d, &vm->hold, false);
	}
	hold_release(d, &net->hold, true);
	if (r >= 0) {
		*ret_ms = (double)(clock_us() - rq->started_us) / 1000.0;
		log_info("net %s: attached to %s by %s in %.1f ms", rq->net, rq->vm,
			 net_path_name(rq->path), *ret_ms);
	}
	return r;
}

/* ---- detach ---- */

static int detach_device(struct sriovd *d, struct net *net, uint64_t deadline_ms, bool force,
			 char how[16], struct op_error *e)
{
	unsigned int *epoch = net->nic ? &net->nic->epoch : &net->bridge->epoch;
	unsigned int epoch_then = *epoch;
	int r;

	r = net_phase(d, net, PHASE_DETACHING);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	r = vm_device_remove(d, net->vm, net->id.name, deadline_ms, force, how, e);
	if (r < 0 && *epoch != epoch_then) {
		/* nobody else will: its state kept it from those who tell the nets */
		net_mark_lost(d, net, net->nic ? net->nic->reason : net->bridge->reason);
		text_set(how, 16, "lost");
		r = 0;
	}
	if (r < 0) {
		ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_ATTACHED),
			       "detach refused");
		net_phase_in_memory(net, PHASE_ATTACHED);
		return r;
	}
	net_release(d, net);
	return 0;
}

static int detach_held(struct sriovd *d, struct net *net, uint64_t deadline_ms, bool force,
		       char how[16], struct op_error *e)
{
	struct vm *vm = net->vm;
	struct nic *nic = net->nic;
	char object[NAME_SIZE + 4];
	int r;

	if (net->state == NET_LOST) {
		net_release(d, net);
		text_set(how, 16, "lost");
		return 0;
	}
	if (net->state != NET_ATTACHED)
		return op_fail(e, HTTP_CONFLICT, -ENOTCONN, "net %s is not attached", net->id.name);
	text_set(object, sizeof(object), "vm %s", vm->name);
	r = hold_take(&vm->hold, false, object, e, "detach of %s", net->id.name);
	if (r < 0)
		return r;
	if (nic) {
		text_set(object, sizeof(object), "pf %s", nic->cfg.name);
		r = hold_take(&nic->hold, false, object, e, "detach of %s", net->id.name);
	}
	if (r >= 0) {
		r = detach_device(d, net, deadline_ms, force, how, e);
		if (nic)
			hold_release(d, &nic->hold, false);
	}
	hold_release(d, &vm->hold, false);
	return r;
}

int net_detach(struct sriovd *d, const char *name, uint64_t deadline_ms, bool force, char how[16],
	       struct op_error *e)
{
	struct net *net = net_find(d, name);
	char object[NAME_SIZE + 4];
	int r;

	if (!net)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no net %.64s", name);
	text_set(object, sizeof(object), "net %s", net->id.name);
	r = hold_take(&net->hold, true, object, e, "detach of %s", net->id.name);
	if (r < 0)
		return r;
	r = detach_held(d, net, deadline_ms, force, how, e);
	hold_release(d, &net->hold, true);
	if (r >= 0)
		log_info("net %s: detached (%s)", name, how);
	return r;
}

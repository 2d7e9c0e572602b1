/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/bridge.h>
#include <sriovd/nic.h>
#include <sriovd/vm.h>
#include <string.h>

#define HOLD_US		(30 * USEC_PER_SEC)
#define FORCE_MS	2000
#define QUARANTINE_TEXT "cannot be scrubbed"

static const enum net_state net_of_phase[PHASES] = {
	[PHASE_ATTACHING] = NET_ATTACHING, [PHASE_ATTACHED] = NET_ATTACHED,
	[PHASE_DETACHING] = NET_DETACHING, [PHASE_SANITISING] = NET_DETACHING,
	[PHASE_LOST] = NET_LOST,
};
static const enum vf_state vf_of_phase[PHASES] = {
	[PHASE_ATTACHING] = VF_PREPARING, [PHASE_ATTACHED] = VF_ATTACHED,
	[PHASE_DETACHING] = VF_DETACHING, [PHASE_SANITISING] = VF_SANITISING,
	[PHASE_LOST] = VF_FREE,
};

static void phase_in_memory(struct net *net, enum phase phase)
{
	net->state = net_of_phase[phase];
	if (net->nic)
		net->nic->vf[net->vf].state = vf_of_phase[phase];
}

int net_phase(struct sriovd *d, struct net *net, enum phase phase)
{
	int r;

	r = ledger_set_phase(d->ledger, net->id.name, phase);
	if (r >= 0)
		phase_in_memory(net, phase);
	return r;
}

static void net_detached(struct net *net)
{
	if (net->nic && net->nic->vf[net->vf].net == net)
		net->nic->vf[net->vf].net = NULL;
	net->state = NET_DETACHED;
	net->vm = NULL;
	net->nic = NULL;
	net->bridge = NULL;
}

static void quarantine(struct sriovd *d, struct net *net, const char *reason)
{
	struct nic *nic = net->nic;
	struct vf *vf = &nic->vf[net->vf];
	struct row_quarantine row = {.vf = net->vf};

	*vf = (struct vf){.state = VF_QUARANTINED};
	text_set(vf->reason, sizeof(vf->reason), "%s", reason);
	text_set(row.pf, sizeof(row.pf), "%s", nic->cfg.name);
	text_set(row.reason, sizeof(row.reason), "%s", reason);
	log_object_warning(nic->pf.object, 0, "vf %u is quarantined: %s", net->vf, reason);
	ledger_trouble(d, ledger_quarantine(d->ledger, net->id.name, &row), "quarantine");
}

static void release_vf(struct sriovd *d, struct net *net)
{
	struct nic *nic = net->nic;
	struct op_error e = {};
	int r;

	ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_SANITISING),
		       "sanitising");
	phase_in_memory(net, PHASE_SANITISING);
	r = hold_wait(d, &nic->hold, false, clock_us() + HOLD_US, "scrubbing of vf %u", net->vf);
	if (r < 0) {
		quarantine(d, net, "the PF was busy for too long");
		return;
	}
	r = nic_vf_scrub(d, nic, net->vf, &e);
	if (r < 0) {
		quarantine(d, net, e.text[0] ? e.text : QUARANTINE_TEXT);
	} else {
		nic->vf[net->vf] = (struct vf){.state = VF_FREE};
		ledger_trouble(d, ledger_del_attachment(d->ledger, net->id.name), "detach");
	}
	hold_release(d, &nic->hold, false);
}

void net_release(struct sriovd *d, struct net *net)
{
	struct op_error e = {};

	if (net->nic) {
		release_vf(d, net);
	} else {
		if (net->bridge && bridge_port_remove(d, net->bridge, net->id.name, &e) < 0)
			log_object_warning(net->bridge->child.object, 0, "%s", e.text);
		ledger_trouble(d, ledger_del_attachment(d->ledger, net->id.name), "detach");
	}
	net_detached(net);
	pthread_cond_broadcast(&d->changed);
}

void net_mark_lost(struct sriovd *d, struct net *net)
{
	struct op_error e = {};
	char how[16];

	log_info("net %s: lost, its %s vanished", net->id.name, net->nic ? "VF" : "bridge");
	if (net->vm && vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, &e) < 0)
		log_object_warning(net->vm->child.object, 0, "%s", e.text);
	ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_LOST), "lost");
	if (net->nic)
		net->nic->vf[net->vf] = (struct vf){.state = VF_FREE};
	net->nic = NULL;
	net->bridge = NULL;
	net->state = NET_LOST;
}

static struct net *next_lost(struct sriovd *d, struct nic *nic, struct bridge *br)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (net->state == NET_ATTACHED && net->vm &&
		    (nic ? net->nic == nic : net->bridge == br))
			return net;
	return NULL;
}

/*
 * Others may change everything while we wait, so each round looks for the next one from the start.
 */
void nets_lost(struct sriovd *d, struct nic *nic, struct bridge *br)
{
	struct net *net;
	int r = 0;

	while (r != -ECANCELED && (net = next_lost(d, nic, br))) {
		uint64_t deadline_us = clock_us() + HOLD_US;
		struct vm *vm = net->vm;

		r = hold_wait(d, &vm->hold, false, deadline_us, "removal of %s", net->id.name);
		if (r < 0)
			continue;
		net = next_lost(d, nic, br);
		if (net && net->vm == vm && !net->hold.exclusive) {
			net->hold.exclusive = true;
			text_set(net->hold.what, sizeof(net->hold.what), "surprise removal");
			net_mark_lost(d, net);
			hold_release(d, &net->hold, true);
		}
		hold_release(d, &vm->hold, false);
	}
}

/* ---- attach ---- */

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
	phase_in_memory(net, PHASE_ATTACHING);
	return 0;
}

static int plug(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
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
	if (r < 0 && *epoch != epoch_then)
		r = vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, e);
	if (r < 0) {
		ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_ATTACHED),
			       "detach refused");
		phase_in_memory(net, PHASE_ATTACHED);
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

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attrs.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

#define FORCE_MS 2000

/* May this PF serve it? Those that cannot are passed over, unless the net names them. */
static int pf_suits(const struct net *net, const struct pf *pf, struct op_error *e)
{
	if (!pf->up)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", pf->name, pf->reason);
	if (net->path == PATH_EMULATED && !pf->ops->traps)
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP,
			       "net %s: path emulated needs a software PF, pf %s is the host's",
			       net->id.name, pf->name);
	return attrs_allowed(&net->id, pf->caps, pf->name, e);
}

static int pick_vf(struct sriovd *d, struct net *net, struct op_error *e)
{
	int r = -ENOSPC;

	if (net->id.pf[0] && !pf_find(d, net->id.pf))
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "net %s wants pf %s, which is not there",
			       net->id.name, net->id.pf);
	for (struct pf *pf = d->pfs; pf; pf = pf->next) {
		struct op_error why = {};
		int now;

		if (net->id.pf[0] && strcmp(net->id.pf, pf->name) != 0)
			continue;
		now = pf_suits(net, pf, &why);
		if (now >= 0)
			now = hold_take(&pf->hold, false, pf->object, &why, "attach of %s",
					net->id.name);
		if (now >= 0) {
			now = pf_pick_vf(pf, &net->vf);
			if (now >= 0) {
				net->pf = pf;
				return 0;
			}
			hold_release(d, &pf->hold, false);
		}
		/* what can be waited for tells more than what never will be */
		if (r == -ENOSPC || now == -EBUSY) {
			r = now;
			*e = why;
		}
	}
	if (r != -ENOSPC && (r != -ENODEV || net->id.pf[0]))
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
	struct row_attachment row = {.vf = net->pf ? (int)net->vf : -1, .phase = PHASE_ATTACHING};
	int r;

	r = ledger_generation(d->ledger, &net->generation);
	row.generation = net->generation;
	text_set(row.net, sizeof(row.net), "%s", net->id.name);
	text_set(row.vm, sizeof(row.vm), "%s", net->vm->name);
	text_set(row.path, sizeof(row.path), "%s", net_path_name(net->path));
	text_set(row.pf, sizeof(row.pf), "%s", net->pf ? net->pf->name : net->bridge->cfg.name);
	if (r >= 0)
		r = ledger_put_attachment(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	if (net->pf)
		net->pf->vf[net->vf] = (struct vf){.net = net};
	net_phase_in_memory(net, PHASE_ATTACHING);
	return 0;
}

static int plug_vf(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
		   struct op_error *e)
{
	struct vf_handle h = {};
	int r;

	r = pf_vf_program(d, net->pf, net->vf, &net->id, e);
	if (r >= 0)
		r = pf_vf_open(d, net->pf, net->vf, &h, e);
	if (r < 0)
		return r;
	r = vm_device_add(d, net->vm,
			  json_pack("{s:s, s:s, s:b}", "id", net->id.name, "kind", h.kind,
				    "trapped", net->path == PATH_EMULATED),
			  h.fds, h.n_fds, ret_added, e);
	/* ours are closed before the guest is waited for: the VM alone has the VF then */
	vf_handle_done(&h);
	return r < 0 ? r : vm_device_wait(d, net->vm, net->id.name, timeout_ms, e);
}

static int plug_once(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
		     struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char mac[MAC_TEXT];
	int r;

	if (net->pf)
		return plug_vf(d, net, timeout_ms, ret_added, e);
	r = bridge_port_add(d, net->bridge, net->id.name, net->id.spoofchk ? &net->id.mac : NULL,
			    &fd, e);
	if (r >= 0)
		r = vm_device_add(d, net->vm,
				  json_pack("{s:s, s:s, s:s}", "id", net->id.name, "kind",
					    "vhost-user", "mac", mac_format(&net->id.mac, mac)),
				  &fd, 1, ret_added, e);
	return r < 0 ? r : vm_device_wait(d, net->vm, net->id.name, timeout_ms, e);
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
	unsigned int *epoch = net->pf ? &net->pf->epoch : &net->bridge->epoch;
	unsigned int epoch_then = *epoch;
	bool added = false;
	char object[NAME_SIZE + 4], how[16];
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
			    net->id.name, net->pf ? "VF" : "bridge");
	if (r >= 0 && net->vm->state != VM_RUNNING)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "vm %s: %s", net->vm->name, net->vm->reason);
	if (r >= 0) {
		r = net_phase(d, net, PHASE_ATTACHED);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	if (r >= 0) {
		event_add(d, net_object(net, object), "attached", "to vm %s", net->vm->name);
		return 0;
	}
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
	struct pf *pf;
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
	pf = net->pf;
	r = attach_held(d, net, rq->timeout_ms, e);
	if (pf)
		hold_release(d, &pf->hold, false);
	return r;
}

/* Where it is attached again: kept by who attaches and detaches, not by how a VM or a NIC ends. */
static void home_set(struct sriovd *d, struct net *net, const char *vm, const char *path)
{
	if (strcmp(net->id.home, vm) == 0 && strcmp(net->id.home_path, path) == 0)
		return;
	text_set(net->id.home, sizeof(net->id.home), "%s", vm);
	text_set(net->id.home_path, sizeof(net->id.home_path), "%s", path);
	ledger_trouble(d, ledger_put_net(d->ledger, &net->id), "nets");
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
		if (r >= 0)
			home_set(d, net, vm->kept ? vm->name : "",
				 vm->kept ? net_path_name(rq->path) : "");
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
	unsigned int *epoch = net->pf ? &net->pf->epoch : &net->bridge->epoch;
	unsigned int epoch_then = *epoch;
	char object[NAME_SIZE + 4];
	int r;

	r = net_phase(d, net, PHASE_DETACHING);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	r = vm_device_remove(d, net->vm, net->id.name, deadline_ms, force, how, e);
	if (r < 0 && *epoch != epoch_then) {
		/* nobody else will: its state kept it from those who tell the nets */
		net_mark_lost(d, net, net->pf ? net->pf->loss : net->bridge->reason);
		text_set(how, 16, "lost");
		r = 0;
	}
	if (r < 0) {
		ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_ATTACHED),
			       "detach refused");
		net_phase_in_memory(net, PHASE_ATTACHED);
		return r;
	}
	event_add(d, net_object(net, object), "detached", "%s", how);
	net_release(d, net);
	return 0;
}

static int detach_held(struct sriovd *d, struct net *net, uint64_t deadline_ms, bool force,
		       char how[16], struct op_error *e)
{
	struct vm *vm = net->vm;
	struct pf *pf = net->pf;
	char object[NAME_SIZE + 4];
	int r;

	if (net->state == NET_LOST) {
		net_release(d, net);
		text_set(how, 16, "lost");
		return 0;
	}
	if (net->state == NET_DETACHED && net->id.home[0]) {
		text_set(how, 16, "gone"); /* its VM does not run: it will not come back to it */
		return 0;
	}
	if (net->state != NET_ATTACHED)
		return op_fail(e, HTTP_CONFLICT, -ENOTCONN, "net %s is not attached", net->id.name);
	text_set(object, sizeof(object), "vm %s", vm->name);
	r = hold_take(&vm->hold, false, object, e, "detach of %s", net->id.name);
	if (r < 0)
		return r;
	if (pf)
		r = hold_take(&pf->hold, false, pf->object, e, "detach of %s", net->id.name);
	if (r >= 0) {
		r = detach_device(d, net, deadline_ms, force, how, e);
		if (pf)
			hold_release(d, &pf->hold, false);
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
	if (r >= 0)
		home_set(d, net, "", "");
	hold_release(d, &net->hold, true);
	if (r >= 0)
		log_info("net %s: detached (%s)", name, how);
	return r;
}

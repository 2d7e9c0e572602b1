/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

#define FORCE_MS 2000

/* The promise, written down before anything is touched. */
static int write_intent(struct sriovd *d, struct net *net, struct op_error *e)
{
	struct row_attachment row = {.vf = net->pf ? (int)net->vf : -1, .phase = PHASE_ATTACHING};
	int r;

	r = ledger_generation(d->ledger, &net->generation);
	row.generation = net->generation;
	text_set(row.net, sizeof(row.net), "%s", net->id.name);
	text_set(row.vm, sizeof(row.vm), "%s", net->vm->name);
	net_way_row(net, &row);
	if (r >= 0)
		r = ledger_put_attachment(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	if (net->pf)
		net->pf->vf[net->vf] = (struct vf){.net = net};
	net_phase_in_memory(net, PHASE_ATTACHING);
	return 0;
}

/* What is there under the net's name belongs to nobody: an undoing that could not reach it. */
static int plug(struct sriovd *d, struct net *net, uint64_t timeout_ms, bool *ret_added,
		struct op_error *e)
{
	char how[16];
	int r;

	r = net_plug(d, net, ret_added, e);
	if (r == -EEXIST) {
		log_object_warning(net->vm->child.object, 0, "%s; taking it away", e->text);
		*e = (struct op_error){};
		r = vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, e);
		if (r >= 0)
			r = net_unplug(d, net, e);
		if (r >= 0)
			r = net_plug(d, net, ret_added, e);
	}
	return r < 0 ? r : vm_device_wait(d, net->vm, net->id.name, timeout_ms, e);
}

/* Changes when its VF is lost; one that loses its bridge is only down. */
static unsigned int epoch_of(const struct net *net)
{
	return net->pf ? net->pf->epoch : 0;
}

static int attach_held(struct sriovd *d, struct net *net, uint64_t timeout_ms, struct op_error *e)
{
	unsigned int epoch_then = epoch_of(net);
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
	if (r >= 0 && epoch_of(net) != epoch_then)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "net %s: its VF vanished meanwhile",
			    net->id.name);
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

/* What is to be attached has to be free, what returns has to be lost, and still of this VM. */
static int make_ready(struct sriovd *d, struct net *net, const struct vm *vm,
		      const struct attach_request *rq, struct op_error *e)
{
	if (rq->again && (net->state != NET_LOST || net->vm != vm || !net->again[0]))
		return op_fail(e, HTTP_CONFLICT, -ECANCELED, "net %s does not return to %s",
			       net->id.name, vm->name);
	if (!rq->again && net->state == NET_LOST)
		net_release(d, net);
	if (!rq->again && net->state != NET_DETACHED)
		return op_fail(e, HTTP_CONFLICT, -EALREADY, "net %s is attached to %s already",
			       net->id.name, net->vm ? net->vm->name : "?");
	if (vm->state != VM_RUNNING)
		return op_fail(e, HTTP_CONFLICT, -ENOTCONN, "vm %s is %s, not running", vm->name,
			       vm_state_name(vm->state));
	return 0;
}

static int attach_checked(struct sriovd *d, struct net *net, struct vm *vm,
			  const struct attach_request *rq, struct op_error *e)
{
	char again[NAME_SIZE], reason[LEDGER_REASON];
	struct pf *pf;
	int r;

	r = make_ready(d, net, vm, rq, e);
	if (r < 0)
		return r;
	text_set(again, sizeof(again), "%s", net->again);
	text_set(reason, sizeof(reason), "%s", net->reason);
	net->vm = vm;
	net->way = rq->way;
	r = net_pick(d, net, e);
	if (r < 0) {
		if (!rq->again)
			net_detached(net);
		return r;
	}
	pf = net->pf;
	r = attach_held(d, net, rq->timeout_ms, e);
	if (r < 0 && rq->again) {
		net->way = rq->way;
		net->way.backend = BACKEND_NIC;
		net_set_lost(d, net, vm, again, reason);
	}
	if (r >= 0)
		net->again[0] = '\0';
	if (pf)
		hold_release(d, &pf->hold, false);
	return r;
}

static const struct net_way nowhere;

/* Where it is attached again: kept by who attaches and detaches, not by how a VM or a NIC ends. */
static void home_set(struct sriovd *d, struct net *net, const char *vm, const struct net_way *way)
{
	struct row_net row = net->id;

	text_set(row.home, sizeof(row.home), "%s", vm);
	text_set(row.home_path, sizeof(row.home_path), "%s", vm[0] ? net_path_name(way->path) : "");
	text_set(row.home_backend, sizeof(row.home_backend), "%s", net_backend_name(way->backend));
	text_set(row.home_link, sizeof(row.home_link), "%s", way->link);
	row.home_queues = way->queues;
	if (strcmp(row.home, net->id.home) == 0 && strcmp(row.home_path, net->id.home_path) == 0 &&
	    strcmp(row.home_backend, net->id.home_backend) == 0 &&
	    strcmp(row.home_link, net->id.home_link) == 0 && row.home_queues == net->id.home_queues)
		return;
	net->id = row;
	ledger_trouble(d, ledger_put_net(d->ledger, &net->id), "nets");
}

/* For vm show: which of the ends that an attach can have it was. */
static void attach_told(struct sriovd *d, struct vm *vm, const struct attach_request *rq, int r,
			const struct op_error *e)
{
	const char *result = r >= 0 ? "attached" : r == -ETIMEDOUT ? "not-taken" : "failed";

	if (!rq->again)
		vm_plug_end(d, vm, rq->net, result, r < 0 ? op_text(e, r) : "");
	else if (r >= 0)
		vm_plug_add(d, vm, rq->net, result, "it returned to its VM");
}

int net_attach(struct sriovd *d, const struct attach_request *rq, double *ret_ms,
	       struct op_error *e)
{
	char object[NAME_SIZE + 4];
	struct net *net;
	struct vm *vm;
	int r;

	pf_await_probes(d);
	net = net_find(d, rq->net);
	vm = vm_find(d, rq->vm);
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
		if (!rq->again)
			plug_log_begin(&vm->plugs, rq->net, PLUG_ATTACH);
		r = attach_checked(d, net, vm, rq, e);
		attach_told(d, vm, rq, r, e);
		if (r >= 0)
			home_set(d, net, vm->kept ? vm->name : "", vm->kept ? &rq->way : &nowhere);
		hold_release(d, &vm->hold, false);
	}
	hold_release(d, &net->hold, true);
	if (r >= 0) {
		*ret_ms = (double)(clock_us() - rq->started_us) / 1000.0;
		log_info("net %s: attached to %s by %s in %.1f ms", rq->net, rq->vm,
			 net_path_name(rq->way.path), *ret_ms);
	}
	return r;
}

/* ---- detach ---- */

/* With force too the guest is asked first, and has its deadline. */
static int remove_asked(struct sriovd *d, struct net *net, uint64_t deadline_ms, bool force,
			char how[16], struct op_error *e)
{
	int r = -ETIMEDOUT;

	if (!force || deadline_ms > 0)
		r = vm_device_remove(d, net->vm, net->id.name, deadline_ms, false, how, e);
	if (r != -ETIMEDOUT || !force)
		return r;
	return vm_device_remove(d, net->vm, net->id.name, FORCE_MS, true, how, e);
}

static int detach_device(struct sriovd *d, struct net *net, uint64_t deadline_ms, bool force,
			 char how[16], struct op_error *e)
{
	unsigned int epoch_then = epoch_of(net);
	char object[NAME_SIZE + 4];
	int r;

	r = net_phase(d, net, PHASE_DETACHING);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	r = remove_asked(d, net, deadline_ms, force, how, e);
	if (r < 0 && epoch_of(net) != epoch_then) {
		/* nobody else will: its state kept it from those who tell the nets */
		net_mark_lost(d, net, net->pf->loss);
		net_release(d, net);
		text_set(how, 16, "lost");
		return 0;
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

static void detach_told(struct sriovd *d, struct vm *vm, const char *net, int r, const char *how,
			const struct op_error *e)
{
	const char *result = r >= 0 ? how : r == -ETIMEDOUT ? "refused" : "failed";

	vm_plug_end(d, vm, net, result, r < 0 ? op_text(e, r) : "");
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
		plug_log_begin(&vm->plugs, net->id.name, PLUG_DETACH);
		r = detach_device(d, net, deadline_ms, force, how, e);
		detach_told(d, vm, net->id.name, r, how, e);
		if (pf)
			hold_release(d, &pf->hold, false);
	}
	hold_release(d, &vm->hold, false);
	return r;
}

int net_detach(struct sriovd *d, const char *name, uint64_t deadline_ms, bool force, char how[16],
	       struct op_error *e)
{
	char object[NAME_SIZE + 4];
	struct net *net;
	int r;

	pf_await_probes(d);
	net = net_find(d, name);
	if (!net)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no net %.64s", name);
	text_set(object, sizeof(object), "net %s", net->id.name);
	r = hold_take(&net->hold, true, object, e, "detach of %s", net->id.name);
	if (r < 0)
		return r;
	r = detach_held(d, net, deadline_ms, force, how, e);
	if (r >= 0)
		home_set(d, net, "", &nowhere);
	hold_release(d, &net->hold, true);
	if (r >= 0)
		log_info("net %s: detached (%s)", name, how);
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <signal.h>
#include <sriovd/attach.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/reconcile.h>
#include <sriovd/sock.h>
#include <sriovd/stray.h>
#include <sriovd/tap.h>
#include <sriovd/vm.h>
#include <sriovd/watch.h>
#include <string.h>
#include <sys/pidfd.h>

#include "attach_internal.h"
#include "reconcile_internal.h"

#define EJECT_MS    2000
#define CLOSE_US    (30 * USEC_PER_SEC)
#define BUSY_US	    (50 * USEC_PER_MSEC)
#define PATIENCE_US (10 * USEC_PER_SEC)
#define GUEST_MS    20000 /* a kernel has disks to write */

/* Somebody may have taken it out of its bridge, or made that anew. */
static void settle_tap(const struct net *net)
{
	struct op_error e = {};
	char tap[IFNAMSIZ];

	tap_name(net->id.name, tap);
	if (tap_join(tap, net->way.link, &e) < 0)
		log_warning(0, "net %s: %s", net->id.name, e.text);
}

/* A net whose operation was interrupted, or whose VM or VF may be gone. */
static void settle_attached(struct sriovd *d, struct net *net)
{
	stray_settle(d, net, false);
	if (net->state != NET_ATTACHED)
		return;
	if (net->way.backend == BACKEND_TAP)
		settle_tap(net);
	else if (!net->pf && !net->bridge)
		net_mark_lost(d, net, "it is not configured any more");
	else if (net->pf && !net->pf->ops->alive(d, net->pf))
		net_mark_lost(d, net,
			      net->pf->snic.reason[0] ? net->pf->snic.reason
						      : "its PF lost its VFs");
	else if (net->bridge && !net->bridge->child.running)
		net_down(d, net, net->bridge->child.reason);
}

static void settle_detaching(struct sriovd *d, struct net *net)
{
	char how[16];

	/* whoever asked is gone, so nobody allowed force: a guest that holds on keeps it */
	if (vm_device_remove(d, net->vm, net->id.name, EJECT_MS, false, how, NULL) < 0) {
		log_info("net %s: %s keeps it, attached again", net->id.name, net->vm->name);
		ledger_trouble(d, net_phase(d, net, PHASE_ATTACHED), "settling");
		return;
	}
	log_info("net %s: interrupted detach finished", net->id.name);
	net_release(d, net);
}

static void settle_attaching(struct sriovd *d, struct net *net)
{
	char again[NAME_SIZE], how[16];
	struct vm *vm = net->vm;

	log_info("net %s: interrupted attach undone", net->id.name);
	text_set(again, sizeof(again), "%s", net->again);
	if (vm_device_remove(d, vm, net->id.name, EJECT_MS, true, how, NULL) < 0)
		log_warning(0, "net %s: %s does not give it back", net->id.name, vm->name);
	net_release(d, net);
	if (again[0])
		net_set_lost(d, net, vm, again, "its VF vanished under an earlier sriovd");
}

static void settle_net(struct sriovd *d, struct net *net)
{
	if (!net->vm || net->vm->state != VM_RUNNING) {
		net_release(d, net);
		return;
	}
	switch (net->state) {
	case NET_ATTACHING:
		settle_attaching(d, net);
		break;
	case NET_ATTACHED:
		settle_attached(d, net);
		break;
	case NET_DETACHING:
		settle_detaching(d, net);
		break;
	case NET_DETACHED:
	case NET_LOST:
	case NET_STATES:
		break;
	}
}

/* Those whose PF or bridge runs, or those whose does not: the latter before it is started anew. */
static void settle_nets(struct sriovd *d, bool running)
{
	for (struct net *net = d->nets; net; net = net->next) {
		bool runs = net->pf ? pf_ready(d, net->pf)
				    : net->way.backend == BACKEND_TAP ||
					      (net->bridge && net->bridge->child.running);

		if (net->state != NET_DETACHED && runs == running)
			settle_net(d, net);
	}
}

static void settle_vm(struct sriovd *d, struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *info = NULL;
	const char *state = "", *reason = "";

	if (vm->child.running)
		vm->fresh = false;
	if (vm->state == VM_STARTING || vm->state == VM_STOPPING) {
		log_info("vm %s: interrupted %s, stopping it", vm->name,
			 vm->state == VM_STARTING ? "start" : "stop");
		child_stop(d, &vm->child);
		vm->state = VM_STOPPED;
		text_set(vm->reason, sizeof(vm->reason), "sriovd ended in the middle of it");
	} else if (vm->state == VM_RUNNING && vm->fresh && vm->kept) {
		vm->state = VM_STOPPED;
		text_set(vm->reason, sizeof(vm->reason), "the host was started anew");
	} else if (vm->state == VM_RUNNING && !vm->child.running) {
		vm->state = VM_LOST;
		text_set(vm->reason, sizeof(vm->reason), "it ended while no sriovd watched");
	} else if (vm->state == VM_RUNNING && vm_info(d, vm, &info, NULL) >= 0 &&
		   json_unpack(info, "{s:s, s?s}", "state", &state, "reason", &reason) >= 0 &&
		   strcmp(state, "running") != 0 && strcmp(state, "new") != 0) {
		child_stop(d, &vm->child);
		vm->state = strcmp(state, "stopped") == 0 ? VM_STOPPED : VM_CRASHED;
		text_set(vm->reason, sizeof(vm->reason), "%s", reason);
	} else {
		return;
	}
	ledger_trouble(d, vm_put(d, vm), "vms");
}

static void bring_up_all(struct sriovd *d)
{
	struct op_error e;
	int r;

	for (struct pf *pf = d->pfs; pf; pf = pf->next) {
		e.text[0] = '\0';
		r = pf_bring_up(d, pf, &e);
		if (r >= 0)
			continue;
		text_set(pf->reason, sizeof(pf->reason), "%s", op_text(&e, r));
		log_object_error(pf->object, 0, "%s; trying again", pf->reason);
		pf_recover(d, pf);
	}
	for (size_t i = 0; i < d->n_bridges; i++) {
		struct bridge *br = &d->bridges[i];

		e.text[0] = '\0';
		r = bridge_bring_up(d, br, &e);
		if (r >= 0)
			continue;
		text_set(br->reason, sizeof(br->reason), "%s", op_text(&e, r));
		log_object_error(br->child.object, 0, "%s; trying again", br->reason);
		bridge_recover(d, br);
	}
}

/* Nets hold VFs by their row; a VM that is not there leaves a net whose row only waits for
 * scrubbing. */
int reconcile_start(struct sriovd *d)
{
	int r;

	r = reconcile_adopt(d);
	if (r < 0)
		return r;
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		settle_vm(d, vm);
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		if (vm->state == VM_RUNNING)
			stray_remove(d, vm);
	settle_nets(d, false);
	bring_up_all(d);
	settle_nets(d, true);
	d->settled = true;
	vm_autostart(d);
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		vm_return(d, vm);
	for (size_t i = 0; i < d->n_bridges; i++)
		bridge_relink(d, &d->bridges[i]);
	return janitor_start(d);
}

static int refuse_running(struct sriovd *d, struct op_error *e)
{
	char names[192] = "";

	for (struct vm *vm = d->vms; vm; vm = vm->next) {
		size_t n = strlen(names);

		if (vm->state == VM_RUNNING || vm->state == VM_STARTING)
			text_set(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", vm->name);
	}
	if (!names[0])
		return 0;
	return op_fail(e, HTTP_CONFLICT, -EBUSY, "still running: %s; \"vms\" stops them too",
		       names);
}

/*
 * Whoever works on the VM is waited for; but everything stops, so after a while the VMM is killed,
 * and whatever waits for its answer ends with it.
 */
static int stop_one(struct sriovd *d, const char *name, struct op_error *e)
{
	uint64_t start_us = clock_us();
	char how[16];
	int r;

	for (;;) {
		struct vm *vm = vm_find(d, name);

		r = vm_stop(d, name, true,
			    vm && vm->spec.kernel[0] ? GUEST_MS : VM_STOP_DEADLINE_MS, how, e);
		if (r != -EBUSY || clock_us() - start_us >= CLOSE_US)
			return r;
		vm = vm_find(d, name);
		if (vm && vm->child.pidfd >= 0 && clock_us() - start_us >= PATIENCE_US)
			pidfd_send_signal(vm->child.pidfd, SIGKILL, NULL, 0);
		r = state_sleep(d, BUSY_US);
		if (r < 0)
			return r;
	}
}

/* One that is defined stays, stopped; the others are forgotten. */
static const struct vm *vm_to_stop(const struct sriovd *d)
{
	for (const struct vm *vm = d->vms; vm; vm = vm->next)
		if (!vm->kept || vm->ending || vm->child.running || vm->state == VM_RUNNING ||
		    vm->state == VM_STARTING || vm->state == VM_STOPPING)
			return vm;
	return NULL;
}

static int stop_vms(struct sriovd *d, json_t *stopped, struct op_error *e)
{
	const struct vm *next;
	char name[NAME_SIZE];
	int r;

	while ((next = vm_to_stop(d))) {
		struct op_error why = {};

		text_set(name, sizeof(name), "%s", next->name);
		r = stop_one(d, name, &why);
		if (r >= 0)
			json_array_append_new(stopped, json_sprintf("vm %s", name));
		else if (r != -ENOENT)
			return op_fail(e, HTTP_INTERNAL, r, "vm %s: %s", name, op_text(&why, r));
	}
	/* the next sriovd starts those that are marked so, as after a start of the host */
	for (struct vm *vm = d->vms; vm; vm = vm->next) {
		vm->fresh = true;
		ledger_trouble(d, vm_put(d, vm), "vms");
	}
	return 0;
}

/* A shutdown that failed: everything that ended for it, or was not listened to, takes up again. */
static void reopen(struct sriovd *d)
{
	d->closing = false;
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		vm->fresh = false;
	for (struct pf *pf = d->pfs; pf; pf = pf->next)
		if (!pf->up)
			pf_recover(d, pf);
	for (size_t i = 0; i < d->n_bridges; i++)
		if (!d->bridges[i].up)
			bridge_recover(d, &d->bridges[i]);
	for (size_t i = 0; i < d->n_bridges; i++)
		bridge_relink(d, &d->bridges[i]);
	/* as if they had cut us off: the janitor asks what we missed */
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		if (vm->child.event_fd >= 0) {
			watch_del(d, vm->child.event_fd);
			vm->child.event_fd = fd_close(vm->child.event_fd);
		}
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		vm_return(d, vm);
	if (janitor_start(d) < 0)
		log_warning(0, "quarantined VFs wait for the next start");
}

static void stop_bridge(struct sriovd *d, struct bridge *br)
{
	uint64_t deadline_us = clock_us() + CLOSE_US;

	br->up = false;
	while (br->recovering && state_wait(d, deadline_us) >= 0)
		;
	br->up = false;
	child_stop(d, &br->child);
	sock_sweep(br->dir);
}

/* One may be removed while we wait for it, or those before it: so where we are is asked anew. */
static void stop_pfs(struct sriovd *d, json_t *stopped)
{
	struct pf *pf;
	size_t n = 0;

	while ((pf = pf_at(d, n))) {
		int r;

		pf_ref(pf);
		r = hold_wait(d, &pf->hold, true, clock_us() + CLOSE_US, "shutdown");
		if (r != -ESTALE) {
			pf_stop(d, pf);
			json_array_append_new(stopped, json_sprintf("pf %s", pf->name));
			for (n = 0; pf_at(d, n) && pf_at(d, n) != pf;)
				n++;
			n++;
		}
		if (r >= 0)
			hold_release(d, &pf->hold, true);
		pf_unref(d, pf);
	}
}

int reconcile_shutdown(struct sriovd *d, bool vms, json_t *stopped, struct op_error *e)
{
	int r;

	if (d->closing)
		return op_fail(e, HTTP_CONFLICT, -EALREADY, "sriovd is shutting down already");
	r = vms ? 0 : refuse_running(d, e);
	if (r < 0)
		return r;
	d->closing = true;
	pthread_cond_broadcast(&d->changed);
	r = stop_vms(d, stopped, e);
	if (r < 0) {
		reopen(d);
		return r;
	}
	/* recovery jobs end by themselves, now that closing is set */
	stop_pfs(d, stopped);
	for (size_t i = 0; i < d->n_bridges; i++) {
		stop_bridge(d, &d->bridges[i]);
		json_array_append_new(stopped, json_sprintf("bridge %s", d->bridges[i].cfg.name));
	}
	return 0;
}

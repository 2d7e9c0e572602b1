/* SPDX-License-Identifier: BSD-3-Clause */
/* What children tell the loop: events and their end. Nothing here waits; jobs do the work. */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/stray.h>
#include <sriovd/vm.h>
#include <sriovd/watch.h>
#include <stddef.h>
#include <string.h>

#include "reconcile_internal.h"

#define EVENTS_A_TURN	16
#define JANITOR_US	(1 * USEC_PER_SEC)
#define RETRY_MIN_US	(1 * USEC_PER_SEC)
#define RETRY_SHIFT_MAX 5u

#define owner_of(c, type, member) ((type *)((char *)(c)-offsetof(type, member)))

void child_ended(struct sriovd *d, struct child *c)
{
	struct bridge *br;
	struct pf *pf;

	child_died(d, c);
	switch (c->kind) {
	case CHILD_SOFT_NIC:
		pf_lose(d, owner_of(c, struct pf, snic), c->reason);
		break;
	case CHILD_PF:
		pf = owner_of(c, struct pf, drv);
		text_set(pf->reason, sizeof(pf->reason), "%s", c->reason);
		event_add(d, pf->object, "driver-died", "%s", c->reason);
		pf_recover(d, pf);
		break;
	case CHILD_BRIDGE:
		br = owner_of(c, struct bridge, child);
		br->epoch++;
		text_set(br->reason, sizeof(br->reason), "%s", c->reason);
		bridge_recover(d, br);
		bridge_down(d, br, c->reason);
		break;
	case CHILD_VMM:
		vm_end(d, owner_of(c, struct vm, child), VM_CRASHED, c->reason);
		break;
	case CHILD_KINDS:
		break;
	}
}

/* The kernel waits until nobody has the PF any more; recovery lets go of it. */
void child_wanted(struct sriovd *d, struct child *c)
{
	struct pf *pf = owner_of(c, struct pf, drv);
	char reason[LEDGER_REASON];

	watch_del(d, pf->request_fd);
	pf->request_fd = fd_close(pf->request_fd);
	pf->requested = true;
	text_set(reason, sizeof(reason), "the host wants %s back", pf->host.bdf);
	log_object_warning(pf->object, 0, "%s", reason);
	pf_lose(d, pf, reason);
}

static void on_vm_state(struct sriovd *d, struct child *c, json_t *data)
{
	const char *state = "", *reason = "";

	if (json_unpack(data, "{s:s, s?s}", "state", &state, "reason", &reason) < 0)
		return;
	if (strcmp(state, "crashed") == 0)
		vm_end(d, owner_of(c, struct vm, child), VM_CRASHED, reason);
	else if (strcmp(state, "stopped") == 0)
		vm_end(d, owner_of(c, struct vm, child), VM_STOPPED,
		       reason[0] ? reason : "the guest switched itself off");
}

/* It is gone, or there without its back end: which of them, and whether anybody asked, is for a job
 * to find out. */
static void on_device(struct sriovd *d, struct child *c, json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "id"));
	const char *how = json_string_value(json_object_get(data, "how"));
	struct net *net = id ? net_find(d, id) : NULL;

	if (net && net->vm == owner_of(c, struct vm, child) && net->state != NET_DETACHED)
		stray_start(d, net, how && strcmp(how, "host") == 0);
}

static bool says_lost(const char *event, json_t *data)
{
	const char *state = json_string_value(json_object_get(data, "state"));

	return strcmp(event, "device.state") == 0 && state && strcmp(state, "lost") == 0;
}

static void on_pf_event(struct sriovd *d, struct child *c, const char *name, json_t *data)
{
	struct pf *pf = owner_of(c, struct pf, drv);

	if (strcmp(name, "pf.link") == 0) {
		pf->link = json_is_true(json_object_get(data, "up"));
		event_add(d, pf->object, "link", pf->link ? "up" : "down");
	}
	if (strcmp(name, "pf.lost") != 0 || !pf->up)
		return;
	text_set(pf->reason, sizeof(pf->reason), "the PF does not answer %s", c->object);
	pf_recover(d, pf);
}

void child_events(struct sriovd *d, struct child *c)
{
	for (int i = 0; i < EVENTS_A_TURN; i++) {
		_cleanup_(json_decrefp) json_t *event = NULL;
		const char *name = "";
		json_t *data = NULL;
		int r;

		r = ctl_recv_event(c->event_fd, &event);
		if (r == -EAGAIN)
			return;
		if (r == -EBADMSG)
			continue;
		if (r < 0) {
			/*
			 * its end comes by the pidfd; if it only cut us off, the janitor comes back
			 */
			watch_del(d, c->event_fd);
			c->event_fd = fd_close(c->event_fd);
			return;
		}
		if (json_unpack(event, "{s:s, s?o}", "event", &name, "data", &data) < 0)
			continue;
		log_object_debug(c->object, "event %s", name);
		if (c->kind == CHILD_VMM && strcmp(name, "vm.state") == 0)
			on_vm_state(d, c, data);
		else if (c->kind == CHILD_VMM &&
			 (strcmp(name, "device.removed") == 0 || says_lost(name, data)))
			on_device(d, c, data);
		else if (c->kind == CHILD_PF)
			on_pf_event(d, c, name, data);
	}
}

/* ---- janitor ---- */

static void retry_vf(struct sriovd *d, struct pf *pf, unsigned int i)
{
	struct vf *vf = &pf->vf[i];
	struct op_error e = {};
	int r;

	if (hold_take(&pf->hold, false, "", &e, "scrubbing of vf %u", i) < 0)
		return;
	vf->state = VF_SANITISING;
	r = pf_vf_scrub(d, pf, i, &e);
	if (r >= 0) {
		*vf = (struct vf){.state = VF_FREE};
		ledger_trouble(d, ledger_del_quarantine(d->ledger, pf->name, i), "quarantine");
		log_object_info(pf->object, "vf %u is clean again", i);
		event_add(d, pf->object, "vf-clean", "vf %u is clean again", i);
	} else {
		vf->state = VF_QUARANTINED;
		text_set(vf->reason, sizeof(vf->reason), "%s", op_text(&e, r));
		vf->retry_us = clock_us() + (RETRY_MIN_US << vf->tries);
		if (vf->tries < RETRY_SHIFT_MAX)
			vf->tries++;
	}
	hold_release(d, &pf->hold, false);
}

static void retry_vfs(struct sriovd *d, struct pf *pf)
{
	for (unsigned int i = 0; i < VFS_MAX; i++)
		if (pf->up && i < pf->num_vfs && !d->closing && !pf->removed &&
		    pf->vf[i].state == VF_QUARANTINED && pf->vf[i].retry_us <= clock_us())
			retry_vf(d, pf, i);
}

static bool cut_off(const struct child *c)
{
	return c->running && c->event_fd < 0;
}

static void resubscribe_pf(struct sriovd *d, struct pf *pf)
{
	struct op_error e;

	if ((!cut_off(&pf->snic) && !cut_off(&pf->drv)) ||
	    hold_take(&pf->hold, false, "", &e, "subscription") < 0)
		return;
	if (cut_off(&pf->snic) && child_resubscribe(d, &pf->snic) < 0)
		log_object_debug(pf->snic.object, "no events");
	if (cut_off(&pf->drv) && child_resubscribe(d, &pf->drv) < 0)
		log_object_debug(pf->drv.object, "no events");
	hold_release(d, &pf->hold, false);
}

/* A guest can make its VMM talk more than we listen; what was said meanwhile is asked for. */
static bool resubscribe_vm(struct sriovd *d, struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *info = NULL;
	struct op_error e;

	if (!cut_off(&vm->child) || vm->state != VM_RUNNING ||
	    hold_take(&vm->hold, false, "", &e, "subscription") < 0)
		return false;
	if (child_resubscribe(d, &vm->child) >= 0 && vm_info(d, vm, &info, NULL) >= 0) {
		on_vm_state(d, &vm->child, info);
		for (const struct net *net = d->nets; net; net = net->next)
			if (net->vm == vm && net->state == NET_ATTACHED)
				stray_start(d, net, false);
	}
	hold_release(d, &vm->hold, false);
	return true;
}

static void look_after_bridge(struct sriovd *d, struct bridge *br)
{
	if (cut_off(&br->child) && child_resubscribe(d, &br->child) < 0)
		log_object_debug(br->child.object, "no events");
	bridge_probe(d, br);
	bridge_relink(d, br); /* a job that could not be started then */
}

static void resubscribe_all(struct sriovd *d)
{
	struct vm *vm = d->vms;

	for (size_t i = 0; i < d->n_bridges; i++)
		look_after_bridge(d, &d->bridges[i]);
	/* the list may have changed while the baton was away: one a round */
	while (vm && !resubscribe_vm(d, vm))
		vm = vm->next;
}

static void janitor_job(struct sriovd *d, void *arg)
{
	int r = 0;

	while (r != -ECANCELED && !d->closing) {
		struct pf *pf;

		for (size_t n = 0; (pf = pf_at(d, n)); n++) {
			pf_ref(pf);
			retry_vfs(d, pf);
			resubscribe_pf(d, pf);
			pf_unref(d, pf);
		}
		resubscribe_all(d);
		vm_sweep(d);
		r = state_sleep(d, JANITOR_US);
	}
	d->janitor = false;
}

int janitor_start(struct sriovd *d)
{
	int r;

	if (d->janitor)
		return 0;
	d->janitor = true;
	r = job_start(d, janitor_job, NULL);
	if (r < 0)
		d->janitor = false;
	return r;
}

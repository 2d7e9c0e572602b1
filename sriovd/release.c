/* SPDX-License-Identifier: BSD-3-Clause */
/* How a net and what it uses come apart, wanted or not. */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

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

void net_phase_in_memory(struct net *net, enum phase phase)
{
	net->state = net_of_phase[phase];
	if (net->pf)
		net->pf->vf[net->vf].state = vf_of_phase[phase];
}

int net_phase(struct sriovd *d, struct net *net, enum phase phase)
{
	int r;

	r = ledger_set_phase(d->ledger, net->id.name, phase);
	if (r >= 0)
		net_phase_in_memory(net, phase);
	return r;
}

void net_way_row(const struct net *net, struct row_attachment *row)
{
	text_set(row->path, sizeof(row->path), "%s", net_path_name(net->way.path));
	text_set(row->backend, sizeof(row->backend), "%s", net_backend_name(net->way.backend));
	text_set(row->link, sizeof(row->link), "%s", net->way.link);
	row->queues = net->way.queues;
	text_set(row->again, sizeof(row->again), "%s", net->again);
	text_set(row->pf, sizeof(row->pf), "%s",
		 net->pf       ? net->pf->name
		 : net->bridge ? net->bridge->cfg.name
			       : "");
}

void net_detached(struct net *net)
{
	if (net->pf && net->pf->vf[net->vf].net == net)
		net->pf->vf[net->vf].net = NULL;
	net->state = NET_DETACHED;
	net->down = false;
	net->again[0] = '\0';
	net->vm = NULL;
	net->pf = NULL;
	net->bridge = NULL;
}

const char *net_object(const struct net *net, char buf[NAME_SIZE + 4])
{
	text_set(buf, NAME_SIZE + 4, "net %s", net->id.name);
	return buf;
}

static void quarantine(struct sriovd *d, struct net *net, const char *reason)
{
	struct row_quarantine row = {.vf = net->vf};

	text_set(row.pf, sizeof(row.pf), "%s", net->pf->name);
	text_set(row.reason, sizeof(row.reason), "%s", reason);
	pf_vf_quarantine(d, net->pf, net->vf, reason);
	ledger_trouble(d, ledger_quarantine(d->ledger, net->id.name, &row), "quarantine");
}

static void release_vf(struct sriovd *d, struct net *net)
{
	struct pf *pf = net->pf;
	struct op_error e = {};
	int r;

	ledger_trouble(d, ledger_set_phase(d->ledger, net->id.name, PHASE_SANITISING),
		       "sanitising");
	net_phase_in_memory(net, PHASE_SANITISING);
	r = hold_wait(d, &pf->hold, false, clock_us() + HOLD_US, "scrubbing of vf %u", net->vf);
	if (r < 0) {
		quarantine(d, net, "the PF was busy for too long");
		return;
	}
	r = pf_vf_scrub(d, pf, net->vf, &e);
	if (r < 0) {
		quarantine(d, net, e.text[0] ? e.text : QUARANTINE_TEXT);
	} else {
		pf->vf[net->vf] = (struct vf){.state = VF_FREE};
		ledger_trouble(d, ledger_del_attachment(d->ledger, net->id.name), "detach");
	}
	hold_release(d, &pf->hold, false);
}

void net_release(struct sriovd *d, struct net *net)
{
	struct op_error e = {};

	if (net->pf) {
		release_vf(d, net);
	} else {
		if (net_unplug(d, net, &e) < 0)
			log_warning(0, "net %s: %s", net->id.name, e.text);
		ledger_trouble(d, ledger_del_attachment(d->ledger, net->id.name), "detach");
	}
	net_detached(net);
	pthread_cond_broadcast(&d->changed);
}

void net_set_lost(struct sriovd *d, struct net *net, struct vm *vm, const char *again,
		  const char *reason)
{
	/* without its VF, which others may get from now on */
	struct row_attachment row = {.vf = -1, .generation = net->generation, .phase = PHASE_LOST};

	net->vm = vm;
	text_set(net->reason, sizeof(net->reason), "%s", reason);
	text_set(net->again, sizeof(net->again), "%s", again);
	text_set(row.net, sizeof(row.net), "%s", net->id.name);
	text_set(row.vm, sizeof(row.vm), "%s", vm->name);
	net_way_row(net, &row);
	ledger_trouble(d, ledger_put_attachment(d->ledger, &row), "lost");
	net->pf = NULL;
	net->bridge = NULL;
	net->down = false;
	net->state = NET_LOST;
	pthread_cond_broadcast(&d->changed);
	if (again[0])
		vm_return(d, vm);
}

/* @gone: VF or port are no more; otherwise they are given back. */
static void lose(struct sriovd *d, struct net *net, bool gone, const char *reason)
{
	char object[NAME_SIZE + 4], how[16], again[NAME_SIZE] = "", why[LEDGER_REASON];
	struct vm *vm = net->vm;
	struct op_error e = {};

	text_set(why, sizeof(why), "%s", reason);
	event_add(d, net_object(net, object), "lost", "%s", why);
	log_info("net %s: lost: %s", net->id.name, why);
	vm_plug_add(d, vm, net->id.name, "lost", why);
	text_set(net->reason, sizeof(net->reason), "%s", why);
	if (vm_device_remove(d, vm, net->id.name, FORCE_MS, true, how, &e) < 0)
		log_object_warning(vm->child.object, 0, "%s", e.text);
	if (net->pf && !net->pf->ops->host)
		text_set(again, sizeof(again), "%s", net->pf->name);
	if (net->pf && gone)
		net->pf->vf[net->vf] = (struct vf){.state = VF_FREE};
	else if (net->pf)
		release_vf(d, net);
	else if (!gone && net_unplug(d, net, &e) < 0)
		log_warning(0, "net %s: %s", net->id.name, e.text);
	net->tries = 0;
	net->again_us = 0;
	net_set_lost(d, net, vm, again, why);
}

void net_mark_lost(struct sriovd *d, struct net *net, const char *reason)
{
	lose(d, net, true, reason);
}

void net_give_up(struct sriovd *d, struct net *net, const char *reason)
{
	lose(d, net, false, reason);
}

static bool is_on(const struct net *net, const struct pf *pf)
{
	return net->state == NET_ATTACHED && net->vm && net->pf == pf;
}

static struct net *next_lost(struct sriovd *d, const struct pf *pf, const struct vm *vm)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (is_on(net, pf) && (!vm || net->vm == vm))
			return net;
	return NULL;
}

/* The next one of a VM that is held. */
static int vm_loses_next(struct sriovd *d, struct pf *pf, struct vm *vm)
{
	struct net *net = next_lost(d, pf, vm);
	int r;

	if (!net)
		return 0;
	r = hold_wait(d, &net->hold, true, clock_us() + HOLD_US, "surprise removal");
	if (r < 0)
		return r;
	if (is_on(net, pf) && net->vm == vm)
		net_mark_lost(d, net, pf->loss);
	hold_release(d, &net->hold, true);
	return 0;
}

/*
 * Others may change everything while we wait, so each round looks for the next one from the start.
 * Until all have heard of it there is no new PF, however long a VM keeps us waiting: tenants of
 * the old VFs would come to own new ones.
 */
void nets_lost(struct sriovd *d, struct pf *pf)
{
	struct net *net;
	int r = 0;

	while (r != -ECANCELED && (net = next_lost(d, pf, NULL))) {
		struct vm *vm = net->vm;

		r = hold_wait(d, &vm->hold, false, clock_us() + HOLD_US, "removal of %s",
			      net->id.name);
		if (r >= 0) {
			r = vm_loses_next(d, pf, vm);
			hold_release(d, &vm->hold, false);
		}
		if (r == -ETIMEDOUT)
			log_warning(0, "%s: nets on it are busy, still waiting to remove them",
				    pf->ops->back_end(pf));
	}
}

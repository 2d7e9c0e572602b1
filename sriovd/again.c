/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A soft NIC that ends is a surprise removal for the guests on it. It is started anew, and what it
 * served is attached again to the VMs that still run: nobody gave it up.
 */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/pf.h>
#include <string.h>

#include "attach_internal.h"

#define ROUND_US     (500 * USEC_PER_MSEC)
#define RETRY_MIN_US (200 * USEC_PER_MSEC)
#define RETRY_SHIFT  6u
#define GUEST_MS     10000 /* for the guest's driver */
#define WELL_US	     (1 * USEC_PER_SEC)

/* The first after @after, by name, that @vm lost and that returns. */
static struct net *next_lost(struct sriovd *d, const struct vm *vm, const char *after)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (net->state == NET_LOST && net->vm == vm && net->again[0] &&
		    strcmp(net->id.name, after) > 0)
			return net;
	return NULL;
}

/* A NIC that is stuck would cost a VF each time, which then has to be scrubbed. */
static bool nic_well(struct sriovd *d, const char *name)
{
	struct pf *pf = pf_find(d, name);
	bool well;

	if (!pf || !pf->up || pf->vfs_lost || pf->ops->host)
		return false;
	pf_ref(pf);
	well = child_call(d, &pf->snic, "nic.info", NULL, NULL, 0, clock_patient_us(WELL_US), NULL,
			  NULL) >= 0 &&
	       pf->up;
	pf_unref(d, pf);
	return well;
}

static void note_failure(struct sriovd *d, const char *name, const char *vm, const char *why)
{
	struct net *net = net_find(d, name);
	char object[NAME_SIZE + 4];
	bool first;

	if (!net || net->state != NET_LOST || !net->again[0])
		return; /* somebody had other plans for it */
	first = net->tries == 0;
	net->again_us = clock_us() + (RETRY_MIN_US << net->tries);
	if (net->tries < RETRY_SHIFT)
		net->tries++;
	if (!first)
		return;
	event_add(d, net_object(net, object), "not attached", "to vm %s again: %s", vm, why);
	log_warning(0, "net %s: not attached to %s again: %s; trying again", name, vm, why);
}

static void let_return(struct sriovd *d, const char *vm, struct net *net)
{
	/* it was on a VF: path vf has no other backend, and names none */
	const struct net_way way = {.path = net->way.path,
				    .backend =
					    net->way.path == PATH_VF ? BACKEND_AUTO : BACKEND_NIC};
	char name[NAME_SIZE], pf[NAME_SIZE];
	struct attach_request rq = {.net = name,
				    .vm = vm,
				    .way = way,
				    .timeout_ms = clock_patient_us(GUEST_MS),
				    .started_us = clock_us(),
				    .again = true};
	struct op_error e = {};
	double ms;
	int r;

	text_set(name, sizeof(name), "%s", net->id.name);
	text_set(pf, sizeof(pf), "%s", net->again);
	net->again_us = clock_us() + RETRY_MIN_US; /* what we do here wakes us as well */
	if (!nic_well(d, pf))
		return;
	r = net_attach(d, &rq, &ms, &e);
	if (r < 0 && r != -EBUSY && r != -ECANCELED)
		note_failure(d, name, vm, op_text(&e, r));
}

static void return_round(struct sriovd *d, const char *name)
{
	char done[NAME_SIZE] = "";
	struct net *net;
	struct vm *vm;

	while ((vm = vm_find(d, name)) && vm->state == VM_RUNNING && !d->closing && !d->stopping &&
	       (net = next_lost(d, vm, done))) {
		text_set(done, sizeof(done), "%s", net->id.name);
		if (net->again_us <= clock_us())
			let_return(d, name, net);
	}
}

/* A PF that comes up, a VF that is given back: both are told, and wake it. */
static void return_job(struct sriovd *d, void *arg)
{
	_cleanup_(freep) char *name = arg;
	struct vm *vm;
	int r = 0;

	while (r != -ECANCELED && !d->closing && (vm = vm_find(d, name)) &&
	       vm->state == VM_RUNNING && next_lost(d, vm, "")) {
		return_round(d, name);
		r = state_wait(d, clock_us() + ROUND_US);
	}
	vm = vm_find(d, name);
	if (vm)
		vm->returning = false;
}

void vm_return(struct sriovd *d, struct vm *vm)
{
	char *name;

	if (!d->settled || vm->returning || vm->state != VM_RUNNING || d->closing ||
	    !next_lost(d, vm, ""))
		return;
	name = strdup(vm->name);
	if (!name)
		return;
	vm->returning = true;
	if (job_start(d, return_job, name) < 0) {
		vm->returning = false;
		free(name);
	}
}

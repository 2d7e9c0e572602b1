/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/bridge.h>
#include <sriovd/pf.h>
#include <sriovd/stray.h>
#include <sriovd/vm.h>
#include <string.h>

#define STRAY_US  (120 * USEC_PER_SEC)
#define REMOVE_MS 2000

struct stray {
	char net[NAME_SIZE];
	uint64_t generation;
	bool by_host;
};

static void settle_lost(struct sriovd *d, struct net *net)
{
	const char *back_end = net->pf	     ? net->pf->ops->back_end(net->pf)
			       : net->bridge ? net->bridge->child.object
					     : "its tap";
	char reason[LEDGER_REASON];

	if (net->pf && !net->pf->ops->alive(d, net->pf)) {
		net_mark_lost(d, net, net->pf->reason);
		return;
	}
	text_set(reason, sizeof(reason), "%s stopped serving vm %s", back_end, net->vm->name);
	if (net->bridge) {
		net_down(d, net, net->bridge->child.running ? reason : net->bridge->child.reason);
		return;
	}
	net_give_up(d, net, reason);
}

void stray_settle(struct sriovd *d, struct net *net, bool by_host)
{
	enum vm_device_state state;

	if (vm_device_look(d, net->vm, net->id.name, &state) < 0)
		return;
	if (state == DEVICE_ABSENT && by_host) {
		net_give_up(d, net, "the host took its VF back");
	} else if (state == DEVICE_ABSENT && net->pf && net->pf->ops->host &&
		   !net->pf->ops->alive(d, net->pf)) {
		net_mark_lost(d, net, "its VF went with its PF");
	} else if (state == DEVICE_ABSENT) {
		log_info("net %s: %s does not have it any more", net->id.name, net->vm->name);
		vm_plug_add(d, net->vm, net->id.name, "ejected", "the guest let go of it later");
		net_release(d, net);
	} else if (state == DEVICE_LOST) {
		settle_lost(d, net);
	}
}

static struct net *stray_net(struct sriovd *d, const struct stray *s)
{
	struct net *net = net_find(d, s->net);

	if (!net || net->generation != s->generation || net->state == NET_DETACHED || !net->vm)
		return NULL;
	return net;
}

/*
 * Looked at without a hold on the net: an event may be late, of a device before this one, and must
 * not make a request that comes meanwhile find the net busy.
 */
static bool is_amiss(struct sriovd *d, struct vm *vm, const struct stray *s)
{
	enum vm_device_state state;

	return vm_device_look(d, vm, s->net, &state) >= 0 &&
	       (state == DEVICE_ABSENT || state == DEVICE_LOST);
}

/*
 * Most often a detach is about to say so itself, and there is nothing to do; but a guest may also
 * let go after the deadline of the request that asked it, and a back end may go at any time.
 */
static void stray_job(struct sriovd *d, void *arg)
{
	_cleanup_(freep) struct stray *s = arg;
	uint64_t deadline_us = clock_us() + STRAY_US;
	struct op_error e;
	struct net *net;
	struct vm *vm;
	int r = 0;

	while (r >= 0 && (net = stray_net(d, s)) &&
	       (net->hold.exclusive || net->vm->hold.exclusive))
		r = state_wait(d, deadline_us);
	net = r < 0 ? NULL : stray_net(d, s);
	if (!net || net->state != NET_ATTACHED)
		return;
	vm = net->vm;
	if (hold_take(&vm->hold, false, "", &e, "removal of %s", s->net) < 0)
		return;
	if (is_amiss(d, vm, s) && stray_net(d, s) == net && net->vm == vm &&
	    net->state == NET_ATTACHED &&
	    hold_take(&net->hold, true, "", &e, "removal of %s", s->net) >= 0) {
		stray_settle(d, net, s->by_host);
		hold_release(d, &net->hold, true);
	}
	hold_release(d, &vm->hold, false);
}

void stray_start(struct sriovd *d, const struct net *net, bool by_host)
{
	struct stray *s;

	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	text_set(s->net, sizeof(s->net), "%s", net->id.name);
	s->generation = net->generation;
	s->by_host = by_host;
	if (job_start(d, stray_job, s) < 0)
		free(s);
}

void stray_remove(struct sriovd *d, const struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	json_t *dev;
	size_t i;

	if (vm_devices(d, vm, &list) < 0)
		return;
	json_array_foreach (json_object_get(list, "devices"), i, dev) {
		const char *id = json_string_value(json_object_get(dev, "id"));
		const struct net *net = id ? net_find(d, id) : NULL;
		struct op_error e = {};
		char how[16];

		if (!id || vm_own_device(id) || (net && net->vm == vm && net->state != NET_LOST))
			continue;
		log_object_warning(vm->child.object, 0, "device %.64s belongs to no net", id);
		if (vm_device_remove(d, vm, id, REMOVE_MS, true, how, &e) < 0)
			log_object_warning(vm->child.object, 0, "%s", e.text);
	}
}

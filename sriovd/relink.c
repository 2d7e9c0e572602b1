/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bridge that ended takes nothing with it but the link of its nets: the devices stay in their
 * guests, and get a new connection when it is there again. Whether a device needs one is for its
 * VMM to say, so a sriovd that was started anew finishes what another began.
 */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/bridge.h>
#include <sriovd/stray.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

#define PAUSE_MIN_US (100 * USEC_PER_MSEC)
#define PAUSE_MAX_US (5 * USEC_PER_SEC)
#define AWAY_US	     (1 * USEC_PER_SEC)

static void link_up(struct sriovd *d, struct net *net)
{
	char object[NAME_SIZE + 4];

	net->down = false;
	net->reason[0] = '\0';
	event_add(d, net_object(net, object), "up", "%s serves it again",
		  net->bridge->child.object);
	log_info("net %s: %s serves it again", net->id.name, net->bridge->child.object);
	pthread_cond_broadcast(&d->changed);
}

static int connect_again(struct sriovd *d, struct net *net, struct op_error *e)
{
	const struct mac *only_from = net->id.spoofchk ? &net->id.mac : NULL;
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = bridge_port_add(d, net->bridge, net->id.name, only_from, &fd, e);
	if (r == -EEXIST) {
		r = bridge_port_remove(d, net->bridge, net->id.name, e);
		if (r >= 0)
			r = bridge_port_add(d, net->bridge, net->id.name, only_from, &fd, e);
	}
	return r < 0 ? r : vm_device_reconnect(d, net->vm, net->id.name, fd, e);
}

static int relink_held(struct sriovd *d, struct net *net, struct op_error *e)
{
	unsigned int epoch = net->bridge->epoch;
	enum vm_device_state state;
	bool connected = false;
	int r;

	r = vm_device_look(d, net->vm, net->id.name, &state);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "%s does not say what it has",
			       net->vm->child.object);
	if (state == DEVICE_ABSENT) {
		stray_settle(d, net, false);
		return 0;
	}
	if (state == DEVICE_LOST)
		r = connect_again(d, net, e);
	else
		r = bridge_port_connected(d, net->bridge, net->id.name, &connected);
	if (r < 0)
		return r;
	/* it may have noticed a moment later than we; or the bridge ended once more */
	if ((state != DEVICE_LOST && !connected) || net->bridge->epoch != epoch)
		return -EAGAIN;
	link_up(d, net);
	return 0;
}

static int relink(struct sriovd *d, struct net *net)
{
	struct vm *vm = net->vm;
	struct op_error e = {};
	int r;

	if (net->state != NET_ATTACHED || !vm || vm->state != VM_RUNNING)
		return -EAGAIN;
	r = hold_take(&vm->hold, false, "", &e, "reconnection of %s", net->id.name);
	if (r < 0)
		return r;
	r = hold_take(&net->hold, true, "", &e, "reconnection of %s", net->id.name);
	if (r >= 0) {
		e.text[0] = '\0';
		r = relink_held(d, net, &e);
		if (r < 0 && e.text[0] && net->down && strcmp(net->reason, e.text) != 0) {
			text_set(net->reason, sizeof(net->reason), "%s", e.text);
			log_warning(0, "net %s: %s; trying again", net->id.name, net->reason);
		}
		hold_release(d, &net->hold, true);
	}
	hold_release(d, &vm->hold, false);
	return r;
}

/* The first after @after, by name. */
static struct net *next_down(struct sriovd *d, const struct bridge *br, const char *after)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (net->bridge == br && net->down && strcmp(net->id.name, after) > 0)
			return net;
	return NULL;
}

/* Return: whether all are connected. */
static bool relink_round(struct sriovd *d, const struct bridge *br)
{
	char done[NAME_SIZE] = "";
	struct net *net;
	bool all = true;

	while (br->up && (net = next_down(d, br, done))) {
		text_set(done, sizeof(done), "%s", net->id.name);
		if (relink(d, net) < 0)
			all = false;
	}
	return all;
}

static void relink_job(struct sriovd *d, void *arg)
{
	struct bridge *br = arg;
	uint64_t pause_us = 0;
	int r = 0;

	while (r != -ECANCELED && !d->closing && next_down(d, br, "")) {
		if (!br->up) {
			r = state_wait(d, clock_us() + AWAY_US);
			pause_us = 0;
		} else if (!relink_round(d, br)) {
			pause_us = pause_us ? 2 * pause_us : PAUSE_MIN_US;
			if (pause_us > PAUSE_MAX_US)
				pause_us = PAUSE_MAX_US;
			r = state_pause(d, pause_us);
		}
	}
	br->relinking = false;
}

void bridge_relink(struct sriovd *d, struct bridge *br)
{
	if (!d->settled || br->relinking || d->stopping || d->closing || !next_down(d, br, ""))
		return;
	br->relinking = true;
	if (job_start(d, relink_job, br) < 0)
		br->relinking = false;
}

void net_down(struct sriovd *d, struct net *net, const char *reason)
{
	char object[NAME_SIZE + 4];

	text_set(net->reason, sizeof(net->reason), "%s", reason);
	if (!net->down) {
		net->down = true;
		event_add(d, net_object(net, object), "down", "%s", reason);
		log_info("net %s: down: %s", net->id.name, reason);
	}
	bridge_relink(d, net->bridge);
}

void bridge_down(struct sriovd *d, struct bridge *br, const char *reason)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (net->bridge == br)
			net_down(d, net, reason);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods of devices: add, wait, remove, list. */
#include <abi/nic_mbx.h>
#include <lib/clock.h>
#include <lib/mac.h>
#include <lib/pcif.h>
#include <stdio.h>
#include <string.h>
#include "control.h"
#include "dev.h"
#include "hotplug.h"
#include "pci_core.h"

#define REMOVE_DEADLINE_MS 10000
#define WAIT_MS		   10000
#define MS_MAX		   (10 * 60 * 1000)

bool control_id_ok(const char *id)
{
	size_t n = strlen(id);

	return n && n < sizeof(((struct pci_dev *)0)->id);
}

void control_bdf(char *out, size_t size, unsigned int slot)
{
	snprintf(out, size, "0000:00:%02x.0", slot & 31);
}

int method_device_reconnect(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			    void *userdata)
{
	struct control *c = userdata;
	struct pci_dev *d;
	const char *id;
	int slot, r;

	if (ctl_unpack(req, params, "{s:s", "id", &id) < 0)
		return -EINVAL;
	if (n_fds != 1)
		return ctl_fail(req, -EINVAL, "device.reconnect wants 1 descriptor: a new socket");
	slot = hotplug_slot_find(&c->vm, id);
	if (slot < 0)
		return ctl_fail(req, slot, "no device %s", id);
	d = c->vm.slot[slot].own;
	if (!d->ops->reconnect)
		return ctl_fail(req, -EOPNOTSUPP, "device %s has nothing to reconnect", id);
	r = d->ops->reconnect(d, TAKE_FD(fds[0]));
	if (r < 0)
		return ctl_fail(req, r, "device %s: %s", id,
				r == -EALREADY ? "its back end is there"
					       : "the back end did not serve");
	ctl_reply(req, NULL);
	control_tick(c);
	return 0;
}

int method_device_wait(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	static const struct {
		const char *name;
		enum wait_for what;
	} waits[] = {{"up", WAIT_UP}, {"bound", WAIT_BOUND}, {"removed", WAIT_REMOVED}};
	struct control *c = userdata;
	const char *id, *what;
	int timeout_ms = WAIT_MS;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s:s, s:s, s?i", "id", &id, "for", &what, "timeout_ms",
		       &timeout_ms) < 0)
		return -EINVAL;
	if (!control_id_ok(id) || timeout_ms < 0 || timeout_ms > MS_MAX)
		return ctl_fail(req, -ERANGE, "id or timeout_ms (0 to %d) out of range", MS_MAX);
	for (unsigned int i = 0; i < ARRAY_SIZE(waits); i++) {
		int r;

		if (strcmp(what, waits[i].name))
			continue;
		if (waits[i].what != WAIT_REMOVED && hotplug_slot_find(&c->vm, id) < 0)
			return ctl_fail(req, -ENOENT, "no device %s", id);
		r = control_wait(c, waits[i].what, req, id, (uint64_t)timeout_ms * USEC_PER_MSEC);
		if (r < 0)
			return ctl_fail(req, r, "too many requests wait");
		control_tick(c);
		return 0;
	}
	return ctl_fail(req, -EINVAL, "for is up, bound or removed");
}

int method_device_remove(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			 void *userdata)
{
	struct control *c = userdata;
	int force = 0, deadline_ms = REMOVE_DEADLINE_MS, slot, r;
	const char *id;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s:s, s?i, s?b", "id", &id, "deadline_ms", &deadline_ms,
		       "force", &force) < 0)
		return -EINVAL;
	if (deadline_ms < 0 || deadline_ms > MS_MAX)
		return ctl_fail(req, -ERANGE, "deadline_ms %d: 0 to %d", deadline_ms, MS_MAX);
	slot = hotplug_slot_find(&c->vm, id);
	if (slot < 0)
		return ctl_fail(req, slot, "no device %s", id);
	if (c->vm.slot[slot].state == SLOT_EJECTING && !force)
		return ctl_fail(req, -EBUSY, "device %s: the guest is being asked already", id);
	r = control_wait(c, WAIT_REMOVE, req, id, 0);
	if (r < 0)
		return ctl_fail(req, r, "too many requests wait");
	r = hotplug_remove(&c->vm, (unsigned int)slot, force, clock_us(),
			   (uint64_t)deadline_ms * USEC_PER_MSEC);
	assert(r == 0); /* the slot was looked at above */
	control_tick(c);
	return 0;
}

/* Which interrupt vectors of the guest the function's messages raise. */
static json_t *guest_vectors(struct pci_dev *d)
{
	json_t *list = json_array();

	pthread_mutex_lock(&d->lock);
	for (unsigned int i = 0; i < d->n_msix; i++) {
		if (d->msix[i].armed)
			json_array_append_new(list, json_integer(d->msix[i].data & 0xff));
	}
	pthread_mutex_unlock(&d->lock);
	return list;
}

static json_t *msix_json(struct pci_dev *d)
{
	return json_pack("{s:i, s:b, s:i, s:o}", "vectors", (int)d->n_msix, "enabled",
			 (int)msix_enabled(d), "direct", (int)msix_direct(d), "guest_vectors",
			 guest_vectors(d));
}

static json_t *device_json(const struct vm_slot *s, unsigned int slot)
{
	struct pci_dev *d = s->own;
	char bdf[16];

	control_bdf(bdf, sizeof(bdf), slot);
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:o}", "id", d->id, "slot",
		(int)slot, "bdf", bdf, "kind", d->ops->kind, "trapped", (int)s->trapped, "state",
		control_device_state(s), "bar_exits", (json_int_t)atomic_load(&d->bar_exits),
		"cfg_exits", (json_int_t)atomic_load(&d->cfg_exits), "messages",
		(json_int_t)(d->ops->messages ? d->ops->messages(d) : 0), "msix", msix_json(d));
}

int method_device_list(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	json_t *list;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{") < 0)
		return -EINVAL;
	list = json_array();
	for (unsigned int i = 1; i < VMM_SLOTS; i++) {
		if (c->vm.slot[i].state != SLOT_EMPTY)
			json_array_append_new(list, device_json(&c->vm.slot[i], i));
	}
	ctl_reply(req, json_pack("{s:o}", "devices", list));
	return 0;
}

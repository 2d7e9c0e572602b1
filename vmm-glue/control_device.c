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

static bool id_ok(const char *id)
{
	size_t n = strlen(id);

	return n && n < sizeof(((struct pci_dev *)0)->id);
}

static void bdf_print(char *out, size_t size, unsigned int slot)
{
	snprintf(out, size, "0000:00:%02x.0", slot & 31);
}

struct add_params {
	const char *id;
	const char *kind;
	const char *mac;
	int trapped;
};

static int device_make(struct control *c, const struct add_params *p, int *fds,
		       struct pci_dev **ret_dev, char *err, size_t err_size)
{
	uint8_t mac[6];
	int r;

	if (!strcmp(p->kind, "vfio"))
		return vmm_dev_vfio_new(&c->vm, p->id, TAKE_FD(fds[0]), TAKE_FD(fds[1]), p->trapped,
					ret_dev, err, err_size);
	if (!strcmp(p->kind, "vfio-user"))
		return vmm_dev_vfu_new(&c->vm, p->id, TAKE_FD(fds[0]), p->trapped, ret_dev, err,
				       err_size);
	r = mac_from_text(p->mac, mac);
	if (r < 0)
		return r;
	return vmm_dev_virtio_net_new(&c->vm, p->id, TAKE_FD(fds[0]), mac, ret_dev);
}

static const char *add_refusal(const struct add_params *p, size_t n_fds)
{
	uint8_t mac[6];

	if (!id_ok(p->id))
		return "an id has 1 to 63 bytes";
	if (strcmp(p->kind, "vfio") && strcmp(p->kind, "vfio-user") &&
	    strcmp(p->kind, "vhost-user"))
		return "kind is vfio, vfio-user or vhost-user";
	if (!strcmp(p->kind, "vhost-user") &&
	    (!p->mac || mac_from_text(p->mac, mac) < 0 || !nic_mac_valid(mac)))
		return "vhost-user wants a unicast mac";
	if (!strcmp(p->kind, "vhost-user") && p->trapped)
		return "a vhost-user device cannot be trapped";
	if (!strcmp(p->kind, "vfio") && n_fds != 2)
		return "device.add of vfio wants 2 descriptors: device and container";
	if (strcmp(p->kind, "vfio") && n_fds != 1)
		return "device.add wants 1 descriptor: the connected socket";
	return NULL;
}

int method_device_add(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct add_params p = {0};
	struct pci_dev *d = NULL;
	char bdf[16], err[PCIF_ERR_MAX] = "";
	const char *refusal;
	int slot, r;

	if (ctl_unpack(req, params, "{s:s, s:s, s?b, s?s", "id", &p.id, "kind", &p.kind, "trapped",
		       &p.trapped, "mac", &p.mac) < 0)
		return -EINVAL;
	refusal = add_refusal(&p, n_fds);
	if (refusal)
		return ctl_fail(req, -EINVAL, "%s", refusal);
	if (!c->vm.ram)
		return ctl_fail(req, -ENOTCONN, "%s: no machine was created", c->vm.name);
	if (hotplug_slot_find(&c->vm, p.id) >= 0)
		return ctl_fail(req, -EEXIST, "device %s is there already", p.id);
	slot = hotplug_slot_pick(&c->vm);
	if (slot < 0)
		return ctl_fail(req, slot, "all %u slots are taken", VMM_SLOTS - 1);

	r = device_make(c, &p, fds, &d, err, sizeof(err));
	if (r < 0)
		return ctl_fail(req, r, "device %s: %s", p.id,
				*err ? err : "the back end did not serve");
	c->vm.slot[slot].trapped = p.trapped;
	hotplug_publish(&c->vm, (unsigned int)slot, d, clock_us());
	bdf_print(bdf, sizeof(bdf), (unsigned int)slot);
	ctl_reply(req, json_pack("{s:s, s:i, s:s}", "id", d->id, "slot", slot, "bdf", bdf));
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
	if (!id_ok(id) || timeout_ms < 0 || timeout_ms > MS_MAX)
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

static json_t *msix_json(struct pci_dev *d)
{
	return json_pack("{s:i, s:b, s:i}", "vectors", (int)d->n_msix, "enabled",
			 (int)msix_enabled(d), "direct", (int)msix_direct(d));
}

static json_t *device_json(const struct vm_slot *s, unsigned int slot)
{
	struct pci_dev *d = s->own;
	char bdf[16];

	bdf_print(bdf, sizeof(bdf), slot);
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

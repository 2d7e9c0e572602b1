/* SPDX-License-Identifier: BSD-3-Clause */
/* The method device.add: a table of kinds, what each takes and how it is made of that. */
#include <abi/nic_mbx.h>
#include <lib/clock.h>
#include <lib/mac.h>
#include <lib/pcif.h>
#include <stdio.h>
#include <string.h>
#include "control.h"
#include "dev.h"
#include "hotplug.h"
#include "net_backend.h"

struct add_kind;

struct add_params {
	const char *id;
	const char *kind;
	const char *mac;
	int trapped;
	int readonly;
	int queues;
	/* what follows from kind and mac */
	const struct add_kind *k;
	uint8_t mac_bytes[6];
};

/* What make() works with: it takes over the descriptors that it uses, and may say why it failed. */
struct add_job {
	struct vm *vm;
	const struct add_params *p;
	int *fds;
	unsigned int n_fds;
	char err[PCIF_ERR_MAX];
};

struct add_kind {
	const char *name;
	unsigned int fds_min, fds_max;
	const char *fds; /* what they are, for a refusal */
	bool mac, trapped, readonly, queues, one_fd;
	int (*make)(struct add_job *j, struct pci_dev **ret_dev);
	const char *failed; /* how a failure of make() reads that says nothing itself */
};

static int make_vfio(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_vfio_new(j->vm, j->p->id, TAKE_FD(j->fds[0]), TAKE_FD(j->fds[1]),
				j->p->trapped, ret_dev, j->err, sizeof(j->err));
}

static int make_vfu(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_vfu_new(j->vm, j->p->id, TAKE_FD(j->fds[0]), j->p->trapped, ret_dev, j->err,
			       sizeof(j->err));
}

static int make_vhost(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_virtio_net_new(j->vm, j->p->id, TAKE_FD(j->fds[0]),
				      j->p->queues ? (unsigned int)j->p->queues : 1,
				      j->p->mac_bytes, ret_dev);
}

static int make_tap(struct add_job *j, struct pci_dev **ret_dev)
{
	int own[CTL_FDS_MAX];

	for (unsigned int i = 0; i < j->n_fds; i++)
		own[i] = TAKE_FD(j->fds[i]);
	return vmm_dev_virtio_net_tap_new(j->vm, j->p->id, own, j->n_fds, j->p->mac_bytes, ret_dev);
}

static int make_blk(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_virtio_blk_new(j->vm, j->p->id, TAKE_FD(j->fds[0]), j->p->readonly, ret_dev);
}

static int make_rng(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_virtio_rng_new(j->vm, j->p->id, ret_dev);
}

static int make_emulated(struct add_job *j, struct pci_dev **ret_dev)
{
	return vmm_dev_emulated_new(j->vm, j->p->id, TAKE_FD(j->fds[0]), j->p->mac_bytes, ret_dev);
}

static const struct add_kind add_kinds[] = {
	{.name = "vfio",
	 .fds_min = 2,
	 .fds_max = 2,
	 .fds = "device and container",
	 .trapped = true,
	 .make = make_vfio,
	 .failed = "the device did not serve"},
	{.name = "vfio-user",
	 .fds_min = 1,
	 .fds_max = 1,
	 .fds = "the connected socket",
	 .trapped = true,
	 .make = make_vfu,
	 .failed = "the back end did not serve"},
	{.name = "vhost-user",
	 .fds_min = 1,
	 .fds_max = 1,
	 .fds = "the connected socket",
	 .mac = true,
	 .queues = true,
	 .one_fd = true,
	 .make = make_vhost,
	 .failed = "the back end did not serve"},
	{.name = "virtio-net",
	 .fds_min = 1,
	 .fds_max = 4,
	 .fds = "a tap with IFF_VNET_HDR for each queue pair",
	 .mac = true,
	 .queues = true,
	 .make = make_tap,
	 .failed = "the tap does not suit"},
	{.name = "virtio-blk",
	 .fds_min = 1,
	 .fds_max = 1,
	 .fds = "a file or block device",
	 .readonly = true,
	 .make = make_blk,
	 .failed = "no file or block device of a sector or more, opened for what it is to do"},
	{.name = "emulated",
	 .fds_min = 1,
	 .fds_max = 1,
	 .fds = "a tap with IFF_VNET_HDR, or a vhost-user socket",
	 .mac = true,
	 .make = make_emulated,
	 .failed = "the back end did not serve"},
	{.name = "virtio-rng", .fds = "it needs none", .make = make_rng, .failed = "no resources"},
};

static const struct add_kind *kind_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(add_kinds); i++)
		if (!strcmp(add_kinds[i].name, name))
			return &add_kinds[i];
	return NULL;
}

static bool mac_read(struct add_params *p)
{
	return p->mac && mac_from_text(p->mac, p->mac_bytes) == 0 && nic_mac_valid(p->mac_bytes);
}

/* NULL: go on; else what is wrong, in @text or constant. */
static const char *add_refusal(struct add_params *p, size_t n_fds, char *text, size_t size)
{
	const struct add_kind *k = kind_find(p->kind);
	const char *unfit = NULL;

	if (!control_id_ok(p->id))
		return "an id has 1 to 63 bytes";
	if (!k)
		return "kind is vfio, vfio-user, vhost-user, virtio-net, virtio-blk, emulated or "
		       "virtio-rng";
	if (p->trapped && !k->trapped)
		unfit = "cannot be trapped";
	else if (p->readonly && !k->readonly)
		unfit = "has no readonly";
	else if (p->mac && !k->mac)
		unfit = "has no mac";
	else if (k->mac && !mac_read(p))
		unfit = "wants a unicast mac";
	else if (p->queues && !k->queues)
		unfit = "has no queues";
	else if (p->queues < 0 || p->queues > (int)NET_PAIRS_MAX)
		unfit = "has one to four queue pairs";
	else if (p->queues && !k->one_fd && (size_t)p->queues != n_fds)
		unfit = "wants as many descriptors as queues";
	if (unfit) {
		snprintf(text, size, "%s %s", k->name, unfit);
		return text;
	}
	if (n_fds < k->fds_min || n_fds > k->fds_max) {
		if (k->fds_min == k->fds_max)
			snprintf(text, size, "device.add of %s wants %u descriptors: %s", k->name,
				 k->fds_min, k->fds);
		else
			snprintf(text, size, "device.add of %s wants %u to %u descriptors: %s",
				 k->name, k->fds_min, k->fds_max, k->fds);
		return text;
	}
	p->k = k;
	return NULL;
}

int method_device_add(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct add_params p = {0};
	struct add_job j = {.vm = &c->vm, .p = &p, .fds = fds, .n_fds = (unsigned int)n_fds};
	struct pci_dev *d = NULL;
	char bdf[16], text[128];
	const char *refusal;
	int slot, r;

	if (ctl_unpack(req, params, "{s:s, s:s, s?b, s?s, s?b, s?i", "id", &p.id, "kind", &p.kind,
		       "trapped", &p.trapped, "mac", &p.mac, "readonly", &p.readonly, "queues",
		       &p.queues) < 0)
		return -EINVAL;
	refusal = add_refusal(&p, n_fds, text, sizeof(text));
	if (refusal)
		return ctl_fail(req, -EINVAL, "%s", refusal);
	if (!c->vm.ram)
		return ctl_fail(req, -ENOTCONN, "%s: no machine was created", c->vm.name);
	if (hotplug_slot_find(&c->vm, p.id) >= 0)
		return ctl_fail(req, -EEXIST, "device %s is there already", p.id);
	slot = hotplug_slot_pick(&c->vm);
	if (slot < 0)
		return ctl_fail(req, slot, "all %u slots are taken", VMM_SLOTS - 1);

	r = p.k->make(&j, &d);
	if (r < 0)
		return ctl_fail(req, r, "device %s: %s", p.id, *j.err ? j.err : p.k->failed);
	c->vm.slot[slot].trapped = p.trapped;
	hotplug_publish(&c->vm, (unsigned int)slot, d, clock_us());
	control_bdf(bdf, sizeof(bdf), (unsigned int)slot);
	ctl_reply(req, json_pack("{s:s, s:i, s:s}", "id", d->id, "slot", slot, "bdf", bdf));
	control_tick(c);
	return 0;
}

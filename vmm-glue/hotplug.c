/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>
#include "hotplug.h"
#include "pci_core.h"

#define DRAIN_RETRY_US UINT64_C(1000)

int hotplug_slot_find(const struct vm *vm, const char *id)
{
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		const struct vm_slot *slot = &vm->slot[s];

		if (slot->state != SLOT_EMPTY && !strcmp(slot->own->id, id))
			return (int)s;
	}
	return -ENOENT;
}

int hotplug_slot_pick(struct vm *vm)
{
	int owed = -ENOSPC;

	for (unsigned int i = 0; i < VMM_SLOTS - 1; i++) {
		unsigned int s = 1 + (vm->next_slot - 1 + i) % (VMM_SLOTS - 1);

		if (vm->slot[s].state != SLOT_EMPTY)
			continue;
		if (!atomic_load(&vm->slot[s].owes_eject))
			return (int)s;
		if (owed < 0)
			owed = (int)s;
	}
	return owed;
}

void hotplug_publish(struct vm *vm, unsigned int slot, struct pci_dev *d, uint64_t now_us)
{
	struct vm_slot *s = &vm->slot[slot];

	d->slot = slot;
	s->own = d;
	s->state = SLOT_VISIBLE;
	s->visible_us = now_us;
	s->told = NULL;
	s->wanted = false;
	memset(&s->gif, 0, sizeof(s->gif));
	vm->next_slot = 1 + slot % (VMM_SLOTS - 1);
	atomic_store(&s->ejected, NULL);
	atomic_store(&s->owes_eject, false);
	atomic_fetch_and(&vm->hpc.pcdn, ~BIT32(slot));

	atomic_store(&s->dev, d);
	atomic_fetch_or(&vm->hpc.pcup, BIT32(slot));
	hpc_raise(vm, HPC_EVT_PCI);
}

static bool running(struct vm *vm)
{
	return atomic_load(&vm->state) == VM_RUNNING;
}

/* Off the bus by us; false when the guest was quicker and ejected it. */
static bool take_off(struct vm *vm, unsigned int slot, enum removed_how how)
{
	struct vm_slot *s = &vm->slot[slot];

	if (!atomic_exchange(&s->dev, NULL))
		return false;
	atomic_fetch_and(&vm->hpc.pcup, ~BIT32(slot));
	s->how = how;
	s->state = SLOT_DRAINING;
	s->deadline_us = 0;
	return true;
}

static void ask(struct vm *vm, unsigned int slot)
{
	atomic_fetch_or(&vm->hpc.pcdn, BIT32(slot));
	hpc_raise(vm, HPC_EVT_PCI);
}

static void yank(struct vm *vm, unsigned int slot)
{
	/* the guest finds only ones where its device was; tell it, and expect its PCEJ one day */
	if (!take_off(vm, slot, REMOVED_FORCED) || !running(vm))
		return;
	if (atomic_load(&vm->slot[slot].own->bound)) {
		atomic_store(&vm->slot[slot].owes_eject, true);
		ask(vm, slot);
	}
}

/* The guest never looked: its plug notice still waits, and it has not touched the function. */
static bool unseen(struct vm *vm, unsigned int slot)
{
	return (atomic_load(&vm->hpc.pcup) & BIT32(slot)) &&
	       !atomic_load(&vm->slot[slot].own->bound);
}

int hotplug_remove(struct vm *vm, unsigned int slot, bool force, uint64_t now_us,
		   uint64_t deadline_us)
{
	struct vm_slot *s = &vm->slot[slot];

	if (s->state == SLOT_EMPTY)
		return -ENOENT;
	if (s->state == SLOT_DRAINING)
		return 0;
	if (s->state == SLOT_EJECTING && !force)
		return -EBUSY;
	if (s->state == SLOT_VISIBLE && unseen(vm, slot)) {
		take_off(vm, slot, REMOVED_CANCELLED);
		return 0;
	}
	if (force || !running(vm)) {
		yank(vm, slot);
		return 0;
	}
	s->state = SLOT_EJECTING;
	atomic_store(&s->refusal, 0);
	s->renotified = false;
	s->renotify_us = now_us + HOTPLUG_RENOTIFY_US;
	s->deadline_us = now_us + deadline_us;
	ask(vm, slot);
	return 0;
}

static void slot_timers(struct vm *vm, unsigned int slot, uint64_t now_us, hotplug_told_t told,
			void *userdata)
{
	struct vm_slot *s = &vm->slot[slot];

	if (s->state != SLOT_EJECTING)
		return;
	if (now_us >= s->deadline_us && s->wanted) {
		yank(vm, slot);
	} else if (now_us >= s->deadline_us) {
		/* if it ejects later after all, that counts: the function is only lent */
		atomic_fetch_and(&vm->hpc.pcdn, ~BIT32(slot));
		s->state = SLOT_VISIBLE;
		told(vm, slot, s->own->id, HOTPLUG_TIMEOUT, userdata);
	} else if (!s->renotified && now_us >= s->renotify_us) {
		s->renotified = true;
		ask(vm, slot);
	}
}

/* The host waits, and its user with it: the guest gets a moment to let go, no more. */
static void slot_wanted(struct vm *vm, unsigned int slot, uint64_t now_us, hotplug_told_t told,
			void *userdata)
{
	struct vm_slot *s = &vm->slot[slot];
	uint64_t deadline_us = now_us + HOTPLUG_WANTED_US;

	if ((s->state != SLOT_VISIBLE && s->state != SLOT_EJECTING) || s->wanted ||
	    !atomic_load(&s->own->wanted))
		return;
	s->wanted = true;
	told(vm, slot, s->own->id, HOTPLUG_WANTED, userdata);
	if (s->state == SLOT_EJECTING) {
		if (s->deadline_us > deadline_us)
			s->deadline_us = deadline_us;
	} else if (hotplug_remove(vm, slot, false, now_us, HOTPLUG_WANTED_US) < 0) {
		yank(vm, slot);
	}
}

static bool slot_drain(struct vm *vm, unsigned int slot, uint64_t now_us, hotplug_told_t told,
		       void *userdata)
{
	struct vm_slot *s = &vm->slot[slot];
	struct pci_dev *d = s->own;
	char id[sizeof(d->id)];

	if (s->state != SLOT_DRAINING)
		return false;
	if (pci_bus_busy(vm, d)) {
		s->deadline_us = now_us + DRAIN_RETRY_US;
		return false;
	}
	memcpy(id, d->id, sizeof(id));
	if (s->wanted)
		s->how = REMOVED_HOST;
	s->own = NULL;
	s->state = SLOT_EMPTY;
	memset(&s->gif, 0, sizeof(s->gif));
	d->ops->destroy(d);
	told(vm, slot, id, HOTPLUG_REMOVED, userdata);
	return true;
}

void hotplug_work(struct vm *vm, uint64_t now_us, hotplug_told_t told, void *userdata)
{
	bool gone = false;

	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		if (atomic_exchange(&vm->slot[s].ejected, NULL)) {
			atomic_fetch_and(&vm->hpc.pcup, ~BIT32(s));
			atomic_fetch_and(&vm->hpc.pcdn, ~BIT32(s));
			vm->slot[s].how = REMOVED_EJECTED;
			vm->slot[s].state = SLOT_DRAINING;
		}
		slot_wanted(vm, s, now_us, told, userdata);
		slot_timers(vm, s, now_us, told, userdata);
		gone |= slot_drain(vm, s, now_us, told, userdata);
	}
	if (gone)
		hotplug_devices_sync(vm);
	hpc_nudge(vm, now_us);
}

uint64_t hotplug_next(const struct vm *vm)
{
	uint64_t next = vm->hpc.nudge_us ? vm->hpc.nudge_us : UINT64_MAX;

	for (unsigned int i = 1; i < VMM_SLOTS; i++) {
		const struct vm_slot *s = &vm->slot[i];
		uint64_t t = UINT64_MAX;

		if (s->state == SLOT_DRAINING || s->state == SLOT_EJECTING)
			t = s->deadline_us;
		if (s->state == SLOT_EJECTING && !s->renotified && s->renotify_us < t)
			t = s->renotify_us;
		if (t < next)
			next = t;
	}
	return next;
}

void hotplug_devices_sync(struct vm *vm)
{
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		struct pci_dev *d = vm->slot[s].own;

		if (!d)
			continue;
		pthread_mutex_lock(&d->lock);
		pci_bars_sync(d);
		msix_sync(d);
		pthread_mutex_unlock(&d->lock);
	}
}

void hotplug_destroy_all(struct vm *vm)
{
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		struct pci_dev *d = vm->slot[s].own;

		atomic_store(&vm->slot[s].dev, NULL);
		vm->slot[s].own = NULL;
		vm->slot[s].state = SLOT_EMPTY;
		if (d)
			d->ops->destroy(d);
	}
}

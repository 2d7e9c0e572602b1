#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hot-plug controller's registers (vCPU side) and the life of a slot (main thread side):
 *
 *   EMPTY -> VISIBLE -> EJECTING -> DRAINING -> EMPTY
 *
 * Time comes in as an argument, so that tests need no clock; hotplug_next() says when to come back.
 */
#include "vm_impl.h"

#define HOTPLUG_RENOTIFY_US UINT64_C(3000000)
#define HPC_NUDGE_US	    UINT64_C(250000)
#define HPC_NUDGE_MAX_US    UINT64_C(16000000)
#define HOTPLUG_WANTED_US   UINT64_C(5000000) /* what the guest gets when the host waits */

/**
 * hpc_read(), hpc_write() - one access to the register page, of any offset and length
 *
 * Context: vCPU thread; never blocks. Source: abi/hpc.h.
 */
void hpc_read(struct vm *vm, uint32_t off, void *buf, uint32_t len);
void hpc_write(struct vm *vm, uint32_t off, const void *buf, uint32_t len);

/**
 * hpc_raise() - set bits of EVTS and pulse the interrupt
 *
 * Context: main thread. Source: abi/hpc.h.
 */
void hpc_raise(struct vm *vm, uint32_t evts);

/**
 * hpc_nudge() - pulse again while a running guest has not looked at an event: an edge that comes
 * before its kernel takes this interrupt is lost. Less and less often, as it may never look
 *
 * Context: main thread. Source: Linux arch/x86/kvm/ioapic.c: a masked pin forgets edges.
 */
void hpc_nudge(struct vm *vm, uint64_t now_us);

/**
 * hotplug_slot_find() - slot of the function called @id
 *
 * Context: main thread. Return: the slot; -ENOENT. Source: -.
 */
int hotplug_slot_find(const struct vm *vm, const char *id);

/**
 * hotplug_slot_pick() - a free slot: one that rested longest and is owed nothing first
 *
 * Context: main thread. Return: the slot; -ENOSPC. Source: -.
 */
int hotplug_slot_pick(struct vm *vm);

/**
 * hotplug_publish() - show @d to the guest: complete before, its pointer last. Takes @d over
 *
 * Context: main thread. Source: abi/hpc.h.
 */
void hotplug_publish(struct vm *vm, unsigned int slot, struct pci_dev *d, uint64_t now_us);

/**
 * hotplug_remove() - take a function away
 * @force:       without asking the guest
 * @deadline_us: how long the guest may take
 *
 * Without force the guest is asked, unless it never looked: then the plug is cancelled in place.
 *
 * Context: main thread; the end is told by hotplug_work().
 * Return: 0; -ENOENT empty slot; -EBUSY the guest is being asked already.
 * Source: abi/hpc.h.
 */
int hotplug_remove(struct vm *vm, unsigned int slot, bool force, uint64_t now_us,
		   uint64_t deadline_us) _must_check_;

enum hotplug_result {
	HOTPLUG_REMOVED, /* destroyed; slot->how says how, @id is still the old name */
	HOTPLUG_TIMEOUT, /* the guest kept it: visible as before */
	HOTPLUG_WANTED,	 /* the host wants it back; the guest is asked now, and then it is taken */
};
typedef void (*hotplug_told_t)(struct vm *vm, unsigned int slot, const char *id,
			       enum hotplug_result result, void *userdata);

/**
 * hotplug_work() - ejected functions, timers, destruction; tells each end through @told
 *
 * Context: main thread. Source: abi/hpc.h.
 */
void hotplug_work(struct vm *vm, uint64_t now_us, hotplug_told_t told, void *userdata);

/**
 * hotplug_next() - when hotplug_work() wants to be called again; UINT64_MAX: not by time
 *
 * Context: main thread. Return: the time, as clock_us(). Source: -.
 */
uint64_t hotplug_next(const struct vm *vm);

/**
 * hotplug_devices_sync() - after a loss or a removal: BARs and vectors of all functions
 *
 * Context: main thread. Source: -.
 */
void hotplug_devices_sync(struct vm *vm);

/**
 * hotplug_destroy_all() - the vCPU is gone: everything off the bus and destroyed
 *
 * Context: main thread, after vcpu_stop(). Source: -.
 */
void hotplug_destroy_all(struct vm *vm);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of the hot-plug controller: what the guest reads and writes, see abi/hpc.h. */
#include <string.h>
#include <sys/eventfd.h>
#include "hotplug.h"

void hpc_raise(struct vm *vm, uint32_t evts)
{
	atomic_fetch_or(&vm->hpc.evts, evts);
	eventfd_write(vm->hpc.gsi_fd, 1);
}

void hpc_nudge(struct vm *vm, uint64_t now_us)
{
	struct hpc *h = &vm->hpc;

	if (!(atomic_load(&h->evts) & (HPC_EVT_PCI | HPC_EVT_POWER)) ||
	    atomic_load(&vm->state) != VM_RUNNING) {
		h->nudge_us = 0;
	} else if (!h->nudge_us) {
		h->nudge_gap_us = HPC_NUDGE_US;
		h->nudge_us = now_us + h->nudge_gap_us;
	} else if (now_us >= h->nudge_us) {
		eventfd_write(h->gsi_fd, 1);
		if (h->nudge_gap_us < HPC_NUDGE_MAX_US)
			h->nudge_gap_us *= 2;
		h->nudge_us = now_us + h->nudge_gap_us;
	}
}

void hpc_read(struct vm *vm, uint32_t off, void *buf, uint32_t len)
{
	uint32_t v;

	memset(buf, 0xff, len);
	if (len == 1 && off == HPC_SLPS) {
		memset(buf, 0, 1);
		return;
	}
	if (len != 4 || off % 4) {
		atomic_fetch_add(&vm->hpc.odd_accesses, 1);
		return;
	}
	switch (off) {
	case HPC_EVTS:
		v = atomic_load(&vm->hpc.evts);
		break;
	case HPC_PCUP:
		v = atomic_load(&vm->hpc.pcup);
		break;
	case HPC_PCDN:
		v = atomic_load(&vm->hpc.pcdn);
		break;
	case HPC_VERS:
		v = HPC_VERSION;
		break;
	default:
		v = 0;
		break;
	}
	memcpy(buf, &v, 4);
}

/* Only pointers move here; irqfds, memslots and descriptors are the main thread's to undo. */
static void eject(struct vm *vm, uint32_t slots)
{
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		struct pci_dev *d;

		if (!(slots & BIT32(s)))
			continue;
		if (atomic_exchange(&vm->slot[s].owes_eject, false))
			continue;
		d = atomic_exchange(&vm->slot[s].dev, NULL);
		if (!d)
			continue;
		atomic_store(&vm->slot[s].ejected, d);
		vm_post(vm, VM_POST_EJECT);
	}
}

static void doorbell(struct vm *vm, uint32_t v)
{
	if (v & HPC_GDBL_CONSOLE)
		vm_post(vm, VM_POST_CONSOLE);
	if (v & HPC_GDBL_IFS)
		vm_post(vm, VM_POST_IFS);
	if (v & HPC_GDBL_DONE)
		vm_post(vm, VM_POST_DONE);
}

/* What became of an ejection that the guest was asked for. Anybody can write here: it is only told.
 */
static void ost_take(struct vm *vm, uint32_t event, uint32_t v)
{
	uint32_t slot = v >> 16 & 0xff, status = v & 0xffff;

	if (slot < 1 || slot >= VMM_SLOTS)
		return;
	if (event != HPC_OST_EJECT && event != HPC_OST_EJECT_OS)
		return;
	if (status != HPC_OST_DONE && status != HPC_OST_PENDING)
		atomic_store(&vm->slot[slot].refusal, status);
}

static bool byte_write(struct vm *vm, uint32_t off, uint8_t v)
{
	switch (off) {
	case HPC_RSTB:
		if (v == HPC_RSTB_VALUE)
			vm_end(vm, VM_ENDED_RESET, "guest asked for a reset");
		return true;
	case HPC_SLPC:
		if (v == HPC_SLPC_OFF)
			vm_end(vm, VM_ENDED_OFF, "guest switched off");
		return true;
	case HPC_SLPS:
		return true;
	default:
		return false;
	}
}

void hpc_write(struct vm *vm, uint32_t off, const void *buf, uint32_t len)
{
	uint32_t v;

	if (len == 1 && byte_write(vm, off, *(const uint8_t *)buf))
		return;
	if (len != 4 || off % 4) {
		atomic_fetch_add(&vm->hpc.odd_accesses, 1);
		return;
	}
	memcpy(&v, buf, 4);
	switch (off) {
	case HPC_EVTS:
		atomic_fetch_and(&vm->hpc.evts, ~v);
		break;
	case HPC_PCUP:
		atomic_fetch_and(&vm->hpc.pcup, ~v);
		break;
	case HPC_PCDN:
		atomic_fetch_and(&vm->hpc.pcdn, ~v);
		break;
	case HPC_PCEJ:
		eject(vm, v);
		break;
	case HPC_OSTE:
		atomic_store(&vm->hpc.oste, v);
		break;
	case HPC_OSTS:
		ost_take(vm, atomic_load(&vm->hpc.oste), v);
		break;
	case HPC_POWR:
		if (v == HPC_POWR_OFF)
			vm_end(vm, VM_ENDED_OFF, "guest switched off");
		else if (v == HPC_POWR_RESET)
			vm_end(vm, VM_ENDED_RESET, "guest asked for a reset");
		break;
	case HPC_GDBL:
		doorbell(vm, v);
		break;
	default:
		break;
	}
}

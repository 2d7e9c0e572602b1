/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bus 0: who answers an address. Each vCPU names the function it works on in its in_use, so that
 * the main thread, which has taken it off the bus, knows when it may be destroyed: nobody waits for
 * it. A function's ops are called by one vCPU at a time.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "pci_core.h"

#define ECAM_SLOT(off) ((off) >> 15 & 31u)
#define ECAM_FN(off)   ((off) >> 12 & 7u)
#define ECAM_REG(off)  ((off)&0xfffu)

/* The host bridge: present, and nothing else. */
#define BRIDGE_VENDOR 0x1b36u
#define BRIDGE_DEVICE 0x0008u
#define BRIDGE_CLASS  0x060000u

struct pci_dev *pci_bus_get(struct vm *vm, unsigned int slot)
{
	_Atomic(struct pci_dev *) *in_use = &vm->vcpu[vcpu_self()].in_use;

	/* a slot changes at most twice while we look: out, and the successor in */
	for (unsigned int i = 0; i < 3; i++) {
		struct pci_dev *d = atomic_load(&vm->slot[slot].dev);

		if (!d)
			break;
		atomic_store(in_use, d);
		if (atomic_load(&vm->slot[slot].dev) == d)
			return d;
	}
	pci_bus_put(vm);
	return NULL;
}

void pci_bus_put(struct vm *vm)
{
	atomic_store(&vm->vcpu[vcpu_self()].in_use, NULL);
}

bool pci_bus_busy(const struct vm *vm, const struct pci_dev *d)
{
	for (unsigned int i = 0; i < VM_CPUS_MAX; i++) {
		if (atomic_load(&vm->vcpu[i].in_use) == d)
			return true;
	}
	return false;
}

static void bridge_read(uint32_t reg, void *buf, uint32_t len)
{
	uint8_t cfg[64] = {0};

	bytes_put(&cfg[PCI_VENDOR_ID], BRIDGE_VENDOR, 2);
	bytes_put(&cfg[PCI_DEVICE_ID], BRIDGE_DEVICE, 2);
	bytes_put(&cfg[PCI_CLASS_REVISION], BRIDGE_CLASS << 8, 4);
	memset(buf, 0, len);
	if (reg < sizeof(cfg) && len <= sizeof(cfg) - reg)
		memcpy(buf, &cfg[reg], len);
}

/* A naturally aligned access stays inside one function's page; others are nobody's. */
static bool ecam_decode(uint32_t off, uint32_t len)
{
	return off < VMM_ECAM_SIZE && len <= VMM_ECAM_SIZE - off && len && len <= 8 &&
	       !(off % len) && !ECAM_FN(off);
}

void pci_ecam_read(struct vm *vm, uint32_t off, void *buf, uint32_t len)
{
	struct pci_dev *d;

	memset(buf, 0xff, len);
	if (!ecam_decode(off, len))
		return;
	if (!ECAM_SLOT(off)) {
		bridge_read(ECAM_REG(off), buf, len);
		return;
	}
	d = pci_bus_get(vm, ECAM_SLOT(off));
	if (!d)
		return;
	pci_cfg_read(d, ECAM_REG(off), buf, len);
	pci_bus_put(vm);
}

void pci_ecam_write(struct vm *vm, uint32_t off, const void *buf, uint32_t len)
{
	struct pci_dev *d;

	if (!ecam_decode(off, len) || !ECAM_SLOT(off))
		return;
	d = pci_bus_get(vm, ECAM_SLOT(off));
	if (!d)
		return;
	pthread_mutex_lock(&d->access);
	pci_cfg_write(d, ECAM_REG(off), buf, len);
	pthread_mutex_unlock(&d->access);
	pci_bus_put(vm);
}

/* Which BAR of @d decodes [gpa, gpa + len); -1: none. */
static int bar_find(struct pci_dev *d, uint64_t gpa, uint32_t len, uint64_t *ret_off)
{
	int found = -1;

	pthread_mutex_lock(&d->lock);
	for (unsigned int i = 0; i < PCI_DEV_BARS && found < 0; i++) {
		const struct pci_bar *b = &d->bar[i];

		if (!b->size || !b->mapped || gpa < b->gpa || gpa - b->gpa >= b->size)
			continue;
		if (len > b->size - (gpa - b->gpa))
			continue;
		*ret_off = gpa - b->gpa;
		found = (int)i;
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

static void bar_do(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len,
		   bool write)
{
	atomic_fetch_add_explicit(&d->bar_exits, 1, memory_order_relaxed);
	if (!write)
		memset(buf, 0xff, len);
	if (atomic_load(&d->lost))
		return;
	if (msix_owns(d, bar, off)) {
		if (write)
			msix_write(d, off, buf, len);
		else
			msix_read(d, off, buf, len);
	} else if (write) {
		if (d->ops->bar_write)
			d->ops->bar_write(d, bar, off, buf, len);
	} else if (d->ops->bar_read) {
		d->ops->bar_read(d, bar, off, buf, len);
	}
}

bool pci_bar_access(struct vm *vm, uint64_t gpa, void *buf, uint32_t len, bool write)
{
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		struct pci_dev *d = pci_bus_get(vm, s);
		uint64_t off;
		int bar;

		if (!d)
			continue;
		bar = bar_find(d, gpa, len, &off);
		if (bar >= 0) {
			pthread_mutex_lock(&d->access);
			bar_do(d, (unsigned int)bar, off, buf, len, write);
			pthread_mutex_unlock(&d->access);
		}
		pci_bus_put(vm);
		if (bar >= 0)
			return true;
	}
	return false;
}

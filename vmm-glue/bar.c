/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BARs. Sizing needs no code: the write mask of a BAR register leaves the size bits read-only, so
 * all ones written reads back as the size. After any write that could matter, pci_bars_sync()
 * compares where cfg[] says a BAR is with where it is, and moves it.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "pci_core.h"

#define PAGE	 UINT64_C(4096)
#define BAR_MIN	 UINT64_C(16)
#define BAR_MAX	 (UINT64_C(256) << 20)
#define HIGH_END (UINT64_C(1) << 46)

static int bar_check(const struct pci_dev *d, unsigned int i)
{
	const struct pci_bar *b = &d->bar[i];

	if (b->size < BAR_MIN || b->size > BAR_MAX || b->size & (b->size - 1))
		return -EINVAL;
	if (b->is_64 && (i + 1 >= PCI_DEV_BARS || d->bar[i + 1].size))
		return -EINVAL;
	if (b->n_mem > PCI_DEV_MEMSLOTS)
		return -EINVAL;
	for (unsigned int m = 0; m < b->n_mem; m++) {
		uint64_t off = b->mem[m].offset, size = b->mem[m].size;

		if (!b->mem[m].va || !size || off % PAGE || size % PAGE || off > b->size ||
		    size > b->size - off)
			return -EINVAL;
		if (m && off < b->mem[m - 1].offset + b->mem[m - 1].size)
			return -EINVAL;
	}
	return 0;
}

int pci_bars_check(const struct pci_dev *d)
{
	for (unsigned int i = 0; i < PCI_DEV_BARS; i++) {
		if (d->bar[i].size && bar_check(d, i) < 0)
			return -EINVAL;
	}
	return 0;
}

void pci_bars_init(struct pci_dev *d)
{
	memset(&d->cfg[PCI_BASE_ADDRESS_0], 0, 4 * PCI_DEV_BARS);
	memset(&d->wmask[PCI_BASE_ADDRESS_0], 0, 4 * PCI_DEV_BARS);
	for (unsigned int i = 0; i < PCI_DEV_BARS; i++) {
		struct pci_bar *b = &d->bar[i];
		unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * i;

		b->gpa = 0;
		b->mapped = false;
		for (unsigned int m = 0; m < PCI_DEV_MEMSLOTS; m++)
			b->mem[m].slot = -1;
		if (!b->size)
			continue;
		bytes_put(&d->wmask[reg], ~(b->size - 1), b->is_64 ? 8 : 4);
		d->cfg[reg] = (uint8_t)((b->is_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
					(b->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
	}
}

static uint64_t bar_wanted(const struct pci_dev *d, unsigned int i)
{
	unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * i;
	uint64_t v = cfg_get32(d, reg) & PCI_BASE_ADDRESS_MEM_MASK;

	if (d->bar[i].is_64)
		v |= (uint64_t)cfg_get32(d, reg + 4) << 32;
	return v & ~(d->bar[i].size - 1);
}

/* Where a BAR may decode: nowhere near RAM, ECAM, the hot-plug page or the APICs. */
static bool bar_place_ok(const struct vm *vm, uint64_t gpa, uint64_t size)
{
	uint64_t high = VM_RAM_HIGH + (vm->ram_high ? vm->ram_high->len : 0);

	if (gpa >= VMM_MMIO32_BASE && gpa < VMM_MMIO32_END)
		return size <= VMM_MMIO32_END - gpa;
	return gpa >= high && gpa < HIGH_END && size <= HIGH_END - gpa;
}

static void bar_unmap(struct pci_dev *d, struct pci_bar *b)
{
	for (unsigned int m = 0; m < b->n_mem; m++) {
		if (b->mem[m].slot < 0)
			continue;
		vm_memslot_unmap(d->vm, (unsigned int)b->mem[m].slot, b->gpa + b->mem[m].offset);
		b->mem[m].slot = -1;
	}
	b->mapped = false;
}

/*
 * A part that cannot be mapped now (a leaving function still lies there) is trapped until the next
 * sync; the main thread syncs all functions after one is gone.
 */
static void bar_map(struct pci_dev *d, struct pci_bar *b)
{
	b->mapped = true;
	for (unsigned int m = 0; m < b->n_mem; m++) {
		int slot;

		if (b->mem[m].slot >= 0)
			continue;
		slot = vm_memslot_map(d->vm, b->gpa + b->mem[m].offset, b->mem[m].size,
				      b->mem[m].va);
		b->mem[m].slot = slot < 0 ? -1 : slot;
	}
}

void pci_bars_sync(struct pci_dev *d)
{
	bool decode = (d->cfg[PCI_COMMAND] & PCI_COMMAND_MEMORY) && !atomic_load(&d->lost);

	for (unsigned int i = 0; i < PCI_DEV_BARS; i++) {
		struct pci_bar *b = &d->bar[i];
		uint64_t gpa;

		if (!b->size)
			continue;
		gpa = bar_wanted(d, i);
		if (b->mapped && (b->gpa != gpa || !decode))
			bar_unmap(d, b);
		b->gpa = gpa;
		if (decode && bar_place_ok(d->vm, gpa, b->size))
			bar_map(d, b);
	}
}

void pci_bars_unmap(struct pci_dev *d)
{
	for (unsigned int i = 0; i < PCI_DEV_BARS; i++) {
		if (d->bar[i].size)
			bar_unmap(d, &d->bar[i]);
	}
}

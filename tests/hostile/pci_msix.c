/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X table, pending bits and control. Vectors that are open have numbers which ring 0 takes for
 * nothing, save in the case that is allowed to cost the VM.
 */
#include "ring.h"

#include <linux/pci_regs.h>

#define VECTOR_FIRST 0x70u
#define VECTORS	     0x20u
#define ENTRY(i)     (h->pci->msix_table + (uint64_t)(i)*PCI_MSIX_ENTRY_SIZE)
#define ENABLE	     PCI_MSIX_FLAGS_ENABLE
#define MASK_ALL     PCI_MSIX_FLAGS_MASKALL
#define MASKED	     PCI_MSIX_ENTRY_CTRL_MASKBIT

static void control(struct hostile *h, uint32_t bits)
{
	hostile_write(h, hostile_cfg(h->slot, h->pci->msix_cap + PCI_MSIX_FLAGS), 2, bits);
}

static void entry(struct hostile *h, uint32_t i, uint64_t address, uint32_t data, uint32_t masked)
{
	hostile_write(h, ENTRY(i), 4, address);
	hostile_write(h, ENTRY(i) + 4, 4, address >> 32);
	hostile_write(h, ENTRY(i) + 8, 4, data);
	hostile_write(h, ENTRY(i) + 12, 4, masked);
}

static uint32_t harmless(struct hostile *h)
{
	return VECTOR_FIRST + hostile_below(h, VECTORS);
}

static int table(struct hostile *h)
{
	control(h, ENABLE | MASK_ALL);
	for (uint32_t off = 0; off < 3u * PCI_MSIX_ENTRY_SIZE; off++) {
		for (uint32_t width = 1; width <= 8; width *= 2) {
			hostile_write(h, ENTRY(0) + off, width, hostile_random(h));
			(void)hostile_read(h, ENTRY(0) + off, width);
		}
	}
	/* only whole words count */
	entry(h, 0, VMM_LAPIC_BASE, 0x70, MASKED);
	hostile_write(h, ENTRY(0) + 8, 1, 0xff);
	hostile_write(h, ENTRY(0) + 9, 2, 0xffff);
	if (hostile_read(h, ENTRY(0) + 8, 4) != 0x70)
		return hostile_wrong(h, "a part of a word was taken");
	return hostile_same(h);
}

static int pending(struct hostile *h)
{
	uint32_t pba = cfg_read(h, h->pci->msix_cap + PCI_MSIX_PBA);
	uint64_t at = h->pci->bar[pba & 7] + (pba & ~7u);
	uint64_t before = hostile_read(h, at, 8);

	for (uint32_t off = 0; off < 24; off++) {
		for (uint32_t width = 1; width <= 8; width *= 2) {
			hostile_write(h, at + off, width, UINT64_MAX);
			(void)hostile_read(h, at + off, width);
		}
	}
	if (hostile_read(h, at, 8) & ~before & ~UINT64_C(0x3ffffff))
		return hostile_wrong(h, "pending bits of vectors that are not there");
	return hostile_same(h);
}

/* A message to memory would be a write by the VMM in the guest's name: none is made. */
static int addresses(struct hostile *h)
{
	static const uint64_t at[] = {HOSTILE_RAM,
				      0,
				      VMM_ECAM_BASE,
				      VMM_HPC_BASE + HPC_PCEJ,
				      VMM_IOAPIC_BASE,
				      0xfedffffcu,
				      0xfef00000u,
				      0xfeeff000u,
				      UINT64_C(0xfee00000) | UINT64_C(1) << 32,
				      UINT64_MAX};

	hostile_pattern();
	for (unsigned int k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		control(h, ENABLE | (k & 1 ? MASK_ALL : 0));
		for (uint32_t i = 0; i < h->pci->n_msix; i++)
			entry(h, i, at[k], 0x70, 0);
		control(h, ENABLE);
		if (BIT32(h->kind) & ON_SERVED && ring_good(h) < 0)
			return -EIO;
	}
	if (hostile_pattern_ok(h) < 0 || hostile_platform_ok(h) < 0)
		return -EIO;
	return hostile_same(h);
}

static int mask_storm(struct hostile *h)
{
	for (uint32_t i = 0; i < h->pci->n_msix; i++)
		entry(h, i, VMM_LAPIC_BASE, harmless(h), 0);
	for (unsigned int k = 0; k < 120; k++) {
		uint32_t i = hostile_below(h, h->pci->n_msix);

		hostile_write(h, ENTRY(i) + 12, 4, k & 1);
		if (k % 5 == 0)
			control(h, (uint32_t)hostile_random(h) & (ENABLE | MASK_ALL));
	}
	return hostile_same(h);
}

static int route_storm(struct hostile *h)
{
	control(h, ENABLE);
	for (unsigned int k = 0; k < 40; k++) {
		uint32_t i = hostile_below(h, h->pci->n_msix);

		hostile_write(h, ENTRY(i) + 12, 4, 0);
		hostile_write(h, ENTRY(i), 4, VMM_LAPIC_BASE | (hostile_random(h) & 0xff00c));
		hostile_write(h, ENTRY(i) + 8, 4, harmless(h));
	}
	return hostile_same(h);
}

static int enable_storm(struct hostile *h)
{
	for (unsigned int k = 0; k < 60; k++) {
		control(h, k & 1 ? ENABLE : 0);
		if (k % 8 == 0 && BIT32(h->kind) & ON_SERVED && ring_good(h) < 0)
			return -EIO;
	}
	return hostile_same(h);
}

/* Messages that stop or confuse the processor that asked for them: SMI, NMI, INIT, start-up. */
static int lethal(struct hostile *h)
{
	for (uint32_t mode = 1; mode < 8; mode++) {
		control(h, ENABLE);
		for (uint32_t i = 0; i < h->pci->n_msix; i++)
			entry(h, i, VMM_LAPIC_BASE, mode << 8 | hostile_below(h, 256), 0);
		(void)!ring_good(h);
	}
	return 0;
}

static const struct hostile_case cases[] = {
	CASE("msix-table-every-width", ON_ALL, LOSS_NONE, table),
	CASE("msix-pending-every-width", ON_ALL, LOSS_NONE, pending),
	CASE("msix-garbage-addresses", ON_ALL, LOSS_NONE, addresses),
	CASE("msix-mask-storm", ON_ALL, LOSS_NONE, mask_storm),
	CASE("msix-route-storm", ON_ALL, LOSS_NONE, route_storm),
	CASE("msix-enable-storm", ON_ALL, LOSS_NONE, enable_storm),
	CASE("msix-lethal-messages", ON(RNG), LOSS_VM, lethal),
};

const struct hostile_set msix_set = {cases, sizeof(cases) / sizeof(cases[0])};

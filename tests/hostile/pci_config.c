/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space: what a driver may not do there, at every width. */
#include "hostile.h"

#include <linux/pci_regs.h>

#define ON_OFF (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static int every_register(struct hostile *h)
{
	for (uint32_t off = 0; off < 0x1000; off += off < 0x100 ? 1 : 0x3d) {
		uint64_t at = hostile_cfg(h->slot, off);

		(void)hostile_read(h, at, hostile_width(h));
		hostile_write(h, at, hostile_width(h), hostile_random(h));
	}
	return hostile_same(h);
}

static int bar_sizing(struct hostile *h)
{
	for (unsigned int i = 0; i < 120; i++) {
		uint32_t off = PCI_BASE_ADDRESS_0 + hostile_below(h, 24);

		hostile_command(h, i & 1 ? ON_OFF : 0);
		hostile_write(h, hostile_cfg(h->slot, off), hostile_width(h),
			      i & 2 ? UINT64_MAX : hostile_random(h));
	}
	return hostile_same(h);
}

static void bars_to(struct hostile *h, uint64_t gpa)
{
	for (unsigned int i = 0; i < PCISCAN_BARS; i++) {
		if (!h->pci->bar_size[i])
			continue;
		cfg_write(h, PCI_BASE_ADDRESS_0 + 4 * i, (uint32_t)gpa);
		/* a 64 bit BAR has its upper half here, another one is as good a target */
		if (i + 1 < PCISCAN_BARS && !h->pci->bar_size[i + 1])
			cfg_write(h, PCI_BASE_ADDRESS_0 + 4 * i + 4, (uint32_t)(gpa >> 32));
	}
}

static int bar_over_ram(struct hostile *h)
{
	static const uint32_t at[] = {HOSTILE_RAM, 0, 0x20000, 0x200000};

	hostile_pattern();
	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		bars_to(h, at[i]);
		hostile_command(h, ON_OFF);
		for (uint32_t off = 0; off < 64; off += 8)
			(void)hostile_read(h, HOSTILE_RAM + off, 8);
		if (hostile_pattern_ok(h) < 0)
			return -EIO;
	}
	return hostile_same(h);
}

/* Two functions of one guest at one address is the guest's affair, until it moves one away. */
static int bar_over_bar(struct hostile *h)
{
	const struct pciscan_slot *w = &kern_shared.slot[h->witness];

	for (unsigned int i = 0; i < PCISCAN_BARS; i++) {
		if (!w->bar_size[i])
			continue;
		bars_to(h, w->bar[i]);
		for (unsigned int k = 0; k < 60; k++) {
			uint64_t at = w->bar[i] + hostile_below(h, (uint32_t)w->bar_size[i]);

			hostile_write(h, at, hostile_width(h), hostile_random(h));
			(void)hostile_read(h, at, hostile_width(h));
		}
		hostile_command(h, i & 1 ? ON_OFF : 0);
		hostile_command(h, ON_OFF);
	}
	return hostile_same(h);
}

static int bar_over_machine(struct hostile *h)
{
	static const uint64_t at[] = {VMM_ECAM_BASE,
				      VMM_ECAM_BASE - 0x1000,
				      VMM_HPC_BASE,
				      VMM_IOAPIC_BASE,
				      VMM_LAPIC_BASE,
				      0xfeffc000u,
				      0xfffff000u,
				      0xfffffff0u,
				      VMM_MMIO32_END - 0x1000,
				      VMM_MMIO64_BASE,
				      VMM_MMIO64_END - 0x1000,
				      UINT64_C(1) << 32,
				      UINT64_C(1) << 46,
				      (UINT64_C(1) << 46) - 0x1000,
				      UINT64_C(1) << 63,
				      UINT64_MAX};

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		bars_to(h, at[i]);
		hostile_command(h, ON_OFF);
		for (unsigned int k = 0; k < 4 && at[i] < UINT64_C(0xfe000000); k++)
			(void)hostile_read(h, at[i] + 8 * k, hostile_width(h));
		if (hostile_platform_ok(h) < 0)
			return -EIO;
	}
	return hostile_same(h);
}

static int command_storm(struct hostile *h)
{
	uint64_t bar = h->pci->bar[0];

	for (unsigned int i = 0; i < 150; i++) {
		hostile_command(h, (uint32_t)hostile_random(h) & 0xffff);
		if (i % 3 == 0)
			hostile_write(h, bar + 4 * hostile_below(h, 16), 4, hostile_random(h));
	}
	hostile_command(h, 0);
	(void)hostile_read(h, bar, 4);
	return hostile_same(h);
}

static int capabilities(struct hostile *h)
{
	uint32_t at = cfg_read(h, PCI_CAPABILITY_LIST) & 0xfc;

	for (unsigned int n = 0; n < 16 && at >= PCI_STD_HEADER_SIZEOF; n++) {
		uint32_t next = cfg_read(h, at) >> 8 & 0xfc;

		for (uint32_t i = 0; i < 24; i++) {
			uint64_t reg = hostile_cfg(h->slot, at + i);

			hostile_write(h, reg, hostile_width(h), hostile_random(h));
			hostile_write(h, reg, 1, UINT64_MAX);
			hostile_write(h, reg, 1, 0);
		}
		at = next;
	}
	return hostile_same(h);
}

static int absent(struct hostile *h)
{
	for (uint32_t fn = 1; fn < 8; fn++) {
		uint64_t at = hostile_cfg(h->slot, fn << 12);

		hostile_write(h, at + PCI_COMMAND, 2, ON_OFF);
		if (hostile_read(h, at, 4) != UINT32_MAX)
			return hostile_wrong(h, "a function that nobody plugged in answers");
	}
	for (unsigned int i = 0; i < 60; i++) {
		uint32_t off = hostile_below(h, VMM_ECAM_SIZE);

		if (off >> 15 == h->slot || off >> 15 == h->witness)
			continue;
		(void)hostile_read(h, VMM_ECAM_BASE + off, hostile_width(h));
		/* not at functions that are the turn of another case */
		if (off >> 12 & 7)
			hostile_write(h, VMM_ECAM_BASE + off, hostile_width(h), hostile_random(h));
	}
	for (uint32_t off = 0xff8; off < 0x1008; off++)
		(void)hostile_read(h, hostile_cfg(h->slot, off), 8);
	return hostile_same(h);
}

static const struct hostile_case cases[] = {
	CASE("config-every-register", ON_ALL, LOSS_NONE, every_register),
	CASE("config-bar-sizing", ON_ALL, LOSS_NONE, bar_sizing),
	CASE("config-bar-over-ram", ON_ALL, LOSS_NONE, bar_over_ram),
	CASE("config-bar-over-bar", ON_ALL, LOSS_NONE, bar_over_bar),
	CASE("config-bar-over-machine", ON_ALL, LOSS_NONE, bar_over_machine),
	CASE("config-command-storm", ON_ALL, LOSS_NONE, command_storm),
	CASE("config-capabilities", ON_ALL, LOSS_NONE, capabilities),
	CASE("config-absent-functions", ON(RNG), LOSS_NONE, absent),
};

const struct hostile_set config_set = {cases, sizeof(cases) / sizeof(cases[0])};

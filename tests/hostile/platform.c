/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine itself: the hot-plug block, the guest block, addresses where nothing is. */
#include "hostile.h"

#include <string.h>

#define STORM 200u

static void hpc(struct hostile *h, uint32_t reg, uint32_t val)
{
	hostile_write(h, VMM_HPC_BASE + reg, 4, val);
}

/* Registers that end the machine when told the right number are told other ones. */
static bool fatal(uint32_t off)
{
	return off + 8 > HPC_POWR && off <= HPC_SLPS;
}

static uint32_t present(struct hostile *h)
{
	uint32_t slots = 0;

	for (uint32_t s = 1; s < VMM_SLOTS; s++) {
		if (hostile_read(h, hostile_cfg(s, 0), 4) != UINT32_MAX)
			slots |= BIT32(s);
	}
	return slots;
}

static int every_width(struct hostile *h)
{
	for (uint32_t off = 0; off < VMM_HPC_SIZE; off += off < 0x60 ? 1 : 0x1f) {
		for (uint32_t width = 1; width <= 8; width *= 2)
			(void)hostile_read(h, VMM_HPC_BASE + off, width);
		if (fatal(off))
			continue;
		for (uint32_t width = 1; width <= 8; width *= 2) {
			/* a whole word there is the turn of the eject cases */
			if (width != 4 || off != HPC_PCEJ)
				hostile_write(h, VMM_HPC_BASE + off, width, hostile_random(h));
		}
	}
	hpc(h, HPC_POWR, 0);
	hpc(h, HPC_POWR, UINT32_MAX);
	hostile_write(h, VMM_HPC_BASE + HPC_RSTB, 1, HPC_RSTB_VALUE + 1);
	hostile_write(h, VMM_HPC_BASE + HPC_SLPC, 1, HPC_SLPC_OFF ^ 4);
	return hostile_platform_ok(h);
}

static int eject_absent(struct hostile *h)
{
	uint32_t there = present(h);

	for (unsigned int i = 0; i < STORM; i++)
		hpc(h, HPC_PCEJ, ((uint32_t)hostile_random(h) | 1) & ~there);
	if (present(h) != there)
		return hostile_wrong(h, "a function that was not named is gone");
	return hostile_same(h);
}

static int eject_again(struct hostile *h)
{
	uint32_t there = present(h);

	for (unsigned int i = 0; i < STORM; i++)
		hpc(h, HPC_PCEJ, BIT32(h->slot));
	if (present(h) & BIT32(h->slot))
		return hostile_wrong(h, "an ejected function answers");
	(void)hostile_read(h, h->pci->bar[0], 4);
	hostile_write(h, h->pci->bar[0], 4, 0);
	if (present(h) & ~there)
		return hostile_wrong(h, "functions appear");
	return 0;
}

/* All slots at once and again, while the host plugs in and takes away. */
static int eject_storm(struct hostile *h)
{
	uint64_t since = guest_tsc();

	while (!hostile_late(since, 400000)) {
		hpc(h, HPC_PCEJ, (uint32_t)hostile_random(h));
		hpc(h, HPC_PCUP, (uint32_t)hostile_random(h));
		hpc(h, HPC_PCDN, (uint32_t)hostile_random(h));
		hpc(h, HPC_EVTS, (uint32_t)hostile_random(h));
		(void)hostile_read(h, hostile_cfg(hostile_below(h, VMM_SLOTS), 0), 4);
		hostile_write(h, hostile_cfg(hostile_below(h, VMM_SLOTS), 4), 2, 6);
	}
	return hostile_platform_ok(h);
}

static int events(struct hostile *h)
{
	for (unsigned int i = 0; i < STORM; i++) {
		hpc(h, HPC_EVTS + 4 * hostile_below(h, 3), (uint32_t)hostile_random(h));
		hpc(h, HPC_OSTE, (uint32_t)hostile_random(h));
		hpc(h, HPC_OSTS, (uint32_t)hostile_random(h));
		hpc(h, HPC_VERS, (uint32_t)hostile_random(h));
	}
	return hostile_platform_ok(h);
}

/* Everything the VMM reads out of guest memory, garbage, with a doorbell each time. */
static int guest_block(struct hostile *h)
{
	struct guest_block *b = guest_block_ptr();

	for (unsigned int i = 0; i < 60; i++) {
		volatile uint32_t *ifs = (volatile uint32_t *)b->ifs;

		for (unsigned int k = 0; k < 64; k++)
			ifs[hostile_below(h, sizeof(b->ifs) / 4)] = (uint32_t)hostile_random(h);
		b->res.hist.n = hostile_random(h);
		b->res.error = (uint32_t)hostile_random(h);
		b->magic = b->version = (uint32_t)hostile_random(h);
		hpc(h, HPC_GDBL, (uint32_t)hostile_random(h) | HPC_GDBL_IFS | HPC_GDBL_DONE);
	}
	memset(b->ifs, 0, sizeof(b->ifs));
	hpc(h, HPC_GDBL, HPC_GDBL_IFS);
	return hostile_platform_ok(h);
}

/* Text that is no text, and a ring that ran over many times at once. */
static int console(struct hostile *h)
{
	struct guest_block *b = guest_block_ptr();
	uint32_t head = b->con_head;

	for (unsigned int i = 0; i < 40; i++) {
		for (unsigned int k = 0; k < 64; k++)
			b->con[hostile_below(h, GUEST_CON_SIZE)] = (uint8_t)hostile_random(h);
		b->con_head = i & 1 ? (uint32_t)hostile_random(h) : head + 100;
		hpc(h, HPC_GDBL, HPC_GDBL_CONSOLE);
	}
	con_puts("\n");
	return hostile_platform_ok(h);
}

static int doorbells(struct hostile *h)
{
	for (unsigned int i = 0; i < 3 * STORM; i++)
		hpc(h, HPC_GDBL, UINT32_MAX);
	return hostile_platform_ok(h);
}

static int nowhere(struct hostile *h)
{
	/* between and around all that is there, the APICs' registers left alone */
	static const uint32_t at[] = {0xb0000000u, VMM_MMIO32_BASE,	 VMM_MMIO32_END - 64,
				      0xe8100000u, VMM_HPC_BASE + 0xff8, VMM_HPC_BASE + 0x1000,
				      0xfd000000u, 0xfed00000u,		 0xfed40000u,
				      0xff000000u, 0xffffffc0u};

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (uint32_t off = 0; off < 48; off += 5) {
			hostile_write(h, at[i] + off, hostile_width(h), hostile_random(h));
			(void)hostile_read(h, at[i] + off, hostile_width(h));
		}
	}
	return hostile_platform_ok(h);
}

static const struct hostile_case cases[] = {
	CASE("hotplug-every-width", ON(RNG), LOSS_NONE, every_width),
	CASE("hotplug-eject-absent", ON(RNG), LOSS_NONE, eject_absent),
	CASE("hotplug-eject-again", ON_ALL, LOSS_DEVICE, eject_again),
	CASE("hotplug-eject-storm", ON(RNG), LOSS_DEVICES, eject_storm),
	CASE("hotplug-events", ON(RNG), LOSS_NONE, events),
	CASE("guest-block-garbage", ON(RNG), LOSS_NONE, guest_block),
	CASE("console-garbage", ON(RNG), LOSS_NONE, console),
	CASE("doorbell-storm", ON(RNG), LOSS_NONE, doorbells),
	CASE("addresses-of-nothing", ON(RNG), LOSS_NONE, nowhere),
};

const struct hostile_set platform_set = {cases, sizeof(cases) / sizeof(cases[0])};

/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers: every width, every place, also where there is nothing. */
#include "hostile.h"

#define NEAR 0x4000u /* where registers are, in all kinds */

/* The edges of a BAR and of its pages, and places in between. */
static uint64_t place(struct hostile *h, uint64_t size)
{
	uint64_t page = (uint64_t)hostile_below(h, (uint32_t)(size >> 12) + 1) << 12;

	switch (hostile_below(h, 4)) {
	case 0:
		return page - 8 + hostile_below(h, 16);
	case 1:
		return size - 1 - hostile_below(h, 16);
	default:
		return hostile_below(h, (uint32_t)size);
	}
}

static int every_width(struct hostile *h)
{
	for (unsigned int i = 0; i < PCISCAN_BARS; i++) {
		uint64_t size = h->pci->bar_size[i];

		for (unsigned int k = 0; size && k < 120; k++) {
			uint64_t at = h->pci->bar[i] + (place(h, size) & (size - 1));

			(void)hostile_read(h, at, hostile_width(h));
			hostile_write(h, at, hostile_width(h), hostile_random(h));
		}
	}
	return hostile_same(h);
}

static int registers(struct hostile *h)
{
	for (unsigned int i = 0; i < 400; i++) {
		uint32_t range = i & 1 ? NEAR : 0x80, width = hostile_width(h);
		uint64_t at = h->pci->bar[0] + (hostile_below(h, range) & ~(width - 1));

		hostile_write(h, at, width, i & 2 ? hostile_random(h) : hostile_below(h, 256));
		if (i % 4 == 0)
			(void)hostile_read(h, at, width);
	}
	return hostile_same(h);
}

/* Across the end, and in the hole behind it: reads of ones at most, no other effect. */
static int past_the_end(struct hostile *h)
{
	for (unsigned int i = 0; i < PCISCAN_BARS; i++) {
		uint64_t end = h->pci->bar[i] + h->pci->bar_size[i];

		for (uint32_t off = 0; h->pci->bar_size[i] && off < 16; off++) {
			hostile_write(h, end - 8 + off, 8, hostile_random(h));
			hostile_write(h, end - 4 + off, 4, hostile_random(h));
			(void)hostile_read(h, end - 8 + off, 8);
		}
	}
	return hostile_same(h);
}

static const struct hostile_case cases[] = {
	CASE("bar-every-width", ON_ALL, LOSS_NONE, every_width),
	CASE("bar-registers", ON_ALL, LOSS_NONE, registers),
	CASE("bar-past-the-end", ON_ALL, LOSS_NONE, past_the_end),
};

const struct hostile_set bar_set = {cases, sizeof(cases) / sizeof(cases[0])};

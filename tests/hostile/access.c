/* SPDX-License-Identifier: BSD-3-Clause */
#include "hostile.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define BRIDGE_ID 0x00081b36u

uint64_t hostile_random(struct hostile *h)
{
	/* xorshift: the seed is in the request, so a failure comes again */
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return h->random;
}

uint32_t hostile_below(struct hostile *h, uint32_t n)
{
	return (uint32_t)(hostile_random(h) >> 16) % n;
}

uint32_t hostile_width(struct hostile *h)
{
	return 1u << (hostile_random(h) >> 20 & 3);
}

uint64_t hostile_read(struct hostile *h, uint64_t gpa, uint32_t width)
{
	h->accesses++;
	switch (width) {
	case 1:
		return *(volatile uint8_t *)(uintptr_t)gpa;
	case 2:
		return *(volatile uint16_t *)(uintptr_t)gpa;
	case 4:
		return *(volatile uint32_t *)(uintptr_t)gpa;
	default:
		return *(volatile uint64_t *)(uintptr_t)gpa;
	}
}

void hostile_write(struct hostile *h, uint64_t gpa, uint32_t width, uint64_t val)
{
	h->accesses++;
	switch (width) {
	case 1:
		*(volatile uint8_t *)(uintptr_t)gpa = (uint8_t)val;
		break;
	case 2:
		*(volatile uint16_t *)(uintptr_t)gpa = (uint16_t)val;
		break;
	case 4:
		*(volatile uint32_t *)(uintptr_t)gpa = (uint32_t)val;
		break;
	default:
		*(volatile uint64_t *)(uintptr_t)gpa = val;
		break;
	}
}

uint64_t hostile_cfg(uint32_t slot, uint32_t off)
{
	return VMM_ECAM_BASE + ((uint64_t)slot << 15) + off;
}

uint32_t cfg_read(struct hostile *h, uint32_t off)
{
	return (uint32_t)hostile_read(h, hostile_cfg(h->slot, off), 4);
}

void cfg_write(struct hostile *h, uint32_t off, uint32_t val)
{
	hostile_write(h, hostile_cfg(h->slot, off), 4, val);
}

void hostile_command(struct hostile *h, uint32_t bits)
{
	hostile_write(h, hostile_cfg(h->slot, PCI_COMMAND), 2, bits);
}

bool hostile_late(uint64_t since, uint32_t us)
{
	return guest_tsc() - since > (uint64_t)us * kern_shared.tsc_khz / 1000;
}

void hostile_wait(uint32_t us)
{
	uint64_t since = guest_tsc();

	while (!hostile_late(since, us))
		__builtin_ia32_pause();
}

int hostile_wrong(struct hostile *h, const char *what)
{
	con_printf("wrong: %s, kind %u, variant %u: %s\n", h->c->name, h->kind, h->variant, what);
	return -EIO;
}

/* BARs to where they belong, memory and bus mastering on, all vectors open. */
int hostile_scan(struct hostile *h)
{
	int r = (int)kern_call(KERN_SYS_SCAN, h->slot);

	h->pci = &kern_shared.slot[h->slot];
	return r;
}

/* Ids, BARs and capabilities, without what a driver may choose: where the window looks. */
static struct pciscan_slot nature(const struct pciscan_slot *s)
{
	struct pciscan_slot n;

	memcpy(&n, s, sizeof(n));
	for (unsigned int i = 0; i < n.n_vendor_caps; i++) {
		if (n.vendor_cap[i].type == VIRTIO_PCI_CAP_PCI_CFG)
			memset(&n.vendor_cap[i], 0, sizeof(n.vendor_cap[i]));
	}
	return n;
}

/* After whatever was written: it is the function that it was. */
int hostile_same(struct hostile *h)
{
	struct pciscan_slot before = nature(h->pci), now;

	if (hostile_scan(h) < 0)
		return hostile_wrong(h, "the function cannot be scanned any more");
	now = nature(h->pci);
	if (memcmp(&before, &now, sizeof(before)) != 0)
		return hostile_wrong(h, "the function is another one now");
	return 0;
}

/* Nothing of the machine itself can be covered by a BAR. */
int hostile_platform_ok(struct hostile *h)
{
	if (hostile_read(h, VMM_HPC_BASE + HPC_VERS, 4) != HPC_VERSION)
		return hostile_wrong(h, "the hot-plug block is covered");
	if (hostile_read(h, hostile_cfg(0, 0), 4) != BRIDGE_ID)
		return hostile_wrong(h, "configuration space is covered");
	if (hostile_read(h, VMM_LAPIC_BASE + 0x30, 4) == UINT32_MAX)
		return hostile_wrong(h, "the APIC is covered");
	return 0;
}

void hostile_pattern(void)
{
	volatile uint64_t *p = (uint64_t *)(uintptr_t)HOSTILE_RAM;

	for (unsigned int i = 0; i < HOSTILE_RAM_LEN / 8; i++)
		p[i] = HOSTILE_PATTERN + i;
}

int hostile_pattern_ok(struct hostile *h)
{
	volatile uint64_t *p = (uint64_t *)(uintptr_t)HOSTILE_RAM;

	for (unsigned int i = 0; i < HOSTILE_RAM_LEN / 8; i++) {
		if (p[i] != HOSTILE_PATTERN + i)
			return hostile_wrong(h, "guest RAM was written behind the guest's back");
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The scanner against functions made of bytes: BAR sizing as hardware does it, hostile
 * capabilities. */
#include <support/test.h>
#include <errno.h>
#include <guest/pciscan.h>
#include <linux/pci_regs.h>
#include <string.h>

#define SLOT 3u
#define BASE (VMM_MMIO32_BASE + SLOT * PCISCAN_WINDOW)

struct fake {
	uint32_t cfg[64];
	uint32_t bar_size[6]; /* bytes; low half of a 64 bit BAR */
	uint32_t bar_type[6];
	bool bar_high[6]; /* upper half of the one before */
	uint32_t mem[64]; /* MSI-X table, at BAR 3 */
	unsigned int mem_writes;
	bool enabled_while_sizing;
};

static uint32_t cfg_read32(void *ctx, unsigned int slot, uint32_t off)
{
	struct fake *f = ctx;

	return slot == SLOT && off < 256 ? f->cfg[off / 4] : UINT32_MAX;
}

static void cfg_write32(void *ctx, unsigned int slot, uint32_t off, uint32_t val)
{
	struct fake *f = ctx;
	uint32_t *reg = &f->cfg[off / 4];
	unsigned int i = (off - PCI_BASE_ADDRESS_0) / 4;

	assert_int_equal(slot, SLOT);
	if (off >= PCI_BASE_ADDRESS_0 && i < 6) {
		f->enabled_while_sizing |= (f->cfg[1] & PCI_COMMAND_MEMORY) != 0;
		if (f->bar_high[i])
			*reg = val;
		else if (f->bar_size[i])
			*reg = (val & -f->bar_size[i]) | f->bar_type[i];
		return;
	}
	if (off == PCI_COMMAND)
		val = (*reg & 0xffff0000u) | (val & 0xffff);
	*reg = val;
}

static void mem_write32(void *ctx, uint64_t gpa, uint32_t val)
{
	struct fake *f = ctx;
	uint64_t base = (uint64_t)f->cfg[PCI_BASE_ADDRESS_3 / 4] & ~UINT64_C(15);

	f->mem_writes++;
	assert_in_range(gpa, base, base + sizeof(f->mem) - 4);
	f->mem[(gpa - base) / 4] = val;
}

static struct pciscan_io io_of(struct fake *f)
{
	return (struct pciscan_io){f, cfg_read32, cfg_write32, mem_write32};
}

/* an 82576 VF as the VMM shows it */
static struct fake vf_make(void)
{
	struct fake f = {.bar_size = {0x4000, 0, 0, 0x4000},
			 .bar_high = {false, true, false, false, true}};

	f.bar_type[0] = f.bar_type[3] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	f.cfg[0] = 0x10ca8086;
	f.cfg[1] = 0x00100000 | PCI_COMMAND_MEMORY; /* capabilities; decoding left on */
	f.cfg[PCI_CAPABILITY_LIST / 4] = 0x70;
	f.cfg[0x70 / 4] = 0x0002a011; /* MSI-X, 3 vectors, next 0xa0 */
	f.cfg[0x74 / 4] = 3;
	f.cfg[0x78 / 4] = 0x2003;
	f.cfg[0xa0 / 4] = 0x10;
	return f;
}

static void vf_is_sized_placed_and_enabled(void **state)
{
	const uint32_t data[2] = {0x43, 0x63};
	struct fake f = vf_make();
	struct pciscan_io io = io_of(&f);
	struct pciscan_slot s;

	assert_int_equal(pciscan_probe(&io, SLOT, &s), 0);
	assert_false(f.enabled_while_sizing);
	assert_int_equal(s.vendor, 0x8086);
	assert_int_equal(s.device, 0x10ca);
	assert_int_equal(s.bar_size[0], 0x4000);
	assert_int_equal(s.bar[0], BASE);
	assert_int_equal(s.bar[3], BASE + 0x4000);
	assert_int_equal(s.n_msix, 3);
	assert_int_equal(s.msix_table, BASE + 0x4000);
	assert_int_equal(f.cfg[4] & ~15u, BASE);
	assert_int_equal(f.cfg[5], 0);

	pciscan_enable(&io, SLOT, &s, 0xfee00000, data);
	assert_int_equal(f.cfg[1] & 0xffff, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(f.mem_writes, 12);
	assert_int_equal(f.mem[0], 0xfee00000);
	assert_int_equal(f.mem[2], 0x43);
	assert_int_equal(f.mem[6], 0x63);
	assert_int_equal(f.mem[10], 0x63);
	assert_int_equal(f.cfg[0x70 / 4] >> 30, 2); /* enabled, not masked */

	pciscan_disable(&io, SLOT, &s);
	assert_int_equal(f.cfg[1] & 0xffff, 0);
	assert_int_equal(f.cfg[0x70 / 4] >> 30, 0);
}

static void next_function_in_the_slot_gets_the_same_place(void **state)
{
	struct fake f = vf_make(), g = vf_make();
	struct pciscan_io io = io_of(&f), jo = io_of(&g);
	struct pciscan_slot s, t;

	assert_int_equal(pciscan_probe(&io, SLOT, &s), 0);
	assert_int_equal(pciscan_probe(&jo, SLOT, &t), 0);
	assert_memory_equal(&s, &t, sizeof(s));
}

static void empty_slot_is_enodev(void **state)
{
	struct fake f = {.cfg = {UINT32_MAX}};
	struct pciscan_io io = io_of(&f);
	struct pciscan_slot s;

	assert_int_equal(pciscan_probe(&io, SLOT, &s), -ENODEV);
}

static void bars_beyond_the_window_and_broken_ones_are_refused(void **state)
{
	struct fake f = vf_make();
	struct pciscan_io io = io_of(&f);
	struct pciscan_slot s;

	f.bar_size[0] = 0x2000000;
	assert_int_equal(pciscan_probe(&io, SLOT, &s), -ENOSPC);
	f = vf_make();
	f.bar_size[0] = f.bar_size[3] = 0x1000000; /* each fits, both do not */
	assert_int_equal(pciscan_probe(&io, SLOT, &s), -ENOSPC);
	f = vf_make();
	f.bar_size[5] = 0x1000;
	f.bar_type[5] = PCI_BASE_ADDRESS_MEM_TYPE_64; /* the last BAR has no upper half */
	assert_int_equal(pciscan_probe(&io, SLOT, &s), -EIO);
	f = vf_make();
	f.cfg[0x74 / 4] = 1; /* the table in a BAR that is none */
	assert_int_equal(pciscan_probe(&io, SLOT, &s), -EIO);
	f = vf_make();
	f.cfg[0x70 / 4] |= 0x7ff0000; /* 2048 vectors do not fit */
	f.cfg[0x74 / 4] = 0x3000 | 3;
	assert_int_equal(pciscan_probe(&io, SLOT, &s), -EIO);
}

static void capability_list_that_bites_its_tail_ends(void **state)
{
	struct fake f = vf_make();
	struct pciscan_io io = io_of(&f);
	struct pciscan_slot s;

	f.cfg[0xa0 / 4] = 0xa010;
	assert_int_equal(pciscan_probe(&io, SLOT, &s), 0);
	f.cfg[0xa0 / 4] = 0xfe10;
	assert_int_equal(pciscan_probe(&io, SLOT, &s), 0);
}

static void vendor_capabilities_are_kept_up_to_their_number(void **state)
{
	struct fake f = vf_make();
	struct pciscan_io io = io_of(&f);
	struct pciscan_slot s;

	f.cfg[PCI_CAPABILITY_LIST / 4] = 0x40;
	f.cfg[0x40 / 4] = 0x02144009; /* type 2, 20 bytes, next is itself */
	f.cfg[0x44 / 4] = 3;
	f.cfg[0x48 / 4] = 0x3000;
	f.cfg[0x4c / 4] = 0x1000;
	f.cfg[0x50 / 4] = 4;
	assert_int_equal(pciscan_probe(&io, SLOT, &s), 0);
	assert_int_equal(s.n_vendor_caps, PCISCAN_VENDOR_CAPS);
	assert_int_equal(s.vendor_cap[0].type, 2);
	assert_int_equal(s.vendor_cap[0].bar, 3);
	assert_int_equal(s.vendor_cap[0].offset, 0x3000);
	assert_int_equal(s.vendor_cap[0].extra, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vf_is_sized_placed_and_enabled),
		cmocka_unit_test(next_function_in_the_slot_gets_the_same_place),
		cmocka_unit_test(empty_slot_is_enodev),
		cmocka_unit_test(bars_beyond_the_window_and_broken_ones_are_refused),
		cmocka_unit_test(capability_list_that_bites_its_tail_ends),
		cmocka_unit_test(vendor_capabilities_are_kept_up_to_their_number),
	};

	return cmocka_run_group_tests_name("guest_pciscan", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space, BARs and the bus, driven as a guest drives them. */
#include <linux/pci_regs.h>
#include <support/test.h>
#include <support/vmm_platform.h>
#include <vcpu.h>

#define BAR0_GPA 0xc0000000u
#define BAR2_GPA UINT64_C(0x100000000)

struct fixture {
	struct vm vm;
	struct fake_dev dev;
	struct fake_dev other;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	assert_non_null(f);
	assert_int_equal(vm_init(&f->vm, "t", NULL, &fake_ops), 0);
	fake_dev_fill(&f->dev, &f->vm, "a");
	fake_dev_fill(&f->other, &f->vm, "b");
	assert_int_equal(pci_dev_init(&f->dev.pci), 0);
	assert_int_equal(pci_dev_init(&f->other.pci), 0);
	atomic_store(&f->vm.slot[1].dev, &f->dev.pci);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->vm.slot[1].dev, NULL);
	pci_dev_done(&f->dev.pci);
	pci_dev_done(&f->other.pci);
	assert_int_equal(fake_slots_used(), 0);
	assert_int_equal(fake_irqfds_used(), 0);
	assert_int_equal(fake.wrong, 0);
	vm_done(&f->vm);
	free(f);
	return 0;
}

static uint32_t mmio_in(struct vm *vm, uint64_t gpa, uint32_t len)
{
	uint32_t v = 0;

	vcpu_mmio(vm, gpa, &v, len, false);
	return v;
}

static void mmio_out(struct vm *vm, uint64_t gpa, uint32_t v, uint32_t len)
{
	vcpu_mmio(vm, gpa, &v, len, true);
}

static void all_ones_in_a_bar_read_back_as_its_size(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, PCI_BASE_ADDRESS_0, 4), 0xffffc000u);
	cfg_put(d, PCI_BASE_ADDRESS_2, UINT32_MAX, 4);
	cfg_put(d, PCI_BASE_ADDRESS_3, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, PCI_BASE_ADDRESS_2, 4), 0xffff000cu);
	assert_int_equal(cfg_read(d, PCI_BASE_ADDRESS_3, 4), UINT32_MAX);
	cfg_put(d, PCI_BASE_ADDRESS_1, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, PCI_BASE_ADDRESS_1, 4), 0);
	cfg_put(d, PCI_ROM_ADDRESS, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, PCI_ROM_ADDRESS, 4), 0);
}

static void sizing_with_decoding_on_maps_nothing_above_ram(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	cfg_put(d, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	assert_false(d->bar[0].mapped);
	assert_int_equal(fake_slots_used(), 0);
}

static void a_bar_decodes_only_while_memory_is_enabled(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	cfg_put(d, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	assert_int_equal(mmio_in(&f->vm, BAR0_GPA + 4, 4), UINT32_MAX);
	assert_int_equal(f->dev.bar_reads, 0);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(mmio_in(&f->vm, BAR0_GPA + 4, 4), 0x04040404u);
	mmio_out(&f->vm, BAR0_GPA, 1, 4);
	assert_int_equal(f->dev.bar_writes, 1);
	assert_int_equal(fake_slots_used(), 1);
	cfg_put(d, PCI_COMMAND, 0, 2);
	assert_int_equal(mmio_in(&f->vm, BAR0_GPA + 4, 4), UINT32_MAX);
	assert_int_equal(fake_slots_used(), 0);
	assert_int_equal(atomic_load(&d->bar_exits), 2);
}

static void the_shared_pages_move_with_their_bar(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;
	unsigned int slot;

	cfg_put(d, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	slot = (unsigned int)d->bar[0].mem[0].slot;
	assert_int_equal(fake.slot[slot].gpa, BAR0_GPA + 0x2000);
	cfg_put(d, PCI_BASE_ADDRESS_0, BAR0_GPA + 0x100000, 4);
	slot = (unsigned int)d->bar[0].mem[0].slot;
	assert_int_equal(fake.slot[slot].gpa, BAR0_GPA + 0x102000);
	assert_int_equal(fake_slots_used(), 1);
}

static void bars_over_ram_ecam_or_apics_decode_nothing(void **state)
{
	static const uint32_t bad[] = {
		0x0,	      0x100000,	       VMM_MMIO32_BASE - 0x4000, VMM_ECAM_BASE,
		VMM_HPC_BASE, VMM_IOAPIC_BASE, VMM_LAPIC_BASE,		 0xffffc000u};
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		cfg_put(d, PCI_BASE_ADDRESS_0, bad[i], 4);
		assert_false(d->bar[0].mapped);
	}
	cfg_put(d, PCI_BASE_ADDRESS_0, VMM_MMIO32_END - 0x4000, 4);
	assert_true(d->bar[0].mapped);
}

static void a_64_bit_bar_lies_above_4_gib(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	cfg_put(d, PCI_BASE_ADDRESS_2, (uint32_t)BAR2_GPA, 4);
	cfg_put(d, PCI_BASE_ADDRESS_3, BAR2_GPA >> 32, 4);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_true(d->bar[2].mapped);
	assert_int_equal(mmio_in(&f->vm, BAR2_GPA + 0x10, 1), 0x12);
	cfg_put(d, PCI_BASE_ADDRESS_3, UINT32_MAX, 4);
	assert_false(d->bar[2].mapped);
}

static void a_page_that_was_taken_is_mapped_once_it_is_free(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *a = &f->dev.pci, *b = &f->other.pci;

	cfg_put(a, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(a, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	cfg_put(b, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(b->bar[0].mem[0].slot, -1);
	pci_dev_done(a);
	pthread_mutex_lock(&b->lock);
	pci_bars_sync(b);
	pthread_mutex_unlock(&b->lock);
	assert_int_not_equal(b->bar[0].mem[0].slot, -1);
}

static void read_only_bits_stay(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, PCI_VENDOR_ID, 0, 4);
	assert_int_equal(cfg_read(d, PCI_VENDOR_ID, 2), 0x8086);
	cfg_put(d, PCI_COMMAND, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, PCI_COMMAND, 4), 0x00100546);
	cfg_put(d, FAKE_MSIX_CAP, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, FAKE_MSIX_CAP, 4), 0xc0020011u);
	cfg_put(d, PCI_INTERRUPT_LINE, 0x5a, 1);
	assert_int_equal(cfg_read(d, PCI_INTERRUPT_LINE, 1), 0x5a);
	cfg_put(d, 0xffc, UINT32_MAX, 4);
	assert_int_equal(cfg_read(d, 0xffc, 4), 0);
}

static void bus_master_is_told_on_change_and_binds(void **state)
{
	struct fixture *f = *state;

	assert_false(atomic_load(&f->dev.pci.bound));
	cfg_put(&f->dev.pci, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	cfg_put(&f->dev.pci, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(f->dev.masters, 1);
	assert_true(f->dev.master);
	assert_true(atomic_load(&f->dev.pci.bound));
	assert_true(atomic_load(&f->vm.posted) & VM_POST_DEVICE);
	cfg_put(&f->dev.pci, PCI_COMMAND, 0, 2);
	assert_false(f->dev.master);
}

static void a_lost_function_reads_ones_everywhere(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	cfg_put(d, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	vmm_device_lost(d, -ENODEV);
	assert_int_equal(cfg_read(d, PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(mmio_in(&f->vm, BAR0_GPA, 4), UINT32_MAX);
	assert_int_equal(f->dev.bar_reads, 0);
	pthread_mutex_lock(&d->lock);
	pci_bars_sync(d);
	pthread_mutex_unlock(&d->lock);
	assert_int_equal(fake_slots_used(), 0);
}

static void a_reset_puts_configuration_back(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	cfg_put(d, FAKE_MSIX_CAP + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	pci_dev_reset(d);
	assert_int_equal(cfg_read(d, PCI_COMMAND, 2), 0);
	assert_int_equal(cfg_read(d, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(cfg_read(d, FAKE_MSIX_CAP + PCI_MSIX_FLAGS, 2), FAKE_VECTORS - 1);
	assert_int_equal(fake_slots_used(), 0);
}

static void ecam_answers_for_bus_0_function_0_only(void **state)
{
	struct fixture *f = *state;
	const uint64_t slot1 = VMM_ECAM_BASE + (1u << 15);

	assert_int_equal(mmio_in(&f->vm, VMM_ECAM_BASE, 4), 0x00081b36);
	assert_int_equal(mmio_in(&f->vm, VMM_ECAM_BASE + 0x40, 4), 0);
	assert_int_equal(mmio_in(&f->vm, slot1, 2), 0x8086);
	assert_int_equal(mmio_in(&f->vm, slot1 + 0x1000, 4), UINT32_MAX);
	assert_int_equal(mmio_in(&f->vm, slot1 + 1, 2), 0xffff);
	assert_int_equal(mmio_in(&f->vm, VMM_ECAM_BASE + (2u << 15), 4), UINT32_MAX);
	mmio_out(&f->vm, slot1 + PCI_INTERRUPT_LINE, 7, 1);
	assert_int_equal(mmio_in(&f->vm, slot1 + PCI_INTERRUPT_LINE, 1), 7);
	mmio_out(&f->vm, VMM_ECAM_BASE, 7, 4);
	assert_null(atomic_load(&f->vm.vcpu[0].in_use));
}

static void memory_goes_on_above_the_hole_and_bars_stay_off_it(void **state)
{
	struct fixture *f = *state;
	const uint64_t more = UINT64_C(1) << 30;

	assert_int_equal(vm_mem_new(&f->vm, VM_RAM_LOW_MAX + more, false), 0);
	assert_non_null(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_LOW_MAX - 8}, 8));
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_LOW_MAX - 8}, 9));
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_HIGH - 1}, 1));
	assert_ptr_equal(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_HIGH}, 1), f->vm.ram_high->va);
	assert_non_null(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_HIGH + more - 8}, 8));
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){VM_RAM_HIGH + more - 8}, 9));
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){UINT64_MAX}, 2));
	assert_int_equal(vmm_ram_high(&f->vm)->iova.v, VM_RAM_HIGH);

	cfg_put(&f->dev.pci, PCI_BASE_ADDRESS_2 + 4, 1, 4);
	cfg_put(&f->dev.pci, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(mmio_in(&f->vm, VM_RAM_HIGH, 4), UINT32_MAX);
	assert_int_equal(f->dev.bar_reads, 0);
	cfg_put(&f->dev.pci, PCI_BASE_ADDRESS_2 + 4, VMM_MMIO64_BASE >> 32, 4);
	mmio_in(&f->vm, VMM_MMIO64_BASE, 4);
	assert_int_equal(f->dev.bar_reads, 1);
	fake.slot[VM_MEMSLOT_RAM].size = 0;
	fake.slot[VM_MEMSLOT_RAM_HIGH].size = 0;
}

static void an_access_over_a_bars_end_belongs_to_nobody(void **state)
{
	struct fixture *f = *state;

	cfg_put(&f->dev.pci, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(&f->dev.pci, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(mmio_in(&f->vm, BAR0_GPA + FAKE_BAR0_SIZE - 2, 4), UINT32_MAX);
	assert_int_equal(f->dev.bar_reads, 0);
	assert_int_equal(atomic_load(&f->vm.vcpu[0].stray), 1);
}

static void layouts_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	static struct fake_dev d;

	fake_dev_fill(&d, &f->vm, "x");
	d.pci.bar[0].size = 0x3000;
	assert_int_equal(pci_dev_init(&d.pci), -EINVAL);
	pci_dev_done(&d.pci);
	fake_dev_fill(&d, &f->vm, "x");
	d.pci.bar[3].size = 0x1000; /* the upper half of BAR2 */
	assert_int_equal(pci_dev_init(&d.pci), -EINVAL);
	fake_dev_fill(&d, &f->vm, "x");
	d.pci.bar[0].mem[0].offset = FAKE_BAR0_SIZE;
	assert_int_equal(pci_dev_init(&d.pci), -EINVAL);
	fake_dev_fill(&d, &f->vm, "x");
	d.pci.msix_pba_off = 0x20; /* in the table */
	assert_int_equal(pci_dev_init(&d.pci), -EINVAL);
	pci_dev_done(&d.pci);
	fake_dev_fill(&d, &f->vm, "x");
	d.pci.n_msix = PCI_DEV_MSIX_MAX + 1;
	assert_int_equal(pci_dev_init(&d.pci), -EINVAL);
	pci_dev_done(&d.pci);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(all_ones_in_a_bar_read_back_as_its_size),
		T(sizing_with_decoding_on_maps_nothing_above_ram),
		T(a_bar_decodes_only_while_memory_is_enabled),
		T(the_shared_pages_move_with_their_bar),
		T(bars_over_ram_ecam_or_apics_decode_nothing),
		T(a_64_bit_bar_lies_above_4_gib),
		T(a_page_that_was_taken_is_mapped_once_it_is_free),
		T(read_only_bits_stay),
		T(bus_master_is_told_on_change_and_binds),
		T(a_lost_function_reads_ones_everywhere),
		T(a_reset_puts_configuration_back),
		T(ecam_answers_for_bus_0_function_0_only),
		T(memory_goes_on_above_the_hole_and_bars_stay_off_it),
		T(an_access_over_a_bars_end_belongs_to_nobody),
		T(layouts_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests_name("vmm_glue_pci", tests, NULL, NULL);
}

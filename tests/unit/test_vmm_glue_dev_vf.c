/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF behind the PCI function seam, as the guest and the host see it. The seam's other side is a
 * function of memory that remembers what it was told, in the shape of an 82576's VF under the
 * kernel's VFIO.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include <support/test.h>
#include <support/pcif_fake.h>
#include <support/vmm_platform.h>
#include <dev_vf.h>
#include <hotplug.h>

#define SEC	  UINT64_C(1000000)
#define BAR0_GPA  0xc0000000u
#define BAR3_GPA  0xc0004000u
#define RAM_BYTES (UINT64_C(4) << 20)

struct fixture {
	struct vm vm;
	sd_event *event;
	struct pcif_fake *dev;
	struct pci_dev *d;
	unsigned int closed, wanted, removed, slot;
	enum removed_how how;
	uint16_t last_command;
	char err[256];
};

static void device_new(struct fixture *f)
{
	struct pcif_fake *dev = pcif_fake_new(&f->closed, &f->last_command);

	dev->map_expected = RAM_BYTES;
	f->dev = dev;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(vm_init(&f->vm, "t", f->event, &fake_ops), 0);
	assert_int_equal(vm_mem_new(&f->vm, RAM_BYTES, false), 0);
	atomic_store(&f->vm.state, VM_RUNNING);
	device_new(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hotplug_destroy_all(&f->vm);
	assert_int_equal(f->closed, 1);
	assert_int_equal(fake_slots_used(), 1); /* RAM */
	assert_int_equal(fake_irqfds_used(), 0);
	assert_int_equal(fake.wrong, 0);
	vm_done(&f->vm);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

static int make(struct fixture *f, bool kernel, bool trapped)
{
	f->err[0] = '\0';
	return vmm_dev_vf_new(&f->vm, "vf", &f->dev->base, kernel, trapped, &f->d, f->err,
			      sizeof(f->err));
}

/* Made, published, placed by the guest. */
static void plug(struct fixture *f, bool trapped)
{
	int r = make(f, true, trapped);

	if (r < 0)
		fail_msg("%d: %s", r, f->err);
	f->slot = (unsigned int)hotplug_slot_pick(&f->vm);
	hotplug_publish(&f->vm, f->slot, f->d, 0);
	cfg_put(f->d, PCI_BASE_ADDRESS_0, BAR0_GPA, 4);
	cfg_put(f->d, PCI_BASE_ADDRESS_3, BAR3_GPA, 4);
	cfg_put(f->d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void told(struct vm *vm, unsigned int slot, const char *id, enum hotplug_result result,
		 void *userdata)
{
	struct fixture *f = userdata;

	assert_string_equal(id, "vf");
	if (result == HOTPLUG_WANTED) {
		f->wanted++;
	} else {
		f->removed++;
		f->how = vm->slot[slot].how;
	}
}

static void work(struct fixture *f, uint64_t now_us)
{
	hotplug_work(&f->vm, now_us, told, f);
}

static uint32_t mmio(struct fixture *f, uint64_t gpa)
{
	uint32_t v = 0;

	assert_true(pci_bar_access(&f->vm, gpa, &v, 4, false));
	return v;
}

static void mmio_put(struct fixture *f, uint64_t gpa, uint32_t v)
{
	assert_true(pci_bar_access(&f->vm, gpa, &v, 4, true));
}

static bool memslot_at(uint64_t gpa, uint64_t size)
{
	for (unsigned int i = 0; i < VM_MEMSLOTS; i++) {
		if (fake.slot[i].gpa == gpa && fake.slot[i].size == size)
			return true;
	}
	return false;
}

static void the_guest_finds_ids_and_two_capabilities(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	assert_int_equal(cfg_read(f->d, PCI_VENDOR_ID, 4), 0x10ca8086);
	assert_int_equal(cfg_read(f->d, PCI_CAPABILITY_LIST, 1), PCIF_FAKE_MSIX);
	assert_int_equal(cfg_read(f->d, PCIF_FAKE_MSIX, 2), PCI_CAP_ID_MSIX | PCIF_FAKE_PCIE << 8);
	assert_int_equal(cfg_read(f->d, PCIF_FAKE_PCIE, 2), PCI_CAP_ID_EXP);
	assert_int_equal(cfg_read(f->d, PCIF_FAKE_PM, 4), 0);
	assert_string_equal(f->d->ops->kind, "vfio");
	assert_int_equal(f->dev->maps, 1);
	assert_int_equal(f->dev->wrong, 0);
}

static void bars_are_mapped_around_vectors_and_pending_bits(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	assert_int_equal(fake_slots_used(), 1 + 3);
	assert_true(memslot_at(BAR0_GPA, 0x4000));
	assert_true(memslot_at(BAR3_GPA + 0x1000, 0x1000));
	assert_true(memslot_at(BAR3_GPA + 0x3000, 0x1000));
	mmio_put(f, BAR3_GPA + 4, 0x12345678);
	assert_int_equal(mmio(f, BAR3_GPA + 4), 0x12345678);
	assert_int_equal(mmio(f, BAR3_GPA + NIC_MSIX_PBA_OFF), 0);
	assert_int_equal(f->dev->bar_reads + f->dev->bar_writes, 0);
}

static void a_trapped_function_has_no_memslot(void **state)
{
	struct fixture *f = *state;

	plug(f, true);
	assert_int_equal(fake_slots_used(), 1);
	mmio_put(f, BAR0_GPA + 0x2818, 77);
	assert_int_equal(mmio(f, BAR0_GPA + 0x2818), 77);
	assert_int_equal(f->dev->bar_writes, 1);
	assert_int_equal(f->dev->bar_reads, 1);
	assert_int_equal(f->d->ops->messages(f->d), 2);
	assert_int_equal(atomic_load(&f->d->bar_exits), 2);
}

static void vector_write(struct fixture *f, unsigned int i, uint32_t ctrl)
{
	uint64_t at = BAR3_GPA + i * PCI_MSIX_ENTRY_SIZE;

	mmio_put(f, at, 0xfee00000);
	mmio_put(f, at + PCI_MSIX_ENTRY_DATA, 0x40 + i);
	mmio_put(f, at + PCI_MSIX_ENTRY_VECTOR_CTRL, ctrl);
}

static void enabling_reaches_the_device_with_every_vector_masked(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	cfg_put(f->d, PCIF_FAKE_CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(f->dev->n_bound, NIC_VF_MSIX_N);
	assert_int_equal(f->dev->irq_calls, 1);
	assert_int_equal(msix_direct(f->d), 0);
	/* the device signals a masked vector: pending, and injected when it is unmasked */
	eventfd_write(f->dev->vector[1], 1);
	assert_int_equal(mmio(f, BAR3_GPA + NIC_MSIX_PBA_OFF), 2);
	for (unsigned int i = 0; i < NIC_VF_MSIX_N; i++)
		vector_write(f, i, 0);
	assert_int_equal(msix_direct(f->d), NIC_VF_MSIX_N);
	assert_int_equal(fake_irqfds_used(), NIC_VF_MSIX_N);
	assert_int_equal(mmio(f, BAR3_GPA + NIC_MSIX_PBA_OFF), 0);
	vector_write(f, 0, 1);
	assert_int_equal(msix_direct(f->d), NIC_VF_MSIX_N - 1);
	assert_int_equal(f->dev->irq_calls, 1);
	cfg_put(f->d, PCIF_FAKE_CONTROL, 0, 2);
	assert_int_equal(f->dev->n_bound, 0);
	assert_int_equal(msix_direct(f->d), 0);
}

static void a_device_without_free_vectors_has_none_that_are_direct(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	f->dev->irq_error = -ENOSPC;
	cfg_put(f->d, PCIF_FAKE_CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	vector_write(f, 0, 0);
	assert_int_equal(msix_direct(f->d), 0);
	assert_int_equal(atomic_load(&f->d->irq_error), -ENOSPC);
	assert_true(atomic_load(&f->vm.posted) & VM_POST_DEVICE);
}

static void bus_master_follows_the_guest(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, true, false), 0);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY);
	cfg_put(f->d, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	f->d->ops->destroy(f->d);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY);
}

static void a_function_level_reset_reaches_the_device(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	cfg_put(f->d, PCIF_FAKE_CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	cfg_put(f->d, PCIF_FAKE_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(f->dev->resets, 2);
	assert_int_equal(f->dev->n_bound, 0);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY);
	assert_int_equal(cfg_read(f->d, PCI_COMMAND, 2), 0);
	assert_int_equal(cfg_read(f->d, PCIF_FAKE_PCIE + PCI_EXP_DEVCTL, 2), 0);
	assert_int_equal(fake_slots_used(), 1);
}

/* The host's signal on interrupt @index, as far as it gets without another turn of the loop. */
static void host_signals(struct fixture *f, unsigned int index)
{
	assert_int_equal(eventfd_write(f->dev->event_fd[index], 1), 0);
	assert_true(sd_event_run(f->event, SEC) > 0);
	assert_true(atomic_load(&f->vm.posted) & VM_POST_DEVICE);
}

static void a_host_that_wants_it_back_gets_it_from_a_silent_guest(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	work(f, 0);
	assert_int_equal(f->wanted, 0);
	host_signals(f, PCIF_IRQ_REQ);
	work(f, SEC);
	assert_int_equal(f->wanted, 1);
	assert_true(atomic_load(&f->vm.hpc.pcdn) & BIT32(f->slot));
	host_signals(f, PCIF_IRQ_REQ); /* the kernel repeats itself */
	work(f, 2 * SEC);
	assert_int_equal(f->wanted, 1);
	/* it takes the interrupts, and does no more */
	atomic_store(&f->vm.hpc.evts, 0);
	work(f, 2 * SEC);
	assert_int_equal(hotplug_next(&f->vm), 4 * SEC);
	work(f, 5 * SEC);
	assert_int_equal(f->removed, 0);
	work(f, 6 * SEC);
	assert_int_equal(f->removed, 1);
	assert_int_equal(f->how, REMOVED_HOST);
	assert_int_equal(f->closed, 1);
}

static void a_guest_that_lets_go_gives_it_to_the_host(void **state)
{
	struct fixture *f = *state;
	uint32_t bit;

	plug(f, false);
	bit = BIT32(f->slot);
	/* somebody asks already, and has time */
	assert_int_equal(hotplug_remove(&f->vm, f->slot, false, 0, 60 * SEC), 0);
	host_signals(f, PCIF_IRQ_REQ);
	work(f, SEC);
	assert_int_equal(f->vm.slot[f->slot].deadline_us, 6 * SEC);
	hpc_write(&f->vm, HPC_PCEJ, &bit, 4);
	work(f, 2 * SEC);
	assert_int_equal(f->removed, 1);
	assert_int_equal(f->how, REMOVED_HOST);
}

static void an_error_of_the_device_loses_it(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	host_signals(f, PCIF_IRQ_ERR);
	assert_true(atomic_load(&f->d->lost));
	assert_int_equal(atomic_load(&f->d->lost_error), -EIO);
	hotplug_devices_sync(&f->vm);
	assert_int_equal(fake_slots_used(), 1);
	assert_int_equal(cfg_read(f->d, PCI_VENDOR_ID, 4), UINT32_MAX);
}

static void leaving_it_stops_its_dma_and_vectors(void **state)
{
	struct fixture *f = *state;
	unsigned int resets;

	plug(f, false);
	cfg_put(f->d, PCIF_FAKE_CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	vector_write(f, 0, 0);
	resets = f->dev->resets;
	assert_int_equal(hotplug_remove(&f->vm, f->slot, true, 0, 0), 0);
	assert_int_equal(f->closed, 0);
	assert_int_equal(resets, 1);
	work(f, 0);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY);
	assert_int_equal(f->closed, 1);
}

static void another_vendors_function_is_shown_as_it_is(void **state)
{
	struct fixture *f = *state;
	uint8_t *c = f->dev->cfg;

	/* table and pending bits amid the registers of BAR0, and more vectors than we have */
	bytes_put(c, 0x101e15b3, 4);
	bytes_put(c + PCIF_FAKE_CONTROL, 40 - 1, 2);
	bytes_put(c + PCIF_FAKE_MSIX + PCI_MSIX_TABLE, 0x2000, 4);
	bytes_put(c + PCIF_FAKE_MSIX + PCI_MSIX_PBA, 0x1000, 4);
	f->dev->base.irq_count[PCIF_IRQ_MSIX] = 40;
	pcif_fake_region(f->dev, 0, 0x100000, 0, 0x100000);
	pcif_fake_region(f->dev, 3, 0, 0, 0);
	assert_int_equal(make(f, true, false), 0);
	assert_int_equal(f->d->n_msix, PCI_DEV_MSIX_MAX);
	assert_int_equal(f->d->bar[0].n_mem, 2);
	assert_int_equal(f->d->bar[0].mem[0].offset, 0);
	assert_int_equal(f->d->bar[0].mem[0].size, 0x1000);
	assert_int_equal(f->d->bar[0].mem[1].offset, 0x3000);
	assert_int_equal(f->d->bar[0].mem[1].size, 0x100000 - 0x3000);
	assert_ptr_equal((uint8_t *)f->d->bar[0].mem[0].va + 0x3000, f->d->bar[0].mem[1].va);
	cfg_put(f->d, PCIF_FAKE_CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(f->dev->n_bound, PCI_DEV_MSIX_MAX);
	f->d->ops->destroy(f->d);
}

static void refused(struct fixture *f, bool kernel, int error, const char *words)
{
	assert_int_equal(make(f, kernel, false), error);
	if (!strstr(f->err, words))
		fail_msg("'%s' does not say '%s'", f->err, words);
	assert_int_equal(f->closed, 1);
	f->closed = 0;
	device_new(f);
}

static void what_cannot_be_shown_is_refused_by_name(void **state)
{
	struct fixture *f = *state;

	f->dev->cfg[PCIF_FAKE_MSIX] = PCI_CAP_ID_VPD;
	refused(f, true, -ENOTSUP, "no MSI-X");
	f->dev->cfg[PCIF_FAKE_PM + 1] = PCIF_FAKE_PM; /* a chain that bites its tail */
	refused(f, true, -ENOTSUP, "no MSI-X");
	memset(f->dev->cfg, 0xff, 64);
	refused(f, true, -ENODEV, "does not answer");
	f->dev->base.irq_count[PCIF_IRQ_MSIX] = 2;
	refused(f, true, -EPROTO, "2 MSI-X vectors of the 3");
	f->dev->cfg[PCIF_FAKE_MSIX + PCI_MSIX_PBA] = 0;
	refused(f, true, -ENOTSUP, "two BARs");
	f->dev->cfg[PCIF_FAKE_MSIX + 1] = PCIF_FAKE_MSIX - 8;
	f->dev->cfg[PCIF_FAKE_MSIX - 8] = PCI_CAP_ID_EXP;
	refused(f, true, -EPROTO, "overlap");
	f->dev->cfg[PCIF_FAKE_MSIX + 1] = 0xf8;
	f->dev->cfg[0xf8] = PCI_CAP_ID_EXP;
	refused(f, true, -EPROTO, "does not fit");
	pcif_fake_region(f->dev, 3, 0x3000, 0x1000, 0x2000);
	refused(f, true, -EPROTO, "BARs or MSI-X");
	f->dev->map_error = -ENOMEM;
	refused(f, true, -ENOMEM, "KiB more are to be locked");
	bytes_put(f->dev->cfg, 0x101e15b3, 4);
	refused(f, false, -EPROTO, "no VF of an 82576");
	pcif_fake_region(f->dev, 0, NIC_VF_BAR0_SIZE, 0, 0);
	refused(f, false, -EPROTO, "queues' pages");
	assert_int_equal(make(f, false, false), 0);
	assert_string_equal(f->d->ops->kind, "vfio-user");
	f->d->ops->destroy(f->d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(the_guest_finds_ids_and_two_capabilities),
		T(bars_are_mapped_around_vectors_and_pending_bits),
		T(a_trapped_function_has_no_memslot),
		T(enabling_reaches_the_device_with_every_vector_masked),
		T(a_device_without_free_vectors_has_none_that_are_direct),
		T(bus_master_follows_the_guest),
		T(a_function_level_reset_reaches_the_device),
		T(a_host_that_wants_it_back_gets_it_from_a_silent_guest),
		T(a_guest_that_lets_go_gives_it_to_the_host),
		T(an_error_of_the_device_loses_it),
		T(leaving_it_stops_its_dma_and_vectors),
		T(another_vendors_function_is_shown_as_it_is),
		T(what_cannot_be_shown_is_refused_by_name),
	};

	return cmocka_run_group_tests_name("vmm_glue_dev_vf", tests, NULL, NULL);
}

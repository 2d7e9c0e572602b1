/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF behind the PCI function seam, as the guest and the host see it. The seam's other side is a
 * function of memory that remembers what it was told, in the shape of an 82576's VF under the
 * kernel's VFIO.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <support/test.h>
#include <support/vmm_platform.h>
#include <dev_vf.h>
#include <hotplug.h>
#include "pcif_impl.h"

#define SEC	  UINT64_C(1000000)
#define BAR0_GPA  0xc0000000u
#define BAR3_GPA  0xc0004000u
#define CAP_PM	  0x40u
#define CAP_MSIX  0x70u
#define CAP_PCIE  0xa0u
#define RAM_BYTES (UINT64_C(4) << 20)
#define CONTROL	  (CAP_MSIX + PCI_MSIX_FLAGS)

struct device {
	struct pcif base;
	uint8_t cfg[4096];
	uint32_t reg; /* BAR0, trapped */
	int vector[64];
	unsigned int n_bound, irq_calls, resets, maps, bar_reads, bar_writes;
	int event_fd[PCIF_IRQS];
	int irq_error, map_error;
	unsigned int *closed;
	uint16_t *last_command;
};

struct fixture {
	struct vm vm;
	sd_event *event;
	struct device *dev;
	struct pci_dev *d;
	unsigned int closed, wanted, removed, slot;
	enum removed_how how;
	uint16_t last_command;
	char err[256];
};

static struct device *device(struct pcif *f)
{
	return (struct device *)f;
}

static int dev_read(struct pcif *f, unsigned int index, uint64_t off, void *buf, size_t len)
{
	if (index == PCIF_REGION_CONFIG) {
		memcpy(buf, &device(f)->cfg[off], len);
		return 0;
	}
	device(f)->bar_reads++;
	memcpy(buf, &device(f)->reg, len < 4 ? len : 4);
	return 0;
}

static int dev_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf, size_t len)
{
	if (index == PCIF_REGION_CONFIG) {
		memcpy(&device(f)->cfg[off], buf, len);
		memcpy(device(f)->last_command, &device(f)->cfg[PCI_COMMAND], 2);
		return 0;
	}
	device(f)->bar_writes++;
	memcpy(&device(f)->reg, buf, len < 4 ? len : 4);
	return 0;
}

static int dev_mmap(struct pcif *f, unsigned int index, const struct pcif_area *area, void **ret_va)
{
	void *va =
		mmap(NULL, area->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)f;
	(void)index;
	assert_ptr_not_equal(va, MAP_FAILED);
	*ret_va = va;
	return 0;
}

static int dev_irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
		       const int *fds)
{
	struct device *dev = device(f);

	if (index != PCIF_IRQ_MSIX) {
		dev->event_fd[index] = count ? fds[0] : -1;
		return 0;
	}
	dev->irq_calls++;
	if (dev->irq_error && count)
		return dev->irq_error;
	assert_int_equal(start, 0);
	for (unsigned int i = 0; i < count; i++)
		dev->vector[i] = fds[i];
	dev->n_bound = count;
	return 0;
}

static int dev_dma_map(struct pcif *f, const struct dma_mem *mem)
{
	assert_int_equal(mem->iova.v, 0);
	assert_int_equal(mem->len, RAM_BYTES);
	if (device(f)->map_error) {
		strcpy(f->why, "4096 KiB more are to be locked than may be");
		return device(f)->map_error;
	}
	assert_int_equal(device(f)->resets, 1); /* nobody's leftovers write into the guest */
	device(f)->maps++;
	return 0;
}

static int dev_dma_unmap(struct pcif *f, const struct dma_mem *mem)
{
	(void)f;
	(void)mem;
	return 0;
}

static int dev_reset(struct pcif *f)
{
	device(f)->resets++;
	return 0;
}

static int dev_poll_fd(const struct pcif *f)
{
	(void)f;
	return -1;
}

static bool dev_hung_up(const struct pcif *f)
{
	(void)f;
	return false;
}

static void dev_close(struct pcif *f)
{
	++*device(f)->closed;
	free(f);
}

static const struct pcif_ops dev_ops = {
	.region_read = dev_read,
	.region_write = dev_write,
	.region_mmap = dev_mmap,
	.irq_set = dev_irq_set,
	.dma_map = dev_dma_map,
	.dma_unmap = dev_dma_unmap,
	.reset = dev_reset,
	.poll_fd = dev_poll_fd,
	.hung_up = dev_hung_up,
	.close = dev_close,
};

static void region_set(struct device *dev, unsigned int i, uint64_t size, uint64_t from,
		       uint64_t bytes)
{
	dev->base.region[i] = (struct pcif_region){.size = size,
						   .readable = true,
						   .writable = true,
						   .n_areas = bytes ? 1 : 0,
						   .area = {{from, bytes}}};
}

/* The capabilities as the 82576's VF has them, with power management before the two. */
static void config_set(struct device *dev, unsigned int vectors)
{
	uint8_t *c = dev->cfg;

	bytes_put(c, NIC_VENDOR | (uint32_t)NIC_DEVICE_VF << 16, 4);
	bytes_put(c + PCI_CLASS_REVISION, NIC_CLASS << 8 | NIC_REVISION, 4);
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	c[PCI_BASE_ADDRESS_3] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	c[PCI_CAPABILITY_LIST] = CAP_PM;
	c[CAP_PM] = PCI_CAP_ID_PM;
	c[CAP_PM + 1] = CAP_MSIX;
	c[CAP_MSIX] = PCI_CAP_ID_MSIX;
	c[CAP_MSIX + 1] = CAP_PCIE;
	bytes_put(c + CONTROL, vectors - 1, 2);
	bytes_put(c + CAP_MSIX + PCI_MSIX_TABLE, NIC_VF_MSIX_BAR, 4);
	bytes_put(c + CAP_MSIX + PCI_MSIX_PBA, NIC_MSIX_PBA_OFF | NIC_VF_MSIX_BAR, 4);
	c[CAP_PCIE] = PCI_CAP_ID_EXP;
	c[CAP_PCIE + PCI_EXP_FLAGS] = 2;
	bytes_put(c + CAP_PCIE + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 4);
}

static void device_new(struct fixture *f)
{
	struct device *dev = calloc(1, sizeof(*dev));

	assert_non_null(dev);
	pcif_init(&dev->base, &dev_ops, 0);
	dev->base.has_reset = true;
	dev->closed = &f->closed;
	dev->last_command = &f->last_command;
	region_set(dev, 0, NIC_VF_BAR0_SIZE, 0, NIC_VF_BAR0_SIZE);
	region_set(dev, 3, NIC_MSIX_BAR_SIZE, 0x1000, 0x3000);
	region_set(dev, PCIF_REGION_CONFIG, sizeof(dev->cfg), 0, 0);
	dev->base.irq_count[PCIF_IRQ_MSIX] = NIC_VF_MSIX_N;
	dev->base.irq_count[PCIF_IRQ_REQ] = 1;
	dev->base.irq_count[PCIF_IRQ_ERR] = 1;
	config_set(dev, NIC_VF_MSIX_N);
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
	assert_int_equal(cfg_read(f->d, PCI_CAPABILITY_LIST, 1), CAP_MSIX);
	assert_int_equal(cfg_read(f->d, CAP_MSIX, 2), PCI_CAP_ID_MSIX | CAP_PCIE << 8);
	assert_int_equal(cfg_read(f->d, CAP_PCIE, 2), PCI_CAP_ID_EXP);
	assert_int_equal(cfg_read(f->d, CAP_PM, 4), 0);
	assert_string_equal(f->d->ops->kind, "vfio");
	assert_int_equal(f->dev->maps, 1);
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
	cfg_put(f->d, CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
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
	cfg_put(f->d, CONTROL, 0, 2);
	assert_int_equal(f->dev->n_bound, 0);
	assert_int_equal(msix_direct(f->d), 0);
}

static void a_device_without_free_vectors_has_none_that_are_direct(void **state)
{
	struct fixture *f = *state;

	plug(f, false);
	f->dev->irq_error = -ENOSPC;
	cfg_put(f->d, CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
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
	cfg_put(f->d, CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
	cfg_put(f->d, CAP_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(f->dev->resets, 2);
	assert_int_equal(f->dev->n_bound, 0);
	assert_int_equal(f->last_command, PCI_COMMAND_MEMORY);
	assert_int_equal(cfg_read(f->d, PCI_COMMAND, 2), 0);
	assert_int_equal(cfg_read(f->d, CAP_PCIE + PCI_EXP_DEVCTL, 2), 0);
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
	cfg_put(f->d, CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
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
	bytes_put(c + CONTROL, 40 - 1, 2);
	bytes_put(c + CAP_MSIX + PCI_MSIX_TABLE, 0x2000, 4);
	bytes_put(c + CAP_MSIX + PCI_MSIX_PBA, 0x1000, 4);
	f->dev->base.irq_count[PCIF_IRQ_MSIX] = 40;
	region_set(f->dev, 0, 0x100000, 0, 0x100000);
	region_set(f->dev, 3, 0, 0, 0);
	assert_int_equal(make(f, true, false), 0);
	assert_int_equal(f->d->n_msix, PCI_DEV_MSIX_MAX);
	assert_int_equal(f->d->bar[0].n_mem, 2);
	assert_int_equal(f->d->bar[0].mem[0].offset, 0);
	assert_int_equal(f->d->bar[0].mem[0].size, 0x1000);
	assert_int_equal(f->d->bar[0].mem[1].offset, 0x3000);
	assert_int_equal(f->d->bar[0].mem[1].size, 0x100000 - 0x3000);
	assert_ptr_equal((uint8_t *)f->d->bar[0].mem[0].va + 0x3000, f->d->bar[0].mem[1].va);
	cfg_put(f->d, CONTROL, PCI_MSIX_FLAGS_ENABLE, 2);
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

	f->dev->cfg[CAP_MSIX] = PCI_CAP_ID_VPD;
	refused(f, true, -ENOTSUP, "no MSI-X");
	f->dev->cfg[CAP_PM + 1] = CAP_PM; /* a chain that bites its tail */
	refused(f, true, -ENOTSUP, "no MSI-X");
	memset(f->dev->cfg, 0xff, 64);
	refused(f, true, -ENODEV, "does not answer");
	f->dev->base.irq_count[PCIF_IRQ_MSIX] = 2;
	refused(f, true, -EPROTO, "2 MSI-X vectors of the 3");
	f->dev->cfg[CAP_MSIX + PCI_MSIX_PBA] = 0;
	refused(f, true, -ENOTSUP, "two BARs");
	f->dev->cfg[CAP_MSIX + 1] = CAP_MSIX - 8;
	f->dev->cfg[CAP_MSIX - 8] = PCI_CAP_ID_EXP;
	refused(f, true, -EPROTO, "overlap");
	f->dev->cfg[CAP_MSIX + 1] = 0xf8;
	f->dev->cfg[0xf8] = PCI_CAP_ID_EXP;
	refused(f, true, -EPROTO, "does not fit");
	region_set(f->dev, 3, 0x3000, 0x1000, 0x2000);
	refused(f, true, -EPROTO, "BARs or MSI-X");
	f->dev->map_error = -ENOMEM;
	refused(f, true, -ENOMEM, "KiB more are to be locked");
	bytes_put(f->dev->cfg, 0x101e15b3, 4);
	refused(f, false, -EPROTO, "no VF of an 82576");
	region_set(f->dev, 0, NIC_VF_BAR0_SIZE, 0, 0);
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

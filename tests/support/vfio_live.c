/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's VFIO behind the PCI function seam, on an 82576 VF that is there: the system tests
 * run this where one is. The argument is the VF's address.
 */
#include <support/test.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "pcif_vfio.h"

#define IOVA	 UINT64_C(0x1000000)
#define VTSTATUS 0x8u
#define VECTORS	 3u

static const char *bdf;

static struct pcif *open_vf(void)
{
	const struct pcif_vfio_config config = {.bdf = bdf};
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;

	if (pcif_open_vfio(&config, &f, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return f;
}

static int setup(void **state)
{
	*state = open_vf();
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		pcif_close(*state);
	return 0;
}

static void the_function_is_described_without_its_vector_table(void **state)
{
	const struct pcif_region *bar0 = pcif_region(*state, 0), *bar3 = pcif_region(*state, 3);
	uint32_t id;
	void *va;

	assert_int_equal(bar0->size, 0x4000);
	assert_int_equal(bar0->n_areas, 1);
	assert_int_equal(bar0->area[0].size, 0x4000);
	assert_int_equal(bar3->size, 0x4000);
	assert_int_equal(bar3->n_areas, 1);
	assert_int_equal(bar3->area[0].offset, 0x1000);
	assert_int_equal(bar3->area[0].size, 0x3000);
	assert_int_equal(pcif_region(*state, 1)->size, 0);
	assert_int_equal(pcif_region(*state, PCIF_REGION_CONFIG)->size, 4096);
	assert_int_equal(pcif_irq_count(*state, PCIF_IRQ_MSIX), VECTORS);
	assert_int_equal(pcif_irq_count(*state, PCIF_IRQ_INTX), 0);
	assert_int_equal(pcif_irq_count(*state, PCIF_IRQ_REQ), 1);
	assert_int_equal(pcif_config_read(*state, PCI_VENDOR_ID, &id, sizeof(id)), 0);
	assert_int_equal(id, 0x10ca8086);
	assert_int_equal(pcif_region_mmap(*state, 0, 0, &va), 0);
	assert_int_equal(pcif_region_mmap(*state, 3, 0, &va), 0);
	assert_int_equal(pcif_region_mmap(*state, 3, 1, &va), -EINVAL);
	assert_false(pcif_lost(*state));
	assert_int_equal(pcif_fd(*state), -1);
	assert_true(pcif_host_sriov(*state));
}

static void enable(struct pcif *f)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	assert_int_equal(pcif_config_write(f, PCI_COMMAND, &command, sizeof(command)), 0);
}

static void registers_answer_and_a_reset_keeps_the_command(void **state)
{
	uint16_t command = 0;
	uint32_t status = 0;
	void *va;

	enable(*state);
	assert_int_equal(pcif_region_mmap(*state, 0, 0, &va), 0);
	assert_int_equal(pcif_read32(*state, 0, VTSTATUS, &status), 0);
	assert_int_equal(status, *(volatile uint32_t *)((char *)va + VTSTATUS));
	assert_int_equal(pcif_reset(*state), 0);
	assert_int_equal(pcif_config_read(*state, PCI_COMMAND, &command, sizeof(command)), 0);
	assert_int_equal(command & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	assert_int_equal(pcif_read32(*state, 0, VTSTATUS, &status), 0);
}

/* Have the kernel signal a vector as the device would. Returns whether the eventfd fired. */
static bool fires(struct pcif *f, unsigned int vector, int fd)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = PCIF_IRQ_MSIX,
		.start = vector,
		.count = 1,
	};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int device, container;
	eventfd_t n;

	(void)eventfd_read(fd, &n);
	assert_int_equal(pcif_vfio_fds(f, &device, &container), 0);
	if (ioctl(device, VFIO_DEVICE_SET_IRQS, &set) < 0)
		return false;
	return poll(&p, 1, 1000) > 0;
}

static void new_eventfds(int fd[VECTORS])
{
	for (unsigned int i = 0; i < VECTORS; i++)
		fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void close_eventfds(int fd[VECTORS])
{
	for (unsigned int i = 0; i < VECTORS; i++)
		fd_close(fd[i]);
}

static void grow(struct pcif *f)
{
	int fd[VECTORS], none = -1;

	new_eventfds(fd);
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 0, 1, fd), 0);
	assert_true(fires(f, 0, fd[0]));
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 1, 2, fd + 1), 0);
	for (unsigned int i = 0; i < VECTORS; i++)
		assert_true(fires(f, i, fd[i]));
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 1, 1, &none), 0);
	assert_false(fires(f, 1, fd[1]));
	assert_true(fires(f, 2, fd[2]));
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 1, 1, fd),
			 0); /* two vectors, one eventfd */
	assert_true(fires(f, 1, fd[0]));
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 0, 0, NULL), 0);
	assert_int_equal(pcif_irq_set(f, PCIF_IRQ_MSIX, 0, 0, NULL), 0);
	assert_false(fires(f, 0, fd[0]));
	close_eventfds(fd);
}

static void vectors_grow_shrink_and_go_off(void **state)
{
	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_MSIX, 0, 0, NULL), 0);
	grow(*state);
}

/* As the VMM does it: on without a vector that signals, then those that are wanted, in any order.
 */
static void a_set_is_on_with_no_vector_and_takes_any_later(void **state)
{
	int fd[VECTORS], none = -1;

	if (!pcif_irq_grows(*state, PCIF_IRQ_MSIX))
		skip();
	new_eventfds(fd);
	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_MSIX, 0, 1, &none), 0);
	assert_false(fires(*state, 0, fd[0]));
	for (unsigned int i = VECTORS; i-- > 0;) {
		assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_MSIX, i, 1, &fd[i]), 0);
		for (unsigned int j = i; j < VECTORS; j++)
			assert_true(fires(*state, j, fd[j]));
	}
	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_MSIX, 0, 0, NULL), 0);
	close_eventfds(fd);
}

/* Kernels before 6.5 cannot add a vector; here the back end is told that this one is such a kernel.
 */
static void a_set_that_cannot_grow_is_made_anew(void **state)
{
	struct pcif_vfio *v =
		(struct pcif_vfio *)((char *)*state - offsetof(struct pcif_vfio, base));
	struct pcif_vfio_irq *irq = &v->irq[PCIF_IRQ_MSIX];

	if (!irq->noresize) {
		irq->noresize = true;
		irq->fd = malloc(VECTORS * sizeof(*irq->fd));
		assert_non_null(irq->fd);
		for (unsigned int i = 0; i < VECTORS; i++)
			irq->fd[i] = -1;
	}
	grow(*state);
	grow(*state);
}

static void the_request_interrupt_is_set_and_taken_back(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), none = -1;

	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_REQ, 0, 1, &fd), 0);
	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_REQ, 0, 1, &none), 0);
	assert_int_equal(pcif_irq_set(*state, PCIF_IRQ_REQ, 0, 0, NULL), 0);
	close(fd);
}

static void memory_is_mapped_once_where_the_iommu_can(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;
	struct dma_mem other, half;
	char why[256];

	assert_int_equal(dma_mem_new("t", 65536, false, (iova_t){IOVA}, &mem), 0);
	assert_int_equal(pcif_dma_map(*state, mem), 0);
	assert_int_equal(pcif_dma_map(*state, mem), -EEXIST);
	half = *mem;
	half.len = 4096;
	assert_int_equal(pcif_dma_unmap(*state, &half), -ENOENT);
	other = *mem;
	other.iova.v = 0xfee00000;
	assert_int_equal(pcif_dma_map(*state, &other), -ERANGE);
	pcif_why(*state, why, sizeof(why));
	assert_non_null(strstr(why, "0xfee00000-0xfeefffff"));
	other.iova.v = UINT64_C(1) << 62;
	assert_int_equal(pcif_dma_map(*state, &other), -ERANGE);
	assert_int_equal(pcif_dma_unmap(*state, mem), 0);
	assert_int_equal(pcif_dma_unmap(*state, mem), -ENOENT);
	assert_int_equal(pcif_dma_map(*state, mem), 0);
	pcif_why(*state, why, sizeof(why));
	assert_string_equal(why, "");
}

static void nobody_else_gets_the_group_meanwhile(void **state)
{
	const struct pcif_vfio_config config = {.bdf = bdf};
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;

	assert_int_equal(pcif_open_vfio(&config, &f, err, sizeof(err)), -EBUSY);
	assert_non_null(strstr(err, "another process has its IOMMU group"));
}

static struct pcif *pass_on(struct pcif *f)
{
	int device, container;
	struct pcif *g = NULL;

	assert_int_equal(pcif_vfio_fds(f, &device, &container), 0);
	assert_int_equal(pcif_open_vfio_fds(fcntl(device, F_DUPFD_CLOEXEC, 0),
					    fcntl(container, F_DUPFD_CLOEXEC, 0), &g, NULL, 0),
			 0);
	return g;
}

/* As when sriovd opens a function, passes it on, and its first user dies. */
static void passed_descriptors_keep_the_function_as_it_is(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;
	struct pcif *user, *next;
	uint16_t command = 0;
	int fd[VECTORS];

	new_eventfds(fd);
	assert_int_equal(dma_mem_new("t", 4096, false, (iova_t){IOVA}, &mem), 0);
	enable(*state);
	user = pass_on(*state);
	assert_int_equal(pcif_dma_map(user, mem), 0);
	assert_int_equal(pcif_irq_set(user, PCIF_IRQ_MSIX, 0, 1, fd), 0);
	pcif_close(user);

	next = pass_on(*state);
	assert_int_equal(pcif_config_read(next, PCI_COMMAND, &command, sizeof(command)), 0);
	assert_int_equal(command & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	assert_int_equal(pcif_dma_map(next, mem), 0); /* the first user's mapping went with it */
	assert_int_equal(pcif_irq_set(next, PCIF_IRQ_MSIX, 0, VECTORS, fd), 0);
	assert_true(fires(next, 2, fd[2]));
	/* the opener may go first */
	pcif_close(*state);
	*state = NULL;
	assert_int_equal(pcif_config_read(next, PCI_COMMAND, &command, sizeof(command)), 0);
	assert_int_equal(command & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	assert_int_equal(pcif_dma_unmap(next, mem), 0);
	pcif_close(next);
	close_eventfds(fd);
}

static void openings_leave_no_trace(void **state)
{
	int before = dup(0), after;

	close(before);
	for (unsigned int i = 0; i < 15; i++)
		pcif_close(open_vf());
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(int argc, char **argv)
{
#define ON_VF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON_VF(the_function_is_described_without_its_vector_table),
		ON_VF(registers_answer_and_a_reset_keeps_the_command),
		ON_VF(vectors_grow_shrink_and_go_off),
		ON_VF(a_set_is_on_with_no_vector_and_takes_any_later),
		ON_VF(a_set_that_cannot_grow_is_made_anew),
		ON_VF(the_request_interrupt_is_set_and_taken_back),
		ON_VF(memory_is_mapped_once_where_the_iommu_can),
		ON_VF(nobody_else_gets_the_group_meanwhile),
		ON_VF(passed_descriptors_keep_the_function_as_it_is),
		cmocka_unit_test(openings_leave_no_trace),
	};

	if (argc != 2) {
		fputs("usage: vfio-live BDF\n", stderr);
		return 2;
	}
	bdf = argv[1];
	return cmocka_run_group_tests_name("vfio_live", tests, NULL, NULL);
}

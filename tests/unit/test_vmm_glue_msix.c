/* SPDX-License-Identifier: BSD-3-Clause */
/* The MSI-X state machine: OFF, MASKED, ARMED, in every order, with and without a pending event. */
#include <linux/pci_regs.h>
#include <support/test.h>
#include <support/vmm_platform.h>

#define ADDR 0xfee01000u
#define CTRL (FAKE_MSIX_CAP + PCI_MSIX_FLAGS)
#define ON   PCI_MSIX_FLAGS_ENABLE
#define ALL  PCI_MSIX_FLAGS_MASKALL

struct fixture {
	struct vm vm;
	struct fake_dev dev;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	assert_non_null(f);
	assert_int_equal(vm_init(&f->vm, "t", NULL, &fake_ops), 0);
	fake_dev_fill(&f->dev, &f->vm, "a");
	assert_int_equal(pci_dev_init(&f->dev.pci), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pci_dev_done(&f->dev.pci);
	assert_int_equal(fake_irqfds_used(), 0);
	assert_int_equal(f->vm.irq.top, 0);
	assert_int_equal(fake.wrong, 0);
	vm_done(&f->vm);
	free(f);
	return 0;
}

static void table_put(struct pci_dev *d, unsigned int vector, unsigned int dword, uint32_t v)
{
	msix_write(d, vector * 16u + dword * 4u, &v, 4);
}

static uint32_t table_get(struct pci_dev *d, unsigned int vector, unsigned int dword)
{
	uint32_t v;

	msix_read(d, vector * 16u + dword * 4u, &v, 4);
	return v;
}

static uint32_t pba(struct pci_dev *d)
{
	uint32_t v;

	msix_read(d, FAKE_PBA, &v, 4);
	return v;
}

static void vector_fill(struct pci_dev *d, unsigned int vector, uint32_t masked)
{
	table_put(d, vector, 0, ADDR);
	table_put(d, vector, 1, 0);
	table_put(d, vector, 2, 0x40 + vector);
	table_put(d, vector, 3, masked);
}

static void nothing_is_bound_while_off(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	vector_fill(d, 0, 0);
	pci_dev_irq(d, 0);
	assert_false(d->msix[0].armed);
	assert_int_equal(pba(d), 0);
	assert_int_equal(fake.commits, 0);
	assert_int_equal(f->dev.bound_fd[0], 0);
}

static void enabling_binds_all_and_arms_the_unmasked_with_one_commit(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	vector_fill(d, 0, 0);
	vector_fill(d, 1, 1);
	vector_fill(d, 2, 0);
	cfg_put(d, CTRL, ON, 2);
	assert_true(d->msix[0].armed && !d->msix[1].armed && d->msix[2].armed);
	assert_int_equal(fake.commits, 1);
	assert_int_equal(d->msix[1].gsi, -1);
	assert_int_equal(fake.route[d->msix[2].gsi - (int)IRQ_PINS].data, 0x42);
	for (unsigned int i = 0; i < FAKE_VECTORS; i++)
		assert_int_equal(f->dev.bound_fd[i], d->msix[i].eventfd + 1);
}

static void a_set_that_grows_has_only_vectors_that_were_unmasked_once(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	d->irq_grows = true;
	vector_fill(d, 1, 0);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(f->dev.irqs_added, 1);
	assert_int_equal(f->dev.bound_fd[0], 0);
	assert_int_equal(f->dev.bound_fd[1], d->msix[1].eventfd + 1);
	assert_true(d->msix[1].armed);
	assert_int_equal(msix_direct(d), 1);

	vector_fill(d, 0, 1);
	assert_int_equal(f->dev.bound_fd[0], 0);
	table_put(d, 0, 3, 0);
	assert_int_equal(f->dev.bound_fd[0], d->msix[0].eventfd + 1);
	assert_true(d->msix[0].armed);

	/* masked, unmasked, and by the function's mask: it stays bound */
	table_put(d, 0, 3, 1);
	table_put(d, 0, 3, 0);
	cfg_put(d, CTRL, ON | ALL, 2);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(f->dev.irqs_added, 2);

	cfg_put(d, CTRL, 0, 2);
	assert_int_equal(f->dev.bound_fd[1], 0);
	assert_int_equal(msix_direct(d), 0);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(f->dev.irqs_added, 4);
	assert_true(d->msix[0].armed && d->msix[1].armed);
}

static void a_vector_that_cannot_be_added_is_told(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	d->irq_grows = true;
	cfg_put(d, CTRL, ON, 2);
	f->dev.irq_refused = true;
	vector_fill(d, 2, 0);
	assert_int_equal(atomic_load(&d->irq_error), -ENOSPC);
}

static void a_masked_table_write_commits_no_route(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, CTRL, ON, 2);
	vector_fill(d, 0, 1);
	table_put(d, 0, 2, 0x55);
	assert_int_equal(fake.commits, 0);
	table_put(d, 0, 3, 0);
	assert_int_equal(fake.commits, 1);
	/* masked and unmasked without a change: the route still stands */
	table_put(d, 0, 3, 1);
	table_put(d, 0, 3, 0);
	assert_int_equal(fake.commits, 1);
	assert_true(d->msix[0].armed);
}

static void a_masked_vector_shows_its_event_in_the_pba(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	vector_fill(d, 1, 1);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(pba(d), 0);
	pci_dev_irq(d, 1);
	assert_int_equal(pba(d), 2);
	/* attached, the count is the hypervisor's to inject */
	table_put(d, 1, 3, 0);
	assert_true(d->msix[1].armed);
	assert_int_equal(pba(d), 0);
	table_put(d, 1, 3, 1);
	assert_int_equal(pba(d), 0);
}

static void the_function_mask_masks_all_and_releases_with_one_commit(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	for (unsigned int i = 0; i < FAKE_VECTORS; i++)
		vector_fill(d, i, 0);
	cfg_put(d, CTRL, ON | ALL, 2);
	assert_int_equal(fake_irqfds_used(), 0);
	pci_dev_irq(d, 2);
	assert_int_equal(pba(d), 4);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(fake_irqfds_used(), 3);
	assert_int_equal(fake.commits, 1);
	cfg_put(d, CTRL, ON | ALL, 2);
	assert_int_equal(fake_irqfds_used(), 0);
}

static void disabling_unbinds_and_forgets_what_was_pending(void **state)
{
	struct fixture *f = *state;
	struct pci_dev *d = &f->dev.pci;

	vector_fill(d, 0, 1);
	cfg_put(d, CTRL, ON, 2);
	pci_dev_irq(d, 0);
	cfg_put(d, CTRL, 0, 2);
	assert_int_equal(f->dev.bound_fd[0], 0);
	cfg_put(d, CTRL, ON, 2);
	assert_int_equal(pba(d), 0);
}

static void rewriting_an_armed_vector_moves_its_route(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	vector_fill(d, 0, 0);
	cfg_put(d, CTRL, ON, 2);
	table_put(d, 0, 2, 0x77);
	assert_int_equal(fake.commits, 2);
	assert_int_equal(fake.route[d->msix[0].gsi - (int)IRQ_PINS].data, 0x77);
	assert_true(d->msix[0].armed);
}

static void a_message_outside_of_the_apic_window_is_never_armed(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	cfg_put(d, CTRL, ON, 2);
	table_put(d, 0, 0, 0x1000);
	table_put(d, 0, 3, 0);
	assert_false(d->msix[0].armed);
	table_put(d, 0, 0, ADDR);
	assert_true(d->msix[0].armed);
	table_put(d, 0, 1, 1);
	assert_false(d->msix[0].armed);
}

static void a_failed_commit_leaves_the_vector_masked(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;

	fake.routes_fail = true;
	vector_fill(d, 0, 0);
	cfg_put(d, CTRL, ON, 2);
	assert_false(d->msix[0].armed);
}

static void odd_table_accesses_are_harmless(void **state)
{
	struct pci_dev *d = &((struct fixture *)*state)->dev.pci;
	uint64_t both = UINT64_C(0x1234abcd00000000) | ADDR, r;
	uint8_t byte = 0xff;

	table_put(d, 0, 0, ADDR);
	msix_write(d, 0, &byte, 1);
	assert_int_equal(table_get(d, 0, 0), ADDR);
	msix_write(d, 16, &both, 8);
	assert_int_equal(table_get(d, 1, 1), 0x1234abcd);
	msix_write(d, 20, &both, 8); /* not aligned to its size */
	assert_int_equal(table_get(d, 1, 2), 0);
	msix_write(d, FAKE_PBA, &both, 8);
	msix_read(d, FAKE_PBA, &r, 8);
	assert_int_equal(r, 0);
	msix_read(d, 16u * FAKE_VECTORS - 4, &r, 8); /* over the end of the table */
	assert_int_equal(r, UINT64_C(0xffffffff00000001));
	table_put(d, 2, 3, UINT32_MAX);
	assert_int_equal(table_get(d, 2, 3), 1);
}

static void routes_run_out_gracefully(void **state)
{
	struct fixture *f = *state;
	int gsi;

	for (unsigned int i = 0; i < IRQ_MSI_MAX; i++)
		assert_int_equal(irq_alloc(&f->vm.irq), IRQ_PINS + i);
	assert_int_equal(irq_alloc(&f->vm.irq), -ENOSPC);
	vector_fill(&f->dev.pci, 0, 0);
	cfg_put(&f->dev.pci, CTRL, ON, 2);
	assert_false(f->dev.pci.msix[0].armed);
	for (gsi = IRQ_PINS; gsi < (int)IRQ_GSIS; gsi++)
		irq_free(&f->vm.irq, gsi);
	irq_free(&f->vm.irq, 3);
	irq_free(&f->vm.irq, -1);
	irq_free(&f->vm.irq, IRQ_GSIS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(nothing_is_bound_while_off),
		T(enabling_binds_all_and_arms_the_unmasked_with_one_commit),
		T(a_set_that_grows_has_only_vectors_that_were_unmasked_once),
		T(a_vector_that_cannot_be_added_is_told),
		T(a_masked_table_write_commits_no_route),
		T(a_masked_vector_shows_its_event_in_the_pba),
		T(the_function_mask_masks_all_and_releases_with_one_commit),
		T(disabling_unbinds_and_forgets_what_was_pending),
		T(rewriting_an_armed_vector_moves_its_route),
		T(a_message_outside_of_the_apic_window_is_never_armed),
		T(a_failed_commit_leaves_the_vector_masked),
		T(odd_table_accesses_are_harmless),
		T(routes_run_out_gracefully),
	};

	return cmocka_run_group_tests_name("vmm_glue_msix", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The register tables: unique names, aligned, inside the BAR, no two rows on one address. */
#include <support/test.h>
#include <stdlib.h>
#include <string.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>

static void check_table(const struct nic_reg *regs, size_t n, uint32_t bar_size)
{
	uint8_t *used = calloc(bar_size / 4, 1);

	assert_non_null(used);
	for (size_t i = 0; i < n; i++) {
		const struct nic_reg *r = &regs[i];

		assert_true(r->name[0] && r->meaning[0]);
		assert_int_equal(r->offset % 4, 0);
		assert_int_equal(r->stride % 4, 0);
		assert_true(r->count >= 1);
		assert_true((r->count == 1) == (r->stride == 0));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(r->name, regs[j].name);
		for (uint32_t k = 0; k < r->count; k++) {
			uint32_t off = r->offset + k * r->stride;

			assert_true(off + 4 <= bar_size);
			if (used[off / 4])
				fail_msg("%s[%u] at 0x%x lies on another register", r->name, k,
					 off);
			used[off / 4] = 1;
		}
	}
	free(used);
}

static void pf_rows_are_unique_aligned_and_inside_the_bar(void **state)
{
	check_table(nic_pf_regs, nic_pf_regs_n, NIC_PF_BAR0_SIZE);
}

static void vf_rows_are_unique_aligned_and_inside_the_bar(void **state)
{
	check_table(nic_vf_regs, nic_vf_regs_n, NIC_VF_BAR0_SIZE);
}

static void every_offset_function_agrees_with_its_row(void **state)
{
	uint32_t k;

	assert_string_equal(nic_reg_at(nic_pf_regs, nic_pf_regs_n, nic_TXDCTL(7), &k)->name,
			    "TXDCTL");
	assert_int_equal(k, 7);
	assert_string_equal(nic_reg_at(nic_pf_regs, nic_pf_regs_n, nic_RAR_high(23), &k)->name,
			    "RAH2");
	assert_int_equal(k, 7);
	assert_string_equal(nic_reg_at(nic_vf_regs, nic_vf_regs_n, nicvf_VRDT(1), &k)->name,
			    "VRDT");
	assert_null(nic_reg_at(nic_vf_regs, nic_vf_regs_n, 0x10, NULL));
}

static void queue_registers_of_a_vf_lie_in_the_shared_pages(void **state)
{
	for (size_t i = 0; i < nic_vf_regs_n; i++) {
		const struct nic_reg *r = &nic_vf_regs[i];
		bool shared = r->offset >= NIC_VF_SHARED_OFF;

		/* plain storage, or a mapped page could not behave as the table says */
		if (shared)
			assert_int_equal(r->access, NIC_RW);
		/* the name rule: queue registers of a VF are VR*, VT* with the PF's name behind */
		assert_int_equal(shared,
				 r->name[0] == 'V' && (r->name[1] == 'R' || r->name[1] == 'S' ||
						       !strncmp(r->name, "VTD", 3) ||
						       !strncmp(r->name, "VTX", 3)));
	}
}

static void field_helpers_round_trip(void **state)
{
	assert_int_equal(BITS(31, 0), UINT32_MAX);
	assert_int_equal(BITS(12, 8), 0x1f00);
	assert_int_equal(field_prep(XDCTL_HTHRESH, 31), 0x1f00);
	assert_int_equal(field_get(RAH_POOL, RAH_AV | 0x40000), 1);
	assert_int_equal(field_set(UINT32_MAX, VLVF_VID, 5), 0xfffff005);
}

static void vf_vectors_do_not_overlap(void **state)
{
	uint32_t seen = 0;

	for (uint32_t vf = 0; vf < NIC_VFS_MAX; vf++)
		for (uint32_t v = 0; v < NIC_VF_MSIX_N; v++) {
			uint32_t bit = BIT32(nic_vf_vector(vf, v));

			assert_int_equal(seen & bit, 0);
			seen |= bit;
		}
	assert_int_equal(seen, EIMS_MSIX_MASK & ~1u);
}

int main(void)
{
	const struct CMUnitTest abi_regs[] = {
		cmocka_unit_test(pf_rows_are_unique_aligned_and_inside_the_bar),
		cmocka_unit_test(vf_rows_are_unique_aligned_and_inside_the_bar),
		cmocka_unit_test(every_offset_function_agrees_with_its_row),
		cmocka_unit_test(queue_registers_of_a_vf_lie_in_the_shared_pages),
		cmocka_unit_test(field_helpers_round_trip),
		cmocka_unit_test(vf_vectors_do_not_overlap),
	};

	return cmocka_run_group_tests(abi_regs, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The pure parts: VLAN slots, the multicast union, the marker. */
#include <support/test.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <marker.h>
#include <mta.h>
#include <vlan_table.h>

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct vlan_table));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void pools_of_one_vlan_share_a_slot(void **state)
{
	struct vlan_table *t = *state;
	unsigned int used = 0;

	assert_int_equal(pfdrv_vlan_join(t, 0, 100, 0), 0);
	assert_int_equal(pfdrv_vlan_join(t, 7, 100, 0), 0);
	assert_int_equal(t->vlvf[31], VLVF_EN | 0x81000 | 100);
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		used += t->vlvf[i] != 0;
	assert_int_equal(used, 1);
	assert_int_equal(t->vfta[3], 1u << 4);
	assert_true(pfdrv_vlan_member(t, 7, 100));
	assert_false(pfdrv_vlan_member(t, 1, 100));
}

static void a_slot_goes_with_its_last_pool(void **state)
{
	struct vlan_table *t = *state;

	assert_int_equal(pfdrv_vlan_join(t, 0, 100, 0), 0);
	assert_int_equal(pfdrv_vlan_join(t, 1, 100, 0), 0);
	pfdrv_vlan_leave(t, 0, 100);
	assert_int_equal(t->vfta[3], 1u << 4);
	assert_true(pfdrv_vlan_member(t, 1, 100));
	pfdrv_vlan_leave(t, 1, 100);
	pfdrv_vlan_leave(t, 1, 100);
	assert_int_equal(t->vlvf[31], 0);
	assert_int_equal(t->vfta[3], 0);
}

static void vlan_zero_has_slot_zero_and_no_other_takes_it(void **state)
{
	struct vlan_table *t = *state;

	for (uint16_t v = 1; v <= 31; v++)
		assert_int_equal(pfdrv_vlan_join(t, 0, v, 0), 0);
	assert_int_equal(pfdrv_vlan_join(t, 0, 32, 0), -ENOSPC);
	assert_int_equal(pfdrv_vlan_join(t, 0, 0, 0), 0);
	assert_int_equal(t->vlvf[0], VLVF_EN | 0x1000);
	assert_int_equal(pfdrv_vlan_join(t, 3, 31, 0), 0); /* shares */
	assert_int_equal(pfdrv_vlan_count(t, 0), 31);
	assert_int_equal(pfdrv_vlan_count(t, 3), 1);
}

static void reserved_slots_are_kept_back_for_new_vlans_only(void **state)
{
	struct vlan_table *t = *state;

	for (uint16_t v = 1; v <= 23; v++)
		assert_int_equal(pfdrv_vlan_join(t, 0, v, 8), 0);
	assert_int_equal(pfdrv_vlan_join(t, 0, 24, 8), -ENOSPC);
	assert_int_equal(pfdrv_vlan_join(t, 1, 23, 8), 0);
	assert_int_equal(pfdrv_vlan_join(t, 1, 24, 0), 0);
}

static void leaving_all_frees_everything(void **state)
{
	struct vlan_table *t = *state, empty = {0};

	for (uint16_t v = 0; v <= 31; v++)
		assert_int_equal(pfdrv_vlan_join(t, 2, (uint16_t)(v * 132), 0), 0);
	pfdrv_vlan_leave_all(t, 2);
	assert_memory_equal(t, &empty, sizeof(empty));
}

static void a_table_with_one_vlan_twice_is_not_sane(void **state)
{
	struct vlan_table *t = *state;

	assert_int_equal(pfdrv_vlan_join(t, 2, 77, 0), 0);
	assert_true(pfdrv_vlan_sane(t));
	t->vlvf[5] = t->vlvf[31];
	assert_false(pfdrv_vlan_sane(t));
}

static void repair_follows_the_slots(void **state)
{
	struct vlan_table *t = *state;

	t->vlvf[31] = VLVF_EN | 0x1000 | 40;
	t->vlvf[30] = VLVF_EN | 41; /* no pool left */
	t->vfta[9] = 0xffffffff;
	pfdrv_vlan_repair(t);
	assert_int_equal(t->vlvf[30], 0);
	assert_int_equal(t->vfta[1], 1u << 8);
	assert_int_equal(t->vfta[9], 0);
}

static void the_multicast_table_is_the_union_of_all_lists(void **state)
{
	struct mta_union u = {0};
	uint32_t table[MTA_COUNT];
	uint16_t a[] = {0x000, 0xfff}, b[] = {0x000, 0x021};

	pfdrv_mta_set(&u, 0, a, 2);
	pfdrv_mta_set(&u, 5, b, 2);
	pfdrv_mta_build(&u, table);
	assert_int_equal(table[0], 1);
	assert_int_equal(table[1], 2);
	assert_int_equal(table[127], 0x80000000);
	pfdrv_mta_set(&u, 0, NULL, 0);
	pfdrv_mta_build(&u, table);
	assert_int_equal(table[0], 1);
	assert_int_equal(table[127], 0);
}

static void inherited_filters_stay_until_the_last_vf_spoke(void **state)
{
	struct mta_union u = {0};
	uint32_t table[MTA_COUNT];
	uint16_t a[] = {0x021};

	u.now[9] = 0x10;
	pfdrv_mta_adopt(&u, 0x3);
	pfdrv_mta_set(&u, 0, a, 1);
	pfdrv_mta_build(&u, table);
	assert_int_equal(table[9], 0x10);
	assert_int_equal(table[1], 2);
	pfdrv_mta_set(&u, 1, NULL, 0);
	pfdrv_mta_build(&u, table);
	assert_int_equal(table[9], 0);
	assert_int_equal(table[1], 2);
}

static void the_marker_survives_and_damage_is_seen(void **state)
{
	struct marker in = {.mac_set = 0x81, .trust = 0x42, .cts = 0xff, .link_disable = 0x10};
	struct marker out;
	uint32_t w[2];

	pfdrv_marker_encode(&in, w);
	assert_true(pfdrv_marker_decode(w, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	for (unsigned int bit = 0; bit < 64; bit++) {
		w[bit / 32] ^= BIT32(bit % 32);
		assert_false(pfdrv_marker_decode(w, &out));
		w[bit / 32] ^= BIT32(bit % 32);
	}
	w[0] = w[1] = 0;
	assert_false(pfdrv_marker_decode(w, &out));
}

int main(void)
{
#define WITH_TABLE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_TABLE(pools_of_one_vlan_share_a_slot),
		WITH_TABLE(a_slot_goes_with_its_last_pool),
		WITH_TABLE(vlan_zero_has_slot_zero_and_no_other_takes_it),
		WITH_TABLE(reserved_slots_are_kept_back_for_new_vlans_only),
		WITH_TABLE(leaving_all_frees_everything),
		WITH_TABLE(a_table_with_one_vlan_twice_is_not_sane),
		WITH_TABLE(repair_follows_the_slots),
		cmocka_unit_test(the_multicast_table_is_the_union_of_all_lists),
		cmocka_unit_test(inherited_filters_stay_until_the_last_vf_spoke),
		cmocka_unit_test(the_marker_survives_and_damage_is_seen),
	};

	return cmocka_run_group_tests_name("pf_driver_tables", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The switch's rules, one case each, on tables built here. */
#include <support/test.h>
#include <string.h>
#include "switch.h"

#define A    UINT64_C(0x010000000002) /* 02:00:00:00:00:01 */
#define B    UINT64_C(0x020000000002)
#define C    UINT64_C(0x030000000002)
#define PF   UINT64_C(0x090000000002)
#define X    UINT64_C(0x990000000002) /* nobody's */
#define MC   UINT64_C(0x05005e000001) /* 01:00:5e:00:00:05 */
#define BC   UINT64_C(0xffffffffffff)
#define NO   SW_UNTAGGED
#define WIRE SW_FROM_WIRE

static uint32_t hash_of(uint64_t mac)
{
	return ((uint32_t)(mac >> 32) & 0xffff) >> 4 & 0xfff;
}

static void hash_set(uint32_t *table, uint64_t mac)
{
	table[hash_of(mac) / 32] |= BIT32(hash_of(mac) % 32);
}

/* Pools 0..2 are VFs A, B, C; pool 3 is the PF and the default pool. */
static int setup(void **state)
{
	static struct sw_cfg sw;

	memset(&sw, 0, sizeof(sw));
	sw.vt = sw.loopback = sw.replicate = sw.use_def_pool = sw.rx_on = true;
	sw.def_pool = 3;
	sw.bam = true;
	sw.vfre = 0xff;
	sw.pool_bam = sw.aupe = 0x0f;
	sw.mta_shift = 4;
	sw.rx_limit = sw.rx_limit_tagged = 1522;
	sw_mac_add(&sw, A, 1);
	sw_mac_add(&sw, B, 2);
	sw_mac_add(&sw, C, 4);
	sw_mac_add(&sw, PF, 8);
	*state = &sw;
	return 0;
}

static void expect(struct sw_cfg *sw, uint64_t dst, uint64_t src, uint32_t vid, unsigned int from,
		   unsigned int pools, bool wire)
{
	struct sw_decision d = sw_decide(sw, dst, src, vid, from);

	assert_int_equal(d.pools, pools);
	assert_int_equal(d.wire, wire);
	assert_false(d.spoofed);
}

static void expect_spoofed(struct sw_cfg *sw, uint64_t dst, uint64_t src, uint32_t vid,
			   unsigned int from)
{
	struct sw_decision d = sw_decide(sw, dst, src, vid, from);

	assert_true(d.spoofed);
	assert_int_equal(d.pools, 0);
	assert_false(d.wire);
}

static void known_unicast_goes_to_its_pool_and_not_to_the_wire(void **state)
{
	expect(*state, B, A, NO, 0, 2, false);
}

static void unknown_unicast_from_a_pool_goes_to_the_wire_alone(void **state)
{
	expect(*state, X, A, NO, 0, 0, true);
}

static void
unknown_unicast_from_the_wire_goes_to_the_default_pool_if_the_port_takes_it(void **state)
{
	struct sw_cfg *sw = *state;

	expect(sw, X, A, NO, WIRE, 0, false);
	sw->upe = true;
	expect(sw, X, A, NO, WIRE, 8, false);
	sw->use_def_pool = false;
	expect(sw, X, A, NO, WIRE, 0, false);
}

static void known_unicast_from_the_wire_goes_to_its_pool(void **state)
{
	expect(*state, C, X, NO, WIRE, 4, false);
}

static void one_address_in_two_pools_reaches_both(void **state)
{
	sw_mac_add(*state, B, 4);
	expect(*state, B, A, NO, 0, 6, false);
}

static void broadcast_reaches_pools_with_bam_but_not_its_sender(void **state)
{
	struct sw_cfg *sw = *state;

	expect(sw, BC, A, NO, 0, 0x0e, true);
	sw->pool_bam = 0x05;
	expect(sw, BC, A, NO, 0, 0x04, true);
	expect(sw, BC, X, NO, WIRE, 0x05, false);
}

static void local_loopback_enable_lets_a_sender_hear_itself(void **state)
{
	struct sw_cfg *sw = *state;

	sw->lle = 1;
	expect(sw, BC, A, NO, 0, 0x0f, true);
	expect(sw, A, A, NO, 0, 1, false);
}

static void unicast_to_oneself_leaves_by_the_wire(void **state)
{
	expect(*state, A, A, NO, 0, 0, true);
}

static void multicast_by_hash_reaches_pools_with_rompe(void **state)
{
	struct sw_cfg *sw = *state;

	sw->rompe = 0x06;
	expect(sw, MC, A, NO, 0, 0, true);
	hash_set(sw->mta, MC);
	expect(sw, MC, A, NO, 0, 6, true);
	expect(sw, MC, X, NO, WIRE, 6, false);
}

static void multicast_promiscuous_pools_get_every_multicast(void **state)
{
	struct sw_cfg *sw = *state;

	sw->mpme = 0x02;
	expect(sw, MC, A, NO, 0, 2, true);
	expect(sw, MC, X, NO, WIRE, 2, false);
	expect(sw, BC, X, NO, WIRE, 0x0f, false);
}

static void multicast_with_an_exact_entry_goes_to_that_pool(void **state)
{
	struct sw_cfg *sw = *state;

	sw->rompe = 0x0f;
	hash_set(sw->mta, MC);
	sw_mac_add(sw, MC, 4);
	expect(sw, MC, A, NO, 0, 4, true);
}

static void unicast_by_hash_reaches_rope_pools_and_the_wire(void **state)
{
	struct sw_cfg *sw = *state;

	hash_set(sw->uta, X);
	sw->rope = 8;
	expect(sw, X, A, NO, 0, 8, true);
	expect(sw, X, A, NO, WIRE, 8, false);
	expect(sw, B, A, NO, 0, 2, false); /* an exact match never looks at the hash */
}

static void vlan_members_alone_get_tagged_frames(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vlan_filter = true;
	sw->vlan[10] = 0x03;
	sw->vfta[0] = BIT32(10);
	expect(sw, B, A, 10, 0, 2, false);
	expect(sw, C, A, 10, 0, 0, true);
	expect(sw, BC, A, 10, 0, 2, true);
	expect(sw, BC, X, 10, WIRE, 3, false);
	expect(sw, B, X, 11, WIRE, 0, false);
}

static void vlan_unknown_to_the_port_is_dropped_from_the_wire_even_with_pool_members(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vlan_filter = true;
	sw->vlan[10] = 0x03;
	expect(sw, B, X, 10, WIRE, 0, false);
}

static void untagged_frames_reach_only_pools_that_accept_them(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vlan_filter = true;
	sw->aupe = 0x09;
	expect(sw, B, A, NO, 0, 0, true);
	expect(sw, BC, A, NO, 0, 8, true);
}

static void vlans_do_not_matter_while_the_filter_is_off(void **state)
{
	expect(*state, B, A, 77, 0, 2, false);
}

static void pool_with_receive_disabled_gets_nothing(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vfre = 0xfd;
	expect(sw, B, A, NO, 0, 0, true);
	expect(sw, BC, A, NO, 0, 0x0c, true);
}

static void forged_source_mac_is_caught(void **state)
{
	struct sw_cfg *sw = *state;

	sw->mac_spoof = 1;
	expect(sw, B, A, NO, 0, 2, false);
	expect_spoofed(sw, B, X, NO, 0);
	expect_spoofed(sw, B, C, NO, 0);
	expect(sw, B, X, NO, 2, 2, false); /* pool 2 is not checked */
}

static void forged_vlan_is_caught_and_untagged_is_not(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vlan_spoof = 1;
	sw->vlan[10] = 0x01;
	expect(sw, B, A, 10, 0, 2, false);
	expect_spoofed(sw, B, A, 11, 0);
	expect(sw, B, A, NO, 0, 2, false);
}

static void without_loopback_everything_leaves_by_the_wire(void **state)
{
	struct sw_cfg *sw = *state;

	sw->loopback = false;
	expect(sw, B, A, NO, 0, 0, true);
	expect(sw, BC, A, NO, 0, 0, true);
}

static void without_replication_a_frame_goes_to_one_pool(void **state)
{
	struct sw_cfg *sw = *state;

	sw->replicate = false;
	sw_mac_add(sw, B, 4);
	expect(sw, B, A, NO, 0, 2, false);
	expect(sw, BC, A, NO, 0, 8, true);
}

static void receive_disabled_port_takes_nothing_from_the_wire(void **state)
{
	struct sw_cfg *sw = *state;

	sw->rx_on = false;
	expect(sw, B, X, NO, WIRE, 0, false);
}

static void ignore_mac_leaves_the_choice_to_vlans(void **state)
{
	struct sw_cfg *sw = *state;

	sw->ignore_mac = sw->vlan_filter = true;
	sw->vlan[10] = 0x06;
	sw->vfta[0] = BIT32(10);
	expect(sw, X, A, 10, WIRE, 6, false);
}

static void without_pools_the_port_filter_chooses_one_queue(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vt = false;
	sw->def_queue = 2;
	expect(sw, A, X, NO, WIRE, 4, false);
	expect(sw, X, A, NO, WIRE, 0, false);
	expect(sw, BC, A, NO, WIRE, 4, false);
	expect(sw, B, A, NO, 0, 0, true);
}

static void phy_loopback_turns_frames_around(void **state)
{
	struct sw_cfg *sw = *state;

	sw->vt = false;
	sw->phy_loop = true;
	expect(sw, BC, A, NO, 0, 1, false);
}

static void a_full_address_table_still_answers_for_every_entry(void **state)
{
	struct sw_cfg *sw = *state;

	memset(sw->mac, 0, sizeof(sw->mac));
	for (uint64_t i = 0; i < NIC_RAR_COUNT; i++)
		sw_mac_add(sw, i << 40 | 2, (uint8_t)BIT32(i % 8));
	for (uint64_t i = 0; i < NIC_RAR_COUNT; i++)
		assert_int_equal(sw_mac_pools(sw, i << 40 | 2), BIT32(i % 8));
	assert_int_equal(sw_mac_pools(sw, X), -1);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(known_unicast_goes_to_its_pool_and_not_to_the_wire),
		CASE(unknown_unicast_from_a_pool_goes_to_the_wire_alone),
		CASE(unknown_unicast_from_the_wire_goes_to_the_default_pool_if_the_port_takes_it),
		CASE(known_unicast_from_the_wire_goes_to_its_pool),
		CASE(one_address_in_two_pools_reaches_both),
		CASE(broadcast_reaches_pools_with_bam_but_not_its_sender),
		CASE(local_loopback_enable_lets_a_sender_hear_itself),
		CASE(unicast_to_oneself_leaves_by_the_wire),
		CASE(multicast_by_hash_reaches_pools_with_rompe),
		CASE(multicast_promiscuous_pools_get_every_multicast),
		CASE(multicast_with_an_exact_entry_goes_to_that_pool),
		CASE(unicast_by_hash_reaches_rope_pools_and_the_wire),
		CASE(vlan_members_alone_get_tagged_frames),
		CASE(vlan_unknown_to_the_port_is_dropped_from_the_wire_even_with_pool_members),
		CASE(untagged_frames_reach_only_pools_that_accept_them),
		CASE(vlans_do_not_matter_while_the_filter_is_off),
		CASE(pool_with_receive_disabled_gets_nothing),
		CASE(forged_source_mac_is_caught),
		CASE(forged_vlan_is_caught_and_untagged_is_not),
		CASE(without_loopback_everything_leaves_by_the_wire),
		CASE(without_replication_a_frame_goes_to_one_pool),
		CASE(receive_disabled_port_takes_nothing_from_the_wire),
		CASE(ignore_mac_leaves_the_choice_to_vlans),
		CASE(without_pools_the_port_filter_chooses_one_queue),
		CASE(phy_loopback_turns_frames_around),
		CASE(a_full_address_table_still_answers_for_every_entry),
	};

	return cmocka_run_group_tests_name("soft_nic_switch", tests, NULL, NULL);
}

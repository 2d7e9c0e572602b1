/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <fdb.h>

static int setup(void **state)
{
	struct fp_fdb *fdb;

	assert_int_equal(fp_fdb_new(0x9e3779b97f4a7c15, &fdb), 0);
	*state = fdb;
	return 0;
}

static int teardown(void **state)
{
	fp_fdb_free(*state);
	return 0;
}

static mac48_t mac(uint32_t i)
{
	uint8_t frame[8] = {
		0x02, 0,   (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i,
		0xff, 0xff};

	return fp_mac(frame);
}

static void an_address_is_found_on_the_port_it_was_learned_on(void **state)
{
	struct fp_fdb *fdb = *state;

	assert_int_equal(fp_fdb_lookup(fdb, mac(1)), FP_FDB_NONE);
	fp_fdb_learn(fdb, mac(1), 0, 10);
	fp_fdb_learn(fdb, mac(2), 62, 10);
	assert_int_equal(fp_fdb_lookup(fdb, mac(1)), 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(2)), 62);
	assert_int_equal(fp_fdb_lookup(fdb, mac(3)), FP_FDB_NONE);
	assert_int_equal(fp_fdb_count(fdb), 2);
}

static void what_follows_the_address_in_the_frame_does_not_matter(void **state)
{
	const uint8_t a[8] = {0x02, 1, 2, 3, 4, 5, 0x00, 0x00};
	const uint8_t b[8] = {0x02, 1, 2, 3, 4, 5, 0xaa, 0xbb};

	assert_int_equal(fp_mac(a).v, fp_mac(b).v);
}

static void group_addresses_are_told_by_the_first_byte(void **state)
{
	const uint8_t unicast[8] = {0x02, 0xff, 0xff, 0xff, 0xff, 0xff};
	const uint8_t multicast[8] = {0x01, 0, 0x5e};

	assert_false(fp_mac_is_group(fp_mac(unicast)));
	assert_true(fp_mac_is_group(fp_mac(multicast)));
}

static void a_station_that_moves_is_found_on_its_new_port(void **state)
{
	struct fp_fdb *fdb = *state;

	fp_fdb_learn(fdb, mac(7), 3, 0);
	fp_fdb_learn(fdb, mac(7), 4, 1);
	assert_int_equal(fp_fdb_lookup(fdb, mac(7)), 4);
	assert_int_equal(fp_fdb_count(fdb), 1);
	assert_int_equal(fdb->n_port[3], 0);
	assert_int_equal(fdb->n_port[4], 1);
	assert_int_equal(fdb->moves, 1);
}

static void an_address_not_seen_for_five_minutes_is_forgotten(void **state)
{
	struct fp_fdb *fdb = *state;

	fp_fdb_learn(fdb, mac(1), 1, 1000);
	fp_fdb_learn(fdb, mac(2), 1, 1000);
	fp_fdb_learn(fdb, mac(2), 1, 2000);
	fp_fdb_age(fdb, 1000 + FP_FDB_AGE_MS, FP_FDB_BUCKETS);
	assert_int_equal(fp_fdb_count(fdb), 2);
	fp_fdb_age(fdb, 1001 + FP_FDB_AGE_MS, FP_FDB_BUCKETS);
	assert_int_equal(fp_fdb_lookup(fdb, mac(1)), FP_FDB_NONE);
	assert_int_equal(fp_fdb_lookup(fdb, mac(2)), 1);
}

static void ageing_survives_the_wrap_of_the_millisecond_clock(void **state)
{
	struct fp_fdb *fdb = *state;

	fp_fdb_learn(fdb, mac(1), 1, UINT32_MAX - 5);
	fp_fdb_age(fdb, 100, FP_FDB_BUCKETS);
	assert_int_equal(fp_fdb_count(fdb), 1);
	fp_fdb_age(fdb, FP_FDB_AGE_MS + 100, FP_FDB_BUCKETS);
	assert_int_equal(fp_fdb_count(fdb), 0);
}

static void the_sweep_reaches_every_bucket_in_small_steps(void **state)
{
	struct fp_fdb *fdb = *state;

	for (uint32_t i = 0; i < 500; i++)
		fp_fdb_learn(fdb, mac(i), 2, 0);
	for (uint32_t i = 0; i < FP_FDB_BUCKETS; i++)
		fp_fdb_age(fdb, FP_FDB_AGE_MS + 1 + i, 1);
	assert_int_equal(fp_fdb_count(fdb), 0);
}

static void a_port_cannot_learn_more_than_its_share(void **state)
{
	struct fp_fdb *fdb = *state;

	for (uint32_t i = 0; i < 100000; i++)
		fp_fdb_learn(fdb, mac(i), 5, 0);
	assert_int_equal(fdb->n_port[5], FP_FDB_PORT_MAX);
	assert_true(fdb->not_learned > 0);
	fp_fdb_learn(fdb, mac(200000), 6, 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(200000)), 6);
}

static void a_full_table_learns_no_more_and_forgets_nobody(void **state)
{
	struct fp_fdb *fdb = *state;
	uint32_t full;

	for (uint32_t i = 0; i < 400000; i++)
		fp_fdb_learn(fdb, mac(i), i % FP_PORTS, 0);
	full = fp_fdb_count(fdb);
	assert_int_equal(full, FP_FDB_BUCKETS * FP_FDB_WAYS);
	assert_int_equal(fp_fdb_lookup(fdb, mac(0)), 0);
	fp_fdb_learn(fdb, mac(500000), 1, 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(500000)), FP_FDB_NONE);
	/* who is in may still move */
	fp_fdb_learn(fdb, mac(0), 9, 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(0)), 9);
	assert_int_equal(fp_fdb_count(fdb), full);
}

static void flushing_a_port_leaves_the_others_alone(void **state)
{
	struct fp_fdb *fdb = *state;

	for (uint32_t i = 0; i < 600; i++)
		fp_fdb_learn(fdb, mac(i), i % 3, 0);
	fp_fdb_flush(fdb, 1);
	assert_int_equal(fdb->n_port[1], 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(0)), 0);
	assert_int_equal(fp_fdb_lookup(fdb, mac(1)), FP_FDB_NONE);
	assert_int_equal(fp_fdb_lookup(fdb, mac(2)), 2);
}

static void a_snapshot_shows_address_port_and_age(void **state)
{
	struct fp_fdb *fdb = *state;
	struct fp_fdb_entry e[4];

	fp_fdb_learn(fdb, mac(42), 11, 1000);
	assert_int_equal(fp_fdb_snapshot(fdb, 1250, e, 4), 1);
	assert_int_equal(e[0].mac.v, mac(42).v);
	assert_int_equal(e[0].port, 11);
	assert_int_equal(e[0].age_ms, 250);
	for (uint32_t i = 0; i < 100; i++)
		fp_fdb_learn(fdb, mac(i), 1, 1000);
	assert_int_equal(fp_fdb_snapshot(fdb, 999, e, 4), 4);
	assert_int_equal(e[0].age_ms, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(an_address_is_found_on_the_port_it_was_learned_on),
		CASE(what_follows_the_address_in_the_frame_does_not_matter),
		CASE(group_addresses_are_told_by_the_first_byte),
		CASE(a_station_that_moves_is_found_on_its_new_port),
		CASE(an_address_not_seen_for_five_minutes_is_forgotten),
		CASE(ageing_survives_the_wrap_of_the_millisecond_clock),
		CASE(the_sweep_reaches_every_bucket_in_small_steps),
		CASE(a_port_cannot_learn_more_than_its_share),
		CASE(a_full_table_learns_no_more_and_forgets_nobody),
		CASE(flushing_a_port_leaves_the_others_alone),
		CASE(a_snapshot_shows_address_port_and_age),
	};

	return cmocka_run_group_tests_name("fdb", cases, NULL, NULL);
}

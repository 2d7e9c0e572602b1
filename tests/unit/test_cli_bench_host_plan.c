/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include "bench_host_plan.h"
#include "bench_host_search.h"

static unsigned int count(const struct bh_block *blocks, unsigned int n, enum bh_test test,
			  unsigned int size, unsigned int burst)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < n; i++)
		found += blocks[i].test == test && blocks[i].size == size &&
			 blocks[i].burst == burst && !blocks[i].one_way && blocks[i].mpps <= 0 &&
			 blocks[i].share <= 0;
	return found;
}

static void every_visit_has_what_the_goals_compare(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];

	for (unsigned int quick = 0; quick < 2; quick++) {
		struct bh_plan plan;

		bh_plan_init(&plan, quick, 0);
		for (unsigned int round = 0; round < plan.rounds; round++) {
			unsigned int n = bh_plan_visit(&plan, 0, round, false, blocks);

			assert_in_range(n, 2, BH_BLOCKS_MAX);
			assert_int_equal(count(blocks, n, BH_THROUGHPUT, 64, 32), 1);
			assert_int_equal(count(blocks, n, BH_PINGPONG, 64, 1), 1);
			/* loads that are a share of the path's rate need that rate first */
			assert_int_equal(blocks[0].test, BH_THROUGHPUT);
			assert_true(blocks[0].share <= 0);
		}
	}
}

static void the_second_visit_repeats_rate_and_round_trip_and_nothing_else(void **state)
{
	struct bh_block first[BH_BLOCKS_MAX], again[BH_BLOCKS_MAX];
	unsigned int traits = BH_TRAIT_AA | BH_TRAIT_LARGE | BH_TRAIT_BURST | BH_TRAIT_OPEN;
	struct bh_plan plan;

	bh_plan_init(&plan, false, 3);
	assert_int_equal(plan.rounds, 3);
	assert_int_equal(bh_plan_visit(&plan, traits, 0, true, again), 2);
	assert_true(bh_plan_visit(&plan, traits, 0, false, first) > 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(first[i].test, again[i].test);
		assert_int_equal(first[i].size, again[i].size);
		assert_int_equal(first[i].burst, again[i].burst);
		assert_int_equal(first[i].ms, again[i].ms);
		assert_int_equal(first[i].discard_ms, again[i].discard_ms);
	}
}

static void a_slow_path_is_not_asked_for_millions_of_packets(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];
	struct bh_plan plan;
	unsigned int n;

	bh_plan_init(&plan, false, 0);
	n = bh_plan_visit(&plan, BH_TRAIT_SLOW, 0, false, blocks);
	for (unsigned int i = 0; i < n; i++)
		assert_int_not_equal(blocks[i].test, BH_OPEN);
}

static void curves_end_after_some_rounds(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];
	unsigned int traits = BH_TRAIT_AA | BH_TRAIT_LARGE | BH_TRAIT_BURST | BH_TRAIT_OPEN;
	unsigned int first, last, bursts;
	struct bh_plan plan;

	bh_plan_init(&plan, false, 0);
	last = bh_plan_visit(&plan, traits, plan.rounds - 1, false, blocks);
	first = bh_plan_visit(&plan, traits, 0, false, blocks);
	assert_true(first > last);
	assert_in_range(first, 1, BH_BLOCKS_MAX);
	bursts = count(blocks, first, BH_THROUGHPUT, 64, 1);
	assert_int_equal(bursts, 1);
	bh_plan_init(&plan, true, 0);
	assert_int_equal(plan.curve_rounds, 0);
}

static void a_peer_without_tuning_is_measured_for_rates_and_round_trips_in_some_rounds(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];
	unsigned int due = 0, n;
	struct bh_plan plan;

	bh_plan_init(&plan, false, 0);
	for (unsigned int round = 0; round < plan.rounds; round++) {
		due += bh_plan_due(&plan, BH_TRAIT_PLAIN, round);
		assert_true(bh_plan_due(&plan, 0, round));
		assert_false(bh_plan_searches(&plan, BH_TRAIT_PLAIN, round, false));
	}
	assert_int_equal(due, plan.curve_rounds);
	n = bh_plan_visit(&plan, BH_TRAIT_PLAIN, 0, false, blocks);
	assert_int_equal(n, 3);
	assert_int_equal(count(blocks, n, BH_THROUGHPUT, 64, 32), 1);
	assert_int_equal(count(blocks, n, BH_THROUGHPUT, 1518, 32), 1);
	assert_int_equal(count(blocks, n, BH_PINGPONG, 64, 1), 1);
	/* when it was asked for by name */
	bh_plan_init(&plan, true, 0);
	assert_true(bh_plan_due(&plan, BH_TRAIT_PLAIN, plan.rounds - 1));
	n = bh_plan_visit(&plan, BH_TRAIT_PLAIN, 0, false, blocks);
	assert_int_equal(n, 3);
}

static void many_addresses_are_for_switches_that_look_at_them_in_a_full_run(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];
	unsigned int found = 0, n;
	struct bh_plan plan;

	bh_plan_init(&plan, false, 0);
	n = bh_plan_visit(&plan, BH_TRAIT_MACS, 0, false, blocks);
	for (unsigned int i = 0; i < n; i++)
		found += blocks[i].macs == BH_MACS;
	assert_int_equal(found, 1);
	/* compared with what is like it but for that */
	assert_int_equal(count(blocks, n, BH_THROUGHPUT, 64, 32), 2);
	n = bh_plan_visit(&plan, 0, 0, false, blocks);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(blocks[i].macs, 0);
	bh_plan_init(&plan, true, 0);
	n = bh_plan_visit(&plan, BH_TRAIT_MACS, 0, false, blocks);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(blocks[i].macs, 0);
}

/* The paths there are, and what bh_plan_visit() and the searches make of them. */
static unsigned int run_ms(bool quick)
{
	static const unsigned int traits[] = {
		BH_TRAIT_AA | BH_TRAIT_LARGE | BH_TRAIT_BURST | BH_TRAIT_OPEN,
		BH_TRAIT_LARGE | BH_TRAIT_OPEN,
		BH_TRAIT_SELF,
		BH_TRAIT_SLOW,
		BH_TRAIT_SLOW,
		0,
		0,
		0,
		0,
		0,
		BH_TRAIT_PLAIN,
		BH_TRAIT_PLAIN,
		BH_TRAIT_PLAIN,
	};
	struct bh_block blocks[BH_BLOCKS_MAX], trial = bh_plan_trial(0.5);
	struct bh_plan plan;
	unsigned int ms = 0;

	bh_plan_init(&plan, quick, 0);
	for (unsigned int round = 0; round < plan.rounds; round++) {
		for (unsigned int i = 0; i < sizeof(traits) / sizeof(*traits); i++) {
			if (traits[i] & BH_TRAIT_PLAIN &&
			    (quick || !bh_plan_due(&plan, traits[i], round)))
				continue;
			for (unsigned int k = 0; k < 1 + (traits[i] & BH_TRAIT_AA); k++) {
				unsigned int n = bh_plan_visit(&plan, traits[i], round, k, blocks);

				for (unsigned int j = 0; j < n; j++)
					ms += bh_block_ms(&blocks[j]);
				if (bh_plan_searches(&plan, traits[i], round, k))
					ms += BH_SEARCH_TRIALS * bh_block_ms(&trial);
			}
		}
	}
	return ms;
}

static void a_quick_run_of_ten_paths_takes_about_a_minute(void **state)
{
	assert_in_range(run_ms(true), 20000, 70000);
}

static void a_full_run_of_thirteen_paths_takes_less_than_half_an_hour(void **state)
{
	assert_in_range(run_ms(false), 15 * 60000, 27 * 60000);
}

/* The kernel lets others in after 950 ms, in the midst of a block. */
static void others_get_the_cpus_before_they_would_take_them(void **state)
{
	struct bh_block blocks[BH_BLOCKS_MAX];

	for (unsigned int quick = 0; quick < 2; quick++) {
		struct bh_plan plan;
		unsigned int n;

		bh_plan_init(&plan, quick, 0);
		n = bh_plan_visit(&plan, BH_TRAIT_LARGE | BH_TRAIT_OPEN, 0, false, blocks);
		for (unsigned int i = 0; i < n; i++) {
			/* once they had them, the next block can be made */
			assert_false(bh_plan_breathes(0, &blocks[i]));
			assert_true(bh_plan_breathes(700000, &blocks[i]));
		}
		assert_true(bh_plan_breathes(bh_block_ms(&blocks[0]) * 3000, &blocks[0]));
	}
}

static void every_path_but_one_is_searched_in_enough_rounds_and_never_in_a_quick_run(void **state)
{
	struct bh_plan plan;
	unsigned int rounds = 0;

	bh_plan_init(&plan, false, 0);
	for (unsigned int round = 0; round < plan.rounds; round++) {
		rounds += bh_plan_searches(&plan, 0, round, false);
		assert_false(bh_plan_searches(&plan, BH_TRAIT_SELF, round, false));
		assert_false(bh_plan_searches(&plan, BH_TRAIT_AA, round, true));
	}
	assert_int_equal(rounds, 5);
	bh_plan_init(&plan, true, 0);
	assert_false(bh_plan_searches(&plan, BH_TRAIT_AA, 0, false));
}

static void an_order_has_every_number_once_and_depends_on_the_seed_alone(void **state)
{
	uint64_t a = 7, b = 7, c = 8;
	unsigned int first[16], again[16], other[16], seen = 0, same = 0;

	bh_shuffle(first, 16, &a);
	bh_shuffle(again, 16, &b);
	bh_shuffle(other, 16, &c);
	assert_memory_equal(first, again, sizeof(first));
	for (unsigned int i = 0; i < 16; i++) {
		seen |= 1u << first[i];
		same += first[i] == other[i];
	}
	assert_int_equal(seen, 0xffff);
	assert_true(same < 16);
	/* and goes on to another order */
	bh_shuffle(again, 16, &a);
	assert_memory_not_equal(first, again, sizeof(first));
	bh_shuffle(first, 0, &a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_visit_has_what_the_goals_compare),
		cmocka_unit_test(the_second_visit_repeats_rate_and_round_trip_and_nothing_else),
		cmocka_unit_test(a_slow_path_is_not_asked_for_millions_of_packets),
		cmocka_unit_test(curves_end_after_some_rounds),
		cmocka_unit_test(a_quick_run_of_ten_paths_takes_about_a_minute),
		cmocka_unit_test(a_full_run_of_thirteen_paths_takes_less_than_half_an_hour),
		cmocka_unit_test(many_addresses_are_for_switches_that_look_at_them_in_a_full_run),
		cmocka_unit_test(
			a_peer_without_tuning_is_measured_for_rates_and_round_trips_in_some_rounds),
		cmocka_unit_test(
			every_path_but_one_is_searched_in_enough_rounds_and_never_in_a_quick_run),
		cmocka_unit_test(others_get_the_cpus_before_they_would_take_them),
		cmocka_unit_test(an_order_has_every_number_once_and_depends_on_the_seed_alone),
	};

	return cmocka_run_group_tests_name("bench_host_plan", tests, NULL, NULL);
}

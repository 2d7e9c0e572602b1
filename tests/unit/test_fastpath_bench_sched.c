/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <bench_sched.h>

#define TSC_HZ UINT64_C(2445000000)

static struct fp_sched s;

static void a_constant_schedule_is_even_and_keeps_its_rate(void **state)
{
	uint64_t last = 0;

	assert_int_equal(fp_sched_init(&s, false, 2.0, 1, TSC_HZ, 1), 0);
	for (unsigned int i = 0; i < 2000000; i++) {
		uint64_t gap = fp_sched_next(&s) - last;

		assert_in_range(gap, 1222, 1223); /* 2445 MHz / 2 MHz */
		last = fp_sched_next(&s);
		fp_sched_advance(&s);
	}
	assert_in_range(last, TSC_HZ - 100, TSC_HZ);
}

static void a_burst_counts_as_so_many_frames(void **state)
{
	uint64_t times = 0;

	assert_int_equal(fp_sched_init(&s, false, 1.0, 32, TSC_HZ, 1), 0);
	for (; fp_sched_next(&s) < TSC_HZ; fp_sched_advance(&s))
		times++;
	assert_in_range(times * 32, 999900, 1000100);
}

static void poisson_offers_the_same_rate_whatever_the_seed(void **state)
{
	for (uint64_t seed = 0; seed < 5; seed++) {
		uint64_t n = 0;

		assert_int_equal(fp_sched_init(&s, true, 1.0, 1, TSC_HZ, seed), 0);
		for (; fp_sched_next(&s) < TSC_HZ; fp_sched_advance(&s))
			n++;
		/* the gaps come in turn, so the rate is exact but for the last turn */
		assert_in_range(n, 998000, 1002000);
	}
}

/* For exponential gaps the share longer than k means is e^-k. */
static void poisson_gaps_are_exponential(void **state)
{
	unsigned int above[3] = {0};
	uint64_t last = 0;

	assert_int_equal(fp_sched_init(&s, true, 1.0, 1, TSC_HZ, 42), 0);
	for (unsigned int i = 0; i < FP_SCHED_GAPS; i++) {
		uint64_t gap = fp_sched_next(&s) - last;

		for (unsigned int k = 1; k <= 3; k++)
			above[k - 1] += gap > k * 2445;
		last = fp_sched_next(&s);
		fp_sched_advance(&s);
	}
	assert_in_range(above[0], FP_SCHED_GAPS * 35 / 100, FP_SCHED_GAPS * 39 / 100);
	assert_in_range(above[1], FP_SCHED_GAPS * 12 / 100, FP_SCHED_GAPS * 15 / 100);
	assert_in_range(above[2], FP_SCHED_GAPS * 4 / 100, FP_SCHED_GAPS * 6 / 100);
}

static void the_same_seed_gives_the_same_times(void **state)
{
	static struct fp_sched other;

	assert_int_equal(fp_sched_init(&s, true, 0.5, 4, TSC_HZ, 9), 0);
	assert_int_equal(fp_sched_init(&other, true, 0.5, 4, TSC_HZ, 9), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(fp_sched_next(&s), fp_sched_next(&other));
		fp_sched_advance(&s);
		fp_sched_advance(&other);
	}
	assert_int_equal(fp_sched_init(&other, true, 0.5, 4, TSC_HZ, 10), 0);
	assert_int_not_equal(fp_sched_next(&s), fp_sched_next(&other));
}

/* Time goes on while the path is not ready: what was missed stays due at its own time. */
static void the_schedule_does_not_wait_for_the_path(void **state)
{
	assert_int_equal(fp_sched_init(&s, false, 1.0, 1, TSC_HZ, 1), 0);
	for (unsigned int i = 1; i <= 1000; i++) {
		assert_int_equal(fp_sched_next(&s), i * 2445);
		fp_sched_advance(&s);
	}
}

static void what_is_behind_is_told(void **state)
{
	assert_int_equal(fp_sched_init(&s, false, 1.0, 1, TSC_HZ, 1), 0);
	assert_int_equal(fp_sched_behind(&s, 100), 0);
	assert_in_range(fp_sched_behind(&s, TSC_HZ / 100), 9998, 10001);
}

static void a_rate_that_cannot_be_is_refused(void **state)
{
	static const double rates[] = {0, -1, 1e-5, 1e9, 1.0 / 0.0, 0.0 / 0.0};

	for (unsigned int i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		assert_int_equal(fp_sched_init(&s, true, rates[i], 1, TSC_HZ, 1), -ERANGE);
	assert_int_equal(fp_sched_init(&s, true, 1.0, 0, TSC_HZ, 1), -ERANGE);
}

/* The longest gap at the lowest rate does not overflow. */
static void times_ascend_at_the_lowest_rate(void **state)
{
	uint64_t last = 0;

	assert_int_equal(fp_sched_init(&s, true, 0.0003, 1, TSC_HZ, 3), 0);
	for (unsigned int i = 0; i < FP_SCHED_GAPS; i++) {
		assert_true(fp_sched_next(&s) >= last);
		last = fp_sched_next(&s);
		fp_sched_advance(&s);
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_constant_schedule_is_even_and_keeps_its_rate),
		cmocka_unit_test(a_burst_counts_as_so_many_frames),
		cmocka_unit_test(poisson_offers_the_same_rate_whatever_the_seed),
		cmocka_unit_test(poisson_gaps_are_exponential),
		cmocka_unit_test(the_same_seed_gives_the_same_times),
		cmocka_unit_test(the_schedule_does_not_wait_for_the_path),
		cmocka_unit_test(what_is_behind_is_told),
		cmocka_unit_test(a_rate_that_cannot_be_is_refused),
		cmocka_unit_test(times_ascend_at_the_lowest_rate),
	};

	return cmocka_run_group_tests_name("bench_sched", cases, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_stats.h>

#include <math.h>
#include <string.h>
#include <support/test.h>

static bool near(double a, double b, double within)
{
	return fabs(a - b) <= within;
}

static void the_median_is_the_middle_value(void **state)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2, false}, same[] = {7, 7, 7, 7, 7},
	       one[] = {3};
	double falling[BSTAT_N_MAX];

	assert_true(near(bstat_median(odd, 3), 5, 0));
	assert_true(near(bstat_median(even, 4), 2.5, 0));
	assert_true(near(bstat_median(same, 5), 7, 0));
	assert_true(near(bstat_median(one, 1), 3, 0));
	assert_true(near(bstat_median(NULL, 0), 0, 0));
	for (size_t i = 0; i < BSTAT_N_MAX; i++)
		falling[i] = (double)(BSTAT_N_MAX - i);
	assert_true(near(bstat_median(falling, BSTAT_N_MAX), 500.5, 0));
}

static void the_interval_of_a_known_spread_is_as_wide_as_theory_says(void **state)
{
	struct bstat_estimate e;
	double v[100];

	/* even over 1 to 100: the median's standard error is 100 / (2 * sqrt(100)) = 5 */
	for (size_t i = 0; i < 100; i++)
		v[i] = (double)(i * 37 % 100 + 1);
	e = bstat_estimate(v, 100);
	assert_int_equal(e.n, 100);
	assert_true(near(e.value, 50.5, 0));
	assert_true(near(e.lo, 40.7, 4));
	assert_true(near(e.hi, 60.3, 4));
}

static void what_does_not_spread_is_known_exactly(void **state)
{
	static const double same[] = {1.25, 1.25, 1.25, 1.25, 1.25, 1.25};
	struct bstat_estimate e = bstat_estimate(same, 6);

	assert_true(near(e.value, 1.25, 0) && near(e.lo, 1.25, 0) && near(e.hi, 1.25, 0));
	assert_int_equal(bstat_estimate(NULL, 0).n, 0);
}

static void one_outlier_does_not_move_the_interval(void **state)
{
	static const double v[] = {2.0, 2.1, 1.9, 2.0, 2.1, 1.9, 2.0, 2.05, 1000};
	struct bstat_estimate e = bstat_estimate(v, 9);

	assert_true(near(e.value, 2.0, 0));
	assert_true(e.lo >= 1.9 && e.hi <= 2.1);
}

static void the_same_values_always_give_the_same_interval(void **state)
{
	static const double v[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
	struct bstat_estimate a = bstat_estimate(v, 11), b = bstat_estimate(v, 11);

	assert_true(near(a.lo, b.lo, 0) && near(a.hi, b.hi, 0));
}

static void a_change_between_runs_has_an_interval_of_its_own(void **state)
{
	static const double was[] = {10, 10.1, 9.9, 10, 10.05, 9.95, 10};
	static const double is[] = {12, 12.1, 11.9, 12, 12.05, 11.95, 12};
	static const double none[] = {0, 0, 0, 0, 0};
	struct bstat_estimate e = bstat_change(was, 7, is, 7);

	assert_true(near(e.value, 1.2, 1e-9));
	assert_true(e.lo > 1.17 && e.lo <= 1.2 && e.hi < 1.23 && e.hi >= 1.2);
	assert_int_equal(bstat_differs(e, 0), BSTAT_HIGHER);
	assert_int_equal(bstat_differs(e, 0.25), BSTAT_SAME);
	assert_int_equal(bstat_differs(bstat_change(is, 7, was, 7), 0), BSTAT_LOWER);
	assert_int_equal(bstat_differs(bstat_change(was, 7, was, 7), 0), BSTAT_SAME);
	assert_int_equal(bstat_differs(bstat_change(was, 4, is, 7), 0), BSTAT_SAME);
	assert_int_equal(bstat_change(none, 5, is, 7).n, 0);
	assert_int_equal(bstat_change(was, 7, NULL, 0).n, 0);
}

static void verdicts_follow_where_the_interval_lies(void **state)
{
	static const struct bstat_bound up = {1.5, 2.5, true}, down = {0.9, 0.7, false};
	static const struct {
		const struct bstat_bound *bound;
		struct bstat_estimate e;
		double resolution;
		enum bstat_verdict want;
	} cases[] = {
		{&up, {3.0, 2.8, 3.2, 9, false}, 0, BSTAT_GOAL},
		{&up, {2.5, 2.5, 2.5, 9, false}, 0, BSTAT_GOAL},
		{&up, {2.6, 2.4, 2.8, 9, false}, 0, BSTAT_FLOOR},
		{&up, {2.0, 1.5, 2.2, 9, false}, 0, BSTAT_FLOOR},
		{&up, {1.6, 1.4, 1.8, 9, false}, 0, BSTAT_INCONCLUSIVE},
		{&up, {1.4, 1.3, 1.5, 9, false}, 0, BSTAT_INCONCLUSIVE},
		{&up, {1.4, 1.3, 1.49, 9, false}, 0, BSTAT_FAIL},
		{&up, {1.6, 1.59, 1.61, 9, false}, 0.1, BSTAT_INCONCLUSIVE},
		{&up, {1.45, 1.44, 1.46, 9, false}, 0.1, BSTAT_INCONCLUSIVE},
		{&up, {2.6, 2.55, 2.65, 9, false}, 0.1, BSTAT_FLOOR},
		{&up, {9.0, 8.8, 9.2, 4, false}, 0, BSTAT_INCONCLUSIVE},
		{&up, {0, 0, 0, 0, false}, 0, BSTAT_NOT_MEASURED},
		{&down, {0.6, 0.55, 0.65, 9, false}, 0, BSTAT_GOAL},
		{&down, {0.7, 0.66, 0.75, 9, false}, 0, BSTAT_FLOOR},
		{&down, {0.88, 0.8, 0.95, 9, false}, 0, BSTAT_INCONCLUSIVE},
		{&down, {1.2, 1.1, 1.3, 9, false}, 0, BSTAT_FAIL},
		{&down, {0.88, 0.87, 0.89, 9, false}, 0.05, BSTAT_INCONCLUSIVE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (bstat_judge(cases[i].bound, cases[i].e, cases[i].resolution) != cases[i].want)
			fail_msg("case %zu is not %s", i, bstat_verdict_name(cases[i].want));
}

static void a_bound_of_nothing_is_met_by_nothing_only(void **state)
{
	static const struct bstat_bound none = {0, 0, false};

	assert_int_equal(bstat_judge(&none, (struct bstat_estimate){0, 0, 0, 5, false}, 0),
			 BSTAT_GOAL);
	assert_int_equal(bstat_judge(&none, (struct bstat_estimate){1, 1, 1, 5, false}, 0),
			 BSTAT_FAIL);
}

static void the_resolution_is_how_far_a_over_a_strays_from_1(void **state)
{
	assert_true(near(bstat_resolution(&(struct bstat_estimate){1, 0.97, 1.01, 9, false}), 0.03,
			 1e-9));
	assert_true(near(bstat_resolution(&(struct bstat_estimate){1, 0.99, 1.04, 9, false}), 0.04,
			 1e-9));
	/* an interval beside 1: it is off by as much */
	assert_true(near(bstat_resolution(&(struct bstat_estimate){1.1, 1.05, 1.2, 9, false}), 0.2,
			 1e-9));
	assert_true(near(bstat_resolution(&(struct bstat_estimate){0, 0, 0, 0, false}), 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_is_the_middle_value),
		cmocka_unit_test(the_interval_of_a_known_spread_is_as_wide_as_theory_says),
		cmocka_unit_test(what_does_not_spread_is_known_exactly),
		cmocka_unit_test(one_outlier_does_not_move_the_interval),
		cmocka_unit_test(the_same_values_always_give_the_same_interval),
		cmocka_unit_test(a_change_between_runs_has_an_interval_of_its_own),
		cmocka_unit_test(verdicts_follow_where_the_interval_lies),
		cmocka_unit_test(a_bound_of_nothing_is_met_by_nothing_only),
		cmocka_unit_test(the_resolution_is_how_far_a_over_a_strays_from_1),
	};

	return cmocka_run_group_tests_name("cli bench stats", tests, NULL, NULL);
}

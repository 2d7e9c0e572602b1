/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include "bench_host_search.h"

/* A path that loses nothing up to @clean of full speed, and a thousandth up to @little. */
struct path {
	double clean, little;
	unsigned int trials;
	double best[2];
};

static void run(struct path *p, unsigned int disturbed)
{
	struct bh_search s;
	double share;

	bh_search_init(&s);
	while (bh_search_next(&s, &share)) {
		uint64_t sent = 1000000, lost = share <= p->clean    ? 0
						: share <= p->little ? 1000
								     : 100000;
		bool valid = p->trials++ >= disturbed;

		assert_true(share > 0.29 && share <= 1);
		assert_true(p->trials <= BH_SEARCH_TRIALS);
		if (valid && !lost && share > p->best[0])
			p->best[0] = share;
		if (valid && lost <= 5000 && share > p->best[1])
			p->best[1] = share;
		bh_search_tell(&s, sent, lost, valid);
	}
	assert_true(s.low[0] <= s.high[0] && s.low[1] <= s.high[1]);
}

static void what_loses_nothing_at_full_speed_needs_one_trial(void **state)
{
	struct path p = {.clean = 1, .little = 1};

	run(&p, 0);
	assert_int_equal(p.trials, 1);
	assert_true(p.best[0] > 0.99);
}

static void both_rates_are_found_nearly_within_the_trials(void **state)
{
	static const double clean[] = {0.32, 0.5, 0.61, 0.83, 0.97};

	for (unsigned int i = 0; i < 5; i++) {
		struct path p = {.clean = clean[i], .little = clean[i] + 0.02};

		run(&p, 0);
		assert_true(p.best[0] <= p.clean && p.best[0] > p.clean - 0.1);
		assert_true(p.best[1] <= p.little && p.best[1] > p.little - 0.1);
	}
}

static void a_path_that_always_loses_has_no_such_rate_and_ends(void **state)
{
	struct path p = {.clean = 0.1, .little = 0.1};

	run(&p, 0);
	assert_true(p.best[0] <= 0 && p.best[1] <= 0);
}

static void a_disturbed_trial_is_made_again_once(void **state)
{
	struct bh_search s;
	double first, share;

	bh_search_init(&s);
	assert_true(bh_search_next(&s, &first));
	bh_search_tell(&s, 1000, 0, false);
	assert_true(bh_search_next(&s, &share));
	assert_true(share >= first && share <= first);
	bh_search_tell(&s, 1000, 0, false);
	assert_true(bh_search_next(&s, &share));
	assert_true(share < first);
}

static void disturbed_all_the_time_it_ends_nevertheless(void **state)
{
	struct path p = {.clean = 1, .little = 1};

	run(&p, 1000);
	assert_int_equal(p.trials, BH_SEARCH_TRIALS);
	assert_true(p.best[0] <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_loses_nothing_at_full_speed_needs_one_trial),
		cmocka_unit_test(both_rates_are_found_nearly_within_the_trials),
		cmocka_unit_test(a_path_that_always_loses_has_no_such_rate_and_ends),
		cmocka_unit_test(a_disturbed_trial_is_made_again_once),
		cmocka_unit_test(disturbed_all_the_time_it_ends_nevertheless),
	};

	return cmocka_run_group_tests_name("bench_host_search", tests, NULL, NULL);
}

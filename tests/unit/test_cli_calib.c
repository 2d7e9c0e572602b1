/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/calib.h>
#include <errno.h>
#include <sched.h>
#include <support/test.h>
#include <time.h>

static void a_second_look_keeps_the_clock_and_measures_the_line_anew(void **state)
{
	struct calib first, again;
	int r = calib_run(&first);

	if (r == -ENODEV || r == -ETIMEDOUT) {
		print_message("there are no two CPUs that run at the same time\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_true(first.rtt_min_ns > 0 && first.rtt_median_ns >= first.rtt_min_ns);
	again = first;
	again.rtt_median_ns = again.rtt_min_ns = 0;
	r = calib_again(&again);
	if (r == -ETIMEDOUT)
		return;
	assert_int_equal(r, 0);
	assert_int_equal(again.tsc_khz, first.tsc_khz);
	assert_true(again.rtt_min_ns > 0 && again.rtt_median_ns >= again.rtt_min_ns);
}

static void the_cpus_wake_one_another_and_the_caller_is_where_it_was(void **state)
{
	struct calib c;
	cpu_set_t before, after;
	struct timespec t0, t1;
	int r = calib_run(&c);

	if (r == -ENODEV || r == -ETIMEDOUT) {
		print_message("there are no two CPUs that run at the same time\n");
		skip();
	}
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	assert_int_equal(calib_draw_near(&c, 50), 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_true((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000 >= 49);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_look_keeps_the_clock_and_measures_the_line_anew),
		cmocka_unit_test(the_cpus_wake_one_another_and_the_caller_is_where_it_was),
	};

	return cmocka_run_group_tests_name("cli calib", tests, NULL, NULL);
}

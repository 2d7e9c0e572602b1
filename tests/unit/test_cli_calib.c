/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/calib.h>
#include <errno.h>
#include <support/test.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_look_keeps_the_clock_and_measures_the_line_anew),
	};

	return cmocka_run_group_tests_name("cli calib", tests, NULL, NULL);
}

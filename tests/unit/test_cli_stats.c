/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/stats.h>
#include <errno.h>
#include <support/test.h>

static int decode(const char *text, struct hist *ret_hist)
{
	json_auto_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return stats_hist_decode(json, ret_hist);
}

static void a_histogram_comes_back_as_it_was_reported(void **state)
{
	static struct hist h;

	assert_int_equal(decode("{\"n\":3,\"min\":5,\"max\":70,\"buckets\":[[5,2],[67,1]]}", &h),
			 0);
	assert_int_equal(h.n, 3);
	assert_int_equal(h.min, 5);
	assert_int_equal(h.max, 70);
	assert_int_equal(h.bucket[5], 2);
	assert_int_equal(hist_percentile(&h, 5000), 5);
	assert_int_equal(hist_percentile(&h, 10000), hist_value(67));
}

static void a_histogram_that_contradicts_itself_is_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[[1,2]]}",
		"{\"n\":1,\"min\":2,\"max\":1,\"buckets\":[[1,1]]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[[1728,1]]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[[-1,1]]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[[1]]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[1]}",
		"{\"n\":2,\"min\":1,\"max\":1,\"buckets\":[[1,1],[1,1]]}",
		"{\"n\":1,\"min\":1,\"max\":1,\"buckets\":[[1,1.0]]}",
		"{\"n\":-1,\"min\":1,\"max\":1,\"buckets\":[]}",
	};
	static struct hist h;

	_Static_assert(HIST_BUCKETS == 1728, "the first index outside is in the list above");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (decode(bad[i], &h) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(h.n, 0);
}

static void the_median_is_the_middle(void **state)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

	assert_true(stats_median(odd, 3) == 5);
	assert_true(stats_median(even, 4) == 2.5);
	assert_true(stats_median(NULL, 0) == 0);
}

static void ticks_become_nanoseconds_at_the_given_rate(void **state)
{
	assert_true(stats_ticks_ns(2450, 2450000) == 1000);
	assert_true(stats_ticks_ns(1, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_histogram_comes_back_as_it_was_reported),
		cmocka_unit_test(a_histogram_that_contradicts_itself_is_refused),
		cmocka_unit_test(the_median_is_the_middle),
		cmocka_unit_test(ticks_become_nanoseconds_at_the_given_rate),
	};

	return cmocka_run_group_tests_name("cli stats", tests, NULL, NULL);
}

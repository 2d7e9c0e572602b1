/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <bench_json.h>
#include <stdlib.h>

#define TSC_HZ UINT64_C(2445000000)

static struct hist h;
static struct fp_block block;

static int setup(void **state)
{
	h = (struct hist){0};
	block = (struct fp_block){.sent = 10, .received = 8, .used = {.wall_us = 1000}};
	return 0;
}

static double number(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	assert_true(json_is_number(v));
	return json_number_value(v);
}

static void an_empty_histogram_has_no_buckets(void **state)
{
	json_t *j = fp_hist_json(&h, TSC_HZ);

	assert_int_equal(number(j, "n"), 0);
	assert_int_equal(json_array_size(json_object_get(j, "buckets")), 0);
	json_decref(j);
}

/* What readers rely on: ascending, narrow, complete, and the value is below its bucket's end. */
static void buckets_ascend_are_narrow_and_sum_up(void **state)
{
	const json_t *pair, *buckets;
	double last = 0, sum = 0;
	json_t *j;
	size_t i;

	for (uint64_t v = 0; v < UINT64_C(1) << 33; v += v / 100 + 1)
		hist_add(&h, v);
	j = fp_hist_json(&h, TSC_HZ);
	buckets = json_object_get(j, "buckets");
	assert_in_range(json_array_size(buckets), 1000, 2048);
	json_array_foreach (buckets, i, pair) {
		double upper = json_number_value(json_array_get(pair, 0));

		assert_true(upper > last);
		last = upper;
		sum += json_number_value(json_array_get(pair, 1));
	}
	assert_true(sum == number(j, "n"));
	assert_true(last >= number(j, "max"));
	json_decref(j);
}

static void a_value_is_within_its_bucket_in_nanoseconds(void **state)
{
	static const uint64_t values[] = {1, 63, 64, 1000, 2445, 123456, 24450000};

	for (unsigned int i = 0; i < sizeof(values) / sizeof(*values); i++) {
		double ns = (double)values[i] * 1e9 / (double)TSC_HZ, upper;
		json_t *j;

		h = (struct hist){0};
		hist_add(&h, values[i]);
		j = fp_hist_json(&h, TSC_HZ);
		upper = json_number_value(
			json_array_get(json_array_get(json_object_get(j, "buckets"), 0), 0));
		assert_true(upper >= ns);
		assert_true(upper <= ns * 1.0157 + 0.5);
		json_decref(j);
	}
}

static void a_block_tells_what_is_missing_and_its_judgement(void **state)
{
	json_t *j;

	block.drops[1].rx_missed = 2;
	j = fp_block_json(&block);
	assert_int_equal(number(j, "missing"), 2);
	assert_true(json_is_true(json_object_get(j, "valid")));
	assert_int_equal(number(json_array_get(json_object_get(j, "drops"), 1), "rx_missed"), 2);
	json_decref(j);
	block.gone = true;
	j = fp_block_json(&block);
	assert_true(json_is_false(json_object_get(j, "valid")));
	assert_int_equal(json_array_size(json_object_get(j, "why")), 1);
	json_decref(j);
}

static void rates_are_those_of_the_window(void **state)
{
	json_t *j = json_object();

	block.window_ticks = TSC_HZ / 2;
	block.window_received = 5000000;
	block.window_sent = 6000000;
	block.busy_ticks = 500000000;
	fp_window_json(&block, 64, TSC_HZ, j);
	assert_true(number(j, "mpps") > 9.999 && number(j, "mpps") < 10.001);
	assert_true(number(j, "gbps") > 5.119 && number(j, "gbps") < 5.121);
	assert_true(number(j, "offered_mpps") > 11.999 && number(j, "offered_mpps") < 12.001);
	assert_true(number(j, "busy_cycles") > 99.9 && number(j, "busy_cycles") < 100.1);
	fp_window_json(&block, 0, TSC_HZ, j); /* the mix: 353.8 bytes each */
	assert_true(number(j, "gbps") > 28.3 && number(j, "gbps") < 28.32);
	json_decref(j);
}

static void a_window_in_which_nothing_happened_divides_by_nothing(void **state)
{
	json_t *j = json_object();

	fp_window_json(&block, 64, TSC_HZ, j);
	assert_true(number(j, "mpps") == 0);
	assert_true(number(j, "busy_cycles") == 0);
	json_decref(j);
}

static void without_a_second_cpu_there_is_no_core_to_core_figure(void **state)
{
	struct fp_calib c = {.memcpy_64 = 2.5};
	json_t *j = fp_calib_json(&c, TSC_HZ, 40);

	assert_true(json_is_null(json_object_get(j, "c2c")));
	assert_true(json_is_null(json_object_get(j, "wake_us")));
	json_decref(j);
	c.pair = true;
	c.same_line = (struct fp_span){.min = 90.04, .median = 100};
	j = fp_calib_json(&c, TSC_HZ, 40);
	assert_true(number(json_object_get(json_object_get(j, "c2c"), "same_line"), "min") == 90.0);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test_setup(an_empty_histogram_has_no_buckets, setup),
		cmocka_unit_test_setup(buckets_ascend_are_narrow_and_sum_up, setup),
		cmocka_unit_test_setup(a_value_is_within_its_bucket_in_nanoseconds, setup),
		cmocka_unit_test_setup(a_block_tells_what_is_missing_and_its_judgement, setup),
		cmocka_unit_test_setup(rates_are_those_of_the_window, setup),
		cmocka_unit_test_setup(a_window_in_which_nothing_happened_divides_by_nothing,
				       setup),
		cmocka_unit_test_setup(without_a_second_cpu_there_is_no_core_to_core_figure, setup),
	};

	return cmocka_run_group_tests_name("bench_json", cases, NULL, NULL);
}

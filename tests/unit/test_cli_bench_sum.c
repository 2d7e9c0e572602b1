/* SPDX-License-Identifier: BSD-3-Clause */
#include <bench.h>

#include <cli/bench_doc.h>
#include <cli/bench_goals.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <support/bench_sample.h>
#include <support/test.h>

#define TSC_KHZ 2000000u

/* What a guest answers to a request: two ticks are a nanosecond. */
static json_t *answer(int sent, int received)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i, s:i}, "
			 "s:{s:i, s:i, s:i, s:s}, s:{s:i, s:i, s:i, s:[[i, i], [i, i]]}}",
			 "sent", sent, "received", received, "bytes", received * 60, "ticks",
			 20000000, "corrupt", 0, "gaps", "n", 3, "max", 50000, "lost", 120000,
			 "stalled", 0, "traps", "bar_exits", 1, "messages", 2, "kvm_exits", 3,
			 "source", "kvm_stats", "hist", "n", 3, "min", 100, "max", 5000, "buckets",
			 (int)hist_index(100), 2, (int)hist_index(5000), 1);
}

static void sum_of(struct bench_sum *sum, int sent, int received)
{
	json_auto_t *a = answer(sent, received);

	assert_int_equal(bench_sum_add(sum, a), 0);
}

static void what_requests_gave_is_added_up(void **state)
{
	static struct bench_sum sum;

	sum = (struct bench_sum){};
	sum_of(&sum, 1000, 1000);
	sum_of(&sum, 500, 499);
	assert_int_equal(sum.sent, 1500);
	assert_int_equal(sum.received, 1499);
	assert_int_equal(sum.gaps.n, 6);
	assert_int_equal(sum.gaps.max, 50000);
	assert_int_equal(sum.gaps.lost, 240000);
	assert_int_equal(sum.hist.n, 6);
	assert_int_equal(sum.traps.messages, 4);
	/* 1499 frames in 20 ms */
	assert_true(fabs(bench_sum_mpps(&sum, TSC_KHZ) - 0.07495) < 1e-9);
	assert_true(fabs(bench_sum_gbps(&sum, TSC_KHZ) - 0.07495 * 64 * 8 / 1e3) < 1e-9);
	assert_true(bench_sum_mpps(&sum, 0) == 0);
}

static void an_answer_that_contradicts_itself_is_not_added(void **state)
{
	static const char *const counts[] = {"sent", "received", "bytes", "ticks", "corrupt"};
	static struct bench_sum sum, none;
	json_auto_t *empty = json_object();

	assert_int_equal(bench_sum_add(&sum, empty), -EBADMSG);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		json_auto_t *a = answer(10, 10);

		json_object_set_new(a, counts[i], json_integer(-1));
		assert_int_equal(bench_sum_add(&sum, a), -EBADMSG);
		json_object_set_new(a, counts[i], json_integer(INT64_MAX));
		assert_int_equal(bench_sum_add(&sum, a), -EBADMSG);
		json_object_set_new(a, counts[i], json_string("10"));
		assert_int_equal(bench_sum_add(&sum, a), -EBADMSG);
	}
	for (unsigned int i = 0; i < 3; i++) {
		json_auto_t *a = answer(10, 10);

		if (i == 0)
			json_object_set_new(json_object_get(a, "gaps"), "max",
					    json_integer(120001));
		else if (i == 1)
			json_object_set_new(json_object_get(a, "hist"), "n", json_integer(4));
		else
			json_object_del(a, "traps");
		assert_int_equal(bench_sum_add(&sum, a), -EBADMSG);
	}
	assert_memory_equal(&sum, &none, sizeof(sum));
}

static void a_block_without_round_trips_has_no_histogram(void **state)
{
	static const struct bench_seen seen = {.used.wall_us = 10000};
	struct bench_sum *sum = calloc(1, sizeof(*sum));
	json_t *block;

	assert_non_null(sum);
	sum->sent = sum->received = 5;
	block = bench_sum_block(sum, BH_THROUGHPUT, TSC_KHZ, &seen, false);
	assert_true(json_is_null(json_object_get(block, "hist")));
	assert_true(json_number_value(json_object_get(block, "mpps")) == 0);
	json_decref(block);
	free(sum);
}

static const struct bench_seen quiet = {.used.wall_us = 10000};

static json_t *block_of(const struct bench_sum *sum, const struct bench_seen *seen, bool trapped)
{
	json_t *b = bench_sum_block(sum, BH_THROUGHPUT, TSC_KHZ, seen, trapped);

	assert_non_null(b);
	return b;
}

static void say(const struct bench_sum *sum, const struct bench_seen *seen, bool trapped,
		const char *want)
{
	json_auto_t *b = block_of(sum, seen, trapped);
	const json_t *why = json_object_get(b, "why");
	const char *got = json_string_value(json_array_get(why, 0));

	assert_int_equal(json_is_true(json_object_get(b, "valid")), !want);
	assert_int_equal(json_array_size(why), want ? 1 : 0);
	if (want && !strstr(got, want))
		fail_msg("\"%s\" does not say %s", got, want);
}

static void what_disturbs_a_block_is_told(void **state)
{
	static struct bench_sum sum;
	struct bench_seen seen = quiet;

	sum = (struct bench_sum){};
	sum_of(&sum, 1000, 1000);
	say(&sum, &quiet, false, NULL);
	seen.used.steal_us = 300;
	say(&sum, &seen, false, "the hypervisor took 0.3 ms");
	seen = quiet;
	seen.used.wait_us = 300;
	say(&sum, &seen, false, "others ran on the guest's CPU");
	sum.gaps.lost = 600000; /* 300 us */
	say(&sum, &quiet, false, "the guest was interrupted for 0.3 ms");
	say(&sum, &quiet, true, NULL);
	sum.gaps.stalled = 600000;
	say(&sum, &quiet, true, "the guest was interrupted");
}

static void frames_that_do_not_add_up_spoil_a_block(void **state)
{
	static struct bench_sum sum;

	sum = (struct bench_sum){};
	sum_of(&sum, 1000, 998);
	say(&sum, &quiet, false, "2 frames are missing");
	sum.received = 1001;
	say(&sum, &quiet, false, "1 frames came twice");
	sum.received = 1000;
	sum.corrupt = 3;
	say(&sum, &quiet, false, "3 frames were not what was sent");
}

static void threads_of_a_path_that_wait_for_each_other_are_no_disturbance(void **state)
{
	struct bench_seen seen = {.used.wait_us = 500,
				  .switch_wait_us = 100,
				  .beside_guest_us = 450,
				  .beside_switch_us = 300};

	bench_seen_own(&seen);
	assert_int_equal(seen.used.wait_us, 50);
	assert_int_equal(seen.switch_wait_us, 0);
}

/* The reader of results takes such a block, and reads its percentiles. */
static void a_block_is_one_of_the_format(void **state)
{
	static const struct bh_block what = {.test = BH_PINGPONG, .size = 64, .burst = 1};
	const struct bench_place at = {.round = 4, .order = 2, .repeat = true, .c2c_ns = 80};
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	json_auto_t *root = bench_sample(1);
	static struct bench_sum sum;
	const struct bench_block *b;
	char why[200];
	json_t *block;
	double ns;

	sum = (struct bench_sum){};
	for (unsigned int i = 0; i < 200; i++)
		sum_of(&sum, 3, 3);
	block = bench_sum_block(&sum, BH_PINGPONG, TSC_KHZ, &quiet, false);
	assert_non_null(block);
	assert_int_equal(bench_block_place(block, "vf", &what, 0, &at), 0);
	json_array_append_new(json_object_get(root, "blocks"), block);
	json_object_set_new(root, "where", json_string("guest"));
	if (bench_doc_decode(root, why, sizeof(why), &doc) < 0)
		fail_msg("%s", why);
	assert_true(doc->guest);
	b = &doc->block[doc->n_blocks - 1];
	assert_int_equal(b->test, BENCH_AA);
	assert_int_equal(b->repeats, BENCH_PINGPONG);
	assert_int_equal(b->round, 4);
	assert_int_equal(b->hist.n, 600);
	assert_true(b->hist.min_ns == 50 && b->hist.max_ns == 2500);
	assert_int_equal(bench_hist_percentile(&b->hist, 0.5, &ns), 0);
	assert_true(ns >= 50 && ns <= 50 * 1.02);
	assert_true(b->c2c_ns == 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_requests_gave_is_added_up),
		cmocka_unit_test(an_answer_that_contradicts_itself_is_not_added),
		cmocka_unit_test(a_block_without_round_trips_has_no_histogram),
		cmocka_unit_test(what_disturbs_a_block_is_told),
		cmocka_unit_test(frames_that_do_not_add_up_spoil_a_block),
		cmocka_unit_test(threads_of_a_path_that_wait_for_each_other_are_no_disturbance),
		cmocka_unit_test(a_block_is_one_of_the_format),
	};

	return cmocka_run_group_tests_name("bench_sum", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_goals.h>

#include <math.h>
#include <string.h>
#include <support/bench_sample.h>
#include <support/test.h>

static char why[200];

static json_t *goal(const json_t *root, const char *id)
{
	json_t *g;
	size_t i;

	json_array_foreach (json_object_get(root, "goals"), i, g)
		if (!strcmp(json_string_value(json_object_get(g, "id")), id))
			return g;
	fail_msg("no goal %s", id);
	return NULL;
}

static void verdict_is(const json_t *root, const char *id, const char *want)
{
	const char *got = json_string_value(json_object_get(goal(root, id), "verdict"));

	if (strcmp(got, want))
		fail_msg("%s: %s, not %s", id, got, want);
}

static void every_goal_gets_the_verdict_that_its_blocks_deserve(void **state)
{
	json_auto_t *root = bench_sample(12);

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	verdict_is(root, "T1", "floor");
	verdict_is(root, "T2", "floor");
	verdict_is(root, "T3", "not measured");
	verdict_is(root, "T4", "floor");
	verdict_is(root, "T5", "goal");
	verdict_is(root, "T6", "goal");
	verdict_is(root, "T8", "floor");
	verdict_is(root, "T9", "not measured");
	verdict_is(root, "L1", "goal");
	verdict_is(root, "L5", "goal");
	verdict_is(root, "C1", "goal");
	verdict_is(root, "C2", "goal");
	verdict_is(root, "C3", "goal");
	verdict_is(root, "E1", "goal");
	verdict_is(root, "E3", "goal");
	verdict_is(root, "R1", "goal");
}

static void a_bench_in_a_guest_is_judged_by_what_it_can_tell(void **state)
{
	json_auto_t *root = bench_sample(12);

	json_object_set_new(root, "where", json_string("guest"));
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_int_equal(json_array_size(json_object_get(root, "goals")), BENCH_GUEST_GOALS);
	verdict_is(root, "G1", "goal");
	verdict_is(root, "G2", "goal");
	verdict_is(root, "G3", "goal");
	verdict_is(root, "E1", "goal");
	verdict_is(root, "E3", "goal");
	json_object_set_new(root, "where", json_string("nowhere"));
	assert_int_equal(bench_judge(root, why, sizeof(why)), -EBADMSG);
	json_object_set_new(root, "where", json_string("host"));
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_int_equal(json_array_size(json_object_get(root, "goals")), BENCH_GOALS);
}

static void ratios_are_taken_within_rounds(void **state)
{
	json_auto_t *root = bench_sample(9);
	const json_t *g, *dots, *ci;
	double ratio;

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	g = goal(root, "T1");
	dots = json_object_get(g, "per_round");
	ratio = json_real_value(json_object_get(g, "ratio"));
	ci = json_object_get(g, "ci");
	assert_int_equal(json_array_size(dots), 9);
	assert_true(fabs(ratio - 14.2 / 6.3) < 0.15);
	assert_true(json_real_value(json_array_get(ci, 0)) <= ratio);
	assert_true(json_real_value(json_array_get(ci, 1)) >= ratio);
}

static void an_invalid_block_is_counted_and_kept_out(void **state)
{
	json_auto_t *root = bench_sample(9);
	const json_t *g, *all;

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	g = goal(root, "T1");
	assert_int_equal(json_integer_value(json_object_get(g, "rounds")), 8);
	assert_int_equal(json_integer_value(json_object_get(g, "excluded")), 1);
	all = json_object_get(g, "all");
	assert_true(json_is_real(json_object_get(all, "ratio")));
}

static void set_c2c(json_t *root, json_int_t round, const char *path, double ns)
{
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(root, "blocks"), i, b)
		if ((round < 0 || json_integer_value(json_object_get(b, "round")) == round) &&
		    (!path || !strcmp(json_string_value(json_object_get(b, "path")), path)))
			json_object_set_new(b, "c2c_ns", json_real(ns));
}

static void a_run_that_saw_the_cpus_near_and_apart_tells_of_both(void **state)
{
	json_auto_t *root = bench_sample(12);
	json_int_t near, apart;

	set_c2c(root, -1, NULL, 90);
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_null(json_object_get(goal(root, "T1"), "near"));
	for (json_int_t round = 6; round < 12; round++)
		set_c2c(root, round, NULL, 400);
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_int_equal(json_unpack(goal(root, "T1"), "{s:{s:I}, s:{s:I}}", "near", "rounds",
				     &near, "apart", "rounds", &apart),
			 0);
	assert_in_range(near, 1, 6);
	assert_in_range(apart, 1, 6);
	assert_int_equal(near + apart,
			 json_integer_value(json_object_get(goal(root, "T1"), "rounds")));
}

static void two_blocks_between_which_the_cpus_were_moved_make_no_ratio(void **state)
{
	json_auto_t *root = bench_sample(9);
	json_int_t rounds;

	set_c2c(root, -1, NULL, 90);
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	rounds = json_integer_value(json_object_get(goal(root, "T1"), "rounds"));
	/* both far apart is as good as both near */
	set_c2c(root, 1, NULL, 400);
	/* what a measurement differs from the next */
	set_c2c(root, 2, "vhost-packed", 120);
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_int_equal(json_integer_value(json_object_get(goal(root, "T1"), "rounds")), rounds);
	for (json_int_t round = 0; round < 9; round++)
		set_c2c(root, round, "vhost-packed", round % 2 ? 400 : 30);
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	/* of round 1 alone both were measured at 400 */
	assert_int_equal(json_integer_value(json_object_get(goal(root, "T1"), "rounds")), 1);
	/* others are as they were */
	verdict_is(root, "T5", "goal");
}

static void a_path_that_is_not_there_is_named(void **state)
{
	json_auto_t *root = bench_sample(6);

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_string_equal(json_string_value(json_object_get(goal(root, "T3"), "reason")),
			    "ovs-dpdk is absent: not installed");
}

static void few_rounds_conclude_nothing(void **state)
{
	json_auto_t *root = bench_sample(4);

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	verdict_is(root, "T5", "inconclusive");
	/* what is counted needs no rounds */
	verdict_is(root, "C1", "goal");
}

static void disturbed_rounds_alone_conclude_nothing_but_are_told(void **state)
{
	json_auto_t *root = bench_sample(6);
	const json_t *g;
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(root, "blocks"), i, b)
		json_object_set_new(b, "valid", json_false());
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	verdict_is(root, "T1", "inconclusive");
	verdict_is(root, "T3", "not measured");
	g = goal(root, "T1");
	assert_null(json_object_get(g, "ratio"));
	assert_true(json_is_real(json_object_get(json_object_get(g, "all"), "ratio")));
	assert_non_null(strstr(json_string_value(json_object_get(g, "reason")), "disturbed"));
}

static void a_over_a_contains_1(void **state)
{
	json_auto_t *root = bench_sample(20);
	const json_t *aa, *ci;

	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	aa = json_object_get(root, "aa");
	ci = json_object_get(aa, "ci");
	assert_true(json_real_value(json_array_get(ci, 0)) <= 1);
	assert_true(json_real_value(json_array_get(ci, 1)) >= 1);
	assert_int_equal(json_integer_value(json_object_get(aa, "rounds")), 20 - 2);
	assert_true(json_is_object(json_object_get(aa, "latency")));
	assert_string_equal(json_string_value(json_object_get(aa, "contains_1")), "yes");
}

static void a_over_a_that_does_not_contain_1_is_told(void **state)
{
	json_auto_t *root = bench_sample(20);
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(root, "blocks"), i, b)
		if (!strcmp(json_string_value(json_object_get(b, "test")), "aa") &&
		    json_object_get(b, "mpps"))
			json_object_set_new(
				b, "mpps",
				json_real(json_number_value(json_object_get(b, "mpps")) * 1.5));
	assert_int_equal(bench_judge(root, why, sizeof(why)), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(root, "aa"), "contains_1")),
		"no");
}

static void a_rate_without_loss_is_the_highest_of_its_round(void **state)
{
	static const struct bench_pick pick = {.path = "vf",
					       .figure = BENCH_LOSSLESS,
					       .test = BENCH_THROUGHPUT,
					       .mode = BENCH_RATE,
					       .size = 64,
					       .burst = 32};
	static const double rates[] = {8, 12, 10};
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	json_auto_t *root = bench_sample(1);
	static struct bench_series s;

	for (size_t i = 0; i < 3; i++) {
		json_t *b = json_deep_copy(json_array_get(json_object_get(root, "blocks"), 0));

		json_object_set_new(b, "mode", json_string("rate"));
		json_object_set_new(b, "offered_mpps", json_real(rates[i]));
		json_object_set_new(b, "mpps", json_real(rates[i]));
		json_object_set_new(b, "missing", json_integer(rates[i] > 11));
		json_array_append_new(json_object_get(root, "blocks"), b);
	}
	assert_int_equal(bench_doc_decode(root, why, sizeof(why), &doc), 0);
	assert_int_equal(bench_pick_series(doc, &pick, &s), 1);
	assert_true(fabs(s.value[0] - 10) < 1e-9);
}

static void a_broken_result_is_not_judged(void **state)
{
	json_auto_t *root = bench_sample(1);

	json_object_del(root, "blocks");
	assert_int_equal(bench_judge(root, why, sizeof(why)), -EBADMSG);
	assert_null(json_object_get(root, "goals"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_goal_gets_the_verdict_that_its_blocks_deserve),
		cmocka_unit_test(a_bench_in_a_guest_is_judged_by_what_it_can_tell),
		cmocka_unit_test(ratios_are_taken_within_rounds),
		cmocka_unit_test(an_invalid_block_is_counted_and_kept_out),
		cmocka_unit_test(a_run_that_saw_the_cpus_near_and_apart_tells_of_both),
		cmocka_unit_test(two_blocks_between_which_the_cpus_were_moved_make_no_ratio),
		cmocka_unit_test(a_path_that_is_not_there_is_named),
		cmocka_unit_test(few_rounds_conclude_nothing),
		cmocka_unit_test(disturbed_rounds_alone_conclude_nothing_but_are_told),
		cmocka_unit_test(a_over_a_contains_1),
		cmocka_unit_test(a_over_a_that_does_not_contain_1_is_told),
		cmocka_unit_test(a_rate_without_loss_is_the_highest_of_its_round),
		cmocka_unit_test(a_broken_result_is_not_judged),
	};

	return cmocka_run_group_tests_name("cli bench goals", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <bench_valid.h>
#include <string.h>

struct block {
	struct fp_host used;
	struct fp_gaps gaps;
	struct fp_offer offer;
	bool gone;
};

/* 600 ms, and nothing came between. */
static const struct block quiet = {.used = {.wall_us = 600000}};

/* Return: how many reasons; -1: the last one is about something else than @word. */
static int reasons(struct block b, const char *word)
{
	json_t *why = json_array();
	bool valid = fp_valid(&b.used, &b.gaps, &b.offer, b.gone, why);
	int n = (int)json_array_size(why);

	assert_int_equal(valid, n == 0);
	if (n > 0 && !strstr(json_string_value(json_array_get(why, (size_t)n - 1)), word))
		n = -1;
	json_decref(why);
	return n;
}

static void a_quiet_block_is_valid(void **state)
{
	struct block b = quiet;

	assert_int_equal(reasons(b, ""), 0);
	b.gaps = (struct fp_gaps){.over = 20, .max_us = 500, .lost_us = 11000};
	b.used.wait_us = 11000;
	assert_int_equal(reasons(b, ""), 0);
}

static void stolen_time_above_two_percent_is_told(void **state)
{
	struct block b = quiet;

	b.used.steal_us = 10000;
	assert_int_equal(reasons(b, ""), 0);
	b.used.steal_us = 20000;
	assert_int_equal(reasons(b, "the hypervisor took 20.0 ms of 600 ms"), 1);
}

static void others_on_the_generators_cpu_are_told(void **state)
{
	struct block b = quiet;

	b.used.wait_us = 30000;
	b.gaps.lost_us = 30000; /* the same time: told once */
	assert_int_equal(reasons(b, "others ran on the generator's CPU for 30.0 ms"), 1);
}

static void gaps_of_a_path_that_only_polls_are_told(void **state)
{
	struct block b = quiet;

	b.gaps.lost_us = 30000;
	assert_int_equal(reasons(b, "interrupted for 30.0 ms"), 1);
}

static void long_rounds_of_a_path_with_system_calls_are_its_own(void **state)
{
	struct block b = quiet;

	b.gaps.lost_us = 500000;
	b.used.switches = 10;
	assert_int_equal(reasons(b, ""), 0);
	b.used.switches = 0;
	b.used.system_us = 100000;
	assert_int_equal(reasons(b, ""), 0);
}

static void an_offer_that_is_one_percent_off_is_told(void **state)
{
	struct block b = quiet;

	b.offer = (struct fp_offer){.due = 100000, .sent = 99000};
	assert_int_equal(reasons(b, ""), 0);
	b.offer.sent = 98999;
	assert_int_equal(reasons(b, "98999 frames were sent, 100000 were to be sent"), 1);
	b.offer.sent = 101001;
	assert_int_equal(reasons(b, "101001 frames were sent"), 1);
}

static void a_port_that_went_away_is_told_first(void **state)
{
	struct block b = quiet;

	b.gone = true;
	assert_int_equal(reasons(b, "went away"), 1);
	b.used.steal_us = 600000;
	assert_int_equal(reasons(b, "the hypervisor"), 2);
}

static void steal_is_read_from_the_right_line(void **state)
{
	static const char text[] = "cpu  1 2 3 4 5 6 7 300 9 10\n"
				   "cpu0 1 2 3 4 5 6 7 100 9 10\n"
				   "cpu1 1 2 3 4 5 6 7 200 9 10\n"
				   "cpu10 1 2 3 4 5 6 7 42 9 10\n"
				   "cpu11 1 2 3\n"
				   "intr 7\n";

	assert_int_equal(fp_steal_of(text, 0), 100);
	assert_int_equal(fp_steal_of(text, 1), 200);
	assert_int_equal(fp_steal_of(text, 10), 42);
	assert_int_equal(fp_steal_of(text, 11), 0);
	assert_int_equal(fp_steal_of(text, 2), 0);
	assert_int_equal(fp_steal_of("", 0), 0);
	assert_int_equal(fp_steal_of("cpu0 1 2 3 4 5 6 7", 0), 0);
}

static void the_hosts_counters_can_be_read_and_only_grow(void **state)
{
	static const int cpu[2] = {0, -1};
	struct fp_host before, now;

	fp_host_read(&before, cpu);
	fp_host_read(&now, cpu);
	assert_true(before.wall_us > 0 && now.wall_us >= before.wall_us);
	assert_true(now.system_us >= before.system_us && now.switches >= before.switches);
	before.steal_us = now.steal_us + 5; /* some kernels count it backwards */
	fp_host_since(&now, &before);
	assert_int_equal(now.steal_us, 0);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_quiet_block_is_valid),
		cmocka_unit_test(stolen_time_above_two_percent_is_told),
		cmocka_unit_test(others_on_the_generators_cpu_are_told),
		cmocka_unit_test(gaps_of_a_path_that_only_polls_are_told),
		cmocka_unit_test(long_rounds_of_a_path_with_system_calls_are_its_own),
		cmocka_unit_test(an_offer_that_is_one_percent_off_is_told),
		cmocka_unit_test(a_port_that_went_away_is_told_first),
		cmocka_unit_test(steal_is_read_from_the_right_line),
		cmocka_unit_test(the_hosts_counters_can_be_read_and_only_grow),
	};

	return cmocka_run_group_tests_name("bench_valid", cases, NULL, NULL);
}

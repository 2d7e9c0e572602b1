/* SPDX-License-Identifier: BSD-3-Clause */
#include <bench_host_waits.h>
#include <lib/clock.h>
#include <support/test.h>
#include <unistd.h>

static void the_thread_that_ran_most_is_the_switch(void **state)
{
	static const struct bh_waits before = {2, {{1, 100, 50, 3}, {2, 9000, 500, 9}}};
	struct bh_waits after = {3, {{2, 9100, 90000, 9}, {1, 99100, 1250, 3}, {3, 40, 8000, 0}}};

	assert_int_equal(bh_waits_since(&before, &after), 1200);
	after.thread[0].run_us += 100000;
	assert_int_equal(bh_waits_since(&before, &after), 89500);
	assert_int_equal(bh_waits_since(&after, &after), 0);
}

static void its_own_wake_ups_are_not_others_doing(void **state)
{
	static const struct bh_waits before = {1, {{7, 0, 0, 1000}}};
	struct bh_waits after = {1, {{7, 50000, 30000, 2000}}};

	assert_int_equal(bh_waits_since(&before, &after), 10000);
	after.thread[0].wait_us = 19999;
	assert_int_equal(bh_waits_since(&before, &after), 0);
}

static void the_busiest_is_the_one_that_ran_most_of_all_its_life(void **state)
{
	static const struct bh_waits none = {};
	static const struct bh_waits some = {
		3, {{5, 100, 90000, 0}, {6, 9000, 0, 0}, {7, 8999, 0, 0}}};

	assert_int_equal(bh_waits_busiest(&some), 6);
	assert_int_equal(bh_waits_busiest(&none), 0);
}

static void all_that_a_process_ran_is_added_up(void **state)
{
	static const struct bh_waits before = {2, {{1, 100, 50, 3}, {2, 9000, 500, 9}}};
	static const struct bh_waits after = {3,
					      {{2, 9100, 900, 9}, {1, 500, 60, 4}, {3, 40, 0, 0}}};
	struct bh_busiest most = bh_waits_most(&before, &after);

	assert_int_equal(bh_waits_run_us(&before, &after), 540);
	assert_int_equal(most.tid, 1);
	assert_int_equal(most.run_us, 400);
	assert_int_equal(most.wait_us, 10);
	assert_int_equal(most.switches, 1);
}

static void a_thread_is_on_a_cpu(void **state)
{
	assert_in_range(bh_thread_cpu(getpid()), 0, 1 << 16);
	assert_int_equal(bh_thread_cpu(-1), -1);
}

static void nothing_known_is_nothing_waited(void **state)
{
	static const struct bh_waits none = {};

	assert_int_equal(bh_waits_since(&none, &none), 0);
}

static void this_process_can_be_read(void **state)
{
	struct bh_waits before = {}, after = {};
	uint64_t end = clock_us() + 20000;

	if (access("/proc/self/schedstat", R_OK) < 0) {
		print_message("this kernel does not count how long threads wait\n");
		skip();
	}
	bh_waits_add(&before, getpid());
	while (clock_us() < end)
		;
	bh_waits_add(&after, getpid());
	assert_in_range(after.n, 1, BH_THREADS_MAX);
	assert_true(after.thread[0].run_us > before.thread[0].run_us);
	/* a process that is not there */
	bh_waits_add(&after, -1);
	assert_in_range(after.n, 1, BH_THREADS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_thread_that_ran_most_is_the_switch),
		cmocka_unit_test(its_own_wake_ups_are_not_others_doing),
		cmocka_unit_test(the_busiest_is_the_one_that_ran_most_of_all_its_life),
		cmocka_unit_test(all_that_a_process_ran_is_added_up),
		cmocka_unit_test(a_thread_is_on_a_cpu),
		cmocka_unit_test(nothing_known_is_nothing_waited),
		cmocka_unit_test(this_process_can_be_read),
	};

	return cmocka_run_group_tests_name("cli bench host waits", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <lib/disturb.h>
#include <string.h>

/* Of a block of 600 ms: what came between, and what is said of it. */
static const struct {
	struct disturb_host used;
	struct disturb_gaps gaps;
	struct disturb_offer offer;
	bool gone;
	unsigned int lost;
	size_t reasons;
	const char *say; /* the last one */
} rows[] = {
	{.lost = DISTURB_LOST_RATE},
	{.gaps = {.over = 20, .max_us = 500, .lost_us = 11000}, .lost = DISTURB_LOST_RATE},
	/* the hypervisor */
	{.used = {.steal_us = 10000}, .lost = DISTURB_LOST_RATE},
	{.used = {.steal_us = 20000},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "the hypervisor took 20.0 ms of 600 ms"},
	{.used = {.steal_us = 10000},
	 .lost = DISTURB_LOST_TAIL,
	 .reasons = 1,
	 .say = "the hypervisor"},
	/* others on the generator's CPU, with the gaps that this makes: told once */
	{.used = {.wait_us = 11000}, .gaps = {.lost_us = 11000}, .lost = DISTURB_LOST_RATE},
	{.used = {.wait_us = 30000},
	 .gaps = {.lost_us = 30000},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "others ran on the generator's CPU for 30.0 ms"},
	{.used = {.wait_us = 4000}, .lost = DISTURB_LOST_TAIL, .reasons = 1, .say = "for 4.0 ms"},
	/* gaps alone, of a path that only polls */
	{.gaps = {.lost_us = 30000},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "interrupted for 30.0 ms"},
	{.gaps = {.lost_us = 2900}, .lost = DISTURB_LOST_TAIL},
	{.gaps = {.lost_us = 3100}, .lost = DISTURB_LOST_TAIL, .reasons = 1, .say = "for 3.1 ms"},
	/* a path with system calls: its long rounds and its wake-ups are its own, stalls are not */
	{.used = {.switches = 10}, .gaps = {.lost_us = 500000}, .lost = DISTURB_LOST_RATE},
	{.used = {.system_us = 100000}, .gaps = {.lost_us = 500000}, .lost = DISTURB_LOST_RATE},
	{.used = {.switches = 6000, .wait_us = 120000}, .lost = DISTURB_LOST_RATE},
	{.used = {.switches = 6000, .wait_us = 135000},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "others ran on the generator's CPU for 15.0 ms"},
	{.used = {.switches = 10},
	 .gaps = {.lost_us = 500000, .stall_us = 13000},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "interrupted for 13.0 ms"},
	/* what was offered, to one percent */
	{.offer = {100000, 99000}, .lost = DISTURB_LOST_RATE},
	{.offer = {100000, 98999},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "98999 frames were sent, 100000 were to be sent"},
	{.offer = {100000, 101001},
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 1,
	 .say = "101001 frames"},
	/* told first */
	{.gone = true, .lost = DISTURB_LOST_RATE, .reasons = 1, .say = "went away"},
	{.used = {.steal_us = 600000},
	 .gone = true,
	 .lost = DISTURB_LOST_RATE,
	 .reasons = 2,
	 .say = "the hypervisor"},
};

static void what_others_took_of_a_block_is_told_and_what_the_path_did_is_not(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct disturb_host used = rows[i].used;
		json_t *why = json_array();
		const char *last;
		bool valid;

		used.wall_us = 600000;
		valid = disturb_valid("generator", &used, &rows[i].gaps, &rows[i].offer,
				      rows[i].gone, rows[i].lost, why);
		last = json_string_value(json_array_get(why, json_array_size(why) - 1));
		if (json_array_size(why) != rows[i].reasons || valid != !rows[i].reasons ||
		    (rows[i].say && !strstr(last, rows[i].say)))
			fail_msg("row %zu: %zu reasons, the last: %s", i, json_array_size(why),
				 last ? last : "-");
		json_decref(why);
	}
}

static void steal_is_read_from_the_right_line(void **state)
{
	static const char text[] = "cpu  1 2 3 4 5 6 7 300 9 10\n"
				   "cpu0 1 2 3 4 5 6 7 100 9 10\n"
				   "cpu1 1 2 3 4 5 6 7 200 9 10\n"
				   "cpu10 1 2 3 4 5 6 7 42 9 10\n"
				   "cpu11 1 2 3\n"
				   "intr 7\n";

	assert_int_equal(disturb_steal(text, 0), 100);
	assert_int_equal(disturb_steal(text, 1), 200);
	assert_int_equal(disturb_steal(text, 10), 42);
	assert_int_equal(disturb_steal(text, 11), 0);
	assert_int_equal(disturb_steal(text, 2), 0);
	assert_int_equal(disturb_steal("", 0), 0);
	assert_int_equal(disturb_steal("cpu0 1 2 3 4 5 6 7", 0), 0);
}

static void the_hosts_counters_can_be_read_and_only_grow(void **state)
{
	static const int cpu[2] = {0, -1};
	struct disturb_host before, now;

	disturb_read(&before, cpu);
	disturb_read(&now, cpu);
	assert_true(before.wall_us > 0 && now.wall_us >= before.wall_us);
	assert_true(now.system_us >= before.system_us && now.switches >= before.switches);
	before.steal_us = now.steal_us + 5; /* some kernels count it backwards */
	disturb_since(&now, &before);
	assert_int_equal(now.steal_us, 0);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(what_others_took_of_a_block_is_told_and_what_the_path_did_is_not),
		cmocka_unit_test(steal_is_read_from_the_right_line),
		cmocka_unit_test(the_hosts_counters_can_be_read_and_only_grow),
	};

	return cmocka_run_group_tests_name("disturb", cases, NULL, NULL);
}

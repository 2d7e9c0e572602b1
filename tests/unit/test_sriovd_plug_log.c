/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/plug_log.h>
#include <stdio.h>
#include <string.h>
#include <support/test.h>

static const char *text_of(json_t *list, size_t i, const char *key)
{
	const char *text = json_string_value(json_object_get(json_array_get(list, i), key));

	return text ? text : "";
}

static void an_attach_is_pending_until_it_ended(void **state)
{
	_cleanup_(json_decrefp) json_t *before = NULL, *after = NULL;
	struct plug_log log = {};

	plug_log_begin(&log, "blue", PLUG_ATTACH);
	before = plug_log_json(&log);
	plug_log_end(&log, "blue", "attached", "");
	after = plug_log_json(&log);
	assert_int_equal(json_array_size(before), 1);
	assert_string_equal(text_of(before, 0, "result"), "pending");
	assert_int_equal(json_array_size(after), 1);
	assert_string_equal(text_of(after, 0, "net"), "blue");
	assert_string_equal(text_of(after, 0, "asked"), "attach");
	assert_string_equal(text_of(after, 0, "result"), "attached");
	assert_null(json_object_get(json_array_get(after, 0), "text"));
}

static void each_net_ends_its_own(void **state)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct plug_log log = {};

	plug_log_begin(&log, "blue", PLUG_DETACH);
	plug_log_begin(&log, "green", PLUG_DETACH);
	plug_log_end(&log, "blue", "refused", "the guest kept it");
	list = plug_log_json(&log);
	assert_string_equal(text_of(list, 0, "result"), "refused");
	assert_string_equal(text_of(list, 0, "text"), "the guest kept it");
	assert_string_equal(text_of(list, 1, "result"), "pending");
}

static void what_nobody_asked_for_is_told_as_such(void **state)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct plug_log log = {};

	plug_log_add(&log, "blue", "lost", "its NIC died");
	plug_log_begin(&log, "blue", PLUG_DETACH);
	plug_log_add(&log, "blue", "lost", "and this is part of the detach");
	plug_log_end(&log, "blue", "lost", "");
	plug_log_end(&log, "blue", "ejected", "twice");
	list = plug_log_json(&log);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(list, 0, "asked"), "none");
	assert_string_equal(text_of(list, 0, "result"), "lost");
	assert_string_equal(text_of(list, 1, "asked"), "detach");
	assert_string_equal(text_of(list, 1, "result"), "lost");
}

static void the_newest_are_kept_oldest_first(void **state)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct plug_log log = {};
	char net[16];

	for (unsigned int i = 0; i < PLUG_NOTES + 3; i++) {
		snprintf(net, sizeof(net), "n%u", i);
		plug_log_begin(&log, net, PLUG_ATTACH);
		plug_log_end(&log, net, "attached", "");
	}
	list = plug_log_json(&log);
	assert_int_equal(json_array_size(list), PLUG_NOTES);
	assert_string_equal(text_of(list, 0, "net"), "n3");
	snprintf(net, sizeof(net), "n%u", PLUG_NOTES + 2);
	assert_string_equal(text_of(list, PLUG_NOTES - 1, "net"), net);
}

static struct row_plug row(unsigned int n)
{
	struct row_plug row = {.vm = "vm1", .n = n, .time_us = n, .result = "attached"};

	snprintf(row.net, sizeof(row.net), "n%u", n);
	return row;
}

static void rows_of_the_ledger_go_on_where_they_ended(void **state)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct plug_log log = {};
	/* 7 and 10 were under way when sriovd was killed; 2 and 3 are older than the last eight */
	static const unsigned int n[] = {2, 3, 4, 5, 6, 8, 9, 11};
	struct row_plug r;

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		r = row(n[i]);
		assert_int_equal(plug_log_load(&log, &r), 0);
	}
	r = row(11); /* twice */
	assert_int_equal(plug_log_load(&log, &r), -EUCLEAN);
	r = row(12);
	r.asked = PLUG_NONE + 1;
	assert_int_equal(plug_log_load(&log, &r), -EUCLEAN);
	assert_int_equal(plug_log_add(&log, "new", "lost", "")->n, 12);
	list = plug_log_json(&log);
	assert_int_equal(json_array_size(list), 6);
	assert_string_equal(text_of(list, 0, "net"), "n5");
	assert_string_equal(text_of(list, 4, "net"), "n11");
	assert_string_equal(text_of(list, 5, "net"), "new");
}

static void a_time_is_shown_in_utc_with_milliseconds(void **state)
{
	_cleanup_(json_decrefp) json_t *text = wall_text(86400 * USEC_PER_SEC + 1500000);

	assert_string_equal(json_string_value(text), "1970-01-02T00:00:01.500Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attach_is_pending_until_it_ended),
		cmocka_unit_test(each_net_ends_its_own),
		cmocka_unit_test(what_nobody_asked_for_is_told_as_such),
		cmocka_unit_test(the_newest_are_kept_oldest_first),
		cmocka_unit_test(rows_of_the_ledger_go_on_where_they_ended),
		cmocka_unit_test(a_time_is_shown_in_utc_with_milliseconds),
	};

	return cmocka_run_group_tests_name("plug_log", tests, NULL, NULL);
}

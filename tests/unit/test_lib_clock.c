/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <stdlib.h>
#include <support/test.h>

static uint64_t patient(const char *slow, uint64_t us)
{
	assert_int_equal(slow ? setenv("SRIOV_SLOW", slow, 1) : unsetenv("SRIOV_SLOW"), 0);
	return clock_patient_us(us);
}

static void a_wait_is_as_long_as_it_says(void **state)
{
	(void)state;
	assert_int_equal(patient(NULL, 7), 7);
	assert_int_equal(patient("", 7), 7);
	assert_int_equal(patient("1", 7), 7);
}

static void on_a_slow_machine_it_is_a_multiple(void **state)
{
	(void)state;
	assert_int_equal(patient("10", 7), 70);
	assert_int_equal(patient("100", 7), 700);
}

static void the_multiple_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(patient("101", 7), 700);
	assert_int_equal(patient("99999999999999999999999", 7), 700);
	assert_int_equal(patient("2", UINT64_MAX - 1), UINT64_MAX);
}

static void what_is_no_number_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(patient("0", 7), 7);
	assert_int_equal(patient("-3", 7), 7);
	assert_int_equal(patient("much", 7), 7);
	assert_int_equal(patient("3s", 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_is_as_long_as_it_says),
		cmocka_unit_test(on_a_slow_machine_it_is_a_multiple),
		cmocka_unit_test(the_multiple_is_bounded),
		cmocka_unit_test(what_is_no_number_changes_nothing),
	};

	return cmocka_run_group_tests_name("lib_clock", tests, NULL, NULL);
}

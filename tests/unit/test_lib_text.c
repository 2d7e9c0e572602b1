/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/text.h>
#include <support/test.h>

static void words_are_joined_by_what_stands_between_them(void **state)
{
	char text[32] = "";

	text_join(text, sizeof(text), ", ", "%s", "a");
	assert_string_equal(text, "a");
	text_join(text, sizeof(text), ", ", "%s %d", "b", 2);
	assert_string_equal(text, "a, b 2");
}

static void what_does_not_fit_is_cut_and_nothing_follows(void **state)
{
	for (size_t size = 1; size <= 12; size++) {
		char text[16] = {}, whole[] = "abc, defg, h";

		text[size] = 0x55;
		for (const char *const *word = (const char *const[]){"abc", "defg", "h", NULL};
		     *word; word++)
			text_join(text, size, ", ", "%s", *word);
		whole[size - 1] = '\0';
		assert_string_equal(text, whole);
		assert_int_equal(text[size], 0x55);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_joined_by_what_stands_between_them),
		cmocka_unit_test(what_does_not_fit_is_cut_and_nothing_follows),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

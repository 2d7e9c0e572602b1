/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <support/test.h>
#include <dp_copy.h>

#define LONGEST 1600u
#define MARGIN	64u
#define CANARY	0xa5

typedef void (*copy_t)(uint8_t *, const uint8_t *, uint32_t);

/* Every length, at addresses of every kind; what is read ends where the memory does. */
static void check(copy_t copy, uint32_t shortest)
{
	static uint8_t to[MARGIN + LONGEST + MARGIN];
	_cleanup_(freep) uint8_t *from = NULL;

	for (uint32_t n = shortest; n <= LONGEST; n++) {
		uint32_t skew = n % 37;
		uint8_t *s = realloc(from, n);

		assert_non_null(s);
		from = s;
		for (uint32_t i = 0; i < n; i++)
			s[i] = (uint8_t)(i * 131 + n);
		memset(to, CANARY, sizeof(to));
		copy(to + skew, s, n);
		assert_memory_equal(to + skew, s, n);
		for (uint32_t i = 0; i < skew; i++)
			assert_int_equal(to[i], CANARY);
		for (uint32_t i = skew + n; i < sizeof(to); i++)
			assert_int_equal(to[i], CANARY);
	}
}

static void a_copy_has_all_bytes_and_touches_no_others(void **state)
{
	check(dp_copy, 16);
	check(dp_copy_long, 49);
}

static void moves_of_16_bytes_copy_alike(void **state)
{
	check(dp_copy_narrow, 49);
}

static void moves_of_32_bytes_copy_alike(void **state)
{
	if (!dp_copy_is_wide())
		skip();
	check(dp_copy_wide, 49);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_has_all_bytes_and_touches_no_others),
		cmocka_unit_test(moves_of_16_bytes_copy_alike),
		cmocka_unit_test(moves_of_32_bytes_copy_alike),
	};

	return cmocka_run_group_tests_name("soft_nic_dp_copy", tests, NULL, NULL);
}

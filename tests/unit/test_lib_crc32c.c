/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>
#include <lib/crc32c.h>
#include <string.h>
#include <support/crc32c_bits.h>

static void known_values_come_out(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], up[32];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned int i = 0; i < sizeof(up); i++)
		up[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	/* RFC 3720, appendix B.4, which writes them byte by byte */
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

static void the_instruction_and_the_plain_way_agree_with_the_definition(void **state)
{
	uint8_t data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 197 + i / 7);
	for (size_t from = 0; from < 9; from++) {
		for (size_t len = 0; from + len <= sizeof(data); len += len < 40 ? 1 : 13) {
			uint32_t want = crc32c_bits(data + from, len);

			assert_int_equal(crc32c(0, data + from, len), want);
			assert_int_equal(crc32c_plain(0, data + from, len), want);
		}
	}
}

static void pieces_make_the_whole(void **state)
{
	uint8_t data[100];
	uint32_t whole;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	whole = crc32c(0, data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut),
				 whole);
		assert_int_equal(
			crc32c_plain(crc32c_plain(0, data, cut), data + cut, sizeof(data) - cut),
			whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values_come_out),
		cmocka_unit_test(the_instruction_and_the_plain_way_agree_with_the_definition),
		cmocka_unit_test(pieces_make_the_whole),
	};

	return cmocka_run_group_tests_name("lib_crc32c", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/valid.h>
#include <support/test.h>

static void names_follow_the_grammar(void **state)
{
	assert_true(name_valid("a"));
	assert_true(name_valid("vm-1"));
	assert_true(name_valid("12345678901234567890123456789012"));
	assert_false(name_valid("123456789012345678901234567890123"));
	assert_false(name_valid(""));
	assert_false(name_valid("-a"));
	assert_false(name_valid("A"));
	assert_false(name_valid("a.b"));
	assert_false(name_valid("a/b"));
	assert_false(name_valid("../a"));
	assert_false(name_valid("\xc3\xa4"));
}

static void network_devices_have_names_that_linux_takes(void **state)
{
	assert_true(ifname_valid("br0"));
	assert_true(ifname_valid("sv-twelve-chars"));
	assert_false(ifname_valid(""));
	assert_false(ifname_valid("."));
	assert_false(ifname_valid(".."));
	assert_false(ifname_valid("a/b"));
	assert_false(ifname_valid("br%d"));
	assert_false(ifname_valid("a b"));
	assert_false(ifname_valid("sixteen-chars-16"));
}

static void macs_are_parsed_and_printed(void **state)
{
	char text[MAC_TEXT];
	struct mac mac;

	assert_int_equal(mac_parse("02:0A:ff:00:10:9f", &mac), 0);
	assert_string_equal(mac_format(&mac, text), "02:0a:ff:00:10:9f");
	assert_int_equal(mac_parse("02:0a:ff:00:10", &mac), -EINVAL);
	assert_int_equal(mac_parse("02:0a:ff:00:10:9", &mac), -EINVAL);
	assert_int_equal(mac_parse("02:0a:ff:00:10:9f:", &mac), -EINVAL);
	assert_int_equal(mac_parse("02-0a-ff-00-10-9f", &mac), -EINVAL);
	assert_int_equal(mac_parse("02:0a:ff:00:10:9g", &mac), -EINVAL);
	assert_int_equal(mac_parse(" 2:0a:ff:00:10:9f", &mac), -EINVAL);
}

static void only_unicast_macs_are_assignable(void **state)
{
	static const struct {
		struct mac mac;
		bool ok;
	} cases[] = {
		{{{0, 0, 0, 0, 0, 0}}, false},
		{{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, false},
		{{{0x01, 0, 0x5e, 0, 0, 1}}, false},
		{{{0x33, 0x33, 0, 0, 0, 1}}, false},
		{{{0x02, 0, 0, 0, 0, 0}}, true},
		{{{0, 0, 0, 0, 0, 1}}, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(mac_assignable(&cases[i].mac), cases[i].ok);
}

static void made_macs_are_local_unicast_and_differ(void **state)
{
	struct mac a, b;

	assert_int_equal(mac_make(&a), 0);
	assert_int_equal(mac_make(&b), 0);
	assert_int_equal(a.b[0], 0x02);
	assert_true(mac_assignable(&a));
	assert_false(mac_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_grammar),
		cmocka_unit_test(network_devices_have_names_that_linux_takes),
		cmocka_unit_test(macs_are_parsed_and_printed),
		cmocka_unit_test(only_unicast_macs_are_assignable),
		cmocka_unit_test(made_macs_are_local_unicast_and_differ),
	};

	return cmocka_run_group_tests_name("valid", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/config.h>
#include <string.h>
#include <support/test.h>

static int parse(const char *text, struct config *c, struct op_error *e)
{
	*e = (struct op_error){};
	return config_parse(text, strlen(text), c, e);
}

static void full_configuration_is_understood(void **state)
{
	struct config c = {.run_dir = "/r"};
	struct op_error e;

	assert_int_equal(parse("{\"soft_nics\":[{\"name\":\"p0\",\"tap\":\"t0\",\"mac\":"
			       "\"02:00:00:00:00:01\",\"cpu\":1,\"threads\":2},{\"name\":\"p1\"}],"
			       "\"bridges\":"
			       "[{\"name\":\"br0\",\"tap\":\"t1\",\"cpu\":0}],\"vm_cpu\":0,"
			       "\"vm_uids\":1800000000,"
			       "\"hugepages\":true}",
			       &c, &e),
			 0);
	assert_int_equal(c.n_nics, 2);
	assert_string_equal(c.nics[0].tap, "t0");
	assert_int_equal(c.nics[0].cpu, 1);
	assert_int_equal(c.nics[0].threads, 2);
	assert_int_equal(c.nics[1].threads, 1);
	assert_string_equal(c.nics[1].tap, "");
	assert_int_equal(c.nics[1].cpu, -1);
	assert_int_equal(c.n_bridges, 1);
	assert_int_equal(c.bridges[0].cpu, 0);
	assert_int_equal(c.vm_cpu, 0);
	assert_int_equal(c.vm_uids, 1800000000);
	assert_true(c.hugepages);
	assert_string_equal(c.run_dir, "/r");
}

static void empty_configuration_has_nothing_and_no_pinning(void **state)
{
	struct config c = {};
	struct op_error e;

	assert_int_equal(parse("{}", &c, &e), 0);
	assert_int_equal(c.n_nics + c.n_bridges, 0);
	assert_int_equal(c.vm_cpu, -1);
	assert_int_equal(c.vm_uids, VM_UIDS_DEFAULT);
	assert_false(c.hugepages);
}

static void mistakes_are_refused_by_name(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *word;
	} cases[] = {
		{"", -EINVAL, "line 1"},
		{"[]", -EINVAL, "object"},
		{"{\"soft_nic\":[]}", -EINVAL, "\"soft_nic\""},
		{"{\"soft_nics\":{}}", -EINVAL, "\"soft_nics\""},
		{"{\"soft_nics\":[{}]}", -EINVAL, "\"name\" is missing"},
		{"{\"soft_nics\":[{\"name\":\"P0\"}]}", -EINVAL, "soft_nics[0]"},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"speed\":1}]}", -EINVAL, "\"speed\""},
		{"{\"soft_nics\":[{\"name\":\"p0\"},{\"name\":\"p0\"}]}", -EEXIST, "p0"},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"tap\":\"x/y\"}]}", -EINVAL, "\"tap\""},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"tap\":\"tap%d\"}]}", -EINVAL, "\"tap\""},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"tap\":\"sixteencharsname\"}]}", -EINVAL,
		 "\"tap\""},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"tap\":\"t\"}],\"bridges\":[{\"name\":\"b\","
		 "\"tap\":\"t\"}]}",
		 -EEXIST, "tap t"},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"mac\":\"03:00:00:00:00:01\"}]}", -EINVAL,
		 "\"mac\""},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"cpu\":-1}]}", -ERANGE, "\"cpu\""},
		{"{\"soft_nics\":[{\"name\":\"p0\",\"threads\":5}]}", -ERANGE, "\"threads\""},
		{"{\"vm_cpu\":\"0\"}", -EINVAL, "\"vm_cpu\""},
		{"{\"hugepages\":1}", -EINVAL, "\"hugepages\""},
		{"{\"vm_cpu\":0,\"vm_cpu\":1}", -EINVAL, "duplicate"},
	};
	struct config c = {};
	struct op_error e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].text, &c, &e), cases[i].error);
		if (!strstr(e.text, cases[i].word))
			fail_msg("%s: \"%s\" does not say %s", cases[i].text, e.text,
				 cases[i].word);
	}
}

static void missing_file_is_named(void **state)
{
	struct op_error e = {};
	struct config c = {};

	assert_int_equal(config_load("/nonexistent/sriovd.json", &c, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/sriovd.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_configuration_is_understood),
		cmocka_unit_test(empty_configuration_has_nothing_and_no_pinning),
		cmocka_unit_test(mistakes_are_refused_by_name),
		cmocka_unit_test(missing_file_is_named),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

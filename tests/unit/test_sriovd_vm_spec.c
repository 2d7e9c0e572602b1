/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/vm_spec.h>
#include <string.h>
#include <support/test.h>

static int decode(const char *text, struct vm_request *ret, struct op_error *e)
{
	json_t *body = json_loads(text, 0, NULL);
	int r;

	assert_non_null(body);
	*e = (struct op_error){};
	r = vm_request_decode(body, "request", ret, e);
	json_decref(body);
	return r;
}

static void refused(const char *text, int error, const char *word)
{
	struct vm_request rq = {};
	struct op_error e;

	assert_int_equal(decode(text, &rq, &e), error);
	assert_int_equal(e.http, HTTP_BAD_INPUT);
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not say \"%s\"", e.text, word);
}

static void name_alone_is_a_bench_guest(void **state)
{
	struct vm_request rq;
	struct op_error e;

	assert_int_equal(decode("{\"name\":\"vm1\"}", &rq, &e), 0);
	assert_string_equal(rq.name, "vm1");
	assert_false(rq.define);
	assert_int_equal(rq.spec.memory_mib, VM_MEMORY_DEFAULT_MIB);
	assert_int_equal(rq.spec.cpus, 1);
	assert_int_equal(rq.spec.kernel[0], 0);
}

static void everything_is_taken_and_comes_back_from_the_ledger(void **state)
{
	struct vm_request rq;
	struct vm_spec back;
	struct op_error e;
	json_t *json;

	assert_int_equal(decode("{\"name\":\"web\",\"define\":true,\"kernel\":\"/k\","
				"\"initrd\":\"/i\",\"cmdline\":\"root=/dev/vda \\\"q\\\"\","
				"\"cpus\":16,\"memory_mib\":65536,\"autostart\":true,\"disks\":"
				"[{\"path\":\"/a\"},{\"path\":\"/b\",\"readonly\":true}]}",
				&rq, &e),
			 0);
	assert_true(rq.define);
	assert_int_equal(rq.spec.n_disks, 2);
	assert_string_equal(rq.spec.disk[1].path, "/b");
	assert_true(rq.spec.disk[1].readonly);
	json = vm_spec_json(&rq.spec);
	assert_int_equal(vm_spec_decode(json, "row", &back, &e), 0);
	assert_memory_equal(&back, &rq.spec, sizeof(back));
	json_decref(json);
}

static void kernel_brings_more_memory(void **state)
{
	struct vm_request rq;
	struct op_error e;

	assert_int_equal(decode("{\"name\":\"a\",\"kernel\":\"/k\"}", &rq, &e), 0);
	assert_int_equal(rq.spec.memory_mib, VM_MEMORY_LINUX_MIB);
	assert_false(rq.spec.has_cmdline);
}

static void what_is_wrong_is_named(void **state)
{
	refused("{}", -EINVAL, "name");
	refused("{\"name\":\"A\"}", -EINVAL, "a-z");
	refused("{\"name\":\"a\",\"kernle\":\"/k\"}", -EINVAL, "kernle");
	refused("{\"name\":\"a\",\"kernel\":\"k\"}", -EINVAL, "absolute");
	refused("{\"name\":\"a\",\"kernel\":\"/k\\n\"}", -EINVAL, "control");
	refused("{\"name\":\"a\",\"initrd\":\"/i\"}", -EINVAL, "initrd");
	refused("{\"name\":\"a\",\"disks\":[]}", -EINVAL, "disks");
	refused("{\"name\":\"a\",\"cpus\":2}", -EINVAL, "cpus");
	refused("{\"name\":\"a\",\"cmdline\":\"quiet\"}", -EINVAL, "cmdline");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"cpus\":17}", -ERANGE, "cpus");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"memory_mib\":1}", -ERANGE, "memory_mib");
	refused("{\"name\":\"a\",\"memory_mib\":65}", -ERANGE, "even");
	refused("{\"name\":\"a\",\"autostart\":true}", -EINVAL, "define");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"cmdline\":\"a\\tb\"}", -EINVAL, "cmdline");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[7]}", -EINVAL, "disks[0]");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[{\"path\":\"x\"}]}", -EINVAL,
		"disks[0]");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[{\"path\":\"/x\",\"size\":1}]}",
		-EINVAL, "size");
	refused("{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[{\"path\":\"/x\"},{\"path\":\"/"
		"x\"}]}",
		-EINVAL, "twice");
}

static void lengths_end_where_they_end(void **state)
{
	char text[4096], path[VM_PATH_SIZE + 2] = "/", line[VM_CMDLINE_SIZE + 2] = "";
	struct vm_request rq;
	struct op_error e;

	memset(path + 1, 'p', VM_PATH_SIZE - 2);
	memset(line, 'c', VM_CMDLINE_SIZE - 1);
	snprintf(text, sizeof(text), "{\"name\":\"a\",\"kernel\":\"%s\",\"cmdline\":\"%s\"}", path,
		 line);
	assert_int_equal(decode(text, &rq, &e), 0);
	assert_string_equal(rq.spec.kernel, path);
	assert_string_equal(rq.spec.cmdline, line);
	path[VM_PATH_SIZE - 1] = 'p';
	snprintf(text, sizeof(text), "{\"name\":\"a\",\"kernel\":\"%s\"}", path);
	refused(text, -ENAMETOOLONG, "kernel");
	line[VM_CMDLINE_SIZE - 1] = 'c';
	snprintf(text, sizeof(text), "{\"name\":\"a\",\"kernel\":\"/k\",\"cmdline\":\"%s\"}", line);
	refused(text, -ERANGE, "cmdline");
}

static void too_many_disks_are_refused(void **state)
{
	char text[1024] = "{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[{\"path\":\"/d\"}";
	size_t n = strlen(text);

	for (unsigned int i = 0; i < VM_DISKS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",{\"path\":\"/d%u\"}", i);
	snprintf(text + n, sizeof(text) - n, "]}");
	refused(text, -E2BIG, "8 disks");
}

static void one_disk_may_be_read_twice(void **state)
{
	struct vm_request rq;
	struct op_error e;

	assert_int_equal(decode("{\"name\":\"a\",\"kernel\":\"/k\",\"disks\":[{\"path\":\"/x\","
				"\"readonly\":true},{\"path\":\"/x\",\"readonly\":true}]}",
				&rq, &e),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_alone_is_a_bench_guest),
		cmocka_unit_test(everything_is_taken_and_comes_back_from_the_ledger),
		cmocka_unit_test(kernel_brings_more_memory),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(lengths_end_where_they_end),
		cmocka_unit_test(too_many_disks_are_refused),
		cmocka_unit_test(one_disk_may_be_read_twice),
	};

	return cmocka_run_group_tests_name("sriovd_vm_spec", tests, NULL, NULL);
}

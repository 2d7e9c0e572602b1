/* SPDX-License-Identifier: BSD-3-Clause */
/* Two VFs that were given to the host bench: what is taken, and what is said of them. */
#include <support/test.h>

#include <errno.h>
#include <string.h>
#include <support/sysfs_tree.h>

#include "bench_host.h"

#define A     "0000:01:10.0"
#define B     "0000:01:10.2"
#define NET   "0x020000"
#define WHERE "bus/pci/devices/"

static void ids(struct sysfs_tree *t, const char *bdf, const char *device, const char *subsystem)
{
	static const char *const names[] = {"vendor", "device", "subsystem_vendor",
					    "subsystem_device"};
	const char *values[] = {"0x8086\n", device, subsystem, "0x1100\n"};

	for (unsigned int i = 0; i < 4; i++) {
		char path[96];

		snprintf(path, sizeof(path), WHERE "%s/%s", bdf, names[i]);
		sysfs_tree_file(t, path, values[i]);
	}
}

static int set_up(void **state)
{
	struct sysfs_tree *t = sysfs_tree_new();

	sysfs_tree_function(t, A, NET, 7, "vfio-pci");
	sysfs_tree_function(t, B, NET, 8, "vfio-pci");
	ids(t, A, "0x10ca\n", "0x1af4\n");
	ids(t, B, "0x10ca\n", "0x1af4\n");
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	sysfs_tree_free(*state);
	return 0;
}

static void two_functions_are_taken_with_what_they_are(void **state)
{
	struct bh_device d;
	char err[BH_TEXT] = "", text[BH_TEXT];
	json_t *o;

	assert_int_equal(bh_device_read(sysfs_tree_fd(*state), A "," B, &d, err), 0);
	assert_string_equal(d.bdf[0], A);
	assert_string_equal(d.bdf[1], B);
	assert_string_equal(d.pci_id, "8086:10ca");
	assert_string_equal(d.subsystem, "1af4:1100");
	assert_true(d.qemu);
	memcpy(d.hypervisor, "TCGTCGTCGTCG", 13);
	bh_device_text(&d, text, sizeof(text));
	assert_string_equal(text, "PCI 8086:10ca, emulated by QEMU, hypervisor TCGTCGTCGTCG");
	o = bh_device_json(&d);
	assert_string_equal(json_string_value(json_object_get(o, "pci_id")), "8086:10ca");
	assert_true(json_is_true(json_object_get(o, "emulated_by_qemu")));
	assert_int_equal(json_array_size(json_object_get(o, "functions")), 2);
	json_decref(o);
}

static void silicon_is_not_called_emulated(void **state)
{
	struct bh_device d;
	char err[BH_TEXT] = "", text[BH_TEXT];

	ids(*state, A, "0x10ca\n", "0x8086\n");
	ids(*state, B, "0x10ca\n", "0x8086\n");
	assert_int_equal(bh_device_read(sysfs_tree_fd(*state), A "," B, &d, err), 0);
	memcpy(d.hypervisor, "none", 5);
	bh_device_text(&d, text, sizeof(text));
	assert_string_equal(text, "PCI 8086:10ca");
}

static void refused(void **state, const char *text, int r, const char *words)
{
	struct bh_device d;
	char err[BH_TEXT] = "";

	assert_int_equal(bh_device_read(sysfs_tree_fd(*state), text, &d, err), r);
	assert_non_null(strstr(err, words));
}

static void what_is_no_pair_of_functions_is_refused(void **state)
{
	static const char *const bad[] = {"",	      ",",
					  A,	      A ",",
					  "," B,      A "," B "," A,
					  "../..," B, A ",01:10.2",
					  A ", " B,   A ",0000:01:10.2000000000000000000"};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(state, bad[i], -EINVAL, "takes two addresses");
	refused(state, A "," A, -EINVAL, "both ends");
	refused(state, A ",0000:05:00.0", -ENODEV, "0000:05:00.0: No such device");
}

static void a_function_on_another_driver_is_refused_with_its_name(void **state)
{
	sysfs_tree_function(*state, "0000:01:10.4", NET, 9, "igbvf");
	sysfs_tree_function(*state, "0000:01:10.6", NET, 9, "");
	refused(state, A ",0000:01:10.4", -EBUSY,
		"0000:01:10.4 is bound to igbvf, not to vfio-pci");
	refused(state, A ",0000:01:10.6", -EBUSY, "bound to no driver");
}

static void two_devices_of_two_kinds_are_refused(void **state)
{
	ids(*state, B, "0x10ed\n", "0x1af4\n");
	refused(state, A "," B, -EINVAL, "not of one kind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_functions_are_taken_with_what_they_are, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(silicon_is_not_called_emulated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_pair_of_functions_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_function_on_another_driver_is_refused_with_its_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_devices_of_two_kinds_are_refused, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("cli_bench_host_given", tests, NULL, NULL);
}

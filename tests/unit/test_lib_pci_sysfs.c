/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI functions in a sysfs of the test's own: reading, binding, what VFIO must be refused. */
#include <support/test.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <lib/pci_sysfs.h>
#include <lib/pcif.h>
#include <support/sysfs_tree.h>
#include "kvfio.h"

#define PF   "0000:01:00.0"
#define VF   "0000:01:10.0"
#define PORT "0000:00:04.0"
#define NET  "0x020000\n"
#define GATE "0x060400\n"

static int setup(void **state)
{
	struct sysfs_tree *t = sysfs_tree_new();

	sysfs_tree_function(t, PORT, GATE, 3, "pcieport");
	sysfs_tree_function(t, PF, NET, 7, "igb");
	sysfs_tree_function(t, VF, NET, 9, "igbvf");
	sysfs_tree_driver(t, "vfio-pci");
	sysfs_tree_file(t, "bus/pci/devices/" PF "/sriov_numvfs", "1\n");
	sysfs_tree_file(t, "bus/pci/devices/" PF "/sriov_totalvfs", "7\n");
	sysfs_tree_link(t, "bus/pci/devices/" PF "/virtfn0", "../" VF);
	sysfs_tree_link(t, "bus/pci/devices/" VF "/physfn", "../" PF);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	sysfs_tree_free(*state);
	return 0;
}

static void addresses_are_taken_as_the_kernel_spells_them_only(void **state)
{
	assert_true(pcisys_bdf_ok("0000:01:10.0"));
	assert_true(pcisys_bdf_ok("10000:ff:1f.7"));
	assert_false(pcisys_bdf_ok(""));
	assert_false(pcisys_bdf_ok("01:10.0"));
	assert_false(pcisys_bdf_ok("0000:01:10.8"));
	assert_false(pcisys_bdf_ok("0000:01:20.0"));
	assert_false(pcisys_bdf_ok("0000:01:10.0 "));
	assert_false(pcisys_bdf_ok("0000:0A:10.0"));
	assert_false(pcisys_bdf_ok("../:01:10.0"));
	assert_false(pcisys_bdf_ok("123456789:01:10.0"));
}

static void a_function_tells_driver_numbers_and_relatives(void **state)
{
	int fd = sysfs_tree_fd(*state);
	char driver[PCISYS_DRIVER_MAX];
	struct pcisys_bdf other;
	unsigned int n;

	assert_int_equal(pcisys_driver(fd, PF, driver), 0);
	assert_string_equal(driver, "igb");
	assert_int_equal(pcisys_numvfs(fd, PF, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pcisys_totalvfs(fd, PF, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(pcisys_totalvfs(fd, VF, &n), -ENOENT);
	assert_int_equal(pcisys_virtfn(fd, PF, 0, &other), 0);
	assert_string_equal(other.text, VF);
	assert_int_equal(pcisys_virtfn(fd, PF, 1, &other), -ENOENT);
	assert_int_equal(pcisys_physfn(fd, VF, &other), 0);
	assert_string_equal(other.text, PF);
	assert_int_equal(pcisys_physfn(fd, PF, &other), -ENOENT);
	assert_int_equal(pcisys_group(fd, VF, &n), 0);
	assert_int_equal(n, 9);
}

static void what_is_not_there_or_no_number_is_an_error(void **state)
{
	struct sysfs_tree *t = *state;
	char driver[PCISYS_DRIVER_MAX];
	unsigned int n;

	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), "0000:05:00.0", driver), -ENODEV);
	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), "../../etc", driver), -EINVAL);
	sysfs_tree_file(t, "bus/pci/devices/" PF "/sriov_numvfs", "many\n");
	assert_int_equal(pcisys_numvfs(sysfs_tree_fd(t), PF, &n), -EBADMSG);
	sysfs_tree_file(t, "bus/pci/devices/" PF "/sriov_numvfs", "-1\n");
	assert_int_equal(pcisys_numvfs(sysfs_tree_fd(t), PF, &n), -EBADMSG);
	sysfs_tree_file(t, "bus/pci/devices/" PF "/sriov_numvfs", "99999999\n");
	assert_int_equal(pcisys_numvfs(sysfs_tree_fd(t), PF, &n), -EBADMSG);
}

static void the_number_of_vfs_is_written_and_read_back(void **state)
{
	struct sysfs_tree *t = *state;
	char err[PCISYS_ERR_MAX];
	unsigned int n;

	assert_int_equal(pcisys_set_numvfs(sysfs_tree_fd(t), PF, 4, err, sizeof(err)), 0);
	assert_int_equal(pcisys_numvfs(sysfs_tree_fd(t), PF, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(pcisys_set_numvfs(sysfs_tree_fd(t), VF, 4, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, VF " has no SR-IOV"));
}

static void a_group_names_its_members_and_bridges_are_not_foreign(void **state)
{
	struct pcisys_member m[PCISYS_MEMBERS_MAX];
	struct sysfs_tree *t = *state;
	char names[128];

	sysfs_tree_function(t, "0000:01:10.2", NET, 9, "");
	sysfs_tree_function(t, "0000:01:10.4", NET, 9, "vfio-pci");
	sysfs_tree_function(t, "0000:00:05.0", GATE, 9, "pcieport");
	assert_int_equal(pcisys_group_members(sysfs_tree_fd(t), 9, m), 4);
	assert_string_equal(m[0].bdf.text, "0000:00:05.0");
	assert_int_equal(m[0].class_code, 0x060400);
	assert_string_equal(m[1].driver, "igbvf");
	assert_int_equal(kvfio_foreign(sysfs_tree_fd(t), 9, names, sizeof(names)), 1);
	assert_string_equal(names, VF " (igbvf)");
	assert_int_equal(pcisys_group_members(sysfs_tree_fd(t), 77, m), -ENOENT);
}

static void a_function_changes_its_driver_and_goes_back(void **state)
{
	struct sysfs_tree *t = *state;
	struct pcisys_binding before;
	char driver[PCISYS_DRIVER_MAX], err[PCISYS_ERR_MAX] = "";

	sysfs_tree_serve(t, false);
	assert_int_equal(pcisys_bind(sysfs_tree_fd(t), VF, "vfio-pci", &before, err, sizeof(err)),
			 0);
	assert_string_equal(before.driver, "igbvf");
	assert_string_equal(before.override, "");
	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), VF, driver), 0);
	assert_string_equal(driver, "vfio-pci");
	assert_int_equal(pcisys_restore(sysfs_tree_fd(t), VF, &before, err, sizeof(err)), 0);
	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), VF, driver), 0);
	assert_string_equal(driver, "igbvf");
}

static void a_function_without_a_driver_goes_back_to_none(void **state)
{
	struct sysfs_tree *t = *state;
	struct pcisys_binding before;
	char driver[PCISYS_DRIVER_MAX];

	sysfs_tree_function(t, "0000:01:10.2", NET, 10, "");
	sysfs_tree_serve(t, false);
	assert_int_equal(
		pcisys_bind(sysfs_tree_fd(t), "0000:01:10.2", "vfio-pci", &before, NULL, 0), 0);
	assert_string_equal(before.driver, "");
	assert_int_equal(pcisys_restore(sysfs_tree_fd(t), "0000:01:10.2", &before, NULL, 0), 0);
	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), "0000:01:10.2", driver), 0);
	assert_string_equal(driver, "");
}

static void a_driver_that_does_not_take_it_is_noticed(void **state)
{
	struct sysfs_tree *t = *state;
	struct pcisys_binding before;
	char err[PCISYS_ERR_MAX] = "";

	sysfs_tree_serve(t, true);
	assert_int_equal(pcisys_bind(sysfs_tree_fd(t), VF, "vfio-pci", &before, err, sizeof(err)),
			 -EIO);
	assert_string_equal(err, VF ": nobody drives it, not vfio-pci");
}

static void a_driver_that_is_not_loaded_is_named_and_the_former_comes_back(void **state)
{
	struct sysfs_tree *t = *state;
	struct pcisys_binding before;
	char driver[PCISYS_DRIVER_MAX], err[PCISYS_ERR_MAX] = "";

	sysfs_tree_serve(t, false);
	assert_int_equal(pcisys_bind(sysfs_tree_fd(t), VF, "absent", &before, err, sizeof(err)),
			 -ENOENT);
	assert_string_equal(err, VF ": driver absent is not loaded");
	assert_int_equal(pcisys_driver(sysfs_tree_fd(t), VF, driver), 0);
	assert_string_equal(driver, "igbvf");
	assert_int_equal(pcisys_bind(sysfs_tree_fd(t), VF, "../x", &before, err, sizeof(err)),
			 -EINVAL);
	assert_int_equal(
		pcisys_bind(sysfs_tree_fd(t), "0000:09:00.0", "igb", &before, err, sizeof(err)),
		-ENODEV);
}

static void refused(struct sysfs_tree *t, const char *bdf, int error, const char *words)
{
	const struct pcif_vfio_config config = {.bdf = bdf, .sysfs = sysfs_tree_root(t)};
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;

	assert_int_equal(pcif_open_vfio(&config, &f, err, sizeof(err)), error);
	assert_null(f);
	if (!strstr(err, words))
		fail_msg("'%s' does not say '%s'", err, words);
}

static void vfio_is_refused_by_a_sentence_for_each_reason(void **state)
{
	struct sysfs_tree *t = *state;

	refused(t, "01:10.0", -EINVAL, "is no PCI address");
	refused(t, "0000:09:00.0", -ENODEV, "no such PCI function");
	refused(t, VF, -EPERM, "bound to igbvf, not to vfio-pci");
	sysfs_tree_function(t, "0000:01:10.2", NET, -1, "vfio-pci");
	refused(t, "0000:01:10.2", -ENOENT, "in no IOMMU group");
	sysfs_tree_function(t, "0000:01:10.4", NET, 7, "vfio-pci");
	refused(t, "0000:01:10.4", -EPERM, "not viable: the host itself uses " PF " (igb)");
	sysfs_tree_function(t, "0000:01:10.6", NET, 12, "vfio-pci");
	sysfs_tree_file(t, "kernel/iommu_groups/12/name", "vfio-noiommu\n");
	refused(t, "0000:01:10.6", -EPERM, "no-IOMMU mode");

	sysfs_tree_file(t, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	refused(t, VF, -EPERM, "allow_unsafe_interrupts is on");
	sysfs_tree_file(t, "module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	refused(t, VF, -EPERM, "no-IOMMU mode is on");
	sysfs_tree_file(t, "module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	sysfs_tree_file(t, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	refused(t, VF, -EPERM, "bound to igbvf");
}

static void a_token_that_is_no_uuid_and_a_sysfs_that_is_none_are_refused(void **state)
{
	struct pcif_vfio_config config = {.bdf = VF, .token = "secret", .sysfs = "/nowhere"};
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;

	assert_int_equal(pcif_open_vfio(&config, &f, err, sizeof(err)), -EINVAL);
	config.token = NULL;
	assert_int_equal(pcif_open_vfio(&config, &f, err, sizeof(err)), -ENOENT);
	assert_true(kvfio_token_ok("6d2ff1a8-2f0c-4c3a-9d5b-0b8f5a3c7e11"));
	assert_false(kvfio_token_ok("6d2ff1a8-2f0c-4c3a-9d5b-0b8f5a3c7e1g"));
	assert_false(kvfio_token_ok("6d2ff1a8+2f0c-4c3a-9d5b-0b8f5a3c7e11"));
}

static void descriptors_that_are_no_vfio_are_refused_and_closed(void **state)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), container = dup(fd);
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;

	assert_true(pcif_open_vfio_fds(fd, container, &f, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "no VFIO container"));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(container, F_GETFD), -1);
	assert_true(pcif_open_vfio_fds(open("/dev/null", O_RDWR | O_CLOEXEC), -1, &f, err,
				       sizeof(err)) < 0);
	assert_non_null(strstr(err, "no PCI function of VFIO"));
	assert_null(f);
}

static void remapping_is_read_from_controllers_names(void **state)
{
	static const char plain[] =
		"           CPU0       CPU1\n"
		"  0:         36          0   IO-APIC   2-edge      timer\n"
		" 24:          0          1   PCI-MSI-0000:00:02.0 0-edge eth0\n"
		"NMI:          0          0   Non-maskable interrupts\n";
	static const char remapped[] =
		"           CPU0\n"
		" 24:          1  DMAR-MSI    0-edge      dmar0\n"
		" 25:          9  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0\n";

	assert_int_equal(pcisys_remapped(plain), 0);
	assert_int_equal(pcisys_remapped(remapped), 1);
	assert_int_equal(pcisys_remapped(""), -ENODATA);
	assert_int_equal(pcisys_remapped("  1: 2 3\n"), -ENODATA);
	assert_int_equal(pcisys_remapped("  1: 2 XT-PIC IR-x\n"), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_as_the_kernel_spells_them_only),
		cmocka_unit_test_setup_teardown(a_function_tells_driver_numbers_and_relatives,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_or_no_number_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_number_of_vfs_is_written_and_read_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_group_names_its_members_and_bridges_are_not_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(a_function_changes_its_driver_and_goes_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_function_without_a_driver_goes_back_to_none,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_driver_that_does_not_take_it_is_noticed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_that_is_not_loaded_is_named_and_the_former_comes_back, setup,
			teardown),
		cmocka_unit_test_setup_teardown(vfio_is_refused_by_a_sentence_for_each_reason,
						setup, teardown),
		cmocka_unit_test(remapping_is_read_from_controllers_names),
		cmocka_unit_test(a_token_that_is_no_uuid_and_a_sysfs_that_is_none_are_refused),
		cmocka_unit_test(descriptors_that_are_no_vfio_are_refused_and_closed),
	};

	return cmocka_run_group_tests_name("lib_pci_sysfs", tests, NULL, NULL);
}

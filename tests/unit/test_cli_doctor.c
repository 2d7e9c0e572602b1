/* SPDX-License-Identifier: BSD-3-Clause */
/* The doctor on hosts that are directories of the test's own. */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <support/sysfs_tree.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_parse.h"

#define PF   "0000:03:00.0"
#define VF   "0000:03:10.0"
#define PORT "0000:00:06.0"
#define NET  "0x020000\n"
#define GATE "0x060400\n"
#define DEV  "bus/pci/devices/"
#define AREA "nic " PF

#define NOTHING "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define GIVEN	"0x00000000fe880000 0x00000000fe89ffff 0x0000000000140204\n"
#define SEVEN	GIVEN NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING

static void write_bytes(struct sysfs_tree *t, const char *path, const uint8_t *bytes, size_t size)
{
	char full[256];
	FILE *f;

	sysfs_tree_file(t, path, "");
	snprintf(full, sizeof(full), "%s/%s", sysfs_tree_root(t), path);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

/* A port of PCI Express, with ACS if so said. */
static void port_config(struct sysfs_tree *t, bool acs)
{
	uint8_t cfg[DOC_CFG_BYTES] = {[0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x10, [0x42] = 0x42};

	if (acs) {
		cfg[0x100] = 0x0d;
		cfg[0x102] = 1;
		cfg[0x104] = cfg[0x106] = 0x1d;
	}
	write_bytes(t, DEV PORT "/config", cfg, sizeof(cfg));
}

static void pf_config(struct sysfs_tree *t)
{
	uint8_t cfg[DOC_CFG_BYTES] = {[0x100] = 0x10, [0x102] = 1, [0x10e] = 8};

	write_bytes(t, DEV PF "/config", cfg, sizeof(cfg));
}

/* A fit host with a NIC in a slot of its own; "sys" is the tree itself. */
static int setup(void **state)
{
	struct sysfs_tree *t = sysfs_tree_new();

	sysfs_tree_link(t, "sys", ".");
	sysfs_tree_file(t, "devices/pci0000:00/" PORT "/" PF "/numa_node", "1\n");
	sysfs_tree_link(t, DEV PF, "../../../devices/pci0000:00/" PORT "/" PF);
	sysfs_tree_function(t, PORT, GATE, 3, "pcieport");
	sysfs_tree_function(t, PF, NET, 7, "igb");
	sysfs_tree_file(t, DEV PF "/vendor", "0x8086\n");
	sysfs_tree_file(t, DEV PF "/sriov_numvfs", "0\n");
	sysfs_tree_file(t, DEV PF "/sriov_totalvfs", "7\n");
	sysfs_tree_file(t, DEV PF "/resource", SEVEN GIVEN NOTHING NOTHING GIVEN NOTHING NOTHING);
	sysfs_tree_file(t, DEV PF "/net/lan7/operstate", "up\n");
	sysfs_tree_file(t, DEV PF "/net/lan7/speed", "1000\n");
	port_config(t, true);
	pf_config(t);
	sysfs_tree_file(t, "class/iommu/dmar0/intel-iommu/ecap", "f000df\n");
	sysfs_tree_file(t, "proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n");
	sysfs_tree_file(t, "proc/cmdline", "quiet intel_iommu=on\n");
	sysfs_tree_file(t, "proc/interrupts", "  9:  1 IR-IO-APIC 9-edge acpi\n");
	sysfs_tree_file(t, "proc/self/limits",
			"Max locked memory         65536                65536 bytes\n");
	sysfs_tree_file(t, "proc/self/status", "CapEff:\t0000000000004000\n");
	sysfs_tree_file(t, "module/vfio_pci/parameters/enable_sriov", "N\n");
	sysfs_tree_file(t, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	sysfs_tree_file(t, "module/kvm_intel/parameters/nested", "Y\n");
	sysfs_tree_file(t, "dev/net/tun", "");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	sysfs_tree_free(*state);
	return 0;
}

static json_t *examine(void **state)
{
	struct cli cli = {.socket = "/nowhere/sriovd.sock"};
	json_t *report = NULL;

	assert_int_equal(doc_run(&cli, sysfs_tree_root(*state), &report), 0);
	return report;
}

static const json_t *find_check(const json_t *report, const char *area, const char *name)
{
	const json_t *check;
	size_t i;

	json_array_foreach (json_object_get(report, "checks"), i, check)
		if (!strcmp(json_string_value(json_object_get(check, "area")), area) &&
		    !strcmp(json_string_value(json_object_get(check, "name")), name))
			return check;
	fail_msg("no check %s of %s", name, area);
	return NULL;
}

static void says_in(const json_t *report, const char *area, const char *name, const char *state,
		    const char *words, const char *mend)
{
	const json_t *check = find_check(report, area, name);
	const char *text = json_string_value(json_object_get(check, "text"));
	const char *how = json_string_value(json_object_get(check, "mend"));

	assert_string_equal(json_string_value(json_object_get(check, "state")), state);
	if (!strstr(text, words))
		fail_msg("%s of %s: \"%s\" does not say \"%s\"", name, area, text, words);
	if (!how != !mend || (mend && !strstr(how, mend)))
		fail_msg("%s of %s: mended by \"%s\", not \"%s\"", name, area, how, mend);
}

/* One examination for one check. */
static void says(void **tree, const char *area, const char *name, const char *state,
		 const char *words, const char *mend)
{
	json_auto_t *report = examine(tree);

	says_in(report, area, name, state, words, mend);
}

static void a_fit_host_has_nothing_bad_but_its_fake_kvm(void **state)
{
	json_auto_t *report = examine(state);
	int good, bad, unknown;

	says_in(report, "kvm", "device", "bad", "/dev/kvm is not there", "modprobe kvm_intel");
	says_in(report, "iommu", "groups", "good", "Intel VT-d): 2 groups", NULL);
	says_in(report, "iommu", "interrupt-remapping", "good", "on", NULL);
	says_in(report, "memory", "memlock", "good", "CAP_IPC_LOCK", NULL);
	says_in(report, AREA, "driver", "good", "igb, lan7, link up at 1000 Mbit/s, NUMA node 1",
		NULL);
	says_in(report, AREA, "vfs", "good",
		"7 VFs possible (the hardware has 8, driver igb allows 7), 0 enabled", NULL);
	says_in(report, AREA, "vf-bars", "good", "", NULL);
	says_in(report, AREA, "isolation", "good", "alone in IOMMU group 7", NULL);
	says_in(report, "sriovd", "answers", "unknown", "it does not run", NULL);
	assert_int_equal(json_unpack(report, "{s:i, s:i, s:i}", "good", &good, "bad", &bad,
				     "unknown", &unknown),
			 0);
	assert_int_equal(bad, 1);
	assert_int_equal(good + bad + unknown, json_array_size(json_object_get(report, "checks")));
}

static void a_host_without_sr_iov_nic_needs_no_iommu(void **state)
{
	sysfs_tree_remove(*state, DEV PF "/sriov_totalvfs");
	sysfs_tree_file(*state, "proc/interrupts", "  9:  1 IO-APIC 9-edge acpi\n");
	says(state, "nics", "sr-iov", "good", "no SR-IOV NIC: software NICs only", NULL);
	says(state, "iommu", "interrupt-remapping", "good", "not needed", NULL);
}

static void missing_remapping_is_named_with_its_cause(void **state)
{
	struct sysfs_tree *t = *state;

	sysfs_tree_file(t, "proc/interrupts", "  9:  1 IO-APIC 9-edge acpi\n");
	says(state, "iommu", "interrupt-remapping", "bad", "EPERM", "x2APIC");
	sysfs_tree_file(t, "proc/cmdline", "intel_iommu=on intremap=off\n");
	says(state, "iommu", "interrupt-remapping", "bad", "command line", "intremap=off");
	sysfs_tree_file(t, "proc/cmdline", "intel_iommu=on\n");
	sysfs_tree_file(t, "class/iommu/dmar1/intel-iommu/ecap", "f000d7\n");
	says(state, "iommu", "interrupt-remapping", "bad", "cannot do it", "a host whose IOMMU");
	sysfs_tree_remove(t, "proc/interrupts");
	says(state, "iommu", "interrupt-remapping", "unknown", "tells neither", NULL);
}

static void modes_that_vfio_should_not_be_in_are_bad(void **state)
{
	sysfs_tree_file(*state, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
			"Y\n");
	sysfs_tree_file(*state, "module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	says(state, "iommu", "unsafe-interrupts", "bad", "forge", "echo N >");
	says(state, "iommu", "no-iommu", "bad", "no-IOMMU mode is on", "echo N >");
}

static void iommu_judge(struct doctor *d, struct doc_iommu iommu, const char *words,
			const char *mend)
{
	json_auto_t *report = NULL;

	d->checks = json_array();
	doc_judge_iommu(d, &iommu);
	report = json_pack("{s:o}", "checks", d->checks);
	says_in(report, "iommu", "groups", "bad", words, mend);
}

static void an_iommu_that_is_off_is_mended_where_it_was_switched_off(void **state)
{
	struct doctor d = {.area = "iommu", .n_nics = 1};
	struct doc_iommu off = {.kind = DOC_IOMMU_INTEL, .table = 1, .can_remap = -1};

	iommu_judge(&d, off, "intel_iommu=on is not on", "intel_iommu=on");
	off.table = 0;
	iommu_judge(&d, off, "firmware shows none", "firmware's setup");
	off.cmdline_off = true;
	iommu_judge(&d, off, "switches the IOMMU off", "intel_iommu=off");
	iommu_judge(&d, (struct doc_iommu){.kind = DOC_IOMMU_AMD, .table = -1}, "no IOMMU groups",
		    "firmware");
}

static void kvm_judge(struct doc_kvm kvm, const char *state, const char *words, const char *mend)
{
	struct doctor d = {.area = "kvm", .checks = json_array()};
	json_auto_t *report = json_pack("{s:o}", "checks", d.checks);

	doc_judge_kvm(&d, &kvm);
	says_in(report, "kvm", "device", state, words, mend);
}

static void kvm_is_good_or_says_what_is_missing(void **state)
{
	kvm_judge((struct doc_kvm){.version = 12}, "good", "version 12", NULL);
	kvm_judge((struct doc_kvm){.version = 12, .missing = "irqfd"}, "bad", "irqfd", "kernel");
	kvm_judge((struct doc_kvm){.version = 11}, "bad", "version 11", "kernel");
	kvm_judge((struct doc_kvm){.error = -EACCES}, "bad", "may not", "usermod");
	kvm_judge((struct doc_kvm){.error = -ENOENT, .svm = true}, "bad", "kvm_amd", "kvm_amd");
	kvm_judge((struct doc_kvm){.error = -ENOENT, .inside = true}, "bad", "virtual",
		  "hypervisor");
	kvm_judge((struct doc_kvm){.error = -ENOENT}, "bad", "neither VMX nor SVM", "AMD-V");
	kvm_judge((struct doc_kvm){.version = -ENOTTY}, "unknown", "does not answer", NULL);
}

static void a_shared_group_is_bad_and_names_the_bridge_without_acs(void **state)
{
	struct sysfs_tree *t = *state;

	port_config(t, false);
	sysfs_tree_function(t, PORT, GATE, 7, "pcieport");
	says(state, AREA, "isolation", "bad",
	     PF " shares IOMMU group 7 with " PORT " (pcieport): bridge " PORT
		" has no ACS; its VFs",
	     "slot");
	sysfs_tree_file(t, DEV PORT "/config", "short");
	says(state, AREA, "isolation", "bad", "only root may read", "slot");
}

static void vfs_tell_their_isolation_themselves(void **state)
{
	struct sysfs_tree *t = *state;

	sysfs_tree_file(t, DEV PF "/sriov_numvfs", "1\n");
	sysfs_tree_function(t, VF, NET, 9, "");
	sysfs_tree_link(t, DEV PF "/virtfn0", "../" VF);
	says(state, AREA, "isolation", "good", "each of its 1 VFs is alone", NULL);
	says(state, AREA, "owner", "unknown", "it has 1 VFs", NULL);
	sysfs_tree_function(t, "0000:04:00.0", NET, 9, "e1000e");
	says(state, AREA, "isolation", "bad",
	     "VF " VF " shares IOMMU group 9 with 0000:04:00.0 (e1000e)", "slot");
	sysfs_tree_file(t, DEV VF "/driver_override", "uio_pci_generic\n");
	says(state, AREA, "vf-override", "bad", "uio_pci_generic", "driver_override");
}

static void limits_of_firmware_and_driver_are_named(void **state)
{
	struct sysfs_tree *t = *state;

	sysfs_tree_file(t, DEV PF "/sriov_totalvfs", "0\n");
	says(state, AREA, "vfs", "bad", "the hardware has 8 VFs, driver igb", "firmware setup");
	sysfs_tree_file(t, DEV PF "/vendor", "0x15b3\n");
	says(state, AREA, "vfs", "bad", "allows none", "mlxconfig -d " PF);
	sysfs_tree_file(t, DEV PF "/resource",
			SEVEN NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING);
	says(state, AREA, "vf-bars", "bad", "no addresses", "pci=realloc");
	sysfs_tree_remove(t, DEV PF "/driver");
	says(state, AREA, "driver", "bad", "no driver", "drivers_probe");
	sysfs_tree_function(t, PF, NET, 7, "vfio-pci");
	says(state, AREA, "driver", "bad", "enable_sriov is off", "enable_sriov");
}

static void modules_are_there_loadable_or_missing(void **state)
{
	struct sysfs_tree *t = *state;

	says(state, "modules", "vfio_pci", "good", "there", NULL);
	sysfs_tree_remove(t, "module/vfio_pci/parameters/enable_sriov");
	assert_int_equal(unlinkat(sysfs_tree_fd(t), "module/vfio_pci/parameters", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(sysfs_tree_fd(t), "module/vfio_pci", AT_REMOVEDIR), 0);
	says(state, "modules", "vfio_pci", "unknown", "list of modules", NULL);
	sysfs_tree_file(t, "proc/sys/kernel/osrelease", "6.1-x\n");
	sysfs_tree_file(t, "lib/modules/6.1-x/modules.dep", "kernel/vfio-pci.ko:\n");
	says(state, "modules", "vfio_pci", "bad", "not loaded", "modprobe vfio_pci");
	sysfs_tree_file(t, "lib/modules/6.1-x/modules.dep", "kernel/x.ko:\n");
	says(state, "modules", "vfio_pci", "bad", "this kernel has none", "kernel");
	sysfs_tree_file(t, "lib/modules/6.1-x/modules.builtin", "kernel/vfio-pci.ko\n");
	says(state, "modules", "vfio_pci", "good", "built into", NULL);
}

static void memory_is_counted_and_limited(void **state)
{
	struct sysfs_tree *t = *state;

	says(state, "memory", "hugepages", "good", "none are asked for", NULL);
	sysfs_tree_file(t, "kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
	sysfs_tree_file(t, "kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0\n");
	sysfs_tree_file(t, "proc/mounts", "proc /proc proc rw 0 0\n");
	says(state, "memory", "hugepages-2048kB", "good", "8 reserved, 0 free", NULL);
	says(state, "memory", "hugetlbfs", "bad", "mounted nowhere", "mount -t hugetlbfs");
	sysfs_tree_file(t, "etc/sriovd/sriovd.json", "{\"hugepages\": true}");
	says(state, "memory", "hugepages", "bad", "all are in use", "nr_hugepages");
	sysfs_tree_file(t, "proc/self/status", "CapEff:\t0000000000000000\n");
	says(state, "memory", "memlock", "bad", "64 KiB", "ulimit -l");
	sysfs_tree_file(t, "etc/systemd/system/sriovd.service",
			"[Service]\nLimitMEMLOCK=infinity\n");
	says(state, "memory", "memlock-sriovd", "good", "LimitMEMLOCK=infinity", NULL);
}

static void other_managers_are_seen_unless_told_to_keep_off(void **state)
{
	struct sysfs_tree *t = *state;

	sysfs_tree_file(t, "proc/41/comm", "NetworkManager\n");
	sysfs_tree_file(t, "proc/42/comm", "systemd-network\n");
	says(state, "managers", "NetworkManager", "bad", "every network device",
	     "unmanaged-devices");
	sysfs_tree_file(t, "etc/NetworkManager/conf.d/a.conf",
			"[keyfile]\nunmanaged-devices=driver:igbvf\n");
	says(state, "managers", "NetworkManager", "good", "/etc/NetworkManager/conf.d/a.conf",
	     NULL);
	sysfs_tree_file(t, "etc/NetworkManager/system-connections/lan", "[sriov]\ntotal-vfs=2\n");
	says(state, "managers", "NetworkManager", "bad", "sets VFs", "[sriov]");
	says(state, "managers", "systemd-networkd", "good", "only devices that it names", NULL);
	sysfs_tree_file(t, "etc/systemd/network/50.network", "[Match]\nName=en*\n");
	says(state, "managers", "systemd-networkd", "bad", "50.network", "Unmanaged=yes");
	sysfs_tree_file(t, "etc/systemd/network/00.network",
			"[Match]\nDriver=igbvf iavf\n[Link]\nUnmanaged=yes\n");
	says(state, "managers", "systemd-networkd", "good", "leaves VFs alone", NULL);
}

static void pools_operators_and_overrides_are_seen(void **state)
{
	struct sysfs_tree *t = *state;

	says(state, "managers", "libvirt", "good", "does not run", NULL);
	sysfs_tree_file(t, "etc/libvirt/qemu/networks/a.xml",
			"<forward mode='hostdev'><pf dev='lan7'/></forward>");
	says(state, "managers", "libvirt", "bad", "pool of VFs", "virsh");
	sysfs_tree_file(t, "var/lib/sriov/x", "");
	says(state, "managers", "sriov-operator", "bad", "left its files", "rm -r");
	sysfs_tree_file(t, "proc/77/comm", "sriov-network-c\n");
	says(state, "managers", "sriov-operator", "bad", "daemon runs here", "node");
	sysfs_tree_file(t, "etc/driverctl.d/0000:09:00.0", "vfio-pci\n");
	says(state, "managers", "driverctl", "good", "nothing of our NICs", NULL);
	sysfs_tree_file(t, "etc/driverctl.d/" PF, "vfio-pci\n");
	says(state, "managers", "driverctl", "bad", PF, "driverctl unset-override " PF);
}

static void text_from_files_cannot_steer_a_terminal(void **state)
{
	json_auto_t *report = NULL;

	sysfs_tree_file(*state, DEV PF "/numa_node", "\033[2J\xff\n");
	report = examine(state);
	says_in(report, AREA, "driver", "good", "NUMA node ?[2J?", NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_fit_host_has_nothing_bad_but_its_fake_kvm),
		CASE(a_host_without_sr_iov_nic_needs_no_iommu),
		CASE(missing_remapping_is_named_with_its_cause),
		CASE(modes_that_vfio_should_not_be_in_are_bad),
		CASE(an_iommu_that_is_off_is_mended_where_it_was_switched_off),
		CASE(kvm_is_good_or_says_what_is_missing),
		CASE(a_shared_group_is_bad_and_names_the_bridge_without_acs),
		CASE(vfs_tell_their_isolation_themselves),
		CASE(limits_of_firmware_and_driver_are_named),
		CASE(modules_are_there_loadable_or_missing),
		CASE(memory_is_counted_and_limited),
		CASE(other_managers_are_seen_unless_told_to_keep_off),
		CASE(pools_operators_and_overrides_are_seen),
		CASE(text_from_files_cannot_steer_a_terminal),
	};

	return cmocka_run_group_tests_name("cli_doctor", tests, NULL, NULL);
}

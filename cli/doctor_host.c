/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM, IOMMU, kernel modules. */
#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "doctor.h"
#include "doctor_parse.h"

#define ECAP_IR (UINT64_C(1) << 3) /* VT-d extended capability: interrupt remapping */
#define UNSAFE	"module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define NOIOMMU "module/vfio/parameters/enable_unsafe_noiommu_mode"

/* ---- KVM ---- */

static const char *kvm_missing(int fd)
{
	static const struct {
		long cap;
		const char *name;
	} needed[] = {
		{KVM_CAP_IRQCHIP, "an interrupt controller in the kernel"},
		{KVM_CAP_USER_MEMORY, "memory slots"},
		{KVM_CAP_IRQFD, "irqfd"},
		{KVM_CAP_IOEVENTFD, "ioeventfd"},
		{KVM_CAP_SIGNAL_MSI, "MSI"},
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return needed[i].name;
	return NULL;
}

static void read_kvm(const struct doctor *d, struct doc_kvm *ret)
{
	_cleanup_(fd_closep) int fd = openat(d->root, "dev/kvm", O_RDWR | O_CLOEXEC);
	_cleanup_(freep) char *cpuinfo = NULL;
	char text[8];

	*ret = (struct doc_kvm){.error = fd < 0 ? -errno : 0, .nested = -1};
	if (fd >= 0) {
		ret->version = ioctl(fd, KVM_GET_API_VERSION, 0);
		if (ret->version < 0)
			ret->version = -errno;
		else
			ret->missing = kvm_missing(fd);
	}
	cpuinfo = doc_text(d, "proc/cpuinfo");
	if (cpuinfo) {
		ret->vmx = doc_cpu(cpuinfo, "vmx");
		ret->svm = doc_cpu(cpuinfo, "svm");
		ret->inside = doc_cpu(cpuinfo, "hypervisor");
	}
	if (doc_line(d, "sys/module/kvm_intel/parameters/nested", text, sizeof(text)) >= 0 ||
	    doc_line(d, "sys/module/kvm_amd/parameters/nested", text, sizeof(text)) >= 0)
		ret->nested = text[0] == 'Y' || text[0] == '1';
}

static void judge_kvm_device(struct doctor *d, const struct doc_kvm *kvm)
{
	const char *module = kvm->svm ? "kvm_amd" : "kvm_intel";
	char mend[64];

	snprintf(mend, sizeof(mend), "modprobe %s", module);
	if (kvm->error == -ENOENT || kvm->error == -ENODEV || kvm->error == -ENXIO) {
		if (kvm->vmx || kvm->svm)
			doc_bad(d, "device", mend, "/dev/kvm is not there: %s is not loaded",
				module);
		else if (kvm->inside)
			doc_bad(d, "device",
				"switch nested virtualisation on for this machine in its "
				"hypervisor",
				"/dev/kvm is not there: this machine is virtual, and its CPU shows "
				"neither VMX nor SVM");
		else
			doc_bad(d, "device", "switch VT-x or AMD-V on in the firmware's setup",
				"/dev/kvm is not there: the CPU shows neither VMX nor SVM");
	} else if (kvm->error == -EACCES || kvm->error == -EPERM) {
		doc_bad(d, "device", "usermod -aG kvm USER, and log in again",
			"/dev/kvm may not be opened by this user");
	} else if (kvm->error < 0) {
		doc_bad(d, "device", mend, "/dev/kvm: %s", strerror(-kvm->error));
	} else if (kvm->version < 0) {
		doc_unknown(d, "device", "/dev/kvm does not answer as KVM: %s",
			    strerror(-kvm->version));
	} else if (kvm->version != KVM_API_VERSION) {
		doc_bad(d, "device", "boot a kernel of this decade",
			"KVM speaks version %d of its interface, not %d", kvm->version,
			KVM_API_VERSION);
	} else if (kvm->missing) {
		doc_bad(d, "device", "boot another kernel", "KVM of this kernel lacks %s",
			kvm->missing);
	} else {
		doc_good(d, "device", "/dev/kvm is usable, interface version %d", kvm->version);
	}
}

void doc_judge_kvm(struct doctor *d, const struct doc_kvm *kvm)
{
	judge_kvm_device(d, kvm);
	if (kvm->inside)
		doc_good(d, "nesting",
			 "this machine is itself virtual: its VMs are nested, and "
			 "every exit costs more");
	else if (kvm->nested >= 0)
		doc_good(d, "nesting", "bare metal; VMs may%s have VMs of their own",
			 kvm->nested ? "" : " not");
	else
		doc_unknown(d, "nesting", "the KVM module has no parameter \"nested\"");
}

void doc_kvm(struct doctor *d)
{
	struct doc_kvm kvm;

	read_kvm(d, &kvm);
	d->area = "kvm";
	doc_judge_kvm(d, &kvm);
}

/* ---- IOMMU ---- */

static bool one_unit(struct doctor *d, const char *name, void *arg)
{
	struct doc_iommu *iommu = arg;
	char path[PATH_MAX], text[32];
	uint64_t ecap;
	char *end;

	iommu->units++;
	snprintf(path, sizeof(path), "sys/class/iommu/%s/amd-iommu", name);
	if (doc_exists(d, path)) {
		iommu->kind = DOC_IOMMU_AMD;
		iommu->can_remap = 1; /* all of them do */
		return false;
	}
	snprintf(path, sizeof(path), "sys/class/iommu/%s/intel-iommu/ecap", name);
	if (doc_line(d, path, text, sizeof(text)) < 0)
		return false;
	iommu->kind = DOC_IOMMU_INTEL;
	ecap = strtoull(text, &end, 16);
	if (end == text || *end)
		return false;
	/* one that cannot is enough to switch it off for all */
	if (!(ecap & ECAP_IR))
		iommu->can_remap = 0;
	else if (iommu->can_remap < 0)
		iommu->can_remap = 1;
	return false;
}

static bool count_one(struct doctor *d, const char *name, void *arg)
{
	(*(unsigned int *)arg)++;
	return false;
}

static void read_firmware(struct doctor *d, struct doc_iommu *ret)
{
	_cleanup_(freep) char *cpuinfo = doc_text(d, "proc/cpuinfo");

	ret->table = -1;
	if (doc_exists(d, "sys/firmware/acpi/tables"))
		ret->table = doc_exists(d, "sys/firmware/acpi/tables/DMAR") ||
			     doc_exists(d, "sys/firmware/acpi/tables/IVRS");
	if (ret->units || !cpuinfo)
		return;
	if (strstr(cpuinfo, "GenuineIntel"))
		ret->kind = DOC_IOMMU_INTEL;
	else if (strstr(cpuinfo, "AuthenticAMD") || strstr(cpuinfo, "HygonGenuine"))
		ret->kind = DOC_IOMMU_AMD;
}

static void read_cmdline(struct doctor *d, struct doc_iommu *ret)
{
	_cleanup_(freep) char *cmdline = doc_text(d, "proc/cmdline");

	if (!cmdline)
		return;
	ret->cmdline_on = doc_word(cmdline, "intel_iommu=on") || doc_word(cmdline, "amd_iommu=on");
	ret->cmdline_off = doc_word(cmdline, "intel_iommu=off") ||
			   doc_word(cmdline, "amd_iommu=off") || doc_word(cmdline, "iommu=off");
	ret->cmdline_remap_off = doc_word(cmdline, "intremap=off") ||
				 doc_word(cmdline, "nointremap") || doc_word(cmdline, "noapic");
}

static void read_iommu(struct doctor *d, struct doc_iommu *ret)
{
	_cleanup_(freep) char *interrupts = doc_text(d, "proc/interrupts");

	*ret = (struct doc_iommu){.can_remap = -1, .remapping = -1};
	doc_each(d, "sys/kernel/iommu_groups", count_one, &ret->groups);
	doc_each(d, "sys/class/iommu", one_unit, ret);
	read_firmware(d, ret);
	read_cmdline(d, ret);
	if (interrupts)
		ret->remapping = pcisys_remapped(interrupts);
	ret->unsafe = pcisys_flag(d->sysfs, UNSAFE);
	ret->no_iommu = pcisys_flag(d->sysfs, NOIOMMU);
}

#define GRUB "in GRUB_CMDLINE_LINUX of /etc/default/grub, then update-grub and reboot"

static void judge_groups(struct doctor *d, const struct doc_iommu *iommu)
{
	static const char *const kinds[] = {"another", "Intel VT-d", "AMD-Vi"};

	if (iommu->groups)
		doc_good(d, "groups", "the IOMMU is on (%s): %u groups",
			 iommu->units ? kinds[iommu->kind] : "kind unknown", iommu->groups);
	else if (!d->n_nics)
		doc_good(d, "groups", "no IOMMU in use, and none is needed: no SR-IOV NIC");
	else if (iommu->cmdline_off)
		doc_bad(d, "groups", "take intel_iommu=off, amd_iommu=off, iommu=off away " GRUB,
			"the kernel's command line switches the IOMMU off: VFs cannot be given to "
			"VMs");
	else if (iommu->table == 0)
		doc_bad(d, "groups", "switch VT-d or AMD-Vi (IOMMU) on in the firmware's setup",
			"no IOMMU: the firmware shows none (no DMAR, no IVRS table)");
	else if (iommu->kind == DOC_IOMMU_INTEL && !iommu->cmdline_on)
		doc_bad(d, "groups", "put intel_iommu=on iommu=pt " GRUB,
			"no IOMMU groups: intel_iommu=on is not on the kernel's command line");
	else
		doc_bad(d, "groups",
			"switch the IOMMU on in the firmware's setup, and put iommu=pt " GRUB,
			"no IOMMU groups, though nothing on the kernel's command line forbids "
			"them");
}

static void judge_remapping(struct doctor *d, const struct doc_iommu *iommu)
{
	const char *name = "interrupt-remapping";

	if (iommu->remapping > 0)
		doc_good(d, name, "on: the host's interrupts pass through it");
	else if (!d->n_nics)
		doc_good(d, name, "not needed: no SR-IOV NIC");
	else if (iommu->remapping < 0)
		doc_unknown(d, name, "/proc/interrupts tells neither: no IO-APIC or MSI in it");
	else if (iommu->cmdline_remap_off)
		doc_bad(d, name, "take intremap=off, nointremap, noapic away " GRUB,
			"off by the kernel's command line: VFIO refuses to attach (EPERM), as a "
			"guest could forge any interrupt");
	else if (!iommu->groups)
		doc_bad(d, name, "switch the IOMMU on first", "off, as the IOMMU is");
	else if (iommu->can_remap == 0)
		doc_bad(d, name, "use a host whose IOMMU does it",
			"the IOMMU cannot do it: VFIO refuses to attach (EPERM)");
	else
		doc_bad(d, name, "switch x2APIC and interrupt remapping on in the firmware's setup",
			"off, though the command line does not forbid it: VFIO refuses to attach "
			"(EPERM)");
}

void doc_judge_iommu(struct doctor *d, const struct doc_iommu *iommu)
{
	judge_groups(d, iommu);
	judge_remapping(d, iommu);
	if (iommu->unsafe)
		doc_bad(d, "unsafe-interrupts", "echo N > /sys/" UNSAFE,
			"allow_unsafe_interrupts is on: a guest may forge interrupts of the host; "
			"we refuse to run like that");
	else
		doc_good(d, "unsafe-interrupts", "not allowed");
	if (iommu->no_iommu)
		doc_bad(d, "no-iommu", "echo N > /sys/" NOIOMMU,
			"VFIO's no-IOMMU mode is on: a device may reach all memory; we refuse to "
			"run like that");
	else
		doc_good(d, "no-iommu", "VFIO's no-IOMMU mode is off or not built");
}

void doc_iommu(struct doctor *d)
{
	struct doc_iommu iommu;

	read_iommu(d, &iommu);
	d->area = "iommu";
	doc_judge_iommu(d, &iommu);
}

/* ---- modules ---- */

enum module_state {
	MODULE_LOADED,
	MODULE_BUILTIN,
	MODULE_LOADABLE,
	MODULE_ABSENT,
	MODULE_UNKNOWN,
};

struct module_lists {
	const char *dep, *builtin; /* NULL: not there */
};

static enum module_state module_state(const struct doctor *d, const struct module_lists *lists,
				      const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/module/%s", name);
	if (doc_exists(d, path))
		return MODULE_LOADED;
	if (lists->builtin && doc_module_listed(lists->builtin, name))
		return MODULE_BUILTIN;
	if (lists->dep && doc_module_listed(lists->dep, name))
		return MODULE_LOADABLE;
	return lists->dep || lists->builtin ? MODULE_ABSENT : MODULE_UNKNOWN;
}

/* @why: what does not work without it; @needed: now */
static void judge_module(struct doctor *d, const char *name, enum module_state state, bool needed,
			 const char *why)
{
	char mend[96];

	snprintf(mend, sizeof(mend), "modprobe %s", name);
	switch (state) {
	case MODULE_LOADED:
		doc_good(d, name, "there");
		break;
	case MODULE_BUILTIN:
		doc_good(d, name, "built into the kernel");
		break;
	case MODULE_LOADABLE:
		if (needed)
			doc_bad(d, name, mend, "not loaded: %s", why);
		else
			doc_good(d, name, "not loaded, not needed now");
		break;
	case MODULE_ABSENT:
		if (needed)
			doc_bad(d, name, "boot a kernel that has it", "this kernel has none: %s",
				why);
		else
			doc_good(d, name, "this kernel has none; not needed now");
		break;
	case MODULE_UNKNOWN:
		if (needed)
			doc_unknown(d, name,
				    "not to be seen, and this kernel's list of modules is "
				    "not there: it may be built in");
		else
			doc_good(d, name, "not loaded, not needed now");
		break;
	}
}

void doc_modules(struct doctor *d)
{
	static const char why_vfio[] =
		"VFs cannot be given to VMs; after a start of the host "
		"modules-load.d/sriovd.conf, installed with sriovd, loads it";
	_cleanup_(freep) char *dep = NULL;
	_cleanup_(freep) char *builtin = NULL;
	_cleanup_(freep) char *cpuinfo = doc_text(d, "proc/cpuinfo");
	struct module_lists lists = {};
	char path[160], release[96];
	const char *kvm;
	bool hw = d->n_nics;

	if (doc_line(d, "proc/sys/kernel/osrelease", release, sizeof(release)) >= 0 &&
	    !strchr(release, '/')) {
		snprintf(path, sizeof(path), "lib/modules/%s/modules.dep", release);
		dep = doc_text(d, path);
		snprintf(path, sizeof(path), "lib/modules/%s/modules.builtin", release);
		builtin = doc_text(d, path);
	}
	lists.dep = dep;
	lists.builtin = builtin;
	d->area = "modules";
	kvm = cpuinfo && doc_cpu(cpuinfo, "svm") ? "kvm_amd" : "kvm_intel";
	if (cpuinfo && !doc_cpu(cpuinfo, "svm") && !doc_cpu(cpuinfo, "vmx"))
		kvm = "kvm";
	judge_module(d, kvm, module_state(d, &lists, kvm), !doc_exists(d, "dev/kvm"),
		     "no VM can run");
	judge_module(d, "vfio_pci", module_state(d, &lists, "vfio_pci"), hw, why_vfio);
	judge_module(d, "vfio_iommu_type1", module_state(d, &lists, "vfio_iommu_type1"), hw,
		     why_vfio);
	if (doc_exists(d, "dev/net/tun"))
		doc_good(d, "tun", "/dev/net/tun is there");
	else
		judge_module(d, "tun", module_state(d, &lists, "tun"), true,
			     "software NICs and bridges have no wire");
	judge_module(d, "vhost_net", module_state(d, &lists, "vhost_net"), false, "");
	if (!doc_exists(d, "sys/module/vfio_pci"))
		return;
	if (pcisys_flag(d->sysfs, "module/vfio_pci/parameters/enable_sriov"))
		doc_good(d, "enable_sriov", "on: VFs of a PF on vfio-pci can be enabled");
	else
		doc_good(d, "enable_sriov", "off: needed only for a PF on vfio-pci");
}

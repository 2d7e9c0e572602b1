/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must be true of the host before user space gets a function: an IOMMU that keeps its DMA and
 * its interrupts apart, and a group that the kernel does not use itself.
 */
#include <stdio.h>
#include <string.h>
#include <lib/pci_sysfs.h>
#include "kvfio.h"
#include "sysfs_impl.h"

unsigned int kvfio_foreign(int sysfs, unsigned int group, char *ret_names, size_t size)
{
	struct pcisys_member member[PCISYS_MEMBERS_MAX];
	unsigned int foreign = 0;
	size_t used = 0;
	int n = pcisys_group_members(sysfs, group, member);

	ret_names[0] = '\0';
	for (int i = 0; i < n; i++) {
		int len;

		if (!pcisys_member_foreign(&member[i]))
			continue;
		foreign++;
		len = snprintf(ret_names + used, size - used, "%s%s (%s)", used ? ", " : "",
			       member[i].bdf.text, member[i].driver);
		if (len < 0 || (size_t)len >= size - used)
			break; /* what does not fit is cut off; the count tells */
		used += (size_t)len;
	}
	return foreign;
}

static int check_modes(int sysfs, const char *bdf, char *err, size_t err_size)
{
	if (pcisys_flag(sysfs, "module/vfio/parameters/enable_unsafe_noiommu_mode"))
		return say(
			err, err_size, -EPERM,
			"%s: VFIO's no-IOMMU mode is on: a device could read and write all of the "
			"host's memory; set vfio.enable_unsafe_noiommu_mode to N",
			bdf);
	if (pcisys_flag(sysfs, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"))
		return say(err, err_size, -EPERM,
			   "%s: vfio_iommu_type1.allow_unsafe_interrupts is on: without interrupt "
			   "remapping a device could send the host any interrupt; set it to N",
			   bdf);
	return 0;
}

static int check_driver(int sysfs, const char *bdf, char *err, size_t err_size)
{
	char driver[PCISYS_DRIVER_MAX];
	int r = pcisys_driver(sysfs, bdf, driver);

	if (r == -EINVAL)
		return say(err, err_size, r, "'%.32s' is no PCI address (0000:01:00.0)", bdf);
	if (r == -ENODEV)
		return say(err, err_size, r, "%s: no such PCI function", bdf);
	if (r < 0)
		return say(err, err_size, r, "%s: %s", bdf, strerror(-r));
	if (!strstr(driver, "vfio"))
		return say(err, err_size, -EPERM, "%s: it is bound to %s, not to vfio-pci", bdf,
			   driver[0] ? driver : "no driver");
	return 0;
}

int kvfio_check_host(int sysfs, const char *bdf, unsigned int *ret_group, char *err,
		     size_t err_size)
{
	char path[SYSFS_PATH_MAX], text[256];
	unsigned int group;
	int r;

	r = check_modes(sysfs, bdf, err, err_size);
	if (r < 0)
		return r;
	r = check_driver(sysfs, bdf, err, err_size);
	if (r < 0)
		return r;
	r = pcisys_group(sysfs, bdf, &group);
	if (r == -ENOENT)
		return say(err, err_size, r,
			   "%s: it is in no IOMMU group: the host's IOMMU is off or missing "
			   "(intel_iommu=on or amd_iommu=on, and the firmware's setting)",
			   bdf);
	if (r < 0)
		return say(err, err_size, r, "%s: its IOMMU group: %s", bdf, strerror(-r));

	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/name", group);
	if (sysfs_read(sysfs, path, text, sizeof(text)) == 0 && strstr(text, "noiommu"))
		return say(err, err_size, -EPERM,
			   "%s: its IOMMU group %u is one of VFIO's no-IOMMU mode", bdf, group);
	if (kvfio_foreign(sysfs, group, text, sizeof(text)) > 0)
		return say(err, err_size, -EPERM,
			   "%s: its IOMMU group %u is not viable: the host itself uses %s", bdf,
			   group, text);
	*ret_group = group;
	return 0;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions as the kernel shows them in sysfs: who drives one, who its PF and VFs are, who
 * shares its IOMMU group; binding one to another driver and back. Everything is below a directory
 * descriptor of the sysfs root, so that a jailed process or a test may bring its own.
 *
 * Refusals come as errno and a sentence in @err (may be NULL).
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCISYS_BDF_MAX	   16u /* "00000000:bb:dd.f" is the longest there is, the NUL apart */
#define PCISYS_DRIVER_MAX  64u
#define PCISYS_MEMBERS_MAX 64u
#define PCISYS_ERR_MAX	   512u
#define PCISYS_VFIO_DRIVER "vfio-pci"

struct pcisys_bdf {
	char text[PCISYS_BDF_MAX + 1];
};

struct pcisys_member {
	struct pcisys_bdf bdf;
	char driver[PCISYS_DRIVER_MAX]; /* empty: none */
	uint32_t class_code;		/* 0x060400: PCI bridge */
};

/* Who drove a function before it was bound elsewhere: what pcisys_restore() goes back to. */
struct pcisys_binding {
	char driver[PCISYS_DRIVER_MAX];	  /* empty: none */
	char override[PCISYS_DRIVER_MAX]; /* empty: none */
};

/** pcisys_open() - directory descriptor of sysfs at @root, NULL for /sys. Return: 0; -errno. */
int pcisys_open(const char *root, int *ret_sysfs) _must_check_;

/** pcisys_bdf_ok() - is @bdf "DOMAIN:BB:DD.F" in lower-case hexadecimal, as the kernel spells it?
 */
bool pcisys_bdf_ok(const char *bdf);

/**
 * pcisys_driver() - name of the driver that is bound, empty for none
 * @ret_driver: PCISYS_DRIVER_MAX bytes
 * Context: any thread. Return: 0; -EINVAL @bdf is none; -ENODEV no such function; -errno.
 * Source: Documentation/ABI/testing/sysfs-bus-pci.
 */
int pcisys_driver(int sysfs, const char *bdf, char *ret_driver) _must_check_;

/** pcisys_number() - attribute @attr of a function, decimal or 0x. -ENOENT it has none; -EBADMSG.
 */
int pcisys_number(int sysfs, const char *bdf, const char *attr, uint64_t *ret_val) _must_check_;

/** pcisys_numvfs(), pcisys_totalvfs() - -ENOENT: no SR-IOV. */
int pcisys_numvfs(int sysfs, const char *bdf, unsigned int *ret_n) _must_check_;
int pcisys_totalvfs(int sysfs, const char *bdf, unsigned int *ret_n) _must_check_;

/**
 * pcisys_set_numvfs() - write sriov_numvfs and read it back
 * Context: blocks as long as the PF's driver needs. The kernel takes only N from 0 or 0 from N.
 * Return: 0; -EBUSY; -ENOENT the PF's driver does not do it (vfio-pci: enable_sriov is off); -EIO
 * reads back otherwise; -errno. Source: as above.
 */
int pcisys_set_numvfs(int sysfs, const char *bdf, unsigned int n, char *err,
		      size_t err_size) _must_check_;

/** pcisys_physfn() - the PF of VF @bdf. -ENOENT: it is no VF. */
int pcisys_physfn(int sysfs, const char *bdf, struct pcisys_bdf *ret_pf) _must_check_;

/** pcisys_virtfn() - VF number @vf (0-based) of PF @bdf. -ENOENT: not enabled. */
int pcisys_virtfn(int sysfs, const char *bdf, unsigned int vf,
		  struct pcisys_bdf *ret_vf) _must_check_;

/** pcisys_group() - IOMMU group of a function. -ENOENT: it has none. */
int pcisys_group(int sysfs, const char *bdf, unsigned int *ret_group) _must_check_;

/**
 * pcisys_group_members() - functions of an IOMMU group, sorted by address
 * @ret_members: room for PCISYS_MEMBERS_MAX
 * Context: any thread. Return: how many; -ENOENT no such group; -E2BIG; -errno.
 * Source: Documentation/ABI/testing/sysfs-kernel-iommu_groups.
 */
int pcisys_group_members(int sysfs, unsigned int group,
			 struct pcisys_member *ret_members) _must_check_;

/** pcisys_member_foreign() - does the kernel itself use @m, so that user space must not? */
bool pcisys_member_foreign(const struct pcisys_member *m);

/**
 * pcisys_flag() - a boolean module parameter ("module/vfio/parameters/...")
 * Return: 1 on, 0 off or no such module or parameter. Context: any thread. Source: moduleparam.h.
 */
bool pcisys_flag(int sysfs, const char *path);

/**
 * pcisys_bind() - have @driver and no other drive a function: driver_override, unbind, probe,
 * verify
 * @ret_before: what to give to pcisys_restore(); written also when nothing had to change
 *
 * If the driver does not take it, the former one is put back.
 *
 * Context: blocks as long as drivers take to let go and to probe; the check waits up to 2 s.
 * Return: 0; -EINVAL; -ENODEV; -ENOENT the driver is not loaded; -EIO something else drives it;
 * -errno. Source: as pcisys_driver().
 */
int pcisys_bind(int sysfs, const char *bdf, const char *driver, struct pcisys_binding *ret_before,
		char *err, size_t err_size) _must_check_;

/** pcisys_restore() - back to @before, verified; context and errors as pcisys_bind(). */
int pcisys_restore(int sysfs, const char *bdf, const struct pcisys_binding *before, char *err,
		   size_t err_size) _must_check_;

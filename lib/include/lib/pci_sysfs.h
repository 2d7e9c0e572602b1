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

/**
 * pcisys_open() - directory descriptor of a sysfs, for the functions below
 * @root: where it is mounted; NULL: /sys
 *
 * Context: any thread; the caller closes it. Return: 0; -errno of open(2). Source: -
 */
int pcisys_open(const char *root, int *ret_sysfs) _must_check_;

/**
 * pcisys_bdf_ok() - is @bdf "DOMAIN:BB:DD.F" in lower-case hex, as the kernel spells it?
 *
 * Context: pure. Return: true or false. Source: docs/sources.md [SYS].
 */
bool pcisys_bdf_ok(const char *bdf);

/**
 * pcisys_driver() - name of the driver that is bound, empty for none
 * @ret_driver: PCISYS_DRIVER_MAX bytes
 *
 * Context: any thread. Return: 0; -EINVAL @bdf is none; -ENODEV no such function; -errno.
 * Source: docs/sources.md [SYS].
 */
int pcisys_driver(int sysfs, const char *bdf, char *ret_driver) _must_check_;

/**
 * pcisys_number() - attribute @attr of a function, decimal or with 0x
 *
 * Context: any thread. Return: 0; -EINVAL, -ENODEV as pcisys_driver(); -ENOENT no such attribute;
 * -EBADMSG no number; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_number(int sysfs, const char *bdf, const char *attr, uint64_t *ret_val) _must_check_;

/**
 * pcisys_text() - attribute @attr of a function as text: its first line, without the newline
 *
 * Context: any thread. Return: 0; -EINVAL, -ENODEV as pcisys_driver(); -ENOENT no such attribute;
 * -ENOBUFS it is longer; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_text(int sysfs, const char *bdf, const char *attr, char *ret_text,
		size_t size) _must_check_;

/**
 * pcisys_numvfs(), pcisys_totalvfs() - VFs that are enabled, and how many there can be
 *
 * Context: any thread. Return: 0; -ENOENT no SR-IOV; else as pcisys_number().
 * Source: docs/sources.md [SYS].
 */
int pcisys_numvfs(int sysfs, const char *bdf, unsigned int *ret_n) _must_check_;
int pcisys_totalvfs(int sysfs, const char *bdf, unsigned int *ret_n) _must_check_;

/**
 * pcisys_set_numvfs() - write sriov_numvfs and read it back
 *
 * The kernel goes only from 0 to a number and from a number to 0.
 *
 * Context: any thread; blocks as long as drivers need, and while somebody has a VF open.
 * Return: 0; -EBUSY; -ENOENT no SR-IOV, or the PF's driver does not do it (vfio-pci: enable_sriov
 * is off); -EIO reads back otherwise; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_set_numvfs(int sysfs, const char *bdf, unsigned int n, char *err,
		      size_t err_size) _must_check_;

/**
 * pcisys_physfn(), pcisys_virtfn() - the PF of VF @bdf; VF number @vf (0-based) of PF @bdf
 *
 * Context: any thread. Return: 0; -EINVAL, -ENODEV as pcisys_driver(); -ENOENT it is no VF, it has
 * no such VF; -EBADMSG; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_physfn(int sysfs, const char *bdf, struct pcisys_bdf *ret_pf) _must_check_;
int pcisys_virtfn(int sysfs, const char *bdf, unsigned int vf,
		  struct pcisys_bdf *ret_vf) _must_check_;

/**
 * pcisys_group() - IOMMU group of a function
 *
 * Context: any thread. Return: 0; -EINVAL, -ENODEV as pcisys_driver(); -ENOENT it has none;
 * -EBADMSG; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_group(int sysfs, const char *bdf, unsigned int *ret_group) _must_check_;

/**
 * pcisys_group_members() - functions of an IOMMU group, sorted by address
 * @ret_members: room for PCISYS_MEMBERS_MAX
 *
 * Context: any thread. Return: how many; -ENOENT no such group; -E2BIG; -errno.
 * Source: docs/sources.md [SYS].
 */
int pcisys_group_members(int sysfs, unsigned int group,
			 struct pcisys_member *ret_members) _must_check_;

/**
 * pcisys_member_foreign() - does the kernel itself use @m, so that user space must not?
 *
 * Context: pure. Return: true or false. Source: docs/sources.md [KV].
 */
bool pcisys_member_foreign(const struct pcisys_member *m);

/**
 * pcisys_flag() - a boolean module parameter ("module/vfio/parameters/...")
 *
 * Context: any thread. Return: true; false when off, and without such a module or parameter.
 * Source: docs/sources.md [SYS].
 */
bool pcisys_flag(int sysfs, const char *path);

/**
 * pcisys_remapped() - do these lines of /proc/interrupts say that interrupts are remapped?
 *
 * The kernel puts "IR-" before the name of a controller that is behind interrupt remapping.
 *
 * Context: pure. Return: 1; 0; -ENODATA there is neither an IO-APIC nor an MSI in them.
 * Source: proc_interrupts(5).
 */
int pcisys_remapped(const char *interrupts);

/**
 * pcisys_bind() - have @driver and no other drive a function
 * @ret_before: what to give to pcisys_restore(); written also when nothing had to change
 *
 * driver_override, unbind, bind, and then a look at who drives it. If the driver does not take the
 * function, the former one is put back.
 *
 * Context: any thread; blocks as long as drivers take to let go and to probe; the look takes 2 s at
 * most. Return: 0; -EINVAL; -ENODEV; -ENOENT the driver is not loaded; -EIO something else drives
 * it; -errno. Source: docs/sources.md [SYS].
 */
int pcisys_bind(int sysfs, const char *bdf, const char *driver, struct pcisys_binding *ret_before,
		char *err, size_t err_size) _must_check_;

/**
 * pcisys_restore() - back to @before, and a look at it
 *
 * Context: as pcisys_bind(). Return: as pcisys_bind(). Source: docs/sources.md [SYS].
 */
int pcisys_restore(int sysfs, const char *bdf, const struct pcisys_binding *before, char *err,
		   size_t err_size) _must_check_;

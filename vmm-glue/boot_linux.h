#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stock kernel into fresh RAM: a bzImage for its 64 bit entry, or an ELF with a PVH note; command
 * line, initrd, memory map, ACPI tables.
 *
 *   0x00500           GDT: 0x10 code of 64 bit, 0x18 data, 0x20 code of 32 bit
 *   0x06000           PVH: start info, modules, memory map
 *   0x07000           bzImage: the zero page
 *   0x09000 - 0x0efff page tables: the first 4 GiB one to one
 *   0x20000           command line
 *   0xe0000           ACPI tables
 *   0xffff0           the reset vector
 *   16 MiB            the kernel, as it prefers; the initrd at the end of low RAM
 */
#include <lib/cleanup.h>
#include "boot.h"

#define BOOT_CMDLINE_MAX 2047u
#define BOOT_RANGES	 6u

#define LINUX_GDT     0x500u
#define LINUX_PVH     0x6000u
#define LINUX_ZERO    0x7000u
#define LINUX_CMDLINE 0x20000u

#define LINUX_SEL_CODE64 0x10u
#define LINUX_SEL_DATA	 0x18u
#define LINUX_SEL_CODE32 0x20u

#define BOOT_CMDLINE_DEFAULT "console=ttyS0 reboot=a panic=1"

struct boot_range {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as in e820 */
};

struct boot_linux {
	uint8_t *ram; /* from guest-physical 0 on */
	uint64_t ram_low;
	uint64_t ram_high; /* bytes at 4 GiB */
	unsigned int n_cpus;
	int kernel_fd;
	int initrd_fd; /* -1: none */
	const char *cmdline;
};

/**
 * boot_cmdline_refusal() - words that switch off what this machine consists of
 *
 * Context: any; pure. Return: NULL, it is fine; or what is wrong. Source: Linux
 * Documentation/admin-guide/kernel-parameters.txt.
 */
const char *boot_cmdline_refusal(const char *cmdline);

/**
 * boot_ranges() - the memory map
 *
 * Context: any; pure. Return: the number of ranges. Source: ACPI 6.3, 15.
 */
unsigned int boot_ranges(uint64_t ram_low, uint64_t ram_high,
			 struct boot_range ret_ranges[BOOT_RANGES]);

/**
 * boot_linux_load() - everything into RAM
 * @ret_why: in words, also on failure
 *
 * Context: main thread; reads the files. Return: 0; -ENOEXEC no kernel that can be started so;
 * -ENOTSUP too old; -EBADMSG a broken file; -ERANGE too large for this memory; -E2BIG the command
 * line; -errno of fstat(2), pread(2). Source: Linux Documentation/arch/x86/boot.rst; Xen
 * docs/misc/pvh.pandoc.
 */
int boot_linux_load(const struct boot_linux *b, struct boot_start *ret_start,
		    const char **ret_why) _must_check_;

/**
 * boot_linux_sregs(), boot_linux_regs() - registers of the first processor; the others wait for it
 *
 * Context: any; pure. Source: as boot_linux_load().
 */
void boot_linux_sregs(const struct boot_start *start, struct kvm_sregs *s);
void boot_linux_regs(const struct boot_start *start, struct kvm_regs *regs);

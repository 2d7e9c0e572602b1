#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state in which a bench guest starts: ring 0, 64 bit mode, interrupts off, the first 4 GiB
 * mapped one to one with 2 MiB pages that ring 3 may use as well. No BIOS, no ACPI.
 *
 *   RIP = ELF entry, RSP = VMM_BOOT_STACK, RSI = GUEST_BLOCK_GPA, RDI = TSC frequency in kHz
 *
 *   0x01000           GDT: 0x08 code, 0x10 data, 0x1b code of ring 3, 0x23 data of ring 3
 *   0x09000 - 0x0efff page tables
 *   0x20000           guest block
 *   0x90000           initial stack, growing down to the end of the guest block
 *   0x100000          the lowest address an ELF segment may have
 */
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define VMM_BOOT_GDT	     0x1000u
#define VMM_BOOT_PAGE_TABLES 0x9000u
#define VMM_BOOT_STACK	     0x90000u

#define VMM_SEL_CODE0 0x08u
#define VMM_SEL_DATA0 0x10u
#define VMM_SEL_CODE3 0x1bu
#define VMM_SEL_DATA3 0x23u

/* How the first processor starts: as above, or as boot_linux.h says. */
enum boot_how {
	BOOT_BENCH,
	BOOT_LINUX_64,
	BOOT_PVH,
};

struct boot_start {
	enum boot_how how;
	uint64_t entry;
};

/**
 * boot_page_tables() - the first 4 GiB one to one, at VMM_BOOT_PAGE_TABLES
 *
 * Context: main thread, before a vCPU runs. Source: Intel SDM volume 3, paging in 64 bit mode.
 */
void boot_page_tables(uint8_t *ram);

/**
 * boot_memory() - GDT, page tables and an empty guest block; @ram has at least 1 MiB
 *
 * Context: main thread, before the vCPU runs. Source: Intel SDM volume 3, paging in 64 bit mode.
 */
void boot_memory(uint8_t *ram);

/**
 * boot_sregs(), boot_regs() - registers to start from; @s comes filled by KVM_GET_SREGS
 *
 * Context: any; pure. Source: Intel SDM volume 3; Linux Documentation/virt/kvm/api.rst.
 */
void boot_sregs(struct kvm_sregs *s);
void boot_regs(struct kvm_regs *regs, uint64_t entry, uint32_t tsc_khz);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PVH way into a kernel: an ELF note names a 32 bit entry, and EBX points to a structure that
 * says where command line, initrd, memory map and ACPI are.
 */
#include <stddef.h>
#include <stdint.h>
#include <lib/cleanup.h>

#define PVH_MAGIC   0x336ec578u
#define PVH_VERSION 1u

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t n_modules;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t n_memmap;
	uint32_t pad;
};

struct pvh_module {
	uint64_t addr;
	uint64_t size;
	uint64_t cmdline;
	uint64_t pad;
};

struct pvh_memmap {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as in e820 */
	uint32_t pad;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "start info layout");
_Static_assert(sizeof(struct pvh_module) == 32, "module layout");
_Static_assert(sizeof(struct pvh_memmap) == 24, "memory map layout");

/**
 * pvh_note_find() - the 32 bit entry in the notes of an ELF file
 * @notes: a private copy of a note segment
 *
 * Context: any; pure.
 * Return: 0; -ENOENT there is none; -EBADMSG notes that contradict themselves.
 * Source: Xen docs/misc/pvh.pandoc, System V ABI, note section.
 */
int pvh_note_find(const uint8_t *notes, size_t len, uint32_t *ret_entry) _must_check_;

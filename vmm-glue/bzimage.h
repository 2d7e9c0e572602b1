#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header of a Linux bzImage, from a private copy: may it be entered in 64 bit mode, and where
 * does what lie. The file is as trusted as a guest.
 */
#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lib/cleanup.h>

#define BZ_HEADER_AT  0x1f1u
#define BZ_HEAD_BYTES 0x290u /* of the file's begin; the header ends before */
#define BZ_LOAD_MIN   UINT64_C(0x100000)
#define BZ_ENTRY_64   0x200u /* of the payload */

struct bz_plan {
	uint64_t payload_off;
	uint64_t payload_len;
	uint64_t load_gpa;
	uint64_t load_len;    /* RAM that it needs there until it has unpacked itself */
	uint64_t initrd_end;  /* an initrd ends at or below this address */
	uint32_t cmdline_max; /* bytes without the NUL */
	struct setup_header hdr;
};

/**
 * bz_decode() - what to load where
 * @head:      first @head_len bytes of the file, a private copy
 * @file_size: bytes of the whole file
 * @ram_low:   guest RAM from 0 on
 *
 * Context: any; pure.
 * Return: 0; -ENOEXEC no bzImage; -ENOTSUP one older than protocol 2.12 or without the 64 bit
 *         entry; -EBADMSG the header contradicts itself or the file; -ERANGE it does not fit in
 * RAM. Source: Linux Documentation/arch/x86/boot.rst.
 */
int bz_decode(const uint8_t *head, size_t head_len, uint64_t file_size, uint64_t ram_low,
	      struct bz_plan *ret_plan) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads a static x86-64 ELF into guest RAM at its physical addresses. The file is as trusted as a
 * guest: headers are copied once and decoded from the copy, sizes checked against file and RAM.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lib/cleanup.h>

#define ELF_HEAD_MAX	 4096u /* ELF header and program headers must lie in here */
#define ELF_SEGMENTS_MAX 16u
#define ELF_NOTES_MAX	 4u
#define ELF_LOAD_MIN	 UINT64_C(0x100000) /* below lie page tables, GDT, guest block, stack */

struct elf_plan {
	uint64_t entry;
	unsigned int n;
	struct {
		uint64_t offset; /* in the file */
		uint64_t filesz;
		uint64_t gpa;
		uint64_t memsz;
	} seg[ELF_SEGMENTS_MAX];
	unsigned int n_notes;
	struct {
		uint64_t offset;
		uint64_t size;
	} note[ELF_NOTES_MAX];
};

/**
 * elf_is() - does the file begin as an ELF file does?
 *
 * Context: any; pure. Return: true or false. Source: System V ABI.
 */
bool elf_is(const uint8_t *head, size_t head_len);

/**
 * elf_plan_has() - is @gpa inside a segment?
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
bool elf_plan_has(const struct elf_plan *p, uint64_t gpa);

/**
 * elf_plan_end() - where the highest segment ends
 *
 * Context: any; pure. Return: the address behind it; 0 without segments. Source: -.
 */
uint64_t elf_plan_end(const struct elf_plan *p);

/**
 * elf_plan_load() - do what elf_plan_decode() planned, into fresh (zero) RAM
 * Context: main thread. Return: 0; -errno of pread(2). Source: -
 */
int elf_plan_load(int fd, const struct elf_plan *p, uint8_t *ram) _must_check_;

/**
 * file_read() - @len bytes of @fd from @offset on
 * Context: main thread. Return: 0; -EBADMSG it ends before; -errno of pread(2). Source: -
 */
int file_read(int fd, uint64_t offset, uint8_t *to, uint64_t len) _must_check_;

/**
 * elf_plan_decode() - what to load where
 * @head:      first @head_len bytes of the file, a private copy
 * @file_size: bytes of the whole file
 * @ram_size:  guest RAM, from 0
 *
 * Context: any; pure.
 * Return: 0; -ENOEXEC not a static ELF64 executable for x86-64; -EBADMSG headers contradict
 *         themselves or the file; -ERANGE a segment outside of RAM, below ELF_LOAD_MIN, or
 * overlapping. Source: System V ABI, AMD64 supplement.
 */
int elf_plan_decode(const uint8_t *head, size_t head_len, uint64_t file_size, uint64_t ram_size,
		    struct elf_plan *ret_plan) _must_check_;

/**
 * elf_load() - load the file @fd into fresh (zero) RAM
 * Context: main thread. Return: 0; as elf_plan_decode(); -errno of fstat(2), pread(2). Source: -
 */
int elf_load(int fd, uint8_t *ram, uint64_t ram_size, uint64_t *ret_entry) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory behind a file descriptor, sealed against shrinking so that a peer can map it without fear.
 */
#include <stdbool.h>
#include <stddef.h>
#include <lib/cleanup.h>

/**
 * memfd_new() - create a memfd of @size bytes, sealed F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL
 * @name:     shows up in /proc/PID/maps
 * @size:     bytes, page (or 2 MiB) multiple
 * @hugetlb:  back it with 2 MiB pages
 * @ret_fd:   close-on-exec descriptor
 *
 * Context: any thread.
 * Return: 0; -ENOMEM no (huge) page left; -EINVAL size; -errno of memfd_create(2), ftruncate(2).
 * Source: memfd_create(2), fcntl(2).
 */
int memfd_new(const char *name, size_t size, bool hugetlb, int *ret_fd) _must_check_;

/**
 * memfd_sealed() - can a peer's @fd be mapped without fear?
 *
 * Context: any thread. Return: 0 it cannot shrink and has @size bytes; -EPERM unsealed or no
 * memfd; -ERANGE shorter; -errno of fstat(2). Source: fcntl(2).
 */
int memfd_sealed(int fd, size_t size) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of a client that may go away under us: DPDK's huge pages cannot be sealed, and a hole in a
 * sealed file of huge pages cannot be filled again when the pool is empty. A page that is not there
 * raises SIGBUS in whoever touches it; the handler puts a page of zeros in its place and the data
 * path goes on. Such a client harms its own frames and nobody else's, until the loop is told and
 * treats it as gone.
 *
 * One table a process, since a signal has one handler.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * mapguard_install() - handle SIGBUS from now on
 *
 * Context: the loop's thread, before data threads. Return: 0; -errno of sigaction(2). Source: -
 */
int mapguard_install(void) _must_check_;

/**
 * mapguard_notify() - count into @fd, an eventfd that never blocks, whenever a page was missing
 * @fd: -1: nobody is told
 *
 * Context: the loop's thread; @fd stays open until it is replaced. Source: -
 */
void mapguard_notify(int fd);

/**
 * mapguard_missing() - pages of this memory that were found missing so far
 *
 * Context: the loop's thread. Return: the count; 0 for memory that was not added. Source: -
 */
unsigned int mapguard_missing(const void *va);

/**
 * mapguard_check() - may @fd be mapped under the guard: memory, of at least @size bytes?
 * @ret_page: its page size
 *
 * Files that are not memory are refused: reading them may block.
 * Context: any thread. Return: 0; -EPERM no memory, or no guard is installed; -ERANGE shorter;
 * -errno of fstat(2), fstatfs(2). Source: -
 */
int mapguard_check(int fd, size_t size, size_t *ret_page) _must_check_;

/**
 * mapguard_add() - [va, va + len) is such memory
 *
 * Context: the loop's thread, before anybody touches it. Return: 0; -ENOSPC. Source: -
 */
int mapguard_add(void *va, size_t len, size_t page) _must_check_;

/**
 * mapguard_remove() - it is no more; fine for memory that was not added
 *
 * Context: the loop's thread, when nobody touches it any more. Return: pages that were found
 * missing. Source: -
 */
unsigned int mapguard_remove(void *va);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's console, wherever its text comes from (the serial port, or the guest block): to the
 * console file, and into the part that is kept. Main thread only. The file may be a pipe or a
 * terminal that nobody reads: it gets what it takes at once, the rest is lost and counted.
 */
#include <stddef.h>
#include "vm_impl.h"

#define CONSOLE_LAG_US UINT64_C(10000) /* from the guest's first byte to our look at it */

/**
 * console_add() - @n bytes of text came
 *
 * Context: main thread; writes to the console file. Source: -.
 */
void console_add(struct vm *vm, const uint8_t *text, size_t n);

/**
 * console_posted() - the guest wrote: drain now (bench guest), or soon
 *
 * Context: main thread. Source: -.
 */
void console_posted(struct vm *vm, uint64_t now_us);

/**
 * console_drain() - take what came since the last time
 *
 * Context: main thread; writes to the console file. Source: -.
 */
void console_drain(struct vm *vm, uint64_t now_us);

/**
 * console_tail() - the last @max bytes or less as printable ASCII; @buf has room for a NUL more
 *
 * Context: main thread. Return: the length. Source: -.
 */
size_t console_tail(const struct vm *vm, char *buf, size_t max);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine that a benchmark ran on, as its result tells it. */
#include <jansson.h>
#include <stddef.h>

/** bench_hypervisor() - name by CPUID, "none" without one. Context: any. Source: -. */
void bench_hypervisor(char *text, size_t size);

/**
 * bench_machine() - what the kernel tells
 * @topology: who ran where; becomes ours, NULL is out of memory
 *
 * Context: reads files. Return: new object; NULL. Source: docs/bench-format.md.
 */
json_t *bench_machine(json_t *topology);

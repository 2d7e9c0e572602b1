#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From counters to rates: what sriovd and the tracepoints say at one moment is brought into one
 * form, two of those give rates, rates give rows. Pure, but for printing.
 */
#include <cli/cli.h>
#include <cli/exits.h>

/**
 * top_vm() - one VM at one moment
 * @vm:     VM as the API shows it
 * @vfs:    the API's VFs, for interfaces whose guest tells no counters; may be NULL
 * @traced: what the tracepoints say of it; NULL: nothing
 *
 * Context: any; pure. Return: new object; NULL out of memory. Source: docs/api.md.
 */
json_t *top_vm(const json_t *vm, const json_t *vfs, const struct exits_counts *traced);

/**
 * top_interrupts() - interrupts of one device, by the vectors of the guest that it raises
 * @device: as in device.list
 *
 * Context: any; pure. Return: how many. Source: docs/processes.md.
 */
uint64_t top_interrupts(const json_t *device, const struct exits_counts *traced);

/**
 * top_rates() - what moved from @before to @after, two arrays of top_vm()
 *
 * A figure whose counter is new, or went backwards, is null; so is one without a source. A VM that
 * was started meanwhile is shown without figures.
 *
 * Context: any; pure. Return: new array; NULL out of memory. Source: docs/man/sriovctl.1.
 */
json_t *top_rates(const json_t *before, const json_t *after, double seconds);

/**
 * top_rows() - @rates as rows for a table, one a VM and one an interface, cells as text
 * Context: any; pure. Return: new array; NULL out of memory. Source: none.
 */
json_t *top_rows(const json_t *rates);

/**
 * top_number() - a rate in at most five characters: "0", "0.25", "38.1k", "14.2M"
 * @value: number; anything else gives "-"
 *
 * Context: any; pure. Source: none.
 */
#define TOP_NUMBER_MAX 16u
void top_number(const json_t *value, char ret_text[TOP_NUMBER_MAX]);

/** top_print() - @rates as a table on stdout. Context: any. Return: 0; -ENOMEM. Source: none. */
int top_print(const json_t *rates);

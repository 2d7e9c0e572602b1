#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of measurements: histograms from JSON, medians, ticks to nanoseconds. */
#include <abi/hist.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/**
 * stats_hist_decode() - a histogram as guest.request reports it
 * @json: {"n","min","max","buckets":[[index,count]...]}
 *
 * Context: any; pure.
 * Return: 0; -EBADMSG shape, index or counts wrong (a guest is behind it), @ret_hist is unchanged.
 * Source: docs/processes.md.
 */
int stats_hist_decode(const json_t *json, struct hist *ret_hist);

/**
 * stats_median() - median of @n values, which are sorted in place
 * Context: any; pure. Return: the median, 0 if there are none. Source: none.
 */
double stats_median(double *values, size_t n);

/** stats_ticks_ns() - TSC ticks in ns at @tsc_khz. Context: any; pure. Return: ns. Source: none. */
double stats_ticks_ns(uint64_t ticks, uint64_t tsc_khz);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Measurements as JSON: docs/bench-engine.md. */
#include "bench_calib.h"
#include "bench_run.h"
#include <jansson.h>

/**
 * fp_hist_json() - @h, whose values are ticks, in nanoseconds; empty buckets are left out
 *
 * Context: any; pure. Return: a new object; NULL without memory. Source: -.
 */
json_t *fp_hist_json(const struct hist *h, uint64_t tsc_hz);

/**
 * fp_block_json() - what all blocks have, and the judgement on it
 *
 * Context: any; pure. Return: a new object; NULL without memory. Source: -.
 */
json_t *fp_block_json(const struct fp_block *b);

/**
 * fp_window_json() - what happened in the measured window, for frames of @size (0: the mix), into
 * @to
 *
 * Context: any; pure. Source: -.
 */
void fp_window_json(const struct fp_block *b, uint32_t size, uint64_t tsc_hz, json_t *to);

/**
 * fp_calib_json() - the yardsticks
 * @ceiling_mpps: what the generator reaches alone; 0: not known
 *
 * Context: any; pure. Return: a new object; NULL without memory. Source: -.
 */
json_t *fp_calib_json(const struct fp_calib *c, uint64_t tsc_hz, double ceiling_mpps);

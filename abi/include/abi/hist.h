#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log-linear histogram of TSC deltas: 64 sub-buckets per power of two (relative error below 1.6 %),
 * no division, every sample recorded. Histograms of equal shape are merged by adding buckets;
 * percentiles are taken from the merged histogram and never averaged.
 */
#include <abi/bits.h>

#define HIST_SUB_BITS 6u
#define HIST_SUB      (1u << HIST_SUB_BITS)
#define HIST_MAX_BITS 32u /* values from 2^32 ticks on land in the last bucket */
#define HIST_BUCKETS  ((HIST_MAX_BITS - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t n;
	uint64_t min;
	uint64_t max;
	uint32_t bucket[HIST_BUCKETS];
};

/**
 * hist_index() - the bucket that @v falls into
 *
 * Context: any; pure. Return: 0 to HIST_BUCKETS - 1. Source: -.
 */
static inline unsigned int hist_index(uint64_t v)
{
	unsigned int shift;

	if (v < HIST_SUB)
		return (unsigned int)v;
	if (v >> HIST_MAX_BITS)
		return HIST_BUCKETS - 1;
	shift = 63u - (unsigned int)__builtin_clzll(v) - HIST_SUB_BITS;
	return (shift + 1) * HIST_SUB + (unsigned int)((v >> shift) & (HIST_SUB - 1));
}

/**
 * hist_value() - the smallest value that falls into bucket @i
 *
 * Context: any; pure. Return: the value, in ticks. Source: -.
 */
static inline uint64_t hist_value(unsigned int i)
{
	unsigned int shift;

	if (i < HIST_SUB)
		return i;
	shift = i / HIST_SUB - 1;
	return (uint64_t)(HIST_SUB + i % HIST_SUB) << shift;
}

/**
 * hist_add() - count sample @v
 *
 * Context: the histogram's only writer. Source: -.
 */
static inline void hist_add(struct hist *h, uint64_t v)
{
	if (!h->n || v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->n++;
	h->bucket[hist_index(v)]++;
}

/**
 * hist_percentile() - the value below or at which @permyriad / 10000 of all samples lie; 0 if
 * empty
 *
 * Context: any; pure. Return: the value, 0 for none. Source: -.
 */
static inline uint64_t hist_percentile(const struct hist *h, unsigned int permyriad)
{
	uint64_t want = (h->n * permyriad + 9999) / 10000, seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen && seen >= want)
			return hist_value(i);
	}
	return 0;
}

/** hist_merge() - add @from to @to. Context: any; pure. Source: -. */
static inline void hist_merge(struct hist *to, const struct hist *from)
{
	if (!from->n)
		return;
	if (!to->n || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->n += from->n;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

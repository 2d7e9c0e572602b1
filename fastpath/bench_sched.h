#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When frames should be sent, whatever the path does: evenly, or as independent users would
 * (exponential gaps). Times are TSC ticks since the block's begin. Pure, and no division or
 * logarithm when the next time is asked for.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdint.h>

#define FP_SCHED_GAPS 16384u /* drawn beforehand, used in turn */

struct fp_sched {
	uint64_t at;	/* the next time, in ticks << 16 */
	uint64_t mean;	/* gap, in ticks << 16 */
	uint32_t burst; /* frames each time */
	bool poisson;
	uint32_t turn;
	uint32_t gap[FP_SCHED_GAPS]; /* in units of the mean, << 20 */
};

/**
 * fp_sched_init() - @mpps million frames a second, @burst of them at each time
 * @seed: of the gaps, if @poisson
 *
 * Context: any; pure; a millisecond. Return: 0; -ERANGE rate or burst cannot be. Source: -.
 */
int fp_sched_init(struct fp_sched *s, bool poisson, double mpps, uint32_t burst, uint64_t tsc_hz,
		  uint64_t seed) _must_check_;

/** fp_sched_next() - when to send next, in ticks since the begin. Context: any; pure. Source: -. */
static inline uint64_t fp_sched_next(const struct fp_sched *s)
{
	return s->at >> 16;
}

/** fp_sched_advance() - that one was sent. Context: any; pure. Source: -. */
static inline void fp_sched_advance(struct fp_sched *s)
{
	s->at += s->poisson ? s->mean * s->gap[s->turn++ % FP_SCHED_GAPS] >> 20 : s->mean;
}

/**
 * fp_sched_behind() - about how many frames should still be sent before @end ticks
 *
 * Context: any; pure. Return: frames. Source: -.
 */
uint64_t fp_sched_behind(const struct fp_sched *s, uint64_t end);

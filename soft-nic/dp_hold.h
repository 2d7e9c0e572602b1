#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Senders that ring frame by frame. Each look at a tail takes its line, and the descriptor's, from
 * a sender that is about to write them: it then waits for lines more than it works. Left alone for
 * a while it goes about twice as fast. But whoever waits for an answer waits longer, so a tail is
 * left alone only where that is seen to make its sender faster. 50 times a second all queues with
 * fast senders of few frames are tried together, since one sender may feed several; before and
 * after it nobody is held, and who was faster in between than in either is held until the next
 * time. A sender that is held and has but one frame at each look waits for answers: it is let go.
 */
#include <stdint.h>

#define DP_HOLD_AIM  12u /* so many frames at a look: half the pause will do */
#define DP_HOLD_MANY 24u /* so many: there are more */
#define DP_HOLD_LONE 8u	 /* looks in a row with one frame: it is sent when the last was answered */

enum dp_hold_stage { DP_HOLD_REST, DP_HOLD_FREE, DP_HOLD_TRIAL, DP_HOLD_BEHIND, DP_HOLD_STAGES };

/* Of one transmit queue. */
struct dp_hold {
	uint64_t until; /* TSC: the tail is not looked at before */
	uint32_t ticks; /* longest pause after a look; 0: none */
	uint32_t lone;	/* looks after a pause, in a row, that found one frame */
	uint32_t looks, frames;
	uint32_t was[DP_HOLD_STAGES]; /* frames in each stage */
};

/* Of a data thread. Times are TSC ticks. */
struct dp_hold_clock {
	uint64_t end, began; /* of the stage */
	uint64_t took[DP_HOLD_STAGES];
	enum dp_hold_stage stage;
};

/**
 * dp_hold_clock_next() - the stage is over: which is next, and until when
 * @now: TSC
 *
 * Context: data thread; pure but for *@c. Return: the stage that ended. Source: -.
 */
enum dp_hold_stage dp_hold_clock_next(struct dp_hold_clock *c, uint64_t now, uint64_t tsc_per_us);

/**
 * dp_hold_turn() - the same for one queue, after dp_hold_clock_next()
 * @ended: what that returned
 *
 * Context: data thread; pure but for *@h. Source: -.
 */
void dp_hold_turn(struct dp_hold *h, const struct dp_hold_clock *c, enum dp_hold_stage ended,
		  uint64_t tsc_per_us);

/**
 * dp_hold_note() - @n frames, at least one, were found at a look in the round that began at @now
 *
 * Context: data thread. Source: -.
 */
static inline void dp_hold_note(struct dp_hold *h, uint32_t n, uint64_t now)
{
	h->looks++;
	h->frames += n;
	if (__builtin_expect(!h->ticks, 1))
		return;
	h->lone = n == 1 ? h->lone + 1 : 0;
	if (h->lone >= DP_HOLD_LONE)
		h->ticks = 0;
	h->until = n >= DP_HOLD_MANY ? 0 : now + (n >= DP_HOLD_AIM ? h->ticks / 2 : h->ticks);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_hold.h"
#include <stdbool.h>

#define HOLD_NS	  2000u
#define REST_US	  20000u
#define WINDOW_US 50u
#define FEW	  4u   /* frames a look on average; with more there is little to gain */
#define FAST_US	  0.7  /* a frame; slower senders are not held up by our looks */
#define GAIN	  1.25 /* it has to be worth while */

enum dp_hold_stage dp_hold_clock_next(struct dp_hold_clock *c, uint64_t now, uint64_t tsc_per_us)
{
	enum dp_hold_stage ended = c->stage;

	c->took[ended] = now - c->began;
	c->began = now;
	c->stage = (ended + 1) % DP_HOLD_STAGES;
	c->end = now + (c->stage == DP_HOLD_REST ? REST_US : WINDOW_US) * tsc_per_us;
	return ended;
}

/* Frames a tick. */
static double pace(const struct dp_hold *h, const struct dp_hold_clock *c, enum dp_hold_stage s)
{
	return c->took[s] ? (double)h->was[s] / (double)c->took[s] : 0;
}

static bool worth_trying(const struct dp_hold *h, const struct dp_hold_clock *c,
			 uint64_t tsc_per_us)
{
	return h->frames < FEW * h->looks &&
	       pace(h, c, DP_HOLD_FREE) * FAST_US * (double)tsc_per_us > 1;
}

/* Either half alone may have been disturbed, which makes a sender slow: the better one counts. */
static bool worth_keeping(const struct dp_hold *h, const struct dp_hold_clock *c)
{
	double held = pace(h, c, DP_HOLD_TRIAL);

	return held > GAIN * pace(h, c, DP_HOLD_FREE) && held > GAIN * pace(h, c, DP_HOLD_BEHIND);
}

void dp_hold_turn(struct dp_hold *h, const struct dp_hold_clock *c, enum dp_hold_stage ended,
		  uint64_t tsc_per_us)
{
	bool hold = false;

	h->was[ended] = h->frames;
	if (ended == DP_HOLD_FREE)
		hold = worth_trying(h, c, tsc_per_us);
	else if (ended == DP_HOLD_TRIAL && !h->ticks)
		h->was[ended] = 0; /* it was not held to the end */
	else if (ended == DP_HOLD_BEHIND)
		hold = worth_keeping(h, c);
	h->ticks = hold ? (uint32_t)(HOLD_NS * tsc_per_us / 1000) : 0;
	h->until = 0;
	h->lone = h->looks = h->frames = 0;
}

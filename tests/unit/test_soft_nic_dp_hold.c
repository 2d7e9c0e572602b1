/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaving tails alone: whom, and whom not. Time passes here as the test says. */
#include <support/test.h>
#include <dp_hold.h>

#define PER_US 1000u /* a tick is a nanosecond */
#define LOOK   50u   /* between two looks of a switch that has nothing else to do */

/* A sender, as a look after @gap ns of the last one finds it. */
struct sender {
	uint32_t free_ns, held_ns; /* a frame, when looked at all the time, and when left alone */
	uint32_t burst;		   /* frames come so many at a time */
	uint32_t outstanding;	   /* at most so many at a look */
};

struct bench {
	struct dp_hold hold;
	struct dp_hold_clock clock;
	uint64_t now, looked, rest; /* rest: ns not yet made into frames */
	uint64_t frames, held_ns;
};

static uint32_t arrived(struct bench *b, const struct sender *s)
{
	uint64_t gap = b->now - b->looked;
	uint32_t each = (gap > 2 * LOOK ? s->held_ns : s->free_ns) * s->burst, n;

	b->looked = b->now;
	b->rest += gap;
	n = (uint32_t)(b->rest / each);
	b->rest %= each;
	n *= s->burst;
	return n < s->outstanding ? n : s->outstanding;
}

/* As the data thread does. */
static void run(struct bench *b, const struct sender *s, uint64_t us)
{
	uint64_t end = b->now + us * PER_US;

	b->frames = b->held_ns = 0;
	while (b->now < end) {
		uint32_t n = 0;

		if (b->now >= b->clock.end)
			dp_hold_turn(&b->hold, &b->clock,
				     dp_hold_clock_next(&b->clock, b->now, PER_US), PER_US);
		if (b->now >= b->hold.until)
			n = arrived(b, s);
		else
			b->held_ns += LOOK;
		if (n)
			dp_hold_note(&b->hold, n, b->now);
		b->frames += n;
		b->now += LOOK;
	}
}

static struct bench begin(void)
{
	return (struct bench){.now = 1000000, .looked = 1000000};
}

static const struct sender singles = {450, 200, 1, 192};
static const struct sender pings = {300, 300, 1, 1};

static void sender_of_single_frames_is_left_alone_and_goes_faster(void **state)
{
	struct bench b = begin();

	run(&b, &singles, 1000); /* the first comparison */
	run(&b, &singles, 100000);
	assert_in_range(b.frames, 100000 * 1000 / 450 * 2, 100000 * 1000 / 200);
}

static void who_waits_for_an_answer_is_hardly_ever_held(void **state)
{
	struct bench b = begin();

	run(&b, &pings, 100000);
	assert_in_range(b.held_ns, 0, 100000 * 1000 / 500);
}

static void who_sends_at_its_own_pace_is_held_for_trials_only(void **state)
{
	const struct sender paced = {400, 400, 1, 192};
	struct bench b = begin();

	run(&b, &paced, 100000);
	assert_in_range(b.held_ns, 1, 100000 * 1000 / 200);
}

static void slow_senders_and_bursts_are_not_even_tried(void **state)
{
	const struct sender slow = {1000, 1000, 1, 192}, bursts = {100, 50, 32, 192};
	struct bench b = begin();

	run(&b, &slow, 100000);
	assert_int_equal(b.held_ns, 0);
	run(&b, &bursts, 100000);
	assert_int_equal(b.held_ns, 0);
}

static void held_sender_that_begins_to_wait_for_answers_is_let_go(void **state)
{
	struct bench b = begin();

	run(&b, &singles, 10000);
	assert_int_not_equal(b.hold.ticks, 0);
	run(&b, &pings, 10 * DP_HOLD_LONE); /* a few looks */
	assert_int_equal(b.hold.ticks, 0);
}

static void a_disturbance_before_or_behind_the_trial_holds_nobody(void **state)
{
	const struct sender paced = {300, 300, 1, 192}, disturbed = {650, 650, 1, 192};

	for (enum dp_hold_stage s = DP_HOLD_FREE; s <= DP_HOLD_BEHIND; s += 2) {
		struct bench b = begin();

		for (uint64_t end = b.now + 15000 * PER_US; b.now < end;)
			run(&b, b.clock.stage == s ? &disturbed : &paced, 1);
		assert_int_equal(b.clock.stage, DP_HOLD_REST);
		assert_int_equal(b.hold.ticks, 0);
	}
}

static void many_frames_at_a_look_end_the_pause(void **state)
{
	struct dp_hold h = {.ticks = 2000};

	dp_hold_note(&h, DP_HOLD_AIM - 1, 10);
	assert_int_equal(h.until, 2010);
	dp_hold_note(&h, DP_HOLD_AIM, 10);
	assert_int_equal(h.until, 1010);
	dp_hold_note(&h, DP_HOLD_MANY, 10);
	assert_int_equal(h.until, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sender_of_single_frames_is_left_alone_and_goes_faster),
		cmocka_unit_test(who_waits_for_an_answer_is_hardly_ever_held),
		cmocka_unit_test(who_sends_at_its_own_pace_is_held_for_trials_only),
		cmocka_unit_test(slow_senders_and_bursts_are_not_even_tried),
		cmocka_unit_test(held_sender_that_begins_to_wait_for_answers_is_let_go),
		cmocka_unit_test(a_disturbance_before_or_behind_the_trial_holds_nobody),
		cmocka_unit_test(many_frames_at_a_look_end_the_pause),
	};

	return cmocka_run_group_tests_name("soft_nic_dp_hold", tests, NULL, NULL);
}

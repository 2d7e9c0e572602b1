/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_frame.h"

static const uint8_t type_and_magic[4] = {0x88, 0xb5, 0x5f, 0xb7};

const uint16_t fp_mix_len[FP_MIX] = {60, 566, 60, 60, 566, 60, 1514, 60, 566, 60, 566, 60};

void fp_flow_init(struct fp_flow *f, const uint8_t *dst, const uint8_t *src, uint32_t block,
		  uint32_t len)
{
	memcpy(f->head, dst, 6);
	memcpy(f->head + 6, src, 6);
	memcpy(f->head + 12, type_and_magic, sizeof(type_and_magic));
	f->block = block;
	f->len = len;
	f->sources = f->destinations = 0;
}

static bool turns_ok(uint32_t n)
{
	return n >= 1 && n <= FP_FLOW_ADDRESSES && !(n & (n - 1));
}

bool fp_flow_spread(struct fp_flow *f, uint32_t sources, uint32_t destinations)
{
	if (!turns_ok(sources) || !turns_ok(destinations))
		return false;
	f->sources = sources - 1;
	f->destinations = destinations - 1;
	return true;
}

/* xorshift: each byte depends on where it is */
static uint64_t next_word(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

bool fp_frame_payload(uint8_t *frame, uint32_t len, uint32_t block, uint32_t seq, bool check)
{
	uint64_t x = next_word(fp_frame_tail(seq, block) | 1);
	uint32_t i, end = len - FP_FRAME_TAIL;

	for (i = FP_FRAME_PAYLOAD; i + sizeof(x) <= end; i += sizeof(x), x = next_word(x)) {
		if (!check)
			memcpy(frame + i, &x, sizeof(x));
		else if (memcmp(frame + i, &x, sizeof(x)))
			return false;
	}
	if (check)
		return !memcmp(frame + i, &x, end - i);
	memcpy(frame + i, &x, end - i);
	return true;
}

void fp_track_init(struct fp_track *t)
{
	memset(t, 0, sizeof(*t));
}

/*
 * Bits of numbers below next, and within the window, tell whether they arrived; the others mean
 * nothing. Whoever passes a number without its frame clears its bit.
 */
void fp_track_other(struct fp_track *t, uint32_t seq, uint32_t sent)
{
	uint64_t *word = &t->seen[seq % FP_TRACK_WINDOW / 64], bit = UINT64_C(1) << seq % 64;

	if (seq >= sent) {
		t->corrupt++; /* was never sent */
		return;
	}
	if (seq < t->next) {
		if (t->next - seq > FP_TRACK_WINDOW || (*word & bit)) {
			t->duplicate++;
			return;
		}
		t->reordered++;
	} else {
		uint32_t from = t->next;

		if (seq - from > FP_TRACK_WINDOW)
			from = seq - FP_TRACK_WINDOW;
		for (; from != seq; from++)
			t->seen[from % FP_TRACK_WINDOW / 64] &= ~(UINT64_C(1) << from % 64);
		t->next = seq + 1;
	}
	*word |= bit;
	t->received++;
}

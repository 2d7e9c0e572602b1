#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench's frames, and what became of them. Pure: a frame is written into memory and judged
 * where it arrived; a tracker of each direction counts what came twice, late, or not at all.
 *
 * Layout behind the 14 bytes of Ethernet header: magic number (16 bit), block, number in its
 * direction (32 bit each), intended and actual send time (64 bit each), payload, and in the last
 * eight bytes a value made from block and number. One frame in 64 has its whole payload made from
 * its number: writing all of each long frame would measure the generator's memcpy.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FP_FRAME_MIN	  60u /* in memory: without the checksum of the wire */
#define FP_FRAME_MAX	  1514u
#define FP_FRAME_CRC	  4u
#define FP_FRAME_HEAD	  16u
#define FP_FLOW_ADDRESSES 1024u
#define FP_FRAME_PAYLOAD  40u
#define FP_FRAME_TAIL	  8u
#define FP_FRAME_SAMPLE	  64u /* one in so many has a payload that is made and compared */
#define FP_TRACK_WINDOW	  65536u

enum fp_frame {
	FP_FRAME_OK,
	FP_FRAME_FOREIGN, /* somebody else's, or of an earlier block */
	FP_FRAME_CORRUPT,
};

/* One direction in one block. */
struct fp_flow {
	uint8_t head[FP_FRAME_HEAD]; /* addresses, type, magic number */
	uint32_t block;
	uint32_t len; /* of each frame; 0: the mix */
	/* how many addresses take turns, less one: numbers whose bits are all below one */
	uint32_t sources, destinations;
};

#define FP_MIX 12u /* frames after which the mix begins anew: 7 of 64, 4 of 570, 1 of 1518 */
extern const uint16_t fp_mix_len[FP_MIX];

struct fp_stamps {
	uint64_t intended, actual;
};

struct fp_track {
	uint32_t next; /* one above the highest number that arrived */
	uint64_t received, duplicate, reordered, corrupt, foreign;
	uint64_t seen[FP_TRACK_WINDOW / 64];
};

/**
 * fp_flow_init() - frames of @len bytes (0: the mix) from @src to @dst, six bytes each, in @block
 *
 * Context: any; pure. Source: IEEE 802, ethertype for local experiments.
 */
void fp_flow_init(struct fp_flow *f, const uint8_t *dst, const uint8_t *src, uint32_t block,
		  uint32_t len);

/**
 * fp_flow_spread() - let @sources and @destinations addresses take turns, frame by frame
 *
 * Those of fp_flow_init() are the first; others differ from them in the fourth and fifth byte.
 *
 * Context: any; pure. Return: true; false they are not powers of two up to FP_FLOW_ADDRESSES.
 * Source: -.
 */
bool fp_flow_spread(struct fp_flow *f, uint32_t sources, uint32_t destinations);

/**
 * fp_frame_turn() - put number @seq's addresses in the place of the first ones, or back
 *
 * Context: any; pure. Source: -.
 */
static inline void fp_frame_turn(const struct fp_flow *f, uint8_t *head, uint32_t seq)
{
	uint32_t dst = seq & f->destinations, src = seq & f->sources;

	head[3] ^= (uint8_t)(dst >> 8);
	head[4] ^= (uint8_t)dst;
	head[9] ^= (uint8_t)(src >> 8);
	head[10] ^= (uint8_t)src;
}

/**
 * fp_frame_payload() - fill, or compare if @check, what lies between stamps and tail
 *
 * Context: any; pure. Return: true if it is as it should be. Source: -.
 */
bool fp_frame_payload(uint8_t *frame, uint32_t len, uint32_t block, uint32_t seq, bool check);

/** fp_flow_len() - length in memory of number @seq. Context: any; pure. Return: bytes. Source: -.
 */
static inline uint32_t fp_flow_len(const struct fp_flow *f, uint32_t seq)
{
	return f->len ? f->len : fp_mix_len[seq % FP_MIX];
}

static inline uint64_t fp_frame_tail(uint32_t block, uint32_t seq)
{
	return ((uint64_t)block << 32 | seq) * UINT64_C(0x9e3779b97f4a7c15);
}

/**
 * fp_frame_write() - number @seq of @f into @frame, which has room for its length
 *
 * Context: any; pure. Source: -.
 */
static inline void fp_frame_write(const struct fp_flow *f, uint8_t *frame, uint32_t seq,
				  struct fp_stamps at)
{
	uint64_t tail = fp_frame_tail(f->block, seq);
	uint32_t len = fp_flow_len(f, seq);

	memcpy(frame, f->head, FP_FRAME_HEAD);
	if (f->sources | f->destinations)
		fp_frame_turn(f, frame, seq);
	memcpy(frame + 16, &f->block, 4);
	memcpy(frame + 20, &seq, 4);
	memcpy(frame + 24, &at, sizeof(at));
	memcpy(frame + len - FP_FRAME_TAIL, &tail, FP_FRAME_TAIL);
	if (seq % FP_FRAME_SAMPLE == 0)
		fp_frame_payload(frame, len, f->block, seq, false);
}

/**
 * fp_frame_stamp() - set the actual send time alone
 *
 * Context: any; pure. Source: -.
 */
static inline void fp_frame_stamp(uint8_t *frame, uint64_t actual)
{
	memcpy(frame + 32, &actual, sizeof(actual));
}

/**
 * fp_frame_head_ok() - are addresses, type and magic number those of @f, of at least FP_FRAME_MIN?
 *
 * Context: any; pure. Return: true if so. Source: -.
 */
static inline bool fp_frame_head_ok(const struct fp_flow *f, const uint8_t *frame)
{
	uint8_t head[FP_FRAME_HEAD];
	uint32_t seq;

	if (!(f->sources | f->destinations))
		return memcmp(frame, f->head, FP_FRAME_HEAD) == 0;
	memcpy(&seq, frame + 20, 4);
	memcpy(head, frame, FP_FRAME_HEAD);
	fp_frame_turn(f, head, seq);
	return memcmp(head, f->head, FP_FRAME_HEAD) == 0;
}

/**
 * fp_frame_read() - judge @len bytes that arrived for @f; number and stamps only of good ones
 *
 * Context: any; pure. Return: what it is. Source: -.
 */
static inline enum fp_frame fp_frame_read(const struct fp_flow *f, uint8_t *frame, uint32_t len,
					  uint32_t *ret_seq, struct fp_stamps *ret_at)
{
	uint32_t block;
	uint64_t tail;

	if (len < FP_FRAME_MIN || !fp_frame_head_ok(f, frame))
		return FP_FRAME_FOREIGN;
	memcpy(&block, frame + 16, 4);
	if (block != f->block)
		return FP_FRAME_FOREIGN;
	memcpy(ret_seq, frame + 20, 4);
	if (len != fp_flow_len(f, *ret_seq))
		return FP_FRAME_CORRUPT;
	memcpy(ret_at, frame + 24, sizeof(*ret_at));
	memcpy(&tail, frame + len - FP_FRAME_TAIL, FP_FRAME_TAIL);
	if (tail != fp_frame_tail(block, *ret_seq))
		return FP_FRAME_CORRUPT;
	if (*ret_seq % FP_FRAME_SAMPLE == 0 && !fp_frame_payload(frame, len, block, *ret_seq, true))
		return FP_FRAME_CORRUPT;
	return FP_FRAME_OK;
}

/**
 * fp_frame_plain() - the short way through fp_frame_read() for frames of one length from one
 * address to one other, whose payload is not compared
 * @f: with a length of at least FP_FRAME_MIN, and without addresses that take turns
 *
 * Context: any; pure. Return: true the frame is good, and number @seq; false it may be anything.
 * Source: -.
 */
static inline bool fp_frame_plain(const struct fp_flow *f, const uint8_t *frame, uint32_t len,
				  uint32_t seq)
{
	uint64_t want[2], head[2], tail, numbers, odd;

	if (len != f->len || seq % FP_FRAME_SAMPLE == 0)
		return false;
	memcpy(want, f->head, sizeof(want));
	memcpy(head, frame, sizeof(head));
	memcpy(&numbers, frame + FP_FRAME_HEAD, sizeof(numbers));
	memcpy(&tail, frame + len - FP_FRAME_TAIL, sizeof(tail));
	odd = (head[0] ^ want[0]) | (head[1] ^ want[1]) |
	      (numbers ^ (f->block | (uint64_t)seq << 32)) | (tail ^ fp_frame_tail(f->block, seq));
	return !odd;
}

/** fp_track_init() - nothing arrived yet. Context: any; pure. Source: -. */
void fp_track_init(struct fp_track *t);

/**
 * fp_track_other() - number @seq of @sent arrived, and it is not the next one
 *
 * Context: any; pure. Source: -.
 */
void fp_track_other(struct fp_track *t, uint32_t seq, uint32_t sent);

/**
 * fp_track_add() - number @seq arrived, of @sent that can be under way
 *
 * Context: any; pure. Source: -.
 */
static inline void fp_track_add(struct fp_track *t, uint32_t seq, uint32_t sent)
{
	if (seq != t->next || seq >= sent) {
		fp_track_other(t, seq, sent);
		return;
	}
	t->seen[seq % FP_TRACK_WINDOW / 64] |= UINT64_C(1) << seq % 64;
	t->next = seq + 1;
	t->received++;
}

/**
 * fp_track_run() - @n numbers from the next one on arrived, all of which can be under way
 * @n: up to 64
 *
 * Context: any; pure. Source: -.
 */
static inline void fp_track_run(struct fp_track *t, uint32_t n)
{
	uint32_t at = t->next % FP_TRACK_WINDOW, shift = at % 64;
	uint64_t bits = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;

	if (!n)
		return;
	t->seen[at / 64] |= bits << shift;
	if (shift + n > 64)
		t->seen[(at / 64 + 1) % (FP_TRACK_WINDOW / 64)] |= bits >> (64 - shift);
	t->next += n;
	t->received += n;
}

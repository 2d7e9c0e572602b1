#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measurement's own frames (ethertype 0x88b5, for local experiments). One line of header is
 * written per frame; the payload behind it is a pattern that depends on offset and frame size only,
 * so a buffer that carried a test frame of this size already has it, and is told by its tag.
 *
 *   0 destination  6 source  12 type  14 direction  16 sequence  24 tag  32 run  36 pattern...
 */
#include <stdbool.h>
#include <stdint.h>

#define TESTFRAME_TYPE	 0x88b5u
#define TESTFRAME_SEQ	 16u
#define TESTFRAME_TAG	 24u
#define TESTFRAME_RUN	 32u
#define TESTFRAME_HEADER 36u

/* What is the same in all frames of one direction. */
struct testframe {
	uint64_t head[2]; /* bytes 0..15 */
	uint64_t tag;
	uint32_t run;
	uint32_t bytes;
};

static inline void testframe_put64(uint8_t *p, uint64_t v)
{
	__builtin_memcpy(p, &v, 8);
}

/**
 * testframe_get64() - eight bytes at any address
 *
 * Context: any; pure. Return: the value, host order. Source: -.
 */
static inline uint64_t testframe_get64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
	return v;
}

/**
 * testframe_init() - frames of @bytes from @src to @dst; @run tells one measurement from another
 *
 * Context: any; pure. Source: -.
 */
void testframe_init(struct testframe *t, const uint8_t dst[6], const uint8_t src[6],
		    uint16_t direction, uint32_t run, uint32_t bytes);

/**
 * testframe_fill() - write the tag and the whole pattern; the slow part, once a buffer
 *
 * Context: any; pure. Source: -.
 */
void testframe_fill(const struct testframe *t, uint8_t *frame);

/**
 * testframe_payload_ok() - compare tag and pattern to the last byte
 *
 * Context: any; pure. Return: false at the first difference. Source: -.
 */
bool testframe_payload_ok(const struct testframe *t, const uint8_t *frame);

/** testframe_write() - make @frame number @seq. Context: any; pure. Source: -. */
static inline void testframe_write(const struct testframe *t, uint8_t *frame, uint64_t seq)
{
	if (testframe_get64(frame + TESTFRAME_TAG) != t->tag)
		testframe_fill(t, frame);
	testframe_put64(frame, t->head[0]);
	testframe_put64(frame + 8, t->head[1]);
	testframe_put64(frame + TESTFRAME_SEQ, seq);
	__builtin_memcpy(frame + TESTFRAME_RUN, &t->run, 4);
}

/**
 * testframe_is() - a frame of this direction, run and size? Its number is in @ret_seq
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
static inline bool testframe_is(const struct testframe *t, const uint8_t *frame, uint32_t len,
				uint64_t *ret_seq)
{
	uint32_t run;

	if (len < t->bytes || testframe_get64(frame + 8) != t->head[1])
		return false;
	__builtin_memcpy(&run, frame + TESTFRAME_RUN, 4);
	*ret_seq = testframe_get64(frame + TESTFRAME_SEQ);
	return run == t->run;
}

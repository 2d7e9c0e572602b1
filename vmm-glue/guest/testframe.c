/* SPDX-License-Identifier: BSD-3-Clause */
#include <guest/testframe.h>

#define TAG_SALT 0x53524756d1ce5eedull
#define MIX	 0x9e3779b97f4a7c15ull

static uint8_t pattern(uint32_t at, uint32_t bytes)
{
	return (uint8_t)((at + bytes) * MIX >> 56);
}

void testframe_init(struct testframe *t, const uint8_t dst[6], const uint8_t src[6],
		    uint16_t direction, uint32_t run, uint32_t bytes)
{
	uint8_t head[16];

	for (unsigned int i = 0; i < 6; i++) {
		head[i] = dst[i];
		head[6 + i] = src[i];
	}
	head[12] = TESTFRAME_TYPE >> 8;
	head[13] = TESTFRAME_TYPE & 0xff;
	head[14] = (uint8_t)(direction >> 8);
	head[15] = (uint8_t)direction;
	t->head[0] = testframe_get64(head);
	t->head[1] = testframe_get64(head + 8);
	t->tag = TAG_SALT ^ bytes * MIX;
	t->run = run;
	t->bytes = bytes;
}

void testframe_fill(const struct testframe *t, uint8_t *frame)
{
	testframe_put64(frame + TESTFRAME_TAG, t->tag);
	for (uint32_t i = TESTFRAME_HEADER; i < t->bytes; i++)
		frame[i] = pattern(i, t->bytes);
}

bool testframe_payload_ok(const struct testframe *t, const uint8_t *frame)
{
	if (testframe_get64(frame + TESTFRAME_TAG) != t->tag)
		return false;
	for (uint32_t i = TESTFRAME_HEADER; i < t->bytes; i++) {
		if (frame[i] != pattern(i, t->bytes))
			return false;
	}
	return true;
}

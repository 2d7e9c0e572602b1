/* SPDX-License-Identifier: BSD-3-Clause */
#include "marker.h"

#define MARKER_A     BITS(7, 0)
#define MARKER_B     BITS(15, 8)
#define MARKER_C     BITS(23, 16)
#define MARKER_CHECK BITS(31, 24)

static const uint32_t mix[2] = {0x9e3779b9, 0x7f4a7c15};

static uint32_t seal(uint8_t a, uint8_t b, uint8_t c, uint8_t salt)
{
	return field_prep(MARKER_A, a) | field_prep(MARKER_B, b) | field_prep(MARKER_C, c) |
	       field_prep(MARKER_CHECK, (uint32_t)(a ^ b ^ c ^ salt));
}

void pfdrv_marker_encode(const struct marker *m, uint32_t ret_words[2])
{
	ret_words[0] = seal(m->mac_set, m->trust, m->cts, 0xa5) ^ mix[0];
	ret_words[1] = seal(m->link_disable, m->link_enable, 0, 0x5a) ^ mix[1];
}

bool pfdrv_marker_decode(const uint32_t words[2], struct marker *ret)
{
	struct marker m = {
		.mac_set = (uint8_t)field_get(MARKER_A, words[0] ^ mix[0]),
		.trust = (uint8_t)field_get(MARKER_B, words[0] ^ mix[0]),
		.cts = (uint8_t)field_get(MARKER_C, words[0] ^ mix[0]),
		.link_disable = (uint8_t)field_get(MARKER_A, words[1] ^ mix[1]),
		.link_enable = (uint8_t)field_get(MARKER_B, words[1] ^ mix[1]),
	};
	uint32_t want[2];

	pfdrv_marker_encode(&m, want);
	if (want[0] != words[0] || want[1] != words[1])
		return false;
	*ret = m;
	return true;
}

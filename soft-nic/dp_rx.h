#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery of one frame to one receive queue: the frame is copied into the next posted buffer at once,
 * its descriptor is written back by dp_rx_flush() at the end of the batch, so that a polling receiver
 * and we do not fight for the descriptor's line at every frame.
 */
#include <emmintrin.h>
#include <lib/mmio.h>
#include <string.h>
#include "dp.h"

#define DP_CRC	   4u
#define DP_TAG_LEN 4u

/** dp_rx_refill() - read the next posted descriptors; false when there is none. */
bool dp_rx_refill(struct dp_rxq *rx);
void dp_rx_flush(struct dp *dp);
void dp_rx_restart(struct dp_rxq *rx, const struct dp_rxq_cfg *c);
/** dp_rx_deliver_odd() - delivery with a tag to be moved, or into a descriptor that is unusable. */
void dp_rx_deliver_odd(struct dp_rxq *rx, const struct dp_pkt *p, uint8_t *buf, uint64_t status,
		       bool strip);

static inline void copy16(uint8_t *d, const uint8_t *s)
{
	_mm_storeu_si128((__m128i *)d, _mm_loadu_si128((const __m128i *)s));
}

/* n >= 16. The tail overlaps what was copied before it instead of looping over bytes. */
static inline void dp_copy(uint8_t *d, const uint8_t *s, uint32_t n)
{
	uint32_t i;

	if (likely(n <= 48)) {
		copy16(d, s);
		if (n > 32)
			copy16(d + 16, s + 16);
		copy16(d + n - 16, s + n - 16);
		return;
	}
	if (n <= 256) {
		for (i = 0; i + 16 < n; i += 16)
			copy16(d + i, s + i);
		copy16(d + n - 16, s + n - 16);
		return;
	}
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"((unsigned long){n}) : : "memory");
}

static inline void dp_deliver(struct dp *dp, unsigned int q, const struct dp_pkt *p, bool multi)
{
	struct dp_rxq *rx = &dp->rx[q];
	uint64_t status = NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP | NIC_RXD_STAT_IXSM;
	uint32_t limit = p->tagged ? rx->limit_tagged : rx->limit;
	uint32_t wire_len = p->len + DP_CRC + (p->beside ? DP_TAG_LEN : 0);
	bool strip = p->tagged && (rx->strip || (multi && rx->strip_multi));
	uint8_t *buf;

	if (unlikely(rx->i_buf == rx->n_buf) && !dp_rx_refill(rx))
		return;
	if (unlikely(wire_len > limit || p->len + DP_TAG_LEN > rx->buf_len)) {
		/* exact when it matters: a frame that fits without the slack is let through */
		uint32_t out = p->len + (p->beside && !strip ? DP_TAG_LEN : 0) -
			       (!p->beside && strip ? DP_TAG_LEN : 0);

		if (wire_len > limit || out > rx->buf_len) {
			rx->dropped_long++;
			dp->n.too_long++;
			return;
		}
	}
	buf = rx->buf[rx->i_buf++];
	dp->rx_dirty |= BIT32(q);
	if (p->loop)
		status |= NIC_RXD_STAT_LB;
	if (likely(buf && !p->tagged)) {
		memcpy(buf, &p->h0, 8);
		memcpy(buf + 8, &p->h1, 8);
		dp_copy(buf + 16, p->data + 16, p->len - 16);
		rx->pend[rx->n_pend++] = status | (uint64_t)p->len << 32;
	} else {
		dp_rx_deliver_odd(rx, p, buf, status, strip);
		if (!buf)
			return;
	}
	rx->bytes += wire_len;
	if (p->loop) {
		rx->loop_packets++;
		rx->loop_bytes += wire_len;
	}
	rx->multicast += multi;
}

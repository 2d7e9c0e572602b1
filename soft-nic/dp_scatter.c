/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_scatter.h"

_Static_assert(SNIC_WIRE_FRAME <= DP_FRAME_MAX, "frames of either kind fit");

#define PART ((uint64_t)NIC_RXD_STAT_DD) /* a descriptor after which the frame goes on */

static uint32_t buffers_of(const struct dp_rxq *rx, uint32_t len)
{
	return (len + rx->buf_len - 1) / rx->buf_len;
}

/* One batch writes so many back, and a ring never has all its descriptors posted. */
static bool never_fits(const struct dp_rxq *rx, uint32_t need)
{
	return need > DP_BATCH || need >= rx->n_desc;
}

bool dp_scatter_room(const struct dp_rxq *rx, uint32_t len)
{
	uint32_t need = buffers_of(rx, len), have = rx->n_buf - rx->i_buf, tail;

	if (have >= need || never_fits(rx, need))
		return true;
	tail = mmio_read32(rx->regs + DPR_TAIL);
	if (tail < rx->n_desc)
		have += (tail + rx->n_desc - rx->fetched) % rx->n_desc;
	return have >= need;
}

/* Copy into buffer after buffer. Returns whether the whole frame went in; counts what was used. */
static bool spread(struct dp_rxq *rx, const uint8_t *frame, uint32_t len, uint64_t last,
		   uint32_t *ret_used)
{
	uint32_t used = 0, n;

	for (uint32_t at = 0; at < len; at += n) {
		uint8_t *buf;

		/* the guest may have changed its tail since it was looked at */
		if (rx->i_buf == rx->n_buf && !dp_rx_refill(rx))
			break;
		buf = dp_rx_take(rx);
		used++;
		n = len - at < rx->buf_len ? len - at : rx->buf_len;
		if (!buf) {
			rx->pend[rx->n_pend++] = PART;
			break;
		}
		memcpy(buf, frame + at, n);
		rx->pend[rx->n_pend++] = (at + n == len ? last : PART) | (uint64_t)n << 32;
		if (at + n == len) {
			*ret_used = used;
			return true;
		}
	}
	if (used)
		/* with a length, or Linux waits for it */
		rx->pend[rx->n_pend - 1] =
			DP_RX_STATUS | NIC_RXD_ERR_RXE | (uint64_t)SNIC_FRAME_MIN << 32;
	*ret_used = used;
	return false;
}

void dp_scatter(struct dp_worker *me, unsigned int q, const struct dp_pkt *p,
		const struct dp_scatter *s)
{
	uint64_t last = DP_RX_STATUS | (p->loop ? NIC_RXD_STAT_LB : 0);
	uint8_t frame[DP_FRAME_MAX + DP_TAG_LEN];
	struct dp_rxq *rx = &me->rx[q];
	uint32_t len = dp_put_frame(frame, p, s->strip), need = buffers_of(rx, len), used;

	if (never_fits(rx, need)) {
		rx->dropped_long++;
		me->n.too_long++;
		return;
	}
	if (!dp_scatter_room(rx, len)) {
		dp_rx_no_buffer(me, rx);
		return;
	}
	/* a batch leaves room for one descriptor a frame, and this is one frame */
	if (rx->n_pend + need > DP_BATCH)
		dp_rx_flush_queue(me, q, p->loop);
	if (s->strip)
		last |= NIC_RXD_STAT_VP | (uint64_t)p->tag << 48;
	if (spread(rx, frame, len, last, &used)) {
		rx->pend_bytes += p->len + DP_CRC + (p->beside ? DP_TAG_LEN : 0);
		rx->multicast += s->multi;
		rx->n_bad += used - 1;
		if (s->lo) {
			rx->pend_lo[rx->n_pend - 1] = s->lo;
			rx->n_hashed++;
		}
	} else if (used) {
		rx->dropped_bad++;
		rx->n_bad += used;
	} else {
		dp_rx_no_buffer(me, rx);
	}
	dp_rx_flush_queue(me, q, p->loop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The data thread's side of the wire. */
#include <lib/clock.h>
#include <unistd.h>
#include "dp_peer.h"

#define HOLD_US 1000000u /* frames wait so long for a queue that drops by itself */

void dp_wire_out(struct dp_worker *me, const struct dp_pkt *p)
{
	struct snic_wire_slot *s =
		me->wire && me->cfg->link ? snic_wire_room(&me->wire->out) : NULL;
	uint32_t len = p->len + (p->beside ? DP_TAG_LEN : 0);

	if (!s || len > SNIC_WIRE_FRAME) {
		me->n.wire_tx_dropped++;
		return;
	}
	memcpy(s->frame, &p->h0, 8);
	memcpy(s->frame + 8, &p->h1, 8);
	if (p->beside) {
		uint32_t tag = 0x0081u | (uint32_t)__builtin_bswap16(p->tag) << 16;
		uint32_t type = (uint32_t)(p->h1 >> 32);

		memcpy(s->frame + 12, &tag, 4);
		memcpy(s->frame + 16, &type, 4);
		dp_copy(s->frame + 20, p->data + 16, p->len - 16);
	} else {
		dp_copy(s->frame + 16, p->data + 16, p->len - 16);
	}
	s->len = len;
	snic_wire_put(&me->wire->out);
	me->n.wire_tx++;
	me->wire_dirty = true;
}

void dp_wire_flush(struct dp_worker *me)
{
	uint64_t one = 1;

	me->wire_dirty = false;
	io_mb(); /* frames first, then the look at 'sleeping' */
	if (!atomic_load(&me->wire->sleeping) || !atomic_exchange(&me->wire->sleeping, false))
		return;
	if (me->wire->kick_fd >= 0 && write(me->wire->kick_fd, &one, sizeof(one)) < 0) {
		/* the counter is full: the reader is being woken already */
	}
}

/*
 * Does a frame of a wire that holds have to wait for a buffer? A queue which drops by itself was
 * told so because others are beside it: it keeps them waiting once, until its ring has moved again.
 */
static bool must_wait(struct dp_worker *me, uint32_t pools, const struct dp_pkt *p)
{
	for (; pools; pools &= pools - 1) {
		struct dp_rxq *rx = dp_rx_full(me, (unsigned int)__builtin_ctz(pools), p);

		if (!rx || rx->stalled)
			continue;
		if (!me->held_since)
			me->held_since = tsc_read();
		if (!rx->drop_enabled || tsc_read() - me->held_since < HOLD_US * me->dp->tsc_per_us)
			return true;
		rx->stalled = true;
	}
	return false;
}

/* Return: false, the frame stays where it is. */
static bool wire_frame(struct dp_worker *me, struct snic_wire_slot *s)
{
	const struct sw_cfg *sw = &me->cfg->sw;
	struct dp_pkt p = {.data = s->frame, .len = s->len};
	struct sw_decision d;
	uint64_t src;
	uint32_t vid = SW_UNTAGGED, pools;

	memcpy(&p.h0, s->frame, 8);
	memcpy(&p.h1, s->frame + 8, 8);
	src = p.h0 >> 48 | (p.h1 & 0xffffffff) << 16;
	if ((uint16_t)(p.h1 >> 32) == 0x0081) {
		p.tagged = true;
		p.tag = __builtin_bswap16((uint16_t)(p.h1 >> 48));
		vid = p.tag & 0xfff;
	}
	if (p.len + DP_CRC > (p.tagged ? sw->rx_limit_tagged : sw->rx_limit)) {
		me->n.too_long++;
		me->n.wire_rx_dropped++;
		return true;
	}
	d = sw_decide(sw, p.h0 & SW_MAC_MASK, src, vid, SW_FROM_WIRE);
	if (!me->cfg->link || !d.pools) {
		me->n.wire_rx_dropped++;
		return true;
	}
	if (me->wire->hold && must_wait(me, d.pools & me->own, &p))
		return false;
	me->n.wire_rx++;
	me->n.rx_frames++;
	me->n.rx_bytes += p.len + DP_CRC;
	me->n.rx_multicast += d.multi;
	me->n.rx_broadcast += d.broadcast;
	for (pools = d.pools & me->own; pools; pools &= pools - 1)
		dp_deliver(me, (unsigned int)__builtin_ctz(pools), &p, d.multi);
	if (d.pools & ~(uint32_t)me->own)
		dp_peers_put(me, &p, (uint8_t)(d.pools & ~(uint32_t)me->own), false, d.multi);
	return true;
}

/* The outside may be waiting for room. */
static void room_tell(struct dp_worker *me)
{
	io_mb(); /* slots given back first, then the look at 'full' */
	if (atomic_load(&me->wire->full) && snic_wire_half(&me->wire->in))
		dp_wire_flush(me);
}

unsigned int dp_wire_poll(struct dp_worker *me)
{
	struct snic_wire_slot *s;
	unsigned int n;

	if (me->dp->n_workers > 1 && !dp_peers_ready(me))
		return 0;
	me->wire_held = false;
	for (n = 0; n < DP_BATCH; n++) {
		s = snic_wire_peek(&me->wire->in);
		if (!s)
			break;
		/* the producer is our own wire thread, but a length is never taken on trust */
		if (s->len < SNIC_FRAME_MIN || s->len > SNIC_WIRE_FRAME) {
			me->n.wire_rx_dropped++;
		} else if (!wire_frame(me, s)) {
			me->wire_held = true;
			break;
		}
		me->held_since = 0;
		snic_wire_drop(&me->wire->in);
	}
	if (me->rx_dirty)
		dp_rx_flush(me, false);
	if (me->wire_dirty)
		dp_wire_flush(me);
	if (n && me->wire->hold)
		room_tell(me);
	return n;
}

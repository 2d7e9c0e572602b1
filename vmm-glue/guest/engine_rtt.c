/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round trip with one frame outstanding: a -> b -> a through whatever lies between them. B sends
 * the very buffer back that it received, with the addresses exchanged. The stamp is taken before
 * the frame is handed to A's driver and after it came back; checks are outside the stamps.
 */
#include "engine_priv.h"

#define ROUND_TIMEOUT_US UINT64_C(100000)
#define POLLS_A_LOOK	 2048u /* idle polls between looks at the clock and the rest of the guest */
#define POLLS_A_STAMP	 16u   /* ... between looks at the clock alone */
#define ROUNDS_A_LOOK	 64u
#define RX_MAX		 8u

struct rtt {
	struct engine_run *r;
	struct testframe there, back;
	uint64_t round_ticks;
};

/*
 * Poll @n until frame @seq of kind @t comes; its buffer is the caller's then. Late frames of
 * earlier rounds go back to the pool, foreign ones to the guest.
 */
static int take(struct rtt *m, struct nif *n, const struct testframe *t, uint64_t seq,
		uint64_t until, struct vfdrv_pkt *ret_pkt)
{
	struct engine_home *h = &m->r->e->home;
	struct vfdrv_pkt pkt[RX_MAX];
	bool found = false;

	for (unsigned int idle = 0;; idle++) {
		unsigned int k = nif_rx(n, pkt, RX_MAX);
		uint64_t got;

		for (unsigned int i = 0; i < k; i++) {
			if (!testframe_is(t, pkt[i].data, pkt[i].len, &got)) {
				h->input(h->ctx, n, &pkt[i]);
			} else if (got == seq && !found) {
				*ret_pkt = pkt[i];
				found = true;
			} else {
				vfdrv_pool_put(n->pool, pkt[i].data);
			}
		}
		if (found)
			return 0;
		if (idle % POLLS_A_STAMP == POLLS_A_STAMP - 1)
			engine_look(m->r, engine_tsc());
		if (idle >= POLLS_A_LOOK) {
			int r = engine_service(m->r);

			if (r < 0)
				return r;
			if (engine_tsc() > until)
				return -EAGAIN;
			idle = 0;
		}
	}
}

/* One round; -EAGAIN when the frame got lost on the way. */
static int round_trip(struct rtt *m, uint64_t seq, uint64_t *ret_ticks)
{
	struct engine_run *r = m->r;
	struct vfdrv_pkt pkt = {.len = (uint16_t)m->there.bytes};
	uint64_t begin, until;
	int ret;

	pkt.data = vfdrv_pool_get(r->a->pool);
	if (!pkt.data)
		return -ENOBUFS;
	testframe_write(&m->there, pkt.data, seq);

	begin = engine_tsc();
	engine_look(r, begin);
	until = begin + m->round_ticks;
	if (!nif_send_one(r->a, pkt.data, pkt.len))
		return -EAGAIN;
	ret = take(m, r->b, &m->there, seq, until, &pkt);
	if (ret < 0)
		return ret;
	testframe_put64(pkt.data, m->back.head[0]);
	testframe_put64((uint8_t *)pkt.data + 8, m->back.head[1]);
	if (!nif_send_one(r->b, pkt.data, m->back.bytes))
		return -EAGAIN;
	ret = take(m, r->a, &m->back, seq, until, &pkt);
	if (ret < 0)
		return ret;
	*ret_ticks = engine_tsc() - begin;
	engine_look(r, begin + *ret_ticks);

	if (seq % ENGINE_CHECK_STEP == 0 || m->back.bytes <= 64) {
		if (!testframe_payload_ok(&m->back, pkt.data))
			r->res->corrupt++;
	}
	r->res->bytes += pkt.len;
	vfdrv_pool_put(r->a->pool, pkt.data);
	return 0;
}

int engine_rtt(struct engine_run *r)
{
	const struct guest_req *q = r->req;
	struct rtt m = {.r = r, .round_ticks = engine_ticks(r->e, ROUND_TIMEOUT_US)};
	uint64_t begin = engine_tsc(), ticks = 0;
	int ret = 0;

	testframe_init(&m.there, r->b->host.mac, r->a->host.mac, 0, r->e->run, q->frame_bytes);
	testframe_init(&m.back, r->a->host.mac, r->b->host.mac, 1, r->e->run, q->frame_bytes);
	engine_look_first(r, begin);

	for (uint64_t seq = 0, left = q->count, warm = q->warmup; left; seq++) {
		if (seq % ROUNDS_A_LOOK == 0) {
			ret = engine_service(r);
			if (ret < 0)
				break;
		}
		ret = round_trip(&m, seq, &ticks);
		if (ret < 0 && ret != -EAGAIN)
			break;
		if (warm) {
			if (!--warm) {
				begin = engine_tsc();
				r->res->bytes = 0;
				engine_look_first(r, begin);
			}
			ret = 0;
			continue;
		}
		left--;
		r->res->sent++;
		if (ret == -EAGAIN) {
			r->res->lost++;
		} else {
			r->res->received++;
			hist_add(&r->res->hist, ticks);
		}
		ret = 0;
	}
	r->res->ticks = engine_tsc() - begin;
	return ret;
}

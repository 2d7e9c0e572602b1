/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Throughput, closed loop: each direction keeps at most ENGINE_CREDIT frames on their way; a frame
 * that a later one overtook is lost and gives its credit back. Only frames sent between the end of
 * the warm-up and the end of the duration count, whenever they arrive: sent = received + lost,
 * exactly.
 */
#include "engine_priv.h"

#define STALL_US     UINT64_C(100000) /* nothing arrived for so long: what is outstanding is lost */
#define LOOPS_A_LOOK 64u

struct direction {
	struct nif *from, *to;
	struct testframe t;
	uint64_t next; /* number of the next frame */
	uint64_t seen; /* one above the highest number that arrived: what is below is not on its way
			*/
	uint64_t first, last; /* frames [first, last) are measured */
	uint64_t received;    /* of those */
	uint64_t corrupt;
	uint64_t arrived_at; /* TSC of the last arrival */
};

static void burst_send(struct direction *d, unsigned int burst)
{
	struct vfdrv_pool *pool = d->from->pool;
	struct vfdrv_pkt pkt[ENGINE_BURST_MAX];
	unsigned int n = burst, sent;

	if (n > ENGINE_CREDIT - (d->next - d->seen))
		n = (unsigned int)(ENGINE_CREDIT - (d->next - d->seen));
	if (n > pool->n)
		n = pool->n;
	if (!n)
		return;

	for (unsigned int i = 0; i < n; i++) {
		uint8_t *frame = vfdrv_pool_get(pool);

		testframe_write(&d->t, frame, d->next + i);
		pkt[i].data = frame;
		pkt[i].len = (uint16_t)d->t.bytes;
	}
	sent = nif_tx(d->from, pkt, n);
	for (unsigned int i = n; i > sent; i--)
		vfdrv_pool_put(pool, pkt[i - 1].data);
	d->next += sent;
}

static unsigned int burst_receive(struct direction *d, struct engine_home *h)
{
	struct vfdrv_pool *pool = d->to->pool;
	struct vfdrv_pkt pkt[ENGINE_BURST_MAX];
	unsigned int n = nif_rx(d->to, pkt, ENGINE_BURST_MAX);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t seq;

		if (!testframe_is(&d->t, pkt[i].data, pkt[i].len, &seq) || seq >= d->next) {
			h->input(h->ctx, d->to, &pkt[i]);
			continue;
		}
		if (seq % ENGINE_CHECK_STEP == 0 && !testframe_payload_ok(&d->t, pkt[i].data))
			d->corrupt++;
		d->received += seq >= d->first && seq < d->last;
		if (seq >= d->seen)
			d->seen = seq + 1;
		vfdrv_pool_put(pool, pkt[i].data);
	}
	return n;
}

/* Frames that were dropped never come back as credit: after a stall, start with full credit again.
 */
static void direction_step(struct direction *d, struct engine_home *h, unsigned int burst,
			   uint64_t now, uint64_t stall)
{
	if (burst_receive(d, h))
		d->arrived_at = now;
	else if (d->next != d->seen && now - d->arrived_at > stall)
		d->seen = d->next;
	if (burst)
		burst_send(d, burst);
}

static int phase(struct engine_run *r, struct direction *d, unsigned int n, unsigned int burst,
		 uint64_t until)
{
	uint64_t stall = engine_ticks(r->e, STALL_US), now = engine_tsc();

	for (unsigned int i = 0; now < until; i++) {
		bool quiet = !burst;

		if (i % LOOPS_A_LOOK == 0) {
			int ret = engine_service(r);

			if (ret < 0)
				return ret;
		}
		for (unsigned int k = 0; k < n; k++) {
			direction_step(&d[k], &r->e->home, burst, now, stall);
			quiet = quiet && d[k].next == d[k].seen;
		}
		now = engine_tsc();
		engine_look(r, now);
		if (quiet)
			break;
	}
	return 0;
}

static void direction_init(struct direction *d, struct engine_run *r, struct nif *from,
			   struct nif *to, uint16_t number)
{
	*d = (struct direction){.from = from, .to = to, .first = UINT64_MAX, .last = UINT64_MAX};
	d->arrived_at = engine_tsc();
	testframe_init(&d->t, to->host.mac, from->host.mac, number, r->e->run, r->req->frame_bytes);
}

int engine_throughput(struct engine_run *r)
{
	const struct guest_req *q = r->req;
	unsigned int n = q->bidir ? 2 : 1;
	struct guest_gaps gaps;
	struct direction d[2];
	uint64_t begin, end;
	int ret;

	direction_init(&d[0], r, r->a, r->b, 0);
	direction_init(&d[1], r, r->b, r->a, 1);

	ret = phase(r, d, n, q->burst, engine_tsc() + engine_ticks(r->e, q->warmup_us));
	if (ret < 0)
		return ret;

	begin = engine_tsc();
	engine_look_first(r, begin);
	for (unsigned int k = 0; k < n; k++)
		d[k].first = d[k].next;
	ret = phase(r, d, n, q->burst, begin + engine_ticks(r->e, q->duration_us));
	if (ret < 0)
		return ret;
	end = engine_tsc();
	gaps = r->res->gaps;
	for (unsigned int k = 0; k < n; k++)
		d[k].last = d[k].next;

	/* what is still on its way gets as long as a stall may take */
	ret = phase(r, d, n, 0, end + 2 * engine_ticks(r->e, STALL_US));
	r->res->ticks = end - begin;
	r->res->gaps = gaps;
	for (unsigned int k = 0; k < n; k++) {
		r->res->sent += d[k].last - d[k].first;
		r->res->received += d[k].received;
		r->res->corrupt += d[k].corrupt;
	}
	/* a duplicate is no loss; it must not look like a huge one either */
	if (r->res->received < r->res->sent)
		r->res->lost = r->res->sent - r->res->received;
	r->res->bytes = r->res->received * q->frame_bytes;
	return ret;
}

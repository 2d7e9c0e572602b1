/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_priv.h"

#define ARP_TRIES    5u
#define ARP_WAIT_US  UINT64_C(200000)
#define ECHO_WAIT_US UINT64_C(1000000)
#define ECHO_ID	     0x5352u

static bool still_there(struct engine_run *r, struct nif *n, uint32_t slot, uint32_t gen)
{
	struct engine_home *h = &r->e->home;

	return h->nif(h->ctx, slot) == n && n->gen == gen;
}

int engine_service(struct engine_run *r)
{
	struct engine_home *h = &r->e->home;
	int ret = h->service(h->ctx, r->skip);

	if (ret < 0)
		return ret;
	if (!still_there(r, r->a, r->req->slot_a, r->gen_a))
		return -ENODEV;
	if (r->b && !still_there(r, r->b, r->req->slot_b, r->gen_b))
		return -ENODEV;
	if (!r->a->up || (r->b && !r->b->up))
		return -ENETDOWN;
	return engine_tsc() > r->deadline ? -ETIMEDOUT : 0;
}

/* Poll through the service (the interface is not skipped) until @done or @until. */
static int wait_for(struct engine_run *r, const bool *done, uint64_t until)
{
	while (!*done) {
		int ret = engine_service(r);

		if (ret < 0)
			return ret;
		if (engine_tsc() > until)
			return -EAGAIN;
	}
	return 0;
}

static int arp_resolve(struct engine_run *r)
{
	struct engine *e = r->e;

	e->ping.ipv4 = r->req->dst_ipv4;
	e->ping.slot = r->req->slot_a;
	e->ping.arp_done = false;
	e->ping.arp_wanted = true;
	for (unsigned int i = 0; i < ARP_TRIES; i++) {
		uint8_t *buf = vfdrv_pool_get(r->a->pool);
		int ret;

		if (!buf)
			return -ENOBUFS;
		nif_send_one(r->a, buf, frame_arp_request(buf, &r->a->host, r->req->dst_ipv4));
		ret = wait_for(r, &e->ping.arp_done, engine_tsc() + engine_ticks(e, ARP_WAIT_US));
		if (ret != -EAGAIN)
			return ret;
	}
	return -EHOSTUNREACH;
}

/* One echo; a lost one is counted, not an error. */
static int echo(struct engine_run *r, const struct frame_host *peer, uint16_t seq)
{
	uint64_t begin, wait_us = r->req->duration_us ? r->req->duration_us : ECHO_WAIT_US;
	struct engine *e = r->e;
	uint8_t *buf = vfdrv_pool_get(r->a->pool);
	uint32_t len;
	int ret;

	if (!buf)
		return -ENOBUFS;
	e->ping.id = ECHO_ID ^ (uint16_t)e->run;
	e->ping.seq = seq;
	e->ping.echo_done = false;
	e->ping.echo_wanted = true;
	len = frame_echo_request(buf, &r->a->host, peer, e->ping.id, seq);
	begin = engine_tsc();
	nif_send_one(r->a, buf, len);
	r->res->sent++;

	ret = wait_for(r, &e->ping.echo_done, begin + engine_ticks(e, wait_us));
	e->ping.echo_wanted = false;
	if (ret == -EAGAIN) {
		r->res->lost++;
		return 0;
	}
	if (ret < 0)
		return ret;
	r->res->received++;
	r->res->bytes += len;
	hist_add(&r->res->hist, e->ping.echo_ticks - begin);
	return 0;
}

int engine_ping(struct engine_run *r)
{
	struct engine *e = r->e;
	struct frame_host peer = {.ipv4 = r->req->dst_ipv4};
	uint64_t begin;
	int ret;

	r->skip = 0;
	ret = arp_resolve(r);
	e->ping.arp_wanted = false;
	if (ret < 0)
		return ret;
	for (unsigned int i = 0; i < 6; i++)
		peer.mac[i] = e->ping.mac[i];

	begin = engine_tsc();
	for (uint64_t i = 0; i < r->req->count && !ret; i++)
		ret = echo(r, &peer, (uint16_t)i);
	e->ping.echo_wanted = false;
	r->res->ticks = engine_tsc() - begin;
	return ret;
}

void engine_frame(struct engine *e, struct nif *n, const struct frame_info *info)
{
	if (n->slot != e->ping.slot || info->peer.ipv4 != e->ping.ipv4)
		return;
	if (info->kind == FRAME_ARP_REPLY && e->ping.arp_wanted) {
		for (unsigned int i = 0; i < 6; i++)
			e->ping.mac[i] = info->peer.mac[i];
		e->ping.arp_done = true;
	} else if (info->kind == FRAME_ECHO_REPLY && e->ping.echo_wanted && !e->ping.echo_done &&
		   info->id == e->ping.id && info->seq == e->ping.seq) {
		e->ping.echo_ticks = engine_tsc();
		e->ping.echo_done = true;
	}
}

static int interfaces_find(struct engine_run *r)
{
	struct engine_home *h = &r->e->home;

	r->a = h->nif(h->ctx, r->req->slot_a);
	if (!r->a)
		return -ENODEV;
	r->gen_a = r->a->gen;
	r->skip = BIT32(r->req->slot_a);
	if (!r->a->up)
		return -ENETDOWN;
	if (r->req->kind == GUEST_REQ_PING)
		return 0;

	r->b = h->nif(h->ctx, r->req->slot_b);
	if (!r->b)
		return -ENODEV;
	r->gen_b = r->b->gen;
	r->skip |= BIT32(r->req->slot_b);
	return r->b->up ? 0 : -ENETDOWN;
}

/*
 * An interrupt in the middle of a measurement would be measured. A VF is left as it is: masking it
 * is an access that traps, while its first interrupt comes during the warm-up and masks it.
 */
static void disarm(struct nif *n)
{
	if (n && n->armed && n->kind != GUEST_IF_VF) {
		n->ops->irq(n, false);
		n->armed = false;
	}
}

int engine_run(struct engine *e, const struct guest_req *req, struct guest_res *res)
{
	struct engine_run r = {.e = e, .req = req, .res = res};
	int ret;

	e->run++;
	ret = interfaces_find(&r);
	if (ret < 0)
		return ret;
	r.gap = engine_ticks(e, GUEST_GAP_US);
	r.stall = engine_ticks(e, GUEST_STALL_US);
	r.deadline = req->timeout_us ? engine_tsc() + engine_ticks(e, req->timeout_us) : UINT64_MAX;
	disarm(r.a);
	disarm(r.b);
	engine_look_first(&r, engine_tsc());

	switch (req->kind) {
	case GUEST_REQ_PING:
		return engine_ping(&r);
	case GUEST_REQ_RTT:
		return engine_rtt(&r);
	case GUEST_REQ_THROUGHPUT:
		return engine_throughput(&r);
	default:
		return -EINVAL;
	}
}

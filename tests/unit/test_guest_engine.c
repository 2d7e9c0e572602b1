/* SPDX-License-Identifier: BSD-3-Clause */
/* Measurements between two interfaces joined by a wire of memory, which can lose, break and go
 * away. */
#include <support/test.h>
#include <errno.h>
#include <guest/engine.h>
#include <stdlib.h>
#include <string.h>

#define BUFS	    512u
#define WIRE	    512u
#define SLOT_A	    2u
#define SLOT_B	    5u
#define TSC_KHZ	    2000000u
#define STALL_TICKS UINT64_C(6000000) /* 3 ms */

struct port {
	struct nif n;
	struct vfdrv_pool pool;
	struct port *other;
	struct vfdrv_pkt wire[WIRE]; /* frames on the way to us, in our own buffers */
	unsigned int head, tail;
	uint64_t sent;
	uint64_t lose_every, damage_every;
	unsigned int irq_offs;
	uint8_t (*mem)[VFDRV_BUF_BYTES];
};

static struct rig {
	struct engine e;
	struct port a, b;
	unsigned int services, inputs;
	unsigned int vanish_at; /* service call at which B goes; 0: never */
	unsigned int cancel_at;
	unsigned int stall_at; /* service call that takes STALL_TICKS */
	bool b_gone;
} rig;

static unsigned int port_rx(struct nif *n, struct vfdrv_pkt *pkt, unsigned int max)
{
	struct port *p = (struct port *)n;
	unsigned int k = 0;

	while (k < max && p->head != p->tail)
		pkt[k++] = p->wire[p->head++ % WIRE];
	return k;
}

static unsigned int port_tx(struct nif *n, const struct vfdrv_pkt *pkt, unsigned int k)
{
	struct port *p = (struct port *)n, *o = p->other;

	for (unsigned int i = 0; i < k; i++) {
		uint8_t *to;

		p->sent++;
		if (!(p->lose_every && p->sent % p->lose_every == 0) && o->tail - o->head < WIRE) {
			to = vfdrv_pool_get(&o->pool);
			if (to) {
				memcpy(to, pkt[i].data, pkt[i].len);
				if (p->damage_every && p->sent % p->damage_every == 0)
					to[pkt[i].len - 1] ^= 1;
				o->wire[o->tail++ % WIRE] =
					(struct vfdrv_pkt){.data = to, .len = pkt[i].len};
			}
		}
		vfdrv_pool_put(&p->pool, pkt[i].data);
	}
	return k;
}

static void port_irq(struct nif *n, bool on)
{
	((struct port *)n)->irq_offs += !on;
}

static const struct nif_ops port_ops = {.rx = port_rx, .tx = port_tx, .irq = port_irq};

static void port_init(struct port *p, struct port *other, uint32_t slot)
{
	memset(p, 0, sizeof(*p));
	p->other = other;
	p->n = (struct nif){
		.ops = &port_ops, .pool = &p->pool, .slot = slot, .gen = slot, .up = true};
	p->n.host.mac[0] = 2;
	p->n.host.mac[5] = (uint8_t)slot;
	p->n.host.ipv4 = frame_ipv4_of(p->n.host.mac);
	p->mem = calloc(BUFS, sizeof(*p->mem));
	for (unsigned int i = 0; i < BUFS; i++)
		vfdrv_pool_put(&p->pool, p->mem[i]);
}

static struct nif *find(void *ctx, uint32_t slot)
{
	if (slot == SLOT_A)
		return &rig.a.n;
	return slot == SLOT_B && !rig.b_gone ? &rig.b.n : NULL;
}

static void input(void *ctx, struct nif *n, const struct vfdrv_pkt *pkt)
{
	struct frame_info info = frame_classify(pkt->data, pkt->len, &n->host);
	uint32_t len;

	rig.inputs++;
	engine_frame(&rig.e, n, &info);
	len = frame_respond(pkt->data, pkt->len, &n->host);
	if (len)
		nif_send_one(n, pkt->data, len);
	else
		vfdrv_pool_put(n->pool, pkt->data);
}

static void poll(struct port *p)
{
	struct vfdrv_pkt pkt[8];
	unsigned int k = port_rx(&p->n, pkt, 8);

	for (unsigned int i = 0; i < k; i++)
		input(NULL, &p->n, &pkt[i]);
}

static int service(void *ctx, uint32_t skip)
{
	rig.services++;
	if (rig.vanish_at && rig.services >= rig.vanish_at)
		rig.b_gone = true;
	if (rig.cancel_at && rig.services >= rig.cancel_at)
		return -ECANCELED;
	if (rig.stall_at && rig.services == rig.stall_at)
		for (uint64_t begin = __builtin_ia32_rdtsc();
		     __builtin_ia32_rdtsc() - begin < STALL_TICKS;)
			;
	if (!(skip & BIT32(SLOT_A)))
		poll(&rig.a);
	if (!(skip & BIT32(SLOT_B)) && !rig.b_gone)
		poll(&rig.b);
	return 0;
}

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	port_init(&rig.a, &rig.b, SLOT_A);
	port_init(&rig.b, &rig.a, SLOT_B);
	rig.e.home = (struct engine_home){
		.tsc_khz = TSC_KHZ, .nif = find, .service = service, .input = input};
	return 0;
}

static int teardown(void **state)
{
	free(rig.a.mem);
	free(rig.b.mem);
	return 0;
}

static struct guest_req request(uint32_t kind)
{
	return (struct guest_req){
		.seq = 1,
		.kind = kind,
		.slot_a = SLOT_A,
		.slot_b = SLOT_B,
		.frame_bytes = 60,
		.count = 1000,
		.warmup = 10,
		.duration_us = 20000,
		.warmup_us = 2000,
		.timeout_us = 5000000,
		.burst = 32,
	};
}

/* run, and see that the result is one the VMM would take */
static int run(const struct guest_req *q, struct guest_res *res)
{
	int r;

	memset(res, 0, sizeof(*res));
	assert_int_equal(guest_req_check(q), 0);
	r = engine_run(&rig.e, q, res);
	res->seq = q->seq;
	res->error = (uint32_t)-r;
	assert_int_equal(guest_res_check(q, res), 0);
	return r;
}

static void no_buffer_is_lost(void)
{
	poll(&rig.a);
	while (rig.a.head != rig.a.tail || rig.b.head != rig.b.tail) {
		poll(&rig.a);
		poll(&rig.b);
	}
	assert_int_equal(rig.a.pool.n, BUFS);
	assert_int_equal(rig.b.pool.n, BUFS);
}

static void every_round_trip_is_recorded(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	rig.a.n.armed = true;
	assert_int_equal(run(&q, &res), 0);
	assert_int_equal(res.sent, 1000);
	assert_int_equal(res.received, 1000);
	assert_int_equal(res.hist.n, 1000);
	assert_int_equal(res.lost, 0);
	assert_int_equal(res.corrupt, 0);
	assert_int_equal(res.bytes, 60000);
	assert_true(res.ticks > 0);
	assert_int_equal(rig.a.sent, 1010);
	assert_int_equal(rig.b.sent, 1010);
	assert_int_equal(rig.a.irq_offs, 1);
	assert_false(rig.a.n.armed);
	no_buffer_is_lost();
}

static void vf_is_left_to_mask_itself_where_masking_would_trap(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	rig.a.n.kind = GUEST_IF_VF;
	rig.a.n.armed = true;
	assert_int_equal(run(&q, &res), 0);
	assert_int_equal(rig.a.irq_offs, 0);
	assert_true(rig.a.n.armed);
}

static void lost_rounds_are_counted_and_measuring_goes_on(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	q.count = 20;
	q.warmup = 0;
	rig.e.home.tsc_khz = 2000; /* a thousand times faster deadlines */
	q.timeout_us = 0;
	rig.a.lose_every = 7;
	assert_int_equal(run(&q, &res), 0);
	assert_int_equal(res.sent, 20);
	assert_int_equal(res.lost, 2);
	assert_int_equal(res.received, 18);
	no_buffer_is_lost();
}

static void damaged_payload_is_noticed(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	rig.b.damage_every = 100;
	assert_int_equal(run(&q, &res), 0);
	assert_in_range(res.corrupt, 10, 1000);
}

static void throughput_adds_up_in_both_directions(void **state)
{
	struct guest_req q = request(GUEST_REQ_THROUGHPUT);
	struct guest_res res;

	for (q.bidir = 0; q.bidir < 2; q.bidir++) {
		assert_int_equal(run(&q, &res), 0);
		assert_true(res.received > 1000);
		assert_int_equal(res.sent, res.received);
		assert_int_equal(res.lost, 0);
		assert_int_equal(res.corrupt, 0);
		assert_int_equal(res.bytes, res.received * 60);
		assert_in_range(res.ticks, 20000 * 2000, 20000 * 2000 * 50u);
		no_buffer_is_lost();
	}
}

static void lost_frames_cost_no_credit_for_ever(void **state)
{
	struct guest_req q = request(GUEST_REQ_THROUGHPUT);
	struct guest_res res;

	rig.a.lose_every = 10;
	q.frame_bytes = 1514;
	assert_int_equal(run(&q, &res), 0);
	assert_int_equal(res.sent, res.received + res.lost);
	assert_true(res.sent > 5 * ENGINE_CREDIT);
	assert_in_range(res.lost, res.sent / 10 - 1, res.sent / 10 + 1);
	no_buffer_is_lost();
}

static void a_loop_that_stood_still_is_told(void **state)
{
	static const uint32_t kind[] = {GUEST_REQ_RTT, GUEST_REQ_THROUGHPUT};
	struct guest_res res;

	for (unsigned int i = 0; i < 2; i++) {
		struct guest_req q = request(kind[i]);

		q.warmup_us = 0;
		rig.stall_at = rig.services + 3;
		assert_int_equal(run(&q, &res), 0);
		assert_true(rig.services >= rig.stall_at);
		assert_true(res.gaps.n >= 1);
		assert_true(res.gaps.max >= STALL_TICKS);
		assert_true(res.gaps.stalled >= STALL_TICKS);
		assert_true(res.gaps.lost >= res.gaps.stalled);
	}
}

static void a_loop_that_stood_still_while_it_warmed_up_is_not(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	q.count = 1;
	q.warmup = 1000;
	rig.stall_at = rig.services + 3;
	assert_int_equal(run(&q, &res), 0);
	assert_true(rig.services >= rig.stall_at);
	/* a machine that is busy may add gaps of its own to the one round trip */
	assert_true(res.gaps.n <= 3);
}

static void buffers_that_carried_other_frames_are_filled_anew(void **state)
{
	struct guest_req q = request(GUEST_REQ_THROUGHPUT), ping = request(GUEST_REQ_PING);
	struct guest_res res;

	for (unsigned int i = 0; i < 4; i++) {
		q.frame_bytes = i % 2 ? 60 : 1514;
		assert_int_equal(run(&q, &res), 0);
		assert_int_equal(res.corrupt, 0);
		ping.count = 50;
		ping.dst_ipv4 = rig.b.n.host.ipv4;
		assert_int_equal(run(&ping, &res), 0);
	}
}

static void ping_resolves_and_counts_echoes(void **state)
{
	struct guest_req q = request(GUEST_REQ_PING);
	struct guest_res res;

	q.count = 5;
	q.dst_ipv4 = rig.b.n.host.ipv4;
	assert_int_equal(run(&q, &res), 0);
	assert_int_equal(res.sent, 5);
	assert_int_equal(res.received, 5);
	assert_int_equal(res.hist.n, 5);
	no_buffer_is_lost();
}

static void ping_to_nobody_is_host_unreachable(void **state)
{
	struct guest_req q = request(GUEST_REQ_PING);
	struct guest_res res;

	rig.e.home.tsc_khz = 2000;
	q.timeout_us = 0;
	q.dst_ipv4 = rig.b.n.host.ipv4 + 1;
	assert_int_equal(run(&q, &res), -EHOSTUNREACH);
	assert_int_equal(res.sent, 0);
}

static void interface_that_goes_ends_the_measurement(void **state)
{
	static const uint32_t kind[] = {GUEST_REQ_RTT, GUEST_REQ_THROUGHPUT};
	struct guest_res res;

	for (unsigned int i = 0; i < 2; i++) {
		struct guest_req q = request(kind[i]);

		q.count = 1000000;
		q.duration_us = 5000000;
		rig.b_gone = false;
		rig.vanish_at = rig.services + 10;
		assert_int_equal(run(&q, &res), -ENODEV);
		rig.vanish_at = 0;
	}
}

static void other_interface_in_the_same_slot_is_not_taken_for_it(void **state)
{
	struct guest_req q = request(GUEST_REQ_RTT);
	struct guest_res res;

	rig.b_gone = true;
	assert_int_equal(run(&q, &res), -ENODEV);
	rig.b_gone = false;
	rig.b.n.up = false;
	assert_int_equal(run(&q, &res), -ENETDOWN);
}

static void power_button_and_deadline_end_the_measurement(void **state)
{
	struct guest_req q = request(GUEST_REQ_THROUGHPUT);
	struct guest_res res;

	q.duration_us = 60000000;
	q.timeout_us = 10000;
	assert_int_equal(run(&q, &res), -ETIMEDOUT);
	q.timeout_us = 60000000;
	rig.cancel_at = rig.services + 3;
	assert_int_equal(run(&q, &res), -ECANCELED);
	rig.cancel_at = 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_round_trip_is_recorded),
		CASE(vf_is_left_to_mask_itself_where_masking_would_trap),
		CASE(lost_rounds_are_counted_and_measuring_goes_on),
		CASE(damaged_payload_is_noticed),
		CASE(throughput_adds_up_in_both_directions),
		CASE(lost_frames_cost_no_credit_for_ever),
		CASE(a_loop_that_stood_still_is_told),
		CASE(a_loop_that_stood_still_while_it_warmed_up_is_not),
		CASE(buffers_that_carried_other_frames_are_filled_anew),
		CASE(ping_resolves_and_counts_echoes),
		CASE(ping_to_nobody_is_host_unreachable),
		CASE(interface_that_goes_ends_the_measurement),
		CASE(other_interface_in_the_same_slot_is_not_taken_for_it),
		CASE(power_button_and_deadline_end_the_measurement),
	};

	return cmocka_run_group_tests_name("guest_engine", tests, NULL, NULL);
}

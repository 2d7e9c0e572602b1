/* SPDX-License-Identifier: BSD-3-Clause */
#include "switch.h"
#include "uplink.h"

#include <assert.h>
#include <lib/clock.h>
#include <lib/mmio.h>
#include <linux/membarrier.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>

/* queue numbers as vhost counts them: 0 is what the guest receives from */
#define VHOST_QUEUE_TO_GUEST   0
#define VHOST_QUEUE_FROM_GUEST 1

#define FRAME_MIN 14u

#define SPIN_US	     1000u
#define NAP_UNTIL_US 50000u
#define NAP_US	     50u
#define SLEEP_US     500u
#define STUCK_US     (10 * USEC_PER_SEC)

/* TSC to milliseconds, fixed before the data thread starts. */
static uint64_t tsc_per_ms;

uint32_t fp_switch_now_ms(void)
{
	return (uint32_t)(tsc_read() / tsc_per_ms);
}

int fp_switch_init(struct fp_switch *sw, struct rte_mempool *pool)
{
	uint64_t seed;
	int r;

	memset(sw, 0, sizeof(*sw));
	sw->pool = pool;
	tsc_per_ms = rte_get_tsc_hz() / 1000;
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) < 0)
		return -errno;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -errno;
	r = fp_fdb_new(seed, &sw->fdb);
	if (r < 0)
		return r;
	atomic_store(&sw->set, calloc(1, sizeof(struct fp_set)));
	return atomic_load(&sw->set) ? 0 : -ENOMEM;
}

void fp_switch_done(struct fp_switch *sw)
{
	fp_fdb_free(sw->fdb);
	free(atomic_load(&sw->set));
	sw->fdb = NULL;
	atomic_store(&sw->set, NULL);
}

void fp_switch_quiesce(struct fp_switch *sw)
{
	uint64_t seen, deadline = clock_us() + STUCK_US;

	/*
	 * The barrier runs on the data thread's CPU as well: what we stored is visible to all it
	 * loads from now on. The round it is in may still use what it loaded before; the next does
	 * not.
	 */
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	seen = atomic_load(&sw->epoch);
	while (atomic_load(&sw->running) && atomic_load(&sw->epoch) == seen) {
		/* going on would free memory that it uses: better to die and be restarted */
		if (clock_us() > deadline)
			abort();
		clock_sleep_us(20);
	}
}

/* @old is no more used once this returns. */
static void set_publish(struct fp_switch *sw, struct fp_set *fresh)
{
	struct fp_set *old = atomic_exchange(&sw->set, fresh);

	fp_switch_quiesce(sw);
	free(old);
}

int fp_switch_add_port(struct fp_switch *sw, struct fp_port *p)
{
	const struct fp_set *now = atomic_load(&sw->set);
	struct fp_set *fresh = malloc(sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	*fresh = *now;
	assert(p->id < FP_PORTS && fresh->n < FP_PORTS && !fresh->by_id[p->id]);
	p->last.port = FP_FDB_NONE;
	fresh->port[fresh->n++] = p;
	fresh->by_id[p->id] = p;
	set_publish(sw, fresh);
	return 0;
}

int fp_switch_remove_port(struct fp_switch *sw, struct fp_port *p)
{
	const struct fp_set *now = atomic_load(&sw->set);
	struct fp_set *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	for (unsigned int i = 0; i < now->n; i++) {
		if (now->port[i] == p)
			continue;
		fresh->port[fresh->n++] = now->port[i];
		fresh->by_id[now->port[i]->id] = now->port[i];
	}
	set_publish(sw, fresh);
	fp_switch_flush(sw, p->id);
	fp_switch_quiesce(sw);
	return 0;
}

void fp_switch_flush(struct fp_switch *sw, unsigned int id)
{
	atomic_fetch_or(&sw->flush, UINT64_C(1) << id);
}

static void port_send(struct fp_port *p)
{
	uint16_t n = (uint16_t)p->n_out, sent = 0;
	int vid = atomic_load_explicit(&p->vid, memory_order_relaxed);
	uint64_t bytes = 0;

	p->n_out = 0;
	if (p->uplink)
		sent = fp_uplink_send(p->uplink, p->out, n);
	else if (vid >= 0)
		sent = rte_vhost_enqueue_burst(vid, VHOST_QUEUE_TO_GUEST, p->out, n);
	for (uint16_t i = 0; i < sent; i++)
		bytes += p->out[i]->pkt_len;
	counter_add(&p->tx_packets, sent);
	counter_add(&p->tx_bytes, bytes);
	if (sent < n)
		counter_add(&p->tx_dropped, (uint64_t)n - sent);
}

static void flood(struct fp_switch *sw, const struct fp_set *set, const struct fp_port *from,
		  struct rte_mbuf *m)
{
	for (unsigned int i = 0; i < set->n; i++) {
		struct fp_port *to = set->port[i];

		if (to != from &&
		    (to->uplink || atomic_load_explicit(&to->vid, memory_order_relaxed) >= 0))
			to->out[to->n_out++] = m;
	}
	counter_add(&sw->flooded, 1);
}

/* Goes where the port's last frame went? Most frames do: senders come in bursts. */
static inline bool forward_same(const struct fp_switch *sw, const struct fp_set *set,
				const struct fp_port *from, struct rte_mbuf *m, uint32_t now_ms)
{
	const struct fp_flow_cache *c = &from->last;
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	struct fp_port *to;
	uint64_t low;
	uint32_t high;

	if (m->data_len < FRAME_MIN || c->port < 0 || c->now_ms != now_ms ||
	    c->version != sw->fdb->version)
		return false;
	memcpy(&low, frame, sizeof(low));
	memcpy(&high, frame + sizeof(low), sizeof(high));
	to = set->by_id[c->port];
	if (low != c->mac_low || high != c->mac_high || !to)
		return false;
	if (to != from)
		to->out[to->n_out++] = m;
	return true;
}

static void remember(const struct fp_switch *sw, struct fp_port *from, const uint8_t *frame,
		     int port, uint32_t now_ms)
{
	struct fp_flow_cache *c = &from->last;

	memcpy(&c->mac_low, frame, sizeof(c->mac_low));
	memcpy(&c->mac_high, frame + sizeof(c->mac_low), sizeof(c->mac_high));
	c->version = sw->fdb->version;
	c->now_ms = now_ms;
	c->port = port;
}

/* Learn the source, choose the destination. A frame is in at most one batch of each port. */
static void forward(struct fp_switch *sw, const struct fp_set *set, struct fp_port *from,
		    struct rte_mbuf *m, uint32_t now_ms)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	mac48_t dst, src;
	int port;

	if (m->data_len < FRAME_MIN) {
		counter_add(&from->rx_dropped, 1);
		return;
	}
	dst = fp_mac(frame);
	src = fp_mac(frame + 6);
	if (fp_mac_is_group(src) || src.v == 0) {
		counter_add(&from->rx_dropped, 1);
		return;
	}
	if (from->only_from.v && src.v != from->only_from.v) {
		counter_add(&from->spoofed, 1);
		return;
	}
	fp_fdb_learn(sw->fdb, src, from->id, now_ms);

	port = fp_mac_is_group(dst) ? FP_FDB_NONE : fp_fdb_lookup(sw->fdb, dst);
	if (port >= 0 && set->by_id[port]) {
		struct fp_port *to = set->by_id[port];

		remember(sw, from, frame, port, now_ms);
		/* a frame to where it came from is at its end already */
		if (to != from)
			to->out[to->n_out++] = m;
		return;
	}
	flood(sw, set, from, m);
}

static unsigned int port_poll(struct fp_switch *sw, const struct fp_set *set, struct fp_port *from,
			      uint32_t now_ms)
{
	struct rte_mbuf *m[FP_BURST];
	uint64_t bytes = 0;
	uint16_t n;

	if (from->uplink) {
		n = fp_uplink_recv(from->uplink, m, FP_BURST);
	} else {
		int vid = atomic_load_explicit(&from->vid, memory_order_relaxed);

		if (vid < 0)
			return 0;
		n = rte_vhost_dequeue_burst(vid, VHOST_QUEUE_FROM_GUEST, sw->pool, m, FP_BURST);
	}
	if (n == 0)
		return 0;

	for (uint16_t i = 0; i < n; i++) {
		bytes += m[i]->pkt_len;
		if (!forward_same(sw, set, from, m[i], now_ms))
			forward(sw, set, from, m[i], now_ms);
	}
	for (unsigned int i = 0; i < set->n; i++)
		if (set->port[i]->n_out > 0)
			port_send(set->port[i]);
	rte_pktmbuf_free_bulk(m, n);
	counter_add(&from->rx_packets, n);
	counter_add(&from->rx_bytes, bytes);
	return n;
}

static void flush_requests(struct fp_switch *sw)
{
	uint64_t flush = atomic_exchange(&sw->flush, 0);

	for (unsigned int id = 0; id < FP_PORTS; id++)
		if (flush & (UINT64_C(1) << id))
			fp_fdb_flush(sw->fdb, id);
}

/* Between packets: spin, then nap, then sleep, so that an idle bridge costs next to nothing. */
static void idle(struct fp_switch *sw, uint64_t idle_us)
{
	int rung = idle_us < SPIN_US ? FP_SPIN : idle_us < NAP_UNTIL_US ? FP_NAP : FP_SLEEP;

	if (atomic_load_explicit(&sw->rung, memory_order_relaxed) != rung)
		atomic_store_explicit(&sw->rung, rung, memory_order_relaxed);
	if (rung == FP_SPIN)
		cpu_relax();
	else
		clock_sleep_us(rung == FP_NAP ? NAP_US : SLEEP_US);
}

int fp_switch_run(void *arg)
{
	const uint64_t tsc_per_us = tsc_per_ms / 1000;
	struct fp_switch *sw = arg;
	uint64_t busy_tsc = tsc_read(), begun = busy_tsc;
	bool worked = false;
	uint32_t last_ms = fp_switch_now_ms();

	prctl(PR_SET_TIMERSLACK, 1UL);
	atomic_store(&sw->running, true);
	while (!atomic_load_explicit(&sw->stop, memory_order_relaxed)) {
		uint64_t round = atomic_load_explicit(&sw->epoch, memory_order_relaxed);
		uint64_t tsc = tsc_read();
		uint32_t now_ms = (uint32_t)(tsc / tsc_per_ms);
		const struct fp_set *set;
		unsigned int n = 0;

		/* the clock is read once a round */
		if (worked)
			counter_add(&sw->busy_tsc, tsc - begun);
		begun = tsc;
		atomic_store_explicit(&sw->epoch, round + 1, memory_order_release);
		set = atomic_load_explicit(&sw->set, memory_order_acquire);
		if (atomic_load_explicit(&sw->flush, memory_order_relaxed) != 0)
			flush_requests(sw);
		for (unsigned int i = 0; i < set->n; i++)
			n += port_poll(sw, set, set->port[i], now_ms);
		if (now_ms != last_ms) {
			/* a bucket a millisecond: the table is swept once a second */
			fp_fdb_age(sw->fdb, now_ms, now_ms - last_ms);
			last_ms = now_ms;
		}
		worked = n > 0;
		if (worked)
			busy_tsc = tsc;
		else
			idle(sw, (tsc - busy_tsc) / tsc_per_us);
	}
	atomic_store(&sw->running, false);
	return 0;
}

void fp_switch_stop(struct fp_switch *sw)
{
	atomic_store(&sw->stop, true);
}

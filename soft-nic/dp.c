/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <lib/clock.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "dp_rx.h"

/* Idle ladder: how long after the last frame we stop spinning and stop napping, and how long each
 * is. */
#define DP_SPIN_US	1000u
#define DP_NAP_UNTIL_US 50000u
#define DP_NAP_US	50u
#define DP_SLEEP_US	500u
#define DP_SLEEP_OFF_US 2000u /* nothing is enabled */
#define DP_TICK_US	1000u

void dp_hints_fill(struct dp_fn *fn)
{
	memset(fn->hint, 0, sizeof(fn->hint));
	for (uint32_t i = 0; i < fn->n; i++) {
		const struct snic_dma *r = &fn->region[i];
		uint64_t first = r->iova >> 21, n = ((r->iova + r->size - 1) >> 21) - first;

		for (uint64_t k = 0; k <= n && k < DP_HINTS; k++)
			fn->hint[(first + k) % DP_HINTS] = (uint8_t)i;
	}
}

static uint8_t *reach_in(const struct snic_dma *r, struct dp_window *w, uint64_t iova, uint64_t len,
			 bool write, uint32_t slack)
{
	uint64_t off = iova - r->iova;

	if (off >= r->size || len > r->size - off || !(write ? r->writable : r->readable))
		return NULL;
	if (r->size >= slack)
		*w = (struct dp_window){r->iova, r->size - slack + 1, (uintptr_t)r->va};
	return r->va + off;
}

uint8_t *dp_reach(const struct dp_fn *fn, struct dp_window *w, uint64_t iova, uint64_t len,
		  bool write, uint32_t slack)
{
	uint32_t hint = fn->hint[dp_hint(iova)];
	uint8_t *va = NULL;

	if (hint < fn->n)
		va = reach_in(&fn->region[hint], w, iova, len, write, slack);
	/* a table is short, and only hostile or very scattered memory gets here */
	for (uint32_t i = 0; !va && i < fn->n; i++)
		va = reach_in(&fn->region[i], w, iova, len, write, slack);
	return va;
}

void dp_init(struct dp *dp, struct intr *intr, void (*poke)(void *), void *ctx)
{
	dp->intr = intr;
	dp->poke = poke;
	dp->poke_ctx = ctx;
	dp->tsc_per_us = 1;
	dp->timer.tsc_per_us = 1;
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		dp->tx[q].index = (uint8_t)q;
		dp->tx[q].pool = (uint8_t)(q % NIC_VFS_MAX);
		dp->tx[q].last_key = UINT64_MAX;
	}
}

static void adopt_rx(struct dp_rxq *rx, const struct dp_rxq_cfg *c)
{
	if (c->gen != rx->gen)
		dp_rx_restart(rx, c);
	rx->ring = atomic_load(&rx->stopped_gen) == c->gen ? NULL : c->ring;
	rx->regs = c->regs;
	rx->n_desc = c->n_desc;
	rx->fn = c->fn;
	rx->window.span = 0;
	/* buffers were translated by the old table: look at their descriptors again */
	rx->i_buf = rx->n_buf = rx->n_good = 0;
	rx->fetched = rx->head;
	rx->buf_len = c->buf_len;
	rx->limit = c->limit;
	rx->limit_tagged = c->limit_tagged;
	rx->plain_max = c->limit > DP_CRC ? c->limit - DP_CRC : 0;
	if (rx->plain_max > c->buf_len)
		rx->plain_max = c->buf_len;
	rx->drop_enabled = c->drop_enabled;
	rx->strip = c->strip;
	rx->strip_multi = c->strip_multi;
	rx->irq = c->irq;
}

static void adopt_tx(struct dp_txq *tx, const struct dp_txq_cfg *c)
{
	if (c->gen != tx->gen)
		dp_tx_restart(tx, c);
	tx->ring = atomic_load(&tx->stopped_gen) == c->gen ? NULL : c->ring;
	tx->regs = c->regs;
	tx->n_desc = c->n_desc;
	tx->fn = c->fn;
	tx->window.span = 0;
	tx->head_wb = c->head_wb;
	tx->vmvir = c->vmvir;
	tx->irq = c->irq;
	tx->last_key = UINT64_MAX;
	memset(tx->flow, 0, sizeof(tx->flow));
}

void dp_adopt(struct dp *dp, const struct dp_cfg *cfg)
{
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		adopt_rx(&dp->rx[q], &cfg->rx[q]);
		adopt_tx(&dp->tx[q], &cfg->tx[q]);
	}
	dp->cfg = cfg;
	atomic_store(&dp->acked, cfg->epoch);
	if (atomic_exchange(&dp->want_ack, false))
		dp->need_poke = true;
}

static void send_poke(struct dp *dp)
{
	dp->need_poke = false;
	if (dp->poke && !atomic_exchange(&dp->poked, true))
		dp->poke(dp->poke_ctx);
}

unsigned int dp_poll_once(struct dp *dp)
{
	const struct dp_cfg *cfg = atomic_load_explicit(&dp->next, memory_order_acquire);
	unsigned int work = 0;

	if (unlikely(cfg != dp->cfg))
		dp_adopt(dp, cfg);
	for (uint32_t i = 0; i < cfg->n_tx; i++)
		work += dp_tx_poll(dp, &dp->tx[cfg->tx_list[i]]);
	if (dp->wire)
		work += dp_wire_poll(dp);
	if (unlikely(dp->timer.late))
		intr_late(dp->intr, &dp->timer);
	if (unlikely(dp->need_poke))
		send_poke(dp);
	return work;
}

static const uint8_t rx_raw_off[DP_RAW] = {DPR_CTL, DPR_BAL,	DPR_BAH,
					   DPR_LEN, DPR_SRRCTL, DPR_SRRCTL};
static const uint8_t tx_raw_off[DP_RAW] = {DPR_CTL, DPR_BAL, DPR_BAH, DPR_LEN, DPR_WBAL, DPR_WBAH};

static bool raw_changed(volatile uint8_t *regs, const struct dp_raw *raw, const uint8_t *off)
{
	if ((mmio_read32(regs + off[0]) ^ raw->r[0]) & XDCTL_ENABLE)
		return true;
	if (!(raw->r[0] & XDCTL_ENABLE))
		return false;
	for (unsigned int i = 1; i < DP_RAW; i++)
		if (mmio_read32(regs + off[i]) != raw->r[i])
			return true;
	return false;
}

/* A head register that holds neither what we wrote: the driver set the queue up anew behind our
 * back. */
static bool head_overwritten(volatile uint8_t *regs, uint32_t published)
{
	return mmio_read32(regs + DPR_HEAD) != published;
}

static void tick_rx(struct dp *dp, unsigned int q)
{
	struct dp_rxq *rx = &dp->rx[q];
	uint32_t drops;

	if (raw_changed(rx->regs, &dp->cfg->rx_raw[q], rx_raw_off) ||
	    (dp->cfg->rx[q].ring && !rx->ring))
		dp->need_poke = true;
	drops = (uint32_t)rx->dropped_empty;
	if (mmio_read32(rx->regs + DPR_RQDPC) != drops)
		mmio_write32(rx->regs + DPR_RQDPC, drops);
	if (!rx->ring)
		return;
	if (head_overwritten(rx->regs, rx->published)) {
		rx->ring = NULL;
		rx->i_buf = rx->n_buf = rx->n_good = 0;
		atomic_store(&rx->stopped_gen, rx->gen);
		dp->need_poke = true;
	} else if (rx->head != rx->published && (mmio_read32(rx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		rx->published = rx->head;
		mmio_write32(rx->regs + DPR_HEAD, rx->head);
	}
}

static void tick_tx(struct dp *dp, unsigned int q)
{
	struct dp_txq *tx = &dp->tx[q];

	if (raw_changed(tx->regs, &dp->cfg->tx_raw[q], tx_raw_off) ||
	    (dp->cfg->tx[q].ring && !tx->ring))
		dp->need_poke = true;
	if (!tx->ring)
		return;
	if (head_overwritten(tx->regs, tx->published)) {
		tx->ring = NULL;
		atomic_store(&tx->stopped_gen, tx->gen);
		dp->need_poke = true;
	} else if (tx->head != tx->published && (mmio_read32(tx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		tx->published = tx->head;
		mmio_write32(tx->regs + DPR_HEAD, tx->head);
	}
}

void dp_tick(struct dp *dp)
{
	if (!dp->cfg)
		return;
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		tick_rx(dp, q);
		tick_tx(dp, q);
	}
	if (dp->causes) {
		intr_cause(dp->intr, dp->causes);
		dp->causes = 0;
	}
	if (dp->need_poke)
		send_poke(dp);
}

/* ---- the thread ------------------------------------------------------------------------- */

static long futex(_Atomic uint32_t *word, int op, uint32_t val, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, timeout, NULL, 0);
}

/* Wake the data thread if it naps. Any thread. */
void dp_kick(struct dp *dp)
{
	io_mb();
	if (atomic_exchange(&dp->sleeping, 0))
		futex(&dp->sleeping, FUTEX_WAKE, 1, NULL);
}

static void dp_sleep(struct dp *dp, uint32_t us)
{
	struct timespec ts = {.tv_nsec = (long)us * 1000};

	atomic_store(&dp->sleeping, 1);
	io_mb();
	/* what a kicker announces after this look finds 'sleeping' set */
	if (atomic_load(&dp->next) == dp->cfg && !atomic_load(&dp->stop) &&
	    !(dp->wire && snic_wire_peek(&dp->wire->in)))
		futex(&dp->sleeping, FUTEX_WAIT, 1, &ts);
	atomic_store(&dp->sleeping, 0);
}

static void *dp_main(void *arg)
{
	struct dp *dp = arg;
	uint64_t last_work = tsc_read(), last_tick = 0, now, idle;
	uint64_t per_us = dp->tsc_per_us;
	int rung;

	prctl(PR_SET_NAME, "snic-data");
	prctl(PR_SET_TIMERSLACK, 1000);
	while (!atomic_load_explicit(&dp->stop, memory_order_relaxed)) {
		unsigned int work = dp_poll_once(dp);

		now = tsc_read();
		if (work)
			last_work = now;
		if (now - last_tick >= DP_TICK_US * per_us) {
			last_tick = now;
			dp_tick(dp);
		}
		if (work)
			continue;
		idle = now - last_work;
		rung = !dp->cfg->any_queue || idle >= DP_NAP_UNTIL_US * per_us ? SNIC_SLEEP
		       : idle >= DP_SPIN_US * per_us			       ? SNIC_NAP
									       : SNIC_SPIN;
		if (atomic_load_explicit(&dp->rung, memory_order_relaxed) != rung)
			atomic_store_explicit(&dp->rung, rung, memory_order_relaxed);
		if (rung == SNIC_SPIN) {
			cpu_relax();
			continue;
		}
		dp_sleep(dp, rung == SNIC_NAP	  ? DP_NAP_US
			     : dp->cfg->any_queue ? DP_SLEEP_US
						  : DP_SLEEP_OFF_US);
		dp_tick(dp); /* a queue enabled meanwhile is noticed at every wake */
	}
	return NULL;
}

static uint64_t tsc_calibrate(void)
{
	uint64_t t0 = clock_us(), c0 = tsc_read(), us;

	clock_sleep_us(10000);
	us = clock_us() - t0;
	us = (tsc_read() - c0) / (us ? us : 1);
	return us ? us : 1;
}

int dp_start(struct dp *dp, int cpu)
{
	cpu_set_t set;
	int r;

	if (dp->threaded)
		return -EALREADY;
	dp->tsc_per_us = tsc_calibrate();
	dp->timer.tsc_per_us = dp->tsc_per_us;
	dp->cpu = cpu;
	atomic_store(&dp->stop, false);
	r = pthread_create(&dp->thread, NULL, dp_main, dp);
	if (r)
		return -r;
	dp->threaded = true;
	if (cpu >= 0 && cpu < CPU_SETSIZE) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		r = pthread_setaffinity_np(dp->thread, sizeof(set), &set);
		if (r) {
			dp_stop(dp);
			return -r;
		}
	}
	return 0;
}

void dp_stop(struct dp *dp)
{
	if (!dp->threaded)
		return;
	atomic_store(&dp->stop, true);
	dp_kick(dp);
	pthread_join(dp->thread, NULL);
	dp->threaded = false;
}

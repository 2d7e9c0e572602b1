/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include "dp_peer.h"
#include "dp_tx.h"

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

/*
 * Deficit round robin over pools, paid after the fact: a frame costs its bytes and a fixed part, so
 * a sender of long frames is served less often while others wait. Nobody waits for an idle one.
 */
#define DP_COST	   256
#define DP_QUANTUM (DP_BATCH * (64 + DP_COST))

/* Before there are threads, and when their number changes: who has which queues. */
static void workers_reset(struct dp *dp, struct intr *intr)
{
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		struct dp_worker *w = &dp->worker[i];

		w->dp = dp;
		w->rx = dp->rx;
		w->tx = dp->tx;
		w->intr = intr;
		w->index = (uint8_t)i;
		w->own = 0;
		w->owing = 0;
		for (unsigned int pool = i; pool < NIC_VFS_MAX; pool += dp->n_workers)
			w->own |= (uint8_t)BIT32(pool);
		w->timer.tsc_per_us = dp->tsc_per_us;
		w->cpu = -1;
		w->wire = i == 0 ? dp->wire : NULL;
		for (unsigned int pool = 0; pool < NIC_VFS_MAX; pool++)
			w->credit[pool] = (int32_t)DP_QUANTUM;
	}
}

void dp_init(struct dp *dp, struct intr *intr, void (*poke)(void *), void *ctx)
{
	dp->poke = poke;
	dp->poke_ctx = ctx;
	dp->tsc_per_us = 1;
	dp->spin_us = DP_SPIN_US;
	dp->n_workers = 1;
	workers_reset(dp, intr);
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		dp->tx[q].index = (uint8_t)q;
		dp->tx[q].pool = (uint8_t)(q % NIC_VFS_MAX);
		dp->tx[q].last_key = UINT64_MAX;
	}
}

int dp_workers_set(struct dp *dp, unsigned int n, const int *cpus)
{
	const struct dp_cfg *cfg = atomic_load(&dp->next);
	int r;

	if (!n || n > DP_WORKERS)
		return -EINVAL;
	if (dp->threaded)
		return -EALREADY;
	r = dp_peers_new(dp, n);
	if (r < 0)
		return r;
	dp->n_workers = n;
	workers_reset(dp, dp->worker[0].intr);
	for (unsigned int i = 0; i < n; i++) {
		dp->worker[i].cpu = cpus ? cpus[i] : -1;
		if (cfg)
			dp_adopt(&dp->worker[i], cfg);
	}
	return 0;
}

void dp_done(struct dp *dp)
{
	dp_stop(dp);
	dp_peers_free(dp);
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
	rx->buf_used = c->buf_used;
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
	tx->recent = &tx->flow[0];
	tx->hold = (struct dp_hold){0};
	tx->echo = (const uint8_t *)tx->ring; /* memory of the last configuration may be gone */
}

bool dp_acked(struct dp *dp, uint64_t epoch)
{
	for (unsigned int i = 0; i < dp->n_workers; i++)
		if (atomic_load(&dp->worker[i].acked) != epoch)
			return false;
	return true;
}

void dp_adopt(struct dp_worker *me, const struct dp_cfg *cfg)
{
	struct dp *dp = me->dp;

	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		if (dp_owner(dp, q) != me->index)
			continue;
		adopt_rx(&dp->rx[q], &cfg->rx[q]);
		adopt_tx(&dp->tx[q], &cfg->tx[q]);
	}
	me->n_tx = 0;
	for (uint32_t i = 0; i < cfg->n_tx; i++)
		if (dp_owner(dp, cfg->tx_list[i]) == me->index)
			me->tx_list[me->n_tx++] = cfg->tx_list[i];
	me->cfg = cfg;
	atomic_store(&me->acked, cfg->epoch);
	/* the last of all tells whoever waits for it */
	if (atomic_load(&dp->want_ack) && dp_acked(dp, cfg->epoch) &&
	    atomic_exchange(&dp->want_ack, false))
		me->need_poke = true;
}

static void send_poke(struct dp_worker *me)
{
	struct dp *dp = me->dp;

	me->need_poke = false;
	if (dp->poke && !atomic_exchange(&dp->poked, true))
		dp->poke(dp->poke_ctx);
}

/* ---- one round -------------------------------------------------------------------------- */

static void credit_round(struct dp_worker *me, uint32_t busy, uint32_t skipped)
{
	bool contended = skipped ? busy : busy & (busy - 1);

	/* the others have all that they may have */
	for (uint32_t pools = me->owing | busy; pools; pools &= pools - 1) {
		unsigned int p = (unsigned int)__builtin_ctz(pools);
		int32_t c = me->credit[p] + (int32_t)DP_QUANTUM;

		if (contended && c < (int32_t)DP_QUANTUM) {
			me->credit[p] = c;
			me->owing |= BIT32(p);
		} else {
			me->credit[p] = (int32_t)DP_QUANTUM;
			me->owing &= ~BIT32(p);
		}
	}
}

/* All queues whose pool has credit; pools of the others are told. */
static unsigned int pass(struct dp_worker *me, uint32_t *ret_busy, uint32_t *ret_skipped)
{
	uint32_t busy = 0, skipped = 0;
	unsigned int work = 0, n;

	for (uint32_t i = 0; i < me->n_tx; i++) {
		struct dp_txq *tx = &me->tx[me->tx_list[i]];
		uint64_t before = tx->bytes;

		if (me->now < tx->hold.until)
			continue;
		if (likely(!dp_tx_has_work(tx)))
			continue;
		if (unlikely(me->credit[tx->pool] <= 0)) {
			skipped |= BIT32(tx->pool);
			continue;
		}
		n = dp_tx_poll(me, tx);
		if (unlikely(!n))
			continue;
		work += n;
		dp_hold_note(&tx->hold, n, me->now);
		busy |= BIT32(tx->pool);
		me->credit[tx->pool] -= (int32_t)(tx->bytes - before + n * DP_COST);
	}
	*ret_busy = busy;
	*ret_skipped = skipped;
	return work;
}

static unsigned int poll_tx(struct dp_worker *me)
{
	uint32_t busy, skipped;
	unsigned int work = pass(me, &busy, &skipped);

	if (busy | skipped)
		credit_round(me, busy, skipped);
	if (unlikely(skipped && !busy)) { /* whom they waited for is idle: credit is full again */
		work = pass(me, &busy, &skipped);
		credit_round(me, busy, skipped);
	}
	return work;
}

void dp_holds(struct dp_worker *me)
{
	uint64_t per_us = me->dp->tsc_per_us;
	enum dp_hold_stage ended = dp_hold_clock_next(&me->hold, me->now, per_us);

	for (uint32_t i = 0; i < me->n_tx; i++)
		dp_hold_turn(&me->tx[me->tx_list[i]].hold, &me->hold, ended, per_us);
}

unsigned int dp_poll_once(struct dp_worker *me)
{
	const struct dp_cfg *cfg = atomic_load_explicit(&me->dp->next, memory_order_acquire);
	unsigned int work;

	if (unlikely(cfg != me->cfg))
		dp_adopt(me, cfg);
	work = poll_tx(me);
	if (me->wire)
		work += dp_wire_poll(me);
	if (me->dp->n_workers > 1)
		work += dp_peers_poll(me);
	if (unlikely(me->timer.late))
		intr_late(me->intr, &me->timer);
	if (unlikely(me->need_poke))
		send_poke(me);
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

static void tick_rx(struct dp_worker *me, unsigned int q)
{
	struct dp_rxq *rx = &me->rx[q];
	uint32_t drops;

	if (raw_changed(rx->regs, &me->cfg->rx_raw[q], rx_raw_off) ||
	    (me->cfg->rx[q].ring && !rx->ring))
		me->need_poke = true;
	drops = (uint32_t)rx->dropped_empty;
	if (mmio_read32(rx->regs + DPR_RQDPC) != drops)
		mmio_write32(rx->regs + DPR_RQDPC, drops);
	if (!rx->ring)
		return;
	if (head_overwritten(rx->regs, rx->published)) {
		rx->ring = NULL;
		rx->i_buf = rx->n_buf = rx->n_good = 0;
		atomic_store(&rx->stopped_gen, rx->gen);
		me->need_poke = true;
	} else if (rx->head != rx->published && (mmio_read32(rx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		rx->published = rx->head;
		mmio_write32(rx->regs + DPR_HEAD, rx->head);
	}
}

static void tick_tx(struct dp_worker *me, unsigned int q)
{
	struct dp_txq *tx = &me->tx[q];

	if (raw_changed(tx->regs, &me->cfg->tx_raw[q], tx_raw_off) ||
	    (me->cfg->tx[q].ring && !tx->ring))
		me->need_poke = true;
	if (!tx->ring)
		return;
	if (head_overwritten(tx->regs, tx->published)) {
		tx->ring = NULL;
		atomic_store(&tx->stopped_gen, tx->gen);
		me->need_poke = true;
	} else if (tx->head != tx->published && (mmio_read32(tx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		tx->published = tx->head;
		mmio_write32(tx->regs + DPR_HEAD, tx->head);
	}
}

void dp_tick(struct dp_worker *me)
{
	if (!me->cfg)
		return;
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		if (dp_owner(me->dp, q) != me->index)
			continue;
		tick_rx(me, q);
		tick_tx(me, q);
	}
	if (me->causes) {
		intr_cause(me->intr, me->causes);
		me->causes = 0;
	}
	if (me->need_poke)
		send_poke(me);
}

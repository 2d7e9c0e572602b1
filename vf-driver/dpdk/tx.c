/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit bursts: a simple one for frames of one buffer that ask for nothing, and a full one. Both
 * ask for a report every PMD_BATCH descriptors, and free so many at once. The function reports by
 * DD in the descriptor, or by writing its head to memory, which is one line instead of many.
 */
#include <abi/nic_regs.h>
#include <lib/mmio.h>
#include "tx_desc.h"

void pmd_tx_go(struct pmd_txq *q)
{
	uint32_t at = q->tail & q->mask;

	rte_compiler_barrier();
	if (likely(q->tail_reg != NULL))
		*q->tail_reg = at;
	else
		q->pmd->core->env.write32(q->pmd->core->env.ctx, nicvf_VTDT(q->q), at);
}

/* Has the function sent everything before @end, whose last descriptor asked for a report? */
static bool tx_done(const struct pmd_txq *q, uint32_t end)
{
	uint32_t sent;

	if (!q->head_wb)
		return q->desc[2 * (size_t)((end - 1) & q->mask) + 1] & TX_DD;
	/* a head outside what is under way says nothing */
	sent = (*q->head_wb - q->next) & q->mask;
	return sent <= q->tail - q->next && sent >= end - q->next;
}

/* Free @n mbufs that may be shared or of several pools. */
static void free_checked(struct rte_mbuf **sw, uint32_t n)
{
	struct rte_mbuf *batch[PMD_BATCH];
	struct rte_mempool *pool = NULL;
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = sw[i] ? rte_pktmbuf_prefree_seg(sw[i]) : NULL;

		if (!m)
			continue;
		if (k == PMD_BATCH || (k && m->pool != pool)) {
			rte_mempool_put_bulk(pool, (void **)batch, k);
			k = 0;
		}
		pool = m->pool;
		batch[k++] = m;
	}
	if (k)
		rte_mempool_put_bulk(pool, (void **)batch, k);
}

static void simple_reclaim(struct pmd_txq *q)
{
	while (q->tail - q->next >= PMD_BATCH && tx_done(q, q->next + PMD_BATCH)) {
		struct rte_mbuf **sw = &q->sw[q->next & q->mask];

		rte_compiler_barrier();
		if (q->fast_free)
			rte_mempool_put_bulk(sw[0]->pool, (void **)sw, PMD_BATCH);
		else
			free_checked(sw, PMD_BATCH);
		q->next += PMD_BATCH;
	}
}

/* @n descriptors of one batch; the batch's last one asks for a report. */
static inline uint64_t simple_run(struct pmd_txq *q, struct rte_mbuf **pkts, uint32_t n,
				  uint32_t tail)
{
	const uint64_t cmd = TX_DATA | NIC_TXD_EOP;
	uint32_t at = tail & q->mask;
	uint64_t *desc = (uint64_t *)(uintptr_t)&q->desc[2 * (size_t)at];
	struct rte_mbuf **sw = &q->sw[at];
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint64_t len = m->data_len;

		sw[i] = m;
		desc[2 * (size_t)i] = m->buf_iova + m->data_off;
		desc[2 * (size_t)i + 1] = cmd + len * TX_LEN_UNIT;
		bytes += len;
	}
	if ((at + n) % PMD_BATCH == 0)
		desc[2 * (size_t)n - 1] |= NIC_TXD_RS;
	return bytes;
}

uint16_t pmd_tx_simple(void *txq, struct rte_mbuf **pkts, uint16_t want)
{
	struct pmd_txq *q = txq;
	uint32_t mask = q->mask, tail = q->tail, room = mask - (tail - q->next), n = want;

	if (likely(q->tail_reg != NULL)) /* on its way while descriptors are written */
		prefetch_write(q->tail_reg);
	/* half a ring is left alone: looking at a report that is not there only moves its line */
	if (room <= mask / 2 || room < n) {
		simple_reclaim(q);
		room = mask - (tail - q->next);
		if (unlikely(n > room)) {
			q->full += n - room;
			n = room;
		}
	}
	if (unlikely(!n))
		return 0;

	for (uint32_t done = 0, run; done < n; done += run) {
		run = RTE_MIN(PMD_BATCH - tail % PMD_BATCH, n - done);
		q->bytes += simple_run(q, pkts + done, run, tail);
		tail += run;
	}
	q->tail = tail;
	pmd_tx_go(q);
	q->packets += n;
	return (uint16_t)n;
}

/* ---- offloads and several buffers ------------------------------------------------------- */

void pmd_tx_reclaim(struct pmd_txq *q)
{
	while (q->rs_first != q->rs_last) {
		uint32_t end = q->rs[q->rs_first & q->mask];

		if (!tx_done(q, end))
			return;
		rte_compiler_barrier();
		while (q->next != end) {
			uint32_t at = q->next & q->mask;
			uint32_t n = RTE_MIN(end - q->next, q->mask + 1 - at);

			free_checked(&q->sw[at], n);
			q->next += n;
		}
		q->rs_first++;
	}
}

/* The context that a frame's offloads need. */
static void context_of(const struct rte_mbuf *m, uint64_t *ret_lo, uint32_t *ret_cmd)
{
	uint64_t wants = m->ol_flags & TX_WANTS, lo = 0;
	uint32_t cmd = TX_CTX;

	if (wants & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK))
		lo = (m->l3_len & 0x1ff) | (uint64_t)(m->l2_len & 0x7f) << 9;
	if (wants & RTE_MBUF_F_TX_VLAN)
		lo |= (uint64_t)m->vlan_tci << 16;
	if (m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM))
		cmd |= TX_CTX_IPV4;
	if ((wants & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM)
		cmd |= TX_CTX_TCP;
	*ret_lo = lo;
	*ret_cmd = cmd;
}

/* All descriptors of one frame; the ring has room for them. */
static inline void full_frame(struct pmd_txq *q, struct rte_mbuf *m, uint32_t *tail)
{
	uint64_t wants = m->ol_flags & TX_WANTS, hi = (uint64_t)m->pkt_len << (32 + 14);
	uint32_t cmd = TX_DATA;

	if (wants) {
		uint64_t ctx_lo;
		uint32_t ctx_cmd;

		context_of(m, &ctx_lo, &ctx_cmd);
		if (ctx_lo != q->ctx_lo || ctx_cmd != q->ctx_cmd) {
			pmd_tx_put(q, tail, ctx_lo, ctx_cmd, NULL);
			q->ctx_lo = ctx_lo;
			q->ctx_cmd = ctx_cmd;
		}
		if (wants & RTE_MBUF_F_TX_VLAN)
			cmd |= NIC_TXD_VLE;
		if (wants & RTE_MBUF_F_TX_IP_CKSUM)
			hi |= TX_IXSM;
		if (wants & RTE_MBUF_F_TX_L4_MASK)
			hi |= TX_TXSM;
	}
	pmd_tx_chain(q, tail, m, hi | cmd, PMD_BATCH);
}

uint16_t pmd_tx_full(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return pmd_tx_packets(txq, pkts, n, full_frame);
}

uint16_t pmd_tx_none(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return 0;
}

int pmd_tx_status(void *txq, uint16_t offset)
{
	struct pmd_txq *q = txq;
	uint32_t held = q->tail - q->next;

	if (offset > q->mask)
		return -EINVAL;
	/* counted from the tail; those under way are the last ones of the ring */
	return offset + held > q->mask ? RTE_ETH_TX_DESC_FULL : RTE_ETH_TX_DESC_DONE;
}

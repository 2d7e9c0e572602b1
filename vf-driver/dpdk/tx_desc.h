#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What transmit functions have in common: descriptors as the function reads them, and the ring. */
#include <abi/nic_desc.h>
#include <emmintrin.h>
#include "pmd.h"

/* DTALEN is the low 16 bits of the second word, PAYLEN starts at its bit 32 + 14. */
#define TX_PAYLEN   (32 + 14)
#define TX_LEN_UNIT (UINT64_C(1) | UINT64_C(1) << TX_PAYLEN)
#define TX_DTYP(t)  ((uint32_t)(t) * (NIC_TXD_DTYP & -NIC_TXD_DTYP))
#define TX_DATA	    (TX_DTYP(NIC_TXD_DTYP_DATA) | NIC_TXD_IFCS | NIC_TXD_DEXT)
#define TX_CTX	    (TX_DTYP(NIC_TXD_DTYP_CTXT) | NIC_TXD_DEXT)
#define TX_CTX_IPV4 BIT32(10)
#define TX_CTX_TCP  BIT32(11)
#define TX_CTX_SCTP BIT32(12)
#define TX_IXSM	    ((uint64_t)BIT32(8) << 32)
#define TX_TXSM	    ((uint64_t)BIT32(9) << 32)
#define TX_DD	    ((uint64_t)NIC_TXD_STAT_DD << 32)
#define TX_L4LEN    (32 + 8)  /* of a context */
#define TX_MSS	    (32 + 16) /* of a context */

/* What the full function knows; see pmd_tx_tso() for more. */
#define TX_WANTS (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)
#define TX_KNOWN                                                                         \
	(TX_WANTS | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_OUTER_IPV4 | \
	 RTE_MBUF_F_TX_OUTER_IPV6)

static inline void pmd_tx_put(struct pmd_txq *q, uint32_t *tail, uint64_t lo, uint64_t hi,
			      struct rte_mbuf *m)
{
	uint32_t at = (*tail)++ & q->mask;

	q->sw[at] = m;
	_mm_store_si128((__m128i *)(uintptr_t)&q->desc[2 * (size_t)at],
			_mm_set_epi64x((long long)hi, (long long)lo));
}

/* tx.c: tell the function of everything up to the tail */
void pmd_tx_go(struct pmd_txq *q);
/* tx.c: free what was sent, of a queue whose reports are in rs[] */
void pmd_tx_reclaim(struct pmd_txq *q);

/* The data descriptors of one packet, whose command is in @hi; a report every @every at least. */
static __rte_always_inline void pmd_tx_chain(struct pmd_txq *q, uint32_t *tail, struct rte_mbuf *m,
					     uint64_t hi, uint32_t every)
{
	for (; m->next; m = m->next)
		pmd_tx_put(q, tail, m->buf_iova + m->data_off, hi | m->data_len, m);

	hi |= NIC_TXD_EOP;
	if (*tail + 1 - q->reported >= every) {
		hi |= NIC_TXD_RS;
		q->reported = *tail + 1;
		q->rs[q->rs_last++ & q->mask] = *tail + 1;
	}
	pmd_tx_put(q, tail, m->buf_iova + m->data_off, hi | m->data_len, m);
}

/* A burst of packets that may be chains, by @put: all descriptors of one, for which there is room.
 */
static __rte_always_inline uint16_t pmd_tx_packets(struct pmd_txq *q, struct rte_mbuf **pkts,
						   uint16_t n,
						   void (*put)(struct pmd_txq *q,
							       struct rte_mbuf *m, uint32_t *tail))
{
	uint32_t tail = q->tail;
	uint16_t i;

	if (q->mask - (tail - q->next) <= q->mask / 2)
		pmd_tx_reclaim(q);
	for (i = 0; i < n; i++) {
		uint32_t need = pkts[i]->nb_segs + 1u;

		if (unlikely(q->mask - (tail - q->next) < need)) {
			pmd_tx_reclaim(q);
			if (q->mask - (tail - q->next) < need) {
				q->full += (uint64_t)(n - i);
				break;
			}
		}
		q->bytes += pkts[i]->pkt_len;
		put(q, pkts[i], &tail);
	}
	if (unlikely(!i))
		return 0;
	q->tail = tail;
	pmd_tx_go(q);
	q->packets += i;
	return i;
}

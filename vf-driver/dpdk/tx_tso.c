/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit function of ports with TCP segmentation or SCTP checksums: everything that the full
 * one does, and these. Chosen at start, so that nobody else pays for it.
 *
 * A context has all lengths of a packet and, of one to be segmented, the segment size; it is sent
 * when it differs from the one before.
 */
#include "tx_desc.h"

/* A long chain waits for its room: what is under way without a report has to leave enough. */
#define REPORT 8u
static_assert(REPORT + PMD_TSO_SEGS_MAX + 1 < PMD_RING_MIN,
	      "the longest chain always gets through");

#define WANTS (TX_WANTS | RTE_MBUF_F_TX_TCP_SEG)

struct context {
	uint64_t lo, hi;
};

static struct context context_of(const struct rte_mbuf *m)
{
	uint64_t wants = m->ol_flags & WANTS, l4 = wants & RTE_MBUF_F_TX_L4_MASK;
	struct context c = {.hi = TX_CTX};

	if (wants & ~RTE_MBUF_F_TX_VLAN)
		c.lo = (m->l3_len & 0x1ff) | (uint64_t)(m->l2_len & 0x7f) << 9;
	if (wants & RTE_MBUF_F_TX_VLAN)
		c.lo |= (uint64_t)m->vlan_tci << 16;
	if (m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM))
		c.hi |= TX_CTX_IPV4;
	if (wants & RTE_MBUF_F_TX_TCP_SEG)
		c.hi |= TX_CTX_TCP | (uint64_t)m->l4_len << TX_L4LEN |
			(uint64_t)m->tso_segsz << TX_MSS;
	else if (l4 == RTE_MBUF_F_TX_TCP_CKSUM)
		c.hi |= TX_CTX_TCP;
	else if (l4 == RTE_MBUF_F_TX_SCTP_CKSUM)
		c.hi |= TX_CTX_SCTP;
	return c;
}

/* Command and options of a packet's first descriptor; the others repeat them. */
static uint64_t command_of(struct pmd_txq *q, const struct rte_mbuf *m)
{
	uint64_t wants = m->ol_flags & WANTS, hi = TX_DATA, bytes = m->pkt_len;

	if (wants & RTE_MBUF_F_TX_VLAN)
		hi |= NIC_TXD_VLE;
	if (wants & RTE_MBUF_F_TX_IP_CKSUM)
		hi |= TX_IXSM;
	if (wants & RTE_MBUF_F_TX_L4_MASK)
		hi |= TX_TXSM;
	if (wants & RTE_MBUF_F_TX_TCP_SEG) {
		hi |= NIC_TXD_TSE | TX_TXSM;
		if (m->ol_flags & RTE_MBUF_F_TX_IPV4)
			hi |= TX_IXSM;
		bytes -= m->l2_len + m->l3_len + m->l4_len; /* the payload alone */
		q->segmented++;
	}
	return hi | bytes << TX_PAYLEN;
}

/* All descriptors of one packet; the ring has room for them. */
static inline void packet_put(struct pmd_txq *q, struct rte_mbuf *m, uint32_t *tail)
{
	uint64_t hi = command_of(q, m);

	if (m->ol_flags & WANTS) {
		struct context c = context_of(m);

		if (c.lo != q->ctx_lo || c.hi != q->ctx_hi) {
			pmd_tx_put(q, tail, c.lo, c.hi, NULL);
			q->ctx_lo = c.lo;
			q->ctx_hi = c.hi;
		}
	}
	pmd_tx_chain(q, tail, m, hi, REPORT);
}

uint16_t pmd_tx_tso(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return pmd_tx_packets(txq, pkts, n, packet_put);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before a burst: what the function cannot send is refused, and headers are made as it wants them.
 * Nothing in an mbuf is believed before a byte is written: headers lie inside the first buffer, a
 * chain is as long as it says.
 */
#include <rte_net.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include "tx_desc.h"

#define L2_MIN	 14u
#define IPV4_MIN 20u
#define IPV4_MAX 60u
#define IPV6_MIN 40u
#define IP_MAX	 65535u
#define TCP_MIN	 20u
#define TCP_MAX	 60u
#define HEADERS	 (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)

static bool chain_ok(const struct rte_mbuf *m)
{
	uint32_t bytes = 0, n = 0, want = m->nb_segs, len = m->pkt_len;

	for (; m && n < want; m = m->next, n++) {
		if (!m->data_len)
			return false;
		bytes += m->data_len;
	}
	return !m && n == want && bytes == len;
}

/* What has to be there after the IP header. */
static uint32_t l4_header(const struct rte_mbuf *m)
{
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return m->l4_len;
	switch (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) {
	case RTE_MBUF_F_TX_TCP_CKSUM:
		return sizeof(struct rte_tcp_hdr);
	case RTE_MBUF_F_TX_UDP_CKSUM:
		return sizeof(struct rte_udp_hdr);
	case RTE_MBUF_F_TX_SCTP_CKSUM:
		return sizeof(struct rte_sctp_hdr);
	default:
		return 0;
	}
}

static bool headers_ok(const struct rte_mbuf *m)
{
	bool v4 = m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);

	return m->l2_len >= L2_MIN && m->l3_len >= (v4 ? IPV4_MIN : IPV6_MIN) &&
	       (!v4 || m->l3_len <= IPV4_MAX) &&
	       (uint32_t)m->l2_len + m->l3_len + l4_header(m) <= m->data_len;
}

static bool segmentation_ok(const struct rte_mbuf *m)
{
	uint32_t header = (uint32_t)m->l2_len + m->l3_len + m->l4_len;

	return m->l4_len >= TCP_MIN && m->l4_len <= TCP_MAX && m->l4_len % 4 == 0 &&
	       header <= PMD_TSO_HEADER_MAX && header < m->pkt_len &&
	       m->tso_segsz >= PMD_TSO_MSS_MIN &&
	       m->tso_segsz <= PMD_FRAME_MAX - RTE_ETHER_CRC_LEN - header &&
	       m->pkt_len - m->l2_len <= IP_MAX;
}

/* Return: 0; -ENOTSUP the function has no such thing; -EINVAL what is asked for cannot be. */
static int check(const struct rte_mbuf *m, uint64_t known)
{
	bool tso = m->ol_flags & known & RTE_MBUF_F_TX_TCP_SEG;

	if (m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK & ~known)
		return -ENOTSUP;
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM &&
	    !(known & RTE_MBUF_F_TX_TCP_SEG))
		return -ENOTSUP;
	if (m->nb_segs > (tso ? PMD_TSO_SEGS_MAX : PMD_SEGS_MAX) ||
	    (!tso && m->pkt_len > PMD_FRAME_MAX) || !chain_ok(m))
		return -EINVAL;
	if (m->ol_flags & HEADERS && !headers_ok(m))
		return -EINVAL;
	return tso && !segmentation_ok(m) ? -EINVAL : 0;
}

static int prepare(struct rte_mbuf *m, uint64_t known)
{
	int r = check(m, known);

	if (r < 0)
		return r;
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM &&
	    !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		rte_pktmbuf_mtod_offset(m, struct rte_sctp_hdr *, m->l2_len + m->l3_len)->cksum = 0;
	return rte_net_intel_cksum_prepare(m);
}

static uint16_t prepare_all(struct rte_mbuf **pkts, uint16_t n, uint64_t known)
{
	for (uint16_t i = 0; i < n; i++) {
		int r = prepare(pkts[i], known);

		if (r < 0) {
			rte_errno = -r;
			return i;
		}
	}
	return n;
}

uint16_t pmd_tx_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return prepare_all(pkts, n, TX_KNOWN);
}

uint16_t pmd_tx_tso_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return prepare_all(pkts, n, TX_KNOWN | RTE_MBUF_F_TX_TCP_SEG);
}

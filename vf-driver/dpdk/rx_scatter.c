/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving frames that are longer than a buffer: a descriptor a buffer, the last has EOP and tells
 * of the frame; the application gets a chain. A frame may end in a later burst, so its beginning is
 * kept with the queue. Chosen at start, when the port was configured to scatter.
 */
#include "rx_desc.h"

/* What came of a frame is of no use; nor is the rest of it. */
static void frame_drop(struct pmd_rxq *q, struct rte_mbuf *m, bool last)
{
	rte_mempool_put(q->pool, m);
	rte_pktmbuf_free(q->chain);
	q->chain = NULL;
	q->skip = !last;
	if (last)
		q->errors++;
}

/* One more buffer, filled. Returns its frame if that is complete. */
static struct rte_mbuf *piece(struct pmd_rxq *q, struct rte_mbuf *m, uint64_t lo, uint64_t hi)
{
	uint32_t status = (uint32_t)hi, bytes = q->chain ? q->chain->pkt_len : 0;
	uint16_t len = (uint16_t)(hi >> 32);
	bool last = status & NIC_RXD_STAT_EOP;
	struct rte_mbuf *first;

	/* whole, sound, and inside its buffers: nothing else is handed on */
	if (unlikely(q->skip || status & NIC_RXD_ERR_RXE || len - 1u >= q->buf_bytes ||
		     bytes + len > PMD_FRAME_MAX)) {
		frame_drop(q, m, last);
		return NULL;
	}
	memcpy(&m->rearm_data, &q->rearm, sizeof(q->rearm));
	m->ol_flags = 0;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = len;
	first = q->chain;
	if (first) {
		first->nb_segs++;
		first->pkt_len += len;
		q->chain_end->next = m;
	} else {
		first = m;
	}
	q->chain = first;
	q->chain_end = m;
	if (!last)
		return NULL;
	q->chain = NULL;
	first->ol_flags = pmd_rx_flags((uint32_t)lo, status);
	first->vlan_tci = (uint16_t)(hi >> 48);
	first->hash.rss = (uint32_t)(lo >> 32);
	q->bytes += first->pkt_len;
	q->scattered += first->nb_segs > 1;
	return first;
}

uint16_t pmd_rx_scatter(void *rxq, struct rte_mbuf **pkts, uint16_t want)
{
	struct pmd_rxq *q = rxq;
	uint32_t next = q->next, posted = q->tail - next, n;
	uint16_t out = 0;

	for (n = 0; n < posted && out < want; n++) {
		uint32_t at = (next + n) & q->mask;
		uint64_t hi = q->desc[2 * (size_t)at + 1];
		struct rte_mbuf *frame;

		if (!(hi & NIC_RXD_STAT_DD))
			break;
		rte_compiler_barrier();
		frame = piece(q, q->sw[at], q->desc[2 * (size_t)at], hi);
		if (frame)
			pkts[out++] = frame;
	}
	next += n;
	q->next = next;
	q->packets += out;
	/* of an empty ring, too: the pool may have run dry before */
	while ((n || !posted) && q->tail - next + PMD_BATCH < q->mask + 1 && pmd_rx_refill(q))
		;
	return out;
}

uint16_t pmd_rx_scatter_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	n = pmd_rx_scatter(rxq, pkts, n);
	pmd_rx_untag(pkts, n);
	return n;
}

void pmd_rx_scatter_end(struct pmd_rxq *q)
{
	rte_pktmbuf_free(q->chain);
	q->chain = NULL;
	q->skip = false;
}

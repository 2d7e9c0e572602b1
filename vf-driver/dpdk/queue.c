/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings: memory, set-up, start and what remains in them at the end. */
#include <abi/nic_desc.h>
#include <rte_malloc.h>
#include "pmd.h"

#define KIB	    1024u
#define BUF_KIB_MAX 15u /* more than the longest frame takes */

static bool ring_ok(const struct rte_eth_dev *dev, const char *what, uint16_t n)
{
	if (n >= PMD_RING_MIN && n <= PMD_RING_MAX && rte_is_power_of_2(n))
		return true;
	PMD_LOG(ERR, "port %u: a %s ring of %u descriptors cannot be: a power of two from %u to %u",
		dev->data->port_id, what, n, PMD_RING_MIN, PMD_RING_MAX);
	return false;
}

/* Descriptors, and a line for the head that the function writes. */
static const struct rte_memzone *ring_memory(const struct rte_eth_dev *dev, const char *what,
					     uint16_t qid, uint32_t n, unsigned int socket)
{
	char name[RTE_MEMZONE_NAMESIZE];

	snprintf(name, sizeof(name), "sriov_vf_%u_%s%u", dev->data->port_id, what, qid);
	return rte_memzone_reserve_aligned(name, (size_t)n * NIC_DESC_SIZE + PMD_LINE, (int)socket,
					   RTE_MEMZONE_IOVA_CONTIG, PMD_LINE);
}

static uint64_t rearm_of(uint16_t port)
{
	struct rte_mbuf m = {
		.data_off = RTE_PKTMBUF_HEADROOM, .refcnt = 1, .nb_segs = 1, .port = port};
	uint64_t rearm;

	memcpy(&rearm, (const char *)&m + offsetof(struct rte_mbuf, rearm_data), sizeof(rearm));
	return rearm;
}

int pmd_rxq_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t n, unsigned int socket,
		  const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	uint32_t room = rte_pktmbuf_data_room_size(pool), kib;
	struct pmd_rxq *q;

	pmd_rxq_release(dev, qid);
	if (!ring_ok(dev, "receive", n))
		return -EINVAL;
	kib = room > RTE_PKTMBUF_HEADROOM ? (room - RTE_PKTMBUF_HEADROOM) / KIB : 0;
	if (!kib) {
		PMD_LOG(ERR,
			"port %u: buffers of pool %s have %u bytes, less than headroom and 1 KiB",
			dev->data->port_id, pool->name, room);
		return -EINVAL;
	}

	q = rte_zmalloc_socket("sriov_vf_rxq", sizeof(*q), PMD_LINE, (int)socket);
	if (!q)
		return -ENOMEM;
	dev->data->rx_queues[qid] = q;
	q->pmd = pmd_of(dev);
	q->q = qid;
	q->port = dev->data->port_id;
	q->pool = pool;
	q->n_desc = n;
	q->mask = n - 1u;
	q->buf_bytes = RTE_MIN(kib, BUF_KIB_MAX) * KIB;
	q->rearm = rearm_of(q->port);
	q->free_thresh = conf->rx_free_thresh;
	q->sw = rte_zmalloc_socket("sriov_vf_sw", n * sizeof(struct rte_mbuf *), PMD_LINE,
				   (int)socket);
	q->zone = ring_memory(dev, "rx", qid, n, socket);
	if (!q->sw || !q->zone) {
		pmd_rxq_release(dev, qid);
		return -ENOMEM;
	}
	q->desc = q->zone->addr;
	return 0;
}

int pmd_txq_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t n, unsigned int socket,
		  const struct rte_eth_txconf *conf)
{
	struct pmd_txq *q;

	pmd_txq_release(dev, qid);
	if (!ring_ok(dev, "transmit", n))
		return -EINVAL;

	q = rte_zmalloc_socket("sriov_vf_txq", sizeof(*q), PMD_LINE, (int)socket);
	if (!q)
		return -ENOMEM;
	dev->data->tx_queues[qid] = q;
	q->pmd = pmd_of(dev);
	q->q = qid;
	q->port = dev->data->port_id;
	q->n_desc = n;
	q->mask = n - 1u;
	q->offloads = conf->offloads | dev->data->dev_conf.txmode.offloads;
	q->sw = rte_zmalloc_socket("sriov_vf_sw", n * sizeof(struct rte_mbuf *), PMD_LINE,
				   (int)socket);
	q->rs = rte_zmalloc_socket("sriov_vf_rs", n * sizeof(*q->rs), PMD_LINE, (int)socket);
	q->zone = ring_memory(dev, "tx", qid, n, socket);
	if (!q->sw || !q->rs || !q->zone) {
		pmd_txq_release(dev, qid);
		return -ENOMEM;
	}
	q->desc = q->zone->addr;
	return 0;
}

void pmd_rxq_release(struct rte_eth_dev *dev, uint16_t qid)
{
	struct pmd_rxq *q = dev->data->rx_queues[qid];

	if (!q)
		return;
	rte_memzone_free(q->zone);
	rte_free(q->sw);
	rte_free(q);
	dev->data->rx_queues[qid] = NULL;
}

void pmd_txq_release(struct rte_eth_dev *dev, uint16_t qid)
{
	struct pmd_txq *q = dev->data->tx_queues[qid];

	if (!q)
		return;
	rte_memzone_free(q->zone);
	rte_free(q->sw);
	rte_free(q->rs);
	rte_free(q);
	dev->data->tx_queues[qid] = NULL;
}

/* Is writing the head back better than DD? On a function that is software: one line a batch. */
static bool wants_head_wb(const struct pmd *p)
{
	return p->args.head_wb >= 0 ? p->args.head_wb : p->args.path != NULL;
}

static int rxq_program(struct pmd *p, struct pmd_rxq *q)
{
	struct vfdrv_rxq_config c = {
		.ring = {q->zone->iova}, .n_desc = q->n_desc, .buf_kib = q->buf_bytes / KIB};

	memset(q->zone->addr, 0, (size_t)q->n_desc * NIC_DESC_SIZE);
	q->next = q->tail = 0;
	q->tail_reg = p->args.trapped ? NULL : vfdrv_rx_tail(p->core, q->q);
	return vfdrv_rxq_setup(p->core, q->q, &c);
}

static int txq_program(struct pmd *p, struct pmd_txq *q)
{
	size_t ring = (size_t)q->n_desc * NIC_DESC_SIZE;
	struct vfdrv_txq_config c = {.ring = {q->zone->iova}, .n_desc = q->n_desc};

	memset(q->zone->addr, 0, ring + PMD_LINE);
	q->head_wb = NULL;
	if (wants_head_wb(p)) {
		q->head_wb = (const volatile uint32_t *)((const uint8_t *)q->zone->addr + ring);
		c.head_wb = (iova_t){q->zone->iova + ring};
	}
	q->next = q->tail = q->reported = 0;
	q->rs_first = q->rs_last = 0;
	q->ctx_lo = q->ctx_cmd = 0;
	q->ctx_hi = 0;
	q->fast_free = q->offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	q->tail_reg = p->args.trapped ? NULL : vfdrv_tx_tail(p->core, q->q);
	return vfdrv_txq_setup(p->core, q->q, &c);
}

static int rxq_go(struct pmd *p, struct pmd_rxq *q)
{
	int r = vfdrv_rxq_enable(p->core, q->q);

	if (r < 0)
		return r;
	while (q->tail + PMD_BATCH < q->n_desc)
		if (!pmd_rx_refill(q))
			break;
	if (q->tail)
		return 0;
	PMD_LOG(ERR,
		"port %u: pool %s has not got the %u buffers that receive queue %u starts with",
		q->port, q->pool->name, PMD_BATCH, q->q);
	return -ENOMEM;
}

int pmd_queues_start(struct pmd *p)
{
	struct rte_eth_dev_data *data = p->eth->data;
	int r;

	for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
		r = txq_program(p, data->tx_queues[i]);
		if (r < 0)
			return r;
	}
	for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
		r = rxq_program(p, data->rx_queues[i]);
		if (r < 0)
			return r;
	}
	for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
		r = vfdrv_txq_enable(p->core, i);
		if (r < 0)
			return r;
		data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	}
	for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
		r = rxq_go(p, data->rx_queues[i]);
		if (r < 0)
			return r;
		data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	}
	/* a frame that comes from now on finds the queues enabled */
	return vfdrv_sync(p->core);
}

/* The function owns no buffer any more. */
static void queues_drain(struct pmd *p)
{
	struct rte_eth_dev_data *data = p->eth->data;

	for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
		struct pmd_rxq *q = data->rx_queues[i];

		data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
		for (; q && q->next != q->tail; q->next++)
			rte_mempool_put(q->pool, q->sw[q->next & q->mask]);
		if (q)
			pmd_rx_scatter_end(q);
	}
	for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
		struct pmd_txq *q = data->tx_queues[i];

		data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
		for (; q && q->next != q->tail; q->next++)
			if (q->sw[q->next & q->mask])
				rte_pktmbuf_free_seg(q->sw[q->next & q->mask]);
	}
}

/*
 * Under the lock. A function that the kernel asks back is removed for the application, and lives
 * and writes until it is told to stop; only one that is lost has nobody who could hear it.
 */
void pmd_queues_stop(struct pmd *p)
{
	p->up = false;
	if (!pcif_lost(p->f))
		(void)vfdrv_stop(p->core);
	queues_drain(p);
}

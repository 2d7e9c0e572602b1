/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd.h"

static const char *const xstat_names[] = {
	"hw_rx_packets",	 "hw_tx_packets",	"hw_rx_bytes",
	"hw_tx_bytes",		 "hw_rx_multicast",	"hw_rx_switch_packets",
	"hw_tx_switch_packets",	 "hw_rx_switch_bytes",	"hw_tx_switch_bytes",
	"tx_ring_full",		 "rx_bad_frames",	"traps_register_reads",
	"traps_register_writes", "rx_scattered_frames", "tx_segmented_packets",
	"filters_refused",
};

/* Frames that found no buffer; the function's register is 32 bit and starts anew with it. */
static void dropped_update(struct pmd *p, struct pmd_rxq *q)
{
	uint32_t now;

	if (!p->up || atomic_load(&p->removed))
		return;
	now = vfdrv_rx_dropped(p->core, q->q);
	q->dropped += now >= q->dropped_last ? now - q->dropped_last : now;
	q->dropped_last = now;
}

/* Reads memory that is shared with secondary processes, and nothing else. */
int pmd_stats_peek(struct rte_eth_dev *dev, struct rte_eth_stats *s)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct pmd_rxq *q = dev->data->rx_queues[i];

		s->ipackets += q->packets;
		s->ibytes += q->bytes;
		s->ierrors += q->errors;
		s->imissed += q->dropped;
		s->rx_nombuf += q->no_mbuf;
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			s->q_ipackets[i] = q->packets;
			s->q_ibytes[i] = q->bytes;
			s->q_errors[i] = q->errors;
		}
	}
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct pmd_txq *q = dev->data->tx_queues[i];

		s->opackets += q->packets;
		s->obytes += q->bytes;
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			s->q_opackets[i] = q->packets;
			s->q_obytes[i] = q->bytes;
		}
	}
	return 0;
}

int pmd_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *s)
{
	struct pmd *p = pmd_of(dev);

	pthread_mutex_lock(&p->lock);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		dropped_update(p, dev->data->rx_queues[i]);
	pmd_stats_peek(dev, s);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int pmd_stats_reset(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);

	pthread_mutex_lock(&p->lock);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		struct pmd_rxq *q = dev->data->rx_queues[i];

		dropped_update(p, q);
		q->packets = q->bytes = q->errors = q->no_mbuf = q->dropped = 0;
		q->scattered = 0;
	}
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		struct pmd_txq *q = dev->data->tx_queues[i];

		q->packets = q->bytes = q->full = q->segmented = 0;
	}
	p->refused = 0;
	if (!atomic_load(&p->removed))
		vfdrv_hw_counters(p->core, &p->hw_base);
	pcif_counters(p->f, &p->traps_base);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int pmd_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	if (names && n >= RTE_DIM(xstat_names))
		for (unsigned int i = 0; i < RTE_DIM(xstat_names); i++)
			snprintf(names[i].name, sizeof(names[i].name), "%s", xstat_names[i]);
	return RTE_DIM(xstat_names);
}

int pmd_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	struct pmd *p = pmd_of(dev);
	const struct vfdrv_hw_counters *b = &p->hw_base;
	struct vfdrv_hw_counters hw = *b;
	struct pcif_counters traps;
	uint64_t full = 0, bad = 0, scattered = 0, segmented = 0, refused;

	if (!xstats || n < RTE_DIM(xstat_names))
		return RTE_DIM(xstat_names);
	pthread_mutex_lock(&p->lock);
	pcif_counters(p->f, &traps); /* before we read registers for this */
	refused = p->refused;
	if (!atomic_load(&p->removed))
		vfdrv_hw_counters(p->core, &hw);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct pmd_txq *q = dev->data->tx_queues[i];

		full += q->full;
		segmented += q->segmented;
	}
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct pmd_rxq *q = dev->data->rx_queues[i];

		bad += q->errors;
		scattered += q->scattered;
	}
	pthread_mutex_unlock(&p->lock);

	const uint64_t value[RTE_DIM(xstat_names)] = {
		hw.rx_packets - b->rx_packets,
		hw.tx_packets - b->tx_packets,
		hw.rx_bytes - b->rx_bytes,
		hw.tx_bytes - b->tx_bytes,
		hw.rx_multicast - b->rx_multicast,
		hw.rx_lb_packets - b->rx_lb_packets,
		hw.tx_lb_packets - b->tx_lb_packets,
		hw.rx_lb_bytes - b->rx_lb_bytes,
		hw.tx_lb_bytes - b->tx_lb_bytes,
		full,
		bad,
		traps.region_reads - p->traps_base.region_reads,
		traps.region_writes - p->traps_base.region_writes,
		scattered,
		segmented,
		refused,
	};
	for (unsigned int i = 0; i < RTE_DIM(xstat_names); i++)
		xstats[i] = (struct rte_eth_xstat){.id = i, .value = value[i]};
	return RTE_DIM(xstat_names);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters: the data thread owns and only ever adds to them; "cleared by a read" is a base kept
 * here. Octets count the CRC, which we never have in memory.
 */
#include "snic_int.h"

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

enum tx_sum { TX_PACKETS, TX_BYTES, TX_SPOOFED };

static uint64_t sum_tx(const struct snic *s, enum tx_sum what)
{
	uint64_t sum = 0;

	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		const struct dp_txq *t = &s->dp.tx[q];

		sum += what == TX_PACKETS ? load(&t->packets)
		       : what == TX_BYTES ? load(&t->bytes)
					  : load(&t->spoofed);
	}
	return sum;
}

uint64_t counter_rqdpc(const struct snic *s, unsigned int q)
{
	return load(&s->dp.rx[q].dropped_empty);
}

static uint64_t sum_no_buffer(const struct snic *s)
{
	uint64_t sum = 0;

	for (unsigned int q = 0; q < NIC_QUEUES; q++)
		sum += load(&s->dp.rx[q].dropped_missed);
	return sum;
}

/* Each worker counts for itself. */
static struct dp_counters sum_workers(const struct snic *s)
{
	struct dp_counters sum = {0};
	uint64_t *to = (uint64_t *)&sum;

	for (unsigned int i = 0; i < s->dp.n_workers; i++) {
		const uint64_t *from = (const uint64_t *)&s->dp.worker[i].n;

		for (size_t k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += load(&from[k]);
	}
	return sum;
}

static bool raw_counter(const struct snic *s, unsigned int row, uint64_t *ret)
{
	const struct dp_counters sum = sum_workers(s), *n = &sum;

	switch (row) {
	case PFR_GPRC:
	case PFR_TPR:
		*ret = n->rx_frames;
		return true;
	case PFR_GPTC:
	case PFR_TPT:
		*ret = sum_tx(s, TX_PACKETS);
		return true;
	case PFR_GORCL:
	case PFR_GORCH:
		*ret = n->rx_bytes;
		return true;
	case PFR_GOTCL:
	case PFR_GOTCH:
		*ret = sum_tx(s, TX_BYTES);
		return true;
	case PFR_MPRC:
		*ret = n->rx_multicast;
		return true;
	case PFR_BPRC:
		*ret = n->rx_broadcast;
		return true;
	case PFR_MPTC:
		*ret = n->tx_multicast;
		return true;
	case PFR_BPTC:
		*ret = n->tx_broadcast;
		return true;
	case PFR_RNBC:
	case PFR_MPC:
		*ret = sum_no_buffer(s);
		return true;
	case PFR_ROC:
		*ret = n->too_long;
		return true;
	case PFR_SSVPC:
		*ret = sum_tx(s, TX_SPOOFED);
		return true;
	case PFR_CRCERRS:
	case PFR_LVMMC:
		*ret = 0;
		return true;
	default:
		return false;
	}
}

bool counter_read(struct snic *s, unsigned int row, uint32_t *ret_val)
{
	uint64_t v;

	if (row == PFR_WVBR) {
		*ret_val = atomic_exchange(&s->dp.wvbr, 0);
		return true;
	}
	if (!raw_counter(s, row, &v))
		return false;
	switch (row) { /* 64 bit ones: the high half clears both */
	case PFR_GORCL:
		*ret_val = (uint32_t)(v - s->rc_base[PFR_GORCH]);
		return true;
	case PFR_GOTCL:
		*ret_val = (uint32_t)(v - s->rc_base[PFR_GOTCH]);
		return true;
	case PFR_GORCH:
	case PFR_GOTCH:
		*ret_val = (uint32_t)((v - s->rc_base[row]) >> 32);
		break;
	default:
		*ret_val = (uint32_t)(v - s->rc_base[row]);
	}
	s->rc_base[row] = v;
	return true;
}

static void pool_counters(const struct snic *s, unsigned int pool, struct snic_vf_counters *c)
{
	*c = (struct snic_vf_counters){0};
	for (unsigned int q = pool; q < NIC_QUEUES; q += NIC_VFS_MAX) {
		const struct dp_rxq *r = &s->dp.rx[q];
		const struct dp_txq *t = &s->dp.tx[q];

		c->rx_packets += load(&r->packets);
		c->rx_bytes += load(&r->bytes);
		c->rx_multicast += load(&r->multicast);
		c->rx_loop_packets += load(&r->loop_packets);
		c->rx_loop_bytes += load(&r->loop_bytes);
		c->rx_dropped += load(&r->dropped_empty) + load(&r->dropped_missed) +
				 load(&r->dropped_long) + load(&r->dropped_bad);
		c->tx_packets += load(&t->packets);
		c->tx_bytes += load(&t->bytes);
		c->tx_loop_packets += load(&t->loop_packets);
		c->tx_loop_bytes += load(&t->loop_bytes);
		c->tx_dropped += load(&t->dropped_bad) + load(&t->dropped_tso);
		c->spoofed += load(&t->spoofed);
	}
}

uint32_t counter_vf_read(const struct snic *s, unsigned int vf, unsigned int row)
{
	struct snic_vf_counters c;

	pool_counters(s, vf, &c);
	switch (row) {
	case VFR_VFGPRC:
		return (uint32_t)c.rx_packets;
	case VFR_VFGPTC:
		return (uint32_t)c.tx_packets;
	case VFR_VFGORC:
		return (uint32_t)c.rx_bytes;
	case VFR_VFGOTC:
		return (uint32_t)c.tx_bytes;
	case VFR_VFMPRC:
		return (uint32_t)c.rx_multicast;
	case VFR_VFGPRLBC:
		return (uint32_t)c.rx_loop_packets;
	case VFR_VFGPTLBC:
		return (uint32_t)c.tx_loop_packets;
	case VFR_VFGORLBC:
		return (uint32_t)c.rx_loop_bytes;
	case VFR_VFGOTLBC:
		return (uint32_t)c.tx_loop_bytes;
	default:
		return 0;
	}
}

void snic_counters(const struct snic *s, struct snic_counters *ret)
{
	const struct dp_counters sum = sum_workers(s), *n = &sum;

	for (unsigned int p = 0; p < NIC_VFS_MAX; p++)
		pool_counters(s, p, &ret->pool[p]);
	ret->wire_rx_packets = n->wire_rx;
	ret->wire_tx_packets = n->wire_tx;
	ret->wire_rx_dropped = n->wire_rx_dropped;
	ret->wire_tx_dropped = n->wire_tx_dropped;
	if (s->dp.wire) {
		ret->wire_rx_dropped += atomic_load(&s->dp.wire->rx_dropped);
		ret->wire_tx_dropped += atomic_load(&s->dp.wire->tx_errors);
	}
	ret->spoofed = sum_tx(s, TX_SPOOFED);
	ret->busy_tsc = n->busy_tsc;
}

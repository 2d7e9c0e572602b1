/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Burst functions of a DPDK driver of VFs for counting instructions: ours, or DPDK's own. VF 1
 * sends frames of 64 bytes to VF 0, which has the driver and sends them back. One thread plays
 * everything, the software NIC as well, so that every run does the same; only what happens in the
 * driver's burst functions is counted.
 */
#include <support/pmd_rings.h>
#include <support/snic_rig.h>
#include "bench_pmd.h"

#define DUT	  0u /* VF of the driver under count */
#define PEER	  1u
#define BURST_MAX 128u
#define FRAME	  60u
#define MAC_LEN	  6u

struct bench {
	struct rig *rig;
	struct rig_queue peer;
	struct bench_port port;
	uint8_t to_dut[FRAME];
};

/* What VF 0 can reach: all of EAL's memory and @more, at the addresses that they have here. */
struct reach {
	struct snic_dma region[8];
	size_t n;
};

static void reach_add(struct reach *m, const void *va, size_t len)
{
	if (m->n == RTE_DIM(m->region))
		abort();
	m->region[m->n++] = (struct snic_dma){.iova = (uintptr_t)va,
					      .size = len,
					      .va = (uint8_t *)(uintptr_t)va,
					      .readable = true,
					      .writable = true};
}

static int reach_eal(const struct rte_memseg_list *list, const struct rte_memseg *seg, size_t len,
		     void *arg)
{
	(void)list;
	reach_add(arg, seg->addr, len);
	return 0;
}

static void ring_program(volatile uint8_t *regs, const volatile void *ring)
{
	uint64_t iova = (uintptr_t)ring;

	mmio_write32(regs + 0x00, (uint32_t)iova);
	mmio_write32(regs + 0x04, (uint32_t)(iova >> 32));
	mmio_write32(regs + 0x08, BENCH_RING * NIC_DESC_SIZE);
	mmio_write32(regs + 0x10, 0);
	mmio_write32(regs + 0x18, 0);
}

/* Our port's queues, started as the port does it on a software NIC. */
static struct bench_port bench_ours(uint8_t *page, struct rte_mempool *pool, struct reach *m)
{
	struct rings_rx *r = rings_rx_new(pool, BENCH_RING);
	struct rings_tx *t = rings_tx_new(BENCH_RING, true, true);
	uint64_t wb = (uintptr_t)&t->wb;

	reach_add(m, (const void *)(uintptr_t)r->q.desc, BENCH_RING * NIC_DESC_SIZE);
	reach_add(m, (const void *)(uintptr_t)t->q.desc, BENCH_RING * NIC_DESC_SIZE);
	reach_add(m, t, sizeof(*t));

	ring_program(page + nicvf_VRDBAL(0), r->q.desc);
	mmio_write32(page + nicvf_VSRRCTL(0),
		     2 | field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
	mmio_write32(page + nicvf_VRXDCTL(0), XDCTL_ENABLE);
	ring_program(page + nicvf_VTDBAL(0), t->q.desc);
	mmio_write32(page + nicvf_VTDWBAH(0), (uint32_t)(wb >> 32));
	mmio_write32(page + nicvf_VTDWBAL(0), (uint32_t)wb | TDWBAL_ENABLE);
	mmio_write32(page + nicvf_VTXDCTL(0), XDCTL_ENABLE);

	mmio_write32(page + nicvf_VRDT(0), r->tail);
	r->q.tail_reg = (volatile uint32_t *)(void *)(page + nicvf_VRDT(0));
	t->q.tail_reg = (volatile uint32_t *)(void *)(page + nicvf_VTDT(0));
	return (struct bench_port){
		.rx = pmd_rx_vector, .tx = pmd_tx_simple, .rxq = &r->q, .txq = &t->q};
}

static void set_up(struct bench *b, bool igb)
{
	struct reach m = {0};
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("bench", 2048, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	uint8_t dut[MAC_LEN], peer[MAC_LEN], *page;

	if (!pool)
		exit(1);
	b->rig = rig_new();
	rig_pf_up(b->rig, 2);
	rig_mac(DUT, dut);
	rig_mac(PEER, peer);
	rig_frame(b->to_dut, dut, peer, -1, FRAME);
	b->peer = rig_queue_up(b->rig, PEER, PEER, BENCH_RING, BENCH_RING - 1);
	page = snic_page(b->rig->nic, DUT);
#ifdef BENCH_IGB
	b->port = igb ? bench_igb(page, pool) : bench_ours(page, pool, &m);
#else
	if (igb)
		exit(77);
	b->port = bench_ours(page, pool, &m);
#endif
	if (rte_memseg_contig_walk(reach_eal, &m) < 0 ||
	    snic_dma_set(b->rig->nic, DUT, m.region, m.n) < 0)
		exit(1);
	snic_service(b->rig->nic);
}

static void turn_round(struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), mac[MAC_LEN];

	memcpy(mac, frame, MAC_LEN);
	memcpy(frame, frame + MAC_LEN, MAC_LEN);
	memcpy(frame + MAC_LEN, mac, MAC_LEN);
}

/* A burst there and back; false if a frame is missing or is not what was sent. */
static bool burst(struct bench *b, uint16_t n)
{
	struct rte_mbuf *p[BURST_MAX];
	const uint8_t *back;
	uint16_t i;

	for (i = 0; i < n; i++)
		rig_tx(&b->peer, b->to_dut, FRAME);
	rig_run(b->rig);
	if (b->port.rx(b->port.rxq, p, n) != n)
		return false;
	for (i = 0; i < n; i++) {
		if (rte_pktmbuf_pkt_len(p[i]) != FRAME)
			return false;
		turn_round(p[i]);
	}
	if (b->port.tx(b->port.txq, p, n) != n)
		return false;
	rig_run(b->rig);
	for (i = 0; i < n; i++) {
		if (rig_rx(&b->peer, &back, NULL) != FRAME ||
		    memcmp(back + 2 * MAC_LEN, b->to_dut + 2 * MAC_LEN, FRAME - 2 * MAC_LEN))
			return false;
		rig_post(&b->peer, rig_iova(RIG_RX_BUF + b->peer.rx_tail * RIG_STRIDE));
	}
	return true;
}

int main(int argc, char **argv)
{
	uint64_t frames = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, done = 0;
	uint16_t n = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 32;
	bool igb = argc > 3 && !strcmp(argv[3], "igb");
	struct bench b = {0};

	if (!n || n > BURST_MAX || (argc > 3 && !igb)) {
		fprintf(stderr, "bench_pmd [FRAMES [BURST up to %u [igb]]]\n", BURST_MAX);
		return 2;
	}
	rings_eal("bench_pmd");
	set_up(&b, igb);
	for (; done < frames; done += n)
		if (!burst(&b, n)) {
			fprintf(stderr, "frames went missing after %lu\n", done);
			return 1;
		}
	printf("{\"frames\":%lu,\"burst\":%u}\n", done, n);
	return 0;
}

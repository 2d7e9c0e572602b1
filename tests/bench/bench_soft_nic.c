/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data path in lock-step: one thread plays both VFs and the NIC, bursts of 32 frames in both
 * directions. Frames per second include the drivers' share and no cross-core traffic, so the figure
 * compares builds on one machine and nothing else; instructions a frame come from
 *   valgrind --tool=callgrind --toggle-collect=dp_poll_once bench_soft_nic --frames 200000
 */
#include <lib/clock.h>
#include <stdio.h>
#include <support/snic_rig.h>
#include <sys/utsname.h>

#define BURST 32u
#define RING  256u

static void repost(struct rig_queue *q)
{
	/* the tail moves once a burst, as a driver does it */
	while (rig_rx(q, NULL, NULL)) {
		uint64_t *d = (uint64_t *)(void *)&q->rx_ring[q->rx_tail];

		d[0] = rig_iova(RIG_RX_BUF + q->rx_tail * RIG_STRIDE);
		d[1] = 0;
		q->rx_tail = (q->rx_tail + 1) % q->n;
	}
	mmio_write32(q->rx + 0x18, q->rx_tail);
}

static void burst(struct rig_queue *q, uint32_t len, uint32_t rs_every)
{
	for (uint32_t i = 0; i < BURST; i++) {
		uint32_t at = q->tx_next;

		q->tx_ring[at].addr = le64_of(rig_iova(RIG_TX_BUF + at * RIG_STRIDE));
		q->tx_ring[at].status = le32_of(len << 14);
		q->tx_ring[at].cmd_len = le32_of(RIG_TXD | NIC_TXD_EOP | len |
						 ((i + 1) % rs_every ? 0 : NIC_TXD_RS));
		q->tx_next = (at + 1) % q->n;
	}
	mmio_write32(q->tx + 0x18, q->tx_next);
}

int main(int argc, char **argv)
{
	uint64_t want = 4000000, sent = 0, t0, us;
	uint32_t size = 64, rs_every = 1;
	struct rig *r = rig_new();
	struct rig_queue q[2];
	struct snic_counters c;
	struct utsname u;
	uint64_t got;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--frames"))
			want = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--size"))
			size = (uint32_t)strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rs-every"))
			rs_every = (uint32_t)strtoul(argv[i + 1], NULL, 0);
	}
	if (size < 64 || size > 1518 || !rs_every || rs_every > BURST) {
		fprintf(stderr, "sizes are 64..1518 bytes with CRC, RS every 1..%u frames\n",
			BURST);
		return 2;
	}
	rig_pf_up(r, 2);
	rig_write(r, SNIC_PF, nic_DTXSWC(0), DTXSWC_LOOPBACK | 0xffff); /* spoof checks on */
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t src[6], dst[6];

		q[i] = rig_queue_up(r, i, i, RING, RING - 1);
		rig_mac(i, src);
		rig_mac(!i, dst);
		for (unsigned int k = 0; k < RING; k++)
			rig_frame(r->mem[i] + RIG_TX_BUF + k * RIG_STRIDE, dst, src, -1, size - 4);
	}
	t0 = clock_us();
	while (sent < want) {
		burst(&q[0], size - 4, rs_every);
		burst(&q[1], size - 4, rs_every);
		snic_dp_poll_once(r->nic);
		repost(&q[0]);
		repost(&q[1]);
		sent += 2 * BURST;
	}
	us = clock_us() - t0;
	snic_counters(r->nic, &c);
	got = c.pool[0].rx_packets + c.pool[1].rx_packets;
	uname(&u);
	printf("{\"metric\":\"soft_nic_lockstep\",\"unit\":\"Mpps\",\"value\":%.3f,\"frame_bytes\":"
	       "%u,"
	       "\"burst\":%u,\"ring\":%u,\"rs_every\":%u,\"frames\":%llu,\"lost\":%llu,"
	       "\"machine\":\"%s %s\"}\n",
	       us ? (double)got / (double)us : 0, size, BURST, RING, rs_every,
	       (unsigned long long)sent, (unsigned long long)(sent - got), u.sysname, u.release);
	rig_free(r);
	return sent != got;
}

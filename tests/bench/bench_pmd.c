/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DPDK port's burst functions for counting instructions: frames of 64 bytes in bursts, received
 * and sent on, by a device of a few lines that is not counted.
 */
#include <support/pmd_rings.h>

#define N 256u

int main(int argc, char **argv)
{
	uint64_t frames = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, done = 0;
	uint16_t burst = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 32;
	struct rte_mbuf *p[256];
	struct rte_mempool *pool;
	struct rings_rx *r;
	struct rings_tx *t;

	if (!burst || burst > 128)
		return 2;
	rings_eal("bench_pmd");
	pool = rte_pktmbuf_pool_create("bench", 2048, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!pool)
		return 1;
	r = rings_rx_new(pool, N);
	t = rings_tx_new(N, true, true);
	while (done < frames) {
		uint16_t n;

		for (uint16_t i = 0; i < burst; i++)
			rings_rx_put(r, 0,
				     NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP | NIC_RXD_STAT_IXSM |
					     UINT64_C(60) << 32);
		n = pmd_rx_vector(&r->q, p, burst);
		if (n != burst || pmd_tx_simple(&t->q, p, n) != n)
			return 1;
		rings_tx_send(t, UINT32_MAX);
		done += n;
	}
	printf("{\"frames\":%lu,\"burst\":%u}\n", done, burst);
	return 0;
}

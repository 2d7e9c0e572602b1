#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver under count: its burst functions, on one queue each way. Burst functions of 32. */
#include <ethdev_driver.h>
#include <stdint.h>

#define BENCH_RING 256u

struct bench_port {
	eth_rx_burst_t rx;
	eth_tx_burst_t tx;
	void *rxq, *txq;
};

/* bench_igb.c: DPDK's own driver on the registers of a VF, which start at @page. */
struct bench_port bench_igb(uint8_t *page, struct rte_mempool *pool);

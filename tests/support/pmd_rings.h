#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of the DPDK port without a device: the test writes the descriptors back itself. EAL runs
 * in ordinary memory, so that this works without privilege and under valgrind.
 */
#include <abi/nic_desc.h>
#include <pmd.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RINGS_TAIL_NONE UINT32_MAX

static inline void rings_eal(const char *name)
{
	char *argv[] = {(char *)name,
			(char *)"--no-huge",
			(char *)"--no-shconf",
			(char *)"--no-pci",
			(char *)"--no-telemetry",
			(char *)"--log-level=lib.eal:4",
			(char *)"--log-level=lib.telemetry:1",
			(char *)"--iova-mode=va",
			(char *)"-m",
			(char *)"64",
			(char *)"-l",
			(char *)"0",
			NULL};

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		exit(1);
	}
}

static inline void *rings_alloc(size_t size)
{
	void *p = aligned_alloc(128, (size + 127) / 128 * 128);

	if (!p)
		abort();
	return memset(p, 0, size);
}

struct rings_rx {
	struct pmd_rxq q;
	uint32_t tail; /* as the device sees it */
	uint32_t head; /* next to be written back, free running */
};

static inline struct rings_rx *rings_rx_new(struct rte_mempool *pool, uint32_t n)
{
	struct rings_rx *r = rings_alloc(sizeof(*r));
	struct rte_mbuf fresh = {
		.data_off = RTE_PKTMBUF_HEADROOM, .refcnt = 1, .nb_segs = 1, .port = 7};

	r->q.desc = rings_alloc(n * (size_t)NIC_DESC_SIZE);
	r->q.sw = rings_alloc(n * sizeof(struct rte_mbuf *));
	r->q.tail_reg = &r->tail;
	r->q.mask = n - 1;
	r->q.n_desc = n;
	r->q.pool = pool;
	r->q.buf_bytes = 2048;
	memcpy(&r->q.rearm, (const char *)&fresh + offsetof(struct rte_mbuf, rearm_data),
	       sizeof(r->q.rearm));
	while (r->q.tail + PMD_BATCH < n && pmd_rx_refill(&r->q))
		;
	return r;
}

static inline void rings_rx_free(struct rings_rx *r)
{
	for (; r->q.next != r->q.tail; r->q.next++)
		rte_mempool_put(r->q.pool, r->q.sw[r->q.next & r->q.mask]);
	free((void *)(uintptr_t)r->q.desc);
	free(r->q.sw);
	free(r);
}

/* Write one posted descriptor back; false when there is none. */
static inline bool rings_rx_put(struct rings_rx *r, uint64_t lo, uint64_t hi)
{
	volatile uint64_t *d = &r->q.desc[2 * (size_t)(r->head & r->q.mask)];

	if ((r->head & r->q.mask) == r->tail)
		return false;
	d[0] = lo;
	d[1] = hi;
	r->head++;
	return true;
}

struct rings_tx {
	struct pmd_txq q;
	uint32_t tail;
	uint32_t head; /* next to be sent, free running */
	uint32_t wb;
};

static inline struct rings_tx *rings_tx_new(uint32_t n, bool head_wb, bool fast_free)
{
	struct rings_tx *t = rings_alloc(sizeof(*t));

	t->q.desc = rings_alloc(n * (size_t)NIC_DESC_SIZE);
	t->q.sw = rings_alloc(n * sizeof(struct rte_mbuf *));
	t->q.rs = rings_alloc(n * sizeof(*t->q.rs));
	t->q.tail_reg = &t->tail;
	t->q.head_wb = head_wb ? &t->wb : NULL;
	t->q.mask = n - 1;
	t->q.n_desc = n;
	t->q.fast_free = fast_free;
	return t;
}

static inline void rings_tx_free(struct rings_tx *t)
{
	for (; t->q.next != t->q.tail; t->q.next++)
		if (t->q.sw[t->q.next & t->q.mask])
			rte_pktmbuf_free_seg(t->q.sw[t->q.next & t->q.mask]);
	free((void *)(uintptr_t)t->q.desc);
	free(t->q.sw);
	free(t->q.rs);
	free(t);
}

/* Send up to @n descriptors: reports what asks for it. Returns how many there were. */
static inline uint32_t rings_tx_send(struct rings_tx *t, uint32_t n)
{
	uint32_t sent = 0;

	for (; sent < n && (t->head & t->q.mask) != t->tail; sent++, t->head++) {
		volatile uint64_t *hi = &t->q.desc[2 * (size_t)(t->head & t->q.mask) + 1];

		if (!(*hi & NIC_TXD_RS))
			continue;
		if (t->q.head_wb)
			t->wb = (t->head + 1) & t->q.mask;
		else
			*hi = (uint64_t)NIC_TXD_STAT_DD << 32;
	}
	return sent;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane: one pinned thread that takes frames from every port, learns, looks up, and puts
 * them into the rings of their ports. It allocates mbufs from a pool, nothing else; it takes no
 * lock of ours, and makes a system call only to sleep, or to wake the uplink thread.
 *
 * Others change what it looks at by publishing a new set of ports and then waiting for it to have
 * left the old one (fp_switch_quiesce). Counters are written by it alone and read by anyone.
 */
#include "fdb.h"
#include <lib/cleanup.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct fp_uplink;

#define FP_BURST       32u
#define FP_UPLINK_PORT (FP_PORTS - 1)

/* Data thread increments, anyone reads. */
typedef struct {
	_Atomic uint64_t v;
} counter_t;

/**
 * counter_add() - add @n, without a locked instruction: there is one writer
 *
 * Context: data thread. Source: -.
 */
static inline void counter_add(counter_t *c, uint64_t n)
{
	/* one writer: no locked instruction needed */
	atomic_store_explicit(&c->v, atomic_load_explicit(&c->v, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t counter_get(const counter_t *c)
{
	return atomic_load_explicit(&c->v, memory_order_relaxed);
}

/*
 * The port's last frame with a known destination: what has the same addresses goes the same way,
 * and nothing is to be learned, until the table changes or its clock ticks.
 */
struct fp_flow_cache {
	uint64_t mac_low; /* destination and source as they stand in the frame: 8 bytes, 4 bytes */
	uint32_t mac_high;
	uint32_t version; /* of the table */
	uint32_t now_ms;
	int port; /* FP_FDB_NONE: nothing is remembered */
};

struct fp_port {
	unsigned int id;	  /* number in the forwarding database */
	_Atomic int vid;	  /* vhost device behind it; -1: none connected */
	struct fp_uplink *uplink; /* instead of a vhost device */
	mac48_t only_from;	  /* the only source address taken from the port; 0: any */
	/* data thread only */
	struct fp_flow_cache last;
	unsigned int n_out;
	struct rte_mbuf *out[FP_BURST]; /* what this round sends to the port */
	counter_t rx_packets;		/* from the guest */
	counter_t rx_bytes;
	counter_t rx_dropped; /* too short, or from an address that cannot be a source */
	counter_t spoofed;    /* from another address than the port's own */
	counter_t tx_packets; /* to the guest */
	counter_t tx_bytes;
	counter_t tx_dropped; /* its ring was full, or nobody is there */
} __attribute__((aligned(64)));

/* What the data thread works on; replaced whole, never changed. */
struct fp_set {
	unsigned int n;
	struct fp_port *port[FP_PORTS];
	struct fp_port *by_id[FP_PORTS];
};

enum fp_rung {
	FP_SPIN,
	FP_NAP,
	FP_SLEEP,
};

struct fp_switch {
	struct fp_fdb *fdb;
	struct rte_mempool *pool;
	_Atomic(struct fp_set *) set;
	_Atomic uint64_t flush; /* ports whose learned addresses are to be forgotten */
	_Atomic bool stop;
	_Atomic bool running;
	_Atomic int rung;
	_Atomic uint64_t epoch __attribute__((aligned(64))); /* rounds begun */
	counter_t flooded;
	counter_t busy_tsc; /* ticks of rounds that moved something */
};

/**
 * fp_switch_init() - empty switch; @pool stays the caller's and outlives it
 *
 * Context: main thread, after EAL is up. Return: 0; -ENOMEM; -errno of membarrier(2),
 * getrandom(2). Source: membarrier(2).
 */
int fp_switch_init(struct fp_switch *sw, struct rte_mempool *pool) _must_check_;

/**
 * fp_switch_done() - free what fp_switch_init() made; ports are gone already
 *
 * Context: main thread, after the data thread ended. Source: -.
 */
void fp_switch_done(struct fp_switch *sw);

/**
 * fp_switch_run() - the data thread; @arg: the switch
 *
 * Context: an lcore of EAL; returns after fp_switch_stop(). Return: 0. Source: -.
 */
int fp_switch_run(void *arg);

/**
 * fp_switch_stop() - end the data thread, at its next round
 *
 * Context: any thread; does not wait. Source: -.
 */
void fp_switch_stop(struct fp_switch *sw);

/**
 * fp_switch_now_ms() - the clock that the forwarding database ages by. Any thread
 *
 * Context: any thread. Return: milliseconds, wrapping. Source: -.
 */
uint32_t fp_switch_now_ms(void);

/**
 * fp_switch_quiesce() - wait until the data thread has seen everything stored before the call
 * Context: any thread but the data thread; about a millisecond when it sleeps. Source:
 *         membarrier(2).
 */
void fp_switch_quiesce(struct fp_switch *sw);

/**
 * fp_switch_add_port(), fp_switch_remove_port() - publish; after removal nobody uses @p, which
 * stays the caller's
 *
 * Context: main thread; waits as fp_switch_quiesce(). Return: 0; -ENOMEM. Source: -.
 */
int fp_switch_add_port(struct fp_switch *sw, struct fp_port *p) _must_check_;
int fp_switch_remove_port(struct fp_switch *sw, struct fp_port *p) _must_check_;

/**
 * fp_switch_flush() - forget what was learned on port @id, soon
 *
 * Context: any thread; never blocks. Source: -.
 */
void fp_switch_flush(struct fp_switch *sw, unsigned int id);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data path, private part. The control thread builds an immutable struct dp_cfg from the registers
 * and publishes it by a pointer; the data thread takes it over at the top of a round and
 * acknowledges its epoch. Two configurations suffice: the next is built only when the last was
 * acknowledged.
 *
 * Rings, buffers and queue registers are guest memory: each is loaded once into a local, checked,
 * and only the local is used. The header of a frame travels in registers from the check to the
 * copy, so a guest cannot change addresses between the spoof check and the delivery.
 */
#include <abi/nic_desc.h>
#include <abi/nic_regs.h>
#include <pthread.h>
#include <snic/snic.h>
#include <snic/wire.h>
#include <stdatomic.h>
#include "dp_hold.h"
#include "intr.h"
#include "switch.h"
#include "tso.h"

#define DP_BATCH     32u
#define DP_FRAME_MAX 9724u /* longest frame handled, without CRC */
#define DP_TX_CTX    8u
#define DP_STEP	     4u /* descriptors in a cache line */
#define DP_FLOWS     32u
#define DP_WORKERS   SNIC_DP_THREADS_MAX

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Offsets inside the 256 byte register block of a queue; RX and TX share most of them. */
enum {
	DPR_BAL = 0x00,
	DPR_BAH = 0x04,
	DPR_LEN = 0x08,
	DPR_SRRCTL = 0x0c,
	DPR_HEAD = 0x10,
	DPR_TAIL = 0x18,
	DPR_CTL = 0x28,
	DPR_RQDPC = 0x30,
	DPR_WBAL = 0x38,
	DPR_WBAH = 0x3c,
};

/* What a driver wrote; [n_raw] registers whose change asks for a new configuration. */
#define DP_RAW 6u
struct dp_raw {
	uint32_t r[DP_RAW]; /* control first: enable bit, then what it covers */
};

/* A client's memory; hint[] names the region to try first, by dp_hint() of the address. */
#define DP_HINTS 256u
struct dp_fn {
	uint32_t n;
	struct snic_dma region[SNIC_DMA_REGIONS];
	uint8_t hint[DP_HINTS];
};

/* The part of a region that served last: any access of up to 'slack' bytes from base on is inside.
 */
struct dp_window {
	uint64_t base;
	uint64_t span; /* 0: none yet */
	uintptr_t va;  /* of base */
};

struct dp_rxq_cfg {
	struct nic_rx_read *ring; /* NULL: the queue is off */
	volatile uint8_t *regs;	  /* its block of registers in shared memory */
	const struct dp_fn *fn;
	uint32_t gen; /* a new one restarts the queue at 'head' */
	uint32_t n_desc;
	uint32_t head;
	uint32_t buf_len;
	uint32_t buf_used; /* so much of a buffer can be written: no frame is longer */
	uint32_t limit;	   /* longest untagged frame, CRC included */
	uint32_t limit_tagged;
	bool strip;	  /* VLAN tags go into the descriptor */
	bool strip_multi; /* ... for replicated frames */
	bool drop_enabled;
	uint8_t irq; /* EICR bit, INTR_NONE, INTR_LEGACY */
};

struct dp_txq_cfg {
	struct nic_tx_desc *ring;
	volatile uint8_t *regs;
	const struct dp_fn *fn;
	uint32_t gen;
	uint32_t n_desc;
	uint32_t head;
	uint32_t *head_wb; /* head write-back address, or NULL */
	uint32_t vmvir;
	uint8_t irq;
};

struct dp_cfg {
	uint64_t epoch;
	uint32_t n_tx;
	uint8_t tx_list[NIC_QUEUES];
	bool any_queue;
	bool link;
	struct dp_rxq_cfg rx[NIC_QUEUES];
	struct dp_txq_cfg tx[NIC_QUEUES];
	struct dp_raw rx_raw[NIC_QUEUES];
	struct dp_raw tx_raw[NIC_QUEUES];
	uint32_t present; /* bit n: pages of VF n are to be looked at */
	struct sw_cfg sw;
	struct dp_fn fn[SNIC_FNS];
};

struct dp_rxq {
	/* hot */
	uint32_t i_buf, n_buf; /* buf[i_buf..n_buf) are posted, translated buffers */
	uint32_t n_good;       /* buf[i_buf..n_good) are usable */
	uint32_t n_pend;       /* write-backs not yet stored */
	uint32_t n_bad;	       /* ... of which are no frames */
	uint64_t pend_bytes;   /* octets in them, with CRC */
	uint32_t plain_max; /* longest untagged frame without CRC that limits and buffers allow */
	uint32_t head;	    /* descriptor of pend[0] */
	uint32_t fetched;   /* next descriptor to look at */
	uint32_t n_desc;
	uint8_t irq;
	bool strip, strip_multi;
	struct nic_rx_read *ring;
	volatile uint8_t *regs;
	struct dp_window window;
	const struct dp_fn *fn;
	uint32_t limit, limit_tagged, buf_len, buf_used;
	uint32_t gen;
	uint64_t packets, bytes, loop_packets, loop_bytes, multicast;
	/* cold */
	uint32_t published;	      /* head as last written to the register */
	_Atomic uint32_t stopped_gen; /* generation that the guest switched off under us */
	bool drop_enabled; /* a full queue drops by itself; else the port's buffer overflows */
	bool stalled;	   /* the wire has waited for its buffers long enough */
	uint64_t dropped_empty, dropped_missed, dropped_long, dropped_bad, dropped_off;
	_Alignas(64) uint8_t *buf[DP_BATCH];
	/* upper half of the descriptor: status, length, VLAN; filled in steps of DP_STEP */
	uint64_t pend[DP_BATCH + DP_STEP];
	uint64_t pend_lo[DP_BATCH]; /* lower half: RSS; zeros but for n_hashed of them */
	uint32_t n_hashed;
};

/* Frames that begin with these 14 bytes go to this one queue and nowhere else. */
struct dp_flow {
	uint64_t h0, h1;
	struct dp_rxq *rx; /* NULL: nothing known */
	uint32_t bit;	   /* of the queue, for rx_dirty */
};

struct dp_txq {
	/* hot */
	struct nic_tx_desc *ring;
	volatile uint8_t *regs;
	uint32_t head;
	uint32_t n_desc;
	struct dp_window window;
	uint8_t pool;
	uint8_t index;
	uint8_t irq;
	bool gathering; /* in the middle of a frame in several descriptors */
	/* tried first, before the frame is here to tell its destination; one of flow[] */
	const struct dp_flow *recent;
	struct dp_hold hold;
	const uint8_t *echo; /* where the queue's next frame may well be; see dp_tx_has_work() */
	uint64_t packets, bytes, loop_packets, loop_bytes;
	uint32_t *head_wb;
	const struct dp_fn *fn;
	uint32_t vmvir;
	uint32_t gen;
	uint64_t last_key; /* destination and VLAN of the last decision */
	uint64_t last_src;
	struct sw_decision last;
	uint32_t published;
	struct dp_flow flow[DP_FLOWS]; /* by dp_flow_of() */
	/* cold */
	_Atomic uint32_t stopped_gen;
	uint64_t dropped_bad, dropped_tso, spoofed;
	bool gather_bad;
	uint32_t gather_cmd, gather_status;
	uint32_t gather_len;
	uint64_t ctx_lo[DP_TX_CTX]; /* context descriptors: lengths and VLAN */
	uint32_t ctx_cmd[DP_TX_CTX];
	uint32_t ctx_mss[DP_TX_CTX]; /* segment and TCP header lengths */
	struct tso tso;
	bool burst_end; /* a segmented frame is out: the batch ends here */
	_Alignas(64) uint8_t scratch[DP_FRAME_MAX + 64];
};

/* A frame on its way: the first 16 bytes are h0, h1; data[16..len) follows. */
struct dp_pkt {
	uint64_t h0, h1;
	const uint8_t *data;
	uint32_t len;
	uint16_t tag;
	bool tagged; /* carries 'tag', in its data or beside it */
	bool beside; /* the tag is not in the data */
	bool loop;   /* came from a queue, not from the wire */
};

struct dp_counters {
	uint64_t wire_rx, wire_tx, wire_rx_dropped, wire_tx_dropped;
	uint64_t rx_frames, rx_bytes, rx_multicast, rx_broadcast;
	uint64_t tx_multicast, tx_broadcast;
	uint64_t too_long;
	uint64_t busy_tsc; /* ticks of polls that moved something */
};

struct dp_ring;

/*
 * One data thread and what is its own: the queues of some pools, the wire for the first. A frame
 * for another's queue is handed over (dp_peer.c), so every queue has one writer.
 */
struct dp_worker {
	const struct dp_cfg *cfg;
	struct dp *dp;
	struct dp_rxq *rx; /* all of them; those of other workers are not to be touched */
	struct dp_txq *tx;
	struct intr *intr;
	struct snic_wire *wire; /* NULL: there is none, or it is another's */
	uint32_t rx_dirty;	/* queues with write-backs pending */
	bool wire_dirty;
	bool wire_held;	     /* the oldest frame of the wire waits for a buffer */
	uint64_t held_since; /* TSC; 0: none waits */
	bool need_poke;
	uint64_t now; /* TSC when the last round ended; 0: no thread of ours */
	struct dp_hold_clock hold;
	uint8_t index;
	uint8_t own; /* its pools */
	uint8_t n_tx;
	uint8_t tx_list[NIC_QUEUES];
	uint32_t causes; /* for ICR at the next tick */
	uint32_t handed; /* workers that were handed frames in this round */
	int32_t credit[NIC_VFS_MAX];
	uint32_t owing; /* pools with less credit than they may have */
	struct intr_timer timer;
	struct dp_counters n;
	struct dp_ring *to[DP_WORKERS], *from[DP_WORKERS];
	/* shared with other threads */
	_Alignas(64) _Atomic uint64_t acked;
	_Atomic uint32_t sleeping; /* futex */
	_Atomic int rung;
	pthread_t thread;
	bool running;
	int cpu; /* -1: not pinned */
};

#define DP_SPIN_US 1000u

struct dp {
	unsigned int n_workers;
	struct dp_worker worker[DP_WORKERS];
	struct dp_rxq rx[NIC_QUEUES];
	struct dp_txq tx[NIC_QUEUES];
	struct snic_wire *wire;
	struct dp_ring *rings; /* between workers */
	uint64_t tsc_per_us;
	uint32_t spin_us; /* look on for so long after the last work */
	void (*poke)(void *ctx);
	void *poke_ctx;
	void (*started)(void *poke_ctx); /* see struct snic_ops, data_thread */
	bool threaded;
	_Alignas(64) _Atomic uint32_t wvbr; /* queues that spoofed, until read */
	_Alignas(64) _Atomic(const struct dp_cfg *) next;
	_Atomic bool want_ack; /* the control thread waits: poke it on acknowledge */
	_Atomic bool poked;
	_Atomic bool stop;
};

/** dp_owner() - worker of a queue. Context: any. Return: its index. Source: -. */
static inline unsigned int dp_owner(const struct dp *dp, unsigned int q)
{
	return q % NIC_VFS_MAX % dp->n_workers;
}

/**
 * dp_init() - an idle data path without configuration; @poke: see struct snic_ops
 *
 * Context: control thread. Source: -.
 */
void dp_init(struct dp *dp, struct intr *intr, void (*poke)(void *), void *ctx);

/**
 * dp_workers_set() - spread queues over @n data threads
 * @cpus: processor of each; NULL, or -1 in it: not pinned
 *
 * Context: control thread, while none runs. Return: 0; -EINVAL; -EALREADY; -ENOMEM. Source: -.
 */
int dp_workers_set(struct dp *dp, unsigned int n, const int *cpus) _must_check_;

/** dp_done() - free what dp_workers_set() took. Context: control thread, stopped. Source: -. */
void dp_done(struct dp *dp);

/**
 * dp_poll_once() - one round: take over a new configuration, its transmit queues, frames of other
 * workers, the wire
 *
 * Context: data thread; never blocks. Return: descriptors and frames handled. Source: -.
 */
unsigned int dp_poll_once(struct dp_worker *me);

/**
 * dp_holds() - the stage of leaving tails alone is over: what each queue does next
 *
 * Context: data thread. Source: -.
 */
void dp_holds(struct dp_worker *me);

/**
 * dp_tick() - the slow part of a round: heads, registers, late interrupts
 *
 * Context: data thread. Source: -.
 */
void dp_tick(struct dp_worker *me);

/**
 * dp_adopt() - take @cfg over: queues whose generation changed start anew
 *
 * Context: data thread. Source: -.
 */
void dp_adopt(struct dp_worker *me, const struct dp_cfg *cfg);

/**
 * dp_acked() - did every worker take the configuration of @epoch over?
 *
 * Context: any thread. Return: true or false. Source: -.
 */
bool dp_acked(struct dp *dp, uint64_t epoch);

/**
 * dp_kick(), dp_kick_all() - wake a data thread if it sleeps; each of them
 *
 * Context: any thread; never blocks. Source: futex(2).
 */
void dp_kick(struct dp_worker *w);
void dp_kick_all(struct dp *dp);

/**
 * dp_start() - run each worker in a thread of its own
 *
 * Context: control thread. Return: 0; -EALREADY; -errno of pthread_create(3),
 * pthread_setaffinity_np(3). Source: -.
 */
int dp_start(struct dp *dp);

/**
 * dp_stop() - end the threads and wait for them; fine when none runs
 *
 * Context: control thread. Source: -.
 */
void dp_stop(struct dp *dp);

/**
 * dp_end() - the same, and wait no longer than @timeout_us
 *
 * Context: control thread. Return: 0; -ETIMEDOUT a thread is still there. Source: -.
 */
int dp_end(struct dp *dp, uint64_t timeout_us) _must_check_;

/**
 * dp_tx_poll() - send up to DP_BATCH descriptors of one queue
 *
 * Context: data thread. Return: descriptors handled. Source: docs/sources.md [Q] [L]: legacy and
 * advanced descriptors.
 */
unsigned int dp_tx_poll(struct dp_worker *me, struct dp_txq *tx);

/**
 * dp_rx_flush() - frames of one batch are done: descriptors written back, interrupts; @loop: they
 * came from a queue
 *
 * Context: data thread. Source: -.
 */
void dp_rx_flush(struct dp_worker *me, bool loop);

/** dp_tx_restart() - begin at c->head as after power-on. Context: data thread. Source: -. */
void dp_tx_restart(struct dp_txq *tx, const struct dp_txq_cfg *c);

/**
 * dp_wire_poll() - take frames off the wire and deliver them
 *
 * Context: data thread; never blocks. Return: frames taken. Source: -.
 */
unsigned int dp_wire_poll(struct dp_worker *me);

/**
 * dp_wire_out() - put one frame on the wire, or drop and count it
 *
 * Context: data thread; never blocks. Source: -.
 */
void dp_wire_out(struct dp_worker *me, const struct dp_pkt *p);

/** dp_wire_flush() - wake the wire's other side if it sleeps. Context: data thread. Source: -. */
void dp_wire_flush(struct dp_worker *me);

/** dp_hint() - where an address looks for its region first. Context: any. Return: index of hint[].
 * Source: -. */
static inline uint32_t dp_hint(uint64_t iova)
{
	return (uint32_t)(iova >> 21) % DP_HINTS;
}

/**
 * dp_hints_fill() - make hint[] right for the regions that are there
 *
 * Context: control thread, before @fn is published. Source: -.
 */
void dp_hints_fill(struct dp_fn *fn);

/**
 * dp_reach() - the memory behind an I/O address
 * @w:     window to set for the next accesses
 * @slack: longest access that the window will be used for
 *
 * Context: data thread; control thread with a window of its own.
 * Return: pointer, or NULL if [iova, iova + len) is not inside one region with that permission.
 * Source: -
 */
uint8_t *dp_reach(const struct dp_fn *fn, struct dp_window *w, uint64_t iova, uint64_t len,
		  bool write, uint32_t slack);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire of the software NIC: two bounded single-producer single-consumer rings of frames between
 * the data thread and whoever stands for the outside world - a thread on a tap device, or a test.
 * A full ring drops and counts. Or, if the wire is to hold: frames for a queue that is on and has
 * no buffers stay in the ring, in the order they came, and whoever fills it waits for room. That is
 * for a wire with one receiver: nobody else's frames are behind them.
 */
#include <lib/cleanup.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIC_WIRE_SLOTS 256u
#define SNIC_WIRE_SLOT	2048u
#define SNIC_WIRE_FRAME (SNIC_WIRE_SLOT - 8u) /* longest frame, without CRC */
#define SNIC_FRAME_MIN	60u		      /* shorter ones are padded */

struct snic_wire_slot {
	uint32_t len;
	uint32_t unused;
	uint8_t frame[SNIC_WIRE_FRAME];
};

struct snic_wire_ring {
	_Alignas(64) _Atomic uint32_t put;  /* written by the producer */
	_Alignas(64) _Atomic uint32_t take; /* written by the consumer */
	_Alignas(64) struct snic_wire_slot slot[SNIC_WIRE_SLOTS];
};

struct snic_wire {
	struct snic_wire_ring in;  /* outside world to NIC */
	struct snic_wire_ring out; /* NIC to outside world */
	/* the outside sets 'sleeping' before it waits; the data thread then writes to kick_fd */
	_Alignas(64) _Atomic bool sleeping;
	int kick_fd;
	bool hold;	   /* set before the wire is attached */
	_Atomic bool full; /* the outside waits for room in 'in': wake it when half is free */
	/* counters, one writer each */
	_Alignas(64) _Atomic uint64_t rx_dropped; /* outside thread: ring full or frame too long */
	_Atomic uint64_t tx_errors;		  /* outside thread: the tap refused it */
};

/**
 * snic_wire_room() - slot to fill next, NULL when full; snic_wire_put() hands it over
 *
 * Context: the ring's producer. Return: the slot; NULL. Source: -.
 */
static inline struct snic_wire_slot *snic_wire_room(struct snic_wire_ring *r)
{
	uint32_t put = atomic_load_explicit(&r->put, memory_order_relaxed);

	if (put - atomic_load_explicit(&r->take, memory_order_acquire) == SNIC_WIRE_SLOTS)
		return NULL;
	return &r->slot[put % SNIC_WIRE_SLOTS];
}

/**
 * snic_wire_put() - hand the slot of snic_wire_room() over
 *
 * Context: the ring's producer. Source: -.
 */
static inline void snic_wire_put(struct snic_wire_ring *r)
{
	atomic_store_explicit(&r->put, atomic_load_explicit(&r->put, memory_order_relaxed) + 1,
			      memory_order_release);
}

/**
 * snic_wire_peek() - oldest frame, NULL when empty; snic_wire_drop() gives its slot back
 *
 * Context: the ring's consumer. Return: the slot; NULL. Source: -.
 */
static inline struct snic_wire_slot *snic_wire_peek(struct snic_wire_ring *r)
{
	uint32_t take = atomic_load_explicit(&r->take, memory_order_relaxed);

	if (take == atomic_load_explicit(&r->put, memory_order_acquire))
		return NULL;
	return &r->slot[take % SNIC_WIRE_SLOTS];
}

/**
 * snic_wire_drop() - give the slot of snic_wire_peek() back
 *
 * Context: the ring's consumer. Source: -.
 */
static inline void snic_wire_drop(struct snic_wire_ring *r)
{
	atomic_store_explicit(&r->take, atomic_load_explicit(&r->take, memory_order_relaxed) + 1,
			      memory_order_release);
}

/**
 * snic_wire_half() - is at least half of the ring free?
 *
 * Context: the ring's consumer. Return: true or false. Source: -.
 */
static inline bool snic_wire_half(const struct snic_wire_ring *r)
{
	return atomic_load_explicit(&r->put, memory_order_relaxed) -
		       atomic_load_explicit(&r->take, memory_order_relaxed) <=
	       SNIC_WIRE_SLOTS / 2;
}

/**
 * snic_wire_new() - rings without anybody outside
 *
 * Return: 0; -ENOMEM. Source: -. Context: any thread.
 */
int snic_wire_new(struct snic_wire **ret_wire) _must_check_;

/**
 * snic_wire_free() - after both sides have let go; NULL is fine
 *
 * Context: any thread. Source: -.
 */
void snic_wire_free(struct snic_wire *w);
DEFINE_CLEANUP(struct snic_wire *, snic_wire_free);

struct snic_tap;

/**
 * snic_tap_start() - a thread that moves frames between a tap device and the wire
 * @fd:   tap (IFF_TAP | IFF_NO_PI), owned from here on, also on failure
 * @kick: called when frames were put into w->in, from the tap's thread
 *
 * Context: control thread. Return: 0; -errno of fcntl(2), eventfd(2), pthread_create(3).
 * Source: Linux Documentation/networking/tuntap.rst.
 */
int snic_tap_start(struct snic_wire *w, int fd, void (*kick)(void *ctx), void *ctx,
		   struct snic_tap **ret_tap) _must_check_;

/**
 * snic_tap_stop() - end the thread, close the tap, free; NULL is fine
 *
 * Context: control thread; waits for the thread. Source: -.
 */
void snic_tap_stop(struct snic_tap *t);
DEFINE_CLEANUP(struct snic_tap *, snic_tap_stop);

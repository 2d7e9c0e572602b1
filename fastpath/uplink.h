#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge's way out: a tap device served by a thread of its own, so that the data thread never
 * reads or writes it. Frames cross two single-producer single-consumer rings; the data thread's
 * only system call is the wake-up of a sleeping uplink thread, when a frame goes there.
 */
#include <lib/cleanup.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct fp_uplink;

/**
 * fp_uplink_new() - serve @fd
 * @fd:   tap (IFF_TAP | IFF_NO_PI) or a socket that keeps message boundaries; owned, also on
 *         failure
 * @pool: where frames from the tap live
 *
 * Context: main thread, after EAL is up.
 * Return: 0; -EINVAL the tap is of another kind; -ENOMEM; -errno of fcntl(2), eventfd(2),
 *         pthreads.
 * Source: linux/if_tun.h.
 */
int fp_uplink_new(int fd, struct rte_mempool *pool, struct fp_uplink **ret_up) _must_check_;

/**
 * fp_uplink_free() - stop the thread, close the tap
 *
 * Context: main thread, after the data thread let go of it. Source: -.
 */
void fp_uplink_free(struct fp_uplink *up);
DEFINE_CLEANUP(struct fp_uplink *, fp_uplink_free);

/**
 * fp_uplink_recv() - up to @n frames from the tap; they are the caller's to free
 *
 * Context: data thread; never blocks. Return: how many. Source: -.
 */
uint16_t fp_uplink_recv(struct fp_uplink *up, struct rte_mbuf **m, uint16_t n);

/**
 * fp_uplink_send() - @n frames to the tap, sharing them
 *
 * Context: data thread; never blocks. Return: how many found room. Source: -.
 */
uint16_t fp_uplink_send(struct fp_uplink *up, struct rte_mbuf **m, uint16_t n);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * librte_vhost 22.11 adds a new listening socket to the set that its thread polls, but does not
 * wake the thread: a client waits up to a second for its accept. A connection of our own, which
 * that thread polls from the beginning, wakes it.
 */

/**
 * fp_nudge_init() - make the connection; without it only the wait remains
 *
 * Context: main thread, after EAL is up. Return: 0; -EIO of librte_vhost; -errno of mkdtemp(3),
 * bind(2), accept4(2). Source: DPDK 22.11, lib/vhost/socket.c.
 */
int fp_nudge_init(void);

/**
 * fp_nudge_done() - hang up and remove what fp_nudge_init() made
 *
 * Context: main thread. Source: -.
 */
void fp_nudge_done(void);

/**
 * fp_nudge() - have librte_vhost's thread look at its sockets anew; waits until it is awake
 *
 * Context: main thread; blocks until then, within a deadline. Source: DPDK 22.11,
 * lib/vhost/fd_man.c.
 */
void fp_nudge(void);

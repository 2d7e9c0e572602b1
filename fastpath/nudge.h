#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * librte_vhost 22.11 adds a new listening socket to the set that its thread polls, but does not
 * wake the thread: a client waits up to a second for its accept. A connection of our own, which
 * that thread polls from the beginning, wakes it.
 */

/**
 * fp_nudge_init() - make the connection. -errno; without it only the wait remains. Main thread.
 */
int fp_nudge_init(void);
void fp_nudge_done(void);

/** fp_nudge() - have librte_vhost's thread look at its sockets anew; waits until it is awake. */
void fp_nudge(void);

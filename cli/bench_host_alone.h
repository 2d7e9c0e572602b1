#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generator and switch alone on their CPUs while a block runs: nobody gets in before they sleep
 * (SCHED_FIFO). The kernel takes 50 ms of each second from a thread that does so for longer, at a
 * moment of its own choice; blocks are shorter, and between them both CPUs are left to others.
 */
#include "bench_host.h"
#include "bench_host_waits.h"

/**
 * bh_alone_breathe() - leave the CPUs to others for 80 ms, so that they need not take them
 *
 * Then it measures how far apart the two are, which a hypervisor may change at any time, and if
 * they were nearer before, tries for up to 3 s to have them put there again: rounds that are taken
 * in one state of the machine compare. A run spends 3 s and 40 ms a breath on that at most.
 *
 * Context: all paths are parked, and nothing is asked of the engine. Source: none.
 */
void bh_alone_breathe(struct bench_host *b);

/**
 * bh_alone_begin() - nobody else from now on, if @p is of those that only poll
 * @waits: threads of @p
 *
 * Context: the engine waits for a request. Return: thread to be given to bh_alone_end(); 0 where
 * it is left as it was: b->alone_error says why, if it should have been.
 * Source: sched(7); Linux Documentation/scheduler/sched-deadline.rst, kernel/sched/deadline.c.
 */
pid_t bh_alone_begin(struct bench_host *b, const struct bh_path *p, const struct bh_waits *waits);

/** bh_alone_end() - as it was before. Context: the engine answered. Source: sched(7). */
void bh_alone_end(struct bench_host *b, pid_t thread);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a switch had its CPU: the generator sees what is taken from itself, but a switch that
 * does not run for 10 ms looks like a slow one.
 */
#include <stdint.h>
#include <sys/types.h>

#define BH_THREADS_MAX 64u /* a switch has one that moves frames, and some around it */

/* Threads as the kernel counts them so far. */
struct bh_waits {
	unsigned int n;
	struct {
		pid_t tid;
		uint64_t run_us, wait_us; /* it ran; it was ready and did not run */
		uint64_t switches;	  /* it gave its CPU up of its own will */
	} thread[BH_THREADS_MAX];
};

/**
 * bh_waits_add() - the threads of process @pid; what the kernel does not tell is left out
 *
 * Context: main thread; reads files. Source: proc(5), Linux
 * Documentation/scheduler/sched-stats.rst.
 */
void bh_waits_add(struct bh_waits *w, pid_t pid);

/* The thread of a process that ran most, and what it did meanwhile. */
struct bh_busiest {
	pid_t tid; /* 0: none is known */
	uint64_t run_us, wait_us, switches;
};

/** bh_waits_most() - from @before to @after. Context: any; pure. Return: it. Source: -. */
struct bh_busiest bh_waits_most(const struct bh_waits *before, const struct bh_waits *after);

/** bh_waits_run_us() - how long all of its threads ran. Context: any; pure. Return: us. Source: -.
 */
uint64_t bh_waits_run_us(const struct bh_waits *before, const struct bh_waits *after);

/**
 * bh_thread_cpu() - the CPU that a thread runs on, or last ran on
 * Context: reads a file. Return: its number; -1 the kernel does not tell. Source: proc(5).
 */
int bh_thread_cpu(pid_t tid);

/**
 * bh_waits_busiest() - the thread that ran most so far
 * Context: any; pure. Return: 0 if there is none. Source: -.
 */
pid_t bh_waits_busiest(const struct bh_waits *w);

/**
 * bh_waits_since() - how long the thread that ran most from @before to @after waited for its CPU
 *
 * Wake-ups of a thread that sleeps are its own doing.
 *
 * Context: any; pure. Return: us. Source: -.
 */
uint64_t bh_waits_since(const struct bh_waits *before, const struct bh_waits *after);

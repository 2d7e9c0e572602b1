#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a block may be used: what the machine took away from it while it ran. Counters are read
 * before and after; the judgement is pure.
 */
#include <jansson.h>
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdint.h>

/* Two readings, or their difference. */
struct disturb_host {
	uint64_t wall_us;
	uint64_t steal_us;  /* of both CPUs, by the hypervisor */
	uint64_t wait_us;   /* this thread was ready and did not run */
	uint64_t system_us; /* this thread's time in the kernel */
	uint64_t switches;  /* this thread gave its CPU up */
};

struct disturb_gaps {
	uint64_t over; /* rounds above 20 us */
	uint64_t max_us, lost_us;
	uint64_t stall_us; /* in rounds above 1 ms */
};

/* How much of a block may be lost, in thousandths: a tail of latencies shows a millisecond. */
#define DISTURB_LOST_RATE 20u
#define DISTURB_LOST_TAIL 5u

struct disturb_offer {
	uint64_t due, sent; /* frames; due 0: nothing was promised */
};

/**
 * disturb_read() - @host now, for the CPUs @cpu[0] and @cpu[1] (negative: none)
 *
 * What the kernel does not tell stays 0.
 *
 * Context: the measured thread; reads two files. Source: proc(5), getrusage(2).
 */
void disturb_read(struct disturb_host *host, const int cpu[2]);

/** disturb_since() - @now becomes what came since @before. Context: any; pure. Source: -. */
void disturb_since(struct disturb_host *now, const struct disturb_host *before);

/**
 * disturb_steal() - the steal column of @cpu in @text, which is /proc/stat
 *
 * Context: any; pure. Return: clock ticks; 0 if it is not there. Source: proc(5).
 */
uint64_t disturb_steal(const char *text, int cpu);

/**
 * disturb_valid() - may the block be used?
 * @who:  sends and receives its frames, as a word in the sentences
 * @lost: DISTURB_LOST_*
 * @why:  array that gets a sentence for each reason against it
 *
 * A path that waits in system calls has long rounds by nature, and from each wake-up until it runs
 * is no doing of others: there, stalls count, and what it waited beyond its wake-ups.
 *
 * Context: any; pure. Return: true if there is no reason. Source: -.
 */
bool disturb_valid(const char *who, const struct disturb_host *used,
		   const struct disturb_gaps *gaps, const struct disturb_offer *offer, bool gone,
		   unsigned int lost, json_t *why);

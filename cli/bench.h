#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovctl bench: three ways into one guest, measured side by side. One VM owns two ports of each
 * path. All of them are set up first; a path that is not measured has nothing to do, and its switch
 * sleeps. A round visits every path once, the VF twice (A/A), in an order drawn anew, so that what
 * the host does meanwhile hits all of them alike. Plan, order, validity and statistics are those of
 * the host bench; the result is a file of the same format: docs/bench-format.md.
 */
#include <abi/guest_block.h>
#include <abi/hist.h>
#include <lib/disturb.h>

#include <cli/calib.h>
#include <cli/cli.h>

#include "bench_block.h"
#include "bench_host_waits.h"

#define BENCH_ROUNDS_MAX 100u
#define BENCH_VM	 "bench-vm"
#define BENCH_VFS	 2u
#define BENCH_TEXT	 320u

enum bench_path_id {
	BENCH_EMULATED,
	BENCH_VIRTIO,
	BENCH_VF,
	BENCH_PATHS,
};

/* Counted by the VMM around each block; the guest cannot see them. */
struct bench_traps {
	uint64_t bar_exits; /* accesses to the device that left the guest */
	uint64_t messages;  /* vfio-user register messages */
	uint64_t kvm_exits; /* all exits, for whatever reason */
};

/* Counted by the kernel's tracepoints, in a pass of its own. */
struct bench_traced {
	uint64_t packets; /* 0: not counted */
	uint64_t kvm;	  /* 0 where kvm_exit is silent */
	uint64_t user;
	uint64_t mmio;
	uint64_t wakeups;
	uint64_t interrupts; /* of the path's two interfaces */
};

/* What the requests that make up one block gave, added up. */
struct bench_sum {
	uint64_t sent, received, corrupt;
	uint64_t bytes; /* received, without CRC */
	uint64_t ticks;
	uint64_t warmup; /* round trips that were not recorded */
	struct guest_gaps gaps;
	struct hist hist;
	struct bench_traps traps;
};

/* What the machine did while a block ran. */
struct bench_seen {
	struct disturb_host used;
	uint64_t switch_wait_us;
	uint64_t beside_guest_us;  /* the path's other threads ran, in all: beside the guest's */
	uint64_t beside_switch_us; /* ... beside the switch's */
	int cpu_guest, cpu_switch; /* -1: not known */
};

struct bench_path {
	const char *name; /* as in attach --path */
	const char *net[2];
	unsigned int traits; /* BH_TRAIT_* */
	bool trapped;	     /* each access to the device leaves the guest, by nature */
	bool failed;
	char reason[BENCH_TEXT];
	char what[128];
	char via[64];	  /* the child of sriovd that switches; empty: none */
	pid_t switch_pid; /* 0: not known */
	int cpu_switch;
	unsigned int n_rounds; /* that it came through */
	struct hist rtt;
	uint64_t rtt_packets; /* two a round trip, warm-up included */
	uint64_t load_packets;
	struct bench_traps rtt_traps;
	struct bench_traps load_traps;
	struct bench_traced rtt_traced;
	struct bench_traced load_traced;
	uint64_t lost;
	uint64_t corrupt;
	double p50_ns[BENCH_ROUNDS_MAX];
	double mpps_64[BENCH_ROUNDS_MAX];
	double gbps_1518[BENCH_ROUNDS_MAX];
};

struct bench {
	const struct cli *cli;
	const char *pf;
	const json_t *command; /* the command line */
	struct bh_plan plan;
	uint64_t samples; /* a path, over all rounds */
	uint64_t seed;
	char when[32];
	char nic[64]; /* what @pf is */
	char via[64]; /* the child that switches between its VFs; empty: none */
	pid_t vm_pid;
	int cpu_guest;
	uint64_t tsc_khz; /* as the guest counts */
	char trap_source[64];
	char tracepoints[256];	  /* what was attached; empty: see no_tracepoints */
	char no_tracepoints[128]; /* why */
	char interrupt_source[64];
	char why[BENCH_TEXT]; /* of the last request that failed */
	struct calib calib;
	bool have_calib;
	json_t *blocks;
	json_t *notes;
	struct bench_path path[BENCH_PATHS];
};

/** bench_init() - names, sizes, lists. Context: any. Return: 0; -ENOMEM. Source: none. */
int bench_init(struct bench *b, const struct cli *cli, const char *pf);

/**
 * bench_clean() - remove the bench's VM and networks, its own or those of a broken earlier run
 * Context: sleeps, for a minute at most when something is busy; not stopped by a signal.
 * Return: 0; -EBUSY something stays (a message is printed). Source: none.
 */
int bench_clean(const struct bench *b);

/**
 * bench_check() - choose the PF when none was named, and count its free VFs
 * Context: sleeps; once a process; prints what is missing.
 * Return: 0; -ENOENT no such PF; -ENOSPC not enough free VFs; else as api_call(). Source: none.
 */
int bench_check(struct bench *b);

/**
 * bench_setup() - start the VM, attach two ports of each path
 * Context: sleeps; prints progress and errors to stderr; on failure the caller cleans.
 * Return: 0; negative errno. Source: none.
 */
int bench_setup(struct bench *b);

/**
 * bench_rounds() - measure
 *
 * A path that the guest cannot measure has failed, and the others go on.
 *
 * Context: sleeps for minutes; prints progress and errors to stderr.
 * Return: 0; -EINTR; -ENOMEM; else as api_call(), and nothing more can be measured. Source: none.
 */
int bench_rounds(struct bench *b);

/**
 * bench_request() - one request to the guest; refuses results that say nothing
 * @body: becomes ours; NULL is allowed, as it comes from json_pack()
 *
 * Context: sleeps.
 * Return: 0; -EIO the guest reported an error, or was not asked while it runs: another path may do;
 * else as api_call(). Of both @b->why is a sentence. Source: docs/api.md.
 */
int bench_request(struct bench *b, json_t *body, json_t **ret_result);

/** bench_failed() - @p is not measured from here on, for the reason in @b->why. Source: none. */
void bench_failed(struct bench *b, struct bench_path *p);

/**
 * bench_trace() - a short pass over every path with the kernel's tracepoints counting
 *
 * After the rounds, so that nothing which is timed is traced as well.
 *
 * Context: sleeps for some seconds; prints progress and errors to stderr.
 * Return: 0, also without tracepoints; else as bench_rounds(). Source: none.
 */
int bench_trace(struct bench *b);

/** bench_traps_per_packet() - the larger of what VMM and soft NIC counted. Context: any; pure. */
double bench_traps_per_packet(const struct bench_traps *traps, uint64_t packets);

/* ---- bench_sum.c ------------------------------------------------------------------------- */

/**
 * bench_sum_add() - add what one request gave
 * @result: as guest.request reports it
 *
 * Context: any; pure. Return: 0; -EBADMSG it contradicts itself, @sum is unchanged.
 * Source: docs/processes.md.
 */
int bench_sum_add(struct bench_sum *sum, const json_t *result) _must_check_;

/** bench_sum_mpps() - million frames a second. Context: any; pure. Return: it. Source: none. */
double bench_sum_mpps(const struct bench_sum *sum, uint64_t tsc_khz);

/** bench_sum_gbps() - with CRC. Context: any; pure. Return: Gbit/s. Source: none. */
double bench_sum_gbps(const struct bench_sum *sum, uint64_t tsc_khz);

/**
 * bench_seen_own() - of a path with more busy threads than there may be CPUs
 *
 * Its threads wait for each other: what is left are waits beyond what its own others ran.
 *
 * Context: any; pure. Source: docs/bench-format.md.
 */
void bench_seen_own(struct bench_seen *seen);

/**
 * bench_sum_block() - the block that it is, but for its place, and whether it may be used
 * @trapped: the guest's loop stands still by nature: only stalls count against it
 *
 * Context: any; pure. Return: new object; NULL. Source: docs/bench-format.md.
 */
json_t *bench_sum_block(const struct bench_sum *sum, enum bh_test test, uint64_t tsc_khz,
			const struct bench_seen *seen, bool trapped);

/* ---- bench_watch.c ----------------------------------------------------------------------- */

#define BENCH_STAT_BYTES 65536u /* the lines of the CPUs come first */

struct bench_watch {
	pid_t guest, sw;
	uint64_t start_us;
	struct bh_waits guest_waits, switch_waits;
	char stat[BENCH_STAT_BYTES];
};

/**
 * bench_watch_begin() - note what the kernel has counted so far
 * @guest: process of the VM
 * @sw:    of the switch; 0: not known
 *
 * Context: main thread; reads files. Source: proc(5).
 */
void bench_watch_begin(struct bench_watch *w, pid_t guest, pid_t sw);

/** bench_watch_end() - what it counted since. Context: main thread; reads files. Source: proc(5).
 */
void bench_watch_end(const struct bench_watch *w, struct bench_seen *ret_seen);

/* ---- bench_report.c ---------------------------------------------------------------------- */

/** bench_report() - the result, judged. Context: any. Return: new object or NULL. Source: none. */
json_t *bench_report(struct bench *b);

/** bench_print() - what beside the verdicts is told, on stdout. Context: any. Return: 0; -ENOMEM.
 */
int bench_print(const json_t *report);

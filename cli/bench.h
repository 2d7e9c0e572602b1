#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovctl bench: three ways into one guest, measured side by side. One VM owns two ports of each
 * path; a round visits every path once, in an order that changes from round to round, so that what
 * the host does meanwhile hits all of them alike. Histograms are merged, ratios are taken within a
 * round, and the median over rounds is what is reported.
 */
#include <abi/hist.h>

#include <cli/calib.h>
#include <cli/cli.h>

#define BENCH_ROUNDS_MAX 100u
#define BENCH_VM	 "bench-vm"
#define BENCH_VFS	 2u

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

struct bench_path {
	const char *name; /* as in attach --path */
	const char *net[2];
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
	uint64_t rounds;       /* to do */
	uint64_t samples;      /* a path, over all rounds */
	unsigned int n_rounds; /* done */
	uint64_t tsc_khz;      /* as the guest counts */
	char trap_source[64];
	char tracepoints[256];	  /* what was attached; empty: see no_tracepoints */
	char no_tracepoints[128]; /* why */
	char interrupt_source[64];
	struct calib calib;
	bool have_calib;
	struct bench_path path[BENCH_PATHS];
};

/** bench_init() - names and sizes. Context: any. Return: none. Source: none. */
void bench_init(struct bench *b, const struct cli *cli, const char *pf, uint64_t rounds,
		uint64_t samples);

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
 * Context: sleeps for minutes; prints progress and errors to stderr.
 * Return: 0; -EINTR; -EIO the guest reported an error; else as api_call(). Source: none.
 */
int bench_rounds(struct bench *b);

/**
 * bench_request() - one request to the guest; refuses results that say nothing
 * @body: becomes ours; NULL is allowed, as it comes from json_pack()
 *
 * Context: sleeps; prints errors to stderr.
 * Return: 0; -EIO the guest reported an error; else as api_call(). Source: docs/api.md.
 */
int bench_request(struct bench *b, const struct bench_path *p, json_t *body, json_t **ret_result);

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

/** bench_report() - results as JSON. Context: any. Return: new object or NULL. Source: none. */
json_t *bench_report(struct bench *b);

/** bench_print() - results as a table on stdout. Context: any. Return: 0; -ENOMEM. Source: none. */
int bench_print(const json_t *report);

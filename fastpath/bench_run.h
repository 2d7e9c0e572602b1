#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measurements: loops of one thread that sends into a path's ports and receives from them. In
 * a loop there is no allocation but of buffers from the path's pool, no lock, no system call but
 * what a port's driver makes. All of them end in time, whatever the path does.
 */
#include "bench_frame.h"
#include "bench_path.h"
#include <lib/disturb.h>
#include <abi/hist.h>

#define FP_BENCH_BURST_MAX 256u

enum fp_mode {
	FP_MODE_CREDIT,
	FP_MODE_FLOOD,
	FP_MODE_RATE,
};

/* Where we are, and what a microsecond is. */
struct fp_bench {
	int cpu[2]; /* generator, switches */
	uint64_t tsc_hz;
	uint32_t block; /* counts up: no block takes another's frames for its own */
};

struct fp_run {
	uint32_t size; /* of a frame, with checksum; 0: the mix */
	uint32_t burst;
	uint32_t credit;
	uint64_t discard_us, measure_us;
	enum fp_mode mode;
	bool both;			/* directions */
	uint32_t sources, destinations; /* throughput: that fp_flow_spread() takes; 0: one */
	bool poisson;
	double mpps;
	uint64_t seed;
	uint64_t count;	  /* of round trips; 0: no limit */
	uint64_t discard; /* of round trips */
};

/* What every block has. */
struct fp_block {
	uint64_t sent, received, corrupt, duplicate, reordered, foreign;
	struct fp_drops drops[2];
	struct disturb_gaps gaps;
	struct disturb_host used;
	struct disturb_offer offer;
	unsigned int may_lose; /* DISTURB_LOST_* */
	bool gone;
	/* throughput and open loop: the measured window */
	uint64_t window_ticks, window_sent, window_received;
	uint64_t busy_ticks, idle_ticks, polls, empty_polls, written_off;
	/* latencies, in ticks */
	struct hist hist, hist_actual;
	uint64_t timeouts, late, unsent;
};

/**
 * fp_run_throughput() - as many frames as the mode allows; fills @block
 *
 * Context: the generator's thread. Return: 0; -ERANGE the rate cannot be. Source: -.
 */
int fp_run_throughput(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		      struct fp_block *block) _must_check_;

/**
 * fp_run_warm() - frames both ways until @frames arrived on each side, at most run->measure_us
 *
 * Context: the generator's thread. Return: 0; -ETIMEDOUT. Source: -.
 */
int fp_run_warm(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		uint64_t frames, struct fp_block *block) _must_check_;

/**
 * fp_run_pingpong() - one frame there and back, again and again; fills @block
 *
 * Context: the generator's thread. Source: -.
 */
void fp_run_pingpong(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		     struct fp_block *block);

/**
 * fp_run_open() - port 0 to port 1 by a schedule; fills @block
 *
 * Context: the generator's thread. Return: 0; -ERANGE the rate cannot be. Source: -.
 */
int fp_run_open(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		struct fp_block *block) _must_check_;

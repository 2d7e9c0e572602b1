#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calibration before a benchmark: what this machine gives before any code of ours adds to it. Two
 * pinned threads bounce one cache line: every packet path between two cores is a multiple of that.
 */
#include <stdint.h>

struct calib {
	unsigned int cpu[2];
	uint64_t tsc_khz;
	double rtt_min_ns;    /* core to core and back, best batch */
	double rtt_median_ns; /* over batches */
	unsigned int batches;
};

/**
 * calib_run() - measure TSC rate and core-to-core round trip
 *
 * Context: main thread; keeps two cores busy for up to 3 s.
 * Return: 0; -ENODEV fewer than two usable CPUs; -ETIMEDOUT the threads never ran together; -errno
 * of thread creation.
 * Source: none.
 */
int calib_run(struct calib *ret_calib);

/**
 * calib_again() - the core-to-core round trip of this very moment
 * @c: of calib_run(), whose TSC rate holds; gets new round trips
 *
 * Context: main thread; keeps two cores busy for some milliseconds, 2 s at most.
 * Return: as calib_run(); @c is as it was on failure.
 * Source: none.
 */
int calib_again(struct calib *c);

/**
 * calib_draw_near() - have the two CPUs wake one another in turn
 * @c: of calib_run(): which CPUs
 * @ms: for how long
 *
 * A hypervisor that moves virtual CPUs likes to put one that is woken near the one that woke it.
 *
 * Context: main thread. Return: 0; -errno of thread creation.
 * Source: measured (docs/benchmarks.md); Linux kernel/sched/fair.c, wake_affine().
 */
int calib_draw_near(const struct calib *c, unsigned int ms);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine can do, measured before anything else is: the yardsticks of the figures that
 * follow. A partner thread on the switches' CPU answers; switches are parked meanwhile.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdint.h>

struct fp_span {
	double min, median; /* nanoseconds */
};

struct fp_calib {
	bool invariant; /* the TSC counts evenly, whatever the CPU's frequency */
	bool pair;	/* there are two CPUs: the next three are known */
	struct fp_span same_line, two_lines, wake;
	double memcpy_64, memcpy_1518, memcpy_16m; /* nanoseconds each */
	double tsc_ns, gettime_ns;		   /* of asking for the time */
};

/**
 * fp_calibrate() - takes about a second
 * @cpu:    of the caller and of the partner; the same or negative: no pair
 * @tsc_hz: ticks a second
 *
 * Context: the generator's thread, alone on its CPU. Return: 0; -ENOMEM; -errno of pthreads and
 *          eventfd(2). Source: performance of the machine.
 */
int fp_calibrate(const int cpu[2], uint64_t tsc_hz, struct fp_calib *ret_calib) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Time for deadlines: monotonic microseconds, and the TSC for data-plane loops. */
#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/**
 * clock_us() - CLOCK_MONOTONIC in microseconds
 *
 * Context: any thread. Return: microseconds since an arbitrary start. Source: clock_gettime(2).
 */
static inline uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/**
 * clock_sleep_us() - sleep for @us microseconds, less when a signal comes
 *
 * Context: any thread; blocks. Source: nanosleep(2).
 */
static inline void clock_sleep_us(uint64_t us)
{
	struct timespec ts = {.tv_sec = (time_t)(us / USEC_PER_SEC),
			      .tv_nsec = (long)(us % USEC_PER_SEC) * 1000};

	nanosleep(&ts, NULL);
}

/**
 * clock_patient_us() - @us times SRIOV_SLOW, for waits on other processes
 *
 * Deadlines are made for real machines. Where everything is slower (emulated CPUs, a crowded host),
 * the environment variable SRIOV_SLOW, 1 to 100, says how much longer other processes may take to
 * start and to answer; more counts as 100, anything else as 1.
 *
 * Context: any thread; nobody may change the environment meanwhile. Return: microseconds.
 * Source: -.
 */
uint64_t clock_patient_us(uint64_t us);

/** tsc_read() - time stamp counter; not serialising. */
static inline uint64_t tsc_read(void)
{
	return __rdtsc();
}

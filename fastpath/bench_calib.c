/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_calib.h"

#include <abi/hist.h>
#include <cpuid.h>
#include <lib/clock.h>
#include <lib/mmio.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#define TURNS	   50000u
#define PHASE_US   UINT64_C(300000) /* at most, for each of the three */
#define WAKES	   500u
#define COPY_LARGE (16u << 20)
#define LINE	   64

enum phase {
	IDLE,
	SAME_LINE,
	TWO_LINES,
	WAKE,
	END,
};

struct partner {
	_Atomic int phase __attribute__((aligned(LINE)));
	_Atomic uint32_t ping __attribute__((aligned(LINE)));
	_Atomic uint32_t pong __attribute__((aligned(LINE)));
	_Atomic int entered __attribute__((aligned(LINE)));
	int cpu, event;
	pthread_t thread;
};

static int now_phase(struct partner *p)
{
	return atomic_load_explicit(&p->phase, memory_order_relaxed);
}

/* Answers each odd number by the next even one, in the same line. */
static void answer_same(struct partner *p)
{
	while (now_phase(p) == SAME_LINE) {
		uint32_t v = atomic_load_explicit(&p->ping, memory_order_acquire);

		if (v & 1)
			atomic_store_explicit(&p->ping, v + 1, memory_order_release);
		else
			cpu_relax();
	}
}

static void answer_two(struct partner *p)
{
	while (now_phase(p) == TWO_LINES) {
		uint32_t v = atomic_load_explicit(&p->ping, memory_order_acquire);

		if (v != atomic_load_explicit(&p->pong, memory_order_relaxed))
			atomic_store_explicit(&p->pong, v, memory_order_release);
		else
			cpu_relax();
	}
}

static void answer_wake(struct partner *p)
{
	while (now_phase(p) == WAKE) {
		struct pollfd f = {.fd = p->event, .events = POLLIN};
		eventfd_t v;

		if (poll(&f, 1, 10) == 1 && eventfd_read(p->event, &v) == 0)
			atomic_fetch_add_explicit(&p->pong, 1, memory_order_release);
	}
}

static void *partner_run(void *arg)
{
	struct partner *p = arg;
	int phase;

	while ((phase = atomic_load(&p->phase)) != END) {
		atomic_store(&p->entered, phase);
		if (phase == SAME_LINE)
			answer_same(p);
		else if (phase == TWO_LINES)
			answer_two(p);
		else if (phase == WAKE)
			answer_wake(p);
		else
			clock_sleep_us(100);
	}
	return NULL;
}

/* Return: does the partner do it? */
static bool enter(struct partner *p, int phase, uint64_t until)
{
	atomic_store(&p->ping, 0);
	atomic_store(&p->pong, 0);
	atomic_store(&p->phase, phase);
	while (atomic_load(&p->entered) != phase)
		if (clock_us() > until)
			return false;
	return true;
}

static bool turn(struct partner *p, int phase, uint32_t i)
{
	if (phase == SAME_LINE) {
		atomic_store_explicit(&p->ping, 2 * i + 1, memory_order_release);
		for (uint32_t k = 0; k < 1000000; k++)
			if (atomic_load_explicit(&p->ping, memory_order_acquire) == 2 * i + 2)
				return true;
		return false;
	}
	if (phase == TWO_LINES)
		atomic_store_explicit(&p->ping, i + 1, memory_order_release);
	else if (eventfd_write(p->event, 1) < 0)
		return false;
	for (uint32_t k = 0; k < 10000000; k++)
		if (atomic_load_explicit(&p->pong, memory_order_acquire) == i + 1)
			return true;
	return false;
}

static bool span(struct partner *p, int phase, uint32_t turns, double ns_per_tick,
		 struct fp_span *ret)
{
	uint64_t until = clock_us() + PHASE_US;
	_cleanup_(freep) struct hist *h = calloc(1, sizeof(*h));
	uint32_t i;

	if (!h || !enter(p, phase, until))
		return false;
	for (i = 0; i < turns && (i % 64 != 63 || clock_us() < until); i++) {
		uint64_t start;

		/* a thread that is still awake cannot be woken */
		if (phase == WAKE)
			clock_sleep_us(200);
		start = tsc_read();
		if (!turn(p, phase, i))
			break;
		if (i >= turns / 100)
			hist_add(h, tsc_read() - start);
	}
	ret->min = (double)h->min * ns_per_tick;
	ret->median = (double)hist_percentile(h, 5000) * ns_per_tick;
	return h->n > 0;
}

static int pair_measure(const int cpu[2], double ns_per_tick, struct fp_calib *c)
{
	struct partner p = {.cpu = cpu[1], .event = -1};
	pthread_attr_t attr;
	cpu_set_t set;
	int r;

	p.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p.event < 0)
		return -errno;
	CPU_ZERO(&set);
	CPU_SET(cpu[1], &set);
	r = pthread_attr_init(&attr);
	if (r == 0) {
		r = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		if (r == 0)
			r = pthread_create(&p.thread, &attr, partner_run, &p);
		pthread_attr_destroy(&attr);
	}
	if (r == 0) {
		c->pair = span(&p, SAME_LINE, TURNS, ns_per_tick, &c->same_line) &&
			  span(&p, TWO_LINES, TURNS, ns_per_tick, &c->two_lines) &&
			  span(&p, WAKE, WAKES, ns_per_tick, &c->wake);
		atomic_store(&p.phase, END);
		pthread_join(p.thread, NULL);
	}
	fd_close(p.event);
	return -r;
}

/* The compiler may not guess what was copied. */
static void copy(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
	__asm__ volatile("" : : "r"(dst) : "memory");
}

static double copy_ns(uint8_t *dst, const uint8_t *src, size_t n, uint32_t turns,
		      double ns_per_tick)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int k = 0; k < 5; k++) {
		uint64_t start = tsc_read(), took;

		for (uint32_t i = 0; i < turns; i++)
			copy(dst, src, n);
		took = tsc_read() - start;
		best = took < best ? took : best;
	}
	return (double)best * ns_per_tick / turns;
}

static int copies_measure(double ns_per_tick, struct fp_calib *c)
{
	_cleanup_(freep) uint8_t *from = malloc(COPY_LARGE), *to = malloc(COPY_LARGE);

	if (!from || !to)
		return -ENOMEM;
	memset(from, 1, COPY_LARGE);
	memset(to, 2, COPY_LARGE);
	c->memcpy_64 = copy_ns(to, from, 64, 100000, ns_per_tick);
	c->memcpy_1518 = copy_ns(to, from, 1518, 20000, ns_per_tick);
	c->memcpy_16m = copy_ns(to, from, COPY_LARGE, 1, ns_per_tick);
	return 0;
}

static void clocks_measure(double ns_per_tick, struct fp_calib *c)
{
	const unsigned int turns = 100000;
	uint64_t start = tsc_read(), sink = 0;
	struct timespec ts;

	for (unsigned int i = 0; i < turns; i++)
		sink += tsc_read();
	__asm__ volatile("" : : "r"(sink));
	c->tsc_ns = (double)(tsc_read() - start) * ns_per_tick / turns;
	start = tsc_read();
	for (unsigned int i = 0; i < turns; i++)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	c->gettime_ns = (double)(tsc_read() - start) * ns_per_tick / turns;
}

static bool tsc_invariant(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

int fp_calibrate(const int cpu[2], uint64_t tsc_hz, struct fp_calib *ret_calib)
{
	double ns_per_tick = 1e9 / (double)tsc_hz;
	struct fp_calib c = {.invariant = tsc_invariant()};
	int r;

	clocks_measure(ns_per_tick, &c);
	r = copies_measure(ns_per_tick, &c);
	if (r == 0 && cpu[1] >= 0 && cpu[0] != cpu[1])
		r = pair_measure(cpu, ns_per_tick, &c);
	if (r < 0)
		return r;
	*ret_calib = c;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/calib.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#include <cli/stats.h>

#define BATCHES	    400u
#define BATCHES_NOW 40u
#define ROUNDS	    400u /* a batch; about 0.1 ms, less than a time slice */
#define LIMIT_NS    2000000000ll
#define TSC_SPAN_NS 50000000ll

struct bounce {
	_Alignas(64) _Atomic uint32_t line; /* odd: the asker's turn is over */
	_Alignas(64) _Atomic bool stop;
	unsigned int cpu;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t measure_tsc_khz(void)
{
	int64_t t0 = now_ns(), t1;
	uint64_t c0 = __rdtsc(), c1;

	do {
		t1 = now_ns();
		c1 = __rdtsc();
	} while (t1 - t0 < TSC_SPAN_NS);
	return (uint64_t)((double)(c1 - c0) * 1e6 / (double)(t1 - t0));
}

static int pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *answer(void *arg)
{
	struct bounce *b = arg;
	uint32_t seen = 0;

	pin(b->cpu);
	while (!atomic_load_explicit(&b->stop, memory_order_relaxed)) {
		uint32_t v = atomic_load_explicit(&b->line, memory_order_acquire);

		if (v != seen && (v & 1)) {
			seen = v + 1;
			atomic_store_explicit(&b->line, seen, memory_order_release);
		}
	}
	return NULL;
}

/* One batch of round trips; false when the answerer did not come before @deadline_ns. */
static bool ask(struct bounce *b, uint32_t *seq, int64_t deadline_ns)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t want = *seq + 2;

		atomic_store_explicit(&b->line, *seq + 1, memory_order_release);
		for (unsigned int spin = 1;
		     atomic_load_explicit(&b->line, memory_order_acquire) != want; spin++)
			if (!(spin & 0xffff) && now_ns() > deadline_ns)
				return false;
		*seq = want;
	}
	return true;
}

static int measure(struct bounce *b, struct calib *c, unsigned int batches)
{
	int64_t deadline_ns = now_ns() + LIMIT_NS;
	static double batch_ns[BATCHES];
	uint32_t seq = 0;
	unsigned int n;

	if (!ask(b, &seq, deadline_ns))
		return -ETIMEDOUT;
	for (n = 0; n < batches; n++) {
		uint64_t t0 = __rdtsc();

		if (!ask(b, &seq, deadline_ns))
			break;
		batch_ns[n] = stats_ticks_ns(__rdtsc() - t0, c->tsc_khz) / ROUNDS;
	}
	if (!n)
		return -ETIMEDOUT;
	c->batches = n;
	c->rtt_median_ns = stats_median(batch_ns, n);
	c->rtt_min_ns = batch_ns[0]; /* sorted by then */
	return 0;
}

struct waker {
	sem_t turn[2];
	unsigned int cpu;
	int64_t until_ns;
	_Atomic bool over;
};

/* Whoever is woken wakes the other, and sleeps. */
static void wake_in_turn(struct waker *w, unsigned int self)
{
	while (!atomic_load_explicit(&w->over, memory_order_relaxed)) {
		while (sem_wait(&w->turn[self]) < 0)
			continue;
		if (now_ns() > w->until_ns)
			atomic_store_explicit(&w->over, true, memory_order_relaxed);
		sem_post(&w->turn[!self]);
	}
}

static void *woken(void *arg)
{
	struct waker *w = arg;

	pin(w->cpu);
	wake_in_turn(w, 1);
	return NULL;
}

/* Everything but the TSC rate, which is in @ret_calib. */
static int bounce(struct calib *ret_calib, unsigned int batches)
{
	static struct bounce b;
	struct calib c = *ret_calib;
	cpu_set_t before;
	pthread_t thread;
	unsigned int n = 0;
	int r;

	if (sched_getaffinity(0, sizeof(before), &before) < 0)
		return -errno;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &before))
			c.cpu[n++] = cpu;
	if (n < 2)
		return -ENODEV;

	b = (struct bounce){.cpu = c.cpu[1]};
	r = pthread_create(&thread, NULL, answer, &b);
	if (r)
		return -r;
	pin(c.cpu[0]);
	r = measure(&b, &c, batches);
	atomic_store_explicit(&b.stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof(before), &before);
	if (r < 0)
		return r;
	*ret_calib = c;
	return 0;
}

int calib_run(struct calib *ret_calib)
{
	struct calib c = {.tsc_khz = measure_tsc_khz()};
	int r = bounce(&c, BATCHES);

	if (r >= 0)
		*ret_calib = c;
	return r;
}

int calib_again(struct calib *c)
{
	return bounce(c, BATCHES_NOW);
}

int calib_draw_near(const struct calib *c, unsigned int ms)
{
	struct waker w = {.cpu = c->cpu[1], .until_ns = now_ns() + (int64_t)ms * 1000000};
	cpu_set_t before;
	pthread_t thread;
	int r;

	if (sched_getaffinity(0, sizeof(before), &before) < 0)
		return -errno;
	sem_init(&w.turn[0], 0, 1);
	sem_init(&w.turn[1], 0, 0);
	r = pthread_create(&thread, NULL, woken, &w);
	if (!r) {
		pin(c->cpu[0]);
		wake_in_turn(&w, 0);
		pthread_join(thread, NULL);
		sched_setaffinity(0, sizeof(before), &before);
	}
	sem_destroy(&w.turn[0]);
	sem_destroy(&w.turn[1]);
	return -r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data threads and their idle ladder. Doorbells are memory that guests write without a trap,
 * so nobody can wake us by one: a thread that has nothing to do looks again after a pause, and
 * the pause is a small part of the silence before it. What is late by that is late by little,
 * measured by what it waited for anyway; after a long silence the cost of looking is bounded
 * instead. A frame that waits on the wire for a buffer is silence too: the guest's ring moves by a
 * doorbell. Everything that does pass by a thread of ours (trapped registers, frames of the wire
 * and of other workers, configurations) wakes at once.
 */
#include <errno.h>
#include <lib/clock.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "dp_peer.h"

#define NAP_PART      32u /* a nap lasts this part of the silence so far */
#define NAP_MIN_US    30u
#define SLEEP_US      1000u
#define QUIET_US      3000000u /* whoever asks once a second is not late by more than SLEEP_US */
#define SLEEP_LONG_US 4000u
#define SLEEP_OFF_US  2000u /* nothing is enabled */
#define TICK_US	      1000u

static long futex(_Atomic uint32_t *word, int op, uint32_t val, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, timeout, NULL, 0);
}

void dp_kick(struct dp_worker *w)
{
	io_mb();
	if (atomic_exchange(&w->sleeping, 0))
		futex(&w->sleeping, FUTEX_WAKE, 1, NULL);
}

void dp_kick_all(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_workers; i++)
		dp_kick(&dp->worker[i]);
}

static void sleep_for(struct dp_worker *me, uint64_t us)
{
	struct timespec ts = {.tv_nsec = (long)us * 1000};

	atomic_store(&me->sleeping, 1);
	io_mb();
	/* what a kicker announces after this look finds 'sleeping' set */
	if (atomic_load(&me->dp->next) == me->cfg && !atomic_load(&me->dp->stop) &&
	    !(me->wire && !me->wire_held && snic_wire_peek(&me->wire->in)) && !dp_peers_pending(me))
		futex(&me->sleeping, FUTEX_WAIT, 1, &ts);
	atomic_store(&me->sleeping, 0);
}

/* How long to look away after @idle_us of silence, which is more than to spin for. */
static uint64_t pause_of(const struct dp_worker *me, uint64_t idle_us, int *ret_rung)
{
	uint64_t us = idle_us / NAP_PART;

	if (!me->cfg->any_queue) {
		*ret_rung = SNIC_SLEEP;
		return SLEEP_OFF_US;
	}
	*ret_rung = us < SLEEP_US ? SNIC_NAP : SNIC_SLEEP;
	if (idle_us > QUIET_US)
		return SLEEP_LONG_US;
	return us < NAP_MIN_US ? NAP_MIN_US : us < SLEEP_US ? us : SLEEP_US;
}

static void *worker_main(void *arg)
{
	struct dp_worker *me = arg;
	uint64_t last_work = tsc_read(), looked = last_work, last_tick = 0, now, us;
	uint64_t per_us = me->dp->tsc_per_us;
	int rung;

	prctl(PR_SET_NAME, "snic-data");
	prctl(PR_SET_TIMERSLACK, 1000);
	if (me->dp->started)
		me->dp->started(me->dp->poke_ctx);
	while (!atomic_load_explicit(&me->dp->stop, memory_order_relaxed)) {
		unsigned int work = dp_poll_once(me);

		me->now = now = tsc_read();
		if (work) {
			me->n.busy_tsc += now - looked;
			last_work = now;
		}
		looked = now;
		if (unlikely(now >= me->hold.end))
			dp_holds(me);
		if (now - last_tick >= TICK_US * per_us) {
			last_tick = now;
			dp_tick(me);
		}
		if (work)
			continue;
		if (likely(now - last_work < me->dp->spin_us * per_us && me->cfg->any_queue)) {
			if (unlikely(atomic_load_explicit(&me->rung, memory_order_relaxed)))
				atomic_store_explicit(&me->rung, SNIC_SPIN, memory_order_relaxed);
			cpu_relax();
			continue;
		}
		us = pause_of(me, (now - last_work) / per_us, &rung);
		if (atomic_load_explicit(&me->rung, memory_order_relaxed) != rung)
			atomic_store_explicit(&me->rung, rung, memory_order_relaxed);
		sleep_for(me, us);
		looked = tsc_read();
	}
	return NULL;
}

static uint64_t tsc_calibrate(void)
{
	uint64_t t0 = clock_us(), c0 = tsc_read(), us;

	clock_sleep_us(10000);
	us = clock_us() - t0;
	us = (tsc_read() - c0) / (us ? us : 1);
	return us ? us : 1;
}

static int worker_start(struct dp_worker *w)
{
	cpu_set_t set;
	int r;

	r = pthread_create(&w->thread, NULL, worker_main, w);
	if (r)
		return -r;
	w->running = true;
	if (w->cpu < 0 || w->cpu >= CPU_SETSIZE)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	return -pthread_setaffinity_np(w->thread, sizeof(set), &set);
}

int dp_start(struct dp *dp)
{
	int r;

	if (dp->threaded)
		return -EALREADY;
	dp->tsc_per_us = tsc_calibrate();
	atomic_store(&dp->stop, false);
	dp->threaded = true;
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		dp->worker[i].timer.tsc_per_us = dp->tsc_per_us;
		r = worker_start(&dp->worker[i]);
		if (r < 0) {
			dp_stop(dp);
			return r;
		}
	}
	return 0;
}

int dp_end(struct dp *dp, uint64_t timeout_us)
{
	struct timespec end;
	int r = 0;

	if (!dp->threaded)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)(timeout_us / USEC_PER_SEC);
	end.tv_nsec += (long)(timeout_us % USEC_PER_SEC) * 1000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	atomic_store(&dp->stop, true);
	dp_kick_all(dp);
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		struct dp_worker *w = &dp->worker[i];

		if (w->running && pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &end))
			r = -ETIMEDOUT;
		else
			w->running = false;
	}
	dp->threaded = r < 0;
	return r;
}

void dp_stop(struct dp *dp)
{
	while (dp_end(dp, 60 * USEC_PER_SEC) < 0)
		;
}

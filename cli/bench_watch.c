/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <fcntl.h>
#include <lib/cleanup.h>
#include <lib/clock.h>
#include <unistd.h>

static void read_stat(char *text)
{
	_cleanup_(fd_closep) int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, BENCH_STAT_BYTES - 1);

	text[n > 0 ? n : 0] = '\0';
}

void bench_watch_begin(struct bench_watch *w, pid_t guest, pid_t sw)
{
	w->guest = guest;
	w->sw = sw;
	w->guest_waits.n = w->switch_waits.n = 0;
	read_stat(w->stat);
	if (guest > 0)
		bh_waits_add(&w->guest_waits, guest);
	if (sw > 0)
		bh_waits_add(&w->switch_waits, sw);
	w->start_us = clock_us();
}

static uint64_t steal_us(const char *before, const char *after, int cpu)
{
	uint64_t tick_us = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t was, is;

	if (cpu < 0)
		return 0;
	was = disturb_steal(before, cpu);
	is = disturb_steal(after, cpu);
	return is > was ? (is - was) * tick_us : 0;
}

void bench_watch_end(const struct bench_watch *w, struct bench_seen *ret_seen)
{
	static char stat[BENCH_STAT_BYTES];
	struct bh_waits guest = {}, sw = {};
	struct bench_seen seen = {};
	struct bh_busiest vcpu, data;
	uint64_t ran;

	seen.used.wall_us = clock_us() - w->start_us;
	if (w->guest > 0)
		bh_waits_add(&guest, w->guest);
	if (w->sw > 0)
		bh_waits_add(&sw, w->sw);
	read_stat(stat);
	vcpu = bh_waits_most(&w->guest_waits, &guest);
	data = bh_waits_most(&w->switch_waits, &sw);
	ran = bh_waits_run_us(&w->guest_waits, &guest) + bh_waits_run_us(&w->switch_waits, &sw);
	seen.beside_guest_us = ran - vcpu.run_us;
	seen.beside_switch_us = ran - data.run_us;
	seen.cpu_guest = vcpu.tid > 0 ? bh_thread_cpu(vcpu.tid) : -1;
	seen.cpu_switch = data.tid > 0 ? bh_thread_cpu(data.tid) : -1;
	/* that it slept before and after is no doing of the block: its wake-ups are left out */
	seen.used.wait_us = bh_waits_since(&w->guest_waits, &guest);
	seen.used.steal_us = steal_us(w->stat, stat, seen.cpu_guest);
	if (seen.cpu_switch != seen.cpu_guest)
		seen.used.steal_us += steal_us(w->stat, stat, seen.cpu_switch);
	seen.switch_wait_us = bh_waits_since(&w->switch_waits, &sw);
	*ret_seen = seen;
}

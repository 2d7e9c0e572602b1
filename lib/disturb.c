/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/disturb.h>

#include <fcntl.h>
#include <inttypes.h>
#include <lib/clock.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define STAT_STEAL 8  /* the column of /proc/stat */
#define WAKE_US	   20 /* from a wake-up until the thread runs, on a CPU that nobody else has */

uint64_t disturb_steal(const char *text, int cpu)
{
	char name[16];
	int len = snprintf(name, sizeof(name), "cpu%d ", cpu);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		char *at;
		uint64_t v = 0;

		line += *line == '\n';
		if (strncmp(line, name, (size_t)len) != 0)
			continue;
		at = (char *)line + len;
		for (unsigned int i = 0; i < STAT_STEAL; i++) {
			const char *from = at;

			v = strtoull(from, &at, 10);
			if (at == from || *from == '\n')
				return 0;
		}
		return v;
	}
	return 0;
}

static bool file_read(const char *path, char *buf, size_t size)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void disturb_read(struct disturb_host *host, const int cpu[2])
{
	static char text[16384]; /* the lines of the CPUs come first */
	uint64_t tick_us = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	struct rusage u;

	memset(host, 0, sizeof(*host));
	host->wall_us = clock_us();
	if (file_read("/proc/stat", text, sizeof(text)))
		for (unsigned int i = 0; i < 2; i++)
			if (cpu[i] >= 0 && (i == 0 || cpu[1] != cpu[0]))
				host->steal_us += disturb_steal(text, cpu[i]) * tick_us;
	if (file_read("/proc/thread-self/schedstat", text, sizeof(text))) {
		uint64_t wait_ns;

		if (sscanf(text, "%*u %" SCNu64, &wait_ns) == 1)
			host->wait_us = wait_ns / 1000;
	}
	if (getrusage(RUSAGE_THREAD, &u) == 0) {
		host->system_us =
			(uint64_t)u.ru_stime.tv_sec * USEC_PER_SEC + (uint64_t)u.ru_stime.tv_usec;
		host->switches = (uint64_t)u.ru_nvcsw;
	}
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void disturb_since(struct disturb_host *now, const struct disturb_host *before)
{
	now->wall_us = grown(now->wall_us, before->wall_us);
	now->steal_us = grown(now->steal_us, before->steal_us);
	now->wait_us = grown(now->wait_us, before->wait_us);
	now->system_us = grown(now->system_us, before->system_us);
	now->switches = grown(now->switches, before->switches);
}

/* A path that calls the kernel for its frames has long rounds by nature. */
static bool polls_only(const struct disturb_host *used)
{
	return used->switches == 0 && used->system_us * 20 < used->wall_us;
}

/* Ready and not running, but for the wake-ups of a path that waits in system calls. */
static uint64_t others_us(const struct disturb_host *used)
{
	uint64_t own = used->switches * WAKE_US;

	return used->wait_us > own ? used->wait_us - own : 0;
}

/* @who may be empty */
static void because(json_t *why, const char *before, const char *who, const char *after,
		    uint64_t us, const struct disturb_host *used)
{
	json_array_append_new(
		why, json_sprintf("%s%s%s %" PRIu64 ".%" PRIu64 " ms of %" PRIu64 " ms", before,
				  who, after, us / 1000, us % 1000 / 100, used->wall_us / 1000));
}

bool disturb_valid(const char *who, const struct disturb_host *used,
		   const struct disturb_gaps *gaps, const struct disturb_offer *offer, bool gone,
		   unsigned int lost, json_t *why)
{
	uint64_t others = others_us(used), most = used->wall_us * lost / 1000;
	uint64_t gap = polls_only(used) ? gaps->lost_us : gaps->stall_us;
	size_t before = json_array_size(why);

	if (gone)
		json_array_append_new(why, json_string("a port's device went away"));
	if (used->steal_us > most)
		because(why, "the hypervisor took", "", "", used->steal_us, used);
	if (others > most)
		because(why, "others ran on the ", who, "'s CPU for", others, used);
	else if (gap > most)
		because(why, "the ", who, " was interrupted for", gap, used);
	if (offer->due &&
	    (offer->sent * 100 < offer->due * 99 || offer->sent * 100 > offer->due * 101))
		json_array_append_new(why, json_sprintf("%" PRIu64 " frames were sent, %" PRIu64
							" were to be sent",
							offer->sent, offer->due));
	return json_array_size(why) == before;
}

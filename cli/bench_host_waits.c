/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_host_waits.h"

#include <dirent.h>
#include <inttypes.h>
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU_FIELD 39u	       /* of /proc/PID/stat, the first being 1 */
#define WAKE_US	  UINT64_C(20) /* from a wake-up until the thread runs, on a CPU nobody else has */

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Where /proc is of other processes' numbers, nothing is known. */
static bool numbers_are_ours(void)
{
	char text[32] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 &&
	       strtol(text, NULL, 10) == getpid();
}

static bool read_times(pid_t pid, pid_t tid, uint64_t *ret_run_us, uint64_t *ret_wait_us)
{
	char path[64];
	uint64_t run, wait;
	bool there;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	f = fopen(path, "re");
	there = f && fscanf(f, "%" SCNu64 " %" SCNu64, &run, &wait) == 2;
	if (f)
		fclose(f);
	if (!there)
		return false;
	*ret_run_us = run / 1000;
	*ret_wait_us = wait / 1000;
	return true;
}

static uint64_t read_switches(pid_t pid, pid_t tid)
{
	static const char key[] = "voluntary_ctxt_switches:";
	char path[64], line[256];
	uint64_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, sizeof(key) - 1))
			n = strtoull(line + sizeof(key) - 1, NULL, 10);
	if (f)
		fclose(f);
	return n;
}

void bh_waits_add(struct bh_waits *w, pid_t pid)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	struct dirent *e;
	char path[32];

	if (!numbers_are_ours())
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && w->n < BH_THREADS_MAX && (e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		uint64_t run_us, wait_us;

		if (tid <= 0 || !read_times(pid, tid, &run_us, &wait_us))
			continue;
		w->thread[w->n].tid = tid;
		w->thread[w->n].run_us = run_us;
		w->thread[w->n].wait_us = wait_us;
		w->thread[w->n++].switches = read_switches(pid, tid);
	}
}

pid_t bh_waits_busiest(const struct bh_waits *w)
{
	uint64_t most = 0;
	pid_t tid = 0;

	for (unsigned int i = 0; i < w->n; i++)
		if (w->thread[i].run_us > most) {
			most = w->thread[i].run_us;
			tid = w->thread[i].tid;
		}
	return tid;
}

/* What the thread at @i did since @before; one that is new did all of it. */
static struct bh_busiest grown(const struct bh_waits *before, const struct bh_waits *after,
			       unsigned int i)
{
	struct bh_busiest t = {after->thread[i].tid, after->thread[i].run_us,
			       after->thread[i].wait_us, after->thread[i].switches};

	for (unsigned int k = 0; k < before->n; k++)
		if (before->thread[k].tid == t.tid) {
			t.run_us -= before->thread[k].run_us;
			t.wait_us -= before->thread[k].wait_us;
			t.switches -= before->thread[k].switches;
		}
	return t;
}

struct bh_busiest bh_waits_most(const struct bh_waits *before, const struct bh_waits *after)
{
	struct bh_busiest most = {};

	for (unsigned int i = 0; i < after->n; i++) {
		struct bh_busiest t = grown(before, after, i);

		if (t.run_us >= most.run_us)
			most = t;
	}
	return most;
}

uint64_t bh_waits_run_us(const struct bh_waits *before, const struct bh_waits *after)
{
	uint64_t run_us = 0;

	for (unsigned int i = 0; i < after->n; i++)
		run_us += grown(before, after, i).run_us;
	return run_us;
}

uint64_t bh_waits_since(const struct bh_waits *before, const struct bh_waits *after)
{
	struct bh_busiest most = bh_waits_most(before, after);
	uint64_t own = most.switches * WAKE_US;

	return most.wait_us > own ? most.wait_us - own : 0;
}

int bh_thread_cpu(pid_t tid)
{
	char path[32], text[1024];
	const char *after;
	size_t len;
	int cpu;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	/* a name may have spaces and brackets: fields are counted from its end */
	after = strrchr(text, ')');
	for (unsigned int field = 2; after && field < CPU_FIELD; field++)
		after = strchr(after + 1, ' ');
	return after && sscanf(after, "%d", &cpu) == 1 ? cpu : -1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* sriov-bench: the generator of the host bench. Requests and answers: docs/bench-engine.md. */
#include "bench_ops.h"
#include "eal.h"

#include <errno.h>
#include <getopt.h>
#include <lib/log.h>
#include <rte_cycles.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define LINE_MAX_BYTES 65536
#define PLUGINS_MAX    8
#define MEMORY_MB      256
#define MEMORY_MB_MIN  64

struct args {
	struct fp_eal eal;
	const char *plugin[PLUGINS_MAX];
	int switch_cpu, memory_mb;
};

static int number(const char *text, int *ret_val)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v < 0 || v > 1000000)
		return -EINVAL;
	*ret_val = (int)v;
	return 0;
}

static int parse_args(int argc, char **argv, struct args *a)
{
	static const struct option options[] = {
		{"cpu", required_argument, NULL, 'c'},
		{"switch-cpu", required_argument, NULL, 's'},
		{"memory-mb", required_argument, NULL, 'm'},
		{"no-huge", no_argument, NULL, 'h'},
		{"pci", no_argument, NULL, 'i'},
		{"plugin", required_argument, NULL, 'p'},
		{"verbose", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int opt, r = 0;

	while (r == 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			r = number(optarg, &a->eal.cpu);
			break;
		case 's':
			r = number(optarg, &a->switch_cpu);
			break;
		case 'm':
			r = number(optarg, &a->memory_mb);
			break;
		case 'h':
			a->eal.no_huge = true;
			break;
		case 'i':
			a->eal.pci = true;
			break;
		case 'p':
			if (a->eal.n_plugins == PLUGINS_MAX)
				return -EINVAL;
			a->plugin[a->eal.n_plugins++] = optarg;
			break;
		case 'v':
			a->eal.verbose = true;
			break;
		default:
			r = -EINVAL;
			break;
		}
	}
	return r < 0 || optind != argc || a->memory_mb < MEMORY_MB_MIN ? -EINVAL : 0;
}

/* The first one that is not the generator's; -1: there is none. */
static int other_cpu(const cpu_set_t *set, int cpu)
{
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, set) && i != cpu)
			return i;
	return -1;
}

static int start(struct args *a, struct fp_engine *e)
{
	cpu_set_t set;
	int r;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	a->eal.plugin = a->plugin;
	a->eal.memory_mb = (unsigned int)a->memory_mb;
	if (!a->eal.no_huge && !fp_eal_hugepages_free(a->eal.memory_mb)) {
		log_notice("no %d MB of free huge pages: running without them, somewhat slower",
			   a->memory_mb);
		a->eal.no_huge = true;
	}
	r = fp_eal_init(&a->eal, &e->bench.cpu[0]);
	if (r < 0)
		return r;
	e->hugepages = !a->eal.no_huge;
	/* small pages would all be made now, whether they are ever used or not */
	if (!e->hugepages)
		e->lock_error = -EOPNOTSUPP;
	else if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		e->lock_error = -errno;
	e->bench.cpu[1] = a->switch_cpu >= 0 ? a->switch_cpu : other_cpu(&set, e->bench.cpu[0]);
	e->bench.tsc_hz = rte_get_tsc_hz();
	return 0;
}

/* Return: 1 a line, without its end; 0 no more; -E2BIG it was too long and is gone. */
static int line_read(FILE *in, char *buf, size_t *ret_len)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (n < LINE_MAX_BYTES)
			buf[n] = (char)c;
		n++;
	}
	if (c == EOF && n == 0)
		return 0;
	*ret_len = n;
	return n > LINE_MAX_BYTES ? -E2BIG : 1;
}

static int serve(struct fp_engine *e, FILE *out)
{
	static char line[LINE_MAX_BYTES];
	size_t len;
	int r;

	while (!e->quit && (r = line_read(stdin, line, &len)) != 0) {
		_cleanup_(json_decrefp) json_t *answer = NULL;

		if (r > 0)
			answer = fp_engine_ask(e, line, len);
		else
			answer = json_pack("{s:b, s:s}", "ok", false, "error",
					   "the line is longer than 64 KiB");
		if (!answer)
			return -ENOMEM;
		if (json_dumpf(answer, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF ||
		    fflush(out) == EOF)
			return -EPIPE;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct args a = {.eal = {.program = "sriov-bench", .cpu = -1, .main_only = true},
				.switch_cpu = -1,
				.memory_mb = MEMORY_MB};
	static struct fp_engine e;
	FILE *out;
	int fd, r;

	log_init("sriov-bench");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	if (parse_args(argc, argv, &a) < 0) {
		fprintf(stderr, "usage: sriov-bench [--cpu N] [--switch-cpu N] [--memory-mb N] "
				"[--no-huge] [--pci] [--plugin FILE]... [--verbose]\n");
		return 2;
	}
	/* drivers print where they like: answers go out of what was standard output */
	fd = dup(STDOUT_FILENO);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		log_error(-errno, "no standard output");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = start(&a, &e);
	if (r < 0) {
		log_error(r, "DPDK does not start");
		return 1;
	}
	r = serve(&e, out);
	fp_engine_done(&e);
	fp_eal_done();
	if (r < 0)
		log_error(r, "the answer was not taken");
	return r < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HUGEPAGES_FREE	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
#define HUGEPAGE_MB	2u
#define HUGEPAGES_SPARE 4u /* what EAL takes for itself */
#define ARGS_MAX	32
#define PLUGINS_MAX	8u
#define PCI_NOBODY	"0000:00:00.0"

/* EAL insists on a directory for files that it then does not make. */
static char runtime_dir[] = "/tmp/sriovd-eal-XXXXXX";
static bool has_runtime_dir;

bool fp_eal_hugepages_free(unsigned int memory_mb)
{
	FILE *f = fopen(HUGEPAGES_FREE, "re");
	unsigned int n = 0;
	bool ok;

	if (!f)
		return false;
	ok = fscanf(f, "%u", &n) == 1 && n >= memory_mb / HUGEPAGE_MB + HUGEPAGES_SPARE;
	fclose(f);
	return ok;
}

/* "0@(0,1,3),1@3": the main thread anywhere, the data thread on one CPU; "0@3": one thread. */
static int lcores_arg(const struct fp_eal *want, char *buf, size_t size, int *ret_cpu)
{
	int cpu = want->cpu, last = -1;
	cpu_set_t set;
	size_t at;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	at = (size_t)snprintf(buf, size, "0@(");
	for (int i = 0; i < CPU_SETSIZE && at < size; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		at += (size_t)snprintf(buf + at, size - at, "%s%d", last < 0 ? "" : ",", i);
		last = i;
	}
	if (cpu < 0)
		cpu = last;
	if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &set))
		return -EINVAL;
	if (want->main_only)
		at = (size_t)snprintf(buf, size, "0@%d", cpu);
	else if (at < size)
		at += (size_t)snprintf(buf + at, size - at, "),%u@%d", FP_DATA_LCORE, cpu);
	if (at >= size)
		return -EINVAL;
	*ret_cpu = cpu;
	return 0;
}

static void runtime_dir_remove(void)
{
	char path[sizeof(runtime_dir) + 16];

	if (!has_runtime_dir)
		return;
	/* EAL makes dpdk/rte in it */
	snprintf(path, sizeof(path), "%s/dpdk/rte", runtime_dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/dpdk", runtime_dir);
	rmdir(path);
	rmdir(runtime_dir);
	has_runtime_dir = false;
}

int fp_eal_init(const struct fp_eal *want, int *ret_cpu)
{
	static char lcores[8192], memory[16]; /* EAL keeps what it is given */
	char *argv[ARGS_MAX] = {(char *)want->program,
				"--lcores",
				lcores,
				"--no-telemetry",
				"--iova-mode=va",
				want->verbose ? "--log-level=pmd*:debug" : "--log-level=*:error",
				"-m",
				memory};
	int argc = 8;
	int r;

	if (want->n_plugins > PLUGINS_MAX)
		return -E2BIG;
	r = lcores_arg(want, lcores, sizeof(lcores), ret_cpu);
	if (r < 0)
		return r;
	snprintf(memory, sizeof(memory), "%u", want->memory_mb);
	if (want->pci) {
		/* a list of what may be probed, or all would be: the host bridge has no driver */
		argv[argc++] = "-a";
		argv[argc++] = PCI_NOBODY;
	} else {
		argv[argc++] = "--no-pci";
	}
	if (want->no_huge) {
		argv[argc++] = "--no-huge";
		argv[argc++] = "--no-shconf";
	} else {
		argv[argc++] = "--in-memory";
	}
	if (want->main_only && !want->no_huge) {
		/*
		 * The other side of a port is told of each file, and of memory that comes and goes:
		 * it may be stopped at that time, and would never answer.
		 */
		argv[argc++] = "--single-file-segments";
		argv[argc++] = "--socket-limit";
		argv[argc++] = memory;
	}
	if (want->main_only)
		argv[argc++] = "--force-max-simd-bitwidth=512"; /* its default hides AVX-512 */
	for (unsigned int i = 0; i < want->n_plugins; i++) {
		argv[argc++] = "-d";
		argv[argc++] = (char *)want->plugin[i];
	}
	if (mkdtemp(runtime_dir)) {
		has_runtime_dir = true;
		setenv("RUNTIME_DIRECTORY", runtime_dir, 1);
	}
	r = rte_eal_init(argc, argv);
	runtime_dir_remove();
	if (r < 0)
		return rte_errno > 0 ? -rte_errno : -EIO;
	/* from here on its messages are about clients that come and go, or misbehave */
	rte_log_set_level_pattern("lib.vhost.*", (int)RTE_LOG_CRIT);
	return 0;
}

void fp_eal_done(void)
{
	rte_eal_cleanup();
	runtime_dir_remove();
}

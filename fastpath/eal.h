#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment for a process that owns no device: no PCI function is probed by itself, no
 * files are shared with others,
 * one data thread pinned to one CPU. Works with 2 MiB pages when there are any, without when not.
 */
#include <lib/cleanup.h>
#include <stdbool.h>

#define FP_DATA_LCORE 1u /* lcore of the data thread; 0 is the main thread, not pinned */

/* What the process wants. */
struct fp_eal {
	const char *program;
	const char *const *plugin; /* drivers to load, n_plugins of them */
	unsigned int n_plugins;
	unsigned int memory_mb; /* all there will ever be, unless it may grow */
	int cpu;		/* of the data thread; -1: the last one that we may use */
	bool no_huge;
	bool main_only; /* the main thread is the data thread */
	bool verbose;	/* drivers tell what they chose */
	bool pci;	/* PCI functions can be added later; none is probed at start */
};

/**
 * fp_eal_hugepages_free() - are there enough free 2 MiB pages for @memory_mb?
 *
 * Context: main thread, before fp_eal_init(); reads sysfs. Return: true or false. Source: Linux
 * Documentation/admin-guide/mm/hugetlbpage.rst.
 */
bool fp_eal_hugepages_free(unsigned int memory_mb);

/**
 * fp_eal_init() - start EAL
 * @ret_cpu: the data thread's CPU
 *
 * Context: main thread, once a process, before other threads exist; signals blocked now are
 *          blocked in EAL's threads as well.
 * Return: 0; -EINVAL that CPU is not ours; -ENOMEM; -errno of rte_eal_init().
 * Source: DPDK 22.11, EAL parameters.
 */
int fp_eal_init(const struct fp_eal *want, int *ret_cpu) _must_check_;

/**
 * fp_eal_done() - give EAL's memory back
 *
 * Context: main thread, after all other threads of ours ended. Source: DPDK 22.11,
 * rte_eal_cleanup().
 */
void fp_eal_done(void);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file: which software NICs and bridges there are. Strict JSON; docs/api.md. */
#include <net/if.h>
#include <sriovd/error.h>
#include <sriovd/valid.h>
#include <stdbool.h>
#include <stddef.h>

#define CONFIG_NICS_MAX	   16u
#define CONFIG_BRIDGES_MAX 16u
#define CONFIG_FILE_MAX	   65536u
#define CONFIG_CPUS_MAX	   1024u
#define VM_UIDS_DEFAULT	   1900000000 /* above what systemd and containers hand out */
#define VM_UIDS_MAX	   2000000000
#define PATH_SIZE	   108u /* as sun_path */

struct config_nic {
	char name[NAME_SIZE];
	char tap[IFNAMSIZ]; /* "": no wire */
	char mac[MAC_TEXT]; /* "": the NIC makes its own */
	int cpu;	    /* -1: placement.h chooses, or it is not pinned */
	int threads;	    /* data threads; only the first is pinned */
};

struct config_bridge {
	char name[NAME_SIZE];
	char tap[IFNAMSIZ]; /* "": no uplink */
	int cpu;
};

struct config {
	struct config_nic nics[CONFIG_NICS_MAX];
	size_t n_nics;
	struct config_bridge bridges[CONFIG_BRIDGES_MAX];
	size_t n_bridges;
	int vm_cpu;  /* -1: placement.h chooses */
	int vm_uids; /* a VMM's uid is this plus its process id; 0: ours */
	bool hugepages;

	/* by placement_fill(): VMs take turns on them; none: not pinned */
	int vm_cpus[CONFIG_CPUS_MAX];
	size_t n_vm_cpus;

	/* from the command line */
	char run_dir[PATH_SIZE];
	char state_dir[256];
	char libexec_dir[256];
};

/**
 * config_parse() - decode the text of a configuration file
 * @text: NUL not needed
 * @c:    nics, bridges and options are set; the directories are left alone
 *
 * Context: any; pure.
 * Return: 0; -EINVAL, -ERANGE, -EEXIST (a name or tap given twice) with the reason in @e.
 * Source: docs/api.md.
 */
int config_parse(const char *text, size_t len, struct config *c, struct op_error *e) _must_check_;

/**
 * config_load() - config_parse() of a file
 *
 * Context: start-up. Return: as config_parse(); -E2BIG; -ENOMEM; -errno of open(2), read(2).
 * Source: docs/api.md.
 */
int config_load(const char *path, struct config *c, struct op_error *e) _must_check_;

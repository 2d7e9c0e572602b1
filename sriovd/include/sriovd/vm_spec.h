#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a VM is made of: decoded from a request, a file that somebody wrote, or the ledger, and
 * checked without looking at the host. Files are opened by vm_files.c.
 */
#include <jansson.h>
#include <sriovd/error.h>
#include <sriovd/valid.h>
#include <stdbool.h>

#define VM_MEMORY_MIN_MIB     16
#define VM_MEMORY_MAX_MIB     65536
#define VM_MEMORY_DEFAULT_MIB 64
#define VM_MEMORY_LINUX_MIB   512 /* when a kernel is given */
#define VM_CPUS_MAX	      16
#define VM_DISKS_MAX	      8u
#define VM_PATH_SIZE	      512u
#define VM_CMDLINE_SIZE	      2048u

struct vm_disk {
	char path[VM_PATH_SIZE];
	bool readonly;
};

struct vm_spec {
	unsigned int memory_mib;
	unsigned int cpus;
	char kernel[VM_PATH_SIZE]; /* "": the bench guest */
	char initrd[VM_PATH_SIZE]; /* "": none */
	char cmdline[VM_CMDLINE_SIZE];
	bool has_cmdline; /* otherwise the VMM's default */
	bool autostart;
	unsigned int n_disks;
	struct vm_disk disk[VM_DISKS_MAX];
};

struct vm_request {
	char name[NAME_SIZE];
	bool define; /* keep it, and do not start it yet */
	struct vm_spec spec;
};

/**
 * vm_request_decode() - the body of POST /v1/vms
 *
 * Context: any; pure. Return: 0; -EINVAL, -ERANGE, -ENAMETOOLONG, -E2BIG: @e says what is wrong, by
 * name. Source: docs/api.md.
 */
int vm_request_decode(json_t *body, const char *what, struct vm_request *ret_request,
		      struct op_error *e) _must_check_;

/**
 * vm_spec_decode() - what vm_spec_json() wrote
 *
 * Context: any; pure. Return: as vm_request_decode(). Source: -.
 */
int vm_spec_decode(json_t *object, const char *what, struct vm_spec *ret_spec,
		   struct op_error *e) _must_check_;

/**
 * vm_spec_json() - the members of @spec as they are written in a request
 *
 * Context: any; pure. Return: a new object; NULL out of memory. Source: docs/api.md.
 */
json_t *vm_spec_json(const struct vm_spec *spec);

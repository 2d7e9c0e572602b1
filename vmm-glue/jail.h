#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The jail of sriov-vmm (lib/jail.h): what each kind of its threads may ask of the kernel, and why.
 * The list is jail_calls.c; `sriov-vmm --syscalls` prints it.
 */
#include <jansson.h>
#include <lib/jail.h>

/* Kinds of threads. What starts as another kind is THREAD_START until its own filter is on. */
enum vmm_thread {
	THREAD_MAIN = 1 << 0,
	THREAD_VCPU = 1 << 1,
	THREAD_IO = 1 << 2,
	THREAD_START = 1 << 3,
};

extern const char *const vmm_thread_names[];
extern const struct jail_table vmm_jail_calls;

/**
 * vmm_jail_enter() - close the process's jail, main thread's filter included
 * @uids: first of a range of uids that nobody has; the VMM becomes @uids + its pid; 0: stays
 *
 * Context: main thread, before others exist and before a client is answered. Return: 0; as
 * jail_enter(), jail_filter_build(), jail_filter_enter(). Source: docs/architecture.md.
 */
int vmm_jail_enter(uid_t uids) _must_check_;

/**
 * vmm_jail_thread() - narrow the calling thread's filter to its kind; nothing without a jail
 *
 * Context: a new thread, first thing. It ends the process when that fails: a thread that may do
 * more than it should must not run. Source: seccomp(2).
 */
void vmm_jail_thread(enum vmm_thread kind);

/**
 * vmm_jail_json() - {"uid","namespaces","root","landlock","seccomp"}
 *
 * Context: main thread. Return: a new reference; NULL without memory. Source: docs/processes.md.
 */
json_t *vmm_jail_json(void);

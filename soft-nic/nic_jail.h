#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The jail of the process soft-nic (lib/jail.h). Its root is the directory of its sockets, since
 * they come and go with the VFs. It stays at its uid, to which that directory belongs.
 */
#include <lib/jail.h>

/* Kinds of threads; the wire's thread stays as it starts. */
enum nic_thread {
	NIC_THREAD_MAIN = 1 << 0,
	NIC_THREAD_DATA = 1 << 1,
	NIC_THREAD_START = 1 << 2,
};

extern const char *const nic_thread_names[];
extern const struct jail_table nic_jail_calls;

/**
 * nic_jail_enter() - close the jail
 * @dir: of the sockets; from then on it is called *@ret_dir
 *
 * Context: main thread, before others exist. Return: 0; as jail_enter(), jail_filter_build(),
 * jail_filter_enter(). Source: docs/architecture.md.
 */
int nic_jail_enter(const char *dir, const char **ret_dir) _must_check_;

/**
 * nic_jail_data_thread() - narrow the calling data thread's filter; nothing without a jail
 *
 * Context: a data thread, first thing; ends the process when that fails. Source: seccomp(2).
 */
void nic_jail_data_thread(void *ctx);

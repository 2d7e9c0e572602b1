#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge's ports: each is a vhost-user server socket with at most one client. librte_vhost
 * talks to the clients on a thread of its own; here its devices are tied to the switch's ports.
 * Its callbacks carry no context, so the registry is one for the process.
 */
#include "switch.h"

#define FP_VPORT_NAME_MAX 32u

struct fp_vport {
	struct fp_port p;
	char name[FP_VPORT_NAME_MAX];
	char path[108];
};

/**
 * fp_vports_init() - before the first port; @sw outlives all ports
 *
 * Context: main thread. Source: -.
 */
void fp_vports_init(struct fp_switch *sw);

/**
 * fp_vport_add() - make a port and its socket at @path; a stale socket there is replaced
 * @mac: the only source address its frames may have; NULL: any
 * Context: main thread.
 * Return: 0; -EINVAL name or path; -EEXIST name or path taken; -ENOSPC; -ENOMEM; -EIO of
 *         librte_vhost.
 * Source: DPDK 22.11, vhost library.
 */
int fp_vport_add(const char *name, const char *path, const uint8_t *mac) _must_check_;

/**
 * fp_vport_remove() - take the port from the switch, hang up on its client, remove the socket
 * Context: main thread; waits for the data thread to let go, also while traffic flows.
 * Return: 0; -ENOENT; -ENOMEM. Source: -
 */
int fp_vport_remove(const char *name) _must_check_;

/** fp_vports_remove_all() - fp_vport_remove() of every port. Context: main thread. Source: -. */
void fp_vports_remove_all(void);

/**
 * fp_vport_get() - the port in place @id (0 .. FP_UPLINK_PORT - 1), owned by the registry
 *
 * Context: main thread. Return: the port; NULL. Source: -.
 */
const struct fp_vport *fp_vport_get(unsigned int id);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Data-plane sockets that sriovd connects and passes on: vfio-user and vhost-user, SOCK_STREAM. */
#include <lib/cleanup.h>
#include <stdint.h>

struct sriovd;

/**
 * sock_connect() - connect to a stream socket that may only be about to appear
 * @wait_us: how long -ENOENT, -ECONNREFUSED and -EAGAIN are borne
 * Context: drops the baton. Return: 0; -ENOENT; -ECONNREFUSED; -errno of connect(2). Source:
 * unix(7).
 */
int sock_connect(struct sriovd *d, const char *path, uint64_t wait_us, int *ret_fd) _must_check_;

/**
 * sock_await() - wait until a socket file is there, without connecting
 *
 * Context: drops the baton, up to @wait_us. Return: 0; -ETIMEDOUT; -ENAMETOOLONG. Source: -.
 */
int sock_await(struct sriovd *d, const char *path, uint64_t wait_us) _must_check_;

/**
 * sock_sweep() - remove the sockets that a child which was killed left in its directory @dir
 * Context: it does not run. What cannot be removed is replaced by the next one. Source: -
 */
void sock_sweep(const char *dir);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire of a software NIC and the uplink of a bridge: a tap device that lives as long as its
 * holder. */
#include <sriovd/error.h>

/**
 * tap_open() - make tap @name (or take an unused persistent one) and set it up
 * @ret_fd: non-blocking, close-on-exec, frames without packet information
 *
 * Context: any thread; a few netlink exchanges, no wait for anybody else.
 * Return: 0; -EBUSY the name is in use; -EPERM; -ENOENT no /dev/net/tun; -errno, @e names the tap.
 * Source: Documentation/networking/tuntap.rst of Linux.
 */
int tap_open(const char *name, int *ret_fd, struct op_error *e) _must_check_;

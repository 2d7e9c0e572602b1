#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Network devices of the host. */
#include <sriovd/error.h>
#include <stdbool.h>

struct link_bridge {
	int ifindex;
	unsigned int mtu;
};

/**
 * link_set() - bring a network device up or down
 *
 * Context: any thread, without the baton: drivers may take seconds. Return: 0; -ENODEV; -EPERM;
 * -EIO; -ENOMEM. Source: rtnetlink(7).
 */
int link_set(int ifindex, bool up, struct op_error *e) _must_check_;

/**
 * link_bridge() - a bridge of the host, by name
 *
 * Context: any thread. Return: 0; -ENODEV there is no such device; -EINVAL it is no bridge; -EPERM;
 * -EIO; -ENOMEM; @e names it. Source: rtnetlink(7).
 */
int link_bridge(const char *name, struct link_bridge *ret_bridge, struct op_error *e) _must_check_;

/**
 * link_join() - make @name a port of @br, with its MTU, and set it up; nothing if it is both
 *
 * Context: any thread. Return: 0; -ENODEV; -EPERM; -EIO; -ENOMEM; @e names it. Source:
 * rtnetlink(7).
 */
int link_join(const char *name, const struct link_bridge *br, struct op_error *e) _must_check_;

/**
 * link_master() - index of the device that @name is a port of, 0: of none
 *
 * Context: any thread. Return: 0; -ENODEV; -EIO; -ENOMEM. Source: rtnetlink(7).
 */
int link_master(const char *name, int *ret_ifindex) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Network devices of the host, by index. */
#include <sriovd/error.h>
#include <stdbool.h>

/**
 * link_set() - bring a network device up or down
 *
 * Context: any thread, without the baton: drivers may take seconds. Return: 0; -ENODEV; -EPERM;
 * -EIO; -ENOMEM. Source: rtnetlink(7).
 */
int link_set(int ifindex, bool up, struct op_error *e) _must_check_;

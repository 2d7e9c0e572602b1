#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/child.h>

/**
 * child_spawn() - listen, fork and exec; sets c->pid
 * Context: baton, kept: posix_spawn() is quick. Return: 0; -errno with @e set. Source:
 * posix_spawn(3).
 */
int child_spawn(struct sriovd *d, struct child *c, const struct child_start *start,
		struct op_error *e) _must_check_;

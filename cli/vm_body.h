#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The request that defines a VM, from options or from a file. */
#include <cli/cli.h>

/**
 * vm_body() - body of POST /v1/vms for "vm create"
 *
 * Paths are made absolute here: sriovd has another working directory. What a file says is left to
 * sriovd, which refuses unknown keys.
 * Context: main thread; prints what is wrong to stderr. Return: a new object; NULL wrong usage or
 * unreadable file. Source: docs/api.md.
 */
json_t *vm_body(const struct cli_args *args);

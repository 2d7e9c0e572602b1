#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What events and "vm events" share. */
#include <cli/cli.h>

/**
 * events_run() - print what happened, and with --follow what happens
 * @object: "vm vm1": nothing else; NULL: everything
 *
 * Context: main thread. Return: enum cli_exit. Source: docs/api.md.
 */
int events_run(const struct cli *cli, const struct cli_args *args, const char *object);

extern const struct cli_opt events_opts[];

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/args.h>

/** bench_host_command() - sriovctl bench --host. Context: main thread. Return: exit status. */
int bench_host_command(const struct cli *cli, const struct cli_args *args);

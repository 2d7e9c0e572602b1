#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line: finds the command, parses its options from its own table (so that help,
 * messages and checks cannot differ from what is accepted), checks every value before sriovd is
 * asked. Prints what is wrong, naming it.
 */
#include <cli/cli.h>

enum args_result {
	ARGS_RUN,   /* go on with the command */
	ARGS_DONE,  /* help or version was printed: exit 0 */
	ARGS_USAGE, /* a message was printed: exit 2 */
};

/**
 * args_parse() - understand a whole command line
 * @argc, @argv: as main() got them; argv is permuted
 * @tables:      command tables, NULL-terminated
 * @cli:         gets the common options; defaults are the caller's
 * @ret_args:    gets command, operands and option values (pointers into @argv)
 *
 * Context: main thread, once a process (getopt state); prints to stdout or stderr.
 * Return: see enum args_result; @ret_args is written for ARGS_RUN only.
 * Source: docs/man/sriovctl.1.
 */
enum args_result args_parse(int argc, char **argv, const struct cli_cmd *const *tables,
			    struct cli *cli, struct cli_args *ret_args);

/**
 * args_uint() - number to unsigned, the whole string, decimal, in range
 * Context: any; pure. Return: 0; -EINVAL not a number; -ERANGE outside [min, max].
 * Source: none.
 */
int args_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/**
 * args_text() - value of an option as given
 * Context: any; pure. Return: a string of argv; NULL when not given or not known. Source: none.
 */
const char *args_text(const struct cli_args *args, const char *name);

/**
 * args_number() - value of a CLI_UINT option, checked by args_parse()
 * Context: any; pure. Return: the number; @otherwise when not given. Source: none.
 */
uint64_t args_number(const struct cli_args *args, const char *name, uint64_t otherwise);

/**
 * args_body() - the request body: every given option that has an API key
 * Context: any. Return: new object, owned by the caller; NULL out of memory. Source: docs/api.md.
 */
json_t *args_body(const struct cli_args *args);

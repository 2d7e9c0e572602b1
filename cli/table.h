#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing API answers: tables and property lists for people, JSON for programs. */
#include <cli/cli.h>

struct table_col {
	const char *head; /* NULL ends a list of columns */
	const char *key;  /* "guest.state" looks into an object */
	bool right;	  /* numbers */
};

/**
 * table_text() - one API value as a person reads it
 * @key: its key's last part: "ipv4" makes a dotted address of a number
 *
 * Context: any. Return: new string to be freed, "-" for nothing; NULL out of memory. Source: none.
 */
char *table_text(const char *key, const json_t *value);

/**
 * table_print() - array of objects as a table
 * Context: any; prints to stdout. Return: 0; -ENOMEM. Source: none.
 */
int table_print(const json_t *rows, const struct table_col *cols);

/**
 * table_show() - one object as a list of properties, nested objects flattened
 * Context: any; prints to stdout. Return: 0; -ENOMEM. Source: none.
 */
int table_show(const json_t *object);

/**
 * table_json() - @value as indented JSON on stdout
 * Context: any. Return: 0; -EIO. Source: none.
 */
int table_json(const json_t *value);

/**
 * table_rows() - print @reply: JSON when asked for, else the array under @key as a table
 * Context: any. Return: exit status. Source: none.
 */
int table_rows(const struct cli *cli, const json_t *reply, const char *key,
	       const struct table_col *cols);

/** table_object() - print @reply: JSON when asked for, else its properties. Return: exit status. */
int table_object(const struct cli *cli, const json_t *reply);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strict decoding of a JSON object by a table: every key must be known, of its type and in its
 * range, and what is wrong is said by name. Used for request bodies and for the configuration.
 */
#include <jansson.h>
#include <sriovd/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
	FIELD_STRING, /* const char *, borrowed from the JSON */
	FIELD_INT,    /* int64_t in min..max */
	FIELD_BOOL,   /* bool */
	FIELD_ARRAY,  /* json_t *, borrowed */
};

struct field {
	const char *key; /* NULL ends a table */
	enum field_type type;
	bool required;
	size_t offset; /* into the target */
	int64_t min, max;
};

/**
 * fields_decode() - fill @target from @object
 * @what: what the object is, for messages ("request body", "soft_nics[0]")
 *
 * Members of absent keys keep what they have, so the caller puts the defaults there.
 * Context: any; pure.
 * Return: 0; -EINVAL wrong type, missing or unknown key; -ERANGE out of range; @e says which.
 * Source: -
 */
int fields_decode(json_t *object, const char *what, const struct field *table, void *target,
		  struct op_error *e) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a caller of the API is told when an operation fails: an HTTP status, an errno and a sentence
 * that names the object and the reason. Operations return the errno and fill one of these.
 */
#include <lib/cleanup.h>

struct op_error {
	int http;  /* 0: nothing was reported yet */
	int error; /* negative errno */
	char text[320];
};

enum {
	HTTP_BAD_INPUT = 400,
	HTTP_DENIED = 403,
	HTTP_MISSING = 404,
	HTTP_BAD_METHOD = 405,
	HTTP_CONFLICT = 409,
	HTTP_INTERNAL = 500,
	HTTP_CHILD = 502,
	HTTP_DEADLINE = 504,
};

/**
 * op_fail() - record why an operation fails
 * @e:     filled; may be NULL
 * @http:  status; HTTP_CHILD becomes HTTP_DEADLINE when @error is -ETIMEDOUT
 * @error: negative errno
 *
 * Context: any thread.
 * Return: @error, so that "return op_fail(e, HTTP_MISSING, -ENOENT, ...)" works.
 * Source: docs/api.md.
 */
int op_fail(struct op_error *e, int http, int error, const char *fmt, ...) _printf_(4, 5);

/**
 * op_code() - the symbolic name of a negative errno ("EBUSY")
 *
 * Context: any. Return: constant text, "EIO" for what has no name. Source: errno(3).
 */
const char *op_code(int error);

/**
 * op_text() - the sentence of @e, or the text of @error if none was recorded
 *
 * Context: any. Return: text, as long-lived as @e. Source: -.
 */
const char *op_text(const struct op_error *e, int error);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking sriovd: builds the path, sends the body, turns refusals into one message on stderr. */
#include <cli/cli.h>

#define API_TIMEOUT_MS	    30000u
#define API_SLOW_TIMEOUT_MS 120000u /* calls that wait for a guest */

/**
 * api_path() - build "/v1/A/B/..." from parts, each percent-encoded
 * @ret_path: at least API_PATH_MAX bytes
 * @part:     first part; further ones follow, NULL ends them
 *
 * Context: any; pure. Return: 0; -ENAMETOOLONG (a message is printed). Source: docs/api.md.
 */
#define API_PATH_MAX 512u
__attribute__((sentinel)) int api_path(char *ret_path, const char *part, ...);

/**
 * api_call() - one request
 * @body:       request body or NULL; stays the caller's
 * @timeout_ms: how long to wait for the answer
 * @ret_reply:  the answer; may be NULL
 *
 * Context: any; sleeps up to @timeout_ms; prints what went wrong to stderr.
 * Return: 0; -EREMOTEIO refused by sriovd; -EBADMSG answer is not what docs/api.md says; else as
 * http_exchange().
 * Source: docs/api.md.
 */
int api_call(const struct cli *cli, const char *method, const char *path, const json_t *body,
	     unsigned int timeout_ms, json_t **ret_reply);

/**
 * api_told() - as api_call(), what went wrong goes into @why, of @size bytes, as one line
 * Context, Return, Source: as api_call().
 */
int api_told(const struct cli *cli, const char *method, const char *path, const json_t *body,
	     unsigned int timeout_ms, char *why, size_t size, json_t **ret_reply);

/**
 * api_try() - as api_call(), silent: for objects that may not exist
 * Context, Return, Source: as api_call().
 */
int api_try(const struct cli *cli, const char *method, const char *path, const json_t *body,
	    unsigned int timeout_ms, json_t **ret_reply);

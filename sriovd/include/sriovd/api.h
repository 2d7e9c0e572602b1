#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The API without its transport: method, path, query and body in, status and JSON out. http.c
 * stands before it, the fuzz target and the unit tests in http.c's place. Everything here comes
 * from a client and is treated so.
 */
#include <jansson.h>
#include <sriovd/state.h>

#define API_BODY_MAX  65536u
#define API_QUERY_MAX 4u

enum api_rights {
	API_NONE,
	API_READ,
	API_ALL,
};

struct api_query {
	const char *key;
	const char *value; /* NULL: "?key" without "=" */
};

struct api_request {
	const char *method;
	const char *path;
	struct api_query query[API_QUERY_MAX];
	size_t n_query;
	const char *body;
	size_t body_len;
	enum api_rights rights;
	uint64_t received_us;
};

/**
 * api_handle() - do what the request asks for
 * @ret_status: HTTP status
 * @ret_exit:   set when sriovd shall end after the answer went out
 *
 * Context: any thread without the baton; blocks as long as the operation takes.
 * Return: the answer's JSON (new reference), never NULL unless memory is out.
 * Source: docs/api.md, docs/openapi.json.
 */
json_t *api_handle(struct sriovd *d, const struct api_request *rq, int *ret_status, bool *ret_exit);

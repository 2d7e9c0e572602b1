/* SPDX-License-Identifier: BSD-3-Clause */
/* The routing table and what all calls have in common. The calls are in api_calls.c. */
#include <lib/ctl.h>
#include <sriovd/api.h>
#include <sriovd/once.h>
#include <string.h>

#include "api_internal.h"

#define DEPTH_MAX 16u

/* clang-format off */
static const struct route routes[] = {
	{"GET",    "/v1/status",          API_READ, call_status,      NULL, false},
	{"GET",    "/v1/pfs",             API_READ, call_pf_list,     NULL, false},
	{"GET",    "/v1/pfs/*",           API_READ, call_pf_show,     NULL, false},
	{"POST",   "/v1/pfs",             API_ALL,  call_pf_add,      NULL, false},
	{"DELETE", "/v1/pfs/*",           API_ALL,  call_pf_remove,   NULL, false},
	{"PATCH",  "/v1/pfs/*",           API_ALL,  call_pf_set,      NULL, false},
	{"GET",    "/v1/pfs/*/vfs/*",     API_READ, call_vf_show,     NULL, false},
	{"GET",    "/v1/vfs",             API_READ, call_vf_list,     "pf", false},
	{"GET",    "/v1/events",          API_READ, call_event_list,  "after", false},
	{"GET",    "/v1/nets",            API_READ, call_net_list,    NULL, false},
	{"POST",   "/v1/nets",            API_ALL,  call_net_create,  NULL, false},
	{"GET",    "/v1/nets/*",          API_READ, call_net_show,    NULL, false},
	{"DELETE", "/v1/nets/*",          API_ALL,  call_net_delete,  NULL, false},
	{"POST",   "/v1/nets/*/attach",   API_ALL,  call_net_attach,  NULL, true},
	{"GET",    "/v1/nets/*/verify",   API_READ, call_net_verify,  "ms", false},
	{"POST",   "/v1/nets/*/detach",   API_ALL,  call_net_detach,  NULL, true},
	{"GET",    "/v1/vms",             API_READ, call_vm_list,     NULL, false},
	{"POST",   "/v1/vms",             API_ALL,  call_vm_start,    NULL, false},
	{"GET",    "/v1/vms/*",           API_READ, call_vm_show,     NULL, false},
	{"DELETE", "/v1/vms/*",           API_ALL,  call_vm_delete,   NULL, false},
	{"POST",   "/v1/vms/*/start",     API_ALL,  call_vm_again,    NULL, false},
	{"POST",   "/v1/vms/*/stop",      API_ALL,  call_vm_stop,     NULL, false},
	{"GET",    "/v1/vms/*/console",   API_READ, call_vm_console,  "after", false},
	{"POST",   "/v1/vms/*/request",   API_ALL,  call_vm_request,  NULL, false},
	{"POST",   "/v1/shutdown",        API_ALL,  call_shutdown,    NULL, false},
};
/* clang-format on */

/* Match a path against a pattern whose "*" stand for one segment each; those are copied out. */
static bool path_match(const char *pattern, const char *path, struct call *c)
{
	c->n_args = 0;
	while (*pattern) {
		size_t n;

		if (*pattern != '*') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		n = strcspn(path, "/");
		if (n == 0 || n >= sizeof(c->arg[0]) || c->n_args == CALL_ARGS_MAX)
			return false;
		memcpy(c->arg[c->n_args], path, n);
		c->arg[c->n_args++][n] = '\0';
		path += n;
		pattern++;
	}
	return *path == '\0';
}

static const struct route *route_find(const struct api_request *rq, struct call *c,
				      struct op_error *e)
{
	bool known_path = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_match(routes[i].path, rq->path, c))
			continue;
		if (strcmp(routes[i].method, rq->method) == 0)
			return &routes[i];
		known_path = true;
	}
	op_fail(e, known_path ? HTTP_BAD_METHOD : HTTP_MISSING, known_path ? -EOPNOTSUPP : -ENOENT,
		"no such call: %.16s %.128s", rq->method, rq->path);
	return NULL;
}

static int query_check(const struct route *route, const struct api_request *rq, struct call *c,
		       struct op_error *e)
{
	for (size_t i = 0; i < rq->n_query; i++) {
		const struct api_query *q = &rq->query[i];

		if (!route->query || strcmp(route->query, q->key) != 0 || !q->value || c->query)
			return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "query: unknown key \"%.64s\"",
				       q->key);
		c->query = q->value;
	}
	return 0;
}

/* The JSON parser recurses; our calls know two levels, and a thread's stack is finite. */
static bool nesting_ok(const char *text, size_t len)
{
	bool in_string = false;
	unsigned int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH_MAX)
			return false;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return true;
}

static int body_parse(const struct api_request *rq, json_t **ret_body, struct op_error *e)
{
	json_error_t je;

	if (rq->body_len > API_BODY_MAX)
		return op_fail(e, HTTP_BAD_INPUT, -EMSGSIZE, "request body: longer than %u bytes",
			       API_BODY_MAX);
	if (rq->body_len == 0) {
		*ret_body = json_object();
		return *ret_body ? 0 : -ENOMEM;
	}
	if (strcmp(rq->method, "GET") == 0)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "GET takes no body");
	if (!nesting_ok(rq->body, rq->body_len))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "request body: nested deeper than %u",
			       DEPTH_MAX);
	*ret_body = json_loadb(rq->body, rq->body_len, JSON_REJECT_DUPLICATES, &je);
	if (!*ret_body)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "request body: line %d: %s", je.line,
			       je.text);
	if (!json_is_object(*ret_body))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "request body: must be a JSON object");
	return 0;
}

/* Counted as jobs are, so that the end of sriovd waits for it, and not for long. */
static int call_counted(struct sriovd *d, const struct route *route, struct call *c)
{
	int r;

	d->jobs++;
	r = route->once && json_object_get(c->body, "op") ? once_call(d, c, route->call)
							  : route->call(d, c);
	d->jobs--;
	pthread_cond_broadcast(&d->changed);
	return r;
}

static int dispatch(struct sriovd *d, const struct api_request *rq, struct call *c)
{
	const struct route *route = route_find(rq, c, &c->error);
	int r;

	if (!route)
		return c->error.error;
	if (rq->rights < route->rights)
		return op_fail(&c->error, HTTP_DENIED, -EACCES, "not allowed: %.16s %.128s",
			       rq->method, rq->path);
	r = query_check(route, rq, c, &c->error);
	if (r >= 0)
		r = body_parse(rq, &c->body, &c->error);
	if (r < 0)
		return r;
	c->rq = rq;
	baton_take(d);
	if (d->stopping || (d->closing && route->rights == API_ALL))
		r = op_fail(&c->error, HTTP_CONFLICT, -ESHUTDOWN, "sriovd is shutting down");
	else
		r = call_counted(d, route, c);
	baton_drop(d);
	return r;
}

json_t *api_handle(struct sriovd *d, const struct api_request *rq, int *ret_status, bool *ret_exit)
{
	struct call c = {.status = 200};
	json_t *answer;
	int r;

	r = dispatch(d, rq, &c);
	json_decref(c.body);
	if (r >= 0) {
		*ret_status = c.status;
		*ret_exit = c.exit;
		return c.answer ? c.answer : json_object();
	}
	json_decref(c.answer);
	*ret_exit = false;
	*ret_status = c.error.http ? c.error.http : HTTP_INTERNAL;
	answer = json_pack("{s:{s:s, s:s}}", "error", "code", op_code(r), "message",
			   op_text(&c.error, r));
	if (!answer) /* a name from the client that is no UTF-8 */
		answer = json_pack("{s:{s:s, s:s}}", "error", "code", op_code(r), "message",
				   strerrordesc_np(-r) ?: "unknown error");
	return answer;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/http.h>

#define SELF "sriovctl: " /* what messages begin with */

int api_path(char *ret_path, const char *part, ...)
{
	va_list ap;
	int r = 0;

	strcpy(ret_path, "/v1");
	va_start(ap, part);
	for (; part && !r; part = va_arg(ap, const char *)) {
		size_t len = strlen(ret_path);

		if (len + 1 >= API_PATH_MAX) {
			r = -ENAMETOOLONG;
			break;
		}
		memcpy(ret_path + len, "/", 2);
		r = http_escape(ret_path, API_PATH_MAX, part);
	}
	va_end(ap);
	if (r < 0)
		fprintf(stderr, SELF "a name is too long\n");
	return r;
}

static void print_no_answer(FILE *to, const struct cli *cli, int r)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -EACCES:
		fprintf(to, SELF "cannot reach sriovd at %s: %s\n", cli->socket, strerror(-r));
		break;
	case -ETIMEDOUT:
		fprintf(to, SELF "sriovd at %s did not answer in time\n", cli->socket);
		break;
	case -EINTR:
		fprintf(to, SELF "interrupted\n");
		break;
	default:
		fprintf(to, SELF "no usable answer from %s: %s\n", cli->socket, strerror(-r));
	}
}

/* sriovd quotes names that came from callers: nothing of it may steer the terminal. */
static void print_refusal(FILE *to, const json_t *reply, unsigned int status)
{
	const json_t *error = json_object_get(reply, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));

	if (!message) {
		fprintf(to, SELF "sriovd answered with status %u\n", status);
		return;
	}
	fputs(SELF, to);
	for (; *message; message++)
		fputc((unsigned char)*message < ' ' || *message == 0x7f ? ' ' : *message, to);
	if (code)
		fprintf(to, " (%.32s)", code);
	fputc('\n', to);
}

/* @to: where a message goes, or NULL */
static int call(const struct cli *cli, const struct http_call *http, FILE *to, json_t **ret_reply)
{
	json_auto_t *reply = NULL;
	unsigned int status;
	char *text;
	int r;

	r = http_exchange(http, &status, &text);
	if (r < 0) {
		if (to)
			print_no_answer(to, cli, r);
		return r;
	}
	reply = json_loads(text, 0, NULL);
	free(text);
	if (status >= 300) {
		if (to)
			print_refusal(to, reply, status);
		return -EREMOTEIO;
	}
	if (!json_is_object(reply)) {
		if (to)
			fprintf(to, SELF "sriovd answered something that is not JSON\n");
		return -EBADMSG;
	}
	if (ret_reply)
		*ret_reply = json_incref(reply);
	return 0;
}

static int call_with(const struct cli *cli, const char *method, const char *path,
		     const json_t *body, unsigned int timeout_ms, FILE *to, json_t **ret_reply)
{
	char *text = NULL;
	int r;

	if (body) {
		text = json_dumps(body, JSON_COMPACT);
		if (!text)
			return -ENOMEM;
	}
	r = call(cli,
		 &(struct http_call){
			 .socket = cli->socket,
			 .method = method,
			 .target = path,
			 .body = text,
			 .timeout_ms = timeout_ms,
			 .stop = cli->stop,
		 },
		 to, ret_reply);
	free(text);
	return r;
}

int api_call(const struct cli *cli, const char *method, const char *path, const json_t *body,
	     unsigned int timeout_ms, json_t **ret_reply)
{
	return call_with(cli, method, path, body, timeout_ms, stderr, ret_reply);
}

int api_try(const struct cli *cli, const char *method, const char *path, const json_t *body,
	    unsigned int timeout_ms, json_t **ret_reply)
{
	return call_with(cli, method, path, body, timeout_ms, NULL, ret_reply);
}

int api_told(const struct cli *cli, const char *method, const char *path, const json_t *body,
	     unsigned int timeout_ms, char *why, size_t size, json_t **ret_reply)
{
	FILE *to;
	int r;

	memset(why, 0, size);
	to = fmemopen(why, size - 1, "w");
	r = call_with(cli, method, path, body, timeout_ms, to, ret_reply);
	if (to)
		fclose(to);
	why[strcspn(why, "\n")] = '\0';
	/* who says so is for the caller to say */
	if (!strncmp(why, SELF, strlen(SELF)))
		memmove(why, why + strlen(SELF), strlen(why + strlen(SELF)) + 1);
	return r;
}

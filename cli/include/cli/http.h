#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One HTTP/1.1 exchange over a unix socket: connect, send, read, close. Bounded in size and time;
 * knows just what sriovd speaks: a status line, headers, a body of announced length. Chunked bodies
 * and redirects are refused, not guessed at.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192u
#define HTTP_BODY_MAX (8u << 20)

struct http_head {
	unsigned int status;
	size_t head_bytes; /* up to and with the empty line */
	size_t body_bytes;
};

/**
 * http_head_decode() - decode status line and headers of a reply
 * @buf, @len: what has arrived so far
 *
 * Context: any; pure.
 * Return: 1 decoded; 0 the empty line has not come yet; -EBADMSG not a reply we can read; -EMSGSIZE
 * head or announced body too large.
 * Source: RFC 9112.
 */
int http_head_decode(const char *buf, size_t len, struct http_head *ret_head);

struct http_call {
	const char *socket; /* path */
	const char *method;
	const char *target; /* already percent-encoded */
	const char *body;   /* may be NULL */
	unsigned int timeout_ms;
	const volatile sig_atomic_t *stop; /* may be NULL: ends waiting with -EINTR when set */
};

/**
 * http_exchange() - send one request, wait for its reply
 * @call:       what to ask
 * @ret_status: the reply's status
 * @ret_body:   the reply's body, NUL-terminated, to be freed
 *
 * Context: any; sleeps up to timeout_ms.
 * Return: 0; -ENOENT, -ECONNREFUSED, -EACCES nobody listens; -ETIMEDOUT; -EINTR; -ECONNRESET ended
 * before the reply did; -EBADMSG, -EMSGSIZE as above; -ENOMEM.
 * Source: RFC 9112.
 */
int http_exchange(const struct http_call *call, unsigned int *ret_status, char **ret_body);

/**
 * http_escape() - append @text percent-encoded to the string in @buf
 * Context: any; pure. Return: 0; -ENAMETOOLONG. Source: RFC 3986, section 2.
 */
int http_escape(char *buf, size_t size, const char *text);

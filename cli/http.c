/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/http.h>

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* How often a wait looks at the stop flag: a signal may come just before poll(). */
#define SLICE_MS 200

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int decode_status(const char *line, size_t len, unsigned int *ret_status)
{
	static const char version[] = "HTTP/1.1 ";
	const size_t at = sizeof(version) - 1;
	unsigned int status = 0;

	if (len < at + 3 || memcmp(line, version, at))
		return -EBADMSG;
	for (size_t i = at; i < at + 3; i++) {
		if (!isdigit((unsigned char)line[i]))
			return -EBADMSG;
		status = status * 10 + (unsigned int)(line[i] - '0');
	}
	if ((len > at + 3 && line[at + 3] != ' ') || status < 200)
		return -EBADMSG;
	*ret_status = status;
	return 0;
}

/* One header line; -1 in @body_bytes says that no length came yet. */
static int decode_header(const char *line, size_t len, int64_t *body_bytes)
{
	static const char length_name[] = "content-length", coding_name[] = "transfer-encoding";
	const char *colon = memchr(line, ':', len);
	size_t name, at;
	int64_t v = 0;

	if (!colon || colon == line)
		return -EBADMSG;
	name = (size_t)(colon - line);
	if (name == sizeof(coding_name) - 1 && !strncasecmp(line, coding_name, name))
		return -EBADMSG;
	if (name != sizeof(length_name) - 1 || strncasecmp(line, length_name, name))
		return 0;

	for (at = name + 1; at < len && (line[at] == ' ' || line[at] == '\t'); at++)
		;
	while (len > at && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (at == len)
		return -EBADMSG;
	for (; at < len; at++) {
		if (!isdigit((unsigned char)line[at]))
			return -EBADMSG;
		v = v * 10 + (line[at] - '0');
		if (v > HTTP_BODY_MAX)
			return -EMSGSIZE;
	}
	/* two lengths that differ: somebody else wrote one of them */
	if (*body_bytes >= 0 && *body_bytes != v)
		return -EBADMSG;
	*body_bytes = v;
	return 0;
}

int http_head_decode(const char *buf, size_t len, struct http_head *ret_head)
{
	const char *line = buf, *end = buf + len;
	int64_t body_bytes = -1;
	unsigned int status = 0;

	for (;;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t n;
		int r;

		if (!nl)
			return len >= HTTP_HEAD_MAX ? -EMSGSIZE : 0;
		if ((size_t)(nl + 1 - buf) > HTTP_HEAD_MAX)
			return -EMSGSIZE;
		n = (size_t)(nl - line);
		if (!n || line[n - 1] != '\r')
			return -EBADMSG;
		n--;
		if (!n && status)
			break;
		r = status ? decode_header(line, n, &body_bytes) : decode_status(line, n, &status);
		if (r < 0)
			return r;
		line = nl + 1;
	}

	/* a body of unknown length never comes from sriovd */
	if (body_bytes < 0 && status != 204)
		return -EBADMSG;
	*ret_head = (struct http_head){
		.status = status,
		.head_bytes = (size_t)(line - buf) + 2,
		.body_bytes = body_bytes < 0 ? 0 : (size_t)body_bytes,
	};
	return 1;
}

/* Waits for @events on @fd until @deadline_ms. */
static int wait_fd(int fd, short events, int64_t deadline_ms, const volatile sig_atomic_t *stop)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - now_ms();
		int n;

		if (stop && *stop)
			return -EINTR;
		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(int fd, const char *buf, size_t len, int64_t deadline_ms,
		    const volatile sig_atomic_t *stop)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			buf += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_fd(fd, POLLOUT, deadline_ms, stop);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads up to @len bytes; 0 is the peer's end. */
static ssize_t recv_some(int fd, char *buf, size_t len, int64_t deadline_ms,
			 const volatile sig_atomic_t *stop)
{
	for (;;) {
		int r = wait_fd(fd, POLLIN, deadline_ms, stop);
		ssize_t n;

		if (r < 0)
			return r;
		n = recv(fd, buf, len, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static int read_reply(int fd, const struct http_call *call, int64_t deadline_ms,
		      struct http_head *ret_head, char **ret_body)
{
	char head_buf[HTTP_HEAD_MAX];
	struct http_head head;
	size_t got = 0;
	char *body;
	int r;

	for (;;) {
		ssize_t n = recv_some(fd, head_buf + got, sizeof(head_buf) - got, deadline_ms,
				      call->stop);

		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		got += (size_t)n;
		r = http_head_decode(head_buf, got, &head);
		if (r < 0)
			return r;
		if (r)
			break;
	}

	body = malloc(head.body_bytes + 1);
	if (!body)
		return -ENOMEM;
	got -= head.head_bytes;
	if (got > head.body_bytes)
		got = head.body_bytes;
	memcpy(body, head_buf + head.head_bytes, got);
	while (got < head.body_bytes) {
		ssize_t n =
			recv_some(fd, body + got, head.body_bytes - got, deadline_ms, call->stop);

		if (n <= 0) {
			free(body);
			return n < 0 ? (int)n : -ECONNRESET;
		}
		got += (size_t)n;
	}
	body[got] = '\0';
	*ret_head = head;
	*ret_body = body;
	return 0;
}

static int exchange_on(int fd, const struct http_call *call, unsigned int *ret_status,
		       char **ret_body)
{
	int64_t deadline_ms = now_ms() + call->timeout_ms;
	size_t body_bytes = call->body ? strlen(call->body) : 0;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct http_head head = {};
	char request[2048];
	int n, r;

	if (strlen(call->socket) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, call->socket);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;

	n = snprintf(request, sizeof(request),
		     "%s %s HTTP/1.1\r\nHost: sriovd\r\nConnection: close\r\n"
		     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		     call->method, call->target, body_bytes);
	if (n < 0 || (size_t)n >= sizeof(request))
		return -ENAMETOOLONG;
	r = send_all(fd, request, (size_t)n, deadline_ms, call->stop);
	if (r >= 0 && body_bytes)
		r = send_all(fd, call->body, body_bytes, deadline_ms, call->stop);
	/* a server that refuses early closes its side, but its answer may be there to read */
	if (r < 0 && r != -EPIPE)
		return r;

	r = read_reply(fd, call, deadline_ms, &head, ret_body);
	if (r < 0)
		return r;
	*ret_status = head.status;
	return 0;
}

int http_exchange(const struct http_call *call, unsigned int *ret_status, char **ret_body)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = exchange_on(fd, call, ret_status, ret_body);
	close(fd);
	return r;
}

int http_escape(char *buf, size_t size, const char *text)
{
	size_t at = strlen(buf);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';

		if (at + (plain ? 1 : 3) >= size)
			return -ENAMETOOLONG;
		if (plain)
			buf[at++] = (char)c;
		else
			at += (size_t)snprintf(buf + at, 4, "%%%02X", c);
		buf[at] = '\0';
	}
	return 0;
}

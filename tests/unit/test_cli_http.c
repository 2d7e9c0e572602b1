/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/http.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <support/test.h>

/* A server that takes one connection and says what it was told to. */
struct server {
	char dir[32];
	char path[64];
	int fd;
	const char *reply;
	char request[4096];
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int c = accept(s->fd, NULL, NULL);
	size_t have = 0;
	ssize_t n;

	/* all of it, in pieces or not: close() is a reset if some is left; silent until they go */
	while (have < sizeof(s->request) - 1 && (!s->reply || !strstr(s->request, "\r\n\r\n{}"))) {
		n = recv(c, s->request + have, sizeof(s->request) - 1 - have, 0);
		if (n <= 0)
			break;
		have += (size_t)n;
		s->request[have] = '\0';
	}
	/* byte by byte at first: a head may come in pieces */
	for (size_t i = 0; s->reply && s->reply[i]; i++) {
		if (send(c, s->reply + i, 1, MSG_NOSIGNAL) != 1)
			break;
		if (i < 3)
			usleep(2000);
	}
	close(c);
	return NULL;
}

static void server_start(struct server *s, const char *reply)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*s = (struct server){.dir = "/tmp/test-cli-http-XXXXXX", .reply = reply};
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/sock", s->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	unlink(s->path);
	rmdir(s->dir);
}

static int exchange(struct server *s, unsigned int timeout_ms, unsigned int *ret_status,
		    char **ret_body)
{
	struct http_call call = {
		.socket = s->path,
		.method = "POST",
		.target = "/v1/nets",
		.body = "{}",
		.timeout_ms = timeout_ms,
	};

	return http_exchange(&call, ret_status, ret_body);
}

static int decode(const char *text, struct http_head *ret_head)
{
	return http_head_decode(text, strlen(text), ret_head);
}

static void a_head_that_comes_in_pieces_is_waited_for(void **state)
{
	static const char text[] = "HTTP/1.1 404 Not Found\r\ncontent-LENGTH:  12 \r\n\r\n";
	struct http_head h;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(http_head_decode(text, n, &h), 0);
	assert_int_equal(decode(text, &h), 1);
	assert_int_equal(h.status, 404);
	assert_int_equal(h.body_bytes, 12);
	assert_int_equal(h.head_bytes, sizeof(text) - 1);
}

static void heads_that_are_not_ours_are_refused(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 2000\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"\r\n\r\n",
	};
	struct http_head h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(decode(bad[i], &h), -EBADMSG);
	assert_int_equal(
		decode("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", &h),
		-EMSGSIZE);
}

static void a_head_without_end_is_refused(void **state)
{
	static char text[HTTP_HEAD_MAX + 1] = "HTTP/1.1 200 OK\r\nX: ";
	struct http_head h;

	memset(text + strlen(text), 'a', HTTP_HEAD_MAX - strlen(text));
	assert_int_equal(http_head_decode(text, HTTP_HEAD_MAX, &h), -EMSGSIZE);
}

static void an_exchange_gives_status_and_body(void **state)
{
	struct server s;
	unsigned int status;
	char *body;

	server_start(&s, "HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n");
	assert_int_equal(exchange(&s, 5000, &status, &body), 0);
	server_end(&s);
	assert_int_equal(status, 201);
	assert_string_equal(body, "{\"a\":1}\n");
	free(body);
	assert_non_null(strstr(s.request, "POST /v1/nets HTTP/1.1\r\n"));
	assert_non_null(strstr(s.request, "Content-Length: 2\r\n"));
}

static void a_body_that_ends_early_is_an_error(void **state)
{
	struct server s;
	unsigned int status;
	char *body;

	server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
	assert_int_equal(exchange(&s, 5000, &status, &body), -ECONNRESET);
	server_end(&s);
}

static void a_silent_server_costs_no_more_than_the_deadline(void **state)
{
	struct server s;
	unsigned int status;
	char *body;

	server_start(&s, NULL);
	assert_int_equal(exchange(&s, 50, &status, &body), -ETIMEDOUT);
	server_end(&s);
}

static void nobody_listening_is_told_apart(void **state)
{
	struct server s = {.path = "/nonexistent/sock"};
	unsigned int status;
	char *body;

	assert_int_equal(exchange(&s, 50, &status, &body), -ENOENT);
}

static void names_cannot_leave_their_place_in_a_path(void **state)
{
	char buf[32] = "/v1/";

	assert_int_equal(http_escape(buf, sizeof(buf), "a/../b ?"), 0);
	assert_string_equal(buf, "/v1/a%2F..%2Fb%20%3F");
	assert_int_equal(http_escape(buf, sizeof(buf), "0123456789abcdef"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_that_comes_in_pieces_is_waited_for),
		cmocka_unit_test(heads_that_are_not_ours_are_refused),
		cmocka_unit_test(a_head_without_end_is_refused),
		cmocka_unit_test(an_exchange_gives_status_and_body),
		cmocka_unit_test(a_body_that_ends_early_is_an_error),
		cmocka_unit_test(a_silent_server_costs_no_more_than_the_deadline),
		cmocka_unit_test(nobody_listening_is_told_apart),
		cmocka_unit_test(names_cannot_leave_their_place_in_a_path),
	};

	return cmocka_run_group_tests_name("cli http", tests, NULL, NULL);
}

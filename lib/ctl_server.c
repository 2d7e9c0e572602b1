/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The serving end of the control channel. A client never blocks the loop: what cannot be sent at
 * once cuts the client, as does anything that is no request. A request outlives its client, so a
 * handler may answer late without asking whether anybody still listens.
 */
#include <lib/ctl.h>
#include "ctl_wire.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define REQS_PER_CLIENT 32u

/* an accept(2) that fails for want of descriptors must not spin the loop */
#define ACCEPT_INTERVAL_US UINT64_C(100000)
#define ACCEPT_BURST	   64u

struct ctl_client;

struct ctl_req {
	LIST_ENTRY(ctl_req) link;
	struct ctl_client *client; /* NULL: gone */
	json_int_t id;
	bool *answered; /* the dispatcher's, while the handler runs */
};

struct ctl_client {
	LIST_ENTRY(ctl_client) link;
	LIST_HEAD(, ctl_req) reqs;
	struct ctl_server *server;
	sd_event_source *source;
	unsigned int n_reqs;
	int fd;
	bool subscribed;
};

struct ctl_server {
	LIST_HEAD(, ctl_client) clients;
	sd_event *event;
	sd_event_source *source;
	const struct ctl_method *methods;
	void *userdata;
	char *name;
	uint64_t seq;
	unsigned int n_clients;
	int listen_fd;
	char in[CTL_MSG_MAX];
	char out[CTL_MSG_MAX];
};

static void client_cut(struct ctl_client *c)
{
	struct ctl_req *req, *next;

	for (req = LIST_FIRST(&c->reqs); req; req = next) {
		next = LIST_NEXT(req, link);
		req->client = NULL;
	}
	LIST_REMOVE(c, link);
	c->server->n_clients--;
	sd_event_source_disable_unref(c->source);
	fd_close(c->fd);
	free(c);
}

/* Return: 0; negative after which @c is no more. */
static int client_send(struct ctl_client *c, const char *buf, size_t len)
{
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	size_t sent;
	int r;

	r = usock_try_send(c->fd, &iov, 1, NULL, 0, &sent); /* a message goes whole or not at all */
	if (r < 0)
		client_cut(c);
	return r;
}

/* Leaves the books in order; the caller sends. */
static struct ctl_client *req_finish(struct ctl_req *req)
{
	struct ctl_client *c = req->client;

	if (req->answered)
		*req->answered = true;
	if (c) {
		LIST_REMOVE(req, link);
		c->n_reqs--;
	}
	free(req);
	return c;
}

static json_t *refusal(json_int_t id, int error, const char *text)
{
	size_t len = strlen(text);
	json_t *message = NULL;

	/* the text may be cut inside a character, or quote a client's bytes */
	for (unsigned int i = 0; i < 4 && !message && len >= i; i++)
		message = json_stringn(text, len - i);
	if (!message)
		message = json_string("refused");
	return json_pack("{s:I, s:{s:s, s:o}}", "id", id, "error", "errno",
			 ctl_wire_errno_name(error), "message", message);
}

static void req_fail(struct ctl_req *req, int error, const char *text)
{
	json_int_t id = req->id;
	struct ctl_client *c = req_finish(req);
	_cleanup_(json_decrefp) json_t *msg = NULL;
	int n;

	if (!c)
		return;
	msg = refusal(id, error, text);
	n = msg ? ctl_wire_encode(msg, c->server->out) : -ENOMEM;
	if (n < 0)
		client_cut(c);
	else
		(void)client_send(c, c->server->out, (size_t)n);
}

void ctl_reply(struct ctl_req *req, json_t *result)
{
	_cleanup_(json_decrefp) json_t *msg = NULL;
	struct ctl_client *c = req->client;
	int n;

	msg = json_pack("{s:I, s:o}", "id", req->id, "result", result ? result : json_object());
	if (!c) {
		req_finish(req);
		return;
	}
	n = msg ? ctl_wire_encode(msg, c->server->out) : -ENOMEM;
	if (n < 0) {
		req_fail(req, n, "the answer cannot be sent");
		return;
	}
	req_finish(req);
	(void)client_send(c, c->server->out, (size_t)n);
}

int ctl_fail(struct ctl_req *req, int error, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	req_fail(req, error, text);
	return 0;
}

int ctl_unpack(struct ctl_req *req, json_t *params, const char *fmt, ...)
{
	char full[512];
	json_error_t e;
	va_list ap;
	int n, r;

	n = snprintf(full, sizeof(full), "%s!}", fmt);
	if (n < 0 || (size_t)n >= sizeof(full)) {
		ctl_fail(req, -EMSGSIZE, "params: their description is too long");
		return -EMSGSIZE;
	}
	va_start(ap, fmt);
	r = json_vunpack_ex(params, &e, 0, full, ap);
	va_end(ap);
	if (r == 0)
		return 0;

	ctl_fail(req, -EINVAL, "params: %s", e.text);
	return -EINVAL;
}

void ctl_emit(struct ctl_server *s, const char *event, json_t *data)
{
	_cleanup_(json_decrefp) json_t *msg = NULL;
	struct ctl_client *c, *next;
	int n;

	msg = json_pack("{s:s, s:I, s:o}", "event", event, "seq", (json_int_t)++s->seq, "data",
			data ? data : json_object());
	n = msg ? ctl_wire_encode(msg, s->out) : -ENOMEM;
	if (n < 0)
		return;

	for (c = LIST_FIRST(&s->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->subscribed)
			(void)client_send(c, s->out, (size_t)n);
	}
}

static int method_ping(struct ctl_req *req, json_t *params, struct ctl_server *s)
{
	int r = ctl_unpack(req, params, "{");

	if (r < 0)
		return r;
	ctl_reply(req, json_pack("{s:s, s:s, s:i}", "name", s->name, "version", SRIOVD_VERSION,
				 "pid", (int)getpid()));
	return 0;
}

static int method_subscribe(struct ctl_req *req, json_t *params)
{
	int r = ctl_unpack(req, params, "{");

	if (r < 0)
		return r;
	req->client->subscribed = true;
	ctl_reply(req, NULL);
	return 0;
}

static int call_handler(struct ctl_server *s, struct ctl_req *req, const char *method,
			json_t *params, int *fds, size_t n_fds)
{
	if (!strcmp(method, "ctl.ping"))
		return method_ping(req, params, s);
	if (!strcmp(method, "event.subscribe"))
		return method_subscribe(req, params);
	for (const struct ctl_method *m = s->methods; m && m->name; m++)
		if (!strcmp(method, m->name))
			return m->handler(req, params, fds, n_fds, s->userdata);
	return ctl_fail(req, -EOPNOTSUPP, "unknown method '%.64s'", method);
}

/* @req was entered in its client's books: from here on only an answer removes it. */
static void req_run(struct ctl_req *req, json_t *msg, int *fds, size_t n_fds)
{
	struct ctl_server *s = req->client->server;
	json_t *params = NULL;
	const char *method;
	bool answered = false;
	json_int_t id;
	int r;

	req->answered = &answered;
	if (req->client->n_reqs > REQS_PER_CLIENT) {
		ctl_fail(req, -EBUSY, "more than %u requests in flight", REQS_PER_CLIENT);
		return;
	}
	r = ctl_unpack(req, msg, "{s:I, s:s, s?o", "id", &id, "method", &method, "params", &params);
	if (r < 0)
		return;
	if (params && !json_is_object(params)) {
		ctl_fail(req, -EINVAL, "params is not an object");
		return;
	}

	if (!params) {
		_cleanup_(json_decrefp) json_t *empty = json_object();

		r = empty ? call_handler(s, req, method, empty, fds, n_fds) : -ENOMEM;
	} else {
		r = call_handler(s, req, method, params, fds, n_fds);
	}
	if (answered)
		return;
	if (r < 0)
		ctl_fail(req, r, "%.64s: %s", method, strerror(-r));
	else
		req->answered = NULL; /* answered later */
}

static int client_message(struct ctl_client *c, size_t len, int *fds, size_t n_fds)
{
	_cleanup_(json_decrefp) json_t *msg = NULL;
	const json_t *id;
	struct ctl_req *req;
	int r;

	r = ctl_wire_decode(c->server->in, len, &msg);
	if (r < 0)
		return r;
	id = json_object_get(msg, "id");
	if (!json_is_integer(id))
		return -EBADMSG;

	req = calloc(1, sizeof(*req));
	if (!req)
		return -ENOMEM;
	req->client = c;
	req->id = json_integer_value(id);
	LIST_INSERT_HEAD(&c->reqs, req, link);
	c->n_reqs++;
	req_run(req, msg, fds, n_fds); /* may cut @c */
	return 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct ctl_client *c = userdata;
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	int n, r;

	(void)source;
	(void)revents;
	n = ctl_wire_recv(fd, c->server->in, &fds);
	if (n == -EAGAIN)
		return 0;

	r = n < 0 ? n : client_message(c, (size_t)n, fds.fd, fds.n);
	if (r < 0)
		client_cut(c);
	return 0;
}

static bool peer_is_allowed(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

static int on_listen(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
	_cleanup_(fd_closep) int fd = -1;
	struct ctl_server *s = userdata;
	struct ctl_client *c;

	(void)source;
	(void)revents;
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return 0;
	if (s->n_clients >= CTL_CLIENTS_MAX || !peer_is_allowed(fd))
		return 0;

	c = calloc(1, sizeof(*c));
	if (!c)
		return 0;
	c->server = s;
	LIST_INIT(&c->reqs);
	if (sd_event_add_io(s->event, &c->source, fd, EPOLLIN, on_client, c) < 0) {
		free(c);
		return 0;
	}
	c->fd = TAKE_FD(fd);
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->n_clients++;
	return 0;
}

void ctl_server_free(struct ctl_server *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->clients))
		client_cut(LIST_FIRST(&s->clients));
	sd_event_source_disable_unref(s->source);
	sd_event_unref(s->event);
	fd_close(s->listen_fd);
	free(s->name);
	free(s);
}

int ctl_server_new(sd_event *event, int listen_fd, const char *name,
		   const struct ctl_method *methods, void *userdata, struct ctl_server **ret_server)
{
	_cleanup_(ctl_server_freep) struct ctl_server *s = NULL;
	_cleanup_(fd_closep) int fd = listen_fd;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	LIST_INIT(&s->clients);
	s->listen_fd = TAKE_FD(fd);
	s->event = sd_event_ref(event);
	s->methods = methods;
	s->userdata = userdata;
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;

	r = sd_event_add_io(event, &s->source, s->listen_fd, EPOLLIN, on_listen, s);
	if (r < 0)
		return r;
	r = sd_event_source_set_ratelimit(s->source, ACCEPT_INTERVAL_US, ACCEPT_BURST);
	if (r < 0)
		return r;

	*ret_server = TAKE_PTR(s);
	return 0;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP/1.1 on a unix socket by libmicrohttpd, one thread a connection; asks api.h, knows no object.
 */
#include <sriovd/state.h>

struct http;

/**
 * http_start() - serve the API
 * @listen_fd: listening unix socket; owned from here on
 * @on_exit:   called on a connection's thread after an answer that ends sriovd
 *
 * Context: start-up. Return: 0; -EIO libmicrohttpd refuses; -ENOMEM. Source: libmicrohttpd manual.
 */
int http_start(struct sriovd *d, int listen_fd, void (*on_exit)(struct sriovd *d),
	       struct http **ret_http) _must_check_;

/**
 * http_stop() - no new connections, then wait for the threads of the old ones; NULL is fine
 *
 * Context: main thread, without the baton; blocks. Source: libmicrohttpd manual.
 */
void http_stop(struct http *h);
DEFINE_CLEANUP(struct http *, http_stop);

/**
 * http_listen() - the socket at @path, mode 0660, replacing a stale one; the caller owns @ret_fd
 *
 * Context: start-up. Return: 0; -EADDRINUSE somebody serves it; -ENAMETOOLONG; -errno of bind(2),
 * listen(2). Source: unix(7).
 */
int http_listen(const char *path, int *ret_fd) _must_check_;

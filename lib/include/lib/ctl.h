#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control channel between sriovd and its children (sriov-vmm, sriov-pf, soft-nic,
 * sriov-bridge): SOCK_SEQPACKET, one JSON object a message (at most CTL_MSG_MAX bytes), descriptors
 * by SCM_RIGHTS.
 *
 *   request  {"id": 7, "method": "vf.set", "params": {...}}
 *   answer   {"id": 7, "result": {...}}
 *   refusal  {"id": 7, "error": {"errno": "EINVAL", "message": "vf 9: p0 has 4 VFs"}}
 *   event    {"event": "device.state", "seq": 12, "data": {...}}     (after "event.subscribe")
 *
 * A child serves an inherited listening socket on its sd-event loop; any number of connections,
 * each with any number of requests in flight. Answers may be deferred. The built-in methods
 * "ctl.ping" (answers {"name","version","pid"}) and "event.subscribe" exist on every server. Peer
 * credentials: only the server's own uid and root are let in.
 */
#include <jansson.h>
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define CTL_MSG_MAX	65536u
#define CTL_FDS_MAX	8u
#define CTL_CLIENTS_MAX 16u

/* json_decrefp() for _cleanup_ comes with jansson. */

/* ---- client: synchronous, one connection a call or kept -------------------------------------- */

/**
 * ctl_connect() - connect to the listening socket at @path; the caller owns @ret_fd
 *
 * Context: any thread; blocks while the server's backlog is full, within a deadline. Return: 0;
 * -ENOENT, -ECONNREFUSED nobody serves it; -ETIMEDOUT; -ENAMETOOLONG; -errno of socket(2),
 * connect(2). Source: unix(7).
 */
int ctl_connect(const char *path, int *ret_fd) _must_check_;

/**
 * ctl_call() - one request, one answer
 * @fd:         connected socket; no other call may be in flight on it
 * @method:     name
 * @params:     object, or NULL for {}; reference is stolen, also on failure
 * @fds, @n_fds: descriptors to pass; kept by the caller
 * @timeout_us: deadline for the answer, made longer by clock_patient_us()
 * @ret_result: result object (new reference); may be NULL
 * @err, @err_size: refusal text of the peer, or ours; may be NULL
 *
 * Events that arrive meanwhile are dropped: subscribe on a connection of its own.
 *
 * Context: any thread; blocks up to @timeout_us.
 * Return: 0; the peer's refusal as negative errno; -ETIMEDOUT; -ECONNRESET peer is gone; -EMSGSIZE;
 *         -EBADMSG the answer is no answer.
 * Source: -
 */
int ctl_call(int fd, const char *method, json_t *params, const int *fds, size_t n_fds,
	     uint64_t timeout_us, json_t **ret_result, char *err, size_t err_size) _must_check_;

/**
 * ctl_call_path() - connect, call, close; arguments as ctl_call(), @params is stolen in any case
 *
 * Context: any thread; blocks up to @timeout_us, besides connecting. Return: as ctl_connect() and
 * ctl_call(). Source: -.
 */
int ctl_call_path(const char *path, const char *method, json_t *params, const int *fds,
		  size_t n_fds, uint64_t timeout_us, json_t **ret_result, char *err,
		  size_t err_size) _must_check_;

/**
 * ctl_recv_event() - take one event from a subscribed connection
 * @ret_event: {"event","seq","data"} (new reference)
 * Context: when @fd polls readable; never blocks.
 * Return: 0; -EAGAIN nothing there; -ECONNRESET hung up; -EBADMSG not an event (skip it).
 * Source: -
 */
int ctl_recv_event(int fd, json_t **ret_event) _must_check_;

/* ---- server: on an sd-event loop ------------------------------------------------------------- */

struct ctl_server;
struct ctl_req; /* one request not yet answered; dropped by its answer */

/*
 * Descriptors in @fds belong to the handler: take with TAKE_FD, what is left is closed afterwards.
 */
typedef int (*ctl_handler_t)(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			     void *userdata);

struct ctl_method {
	const char *name; /* NULL ends the table */
	ctl_handler_t handler;
};

/**
 * ctl_server_new() - serve @listen_fd (owned from here on)
 * @methods: table, kept by reference, ends with a NULL name
 *
 * A handler answers by ctl_reply() or ctl_fail(), now or later from the loop's thread. If it
 * returns a negative errno without having answered, that errno is the answer; after an answer the
 * value is ignored.
 * Context: the loop's thread. Return: 0; -ENOMEM; -errno of sd_event_add_io(). Source: -
 */
int ctl_server_new(sd_event *event, int listen_fd, const char *name,
		   const struct ctl_method *methods, void *userdata,
		   struct ctl_server **ret_server) _must_check_;

/**
 * ctl_server_free() - hang up on every client, drop what is unanswered, close the socket; NULL is
 * fine
 *
 * Context: the loop's thread. Source: -.
 */
void ctl_server_free(struct ctl_server *s);
DEFINE_CLEANUP(struct ctl_server *, ctl_server_free);

/**
 * ctl_reply() - answer with @result (reference stolen; NULL means {}); frees @req; the client may
 * be gone
 *
 * Context: the loop's thread; never blocks. Source: -.
 */
void ctl_reply(struct ctl_req *req, json_t *result);

/**
 * ctl_fail() - refuse with -@error and a sentence; frees @req
 *
 * Context: the loop's thread; never blocks. Return: 0, so that handlers can return it. Source: -.
 */
int ctl_fail(struct ctl_req *req, int error, const char *fmt, ...) _printf_(3, 4);

/**
 * ctl_emit() - send an event to every subscriber (@data stolen); one that does not read is cut
 *
 * Context: the loop's thread; never blocks. Source: -.
 */
void ctl_emit(struct ctl_server *s, const char *event, json_t *data);

/**
 * ctl_unpack() - json_unpack_ex() that refuses unknown keys and names what is wrong
 * @req: refused on failure with -EINVAL and the reason
 * @fmt: jansson unpack format for an object without the closing brace or '!': "{s:i, s?s" ...
 * Return: 0, or -EINVAL with @req already refused: just return it.
 * Context: handler. Source: jansson manual.
 */
int ctl_unpack(struct ctl_req *req, json_t *params, const char *fmt, ...) _must_check_;

/**
 * ctl_listen() - make the listening socket at @path (0600), replacing a stale one; the caller owns
 * @ret_fd
 *
 * Context: any thread. Return: 0; -EEXIST something else is at @path; -ENAMETOOLONG; -errno of
 * bind(2), listen(2). Source: unix(7).
 */
int ctl_listen(const char *path, int *ret_fd) _must_check_;

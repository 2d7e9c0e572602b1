/* SPDX-License-Identifier: BSD-3-Clause */
/* The control channel: wire code of both ends and the synchronous client. */
#include <lib/ctl.h>
#include <lib/clock.h>
#include "ctl_wire.h"
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define CTL_ERRNO_MAX	       133
#define CTL_CONNECT_TIMEOUT_US UINT64_C(2000000)

int ctl_wire_encode(const json_t *j, char buf[CTL_MSG_MAX])
{
	size_t n = json_dumpb(j, buf, CTL_MSG_MAX, JSON_COMPACT);

	if (n == 0)
		return -EINVAL;
	if (n > CTL_MSG_MAX)
		return -EMSGSIZE;
	return (int)n;
}

/* jansson descends by recursion, up to 2048 levels: nothing of ours is deeper than a handful. */
static bool depth_is_sane(const char *buf, size_t len)
{
	bool in_string = false;
	unsigned int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (buf[i] == '\\')
				i++;
			else if (buf[i] == '"')
				in_string = false;
		} else if (buf[i] == '"') {
			in_string = true;
		} else if (buf[i] == '{' || buf[i] == '[') {
			if (++depth > CTL_DEPTH_MAX)
				return false;
		} else if (buf[i] == '}' || buf[i] == ']') {
			if (depth > 0)
				depth--;
		}
	}
	return true;
}

int ctl_wire_decode(const char *buf, size_t len, json_t **ret_j)
{
	_cleanup_(json_decrefp) json_t *j = NULL;

	if (!depth_is_sane(buf, len))
		return -EBADMSG;

	j = json_loadb(buf, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(j))
		return -EBADMSG;

	*ret_j = TAKE_PTR(j);
	return 0;
}

int ctl_wire_recv(int fd, char buf[CTL_MSG_MAX], struct usock_fds *fds)
{
	size_t n;
	int r;

	r = usock_try_recv(fd, buf, CTL_MSG_MAX, fds, &n);
	if (r >= 0 && (fds->cut || fds->truncated || fds->n > CTL_FDS_MAX))
		r = -EMSGSIZE;
	if (r < 0) {
		usock_fds_done(fds);
		return r;
	}
	return (int)n;
}

const char *ctl_wire_errno_name(int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	return name && error != 0 ? name : "EIO";
}

int ctl_wire_errno(const char *name)
{
	if (!strcmp(name, "ENOTSUP")) /* glibc knows the number by its other name */
		return -ENOTSUP;
	for (int e = 1; e <= CTL_ERRNO_MAX; e++) {
		const char *known = strerrorname_np(e);

		if (known && !strcmp(known, name))
			return -e;
	}
	return -EIO;
}

static int ctl_address(const char *path, struct sockaddr_un *ret)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	*ret = sa;
	return 0;
}

int ctl_connect(const char *path, int *ret_fd)
{
	uint64_t timeout_us = clock_patient_us(CTL_CONNECT_TIMEOUT_US);
	struct timeval tv = {.tv_sec = (time_t)(timeout_us / USEC_PER_SEC)};
	_cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un sa;
	int r;

	r = ctl_address(path, &sa);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	/* a full backlog blocks connect(2); the send timeout bounds it */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int ctl_listen(const char *path, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un sa;
	struct stat st;
	int r;

	r = ctl_address(path, &sa);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;

	/* the mode of an unbound socket becomes that of its name: no moment with a wider one */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return -EEXIST;
		if (unlink(path) < 0)
			return -errno;
	}
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	if (listen(fd, (int)CTL_CLIENTS_MAX) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* One message of the peer: descriptors are not part of any answer and are closed. */
static int recv_object(int fd, char *buf, json_t **ret_j)
{
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	int n;

	n = ctl_wire_recv(fd, buf, &fds);
	if (n < 0)
		return n;
	return ctl_wire_decode(buf, (size_t)n, ret_j);
}

static int answer_take(const json_t *answer, json_t **ret_result, char *err, size_t err_size)
{
	json_t *result = json_object_get(answer, "result");
	const json_t *error = json_object_get(answer, "error");
	const char *name, *text;

	if (json_is_object(result) && !error) {
		if (ret_result)
			*ret_result = json_incref(result);
		return 0;
	}

	name = json_string_value(json_object_get(error, "errno"));
	text = json_string_value(json_object_get(error, "message"));
	if (result || !name || !text)
		return -EBADMSG;
	if (err)
		snprintf(err, err_size, "%s", text);
	return ctl_wire_errno(name);
}

static int call_answer(int fd, json_int_t id, uint64_t deadline_us, char *buf, json_t **ret_result,
		       char *err, size_t err_size)
{
	for (;;) {
		_cleanup_(json_decrefp) json_t *msg = NULL;
		const json_t *got;
		int r;

		r = usock_wait(fd, POLLIN, deadline_us);
		if (r < 0)
			return r;
		r = recv_object(fd, buf, &msg);
		if (r == -EAGAIN)
			continue;
		if (r < 0)
			return r;

		/* an event, or the late answer to a call that was given up */
		got = json_object_get(msg, "id");
		if (json_object_get(msg, "event") ||
		    (json_is_integer(got) && json_integer_value(got) != id))
			continue;
		if (!json_is_integer(got))
			return -EBADMSG;
		return answer_take(msg, ret_result, err, err_size);
	}
}

int ctl_call(int fd, const char *method, json_t *params, const int *fds, size_t n_fds,
	     uint64_t timeout_us, json_t **ret_result, char *err, size_t err_size)
{
	static atomic_uint last_id;
	json_int_t id = (json_int_t)atomic_fetch_add(&last_id, 1) + 1;
	uint64_t deadline_us = clock_us() + clock_patient_us(timeout_us);
	_cleanup_(json_decrefp) json_t *req = NULL;
	_cleanup_(freep) char *buf = NULL;
	struct iovec iov;
	int r;

	if (err && err_size > 0)
		err[0] = '\0';
	req = json_pack("{s:I, s:s, s:o}", "id", id, "method", method, "params",
			params ? params : json_object());
	buf = malloc(CTL_MSG_MAX);
	if (!req || !buf)
		return -ENOMEM;
	if (n_fds > CTL_FDS_MAX)
		return -EINVAL;

	r = ctl_wire_encode(req, buf);
	if (r >= 0) {
		iov = (struct iovec){.iov_base = buf, .iov_len = (size_t)r};
		r = usock_send(fd, &iov, 1, fds, n_fds, deadline_us);
	}
	if (r >= 0)
		r = call_answer(fd, id, deadline_us, buf, ret_result, err, err_size);
	if (r < 0 && err && err_size > 0 && err[0] == '\0')
		snprintf(err, err_size, "%s: %s", method, strerror(-r));
	return r;
}

int ctl_call_path(const char *path, const char *method, json_t *params, const int *fds,
		  size_t n_fds, uint64_t timeout_us, json_t **ret_result, char *err,
		  size_t err_size)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = ctl_connect(path, &fd);
	if (r < 0) {
		json_decref(params);
		if (err)
			snprintf(err, err_size, "%s: %s", path, strerror(-r));
		return r;
	}
	return ctl_call(fd, method, params, fds, n_fds, timeout_us, ret_result, err, err_size);
}

int ctl_recv_event(int fd, json_t **ret_event)
{
	_cleanup_(json_decrefp) json_t *msg = NULL;
	_cleanup_(freep) char *buf = malloc(CTL_MSG_MAX);
	int r;

	if (!buf)
		return -ENOMEM;
	r = recv_object(fd, buf, &msg);
	if (r < 0)
		return r;
	if (!json_is_string(json_object_get(msg, "event")) ||
	    !json_is_integer(json_object_get(msg, "seq")) ||
	    !json_is_object(json_object_get(msg, "data")))
		return -EBADMSG;

	*ret_event = TAKE_PTR(msg);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message goes out by one sendmsg(2) when the socket has room, since some peers read a body by
 * one recv(2).
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <lib/clock.h>
#include <lib/unix_sock.h>

#define SLICE_US   (100 * USEC_PER_MSEC)
#define STOPPED_US (1000 * USEC_PER_MSEC)

void usock_fds_done(struct usock_fds *fds)
{
	for (unsigned int i = 0; i < fds->n; i++)
		fds->fd[i] = fd_close(fds->fd[i]);
	fds->n = 0;
	fds->truncated = false;
	fds->cut = false;
}

static int socket_errno(int e)
{
	if (e == EPIPE || e == ECONNRESET || e == ENOTCONN)
		return -ECONNRESET;
	return -e;
}

int usock_try_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
		   size_t *ret_sent)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(USOCK_SEND_FDS * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n_iov};
	ssize_t n;

	if (n_fds > USOCK_SEND_FDS)
		return -EINVAL;
	if (n_fds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}

	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return socket_errno(errno);
	*ret_sent = (size_t)n;
	return 0;
}

/*
 * In slices: one that takes a second longer than it should is time in which this process was
 * stopped or frozen, and its peer likely with it. That is not the peer's fault.
 */
int usock_wait(int fd, short events, uint64_t deadline_us)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		uint64_t began = clock_us(), slice_us = 0, took_us;
		int r;

		if (began < deadline_us)
			slice_us = deadline_us - began < SLICE_US ? deadline_us - began : SLICE_US;
		r = poll(&p, 1, (int)((slice_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
		if (r > 0)
			return p.revents & POLLNVAL ? -EBADF : 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		took_us = clock_us() - began;
		if (took_us > slice_us + STOPPED_US)
			deadline_us += took_us;
		else if (began + took_us >= deadline_us)
			return -ETIMEDOUT;
	}
}

int usock_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
	       uint64_t deadline_us)
{
	struct iovec left[USOCK_SEND_IOV];
	size_t at = 0;

	if (n_iov > USOCK_SEND_IOV)
		return -EINVAL;
	memcpy(left, iov, n_iov * sizeof(*iov));

	while (at < n_iov) {
		size_t sent;
		int r;

		r = usock_try_send(fd, left + at, n_iov - at, fds, n_fds, &sent);
		if (r == -EAGAIN) {
			r = usock_wait(fd, POLLOUT, deadline_us);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0)
			return r;
		n_fds = 0;
		while (at < n_iov && sent >= left[at].iov_len)
			sent -= left[at++].iov_len;
		if (at < n_iov) {
			left[at].iov_base = (char *)left[at].iov_base + sent;
			left[at].iov_len -= sent;
		}
	}
	return 0;
}

static void take_fds(struct msghdr *msg, struct usock_fds *fds)
{
	bool truncated = fds->truncated, cut;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (fds->n < USOCK_RECV_FDS) {
				fds->fd[fds->n++] = fd;
			} else {
				truncated = true;
				fd_close(fd);
			}
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		truncated = true;
	cut = fds->cut || msg->msg_flags & MSG_TRUNC;
	if (truncated)
		usock_fds_done(fds);
	fds->truncated = truncated;
	fds->cut = cut;
}

int usock_try_recv(int fd, void *buf, size_t len, struct usock_fds *fds, size_t *ret_read)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(USOCK_RECV_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fds) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
	}
	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return socket_errno(errno);
	if (fds)
		take_fds(&msg, fds);
	if (n == 0)
		return -ECONNRESET;
	*ret_read = (size_t)n;
	return 0;
}

int usock_recv(int fd, void *buf, size_t len, struct usock_fds *fds, uint64_t deadline_us)
{
	size_t at = 0;

	while (at < len) {
		size_t n;
		int r;

		r = usock_try_recv(fd, (char *)buf + at, len - at, fds, &n);
		if (r == -EAGAIN) {
			r = usock_wait(fd, POLLIN, deadline_us);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

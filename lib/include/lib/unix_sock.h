#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unix sockets that carry descriptors: vfio-user, vhost-user and the control channel. The socket
 * may block or not: every call is MSG_DONTWAIT, and those with a deadline wait in poll(2) with what
 * is left of it. A deadline is a time of clock_us(); time for which this process was stopped does
 * not count.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define USOCK_SEND_FDS 16u /* at most in one call */
#define USOCK_RECV_FDS 64u
#define USOCK_SEND_IOV 4u

/* What came with one message; take a descriptor with TAKE_FD, usock_fds_done() closes the rest. */
struct usock_fds {
	int fd[USOCK_RECV_FDS];
	unsigned int n;
	bool truncated; /* the peer sent more descriptors than fit: none was kept */
	bool cut;	/* SOCK_SEQPACKET: the message was longer than the buffer */
};

/**
 * usock_fds_done() - close what was not taken, and be ready for the next message
 *
 * Context: any thread. Source: -.
 */
void usock_fds_done(struct usock_fds *fds);

/**
 * usock_wait() - wait for @events of poll(2); a hang-up is left for the next send or receive
 *
 * Context: any thread; sleeps. Return: 0; -ETIMEDOUT; -EBADF; -errno of poll(2). Source: poll(2).
 */
int usock_wait(int fd, short events, uint64_t deadline_us) _must_check_;

/**
 * usock_try_send() - one non-blocking sendmsg(2), descriptors on its first byte
 * @iov, @n_iov: what to send
 * @fds, @n_fds: at most USOCK_SEND_FDS; kept by the caller
 * @ret_sent:    bytes taken; the descriptors have gone when it is not 0
 *
 * Context: any thread; never blocks.
 * Return: 0; -EAGAIN; -ECONNRESET the peer is gone; -EINVAL; -errno of sendmsg(2).
 * Source: unix(7).
 */
int usock_try_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
		   size_t *ret_sent) _must_check_;

/**
 * usock_send() - send all of a message until @deadline_us; descriptors on its first byte
 * @iov: at most USOCK_SEND_IOV pieces
 *
 * Context: any thread; sleeps.
 * Return: 0; -ETIMEDOUT; -ECONNRESET; -EINVAL; -errno of sendmsg(2).
 * Source: unix(7).
 */
int usock_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
	       uint64_t deadline_us) _must_check_;

/**
 * usock_try_recv() - one non-blocking recvmsg(2) of at most @len bytes
 * @fds:      descriptors that came along are added, close-on-exec; NULL: they are discarded
 * @ret_read: bytes got, never 0
 *
 * Context: any thread; never blocks.
 * Return: 0; -EAGAIN; -ECONNRESET end of stream; -errno of recvmsg(2).
 * Source: unix(7).
 */
int usock_try_recv(int fd, void *buf, size_t len, struct usock_fds *fds,
		   size_t *ret_read) _must_check_;

/**
 * usock_recv() - receive exactly @len bytes of a stream until @deadline_us
 * @fds: as above; descriptors travel on a message's first byte, so its later parts need none
 *
 * Context: any thread; sleeps. Return: 0; -ETIMEDOUT; -ECONNRESET; -errno of recvmsg(2).
 * Source: unix(7).
 */
int usock_recv(int fd, void *buf, size_t len, struct usock_fds *fds,
	       uint64_t deadline_us) _must_check_;

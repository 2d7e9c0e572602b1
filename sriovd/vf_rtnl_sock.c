/* SPDX-License-Identifier: BSD-3-Clause */
/* One exchange with the kernel: ask, and wait for the answer no longer than the deadline. */
#include <lib/clock.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "vf_rtnl_internal.h"

#define ANSWER_US    (2 * USEC_PER_SEC)
#define ANSWER_BYTES (1u << 20) /* nothing that the kernel says of one interface is longer */

static void msg_freep(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

int vf_rtnl_open(struct vf_rtnl *rt, int ifindex, unsigned int vf)
{
	const int on = 1;
	int fd, r;

	*rt = (struct vf_rtnl){.ifindex = ifindex, .vf = vf};
	rt->sk = nl_socket_alloc();
	if (!rt->sk)
		return -ENOMEM;
	r = nl_connect(rt->sk, NETLINK_ROUTE);
	if (r < 0)
		return r == -NLE_NOMEM ? -ENOMEM : -EPROTONOSUPPORT;
	nl_socket_disable_auto_ack(rt->sk);
	fd = nl_socket_get_fd(rt->sk);
	/* kernels that do not know these give longer answers with fewer words */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void vf_rtnl_close(struct vf_rtnl *rt)
{
	nl_socket_free(rt->sk);
	rt->sk = NULL;
}

static int wait_readable(int fd, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do {
		uint64_t now = clock_us();

		if (now >= deadline)
			return -ETIMEDOUT;
		r = poll(&p, 1, (int)((deadline - now) / 1000) + 1);
		if (r < 0 && errno != EINTR)
			return -errno;
	} while (r <= 0);
	return 0;
}

/* 1 with a datagram of the kernel's; 0 it was somebody else's. */
static int receive(int fd, unsigned char **ret_bytes, size_t *ret_len)
{
	struct sockaddr_nl from = {.nl_pid = 0};
	_cleanup_(freep) unsigned char *bytes = NULL;
	socklen_t from_len = sizeof(from);
	ssize_t size, n;

	size = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)size > ANSWER_BYTES)
		return -EMSGSIZE;
	bytes = malloc((size_t)size + 1);
	if (!bytes)
		return -ENOMEM;
	n = recvfrom(fd, bytes, (size_t)size, MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&from,
		     &from_len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0)
		return 0;
	if (n > size)
		return -EMSGSIZE;
	*ret_bytes = TAKE_PTR(bytes);
	*ret_len = (size_t)n;
	return 1;
}

/* Is the datagram's first message the answer to @seq? */
static bool answers(const unsigned char *bytes, size_t len, uint32_t seq)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)bytes;

	return len >= sizeof(*h) && h->nlmsg_seq == seq;
}

/* The answer is of the kernel's type NLMSG_ERROR (also if all is well), or else in @ret_bytes. */
static int exchange(struct vf_rtnl *rt, struct nl_msg *msg, unsigned char **ret_bytes,
		    size_t *ret_len)
{
	int fd = nl_socket_get_fd(rt->sk), r;
	uint64_t deadline;
	uint32_t seq;

	rt->words[0] = '\0';
	nl_complete_msg(rt->sk, msg);
	seq = nlmsg_hdr(msg)->nlmsg_seq;
	if (send(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0) < 0)
		return -errno;
	/* the kernel did its work, and waited for the RTNL, before that returned */
	deadline = clock_us() + clock_patient_us(ANSWER_US);
	for (;;) {
		_cleanup_(freep) unsigned char *bytes = NULL;
		size_t len = 0;
		int error;

		r = wait_readable(fd, deadline);
		if (r >= 0)
			r = receive(fd, &bytes, &len);
		if (r < 0)
			return r;
		if (r == 0 || !answers(bytes, len, seq))
			continue;
		if (((struct nlmsghdr *)bytes)->nlmsg_type == NLMSG_ERROR) {
			r = vf_codec_error(bytes, len, &error, rt->words);
			return r < 0 ? r : error;
		}
		if (!ret_bytes)
			return -EBADMSG;
		*ret_bytes = TAKE_PTR(bytes);
		*ret_len = len;
		return 1;
	}
}

static int ask(struct vf_rtnl *rt, bool stats, unsigned char **ret_bytes, size_t *ret_len)
{
	_cleanup_(msg_freep) struct nl_msg *msg = nlmsg_alloc();
	int r;

	if (!msg || vf_codec_get(msg, rt->ifindex, stats) < 0)
		return -ENOMEM;
	r = exchange(rt, msg, ret_bytes, ret_len);
	return r == 0 ? -EBADMSG : r;
}

int vf_rtnl_get(struct vf_rtnl *rt, bool stats, struct vf_answer *ret)
{
	_cleanup_(freep) unsigned char *bytes = NULL;
	size_t len = 0;
	int r;

	r = ask(rt, stats, &bytes, &len);
	return r < 0 ? r : vf_codec_answer(bytes, len, rt->ifindex, rt->vf, ret);
}

int vf_rtnl_get_all(struct vf_rtnl *rt, bool stats, unsigned int n, struct vf_told *ret)
{
	_cleanup_(freep) unsigned char *bytes = NULL;
	size_t len = 0;
	int r;

	r = ask(rt, stats, &bytes, &len);
	return r < 0 ? r : vf_codec_answer_all(bytes, len, rt->ifindex, n, ret);
}

int vf_rtnl_set(struct vf_rtnl *rt, const struct vf_attrs *want, unsigned int which)
{
	_cleanup_(msg_freep) struct nl_msg *msg = nlmsg_alloc();

	if (!msg || vf_codec_set(msg, rt->ifindex, rt->vf, want, which) < 0)
		return -ENOMEM;
	return exchange(rt, msg, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/vhost_backend.h>

#include <lib/cleanup.h>
#include <linux/vhost_types.h>
#include <string.h>
#include <sys/socket.h>

/* Numbers as the vhost-user specification has them, on purpose not those of the code under test. */
enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
};

struct msg {
	uint32_t request, flags, size;
	unsigned char payload[256];
};

#define MSG_HDR	   12u
#define NEED_REPLY 8u

static int msg_recv(struct vhost_backend *b, struct msg *m, int *ret_fd)
{
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = {.iov_base = m, .iov_len = MSG_HDR};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c;

	*ret_fd = -1;
	if (recvmsg(b->fd, &h, MSG_WAITALL | MSG_CMSG_CLOEXEC) != MSG_HDR)
		return -1;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	if (m->size > sizeof(m->payload))
		return -1;
	if (m->size > 0 && recv(b->fd, m->payload, m->size, MSG_WAITALL) != (ssize_t)m->size)
		return -1;
	return 0;
}

static void reply(struct vhost_backend *b, const struct msg *m, const void *payload, uint32_t size)
{
	struct msg out = {.request = m->request, .flags = 5, .size = size};
	uint32_t len = MSG_HDR + size;

	memcpy(out.payload, payload, size);
	if (m->request == b->fault_at && b->fault == VHOST_FAULT_WRONG_REPLY)
		out.request++;
	if (m->request == b->fault_at && b->fault == VHOST_FAULT_HUGE_REPLY)
		out.size = 0xfffffff0;
	if (m->request == b->fault_at && b->fault == VHOST_FAULT_SHORT_REPLY)
		len = MSG_HDR + size / 2;
	if (send(b->fd, &out, len, MSG_NOSIGNAL) < 0)
		b->bad++;
}

static struct vhost_ring *ring_of(struct vhost_backend *b, const struct msg *m)
{
	uint32_t index;

	memcpy(&index, m->payload, sizeof(index));
	index &= 0xff;
	if (m->size < sizeof(index) || index >= VHOST_BACKEND_RINGS) {
		b->bad++;
		index = 0;
	}
	return &b->ring[index];
}

static void fd_put(int *slot, int *fd)
{
	fd_close(*slot);
	*slot = TAKE_FD(*fd);
}

static void ring_set(struct vhost_backend *b, const struct msg *m, int *fd)
{
	struct vhost_ring *r = ring_of(b, m);
	struct vhost_vring_addr addr;
	struct vhost_vring_state state;

	memcpy(&state, m->payload, sizeof(state));
	memcpy(&addr, m->payload, sizeof(addr));
	switch (m->request) {
	case SET_VRING_NUM:
		r->size = state.num;
		break;
	case SET_VRING_BASE:
		r->base = state.num;
		break;
	case SET_VRING_ENABLE:
		r->enabled = state.num;
		break;
	case SET_VRING_ADDR:
		r->desc = addr.desc_user_addr;
		r->avail = addr.avail_user_addr;
		r->used = addr.used_user_addr;
		break;
	case SET_VRING_KICK:
		fd_put(&r->kick_fd, fd);
		break;
	case SET_VRING_CALL:
		fd_put(&r->call_fd, fd);
		break;
	default:
		break;
	}
}

static void ram_set(struct vhost_backend *b, const struct msg *m, int *fd)
{
	uint32_t n;

	memcpy(&n, m->payload, sizeof(n));
	if (n != 1 || m->size != 40 || *fd < 0) {
		b->bad++;
		return;
	}
	memcpy(&b->ram_gpa, m->payload + 8, 8);
	memcpy(&b->ram_size, m->payload + 16, 8);
	memcpy(&b->ram_user, m->payload + 24, 8);
	memcpy(&b->ram_offset, m->payload + 32, 8);
	fd_put(&b->ram_fd, fd);
}

/* Requests that have an answer of their own; true if @m was one. */
static bool answered(struct vhost_backend *b, const struct msg *m)
{
	struct vhost_vring_state state;
	struct vhost_ring *r;

	switch (m->request) {
	case GET_FEATURES:
		reply(b, m, &b->features, 8);
		return true;
	case GET_PROTOCOL_FEATURES:
		reply(b, m, &b->protocol, 8);
		return true;
	case GET_QUEUE_NUM:
		reply(b, m, &b->pairs, 8);
		return true;
	case GET_VRING_BASE:
		r = ring_of(b, m);
		state.index = (unsigned int)(r - b->ring);
		state.num = b->stop_base;
		r->kick_fd = fd_close(r->kick_fd);
		reply(b, m, &state, sizeof(state));
		return true;
	default:
		return false;
	}
}

static void handle(struct vhost_backend *b, const struct msg *m, int *fd)
{
	uint64_t ack = m->request == b->fault_at && b->fault == VHOST_FAULT_REFUSE;

	if (answered(b, m))
		return;
	switch (m->request) {
	case SET_FEATURES:
		memcpy(&b->acked, m->payload, 8);
		break;
	case SET_PROTOCOL_FEATURES:
		memcpy(&b->acked_protocol, m->payload, 8);
		break;
	case SET_OWNER:
		break;
	case SET_MEM_TABLE:
		ram_set(b, m, fd);
		break;
	default:
		ring_set(b, m, fd);
		break;
	}
	if (m->flags & NEED_REPLY)
		reply(b, m, &ack, 8);
}

static void *serve(void *arg)
{
	struct vhost_backend *b = arg;
	bool silent = false;
	struct msg m;
	int fd;

	while (memset(&m, 0, sizeof(m)), msg_recv(b, &m, &fd) == 0) {
		b->messages++;
		if ((m.flags & 3) != 1)
			b->bad++;
		if (m.request == b->fault_at && b->fault == VHOST_FAULT_HANG_UP)
			shutdown(b->fd, SHUT_RDWR);
		silent |= m.request == b->fault_at && b->fault == VHOST_FAULT_SILENT;
		if (!silent)
			handle(b, &m, &fd);
		fd_close(fd);
	}
	return NULL;
}

int vhost_backend_serve(struct vhost_backend *b, int fd)
{
	b->fd = fd;
	b->ram_fd = -1;
	for (unsigned int i = 0; i < VHOST_BACKEND_RINGS; i++)
		b->ring[i].kick_fd = b->ring[i].call_fd = -1;
	return pthread_create(&b->thread, NULL, serve, b) == 0 ? 0 : -EAGAIN;
}

int vhost_backend_start(struct vhost_backend *b)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	r = vhost_backend_serve(b, pair[0]);
	return r < 0 ? r : pair[1];
}

void vhost_backend_stop(struct vhost_backend *b)
{
	shutdown(b->fd, SHUT_RDWR);
	pthread_join(b->thread, NULL);
	fd_close(b->fd);
	fd_close(b->ram_fd);
	for (unsigned int i = 0; i < VHOST_BACKEND_RINGS; i++) {
		fd_close(b->ring[i].kick_fd);
		fd_close(b->ring[i].call_fd);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets and whole messages of a vfio-user endpoint. Nothing here waits: a body may come in any
 * number of pieces, a reply may leave in several, and a client that stops in the middle of either
 * is cut by a timer. While a reply is on its way nothing is read, so a client that does not listen
 * holds up itself alone.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <lib/clock.h>
#include "vfu_server_impl.h"

#define VERSION_TIMEOUT_US                                                     \
	(10 * USEC_PER_SEC) /* a connection may be handed on before it is used \
			     */
#define STALL_TIMEOUT_US (2 * USEC_PER_SEC)
#define MESSAGES_A_TURN	 64u
#define LISTEN_BACKLOG	 8

static void drop_client(struct vfu_server *s)
{
	s->io_source = sd_event_source_disable_unref(s->io_source);
	s->timer_source = sd_event_source_disable_unref(s->timer_source);
	s->fd = fd_close(s->fd);
	usock_fds_done(&s->rx.fds);
	s->rx_hdr_got = 0;
	s->rx_body_got = 0;
	s->tx_at = 0;
	s->tx_len = 0;
	vfu_server_irqs_drop(s);
	vfu_server_dma_drop(s);
	if (s->negotiated) {
		s->negotiated = false;
		s->config.ops->client(s->config.fn, false);
	}
}

/* ---- sending --------------------------------------------------------------------------------- */

static int flush(struct vfu_server *s)
{
	while (s->tx_at < s->tx_len) {
		struct iovec iov = {s->tx_buf + s->tx_at, s->tx_len - s->tx_at};
		size_t sent;
		int r;

		r = usock_try_send(s->fd, &iov, 1, &s->tx_fd, s->tx_at == 0 && s->tx_fd >= 0,
				   &sent);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		s->tx_at += sent;
	}
	return 0;
}

/* The wire knows errno, our decoders' verdicts are all one to it. */
static uint32_t wire_error(int r)
{
	if (r == -EBADMSG || r == -ERANGE || r == -ECONNABORTED)
		return EINVAL;
	return (uint32_t)-r;
}

/* Execute the request in rx and start its reply. Negative: the client has to go. */
static int handle(struct vfu_server *s)
{
	struct vfu_hdr h = {
		.msg_id = s->rx.hdr.msg_id, .cmd = s->rx.hdr.cmd, .flags = VFU_F_TYPE_REPLY};
	struct vfu_reply reply = {.body = s->tx_buf + VFU_HDR_SIZE, .fd = -1};
	int r, q = 0;

	r = vfu_server_execute(s, &s->rx, &reply);
	usock_fds_done(&s->rx.fds);
	s->progress = true;
	if (r < 0) {
		h.flags |= VFU_F_ERROR;
		h.error = wire_error(r);
		reply.len = 0;
		reply.fd = -1;
	}
	if (s->fd >= 0 && !(s->rx.hdr.flags & VFU_F_NO_REPLY)) {
		h.msg_size = VFU_HDR_SIZE + (uint32_t)reply.len;
		memcpy(s->tx_buf, &h, sizeof(h));
		s->tx_at = 0;
		s->tx_len = h.msg_size;
		s->tx_fd = reply.fd;
		q = flush(s);
	}
	return r == -ECONNABORTED ? r : q;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static bool size_is_sane(const struct vfu_hdr *h)
{
	return h->msg_size >= VFU_HDR_SIZE && h->msg_size <= VFU_MAX_MSG;
}

/* One recvmsg(2) towards the message in rx; *ret_whole when it is complete. */
static int receive(struct vfu_server *s, bool *ret_whole)
{
	size_t n;
	int r;

	*ret_whole = false;
	if (s->rx_hdr_got < VFU_HDR_SIZE) {
		r = usock_try_recv(s->fd, (uint8_t *)&s->rx.hdr + s->rx_hdr_got,
				   VFU_HDR_SIZE - s->rx_hdr_got, &s->rx.fds, &n);
		if (r < 0)
			return r;
		s->rx_hdr_got += n;
		if (s->rx_hdr_got < VFU_HDR_SIZE)
			return 0;
		/* of an absurd size no body is awaited: it is refused as it stands */
		s->rx.len = size_is_sane(&s->rx.hdr) ? s->rx.hdr.msg_size - VFU_HDR_SIZE : 0;
	} else {
		r = usock_try_recv(s->fd, s->rx_buf + s->rx_body_got, s->rx.len - s->rx_body_got,
				   NULL, &n);
		if (r < 0)
			return r;
		s->rx_body_got += n;
	}
	*ret_whole = s->rx_body_got == s->rx.len;
	return 0;
}

static int serve(struct vfu_server *s)
{
	/* two calls a message, and an end so that other clients of this loop get their turn */
	for (unsigned int i = 0; i < 2 * MESSAGES_A_TURN; i++) {
		bool whole;
		int r;

		r = receive(s, &whole);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		if (!whole)
			continue;
		s->rx_hdr_got = 0;
		s->rx_body_got = 0;
		r = handle(s);
		if (r < 0)
			return r;
		if (s->tx_at < s->tx_len)
			return 0;
	}
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	drop_client(userdata);
	return 0;
}

/* Set what the loop waits for next, and how long the client may take for what it owes. */
static int await(struct vfu_server *s)
{
	bool sending = s->tx_at < s->tx_len;
	bool owes = sending || s->rx_hdr_got > 0 || !s->negotiated;
	uint64_t limit = s->negotiated ? STALL_TIMEOUT_US : VERSION_TIMEOUT_US;
	int enabled, r;

	r = sd_event_source_set_io_events(s->io_source, sending ? EPOLLOUT : EPOLLIN);
	if (r < 0)
		return r;
	r = sd_event_source_get_enabled(s->timer_source, &enabled);
	if (r < 0)
		return r;
	if (!owes)
		return enabled == SD_EVENT_OFF
			       ? 0
			       : sd_event_source_set_enabled(s->timer_source, SD_EVENT_OFF);
	if (enabled != SD_EVENT_OFF && !s->progress)
		return 0;
	s->progress = false;
	r = sd_event_source_set_time_relative(s->timer_source, limit);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(s->timer_source, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct vfu_server *s = userdata;
	int r = 0;

	if (s->tx_at < s->tx_len)
		r = flush(s);
	if (r >= 0 && s->tx_at == s->tx_len)
		r = serve(s);
	else if (r >= 0 && (revents & (EPOLLHUP | EPOLLERR)))
		r = -ECONNRESET;
	if (r >= 0)
		r = await(s);
	if (r < 0)
		drop_client(s);
	return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static int take_client(struct vfu_server *s, int fd)
{
	int r;

	s->fd = fd;
	s->rx = (struct vfu_request){.body = s->rx_buf};
	s->progress = true;
	r = sd_event_add_io(s->event, &s->io_source, fd, EPOLLIN, on_io, s);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(s->event, &s->timer_source, CLOCK_MONOTONIC,
				       VERSION_TIMEOUT_US, 0, on_deadline, s);
	if (r < 0)
		return r;
	return await(s);
}

static bool hung_up(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static int on_listen(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
	struct vfu_server *s = userdata;

	for (unsigned int i = 0; i < LISTEN_BACKLOG; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return 0;
		/* its hang-up may still wait in the loop: the next client need not */
		if (s->fd >= 0 && hung_up(s->fd))
			drop_client(s);
		if (s->fd >= 0)
			fd_close(fd);
		else if (take_client(s, fd) < 0)
			drop_client(s);
	}
	return 0;
}

static int listen_at(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* nobody connects before listen(2), so the mode is right from the first client on */
	if (chmod(path, 0600) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		int r = -errno;

		unlink(path);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int vfu_server_new(sd_event *event, const struct vfu_server_config *config,
		   struct vfu_server **ret_server)
{
	_cleanup_(vfu_server_freep) struct vfu_server *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->listen_fd = -1;
	s->fd = -1;
	s->tx_fd = -1;
	s->event = sd_event_ref(event);
	s->irq_fd = malloc((config->n_msix + 1) * sizeof(int));
	if (!s->irq_fd)
		return -ENOMEM;
	for (unsigned int i = 0; i < config->n_msix; i++)
		s->irq_fd[i] = -1;
	/* never touched beyond what messages need, so mostly address space */
	s->rx_buf = malloc(VFU_MAX_MSG);
	s->tx_buf = malloc(VFU_MAX_MSG);
	if (!s->rx_buf || !s->tx_buf)
		return -ENOMEM;
	s->rx.body = s->rx_buf;

	r = listen_at(config->path, &s->listen_fd);
	if (r < 0)
		return r;
	s->path = strdup(config->path);
	if (!s->path) {
		unlink(config->path);
		return -ENOMEM;
	}
	s->config.path = s->path;
	r = sd_event_add_io(event, &s->listen_source, s->listen_fd, EPOLLIN, on_listen, s);
	if (r < 0)
		return r;
	/* out of descriptors, accept(2) fails while poll says ready: do not spin on it */
	r = sd_event_source_set_ratelimit(s->listen_source, USEC_PER_SEC, 200);
	if (r < 0)
		return r;

	*ret_server = TAKE_PTR(s);
	return 0;
}

void vfu_server_free(struct vfu_server *s)
{
	if (!s)
		return;
	if (s->irq_fd)
		drop_client(s);
	sd_event_source_disable_unref(s->listen_source);
	fd_close(s->listen_fd);
	if (s->path)
		unlink(s->path);
	sd_event_unref(s->event);
	free(s->path);
	free(s->irq_fd);
	free(s->rx_buf);
	free(s->tx_buf);
	free(s);
}

bool vfu_server_evict(struct vfu_server *s)
{
	if (!vfu_server_dma_lost(s))
		return false;
	drop_client(s);
	return true;
}

int vfu_server_irq(const struct vfu_server *s, unsigned int vector)
{
	return vector < s->config.n_msix ? s->irq_fd[vector] : -1;
}

bool vfu_server_connected(const struct vfu_server *s)
{
	return s->negotiated;
}

uint64_t vfu_server_messages(const struct vfu_server *s)
{
	return s->messages;
}

void vfu_server_feed(struct vfu_server *s, const void *msg, size_t len, int *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++) {
		if (i < USOCK_RECV_FDS)
			s->rx.fds.fd[s->rx.fds.n++] = fds[i];
		else
			fd_close(fds[i]);
	}
	s->rx.fds.truncated = n_fds > USOCK_RECV_FDS;
	if (len < VFU_HDR_SIZE || len > VFU_MAX_MSG) {
		usock_fds_done(&s->rx.fds);
		return;
	}
	memcpy(&s->rx.hdr, msg, VFU_HDR_SIZE);
	/* the same body that receive() would have put together */
	s->rx.len = size_is_sane(&s->rx.hdr) ? s->rx.hdr.msg_size - VFU_HDR_SIZE : 0;
	if (s->rx.len > len - VFU_HDR_SIZE) {
		usock_fds_done(&s->rx.fds);
		return;
	}
	memcpy(s->rx_buf, (const uint8_t *)msg + VFU_HDR_SIZE, s->rx.len);
	if (handle(s) < 0)
		drop_client(s);
}

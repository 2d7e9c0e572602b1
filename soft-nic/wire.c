/* SPDX-License-Identifier: BSD-3-Clause */
/* The outside end of the wire: a thread between the rings and a tap device. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <snic/wire.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define TAP_BATCH 64u

struct snic_tap {
	struct snic_wire *wire;
	int fd;
	int wake_fd;
	void (*kick)(void *ctx);
	void *ctx;
	_Atomic bool stop;
	bool running;
	pthread_t thread;
};

int snic_wire_new(struct snic_wire **ret_wire)
{
	struct snic_wire *w = NULL;

	/* slots are not cleared: a megabyte that is written before it is read */
	w = aligned_alloc(64, sizeof(*w));
	if (!w)
		return -ENOMEM;
	atomic_init(&w->in.put, 0);
	atomic_init(&w->in.take, 0);
	atomic_init(&w->out.put, 0);
	atomic_init(&w->out.take, 0);
	atomic_init(&w->sleeping, false);
	atomic_init(&w->rx_dropped, 0);
	atomic_init(&w->tx_errors, 0);
	atomic_init(&w->full, false);
	w->kick_fd = -1;
	w->hold = false;
	*ret_wire = w;
	return 0;
}

void snic_wire_free(struct snic_wire *w)
{
	free(w);
}

/* A frame that fills the slot to its end may have been cut: dropped. */
static unsigned int tap_receive(struct snic_tap *t)
{
	struct snic_wire *w = t->wire;
	uint8_t excess[SNIC_WIRE_SLOT];
	unsigned int n;
	ssize_t len;

	for (n = 0; n < TAP_BATCH; n++) {
		struct snic_wire_slot *s = snic_wire_room(&w->in);

		len = read(t->fd, s ? s->frame : excess, s ? SNIC_WIRE_FRAME : sizeof(excess));
		if (len <= 0)
			break;
		if (!s || len < 14 || len >= (ssize_t)SNIC_WIRE_FRAME) {
			atomic_fetch_add_explicit(&w->rx_dropped, 1, memory_order_relaxed);
			continue;
		}
		if (len < SNIC_FRAME_MIN) {
			memset(s->frame + len, 0, SNIC_FRAME_MIN - (size_t)len);
			len = SNIC_FRAME_MIN;
		}
		s->len = (uint32_t)len;
		snic_wire_put(&w->in);
	}
	if (n)
		t->kick(t->ctx);
	return n;
}

static unsigned int tap_send(struct snic_tap *t)
{
	struct snic_wire_slot *s;
	unsigned int n;

	for (n = 0; n < TAP_BATCH; n++) {
		s = snic_wire_peek(&t->wire->out);
		if (!s)
			break;
		if (write(t->fd, s->frame, s->len) < 0)
			atomic_fetch_add_explicit(&t->wire->tx_errors, 1, memory_order_relaxed);
		snic_wire_drop(&t->wire->out);
	}
	return n;
}

static void *tap_main(void *arg)
{
	struct snic_tap *t = arg;
	struct snic_wire *w = t->wire;
	struct pollfd p[2] = {{.fd = t->fd, .events = POLLIN},
			      {.fd = t->wake_fd, .events = POLLIN}};
	uint64_t count;

	prctl(PR_SET_NAME, "snic-wire");
	while (!atomic_load(&t->stop)) {
		unsigned int n = tap_receive(t) + tap_send(t);

		if (n)
			continue;
		atomic_store(&w->sleeping, true);
		if (!snic_wire_peek(&w->out) && poll(p, 2, 1000) > 0 && p[1].revents &&
		    read(t->wake_fd, &count, sizeof(count)) < 0)
			count = 0;
		atomic_store(&w->sleeping, false);
		if (p[0].revents & (POLLERR | POLLHUP | POLLNVAL)) /* the device is gone or down */
			usleep(10000);
	}
	return NULL;
}

int snic_tap_start(struct snic_wire *w, int fd, void (*kick)(void *ctx), void *ctx,
		   struct snic_tap **ret_tap)
{
	_cleanup_(snic_tap_stopp) struct snic_tap *t = NULL;
	_cleanup_(fd_closep) int tap = fd;
	int flags, r;

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = TAKE_FD(tap);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0)
		return -errno;
	flags = fcntl(t->fd, F_GETFL);
	if (flags < 0 || fcntl(t->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	t->wire = w;
	t->kick = kick;
	t->ctx = ctx;
	w->kick_fd = t->wake_fd;
	r = pthread_create(&t->thread, NULL, tap_main, t);
	if (r)
		return -r;
	t->running = true;
	*ret_tap = TAKE_PTR(t);
	return 0;
}

void snic_tap_stop(struct snic_tap *t)
{
	uint64_t one = 1;

	if (!t)
		return;
	if (t->running) {
		atomic_store(&t->stop, true);
		if (write(t->wake_fd, &one, sizeof(one)) < 0) {
			/* full: it wakes anyway */
		}
		pthread_join(t->thread, NULL);
		t->wire->kick_fd = -1;
	}
	fd_close(t->fd);
	fd_close(t->wake_fd);
	free(t);
}

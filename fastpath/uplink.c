/* SPDX-License-Identifier: BSD-3-Clause */
#include "uplink.h"

#include <fcntl.h>
#include <lib/clock.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define UPLINK_RING	512u
#define UPLINK_BURST	32u
#define UPLINK_SEGS	16
#define UPLINK_RETRY_MS 100 /* after an error of the tap */

struct fp_uplink {
	int fd;
	int wake_fd;
	struct rte_mempool *pool;
	struct rte_ring *in;  /* tap to data thread */
	struct rte_ring *out; /* data thread to tap */
	pthread_t thread;
	_Atomic bool started;
	_Atomic bool stop;
	_Atomic bool asleep __attribute__((aligned(64)));
};

static int tap_check(int fd)
{
	struct ifreq ifr = {0};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		return 0;
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return errno == ENOTTY ? -EINVAL : -errno;
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_NO_PI) ||
	    (ifr.ifr_flags & IFF_VNET_HDR))
		return -EINVAL;
	return 0;
}

/* What the tap does not take is lost, as on a cable: an interface that is down, a full queue. */
static void frame_write(struct fp_uplink *up, const struct rte_mbuf *m)
{
	struct iovec iov[UPLINK_SEGS];
	int n = 0;

	for (const struct rte_mbuf *s = m; s && n < UPLINK_SEGS; s = s->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	if (writev(up->fd, iov, n) < 0)
		return;
}

static unsigned int out_drain(struct fp_uplink *up)
{
	struct rte_mbuf *m[UPLINK_BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(up->out, (void **)m, UPLINK_BURST, NULL);

	for (unsigned int i = 0; i < n; i++)
		frame_write(up, m[i]);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

/* Return: frames taken from the tap; negative errno when it is broken. */
static int in_fill(struct fp_uplink *up)
{
	int n = 0;

	while (n < (int)UPLINK_BURST) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(up->pool);
		uint16_t room;
		ssize_t len;

		if (!m)
			return n;
		room = rte_pktmbuf_tailroom(m);
		len = read(up->fd, rte_pktmbuf_mtod(m, void *), room);
		if (len <= 0) {
			int e = len < 0 ? errno : EPIPE;

			rte_pktmbuf_free(m);
			if (e == EAGAIN || e == EINTR)
				return n;
			return n > 0 ? n : -e;
		}
		n++;
		/* a full buffer means a cut frame: the bridge takes no jumbo frames from the tap */
		m->data_len = (uint16_t)len;
		m->pkt_len = (uint32_t)len;
		if (len == room || rte_ring_sp_enqueue(up->in, m) < 0)
			rte_pktmbuf_free(m);
	}
	return n;
}

static void wait_for_work(struct fp_uplink *up, bool broken)
{
	struct pollfd p[2] = {
		{.fd = up->wake_fd, .events = POLLIN},
		{.fd = broken ? -1 : up->fd, .events = POLLIN},
	};
	uint64_t count;

	/* say that we sleep, then look once more: the data thread does it the other way round */
	atomic_store(&up->asleep, true);
	atomic_thread_fence(memory_order_seq_cst);
	if (rte_ring_empty(up->out) && !atomic_load(&up->stop))
		(void)poll(p, 2, broken ? UPLINK_RETRY_MS : -1);
	atomic_store(&up->asleep, false);
	if ((p[0].revents & POLLIN) && read(up->wake_fd, &count, sizeof(count)) < 0)
		return; /* somebody was quicker: nothing lost */
}

static void *uplink_thread(void *arg)
{
	struct fp_uplink *up = arg;

	pthread_setname_np(pthread_self(), "uplink");
	while (!atomic_load(&up->stop)) {
		unsigned int sent = out_drain(up);
		int got = in_fill(up);

		if (sent == 0 && got <= 0)
			wait_for_work(up, got < 0);
	}
	return NULL;
}

static struct rte_ring *ring_new(const char *name)
{
	return rte_ring_create(name, UPLINK_RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int fp_uplink_new(int fd, struct rte_mempool *pool, struct fp_uplink **ret_up)
{
	_cleanup_(fp_uplink_freep) struct fp_uplink *up = NULL;
	_cleanup_(fd_closep) int own = fd;
	int r, flags;

	r = tap_check(own);
	if (r < 0)
		return r;
	flags = fcntl(own, F_GETFL);
	if (flags < 0 || fcntl(own, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;

	up = aligned_alloc(64, sizeof(*up));
	if (!up)
		return -ENOMEM;
	memset(up, 0, sizeof(*up));
	up->pool = pool;
	up->fd = TAKE_FD(own);
	up->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (up->wake_fd < 0)
		return -errno;
	up->in = ring_new("uplink-in");
	up->out = ring_new("uplink-out");
	if (!up->in || !up->out)
		return -ENOMEM;
	r = pthread_create(&up->thread, NULL, uplink_thread, up);
	if (r != 0)
		return -r;
	atomic_store(&up->started, true);

	*ret_up = TAKE_PTR(up);
	return 0;
}

static void ring_free(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	while (ring && rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

void fp_uplink_free(struct fp_uplink *up)
{
	if (!up)
		return;
	if (atomic_load(&up->started)) {
		atomic_store(&up->stop, true);
		eventfd_write(up->wake_fd, 1);
		pthread_join(up->thread, NULL);
	}
	ring_free(up->in);
	ring_free(up->out);
	fd_close(up->wake_fd);
	fd_close(up->fd);
	free(up);
}

uint16_t fp_uplink_recv(struct fp_uplink *up, struct rte_mbuf **m, uint16_t n)
{
	return (uint16_t)rte_ring_sc_dequeue_burst(up->in, (void **)m, n, NULL);
}

uint16_t fp_uplink_send(struct fp_uplink *up, struct rte_mbuf **m, uint16_t n)
{
	unsigned int sent;

	/* shared before they can be seen: the other thread may free them at once */
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_refcnt_update(m[i], 1);
	sent = rte_ring_sp_enqueue_burst(up->out, (void **)m, n, NULL);
	for (unsigned int i = sent; i < n; i++)
		rte_pktmbuf_refcnt_update(m[i], -1);
	atomic_thread_fence(memory_order_seq_cst);
	if (sent > 0 && atomic_load_explicit(&up->asleep, memory_order_relaxed)) {
		atomic_store(&up->asleep, false); /* one wake-up is enough */
		eventfd_write(up->wake_fd, 1);
	}
	return (uint16_t)sent;
}

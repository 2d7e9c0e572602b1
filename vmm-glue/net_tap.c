/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames between virtio rings and a tap device, a thread a queue pair. From the guest a frame goes
 * to the kernel out of guest memory; to the guest it takes one copy, because it is not known before
 * it was read how many buffers it needs.
 *
 * Source: [VIRTIO] 5.1.6.
 */
#include "io_thread.h"
#include "net_backend.h"

#include <abi/bits.h>
#include <assert.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ROUND	    64u	 /* frames in one direction until the other has its turn */
#define MERGE_MAX   256u /* buffers that one frame may take */
#define FRAME_MIN   14u
#define STALE_MAX   4096u /* frames older than the driver that are thrown away */
#define TROUBLE_MS  100
#define FREE_US	    UINT64_C(3000000)
#define STOP_US	    UINT64_C(500000)
#define HDR_BUFFERS offsetof(struct virtio_net_hdr_v1, num_buffers)

#define TAP_FEATURES                                                      \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_NET_F_MRG_RXBUF) | \
	 BIT64(VIRTIO_NET_F_CSUM) | BIT64(VIRTIO_NET_F_HOST_TSO4) |       \
	 BIT64(VIRTIO_NET_F_HOST_TSO6) | BIT64(VIRTIO_NET_F_HOST_ECN) | TAP_GUEST_FEATURES)
#define TAP_GUEST_FEATURES                                                 \
	(BIT64(VIRTIO_NET_F_GUEST_CSUM) | BIT64(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT64(VIRTIO_NET_F_GUEST_TSO6) | BIT64(VIRTIO_NET_F_GUEST_ECN))

struct tap_pair {
	struct net_tap *tap;
	unsigned int index;
	int fd;
	struct io_thread *thread;
	bool running;	       /* lent rings */
	_Atomic bool attached; /* the tap gives frames to this queue */
	bool trouble;	       /* the tap refused to be read: look again later */
	bool mergeable;
	size_t waiting; /* bytes of frame[] that found no buffers yet */
	struct virtq rx, tx;
	struct virtq_chain first, chain;
	uint16_t head[MERGE_MAX];
	uint32_t filled[MERGE_MAX];
	_Atomic uint64_t rx_dropped, tx_dropped;
	uint8_t frame[NET_FRAME_MAX];
};

struct net_tap {
	struct net_backend b; /* first */
	bool is_tap;	      /* else packet sockets */
	struct tap_pair *pair[NET_PAIRS_MAX];
};

static struct net_tap *net_tap(struct net_backend *b)
{
	return (struct net_tap *)b;
}

/* ---- to the guest ----------------------------------------------------------------------- */

static void rx_count_drop(struct tap_pair *p)
{
	atomic_fetch_add_explicit(&p->rx_dropped, 1, memory_order_relaxed);
}

/* Undoes the chains taken for a frame, the latest first. */
static void rx_give_back(struct tap_pair *p, uint32_t n)
{
	while (n > 0)
		virtq_back(&p->rx, p->head[--n]);
}

/*
 * Copies frame[0..len) into as many chains as it needs. Return: chains, which are still to be put;
 * 0 there are too few now; -EBADMSG; -EMSGSIZE it will never fit.
 */
static int rx_fill(struct tap_pair *p, size_t len)
{
	uint32_t n = 0;
	size_t at = 0;

	while (at < len) {
		struct virtq_chain *c = n == 0 ? &p->first : &p->chain;
		size_t part;
		int r;

		if (n == MERGE_MAX || (n > 0 && !p->mergeable)) {
			rx_give_back(p, n);
			return -EMSGSIZE;
		}
		r = virtq_next(&p->rx, c);
		if (r <= 0) {
			rx_give_back(p, n);
			return r;
		}
		part = iov_in(c->iov + c->n_out, c->n_in, 0, p->frame + at, len - at);
		if (part == 0 || (n == 0 && part < NET_HDR)) {
			p->rx.broken = "a receive buffer with no room";
			return -EBADMSG;
		}
		p->head[n] = c->head;
		p->filled[n++] = (uint32_t)part;
		at += part;
	}
	return (int)n;
}

/* One frame that lies in p->frame. Return: 1 done with it; 0 no buffers; -EBADMSG. */
static int rx_deliver(struct tap_pair *p)
{
	int n = rx_fill(p, p->waiting);
	uint16_t buffers;

	if (n == -EMSGSIZE) {
		/* one buffer is too small for it: the driver gets the buffer back empty next time
		 */
		rx_count_drop(p);
		p->waiting = 0;
		return 1;
	}
	if (n <= 0)
		return n;
	buffers = (uint16_t)n;
	iov_in(p->first.iov + p->first.n_out, p->first.n_in, HDR_BUFFERS, &buffers,
	       sizeof(buffers));
	for (int i = 0; i < n; i++)
		virtq_put(&p->rx, p->head[i], p->filled[i]);
	p->waiting = 0;
	return 1;
}

/* Return: 1 a frame was read; 0 none there. */
static int rx_read(struct tap_pair *p)
{
	ssize_t n;

	if (!atomic_load(&p->attached) || p->trouble)
		return 0;
	n = read(p->fd, p->frame, sizeof(p->frame));
	if (n < 0) {
		p->trouble = errno != EAGAIN && errno != EINTR;
		return 0;
	}
	if (n == 0) { /* a socket whose other end is closed */
		p->trouble = true;
		return 0;
	}
	if ((size_t)n < NET_HDR + FRAME_MIN) {
		rx_count_drop(p);
		return 1;
	}
	memset(p->frame + HDR_BUFFERS, 0, 2); /* the kernel leaves them alone */
	p->waiting = (size_t)n;
	return 1;
}

static int rx_round(struct tap_pair *p)
{
	int done = 0;

	for (unsigned int i = 0; i < ROUND; i++) {
		int r;

		if (p->waiting == 0 && rx_read(p) == 0)
			break;
		r = p->waiting > 0 ? rx_deliver(p) : 1;
		if (r < 0)
			return r;
		if (r == 0)
			break;
		done++;
	}
	virtq_flush(&p->rx);
	return done;
}

/* ---- from the guest --------------------------------------------------------------------- */

static int tx_round(struct tap_pair *p)
{
	int done = 0;

	while (done < (int)ROUND) {
		const struct virtq_chain *c = &p->chain;
		int r = virtq_next(&p->tx, &p->chain);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		/* the kernel checks the header against what follows; it copies both once */
		if (c->out_bytes < NET_HDR + FRAME_MIN || c->out_bytes > NET_FRAME_MAX ||
		    writev(p->fd, c->iov, (int)c->n_out) < 0)
			atomic_fetch_add_explicit(&p->tx_dropped, 1, memory_order_relaxed);
		virtq_put(&p->tx, c->head, 0);
		done++;
	}
	virtq_flush(&p->tx);
	return done;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void drain(const struct pollfd *p)
{
	eventfd_t n;

	if (p->revents & POLLIN)
		(void)eventfd_read(p->fd, &n);
}

static void pair_sleep(struct tap_pair *p, const struct io_thread *t)
{
	struct pollfd f[4] = {
		{.fd = io_thread_wake_fd(t), .events = POLLIN},
		{.fd = p->tx.map.kick_fd, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
	};
	bool idle = virtq_idle(&p->tx);

	/* with a frame in hand only new buffers help, without one only a new frame does */
	if (p->waiting > 0) {
		f[2].fd = p->rx.map.kick_fd;
		idle &= virtq_idle(&p->rx);
	}
	if (p->waiting == 0 && atomic_load(&p->attached) && !p->trouble)
		f[3].fd = p->fd;
	if (idle && poll(f, 4, p->trouble ? TROUBLE_MS : -1) >= 0) {
		drain(&f[1]);
		drain(&f[2]);
		p->trouble = f[3].revents & (POLLERR | POLLHUP | POLLNVAL);
	}
	virtq_busy(&p->rx);
	virtq_busy(&p->tx);
}

static void pair_work(void *ctx, struct io_thread *t)
{
	struct tap_pair *p = ctx;
	struct net_backend *b = &p->tap->b;
	int rx, tx;

	while (!io_thread_leaving(t)) {
		tx = tx_round(p);
		rx = rx_round(p);
		if (tx < 0 || rx < 0) {
			b->events->broke(b->ctx, tx < 0 ? p->tx.broken : p->rx.broken);
			io_thread_wait(t, -1); /* until the driver resets the device */
			continue;
		}
		if (tx == 0 && rx == 0)
			pair_sleep(p, t);
	}
}

/* ---- the back end ----------------------------------------------------------------------- */

static uint64_t tap_features(const struct net_backend *b)
{
	(void)b;
	return TAP_FEATURES;
}

static bool tap_up(struct net_backend *b)
{
	(void)b;
	return true;
}

static void offloads_set(const struct net_tap *n, uint64_t features)
{
	unsigned long flags = 0;

	if (features & BIT64(VIRTIO_NET_F_GUEST_CSUM))
		flags |= TUN_F_CSUM;
	if (features & BIT64(VIRTIO_NET_F_GUEST_TSO4))
		flags |= TUN_F_TSO4;
	if (features & BIT64(VIRTIO_NET_F_GUEST_TSO6))
		flags |= TUN_F_TSO6;
	if (features & BIT64(VIRTIO_NET_F_GUEST_ECN))
		flags |= TUN_F_TSO_ECN;
	if (!(flags & TUN_F_CSUM))
		flags = 0; /* segments come without checksums */
	/* it was set to 0 at the start: a tap that is refused this one keeps sending whole frames
	 */
	if (n->is_tap && ioctl(n->pair[0]->fd, TUNSETOFFLOAD, flags) < 0)
		return;
}

static void pair_attach(struct tap_pair *p, bool on)
{
	struct ifreq ifr = {.ifr_flags = (short)(on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE)};

	if (atomic_load(&p->attached) == on)
		return;
	if (p->tap->is_tap && ioctl(p->fd, TUNSETQUEUE, &ifr) < 0)
		return;
	atomic_store(&p->attached, on);
	if (p->running)
		(void)eventfd_write(p->tx.map.kick_fd, 1);
}

static void tap_set_pairs(struct net_backend *b, unsigned int n)
{
	for (unsigned int i = 1; i < b->pairs; i++)
		pair_attach(net_tap(b)->pair[i], i < n);
}

/* What came while there was no driver is of no use to the one that comes now. */
static void stale_drop(struct tap_pair *p)
{
	for (unsigned int i = 0; i < STALE_MAX; i++)
		if (read(p->fd, p->frame, sizeof(p->frame)) <= 0)
			return;
}

static void tap_start(struct net_backend *b, const struct net_rings *r)
{
	struct net_tap *n = net_tap(b);

	offloads_set(n, r->features);
	tap_set_pairs(b, 1);
	for (unsigned int i = 0; i < b->pairs && 2 * i + 1 < r->n; i++) {
		struct tap_pair *p = n->pair[i];

		if (r->q[2 * i].size == 0 || r->q[2 * i + 1].size == 0)
			continue;
		if (i == 0)
			stale_drop(p);
		p->waiting = 0;
		p->trouble = false;
		p->mergeable = r->features & BIT64(VIRTIO_NET_F_MRG_RXBUF);
		virtq_init(&p->rx, &r->q[2 * i], &r->mem, r->features);
		virtq_init(&p->tx, &r->q[2 * i + 1], &r->mem, r->features);
		p->running = true;
		io_thread_run(p->thread);
	}
}

static bool tap_stopped(struct net_backend *b, uint16_t *ret_base)
{
	struct net_tap *n = net_tap(b);
	bool all = true;

	for (unsigned int i = 0; i < b->pairs; i++) {
		struct tap_pair *p = n->pair[i];

		if (!p->running)
			continue;
		if (!io_thread_idle(p->thread)) {
			all = false;
			continue;
		}
		p->running = false;
		ret_base[2 * i] = virtq_base(&p->rx);
		ret_base[2 * i + 1] = virtq_base(&p->tx);
	}
	return all;
}

static int tap_stop(struct net_backend *b, uint16_t *ret_base)
{
	struct net_tap *n = net_tap(b);
	int r = 0;

	for (unsigned int i = 0; i < b->pairs; i++)
		if (n->pair[i]->running && io_thread_pause(n->pair[i]->thread, STOP_US) < 0)
			r = -EINPROGRESS;
	offloads_set(n, 0);
	return tap_stopped(b, ret_base) ? 0 : r;
}

static void tap_set_call(struct net_backend *b, unsigned int queue, int fd)
{
	struct tap_pair *p;

	if (queue / 2 >= b->pairs)
		return;
	p = net_tap(b)->pair[queue / 2];
	atomic_store(queue % 2 ? &p->tx.call_fd : &p->rx.call_fd, fd);
}

static int tap_free(struct net_backend *b)
{
	struct net_tap *n = net_tap(b);
	int r = 0;

	for (unsigned int i = 0; i < b->pairs; i++) {
		struct tap_pair *p = n->pair[i];

		if (!p)
			continue;
		atomic_store(&p->rx.call_fd, -1);
		atomic_store(&p->tx.call_fd, -1);
		if (io_thread_free(p->thread, FREE_US) < 0) {
			r = -ETIMEDOUT;
			continue;
		}
		fd_close(p->fd);
		free(p);
		n->pair[i] = NULL;
	}
	if (r == 0)
		free(n);
	return r;
}

static const struct net_backend_ops tap_ops = {
	.kind = "tap",
	.features = tap_features,
	.up = tap_up,
	.start = tap_start,
	.stop = tap_stop,
	.stopped = tap_stopped,
	.set_call = tap_set_call,
	.set_pairs = tap_set_pairs,
	.free = tap_free,
};

/* Return: 1 a tap that suits; 0 a packet socket; -EINVAL; -errno. */
static int fd_check(int fd, bool many)
{
	const int want = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (many ? IFF_MULTI_QUEUE : 0);
	int type, hdr = NET_HDR, flags = fcntl(fd, F_GETFL);
	socklen_t len = sizeof(type);
	struct ifreq ifr = {0};

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (ioctl(fd, TUNGETIFF, &ifr) < 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
			return -EINVAL;
		return type == SOCK_SEQPACKET || type == SOCK_DGRAM ? 0 : -EINVAL;
	}
	if ((ifr.ifr_flags & want) != want)
		return -EINVAL;
	if (ioctl(fd, TUNSETVNETHDRSZ, &hdr) < 0 || ioctl(fd, TUNSETOFFLOAD, 0) < 0)
		return -errno;
	return 1;
}

static int pair_new(struct net_tap *n, unsigned int i, int fd)
{
	struct tap_pair *p;
	int r;

	r = fd_check(fd, n->b.pairs > 1);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		fd_close(fd);
		return -ENOMEM;
	}
	n->pair[i] = p;
	n->is_tap = r > 0;
	p->tap = n;
	p->index = i;
	p->fd = fd;
	atomic_store(&p->attached, true);
	return io_thread_new("vm-tap", pair_work, p, &p->thread);
}

int net_tap_new(const int *fds, unsigned int n_fds, const struct net_events *events, void *ctx,
		struct net_backend **ret_b)
{
	struct net_tap *n = NULL;
	int r = 0;

	if (n_fds >= 1 && n_fds <= NET_PAIRS_MAX)
		n = calloc(1, sizeof(*n));
	if (!n) {
		for (unsigned int i = 0; i < n_fds; i++)
			fd_close(fds[i]);
		return n_fds >= 1 && n_fds <= NET_PAIRS_MAX ? -ENOMEM : -EINVAL;
	}
	n->b = (struct net_backend){.ops = &tap_ops, .events = events, .ctx = ctx, .pairs = n_fds};
	for (unsigned int i = 0; i < n_fds; i++) {
		if (r == 0)
			r = pair_new(n, i, fds[i]);
		else
			fd_close(fds[i]);
	}
	if (r < 0) {
		(void)!tap_free(&n->b); /* its threads sleep */
		return r;
	}
	tap_set_pairs(&n->b, 1);
	*ret_b = &n->b;
	return 0;
}

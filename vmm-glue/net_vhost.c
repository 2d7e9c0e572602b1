/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back end that may die and come back. While it is away the rings stay where they are
 * and the guest's kicks gather; its successor goes on at the used index, so that what the dead one
 * had taken and not finished is done again, and nothing is done never.
 *
 * There is no log of descriptors in flight (INFLIGHT_SHMFD). It is for back ends that finish out of
 * order, such as disks: there the used index does not tell which of the taken ones are finished.
 * One for a network gives buffers back in the order in which it took them, and rings are split ones
 * here (VHOST_PASS), so the index tells it all. What was done and not yet told is done twice: a
 * frame more on the network, which may repeat frames as it may lose them; a buffer is filled anew,
 * by another frame, before the guest knows of the first.
 *
 * lock covers the connection: vCPU threads start and stop rings, the main thread notices a hang-up.
 * It is held while a back end is waited for; what every register access asks, up, takes no lock.
 * Only the main thread makes and frees connections.
 *
 * Source: [VH].
 */
#include "net_backend.h"
#include "vhost_user.h"

#include <abi/bits.h>
#include <assert.h>
#include <lib/clock.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/*
 * What a back end may offer that concerns rings and buffers only; no offload crosses the bridge.
 */
#define VHOST_PASS                                                             \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_NET_F_MRG_RXBUF) |           \
	 BIT64(VIRTIO_RING_F_INDIRECT_DESC) | BIT64(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT64(VIRTIO_F_IN_ORDER))

struct net_vhost {
	struct net_backend b; /* first */
	sd_event *event;
	sd_event_source *hangup;
	sd_event_source *incoming;
	int listen_fd;	   /* -1: the first connection is the only one we get by ourselves */
	uint64_t features; /* of the first back end: later ones have to offer as much */
	pthread_mutex_t lock;
	struct vmm_vhu *vhu; /* NULL: none */
	bool dead;	     /* vhu is of no use any more */
	atomic_bool up;	     /* vhu is there and of use: asked for without waiting for lock */
	bool live;	     /* rings are lent */
	unsigned int active; /* pairs that the driver uses */
	uint64_t driver_features;
	const struct dma_mem *ram[VMM_VHU_REGIONS];
	struct virtq_map q[VMM_VHU_QUEUES];
	uint64_t messages; /* of connections before this one */
};

static struct net_vhost *net_vhost(struct net_backend *b)
{
	return (struct net_vhost *)b;
}

static uint64_t vhost_features(const struct net_backend *b)
{
	return ((const struct net_vhost *)b)->features;
}

static bool vhost_up(struct net_backend *b)
{
	return atomic_load(&net_vhost(b)->up);
}

static unsigned int n_queues(const struct net_vhost *n)
{
	return 2 * n->b.pairs;
}

/* Lock held. The main thread hears of it as a hang-up, and frees the connection. */
static void check(struct net_vhost *n, int r)
{
	if (r >= 0)
		return;
	n->dead = true;
	atomic_store(&n->up, false);
	shutdown(vmm_vhu_fd(n->vhu), SHUT_RDWR);
}

/* Lock held. */
static void rings_lend(struct net_vhost *n)
{
	check(n, vmm_vhu_start(n->vhu, n->driver_features & n->features, n->ram, n->q, n->active));
}

static void vhost_start(struct net_backend *b, const struct net_rings *r)
{
	struct net_vhost *n = net_vhost(b);

	pthread_mutex_lock(&n->lock);
	assert(r->n >= n_queues(n));
	memcpy(n->q, r->q, n_queues(n) * sizeof(n->q[0]));
	n->active = 1;
	n->driver_features = r->features;
	memcpy(n->ram, r->ram, sizeof(n->ram));
	n->live = true;
	if (n->vhu && !n->dead)
		rings_lend(n);
	pthread_mutex_unlock(&n->lock);
}

static int vhost_stop(struct net_backend *b, uint16_t *ret_base)
{
	struct net_vhost *n = net_vhost(b);

	pthread_mutex_lock(&n->lock);
	/* what the rings themselves say, unless the back end knows better */
	for (unsigned int i = 0; i < n_queues(n); i++)
		ret_base[i] = n->q[i].size ? virtq_used_index(&n->q[i]) : 0;
	n->live = false;
	if (n->vhu && !n->dead)
		check(n, vmm_vhu_stop(n->vhu, ret_base));
	pthread_mutex_unlock(&n->lock);
	return 0;
}

static void vhost_set_call(struct net_backend *b, unsigned int queue, int fd)
{
	struct net_vhost *n = net_vhost(b);

	if (queue >= n_queues(n))
		return;
	pthread_mutex_lock(&n->lock);
	n->q[queue].call_fd = fd;
	if (n->vhu && !n->dead)
		check(n, vmm_vhu_set_call(n->vhu, queue, fd));
	pthread_mutex_unlock(&n->lock);
}

static void vhost_set_pairs(struct net_backend *b, unsigned int pairs)
{
	struct net_vhost *n = net_vhost(b);

	pthread_mutex_lock(&n->lock);
	n->active = pairs;
	if (n->live && n->vhu && !n->dead)
		check(n, vmm_vhu_enable(n->vhu, pairs));
	pthread_mutex_unlock(&n->lock);
}

static uint64_t vhost_messages(struct net_backend *b)
{
	struct net_vhost *n = net_vhost(b);
	uint64_t count;

	pthread_mutex_lock(&n->lock);
	count = n->messages + (n->vhu ? vmm_vhu_messages(n->vhu) : 0);
	pthread_mutex_unlock(&n->lock);
	return count;
}

/* ---- connections: main thread ----------------------------------------------------------- */

static void incoming_enable(struct net_vhost *n, bool on)
{
	if (n->incoming)
		sd_event_source_set_enabled(n->incoming, on ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void connection_drop(struct net_vhost *n)
{
	struct vmm_vhu *vhu;

	n->hangup = sd_event_source_disable_unref(n->hangup);
	pthread_mutex_lock(&n->lock);
	vhu = TAKE_PTR(n->vhu);
	n->dead = false;
	atomic_store(&n->up, false);
	n->messages += vhu ? vmm_vhu_messages(vhu) : 0;
	pthread_mutex_unlock(&n->lock);
	vmm_vhu_free(vhu);
	incoming_enable(n, true);
}

static int on_hangup(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct net_vhost *n = userdata;

	(void)s;
	(void)fd;
	(void)revents;
	connection_drop(n);
	n->b.events->changed(n->b.ctx);
	return 0;
}

/* Lock held. The rings' driver waits for an answer to what the dead one had: wake both. */
static void rings_resume(struct net_vhost *n)
{
	for (unsigned int i = 0; i < n_queues(n); i++)
		if (n->q[i].size)
			n->q[i].base = virtq_used_index(&n->q[i]);
	rings_lend(n);
	for (unsigned int i = 0; i < n_queues(n); i++) {
		if (n->q[i].size)
			(void)eventfd_write(n->q[i].kick_fd, 1);
		if (n->q[i].size && n->q[i].call_fd >= 0)
			(void)eventfd_write(n->q[i].call_fd, 1);
	}
}

/* A connected socket, taken over, becomes the connection. */
static int connection_take(struct net_vhost *n, int fd)
{
	_cleanup_(vmm_vhu_freep) struct vmm_vhu *vhu = NULL;
	uint64_t pass = VHOST_PASS | (n->b.pairs > 1 ? BIT64(VIRTIO_NET_F_MQ) : 0);
	int r;

	r = vmm_vhu_new(fd, n->b.pairs, &vhu);
	if (r < 0)
		return r;
	/* rings that are lent under other rules cannot go on */
	if (n->features & ~vmm_vhu_features(vhu))
		return -EPROTO;
	if (n->features == 0)
		n->features = vmm_vhu_features(vhu) & pass;
	/* no EPOLLIN: answers are read by the thread that asked */
	r = sd_event_add_io(n->event, &n->hangup, vmm_vhu_fd(vhu), EPOLLRDHUP, on_hangup, n);
	if (r < 0)
		return r;
	incoming_enable(n, false);
	pthread_mutex_lock(&n->lock);
	n->vhu = TAKE_PTR(vhu);
	n->dead = false;
	if (n->live)
		rings_resume(n);
	atomic_store(&n->up, !n->dead);
	pthread_mutex_unlock(&n->lock);
	return 0;
}

static int vhost_reconnect(struct net_backend *b, int fd)
{
	struct net_vhost *n = net_vhost(b);
	int r;

	if (vhost_up(b)) {
		fd_close(fd);
		return -EALREADY;
	}
	connection_drop(n);
	r = connection_take(n, fd);
	n->b.events->changed(n->b.ctx);
	return r;
}

static int on_incoming(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct net_vhost *n = userdata;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)s;
	(void)revents;
	/* one that does not suit is turned away; the next may */
	if (conn < 0 || connection_take(n, conn) < 0)
		return 0;
	n->b.events->changed(n->b.ctx);
	return 0;
}

static int vhost_free(struct net_backend *b)
{
	struct net_vhost *n = net_vhost(b);

	n->incoming = sd_event_source_disable_unref(n->incoming);
	n->hangup = sd_event_source_disable_unref(n->hangup);
	vmm_vhu_free(n->vhu);
	fd_close(n->listen_fd);
	pthread_mutex_destroy(&n->lock);
	free(n);
	return 0;
}

static const struct net_backend_ops vhost_ops = {
	.kind = "vhost-user",
	.features = vhost_features,
	.up = vhost_up,
	.start = vhost_start,
	.stop = vhost_stop,
	.set_call = vhost_set_call,
	.set_pairs = vhost_set_pairs,
	.reconnect = vhost_reconnect,
	.messages = vhost_messages,
	.free = vhost_free,
};

static int first_connection(struct net_vhost *n, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int listening = 0, r;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening)
		return connection_take(n, fd);
	n->listen_fd = fd;
	if (poll(&p, 1, (int)(clock_patient_us(VMM_VHU_TIMEOUT_US) / 1000)) != 1)
		return -ETIMEDOUT;
	r = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (r < 0)
		return -errno;
	r = connection_take(n, r);
	if (r < 0)
		return r;
	r = sd_event_add_io(n->event, &n->incoming, fd, EPOLLIN, on_incoming, n);
	if (r < 0)
		return r;
	incoming_enable(n, false);
	return 0;
}

int net_vhost_new(sd_event *event, int fd, unsigned int pairs, const struct net_events *events,
		  void *ctx, struct net_backend **ret_b)
{
	struct net_vhost *n;
	int r;

	n = calloc(1, sizeof(*n));
	if (!n) {
		fd_close(fd);
		return -ENOMEM;
	}
	n->b = (struct net_backend){
		.ops = &vhost_ops, .events = events, .ctx = ctx, .pairs = pairs};
	n->event = event;
	n->listen_fd = -1;
	pthread_mutex_init(&n->lock, NULL);
	r = first_connection(n, fd);
	if (r < 0) {
		(void)!vhost_free(&n->b); /* it has no thread */
		return r;
	}
	*ret_b = &n->b;
	return 0;
}

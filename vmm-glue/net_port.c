/* SPDX-License-Identifier: BSD-3-Clause */
#include "net_port.h"

#include <abi/bits.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include "io_thread.h"

#define SIZE	 256u /* descriptors of a ring */
#define BUF	 2048u
#define RINGS	 8192u /* bytes that a ring of that size takes, rounded up */
#define AVAIL_AT 4096u
#define USED_AT	 5120u
#define BUFS_AT	 (2 * RINGS)
#define BYTES	 (BUFS_AT + 2 * SIZE * BUF)
#define BATCH	 64u
#define FREE_US	 UINT64_C(3000000)
#define NAP_MS	 1000 /* longest sleep, should a bell be missed */

_Static_assert(SIZE * sizeof(struct vring_desc) <= AVAIL_AT, "descriptors");
_Static_assert(AVAIL_AT + 6 + SIZE * 2 <= USED_AT, "available ring");
_Static_assert(USED_AT + 6 + SIZE * sizeof(struct vring_used_elem) <= RINGS, "used ring");
_Static_assert(SNIC_WIRE_FRAME + NET_HDR >= BUF, "a buffer's frame fits into a slot");

enum {
	TO_NIC,	  /* ring 0: the back end fills */
	FROM_NIC, /* ring 1: the back end sends */
};

/* The driver's side of one ring; descriptor i always has buffer i. */
struct port_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint8_t *buf;
	int kick_fd;
	uint16_t posted;
	uint16_t seen;
	uint16_t n_free;
	uint16_t free[SIZE];
	bool busy[SIZE];
};

struct net_port {
	struct net_backend *b;
	struct dma_mem *mem;
	struct port_ring ring[2];
	struct snic_wire *wire;
	void (*kick)(void *ctx);
	void (*changed)(void *ctx);
	void *ctx;
	int bell_fd; /* rung by both sides */
	bool started;
	struct io_thread *thread;
	_Atomic uint64_t to_nic, from_nic, dropped, broken;
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void *mem_ptr(void *ctx, uint64_t gpa, size_t len)
{
	const struct dma_mem *m = ctx;

	return gpa <= m->len && len <= m->len - gpa ? (uint8_t *)m->va + gpa : NULL;
}

/* ---- the rings' driver ------------------------------------------------------------------ */

static void ring_post(struct port_ring *r, uint16_t i)
{
	r->busy[i] = true;
	r->avail->ring[r->posted++ & (SIZE - 1)] = i;
	__atomic_store_n(&r->avail->idx, r->posted, __ATOMIC_RELEASE);
}

static void ring_kick(const struct port_ring *r)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!(__atomic_load_n(&r->used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY))
		(void)eventfd_write(r->kick_fd, 1);
}

/* One used entry. Return: its descriptor, ours again; -ENOENT none there; -EBADMSG nonsense. */
static int ring_take(struct port_ring *r, uint32_t *ret_len)
{
	const struct vring_used_elem *e = &r->used->ring[r->seen & (SIZE - 1)];
	uint32_t id;

	if (__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) == r->seen)
		return -ENOENT;
	id = __atomic_load_n(&e->id, __ATOMIC_RELAXED);
	*ret_len = __atomic_load_n(&e->len, __ATOMIC_RELAXED);
	r->seen++;
	if (id >= SIZE || !r->busy[id])
		return -EBADMSG;
	r->busy[id] = false;
	return (int)id;
}

static void to_wire(struct net_port *p, struct snic_wire_slot *s, const uint8_t *buf, uint32_t len)
{
	if (len < NET_HDR + 14 || len > BUF) {
		count(&p->dropped);
		return;
	}
	len -= NET_HDR;
	memcpy(s->frame, buf + NET_HDR, len);
	if (len < SNIC_FRAME_MIN) {
		memset(s->frame + len, 0, SNIC_FRAME_MIN - len);
		len = SNIC_FRAME_MIN;
	}
	s->len = len;
	snic_wire_put(&p->wire->in);
	count(&p->to_nic);
}

/* With the wire full, frames stay in the ring, and the back end leaves what follows where it is. */
static unsigned int receive(struct net_port *p)
{
	struct port_ring *r = &p->ring[TO_NIC];
	unsigned int n;
	uint32_t len;

	for (n = 0; n < BATCH; n++) {
		struct snic_wire_slot *s = snic_wire_room(&p->wire->in);
		int i = s ? ring_take(r, &len) : -ENOENT;

		if (i == -ENOENT)
			break;
		if (i < 0) {
			count(&p->broken);
			continue;
		}
		to_wire(p, s, r->buf + (size_t)i * BUF, len);
		ring_post(r, (uint16_t)i);
	}
	if (n > 0) {
		ring_kick(r);
		p->kick(p->ctx);
	}
	return n;
}

static void reclaim(struct net_port *p)
{
	struct port_ring *r = &p->ring[FROM_NIC];
	uint32_t len;

	for (unsigned int n = 0; n < SIZE; n++) {
		int i = ring_take(r, &len);

		if (i == -ENOENT)
			break;
		if (i < 0)
			count(&p->broken);
		else
			r->free[r->n_free++] = (uint16_t)i;
	}
}

/* With the back end away, or slow, the wire drops as wires do. */
static unsigned int send_frames(struct net_port *p)
{
	struct port_ring *r = &p->ring[FROM_NIC];
	unsigned int n, posted = 0;

	reclaim(p);
	for (n = 0; n < BATCH; n++) {
		const struct snic_wire_slot *s = snic_wire_peek(&p->wire->out);
		uint16_t i;

		if (!s)
			break;
		if (r->n_free == 0 || s->len > BUF - NET_HDR) {
			count(&p->dropped);
		} else {
			i = r->free[--r->n_free];
			memset(r->buf + (size_t)i * BUF, 0, NET_HDR);
			memcpy(r->buf + (size_t)i * BUF + NET_HDR, s->frame, s->len);
			r->desc[i].len = NET_HDR + s->len;
			ring_post(r, i);
			count(&p->from_nic);
			posted++;
		}
		snic_wire_drop(&p->wire->out);
	}
	if (posted > 0)
		ring_kick(r);
	return n;
}

/* Back ends interrupt always: a bell rung too often costs a look at two indices. */
static bool quiet(const struct net_port *p)
{
	const struct port_ring *r = &p->ring[TO_NIC];

	if (snic_wire_peek(&p->wire->out))
		return false;
	return __atomic_load_n(&r->used->idx, __ATOMIC_SEQ_CST) == r->seen ||
	       !snic_wire_room(&p->wire->in);
}

static void port_work(void *ctx, struct io_thread *t)
{
	struct net_port *p = ctx;
	struct pollfd f[2] = {{.fd = io_thread_wake_fd(t), .events = POLLIN},
			      {.fd = p->bell_fd, .events = POLLIN}};
	eventfd_t n;

	while (!io_thread_leaving(t)) {
		if (receive(p) + send_frames(p) > 0)
			continue;
		atomic_store(&p->wire->full, !snic_wire_room(&p->wire->in));
		atomic_store(&p->wire->sleeping, true);
		if (quiet(p) && poll(f, 2, NAP_MS) > 0 && f[1].revents & POLLIN)
			(void)eventfd_read(p->bell_fd, &n);
		atomic_store(&p->wire->sleeping, false);
	}
}

/* ---- birth and death -------------------------------------------------------------------- */

static void on_changed(void *ctx)
{
	struct net_port *p = ctx;

	if (p->started)
		p->changed(p->ctx);
}

/* Our own driver broke a rule: it cannot, short of memory that goes wrong. */
static void on_broke(void *ctx, const char *why)
{
	struct net_port *p = ctx;

	(void)why;
	count(&p->broken);
}

static const struct net_events port_events = {
	.changed = on_changed,
	.broke = on_broke,
};

static void ring_init(struct net_port *p, unsigned int q)
{
	uint8_t *base = (uint8_t *)p->mem->va + q * RINGS;
	struct port_ring *r = &p->ring[q];
	uint64_t bufs = BUFS_AT + (uint64_t)q * SIZE * BUF;

	r->desc = (struct vring_desc *)base;
	r->avail = (struct vring_avail *)(base + AVAIL_AT);
	r->used = (struct vring_used *)(base + USED_AT);
	r->buf = (uint8_t *)p->mem->va + bufs;
	for (uint16_t i = 0; i < SIZE; i++) {
		r->desc[i] = (struct vring_desc){.addr = bufs + (uint64_t)i * BUF,
						 .len = BUF,
						 .flags = q == TO_NIC ? VRING_DESC_F_WRITE : 0};
		if (q == TO_NIC)
			ring_post(r, i);
		else
			r->free[r->n_free++] = i;
	}
}

static int backend_new(struct net_port *p, sd_event *event, int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM)
		return net_vhost_new(event, fd, 1, &port_events, p, &p->b);
	return net_tap_new(&fd, 1, &port_events, p, &p->b);
}

static int port_setup(struct net_port *p, sd_event *event, int fd)
{
	_cleanup_(fd_closep) int own = fd;
	int r;

	r = dma_mem_new("net-port", BYTES, false, (iova_t){0}, &p->mem);
	if (r < 0)
		return r;
	p->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->bell_fd < 0)
		return -errno;
	for (unsigned int q = 0; q < 2; q++) {
		p->ring[q].kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (p->ring[q].kick_fd < 0)
			return -errno;
		ring_init(p, q);
	}
	r = io_thread_new("vm-port", port_work, p, &p->thread);
	if (r < 0)
		return r;
	return backend_new(p, event, TAKE_FD(own));
}

static void port_start(struct net_port *p)
{
	struct virtq_map q[2];
	struct net_rings r = {
		.n = 2,
		.q = q,
		.mem = {.ptr = mem_ptr, .ctx = p->mem},
		.ram = {p->mem},
		.features = BIT64(VIRTIO_F_VERSION_1),
	};

	for (unsigned int i = 0; i < 2; i++)
		q[i] = (struct virtq_map){.size = SIZE,
					  .desc = p->ring[i].desc,
					  .avail = p->ring[i].avail,
					  .used = p->ring[i].used,
					  .kick_fd = p->ring[i].kick_fd,
					  .call_fd = p->bell_fd};
	p->wire->kick_fd = p->bell_fd;
	p->b->ops->start(p->b, &r);
	p->started = true;
	io_thread_run(p->thread);
}

int net_port_new(sd_event *event, int fd, struct snic_wire *wire, void (*kick)(void *ctx),
		 void (*changed)(void *ctx), void *ctx, struct net_port **ret_port)
{
	struct net_port *p;
	int r;

	p = calloc(1, sizeof(*p));
	if (!p) {
		fd_close(fd);
		return -ENOMEM;
	}
	p->bell_fd = p->ring[0].kick_fd = p->ring[1].kick_fd = -1;
	p->wire = wire;
	p->kick = kick;
	p->changed = changed;
	p->ctx = ctx;
	r = port_setup(p, event, fd);
	if (r < 0) {
		(void)!net_port_free(p); /* its thread sleeps */
		return r;
	}
	port_start(p);
	*ret_port = p;
	return 0;
}

bool net_port_up(struct net_port *p)
{
	return p->b->ops->up(p->b);
}

int net_port_reconnect(struct net_port *p, int fd)
{
	if (!p->b->ops->reconnect) {
		fd_close(fd);
		return -EOPNOTSUPP;
	}
	return p->b->ops->reconnect(p->b, fd);
}

const char *net_port_kind(const struct net_port *p)
{
	return p->b->ops->kind;
}

void net_port_counters(const struct net_port *p, struct net_port_counters *ret)
{
	ret->to_nic = atomic_load(&p->to_nic);
	ret->from_nic = atomic_load(&p->from_nic);
	ret->dropped = atomic_load(&p->dropped);
	ret->broken = atomic_load(&p->broken);
}

int net_port_free(struct net_port *p)
{
	uint16_t base[NET_QUEUES_MAX];
	int r;

	if (!p)
		return 0;
	r = io_thread_free(p->thread, FREE_US);
	p->thread = NULL;
	if (p->b) {
		if (p->started)
			(void)!p->b->ops->stop(p->b, base); /* free() waits for what it began */
		if (p->b->ops->free(p->b) < 0)
			r = -ETIMEDOUT;
	}
	if (r < 0)
		return r;
	p->wire->kick_fd = -1;
	fd_close(p->bell_fd);
	fd_close(p->ring[0].kick_fd);
	fd_close(p->ring[1].kick_fd);
	if (p->mem)
		dma_mem_free(p->mem);
	free(p);
	return 0;
}

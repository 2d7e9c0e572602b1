/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtq.h"

#include <abi/bits.h>
#include <assert.h>
#include <string.h>

/* A pointer into memory that the driver changes as it likes: loads and stores happen once. */
#define LOAD(p)	    __atomic_load_n((p), __ATOMIC_RELAXED)
#define LOAD_ACQ(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

static struct vring_avail *avail_of(const struct virtq *q)
{
	return q->map.avail;
}

static struct vring_used *used_of(const struct virtq *q)
{
	return q->map.used;
}

/* The two fields behind the rings that event indices live in. */
static uint16_t *used_event(const struct virtq *q)
{
	return (uint16_t *)&avail_of(q)->ring[q->map.size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)&used_of(q)->ring[q->map.size];
}

void virtq_init(struct virtq *q, const struct virtq_map *map, const struct virtq_mem *mem,
		uint64_t features)
{
	assert(map->size > 0 && map->size <= VIRTQ_SIZE_MAX && !(map->size & (map->size - 1)));
	q->map = *map;
	q->mem = *mem;
	q->indirect = features & BIT64(VIRTIO_RING_F_INDIRECT_DESC);
	q->event_idx = features & BIT64(VIRTIO_RING_F_EVENT_IDX);
	q->seen = map->base;
	q->used = LOAD(&used_of(q)->idx);
	q->told = q->used;
	atomic_store(&q->call_fd, map->call_fd);
	q->broken = NULL;
	memset(q->in_flight, 0, sizeof(q->in_flight));
}

static int broke(struct virtq *q, const char *why)
{
	q->broken = why;
	return -EBADMSG;
}

static bool flight_test(const struct virtq *q, uint16_t head)
{
	return q->in_flight[head / 64] & BIT64(head % 64);
}

/* One descriptor, by value. The empty asm keeps the compiler from reading the original again. */
static void fetch(const uint8_t *table, uint32_t i, struct vring_desc *ret)
{
	memcpy(ret, table + (size_t)i * sizeof(*ret), sizeof(*ret));
	__asm__ volatile("" : "+m"(*ret));
}

static int walk(struct virtq *q, uint16_t head)
{
	struct virtq_walk *w = &q->walk;
	const uint8_t *table = q->map.desc;
	struct vring_desc d;
	int r;

	r = virtq_walk_begin(w, head, q->map.size, q->indirect);
	while (r >= 0) {
		fetch(table, w->next, &d);
		r = virtq_walk_step(w, &d);
		if (r == VIRTQ_END)
			return 0;
		if (r != VIRTQ_TABLE)
			continue;
		table = q->mem.ptr(q->mem.ctx, w->table_gpa, w->table_len * sizeof(d));
		if (!table)
			return broke(q, "an indirect table outside memory");
	}
	return broke(q, w->why);
}

static int translate(struct virtq *q, struct virtq_chain *c)
{
	const struct virtq_walk *w = &q->walk;

	c->n_out = 0;
	c->n_in = 0;
	c->out_bytes = 0;
	c->in_bytes = 0;
	for (uint32_t i = 0; i < w->n; i++) {
		void *p = q->mem.ptr(q->mem.ctx, w->seg[i].gpa, w->seg[i].len);

		if (!p)
			return broke(q, "a buffer outside memory");
		c->iov[i] = (struct iovec){.iov_base = p, .iov_len = w->seg[i].len};
		if (w->seg[i].write) {
			c->n_in++;
			c->in_bytes += w->seg[i].len;
		} else {
			c->n_out++;
			c->out_bytes += w->seg[i].len;
		}
	}
	return 0;
}

int virtq_next(struct virtq *q, struct virtq_chain *c)
{
	uint16_t head;
	int r;

	if (q->broken)
		return -EBADMSG;
	r = virtq_avail_new(LOAD_ACQ(&avail_of(q)->idx), q->seen, q->map.size, &q->broken);
	if (r <= 0)
		return r;
	head = LOAD(&avail_of(q)->ring[q->seen & (q->map.size - 1)]);
	r = walk(q, head);
	if (r < 0)
		return r;
	if (flight_test(q, head))
		return broke(q, "a head that the device holds already");
	r = translate(q, c);
	if (r < 0)
		return r;
	c->head = head;
	q->in_flight[head / 64] |= BIT64(head % 64);
	q->seen++;
	return 1;
}

void virtq_back(struct virtq *q, uint16_t head)
{
	assert(flight_test(q, head));
	q->in_flight[head / 64] &= ~BIT64(head % 64);
	q->seen--;
}

void virtq_put(struct virtq *q, uint16_t head, uint32_t len)
{
	volatile struct vring_used_elem *e = &used_of(q)->ring[q->used & (q->map.size - 1)];

	assert(flight_test(q, head));
	q->in_flight[head / 64] &= ~BIT64(head % 64);
	e->id = head;
	e->len = len;
	q->used++;
}

/* Did the driver ask to hear of an index in [told, used)? */
static bool wanted(const struct virtq *q)
{
	if (!q->event_idx)
		return !(LOAD(&avail_of(q)->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(LOAD(used_event(q)), q->used, q->told);
}

void virtq_flush(struct virtq *q)
{
	uint64_t one = 1;
	bool call;
	int fd;

	if (q->told == q->used)
		return;
	__atomic_store_n(&used_of(q)->idx, q->used, __ATOMIC_RELEASE);
	/* the index before the driver's wish, as the driver does it the other way round */
	atomic_thread_fence(memory_order_seq_cst);
	call = wanted(q);
	q->told = q->used;
	fd = atomic_load(&q->call_fd);
	if (call && fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: an interrupt is pending anyway */
}

bool virtq_idle(struct virtq *q)
{
	if (q->broken)
		return true;
	if (q->event_idx)
		STORE(avail_event(q), q->seen);
	else
		STORE(&used_of(q)->flags, 0);
	atomic_thread_fence(memory_order_seq_cst);
	return LOAD(&avail_of(q)->idx) == q->seen;
}

void virtq_busy(struct virtq *q)
{
	if (!q->event_idx && !q->broken)
		STORE(&used_of(q)->flags, VRING_USED_F_NO_NOTIFY);
}

uint16_t virtq_base(const struct virtq *q)
{
	return q->seen;
}

uint16_t virtq_used_index(const struct virtq_map *map)
{
	return LOAD(&((struct vring_used *)map->used)->idx);
}

size_t iov_out(const struct iovec *iov, uint32_t n, size_t off, void *buf, size_t len)
{
	size_t done = 0;

	for (uint32_t i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part -= off;
		if (part > len - done)
			part = len - done;
		memcpy((uint8_t *)buf + done, (const uint8_t *)iov[i].iov_base + off, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t iov_in(const struct iovec *iov, uint32_t n, size_t off, const void *buf, size_t len)
{
	size_t done = 0;

	for (uint32_t i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part -= off;
		if (part > len - done)
			part = len - done;
		memcpy((uint8_t *)iov[i].iov_base + off, (const uint8_t *)buf + done, part);
		done += part;
		off = 0;
	}
	return done;
}

uint32_t iov_cut(const struct iovec *iov, uint32_t n, size_t off, size_t len, struct iovec *out)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n && len > 0; i++) {
		size_t part = iov[i].iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part -= off;
		if (part > len)
			part = len;
		out[k++] = (struct iovec){.iov_base = (uint8_t *)iov[i].iov_base + off,
					  .iov_len = part};
		len -= part;
		off = 0;
	}
	return k;
}

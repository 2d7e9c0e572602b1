/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own memory on both sides: what is read here was checked when it was written. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "dp_peer.h"

#define RING_BYTES (1u << 20)
#define LINE	   64u
#define RECORD_MAX ((sizeof(struct record) + DP_FRAME_MAX + LINE - 1) / LINE * LINE)

/* A batch of frames, or one packet cut into segments; and what is skipped at the end. */
#define FRAMES_MAX    (DP_BATCH * RECORD_MAX)
#define SEGMENT_MAX   (sizeof(struct record) + TSO_HEADER_MAX + TSO_MSS_MIN + LINE)
#define SEGMENTED_MAX ((TSO_BYTES_MAX / TSO_MSS_MIN + 1) * SEGMENT_MAX)
#define BATCH_MAX     ((FRAMES_MAX > SEGMENTED_MAX ? FRAMES_MAX : SEGMENTED_MAX) + RECORD_MAX)

enum {
	F_TAGGED = 1,
	F_BESIDE = 2,
	F_LOOP = 4,
	F_MULTI = 8,
	F_WIRE = 16,
};

/* Ahead of each frame; a record without frame fills the ring up to its end. */
struct record {
	uint32_t size; /* with this and up to the next line */
	uint32_t len;
	uint16_t tag;
	uint8_t pools;
	uint8_t flags;
	uint32_t unused;
};

struct dp_ring {
	_Alignas(64) _Atomic uint32_t put; /* bytes, running freely */
	_Alignas(64) uint32_t written;	   /* the writer's: put as it will be */
	_Alignas(64) _Atomic uint32_t take;
	_Alignas(64) uint8_t data[RING_BYTES];
};

_Static_assert(sizeof(struct record) == 16, "frames are aligned");
_Static_assert(RING_BYTES > 2 * BATCH_MAX, "room for a batch while another is on its way");

int dp_peers_new(struct dp *dp, unsigned int n)
{
	struct dp_ring *rings = NULL;

	if (n > 1) {
		rings = aligned_alloc(LINE, n * n * sizeof(*rings));
		if (!rings)
			return -ENOMEM;
	}
	dp_peers_free(dp);
	dp->rings = rings;
	for (unsigned int from = 0; from < n && rings; from++) {
		for (unsigned int to = 0; to < n; to++) {
			struct dp_ring *r = &rings[from * n + to];

			atomic_init(&r->put, 0);
			atomic_init(&r->take, 0);
			r->written = 0;
			dp->worker[from].to[to] = from == to ? NULL : r;
			dp->worker[to].from[from] = from == to ? NULL : r;
		}
	}
	return 0;
}

void dp_peers_free(struct dp *dp)
{
	free(dp->rings);
	dp->rings = NULL;
	for (unsigned int i = 0; i < DP_WORKERS; i++) {
		memset(dp->worker[i].to, 0, sizeof(dp->worker[i].to));
		memset(dp->worker[i].from, 0, sizeof(dp->worker[i].from));
	}
}

bool dp_peers_ready(const struct dp_worker *me)
{
	for (unsigned int i = 0; i < me->dp->n_workers; i++) {
		struct dp_ring *r = me->to[i];

		if (r && RING_BYTES - (r->written -
				       atomic_load_explicit(&r->take, memory_order_acquire)) <
				 BATCH_MAX)
			return false;
	}
	return true;
}

/* Room for a record in one piece. */
static struct record *reserve(struct dp_ring *r, uint32_t size)
{
	uint32_t at = r->written % RING_BYTES;
	struct record *rec = (struct record *)(void *)&r->data[at];

	if (RING_BYTES - at < size) {
		*rec = (struct record){.size = RING_BYTES - at};
		r->written += RING_BYTES - at;
		rec = (struct record *)(void *)r->data;
	}
	r->written += size;
	assert(r->written - atomic_load(&r->take) <= RING_BYTES);
	return rec;
}

static void put_one(struct dp_ring *r, const struct dp_pkt *p, uint8_t pools, unsigned int flags)
{
	uint32_t size = (uint32_t)(sizeof(struct record) + p->len + LINE - 1) / LINE * LINE;
	struct record *rec = reserve(r, size);
	uint8_t *frame = (uint8_t *)(rec + 1);

	*rec = (struct record){.size = size,
			       .len = p->len,
			       .tag = p->tag,
			       .pools = pools,
			       .flags = (uint8_t)flags};
	memcpy(frame, &p->h0, 8);
	memcpy(frame + 8, &p->h1, 8);
	dp_copy(frame + 16, p->data + 16, p->len - 16);
}

void dp_peers_put(struct dp_worker *me, const struct dp_pkt *p, uint8_t pools, bool wire,
		  bool multi)
{
	unsigned int flags = (p->tagged ? F_TAGGED : 0u) | (p->beside ? F_BESIDE : 0u) |
			     (p->loop ? F_LOOP : 0u) | (multi ? F_MULTI : 0u);

	for (unsigned int i = 0; i < me->dp->n_workers; i++) {
		uint8_t theirs = pools & me->dp->worker[i].own;
		bool out = wire && i == 0;

		if (!me->to[i] || (!theirs && !out))
			continue;
		put_one(me->to[i], p, theirs, flags | (out ? F_WIRE : 0u));
		me->handed |= BIT32(i);
	}
}

void dp_peers_flush(struct dp_worker *me)
{
	uint32_t handed = me->handed;

	me->handed = 0;
	for (uint32_t b = handed; b; b &= b - 1) {
		struct dp_ring *r = me->to[__builtin_ctz(b)];

		atomic_store_explicit(&r->put, r->written, memory_order_release);
	}
	io_mb(); /* frames first, then the look at 'sleeping' */
	for (uint32_t b = handed; b; b &= b - 1) {
		struct dp_worker *w = &me->dp->worker[__builtin_ctz(b)];

		if (atomic_load(&w->sleeping))
			dp_kick(w);
	}
}

static void take_one(struct dp_worker *me, const struct record *rec)
{
	const uint8_t *frame = (const uint8_t *)(rec + 1);
	struct dp_pkt p = {.data = frame,
			   .len = rec->len,
			   .tag = rec->tag,
			   .tagged = rec->flags & F_TAGGED,
			   .beside = rec->flags & F_BESIDE,
			   .loop = rec->flags & F_LOOP};

	memcpy(&p.h0, frame, 8);
	memcpy(&p.h1, frame + 8, 8);
	for (uint32_t pools = rec->pools; pools; pools &= pools - 1)
		dp_deliver(me, (unsigned int)__builtin_ctz(pools), &p, rec->flags & F_MULTI);
	if (rec->flags & F_WIRE)
		dp_wire_out(me, &p);
}

static unsigned int drain(struct dp_worker *me, struct dp_ring *r)
{
	uint32_t take = atomic_load_explicit(&r->take, memory_order_relaxed);
	uint32_t put = atomic_load_explicit(&r->put, memory_order_acquire);
	bool loop = true;
	unsigned int n = 0;

	while (take != put && n < DP_BATCH) {
		const struct record *rec = (const void *)&r->data[take % RING_BYTES];

		if (rec->len) {
			/* a flush counts its frames as from queues or from the wire */
			if (loop != !!(rec->flags & F_LOOP) && me->rx_dirty)
				dp_rx_flush(me, loop);
			loop = rec->flags & F_LOOP;
			take_one(me, rec);
			n++;
		}
		take += rec->size;
	}
	if (me->rx_dirty)
		dp_rx_flush(me, loop);
	if (n)
		atomic_store_explicit(&r->take, take, memory_order_release);
	return n;
}

unsigned int dp_peers_poll(struct dp_worker *me)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < me->dp->n_workers; i++)
		if (me->from[i])
			n += drain(me, me->from[i]);
	if (me->wire_dirty)
		dp_wire_flush(me);
	if (me->handed)
		dp_peers_flush(me);
	return n;
}

bool dp_peers_pending(const struct dp_worker *me)
{
	for (unsigned int i = 0; i < me->dp->n_workers; i++) {
		const struct dp_ring *r = me->from[i];

		if (r && atomic_load(&r->take) != atomic_load(&r->put))
			return true;
	}
	return false;
}

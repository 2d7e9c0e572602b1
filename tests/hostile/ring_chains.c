/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One chain that breaks a rule of split rings, at a time. Where the VMM walks the ring itself the
 * device has to ask for a reset; where another process does, it may as well drop the chain. After a
 * reset it serves again.
 */
#include "ring.h"

#define BUF	 (RING_AT + RING_BUF)
#define TABLE	 (RING_AT + RING_TABLE)
#define NEXT	 VRING_DESC_F_NEXT
#define INDIRECT VRING_DESC_F_INDIRECT
#define SETTLE	 2000u /* µs */

static int chain(struct hostile *h)
{
	struct ring r;
	int e = ring_open(h, &r, ring_data_queue(h), h->c->features);

	if (e < 0)
		return e;
	ring_request(h, &r);
	h->c->build(h, &r);
	ring_kick(h, &r);
	if (h->c->breaks && BIT32(h->kind) & ON_SERVED)
		e = ring_broken(h, &r);
	else
		hostile_wait(SETTLE);
	return e < 0 ? e : ring_good(h);
}

static void one(struct hostile *h, struct ring *r, uint64_t addr, uint32_t len)
{
	ring_desc(r, 0, addr, len, ring_way(h), 0);
	ring_put(r, 0);
}

static void next_out_of_range(struct hostile *h, struct ring *r)
{
	static const uint16_t next[] = {RING_SIZE, RING_SIZE + 1, 0x8000, 0xffff};

	ring_desc(r, 0, BUF, 16, ring_way(h) | NEXT, next[h->variant]);
	ring_put(r, 0);
}

static void head_out_of_range(struct hostile *h, struct ring *r)
{
	ring_put(r, h->variant ? 0xffff : RING_SIZE);
}

static void loop(struct hostile *h, struct ring *r)
{
	for (uint32_t i = 0; i < RING_SIZE; i++)
		ring_desc(r, i, BUF + 64 * i, 16, ring_way(h) | NEXT, (i + 1) % 8);
	ring_put(r, 0);
}

static void loop_of_one(struct hostile *h, struct ring *r)
{
	ring_desc(r, 5, BUF, 16, ring_way(h) | NEXT, 5);
	ring_put(r, 5);
}

/* Unusual, and allowed. */
static void whole_ring(struct hostile *h, struct ring *r)
{
	for (uint32_t i = 0; i < RING_SIZE; i++)
		ring_desc(r, i, BUF + 64 * i, 64, ring_way(h) | (i + 1 < RING_SIZE ? NEXT : 0),
			  i + 1);
	ring_put(r, 0);
}

static void zero_buffer(struct hostile *h, struct ring *r)
{
	ring_desc(r, 0, BUF, 16, ring_way(h) | NEXT, 1);
	ring_desc(r, 1, BUF + 64, 0, ring_way(h), 0);
	ring_put(r, 0);
}

static void zero_chain(struct hostile *h, struct ring *r)
{
	(void)h;
	for (uint32_t i = 0; i < RING_SIZE; i++)
		ring_desc(r, i, 0, 0, 0, 0);
	ring_put(r, 0);
}

static void outside(struct hostile *h, struct ring *r)
{
	const uint64_t at[] = {h->ram, UINT64_C(0xb0000000), UINT64_C(1) << 32, UINT64_C(1) << 52};

	one(h, r, at[h->variant], 64);
}

static void across_end(struct hostile *h, struct ring *r)
{
	one(h, r, h->ram - 32, 64);
}

static void wraps(struct hostile *h, struct ring *r)
{
	one(h, r, UINT64_MAX - 31 * h->variant, 64);
}

static void in_a_bar(struct hostile *h, struct ring *r)
{
	const uint64_t at[] = {h->pci->bar[0], VMM_HPC_BASE, VMM_ECAM_BASE, VMM_LAPIC_BASE};

	one(h, r, at[h->variant], 64);
}

static void huge(struct hostile *h, struct ring *r)
{
	one(h, r, h->variant ? BUF : 0, UINT32_MAX);
}

static volatile struct vring_desc *table_at(uint64_t gpa)
{
	return (volatile struct vring_desc *)(uintptr_t)gpa;
}

static void table_desc(uint32_t i, uint64_t addr, uint32_t len, uint32_t flags, uint32_t next)
{
	volatile struct vring_desc *d = table_at(TABLE) + i;

	d->addr = addr;
	d->len = len;
	d->flags = (uint16_t)flags;
	d->next = (uint16_t)next;
}

static void table(struct ring *r, uint64_t addr, uint32_t len, uint32_t flags)
{
	ring_desc(r, 0, addr, len, INDIRECT | flags, 1);
	ring_put(r, 0);
}

static void not_negotiated(struct hostile *h, struct ring *r)
{
	table_desc(0, BUF, 64, ring_way(h), 0);
	table(r, TABLE, 16, 0);
}

static void inside_indirect(struct hostile *h, struct ring *r)
{
	(void)h;
	table_desc(0, TABLE, 32, INDIRECT, 0);
	table(r, TABLE, 32, 0);
}

static void indirect_with_next(struct hostile *h, struct ring *r)
{
	table_desc(0, BUF, 64, ring_way(h), 0);
	table(r, TABLE, 16, NEXT);
}

static void indirect_length(struct hostile *h, struct ring *r)
{
	static const uint32_t len[] = {0, 1, 15, 17, 0x80000000u, UINT32_MAX};

	table_desc(0, BUF, 64, ring_way(h), 0);
	table(r, TABLE, len[h->variant], 0);
}

static void indirect_outside(struct hostile *h, struct ring *r)
{
	const uint64_t at[] = {h->ram, h->ram - 16, UINT64_MAX - 15, h->pci->bar[0]};

	table(r, at[h->variant], 32, 0);
}

static void indirect_loop(struct hostile *h, struct ring *r)
{
	for (uint32_t i = 0; i < 8; i++)
		table_desc(i, BUF, 16, ring_way(h) | NEXT, h->variant ? 8 + i : (i + 1) % 8);
	table(r, TABLE, 128, 0);
}

static void read_behind_write(struct hostile *h, struct ring *r)
{
	(void)h;
	ring_desc(r, 0, BUF, 64, VRING_DESC_F_WRITE | NEXT, 1);
	ring_desc(r, 1, BUF + 64, 64, 0, 0);
	ring_put(r, 0);
}

static void index_jump(struct hostile *h, struct ring *r)
{
	static const uint16_t jump[] = {RING_SIZE + 1, 0x7fff, 0xffff};

	r->avail->idx = jump[h->variant];
}

static void duplicate_head(struct hostile *h, struct ring *r)
{
	(void)h;
	for (uint32_t i = 0; i < RING_SIZE; i++)
		ring_put(r, 0);
}

#define CHAIN(title, fn, n, bad)                                                                   \
	{                                                                                          \
		.name = (title), .kinds = ON_VIRTIO, .run = chain, .build = (fn), .variants = (n), \
		.breaks = (bad)                                                                    \
	}
#define TABLE_CHAIN(title, fn, n)                                                                  \
	{                                                                                          \
		.name = (title), .kinds = ON_VIRTIO, .run = chain, .build = (fn), .variants = (n), \
		.breaks = true, .features = BIT64(VIRTIO_RING_F_INDIRECT_DESC)                     \
	}

static const struct hostile_case cases[] = {
	CHAIN("ring-01-next-out-of-range", next_out_of_range, 4, true),
	CHAIN("ring-02-head-out-of-range", head_out_of_range, 2, true),
	CHAIN("ring-03-loop", loop, 1, true),
	CHAIN("ring-04-descriptor-follows-itself", loop_of_one, 1, true),
	CHAIN("ring-05-chain-of-the-whole-ring", whole_ring, 1, false),
	CHAIN("ring-06-buffer-of-length-0", zero_buffer, 1, true),
	CHAIN("ring-07-chain-of-length-0", zero_chain, 1, true),
	CHAIN("ring-08-buffer-outside-memory", outside, 4, true),
	CHAIN("ring-09-buffer-across-the-end", across_end, 1, true),
	CHAIN("ring-10-buffer-wraps", wraps, 3, true),
	CHAIN("ring-11-buffer-in-a-bar", in_a_bar, 4, true),
	CHAIN("ring-12-buffer-of-4-gib", huge, 2, true),
	CHAIN("ring-13-indirect-not-negotiated", not_negotiated, 1, true),
	TABLE_CHAIN("ring-14-indirect-in-indirect", inside_indirect, 1),
	TABLE_CHAIN("ring-15-indirect-with-next", indirect_with_next, 1),
	TABLE_CHAIN("ring-16-indirect-odd-length", indirect_length, 6),
	TABLE_CHAIN("ring-17-indirect-outside-memory", indirect_outside, 4),
	TABLE_CHAIN("ring-18-indirect-loop", indirect_loop, 2),
	CHAIN("ring-19-read-behind-write", read_behind_write, 1, true),
	CHAIN("ring-20-index-jump", index_jump, 3, true),
	CHAIN("ring-21-duplicate-head", duplicate_head, 1, false),
};

const struct hostile_set chain_set = {cases, sizeof(cases) / sizeof(cases[0])};

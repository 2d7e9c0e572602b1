/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring.h"

#include <string.h>

#define RESET_US  5000000u
#define ANSWER_US 5000000u
#define NET_HDR	  12u
#define FRAME	  60u

static void common_write(struct hostile *h, struct ring *r, uint32_t off, uint32_t width,
			 uint64_t val)
{
	hostile_write(h, r->common + off, width, val);
}

int ring_find(struct hostile *h, struct ring *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned int i = 0; i < h->pci->n_vendor_caps; i++) {
		const struct pciscan_vendor_cap *v = &h->pci->vendor_cap[i];

		if (v->bar >= PCISCAN_BARS)
			continue;
		if (v->type == VIRTIO_PCI_CAP_COMMON_CFG)
			r->common = h->pci->bar[v->bar] + v->offset;
		if (v->type == VIRTIO_PCI_CAP_NOTIFY_CFG) {
			r->notify = h->pci->bar[v->bar] + v->offset;
			r->step = v->extra;
		}
	}
	if (!r->common || !r->notify)
		return hostile_wrong(h, "no virtio capabilities");
	return 0;
}

void ring_status(struct hostile *h, struct ring *r, uint32_t status)
{
	common_write(h, r, COMMON(device_status), 1, status);
}

uint32_t ring_status_get(struct hostile *h, struct ring *r)
{
	return (uint32_t)hostile_read(h, r->common + COMMON(device_status), 1);
}

int ring_reset(struct hostile *h, struct ring *r)
{
	uint64_t since = guest_tsc();

	do {
		ring_status(h, r, 0);
		if (ring_status_get(h, r) == 0)
			return 0;
	} while (!hostile_late(since, RESET_US));
	return hostile_wrong(h, "a reset does not end");
}

void ring_features(struct hostile *h, struct ring *r, uint64_t features)
{
	features |= BIT64(VIRTIO_F_VERSION_1);
	for (uint32_t i = 0; i < 2; i++) {
		common_write(h, r, COMMON(guest_feature_select), 4, i);
		common_write(h, r, COMMON(guest_feature), 4, features >> (32 * i));
	}
	ring_status(h, r,
		    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK);
}

void ring_place(struct hostile *h, struct ring *r, uint32_t queue, uint64_t desc, uint64_t avail,
		uint64_t used)
{
	common_write(h, r, COMMON(queue_select), 2, queue);
	common_write(h, r, COMMON(queue_size), 2, RING_SIZE);
	common_write(h, r, COMMON(queue_desc_lo), 8, desc);
	common_write(h, r, COMMON(queue_avail_lo), 8, avail);
	common_write(h, r, COMMON(queue_used_lo), 8, used);
	common_write(h, r, COMMON(queue_enable), 2, 1);
}

static void ring_memory(struct hostile *h, struct ring *r, uint32_t queue)
{
	memset((void *)(uintptr_t)RING_AT, 0, RING_BUF);
	r->size = RING_SIZE;
	r->queue = queue;
	r->posted = r->seen = 0;
	r->desc = (void *)(uintptr_t)RING_AT;
	r->avail = (void *)(uintptr_t)(RING_AT + RING_AVAIL);
	r->used = (void *)(uintptr_t)(RING_AT + RING_USED);
	ring_place(h, r, queue, RING_AT, RING_AT + RING_AVAIL, RING_AT + RING_USED);
	if (!(BIT32(h->kind) & ON_NET))
		return;
	for (uint32_t q = 0; q < 2; q++) {
		uint64_t at = RING_AT + RING_OTHER + q * 0x4000;

		if (q != queue)
			ring_place(h, r, q, at, at + 0x1000, at + 0x2000);
	}
}

int ring_open(struct hostile *h, struct ring *r, uint32_t queue, uint64_t features)
{
	int e = ring_find(h, r);

	if (e < 0)
		return e;
	e = ring_reset(h, r);
	if (e < 0)
		return e;
	ring_features(h, r, features);
	if (!(ring_status_get(h, r) & VIRTIO_CONFIG_S_FEATURES_OK))
		return hostile_wrong(h, "features of the table were refused");
	ring_memory(h, r, queue);
	ring_status(h, r, VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

uint32_t ring_data_queue(const struct hostile *h)
{
	return BIT32(h->kind) & ON_NET ? 1 : 0;
}

void ring_desc(struct ring *r, uint32_t i, uint64_t addr, uint32_t len, uint32_t flags,
	       uint32_t next)
{
	r->desc[i].addr = addr;
	r->desc[i].len = len;
	r->desc[i].flags = (uint16_t)flags;
	r->desc[i].next = (uint16_t)next;
}

void ring_put(struct ring *r, uint32_t head)
{
	r->avail->ring[r->posted++ % r->size] = (uint16_t)head;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r->avail->idx = r->posted;
}

void ring_kick(struct hostile *h, struct ring *r)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	hostile_write(h, r->notify + (uint64_t)r->queue * r->step, 2, r->queue);
}

bool ring_used(struct ring *r, uint32_t us)
{
	uint64_t since = guest_tsc();

	while (r->used->idx == r->seen) {
		if (hostile_late(since, us))
			return false;
		__builtin_ia32_pause();
	}
	r->seen++;
	return true;
}

int ring_broken(struct hostile *h, struct ring *r)
{
	uint64_t since = guest_tsc();

	while (!(ring_status_get(h, r) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		if (hostile_late(since, ANSWER_US))
			return hostile_wrong(h, "the device did not ask for a reset");
		hostile_wait(100);
	}
	return 0;
}

/* Which way data of a plain request goes. */
uint32_t ring_way(const struct hostile *h)
{
	return h->kind == KIND_RNG ? VRING_DESC_F_WRITE : 0;
}

/* Descriptors from 0 on: a request that any driver could make. */
void ring_request(struct hostile *h, struct ring *r)
{
	uint64_t at = RING_AT + RING_BUF;
	uint8_t *buf = (uint8_t *)(uintptr_t)at;

	memset(buf, 0, 4096);
	switch (h->kind) {
	case KIND_RNG:
		ring_desc(r, 0, at, 64, VRING_DESC_F_WRITE, 0);
		break;
	case KIND_BLK:
		buf[1024] = 0xff; /* the status */
		ring_desc(r, 0, at, sizeof(struct virtio_blk_outhdr), VRING_DESC_F_NEXT, 1);
		ring_desc(r, 1, at + 512, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
		ring_desc(r, 2, at + 1024, 1, VRING_DESC_F_WRITE, 0);
		break;
	default:
		/* to itself: a flood of the whole bridge would drown others by numbers alone */
		buf[NET_HDR] = buf[NET_HDR + 6] = 0x02;
		buf[NET_HDR + 5] = buf[NET_HDR + 11] = (uint8_t)h->slot;
		buf[NET_HDR + 12] = 0x88; /* an EtherType for experiments */
		buf[NET_HDR + 13] = 0xb5;
		ring_desc(r, 0, at, NET_HDR + FRAME, 0, 0);
		break;
	}
}

/* Whatever happened: after a reset the device serves as if nothing had. */
int ring_good(struct hostile *h)
{
	const uint8_t *buf = (const uint8_t *)(uintptr_t)(RING_AT + RING_BUF);
	struct ring r;
	int e = ring_open(h, &r, ring_data_queue(h), 0);

	if (e < 0)
		return e;
	ring_request(h, &r);
	ring_put(&r, 0);
	ring_kick(h, &r);
	if (!ring_used(&r, ANSWER_US))
		return hostile_wrong(h, "no answer after a reset");
	if (h->kind == KIND_BLK && buf[1024] != VIRTIO_BLK_S_OK)
		return hostile_wrong(h, "the disk does not read after a reset");
	return ring_reset(h, &r);
}

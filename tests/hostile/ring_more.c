/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings that are misplaced, changed, reset and kicked at the wrong time; requests in good chains.
 */
#include "ring.h"

#include <linux/pci_regs.h>
#include <linux/virtio_net.h>

#define BUF    (RING_AT + RING_BUF)
#define ROUNDS 20u

/* ---- 22: rings where no ring can be ----------------------------------------------------- */

static int misplaced(struct hostile *h)
{
	const uint64_t at[] = {h->pci->bar[0],	  VMM_ECAM_BASE,   h->ram,
			       h->ram - 16,	  UINT64_MAX - 15, UINT64_MAX - 4095,
			       UINT64_C(1) << 63, RING_AT + 1};
	struct ring r;
	int e = ring_find(h, &r);

	for (unsigned int i = 0; e == 0 && i < 3 * sizeof(at) / sizeof(at[0]); i++) {
		uint64_t bad = at[i / 3];

		e = ring_reset(h, &r);
		if (e < 0)
			return e;
		ring_features(h, &r, 0);
		ring_place(h, &r, 0, i % 3 == 0 ? bad : RING_AT,
			   i % 3 == 1 ? bad : RING_AT + RING_AVAIL,
			   i % 3 == 2 ? bad : RING_AT + RING_USED);
		ring_status(h, &r, VIRTIO_CONFIG_S_DRIVER_OK);
		ring_kick(h, &r);
		e = ring_broken(h, &r);
	}
	return e < 0 ? e : ring_good(h);
}

/* ---- 23, 24: when it does not expect it ------------------------------------------------- */

static void many(struct hostile *h, struct ring *r)
{
	/* a request that takes its time; of a disk three descriptors, so every third head */
	uint32_t step = h->kind == KIND_BLK ? 3 : 1;

	ring_request(h, r);
	for (uint32_t i = 0; i + step <= RING_SIZE; i += step) {
		for (uint32_t k = 0; i && k < step; k++)
			ring_desc(r, i + k, r->desc[k].addr, r->desc[k].len, r->desc[k].flags,
				  r->desc[k].flags & VRING_DESC_F_NEXT ? i + k + 1 : 0);
		ring_put(r, i);
	}
}

static int reset_in_flight(struct hostile *h)
{
	struct ring r;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		int e = ring_open(h, &r, ring_data_queue(h), 0);

		if (e < 0)
			return e;
		many(h, &r);
		ring_kick(h, &r);
		switch (i % 3) {
		case 0:
			ring_status(h, &r, 0);
			break;
		case 1:
			hostile_command(h, PCI_COMMAND_MEMORY); /* no bus master */
			hostile_command(h, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
			break;
		default:
			hostile_command(h, 0);
			hostile_command(h, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
			break;
		}
	}
	return ring_good(h);
}

static int kick_storm(struct hostile *h)
{
	struct ring r;
	int e = ring_open(h, &r, ring_data_queue(h), 0);

	if (e < 0)
		return e;
	for (unsigned int i = 0; i < 400; i++) {
		/* also rings that are not there, at every width */
		uint32_t off = i & 1 ? r.queue * r.step : hostile_below(h, 0x1000);

		hostile_write(h, r.notify + off, i % 3 ? 2 : hostile_width(h), hostile_random(h));
	}
	return ring_good(h);
}

/* ---- more ------------------------------------------------------------------------------- */

static void scribble(struct hostile *h, struct ring *r)
{
	for (unsigned int i = 0; i < 200; i++) {
		uint32_t d = hostile_below(h, RING_SIZE);

		switch (hostile_below(h, 5)) {
		case 0:
			r->desc[d].addr = hostile_random(h) >> hostile_below(h, 64);
			break;
		case 1:
			r->desc[d].len = (uint32_t)hostile_random(h) >> hostile_below(h, 32);
			break;
		case 2:
			r->desc[d].flags = (uint16_t)hostile_below(h, 8);
			r->desc[d].next = (uint16_t)hostile_below(h, RING_SIZE + 2);
			break;
		case 3:
			r->used->idx = (uint16_t)hostile_random(h);
			break;
		default:
			r->avail->ring[hostile_below(h, RING_SIZE)] =
				(uint16_t)hostile_below(h, RING_SIZE + 1);
			break;
		}
	}
}

static int changed_in_flight(struct hostile *h)
{
	struct ring r;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		int e = ring_open(h, &r, ring_data_queue(h),
				  i & 1 ? BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
						  BIT64(VIRTIO_RING_F_EVENT_IDX)
					: 0);

		if (e < 0)
			return e;
		many(h, &r);
		ring_kick(h, &r);
		scribble(h, &r);
		many(h, &r);
		ring_kick(h, &r);
	}
	return ring_good(h);
}

/* Frames that the test sends all the time meet buffers that are garbage. */
static int receive(struct hostile *h)
{
	struct ring r;

	for (unsigned int i = 0; i < 4; i++) {
		int e = ring_open(h, &r, 0, i & 1 ? BIT64(VIRTIO_NET_F_MRG_RXBUF) : 0);

		if (e < 0)
			return e;
		for (uint32_t k = 0; k < RING_SIZE; k++) {
			ring_desc(&r, k, BUF + 2048 * k, 1 + hostile_below(h, 80),
				  VRING_DESC_F_WRITE, 0);
			ring_put(&r, k);
		}
		if (i & 2)
			scribble(h, &r);
		ring_kick(h, &r);
		(void)ring_used(&r, 30000);
		scribble(h, &r);
		hostile_wait(10000);
	}
	return ring_good(h);
}

static int registers(struct hostile *h)
{
	struct ring r;
	int e = ring_find(h, &r);

	for (unsigned int i = 0; e == 0 && i < 500; i++) {
		uint32_t width = hostile_width(h);
		uint64_t off = hostile_below(h, 0x40) & ~(width - 1);
		/* small numbers are more often sizes, bits and rings than large ones */
		uint64_t val = i & 1 ? hostile_below(h, 16) : hostile_random(h);

		hostile_write(h, r.common + off, width, val);
		if (i % 50 == 0)
			ring_kick(h, &r);
	}
	return e < 0 ? e : ring_good(h);
}

static int order(struct hostile *h)
{
	static const uint8_t status[] = {
		VIRTIO_CONFIG_S_DRIVER_OK,   VIRTIO_CONFIG_S_FEATURES_OK, 0xff,
		VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_CONFIG_S_FAILED,	  4};
	struct ring r;
	int e = ring_find(h, &r);

	for (unsigned int i = 0; e == 0 && i < sizeof(status); i++) {
		e = ring_reset(h, &r);
		if (i & 1)
			ring_features(h, &r, UINT64_MAX);
		ring_status(h, &r, status[i]);
		ring_place(h, &r, 0, RING_AT, RING_AT + RING_AVAIL, RING_AT + RING_USED);
		ring_status(h, &r, VIRTIO_CONFIG_S_DRIVER_OK);
		ring_kick(h, &r);
		if (!(i & 1) || e < 0)
			continue;
		if (ring_status_get(h, &r) & VIRTIO_CONFIG_S_FEATURES_OK)
			return hostile_wrong(h, "features that were never offered are in use");
	}
	return e < 0 ? e : ring_good(h);
}

/* The window to the registers in configuration space. */
static int window(struct hostile *h)
{
	uint32_t at = cfg_read(h, PCI_CAPABILITY_LIST) & 0xfc;

	for (unsigned int n = 0; n < 16 && at; n++) {
		uint32_t head = cfg_read(h, at);

		if ((head & 0xff) == PCI_CAP_ID_VNDR && head >> 24 == VIRTIO_PCI_CAP_PCI_CFG)
			break;
		at = head >> 8 & 0xfc;
	}
	if (!at)
		return hostile_wrong(h, "no window capability");
	for (unsigned int i = 0; i < 100; i++) {
		hostile_write(h, hostile_cfg(h->slot, at + 4), 1, i & 1 ? 0 : hostile_random(h));
		cfg_write(h, at + 8, i & 2 ? hostile_below(h, 0x40) : (uint32_t)hostile_random(h));
		cfg_write(h, at + 12, i & 4 ? hostile_below(h, 9) : (uint32_t)hostile_random(h));
		hostile_write(h, hostile_cfg(h->slot, at + 16), hostile_width(h),
			      hostile_random(h));
		(void)cfg_read(h, at + 16);
	}
	return ring_good(h);
}

static int disk_requests(struct hostile *h)
{
	struct virtio_blk_outhdr *hdr = (void *)(uintptr_t)BUF;
	struct ring r;

	for (unsigned int i = 0; i < 60; i++) {
		int e = ring_open(h, &r, 0, i & 1 ? BIT64(VIRTIO_BLK_F_FLUSH) : 0);

		if (e < 0)
			return e;
		ring_request(h, &r);
		hdr->type = i % 3 ? hostile_below(h, 16) : (uint32_t)hostile_random(h);
		hdr->sector = hostile_random(h) >> hostile_below(h, 64);
		if (i % 4 == 1)
			r.desc[0].len = hostile_below(h, 15) + 1;
		if (i % 4 == 2)
			r.desc[1].len = hostile_below(h, 4096) + 1;
		if (i % 4 == 3)
			r.desc[hostile_below(h, 2)].flags &= (uint16_t)~VRING_DESC_F_NEXT;
		ring_put(&r, 0);
		ring_kick(h, &r);
		(void)ring_used(&r, 1000);
	}
	return ring_good(h);
}

static int net_headers(struct hostile *h)
{
	volatile struct virtio_net_hdr_v1 *hdr = (void *)(uintptr_t)BUF;
	uint64_t offloads = h->kind == KIND_TAP
				    ? BIT64(VIRTIO_NET_F_CSUM) | BIT64(VIRTIO_NET_F_HOST_TSO4) |
					      BIT64(VIRTIO_NET_F_HOST_TSO6)
				    : 0;
	struct ring r;
	int e = ring_open(h, &r, 1, offloads);

	for (unsigned int i = 0; e == 0 && i < 80; i++) {
		ring_request(h, &r);
		hdr->flags = (uint8_t)hostile_random(h);
		hdr->gso_type = (uint8_t)(i & 1 ? hostile_below(h, 6) : hostile_random(h));
		hdr->hdr_len = (uint16_t)hostile_random(h);
		hdr->gso_size = (uint16_t)(i & 2 ? hostile_below(h, 3) : hostile_random(h));
		hdr->csum_start = (uint16_t)hostile_random(h);
		hdr->csum_offset = (uint16_t)hostile_random(h);
		r.desc[0].len = i % 5 ? 12 + hostile_below(h, 9000) : 1 + hostile_below(h, 30);
		ring_put(&r, 0);
		ring_kick(h, &r);
		(void)ring_used(&r, 500);
	}
	return e < 0 ? e : ring_good(h);
}

static int control_queue(struct hostile *h)
{
	uint64_t multi = BIT64(VIRTIO_NET_F_MQ) | BIT64(VIRTIO_NET_F_CTRL_VQ);
	uint8_t *cmd = (uint8_t *)(uintptr_t)BUF;
	struct ring r;

	for (unsigned int i = 0; i < 30; i++) {
		int e = ring_open(h, &r, 4, multi);

		if (e < 0)
			return e;
		for (unsigned int k = 0; k < 16; k++)
			cmd[k] = (uint8_t)(i & 1 ? hostile_below(h, 6) : hostile_random(h));
		ring_desc(&r, 0, BUF, 1 + hostile_below(h, 16), VRING_DESC_F_NEXT, 1);
		ring_desc(&r, 1, BUF + 64, 1 + hostile_below(h, 3), i % 3 ? VRING_DESC_F_WRITE : 0,
			  0);
		ring_put(&r, 0);
		ring_kick(h, &r);
		(void)ring_used(&r, 500);
	}
	return ring_good(h);
}

static const struct hostile_case cases[] = {
	CASE("ring-22-ring-in-a-bar", ON_VIRTIO, LOSS_NONE, misplaced),
	CASE("ring-23-reset-in-flight", ON_VIRTIO, LOSS_NONE, reset_in_flight),
	CASE("ring-24-kick-storm", ON_VIRTIO, LOSS_NONE, kick_storm),
	CASE("ring-changed-in-flight", ON_VIRTIO, LOSS_NONE, changed_in_flight),
	CASE("ring-receive-garbage", ON(TAP), LOSS_NONE, receive),
	CASE("virtio-registers", ON_VIRTIO, LOSS_NONE, registers),
	CASE("virtio-order", ON_VIRTIO, LOSS_NONE, order),
	CASE("virtio-window", ON_VIRTIO, LOSS_NONE, window),
	CASE("disk-requests", ON(BLK), LOSS_NONE, disk_requests),
	CASE("net-headers", ON_NET, LOSS_NONE, net_headers),
	CASE("net-control-queue", ON(TAP), LOSS_NONE, control_queue),
};

const struct hostile_set ring_set = {cases, sizeof(cases) / sizeof(cases[0])};

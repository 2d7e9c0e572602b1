#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver for one ring of a virtio function, which does what it is told, right or wrong. The ring
 * lies at RING_AT, buffers behind it; of a network function the other ring of the pair is set up
 * and left empty, as rings start in pairs.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include "hostile.h"

#define RING_AT	   0x1000000u
#define RING_SIZE  64u
#define RING_AVAIL 0x4000u
#define RING_USED  0x8000u
#define RING_OTHER 0x10000u /* the pair's other ring */
#define RING_TABLE 0x20000u /* for indirect tables */
#define RING_BUF   0x40000u
#define RING_BYTES 0x100000u

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)

struct ring {
	uint64_t common, notify; /* guest-physical; 0: no such capability */
	uint32_t step;
	uint32_t queue;
	uint16_t size;
	uint16_t posted, seen;
	volatile struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
};

/* ring.c; int: 0, or what hostile_wrong() says */
int ring_find(struct hostile *h, struct ring *r);
void ring_status(struct hostile *h, struct ring *r, uint32_t status);
uint32_t ring_status_get(struct hostile *h, struct ring *r);
int ring_reset(struct hostile *h, struct ring *r);
void ring_features(struct hostile *h, struct ring *r, uint64_t features);
void ring_place(struct hostile *h, struct ring *r, uint32_t queue, uint64_t desc, uint64_t avail,
		uint64_t used);
int ring_open(struct hostile *h, struct ring *r, uint32_t queue, uint64_t features);
uint32_t ring_data_queue(const struct hostile *h);
void ring_desc(struct ring *r, uint32_t i, uint64_t addr, uint32_t len, uint32_t flags,
	       uint32_t next);
void ring_put(struct ring *r, uint32_t head);
void ring_kick(struct hostile *h, struct ring *r);
bool ring_used(struct ring *r, uint32_t us);
int ring_broken(struct hostile *h, struct ring *r);
uint32_t ring_way(const struct hostile *h);
void ring_request(struct hostile *h, struct ring *r);
int ring_good(struct hostile *h);

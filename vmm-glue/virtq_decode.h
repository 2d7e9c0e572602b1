#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver wrote into a split ring, decoded: available indices and chains of descriptors.
 * Pure: the caller fetches each descriptor once, by value, and turns addresses into pointers. A
 * chain that breaks a rule is refused with a sentence, and nothing of it is used.
 *
 * Source: [VIRTIO] 2.7.
 */
#include <lib/cleanup.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQ_SIZE_MAX	  1024u
#define VIRTQ_SEGS_MAX	  256u	      /* buffers of one chain */
#define VIRTQ_CHAIN_BYTES (16u << 20) /* all buffers of one chain together */

struct virtq_seg {
	uint64_t gpa;
	uint32_t len;
	bool write; /* the device fills it */
};

/* A walk along one chain. seg[0..n) are the buffers found so far. */
struct virtq_walk {
	uint32_t next;	    /* descriptor to fetch */
	uint32_t table_len; /* descriptors in the table that next is an index of */
	uint32_t visited;   /* of this table */
	bool indirect;	    /* in the table at table_gpa */
	bool indirect_ok;   /* negotiated */
	bool writes;	    /* a buffer to fill was seen: only such may follow */
	uint64_t table_gpa;
	uint32_t n;
	uint64_t bytes;
	const char *why; /* of -EBADMSG: constant text */
	struct virtq_seg seg[VIRTQ_SEGS_MAX];
};

enum virtq_step {
	VIRTQ_END,   /* the chain is complete */
	VIRTQ_MORE,  /* fetch descriptor 'next' of the same table */
	VIRTQ_TABLE, /* from here on 'next' is an index into the table at table_gpa */
};

/**
 * virtq_avail_new() - entries that the driver made available since @seen
 * @why: set on failure
 *
 * Context: any; pure. Return: 0 to @size; -EBADMSG more than the ring can hold. Source: [VIRTIO]
 * 2.7.6.
 */
int virtq_avail_new(uint16_t idx, uint16_t seen, uint16_t size, const char **why) _must_check_;

/**
 * virtq_walk_begin() - start at @head of the ring's own table of @size descriptors
 * @indirect_ok: VIRTIO_RING_F_INDIRECT_DESC was negotiated
 *
 * Context: any; pure. Return: 0; -EBADMSG no such descriptor. Source: [VIRTIO] 2.7.5.
 */
int virtq_walk_begin(struct virtq_walk *w, uint16_t head, uint16_t size,
		     bool indirect_ok) _must_check_;

/**
 * virtq_walk_step() - take in the descriptor that was fetched at w->next
 * @d: a private copy
 *
 * Context: any; pure. Return: enum virtq_step; -EBADMSG with w->why. Source: [VIRTIO] 2.7.5.
 */
int virtq_walk_step(struct virtq_walk *w, const struct vring_desc *d) _must_check_;

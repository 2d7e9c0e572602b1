#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's side of a split ring that the VMM serves itself. One thread serves a queue; the
 * driver is hostile: indices, descriptors and addresses are copied once and checked, and the first
 * broken rule stops the queue until the device is reset (virtq_next() then says -EBADMSG for ever).
 *
 * Source: [VIRTIO] 2.7.
 */
#include <stdatomic.h>
#include <sys/uio.h>
#include "virtq_decode.h"

/* Where a ring is, and how its two sides wake each other. */
struct virtq_map {
	uint16_t size; /* descriptors, power of two; 0: the driver does not use this ring */
	uint16_t base; /* index of the first available entry to look at */
	void *desc;    /* host addresses; every byte of the ring is there */
	void *avail;
	void *used;
	int kick_fd;
	int call_fd; /* -1: the driver wants no interrupt */
};

/* Whose memory the addresses in descriptors are of. */
struct virtq_mem {
	/* NULL: [gpa, gpa + len) is not wholly in memory. Any thread. */
	void *(*ptr)(void *ctx, uint64_t gpa, size_t len);
	void *ctx;
};

struct virtq_chain {
	uint16_t head;
	uint32_t n_out; /* iov[0..n_out): to read */
	uint32_t n_in;	/* iov[n_out..n_out + n_in): to fill */
	size_t out_bytes;
	size_t in_bytes;
	struct iovec iov[VIRTQ_SEGS_MAX];
};

struct virtq {
	struct virtq_map map;
	struct virtq_mem mem;
	bool indirect;
	bool event_idx;
	uint16_t seen; /* next available entry to take */
	uint16_t used; /* next used entry to write */
	uint16_t told; /* used index at the last decision to interrupt */
	_Atomic int call_fd;
	const char *broken;			 /* NULL: fine; constant text */
	uint64_t in_flight[VIRTQ_SIZE_MAX / 64]; /* heads that the device holds */
	struct virtq_walk walk;
};

/**
 * virtq_init() - serve the ring at @map from map->base on
 * @features: virtio features that the driver accepted
 *
 * Used entries go on where the ring's used index stands. map->size is 1 to VIRTQ_SIZE_MAX and a
 * power of two.
 *
 * Context: the thread that will serve it, or before that starts. Source: [VIRTIO] 2.7.
 */
void virtq_init(struct virtq *q, const struct virtq_map *map, const struct virtq_mem *mem,
		uint64_t features);

/**
 * virtq_next() - take the next chain
 *
 * Context: the serving thread. Return: 1 @c is filled and belongs to the device until virtq_put();
 * 0 nothing there; -EBADMSG the driver broke a rule, now or before: q->broken. Source: [VIRTIO]
 * 2.7.13.
 */
int virtq_next(struct virtq *q, struct virtq_chain *c) _must_check_;

/**
 * virtq_back() - undo the latest virtq_next(): the chain stays available
 *
 * Context: the serving thread. Source: -.
 */
void virtq_back(struct virtq *q, uint16_t head);

/**
 * virtq_put() - chain @head is done, @len bytes were filled; seen by the driver at virtq_flush()
 *
 * Context: the serving thread. Source: [VIRTIO] 2.7.8.
 */
void virtq_put(struct virtq *q, uint16_t head, uint32_t len);

/**
 * virtq_flush() - show what was put, and interrupt if the driver wants it
 *
 * Context: the serving thread. Source: [VIRTIO] 2.7.7, 2.7.10.
 */
void virtq_flush(struct virtq *q);

/**
 * virtq_idle() - ask for kicks; false: something came meanwhile, go on
 *
 * Context: the serving thread. Return: true if it may sleep on kick_fd. Source: [VIRTIO] 2.7.10.
 */
bool virtq_idle(struct virtq *q);

/**
 * virtq_busy() - no kicks wanted until virtq_idle()
 *
 * Context: the serving thread. Source: [VIRTIO] 2.7.10.
 */
void virtq_busy(struct virtq *q);

/**
 * virtq_base() - where a successor has to go on
 *
 * Context: when nobody serves it. Return: virtq_map.base of the successor. Source: -.
 */
uint16_t virtq_base(const struct virtq *q);

/**
 * virtq_used_index() - how far the device's side of the ring at @map has come, as its memory says
 *
 * Context: any thread. Return: the used index. Source: [VIRTIO] 2.7.8.
 */
uint16_t virtq_used_index(const struct virtq_map *map);

/**
 * iov_out() - copy @len bytes from @off of @iov[0..n) into @buf
 *
 * Context: any thread. Return: bytes copied: fewer when the buffers end. Source: -.
 */
size_t iov_out(const struct iovec *iov, uint32_t n, size_t off, void *buf, size_t len);

/**
 * iov_in() - copy @len bytes of @buf to @off of @iov[0..n)
 *
 * Context: any thread. Return: bytes copied: fewer when the buffers end. Source: -.
 */
size_t iov_in(const struct iovec *iov, uint32_t n, size_t off, const void *buf, size_t len);

/**
 * iov_cut() - @len bytes from @off of @iov[0..n), as buffers of their own
 * @out: room for n entries
 *
 * Context: any thread. Return: entries of @out. Source: -.
 */
uint32_t iov_cut(const struct iovec *iov, uint32_t n, size_t off, size_t len, struct iovec *out);

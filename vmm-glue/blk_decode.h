#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request to a virtio disk, decoded. Pure: header and lengths in, what to do out.
 *
 * Source: [VIRTIO] 5.2.6.
 */
#include <lib/cleanup.h>
#include <linux/virtio_blk.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLK_SECTOR 512u

enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,
	BLK_ID,
};

struct blk_request {
	enum blk_op op;
	uint64_t offset; /* bytes */
	uint64_t len;	 /* bytes of data */
};

struct blk_limits {
	uint64_t sectors;
	bool readonly;
};

/**
 * blk_decode() - what request @hdr wants
 * @out_len: bytes to read behind the header
 * @in_len:  bytes to fill before the status byte
 *
 * Context: any; pure. Return: 0; -ENOTSUP a type that the device does not have; -EROFS; -ERANGE
 * beyond the end; -EINVAL lengths that do not fit the type. Source: [VIRTIO] 5.2.6.
 */
int blk_decode(const struct virtio_blk_outhdr *hdr, uint64_t out_len, uint64_t in_len,
	       const struct blk_limits *limits, struct blk_request *ret_req) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A disk image: a raw file or a block device behind a descriptor. Whatever goes wrong with it is an
 * I/O error of one request.
 */
#include "blk_decode.h"
#include "virtq.h"

struct blk_disk {
	int fd; /* owned by whoever has the struct */
	struct blk_limits limits;
	char id[VIRTIO_BLK_ID_BYTES];
	bool write_through; /* the driver will not flush: every write is durable when it is done */
	_Atomic uint64_t reads, writes, flushes, errors;
};

/**
 * blk_disk_init() - size and kind of what @fd is
 * @id: first bytes become the serial number that the guest sees
 *
 * Context: main thread. Return: 0; -ENOTBLK neither a file nor a block device; -EROFS @fd cannot be
 * written but @readonly is not set; -ENODATA less than one sector; -errno of fstat(2), ioctl(2).
 * Source: -.
 */
int blk_disk_init(struct blk_disk *d, int fd, bool readonly, const char *id) _must_check_;

/**
 * blk_disk_serve() - do what the request in chain @c says, and put its status byte
 *
 * Context: an I/O thread; blocks for as long as the disk does. Return: bytes of the chain that were
 * filled; -EBADMSG it has no room for header or status. Source: [VIRTIO] 5.2.6.
 */
int64_t blk_disk_serve(struct blk_disk *d, const struct virtq_chain *c);

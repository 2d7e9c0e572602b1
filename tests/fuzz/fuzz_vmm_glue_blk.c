/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's disk requests: a chain of buffers of any length, the request's header in the first
 * ones. Each buffer is a piece of heap of its own, so that one byte too many is seen; what lies
 * behind the disk's end stays as it was.
 */
#include <blk_disk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTORS 16u
#define DISK	((off_t)(SECTORS * BLK_SECTOR))
#define BUFFERS 8u

static size_t chain_fill(struct virtq_chain *c, const uint8_t *data, size_t size)
{
	size_t used = BUFFERS;

	for (unsigned int i = 0; i < BUFFERS; i++) {
		size_t len = (size_t)(data[i] & 63) * (data[i] & 64 ? 64 : 1);
		bool in = c->n_in > 0 || data[i] & 128;
		struct iovec *v = &c->iov[i];

		if (len == 0)
			len = 1;
		*v = (struct iovec){.iov_base = calloc(1, len), .iov_len = len};
		if (!v->iov_base)
			abort();
		if (in) {
			c->n_in++;
			c->in_bytes += len;
			continue;
		}
		c->n_out++;
		c->out_bytes += len;
		if (len > size - used)
			len = size - used;
		memcpy(v->iov_base, data + used, len);
		used += len;
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct blk_disk disk;
	static int fd = -1;
	struct virtq_chain c = {0};
	int64_t r;

	if (fd < 0) {
		fd = memfd_create("disk", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, DISK) < 0 || blk_disk_init(&disk, fd, false, "f") < 0)
			abort();
	}
	if (size < BUFFERS + 1)
		return 0;
	disk.limits.readonly = data[0] & 1;
	disk.write_through = data[0] & 2;
	chain_fill(&c, data + 1, size - 1);
	r = blk_disk_serve(&disk, &c);
	if (r > (int64_t)c.in_bytes || (r < 0 && r != -EBADMSG))
		abort();
	if (lseek(fd, 0, SEEK_END) != DISK)
		abort();
	for (unsigned int i = 0; i < BUFFERS; i++)
		free(c.iov[i].iov_base);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "blk_disk.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define HDR ((size_t)sizeof(struct virtio_blk_outhdr))

_Static_assert(VIRTQ_SEGS_MAX + 1 <= IOV_MAX, "a chain is one system call");

int blk_disk_init(struct blk_disk *d, int fd, bool readonly, const char *id)
{
	uint64_t bytes;
	struct stat st;
	int flags;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		bytes = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	else if (ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if ((flags & O_ACCMODE) == O_RDONLY && !readonly)
		return -EROFS;
	if (bytes < BLK_SECTOR)
		return -ENODATA;
	memset(d, 0, sizeof(*d));
	d->fd = fd;
	d->limits.sectors = bytes / BLK_SECTOR;
	d->limits.readonly = readonly;
	memcpy(d->id, id, strnlen(id, sizeof(d->id)));
	return 0;
}

/* All of it, or a failure: a file that is shorter than it was is one, and so is a full disk. */
static int transfer(struct blk_disk *d, bool write, uint64_t offset, struct iovec *iov, uint32_t n)
{
	uint32_t i = 0;

	while (i < n) {
		ssize_t done = write ? pwritev(d->fd, iov + i, (int)(n - i), (off_t)offset)
				     : preadv(d->fd, iov + i, (int)(n - i), (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -EIO;
		offset += (uint64_t)done;
		while (i < n && (size_t)done >= iov[i].iov_len)
			done -= (ssize_t)iov[i++].iov_len;
		if (done > 0) {
			iov[i].iov_base = (uint8_t *)iov[i].iov_base + done;
			iov[i].iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int flush(struct blk_disk *d)
{
	atomic_fetch_add_explicit(&d->flushes, 1, memory_order_relaxed);
	return fdatasync(d->fd) < 0 ? -errno : 0;
}

static int execute(struct blk_disk *d, const struct blk_request *req, const struct virtq_chain *c)
{
	const struct iovec *in = c->iov + c->n_out;
	struct iovec iov[VIRTQ_SEGS_MAX];
	uint32_t n;
	int r;

	switch (req->op) {
	case BLK_READ:
		atomic_fetch_add_explicit(&d->reads, 1, memory_order_relaxed);
		n = iov_cut(in, c->n_in, 0, req->len, iov);
		return transfer(d, false, req->offset, iov, n);
	case BLK_WRITE:
		atomic_fetch_add_explicit(&d->writes, 1, memory_order_relaxed);
		n = iov_cut(c->iov, c->n_out, HDR, req->len, iov);
		r = transfer(d, true, req->offset, iov, n);
		return r == 0 && d->write_through ? flush(d) : r;
	case BLK_FLUSH:
		return d->limits.readonly ? 0 : flush(d);
	case BLK_ID:
		iov_in(in, c->n_in, 0, d->id, req->len);
		return 0;
	}
	return -ENOTSUP;
}

int64_t blk_disk_serve(struct blk_disk *d, const struct virtq_chain *c)
{
	struct virtio_blk_outhdr hdr;
	struct blk_request req;
	uint8_t status;
	int r;

	if (c->out_bytes < HDR || c->in_bytes < 1)
		return -EBADMSG;
	iov_out(c->iov, c->n_out, 0, &hdr, sizeof(hdr));
	r = blk_decode(&hdr, c->out_bytes - HDR, c->in_bytes - 1, &d->limits, &req);
	if (r == 0)
		r = execute(d, &req, c);
	status = r == 0		 ? VIRTIO_BLK_S_OK
		 : r == -ENOTSUP ? VIRTIO_BLK_S_UNSUPP
				 : VIRTIO_BLK_S_IOERR;
	if (r < 0)
		atomic_fetch_add_explicit(&d->errors, 1, memory_order_relaxed);
	iov_in(c->iov + c->n_out, c->n_in, c->in_bytes - 1, &status, 1);
	/* what a failed read left behind is not told as data, only the status */
	return r == 0 ? (int64_t)c->in_bytes : 1;
}

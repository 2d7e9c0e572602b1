/* SPDX-License-Identifier: BSD-3-Clause */
#include "blk_decode.h"

static int data_check(uint64_t sector, uint64_t len, const struct blk_limits *limits)
{
	if (len % BLK_SECTOR != 0)
		return -EINVAL;
	if (sector > limits->sectors || len / BLK_SECTOR > limits->sectors - sector)
		return -ERANGE;
	return 0;
}

int blk_decode(const struct virtio_blk_outhdr *hdr, uint64_t out_len, uint64_t in_len,
	       const struct blk_limits *limits, struct blk_request *ret_req)
{
	struct blk_request req = {0};
	int r = 0;

	switch (hdr->type) {
	case VIRTIO_BLK_T_IN:
		req.op = BLK_READ;
		req.len = in_len;
		r = out_len == 0 ? data_check(hdr->sector, in_len, limits) : -EINVAL;
		break;
	case VIRTIO_BLK_T_OUT:
		req.op = BLK_WRITE;
		req.len = out_len;
		if (limits->readonly)
			return -EROFS;
		r = in_len == 0 ? data_check(hdr->sector, out_len, limits) : -EINVAL;
		break;
	case VIRTIO_BLK_T_FLUSH:
		req.op = BLK_FLUSH;
		break;
	case VIRTIO_BLK_T_GET_ID:
		req.op = BLK_ID;
		req.len = in_len < VIRTIO_BLK_ID_BYTES ? in_len : VIRTIO_BLK_ID_BYTES;
		r = out_len == 0 ? 0 : -EINVAL;
		break;
	default:
		return -ENOTSUP;
	}
	if (r < 0)
		return r;
	/* only data has an offset, and there it fits: sectors were counted from bytes */
	if (req.op == BLK_READ || req.op == BLK_WRITE)
		req.offset = hdr->sector * BLK_SECTOR;
	*ret_req = req;
	return 0;
}

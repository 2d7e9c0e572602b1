/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/guest_block.h>
#include <abi/errno.h>

#define FRAME_MIN 60u
#define FRAME_MAX 1514u
#define BURST_MAX 64u

static bool slot_ok(uint32_t slot)
{
	return slot >= 1 && slot < GUEST_IFS;
}

int guest_req_check(const struct guest_req *req)
{
	if (!slot_ok(req->slot_a))
		return -EINVAL;

	switch (req->kind) {
	case GUEST_REQ_PING:
		return req->count ? 0 : -EINVAL;
	case GUEST_REQ_THROUGHPUT:
		if (!req->duration_us || req->burst < 1 || req->burst > BURST_MAX)
			return -EINVAL;
		break;
	case GUEST_REQ_RTT:
		if (!req->count)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}

	if (!slot_ok(req->slot_b) || req->slot_a == req->slot_b)
		return -EINVAL;
	if (req->frame_bytes < FRAME_MIN || req->frame_bytes > FRAME_MAX)
		return -EINVAL;
	return 0;
}

int guest_res_check(const struct guest_req *req, const struct guest_res *res)
{
	uint64_t n = 0;

	if (res->seq != req->seq || res->error > 4095)
		return -EBADMSG;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		n += res->hist.bucket[i];
	if (res->gaps.max > res->gaps.lost || res->gaps.stalled > res->gaps.lost)
		return -EBADMSG;
	if (n != res->hist.n || res->hist.min > res->hist.max)
		return -EBADMSG;
	if (req->kind == GUEST_REQ_RTT && n > req->count)
		return -EBADMSG;
	return 0;
}

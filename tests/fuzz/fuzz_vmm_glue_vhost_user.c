/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile back end: all its replies are there before the front end asks, then it hangs up.
 * Whatever they say, every call returns, and a broken connection stays broken.
 */
#include <assert.h>
#include <lib/dma.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <vhost_user.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reply {
	struct vmm_vhu_hdr hdr;
	uint32_t val[2];
};

#define PROTO_MQ 1u

static size_t reply_put(uint8_t *out, size_t at, uint32_t request, uint64_t val)
{
	struct reply m = {.hdr = {.request = request, .flags = 5, .size = 8}};

	memcpy(m.val, &val, 8);
	memcpy(out + at, &m, sizeof(m));
	return at + sizeof(m);
}

/* The replies of a good back end up to the running state, which mutations start from. */
static size_t good_replies(uint8_t *out, uint64_t features, uint64_t protocol)
{
	static const uint32_t first[] = {3, 2, 5}, ring[] = {8, 10, 9, 13, 12}, last[] = {18, 18};
	unsigned int rings = protocol & PROTO_MQ ? VMM_VHU_QUEUES : 2;
	size_t n = 0;

	n = reply_put(out, n, 1, features);
	n = reply_put(out, n, 15, protocol);
	if (protocol & PROTO_MQ)
		n = reply_put(out, n, 17, VMM_VHU_QUEUES / 2);
	/* SET_PROTOCOL_FEATURES is sent before acknowledgements are agreed */
	for (unsigned int i = 0; i < 3; i++)
		n = reply_put(out, n, first[i], 0);
	for (unsigned int i = 0; i < rings * 5; i++)
		n = reply_put(out, n, ring[i % 5], 0);
	for (unsigned int i = 0; i < 2; i++)
		n = reply_put(out, n, last[i], 0);
	return n;
}

static void drive(struct vmm_vhu *v, const struct dma_mem *mem, int kick)
{
	const struct dma_mem *const ram[VMM_VHU_REGIONS] = {mem, mem};
	struct virtq_map q[VMM_VHU_QUEUES];
	uint16_t base[VMM_VHU_QUEUES] = {0};
	int r;

	for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++)
		q[i] = (struct virtq_map){.size = 64,
					  .desc = mem->va,
					  .avail = mem->va,
					  .used = mem->va,
					  .kick_fd = kick,
					  .call_fd = -1};
	r = vmm_vhu_start(v, vmm_vhu_features(v), ram, q, 1);
	if (r == 0)
		r = vmm_vhu_set_call(v, 1, kick);
	if (r == 0)
		r = vmm_vhu_enable(v, VMM_VHU_QUEUES / 2);
	if (r == 0)
		r = vmm_vhu_stop(v, base);
	if (r < 0)
		assert(vmm_vhu_start(v, 0, ram, q, 1) == -ENODEV);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dma_mem *ram;
	static int kick = -1;
	struct vmm_vhu *v = NULL;
	uint8_t start[2048];
	size_t n = 0;
	int pair[2];

	if (!ram) {
		assert(dma_mem_new("fuzz", 4096, false, (iova_t){0}, &ram) == 0);
		kick = eventfd(0, EFD_CLOEXEC);
	}
	if (size < 2)
		return 0;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	/* the first two bytes: how much of a good conversation comes before the input */
	n = good_replies(start, UINT64_C(1) << 32 | (uint64_t)(data[0] & 1) << 30, data[0] >> 1);
	if ((size_t)data[1] * 4 < n)
		n = (size_t)data[1] * 4;
	assert(send(pair[0], start, n, 0) == (ssize_t)n);
	if (size > 2 && size < 16384)
		assert(send(pair[0], data + 2, size - 2, 0) >= 0);
	shutdown(pair[0], SHUT_WR);

	if (vmm_vhu_new(pair[1], data[0] >> 1 & PROTO_MQ ? VMM_VHU_QUEUES / 2 : 1, &v) == 0)
		drive(v, ram, kick);
	vmm_vhu_free(v);
	close(pair[0]);
	return 0;
}

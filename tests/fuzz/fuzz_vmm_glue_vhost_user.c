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

/* The replies of a good back end up to the running state, which mutations start from. */
static size_t good_replies(uint8_t *out, uint64_t features, uint64_t protocol)
{
	static const uint32_t acked[] = {16, 3, 2, 5, 8, 10, 9, 13, 12, 8, 10, 9, 13, 12, 18, 18};
	struct {
		struct vmm_vhu_hdr hdr;
		uint32_t val[2];
	} m = {.hdr = {.request = 1, .flags = 5, .size = 8}};
	size_t n = 0;

	memcpy(m.val, &features, 8);
	memcpy(out, &m, sizeof(m));
	n += sizeof(m);
	m.hdr.request = 15;
	memcpy(m.val, &protocol, 8);
	memcpy(out + n, &m, sizeof(m));
	n += sizeof(m);
	memset(m.val, 0, sizeof(m.val));
	/* the first SET_PROTOCOL_FEATURES is sent before acknowledgements are agreed */
	for (unsigned int i = 1; i < sizeof(acked) / sizeof(acked[0]); i++) {
		m.hdr.request = acked[i];
		memcpy(out + n, &m, sizeof(m));
		n += sizeof(m);
	}
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
	r = vmm_vhu_start(v, vmm_vhu_features(v), ram, q);
	if (r == 0)
		r = vmm_vhu_set_call(v, 1, kick);
	if (r == 0)
		r = vmm_vhu_stop(v, base);
	if (r < 0)
		assert(vmm_vhu_start(v, 0, ram, q) == -ENODEV);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dma_mem *ram;
	static int kick = -1;
	struct vmm_vhu *v = NULL;
	uint8_t start[1024];
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

	if (vmm_vhu_new(pair[1], &v) == 0)
		drive(v, ram, kick);
	vmm_vhu_free(v);
	close(pair[0]);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies at the vfio-user client. All replies of a session lie in the socket before it starts, so
 * nothing here waits. The first byte chooses: the rest is the stream as it is, or a list of
 * {reply, offset, value} that spoil a session which would be right.
 */
#include <string.h>
#include <sys/socket.h>
#include <support/vfu_script.h>
#include <lib/pcif.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void session(struct script *s)
{
	const struct vfu_region_access at = {.offset = 0x10, .region = 0, .count = 4};
	const struct vfu_region_access cfg = {.offset = 0, .region = 7, .count = 64};
	const struct vfu_dma_unmap unmap = {.argsz = 24, .iova = 0x1000, .size = 4096};

	script_open(s);
	script_add(s, VFU_REGION_READ, &at, sizeof(at))->hdr.msg_size += 4;
	script_add(s, VFU_REGION_WRITE, &at, sizeof(at));
	script_add(s, VFU_REGION_READ, &cfg, sizeof(cfg))->hdr.msg_size += 64;
	script_add(s, VFU_DEVICE_SET_IRQS, NULL, 0);
	script_add(s, VFU_DMA_MAP, NULL, 0);
	script_add(s, VFU_DMA_UNMAP, &unmap, sizeof(unmap));
	script_add(s, VFU_DEVICE_RESET, NULL, 0);
}

static void spoil(struct script *s, const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3) {
		struct script_reply *r = &s->reply[data[0] % s->n];

		/* header and body lie together; the last offsets change what comes along */
		if (data[1] < VFU_HDR_SIZE + SCRIPT_BODY)
			((uint8_t *)r)[data[1]] = data[2];
		else
			r->n_fds = data[2] % 4;
	}
}

static void check_regions(struct pcif *f)
{
	for (unsigned int i = 0; i < PCIF_REGIONS; i++) {
		const struct pcif_region *r = pcif_region(f, i);

		if (r->n_areas > PCIF_AREAS_MAX)
			abort();
		for (unsigned int a = 0; a < r->n_areas; a++) {
			if (r->area[a].size == 0 || r->area[a].offset > r->size ||
			    r->area[a].size > r->size - r->area[a].offset)
				abort();
		}
	}
}

static void use(struct pcif *f, int memfd)
{
	struct dma_mem mem = {.len = 4096, .iova = {0x1000}, .fd = memfd};
	uint8_t cfg[64];
	uint32_t v;
	void *va;
	int r = 0;

	check_regions(f);
	r |= pcif_read32(f, 0, 0x10, &v);
	r |= pcif_write32(f, 0, 0x10, 1);
	r |= pcif_config_read(f, 0, cfg, sizeof(cfg));
	r |= pcif_irq_set(f, PCIF_IRQ_MSIX, 0, 1, &memfd);
	r |= pcif_dma_map(f, &mem);
	r |= pcif_dma_unmap(f, &mem);
	r |= pcif_reset(f);
	if (r == 0 && pcif_region_mmap(f, 0, 0, &va) == 0)
		*(volatile uint32_t *)va = 1;
	/* a lost function stays lost */
	if (pcif_lost(f) && pcif_config_read(f, 0, cfg, 1) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int memfd = -1;
	struct pcif *f = NULL;
	struct script s;
	int sv[2];

	if (size < 1 || size > 4096)
		return 0;
	if (memfd < 0 && memfd_new("fuzz", 0x4000, false, &memfd) < 0)
		abort();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		abort();
	if (data[0] & 1) {
		if (send(sv[1], data + 1, size - 1, MSG_DONTWAIT) < 0)
			abort();
	} else {
		session(&s);
		spoil(&s, data + 1, size - 1);
		if (script_play(&s, sv[1], memfd) < 0)
			abort();
	}
	shutdown(sv[1], SHUT_WR);
	if (pcif_open_vfu(sv[0], 1000000, &f) == 0) {
		use(f, memfd);
		pcif_close(f);
	}
	close(sv[1]);
	return 0;
}

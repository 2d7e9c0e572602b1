/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages at the vfio-user endpoint. Input: any number of {command, flags, descriptors, length,
 * body}; the header is put together here so that the commands are reached, the first message is
 * the one that opens the session unless the input says otherwise.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <lib/memfd.h>
#include <lib/vfu_wire.h>
#include <vfu_server.h>

#define BAR_SIZE 0x4000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	sd_event *event;
	struct vfu_server *server;
	int memfd, eventfd;
	uint8_t config[4096], bar[BAR_SIZE];
	bool connected;
} fn;

static void config_read(void *ctx, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, fn.config + off, len);
}

static void config_write(void *ctx, uint32_t off, const void *buf, uint32_t len)
{
	memcpy(fn.config + off, buf, len);
}

static void region_read(void *ctx, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	memcpy(buf, fn.bar + off, len);
}

static void region_write(void *ctx, unsigned int bar, uint64_t off, const void *buf, uint32_t len)
{
	memcpy(fn.bar + off, buf, len);
}

static void irq_changed(void *ctx, unsigned int vector, int fd)
{
	if (vector >= 3 || vfu_server_irq(fn.server, vector) != fd)
		abort();
}

/* What the data path relies on: sorted, apart, and memory behind every byte. */
static void dma_changed(void *ctx)
{
	const struct vfu_dma_region *t;
	unsigned int n;

	t = vfu_server_dma(fn.server, &n);
	if (n > VFU_DMA_REGIONS_MAX)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (i > 0 && t[i].iova - t[i - 1].iova < t[i - 1].size)
			abort();
		if (t[i].va && t[i].readable &&
		    (*(volatile uint8_t *)t[i].va ||
		     *(volatile uint8_t *)(t[i].va + t[i].size - 1)))
			abort();
	}
}

static void reset(void *ctx)
{
}

static void client(void *ctx, bool connected)
{
	if (connected == fn.connected)
		abort();
	fn.connected = connected;
}

static void start(void)
{
	static const struct vfu_server_ops ops = {
		.config_read = config_read,
		.config_write = config_write,
		.region_read = region_read,
		.region_write = region_write,
		.irq_changed = irq_changed,
		.dma_changed = dma_changed,
		.reset = reset,
		.client = client,
	};
	struct vfu_server_config config = {.ops = &ops, .n_msix = 3};
	char path[64];

	if (sd_event_new(&fn.event) < 0 || memfd_new("fuzz", 0x10000, false, &fn.memfd) < 0)
		abort();
	fn.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(path, sizeof(path), "/tmp/fuzz-vfu-%d.sock", (int)getpid());
	config.path = path;
	for (unsigned int i = 0; i < 6; i++)
		config.region[i].mmap_fd = -1;
	config.region[0] = (struct vfu_server_region){
		.size = BAR_SIZE, .mmap_fd = fn.memfd, .n_areas = 1, .area[0] = {0x2000, 0x2000}};
	config.region[3].size = BAR_SIZE;
	if (vfu_server_new(fn.event, &config, &fn.server) < 0)
		abort();
	unlink(path);
}

static void feed(uint16_t cmd, uint32_t flags, uint32_t extra, unsigned int n_fds, bool event,
		 const uint8_t *body, size_t len)
{
	uint8_t msg[VFU_HDR_SIZE + 256];
	struct vfu_hdr h = {1, cmd, (uint32_t)(VFU_HDR_SIZE + len) + extra, flags, 0};
	int fds[4];

	for (unsigned int i = 0; i < n_fds; i++)
		fds[i] = fcntl(event ? fn.eventfd : fn.memfd, F_DUPFD_CLOEXEC, 0);
	memcpy(msg, &h, sizeof(h));
	memcpy(msg + sizeof(h), body, len);
	vfu_server_feed(fn.server, msg, sizeof(h) + len, fds, n_fds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t version[] = "\0\0\0\0{}";
	static const uint8_t unmap_all[24] = {24, 0, 0, 0, VFU_UNMAP_F_ALL};

	if (!fn.server)
		start();
	if (size > 0 && !(data[0] & 0x80))
		feed(VFU_VERSION, 0, 0, 0, false, version, sizeof(version));
	while (size >= 4) {
		size_t len = data[3];
		uint8_t how = data[1];

		if (len > size - 4)
			len = size - 4;
		feed(data[0] & 0x1f, how & 0x3f, how == 0xff ? data[2] : 0, data[2] & 3,
		     data[2] & 4, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	/* the next input starts from nothing: a reply is what no server expects, so it hangs up */
	feed(VFU_DMA_UNMAP, 0, 0, 0, false, unmap_all, sizeof(unmap_all));
	feed(VFU_DEVICE_RESET, VFU_F_TYPE_REPLY, 0, 0, false, version, 0);
	if (fn.connected || vfu_server_connected(fn.server))
		abort();
	return 0;
}

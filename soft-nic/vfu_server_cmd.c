/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each vfio-user command does. Some clients take any reply for a success and wait for its full
 * length, so whatever a guest can provoke with loads, stores and configuration succeeds: reads find
 * all ones, writes are ignored. Refused is only what the client itself got wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "vfu_server_impl.h"

#define CONFIG_SIZE 4096u

/* ---- interrupts ------------------------------------------------------------------------------ */

static void irq_bind(struct vfu_server *s, unsigned int vector, int fd)
{
	int old = s->irq_fd[vector];

	if (old < 0 && fd < 0)
		return;
	s->irq_fd[vector] = fd;
	s->config.ops->irq_changed(s->config.fn, vector, fd);
	fd_close(old);
}

void vfu_server_irqs_drop(struct vfu_server *s)
{
	for (unsigned int i = 0; i < s->config.n_msix; i++)
		irq_bind(s, i, -1);
}

/*
 * The data path will write to it, so it must be an eventfd that never blocks. Without /proc the
 * file type has to do: an anonymous inode has none.
 */
static int own_fds = -1;

void vfu_server_prepare(void)
{
	if (own_fds < 0)
		own_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int eventfd_accept(int fd)
{
	char link[16], target[32];
	struct stat st;
	ssize_t n;
	int flags;

	vfu_server_prepare();
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_mode & S_IFMT)
		return -EINVAL;
	snprintf(link, sizeof(link), "%d", fd);
	n = readlinkat(own_fds, link, target, sizeof(target) - 1);
	if (n >= 0) {
		target[n] = '\0';
		if (strcmp(target, "anon_inode:[eventfd]") != 0)
			return -EINVAL;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static void irq_signal(const struct vfu_server *s, unsigned int vector)
{
	const uint64_t one = 1;

	/* full means pending already */
	if (s->irq_fd[vector] >= 0 && write(s->irq_fd[vector], &one, sizeof(one)) < 0)
		return;
}

static int set_irqs(struct vfu_server *s, struct vfu_request *req)
{
	const uint32_t n_irqs[VFU_IRQS] = {[VFU_IRQ_MSIX] = s->config.n_msix};
	const uint8_t *bools;
	struct vfu_set_irqs set;
	int r;

	r = vfu_decode_set_irqs(req->body, req->len, req->fds.n, n_irqs, &set, &bools);
	if (r < 0)
		return r;
	/* masking is the interrupt controller's business here: GET_IRQ_INFO does not offer it */
	if (!(set.flags & VFU_SET_ACTION_TRIGGER))
		return -EINVAL;
	if (set.count == 0) {
		if (set.index == VFU_IRQ_MSIX)
			vfu_server_irqs_drop(s);
		return 0;
	}
	for (unsigned int i = 0; i < req->fds.n; i++) {
		r = eventfd_accept(req->fds.fd[i]);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < set.count; i++) {
		if (set.flags & VFU_SET_DATA_EVENTFD)
			irq_bind(s, set.start + i, req->fds.n ? TAKE_FD(req->fds.fd[i]) : -1);
		else if (!bools || bools[i])
			irq_signal(s, set.start + i);
	}
	return 0;
}

static int get_irq_info(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	struct vfu_irq_info info;
	int r;

	r = vfu_decode_irq_info(req->body, req->len, &info);
	if (r < 0)
		return r;
	info.argsz = sizeof(info);
	info.flags = VFU_IRQ_F_EVENTFD;
	info.count = info.index == VFU_IRQ_MSIX ? s->config.n_msix : 0;
	memcpy(reply->body, &info, sizeof(info));
	reply->len = sizeof(info);
	return 0;
}

/* ---- device and regions ---------------------------------------------------------------------- */

static int get_info(struct vfu_request *req, struct vfu_reply *reply)
{
	struct vfu_device_info info;
	int r;

	r = vfu_decode_device_info(req->body, req->len, &info);
	if (r < 0)
		return r;
	info = (struct vfu_device_info){
		.argsz = sizeof(info),
		.flags = VFU_DEVICE_F_RESET | VFU_DEVICE_F_PCI,
		.num_regions = VFU_REGIONS,
		.num_irqs = VFU_IRQS,
	};
	memcpy(reply->body, &info, sizeof(info));
	reply->len = sizeof(info);
	return 0;
}

static uint64_t region_size(const struct vfu_server *s, uint32_t index)
{
	if (index < 6)
		return s->config.region[index].size;
	return index == VFU_REGION_CONFIG ? CONFIG_SIZE : 0;
}

static void put_areas(const struct vfu_server_region *region, struct vfu_region_info *info,
		      struct vfu_reply *reply)
{
	struct vfu_cap_sparse cap = {
		.id = VFU_CAP_SPARSE_MMAP, .version = 1, .nr_areas = region->n_areas};
	size_t at = sizeof(*info);

	info->flags |= VFU_REGION_F_CAPS;
	info->cap_offset = sizeof(*info);
	memcpy(reply->body + at, &cap, sizeof(cap));
	at += sizeof(cap);
	for (unsigned int i = 0; i < region->n_areas; i++) {
		struct vfu_sparse_area area = {region->area[i].offset, region->area[i].size};

		memcpy(reply->body + at, &area, sizeof(area));
		at += sizeof(area);
	}
	reply->len = at;
}

static int get_region_info(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	const struct vfu_server_region *region = NULL;
	struct vfu_region_info ask, info;
	int r;

	r = vfu_decode_region_info(req->body, req->len, &ask);
	if (r < 0)
		return r;
	info = (struct vfu_region_info){
		.argsz = sizeof(info), .index = ask.index, .size = region_size(s, ask.index)};
	reply->len = sizeof(info);
	if (info.size > 0)
		info.flags = VFU_REGION_F_READ | VFU_REGION_F_WRITE;
	if (ask.index < 6 && info.size > 0 && s->config.region[ask.index].mmap_fd >= 0)
		region = &s->config.region[ask.index];
	if (region && region->n_areas > 0)
		info.argsz += (uint32_t)(sizeof(struct vfu_cap_sparse) +
					 region->n_areas * sizeof(struct vfu_sparse_area));
	/*
	 * cut short when the client has no room: then it asks again, and gets the descriptor then
	 */
	if (region && ask.argsz >= info.argsz) {
		info.flags |= VFU_REGION_F_MMAP;
		reply->fd = region->mmap_fd;
		if (region->n_areas > 0)
			put_areas(region, &info, reply);
	}
	memcpy(reply->body, &info, sizeof(info));
	return 0;
}

static int region_access(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	const struct vfu_server_ops *ops = s->config.ops;
	bool write = req->hdr.cmd == VFU_REGION_WRITE, inside;
	struct vfu_region_access a;
	const uint8_t *data;
	uint64_t size;
	void *buf;
	int r;

	r = vfu_decode_region_access(req->body, req->len, write, &a, &data);
	if (r < 0)
		return r;
	s->messages++;
	memcpy(reply->body, &a, sizeof(a));
	reply->len = sizeof(a) + (write ? 0 : a.count);
	buf = reply->body + sizeof(a);
	size = region_size(s, a.region);
	inside = a.count > 0 && a.offset <= size && a.count <= size - a.offset;

	if (!inside && !write)
		memset(buf, 0xff, a.count);
	if (!inside)
		return 0;
	if (a.region == VFU_REGION_CONFIG) {
		if (write)
			ops->config_write(s->config.fn, (uint32_t)a.offset, data, a.count);
		else
			ops->config_read(s->config.fn, (uint32_t)a.offset, buf, a.count);
	} else if (write) {
		ops->region_write(s->config.fn, a.region, a.offset, data, a.count);
	} else {
		ops->region_read(s->config.fn, a.region, a.offset, buf, a.count);
	}
	return 0;
}

/* ---- memory, version, dispatch --------------------------------------------------------------- */

static int dma_map(struct vfu_server *s, struct vfu_request *req)
{
	struct vfu_dma_map map;
	int r;

	r = vfu_decode_dma_map(req->body, req->len, req->fds.n, &map);
	if (r < 0)
		return r;
	return vfu_server_dma_map(s, &map, req->fds.n ? req->fds.fd[0] : -1);
}

static int dma_unmap(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	struct vfu_dma_unmap unmap;
	int r;

	/* one client sends a descriptor here; it is closed with the rest */
	r = vfu_decode_dma_unmap(req->body, req->len, &unmap);
	if (r < 0)
		return r;
	if (unmap.flags & VFU_UNMAP_F_ALL) {
		vfu_server_dma_drop(s);
	} else {
		r = vfu_server_dma_unmap(s, unmap.iova, unmap.size);
		if (r < 0)
			return r;
	}
	unmap.argsz = sizeof(unmap);
	memcpy(reply->body, &unmap, sizeof(unmap));
	reply->len = sizeof(unmap);
	return 0;
}

static int version(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	const struct vfu_version ours = {.major = 0, .minor = 0};
	struct vfu_peer peer;
	const char *text;
	size_t len;

	if (req->hdr.cmd != VFU_VERSION || req->hdr.flags != VFU_F_TYPE_COMMAND || req->fds.n > 0 ||
	    vfu_decode_version(req->body, req->len, &peer) < 0 || peer.major != ours.major)
		return -ECONNABORTED;

	text = vfu_version_text(&len);
	memcpy(reply->body, &ours, sizeof(ours));
	memcpy(reply->body + sizeof(ours), text, len);
	reply->len = sizeof(ours) + len;
	s->negotiated = true;
	s->config.ops->client(s->config.fn, true);
	return 0;
}

int vfu_server_execute(struct vfu_server *s, struct vfu_request *req, struct vfu_reply *reply)
{
	int r;

	r = vfu_check_request_hdr(&req->hdr);
	if (r == -EBADMSG)
		return -ECONNABORTED;
	if (req->fds.truncated)
		r = -EINVAL;
	if (r < 0)
		return s->negotiated ? r : -ECONNABORTED;
	if (!s->negotiated)
		return version(s, req, reply);

	switch (req->hdr.cmd) {
	case VFU_VERSION:
		return -EINVAL;
	case VFU_DMA_MAP:
		return dma_map(s, req);
	case VFU_DMA_UNMAP:
		return dma_unmap(s, req, reply);
	case VFU_DEVICE_GET_INFO:
		return get_info(req, reply);
	case VFU_DEVICE_GET_REGION_INFO:
		return get_region_info(s, req, reply);
	case VFU_DEVICE_GET_IRQ_INFO:
		return get_irq_info(s, req, reply);
	case VFU_DEVICE_SET_IRQS:
		return set_irqs(s, req);
	case VFU_REGION_READ:
	case VFU_REGION_WRITE:
		return region_access(s, req, reply);
	case VFU_DEVICE_RESET:
		s->config.ops->reset(s->config.fn);
		return 0;
	default:
		return -ENOTSUP;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vfio-user client behind the PCI function seam. One exchange at a time, so a reply can only be
 * the answer to the last request; whatever else arrives loses the function, since a stream that has
 * lost its step cannot be trusted again.
 *
 * Left out: DMA by message (our memory always has a descriptor), io-fds, migration.
 */
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <lib/clock.h>
#include <lib/unix_sock.h>
#include <lib/vfu_wire.h>
#include "pcif_impl.h"

/* Some servers read a body by one recv(2): pieces stay small enough to arrive whole. */
#define XFER_CHUNK   UINT32_C(32768)
#define INFO_REPLY   1024u
#define VERSION_BODY 4608u

struct pcif_vfu {
	struct pcif base;
	int fd;
	uint16_t msg_id;
	struct vfu_peer peer;
	int region_fd[PCIF_REGIONS];
	uint64_t region_offset[PCIF_REGIONS];
	uint8_t rx[XFER_CHUNK + sizeof(struct vfu_region_access)];
};

_Static_assert(VERSION_BODY <= XFER_CHUNK && INFO_REPLY <= XFER_CHUNK, "replies fit rx");
_Static_assert(PCIF_AREAS_MAX >= VFU_SPARSE_AREAS_MAX, "areas");
_Static_assert((int)PCIF_REGIONS == VFU_REGIONS && (int)PCIF_IRQS == VFU_IRQS, "indices");

static struct pcif_vfu *vfu(struct pcif *f)
{
	return (struct pcif_vfu *)((char *)f - offsetof(struct pcif_vfu, base));
}

static const struct pcif_vfu *vfu_const(const struct pcif *f)
{
	return (const struct pcif_vfu *)((const char *)f - offsetof(struct pcif_vfu, base));
}

/* Shut, not closed: pcif_fd() stays a descriptor to poll, and now says that the peer is gone. */
static int lose(struct pcif_vfu *v, int r)
{
	atomic_store(&v->base.lost, true);
	shutdown(v->fd, SHUT_RDWR);
	return r == -ECONNRESET ? -ENODEV : r;
}

/* The reply to the request just sent: its body in rx, its descriptors in @fds. */
static int receive_reply(struct pcif_vfu *v, uint16_t cmd, size_t max_body, struct usock_fds *fds,
			 size_t *ret_len, int *ret_error)
{
	struct vfu_hdr h;
	size_t body;
	int r;

	r = usock_recv(v->fd, &h, sizeof(h), fds, v->base.deadline_us);
	if (r < 0)
		return r;
	r = vfu_check_reply_hdr(&h, v->msg_id, cmd, max_body, &body, ret_error);
	if (r < 0)
		return r;
	if (fds->truncated || (fds->n > 0 && (cmd != VFU_DEVICE_GET_REGION_INFO || *ret_error)))
		return -EPROTO;
	r = usock_recv(v->fd, v->rx, body, NULL, v->base.deadline_us);
	if (r < 0)
		return r;
	*ret_len = body;
	return 0;
}

/**
 * exchange() - send a request and take its reply
 * @body, @n_body: at most two pieces
 * @max_body: longest reply body expected, at most sizeof(rx)
 * @ret_fds:  descriptors of the reply, owned by the caller also on failure; NULL where none may
 *            come
 * @ret_len:  length of the body in rx
 *
 * Context: under the lock.
 * Return: 0; the peer's refusal; -ENODEV, -ETIMEDOUT, -EPROTO with the function lost.
 * Source: [VU] 1.
 */
static int exchange(struct pcif_vfu *v, uint16_t cmd, const struct iovec *body, size_t n_body,
		    const int *fds, size_t n_fds, size_t max_body, struct usock_fds *ret_fds,
		    size_t *ret_len)
{
	_cleanup_(usock_fds_done) struct usock_fds none = {.n = 0};
	struct vfu_hdr h = {.msg_id = ++v->msg_id, .cmd = cmd, .msg_size = sizeof(h)};
	struct iovec iov[3] = {{.iov_base = &h, .iov_len = sizeof(h)}};
	int r, error = 0;

	for (size_t i = 0; i < n_body; i++) {
		iov[1 + i] = body[i];
		h.msg_size += (uint32_t)body[i].iov_len;
	}
	r = usock_send(v->fd, iov, 1 + n_body, fds, n_fds, v->base.deadline_us);
	/* the caller's descriptors were no good: nothing has left, so nothing is lost */
	if (n_fds > 0 && (r == -EBADF || r == -ETOOMANYREFS))
		return r;
	if (r < 0)
		return lose(v, r);

	r = receive_reply(v, cmd, max_body, ret_fds ? ret_fds : &none, ret_len, &error);
	if (r < 0)
		return lose(v, r);
	return error;
}

/* A reply that decoding refused: the peer does not speak our language. */
static int checked(struct pcif_vfu *v, int r)
{
	return r < 0 ? lose(v, r) : 0;
}

/* Requests whose reply has no body. */
static int command(struct pcif_vfu *v, uint16_t cmd, const void *body, size_t len, const int *fds,
		   size_t n_fds)
{
	struct iovec iov = {.iov_base = (void *)body, .iov_len = len};
	size_t got;

	return exchange(v, cmd, &iov, len ? 1 : 0, fds, n_fds, 0, NULL, &got);
}

static int query(struct pcif_vfu *v, uint16_t cmd, const void *body, size_t len, size_t max_body,
		 struct usock_fds *ret_fds, size_t *ret_len)
{
	struct iovec iov = {.iov_base = (void *)body, .iov_len = len};

	return exchange(v, cmd, &iov, 1, NULL, 0, max_body, ret_fds, ret_len);
}

static uint32_t chunk(const struct pcif_vfu *v, size_t left)
{
	uint32_t max = v->peer.max_xfer < XFER_CHUNK ? v->peer.max_xfer : XFER_CHUNK;

	return left < max ? (uint32_t)left : max;
}

static int vfu_region_read(struct pcif *f, unsigned int index, uint64_t off, void *buf, size_t len)
{
	struct pcif_vfu *v = vfu(f);
	size_t at = 0, got;
	int r;

	while (at < len) {
		struct vfu_region_access a = {
			.offset = off + at, .region = index, .count = chunk(v, len - at)};

		r = query(v, VFU_REGION_READ, &a, sizeof(a), sizeof(a) + a.count, NULL, &got);
		if (r < 0)
			return r;
		r = checked(v, vfu_decode_region_access_reply(v->rx, got, false, &a));
		if (r < 0)
			return r;
		memcpy((char *)buf + at, v->rx + sizeof(a), a.count);
		at += a.count;
	}
	return 0;
}

static int vfu_region_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
			    size_t len)
{
	struct pcif_vfu *v = vfu(f);
	size_t at = 0, got;
	int r;

	while (at < len) {
		struct vfu_region_access a = {
			.offset = off + at, .region = index, .count = chunk(v, len - at)};
		struct iovec iov[2] = {
			{.iov_base = &a, .iov_len = sizeof(a)},
			{.iov_base = (char *)buf + at, .iov_len = a.count},
		};

		r = exchange(v, VFU_REGION_WRITE, iov, 2, NULL, 0, sizeof(a), NULL, &got);
		if (r < 0)
			return r;
		r = checked(v, vfu_decode_region_access_reply(v->rx, got, true, &a));
		if (r < 0)
			return r;
		at += a.count;
	}
	return 0;
}

static int vfu_region_mmap(struct pcif *f, unsigned int index, const struct pcif_area *area,
			   void **ret_va)
{
	struct pcif_vfu *v = vfu(f);
	const struct pcif_region *region = &f->region[index];
	uint64_t at = v->region_offset[index] + area->offset;
	int prot = (region->readable ? PROT_READ : 0) | (region->writable ? PROT_WRITE : 0);
	struct stat st;
	void *va;

	if (fstat(v->region_fd[index], &st) < 0)
		return -errno;
	/* beyond the file every touch would be a SIGBUS */
	if (st.st_size < 0 || at > (uint64_t)st.st_size || area->size > (uint64_t)st.st_size - at)
		return lose(v, -EPROTO);
	va = mmap(NULL, area->size, prot, MAP_SHARED, v->region_fd[index], (off_t)at);
	if (va == MAP_FAILED)
		return -errno;
	*ret_va = va;
	return 0;
}

/* One message says "these vectors have these descriptors" or "these have none", never both. */
static int vfu_irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
		       const int *fds)
{
	struct pcif_vfu *v = vfu(f);
	unsigned int max_fds = v->peer.max_msg_fds, at = 0;
	int r;

	if (count == 0) {
		struct vfu_set_irqs s = {
			.argsz = sizeof(s),
			.flags = VFU_SET_DATA_NONE | VFU_SET_ACTION_TRIGGER,
			.index = index,
		};

		return command(v, VFU_DEVICE_SET_IRQS, &s, sizeof(s), NULL, 0);
	}
	while (at < count) {
		bool bind = fds[at] >= 0;
		unsigned int n = 1;
		struct vfu_set_irqs s = {
			.argsz = sizeof(s),
			.flags = VFU_SET_DATA_EVENTFD | VFU_SET_ACTION_TRIGGER,
			.index = index,
			.start = start + at,
		};

		while (at + n < count && (fds[at + n] >= 0) == bind && (!bind || n < max_fds))
			n++;
		s.count = n;
		r = command(v, VFU_DEVICE_SET_IRQS, &s, sizeof(s), bind ? fds + at : NULL,
			    bind ? n : 0);
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

static int vfu_dma_map(struct pcif *f, const struct dma_mem *mem)
{
	struct vfu_dma_map m = {
		.argsz = sizeof(m),
		.flags = VFU_DMA_F_READ | VFU_DMA_F_WRITE,
		.offset = mem->fd_offset,
		.iova = mem->iova.v,
		.size = mem->len,
	};

	return command(vfu(f), VFU_DMA_MAP, &m, sizeof(m), &mem->fd, 1);
}

static int vfu_dma_unmap(struct pcif *f, const struct dma_mem *mem)
{
	struct vfu_dma_unmap u = {.argsz = sizeof(u), .iova = mem->iova.v, .size = mem->len};
	struct pcif_vfu *v = vfu(f);
	size_t got;
	int r;

	r = query(v, VFU_DMA_UNMAP, &u, sizeof(u), sizeof(u), NULL, &got);
	if (r < 0)
		return r;
	return checked(v, vfu_decode_dma_unmap_reply(v->rx, got, &u));
}

static int vfu_reset(struct pcif *f)
{
	return command(vfu(f), VFU_DEVICE_RESET, NULL, 0, NULL, 0);
}

static int vfu_poll_fd(const struct pcif *f)
{
	return vfu_const(f)->fd;
}

static bool vfu_hung_up(const struct pcif *f)
{
	struct pollfd p = {.fd = vfu_const(f)->fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}

static void vfu_close(struct pcif *f)
{
	struct pcif_vfu *v = vfu(f);

	for (unsigned int i = 0; i < PCIF_REGIONS; i++)
		fd_close(v->region_fd[i]);
	fd_close(v->fd);
	free(v);
}

static const struct pcif_ops pcif_vfu_ops = {
	.region_read = vfu_region_read,
	.region_write = vfu_region_write,
	.region_mmap = vfu_region_mmap,
	.irq_set = vfu_irq_set,
	.dma_map = vfu_dma_map,
	.dma_unmap = vfu_dma_unmap,
	.reset = vfu_reset,
	.poll_fd = vfu_poll_fd,
	.hung_up = vfu_hung_up,
	.close = vfu_close,
};

static int negotiate(struct pcif_vfu *v)
{
	struct vfu_version version = {.major = 0, .minor = 0};
	struct iovec iov[2] = {{.iov_base = &version, .iov_len = sizeof(version)}};
	size_t got;
	int r;

	iov[1].iov_base = (void *)vfu_version_text(&iov[1].iov_len);
	r = exchange(v, VFU_VERSION, iov, 2, NULL, 0, VERSION_BODY, NULL, &got);
	if (r < 0)
		return r;
	r = vfu_decode_version(v->rx, got, &v->peer);
	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	return v->peer.major == 0 && v->peer.minor == 0 ? 0 : -EPROTO;
}

static int learn_region(struct pcif_vfu *v, unsigned int index)
{
	struct vfu_region_info ask = {.argsz = INFO_REPLY, .index = index};
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	struct pcif_region *region = &v->base.region[index];
	struct vfu_region info;
	size_t got;
	int r;

	r = query(v, VFU_DEVICE_GET_REGION_INFO, &ask, sizeof(ask), INFO_REPLY, &fds, &got);
	if (r < 0)
		return r;
	r = vfu_decode_region_info_reply(v->rx, got, fds.n, index, &info);
	if (r < 0)
		return r;
	region->size = info.size;
	region->readable = info.readable;
	region->writable = info.writable;
	if (info.mappable) {
		v->region_fd[index] = TAKE_FD(fds.fd[0]);
		v->region_offset[index] = info.offset;
		region->n_areas = info.n_areas;
	}
	for (unsigned int i = 0; i < region->n_areas; i++)
		region->area[i] = (struct pcif_area){info.area[i].offset, info.area[i].size};
	return 0;
}

static int learn_irq(struct pcif_vfu *v, unsigned int index)
{
	struct vfu_irq_info ask = {.argsz = sizeof(ask), .index = index}, info;
	size_t got;
	int r;

	r = query(v, VFU_DEVICE_GET_IRQ_INFO, &ask, sizeof(ask), sizeof(ask), NULL, &got);
	if (r < 0)
		return r;
	r = vfu_decode_irq_info_reply(v->rx, got, index, &info);
	if (r < 0)
		return r;
	v->base.irq_count[index] = info.flags & VFU_IRQ_F_EVENTFD ? info.count : 0;
	return 0;
}

/* What a device is does not change while it is open: asked once, here. */
static int learn_device(struct pcif_vfu *v)
{
	struct vfu_device_info ask = {.argsz = sizeof(ask)}, info;
	struct pcif *f = &v->base;
	size_t got;
	int r;

	r = query(v, VFU_DEVICE_GET_INFO, &ask, sizeof(ask), sizeof(ask), NULL, &got);
	if (r < 0)
		return r;
	r = vfu_decode_device_info_reply(v->rx, got, &info);
	if (r < 0)
		return r;
	f->has_reset = info.flags & VFU_DEVICE_F_RESET;

	for (unsigned int i = 0; i < PCIF_REGIONS && i < info.num_regions; i++) {
		f->deadline_us = clock_us() + f->timeout_us;
		r = learn_region(v, i);
		if (r < 0)
			return r;
	}
	for (unsigned int i = 0; i < PCIF_IRQS && i < info.num_irqs; i++) {
		f->deadline_us = clock_us() + f->timeout_us;
		r = learn_irq(v, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int pcif_open_vfu(int fd, uint64_t timeout_us, struct pcif **ret_f)
{
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	struct pcif_vfu *v;
	int r;

	v = calloc(1, sizeof(*v));
	if (!v) {
		fd_close(fd);
		return -ENOMEM;
	}
	v->fd = fd;
	for (unsigned int i = 0; i < PCIF_REGIONS; i++)
		v->region_fd[i] = -1;
	f = &v->base;
	pcif_init(f, &pcif_vfu_ops, timeout_us);

	f->deadline_us = clock_us() + f->timeout_us;
	r = negotiate(v);
	if (r >= 0)
		r = learn_device(v);
	/* lose() speaks of a device that was there; here none ever was */
	if (r < 0)
		return r == -ENODEV ? -ECONNRESET : r;

	*ret_f = TAKE_PTR(f);
	return 0;
}

int pcif_open_vfu_path(const char *path, uint64_t timeout_us, struct pcif **ret_f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	r = pcif_open_vfu(TAKE_FD(fd), timeout_us, ret_f);
	/* a server that has a client already hangs up on the next one */
	return r == -ECONNRESET ? -EAGAIN : r;
}

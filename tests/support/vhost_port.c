/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/vhost_port.h>

#include <lib/mmio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PORT_RAM (UINT64_C(4) << 20)

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Rings at @gpa, buffers 64 KiB behind; every buffer belongs to the descriptor of its number. */
static int ring_init(struct vhost_port *p, struct vhost_port_ring *r, uint64_t gpa,
		     bool device_writes)
{
	uint8_t *va = (uint8_t *)p->ram->va + gpa;

	r->desc = (struct vring_desc *)va;
	r->avail = (struct vring_avail *)(va + 0x4000);
	r->used = (struct vring_used *)(va + 0x8000);
	r->buf = va + 0x10000;
	r->buf_gpa = gpa + 0x10000;
	r->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	for (unsigned int i = 0; i < VHOST_PORT_RING; i++) {
		r->desc[i].addr = r->buf_gpa + i * VHOST_PORT_BUF;
		r->desc[i].len = VHOST_PORT_BUF;
		r->desc[i].flags = device_writes ? VRING_DESC_F_WRITE : 0;
		r->avail->ring[i] = (uint16_t)i;
	}
	r->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return r->kick_fd < 0 ? -errno : 0;
}

static struct virtq_map ring_queue(const struct vhost_port_ring *r)
{
	return (struct virtq_map){
		.size = VHOST_PORT_RING,
		.desc = r->desc,
		.avail = (void *)r->avail,
		.used = (void *)r->used,
		.kick_fd = r->kick_fd,
		.call_fd = -1,
	};
}

static int port_start(const char *path, struct vhost_port *p)
{
	struct virtq_map q[VMM_VHU_QUEUES] = {{0}};
	const struct dma_mem *ram[VMM_VHU_REGIONS] = {NULL};
	int r;

	r = dma_mem_new("port-ram", PORT_RAM, false, (iova_t){0}, &p->ram);
	if (r < 0)
		return r;
	r = ring_init(p, &p->rx, 0, true);
	if (r < 0)
		return r;
	r = ring_init(p, &p->tx, PORT_RAM / 2, false);
	if (r < 0)
		return r;
	r = connect_to(path);
	if (r < 0)
		return r;
	r = vmm_vhu_new(r, 1, &p->vhu);
	if (r < 0)
		return r;
	ram[0] = p->ram;
	q[0] = ring_queue(&p->rx);
	q[1] = ring_queue(&p->tx);
	r = vmm_vhu_start(p->vhu, UINT64_C(1) << 32, ram, q, 1);
	if (r < 0)
		return r;
	p->rx.avail_idx = VHOST_PORT_RING;
	io_wmb();
	p->rx.avail->idx = p->rx.avail_idx;
	return 0;
}

int vhost_port_open(const char *path, struct vhost_port *ret_p)
{
	int r;

	memset(ret_p, 0, sizeof(*ret_p));
	ret_p->rx.kick_fd = ret_p->tx.kick_fd = -1;
	r = port_start(path, ret_p);
	if (r < 0)
		vhost_port_close(ret_p);
	return r;
}

void vhost_port_close(struct vhost_port *p)
{
	vmm_vhu_free(p->vhu);
	dma_mem_free(p->ram);
	fd_close(p->rx.kick_fd);
	fd_close(p->tx.kick_fd);
	memset(p, 0, sizeof(*p));
	p->rx.kick_fd = p->tx.kick_fd = -1;
}

/*
 * The back end uses descriptors in order or not; ours carry no state, so a buffer is free when
 * fewer than the ring's size are outstanding only if it uses them in order. librte_vhost does.
 */
bool vhost_port_send(struct vhost_port *p, const void *frame, uint32_t len)
{
	struct vhost_port_ring *r = &p->tx;
	unsigned int slot = r->avail_idx % VHOST_PORT_RING;

	if ((uint16_t)(r->avail_idx - r->used->idx) >= VHOST_PORT_RING)
		return false;
	memset(r->buf + slot * VHOST_PORT_BUF, 0, VHOST_PORT_HDR);
	memcpy(r->buf + slot * VHOST_PORT_BUF + VHOST_PORT_HDR, frame, len);
	r->desc[slot].len = VHOST_PORT_HDR + len;
	r->avail_idx++;
	return true;
}

void vhost_port_flush(struct vhost_port *p)
{
	io_wmb();
	p->tx.avail->idx = p->tx.avail_idx;
}

const uint8_t *vhost_port_recv(struct vhost_port *p, uint32_t *ret_len)
{
	struct vhost_port_ring *r = &p->rx;
	unsigned int slot = r->used_idx % VHOST_PORT_RING;
	uint32_t id;

	if (r->used->idx == r->used_idx)
		return NULL;
	io_rmb();
	id = r->used->ring[slot].id % VHOST_PORT_RING;
	*ret_len = r->used->ring[slot].len - VHOST_PORT_HDR;
	return r->buf + id * VHOST_PORT_BUF + VHOST_PORT_HDR;
}

void vhost_port_done(struct vhost_port *p)
{
	struct vhost_port_ring *r = &p->rx;

	r->used_idx++;
	r->avail_idx++;
	io_wmb();
	r->avail->idx = r->avail_idx;
}

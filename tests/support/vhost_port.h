#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's side of a virtio-net port without a guest: RAM, two split rings driven in place, and
 * the VMM's own vhost-user front end to a real back end. It never kicks and takes no interrupts.
 */
#include <lib/dma.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <vhost_user.h>

#define VHOST_PORT_RING	 256u
#define VHOST_PORT_BUF	 2048u
#define VHOST_PORT_HDR	 12u /* virtio-net header of virtio 1 */
#define VHOST_PORT_BURST 32u

struct vhost_port_ring {
	struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	uint8_t *buf;
	uint64_t buf_gpa;
	uint16_t avail_idx;
	uint16_t used_idx;
	int kick_fd;
};

struct vhost_port {
	struct vmm_vhu *vhu;
	struct dma_mem *ram;
	struct vhost_port_ring rx, tx;
};

/** vhost_port_open() - connect to the back end's socket at @path and start both rings. */
int vhost_port_open(const char *path, struct vhost_port *ret_p);
void vhost_port_close(struct vhost_port *p);

/**
 * vhost_port_send() - queue a frame; false when the ring is full. Visible after
 * vhost_port_flush().
 */
bool vhost_port_send(struct vhost_port *p, const void *frame, uint32_t len);
void vhost_port_flush(struct vhost_port *p);

/** vhost_port_recv() - next frame, valid until vhost_port_done(); NULL: none there. */
const uint8_t *vhost_port_recv(struct vhost_port *p, uint32_t *ret_len);
void vhost_port_done(struct vhost_port *p);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vfio-user server that says what it was told to, before it is asked: message ids count up from
 * one, so all replies of a session can lie in the socket when the client starts. Start from a
 * session that is right and spoil one byte.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <lib/memfd.h>
#include <lib/unix_sock.h>
#include <lib/vfu_wire.h>

#define SCRIPT_REPLIES 24u
#define SCRIPT_BODY    96u

/* Where the replies of opening lie. */
enum script_step {
	SCRIPT_VERSION = 0,
	SCRIPT_INFO = 1,
	SCRIPT_REGION = 2, /* .. 10 */
	SCRIPT_IRQ = 11,   /* .. 15 */
	SCRIPT_OPENED = 16,
};

struct script_reply {
	struct vfu_hdr hdr;
	uint8_t body[SCRIPT_BODY];
	unsigned int n_fds;
};

struct script {
	unsigned int n;
	struct script_reply reply[SCRIPT_REPLIES];
};

static inline struct script_reply *script_add(struct script *s, uint16_t cmd, const void *body,
					      size_t len)
{
	struct script_reply *r = &s->reply[s->n++];

	memset(r, 0, sizeof(*r));
	r->hdr.msg_id = (uint16_t)s->n;
	r->hdr.cmd = cmd;
	r->hdr.msg_size = (uint32_t)(VFU_HDR_SIZE + len);
	r->hdr.flags = VFU_F_TYPE_REPLY;
	if (len)
		memcpy(r->body, body, len);
	return r;
}

static inline void script_add_region(struct script *s, uint32_t index)
{
	struct {
		struct vfu_region_info info;
		struct vfu_cap_sparse cap;
		struct vfu_sparse_area area;
	} region = {
		.info = {.argsz = sizeof(region.info), .index = index},
		.cap = {.id = VFU_CAP_SPARSE_MMAP, .version = 1, .nr_areas = 1},
		.area = {.offset = 0x2000, .size = 0x2000},
	};
	size_t len = sizeof(region.info);

	if (index == 0 || index == VFU_REGION_CONFIG) {
		region.info.flags = VFU_REGION_F_READ | VFU_REGION_F_WRITE;
		region.info.size = index == 0 ? 0x4000 : 4096;
	}
	if (index == 0) {
		len = sizeof(region);
		region.info.argsz = (uint32_t)len;
		region.info.flags |= VFU_REGION_F_MMAP | VFU_REGION_F_CAPS;
		region.info.cap_offset = sizeof(region.info);
	}
	script_add(s, VFU_DEVICE_GET_REGION_INFO, &region, len)->n_fds = index == 0;
}

/* All that opening a function asks for. */
static inline void script_open(struct script *s)
{
	const struct vfu_device_info info = {16, VFU_DEVICE_F_RESET | VFU_DEVICE_F_PCI, VFU_REGIONS,
					     VFU_IRQS};
	uint8_t version[SCRIPT_BODY] = {0};
	size_t len;
	const char *text = vfu_version_text(&len);

	s->n = 0;
	memcpy(version + sizeof(struct vfu_version), text, len);
	script_add(s, VFU_VERSION, version, sizeof(struct vfu_version) + len);
	script_add(s, VFU_DEVICE_GET_INFO, &info, sizeof(info));
	for (uint32_t i = 0; i < VFU_REGIONS; i++)
		script_add_region(s, i);
	for (uint32_t i = 0; i < VFU_IRQS; i++) {
		struct vfu_irq_info irq = {16, VFU_IRQ_F_EVENTFD, i, i == VFU_IRQ_MSIX ? 3 : 0};

		script_add(s, VFU_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq));
	}
}

/* Put all replies into @sock, with copies of @fd where they carry one. */
static inline int script_play(const struct script *s, int sock, int fd)
{
	const int fds[4] = {fd, fd, fd, fd};

	for (unsigned int i = 0; i < s->n; i++) {
		const struct script_reply *r = &s->reply[i];
		size_t len = r->hdr.msg_size < VFU_HDR_SIZE ? 0 : r->hdr.msg_size - VFU_HDR_SIZE;
		struct iovec iov[2] = {{(void *)&r->hdr, VFU_HDR_SIZE},
				       {(void *)r->body, len < SCRIPT_BODY ? len : SCRIPT_BODY}};
		size_t sent;
		int e;

		e = usock_try_send(sock, iov, 2, fds, r->n_fds, &sent);
		if (e < 0)
			return e;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vhost-user front end. Every message is acknowledged where the back end can (REPLY_ACK); where it
 * cannot, a GET_FEATURES at the end of a sequence stands in, as messages are answered in order.
 */
#include "vhost_user.h"

#include <assert.h>
#include <lib/clock.h>
#include <lib/unix_sock.h>
#include <linux/vhost_types.h>
#include <stdatomic.h>
#include <string.h>

enum {
	VHU_GET_FEATURES = 1,
	VHU_SET_FEATURES = 2,
	VHU_SET_OWNER = 3,
	VHU_SET_MEM_TABLE = 5,
	VHU_SET_VRING_NUM = 8,
	VHU_SET_VRING_ADDR = 9,
	VHU_SET_VRING_BASE = 10,
	VHU_GET_VRING_BASE = 11,
	VHU_SET_VRING_KICK = 12,
	VHU_SET_VRING_CALL = 13,
	VHU_GET_PROTOCOL_FEATURES = 15,
	VHU_SET_PROTOCOL_FEATURES = 16,
	VHU_GET_QUEUE_NUM = 17,
	VHU_SET_VRING_ENABLE = 18,
};

#define VHU_HDR_VERSION	     0x1u
#define VHU_HDR_VERSION_MASK 0x3u
#define VHU_HDR_REPLY	     0x4u
#define VHU_HDR_NEED_REPLY   0x8u

#define VHU_F_PROTOCOL_FEATURES (UINT64_C(1) << 30)
#define VHU_F_VERSION_1		(UINT64_C(1) << 32)
#define VHU_PROTO_MQ		(UINT64_C(1) << 0)
#define VHU_PROTO_REPLY_ACK	(UINT64_C(1) << 3)

#define VHU_VRING_NOFD 0x100u /* in the u64 of SET_VRING_KICK and SET_VRING_CALL */

struct vhu_mem_table {
	uint32_t n_regions;
	uint32_t padding;
	struct vhu_mem_region {
		uint64_t gpa;
		uint64_t size;
		uint64_t user_addr;
		uint64_t mmap_offset;
	} region[VMM_VHU_REGIONS];
};

struct vmm_vhu {
	int fd;
	uint64_t features; /* as the back end offered them */
	bool has_protocol; /* VHU_F_PROTOCOL_FEATURES: rings are born disabled */
	bool has_ack;
	bool lost;
	_Atomic uint64_t messages;
	unsigned int n_queues;
	bool running[VMM_VHU_QUEUES];
	bool enabled[VMM_VHU_QUEUES];
};

int vmm_vhu_reply_check(const struct vmm_vhu_hdr *hdr, uint32_t request, uint32_t size)
{
	if ((hdr->flags & VHU_HDR_VERSION_MASK) != VHU_HDR_VERSION || !(hdr->flags & VHU_HDR_REPLY))
		return -EBADMSG;
	if (hdr->request != request || hdr->size != size)
		return -EBADMSG;
	return 0;
}

/*
 * One message; @reply_len > 0: its answer goes to @reply. An unacknowledged failure would leave
 * both sides in different states, so any failure ends the connection.
 */
static int vhu_call_fds(struct vmm_vhu *v, uint32_t request, const void *payload, uint32_t len,
			const int *fds, unsigned int n_fds, void *reply, uint32_t reply_len,
			uint64_t deadline)
{
	struct {
		struct vmm_vhu_hdr hdr;
		unsigned char payload[sizeof(struct vhu_mem_table)];
	} msg = {.hdr = {.request = request, .flags = VHU_HDR_VERSION, .size = len}};
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg.hdr) + len};
	bool want_ack = reply_len == 0 && v->has_ack;
	struct vmm_vhu_hdr hdr;
	uint64_t ack = 0;
	int r;

	assert(len <= sizeof(msg.payload));
	if (v->lost)
		return -ENODEV;
	if (len > 0)
		memcpy(msg.payload, payload, len);
	if (want_ack) {
		msg.hdr.flags |= VHU_HDR_NEED_REPLY;
		reply = &ack;
		reply_len = sizeof(ack);
	}

	atomic_fetch_add(&v->messages, 1);
	r = usock_send(v->fd, &iov, 1, fds, n_fds, deadline);
	/* no reply we ask for carries descriptors: the kernel drops what comes */
	if (r == 0 && reply_len > 0)
		r = usock_recv(v->fd, &hdr, sizeof(hdr), NULL, deadline);
	if (r == 0 && reply_len > 0)
		r = vmm_vhu_reply_check(&hdr, request, reply_len);
	if (r == 0 && reply_len > 0)
		r = usock_recv(v->fd, reply, reply_len, NULL, deadline);
	if (r == 0 && want_ack && ack != 0)
		r = -EREMOTEIO;
	if (r < 0)
		v->lost = true;
	return r;
}

static int vhu_call(struct vmm_vhu *v, uint32_t request, const void *payload, uint32_t len,
		    int pass_fd, void *reply, uint32_t reply_len, uint64_t deadline)
{
	return vhu_call_fds(v, request, payload, len, &pass_fd, pass_fd >= 0, reply, reply_len,
			    deadline);
}

static int vhu_set_u64(struct vmm_vhu *v, uint32_t request, uint64_t val, int pass_fd,
		       uint64_t deadline)
{
	return vhu_call(v, request, &val, sizeof(val), pass_fd, NULL, 0, deadline);
}

static int vhu_get_u64(struct vmm_vhu *v, uint32_t request, uint64_t deadline, uint64_t *ret_val)
{
	return vhu_call(v, request, NULL, 0, -1, ret_val, sizeof(*ret_val), deadline);
}

static int vhu_set_state(struct vmm_vhu *v, uint32_t request, unsigned int index, unsigned int num,
			 uint64_t deadline)
{
	struct vhost_vring_state s = {.index = index, .num = num};

	return vhu_call(v, request, &s, sizeof(s), -1, NULL, 0, deadline);
}

/* What back ends for networks count here is pairs. */
static int vhu_pairs_check(struct vmm_vhu *v, bool several, uint64_t deadline)
{
	uint64_t n = 1;
	int r = 0;

	if (v->n_queues == 2)
		return 0;
	if (several)
		r = vhu_get_u64(v, VHU_GET_QUEUE_NUM, deadline, &n);
	if (r < 0)
		return r;
	return n < v->n_queues / 2 ? -EPROTO : 0;
}

static int vhu_handshake(struct vmm_vhu *v, uint64_t deadline)
{
	uint64_t protocol = 0;
	int r;

	r = vhu_get_u64(v, VHU_GET_FEATURES, deadline, &v->features);
	if (r < 0)
		return r;
	if (!(v->features & VHU_F_VERSION_1))
		return -EPROTO;

	v->has_protocol = v->features & VHU_F_PROTOCOL_FEATURES;
	if (v->has_protocol) {
		r = vhu_get_u64(v, VHU_GET_PROTOCOL_FEATURES, deadline, &protocol);
		if (r < 0)
			return r;
		protocol &= VHU_PROTO_REPLY_ACK | (v->n_queues > 2 ? VHU_PROTO_MQ : 0);
		r = vhu_set_u64(v, VHU_SET_PROTOCOL_FEATURES, protocol, -1, deadline);
		if (r < 0)
			return r;
		v->has_ack = protocol & VHU_PROTO_REPLY_ACK;
	}
	r = vhu_pairs_check(v, protocol & VHU_PROTO_MQ, deadline);
	if (r < 0)
		return r;
	return vhu_call(v, VHU_SET_OWNER, NULL, 0, -1, NULL, 0, deadline);
}

int vmm_vhu_new(int fd, unsigned int pairs, struct vmm_vhu **ret_v)
{
	_cleanup_(vmm_vhu_freep) struct vmm_vhu *v = NULL;
	_cleanup_(fd_closep) int own = fd;
	int r;

	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->fd = TAKE_FD(own);
	assert(pairs >= 1 && 2 * pairs <= VMM_VHU_QUEUES);
	v->n_queues = 2 * pairs;

	r = vhu_handshake(v, clock_us() + clock_patient_us(VMM_VHU_TIMEOUT_US));
	if (r < 0)
		return r;

	*ret_v = TAKE_PTR(v);
	return 0;
}

void vmm_vhu_free(struct vmm_vhu *v)
{
	if (!v)
		return;
	fd_close(v->fd);
	free(v);
}

uint64_t vmm_vhu_features(const struct vmm_vhu *v)
{
	return v->features & ~VHU_F_PROTOCOL_FEATURES;
}

uint64_t vmm_vhu_messages(const struct vmm_vhu *v)
{
	return atomic_load(&v->messages);
}

int vmm_vhu_fd(const struct vmm_vhu *v)
{
	return v->fd;
}

static int vhu_set_fd(struct vmm_vhu *v, uint32_t request, unsigned int queue, int fd,
		      uint64_t deadline)
{
	return vhu_set_u64(v, request, fd < 0 ? queue | VHU_VRING_NOFD : queue, fd, deadline);
}

static int vhu_start_queue(struct vmm_vhu *v, unsigned int i, const struct virtq_map *q,
			   uint64_t deadline)
{
	struct vhost_vring_addr addr = {
		.index = i,
		.desc_user_addr = (uintptr_t)q->desc,
		.used_user_addr = (uintptr_t)q->used,
		.avail_user_addr = (uintptr_t)q->avail,
	};
	int r;

	r = vhu_set_state(v, VHU_SET_VRING_NUM, i, q->size, deadline);
	if (r == 0)
		r = vhu_set_state(v, VHU_SET_VRING_BASE, i, q->base, deadline);
	if (r == 0)
		r = vhu_call(v, VHU_SET_VRING_ADDR, &addr, sizeof(addr), -1, NULL, 0, deadline);
	if (r == 0)
		r = vhu_set_fd(v, VHU_SET_VRING_CALL, i, q->call_fd, deadline);
	/* the kick descriptor starts the ring: last */
	if (r == 0)
		r = vhu_set_fd(v, VHU_SET_VRING_KICK, i, q->kick_fd, deadline);
	if (r == 0)
		v->running[i] = true;
	return r;
}

static int vhu_set_memory(struct vmm_vhu *v,
			  const struct dma_mem *const ram[static VMM_VHU_REGIONS],
			  uint64_t deadline)
{
	struct vhu_mem_table mem = {0};
	int fds[VMM_VHU_REGIONS];
	uint32_t n = 0, len;

	for (; n < VMM_VHU_REGIONS && ram[n]; n++) {
		mem.region[n] = (struct vhu_mem_region){
			.gpa = ram[n]->iova.v,
			.size = ram[n]->len,
			.user_addr = (uintptr_t)ram[n]->va,
			.mmap_offset = ram[n]->fd_offset,
		};
		fds[n] = ram[n]->fd;
	}
	mem.n_regions = n;
	len = (uint32_t)(offsetof(struct vhu_mem_table, region) + n * sizeof(mem.region[0]));
	return vhu_call_fds(v, VHU_SET_MEM_TABLE, &mem, len, fds, n, NULL, 0, deadline);
}

static int vhu_enable(struct vmm_vhu *v, unsigned int enabled, uint64_t deadline)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && v->has_protocol && i < v->n_queues; i++) {
		bool on = i / 2 < enabled;

		if (!v->running[i] || v->enabled[i] == on)
			continue;
		r = vhu_set_state(v, VHU_SET_VRING_ENABLE, i, on, deadline);
		if (r == 0)
			v->enabled[i] = on;
	}
	return r;
}

int vmm_vhu_enable(struct vmm_vhu *v, unsigned int enabled)
{
	return vhu_enable(v, enabled, clock_us() + clock_patient_us(VMM_VHU_TIMEOUT_US));
}

int vmm_vhu_start(struct vmm_vhu *v, uint64_t features,
		  const struct dma_mem *const ram[static VMM_VHU_REGIONS],
		  const struct virtq_map q[static VMM_VHU_QUEUES], unsigned int enabled)
{
	uint64_t deadline = clock_us() + clock_patient_us(VMM_VHU_TIMEOUT_US);
	uint64_t seen;
	int r;

	if (v->has_protocol)
		features |= VHU_F_PROTOCOL_FEATURES;
	r = vhu_set_u64(v, VHU_SET_FEATURES, features, -1, deadline);
	if (r == 0)
		r = vhu_set_memory(v, ram, deadline);
	for (unsigned int i = 0; r == 0 && i < v->n_queues; i++)
		if (q[i].size != 0)
			r = vhu_start_queue(v, i, &q[i], deadline);
	if (r == 0)
		r = vhu_enable(v, enabled, deadline);
	if (r == 0 && !v->has_ack)
		r = vhu_get_u64(v, VHU_GET_FEATURES, deadline, &seen);
	return r;
}

int vmm_vhu_stop(struct vmm_vhu *v, uint16_t ret_base[static VMM_VHU_QUEUES])
{
	uint64_t deadline = clock_us() + clock_patient_us(VMM_VHU_TIMEOUT_US);
	int r = vhu_enable(v, 0, deadline);

	for (unsigned int i = 0; r == 0 && i < v->n_queues; i++) {
		struct vhost_vring_state s = {.index = i}, reply = {0};

		if (!v->running[i])
			continue;
		r = vhu_call(v, VHU_GET_VRING_BASE, &s, sizeof(s), -1, &reply, sizeof(reply),
			     deadline);
		if (r == 0 && (reply.index != i || reply.num > UINT16_MAX)) {
			v->lost = true;
			r = -EBADMSG;
		}
		if (r == 0) {
			ret_base[i] = (uint16_t)reply.num;
			v->running[i] = false;
		}
	}
	return r;
}

int vmm_vhu_set_call(struct vmm_vhu *v, unsigned int queue, int call_fd)
{
	assert(queue < VMM_VHU_QUEUES);
	if (!v->running[queue])
		return 0;
	return vhu_set_fd(v, VHU_SET_VRING_CALL, queue, call_fd,
			  clock_us() + clock_patient_us(VMM_VHU_TIMEOUT_US));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM's binary statistics of a vCPU: find the counter "exits" once, read it by one pread. */
#include <string.h>
#include <sys/ioctl.h>
#include "vcpu.h"

#define STATS_MAX     512u
#define STAT_NAME_MAX 128u

int vcpu_stats_open(struct vcpu *v)
{
	struct kvm_stats_header h;
	union {
		struct kvm_stats_desc d;
		char bytes[sizeof(struct kvm_stats_desc) + STAT_NAME_MAX];
	} desc;
	size_t size;

	v->stats_fd = ioctl(v->fd, KVM_GET_STATS_FD, NULL);
	if (v->stats_fd < 0)
		return -ENOTSUP;
	if (pread(v->stats_fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return -EIO;
	if (!h.name_size || h.name_size > STAT_NAME_MAX || h.num_desc > STATS_MAX)
		return -ENOTSUP;

	size = sizeof(desc.d) + h.name_size;
	for (uint32_t i = 0; i < h.num_desc; i++) {
		off_t at = (off_t)h.desc_offset + (off_t)(i * size);

		if (pread(v->stats_fd, &desc, size, at) != (ssize_t)size)
			return -EIO;
		desc.bytes[size - 1] = '\0';
		if (strcmp(&desc.bytes[sizeof(desc.d)], "exits"))
			continue;
		v->stats_off = (off_t)h.data_offset + (off_t)desc.d.offset;
		return 0;
	}
	return -ENOTSUP;
}

uint64_t vcpu_stats_exits(const struct vcpu *v)
{
	uint64_t n;

	if (v->stats_fd < 0 || !v->stats_off)
		return 0;
	if (pread(v->stats_fd, &n, sizeof(n), v->stats_off) != (ssize_t)sizeof(n))
		return 0;
	return n;
}

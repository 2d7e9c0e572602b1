#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end of vhost-user: the VMM hands a back end guest RAM, the rings' addresses and two
 * eventfds a ring, and has no part in the data path afterwards. One connection, one to
 * four pairs of rings.
 *
 * The back end is semi-trusted: every reply is checked, every exchange has a deadline, and one
 * broken rule loses the connection for ever (-ENODEV from then on). Calls are serialised by the
 * caller.
 */
#include <lib/cleanup.h>
#include <lib/dma.h>
#include <stdbool.h>
#include <stdint.h>
#include "virtq.h"

struct vmm_vhu;

#define VMM_VHU_REGIONS	   2u /* of guest RAM: below and above the BARs */
#define VMM_VHU_QUEUES	   8u /* even: guest receives, odd: guest sends */
#define VMM_VHU_TIMEOUT_US UINT64_C(1000000)

/* The header of every message; a payload of size bytes follows. Host byte order. */
struct vmm_vhu_hdr {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

/**
 * vmm_vhu_reply_check() - is @hdr the answer to @request with @size bytes of payload?
 * Context: pure. Return: 0; -EBADMSG it is not. Source: [VH], "Header".
 */
int vmm_vhu_reply_check(const struct vmm_vhu_hdr *hdr, uint32_t request,
			uint32_t size) _must_check_;

/**
 * vmm_vhu_new() - take over a connected socket and agree on the protocol
 * @fd:    connected AF_UNIX stream; owned from here on, also on failure
 * @pairs: of rings, 1 to 4
 *
 * Context: any thread; blocks up to VMM_VHU_TIMEOUT_US.
 * Return: 0; -EPROTO no virtio 1 back end, or one with fewer pairs; -EBADMSG bad reply; -ETIMEDOUT;
 * -ECONNRESET; -ENOMEM. Source: [VH], "Starting and stopping rings", "Multiple queue support",
 * "REPLY_ACK".
 */
int vmm_vhu_new(int fd, unsigned int pairs, struct vmm_vhu **ret_v) _must_check_;

/** vmm_vhu_free() - hang up; NULL is fine. Context: any thread, the last to use it. Source: -. */
void vmm_vhu_free(struct vmm_vhu *v);
DEFINE_CLEANUP(struct vmm_vhu *, vmm_vhu_free);

/**
 * vmm_vhu_features() - virtio feature bits of the back end, without vhost-user's own
 *
 * Context: any thread. Return: virtio feature bits. Source: [VH], GET_FEATURES.
 */
uint64_t vmm_vhu_features(const struct vmm_vhu *v);

/**
 * vmm_vhu_messages() - requests sent so far. Any thread
 *
 * Context: any thread. Return: the count. Source: -.
 */
uint64_t vmm_vhu_messages(const struct vmm_vhu *v);

/**
 * vmm_vhu_fd() - polls EPOLLHUP when the back end is gone
 *
 * Context: any thread; owned by @v. Return: the descriptor. Source: -.
 */
int vmm_vhu_fd(const struct vmm_vhu *v);

/**
 * vmm_vhu_start() - give the back end guest RAM and the rings, and let it run
 * @features: virtio features the guest's driver accepted
 * @ram:      guest RAM; iova is the guest-physical address; fewer regions end with NULL
 * @q:        the rings; size 0: not there
 * @enabled:  pairs that are used now
 *
 * Context: any thread, serialised by the caller; blocks up to VMM_VHU_TIMEOUT_US in all.
 * Return: 0; -ENODEV lost before; otherwise the connection is lost by this: -EREMOTEIO refused,
 *         -EBADMSG, -ETIMEDOUT, -ECONNRESET.
 * Source: [VH], message types SET_FEATURES to SET_VRING_ENABLE.
 */
int vmm_vhu_start(struct vmm_vhu *v, uint64_t features,
		  const struct dma_mem *const ram[static VMM_VHU_REGIONS],
		  const struct virtq_map q[static VMM_VHU_QUEUES],
		  unsigned int enabled) _must_check_;

/**
 * vmm_vhu_enable() - let the back end use the first @enabled pairs, and the others no more
 *
 * Context: as vmm_vhu_start(). Return: as vmm_vhu_start(). Source: [VH], SET_VRING_ENABLE.
 */
int vmm_vhu_enable(struct vmm_vhu *v, unsigned int enabled) _must_check_;

/**
 * vmm_vhu_stop() - after this the back end touches neither rings nor buffers
 * @ret_base: where each ring stands, to start again from
 * Context: as vmm_vhu_start(). Return: as vmm_vhu_start(); rings that do not run give 0 and leave
 * @ret_base alone. Source: [VH], GET_VRING_BASE.
 */
int vmm_vhu_stop(struct vmm_vhu *v, uint16_t ret_base[static VMM_VHU_QUEUES]) _must_check_;

/**
 * vmm_vhu_set_call() - change a running ring's interrupt eventfd; -1 for none
 *
 * Context: as vmm_vhu_start(). Return: as vmm_vhu_start(); 0 for a ring that does not run. Source:
 * [VH], SET_VRING_CALL.
 */
int vmm_vhu_set_call(struct vmm_vhu *v, unsigned int queue, int call_fd) _must_check_;

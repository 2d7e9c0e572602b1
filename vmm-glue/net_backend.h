#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seam 4: what is behind a network interface of a guest. A back end serves pairs of virtio rings
 * (2n: frames to the guest, 2n + 1: frames from it), each frame with a virtio_net_hdr_v1 in front.
 * Two kinds: a tap device, whose rings threads of ours serve (net_tap.c), and vhost-user
 * (net_vhost.c). Two users: virtio-net, which lends the guest's rings, and the emulated NIC, which
 * has rings of its own (net_port.c).
 *
 * A back end that is gone is down, not failed: rings that were started stay lent to it, and are
 * served again when it is back.
 */
#include <lib/dma.h>
#include <systemd/sd-event.h>
#include "virtq.h"

#define NET_PAIRS_MAX  4u
#define NET_QUEUES_MAX (2 * NET_PAIRS_MAX)
#define NET_HDR	       12u
#define NET_FRAME_MAX  (65536u + NET_HDR) /* with header, offloaded segments included */

struct net_backend;

struct net_events {
	/* up() may have changed. Main thread */
	void (*changed)(void *ctx);
	/* the rings' driver broke a rule: constant text. Any thread; must not block */
	void (*broke)(void *ctx, const char *why);
};

struct net_rings {
	unsigned int n;		      /* queues */
	const struct virtq_map *q;    /* copied; size 0: not used */
	struct virtq_mem mem;	      /* for a back end in this process */
	const struct dma_mem *ram[2]; /* for one in another; NULL: no more */
	uint64_t features;	      /* accepted by the rings' driver */
};

struct net_backend_ops {
	const char *kind;
	/* virtio features that concern rings and frames */
	uint64_t (*features)(const struct net_backend *b);
	bool (*up)(struct net_backend *b);
	/* serve the rings; serialised with the rest by the caller */
	void (*start)(struct net_backend *b, const struct net_rings *r);
	/* touch them no more. 0; -EINPROGRESS: not yet, ask stopped() */
	int (*stop)(struct net_backend *b, uint16_t *ret_base);
	bool (*stopped)(struct net_backend *b, uint16_t *ret_base);
	void (*set_call)(struct net_backend *b, unsigned int queue, int fd);
	/* the driver uses the first @n pairs */
	void (*set_pairs)(struct net_backend *b, unsigned int n);
	/* another connected socket, in place of one that is gone; taken over. NULL: it has none */
	int (*reconnect)(struct net_backend *b, int fd);
	uint64_t (*messages)(struct net_backend *b); /* NULL: none are sent */
	/* -ETIMEDOUT: a thread of it hangs, it stays in memory */
	int (*free)(struct net_backend *b);
};

struct net_backend {
	const struct net_backend_ops *ops;
	const struct net_events *events;
	void *ctx;
	unsigned int pairs;
};

/**
 * net_tap_new() - a tap device, a queue pair a descriptor
 * @fds: taps of one device (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, IFF_MULTI_QUEUE if more than one),
 *       or packet sockets that carry frames with such headers; taken over, also on failure
 *
 * Context: main thread. Return: 0; -EINVAL number or kind of descriptors; -errno of ioctl(2),
 * pthread_create(3). Source: Linux Documentation/networking/tuntap.rst.
 */
int net_tap_new(const int *fds, unsigned int n, const struct net_events *events, void *ctx,
		struct net_backend **ret_b) _must_check_;

/**
 * net_vhost_new() - a vhost-user back end
 * @fd: connected socket, or a listening one that the back end connects to, as often as it likes;
 *      taken over, also on failure
 * @pairs: 1 to NET_PAIRS_MAX; the back end has to have as many
 *
 * Context: main thread; waits up to VMM_VHU_TIMEOUT_US for the first connection. Return: 0;
 * -ETIMEDOUT nobody connected; -errno of vmm_vhu_new(). Source: [VH].
 */
int net_vhost_new(sd_event *event, int fd, unsigned int pairs, const struct net_events *events,
		  void *ctx, struct net_backend **ret_b) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One network interface of the guest, whatever drives it: an ops table with two implementations
 * (nif_vf.c, nif_virtio.c). Buffers come from the interface's own pool, see vfdrv.h.
 */
#include <abi/guest_block.h>
#include <guest/frame.h>
#include <stdbool.h>
#include <stdint.h>
#include <vfdrv/vfdrv.h>

struct nif;

struct nif_ops {
	unsigned int (*rx)(struct nif *n, struct vfdrv_pkt *pkt, unsigned int max);
	unsigned int (*tx)(struct nif *n, const struct vfdrv_pkt *pkt, unsigned int k);
	bool (*pending)(const struct nif *n);
	/* receive interrupt: on gives one message at the next frame; look at pending() after it */
	void (*irq)(struct nif *n, bool on);
	/* 0; -ENODEV gone; repairs by itself what can be repaired */
	int (*link)(struct nif *n, bool *ret_up);
	/* quiesce: no DMA after it */
	void (*close)(struct nif *n);
	/* fill in the counters of @e; called often, reads memory only */
	void (*counters)(const struct nif *n, struct guest_if *e);
};

struct nif {
	const struct nif_ops *ops;
	struct vfdrv_pool *pool;
	struct frame_host host;
	uint32_t slot;
	uint32_t kind; /* enum guest_if_kind */
	uint32_t gen;  /* another one in the same slot has another number */
	bool up;
	bool armed;	     /* its receive interrupt is on */
	uint64_t tx_refused; /* frames of ours that found the ring full */
};

static inline unsigned int nif_rx(struct nif *n, struct vfdrv_pkt *pkt, unsigned int max)
{
	return n->ops->rx(n, pkt, max);
}

static inline unsigned int nif_tx(struct nif *n, const struct vfdrv_pkt *pkt, unsigned int k)
{
	return n->ops->tx(n, pkt, k);
}

/**
 * nif_send_one() - send @buf, or give it back to the pool when the ring is full
 *
 * Context: the poll loop. Return: true when sent. Source: -.
 */
static inline bool nif_send_one(struct nif *n, void *buf, uint32_t len)
{
	struct vfdrv_pkt pkt = {.data = buf, .len = (uint16_t)len};

	if (nif_tx(n, &pkt, 1))
		return true;
	n->tx_refused++;
	vfdrv_pool_put(n->pool, buf);
	return false;
}

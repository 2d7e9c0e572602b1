#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit, between the burst (dp_burst.c: plain frames in one descriptor, many at a time) and the
 * single frame (dp_tx.c: everything).
 */
#include "dp_rx.h"

#define TX_POPTS_IXSM BIT32(8)
#define TX_POPTS_TXSM BIT32(9)

/**
 * dp_tx_frame() - one frame through the switch
 * @data, @len: at least SNIC_FRAME_MIN bytes
 * @vle:        the descriptor asks for @tag
 *
 * Context: data thread. Source: docs/sources.md [Q] [L]: VLAN insertion, transmit switching.
 */
void dp_tx_frame(struct dp_worker *me, struct dp_txq *tx, const uint8_t *data, uint32_t len,
		 bool vle, uint16_t tag);

/**
 * dp_tx_odd() - any descriptor at all
 *
 * Context: data thread. Return: true if it wants to be reported done. Source: docs/sources.md [Q]
 * [L]: legacy and advanced descriptors.
 */
bool dp_tx_odd(struct dp_worker *me, struct dp_txq *tx, const struct nic_tx_desc *d);

/**
 * dp_tx_has_work() - did the driver move its tail? The descriptor's line is on its way then, and a
 * frame's that answers or forwards the last one: it is where that one was received, since an
 * application sends the same buffer on, or the one it gave back last. A wrong guess costs nothing
 * but the look.
 *
 * Context: data thread. Return: true, dp_tx_poll() finds out the rest; false. Source: -.
 */
static inline bool dp_tx_has_work(const struct dp_txq *tx)
{
	if (unlikely(!tx->ring))
		return false;
	/* the loads go out together */
	__builtin_prefetch(&tx->ring[tx->head]);
	__builtin_prefetch(tx->echo);
	return mmio_read32(tx->regs + DPR_TAIL) != tx->head;
}

/**
 * dp_flow_of() - the one place where a flow with this destination (low 48 bits of @h0) can be
 *
 * Context: data thread. Return: never NULL. Source: -.
 */
static inline struct dp_flow *dp_flow_of(struct dp_txq *tx, uint64_t h0)
{
	return &tx->flow[(h0 << 16) * UINT64_C(0x9e3779b97f4a7c15) >> 59];
}
_Static_assert(DP_FLOWS == 32, "five bits of the product");

/**
 * dp_load_header() - the first 16 bytes, read once: what was checked is what is sent, whatever the
 * guest does meanwhile
 *
 * Context: any. Source: -.
 */
static inline void dp_load_header(const uint8_t *data, uint64_t *ret_h0, uint64_t *ret_h1)
{
	uint64_t a, b;

	memcpy(&a, data, 8);
	memcpy(&b, data + 8, 8);
	__asm__("" : "+r"(a), "+r"(b)); /* no second look by the compiler */
	*ret_h0 = a;
	*ret_h1 = b;
}

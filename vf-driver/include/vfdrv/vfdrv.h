#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VF driver's core: drives one 82576 virtual function in poll mode. Freestanding: no libc, no
 * allocation, no system call. Memory, register access and time come from the caller, so that the
 * same objects run in a user-space process (vfdrv_pcif.h) and in the bench guest.
 *
 * Buffers belong to the function's pool. vfdrv_rx_burst() hands buffers out, vfdrv_tx_burst() takes
 * them, vfdrv_pool_get() and vfdrv_pool_put() do the same for buffers that carry nothing yet or no
 * more. A buffer is known by its first byte; frames start there.
 *
 * One function is used by one thread. No call locks.
 */
#include <abi/addr.h>
#include <abi/nic_desc.h>
#include <abi/nic_mbx.h>
#include <abi/nic_pci.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFDRV_RING_MAX	 1024u /* descriptors a ring */
#define VFDRV_POOL_MAX	 4096u /* buffers a function */
#define VFDRV_BUF_BYTES	 2048u /* what the NIC may write into one buffer */
#define VFDRV_BUF_STRIDE 2112u /* odd number of lines: buffers spread over all cache sets */
#define VFDRV_TX_BATCH	 32u   /* one status request, one reclaim for so many descriptors */
#define VFDRV_FRAME_MAX	 1522u /* default largest frame: with VLAN tag and CRC */

/* What the function's home provides. Registers: offsets in BAR0; a lost function reads all ones. */
struct vfdrv_env {
	void *ctx;
	uint32_t (*read32)(void *ctx, uint32_t off);
	void (*write32)(void *ctx, uint32_t off, uint32_t val);
	void (*delay_us)(void *ctx, uint32_t us); /* may do other work meanwhile */
	uint64_t (*now_us)(void *ctx);		  /* monotonic */
	volatile void *queue_pages; /* BAR0 + 0x2000, 8 KiB; NULL: reached through read32/write32 */
};

struct vfdrv_config {
	uint32_t n_rx;	   /* descriptors: multiple of 32 and power of two, 64..VFDRV_RING_MAX */
	uint32_t n_tx;	   /* the same */
	uint32_t rx_batch; /* descriptors posted at once, power of two, 4..n_rx / 2; 0: 32 */
	uint32_t max_frame_bytes; /* with CRC; 0: VFDRV_FRAME_MAX */
};

/* DMA memory for rings and buffers: reachable by the function at iova for its whole life. */
struct vfdrv_mem {
	void *va; /* 64-byte aligned */
	iova_t iova;
	size_t len;
};

/* The second half is the upper half of a written-back descriptor, taken over as it is. */
struct vfdrv_pkt {
	void *data;	 /* a buffer of the pool */
	uint32_t status; /* receive: NIC_RXD_STAT_*; transmit: ignored */
	uint16_t len;	 /* bytes, without CRC */
	uint16_t vlan;	 /* receive: the stripped tag when NIC_RXD_STAT_VP is set */
};
_Static_assert(offsetof(struct vfdrv_pkt, status) == 8, "the descriptor's order");

/* Free buffers, last in first out: the buffer used next is the one that is still in the cache. */
struct vfdrv_pool {
	uint32_t n;
	void *buf[VFDRV_POOL_MAX];
};

struct vfdrv_counters {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t
		rx_errors; /* frames the driver threw away: bad, oversized, or of several buffers */
	uint64_t rx_nobuf; /* refills put off because the pool was empty */
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_full; /* frames refused because the ring was full */
};

/* The function's own statistics, 64 bit, relative to the first reading. */
struct vfdrv_hw_counters {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_multicast;
	uint64_t rx_lb_packets, tx_lb_packets, rx_lb_bytes, tx_lb_bytes;
};

#define VFDRV_HW_COUNTERS 9u

struct vfdrv_ring {
	volatile uint64_t *desc; /* two words a descriptor */
	volatile uint32_t *tail_reg;
	uint32_t mask;
	uint32_t next;	/* receive: next to look at; transmit: next to reclaim. Free running */
	uint32_t tail;	/* next to fill. Free running */
	uint32_t batch; /* descriptors a refill */
	uint64_t packets, bytes, errors, nobuf, full;
	void *buf[VFDRV_RING_MAX] __attribute__((aligned(64))); /* buffer of each descriptor */
};

/* Given by the caller, zeroed; fields are private but for mac, has_mac, pool and env. */
struct vfdrv {
	uint64_t iova_delta; /* iova = va + this */
	struct vfdrv_pool pool __attribute__((aligned(64)));
	struct vfdrv_ring rx __attribute__((aligned(64)));
	struct vfdrv_ring tx __attribute__((aligned(64)));
	struct vfdrv_env env __attribute__((aligned(64)));
	struct vfdrv_config config;
	struct vfdrv_mem mem;
	iova_t rx_iova, tx_iova;
	uint32_t v2p; /* read-to-clear mailbox bits seen and not yet used */
	bool has_mac; /* the PF gave an address at the last reset */
	bool running; /* queues enabled */
	uint8_t mac[6];
	uint32_t hw_last[VFDRV_HW_COUNTERS];
	uint64_t hw_sum[VFDRV_HW_COUNTERS];
	bool hw_based;
};

/**
 * vfdrv_mem_size() - DMA memory that rings and @n_bufs buffers take
 * Context: any; pure. Return: bytes. Source: -
 */
size_t vfdrv_mem_size(const struct vfdrv_config *config, uint32_t n_bufs);

/**
 * vfdrv_init() - lay out memory; does not touch the device
 * @v:      zeroed struct, 64-byte aligned
 * @env:    copied
 * @config: copied
 * @mem:    rings first, then as many buffers as fit (at most VFDRV_POOL_MAX)
 *
 * Context: any. Return: 0; -EINVAL a ring size, batch or alignment that cannot be; -ENOMEM when not
 * even the receive ring and one transmit batch get buffers. Source: -
 */
int vfdrv_init(struct vfdrv *v, const struct vfdrv_env *env, const struct vfdrv_config *config,
	       const struct vfdrv_mem *mem);

/**
 * vfdrv_reset() - reset the function and do the reset exchange with the PF
 *
 * Afterwards v->has_mac says whether the PF gave an address, and v->mac is it. Without one the
 * caller picks an address and tells it by vfdrv_set_mac(). Queues are stopped, their buffers in the
 * pool.
 *
 * Context: sleeps in env->delay_us, at most about 4 s.
 * Return: 0; -ENODEV the function is gone; -ETIMEDOUT the PF does not answer; -EBADMSG a reply that
 *         is none.
 * Source: docs/sources.md [L] igbvf reset; reply checked to the bit.
 */
int vfdrv_reset(struct vfdrv *v);

/**
 * vfdrv_start() - program both rings, agree on the frame size, enable the queues, post buffers
 * Context: after vfdrv_reset(). Sleeps. Return: 0; -EPERM the PF refuses the frame size;
 * -ETIMEDOUT; -ENODEV; -ECONNRESET the PF was reset meanwhile: start over with vfdrv_reset().
 * Source: docs/sources.md [L] [D]: order of the registers.
 */
int vfdrv_start(struct vfdrv *v);

/**
 * vfdrv_stop() - quiesce: the function moves no data then, the rings' buffers are in the pool
 * Context: any state; idempotent. Return: 0; -ENODEV the function is gone (its DMA is the
 * home's business then). Source: VTCTRL.RST stops DMA synchronously.
 */
int vfdrv_stop(struct vfdrv *v);

/**
 * vfdrv_set_mac() - make @mac the function's address; v->mac follows when the PF agrees
 *
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ETIMEDOUT; -ENODEV;
 * -ECONNRESET the PF wants a reset first; -ERANGE no unicast address. Source: docs/sources.md [L]
 * [D].
 */
int vfdrv_set_mac(struct vfdrv *v, const uint8_t mac[6]);

/**
 * vfdrv_set_multicast() - receive exactly these @n groups (by hash), at most NIC_MBX_MC_MAX
 *
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ETIMEDOUT; -ENODEV;
 * -ECONNRESET the PF wants a reset first; -ERANGE too many. Source: docs/sources.md [L] [D].
 */
int vfdrv_set_multicast(struct vfdrv *v, const uint8_t (*groups)[6], unsigned int n);

/**
 * vfdrv_set_vlan() - join or leave VLAN @vid
 *
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ETIMEDOUT; -ENODEV;
 * -ECONNRESET the PF wants a reset first. Source: docs/sources.md [L] [D].
 */
int vfdrv_set_vlan(struct vfdrv *v, uint16_t vid, bool join);

/**
 * vfdrv_set_max_frame() - largest frame to be received, with CRC
 *
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ETIMEDOUT; -ENODEV;
 * -ECONNRESET the PF wants a reset first. Source: docs/sources.md [L] [D].
 */
int vfdrv_set_max_frame(struct vfdrv *v, uint32_t bytes);

/**
 * vfdrv_set_promisc() - NIC_MBX_PROMISC_* flags; 0 turns it off
 *
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ETIMEDOUT; -ENODEV;
 * -ECONNRESET the PF wants a reset first. Source: docs/sources.md [L] [D].
 */
int vfdrv_set_promisc(struct vfdrv *v, uint8_t flags);

/**
 * vfdrv_link() - is the link up and the PF in sync?
 * Context: a handful of register accesses. Tells the PF (acknowledge), which must not mind.
 * Return: 0 and @ret_up; -ENODEV; -ECONNRESET the PF was or is being reset, or dropped us:
 *         vfdrv_reset() and vfdrv_start(); -ETIMEDOUT mailbox held by the PF.
 * Source: docs/sources.md [L] [D] VF link check.
 */
int vfdrv_link(struct vfdrv *v, bool *ret_up);

/**
 * vfdrv_irq_setup() - route receive and mailbox causes to MSI-X vectors 0..2; all stay masked
 *
 * Causes clear when their message is sent. The receive vector also masks itself then, so one arming
 * gives one message: arm, look at the ring once more, sleep.
 * Context: any time after vfdrv_reset(). Source: docs/sources.md: VTIVAR, VTEIAC, VTEIAM.
 */
void vfdrv_irq_setup(struct vfdrv *v, unsigned int rx_vector, unsigned int mbx_vector);

/**
 * vfdrv_irq_enable() - unmask the vectors in @mask (bit = vector)
 *
 * Context: after vfdrv_irq_setup(). Source: docs/sources.md [L]: VTEIMS.
 */
void vfdrv_irq_enable(struct vfdrv *v, uint32_t mask);

/**
 * vfdrv_irq_disable() - mask the vectors in @mask
 *
 * Context: after vfdrv_irq_setup(). Source: docs/sources.md [L]: VTEIMC.
 */
void vfdrv_irq_disable(struct vfdrv *v, uint32_t mask);

/**
 * vfdrv_rx_burst() - take received frames
 * @pkt: filled; the buffers belong to the caller now
 * @n:   room in @pkt
 *
 * Context: running function. No register access but the tail, once every rx_batch frames.
 * Return: frames taken, 0..n. Source: docs/sources.md: RX write-back format.
 */
unsigned int vfdrv_rx_burst(struct vfdrv *v, struct vfdrv_pkt *pkt, unsigned int n);

/**
 * vfdrv_tx_burst() - send frames
 * @pkt: buffers of this function's pool, 1..VFDRV_BUF_BYTES bytes each; those sent belong to the
 * driver
 * @n:   frames
 *
 * Context: running function. One tail store a call that sends anything.
 * Return: frames accepted, 0..n; the rest stays with the caller. Source: docs/sources.md: TX
 * format.
 */
unsigned int vfdrv_tx_burst(struct vfdrv *v, const struct vfdrv_pkt *pkt, unsigned int n);

/**
 * vfdrv_rx_pending() - a frame waits; looks at the ring only
 *
 * Context: running function. Return: true or false. Source: docs/sources.md: RX write-back format.
 */
bool vfdrv_rx_pending(const struct vfdrv *v);

/** vfdrv_counters() - what the bursts counted; reads memory only. Context: any state. Source: -. */
void vfdrv_counters(const struct vfdrv *v, struct vfdrv_counters *ret);

/**
 * vfdrv_hw_counters() - read the function's registers and add what passed since the last call;
 * they wrap at 2^32, so call it once a minute or so
 *
 * Context: any state. Source: docs/sources.md [L]: VFGPRC and its neighbours.
 */
void vfdrv_hw_counters(struct vfdrv *v, struct vfdrv_hw_counters *ret);

/** vfdrv_pool_get() - take a free buffer; NULL when there is none. */
static inline void *vfdrv_pool_get(struct vfdrv_pool *p)
{
	return p->n ? p->buf[--p->n] : NULL;
}

/** vfdrv_pool_put() - give a buffer back; it must come from this pool. */
static inline void vfdrv_pool_put(struct vfdrv_pool *p, void *buf)
{
	p->buf[p->n++] = buf;
}

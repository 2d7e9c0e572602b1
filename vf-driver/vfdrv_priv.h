#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What the core's own files share: register access, the mailbox exchange, the memory rules. */
#include <abi/bits.h>
#include <abi/errno.h>
#include <abi/nic_regs.h>
#include <vfdrv/vfdrv.h>

#define VFDRV_GONE UINT32_MAX /* what a register of a lost function reads */

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* x86 keeps stores in order and loads in order: only the compiler has to be told. */
static inline void vfdrv_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline uint32_t vfdrv_read32(struct vfdrv *v, uint32_t off)
{
	return v->env.read32(v->env.ctx, off);
}

static inline void vfdrv_write32(struct vfdrv *v, uint32_t off, uint32_t val)
{
	v->env.write32(v->env.ctx, off, val);
}

/* Queue registers: plain memory when the pages are mapped. */
static inline volatile uint32_t *vfdrv_queue_reg(const struct vfdrv *v, uint32_t off)
{
	volatile uint8_t *pages = v->env.queue_pages;

	return (volatile uint32_t *)(pages + (off - NIC_VF_SHARED_OFF));
}

static inline uint32_t vfdrv_queue_read32(struct vfdrv *v, uint32_t off)
{
	return v->env.queue_pages ? *vfdrv_queue_reg(v, off) : vfdrv_read32(v, off);
}

static inline void vfdrv_queue_write32(struct vfdrv *v, uint32_t off, uint32_t val)
{
	if (v->env.queue_pages)
		*vfdrv_queue_reg(v, off) = val;
	else
		vfdrv_write32(v, off, val);
}

/* vfdrv_mbx.c */
int vfdrv_mbx_exchange(struct vfdrv *v, const struct nic_mbx_msg *msg);
int vfdrv_mbx_reset(struct vfdrv *v);

/* vfdrv_burst.c: post one batch; false when the pool has not got it */
bool vfdrv_rx_refill(struct vfdrv *v);

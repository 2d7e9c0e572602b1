#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core's control half for a home that has rings and burst functions of its own, as the DPDK
 * port has: vfdrv_init_control() instead of vfdrv_init(), vfdrv_reset(), then these for each queue
 * instead of vfdrv_start(). Mailbox, link, interrupts and counters are those of vfdrv.h.
 *
 * Freestanding as the rest of the core.
 */
#include <vfdrv/vfdrv.h>

#define VFDRV_QUEUES 2u /* of each direction; the second receives by RSS only */

struct vfdrv_rxq_config {
	iova_t ring;	  /* aligned to NIC_RING_ALIGN, zeroed */
	uint32_t n_desc;  /* multiple of NIC_RING_LEN_STEP */
	uint32_t buf_kib; /* what the function may write into one buffer, KiB: 1..127 */
};

struct vfdrv_txq_config {
	iova_t ring;
	uint32_t n_desc;
	iova_t head_wb; /* where the head is written to when a descriptor asks for a report; 0: DD
			   in that descriptor */
};

/**
 * vfdrv_init_control() - a driver without rings and buffers; does not touch the device
 * @v: zeroed struct, 64-byte aligned
 *
 * Context: any. Return: nothing. Source: -
 */
void vfdrv_init_control(struct vfdrv *v, const struct vfdrv_env *env);

/**
 * vfdrv_rxq_setup(), vfdrv_txq_setup() - switch queue @q off, if it is on, and program it
 *
 * Context: after vfdrv_reset(); sleeps up to 10 ms. Return: 0; -ENODEV; -ETIMEDOUT.
 * Source: docs/sources.md [L] [D]: order of the registers.
 */
int vfdrv_rxq_setup(struct vfdrv *v, uint32_t q, const struct vfdrv_rxq_config *c);
int vfdrv_txq_setup(struct vfdrv *v, uint32_t q, const struct vfdrv_txq_config *c);

/**
 * vfdrv_rxq_enable(), vfdrv_txq_enable() - switch a programmed queue on
 *
 * Buffers are posted afterwards, by the tail. Call vfdrv_sync() after the last one.
 * Context: sleeps up to 10 ms. Return: 0; -ENODEV; -ETIMEDOUT. Source: docs/sources.md [L] [D].
 */
int vfdrv_rxq_enable(struct vfdrv *v, uint32_t q);
int vfdrv_txq_enable(struct vfdrv *v, uint32_t q);

/**
 * vfdrv_sync() - what was written so far has reached the function
 *
 * Context: any thread that owns @v. Return: 0; -ENODEV. Source: a read pushes writes ahead of it.
 */
int vfdrv_sync(struct vfdrv *v);

/**
 * vfdrv_rx_tail(), vfdrv_tx_tail() - where the tail of queue @q is stored to, when it is memory
 *
 * Context: any. Return: the register; NULL: write nicvf_VRDT(q) or nicvf_VTDT(q) by env->write32.
 * Source: -
 */
volatile uint32_t *vfdrv_rx_tail(const struct vfdrv *v, uint32_t q);
volatile uint32_t *vfdrv_tx_tail(const struct vfdrv *v, uint32_t q);

/**
 * vfdrv_irq_map() - route receive queues and the mailbox to MSI-X vectors; all stay masked
 * @rx_vector:  of each queue, NIC_VF_MSIX_N or above: none
 * @mbx_vector: of the mailbox
 *
 * Receive vectors mask themselves when their message is sent: arm, look once more, sleep.
 * Context: after vfdrv_reset(). Source: docs/sources.md: VTIVAR, VTEIAC, VTEIAM.
 */
void vfdrv_irq_map(struct vfdrv *v, const uint8_t rx_vector[VFDRV_QUEUES], uint32_t mbx_vector);

/**
 * vfdrv_set_rx_queues() - have received frames spread over @n queues by RSS; 1 after every reset
 *
 * Our PF driver knows this message, others refuse it.
 * Context: sleeps, at most about 2 s. Return: 0 acknowledged; -EPERM refused; -ERANGE neither 1 nor
 * 2; -ETIMEDOUT; -ENODEV; -ECONNRESET the PF wants a reset first. Source: docs/processes.md.
 */
int vfdrv_set_rx_queues(struct vfdrv *v, unsigned int n);

/**
 * vfdrv_rx_dropped() - frames that found no buffer posted on queue @q; 32 bit, wraps
 *
 * Context: any thread that owns @v. Return: the count. Source: docs/sources.md [L]: RQDPC.
 */
uint32_t vfdrv_rx_dropped(struct vfdrv *v, uint32_t q);

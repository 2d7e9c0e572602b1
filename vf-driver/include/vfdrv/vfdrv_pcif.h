#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VF driver's user-space home: binds the core to a PCI function (lib/pcif.h), gives it DMA
 * memory, the mapped queue pages when the function has them, and interrupts as eventfds.
 */
#include <lib/cleanup.h>
#include <lib/pcif.h>
#include <vfdrv/vfdrv.h>

struct vfdrv_pcif;

struct vfdrv_pcif_config {
	struct vfdrv_config core; /* zero sizes: rings of 256 */
	uint32_t n_bufs;	  /* 0: what the rings and two bursts need */
	iova_t iova;		  /* where the function shall see the memory; 0: 16 MiB */
	bool hugetlb;
	bool no_mmap; /* every queue register by message: the trapped path */
	bool no_irq;  /* do not bind eventfds */
	bool control; /* no rings, no memory: for a home that has its own (vfdrv/queue.h) */
};

#define VFDRV_PCIF_RX_VECTOR  0u
#define VFDRV_PCIF_MBX_VECTOR 1u

/**
 * vfdrv_pcif_open() - set the function up and do the reset exchange
 * @f:      an open VF; kept by the caller, outlives the driver
 * @config: may be NULL for defaults
 *
 * Queues do not run yet: give an address when vfdrv_pcif_core()->has_mac is false, then
 * vfdrv_start().
 * Context: any thread; sleeps, seconds at worst.
 * Return: 0; -ENODEV no 82576 VF or gone; -ENOMEM; -errno of pcif calls and vfdrv_reset().
 * Source: docs/sources.md.
 */
int vfdrv_pcif_open(struct pcif *f, const struct vfdrv_pcif_config *config,
		    struct vfdrv_pcif **ret_home) _must_check_;

/**
 * vfdrv_pcif_close() - quiesce, unmap, free; the function stays the caller's
 *
 * Context: any thread, the last to use it; sleeps. Source: -.
 */
void vfdrv_pcif_close(struct vfdrv_pcif *h);
DEFINE_CLEANUP(struct vfdrv_pcif *, vfdrv_pcif_close);

/**
 * vfdrv_pcif_core() - the driver inside; lives as long as @h
 *
 * Context: any thread. Return: never NULL. Source: -.
 */
struct vfdrv *vfdrv_pcif_core(struct vfdrv_pcif *h);

/**
 * vfdrv_pcif_irq_fd() - eventfd of @vector (VFDRV_PCIF_*_VECTOR); -1 with no_irq
 *
 * Context: any thread; owned by @h. Return: the eventfd; -1. Source: -.
 */
int vfdrv_pcif_irq_fd(const struct vfdrv_pcif *h, unsigned int vector);

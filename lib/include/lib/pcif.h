#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI function seam. Drivers, the PMD and the VMM know a function through this and nothing
 * else; behind it stands kernel VFIO or a vfio-user server. An ops table, because there are two of
 * them.
 *
 * Thread safety: all calls on one function are serialised inside; any thread may call. Every call
 * has a deadline (the function's timeout): -ETIMEDOUT, after which the function is lost (-ENODEV
 * for ever). A peer that breaks the protocol loses the function as well.
 */
#include <abi/addr.h>
#include <lib/cleanup.h>
#include <lib/dma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcif;

/* Regions and interrupt indices have the numbers of <linux/vfio.h>. */
enum pcif_region_index {
	PCIF_REGION_BAR0 = 0,
	PCIF_REGION_BAR5 = 5,
	PCIF_REGION_ROM = 6,
	PCIF_REGION_CONFIG = 7,
	PCIF_REGIONS = 9,
};

enum pcif_irq_index {
	PCIF_IRQ_INTX = 0,
	PCIF_IRQ_MSI = 1,
	PCIF_IRQ_MSIX = 2,
	PCIF_IRQ_ERR = 3,
	PCIF_IRQ_REQ = 4,
	PCIF_IRQS = 5,
};

#define PCIF_AREAS_MAX	8u
#define PCIF_TIMEOUT_US UINT64_C(2000000)

struct pcif_area {
	uint64_t offset; /* in the region, page aligned */
	uint64_t size;
};

struct pcif_region {
	uint64_t size; /* 0: absent */
	bool readable;
	bool writable;
	unsigned int n_areas; /* parts that pcif_region_mmap() can map */
	struct pcif_area area[PCIF_AREAS_MAX];
};

struct pcif_counters {
	uint64_t region_reads; /* accesses that travelled to the device: traps */
	uint64_t region_writes;
	uint64_t config_accesses;
};

/**
 * pcif_open_vfu() - speak vfio-user on a connected socket
 * @fd:         connected AF_UNIX stream; owned by the function from here on, also on failure
 * @timeout_us: deadline of every exchange; 0 means PCIF_TIMEOUT_US
 *
 * Context: any thread; one VERSION exchange and the region and irq queries.
 * Return: 0; -EPROTO bad reply; -ETIMEDOUT; -ECONNRESET; -ENOMEM.
 * Source: docs/sources.md [VU].
 */
int pcif_open_vfu(int fd, uint64_t timeout_us, struct pcif **ret_f) _must_check_;

/**
 * pcif_open_vfu_path() - connect to the vfio-user socket at @path first
 *
 * Context: any thread; as pcif_open_vfu(). Return: as pcif_open_vfu(), but -EAGAIN when the server
 * hangs up at once (busy); -ENAMETOOLONG; -ENOENT, -ECONNREFUSED, -errno of connect(2). Source:
 * docs/sources.md [VU].
 */
int pcif_open_vfu_path(const char *path, uint64_t timeout_us, struct pcif **ret_f) _must_check_;

/**
 * pcif_close() - drop mappings and the connection; the peer unmaps DMA and forgets interrupts
 *
 * Context: any thread, the last to use it. Source: -.
 */
void pcif_close(struct pcif *f);
DEFINE_CLEANUP(struct pcif *, pcif_close);

/**
 * pcif_lost() - true after a timeout, a protocol error or a hang-up: every call gives -ENODEV
 *
 * Context: any thread; never blocks. Return: true when lost. Source: -.
 */
bool pcif_lost(const struct pcif *f);

/**
 * pcif_fd() - descriptor that polls EPOLLRDHUP when the peer hangs up; -1 if there is none
 *
 * Poll for nothing else: while a call is in progress its reply makes the descriptor readable.
 *
 * Context: any thread; owned by @f. Return: descriptor or -1. Source: -
 */
int pcif_fd(const struct pcif *f);

/**
 * pcif_config_read(), pcif_config_write() - @len bytes of configuration space at @off
 *
 * Context: any thread; blocks up to the function's timeout. Return: as pcif_region_read(). Source:
 * [VU].
 */
int pcif_config_read(struct pcif *f, uint32_t off, void *buf, size_t len) _must_check_;
int pcif_config_write(struct pcif *f, uint32_t off, const void *buf, size_t len) _must_check_;

/**
 * pcif_region() - what is known of region @index since open; NULL for an index out of range
 *
 * Context: any thread. Return: the region, owned by @f; NULL. Source: -.
 */
const struct pcif_region *pcif_region(const struct pcif *f, unsigned int index);

/**
 * pcif_region_read(), pcif_region_write() - @len bytes at @off of a region by message, in pieces
 * when they are many
 *
 * Context: any thread; blocks up to the function's timeout. Return: 0; -EINVAL outside the region
 * or @len is 0; -ENODEV lost, also by a hang-up just now; -ETIMEDOUT, -EPROTO lost by this; the
 * device's refusal. Source: [VU].
 */
int pcif_region_read(struct pcif *f, unsigned int index, uint64_t off, void *buf,
		     size_t len) _must_check_;
int pcif_region_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
		      size_t len) _must_check_;

/**
 * pcif_read32(), pcif_write32() - one 32 bit register of a BAR
 *
 * Context: as pcif_region_read(). Return: as pcif_region_read(); -EINVAL also for no BAR. Source:
 * [VU].
 */
int pcif_read32(struct pcif *f, unsigned int bar, uint32_t off, uint32_t *ret_val) _must_check_;
int pcif_write32(struct pcif *f, unsigned int bar, uint32_t off, uint32_t val) _must_check_;

/**
 * pcif_region_mmap() - map one mappable area, shared
 * @area:   index into the region's areas
 * @ret_va: stays valid until pcif_close(), which unmaps it
 * Context: any thread. Return: 0; -EINVAL no such area; -ENODEV; -errno of mmap(2).
 * Source: [VU] 3.4.
 */
int pcif_region_mmap(struct pcif *f, unsigned int index, unsigned int area,
		     void **ret_va) _must_check_;

/**
 * pcif_irq_count() - vectors of interrupt @index, 0 if the function has none
 *
 * Context: any thread. Return: the count. Source: -.
 */
unsigned int pcif_irq_count(const struct pcif *f, unsigned int index);

/**
 * pcif_irq_set() - bind eventfds to vectors
 * @start, @count: run of vectors; count 0 with start 0 disables the whole index
 * @fds:    @count descriptors, -1 leaves that vector without one; kept by the caller
 * Context: any thread. Return: 0; -EINVAL out of range; -ENODEV; -errno of the device.
 * Source: [VU] 4.
 */
int pcif_irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
		 const int *fds) _must_check_;

/**
 * pcif_dma_map() - let the function read and write @mem at mem->iova; @mem stays the caller's
 *
 * Context: any thread; blocks up to the function's timeout. Return: 0; -EINVAL empty; -EEXIST
 * overlap; -ENOSPC too many; -ENODEV, -ETIMEDOUT, -EPROTO as pcif_region_read(). Source: [VU].
 */
int pcif_dma_map(struct pcif *f, const struct dma_mem *mem) _must_check_;

/**
 * pcif_dma_unmap() - take @mem back; after 0 the function touches it no more
 *
 * Context: as pcif_dma_map(). Return: 0; -EINVAL empty; -ENOENT not mapped; -ENODEV, -ETIMEDOUT,
 * -EPROTO as pcif_region_read(). Source: [VU].
 */
int pcif_dma_unmap(struct pcif *f, const struct dma_mem *mem) _must_check_;

/**
 * pcif_reset() - function level reset
 *
 * Context: any thread; blocks up to the function's timeout. Return: 0; -ENOTSUP it has none;
 * -ENODEV, -ETIMEDOUT, -EPROTO as pcif_region_read(). Source: [VU].
 */
int pcif_reset(struct pcif *f) _must_check_;

/** pcif_counters() - how many messages went which way, so far. Context: any thread. Source: -. */
void pcif_counters(const struct pcif *f, struct pcif_counters *ret);

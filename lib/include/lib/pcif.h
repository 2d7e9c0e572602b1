#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI function seam. Drivers, the PMD and the VMM know a function through this and nothing
 * else; behind it stands kernel VFIO or a vfio-user server. An ops table, because there are two of
 * them.
 *
 * Thread safety: all calls on one function are serialised inside; any thread may call. Every call
 * to a vfio-user server has a deadline (the function's timeout): -ETIMEDOUT, after which the
 * function is lost (-ENODEV for ever). A peer that breaks the protocol loses the function as well.
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

/* What pcif_open_vfio() opens. */
struct pcif_vfio_config {
	const char *bdf;   /* "0000:01:10.0", bound to vfio-pci */
	const char *token; /* UUID shared by a PF on vfio-pci and its VFs; NULL: none */
	const char *sysfs; /* root of sysfs; NULL: /sys */
};

#define PCIF_ERR_MAX 512u

/**
 * pcif_open_vfio() - get a function from the kernel's VFIO: container, group, device
 * @err, @err_size: on refusal one sentence that names what is wrong; may be NULL
 *
 * A function has a container of its own, so DMA mappings are its own as they are with vfio-user.
 * The kernel resets a function that nobody had open, and again after its last descriptor is closed:
 * whoever shall outlive another holder without that keeps a copy of pcif_vfio_fds(). Given a token,
 * a PF whose VFs nobody uses takes it as theirs.
 *
 * Refused for safety: VFIO's no-IOMMU mode, unsafe interrupts, missing interrupt remapping, a group
 * that the host itself uses in part.
 *
 * Calls go to the kernel and end when it answers: no deadline applies to them.
 * Context: any thread; may block for a reset of the function.
 * Return: 0; -EINVAL address or token; -ENODEV no such function; -ENOENT no VFIO, no IOMMU; -EPERM
 *         refused for safety; -EBUSY somebody has the group; -EACCES wrong or missing token;
 *         -ENOMEM; -EBADMSG answers that make no sense; -errno.
 * Source: docs/sources.md [KV].
 */
int pcif_open_vfio(const struct pcif_vfio_config *config, struct pcif **ret_f, char *err,
		   size_t err_size) _must_check_;

/**
 * pcif_open_vfio_fds() - a function that another process opened by pcif_open_vfio()
 * @device_fd, @container_fd: owned from here on, also on failure; container -1: no DMA mappings
 *
 * Nothing is reset, and the host is not judged again. DMA mapped here is unmapped by pcif_close().
 *
 * Context: any thread. Return: 0; -ENOMEM; -EBADMSG, -ENODEV, -errno they are no such descriptors.
 * Source: docs/sources.md [KV].
 */
int pcif_open_vfio_fds(int device_fd, int container_fd, struct pcif **ret_f, char *err,
		       size_t err_size) _must_check_;

/**
 * pcif_vfio_fds() - descriptors to pass on or to keep a copy of; they stay the function's
 * Context: any thread. Return: 0; -ENOTSUP not a function of the kernel's. Source: -
 */
int pcif_vfio_fds(const struct pcif *f, int *ret_device_fd, int *ret_container_fd) _must_check_;

/**
 * pcif_host_sriov() - does the host own the SR-IOV capability?
 *
 * Then the capability can be read and not written: VFs are enabled by the PF's sriov_numvfs.
 *
 * Context: any thread. Return: true for a function of the kernel's. Source: docs/sources.md [KV].
 */
bool pcif_host_sriov(const struct pcif *f);

/**
 * pcif_why() - the sentence of the last refused pcif_dma_map(), empty if there is none
 *
 * Context: any thread; cut off at @size. Return: nothing. Source: -
 */
void pcif_why(struct pcif *f, char *ret_text, size_t size);

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
 * pcif_irq_grows() - may vectors of interrupt @index be bound one by one while others are in use?
 *
 * Else whoever adds one takes the others down and up again, and should bind all at once. So it
 * should at a vfio-user server, too: there an eventfd takes nothing from the host.
 *
 * Context: any thread. Return: true or false; of a server false. Source: linux/vfio.h:
 * VFIO_IRQ_INFO_NORESIZE.
 */
bool pcif_irq_grows(const struct pcif *f, unsigned int index);

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
 * Context: any thread; the kernel pins every page; vfio-user blocks up to the function's timeout.
 * Return: 0; -EINVAL empty or not pages; -EEXIST overlap; -ENOSPC too many; -ERANGE the IOMMU
 * cannot, -ENOMEM RLIMIT_MEMLOCK: pcif_why() names the rest; -ENODEV, -ETIMEDOUT, -EPROTO as
 * pcif_region_read(); -errno. Source: [VU] 3.1, linux/vfio.h.
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

/**
 * pcif_keep_limits() - open what pcif_dma_map() looks at to refuse by name, for a process that can
 * open nothing later
 *
 * Context: start-up, before other threads; kept for the process's life. Source: proc_pid_status(5).
 */
void pcif_keep_limits(void);

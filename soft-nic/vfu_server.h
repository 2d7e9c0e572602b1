#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One vfio-user endpoint: a listening socket, one client at a time, one PCI function behind an ops
 * table. Decodes and checks everything a client says, owns its DMA mappings and interrupt
 * descriptors, and calls the function's ops with arguments that are already valid. Knows nothing of
 * NICs. Accesses a guest can provoke never fail: out of range reads give all ones.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define VFU_DMA_REGIONS_MAX 1024u
#define VFU_DMA_RUNS_MAX    64u /* of regions that follow each other, for the device and here */
#define VFU_SPARSE_MAX	    2u

struct vfu_server;

/* A client's memory, mapped here. The server unmaps after dma_changed() returned. */
struct vfu_dma_region {
	uint64_t iova;
	uint64_t size;
	uint8_t *va;   /* NULL: a window without descriptor, not reachable by DMA */
	bool readable; /* by the device */
	bool writable;
};

struct vfu_server_region {
	uint64_t size; /* 0: not there */
	int mmap_fd;   /* -1: every access is a message; else file offset = offset in the region */
	unsigned int n_areas;
	struct {
		uint64_t offset;
		uint64_t size;
	} area[VFU_SPARSE_MAX];
};

struct vfu_server_ops {
	/* 1, 2, 4 or 8 byte pieces of larger accesses arrive as one call; off + len is in range */
	void (*config_read)(void *fn, uint32_t off, void *buf, uint32_t len);
	void (*config_write)(void *fn, uint32_t off, const void *buf, uint32_t len);
	void (*region_read)(void *fn, unsigned int bar, uint64_t off, void *buf, uint32_t len);
	void (*region_write)(void *fn, unsigned int bar, uint64_t off, const void *buf,
			     uint32_t len);
	/* vector's eventfd changed; -1: none. Owned by the server, valid until the next call */
	void (*irq_changed)(void *fn, unsigned int vector, int fd);
	/*
	 * vfu_server_dma() has a new table, by rising iova; on return nothing may use the old one
	 * any more: it is overwritten by the next change, its memory unmapped now
	 */
	void (*dma_changed)(void *fn);
	void (*reset)(void *fn);
	/* a client came or went; on going, DMA and interrupts were already dropped */
	void (*client)(void *fn, bool connected);
};

struct vfu_server_config {
	const char *path; /* listening socket; a stale one is replaced, removed at free */
	const struct vfu_server_ops *ops;
	void *fn;
	struct vfu_server_region region[6]; /* BARs */
	unsigned int n_msix;
};

/**
 * vfu_server_new() - listen at config->path and serve on @event
 * Context: the loop's thread. Return: 0; -ENOMEM; -errno of bind(2), sd_event_add_io().
 * Source: docs/sources.md [VU].
 */
int vfu_server_new(sd_event *event, const struct vfu_server_config *config,
		   struct vfu_server **ret_server) _must_check_;

/**
 * vfu_server_free() - drop the client, with the same calls as if it had hung up; remove the
 * socket; NULL is fine
 *
 * Context: the loop's thread. Source: -.
 */
void vfu_server_free(struct vfu_server *s);
DEFINE_CLEANUP(struct vfu_server *, vfu_server_free);

/* vfu_server_free() drops the client first, with the same calls as if it had hung up. */

/**
 * vfu_server_dma() - the client's current mappings, @ret_n of them; valid until dma_changed()
 *
 * Context: the loop's thread. Return: the mappings, owned by @s. Source: -.
 */
const struct vfu_dma_region *vfu_server_dma(const struct vfu_server *s, unsigned int *ret_n);

/**
 * vfu_dma_follows() - does @b continue @a, for the device and here?
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
static inline bool vfu_dma_follows(const struct vfu_dma_region *a, const struct vfu_dma_region *b)
{
	return a->va && b->va == a->va + a->size && b->iova == a->iova + a->size &&
	       a->readable == b->readable && a->writable == b->writable;
}

/**
 * vfu_server_irq() - eventfd of @vector, -1 if none
 *
 * Context: the loop's thread; owned by @s. Return: the eventfd; -1. Source: -.
 */
int vfu_server_irq(const struct vfu_server *s, unsigned int vector);

/**
 * vfu_server_connected() - has a client agreed on a version?
 *
 * Context: the loop's thread. Return: true or false. Source: [VU] 2.
 */
bool vfu_server_connected(const struct vfu_server *s);

/**
 * vfu_server_evict() - hang up on a client whose memory is not what it mapped: mapguard_notify()
 * told of missing pages, of this client or another
 *
 * Context: the loop's thread. Return: true if it was this one. Source: -.
 */
bool vfu_server_evict(struct vfu_server *s);

/**
 * vfu_server_messages() - region reads and writes served so far: what a guest's traps cost
 *
 * Context: the loop's thread. Return: the count. Source: -.
 */
uint64_t vfu_server_messages(const struct vfu_server *s);

/**
 * vfu_server_feed() - handle one message as if a client had sent it, for the fuzz target
 * @msg, @len: header and body; @fds: taken over
 * Nobody is connected: replies are dropped, a verdict to hang up forgets interrupts and DMA
 *
 * Context: the loop's thread. Source: -.
 */
void vfu_server_feed(struct vfu_server *s, const void *msg, size_t len, int *fds, size_t n_fds);

/**
 * vfu_server_prepare() - open what telling eventfds from others takes, for a process that can open
 * nothing later
 *
 * Context: start-up; kept for the process's life. Source: proc_pid_fd(5).
 */
void vfu_server_prepare(void);

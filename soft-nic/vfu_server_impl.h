#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the vfio-user endpoint: vfu_server.c has the sockets and whole messages, vfu_server_cmd.c
 * what each command does, vfu_server_dma.c the client's memory.
 */
#include <lib/unix_sock.h>
#include <lib/vfu_wire.h>
#include "iova_window.h"
#include "vfu_server.h"

struct vfu_dma_table {
	unsigned int n;
	struct vfu_dma_region region[VFU_DMA_REGIONS_MAX]; /* by rising iova */
};

/* A body with its descriptors on the way in; all that is not taken is closed after the command. */
struct vfu_request {
	struct vfu_hdr hdr;
	const uint8_t *body;
	size_t len;
	struct usock_fds fds;
};

struct vfu_reply {
	uint8_t *body; /* room for 16 + VFU_MAX_XFER bytes */
	size_t len;
	int fd; /* borrowed, -1: none */
};

struct vfu_server {
	struct vfu_server_config config;
	char *path;
	int listen_fd;
	sd_event *event;
	sd_event_source *listen_source;

	/* the client; fd is -1 while there is none */
	int fd;
	sd_event_source *io_source;
	sd_event_source *timer_source;
	bool negotiated; /* client(true) was called */
	bool progress;	 /* a message ended since the timer was set */
	uint64_t messages;

	struct vfu_request rx;
	size_t rx_hdr_got;
	size_t rx_body_got;
	uint8_t *rx_buf;
	uint8_t *tx_buf; /* one reply; nothing is read while part of it is still here */
	size_t tx_at;
	size_t tx_len;
	int tx_fd;

	int *irq_fd;
	/* two, since the data path holds the current one until dma_changed() returns */
	struct vfu_dma_table dma[2];
	unsigned int dma_current;
	struct iova_windows windows;
};

/**
 * vfu_server_execute() - do what a request says
 * Context: the loop's thread; no I/O on the client's socket.
 * Return: 0 with @reply filled; negative errno to refuse; -ECONNABORTED to refuse and hang up.
 * Source: docs/sources.md [VU] 2-5.
 */
int vfu_server_execute(struct vfu_server *s, struct vfu_request *req,
		       struct vfu_reply *reply) _must_check_;

/** vfu_server_irqs_drop() - forget every eventfd. Context: the loop's thread. Source: -. */
void vfu_server_irqs_drop(struct vfu_server *s);

/**
 * vfu_server_dma_map() - add one mapping
 * @fd: descriptor of the memory, -1 for a window without; kept by the caller
 * Context: the loop's thread. Return: 0; -EEXIST overlap; -ENOSPC table full; -EPERM memory that
 * can shrink; -ERANGE beyond its end; -errno of mmap(2). Source: docs/sources.md [VU] 3.1.
 */
int vfu_server_dma_map(struct vfu_server *s, const struct vfu_dma_map *map, int fd) _must_check_;

/**
 * vfu_server_dma_unmap() - drop exactly this mapping; on return nothing uses it
 *
 * Context: the loop's thread. Return: 0; -ENOENT. Source: docs/sources.md [VU] 3.2.
 */
int vfu_server_dma_unmap(struct vfu_server *s, uint64_t iova, uint64_t size) _must_check_;

/**
 * vfu_server_dma_lost() - did the data path miss pages of the client's memory?
 *
 * Context: the loop's thread. Return: true or false. Source: -.
 */
bool vfu_server_dma_lost(const struct vfu_server *s);

/**
 * vfu_server_dma_drop() - drop all mappings; on return nothing uses them
 *
 * Context: the loop's thread. Source: -.
 */
void vfu_server_dma_drop(struct vfu_server *s);

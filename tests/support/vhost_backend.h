#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back end on a thread, as strict as a test wants it: it records what the front end
 * said, and can be told to misbehave at one message.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum vhost_fault {
	VHOST_FAULT_NONE,
	VHOST_FAULT_SILENT,	 /* reads on, answers no more */
	VHOST_FAULT_REFUSE,	 /* acknowledges with an error */
	VHOST_FAULT_HANG_UP,	 /* closes the connection */
	VHOST_FAULT_WRONG_REPLY, /* answers another request */
	VHOST_FAULT_SHORT_REPLY, /* half a reply, then nothing */
	VHOST_FAULT_HUGE_REPLY,	 /* announces more than was asked for */
};

struct vhost_ring {
	uint32_t size, base;
	uint64_t desc, avail, used; /* front end's addresses */
	int kick_fd, call_fd;
	bool enabled;
};

#define VHOST_BACKEND_RINGS 8

struct vhost_backend {
	int fd;
	uint64_t features; /* offered */
	uint64_t protocol; /* offered protocol features */
	uint32_t fault_at; /* request number; 0: none */
	enum vhost_fault fault;
	uint64_t pairs;	    /* GET_QUEUE_NUM answers this */
	uint16_t stop_base; /* GET_VRING_BASE answers this */
	/* seen; read after the front end's call returned */
	uint64_t acked, acked_protocol;
	uint64_t ram_gpa, ram_size, ram_user, ram_offset;
	int ram_fd;
	struct vhost_ring ring[VHOST_BACKEND_RINGS];
	unsigned int messages, bad;
	pthread_t thread;
};

#define VHOST_BACKEND_FEATURES                                                           \
	(UINT64_C(1) << 32 | UINT64_C(1) << 30 | UINT64_C(1) << 15 | UINT64_C(1) << 29 | \
	 UINT64_C(1))

/**
 * vhost_backend_start() - serve; @b's knobs are set, everything else 0. Returns the front end's
 * socket.
 */
int vhost_backend_start(struct vhost_backend *b);

/** vhost_backend_serve() - the same on a connected socket, which is taken over. */
int vhost_backend_serve(struct vhost_backend *b, int fd);

/** vhost_backend_stop() - after the front end's socket is closed, or to hang up. */
void vhost_backend_stop(struct vhost_backend *b);

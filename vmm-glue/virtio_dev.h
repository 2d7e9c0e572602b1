#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A modern virtio function over PCI, without what makes its type: registers, the window through
 * configuration space, kicks (ioeventfds that follow the BAR), interrupts, and when rings start and
 * stop. A type embeds struct virtio_dev first in its own, and serves the rings.
 *
 * lock covers all state below it. vCPU threads and the main thread take it; an I/O thread never
 * does, so that whoever holds it may wait for one. Lock order: pci_dev.lock, then ours.
 *
 * Source: [VIRTIO] 4.1, 2.1.
 */
#include "virtio_regs.h"
#include "virtq.h"
#include "vm.h"
#include "vmm_pci.h"

#define VIRTIO_STOP_US UINT64_C(500000) /* how long a vCPU waits for an I/O thread */
#define VIRTIO_FREE_US UINT64_C(3000000)

struct virtio_dev;

struct virtio_dev_ops {
	const char *kind; /* as in device.add */
	/* serve q[0..n_queues), size 0: not used; lock held. A failure asks the driver for a reset
	 */
	int (*start)(struct virtio_dev *v, const struct virtq_map *q);
	/* touch neither rings nor buffers any more, fill v->base; lock held. -EINPROGRESS: not yet
	 */
	int (*stop)(struct virtio_dev *v);
	/* is a stop that was in progress over? Fills v->base then; lock held. NULL: stops are never
	 * in progress */
	bool (*stopped)(struct virtio_dev *v);
	/* a served queue's interrupt moved to @fd (-1: none); lock held */
	void (*set_call)(struct virtio_dev *v, unsigned int queue, int fd);
	/* a queue of main_queues was kicked; main thread, lock held, rings are served */
	void (*kicked)(struct virtio_dev *v, unsigned int queue);
	/* something was started, stopped or changed; lock held; NULL: nothing to do */
	void (*settled)(struct virtio_dev *v);
	uint64_t (*messages)(struct virtio_dev *v); /* NULL: none are sent */
	/* rings are stopped, or their thread hangs: end it, free all but @v. -ETIMEDOUT: it cannot
	 * be freed, nor can @v. Takes half-built ones */
	int (*free)(struct virtio_dev *v);
};

struct virtio_dev {
	struct pci_dev pci; /* first: the core knows only this */
	struct pci_dev_ops pci_ops;
	const struct virtio_dev_ops *ops;
	uint32_t main_queues; /* bit n: the main thread serves queue n */
	struct virtio_main_queue {
		struct virtio_dev *v;
		sd_event_source *source;
	} main_queue[VIRTIO_QUEUES_MAX];
	int kick_fd[VIRTIO_QUEUES_MAX];
	_Atomic(const char *) broken; /* by an I/O thread: why the driver has to reset the device */
	_Atomic uint32_t config_vector;
	pthread_mutex_t lock;
	struct virtio_regs regs;
	uint16_t base[VIRTIO_QUEUES_MAX];  /* where stopped rings go on */
	int vector_fd[VIRTIO_VECTORS_MAX]; /* from irq_bind, -1: none */
	bool bus_master;
	bool live;     /* rings are served */
	bool stopping; /* ... and were asked to be no more */
	bool tell;     /* the configuration changed: interrupt at unlock */
	bool kicks_on; /* ioeventfds are registered at kicks_gpa */
	uint64_t kicks_gpa;
	const char *why; /* of the latest need for a reset; NULL: none */
};

/**
 * virtio_dev_init() - registers, descriptors and PCI function of @v, zeroed before
 *
 * Context: main thread. Return: 0; -errno of eventfd(2), sd_event_add_io(3), pci_dev_init().
 * virtio_dev_free() in any case. Source: [VIRTIO] 4.1.
 */
int virtio_dev_init(struct virtio_dev *v, struct vm *vm, const char *id,
		    const struct virtio_type *type, const struct virtio_dev_ops *ops,
		    uint32_t main_queues) _must_check_;

/**
 * virtio_dev_free() - undo virtio_dev_init(), ops->free() and free(v); a device whose thread hangs
 * stays in memory, inert
 *
 * Context: main thread. Source: -.
 */
void virtio_dev_free(struct virtio_dev *v);
DEFINE_CLEANUP(struct virtio_dev *, virtio_dev_free);

/**
 * virtio_dev_lock(), virtio_dev_unlock() - for what a type does by itself; unlocking tells the
 * driver of a changed configuration
 *
 * Context: main thread or vCPU; not an I/O thread. Source: -.
 */
void virtio_dev_lock(struct virtio_dev *v);
void virtio_dev_unlock(struct virtio_dev *v);

/**
 * virtio_dev_cfg_set() - change the device configuration, and tell the driver at unlock
 *
 * Context: lock held. Source: [VIRTIO] 4.1.4.3.1.
 */
void virtio_dev_cfg_set(struct virtio_dev *v, unsigned int off, const void *val, unsigned int len);

/**
 * virtio_dev_broke() - the driver broke a rule of a ring: needs a reset
 * @why: constant text
 *
 * Context: any thread; never blocks. Source: [VIRTIO] 2.1.2.
 */
void virtio_dev_broke(struct virtio_dev *v, const char *why);

/**
 * virtio_dev_call_fd() - eventfd of the interrupt of @queue; -1: none
 *
 * Context: lock held. Return: the descriptor, the core's. Source: -.
 */
int virtio_dev_call_fd(const struct virtio_dev *v, unsigned int queue);

/**
 * virtio_dev_mem() - guest memory, for virtq_init()
 *
 * Context: any thread. Return: what virtq_init() wants. Source: -.
 */
struct virtq_mem virtio_dev_mem(struct virtio_dev *v);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between pcif.c and its back ends. pcif.c checks arguments against what was learnt at open, takes
 * the lock, sets the deadline and counts; an op does one thing with valid arguments, under the
 * lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <lib/pcif.h>

struct pcif_ops {
	int (*region_read)(struct pcif *f, unsigned int index, uint64_t off, void *buf, size_t len);
	int (*region_write)(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
			    size_t len);
	int (*region_mmap)(struct pcif *f, unsigned int index, const struct pcif_area *area,
			   void **ret_va);
	/* count 0: the whole index off */
	int (*irq_set)(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
		       const int *fds);
	int (*dma_map)(struct pcif *f, const struct dma_mem *mem);
	int (*dma_unmap)(struct pcif *f, const struct dma_mem *mem);
	int (*reset)(struct pcif *f);
	/* any thread, without the lock */
	int (*poll_fd)(const struct pcif *f);
	bool (*hung_up)(const struct pcif *f);
	/* mappings are gone already; frees what @f is embedded in; takes half-built functions */
	void (*close)(struct pcif *f);
};

struct pcif {
	const struct pcif_ops *ops;
	pthread_mutex_t lock;
	uint64_t timeout_us;
	uint64_t deadline_us; /* of the call in progress */
	atomic_bool lost;
	bool has_reset;
	bool host_sriov;
	char why[256]; /* of the last refused dma_map */
	struct pcif_region region[PCIF_REGIONS];
	unsigned int irq_count[PCIF_IRQS];
	uint32_t irq_grows; /* bit n: see pcif_irq_grows() */
	void *mapped[PCIF_REGIONS][PCIF_AREAS_MAX];
	atomic_uint_least64_t region_reads;
	atomic_uint_least64_t region_writes;
	atomic_uint_least64_t config_accesses;
};

/** pcif_init() - set up the common part of a zeroed function; @timeout_us 0 means the default. */
void pcif_init(struct pcif *f, const struct pcif_ops *ops, uint64_t timeout_us);

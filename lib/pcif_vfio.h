#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel back end: between opening a function and using it. */
#include "kvfio.h"
#include "pcif_impl.h"

struct pcif_vfio_irq {
	bool noresize;
	unsigned int n; /* vectors that are set up; 0: off, or the last holder's business */
	int *fd;	/* copies of the vectors' eventfds, where the set cannot grow; else NULL */
};

struct pcif_vfio_map {
	uint64_t iova, len;
	struct pcif_vfio_map *next;
};

struct pcif_vfio {
	struct pcif base;
	int device_fd;
	int group_fd; /* -1: passed descriptors */
	int container_fd;
	struct kvfio_iommu iommu;
	uint64_t region_offset[PCIF_REGIONS];
	struct pcif_vfio_irq irq[PCIF_IRQS];
	struct pcif_vfio_map *maps; /* of this process in somebody else's container */
};

extern const struct pcif_ops pcif_vfio_ops;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-user wire format, shared by the client behind pcif and by the soft-nic's server: structs,
 * constants, one sendmsg/recvmsg pair with deadlines and fds, and pure decoders for both directions.
 * Host byte order, all fields naturally aligned.
 *
 * Source: docs/sources.md [VU].
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VFU_MAX_FDS      16u
#define VFU_MAX_XFER     UINT32_C(1048576)
#define VFU_HDR_SIZE     16u
#define VFU_MAX_MSG      (VFU_HDR_SIZE + 16u + VFU_MAX_XFER)

enum vfu_cmd {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11,
	VFU_DMA_WRITE = 12,
	VFU_DEVICE_RESET = 13,
	VFU_DIRTY_PAGES = 14,
	VFU_REGION_WRITE_MULTI = 15,
	VFU_DEVICE_FEATURE = 16,
};

#define VFU_F_TYPE_MASK    0xfu
#define VFU_F_TYPE_COMMAND 0u
#define VFU_F_TYPE_REPLY   1u
#define VFU_F_NO_REPLY     0x10u
#define VFU_F_ERROR        0x20u

struct vfu_hdr {
	uint16_t msg_id;
	uint16_t cmd;
	uint32_t msg_size; /* with this header */
	uint32_t flags;
	uint32_t error; /* positive errno */
};

struct vfu_version {
	uint16_t major;
	uint16_t minor;
	/* JSON text with NUL follows */
};

#define VFU_DMA_F_READ  1u
#define VFU_DMA_F_WRITE 2u
struct vfu_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t size;
};

#define VFU_UNMAP_F_ALL 2u
struct vfu_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
};

#define VFU_DEVICE_F_RESET 1u
#define VFU_DEVICE_F_PCI   2u
struct vfu_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

#define VFU_REGION_F_READ  1u
#define VFU_REGION_F_WRITE 2u
#define VFU_REGION_F_MMAP  4u
#define VFU_REGION_F_CAPS  8u
struct vfu_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t offset;
};

#define VFU_CAP_SPARSE_MMAP 1u
struct vfu_cap_sparse { /* followed by nr_areas struct vfu_sparse_area */
	uint16_t id;
	uint16_t version;
	uint32_t next;
	uint32_t nr_areas;
	uint32_t reserved;
};

struct vfu_sparse_area {
	uint64_t offset;
	uint64_t size;
};

#define VFU_IRQ_F_EVENTFD    1u
#define VFU_IRQ_F_MASKABLE   2u
#define VFU_IRQ_F_AUTOMASKED 4u
#define VFU_IRQ_F_NORESIZE   8u
struct vfu_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

#define VFU_SET_DATA_NONE      0x01u
#define VFU_SET_DATA_BOOL      0x02u
#define VFU_SET_DATA_EVENTFD   0x04u
#define VFU_SET_ACTION_MASK    0x08u
#define VFU_SET_ACTION_UNMASK  0x10u
#define VFU_SET_ACTION_TRIGGER 0x20u
struct vfu_set_irqs {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* count bytes follow for DATA_BOOL */
};

struct vfu_region_access { /* REGION_READ, REGION_WRITE; data follows */
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

_Static_assert(sizeof(struct vfu_hdr) == VFU_HDR_SIZE, "header");
_Static_assert(sizeof(struct vfu_dma_map) == 32, "DMA_MAP");
_Static_assert(sizeof(struct vfu_dma_unmap) == 24, "DMA_UNMAP");
_Static_assert(sizeof(struct vfu_region_info) == 32, "REGION_INFO");
_Static_assert(sizeof(struct vfu_set_irqs) == 20, "SET_IRQS");
_Static_assert(sizeof(struct vfu_region_access) == 16, "REGION access");

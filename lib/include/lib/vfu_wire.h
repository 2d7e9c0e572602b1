#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-user wire format, shared by the client behind pcif and by the soft-nic's server: structs,
 * constants, one sendmsg/recvmsg pair with deadlines and fds, and pure decoders for both
 * directions. Host byte order, all fields naturally aligned.
 *
 * Source: docs/sources.md [VU].
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VFU_MAX_FDS  16u
#define VFU_MAX_XFER UINT32_C(1048576)
#define VFU_HDR_SIZE 16u
#define VFU_MAX_MSG  (VFU_HDR_SIZE + 16u + VFU_MAX_XFER)

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

#define VFU_F_TYPE_MASK	   0xfu
#define VFU_F_TYPE_COMMAND 0u
#define VFU_F_TYPE_REPLY   1u
#define VFU_F_NO_REPLY	   0x10u
#define VFU_F_ERROR	   0x20u

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

#define VFU_DMA_F_READ	1u
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

/* Region and interrupt numbers are those of <linux/vfio.h>. */
#define VFU_REGIONS	  9u
#define VFU_REGION_CONFIG 7u
#define VFU_IRQS	  5u
#define VFU_IRQ_MSIX	  2u

/* ---- sockets (vfu_wire.c) -------------------------------------------------------------------- */

#define VFU_RECV_FDS 64u

/* Descriptors of one message; take one with TAKE_FD, vfu_fds_done() closes the rest. */
struct vfu_fds {
	int fd[VFU_RECV_FDS];
	unsigned int n;
	bool truncated; /* the peer sent more than fit: none was kept */
};

/** vfu_fds_done() - close what was not taken. Context: any thread. Source: -. */
void vfu_fds_done(struct vfu_fds *fds);

/**
 * vfu_try_send() - one non-blocking sendmsg(2), descriptors on its first byte
 * @iov, @n_iov: what to send
 * @fds, @n_fds: at most VFU_MAX_FDS; kept by the caller
 * @ret_sent:    bytes taken; the descriptors have gone when it is not 0
 *
 * Context: any thread; never blocks.
 * Return: 0; -EAGAIN; -ECONNRESET the peer is gone; -errno of sendmsg(2).
 * Source: [VU] 1.
 */
int vfu_try_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
		 size_t *ret_sent) _must_check_;

/**
 * vfu_send() - send all of a message until @deadline_us (clock_us()); descriptors on its first byte
 * @iov: at most 4 pieces
 * Context: any thread; sleeps, whether @fd blocks or not.
 * Return: 0; -ETIMEDOUT; -ECONNRESET; -errno of sendmsg(2).
 * Source: [VU] 1.
 */
int vfu_send(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds,
	     uint64_t deadline_us) _must_check_;

/**
 * vfu_try_recv() - one non-blocking recvmsg(2) of at most @len bytes
 * @fds:      descriptors that came along are added, close-on-exec; NULL: they are discarded
 * @ret_read: bytes got, never 0
 * Context: any thread; never blocks.
 * Return: 0; -EAGAIN; -ECONNRESET end of stream; -errno of recvmsg(2).
 * Source: [VU] 1.
 */
int vfu_try_recv(int fd, void *buf, size_t len, struct vfu_fds *fds, size_t *ret_read) _must_check_;

/**
 * vfu_recv() - receive exactly @len bytes until @deadline_us
 * Read a header with @fds, its body without: descriptors travel on a message's first byte.
 * Context: any thread; sleeps. Return: 0; -ETIMEDOUT; -ECONNRESET; -errno of recvmsg(2).
 * Source: [VU] 1.
 */
int vfu_recv(int fd, void *buf, size_t len, struct vfu_fds *fds, uint64_t deadline_us) _must_check_;

/* ---- decoders (vfu_codec.c): pure; @p, @len is the message without its header ---------------- */

/* What the other side said of itself in VERSION, within our own limits. */
struct vfu_peer {
	uint16_t major;
	uint16_t minor;
	uint32_t max_msg_fds; /* 1..VFU_MAX_FDS */
	uint32_t max_xfer;    /* 1..VFU_MAX_XFER */
};

#define VFU_SPARSE_AREAS_MAX 8u

struct vfu_region {
	uint64_t size;
	bool readable;
	bool writable;
	bool mappable;	 /* and a descriptor belongs to the reply */
	uint64_t offset; /* of the region in that descriptor */
	unsigned int n_areas;
	struct vfu_sparse_area
		area[VFU_SPARSE_AREAS_MAX]; /* when mappable, at least one; more are left out */
};

/**
 * vfu_version_text() - our capabilities, for both directions; @ret_len counts the NUL
 *
 * Context: any; pure. Return: constant text. Source: [VU] 2.
 */
const char *vfu_version_text(size_t *ret_len);

/**
 * vfu_decode_version() - VERSION, request or reply
 * Context: any; allocates for JSON, the text is bounded.
 * Return: 0; -EBADMSG malformed; -ERANGE a value that makes no sense; -ENOMEM.
 * Source: [VU] 2.
 */
int vfu_decode_version(const void *p, size_t len, struct vfu_peer *ret_peer) _must_check_;

/**
 * vfu_check_request_hdr() - is this the header of a command
 * Return: 0; -EBADMSG the stream is lost: refuse and close; -EINVAL refuse after its body;
 * Context: any; pure. Source: [VU] 5.
 */
int vfu_check_request_hdr(const struct vfu_hdr *h) _must_check_;

/* Requests, as the server sees them. Bytes after the structure are accepted, save for REGION_WRITE.
 */

/**
 * vfu_decode_dma_map() - DMA_MAP
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed; -ERANGE. Source: [VU] 3.1.
 */
int vfu_decode_dma_map(const void *p, size_t len, size_t n_fds,
		       struct vfu_dma_map *ret) _must_check_;

/**
 * vfu_decode_dma_unmap() - DMA_UNMAP
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed or flags. Source: [VU] 3.2.
 */
int vfu_decode_dma_unmap(const void *p, size_t len, struct vfu_dma_unmap *ret) _must_check_;

/**
 * vfu_decode_device_info() - DEVICE_GET_INFO
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed. Source: [VU] 3.3.
 */
int vfu_decode_device_info(const void *p, size_t len, struct vfu_device_info *ret) _must_check_;

/**
 * vfu_decode_region_info() - DEVICE_GET_REGION_INFO
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed; -ERANGE index. Source: [VU] 3.4.
 */
int vfu_decode_region_info(const void *p, size_t len, struct vfu_region_info *ret) _must_check_;

/**
 * vfu_decode_irq_info() - DEVICE_GET_IRQ_INFO
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed; -ERANGE index. Source: [VU] 3.5.
 */
int vfu_decode_irq_info(const void *p, size_t len, struct vfu_irq_info *ret) _must_check_;

/**
 * vfu_decode_set_irqs() - DEVICE_SET_IRQS; @n_irqs: vectors of each index; @ret_bools: one byte a
 * vector for DATA_BOOL, else NULL
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed; -ERANGE index or vectors. Source: [VU] 4.
 */
int vfu_decode_set_irqs(const void *p, size_t len, size_t n_fds, const uint32_t n_irqs[VFU_IRQS],
			struct vfu_set_irqs *ret, const uint8_t **ret_bools) _must_check_;

/**
 * vfu_decode_region_access() - REGION_READ, REGION_WRITE; @ret_data: what to write, @ret->count
 * bytes; NULL for a read
 *
 * Context: any; pure. Return: 0; -EBADMSG malformed; -ERANGE. Source: [VU] 5.
 */
int vfu_decode_region_access(const void *p, size_t len, bool write, struct vfu_region_access *ret,
			     const uint8_t **ret_data) _must_check_;

/* Replies, as the client sees them. */

/**
 * vfu_check_reply_hdr() - is this the answer to @msg_id and @cmd
 * @max_body: longest body the request asks for
 * @ret_body: length of the body that follows
 * Return: 0; -EPROTO; with @ret_error != 0 a refusal (negative errno) without a body.
 * Context: any; pure. Source: [VU] 5.
 */
int vfu_check_reply_hdr(const struct vfu_hdr *h, uint16_t msg_id, uint16_t cmd, size_t max_body,
			size_t *ret_body, int *ret_error) _must_check_;

/**
 * vfu_decode_device_info_reply() - answer to DEVICE_GET_INFO
 *
 * Context: any; pure. Return: 0; -EPROTO. Source: [VU] 3.3.
 */
int vfu_decode_device_info_reply(const void *p, size_t len,
				 struct vfu_device_info *ret) _must_check_;

/**
 * vfu_decode_irq_info_reply() - answer to DEVICE_GET_IRQ_INFO for @index
 *
 * Context: any; pure. Return: 0; -EPROTO. Source: [VU] 3.5.
 */
int vfu_decode_irq_info_reply(const void *p, size_t len, uint32_t index,
			      struct vfu_irq_info *ret) _must_check_;

/**
 * vfu_decode_region_info_reply() - answer to DEVICE_GET_REGION_INFO, with a bounded walk of the
 * capability chain; @n_fds: descriptors that came along
 *
 * Context: any; pure. Return: 0; -EPROTO. Source: [VU] 3.4.
 */
int vfu_decode_region_info_reply(const void *p, size_t len, size_t n_fds, uint32_t index,
				 struct vfu_region *ret) _must_check_;

/**
 * vfu_decode_dma_unmap_reply() - answer to DMA_UNMAP: must repeat what was asked
 *
 * Context: any; pure. Return: 0; -EPROTO. Source: [VU] 3.2.
 */
int vfu_decode_dma_unmap_reply(const void *p, size_t len,
			       const struct vfu_dma_unmap *asked) _must_check_;

/**
 * vfu_decode_region_access_reply() - answer to REGION_READ or REGION_WRITE
 *
 * Context: any; pure. Return: 0; -EPROTO not what was @asked, or of another length. Source: [VU]
 * 5.
 */
int vfu_decode_region_access_reply(const void *p, size_t len, bool write,
				   const struct vfu_region_access *asked) _must_check_;

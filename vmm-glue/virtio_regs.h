#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The register file of a virtio function of any type: common configuration, ISR, device
 * configuration, and the capabilities that tell a driver where they are. Pure state: no thread, no
 * back end, no memory of the guest; the caller acts on what a write asks for.
 *
 * Source: [VIRTIO] 4.1.4, 2.1.
 */
#include <linux/virtio_pci.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_dev;

#define VIRTIO_QUEUES_MAX     9u /* four pairs and a control queue */
#define VIRTIO_VECTORS_MAX    (VIRTIO_QUEUES_MAX + 1)
#define VIRTIO_QUEUE_SIZE_MAX 1024u
#define VIRTIO_DEVICE_CFG_MAX 64u

#define VIRTIO_BAR	     0u
#define VIRTIO_BAR_SIZE	     0x4000u
#define VIRTIO_MSIX_BAR	     1u
#define VIRTIO_BAR_PART	     0x1000u /* each structure has a page */
#define VIRTIO_BAR_COMMON    0x0000u
#define VIRTIO_BAR_ISR	     0x1000u
#define VIRTIO_BAR_DEVICE    0x2000u
#define VIRTIO_BAR_NOTIFY    0x3000u
#define VIRTIO_NOTIFY_STRIDE 4u

#define VIRTIO_CFG_CAP_COMMON 0x40u
#define VIRTIO_CFG_CAP_NOTIFY 0x50u
#define VIRTIO_CFG_CAP_ISR    0x64u
#define VIRTIO_CFG_CAP_DEVICE 0x74u
#define VIRTIO_CFG_CAP_WINDOW 0x84u
#define VIRTIO_CFG_CAP_MSIX   0x98u

/* What makes a type of device. */
struct virtio_type {
	uint16_t id;	       /* virtio device id */
	uint32_t class_rev;    /* PCI class and revision */
	unsigned int n_queues; /* vectors: one more, the first is for the configuration */
	uint16_t queue_size;   /* largest */
	unsigned int cfg_len;  /* bytes of device configuration; 0: none */
	uint64_t features;     /* offered */
	uint64_t together;     /* ... of which the driver takes all or none */
};

struct virtio_queue {
	uint16_t size;
	uint16_t vector;
	bool enabled;
	uint64_t desc, avail, used; /* guest-physical, as the driver wrote them */
};

struct virtio_regs {
	struct virtio_type type;
	uint64_t driver_features;
	uint32_t device_select;
	uint32_t driver_select;
	uint16_t config_vector;
	uint16_t queue_select;
	uint8_t status;
	uint8_t isr;
	uint8_t generation; /* of device_cfg */
	bool resetting;	    /* status was written 0, and the device still works: reads as not 0 */
	uint8_t device_cfg[VIRTIO_DEVICE_CFG_MAX];
	struct virtio_queue q[VIRTIO_QUEUES_MAX];
};

/* What the owner of the registers has to do after a write. */
enum virtio_effect {
	VIRTIO_EFFECT_NONE,
	VIRTIO_EFFECT_STATUS, /* status changed; 0: everything was reset */
	VIRTIO_EFFECT_QUEUE,  /* the selected queue was enabled: check its addresses */
	VIRTIO_EFFECT_VECTOR, /* the selected queue got another vector */
};

struct virtio_queue_sizes {
	size_t desc, avail, used; /* bytes */
};

/**
 * virtio_queue_sizes() - how long the parts of a ring of @size descriptors are
 *
 * Context: any; pure. Return: bytes of each. Source: [VIRTIO] 2.7.
 */
struct virtio_queue_sizes virtio_queue_sizes(uint16_t size);

/**
 * virtio_vectors() - MSI-X vectors of a device of @type
 *
 * Context: any; pure. Return: the number. Source: [VIRTIO] 4.1.5.1.2.
 */
static inline unsigned int virtio_vectors(const struct virtio_type *type)
{
	return type->n_queues + 1;
}

/**
 * virtio_regs_init() - state after power-on, device configuration all 0
 *
 * Context: caller's lock. Source: [VIRTIO] 4.1.4.
 */
void virtio_regs_init(struct virtio_regs *v, const struct virtio_type *type);

/**
 * virtio_regs_cfg_set() - change @len bytes of device configuration at @off; the driver is to be
 * told by the caller
 *
 * Context: caller's lock. Source: [VIRTIO] 4.1.4.3.1: config_generation.
 */
void virtio_regs_cfg_set(struct virtio_regs *v, unsigned int off, const void *val,
			 unsigned int len);

/**
 * virtio_regs_read() - any @len of 1 to 8 bytes at any @off of the BAR; holes read 0
 * @clear: reading the ISR clears it
 * Context: caller's lock. Return: -. Source: [VIRTIO] 4.1.4.
 */
void virtio_regs_read(struct virtio_regs *v, uint32_t off, void *buf, uint32_t len, bool clear);

/**
 * virtio_regs_write() - a write of @len bytes at @off; anything but a whole field is ignored
 *
 * 8 bytes on a 64 bit queue address are two halves, as drivers may do it either way.
 * Context: caller's lock. Return: what is left to the caller. Source: [VIRTIO] 4.1.4.3.
 */
enum virtio_effect virtio_regs_write(struct virtio_regs *v, uint32_t off, uint64_t val,
				     uint32_t len);

/**
 * virtio_regs_needs_reset() - the device gave up until the driver resets it
 *
 * Context: caller's lock. Source: [VIRTIO] 2.1.
 */
void virtio_regs_needs_reset(struct virtio_regs *v);

/**
 * virtio_cfg_init() - ids, capabilities, BARs and MSI-X layout of @d, before pci_dev_init()
 *
 * Context: main thread. Source: [VIRTIO] 4.1.2, 4.1.4.
 */
void virtio_cfg_init(struct pci_dev *d, const struct virtio_type *type);

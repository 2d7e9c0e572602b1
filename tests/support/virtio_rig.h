#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual machine without KVM around a real virtio-net function: the VMM's PCI core and memory,
 * a platform that only records, a back end on a thread. Accesses go the way a vCPU's exits go.
 */
#include <pci_core.h>
#include <support/vhost_backend.h>

#define RIG_RAM	 (UINT64_C(4) << 20)
#define RIG_BAR0 UINT64_C(0xc0000000)
#define RIG_BAR1 UINT64_C(0xc0010000)

struct virtio_rig {
	struct vm vm;
	sd_event *event;
	struct pci_dev *dev;
	struct vhost_backend backend;
	bool has_backend;
	unsigned int kicks; /* ioeventfds now */
	uint64_t kick_gpa[16];
	int kick_fd[16];
};

/**
 * virtio_rig_vm() - the machine alone; virtio_rig_plug() - with function @dev, decoding and bus
 * mastering
 */
int virtio_rig_vm(struct virtio_rig *rig);
void virtio_rig_plug(struct virtio_rig *rig, struct pci_dev *dev);

/**
 * virtio_rig_open() - everything up to a decoding, bus mastering function; knobs of rig->backend
 * are set.
 */
int virtio_rig_open(struct virtio_rig *rig);
void virtio_rig_close(struct virtio_rig *rig);

uint64_t virtio_rig_read(struct virtio_rig *rig, uint64_t gpa, uint32_t len);
void virtio_rig_write(struct virtio_rig *rig, uint64_t gpa, uint64_t val, uint32_t len);
void virtio_rig_cfg_write(struct virtio_rig *rig, uint32_t off, uint32_t val, uint32_t len);

/**
 * virtio_rig_start() - what a good driver does: features, two queues of @size at 64 KiB and 128
 * KiB, DRIVER_OK.
 */
void virtio_rig_start(struct virtio_rig *rig, uint16_t size);

/**
 * virtio_rig_start_with() - the same with @n queues, at multiples of 64 KiB, and the features of
 * @low besides virtio 1
 */
void virtio_rig_start_with(struct virtio_rig *rig, unsigned int n, uint16_t size, uint32_t low);

/* Where virtio_rig_start_with() puts queue i: rings of 48 KiB. */
#define RIG_QUEUE(i) (UINT64_C(0x10000) * ((i) + 1))

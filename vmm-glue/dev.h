#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constructors of the PCI functions a VM can get. Main thread only; descriptors are taken over.
 * Those with @err put a sentence there when more than the errno is to be said; it is empty before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lib/cleanup.h>

struct vm;
struct pci_dev;

/**
 * vmm_dev_vfu_new() - a VF behind a vfio-user server
 * @fd:      connected vfio-user socket; taken over, also on failure
 * @trapped: do not map the shared pages: every register access leaves the guest (the emulated path)
 *
 * Context: main thread; PREPARING: nothing is visible to the guest yet.
 * Return: 0; -EPROTO the peer's layout is not a VF's; -errno of pcif_open_vfu(), pcif_dma_map().
 * Source: docs/sources.md [VU].
 */
int vmm_dev_vfu_new(struct vm *vm, const char *id, int fd, bool trapped, struct pci_dev **ret_dev,
		    char *err, size_t err_size) _must_check_;

/**
 * vmm_dev_vfio_new() - a function of the kernel's VFIO, which somebody else opened for us
 * @device_fd, @container_fd: taken over, also on failure; the kernel resets the function when the
 *                            last copy of the first is closed
 * @trapped: map no BAR: every register access leaves the guest
 *
 * Context: main thread, which waits for a reset of the function; PREPARING: nothing is visible to
 * the guest yet. Return: 0; -EPROTO, -ENOTSUP what the function has cannot be shown to a guest;
 * -ENOMEM, -ERANGE guest RAM cannot be mapped; -errno of pcif_open_vfio_fds(), pcif_reset(),
 * pcif_dma_map(). Source: docs/sources.md [KV].
 */
int vmm_dev_vfio_new(struct vm *vm, const char *id, int device_fd, int container_fd, bool trapped,
		     struct pci_dev **ret_dev, char *err, size_t err_size) _must_check_;

/**
 * vmm_dev_virtio_net_new() - modern virtio-net whose queues a vhost-user back end serves
 * @fd:  vhost-user socket, connected, or listening for the back end; taken over, also on failure
 * @pairs: of queues, 1 to 4
 * @mac: given to the guest in the device configuration
 *
 * A back end that goes away costs the guest its link, until one comes back.
 *
 * Context: main thread.
 * Return: 0; -EPROTO the back end lacks a feature that is needed; -errno of socket calls.
 * Source: virtio 1.2, 5.1; vhost-user protocol.
 */
int vmm_dev_virtio_net_new(struct vm *vm, const char *id, int fd, unsigned int pairs,
			   const uint8_t mac[6], struct pci_dev **ret_dev) _must_check_;

/**
 * vmm_dev_virtio_net_tap_new() - modern virtio-net on a tap device, a queue pair a descriptor
 * @fds: 1 to 4, as net_tap_new() wants them; taken over, also on failure
 *
 * Context: main thread. Return: 0; -EINVAL descriptors that do not suit; -errno of ioctl(2),
 * pthread_create(3). Source: virtio 1.2, 5.1.
 */
int vmm_dev_virtio_net_tap_new(struct vm *vm, const char *id, const int *fds, unsigned int n_fds,
			       const uint8_t mac[6], struct pci_dev **ret_dev) _must_check_;

/**
 * vmm_dev_virtio_blk_new() - a disk
 * @fd: raw file or block device; taken over, also on failure
 *
 * Context: main thread. Return: 0; -ENOTBLK, -EROFS, -EACCES, -ENODATA as blk_disk_init(); -errno
 * of pthread_create(3). Source: virtio 1.2, 5.2.
 */
int vmm_dev_virtio_blk_new(struct vm *vm, const char *id, int fd, bool readonly,
			   struct pci_dev **ret_dev) _must_check_;

/**
 * vmm_dev_virtio_rng_new() - random bytes of the host's kernel
 *
 * Context: main thread. Return: 0; -ENOMEM; -errno of eventfd(2). Source: virtio 1.2, 5.4.
 */
int vmm_dev_virtio_rng_new(struct vm *vm, const char *id, struct pci_dev **ret_dev) _must_check_;

/**
 * vmm_dev_emulated_new() - an 82576 without VFs, emulated in this process
 * @fd:  what is behind its wire: a tap, a packet socket or vhost-user, as net_port_new() takes
 * them; taken over, also on failure
 * @mac: what its NVM holds
 *
 * Context: main thread. Return: 0; -errno of net_port_new(), snic_new(). Source: docs/soft-nic.md.
 */
int vmm_dev_emulated_new(struct vm *vm, const char *id, int fd, const uint8_t mac[6],
			 struct pci_dev **ret_dev) _must_check_;

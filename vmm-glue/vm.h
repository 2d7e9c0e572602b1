#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual machine: KVM descriptors, guest RAM (a sealed memfd and a memslot below the BARs, and
 * another pair above 4 GiB if there is more), the PCI bus and the hot-plug controller. What device
 * models need of it is declared here.
 */
#include <abi/addr.h>
#include <lib/cleanup.h>
#include <lib/dma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct vm;
struct pci_dev;

/**
 * vmm_gpa_ptr() - host address of a guest range, the one place where guest addresses become
 * pointers Context: any thread. Return: the pointer, or NULL if [gpa, gpa + len) is not wholly in
 * RAM. Source: -
 */
void *vmm_gpa_ptr(struct vm *vm, gpa_t gpa, size_t len);

/**
 * vmm_ram(), vmm_ram_high() - guest RAM as DMA memory: iova equals guest-physical address. What
 * does not fit below the BARs lies in a second piece above 4 GiB
 *
 * Context: any thread; owned by @vm. Return: the memory; NULL before there is any, or none there.
 * Source: -.
 */
const struct dma_mem *vmm_ram(struct vm *vm);
const struct dma_mem *vmm_ram_high(struct vm *vm);

/**
 * vmm_event() - the main thread's loop
 *
 * Context: any thread; its use is the main thread's. Return: the loop. Source: -.
 */
sd_event *vmm_event(struct vm *vm);

/**
 * vmm_ioeventfd() - let KVM signal @fd when the guest writes @len bytes (0: any) at @gpa, or no
 * more
 *
 * Context: any thread. Return: 0; -errno of KVM_IOEVENTFD. Source: Linux
 * Documentation/virt/kvm/api.rst.
 */
int vmm_ioeventfd(struct vm *vm, gpa_t gpa, uint32_t len, int fd, bool assign) _must_check_;

/**
 * vmm_device_lost() - the peer behind @d is gone: reads all ones, event device.state "lost"
 *
 * Context: any thread; never blocks. Source: docs/processes.md.
 */
void vmm_device_lost(struct pci_dev *d, int error);

/**
 * vmm_device_wanted() - the host wants what is behind @d back: event device.wanted, and the guest
 * is asked for it, for a while
 *
 * Context: any thread; never blocks. Source: docs/processes.md.
 */
void vmm_device_wanted(struct pci_dev *d);

/**
 * vmm_device_away() - the peer behind @d went, or came back: event device.state; the guest sees a
 * link without carrier meanwhile, which is the device's to show
 *
 * Context: any thread; never blocks. Source: docs/processes.md.
 */
void vmm_device_away(struct pci_dev *d, bool away);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the PCI core: the bus (who answers an address), configuration writes, BARs, MSI-X. All of
 * it is driven by guest writes, so every function here is total: any offset, length and value.
 */
#include "vm_impl.h"

/**
 * pci_bus_get() - the function in @slot, kept alive until pci_bus_put(); NULL: empty
 *
 * Context: a vCPU's thread, one function at a time. Return: the function; NULL. Source: -
 */
struct pci_dev *pci_bus_get(struct vm *vm, unsigned int slot);

/** pci_bus_put() - done with what pci_bus_get() gave. Context: that vCPU's thread. Source: -. */
void pci_bus_put(struct vm *vm);

/**
 * pci_bus_busy() - does a vCPU still work on @d, which was taken off the bus?
 *
 * Context: main thread. Return: true or false. Source: -.
 */
bool pci_bus_busy(const struct vm *vm, const struct pci_dev *d);

/**
 * pci_ecam_read(), pci_ecam_write() - access at @off of the ECAM window; what is not there reads
 * ones and ignores writes
 *
 * Context: vCPU thread. Source: PCI Express, enhanced configuration access.
 */
void pci_ecam_read(struct vm *vm, uint32_t off, void *buf, uint32_t len);
void pci_ecam_write(struct vm *vm, uint32_t off, const void *buf, uint32_t len);

/**
 * pci_bar_access() - let the BAR that decodes [gpa, gpa + len) serve an access
 *
 * Context: vCPU thread. Return: true; false when no BAR does. Source: PCI Local Bus 3.0, 6.2.5.
 */
bool pci_bar_access(struct vm *vm, uint64_t gpa, void *buf, uint32_t len, bool write);

/**
 * pci_cfg_read(), pci_cfg_write() - one access to a function's configuration space
 *
 * Context: vCPU thread; a write takes the function's lock. Source: PCI Local Bus 3.0, 6.1.
 */
void pci_cfg_read(struct pci_dev *d, uint32_t off, void *buf, uint32_t len);
void pci_cfg_write(struct pci_dev *d, uint32_t off, const void *buf, uint32_t len);

/**
 * pci_bars_check() - can these sizes, pairs and memory parts exist?
 *
 * Context: any; pure. Return: 0; -EINVAL. Source: PCI Local Bus 3.0, 6.2.5.1.
 */
int pci_bars_check(const struct pci_dev *d) _must_check_;

/**
 * pci_bars_init() - type bits of cfg[] and write masks, from the sizes
 *
 * Context: main thread, from pci_dev_init(). Source: PCI Local Bus 3.0, 6.2.5.1.
 */
void pci_bars_init(struct pci_dev *d);

/**
 * pci_bars_sync() - make decoding and memslots follow cfg[]; the caller holds the lock
 *
 * Context: any thread, with the function's lock. Source: PCI Local Bus 3.0, 6.2.2.
 */
void pci_bars_sync(struct pci_dev *d);

/**
 * pci_bars_unmap() - stop decoding, memslots off
 *
 * Context: any thread, with the function's lock; or when nobody else has it any more. Source: -.
 */
void pci_bars_unmap(struct pci_dev *d);

/**
 * msix_init() - capability, vectors and their eventfds
 *
 * Context: main thread, from pci_dev_init(). Return: 0; -EINVAL a layout that cannot be; -errno of
 * eventfd(2). Source: PCI Local Bus 3.0, 6.8.2.
 */
int msix_init(struct pci_dev *d) _must_check_;

/**
 * msix_done() - irqfds off, eventfds and GSIs back; takes half-built functions
 *
 * Context: main thread. Source: -.
 */
void msix_done(struct pci_dev *d);

/**
 * msix_enabled() - has the guest set the enable bit of message control?
 *
 * Context: any thread. Return: true or false. Source: PCI Local Bus 3.0, 6.8.2.3.
 */
bool msix_enabled(const struct pci_dev *d);

/**
 * msix_sync() - attach and detach irqfds so that they follow the masks
 *
 * Context: any thread, with the function's lock. Source: PCI Local Bus 3.0, 6.8.3.
 */
void msix_sync(struct pci_dev *d);

/**
 * msix_control_written() - message control was @old: follow what changed
 *
 * Context: vCPU thread, without the function's lock. Source: PCI Local Bus 3.0, 6.8.2.3.
 */
void msix_control_written(struct pci_dev *d, uint16_t old);

/**
 * msix_direct() - how many vectors go from the device into the guest without us
 *
 * Context: any thread; takes the function's lock. Return: the count. Source: docs/processes.md.
 */
unsigned int msix_direct(struct pci_dev *d);

/**
 * msix_owns() - is @off of @bar inside the table or the PBA?
 *
 * Context: any thread. Return: true or false. Source: -.
 */
bool msix_owns(const struct pci_dev *d, unsigned int bar, uint64_t off);

/**
 * msix_read(), msix_write() - access to table or PBA at @off, which msix_owns()
 *
 * Context: vCPU thread; takes the function's lock. Source: PCI Local Bus 3.0, 6.8.2.6.
 */
void msix_read(struct pci_dev *d, uint64_t off, void *buf, uint32_t len);
void msix_write(struct pci_dev *d, uint64_t off, const void *buf, uint32_t len);

static inline uint16_t cfg_get16(const struct pci_dev *d, unsigned int off)
{
	return (uint16_t)(d->cfg[off] | d->cfg[off + 1] << 8);
}

static inline uint32_t cfg_get32(const struct pci_dev *d, unsigned int off)
{
	return cfg_get16(d, off) | (uint32_t)cfg_get16(d, off + 2) << 16;
}

/** bytes_put() - the low @n bytes of @v, little endian, at @p. Context: any; pure. Source: -. */
static inline void bytes_put(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

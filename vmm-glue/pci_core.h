#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the PCI core: the bus (who answers an address), configuration writes, BARs, MSI-X. All of
 * it is driven by guest writes, so every function here is total: any offset, length and value.
 */
#include "vm_impl.h"

/**
 * pci_bus_get() - the function in @slot, kept alive until pci_bus_put(); NULL: empty
 * Context: the vCPU thread, one at a time. Source: -
 */
struct pci_dev *pci_bus_get(struct vm *vm, unsigned int slot);
void pci_bus_put(struct vm *vm);

/** pci_ecam_read() - @off in the ECAM window; what is not there reads ones. vCPU thread. */
void pci_ecam_read(struct vm *vm, uint32_t off, void *buf, uint32_t len);
void pci_ecam_write(struct vm *vm, uint32_t off, const void *buf, uint32_t len);

/** pci_bar_access() - false when no BAR decodes [gpa, gpa + len). vCPU thread. */
bool pci_bar_access(struct vm *vm, uint64_t gpa, void *buf, uint32_t len, bool write);

/** pci_cfg_read(), pci_cfg_write() - one access to a function's configuration space. vCPU thread.
 */
void pci_cfg_read(struct pci_dev *d, uint32_t off, void *buf, uint32_t len);
void pci_cfg_write(struct pci_dev *d, uint32_t off, const void *buf, uint32_t len);

/** pci_bars_check() - sizes, pairs and memory parts that can exist; -EINVAL otherwise. */
int pci_bars_check(const struct pci_dev *d) _must_check_;
void pci_bars_init(struct pci_dev *d);

/** pci_bars_sync() - make decoding and memslots follow cfg[]; the caller holds the lock. */
void pci_bars_sync(struct pci_dev *d);
void pci_bars_unmap(struct pci_dev *d);

/** msix_init() - capability, vectors and their eventfds. -EINVAL, -errno of eventfd(2). */
int msix_init(struct pci_dev *d) _must_check_;
void msix_done(struct pci_dev *d);
bool msix_enabled(const struct pci_dev *d);

/** msix_sync() - attach and detach irqfds so that they follow the masks; the caller holds the lock.
 */
void msix_sync(struct pci_dev *d);
/** msix_control_written() - message control was @old; called without the lock. */
void msix_control_written(struct pci_dev *d, uint16_t old);
bool msix_owns(const struct pci_dev *d, unsigned int bar, uint64_t off);
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

static inline void bytes_put(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

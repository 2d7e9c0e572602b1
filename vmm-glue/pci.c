/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function's configuration space: a copy here, a mask of bits that the guest may change, and what
 * follows from a change (BARs, MSI-X control, bus master).
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "pci_core.h"

#define COMMAND_WRITABLE                                                                   \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)

int pci_dev_init(struct pci_dev *d)
{
	int r;

	r = pci_bars_check(d);
	if (r < 0)
		return r;
	pthread_mutex_init(&d->access, NULL);
	pthread_mutex_init(&d->lock, NULL);
	d->ready = true;
	pci_bars_init(d);
	r = msix_init(d);
	if (r < 0)
		return r;

	bytes_put(&d->cfg[PCI_COMMAND], 0, 2);
	bytes_put(&d->wmask[PCI_COMMAND], COMMAND_WRITABLE, 2);
	bytes_put(&d->cfg[PCI_STATUS], d->cfg[PCI_CAPABILITY_LIST] ? PCI_STATUS_CAP_LIST : 0, 2);
	memset(&d->wmask[PCI_STATUS], 0, 2);
	d->cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	d->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	d->wmask[PCI_INTERRUPT_LINE] = 0xff;
	d->cfg[PCI_INTERRUPT_PIN] = 0;
	memset(&d->cfg[PCI_ROM_ADDRESS], 0, 4);
	memset(&d->wmask[PCI_ROM_ADDRESS], 0, 4);
	return 0;
}

void pci_dev_done(struct pci_dev *d)
{
	if (!d->ready)
		return;
	d->ready = false;
	pci_bars_unmap(d);
	msix_done(d);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->access);
}

void pci_dev_reset(struct pci_dev *d)
{
	uint16_t control = d->msix_cap ? cfg_get16(d, d->msix_cap + PCI_MSIX_FLAGS) : 0;

	pthread_mutex_lock(&d->lock);
	d->cfg[PCI_COMMAND] = 0;
	d->cfg[PCI_COMMAND + 1] = 0;
	pci_bars_unmap(d);
	pci_bars_init(d);
	if (d->msix_cap) {
		d->cfg[d->msix_cap + PCI_MSIX_FLAGS + 1] &=
			(uint8_t) ~((PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);
		for (unsigned int i = 0; i < d->n_msix; i++) {
			struct pci_msix_vector *v = &d->msix[i];

			v->addr_lo = v->addr_hi = v->data = 0;
			v->ctrl = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		}
	}
	pthread_mutex_unlock(&d->lock);
	if (d->msix_cap)
		msix_control_written(d, control);
}

void pci_cfg_read(struct pci_dev *d, uint32_t off, void *buf, uint32_t len)
{
	atomic_fetch_add_explicit(&d->cfg_exits, 1, memory_order_relaxed);
	if (atomic_load(&d->lost) || off >= NIC_CFG_SIZE || len > NIC_CFG_SIZE - off)
		memset(buf, 0xff, len);
	else
		memcpy(buf, &d->cfg[off], len);
}

static bool touches(uint32_t off, uint32_t len, uint32_t reg, uint32_t size)
{
	return off < reg + size && reg < off + len;
}

void pci_cfg_write(struct pci_dev *d, uint32_t off, const void *buf, uint32_t len)
{
	const uint8_t *in = buf;
	uint16_t old_command, command, old_control = 0;
	bool control_touched;

	atomic_fetch_add_explicit(&d->cfg_exits, 1, memory_order_relaxed);
	if (atomic_load(&d->lost) || off >= NIC_CFG_SIZE || len > NIC_CFG_SIZE - off)
		return;

	pthread_mutex_lock(&d->lock);
	old_command = cfg_get16(d, PCI_COMMAND);
	control_touched = d->msix_cap && touches(off, len, d->msix_cap + PCI_MSIX_FLAGS, 2);
	if (control_touched)
		old_control = cfg_get16(d, d->msix_cap + PCI_MSIX_FLAGS);
	for (uint32_t i = 0; i < len; i++) {
		uint8_t m = d->wmask[off + i];

		d->cfg[off + i] = (uint8_t)((d->cfg[off + i] & ~m) | (in[i] & m));
	}
	command = cfg_get16(d, PCI_COMMAND);
	if (touches(off, len, PCI_COMMAND, 2) ||
	    touches(off, len, PCI_BASE_ADDRESS_0, 4 * PCI_DEV_BARS))
		pci_bars_sync(d);
	pthread_mutex_unlock(&d->lock);

	if (control_touched)
		msix_control_written(d, old_control);
	if ((command ^ old_command) & PCI_COMMAND_MASTER && d->ops->bus_master)
		d->ops->bus_master(d, command & PCI_COMMAND_MASTER);
	if (command & (PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY) &&
	    !atomic_exchange(&d->bound, true))
		vm_post(d->vm, VM_POST_DEVICE);
	if (d->ops->cfg_written)
		d->ops->cfg_written(d, off, len);
}

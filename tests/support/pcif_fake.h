#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other side of the PCI function seam, made of memory: an 82576's VF as the kernel's VFIO shows
 * it, until a test changes what it says. It remembers what it was told.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <pci_core.h>
#include "pcif_impl.h"

#define PCIF_FAKE_PM	  0x40u
#define PCIF_FAKE_MSIX	  0x70u
#define PCIF_FAKE_PCIE	  0xa0u
#define PCIF_FAKE_CONTROL (PCIF_FAKE_MSIX + PCI_MSIX_FLAGS)

struct pcif_fake {
	struct pcif base;
	uint8_t cfg[4096];
	uint32_t reg; /* all of the BARs, when they are not mapped */
	int vector[PCI_DEV_MSIX_MAX];
	unsigned int n_bound, irq_calls, resets, maps, bar_reads, bar_writes;
	unsigned int wrong; /* what no user may do */
	int event_fd[PCIF_IRQS];
	int irq_error, map_error;
	uint64_t map_expected;
	unsigned int *closed;
	uint16_t *last_command;
};

static inline struct pcif_fake *pcif_fake(struct pcif *f)
{
	return (struct pcif_fake *)f;
}

static inline int pcif_fake_read(struct pcif *f, unsigned int index, uint64_t off, void *buf,
				 size_t len)
{
	if (index == PCIF_REGION_CONFIG) {
		memcpy(buf, &pcif_fake(f)->cfg[off], len);
		return 0;
	}
	pcif_fake(f)->bar_reads++;
	memcpy(buf, &pcif_fake(f)->reg, len < 4 ? len : 4);
	return 0;
}

static inline int pcif_fake_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
				  size_t len)
{
	if (index == PCIF_REGION_CONFIG) {
		memcpy(&pcif_fake(f)->cfg[off], buf, len);
		memcpy(pcif_fake(f)->last_command, &pcif_fake(f)->cfg[PCI_COMMAND], 2);
		return 0;
	}
	pcif_fake(f)->bar_writes++;
	memcpy(&pcif_fake(f)->reg, buf, len < 4 ? len : 4);
	return 0;
}

static inline int pcif_fake_mmap(struct pcif *f, unsigned int index, const struct pcif_area *area,
				 void **ret_va)
{
	void *va =
		mmap(NULL, area->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)f;
	(void)index;
	if (va == MAP_FAILED)
		return -errno;
	*ret_va = va;
	return 0;
}

static inline int pcif_fake_irq_set(struct pcif *f, unsigned int index, unsigned int start,
				    unsigned int count, const int *fds)
{
	struct pcif_fake *dev = pcif_fake(f);

	if (index != PCIF_IRQ_MSIX) {
		dev->event_fd[index] = count ? fds[0] : -1;
		return 0;
	}
	dev->irq_calls++;
	if (dev->irq_error && count)
		return dev->irq_error;
	dev->wrong += start != 0 || count > PCI_DEV_MSIX_MAX;
	for (unsigned int i = 0; i < count && i < PCI_DEV_MSIX_MAX; i++)
		dev->vector[i] = fds[i];
	dev->n_bound = count;
	return 0;
}

static inline int pcif_fake_dma_map(struct pcif *f, const struct dma_mem *mem)
{
	pcif_fake(f)->wrong += mem->iova.v != 0 || mem->len != pcif_fake(f)->map_expected;
	if (pcif_fake(f)->map_error) {
		strcpy(f->why, "4096 KiB more are to be locked than may be");
		return pcif_fake(f)->map_error;
	}
	/* nobody's leftovers write into the guest */
	pcif_fake(f)->wrong += pcif_fake(f)->resets != 1;
	pcif_fake(f)->maps++;
	return 0;
}

static inline int pcif_fake_dma_unmap(struct pcif *f, const struct dma_mem *mem)
{
	(void)f;
	(void)mem;
	return 0;
}

static inline int pcif_fake_reset(struct pcif *f)
{
	pcif_fake(f)->resets++;
	return 0;
}

static inline int pcif_fake_poll_fd(const struct pcif *f)
{
	(void)f;
	return -1;
}

static inline bool pcif_fake_hung_up(const struct pcif *f)
{
	(void)f;
	return false;
}

static inline void pcif_fake_close(struct pcif *f)
{
	++*pcif_fake(f)->closed;
	free(f);
}

static const struct pcif_ops pcif_fake_ops = {
	.region_read = pcif_fake_read,
	.region_write = pcif_fake_write,
	.region_mmap = pcif_fake_mmap,
	.irq_set = pcif_fake_irq_set,
	.dma_map = pcif_fake_dma_map,
	.dma_unmap = pcif_fake_dma_unmap,
	.reset = pcif_fake_reset,
	.poll_fd = pcif_fake_poll_fd,
	.hung_up = pcif_fake_hung_up,
	.close = pcif_fake_close,
};

static inline void pcif_fake_region(struct pcif_fake *dev, unsigned int i, uint64_t size,
				    uint64_t from, uint64_t bytes)
{
	dev->base.region[i] = (struct pcif_region){.size = size,
						   .readable = true,
						   .writable = true,
						   .n_areas = bytes ? 1 : 0,
						   .area = {{from, bytes}}};
}

/* The capabilities as the 82576's VF has them, with power management before the two. */
static inline void pcif_fake_config(struct pcif_fake *dev, unsigned int vectors)
{
	uint8_t *c = dev->cfg;

	bytes_put(c, NIC_VENDOR | (uint32_t)NIC_DEVICE_VF << 16, 4);
	bytes_put(c + PCI_CLASS_REVISION, NIC_CLASS << 8 | NIC_REVISION, 4);
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	c[PCI_BASE_ADDRESS_3] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	c[PCI_CAPABILITY_LIST] = PCIF_FAKE_PM;
	c[PCIF_FAKE_PM] = PCI_CAP_ID_PM;
	c[PCIF_FAKE_PM + 1] = PCIF_FAKE_MSIX;
	c[PCIF_FAKE_MSIX] = PCI_CAP_ID_MSIX;
	c[PCIF_FAKE_MSIX + 1] = PCIF_FAKE_PCIE;
	bytes_put(c + PCIF_FAKE_CONTROL, vectors - 1, 2);
	bytes_put(c + PCIF_FAKE_MSIX + PCI_MSIX_TABLE, NIC_VF_MSIX_BAR, 4);
	bytes_put(c + PCIF_FAKE_MSIX + PCI_MSIX_PBA, NIC_MSIX_PBA_OFF | NIC_VF_MSIX_BAR, 4);
	c[PCIF_FAKE_PCIE] = PCI_CAP_ID_EXP;
	c[PCIF_FAKE_PCIE + PCI_EXP_FLAGS] = 2;
	bytes_put(c + PCIF_FAKE_PCIE + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 4);
}

/* As open, with nothing done to it yet; whoever closes it counts in @closed. */
static inline struct pcif_fake *pcif_fake_new(unsigned int *closed, uint16_t *last_command)
{
	struct pcif_fake *dev = calloc(1, sizeof(*dev));

	if (!dev)
		abort();
	pcif_init(&dev->base, &pcif_fake_ops, 0);
	dev->base.has_reset = true;
	dev->closed = closed;
	dev->last_command = last_command;
	pcif_fake_region(dev, 0, NIC_VF_BAR0_SIZE, 0, NIC_VF_BAR0_SIZE);
	pcif_fake_region(dev, 3, NIC_MSIX_BAR_SIZE, 0x1000, 0x3000);
	pcif_fake_region(dev, PCIF_REGION_CONFIG, sizeof(dev->cfg), 0, 0);
	dev->base.irq_count[PCIF_IRQ_MSIX] = NIC_VF_MSIX_N;
	dev->base.irq_count[PCIF_IRQ_REQ] = 1;
	dev->base.irq_count[PCIF_IRQ_ERR] = 1;
	pcif_fake_config(dev, NIC_VF_MSIX_N);
	return dev;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the guest is shown of a VF: ids, memory BARs, MSI-X and the PCI Express capability, each
 * where the device has it; everything else of the device's configuration space stays hidden. The
 * device's answers are a peer's: read once, checked, then used.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "dev_vf.h"

#define PAGE		UINT64_C(4096)
#define CAPS_MAX	48u /* 4 byte steps behind the header: a longer chain is a loop */
#define PCIE_CAP_V1	0x14u
#define PCIE_CAP_V2	0x3cu
#define DEVCTL_WRITABLE 0xffffu /* initiate FLR is taken out again when it was acted on */

struct span {
	uint64_t off, end;
};

static unsigned int cap_find(const uint8_t *cfg, uint8_t id)
{
	unsigned int at = cfg[PCI_CAPABILITY_LIST] & ~3u;

	for (unsigned int i = 0; i < CAPS_MAX && at >= PCI_STD_HEADER_SIZEOF; i++) {
		if (cfg[at] == id)
			return at;
		at = cfg[at + 1] & ~3u;
	}
	return 0;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int msix_describe(struct dev_vf *v, const uint8_t *cfg)
{
	unsigned int at = cap_find(cfg, PCI_CAP_ID_MSIX), n;
	struct pci_dev *d = &v->pci;
	uint32_t table, pba;

	if (!at || at > DEV_VF_CFG - PCI_CAP_MSIX_SIZEOF)
		return dev_vf_refuse(v, -ENOTSUP, "the device has no MSI-X");
	n = (get32(cfg + at) >> 16 & PCI_MSIX_FLAGS_QSIZE) + 1;
	if (pcif_irq_count(v->f, PCIF_IRQ_MSIX) != n)
		return dev_vf_refuse(v, -EPROTO, "%u MSI-X vectors of the %u it says it has",
				     pcif_irq_count(v->f, PCIF_IRQ_MSIX), n);
	table = get32(cfg + at + PCI_MSIX_TABLE);
	pba = get32(cfg + at + PCI_MSIX_PBA);
	d->msix_cap = at;
	d->n_msix = n < PCI_DEV_MSIX_MAX ? n : PCI_DEV_MSIX_MAX;
	d->irq_grows = pcif_irq_grows(v->f, PCIF_IRQ_MSIX);
	d->msix_bar = table & PCI_MSIX_TABLE_BIR;
	d->msix_table_off = table & PCI_MSIX_TABLE_OFFSET;
	d->msix_pba_off = pba & PCI_MSIX_PBA_OFFSET;
	if ((pba & PCI_MSIX_PBA_BIR) != d->msix_bar)
		return dev_vf_refuse(v, -ENOTSUP, "MSI-X table and pending bits in two BARs");
	d->cfg[PCI_CAPABILITY_LIST] = (uint8_t)at;
	return 0;
}

static int pcie_describe(struct dev_vf *v, const uint8_t *cfg)
{
	unsigned int at = cap_find(cfg, PCI_CAP_ID_EXP), size = PCIE_CAP_V2;
	struct pci_dev *d = &v->pci;

	if (!at)
		return 0;
	if (at <= DEV_VF_CFG - PCIE_CAP_V1 && (cfg[at + PCI_EXP_FLAGS] & PCI_EXP_FLAGS_VERS) < 2)
		size = PCIE_CAP_V1;
	if (at > DEV_VF_CFG - size)
		return dev_vf_refuse(v, -EPROTO, "its PCI Express capability does not fit");
	if (at < d->msix_cap + PCI_CAP_MSIX_SIZEOF && d->msix_cap < at + size)
		return dev_vf_refuse(v, -EPROTO, "two of its capabilities overlap");
	d->cfg[d->msix_cap + 1] = (uint8_t)at;
	memcpy(&d->cfg[at], cfg + at, size);
	d->cfg[at + 1] = 0;
	bytes_put(&d->cfg[at + PCI_EXP_DEVSTA], 0, 2);
	bytes_put(&d->wmask[at + PCI_EXP_DEVCTL], DEVCTL_WRITABLE, 2);
	d->pcie_cap = at;
	return 0;
}

static int bars_describe(struct dev_vf *v, const uint8_t *cfg)
{
	for (unsigned int i = 0; i < PCI_DEV_BARS; i++) {
		const struct pcif_region *r = pcif_region(v->f, i);
		uint8_t flags = cfg[PCI_BASE_ADDRESS_0 + 4 * i];
		struct pci_bar *b = &v->pci.bar[i];

		/* drivers of VFs have no use for ports: the standard gives a VF none */
		if (!r->size || flags & PCI_BASE_ADDRESS_SPACE_IO)
			continue;
		b->size = r->size;
		b->is_64 = flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
		b->prefetchable = flags & PCI_BASE_ADDRESS_MEM_PREFETCH;
	}
	return 0;
}

/* What a vfio-user server has to serve: the VF that our soft-nic is. */
static int nic_vf_check(const struct dev_vf *v, const uint8_t *cfg)
{
	const struct pci_dev *d = &v->pci;

	if (get32(cfg) != (NIC_VENDOR | (uint32_t)NIC_DEVICE_VF << 16) ||
	    d->bar[PCIF_REGION_BAR0].size != NIC_VF_BAR0_SIZE ||
	    d->bar[NIC_VF_MSIX_BAR].size != NIC_MSIX_BAR_SIZE || d->msix_bar != NIC_VF_MSIX_BAR)
		return dev_vf_refuse(v, -EPROTO, "the peer's device is no VF of an 82576");
	return 0;
}

int dev_vf_describe(struct dev_vf *v, const uint8_t cfg[static DEV_VF_CFG])
{
	struct pci_dev *d = &v->pci;
	int r;

	if ((get32(cfg) & 0xffff) == 0xffff)
		return dev_vf_refuse(v, -ENODEV, "the device does not answer");
	memcpy(&d->cfg[PCI_VENDOR_ID], cfg + PCI_VENDOR_ID, 4);
	memcpy(&d->cfg[PCI_CLASS_REVISION], cfg + PCI_CLASS_REVISION, 4);
	memcpy(&d->cfg[PCI_SUBSYSTEM_VENDOR_ID], cfg + PCI_SUBSYSTEM_VENDOR_ID, 4);
	r = msix_describe(v, cfg);
	if (r >= 0)
		r = pcie_describe(v, cfg);
	if (r >= 0)
		r = bars_describe(v, cfg);
	if (r >= 0 && !v->kernel)
		r = nic_vf_check(v, cfg);
	return r;
}

static struct span pages_of(uint64_t off, uint64_t size)
{
	return (struct span){off / PAGE * PAGE, (off + size + PAGE - 1) / PAGE * PAGE};
}

/* More parts than memslots: what is left over is trapped. */
static void part_add(struct pci_bar *b, uint64_t off, uint64_t end, uint8_t *va)
{
	if (off >= end || b->n_mem == PCI_DEV_MEMSLOTS)
		return;
	b->mem[b->n_mem].offset = off;
	b->mem[b->n_mem].size = end - off;
	b->mem[b->n_mem].va = va;
	b->n_mem++;
}

static int area_map(struct dev_vf *v, unsigned int bar, unsigned int area)
{
	const struct pcif_area *a = &pcif_region(v->f, bar)->area[area];
	struct pci_dev *d = &v->pci;
	uint64_t at = a->offset, end = a->offset + a->size;
	struct span hole[2] = {pages_of(d->msix_table_off, d->n_msix * PCI_MSIX_ENTRY_SIZE),
			       pages_of(d->msix_pba_off, (d->n_msix + 63) / 64 * 8)};
	void *va;
	int r;

	if (a->offset % PAGE || a->size % PAGE)
		return 0;
	r = pcif_region_mmap(v->f, bar, area, &va);
	if (r < 0)
		return dev_vf_refuse(v, r, "BAR %u cannot be mapped", bar);
	if (hole[1].off < hole[0].off) {
		struct span first = hole[1];

		hole[1] = hole[0];
		hole[0] = first;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(hole) && bar == d->msix_bar; i++) {
		if (hole[i].end <= at || hole[i].off >= end)
			continue;
		part_add(&d->bar[bar], at, hole[i].off, (uint8_t *)va + (at - a->offset));
		at = hole[i].end;
	}
	part_add(&d->bar[bar], at, end, (uint8_t *)va + (at - a->offset));
	return 0;
}

int dev_vf_map(struct dev_vf *v)
{
	const struct pcif_region *queues = pcif_region(v->f, PCIF_REGION_BAR0);

	if (v->trapped)
		return 0;
	/* without them every doorbell would be a message, and nobody would notice but the users */
	if (!v->kernel && (!queues->n_areas || queues->n_areas > PCI_DEV_MEMSLOTS))
		return dev_vf_refuse(v, -EPROTO, "the peer does not share the queues' pages");
	for (unsigned int bar = 0; bar < PCI_DEV_BARS; bar++) {
		for (unsigned int i = 0; i < pcif_region(v->f, bar)->n_areas; i++) {
			int r = v->pci.bar[bar].size ? area_map(v, bar, i) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

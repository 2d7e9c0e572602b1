/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF behind a vfio-user server. The guest sees the ids, the BARs, MSI-X and the PCI Express
 * capability; everything else of the device's configuration space stays hidden. The shared pages of
 * BAR0 become memslots (no exit on a packet's path), unless every access is to be trapped; other
 * accesses travel as messages. A peer that does not answer loses the function: reads give ones.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <lib/pcif.h>
#include "dev.h"
#include "pci_core.h"

#define CFG_LEGACY	256u
#define CAPS_MAX	48u /* 4 byte steps behind the header: a longer chain is a loop */
#define PCIE_CAP_SIZE	0x3cu
#define DEVCTL_WRITABLE 0xffffu /* initiate FLR is taken out again when it was acted on */

struct dev_vfu {
	struct pci_dev pci; /* first: the core knows only this */
	struct pcif *f;
	sd_event_source *hangup;
	bool trapped;
};

static struct dev_vfu *dev_vfu(struct pci_dev *d)
{
	return (struct dev_vfu *)d;
}

/* A refusal is the guest's business and reads ones; only a lost peer changes anything. */
static void after_call(struct dev_vfu *v, int r)
{
	if (r < 0 && pcif_lost(v->f))
		vmm_device_lost(&v->pci, r);
}

static void vfu_bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct dev_vfu *v = dev_vfu(d);
	int r;

	if (bar != PCIF_REGION_BAR0) {
		memset(buf, 0, len); /* around the MSI-X table there is nothing */
		return;
	}
	r = pcif_region_read(v->f, bar, off, buf, len);
	if (r < 0)
		memset(buf, 0xff, len);
	after_call(v, r);
}

static void vfu_bar_write(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
			  uint32_t len)
{
	struct dev_vfu *v = dev_vfu(d);

	if (bar == PCIF_REGION_BAR0)
		after_call(v, pcif_region_write(v->f, bar, off, buf, len));
}

static int command_set(struct dev_vfu *v, bool master)
{
	uint16_t c = (uint16_t)(PCI_COMMAND_MEMORY | (master ? PCI_COMMAND_MASTER : 0));

	return pcif_config_write(v->f, PCI_COMMAND, &c, sizeof(c));
}

static void vfu_bus_master(struct pci_dev *d, bool on)
{
	after_call(dev_vfu(d), command_set(dev_vfu(d), on));
}

static int vfu_irq_bind(struct pci_dev *d, unsigned int vector, int fd)
{
	int r = pcif_irq_set(dev_vfu(d)->f, PCIF_IRQ_MSIX, vector, 1, &fd);

	after_call(dev_vfu(d), r);
	return r;
}

/* Function level reset by the guest: the only bit of the capabilities that the device must hear of.
 */
static void vfu_cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	const uint32_t hi = NIC_CFG_PCIE + PCI_EXP_DEVCTL + 1;
	const uint8_t flr = PCI_EXP_DEVCTL_BCR_FLR >> 8;
	struct dev_vfu *v = dev_vfu(d);
	int r;

	if (off > hi || off + len <= hi || !(d->cfg[hi] & flr))
		return;
	d->cfg[hi] &= (uint8_t)~flr;
	pci_dev_reset(d);
	r = pcif_reset(v->f);
	if (r >= 0)
		r = command_set(v, false);
	after_call(v, r);
}

static uint64_t vfu_messages(struct pci_dev *d)
{
	struct pcif_counters c;

	pcif_counters(dev_vfu(d)->f, &c);
	return c.region_reads + c.region_writes;
}

static void vfu_destroy(struct pci_dev *d)
{
	struct dev_vfu *v = dev_vfu(d);

	sd_event_source_disable_unref(v->hangup);
	/* whoever gets the VF next finds it as after power on; a lost peer refuses at once */
	if (v->f && pcif_reset(v->f) == -ENOTSUP)
		(void)!command_set(v, false);
	pci_dev_done(d); /* memslots before the mappings they point to */
	if (v->f)
		pcif_close(v->f);
	free(v);
}

static void vfu_destroyp(struct dev_vfu **v)
{
	if (*v)
		vfu_destroy(&(*v)->pci);
}

static const struct pci_dev_ops vfu_ops = {
	.kind = "vf",
	.bar_read = vfu_bar_read,
	.bar_write = vfu_bar_write,
	.cfg_written = vfu_cfg_written,
	.irq_bind = vfu_irq_bind,
	.bus_master = vfu_bus_master,
	.messages = vfu_messages,
	.destroy = vfu_destroy,
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

/* Ids, class and the two capabilities, laid out as the 82576's VF has them. */
static int config_build(struct pci_dev *d, const uint8_t *dev)
{
	unsigned int msix = cap_find(dev, PCI_CAP_ID_MSIX), pcie = cap_find(dev, PCI_CAP_ID_EXP);
	uint32_t table, pba;

	if (get32(dev) != (NIC_VENDOR | (uint32_t)NIC_DEVICE_VF << 16))
		return -EPROTO;
	if (!msix || msix > CFG_LEGACY - PCI_CAP_MSIX_SIZEOF)
		return -EPROTO;
	memcpy(&d->cfg[PCI_VENDOR_ID], dev + PCI_VENDOR_ID, 4);
	memcpy(&d->cfg[PCI_CLASS_REVISION], dev + PCI_CLASS_REVISION, 4);
	memcpy(&d->cfg[PCI_SUBSYSTEM_VENDOR_ID], dev + PCI_SUBSYSTEM_VENDOR_ID, 4);

	d->cfg[PCI_CAPABILITY_LIST] = NIC_CFG_MSIX;
	d->msix_cap = NIC_CFG_MSIX;
	d->n_msix = (get32(dev + msix) >> 16 & PCI_MSIX_FLAGS_QSIZE) + 1;
	table = get32(dev + msix + PCI_MSIX_TABLE);
	pba = get32(dev + msix + PCI_MSIX_PBA);
	d->msix_bar = table & PCI_MSIX_TABLE_BIR;
	d->msix_table_off = table & PCI_MSIX_TABLE_OFFSET;
	d->msix_pba_off = pba & PCI_MSIX_PBA_OFFSET;
	if (d->msix_bar != NIC_VF_MSIX_BAR || (pba & PCI_MSIX_PBA_BIR) != NIC_VF_MSIX_BAR)
		return -EPROTO;

	if (pcie && pcie <= CFG_LEGACY - PCIE_CAP_SIZE) {
		d->cfg[NIC_CFG_MSIX + 1] = NIC_CFG_PCIE;
		memcpy(&d->cfg[NIC_CFG_PCIE], dev + pcie, PCIE_CAP_SIZE);
		d->cfg[NIC_CFG_PCIE + 1] = 0;
		bytes_put(&d->cfg[NIC_CFG_PCIE + PCI_EXP_DEVSTA], 0, 2);
		bytes_put(&d->wmask[NIC_CFG_PCIE + PCI_EXP_DEVCTL], DEVCTL_WRITABLE, 2);
	}
	return 0;
}

static int bars_build(struct dev_vfu *v, const uint8_t *dev)
{
	struct pci_dev *d = &v->pci;
	static const unsigned int which[] = {PCIF_REGION_BAR0, NIC_VF_MSIX_BAR};

	for (unsigned int i = 0; i < ARRAY_SIZE(which); i++) {
		const struct pcif_region *r = pcif_region(v->f, which[i]);
		uint8_t flags = dev[PCI_BASE_ADDRESS_0 + 4 * which[i]];

		if (r->size != (i ? NIC_MSIX_BAR_SIZE : NIC_VF_BAR0_SIZE))
			return -EPROTO;
		if (flags & PCI_BASE_ADDRESS_SPACE_IO)
			return -EPROTO;
		d->bar[which[i]].size = r->size;
		d->bar[which[i]].is_64 = flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
		d->bar[which[i]].prefetchable = flags & PCI_BASE_ADDRESS_MEM_PREFETCH;
	}
	return 0;
}

static int pages_map(struct dev_vfu *v)
{
	const struct pcif_region *r = pcif_region(v->f, PCIF_REGION_BAR0);
	struct pci_bar *b = &v->pci.bar[PCIF_REGION_BAR0];

	if (v->trapped)
		return 0;
	/* without them every doorbell would be a message, and nobody would notice but the users */
	if (!r->n_areas || r->n_areas > PCI_DEV_MEMSLOTS)
		return -EPROTO;
	for (unsigned int i = 0; i < r->n_areas; i++) {
		int e = pcif_region_mmap(v->f, PCIF_REGION_BAR0, i, &b->mem[i].va);

		if (e < 0)
			return e;
		b->mem[i].offset = r->area[i].offset;
		b->mem[i].size = r->area[i].size;
	}
	b->n_mem = r->n_areas;
	return 0;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct dev_vfu *v = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	vmm_device_lost(&v->pci, -ENODEV);
	return 0;
}

static int vfu_setup(struct dev_vfu *v)
{
	uint8_t dev[CFG_LEGACY];
	int r;

	r = pcif_config_read(v->f, 0, dev, sizeof(dev));
	if (r < 0)
		return r;
	r = config_build(&v->pci, dev);
	if (r < 0)
		return r;
	if (pcif_irq_count(v->f, PCIF_IRQ_MSIX) != v->pci.n_msix)
		return -EPROTO;
	r = bars_build(v, dev);
	if (r < 0)
		return r;
	r = pages_map(v);
	if (r < 0)
		return r;
	r = pci_dev_init(&v->pci);
	if (r < 0)
		return r == -EINVAL ? -EPROTO : r;

	r = pcif_reset(v->f);
	if (r < 0 && r != -ENOTSUP)
		return r;
	r = command_set(v, false);
	if (r < 0)
		return r;
	r = pcif_dma_map(v->f, vmm_ram(v->pci.vm));
	if (r < 0)
		return r;
	return sd_event_add_io(vmm_event(v->pci.vm), &v->hangup, pcif_fd(v->f), EPOLLRDHUP,
			       on_hangup, v);
}

int vmm_dev_vfu_new(struct vm *vm, const char *id, int fd, bool trapped, struct pci_dev **ret_dev)
{
	_cleanup_(vfu_destroyp) struct dev_vfu *v = NULL;
	_cleanup_(fd_closep) int own = fd;
	int r;

	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->pci.ops = &vfu_ops;
	v->pci.vm = vm;
	v->trapped = trapped;
	snprintf(v->pci.id, sizeof(v->pci.id), "%s", id);
	r = pcif_open_vfu(TAKE_FD(own), 0, &v->f);
	if (r < 0)
		return r;
	r = vfu_setup(v);
	if (r < 0)
		return r;
	*ret_dev = &TAKE_PTR(v)->pci;
	return 0;
}

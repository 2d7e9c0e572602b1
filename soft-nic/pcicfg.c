/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space. A VF shows VFIO's view of itself: real ids and BARs of its own, which the
 * bare function does not have (it reads all ones there and its BARs live in the PF's SR-IOV
 * capability).
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "snic_int.h"

#define BAR_64		    0x4u
#define SRIOV_CTRL_WRITABLE (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI)
#define PM_CAP_NO_RESET	    0x0008u

static uint32_t get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < n; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

static void put(uint8_t *p, uint32_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void cfg16(struct pcicfg *c, uint32_t off, uint32_t val, uint32_t writable)
{
	put(c->data + off, val, 2);
	put(c->wmask + off, writable, 2);
}

static void cfg32(struct pcicfg *c, uint32_t off, uint32_t val, uint32_t writable)
{
	put(c->data + off, val, 4);
	put(c->wmask + off, writable, 4);
}

static void common(struct pcicfg *c, uint16_t device, unsigned int n_msix, uint32_t pm_flags)
{
	memset(c, 0, sizeof(*c));
	cfg16(c, PCI_VENDOR_ID, NIC_VENDOR, 0);
	cfg16(c, PCI_DEVICE_ID, device, 0);
	cfg16(c, PCI_COMMAND, 0,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		      PCI_COMMAND_INTX_DISABLE);
	cfg16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	cfg32(c, PCI_CLASS_REVISION, NIC_CLASS << 8 | NIC_REVISION, 0);
	put(c->wmask + PCI_CACHE_LINE_SIZE, 0xff, 1);
	cfg16(c, PCI_SUBSYSTEM_VENDOR_ID, NIC_VENDOR, 0);
	put(c->data + PCI_CAPABILITY_LIST, NIC_CFG_PM, 1);
	put(c->wmask + PCI_INTERRUPT_LINE, 0xff, 1);

	cfg16(c, NIC_CFG_PM, PCI_CAP_ID_PM | NIC_CFG_MSIX << 8, 0);
	cfg16(c, NIC_CFG_PM + PCI_PM_PMC, 0x0023, 0); /* version 3, DSI */
	cfg16(c, NIC_CFG_PM + PCI_PM_CTRL, pm_flags, PCI_PM_CTRL_STATE_MASK);

	cfg16(c, NIC_CFG_MSIX, PCI_CAP_ID_MSIX | NIC_CFG_PCIE << 8, 0);
	cfg16(c, NIC_CFG_MSIX + PCI_MSIX_FLAGS, n_msix - 1,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cfg32(c, NIC_CFG_MSIX + PCI_MSIX_TABLE, NIC_MSIX_TABLE_OFF | NIC_PF_MSIX_BAR, 0);
	cfg32(c, NIC_CFG_MSIX + PCI_MSIX_PBA, NIC_MSIX_PBA_OFF | NIC_PF_MSIX_BAR, 0);

	cfg16(c, NIC_CFG_PCIE, PCI_CAP_ID_EXP, 0);
	cfg16(c, NIC_CFG_PCIE + PCI_EXP_FLAGS, 2, 0);		/* version 2, endpoint */
	cfg32(c, NIC_CFG_PCIE + PCI_EXP_DEVCAP, 0x10008cc2, 0); /* function level reset */
	cfg16(c, NIC_CFG_PCIE + PCI_EXP_DEVCTL, 0x2810, 0x7fff);
	cfg32(c, NIC_CFG_PCIE + PCI_EXP_LNKCAP, 0x00036c41, 0);
	cfg16(c, NIC_CFG_PCIE + PCI_EXP_LNKCTL, 0, 0x01fb);
	cfg16(c, NIC_CFG_PCIE + PCI_EXP_LNKSTA, 0x0041, 0); /* 2.5 GT/s, x4 */
	cfg32(c, NIC_CFG_PCIE + PCI_EXP_DEVCAP2, 0x1f, 0);
	cfg16(c, NIC_CFG_PCIE + PCI_EXP_DEVCTL2, 0, 0x001f);

	cfg32(c, NIC_CFG_AER, PCI_EXT_CAP_ID_ERR | 1 << 16 | NIC_CFG_ARI << 20, 0);
	cfg32(c, NIC_CFG_AER + PCI_ERR_UNCOR_MASK, 0, 0x003ff030);
	cfg32(c, NIC_CFG_AER + PCI_ERR_UNCOR_SEVER, 0x00062011, 0x003ff030);
	cfg32(c, NIC_CFG_AER + PCI_ERR_COR_MASK, 0x2000, 0x31c1);
	for (unsigned int i = 0; i < n_msix; i++)
		c->msix_table[4 * i + 3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

void pcicfg_init_pf(struct pcicfg *c)
{
	uint32_t o = NIC_CFG_SRIOV;

	common(c, NIC_DEVICE_PF, NIC_PF_MSIX_N, 0);
	cfg32(c, PCI_BASE_ADDRESS_0, 0, ~(NIC_PF_BAR0_SIZE - 1));
	cfg32(c, PCI_BASE_ADDRESS_3, 0, ~(NIC_MSIX_BAR_SIZE - 1));
	cfg32(c, NIC_CFG_ARI, PCI_EXT_CAP_ID_ARI | 1 << 16 | NIC_CFG_SRIOV << 20, 0);
	cfg32(c, o, PCI_EXT_CAP_ID_SRIOV | 1 << 16, 0);
	cfg16(c, o + PCI_SRIOV_CTRL, 0, SRIOV_CTRL_WRITABLE);
	cfg16(c, o + PCI_SRIOV_INITIAL_VF, NIC_VFS_MAX, 0);
	cfg16(c, o + PCI_SRIOV_TOTAL_VF, NIC_VFS_MAX, 0);
	cfg16(c, o + PCI_SRIOV_NUM_VF, 0, 0xffff);
	cfg16(c, o + PCI_SRIOV_VF_OFFSET, NIC_VF_OFFSET, 0);
	cfg16(c, o + PCI_SRIOV_VF_STRIDE, NIC_VF_STRIDE, 0);
	cfg16(c, o + PCI_SRIOV_VF_DID, NIC_DEVICE_VF, 0);
	cfg32(c, o + PCI_SRIOV_SUP_PGSIZE, 0x00000553, 0);
	cfg32(c, o + PCI_SRIOV_SYS_PGSIZE, 1, 0x00000553);
	cfg32(c, o + PCI_SRIOV_BAR, BAR_64, ~(NIC_VF_BAR0_SIZE - 1));
	cfg32(c, o + PCI_SRIOV_BAR + 4, 0, UINT32_MAX);
	cfg32(c, o + PCI_SRIOV_BAR + 12, BAR_64, ~(NIC_MSIX_BAR_SIZE - 1));
	cfg32(c, o + PCI_SRIOV_BAR + 16, 0, UINT32_MAX);
}

void pcicfg_init_vf(struct pcicfg *c)
{
	common(c, NIC_DEVICE_VF, NIC_VF_MSIX_N, PM_CAP_NO_RESET);
	cfg32(c, PCI_BASE_ADDRESS_0, BAR_64, ~(NIC_VF_BAR0_SIZE - 1));
	cfg32(c, PCI_BASE_ADDRESS_1, 0, UINT32_MAX);
	cfg32(c, PCI_BASE_ADDRESS_3, BAR_64, ~(NIC_MSIX_BAR_SIZE - 1));
	cfg32(c, PCI_BASE_ADDRESS_4, 0, UINT32_MAX);
	cfg32(c, NIC_CFG_ARI, PCI_EXT_CAP_ID_ARI | 1 << 16, 0);
}

bool pcicfg_bus_master(const struct pcicfg *c)
{
	return (get(c->data + PCI_COMMAND, 2) & PCI_COMMAND_MASTER) &&
	       !(get(c->data + NIC_CFG_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK);
}

bool pcicfg_vf_memory(const struct snic *s)
{
	return get(s->cfg[SNIC_PF].data + NIC_CFG_SRIOV + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_MSE;
}

/* MSI-X function mask. Vectors are masked by taking their eventfd away, as VFIO does it. */
void pcicfg_mask_update(struct snic *s, unsigned int fn)
{
	uint32_t flags = get(s->cfg[fn].data + NIC_CFG_MSIX + PCI_MSIX_FLAGS, 2);
	uint32_t bits = 0;

	for (unsigned int v = 0; v < (fn == SNIC_PF ? NIC_PF_MSIX_N : NIC_VF_MSIX_N); v++)
		bits |= BIT32(intr_bit(fn, v));
	if (fn == SNIC_PF)
		bits &= ~atomic_load(&s->intr.vf_bits);
	if (flags & PCI_MSIX_FLAGS_MASKALL)
		intr_mask(&s->intr, bits);
	else
		intr_unmask(&s->intr, bits);
}

static void sriov_written(struct snic *s, uint32_t old_ctrl, uint32_t old_num)
{
	uint8_t *o = s->cfg[SNIC_PF].data + NIC_CFG_SRIOV;
	uint32_t ctrl = get(o + PCI_SRIOV_CTRL, 2), num;

	if (old_ctrl & PCI_SRIOV_CTRL_VFE) /* fixed while enabled */
		put(o + PCI_SRIOV_NUM_VF, old_num, 2);
	num = get(o + PCI_SRIOV_NUM_VF, 2);
	if ((ctrl & PCI_SRIOV_CTRL_VFE) && num > NIC_VFS_MAX) {
		ctrl &= ~(uint32_t)PCI_SRIOV_CTRL_VFE; /* more than there are: stays off */
		put(o + PCI_SRIOV_CTRL, ctrl, 2);
	}
	put(o + PCI_SRIOV_VF_OFFSET, ctrl & PCI_SRIOV_CTRL_ARI ? NIC_VF_OFFSET_ARI : NIC_VF_OFFSET,
	    2);
	if ((ctrl ^ old_ctrl) & PCI_SRIOV_CTRL_VFE)
		snic_set_vfs(s, ctrl & PCI_SRIOV_CTRL_VFE ? num : 0);
}

static bool covers(uint32_t off, uint32_t len, uint32_t reg, uint32_t reg_len)
{
	return off < reg + reg_len && reg < off + len;
}

static bool fn_exists(const struct snic *s, unsigned int fn)
{
	return fn == SNIC_PF || fn < s->n_vfs;
}

void snic_config_read(struct snic *s, unsigned int fn, uint32_t off, void *buf, uint32_t len)
{
	memset(buf, 0xff, len);
	if (!fn_exists(s, fn) || off >= NIC_CFG_SIZE || len > NIC_CFG_SIZE - off)
		return;
	memcpy(buf, s->cfg[fn].data + off, len);
}

void snic_config_write(struct snic *s, unsigned int fn, uint32_t off, const void *buf, uint32_t len)
{
	const uint8_t *in = buf;
	const uint32_t devctl = NIC_CFG_PCIE + PCI_EXP_DEVCTL;
	uint32_t ctrl, num, pm;
	struct pcicfg *c;
	bool master;

	if (!fn_exists(s, fn) || off >= NIC_CFG_SIZE || len > NIC_CFG_SIZE - off)
		return;
	c = &s->cfg[fn];
	ctrl = get(c->data + NIC_CFG_SRIOV + PCI_SRIOV_CTRL, 2);
	num = get(c->data + NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF, 2);
	pm = get(c->data + NIC_CFG_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
	master = pcicfg_bus_master(c);
	for (uint32_t i = 0; i < len; i++) {
		uint8_t m = c->wmask[off + i];

		c->data[off + i] = (uint8_t)((c->data[off + i] & ~m) | (in[i] & m));
	}
	if (off <= devctl + 1 && off + len > devctl + 1 && (in[devctl + 1 - off] & 0x80)) {
		snic_fn_reset(s, fn, false);
		return;
	}
	if (fn == SNIC_PF && covers(off, len, NIC_CFG_SRIOV + PCI_SRIOV_CTRL, 10))
		sriov_written(s, ctrl, num);
	if (covers(off, len, NIC_CFG_MSIX + PCI_MSIX_FLAGS, 2))
		pcicfg_mask_update(s, fn);
	if (covers(off, len, NIC_CFG_PM + PCI_PM_CTRL, 2) && fn == SNIC_PF && pm == 3 &&
	    !(get(c->data + NIC_CFG_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK)) {
		snic_fn_reset(s, fn, false); /* waking up from D3hot loses everything */
		return;
	}
	if (pcicfg_bus_master(c) == master)
		return;
	s->cfg_dirty = true;
	if (master)
		(void)snic_must_quiesce(s); /* no DMA after the write has completed */
	else
		snic_service(s);
}

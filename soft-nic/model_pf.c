/* SPDX-License-Identifier: BSD-3-Clause */
/* BAR0 of the PF. */
#include <lib/clock.h>
#include "snic_int.h"

#define PVT_BASE	       0x10000u /* each VF's window, seen from the PF */
#define PVT_STRIDE	       0x100u
#define CTRL_EXT_SELF_CLEARING (BIT32(12) | BIT32(13))
#define EECD_FIXED	       (EECD_PRES | EECD_AUTO_RD | EECD_SIZE_EX | EECD_GNT)

uint32_t snic_status(const struct snic *s)
{
	uint32_t v = pf_reg(s, nic_STATUS(0)) & ~(STATUS_LU | STATUS_GIO_MASTER_ENABLE);

	if (s->link)
		v |= STATUS_LU;
	if (!(pf_reg(s, nic_CTRL(0)) & CTRL_GIO_MASTER_DISABLE))
		v |= STATUS_GIO_MASTER_ENABLE;
	if (s->n_vfs)
		v |= STATUS_IOV_MODE | field_prep(STATUS_NUM_VFS, s->n_vfs);
	return v;
}

/* ---- queues ----------------------------------------------------------------------------- */

/* Offset to queue and register: both blocks of addresses lead to the same storage. */
static bool queue_at(uint32_t off, bool *ret_tx, unsigned int *ret_q, uint32_t *ret_reg)
{
	uint32_t d;

	*ret_tx = false;
	if (off >= NIC_RXQ_BASE && off < NIC_RXQ_BASE + NIC_QUEUES * NIC_Q_STRIDE) {
		d = off - NIC_RXQ_BASE;
	} else if (off >= NIC_TXQ_BASE && off < NIC_TXQ_BASE + NIC_QUEUES * NIC_Q_STRIDE) {
		d = off - NIC_TXQ_BASE;
		*ret_tx = true;
	} else {
		if (off >= NIC_TXQ_LOW_BASE) {
			d = off - NIC_TXQ_LOW_BASE;
			*ret_tx = true;
		} else if (off >= NIC_RXQ_LOW_BASE) {
			d = off - NIC_RXQ_LOW_BASE;
		} else {
			return false;
		}
		if (d >= NIC_Q_LOW_COUNT * NIC_Q_LOW_STRIDE || d % NIC_Q_LOW_STRIDE >= NIC_Q_STRIDE)
			return false;
		*ret_q = d / NIC_Q_LOW_STRIDE;
		*ret_reg = d % NIC_Q_LOW_STRIDE;
		return true;
	}
	*ret_q = d / NIC_Q_STRIDE;
	*ret_reg = d % NIC_Q_STRIDE;
	return true;
}

uint32_t queue_read(struct snic *s, bool tx, unsigned int q, uint32_t reg, bool clear)
{
	volatile uint8_t *regs = tx ? snic_txq_regs(s, q) : snic_rxq_regs(s, q);
	uint64_t drops;
	uint32_t v;

	if (reg == DPR_HEAD) { /* what shared memory shows may be a tick old */
		const struct dp_rxq *rx = &s->dp.rx[q];
		const struct dp_txq *t = &s->dp.tx[q];

		if (tx ? t->ring && t->gen == s->tx_seen[q].gen
		       : rx->ring && rx->gen == s->rx_seen[q].gen)
			return __atomic_load_n(tx ? &t->head : &rx->head, __ATOMIC_RELAXED);
	}
	if (reg == DPR_RQDPC && !tx) {
		drops = counter_rqdpc(s, q);
		if (!clear) /* a VF sees what its page shows: a counter that is never cleared */
			return (uint32_t)drops;
		v = (uint32_t)(drops - s->rqdpc_base[q]);
		s->rqdpc_base[q] = drops;
		return v;
	}
	return mmio_read32(regs + reg);
}

void queue_write(struct snic *s, bool tx, unsigned int q, uint32_t reg, uint32_t val)
{
	volatile uint8_t *regs = tx ? snic_txq_regs(s, q) : snic_rxq_regs(s, q);

	switch (reg) {
	case DPR_TAIL:
		mmio_write32(regs + reg, val & 0xffff);
		if (s->dp.threaded)
			dp_kick(&s->dp.worker[dp_owner(&s->dp, q)]);
		return;
	case DPR_HEAD:
		if (!(mmio_read32(regs + DPR_CTL) & XDCTL_ENABLE))
			mmio_write32(regs + reg, val & 0xffff);
		return;
	case DPR_CTL:
		mmio_write32(regs + reg, val & ~XDCTL_SWFLUSH);
		snic_service(s);
		return;
	case DPR_RQDPC:
		if (!tx)
			return;
		break;
	default:
		break;
	}
	mmio_write32(regs + reg, val);
	if (mmio_read32(regs + DPR_CTL) & XDCTL_ENABLE)
		snic_service(s);
}

/* ---- a VF's window ---------------------------------------------------------------------- */

static unsigned int pvt_row(uint32_t reg)
{
	switch (reg) {
	case 0x00:
		return VFR_VTCTRL;
	case 0x10:
		return VFR_VFGPRC;
	case 0x14:
		return VFR_VFGPTC;
	case 0x18:
		return VFR_VFGORC;
	case 0x20:
		return VFR_VTEICS;
	case 0x24:
		return VFR_VTEIMS;
	case 0x28:
		return VFR_VTEIMC;
	case 0x2c:
		return VFR_VTEIAC;
	case 0x30:
		return VFR_VTEIAM;
	case 0x34:
		return VFR_VFGOTC;
	case 0x38:
	case 0x3c:
		return VFR_VFMPRC;
	case 0x40:
		return VFR_VFGPRLBC;
	case 0x44:
		return VFR_VFGPTLBC;
	case 0x48:
		return VFR_VFGORLBC;
	case 0x50:
		return VFR_VFGOTLBC;
	case 0x80:
		return VFR_VTEICR;
	default:
		return REG_NONE;
	}
}

static uint32_t pvt_read(struct snic *s, unsigned int vf, uint32_t reg)
{
	unsigned int row = pvt_row(reg);

	if (row == REG_NONE || row == VFR_VTCTRL)
		return 0;
	if (row >= VFR_VTEICS && row <= VFR_VTEICR)
		return intr_window_read(s, vf, row);
	return counter_vf_read(s, vf, row);
}

static void pvt_write(struct snic *s, unsigned int vf, uint32_t reg, uint32_t val)
{
	unsigned int row = pvt_row(reg);

	if (row == VFR_VTCTRL && (val & VTCTRL_RST) && vf < s->n_vfs)
		snic_vf_reset(s, vf);
	else if (row != REG_NONE)
		intr_window_write(s, vf, row, val);
}

/* ---- reads ------------------------------------------------------------------------------ */

static uint32_t pf_read_special(struct snic *s, unsigned int row, uint32_t off)
{
	uint32_t v;

	if (intr_reg_read(s, row, &v) || counter_read(s, row, &v))
		return v;
	switch (row) {
	case PFR_CTRL_ALIAS:
		return pf_reg(s, nic_CTRL(0));
	case PFR_STATUS:
		snic_flush(s); /* as VTSTATUS: the read drivers flush posted writes with */
		return snic_status(s);
	case PFR_FRTIMER:
		return (uint32_t)clock_us();
	case PFR_VMBMEM:
		off -= nic_VMBMEM(0);
		return s->mbx[off / 64].words[off % 64 / 4];
	case PFR_P2VMAILBOX:
		return mbx_pf_read(s, (off - nic_P2VMAILBOX(0)) / 4);
	default:
		return pf_reg(s, off);
	}
}

uint32_t pf_read(struct snic *s, uint32_t off)
{
	unsigned int row = regmap_get()->pf[off / 4];
	unsigned int q;
	uint32_t reg, v;
	bool tx;

	if (queue_at(off, &tx, &q, &reg))
		return queue_read(s, tx, q, reg, true);
	if (off >= PVT_BASE && off < PVT_BASE + NIC_VFS_MAX * PVT_STRIDE)
		return pvt_read(s, (off - PVT_BASE) / PVT_STRIDE, off % PVT_STRIDE);
	if (row == REG_NONE)
		return 0;
	switch (nic_pf_regs[row].access) {
	case NIC_WO:
		return 0;
	case NIC_SP:
		return pf_read_special(s, row, off);
	case NIC_RC:
		if (counter_read(s, row, &v))
			return v;
		v = pf_reg(s, off);
		s->reg[off / 4] = 0;
		return v;
	default:
		return pf_reg(s, off);
	}
}

/* ---- writes ----------------------------------------------------------------------------- */

static void ctrl_write(struct snic *s, uint32_t val)
{
	if (val & CTRL_RST) {
		snic_pf_reset(s);
		return;
	}
	if (val & CTRL_PHY_RST) {
		phy_init(s);
		s->reg[nic_STATUS(0) / 4] |= STATUS_PHYRA;
	}
	s->reg[nic_CTRL(0) / 4] = val & ~CTRL_PHY_RST;
	s->cfg_dirty = true;
}

static void ctrl_ext_write(struct snic *s, uint32_t val)
{
	if (val & CTRL_EXT_PFRSTD)
		mbx_pf_reset_done(s);
	/* copper is all there is */
	s->reg[nic_CTRL_EXT(0) / 4] = val & ~(CTRL_EXT_SELF_CLEARING | CTRL_EXT_LINK_MODE);
}

static void pf_write_special(struct snic *s, unsigned int row, uint32_t off, uint32_t val)
{
	if (intr_reg_write(s, row, val))
		return;
	switch (row) {
	case PFR_CTRL:
	case PFR_CTRL_ALIAS:
		ctrl_write(s, val);
		return;
	case PFR_STATUS:
		if (!(val & STATUS_PHYRA))
			s->reg[off / 4] &= ~STATUS_PHYRA;
		return;
	case PFR_EERD:
		s->reg[off / 4] = nvm_eerd(s, val);
		return;
	case PFR_CTRL_EXT:
		ctrl_ext_write(s, val);
		return;
	case PFR_MDIC:
		s->reg[off / 4] = phy_mdic(s, val);
		return;
	case PFR_FRTIMER:
	case PFR_GORCL:
	case PFR_GORCH:
	case PFR_GOTCL:
	case PFR_GOTCH:
		return;
	case PFR_VMBMEM:
		off -= nic_VMBMEM(0);
		s->mbx[off / 64].words[off % 64 / 4] = val;
		return;
	case PFR_P2VMAILBOX:
		mbx_pf_write(s, (off - nic_P2VMAILBOX(0)) / 4, val);
		return;
	case PFR_MBVFICR:
		s->reg[off / 4] &= ~val;
		return;
	case PFR_PBACLR:
		atomic_fetch_and(&s->intr.pba, ~val);
		return;
	case PFR_VFRE:
	case PFR_VFTE:
		val &= 0xff;
		break;
	default:
		break;
	}
	/* everything else is storage that the data path is built from */
	if (s->reg[off / 4] == val)
		return;
	s->reg[off / 4] = val;
	s->cfg_dirty = true;
}

static void pf_write_plain(struct snic *s, unsigned int row, uint32_t off, uint32_t val)
{
	switch (row) {
	case PFR_EECD: /* no grant: the NVM is read only */
		val = (val & ~EECD_FIXED) | (pf_reg(s, off) & EECD_FIXED);
		break;
	case PFR_EITR:
		atomic_store(&s->intr.itr_us[(off - nic_EITR(0)) / 4],
			     field_get(EITR_INTERVAL, val));
		break;
	case PFR_IVAR:
	case PFR_DTXCTL:
	case PFR_QDE:
		s->cfg_dirty = true;
		break;
	default:
		break;
	}
	s->reg[off / 4] = val;
	if (row == PFR_IVAR_MISC)
		snic_irq_map(s);
}

void pf_write(struct snic *s, uint32_t off, uint32_t val)
{
	unsigned int row = regmap_get()->pf[off / 4];
	unsigned int q;
	uint32_t reg;
	bool tx;

	if (queue_at(off, &tx, &q, &reg)) {
		queue_write(s, tx, q, reg, val);
		return;
	}
	if (off >= PVT_BASE && off < PVT_BASE + NIC_VFS_MAX * PVT_STRIDE) {
		pvt_write(s, (off - PVT_BASE) / PVT_STRIDE, off % PVT_STRIDE, val);
		return;
	}
	if (row == REG_NONE)
		return;
	switch (nic_pf_regs[row].access) {
	case NIC_RW:
		pf_write_plain(s, row, off, val);
		return;
	case NIC_W1C:
		s->reg[off / 4] &= ~val;
		return;
	case NIC_W1S:
		s->reg[off / 4] |= val;
		return;
	case NIC_SP:
		pf_write_special(s, row, off, val);
		return;
	default:
		return;
	}
}

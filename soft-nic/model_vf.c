/* SPDX-License-Identifier: BSD-3-Clause */
/* BAR0 of a VF. Pages 2 and 3 are shared memory; who does not map them gets here as well. */
#include <lib/clock.h>
#include "snic_int.h"

#define VTIVAR_BITS 0x83838383u

static uint32_t vf_itr(unsigned int vf, uint32_t off)
{
	return nic_vf_vector(vf, (off - nicvf_VTEITR(0)) / 4);
}

static bool vf_queue_at(unsigned int vf, uint32_t off, bool *ret_tx, unsigned int *ret_q,
			uint32_t *ret_reg)
{
	uint32_t d;

	if (off < NIC_VF_SHARED_OFF)
		return false;
	*ret_tx = off >= NIC_TXQ_LOW_BASE;
	d = off - (*ret_tx ? NIC_TXQ_LOW_BASE : NIC_RXQ_LOW_BASE);
	if (off < NIC_RXQ_LOW_BASE || d >= NIC_POOL_QUEUES * NIC_Q_LOW_STRIDE ||
	    d % NIC_Q_LOW_STRIDE >= NIC_Q_STRIDE)
		return false;
	*ret_q = vf + NIC_VFS_MAX * (d / NIC_Q_LOW_STRIDE);
	*ret_reg = d % NIC_Q_LOW_STRIDE;
	return true;
}

uint32_t vf_read(struct snic *s, unsigned int vf, uint32_t off)
{
	unsigned int row = regmap_get()->vf[off / 4];
	unsigned int q;
	uint32_t reg;
	bool tx;

	if (vf_queue_at(vf, off, &tx, &q, &reg))
		return queue_read(s, tx, q, reg, false);
	switch (row) {
	case VFR_VTSTATUS:
		/* drivers read it to flush posted writes: those to the shared pages count, too */
		snic_flush(s);
		return snic_status(s);
	case VFR_VFMBMEM:
		return s->mbx[vf].words[(off - nicvf_VFMBMEM(0)) / 4];
	case VFR_V2PMAILBOX:
		return mbx_vf_read(s, vf);
	case VFR_VTPSRTYPE:
		return s->vf[vf].psrtype;
	case VFR_VTFRTIMER:
		return (uint32_t)clock_us();
	case VFR_VTEITR:
		return pf_reg(s, nic_EITR(vf_itr(vf, off)));
	case VFR_VTIVAR:
		return s->vf[vf].ivar;
	case VFR_VTIVAR_MISC:
		return s->vf[vf].ivar_misc;
	case VFR_VTEICS:
	case VFR_VTEIMS:
	case VFR_VTEIMC:
	case VFR_VTEIAC:
	case VFR_VTEIAM:
	case VFR_VTEICR:
		return intr_window_read(s, vf, row);
	default:
		return row < VFR_COUNT && nic_vf_regs[row].access == NIC_RO
			       ? counter_vf_read(s, vf, row)
			       : 0;
	}
}

void vf_write(struct snic *s, unsigned int vf, uint32_t off, uint32_t val)
{
	unsigned int row = regmap_get()->vf[off / 4];
	unsigned int q;
	uint32_t reg;
	bool tx;

	if (vf_queue_at(vf, off, &tx, &q, &reg)) {
		queue_write(s, tx, q, reg, val);
		return;
	}
	switch (row) {
	case VFR_VTCTRL:
		if (val & VTCTRL_RST)
			snic_vf_reset(s, vf);
		return;
	case VFR_VFMBMEM:
		s->mbx[vf].words[(off - nicvf_VFMBMEM(0)) / 4] = val;
		return;
	case VFR_V2PMAILBOX:
		snic_service(
			s); /* what it wrote to its queues before is known before the PF acts */
		mbx_vf_write(s, vf, val);
		return;
	case VFR_VTPBACL:
		atomic_fetch_and(&s->intr.pba, ~((val & 7) << nic_vf_vector(vf, 0)));
		return;
	case VFR_VTPSRTYPE:
		s->vf[vf].psrtype = val;
		return;
	case VFR_VTEITR:
		s->reg[nic_EITR(vf_itr(vf, off)) / 4] = val;
		atomic_store(&s->intr.itr_us[vf_itr(vf, off)], field_get(EITR_INTERVAL, val));
		return;
	case VFR_VTIVAR:
		s->vf[vf].ivar = val & VTIVAR_BITS;
		s->cfg_dirty = true;
		return;
	case VFR_VTIVAR_MISC:
		s->vf[vf].ivar_misc = val & 0x83;
		return;
	default:
		intr_window_write(s, vf, row, val);
	}
}

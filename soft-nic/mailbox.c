/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox hardware: ownership, latched bits and who is told. Messages are not looked at. */
#include "snic_int.h"

static void tell_pf(struct snic *s, unsigned int vf)
{
	if (pf_reg(s, nic_MBVFIMR(0)) & BIT32(vf))
		intr_cause(&s->intr, ICR_VMMB);
}

static void tell_vf(struct snic *s, unsigned int vf)
{
	uint32_t entry = s->vf[vf].ivar_misc;

	if (vf < s->n_vfs && (entry & IVAR_VALID) && (entry & VTIVAR_VECTOR) < NIC_VF_MSIX_N)
		intr_event(&s->intr, nic_vf_vector(vf, entry & VTIVAR_VECTOR));
}

uint32_t mbx_vf_read(struct snic *s, unsigned int vf)
{
	uint32_t v = s->mbx[vf].v2p;

	s->mbx[vf].v2p &= ~V2P_R2C;
	return v;
}

void mbx_vf_write(struct snic *s, unsigned int vf, uint32_t val)
{
	uint32_t *v2p = &s->mbx[vf].v2p;
	uint32_t *icr = &s->reg[nic_MBVFICR(0) / 4];

	if (!(val & V2P_VFU))
		*v2p &= ~V2P_VFU;
	else if (!(*v2p & V2P_PFU))
		*v2p |= V2P_VFU;
	if (val & V2P_REQ)
		*icr |= BIT32(vf);
	if (val & V2P_ACK)
		*icr |= BIT32(vf + 16);
	if (val & (V2P_REQ | V2P_ACK))
		tell_pf(s, vf);
}

uint32_t mbx_pf_read(const struct snic *s, unsigned int vf)
{
	return s->mbx[vf].v2p & (V2P_VFU | V2P_PFU);
}

void mbx_pf_write(struct snic *s, unsigned int vf, uint32_t val)
{
	uint32_t *v2p = &s->mbx[vf].v2p;

	if (val & P2V_RVFU) {
		*v2p &= ~V2P_VFU;
		s->reg[nic_MBVFICR(0) / 4] &= ~(BIT32(vf) | BIT32(vf + 16));
	}
	if (!(val & P2V_PFU))
		*v2p &= ~V2P_PFU;
	else if (!(*v2p & V2P_VFU))
		*v2p |= V2P_PFU;
	if (val & P2V_STS)
		*v2p |= V2P_PFSTS;
	if (val & P2V_ACK)
		*v2p |= V2P_PFACK;
	if (val & (P2V_STS | P2V_ACK))
		tell_vf(s, vf);
}

/* VFLRE comes before anything the VF can send next: a PF driver strips the VF's address on it. */
void mbx_vf_was_reset(struct snic *s, unsigned int vf)
{
	s->reg[nic_VFLRE(0) / 4] |= BIT32(vf);
	tell_pf(s, vf);
}

void mbx_pf_reset_begin(struct snic *s)
{
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++)
		s->mbx[vf].v2p = V2P_RSTI; /* the words survive */
}

void mbx_pf_reset_done(struct snic *s)
{
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++) {
		if (!(s->mbx[vf].v2p & V2P_RSTI))
			continue;
		s->mbx[vf].v2p &= ~V2P_RSTI;
		s->mbx[vf].v2p |= V2P_RSTD;
	}
}

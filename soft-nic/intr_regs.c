/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt registers: the PF's, and the three-bit windows that VFs have on the same words. */
#include "snic_int.h"

#define EI_ALL 0x01ffffffu

static uint32_t icr_read(struct snic *s)
{
	struct intr *in = &s->intr;
	uint32_t icr = atomic_load(&in->icr), ims = atomic_load(&in->ims);
	uint32_t val = icr;

	if (icr & ims)
		val |= ICR_INT_ASSERTED;
	if ((atomic_load(&in->gpie) & GPIE_NSICR) || !ims || (val & ICR_INT_ASSERTED))
		atomic_fetch_and(&in->icr, ~icr & ~ICR_INT_ASSERTED);
	atomic_fetch_and(&in->ims, ~atomic_load(&in->iam));
	return val;
}

static uint32_t eicr_read(struct intr *in, uint32_t mask)
{
	return atomic_fetch_and(&in->eicr, ~mask) & mask;
}

static void eics_write(struct intr *in, uint32_t bits)
{
	atomic_fetch_or(&in->eicr, bits);
	/* software causes also open vectors that auto-mask closed */
	atomic_fetch_or(&in->eims, bits & atomic_load(&in->eiam));
	intr_recheck(in, bits);
}

static void eims_write(struct intr *in, uint32_t bits)
{
	atomic_fetch_or(&in->eims, bits);
	intr_recheck(in, bits);
}

bool intr_reg_read(struct snic *s, unsigned int row, uint32_t *ret_val)
{
	struct intr *in = &s->intr;

	switch (row) {
	case PFR_ICR:
	case PFR_ICR_LEGACY:
		*ret_val = icr_read(s);
		return true;
	case PFR_ICS:
	case PFR_ICS_LEGACY:
		*ret_val = atomic_load(&in->icr);
		return true;
	case PFR_IMS:
	case PFR_IMS_LEGACY:
	case PFR_IMC:
	case PFR_IMC_LEGACY:
		*ret_val = atomic_load(&in->ims);
		return true;
	case PFR_IAM:
	case PFR_IAM_LEGACY:
		*ret_val = atomic_load(&in->iam);
		return true;
	case PFR_GPIE:
		*ret_val = atomic_load(&in->gpie);
		return true;
	case PFR_EICS:
		*ret_val = atomic_load(&in->eicr);
		return true;
	case PFR_EIMS:
	case PFR_EIMC:
		*ret_val = atomic_load(&in->eims);
		return true;
	case PFR_EIAC:
		*ret_val = atomic_load(&in->eiac);
		return true;
	case PFR_EIAM:
		*ret_val = atomic_load(&in->eiam);
		return true;
	case PFR_EICR:
		*ret_val = eicr_read(in, EI_ALL);
		return true;
	default:
		return false;
	}
}

static bool ei_write(struct intr *in, unsigned int row, uint32_t val)
{
	switch (row) {
	case PFR_EICS:
		eics_write(in, val & EI_ALL);
		return true;
	case PFR_EIMS:
		eims_write(in, val & EI_ALL);
		return true;
	case PFR_EIMC:
		atomic_fetch_and(&in->eims, ~val);
		return true;
	case PFR_EIAC:
		atomic_store(&in->eiac, val & EI_ALL);
		return true;
	case PFR_EIAM:
		atomic_store(&in->eiam, val & EI_ALL);
		return true;
	case PFR_EICR:
		atomic_fetch_and(&in->eicr, ~val);
		return true;
	default:
		return false;
	}
}

bool intr_reg_write(struct snic *s, unsigned int row, uint32_t val)
{
	struct intr *in = &s->intr;

	switch (row) {
	case PFR_ICR:
	case PFR_ICR_LEGACY:
		atomic_fetch_and(&in->icr, ~val);
		atomic_fetch_and(&in->ims, ~atomic_load(&in->iam));
		return true;
	case PFR_ICS:
	case PFR_ICS_LEGACY:
		intr_cause(in, val & IMS_WRITABLE);
		return true;
	case PFR_IMS:
	case PFR_IMS_LEGACY:
		atomic_fetch_or(&in->ims, val & IMS_WRITABLE);
		if (atomic_load(&in->icr) & val & IMS_WRITABLE)
			intr_recheck_icr(in);
		return true;
	case PFR_IMC:
	case PFR_IMC_LEGACY:
		atomic_fetch_and(&in->ims, ~val);
		return true;
	case PFR_IAM:
	case PFR_IAM_LEGACY:
		atomic_store(&in->iam, val & IMS_WRITABLE);
		return true;
	case PFR_GPIE:
		atomic_store(&in->gpie, val);
		s->cfg_dirty = true;
		return true;
	default:
		return ei_write(in, row, val);
	}
}

uint32_t intr_window_read(struct snic *s, unsigned int vf, unsigned int row)
{
	struct intr *in = &s->intr;
	uint32_t shift = nic_vf_vector(vf, 0);
	uint32_t all;

	switch (row) {
	case VFR_VTEICS:
		all = atomic_load(&in->eicr);
		break;
	case VFR_VTEIMS:
	case VFR_VTEIMC:
		all = atomic_load(&in->eims);
		break;
	case VFR_VTEIAC:
		all = atomic_load(&in->eiac);
		break;
	case VFR_VTEIAM:
		all = atomic_load(&in->eiam);
		break;
	case VFR_VTEICR:
		all = eicr_read(in, 7u << shift);
		break;
	default:
		return 0;
	}
	return (all >> shift) & 7;
}

void intr_window_write(struct snic *s, unsigned int vf, unsigned int row, uint32_t val)
{
	struct intr *in = &s->intr;
	uint32_t shift = nic_vf_vector(vf, 0);
	uint32_t mask = 7u << shift, bits = (val & 7) << shift;

	switch (row) {
	case VFR_VTEICS:
		eics_write(in, bits);
		break;
	case VFR_VTEIMS:
		eims_write(in, bits);
		break;
	case VFR_VTEIMC:
		atomic_fetch_and(&in->eims, ~bits);
		break;
	case VFR_VTEIAC:
		atomic_store(&in->eiac, (atomic_load(&in->eiac) & ~mask) | bits);
		break;
	case VFR_VTEIAM:
		atomic_store(&in->eiam, (atomic_load(&in->eiam) & ~mask) | bits);
		break;
	case VFR_VTEICR:
		atomic_fetch_and(&in->eicr, ~bits);
		break;
	default:
		break;
	}
}

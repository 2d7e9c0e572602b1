/* SPDX-License-Identifier: BSD-3-Clause */
/* What an interrupt is about, the slow tick, the link and the counters. */
#include "pfdrv_impl.h"

#define ROUNDS	  4u
#define PF_VECTOR 0u /* with 8 VFs enabled the only one left to the PF */

/*
 * ICR, IMS, IMC and IAM by their legacy addresses, as the stock drivers do: silicon decodes both,
 * the model [Q] these alone.
 */
void pfdrv_irq_arm(struct pfdrv *pf)
{
	uint32_t bit = BIT32(PF_VECTOR);

	pfdrv_wr(pf, nic_GPIE(0), GPIE_NSICR | GPIE_MULTIPLE_MSIX | GPIE_EIAME | GPIE_PBA);
	/* byte 1: every cause that is not a queue's */
	pfdrv_wr(pf, nic_IVAR_MISC(0), (IVAR_VALID | PF_VECTOR) << 8);
	pfdrv_wr(pf, nic_EIAC(0), bit);
	pfdrv_wr(pf, nic_EIAM(0), bit);
	pfdrv_wr(pf, nic_IAM_LEGACY(0), 0); /* reading ICR shall mask nothing */
	pfdrv_wr(pf, nic_MBVFIMR(0), 0xff);
	pfdrv_wr(pf, nic_IMS_LEGACY(0), ICR_VMMB | ICR_LSC);
	pfdrv_wr(pf, nic_EIMS(0), bit);
}

void pfdrv_link_check(struct pfdrv *pf, bool tell)
{
	static const unsigned int mbps[] = {10, 100, 1000, 1000};
	uint32_t status = pfdrv_rd(pf, nic_STATUS(0));
	bool up = status & STATUS_LU, changed = up != pf->link.up;

	if (pf->error)
		return;
	if (status == UINT32_MAX) {
		pf->error = -ENODEV;
		return;
	}
	pf->link.up = up;
	pf->link.speed_mbps = up ? mbps[field_get(STATUS_SPEED, status)] : 0;
	if (!changed || !tell)
		return;
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		pfdrv_mbx_ping(pf, i);
	if (pf->events.link)
		pf->events.link(pf->events.userdata, up);
}

static uint32_t counter_reg(unsigned int counter, unsigned int vf)
{
	switch (counter) {
	case VF_RX_PACKETS:
		return nic_PVFGPRC(vf);
	case VF_TX_PACKETS:
		return nic_PVFGPTC(vf);
	case VF_RX_BYTES:
		return nic_PVFGORC(vf);
	case VF_TX_BYTES:
		return nic_PVFGOTC(vf);
	default:
		return nic_PVFMPRC(vf);
	}
}

void pfdrv_stats_update(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];

	for (unsigned int i = 0; i < VF_COUNTERS; i++) {
		uint32_t now = pfdrv_rd(pf, counter_reg(i, vf));

		if (pf->error)
			return;
		v->sum[i] += now - v->raw[i]; /* modulo 2^32 */
		v->raw[i] = now;
	}
}

void pfdrv_stats_rebase(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];

	for (unsigned int i = 0; i < VF_COUNTERS; i++) {
		v->raw[i] = pfdrv_rd(pf, counter_reg(i, vf));
		v->sum[i] = 0;
	}
}

/*
 * Return: true if there was something. In the order that keeps a VF's reset ahead of its messages.
 */
static bool round_of_vfs(struct pfdrv *pf)
{
	/* in this order: the reset that preceded a message seen here is seen as well */
	uint32_t causes = pfdrv_rd(pf, nic_MBVFICR(0));
	uint32_t flr = pfdrv_rd(pf, nic_VFLRE(0)) & 0xff;
	uint32_t req = field_get(MBVFICR_REQ, causes), ack = field_get(MBVFICR_ACK, causes);
	uint32_t none = 0xff & ~(BIT32(pf->num_vfs) - 1);

	if (pf->error || !(flr | req | ack))
		return false;
	if ((flr | req | ack) & none) { /* of VFs that are not enabled */
		pfdrv_wr(pf, nic_VFLRE(0), none);
		pfdrv_wr(pf, nic_MBVFICR(0),
			 field_prep(MBVFICR_REQ, none) | field_prep(MBVFICR_ACK, none));
	}
	for (unsigned int i = 0; i < pf->num_vfs && !pf->error; i++) {
		if (flr & BIT32(i))
			pfdrv_mbx_vflr(pf, i);
		if (req & BIT32(i))
			pfdrv_mbx_request(pf, i);
		if (ack & BIT32(i))
			pfdrv_mbx_ack(pf, i);
	}
	return true;
}

int pfdrv_service(struct pfdrv *pf)
{
	bool more = true;
	uint32_t causes;

	if (pf->error)
		return pf->error;
	causes = pfdrv_rd(pf, nic_ICR_LEGACY(0));
	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		/* a reset since then leaves nothing to finish */
		if (pf->unfinished & BIT32(i) && !(pfdrv_rd(pf, nic_VFLRE(0)) & BIT32(i)))
			pfdrv_mbx_resume(pf, i);
	}
	pf->unfinished = 0;
	for (unsigned int i = 0; i < ROUNDS && more; i++)
		more = round_of_vfs(pf);
	if (causes & ICR_LSC)
		pfdrv_link_check(pf, true);
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		if (pf->vf[i].ping_owed)
			pfdrv_mbx_ping(pf, i);
	pfdrv_wr(pf, nic_EIMS(0), BIT32(PF_VECTOR)); /* EIAM took it away */
	return pf->error ? pf->error : more;
}

int pfdrv_tick(struct pfdrv *pf)
{
	int r = pfdrv_service(pf);

	if (r < 0)
		return r;
	pfdrv_link_check(pf, true);
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		pfdrv_stats_update(pf, i);
	return pf->error ? pf->error : r;
}

int pfdrv_error(const struct pfdrv *pf)
{
	return pf->error;
}

void pfdrv_mac(const struct pfdrv *pf, uint8_t ret_mac[6])
{
	for (unsigned int i = 0; i < 6; i++)
		ret_mac[i] = pf->mac[i];
}

void pfdrv_link(const struct pfdrv *pf, struct pfdrv_link *ret_link)
{
	*ret_link = pf->link;
}

unsigned int pfdrv_total_vfs(const struct pfdrv *pf)
{
	return pf->total_vfs;
}

unsigned int pfdrv_num_vfs(const struct pfdrv *pf)
{
	return pf->num_vfs;
}

struct pcif *pfdrv_pcif(const struct pfdrv *pf)
{
	return pf->f;
}

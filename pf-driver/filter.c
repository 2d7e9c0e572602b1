/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The switch's filters. Every function computes what a register ought to hold from software state
 * and writes it, tables by difference only.
 */
#include <string.h>
#include "pfdrv_impl.h"

#define RCTL_BASE (RCTL_EN | RCTL_LPE | RCTL_BAM | RCTL_VFE | RCTL_SECRC)

static unsigned int vf_rar(unsigned int vf)
{
	return NIC_RAR_COUNT - 1 - vf;
}

static bool mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !memcmp(mac, zero, 6);
}

/*
 * Invalid while it changes: no moment with half of two addresses. One that is right is not touched:
 * a process killed here would leave a VF without the address it had.
 */
static void rar_write(struct pfdrv *pf, unsigned int index, const uint8_t mac[6], uint32_t pools)
{
	uint32_t low =
		mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;
	uint32_t high = mac[4] | (uint32_t)mac[5] << 8;

	if (!mac_is_zero(mac))
		high |= field_prep(RAH_POOL, pools) | RAH_AV;
	if (pfdrv_rd(pf, nic_RAR_low(index)) == low && pfdrv_rd(pf, nic_RAR_high(index)) == high)
		return;
	pfdrv_wr(pf, nic_RAR_high(index), 0);
	pfdrv_wr(pf, nic_RAR_low(index), low);
	if (high)
		pfdrv_wr(pf, nic_RAR_high(index), high);
}

void pfdrv_rar_read(struct pfdrv *pf, unsigned int index, uint8_t ret_mac[6], uint32_t *ret_high)
{
	uint32_t low = pfdrv_rd(pf, nic_RAR_low(index));
	uint32_t high = pfdrv_rd(pf, nic_RAR_high(index));

	for (unsigned int i = 0; i < 4; i++)
		ret_mac[i] = (uint8_t)(low >> (8 * i));
	ret_mac[4] = (uint8_t)high;
	ret_mac[5] = (uint8_t)(high >> 8);
	*ret_high = high;
}

uint32_t pfdrv_vmolr_want(const struct pfdrv *pf, unsigned int vf)
{
	const struct pfdrv_vf *v = &pf->vf[vf];
	uint32_t val =
		VMOLR_LPE | VMOLR_BAM | VMOLR_STRCRC | field_prep(VMOLR_RLPML, v->max_frame_bytes);

	if (v->attr.vlan == 0)
		val |= VMOLR_AUPE;
	if (v->attr.vlan != 0 || v->strip_vlan)
		val |= VMOLR_STRVLAN;
	if (pf->mta.list[vf].n > 0 || pf->mta.inherited_by & BIT32(vf))
		val |= VMOLR_ROMPE;
	if (v->rss)
		val |= VMOLR_RSSE;
	if (v->promisc_multi)
		val |= VMOLR_MPME;
	if (v->promisc_unicast)
		val |= VMOLR_ROPE;
	return val;
}

uint32_t pfdrv_vmvir_want(const struct pfdrv *pf, unsigned int vf)
{
	const struct pfdrv_vf_attr *a = &pf->vf[vf].attr;

	if (a->vlan == 0)
		return 0;
	return field_prep(VMVIR_TAG, (uint32_t)a->vlan | (uint32_t)a->vlan_qos << 13) |
	       field_prep(VMVIR_VLANA, VMVIR_VLANA_ALWAYS);
}

uint32_t pfdrv_dtxswc_want(const struct pfdrv *pf)
{
	uint32_t off = 0;

	for (unsigned int i = 0; i < pf->num_vfs; i++)
		if (!pf->vf[i].attr.spoofchk)
			off |= BIT32(i);
	return DTXSWC_LOOPBACK | field_prep(DTXSWC_MAC_SPOOF, 0xff & ~off) |
	       field_prep(DTXSWC_VLAN_SPOOF, 0xff & ~off);
}

bool pfdrv_pool_on(const struct pfdrv *pf, unsigned int vf)
{
	return pf->vf[vf].cts && pf->vf[vf].attr.link_state != PFDRV_LINK_DISABLE;
}

void pfdrv_vmolr_sync(struct pfdrv *pf, unsigned int vf)
{
	pfdrv_wr(pf, nic_VMOLR(vf), pfdrv_vmolr_want(pf, vf));
}

void pfdrv_vmvir_sync(struct pfdrv *pf, unsigned int vf)
{
	pfdrv_wr(pf, nic_VMVIR(vf), pfdrv_vmvir_want(pf, vf));
}

void pfdrv_mac_sync(struct pfdrv *pf, unsigned int vf)
{
	rar_write(pf, vf_rar(vf), pf->vf[vf].mac, BIT32(vf));
}

void pfdrv_spoof_sync(struct pfdrv *pf)
{
	pfdrv_wr(pf, nic_DTXSWC(0), pfdrv_dtxswc_want(pf));
}

void pfdrv_mta_sync(struct pfdrv *pf)
{
	uint32_t want[MTA_COUNT];

	pfdrv_mta_build(&pf->mta, want);
	for (unsigned int i = 0; i < MTA_COUNT; i++) {
		if (want[i] == pf->mta.now[i])
			continue;
		pfdrv_wr(pf, nic_MTA(i), want[i]);
		pf->mta.now[i] = want[i];
	}
}

void pfdrv_vlan_sync(struct pfdrv *pf, const struct vlan_table *want)
{
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		if (want->vlvf[i] != pf->vlan.vlvf[i])
			pfdrv_wr(pf, nic_VLVF(i), want->vlvf[i]);
	for (unsigned int i = 0; i < VFTA_COUNT; i++)
		if (want->vfta[i] != pf->vlan.vfta[i])
			pfdrv_wr(pf, nic_VFTA(i), want->vfta[i]);
	pf->vlan = *want;
}

/*
 * The device clears a VF's bits at its reset, so the other VFs' bits are taken from the device and
 * not from memory, and a VF whose reset is not handled yet is not switched on.
 */
void pfdrv_enable_sync(struct pfdrv *pf, unsigned int vf)
{
	uint32_t bit = pfdrv_pool_on(pf, vf) ? BIT32(vf) : 0;

	if (bit && pfdrv_rd(pf, nic_VFLRE(0)) & bit)
		return;
	pfdrv_wr(pf, nic_VFTE(0), (pfdrv_rd(pf, nic_VFTE(0)) & ~BIT32(vf)) | bit);
	pfdrv_wr(pf, nic_VFRE(0), (pfdrv_rd(pf, nic_VFRE(0)) & ~BIT32(vf)) | bit);
}

/* The 82576 has no unicast promiscuity per pool: a full hash table and ROPE make one. */
void pfdrv_promisc_sync(struct pfdrv *pf)
{
	uint32_t rctl = RCTL_BASE;
	bool uta = false;

	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		if (pf->vf[i].promisc_multi)
			rctl |= RCTL_MPE;
		uta = uta || pf->vf[i].promisc_unicast;
	}
	if (uta)
		rctl |= RCTL_UPE;
	if (uta != pf->uta_full)
		for (unsigned int i = 0; i < 128; i++)
			pfdrv_wr(pf, nic_UTA(i), uta ? UINT32_MAX : 0);
	pf->uta_full = uta;
	if (rctl != pf->rctl)
		pfdrv_wr(pf, nic_RCTL(0), rctl);
	pf->rctl = rctl;
}

void pfdrv_marker_sync(struct pfdrv *pf)
{
	struct marker m = {0};
	uint32_t want[2];

	for (unsigned int i = 0; i < PFDRV_VFS_MAX; i++) {
		const struct pfdrv_vf *v = &pf->vf[i];
		uint8_t bit = (uint8_t)BIT32(i);

		m.mac_set |= v->attr.mac_set ? bit : 0;
		m.trust |= v->attr.trust ? bit : 0;
		m.cts |= v->cts ? bit : 0;
		m.link_disable |= v->attr.link_state == PFDRV_LINK_DISABLE ? bit : 0;
		m.link_enable |= v->attr.link_state == PFDRV_LINK_ENABLE ? bit : 0;
	}
	pfdrv_marker_encode(&m, want);
	for (unsigned int i = 0; i < 2; i++) {
		if (want[i] != pf->marker[i])
			pfdrv_wr(pf, nic_RSSRK(1 + i), want[i]);
		pf->marker[i] = want[i];
	}
}

bool pfdrv_mac_taken(const struct pfdrv *pf, unsigned int vf, const uint8_t mac[6])
{
	if (!memcmp(mac, pf->mac, 6))
		return true;
	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		if (i == vf)
			continue;
		if (!memcmp(mac, pf->vf[i].mac, 6))
			return true;
		if (pf->vf[i].attr.mac_set && !memcmp(mac, pf->vf[i].attr.mac, 6))
			return true;
	}
	for (unsigned int i = 0; i < EXTRA_COUNT; i++)
		if (pf->extra[i].used && pf->extra[i].vf != vf && !memcmp(mac, pf->extra[i].mac, 6))
			return true;
	return false;
}

void pfdrv_extra_drop(struct pfdrv *pf, unsigned int vf)
{
	static const uint8_t none[6];

	for (unsigned int i = 0; i < EXTRA_COUNT; i++) {
		if (!pf->extra[i].used || pf->extra[i].vf != vf)
			continue;
		rar_write(pf, EXTRA_FIRST + i, none, 0);
		pf->extra[i].used = false;
	}
}

int pfdrv_extra_add(struct pfdrv *pf, unsigned int vf, const uint8_t mac[6])
{
	unsigned int n = 0;
	int slot = -ENOSPC;

	for (unsigned int i = 0; i < EXTRA_COUNT; i++) {
		if (!pf->extra[i].used && slot < 0)
			slot = (int)i;
		if (!pf->extra[i].used || pf->extra[i].vf != vf)
			continue;
		if (!memcmp(pf->extra[i].mac, mac, 6))
			return 0;
		n++;
	}
	if (slot < 0 || n >= EXTRA_PER_VF)
		return -ENOSPC;

	pf->extra[slot].used = true;
	pf->extra[slot].vf = (uint8_t)vf;
	memcpy(pf->extra[slot].mac, mac, 6);
	rar_write(pf, EXTRA_FIRST + (unsigned int)slot, mac, BIT32(vf));
	return 0;
}

/* After a reset of the PF: everything that could let a frame through is 0, and known to be. */
void pfdrv_tables_clear(struct pfdrv *pf)
{
	static const uint8_t none[6];

	for (unsigned int i = 0; i < 128; i++) {
		pfdrv_wr(pf, nic_MTA(i), 0);
		pfdrv_wr(pf, nic_UTA(i), 0);
		pfdrv_wr(pf, nic_VFTA(i), 0);
	}
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		pfdrv_wr(pf, nic_VLVF(i), 0);
	for (unsigned int i = 1; i < NIC_RAR_COUNT; i++)
		rar_write(pf, i, none, 0);
	memset(&pf->vlan, 0, sizeof(pf->vlan));
	memset(&pf->mta, 0, sizeof(pf->mta));
	memset(pf->extra, 0, sizeof(pf->extra));
	pf->uta_full = false;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking over a running PF. Reads first and judges, then writes only what arms interrupts: no VF
 * may notice. What a killed process left half done (a mailbox it held) is finished by
 * pfdrv_service().
 */
#include <linux/pci_regs.h>
#include <string.h>
#include "open.h"

static bool runs_under_us(struct pfdrv *pf)
{
	uint32_t cmd = pfdrv_cfg_rd(pf, PCI_COMMAND, 2);

	return cmd & PCI_COMMAND_MEMORY && cmd & PCI_COMMAND_MASTER &&
	       pfdrv_rd(pf, nic_CTRL_EXT(0)) & CTRL_EXT_DRV_LOAD &&
	       pfdrv_rd(pf, nic_RSSRK(0)) == MARKER_MAGIC;
}

static void read_tables(struct pfdrv *pf)
{
	for (unsigned int i = 0; i < 128; i++) {
		pf->mta.now[i] = pfdrv_rd(pf, nic_MTA(i));
		pf->vlan.vfta[i] = pfdrv_rd(pf, nic_VFTA(i));
	}
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		pf->vlan.vlvf[i] = pfdrv_rd(pf, nic_VLVF(i));
	pf->rctl = pfdrv_rd(pf, nic_RCTL(0));
	pf->marker[0] = pfdrv_rd(pf, nic_RSSRK(1));
	pf->marker[1] = pfdrv_rd(pf, nic_RSSRK(2));
}

static void read_extra(struct pfdrv *pf)
{
	for (unsigned int i = 0; i < EXTRA_COUNT; i++) {
		uint32_t high, pools;
		uint8_t mac[6];

		pfdrv_rar_read(pf, EXTRA_FIRST + i, mac, &high);
		pools = field_get(RAH_POOL, high);
		if (!(high & RAH_AV) || pools == 0)
			continue;
		pf->extra[i].used = true;
		pf->extra[i].vf = (uint8_t)__builtin_ctz(pools);
		memcpy(pf->extra[i].mac, mac, 6);
	}
}

static void adopt_vf(struct pfdrv *pf, unsigned int vf, const struct marker *m)
{
	uint32_t vmolr = pfdrv_rd(pf, nic_VMOLR(vf)), vmvir = pfdrv_rd(pf, nic_VMVIR(vf));
	uint32_t dtxswc = pfdrv_rd(pf, nic_DTXSWC(0)), high;
	struct pfdrv_vf *v = &pf->vf[vf];
	uint8_t mac[6];

	pfdrv_rar_read(pf, NIC_RAR_COUNT - 1 - vf, mac, &high);
	if (high & RAH_AV && field_get(RAH_POOL, high) & BIT32(vf) && nic_mac_valid(mac)) {
		memcpy(v->mac, mac, 6);
		v->attr.mac_set = m->mac_set & BIT32(vf);
		if (v->attr.mac_set)
			memcpy(v->attr.mac, mac, 6);
	}
	if (field_get(VMVIR_VLANA, vmvir) == VMVIR_VLANA_ALWAYS) {
		v->attr.vlan = field_get(VMVIR_TAG, vmvir) & 0xfff;
		v->attr.vlan_qos = (uint8_t)(field_get(VMVIR_TAG, vmvir) >> 13);
	}
	v->attr.spoofchk = field_get(DTXSWC_MAC_SPOOF, dtxswc) & BIT32(vf);
	v->attr.trust = m->trust & BIT32(vf);
	if (m->link_disable & BIT32(vf))
		v->attr.link_state = PFDRV_LINK_DISABLE;
	else if (m->link_enable & BIT32(vf))
		v->attr.link_state = PFDRV_LINK_ENABLE;
	v->cts = m->cts & BIT32(vf);
	v->max_frame_bytes = (uint16_t)field_get(VMOLR_RLPML, vmolr);
	v->strip_vlan = vmolr & VMOLR_STRVLAN && v->attr.vlan == 0;
	v->rss = vmolr & VMOLR_RSSE;
	v->promisc_multi = vmolr & VMOLR_MPME;
	v->promisc_unicast = vmolr & VMOLR_ROPE;
	pf->uta_full = pf->uta_full || v->promisc_unicast;
	if (pfdrv_rd(pf, nic_P2VMAILBOX(vf)) & P2V_PFU)
		pf->unfinished |= BIT32(vf);
	pfdrv_stats_rebase(pf, vf);
}

/*
 * A word of the marker that is damaged costs what only it knew: addresses found count as the
 * administrator's, nobody is trusted, and a pool that is on did its reset exchange.
 */
static void read_marker(struct pfdrv *pf, struct marker *ret)
{
	if (pfdrv_marker_decode(pf->marker, ret))
		return;
	*ret = (struct marker){
		.mac_set = 0xff,
		.cts = (uint8_t)(pfdrv_rd(pf, nic_VFRE(0)) & pfdrv_rd(pf, nic_VFTE(0))),
	};
}

static int judge(struct pfdrv *pf)
{
	uint32_t status = pfdrv_rd(pf, nic_STATUS(0)), mrqc = pfdrv_rd(pf, nic_MRQC(0));
	uint32_t mode = field_get(MRQC_MODE, mrqc);

	if (pf->error)
		return pf->error;
	if (status == UINT32_MAX)
		return -ENODEV;
	if (!(pf->rctl & RCTL_EN) || !(pf->rctl & RCTL_VFE) ||
	    (mode != MRQC_MODE_VMDQ && mode != MRQC_MODE_VMDQ_RSS) || !pfdrv_vlan_sane(&pf->vlan) ||
	    pf->num_vfs > pf->total_vfs)
		return -EUCLEAN;
	pf->rss = mode == MRQC_MODE_VMDQ_RSS;
	return 0;
}

static void repair_enables(struct pfdrv *pf, unsigned int vf)
{
	bool rx = pfdrv_rd(pf, nic_VFRE(0)) & BIT32(vf), tx = pfdrv_rd(pf, nic_VFTE(0)) & BIT32(vf);
	bool want = pfdrv_pool_on(pf, vf);

	if (rx != want || tx != want)
		pfdrv_enable_sync(pf, vf);
}

/*
 * A process killed between two writes leaves registers that belong together half changed. What is
 * derived from others is computed anew; in an orderly picture nothing differs and nothing is
 * written.
 */
static void repair(struct pfdrv *pf)
{
	struct vlan_table vlan = pf->vlan;

	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		uint16_t vid = pf->vf[i].attr.vlan;

		if (vid != 0) {
			pfdrv_vlan_leave_all(&vlan, i);
			(void)pfdrv_vlan_join(&vlan, i, vid, 0); /* its own slot is free again */
		}
		if (pfdrv_rd(pf, nic_VMOLR(i)) != pfdrv_vmolr_want(pf, i))
			pfdrv_vmolr_sync(pf, i);
		repair_enables(pf, i);
	}
	pfdrv_vlan_repair(&vlan);
	pfdrv_vlan_sync(pf, &vlan);
	pfdrv_promisc_sync(pf);
	pfdrv_vt_sync(pf);
	pfdrv_marker_sync(pf);
	pfdrv_rss_sync(pf);
}

static int take_over(struct pfdrv *pf)
{
	uint32_t high, with_lists = 0;
	struct marker m;
	int r;

	if (!runs_under_us(pf))
		return pf->error ? pf->error : -ENOENT;

	pf->num_vfs = pfdrv_enabled_vfs(pf);
	if (pf->num_vfs > PFDRV_VFS_MAX)
		return -EUCLEAN;
	pfdrv_rar_read(pf, 0, pf->mac, &high);
	read_tables(pf);
	read_extra(pf);
	read_marker(pf, &m);
	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		adopt_vf(pf, i, &m);
		if (pfdrv_rd(pf, nic_VMOLR(i)) & VMOLR_ROMPE)
			with_lists |= BIT32(i);
	}
	pfdrv_mta_adopt(&pf->mta, with_lists);
	r = judge(pf);
	if (r < 0)
		return r;

	repair(pf);
	r = pcif_irq_set(pf->f, PCIF_IRQ_MSIX, 0, 1, &pf->irq_fd);
	if (r < 0)
		return r;
	pfdrv_irq_arm(pf);
	pfdrv_link_check(pf, false);
	return pf->error;
}

int pfdrv_adopt(struct pcif *f, int irq_fd, const struct pfdrv_events *events,
		struct pfdrv **ret_pf)
{
	_cleanup_(pfdrv_closep) struct pfdrv *pf = NULL;
	int r;

	r = pfdrv_new(f, irq_fd, events, &pf);
	if (r < 0)
		return r;
	r = take_over(pf);
	if (r < 0)
		return r;

	pf->owns_f = true;
	*ret_pf = TAKE_PTR(pf);
	return 0;
}

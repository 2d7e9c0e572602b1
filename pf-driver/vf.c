/* SPDX-License-Identifier: BSD-3-Clause */
/* One VF as the administrator sees it: attributes all or nothing, reading back, scrubbing. */
#include <string.h>
#include "pfdrv_impl.h"

static const char *const link_names[] = {
	[PFDRV_LINK_AUTO] = "auto",
	[PFDRV_LINK_ENABLE] = "enable",
	[PFDRV_LINK_DISABLE] = "disable",
};

const char *pfdrv_link_state_name(enum pfdrv_link_state s)
{
	return (unsigned int)s < ARRAY_SIZE(link_names) ? link_names[s] : "?";
}

int pfdrv_link_state_parse(const char *name, enum pfdrv_link_state *ret_state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(link_names); i++) {
		if (strcmp(name, link_names[i]))
			continue;
		*ret_state = (enum pfdrv_link_state)i;
		return 0;
	}
	return -EINVAL;
}

/* The administrator's baseline and a VF without a driver; counters stay. */
void pfdrv_vf_defaults(struct pfdrv_vf *v)
{
	v->attr = (struct pfdrv_vf_attr){.spoofchk = true};
	v->cts = false;
	v->ping_owed = false;
	v->nacked = false;
}

/*
 * What a VF's driver asked for is forgotten, what the administrator set stays: the state after
 * every reset of a VF. The pool is off until the VF asks to be reset by message.
 */
void pfdrv_vf_wipe(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];
	struct vlan_table vlan = pf->vlan;

	v->cts = false;
	v->strip_vlan = false;
	v->rss = false;
	v->promisc_multi = false;
	v->promisc_unicast = false;
	v->max_frame_bytes = PFDRV_FRAME_DEFAULT;
	if (v->attr.mac_set)
		memcpy(v->mac, v->attr.mac, 6);
	else
		memset(v->mac, 0, 6);

	pfdrv_enable_sync(pf, vf);
	pfdrv_mta_set(&pf->mta, vf, NULL, 0);
	pfdrv_mta_sync(pf);
	pfdrv_vlan_leave_all(&vlan, vf);
	/* a VF's own slot became free or VLAN 0 has its own: cannot fail but for a full table */
	(void)pfdrv_vlan_join(&vlan, vf, v->attr.vlan, 0);
	pfdrv_vlan_sync(pf, &vlan);
	pfdrv_vmvir_sync(pf, vf);
	pfdrv_vmolr_sync(pf, vf);
	pfdrv_mac_sync(pf, vf);
	pfdrv_extra_drop(pf, vf);
	pfdrv_promisc_sync(pf);
}

static int refuse(const char **ret_why, int error, const char *why)
{
	if (ret_why)
		*ret_why = why;
	return error;
}

static int attr_check(const struct pfdrv *pf, unsigned int vf, unsigned int fields,
		      const struct pfdrv_vf_attr *a, const char **ret_why)
{
	if (fields & ~PFDRV_SET_ALL)
		return refuse(ret_why, -EINVAL, "unknown attribute");
	if (fields & PFDRV_SET_MAC && a->mac_set) {
		if (!nic_mac_valid(a->mac))
			return refuse(ret_why, -EINVAL, "mac is not a unicast address");
		if (pfdrv_mac_taken(pf, vf, a->mac))
			return refuse(ret_why, -EADDRINUSE, "mac belongs to the PF or another VF");
	}
	if (fields & PFDRV_SET_VLAN) {
		if (a->vlan > 4094)
			return refuse(ret_why, -EINVAL, "vlan is above 4094");
		if (a->vlan_qos > 7)
			return refuse(ret_why, -EINVAL, "vlan_qos is above 7");
		if (a->vlan == 0 && a->vlan_qos != 0)
			return refuse(ret_why, -EINVAL, "vlan_qos needs a vlan");
	}
	if (fields & PFDRV_SET_LINK_STATE && (unsigned int)a->link_state > PFDRV_LINK_DISABLE)
		return refuse(ret_why, -EINVAL, "link_state is unknown");
	return 0;
}

static struct pfdrv_vf_attr attr_merge(const struct pfdrv_vf_attr *old, unsigned int fields,
				       const struct pfdrv_vf_attr *a)
{
	struct pfdrv_vf_attr m = *old;

	if (fields & PFDRV_SET_MAC) {
		m.mac_set = a->mac_set;
		memset(m.mac, 0, 6);
		if (a->mac_set)
			memcpy(m.mac, a->mac, 6);
	}
	if (fields & PFDRV_SET_VLAN) {
		m.vlan = a->vlan;
		m.vlan_qos = a->vlan_qos;
	}
	if (fields & PFDRV_SET_SPOOFCHK)
		m.spoofchk = a->spoofchk;
	if (fields & PFDRV_SET_TRUST)
		m.trust = a->trust;
	if (fields & PFDRV_SET_LINK_STATE)
		m.link_state = a->link_state;
	return m;
}

/* Trust that goes takes with it what only trust allowed. */
static void untrust(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];

	v->promisc_unicast = false;
	pfdrv_extra_drop(pf, vf);
	pfdrv_promisc_sync(pf);
	if (v->attr.mac_set)
		memcpy(v->mac, v->attr.mac, 6);
	pfdrv_mac_sync(pf, vf);
}

/*
 * Bring software state and device to @want. Order: what narrows first, what opens last. A changed
 * port VLAN forgets the VLANs the VF had joined. Only the VLAN table can refuse, before any write.
 */
static int attr_apply(struct pfdrv *pf, unsigned int vf, unsigned int fields,
		      const struct pfdrv_vf_attr *want)
{
	struct pfdrv_vf *v = &pf->vf[vf];
	struct pfdrv_vf_attr old = v->attr;
	struct vlan_table vlan = pf->vlan;
	int r;

	if (old.vlan != want->vlan) {
		pfdrv_vlan_leave_all(&vlan, vf);
		r = pfdrv_vlan_join(&vlan, vf, want->vlan, 0);
		if (r < 0)
			return r;
		v->strip_vlan = false;
	}

	v->attr = *want;
	if (fields & PFDRV_SET_MAC) {
		memcpy(v->mac, want->mac, 6);
		pfdrv_mac_sync(pf, vf);
	}
	if (old.trust && !want->trust)
		untrust(pf, vf);
	if (fields & PFDRV_SET_VLAN) {
		pfdrv_vmvir_sync(pf, vf);
		pfdrv_vlan_sync(pf, &vlan);
	}
	pfdrv_vmolr_sync(pf, vf);
	pfdrv_spoof_sync(pf);
	pfdrv_marker_sync(pf);
	if (fields & PFDRV_SET_LINK_STATE)
		pfdrv_enable_sync(pf, vf);
	if (old.link_state != want->link_state)
		pfdrv_mbx_ping(pf, vf);
	return pf->error;
}

/* Return: what the device shows otherwise than it should, or NULL. */
static const char *verify(struct pfdrv *pf, unsigned int vf)
{
	static const uint8_t none[6];
	const struct pfdrv_vf *v = &pf->vf[vf];
	bool want_mac = memcmp(v->mac, none, 6);
	uint32_t high;
	uint8_t mac[6];

	pfdrv_rar_read(pf, NIC_RAR_COUNT - 1 - vf, mac, &high);
	if (want_mac &&
	    (!(high & RAH_AV) || memcmp(mac, v->mac, 6) || field_get(RAH_POOL, high) != BIT32(vf)))
		return "receive address";
	if (!want_mac && high & RAH_AV)
		return "receive address";
	if (pfdrv_rd(pf, nic_VMVIR(vf)) != pfdrv_vmvir_want(pf, vf))
		return "port VLAN insertion";
	if (pfdrv_rd(pf, nic_VMOLR(vf)) != pfdrv_vmolr_want(pf, vf))
		return "pool filter";
	if (pfdrv_rd(pf, nic_DTXSWC(0)) != pfdrv_dtxswc_want(pf))
		return "anti-spoof";
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		if (pfdrv_rd(pf, nic_VLVF(i)) != pf->vlan.vlvf[i])
			return "VLAN filter";
	/* a pool that ought to be on may just have been switched off by the VF's own reset */
	if (!pfdrv_pool_on(pf, vf) &&
	    (pfdrv_rd(pf, nic_VFRE(0)) | pfdrv_rd(pf, nic_VFTE(0))) & BIT32(vf))
		return "pool enable";
	/* flushes posted writes: from here on the switch acts on what was verified */
	(void)pfdrv_rd(pf, nic_STATUS(0));
	return NULL;
}

int pfdrv_vf_set(struct pfdrv *pf, unsigned int vf, unsigned int fields,
		 const struct pfdrv_vf_attr *attr, const char **ret_why)
{
	struct pfdrv_vf_attr old, want;
	const char *differs;
	uint8_t old_mac[6];
	int r;

	if (pf->error)
		return refuse(ret_why, pf->error, "the PF is lost");
	if (vf >= pf->num_vfs)
		return refuse(ret_why, -ENOENT, "no such VF");
	r = attr_check(pf, vf, fields, attr, ret_why);
	if (r < 0)
		return r;

	old = pf->vf[vf].attr;
	memcpy(old_mac, pf->vf[vf].mac, 6);
	want = attr_merge(&old, fields, attr);
	r = attr_apply(pf, vf, fields, &want);
	if (r == -ENOSPC)
		return refuse(ret_why, r, "no VLAN filter slot is free");
	differs = verify(pf, vf);
	if (pf->error)
		return refuse(ret_why, pf->error, "the PF is lost");
	if (!differs)
		return 0;

	(void)attr_apply(pf, vf, fields, &old);
	memcpy(pf->vf[vf].mac, old_mac, 6);
	pfdrv_mac_sync(pf, vf);
	return refuse(ret_why, -EIO, differs);
}

int pfdrv_vf_get(struct pfdrv *pf, unsigned int vf, struct pfdrv_vf_info *ret_info)
{
	struct pfdrv_vf_info info = {0};
	const struct pfdrv_vf *v;
	uint32_t vmvir, high;
	uint8_t mac[6];

	if (pf->error)
		return pf->error;
	if (vf >= pf->num_vfs)
		return -ENOENT;

	v = &pf->vf[vf];
	info.attr = v->attr;
	pfdrv_rar_read(pf, NIC_RAR_COUNT - 1 - vf, mac, &high);
	if (high & RAH_AV && field_get(RAH_POOL, high) & BIT32(vf))
		memcpy(info.mac, mac, 6);
	vmvir = pfdrv_rd(pf, nic_VMVIR(vf));
	info.attr.vlan = 0;
	info.attr.vlan_qos = 0;
	if (field_get(VMVIR_VLANA, vmvir) == VMVIR_VLANA_ALWAYS) {
		info.attr.vlan = field_get(VMVIR_TAG, vmvir) & 0xfff;
		info.attr.vlan_qos = (uint8_t)(field_get(VMVIR_TAG, vmvir) >> 13);
	}
	info.attr.spoofchk = field_get(DTXSWC_MAC_SPOOF, pfdrv_rd(pf, nic_DTXSWC(0))) & BIT32(vf);
	info.max_frame_bytes = field_get(VMOLR_RLPML, pfdrv_rd(pf, nic_VMOLR(vf)));
	info.ready = v->cts;

	pfdrv_stats_update(pf, vf);
	info.rx_packets = v->sum[VF_RX_PACKETS];
	info.tx_packets = v->sum[VF_TX_PACKETS];
	info.rx_bytes = v->sum[VF_RX_BYTES];
	info.tx_bytes = v->sum[VF_TX_BYTES];
	info.rx_multicast = v->sum[VF_RX_MULTICAST];
	info.resets = v->resets;
	info.messages = v->messages;
	info.refused = v->refused;
	if (pf->error)
		return pf->error;
	*ret_info = info;
	return 0;
}

/* Queues p and p + 8; the VF's own reset did this already unless it was never reset. */
static const char *queues_off(struct pfdrv *pf, unsigned int vf)
{
	for (unsigned int q = vf; q < NIC_QUEUES; q += NIC_VFS_MAX) {
		uint32_t rx = pfdrv_rd(pf, nic_RXDCTL(q)), tx = pfdrv_rd(pf, nic_TXDCTL(q));

		if (rx & XDCTL_ENABLE)
			pfdrv_wr(pf, nic_RXDCTL(q), rx & ~XDCTL_ENABLE);
		if (tx & XDCTL_ENABLE)
			pfdrv_wr(pf, nic_TXDCTL(q), tx & ~XDCTL_ENABLE);
		if (rx & XDCTL_ENABLE && pfdrv_rd(pf, nic_RXDCTL(q)) & XDCTL_ENABLE)
			return "a receive queue does not stop";
		if (tx & XDCTL_ENABLE && pfdrv_rd(pf, nic_TXDCTL(q)) & XDCTL_ENABLE)
			return "a transmit queue does not stop";
	}
	return NULL;
}

/* The words of the last tenant's last message are the next tenant's first read. */
static void mailbox_wipe(struct pfdrv *pf, unsigned int vf)
{
	pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_RVFU);
	for (unsigned int i = 0; i < NIC_MBX_WORDS; i++)
		pfdrv_wr(pf, nic_VMBMEM(vf * NIC_MBX_WORDS + i), 0);
	pfdrv_wr(pf, nic_MBVFICR(0),
		 field_prep(MBVFICR_REQ, BIT32(vf)) | field_prep(MBVFICR_ACK, BIT32(vf)));
	pfdrv_wr(pf, nic_VFLRE(0), BIT32(vf));
	pf->unfinished &= ~BIT32(vf);
}

int pfdrv_vf_baseline(struct pfdrv *pf, unsigned int vf, const char **ret_reason)
{
	struct pfdrv_vf *v;
	const char *reason;

	if (pf->error)
		return pf->error;
	if (vf >= pf->num_vfs)
		return -ENOENT;

	v = &pf->vf[vf];
	pfdrv_vf_defaults(v);
	pfdrv_vf_wipe(pf, vf);
	pfdrv_spoof_sync(pf);
	reason = queues_off(pf, vf);
	mailbox_wipe(pf, vf);
	pfdrv_marker_sync(pf);
	pfdrv_stats_rebase(pf, vf);
	v->resets = v->messages = v->refused = 0;

	if (!reason)
		reason = verify(pf, vf);
	if (!reason && pfdrv_vlan_count(&pf->vlan, vf) > 0)
		reason = "VLAN filter";
	for (unsigned int i = 0; i < NIC_MBX_WORDS && !reason; i++)
		if (pfdrv_rd(pf, nic_VMBMEM(vf * NIC_MBX_WORDS + i)) != 0)
			reason = "mailbox memory";
	if (pf->error)
		return pf->error;
	*ret_reason = reason;
	return 0;
}

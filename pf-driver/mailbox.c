/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mailbox server. Everything in it was written by a VF, that is by a guest: the words are
 * copied once, decoded by abi/, and acted upon for that VF alone. A VF that breaks the protocol
 * loses its own messages and nothing else; nothing here waits for one.
 */
#include <lib/clock.h>
#include <string.h>
#include "pfdrv_impl.h"

#define PFU_TRIES 3u

static const char *message_name(uint32_t word0)
{
	switch (field_get(NIC_MBX_ID, word0)) {
	case NIC_MBX_VF_RESET:
		return "reset";
	case NIC_MBX_SET_MAC:
		return "set_mac";
	case NIC_MBX_SET_MULTICAST:
		return "set_multicast";
	case NIC_MBX_SET_VLAN:
		return "set_vlan";
	case NIC_MBX_SET_LPE:
		return "set_lpe";
	case NIC_MBX_SET_PROMISC:
		return "set_promisc";
	default:
		return "unknown";
	}
}

static uint32_t mbmem(unsigned int vf, unsigned int word)
{
	return nic_VMBMEM(vf * NIC_MBX_WORDS + word);
}

/*
 * Granted unless the VF holds its half, which it gives up by ringing; one that does not is ignored.
 */
static bool take(struct pfdrv *pf, unsigned int vf)
{
	for (unsigned int i = 0; i < PFU_TRIES && !pf->error; i++) {
		pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_PFU);
		if (pfdrv_rd(pf, nic_P2VMAILBOX(vf)) & P2V_PFU)
			return !pf->error;
	}
	return false;
}

static void release(struct pfdrv *pf, unsigned int vf)
{
	pfdrv_wr(pf, nic_P2VMAILBOX(vf), 0);
}

/* Word 0 last: a process killed here leaves either the request or a whole answer. */
static void send(struct pfdrv *pf, unsigned int vf, const uint32_t *words, unsigned int n)
{
	for (unsigned int i = n; i-- > 0;)
		pfdrv_wr(pf, mbmem(vf, i), words[i]);
	pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_STS);
}

static void tell_refused(struct pfdrv *pf, unsigned int vf, uint32_t word0)
{
	pf->vf[vf].refused++;
	if (pf->events.vf_refused)
		pf->events.vf_refused(pf->events.userdata, vf, message_name(word0));
}

/* A VF that did no reset exchange learns so, but cannot make us say it more than every 2 s. */
static bool nack_due(struct pfdrv_vf *v)
{
	uint64_t now = clock_us();

	if (v->nacked && now - v->last_nack_us < NACK_INTERVAL_US)
		return false;
	v->nacked = true;
	v->last_nack_us = now;
	return true;
}

static bool on_set_mac(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	struct pfdrv_vf *v = &pf->vf[vf];

	if (m->mac.mode == NIC_MBX_MAC_FILTER_CLR) {
		pfdrv_extra_drop(pf, vf);
		return true;
	}
	if (!nic_mac_valid(m->mac.addr) || pfdrv_mac_taken(pf, vf, m->mac.addr))
		return false;
	if (m->mac.mode == NIC_MBX_MAC_FILTER_ADD)
		return v->attr.trust && pfdrv_extra_add(pf, vf, m->mac.addr) == 0;

	/* setting again what it was given is no change: drivers do so at every start */
	if (v->attr.mac_set && !v->attr.trust)
		return !memcmp(m->mac.addr, v->attr.mac, 6);
	memcpy(v->mac, m->mac.addr, 6);
	pfdrv_mac_sync(pf, vf);
	return true;
}

static bool on_set_multicast(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	pfdrv_mta_set(&pf->mta, vf, m->multicast.hash, m->multicast.n);
	pfdrv_mta_sync(pf);
	pfdrv_vmolr_sync(pf, vf);
	return true;
}

/*
 * 31 slots serve all VFs: one VF gets a handful, and one free slot for each VF without a port VLAN
 * is left to the administrator, whatever guests do.
 */
static bool on_set_vlan(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	struct pfdrv_vf *v = &pf->vf[vf];
	struct vlan_table vlan = pf->vlan;
	unsigned int reserve = 0;
	uint16_t vid = m->vlan.vid;

	if (v->attr.vlan != 0 || vid == 4095)
		return false;
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		reserve += pf->vf[i].attr.vlan == 0;

	if (!m->vlan.add) {
		if (vid != 0)
			pfdrv_vlan_leave(&vlan, vf, vid);
	} else if (!pfdrv_vlan_member(&vlan, vf, vid)) {
		if (pfdrv_vlan_count(&vlan, vf) >= PFDRV_VF_VLANS_MAX)
			return false;
		if (pfdrv_vlan_join(&vlan, vf, vid, reserve) < 0)
			return false;
	}
	pfdrv_vlan_sync(pf, &vlan);
	v->strip_vlan = vid != 0;
	pfdrv_vmolr_sync(pf, vf);
	return true;
}

static bool on_set_lpe(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	uint32_t bytes = m->lpe.max_frame_bytes;

	if (bytes < 64)
		return false;
	if (bytes > PFDRV_FRAME_MAX)
		bytes = PFDRV_FRAME_MAX;
	pf->vf[vf].max_frame_bytes = (uint16_t)bytes;
	pfdrv_vmolr_sync(pf, vf);
	return true;
}

static bool on_set_promisc(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	struct pfdrv_vf *v = &pf->vf[vf];

	if (m->promisc.flags & ~(NIC_MBX_PROMISC_MULTI | NIC_MBX_PROMISC_UNICAST))
		return false;
	if (m->promisc.flags & NIC_MBX_PROMISC_UNICAST && !v->attr.trust)
		return false;
	v->promisc_multi = m->promisc.flags & NIC_MBX_PROMISC_MULTI;
	v->promisc_unicast = m->promisc.flags & NIC_MBX_PROMISC_UNICAST;
	pfdrv_promisc_sync(pf);
	pfdrv_vmolr_sync(pf, vf);
	return true;
}

static bool on_set_rx_queues(struct pfdrv *pf, unsigned int vf, const struct nic_mbx_msg *m)
{
	pf->vf[vf].rss = m->rx_queues.n > 1;
	pfdrv_rss_sync(pf);
	pfdrv_vmolr_sync(pf, vf);
	return true;
}

static bool handle(struct pfdrv *pf, unsigned int vf, const uint32_t words[NIC_MBX_WORDS])
{
	struct nic_mbx_msg m;

	if (nic_mbx_decode(words, &m) < 0)
		return false;
	switch (m.id) {
	case NIC_MBX_SET_MAC:
		return on_set_mac(pf, vf, &m);
	case NIC_MBX_SET_MULTICAST:
		return on_set_multicast(pf, vf, &m);
	case NIC_MBX_SET_VLAN:
		return on_set_vlan(pf, vf, &m);
	case NIC_MBX_SET_LPE:
		return on_set_lpe(pf, vf, &m);
	case NIC_MBX_SET_PROMISC:
		return on_set_promisc(pf, vf, &m);
	case NIC_MBX_SET_RX_QUEUES:
		return on_set_rx_queues(pf, vf, &m);
	case NIC_MBX_VF_RESET: /* only without info bits, see answer() */
	case NIC_MBX_PF_CONTROL:
	default:
		return false;
	}
}

static void on_reset(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];
	uint32_t words[3];

	pfdrv_vf_wipe(pf, vf);
	v->cts = true;
	v->nacked = false;
	v->resets++;
	pfdrv_enable_sync(pf, vf);
	pfdrv_marker_sync(pf);
	nic_mbx_reset_reply(nic_mac_valid(v->mac) ? v->mac : NULL, words);
	send(pf, vf, words, 3);
	if (pf->events.vf_reset)
		pf->events.vf_reset(pf->events.userdata, vf);
}

/* PFU is ours. Answers, or gives the buffer back. */
static void answer(struct pfdrv *pf, unsigned int vf, const uint32_t words[NIC_MBX_WORDS])
{
	struct pfdrv_vf *v = &pf->vf[vf];
	uint32_t reply;
	bool ok;

	if (words[0] & (NIC_MBX_ACK | NIC_MBX_NACK)) {
		release(pf, vf);
		return;
	}
	if (words[0] == NIC_MBX_VF_RESET) {
		on_reset(pf, vf);
		return;
	}
	if (!v->cts) {
		tell_refused(pf, vf, words[0]);
		reply = NIC_MBX_NACK;
		if (nack_due(v))
			send(pf, vf, &reply, 1);
		else
			release(pf, vf);
		return;
	}

	ok = handle(pf, vf, words);
	reply = nic_mbx_reply(words[0], ok);
	if (v->attr.link_state == PFDRV_LINK_DISABLE)
		reply &= ~NIC_MBX_CTS; /* word 0 is what the VF's link check reads */
	send(pf, vf, &reply, 1);
	if (!ok)
		tell_refused(pf, vf, words[0]);
}

static void fetch(struct pfdrv *pf, unsigned int vf, uint32_t ret_words[NIC_MBX_WORDS])
{
	unsigned int n = 1;

	memset(ret_words, 0, NIC_MBX_WORDS * sizeof(*ret_words));
	ret_words[0] = pfdrv_rd(pf, mbmem(vf, 0));
	switch (field_get(NIC_MBX_ID, ret_words[0])) {
	case NIC_MBX_SET_MAC:
		n = 3;
		break;
	case NIC_MBX_SET_VLAN:
	case NIC_MBX_SET_LPE:
		n = 2;
		break;
	case NIC_MBX_SET_MULTICAST:
		n = 1 + ((field_get(NIC_MBX_INFO, ret_words[0]) & 0x7f) + 1) / 2;
		break;
	default:
		break;
	}
	for (unsigned int i = 1; i < n && i < NIC_MBX_WORDS; i++)
		ret_words[i] = pfdrv_rd(pf, mbmem(vf, i));
}

void pfdrv_mbx_request(struct pfdrv *pf, unsigned int vf)
{
	struct pfdrv_vf *v = &pf->vf[vf];
	uint32_t words[NIC_MBX_WORDS];
	bool taken;

	/* owned before its cause is gone: a successor finds at least one of the two */
	v->messages++;
	taken = take(pf, vf);
	pfdrv_wr(pf, nic_MBVFICR(0), field_prep(MBVFICR_REQ, BIT32(vf)));
	if (!taken) {
		v->refused++;
		return;
	}
	fetch(pf, vf, words);
	if (pf->error)
		return;
	pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_PFU | P2V_ACK);
	answer(pf, vf, words);
}

void pfdrv_mbx_resume(struct pfdrv *pf, unsigned int vf)
{
	uint32_t words[NIC_MBX_WORDS];

	if (!take(pf, vf))
		return;
	fetch(pf, vf, words);
	if (pf->error)
		return;
	/* an answer whose bell was not rung yet, or a request begun: every request may run twice */
	if (words[0] & (NIC_MBX_ACK | NIC_MBX_NACK) ||
	    field_get(NIC_MBX_ID, words[0]) == NIC_MBX_PF_CONTROL) {
		pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_STS);
		return;
	}
	pfdrv_wr(pf, nic_MBVFICR(0), field_prep(MBVFICR_REQ, BIT32(vf)));
	pfdrv_wr(pf, nic_P2VMAILBOX(vf), P2V_PFU | P2V_ACK);
	answer(pf, vf, words);
}

void pfdrv_mbx_vflr(struct pfdrv *pf, unsigned int vf)
{
	pfdrv_wr(pf, nic_VFLRE(0), BIT32(vf));
	pfdrv_vf_wipe(pf, vf);
	pfdrv_marker_sync(pf);
	pf->unfinished &= ~BIT32(vf);
}

void pfdrv_mbx_ack(struct pfdrv *pf, unsigned int vf)
{
	static const uint32_t nack = NIC_MBX_NACK;

	pfdrv_wr(pf, nic_MBVFICR(0), field_prep(MBVFICR_ACK, BIT32(vf)));
	if (pf->vf[vf].cts || !nack_due(&pf->vf[vf]))
		return;
	if (!take(pf, vf))
		return;
	if (field_get(MBVFICR_REQ, pfdrv_rd(pf, nic_MBVFICR(0))) & BIT32(vf))
		release(pf, vf); /* it asks something meanwhile, and gets an answer to that */
	else
		send(pf, vf, &nack, 1);
}

/* A message that waits in the buffer goes first: a ping would overwrite it. */
void pfdrv_mbx_ping(struct pfdrv *pf, unsigned int vf)
{
	uint32_t word = NIC_MBX_PF_CONTROL;

	pf->vf[vf].ping_owed = true;
	if (!take(pf, vf))
		return;
	if (field_get(MBVFICR_REQ, pfdrv_rd(pf, nic_MBVFICR(0))) & BIT32(vf)) {
		release(pf, vf);
		return;
	}
	if (pfdrv_pool_on(pf, vf))
		word |= NIC_MBX_CTS;
	send(pf, vf, &word, 1);
	pf->vf[vf].ping_owed = false;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VF's side of the mailbox. Reading V2PMAILBOX clears three of its bits, so every read is kept
 * in v->v2p until somebody waited for the bit. Writing it sets all ownership bits at once: "REQ"
 * alone both rings and gives the buffer back.
 */
#include <vfdrv/queue.h>
#include "vfdrv_priv.h"

/* the PF driver may be scheduled out in the middle of a message, so more than igbvf's 11 ms */
#define OWN_TIMEOUT_US	 UINT64_C(250000)
#define REPLY_TIMEOUT_US UINT64_C(1000000)
#define POLL_MIN_US	 2u
#define POLL_MAX_US	 256u
#define STRAY_MAX	 8u /* PF pings between a request and its reply */

/* One read of the register: remembers the read-to-clear bits. */
static int v2p_read(struct vfdrv *v, uint32_t *ret_bits)
{
	uint32_t bits = vfdrv_read32(v, nicvf_V2PMAILBOX(0));

	if (bits == VFDRV_GONE)
		return -ENODEV;
	v->v2p |= bits & V2P_R2C;
	*ret_bits = bits;
	return 0;
}

static int v2p_wait(struct vfdrv *v, uint32_t want, uint64_t timeout_us)
{
	uint64_t deadline = v->env.now_us(v->env.ctx) + timeout_us;
	uint32_t pause_us = POLL_MIN_US;

	for (;;) {
		uint32_t bits;
		int r = v2p_read(v, &bits);

		if (r < 0)
			return r;
		if (v->v2p & want) {
			v->v2p &= ~want;
			return 0;
		}
		if (v->env.now_us(v->env.ctx) >= deadline)
			return -ETIMEDOUT;
		v->env.delay_us(v->env.ctx, pause_us);
		if (pause_us < POLL_MAX_US)
			pause_us *= 2;
	}
}

/* Own the buffer: granted only while the PF does not. */
static int mbx_own(struct vfdrv *v)
{
	uint64_t deadline = v->env.now_us(v->env.ctx) + OWN_TIMEOUT_US;

	for (;;) {
		uint32_t bits;
		int r;

		vfdrv_write32(v, nicvf_V2PMAILBOX(0), V2P_VFU);
		r = v2p_read(v, &bits);
		if (r < 0)
			return r;
		if (bits & V2P_VFU)
			return 0;
		if (v->env.now_us(v->env.ctx) >= deadline)
			return -ETIMEDOUT;
		v->env.delay_us(v->env.ctx, 100);
	}
}

static int mbx_send(struct vfdrv *v, const uint32_t *words, unsigned int n)
{
	int r = mbx_own(v);

	if (r < 0)
		return r;

	/* what the PF said before concerns no reply of ours */
	v->v2p &= ~(V2P_PFSTS | V2P_PFACK);
	for (unsigned int i = 0; i < n; i++)
		vfdrv_write32(v, nicvf_VFMBMEM(i), words[i]);
	vfdrv_write32(v, nicvf_V2PMAILBOX(0), V2P_REQ);
	return v2p_wait(v, V2P_PFACK, REPLY_TIMEOUT_US);
}

static int mbx_receive(struct vfdrv *v, uint32_t *words, unsigned int n)
{
	int r = v2p_wait(v, V2P_PFSTS, REPLY_TIMEOUT_US);

	if (r < 0)
		return r;
	r = mbx_own(v);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < n; i++)
		words[i] = vfdrv_read32(v, nicvf_VFMBMEM(i));
	vfdrv_write32(v, nicvf_V2PMAILBOX(0), V2P_ACK);
	return 0;
}

int vfdrv_mbx_exchange(struct vfdrv *v, const struct nic_mbx_msg *msg)
{
	uint32_t words[NIC_MBX_WORDS], reply;
	int n = nic_mbx_encode(msg, words), r;

	if (n < 0)
		return n;
	r = mbx_send(v, words, (unsigned int)n);
	if (r < 0)
		return r;

	for (unsigned int stray = 0; stray < STRAY_MAX; stray++) {
		r = mbx_receive(v, &reply, 1);
		if (r < 0)
			return r;
		if (reply == VFDRV_GONE)
			return -ENODEV;
		/* a reply repeats id and info; anything else is a ping that came between */
		if ((reply & ~NIC_MBX_CTS) == (words[0] | NIC_MBX_ACK))
			return 0;
		if ((reply & (NIC_MBX_NACK | NIC_MBX_CTS)) == NIC_MBX_NACK)
			return -ECONNRESET;
		if ((reply & ~NIC_MBX_CTS) == (words[0] | NIC_MBX_NACK))
			return -EPERM;
	}
	return -EBADMSG;
}

int vfdrv_mbx_reset(struct vfdrv *v)
{
	uint32_t words[3] = {NIC_MBX_VF_RESET};
	int r = mbx_send(v, words, 1);

	if (r < 0)
		return r;

	/*
	 * igbvf sleeps 10 ms here; waiting for PFSTS says the same without the wait. The reply has
	 * to be exact: no CTS, no other bit.
	 */
	r = mbx_receive(v, words, 3);
	if (r < 0)
		return r;
	r = nic_mbx_reset_reply_decode(words, v->mac);
	if (r == -ENOENT) {
		v->has_mac = false;
		return 0;
	}
	if (r < 0)
		return r;
	v->has_mac = true;
	return 0;
}

int vfdrv_set_mac(struct vfdrv *v, const uint8_t mac[6])
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MAC, .mac.mode = NIC_MBX_MAC_PRIMARY};
	int r;

	if (!nic_mac_valid(mac))
		return -ERANGE;
	for (unsigned int i = 0; i < 6; i++)
		m.mac.addr[i] = mac[i];
	r = vfdrv_mbx_exchange(v, &m);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < 6; i++)
		v->mac[i] = mac[i];
	return 0;
}

int vfdrv_set_multicast(struct vfdrv *v, const uint8_t (*groups)[6], unsigned int n)
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MULTICAST};

	if (n > NIC_MBX_MC_MAX)
		return -ERANGE;
	m.multicast.n = n;
	for (unsigned int i = 0; i < n; i++)
		m.multicast.hash[i] = nic_mta_hash(groups[i]);
	return vfdrv_mbx_exchange(v, &m);
}

int vfdrv_set_vlan(struct vfdrv *v, uint16_t vid, bool join)
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_VLAN, .vlan = {.vid = vid, .add = join}};

	return vfdrv_mbx_exchange(v, &m);
}

int vfdrv_set_max_frame(struct vfdrv *v, uint32_t bytes)
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_LPE, .lpe.max_frame_bytes = bytes};

	return vfdrv_mbx_exchange(v, &m);
}

int vfdrv_set_promisc(struct vfdrv *v, uint8_t flags)
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_PROMISC, .promisc.flags = flags};

	return vfdrv_mbx_exchange(v, &m);
}

int vfdrv_set_rx_queues(struct vfdrv *v, unsigned int n)
{
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_RX_QUEUES, .rx_queues.n = (uint8_t)n};

	return vfdrv_mbx_exchange(v, &m);
}

int vfdrv_link(struct vfdrv *v, bool *ret_up)
{
	uint32_t bits, status, word0;
	int r = v2p_read(v, &bits);

	if (r < 0)
		return r;
	if (bits & V2P_RSTI || v->v2p & V2P_RSTD)
		return -ECONNRESET;

	status = vfdrv_read32(v, nicvf_VTSTATUS(0));
	if (status == VFDRV_GONE)
		return -ENODEV;
	if (!(status & STATUS_LU)) {
		*ret_up = false;
		return 0;
	}

	/* word 0 of the last message says whether the PF still talks to us */
	r = mbx_own(v);
	if (r < 0)
		return r;
	word0 = vfdrv_read32(v, nicvf_VFMBMEM(0));
	vfdrv_write32(v, nicvf_V2PMAILBOX(0), V2P_ACK);
	v->v2p &= ~V2P_PFSTS;
	if (word0 == VFDRV_GONE)
		return -ENODEV;
	if (!(word0 & NIC_MBX_CTS) && word0 & NIC_MBX_NACK)
		return -ECONNRESET;
	*ret_up = word0 & NIC_MBX_CTS;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailbox codecs: pure, no I/O, no libc, so that the guest uses them too. */
#include <abi/nic_mbx.h>
#include <abi/errno.h>
#include <abi/nic_pci.h>

static void mac_from_words(const uint32_t *w, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(w[i / 4] >> (8 * (i % 4)));
}

static void mac_to_words(const uint8_t mac[6], uint32_t *w)
{
	w[0] = 0;
	w[1] = 0;
	for (unsigned int i = 0; i < 6; i++)
		w[i / 4] |= (uint32_t)mac[i] << (8 * (i % 4));
}

int nic_mbx_decode(const uint32_t words[NIC_MBX_WORDS], struct nic_mbx_msg *ret)
{
	uint32_t info = field_get(NIC_MBX_INFO, words[0]);
	struct nic_mbx_msg m = {.id = (enum nic_mbx_id)field_get(NIC_MBX_ID, words[0])};

	if (words[0] & (NIC_MBX_ACK | NIC_MBX_NACK))
		return -EBADMSG;

	switch (m.id) {
	case NIC_MBX_VF_RESET:
		break;
	case NIC_MBX_SET_MAC:
		if (info > NIC_MBX_MAC_FILTER_ADD)
			return -ERANGE;
		m.mac.mode = (uint8_t)info;
		mac_from_words(&words[1], m.mac.addr);
		break;
	case NIC_MBX_SET_MULTICAST:
		/* DPDK sets bit 7 of the count when its list did not fit */
		m.multicast.n = info & 0x7f;
		if (m.multicast.n > NIC_MBX_MC_MAX)
			m.multicast.n = NIC_MBX_MC_MAX;
		for (unsigned int i = 0; i < m.multicast.n; i++)
			m.multicast.hash[i] = (words[1 + i / 2] >> (16 * (i % 2))) & 0xfff;
		break;
	case NIC_MBX_SET_VLAN:
		if (words[1] > 4095)
			return -ERANGE;
		m.vlan.vid = (uint16_t)words[1];
		m.vlan.add = info & 1;
		break;
	case NIC_MBX_SET_LPE:
		m.lpe.max_frame_bytes = words[1];
		break;
	case NIC_MBX_SET_PROMISC:
		m.promisc.flags = (uint8_t)info;
		break;
	case NIC_MBX_SET_RX_QUEUES:
		if (info < 1 || info > NIC_POOL_QUEUES)
			return -ERANGE;
		m.rx_queues.n = (uint8_t)info;
		break;
	case NIC_MBX_PF_CONTROL:
	default:
		return -EBADMSG;
	}

	*ret = m;
	return 0;
}

int nic_mbx_encode(const struct nic_mbx_msg *msg, uint32_t words[NIC_MBX_WORDS])
{
	uint32_t info = 0;
	int n = 1;

	for (unsigned int i = 0; i < NIC_MBX_WORDS; i++)
		words[i] = 0;

	switch (msg->id) {
	case NIC_MBX_VF_RESET:
		break;
	case NIC_MBX_SET_MAC:
		if (msg->mac.mode > NIC_MBX_MAC_FILTER_ADD)
			return -ERANGE;
		info = msg->mac.mode;
		mac_to_words(msg->mac.addr, &words[1]);
		n = 3;
		break;
	case NIC_MBX_SET_MULTICAST:
		if (msg->multicast.n > NIC_MBX_MC_MAX)
			return -ERANGE;
		info = msg->multicast.n;
		for (unsigned int i = 0; i < msg->multicast.n; i++)
			words[1 + i / 2] |= (uint32_t)msg->multicast.hash[i] << (16 * (i % 2));
		n = NIC_MBX_WORDS;
		break;
	case NIC_MBX_SET_VLAN:
		if (msg->vlan.vid > 4095)
			return -ERANGE;
		info = msg->vlan.add;
		words[1] = msg->vlan.vid;
		n = 2;
		break;
	case NIC_MBX_SET_LPE:
		words[1] = msg->lpe.max_frame_bytes;
		n = 2;
		break;
	case NIC_MBX_SET_PROMISC:
		info = msg->promisc.flags;
		break;
	case NIC_MBX_SET_RX_QUEUES:
		if (msg->rx_queues.n < 1 || msg->rx_queues.n > NIC_POOL_QUEUES)
			return -ERANGE;
		info = msg->rx_queues.n;
		break;
	case NIC_MBX_PF_CONTROL:
	default:
		return -EINVAL;
	}

	words[0] = field_prep(NIC_MBX_ID, msg->id) | field_prep(NIC_MBX_INFO, info);
	return n;
}

uint32_t nic_mbx_reply(uint32_t word0, bool ack)
{
	return (word0 & (NIC_MBX_ID | NIC_MBX_INFO)) | (ack ? NIC_MBX_ACK : NIC_MBX_NACK) |
	       NIC_MBX_CTS;
}

void nic_mbx_reset_reply(const uint8_t mac[6], uint32_t words[3])
{
	words[0] = NIC_MBX_VF_RESET | (mac ? NIC_MBX_ACK : NIC_MBX_NACK);
	words[1] = 0;
	words[2] = 0;
	if (mac)
		mac_to_words(mac, &words[1]);
}

int nic_mbx_reset_reply_decode(const uint32_t words[3], uint8_t mac[6])
{
	uint8_t m[6];

	if (words[0] == (NIC_MBX_VF_RESET | NIC_MBX_NACK))
		return -ENOENT;
	if (words[0] != (NIC_MBX_VF_RESET | NIC_MBX_ACK))
		return -EBADMSG;

	mac_from_words(&words[1], m);
	if (!nic_mac_valid(m))
		return -EBADMSG;
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = m[i];
	return 0;
}

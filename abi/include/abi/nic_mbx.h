#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mailbox between a VF driver and the PF driver: 16 dwords shared by both sides, message formats
 * and pure codecs. A message from a VF is hostile: copy the 16 words once, then decode the copy.
 * Words that a message does not use hold leftovers and are never looked at.
 *
 * Source: docs/sources.md, [L] igb/igbvf and [D] DPDK e1000 agree on every format here.
 */
#include <abi/bits.h>

#define NIC_MBX_WORDS 16u

/* Word 0 of every message. */
#define NIC_MBX_ID   BITS(15, 0)
#define NIC_MBX_INFO BITS(23, 16)
#define NIC_MBX_CTS  BIT32(29) /* the VF may go on sending */
#define NIC_MBX_NACK BIT32(30)
#define NIC_MBX_ACK  BIT32(31)

enum nic_mbx_id {
	NIC_MBX_VF_RESET = 1,
	NIC_MBX_SET_MAC = 2,
	NIC_MBX_SET_MULTICAST = 3,
	NIC_MBX_SET_VLAN = 4,
	NIC_MBX_SET_LPE = 5,
	NIC_MBX_SET_PROMISC = 6,
	NIC_MBX_SET_RX_QUEUES = 0x40, /* ours: other PF drivers refuse it as unknown */
	NIC_MBX_PF_CONTROL = 0x100, /* PF to VF only: "ping" */
};

#define NIC_MBX_MAC_PRIMARY     0 /* info of SET_MAC: set the primary address */
#define NIC_MBX_MAC_FILTER_CLR  1
#define NIC_MBX_MAC_FILTER_ADD  2
#define NIC_MBX_PROMISC_MULTI   2 /* info bits of SET_PROMISC */
#define NIC_MBX_PROMISC_UNICAST 4
#define NIC_MBX_MC_MAX          30u /* hashes in one SET_MULTICAST */

struct nic_mbx_msg {
	enum nic_mbx_id id;
	union {
		struct {
			uint8_t mode; /* NIC_MBX_MAC_* */
			uint8_t addr[6];
		} mac;
		struct {
			unsigned int n; /* hashes, at most NIC_MBX_MC_MAX */
			uint16_t hash[NIC_MBX_MC_MAX]; /* 12 bit MTA index */
		} multicast;
		struct {
			uint16_t vid; /* 0..4095 */
			bool add;
		} vlan;
		struct {
			uint32_t max_frame_bytes; /* with CRC; not range checked here */
		} lpe;
		struct {
			uint8_t flags; /* NIC_MBX_PROMISC_* */
		} promisc;
		struct {
			uint8_t n; /* receive queues to spread frames over: 1 or 2 */
		} rx_queues;
	};
};

/**
 * nic_mbx_decode() - decode what a VF sent
 * @words: the 16 dwords, copied out of the shared memory once
 * @ret:   the message, written only on success
 *
 * Context: any; pure.
 * Return: 0; -EBADMSG unknown id, or a reply bit set in a request; -ERANGE a VID above 4095 or an
 *         unknown SET_MAC mode, 0 or more than 2 queues. A multicast count above 30 is clipped, as igb does.
 * Source: [L] igb_main.c handlers; docs/sources.md.
 */
int nic_mbx_decode(const uint32_t words[NIC_MBX_WORDS], struct nic_mbx_msg *ret);

/**
 * nic_mbx_encode() - lay a VF's request out in mailbox words
 * @msg:   the message
 * @words: filled; unused words are zeroed
 *
 * Context: any; pure.
 * Return: how many words the message has; -EINVAL for an id a VF does not send, -ERANGE for a
 *         field out of range.
 * Source: [L] igbvf/vf.c; docs/sources.md.
 */
int nic_mbx_encode(const struct nic_mbx_msg *msg, uint32_t words[NIC_MBX_WORDS]);

/**
 * nic_mbx_reply() - word 0 of the PF's answer to @word0: the id and info with ACK or NACK, and
 * CTS
 *
 * Context: any; pure. Return: the word. Source: docs/sources.md [L] igb_rcv_msg_from_vf.
 */
uint32_t nic_mbx_reply(uint32_t word0, bool ack);

/**
 * nic_mbx_reset_reply() - the three words that answer VF_RESET: exactly 0x80000001 and the
 * address, or 0x40000001 and zeros when @mac is NULL. No CTS: igbvf refuses a reset reply that
 * carries it
 *
 * Context: any; pure. Source: docs/sources.md [L] igb_vf_reset_msg.
 */
void nic_mbx_reset_reply(const uint8_t mac[6], uint32_t words[3]);

/**
 * nic_mbx_reset_reply_decode() - decode the PF's answer to VF_RESET
 *
 * Context: any; pure. Return: 0 and @mac; -ENOENT refused without an address; -EBADMSG neither.
 * Source: docs/sources.md [L] e1000_reset_hw_vf.
 */
int nic_mbx_reset_reply_decode(const uint32_t words[3], uint8_t mac[6]);

/** nic_mac_valid() - a unicast address that is not all zeros. */
static inline bool nic_mac_valid(const uint8_t mac[6])
{
	return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

/** nic_mta_hash() - the 12 bit multicast table index of an address, for RCTL.MO = 0. */
static inline uint16_t nic_mta_hash(const uint8_t mac[6])
{
	return (uint16_t)((((uint32_t)mac[5] << 8 | mac[4]) >> 4) & 0xfff);
}

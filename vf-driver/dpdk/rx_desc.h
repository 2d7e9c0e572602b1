#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What receive functions have in common: a written-back descriptor, and tags taken out afterwards.
 */
#include <abi/nic_desc.h>
#include <rte_ether.h>
#include "pmd.h"

#define RX_UDPCS BIT32(4)
#define RX_L4CS	 BIT32(5)
#define RX_IPCS	 BIT32(6)
#define RX_RSS	 BITS(3, 0) /* of info */
#define RX_VLAN	 (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)

static inline uint64_t pmd_rx_flags(uint32_t info, uint32_t status)
{
	uint64_t flags = 0;

	if (status & NIC_RXD_STAT_VP)
		flags |= RX_VLAN;
	if (info & RX_RSS)
		flags |= RTE_MBUF_F_RX_RSS_HASH;
	if (status & NIC_RXD_STAT_IXSM)
		return flags;
	if (status & RX_IPCS)
		flags |= status & NIC_RXD_ERR_IPE ? RTE_MBUF_F_RX_IP_CKSUM_BAD
						  : RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (status & (RX_L4CS | RX_UDPCS))
		flags |= status & NIC_RXD_ERR_L4E ? RTE_MBUF_F_RX_L4_CKSUM_BAD
						  : RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return flags;
}

/* A VF cannot ask its PF for stripping, so where an application wants it tags are taken out here.
 */
static inline void pmd_rx_untag(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (!(pkts[i]->ol_flags & RTE_MBUF_F_RX_VLAN) &&
		    pkts[i]->data_len >= sizeof(struct rte_ether_hdr) + sizeof(struct rte_vlan_hdr))
			rte_vlan_strip(pkts[i]);
}

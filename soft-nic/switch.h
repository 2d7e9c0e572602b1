#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The embedded switch: from destination, source and VLAN of a frame to the set of pools that get a
 * copy and whether it leaves by the wire. Pure; the tables are immutable once built.
 *
 * MAC addresses are 48 bit numbers, first byte lowest, as an 8 byte load of a frame gives them.
 */
#include <abi/bits.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include "rss.h"

#define SW_MAC_SLOTS 128u /* > 4 x NIC_RAR_COUNT: probes stay short */
#define SW_MAC_MASK  UINT64_C(0xffffffffffff)
#define SW_FROM_WIRE NIC_VFS_MAX /* source "pool" of frames from outside */
#define SW_UNTAGGED  0xffffu

struct sw_cfg {
	bool vt;       /* pools are in use */
	bool loopback; /* frames from pools may go to pools */
	bool phy_loop; /* what leaves comes back in (no VT) */
	bool replicate;
	bool ignore_mac;
	bool use_def_pool;
	bool vlan_filter;
	bool upe, mpe, bam; /* port-level filter */
	bool rx_on;	    /* RCTL.EN */
	uint8_t def_pool;
	uint8_t def_queue; /* without VT */
	uint8_t mta_shift;
	uint8_t vfre;
	uint8_t aupe, rompe, rope, pool_bam, mpme; /* pools by VMOLR bit */
	uint8_t rsse; /* pools whose frames are spread over both queues */
	uint8_t mac_spoof, vlan_spoof, lle;
	bool spoof_int;
	uint32_t rx_limit; /* port: longest untagged frame with CRC */
	uint32_t rx_limit_tagged;
	uint64_t mac[SW_MAC_SLOTS]; /* address | pools << 48; 0 is free */
	uint32_t mta[128], uta[128], vfta[128];
	uint8_t vlan[4096]; /* pools of a VID (VLVF) */
	struct rss_cfg rss;
};

struct sw_decision {
	uint8_t pools; /* with VT: pools; without: bit of the queue */
	bool wire;
	bool spoofed;
	bool multi; /* multicast, not broadcast */
	bool broadcast;
};

/**
 * sw_mac_add() - build time: @pools receive @mac (several entries of one address are joined)
 *
 * Context: control thread, while the table is built. Source: -.
 */
void sw_mac_add(struct sw_cfg *sw, uint64_t mac, uint8_t pools);

/**
 * sw_mac_pools() - pools of an exact match
 *
 * Context: any; pure. Return: the pools; -1 if the address is unknown. Source: docs/sources.md
 * [Q].
 */
int sw_mac_pools(const struct sw_cfg *sw, uint64_t mac);

/**
 * sw_decide() - where a frame goes
 * @from: pool of the sender, or SW_FROM_WIRE
 * @vid:  VLAN id, or SW_UNTAGGED
 *
 * Context: data thread, or any with tables of its own. Return: the decision.
 * Source: docs/sources.md [Q] [L]: pool selection and transmit switching of the 82576.
 */
struct sw_decision sw_decide(const struct sw_cfg *sw, uint64_t dst, uint64_t src, uint32_t vid,
			     unsigned int from);

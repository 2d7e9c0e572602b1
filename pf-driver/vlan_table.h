#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shadow of the switch's VLAN filter: 32 VLVF slots, each a VLAN and the pools in it, and the VFTA
 * bit map in front of them. Pure: changes are made here first and then written out by difference,
 * so that a refusal leaves the device alone. Slot 0 is VLAN 0's.
 */
#include <abi/nic_regs.h>
#include <lib/cleanup.h>

#define VFTA_COUNT 128u

struct vlan_table {
	uint32_t vlvf[VLVF_COUNT];
	uint32_t vfta[VFTA_COUNT];
};

/** pfdrv_vlan_sane() - slots as read from a device: no VLAN has two. */
bool pfdrv_vlan_sane(const struct vlan_table *t);

/** pfdrv_vlan_repair() - drop slots without pools, make the bit map what the slots say. */
void pfdrv_vlan_repair(struct vlan_table *t);

/** pfdrv_vlan_join() - -ENOSPC if a new slot is needed and no more than @reserve are free. */
int pfdrv_vlan_join(struct vlan_table *t, unsigned int pool, uint16_t vid, unsigned int reserve);
void pfdrv_vlan_leave(struct vlan_table *t, unsigned int pool, uint16_t vid);
void pfdrv_vlan_leave_all(struct vlan_table *t, unsigned int pool);

bool pfdrv_vlan_member(const struct vlan_table *t, unsigned int pool, uint16_t vid);

/** pfdrv_vlan_count() - VLANs of @pool, VLAN 0 not counted. */
unsigned int pfdrv_vlan_count(const struct vlan_table *t, unsigned int pool);

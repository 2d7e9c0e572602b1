/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "vlan_table.h"

static uint32_t pool_bit(unsigned int pool)
{
	assert(pool < 8);
	return field_prep(VLVF_POOLSEL, BIT32(pool));
}

static int find(const struct vlan_table *t, uint16_t vid)
{
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		if (t->vlvf[i] & VLVF_EN && field_get(VLVF_VID, t->vlvf[i]) == vid)
			return (int)i;
	return -ENOENT;
}

bool pfdrv_vlan_sane(const struct vlan_table *t)
{
	for (unsigned int i = 0; i < VLVF_COUNT; i++) {
		uint32_t vid = field_get(VLVF_VID, t->vlvf[i]);

		if (!(t->vlvf[i] & VLVF_EN))
			continue;
		if (find(t, (uint16_t)vid) != (int)i)
			return false;
	}
	return true;
}

void pfdrv_vlan_repair(struct vlan_table *t)
{
	memset(t->vfta, 0, sizeof(t->vfta));
	for (unsigned int i = 0; i < VLVF_COUNT; i++) {
		uint32_t vid = field_get(VLVF_VID, t->vlvf[i]);

		if (t->vlvf[i] & VLVF_EN && t->vlvf[i] & VLVF_POOLSEL)
			t->vfta[vid / 32] |= BIT32(vid % 32);
		else
			t->vlvf[i] = 0;
	}
}

/* VLAN 0 has slot 0; the others search from the top, as the Linux driver lays them out. */
static int allocate(const struct vlan_table *t, uint16_t vid, unsigned int reserve)
{
	unsigned int n_free = 0;
	int slot = -ENOSPC;

	if (vid == 0)
		return t->vlvf[0] & VLVF_EN ? -ENOSPC : 0;
	for (unsigned int i = VLVF_COUNT - 1; i > 0; i--) {
		if (t->vlvf[i] & VLVF_EN)
			continue;
		n_free++;
		if (slot < 0)
			slot = (int)i;
	}
	return n_free > reserve ? slot : -ENOSPC;
}

int pfdrv_vlan_join(struct vlan_table *t, unsigned int pool, uint16_t vid, unsigned int reserve)
{
	int slot = find(t, vid);

	assert(vid < 4096);
	if (slot < 0) {
		slot = allocate(t, vid, reserve);
		if (slot < 0)
			return slot;
		t->vlvf[slot] = VLVF_EN | field_prep(VLVF_VID, vid);
	}
	t->vlvf[slot] |= pool_bit(pool);
	t->vfta[vid / 32] |= BIT32(vid % 32);
	return 0;
}

static void leave_slot(struct vlan_table *t, unsigned int slot, unsigned int pool)
{
	uint32_t vid = field_get(VLVF_VID, t->vlvf[slot]);

	if (!(t->vlvf[slot] & pool_bit(pool)))
		return;
	t->vlvf[slot] &= ~pool_bit(pool);
	if (t->vlvf[slot] & VLVF_POOLSEL)
		return;
	t->vlvf[slot] = 0;
	t->vfta[vid / 32] &= ~BIT32(vid % 32);
}

void pfdrv_vlan_leave(struct vlan_table *t, unsigned int pool, uint16_t vid)
{
	int slot = find(t, vid);

	if (slot >= 0)
		leave_slot(t, (unsigned int)slot, pool);
}

void pfdrv_vlan_leave_all(struct vlan_table *t, unsigned int pool)
{
	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		if (t->vlvf[i] & VLVF_EN)
			leave_slot(t, i, pool);
}

bool pfdrv_vlan_member(const struct vlan_table *t, unsigned int pool, uint16_t vid)
{
	int slot = find(t, vid);

	return slot >= 0 && t->vlvf[slot] & pool_bit(pool);
}

unsigned int pfdrv_vlan_count(const struct vlan_table *t, unsigned int pool)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < VLVF_COUNT; i++)
		if (t->vlvf[i] & VLVF_EN && t->vlvf[i] & pool_bit(pool) &&
		    field_get(VLVF_VID, t->vlvf[i]) != 0)
			n++;
	return n;
}

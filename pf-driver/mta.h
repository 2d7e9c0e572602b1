#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The multicast hash table is one for all pools: the union of every VF's list. After an adoption
 * the lists are unknown, only their union is; it is kept until no VF it may stem from is left.
 * Pure.
 */
#include <abi/nic_mbx.h>

#define MTA_COUNT 128u

struct mta_list {
	unsigned int n;
	uint16_t hash[NIC_MBX_MC_MAX];
};

struct mta_union {
	struct mta_list list[8];
	uint32_t inherited[MTA_COUNT];
	uint32_t inherited_by;	 /* VFs whose lists are still only known as part of the above */
	uint32_t now[MTA_COUNT]; /* what the device has */
};

/** pfdrv_mta_adopt() - the table @now was filled in from a device; @vfs had lists. */
void pfdrv_mta_adopt(struct mta_union *u, uint32_t vfs);

/** pfdrv_mta_set() - @vf's list is known from now on: @n hashes, 0 after a reset. */
void pfdrv_mta_set(struct mta_union *u, unsigned int vf, const uint16_t *hash, unsigned int n);

/** pfdrv_mta_build() - the table that the device ought to have. */
void pfdrv_mta_build(const struct mta_union *u, uint32_t ret_table[MTA_COUNT]);

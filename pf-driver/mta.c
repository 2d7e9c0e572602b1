/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <string.h>
#include "mta.h"

void pfdrv_mta_adopt(struct mta_union *u, uint32_t vfs)
{
	memset(u->list, 0, sizeof(u->list));
	memcpy(u->inherited, u->now, sizeof(u->inherited));
	u->inherited_by = vfs;
}

void pfdrv_mta_set(struct mta_union *u, unsigned int vf, const uint16_t *hash, unsigned int n)
{
	assert(vf < 8 && n <= NIC_MBX_MC_MAX);
	u->list[vf].n = n;
	for (unsigned int i = 0; i < n; i++)
		u->list[vf].hash[i] = hash[i] & 0xfff;
	u->inherited_by &= ~BIT32(vf);
}

void pfdrv_mta_build(const struct mta_union *u, uint32_t ret_table[MTA_COUNT])
{
	if (u->inherited_by)
		memcpy(ret_table, u->inherited, sizeof(u->inherited));
	else
		memset(ret_table, 0, sizeof(u->inherited));
	for (unsigned int vf = 0; vf < 8; vf++)
		for (unsigned int i = 0; i < u->list[vf].n; i++)
			ret_table[u->list[vf].hash[i] / 32] |= BIT32(u->list[vf].hash[i] % 32);
}

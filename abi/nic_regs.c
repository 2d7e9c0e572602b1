/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/nic_regs.h>

#define ROW(rname, off, str, n, acc, rst, what, src)                                              \
	{                                                                                         \
		.name = #rname, .offset = (off), .stride = (str), .count = (n),                   \
		.access = NIC_##acc, .reset = (rst), .meaning = (what),                           \
	},

const struct nic_reg nic_pf_regs[] = {NIC_PF_REGS(ROW)};
const size_t nic_pf_regs_n = ARRAY_SIZE(nic_pf_regs);
const struct nic_reg nic_vf_regs[] = {NIC_VF_REGS(ROW)};
const size_t nic_vf_regs_n = ARRAY_SIZE(nic_vf_regs);

const struct nic_reg *nic_reg_at(const struct nic_reg *regs, size_t n, uint32_t offset,
				 uint32_t *ret_index)
{
	for (size_t i = 0; i < n; i++) {
		const struct nic_reg *r = &regs[i];
		uint32_t d, k = 0;

		if (offset < r->offset)
			continue;
		d = offset - r->offset;
		if (r->stride) {
			if (d % r->stride)
				continue;
			k = d / r->stride;
		} else if (d) {
			continue;
		}
		if (k >= r->count)
			continue;
		if (ret_index)
			*ret_index = k;
		return r;
	}
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Any 16 words from a VF: decoding is total, and what decodes encodes to something that decodes the
 * same. */
#include <stdlib.h>
#include <string.h>
#include <abi/nic_mbx.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t w[NIC_MBX_WORDS] = {0}, w2[NIC_MBX_WORDS];
	struct nic_mbx_msg a = {0}, b = {0};

	memcpy(w, data, size < sizeof(w) ? size : sizeof(w));
	if (nic_mbx_decode(w, &a) < 0)
		return 0;
	if (nic_mbx_encode(&a, w2) < 0 || nic_mbx_decode(w2, &b) < 0 || a.id != b.id)
		abort();
	return 0;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC32c as it is defined, bit by bit: what the tests hold against lib/crc32c. */
#include <stddef.h>
#include <stdint.h>

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

static inline uint32_t crc32c_bits(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < 8 * len; i++) {
		uint32_t bit = p[i / 8] >> i % 8 & 1u;

		crc = crc >> 1 ^ (((crc ^ bit) & 1) ? CRC32C_POLYNOMIAL : 0);
	}
	return ~crc;
}

/* The field of an SCTP packet, which is little endian; the sum is over the packet with zeros there.
 */
static inline uint32_t crc32c_sctp_field(const uint8_t *sctp)
{
	return (uint32_t)sctp[8] | (uint32_t)sctp[9] << 8 | (uint32_t)sctp[10] << 16 |
	       (uint32_t)sctp[11] << 24;
}

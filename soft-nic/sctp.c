/* SPDX-License-Identifier: BSD-3-Clause */
#include "sctp.h"

#include <lib/crc32c.h>

#define SCTP_HEADER 12u
#define SCTP_SUM    8u /* offset of the checksum */
#define IPV4_HEADER 20u
#define IPV4_LEN    2u
#define IPV6_HEADER 40u
#define IPV6_LEN    4u

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Bytes after the IP header that the packet itself speaks of; all there are if it makes no sense.
 */
static uint32_t packet_rest(const uint8_t *ip, uint32_t ip_len, uint32_t there, bool v4)
{
	uint32_t said = v4 ? get16(ip + IPV4_LEN) : IPV6_HEADER + get16(ip + IPV6_LEN);

	if (said < ip_len + SCTP_HEADER || said - ip_len > there)
		return there;
	return said - ip_len;
}

bool sctp_sum(uint8_t *frame, uint32_t len, uint32_t mac_len, uint32_t ip_len, bool v4)
{
	uint32_t at = mac_len + ip_len, crc;
	uint8_t *sum = frame + at + SCTP_SUM;

	if (ip_len < (v4 ? IPV4_HEADER : IPV6_HEADER) || at > len || len - at < SCTP_HEADER)
		return false;
	for (unsigned int i = 0; i < 4; i++)
		sum[i] = 0;
	crc = crc32c(0, frame + at, packet_rest(frame + mac_len, ip_len, len - at, v4));
	for (unsigned int i = 0; i < 4; i++) /* the one field that is little endian */
		sum[i] = (uint8_t)(crc >> 8 * i);
	return true;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC32c (Castagnoli), as SCTP and iSCSI have it; by the processor's instruction where it has one.
 */
#include <stddef.h>
#include <stdint.h>

/**
 * crc32c() - go on with a checksum
 * @crc: 0 at the start, then what the last call returned
 *
 * Context: any. Return: the checksum of everything so far. Source: RFC 9260, appendix A.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/**
 * crc32c_plain() - the same without the instruction, four bits at a time
 *
 * Context: any. Return: as crc32c(). Source: RFC 9260, appendix A.
 */
uint32_t crc32c_plain(uint32_t crc, const void *data, size_t len);

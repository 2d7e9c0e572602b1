#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checksum of SCTP, put into a frame that is to be sent. Pure; every offset is the guest's and
 * is checked here.
 */
#include <stdbool.h>
#include <stdint.h>

/**
 * sctp_sum() - fill the CRC32c of the packet in
 * @frame, @len: the whole frame
 * @mac_len, @ip_len: lengths of its headers, as the context has them
 * @v4:          what the context says the packet is
 *
 * What was in the field does not count. A frame longer than its IP packet has padding, which is
 * none of the packet.
 *
 * Context: any; pure. Return: true; false there is no SCTP header in the frame: nothing was done.
 * Source: docs/sources.md [Q] [D]: L4T of the transmit context; RFC 9260, section 6.8.
 */
bool sctp_sum(uint8_t *frame, uint32_t len, uint32_t mac_len, uint32_t ip_len, bool v4);

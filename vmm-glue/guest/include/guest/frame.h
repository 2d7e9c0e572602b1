#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP and ICMP echo, pure: frames come from anybody, so every field is checked against the length
 * that was received. Replies go to the asker and are built in place; nothing is learnt.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MIN_BYTES	 60u
#define FRAME_MAX_BYTES	 1514u
#define FRAME_ARP_BYTES	 42u
#define FRAME_ICMP_BYTES 42u /* Ethernet, IPv4 and ICMP headers */
#define FRAME_ECHO_DATA	 56u /* payload of our own echo requests, as ping(8) sends it */

struct frame_host {
	uint8_t mac[6];
	uint32_t ipv4; /* host order */
};

enum frame_kind {
	FRAME_OTHER,
	FRAME_ARP_REPLY,  /* to us: peer says who it is */
	FRAME_ECHO_REPLY, /* to us: peer.ipv4, id, seq */
};

struct frame_info {
	enum frame_kind kind;
	struct frame_host peer;
	uint16_t id, seq;
};

/** frame_ipv4_of() - the bench guest's address rule: 10.m3.m4.m5. */
static inline uint32_t frame_ipv4_of(const uint8_t mac[6])
{
	return UINT32_C(10) << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
}

/**
 * frame_respond() - answer an ARP request for us or an echo request to us, in place
 * @frame: received frame in a buffer of at least FRAME_MIN_BYTES
 * @len:   bytes received
 *
 * Context: any; pure. Return: length of the reply in @frame; 0 when there is nothing to answer, the
 * frame is untouched then. Source: RFC 826, RFC 792, RFC 1122 3.2.2.6.
 */
uint32_t frame_respond(uint8_t *frame, uint32_t len, const struct frame_host *me);

/**
 * frame_classify() - is it an answer to us? FRAME_OTHER otherwise
 *
 * Context: any; pure. Return: the kind, and what it says. Source: RFC 826, RFC 792.
 */
struct frame_info frame_classify(const uint8_t *frame, uint32_t len, const struct frame_host *me);

/**
 * frame_arp_request() - who has @ipv4? @frame has room for FRAME_MIN_BYTES
 *
 * Context: any; pure. Return: the frame's length. Source: RFC 826.
 */
uint32_t frame_arp_request(uint8_t *frame, const struct frame_host *me, uint32_t ipv4);

/**
 * frame_echo_request() - to @peer; @frame has room for FRAME_ICMP_BYTES + FRAME_ECHO_DATA
 *
 * Context: any; pure. Return: the frame's length. Source: RFC 792.
 */
uint32_t frame_echo_request(uint8_t *frame, const struct frame_host *me,
			    const struct frame_host *peer, uint16_t id, uint16_t seq);

/**
 * frame_checksum() - Internet checksum of @len bytes; 0 over data that contains its own
 *
 * Context: any; pure. Return: the checksum, as to be stored. Source: RFC 1071.
 */
uint16_t frame_checksum(const uint8_t *p, uint32_t len);

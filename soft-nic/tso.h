#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP segmentation: a header and a long payload in, frames of one segment each out. The bytes come
 * piece by piece, as descriptors bring them; what is kept is one frame. Pure: no memory of the
 * guest, no queue; offsets of the context are checked before they are used.
 *
 * Source: docs/sources.md [Q] [L]: advanced transmit descriptors, TSE.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TSO_BYTES_MAX \
	66560u		   /* header and payload of one request: the longest IP packet, and room */
#define TSO_MSS_MIN    64u /* a smaller one would make a descriptor a flood of frames */
#define TSO_HEADER_MAX 240u

struct tso {
	uint8_t *frame; /* the segment that is being filled, header first */
	uint32_t room;
	uint32_t mac_len, ip_len, l4_len;
	uint32_t hdr_len;
	uint32_t mss;
	bool v6;
	uint32_t fill;	 /* bytes in frame */
	uint32_t total;	 /* bytes taken in */
	uint32_t sent;	 /* payload in segments before this one */
	uint32_t number; /* of this segment */
	uint16_t id;	 /* of the first segment */
	uint32_t seq;
	uint8_t flags;
	bool out; /* the segment was handed out: the next begins */
	bool bad;
};

/**
 * tso_begin() - a new request
 * @frame, @room:  memory for one frame
 * @lengths:       first dword of the context: IP and MAC header lengths
 * @mss_l4len:     last dword of the context
 * @v4, @tcp:      what the context says the packet is
 *
 * Context: any; pure. Return: true; false what cannot be: t->bad, and all bytes are swallowed.
 * Source: docs/sources.md [Q].
 */
bool tso_begin(struct tso *t, uint8_t *frame, uint32_t room, uint32_t lengths, uint32_t mss_l4len,
	       bool v4, bool tcp);

/**
 * tso_feed() - take bytes in until they are used up or a segment is complete
 * @data, @len: moved on by what was taken
 *
 * Context: any; pure. Return: length of the frame that is now complete, to be sent before the next
 * call; 0 all bytes were taken. Source: docs/sources.md [Q].
 */
uint32_t tso_feed(struct tso *t, const uint8_t **data, uint32_t *len);

/**
 * tso_end() - the request is complete
 *
 * Context: any; pure. Return: length of the last frame; 0 there was something wrong with the
 * request. Source: docs/sources.md [Q].
 */
uint32_t tso_end(struct tso *t);

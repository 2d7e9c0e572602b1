/* SPDX-License-Identifier: BSD-3-Clause */
#include <guest/frame.h>

#define ETH_BYTES    14u
#define ETH_TYPE     12u
#define TYPE_ARP     0x0806u
#define TYPE_IPV4    0x0800u
#define ARP_OP	     20u
#define ARP_SHA	     22u
#define ARP_SPA	     28u
#define ARP_THA	     32u
#define ARP_TPA	     38u
#define ARP_REQUEST  1u
#define ARP_REPLY    2u
#define IP_BYTES     20u
#define IP_TOTAL     (ETH_BYTES + 2)
#define IP_ID	     (ETH_BYTES + 4)
#define IP_FRAG	     (ETH_BYTES + 6)
#define IP_TTL	     (ETH_BYTES + 8)
#define IP_PROTO     (ETH_BYTES + 9)
#define IP_SUM	     (ETH_BYTES + 10)
#define IP_SRC	     (ETH_BYTES + 12)
#define IP_DST	     (ETH_BYTES + 16)
#define IP_FRAG_BITS 0x3fffu /* more fragments, and the offset */
#define PROTO_ICMP   1u
#define ICMP_BYTES   8u
#define ICMP_REPLY   0u
#define ICMP_REQUEST 8u
#define TTL	     64u

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = from[i];
}

static bool same(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

static bool broadcast(const uint8_t *mac)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return same(mac, all, 6);
}

/* What we send below the minimum is padded with zeros, not with what the buffer held. */
static uint32_t pad(uint8_t *frame, uint32_t len)
{
	while (len < FRAME_MIN_BYTES)
		frame[len++] = 0;
	return len;
}

uint16_t frame_checksum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool arp_ok(const uint8_t *f, uint32_t len)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4, their sizes */

	return len >= FRAME_ARP_BYTES && get16(f + ETH_TYPE) == TYPE_ARP &&
	       same(f + ETH_BYTES, head, 6);
}

/* An unfragmented ICMP message to us; @ret_icmp is where it starts, return its length or 0. */
static uint32_t icmp_ok(const uint8_t *f, uint32_t len, const struct frame_host *me,
			uint32_t *ret_icmp)
{
	uint32_t ip_bytes, total;

	if (len < FRAME_ICMP_BYTES || get16(f + ETH_TYPE) != TYPE_IPV4 || f[ETH_BYTES] >> 4 != 4)
		return 0;
	ip_bytes = (f[ETH_BYTES] & 15u) * 4;
	total = get16(f + IP_TOTAL);
	if (ip_bytes < IP_BYTES || total < ip_bytes + ICMP_BYTES || total > len - ETH_BYTES)
		return 0;
	if (get16(f + IP_FRAG) & IP_FRAG_BITS || f[IP_PROTO] != PROTO_ICMP)
		return 0;
	if (!same(f, me->mac, 6) || get32(f + IP_DST) != me->ipv4)
		return 0;
	if (frame_checksum(f + ETH_BYTES, ip_bytes) ||
	    frame_checksum(f + ETH_BYTES + ip_bytes, total - ip_bytes))
		return 0;
	*ret_icmp = ETH_BYTES + ip_bytes;
	return total - ip_bytes;
}

static uint32_t arp_respond(uint8_t *f, const struct frame_host *me)
{
	if (get16(f + ARP_OP) != ARP_REQUEST || get32(f + ARP_TPA) != me->ipv4)
		return 0;
	if (!same(f, me->mac, 6) && !broadcast(f))
		return 0;

	copy(f, f + 6, 6);
	copy(f + 6, me->mac, 6);
	put16(f + ARP_OP, ARP_REPLY);
	copy(f + ARP_THA, f + ARP_SHA, 10);
	copy(f + ARP_SHA, me->mac, 6);
	put32(f + ARP_SPA, me->ipv4);
	return pad(f, FRAME_ARP_BYTES);
}

static uint32_t echo_respond(uint8_t *f, uint32_t len, const struct frame_host *me)
{
	uint32_t icmp, n = icmp_ok(f, len, me, &icmp);

	if (!n || f[icmp] != ICMP_REQUEST || f[icmp + 1])
		return 0;

	copy(f, f + 6, 6);
	copy(f + 6, me->mac, 6);
	copy(f + IP_DST, f + IP_SRC, 4);
	put32(f + IP_SRC, me->ipv4);
	f[IP_TTL] = TTL;
	put16(f + IP_SUM, 0);
	put16(f + IP_SUM, frame_checksum(f + ETH_BYTES, icmp - ETH_BYTES));
	f[icmp] = ICMP_REPLY;
	put16(f + icmp + 2, 0);
	put16(f + icmp + 2, frame_checksum(f + icmp, n));
	return pad(f, icmp + n);
}

uint32_t frame_respond(uint8_t *frame, uint32_t len, const struct frame_host *me)
{
	/* nobody answers a group: it cannot have asked */
	if (len < FRAME_ARP_BYTES || frame[6] & 1)
		return 0;
	if (arp_ok(frame, len))
		return arp_respond(frame, me);
	return echo_respond(frame, len, me);
}

struct frame_info frame_classify(const uint8_t *frame, uint32_t len, const struct frame_host *me)
{
	struct frame_info info = {.kind = FRAME_OTHER};
	uint32_t icmp;

	if (len < FRAME_ARP_BYTES)
		return info;
	if (arp_ok(frame, len)) {
		if (get16(frame + ARP_OP) != ARP_REPLY || !same(frame, me->mac, 6) ||
		    get32(frame + ARP_TPA) != me->ipv4 || frame[ARP_SHA] & 1)
			return info;
		info.kind = FRAME_ARP_REPLY;
		copy(info.peer.mac, frame + ARP_SHA, 6);
		info.peer.ipv4 = get32(frame + ARP_SPA);
		return info;
	}
	if (!icmp_ok(frame, len, me, &icmp) || frame[icmp] != ICMP_REPLY || frame[icmp + 1])
		return info;
	info.kind = FRAME_ECHO_REPLY;
	copy(info.peer.mac, frame + 6, 6);
	info.peer.ipv4 = get32(frame + IP_SRC);
	info.id = (uint16_t)get16(frame + icmp + 4);
	info.seq = (uint16_t)get16(frame + icmp + 6);
	return info;
}

uint32_t frame_arp_request(uint8_t *frame, const struct frame_host *me, uint32_t ipv4)
{
	for (unsigned int i = 0; i < 6; i++)
		frame[i] = 0xff;
	copy(frame + 6, me->mac, 6);
	put16(frame + ETH_TYPE, TYPE_ARP);
	put32(frame + ETH_BYTES, 0x00010800);
	put32(frame + ETH_BYTES + 4, 0x06040000 | ARP_REQUEST);
	copy(frame + ARP_SHA, me->mac, 6);
	put32(frame + ARP_SPA, me->ipv4);
	for (unsigned int i = 0; i < 6; i++)
		frame[ARP_THA + i] = 0;
	put32(frame + ARP_TPA, ipv4);
	return pad(frame, FRAME_ARP_BYTES);
}

uint32_t frame_echo_request(uint8_t *frame, const struct frame_host *me,
			    const struct frame_host *peer, uint16_t id, uint16_t seq)
{
	uint8_t *ip = frame + ETH_BYTES, *icmp = ip + IP_BYTES;
	uint32_t n = ICMP_BYTES + FRAME_ECHO_DATA;

	copy(frame, peer->mac, 6);
	copy(frame + 6, me->mac, 6);
	put16(frame + ETH_TYPE, TYPE_IPV4);
	put16(ip, 0x4500);
	put16(frame + IP_TOTAL, IP_BYTES + n);
	put16(frame + IP_ID, seq);
	put16(frame + IP_FRAG, 0x4000); /* do not fragment */
	frame[IP_TTL] = TTL;
	frame[IP_PROTO] = PROTO_ICMP;
	put16(frame + IP_SUM, 0);
	put32(frame + IP_SRC, me->ipv4);
	put32(frame + IP_DST, peer->ipv4);
	put16(frame + IP_SUM, frame_checksum(ip, IP_BYTES));
	put16(icmp, ICMP_REQUEST << 8);
	put16(icmp + 2, 0);
	put16(icmp + 4, id);
	put16(icmp + 6, seq);
	for (uint32_t i = 0; i < FRAME_ECHO_DATA; i++)
		icmp[ICMP_BYTES + i] = (uint8_t)i;
	put16(icmp + 2, frame_checksum(icmp, n));
	return ETH_BYTES + IP_BYTES + n;
}

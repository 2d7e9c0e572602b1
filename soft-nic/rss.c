/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "rss.h"

#define ETH_IPV4 0x0800u
#define ETH_IPV6 0x86ddu
#define IP_TCP	 6u
#define IP_UDP	 17u

/* RSS types of the receive descriptor */
enum {
	RSS_TCP4 = 1,
	RSS_IP4 = 2,
	RSS_TCP6 = 3,
	RSS_IP6 = 5,
	RSS_UDP4 = 7,
	RSS_UDP6 = 8,
};

/* 32 bits of the key from bit @at on; the key's first bit is the highest of its first byte. */
static uint32_t key_window(const uint8_t key[40], unsigned int at)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < 5; i++)
		bits = bits << 8 | key[at / 8 + i];
	return (uint32_t)(bits >> (8 - at % 8));
}

void rss_build(struct rss_cfg *c, uint32_t mrqc, const uint32_t key[RSS_KEY_WORDS],
	       const uint32_t reta[32])
{
	uint8_t bytes[4 * RSS_KEY_WORDS];

	memset(c, 0, sizeof(*c));
	c->types = mrqc & MRQC_RSS_TYPES;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(key[i / 4] >> (8 * (i % 4)));
	for (unsigned int n = 0; n < 2 * RSS_INPUT_MAX; n++)
		for (unsigned int v = 0; v < 16; v++)
			for (unsigned int b = 0; b < 4; b++)
				if (v & (8u >> b))
					c->table[n][v] ^= key_window(bytes, 4 * n + b);
	for (unsigned int k = 0; k < 128; k++)
		if ((reta[k / 4] >> (8 * (k % 4))) & RETA_SECOND)
			c->second[k / 64] |= UINT64_C(1) << (k % 64);
}

static struct rss_result finish(const struct rss_cfg *c, uint32_t type, const uint8_t *input,
				unsigned int n)
{
	struct rss_result r = {.type = type};
	unsigned int k;

	for (unsigned int i = 0; i < n; i++)
		r.hash ^= c->table[2 * i][input[i] >> 4] ^ c->table[2 * i + 1][input[i] & 15];
	k = r.hash % 128;
	r.second = c->second[k / 64] >> (k % 64) & 1;
	return r;
}

/* Addresses of @n bytes together, and the ports behind the header if they count. */
static struct rss_result hash_ip(const struct rss_cfg *c, const uint8_t *addr, unsigned int n,
				 const uint8_t *ports, uint32_t with_ports, uint32_t without)
{
	uint8_t input[RSS_INPUT_MAX];

	if (!with_ports && !without)
		return (struct rss_result){0};
	memcpy(input, addr, n);
	if (!with_ports)
		return finish(c, without, input, n);
	memcpy(input + n, ports, 4);
	return finish(c, with_ports, input, n + 4);
}

static uint32_t type_if(const struct rss_cfg *c, uint32_t field, uint32_t type)
{
	return c->types & field ? type : 0;
}

static struct rss_result hash_ipv4(const struct rss_cfg *c, const uint8_t *p, uint32_t len)
{
	uint32_t header = (p[0] & 15u) * 4, with = 0;

	if (len < 20 || p[0] >> 4 != 4 || header < 20)
		return (struct rss_result){0};
	/* ports are in the first fragment only, so fragments go by their addresses */
	if (len >= header + 4 && !((p[6] & 0x3f) | p[7])) {
		if (p[9] == IP_TCP)
			with = type_if(c, MRQC_RSS_TCP4, RSS_TCP4);
		else if (p[9] == IP_UDP)
			with = type_if(c, MRQC_RSS_UDP4, RSS_UDP4);
	}
	return hash_ip(c, p + 12, 8, p + header, with, type_if(c, MRQC_RSS_IP4, RSS_IP4));
}

static struct rss_result hash_ipv6(const struct rss_cfg *c, const uint8_t *p, uint32_t len)
{
	uint32_t with = 0;

	if (len < 40 || p[0] >> 4 != 6)
		return (struct rss_result){0};
	if (len >= 44 && p[6] == IP_TCP)
		with = type_if(c, MRQC_RSS_TCP6, RSS_TCP6);
	else if (len >= 44 && p[6] == IP_UDP)
		with = type_if(c, MRQC_RSS_UDP6, RSS_UDP6);
	return hash_ip(c, p + 8, 32, p + 40, with, type_if(c, MRQC_RSS_IP6, RSS_IP6));
}

struct rss_result rss_hash(const struct rss_cfg *c, uint16_t type, const uint8_t *l3, uint32_t len)
{
	if (type == ETH_IPV4)
		return hash_ipv4(c, l3, len);
	if (type == ETH_IPV6)
		return hash_ipv6(c, l3, len);
	return (struct rss_result){0};
}

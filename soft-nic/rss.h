#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive side scaling: the Toeplitz hash over a packet's addresses and ports, and which of a
 * pool's two queues it chooses. The key is unrolled into one table, so that a hash is one load for
 * each half byte. Pure; the table is immutable once built.
 */
#include <abi/bits.h>
#include <abi/nic_regs.h>
#include <stdbool.h>

#define RSS_INPUT_MAX 36u /* two IPv6 addresses and two ports */
#define RSS_KEY_WORDS 10u
#define RSS_LOOK      84u /* bytes from the network header on that a hash may need */

struct rss_cfg {
	uint32_t types;	    /* MRQC_RSS_* fields */
	uint64_t second[2]; /* bit k: redirection entry k means the pool's second queue */
	uint32_t table[2 * RSS_INPUT_MAX][16];
};

struct rss_result {
	uint32_t type; /* RSS type of the receive descriptor; 0: no hash */
	uint32_t hash;
	bool second;
};

/**
 * rss_build() - unroll the key of RSSRK, take over RETA and MRQC
 *
 * Context: control thread, while the table is built. Source: docs/sources.md [L] [MS].
 */
void rss_build(struct rss_cfg *c, uint32_t mrqc, const uint32_t key[RSS_KEY_WORDS],
	       const uint32_t reta[32]);

/**
 * rss_hash() - hash of a packet
 * @type: Ethernet type, host order
 * @l3, @len: the packet from its network header on, in memory that does not change; @len may be cut
 * to RSS_LOOK
 *
 * Context: any; pure. Return: the result, all zeros for what is not hashed. Source: docs/sources.md
 * [L] [MS].
 */
struct rss_result rss_hash(const struct rss_cfg *c, uint16_t type, const uint8_t *l3, uint32_t len);

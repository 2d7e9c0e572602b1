#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding database of the bridge: MAC address to port, learned from source addresses, forgotten
 * after FP_FDB_AGE_MS. One writer, the data thread; any thread may take a snapshot.
 *
 * Buckets of eight entries, one cache line each. A bucket or a port's share that is full learns no
 * more, and frames to what was not learned are flooded: a guest that invents addresses cannot push
 * out those of others. The hash is seeded, so it cannot aim at a bucket either.
 */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FP_PORTS	64u /* port numbers 0..63 */
#define FP_FDB_BUCKETS	1024u
#define FP_FDB_WAYS	8u
#define FP_FDB_PORT_MAX 1024u /* entries of one port */
#define FP_FDB_AGE_MS	300000u
#define FP_FDB_NONE	(-1)

/* A MAC address as the low 48 bits of a little endian load: bit 0 is the group bit. */
typedef struct {
	uint64_t v;
} mac48_t;

struct fp_fdb_entry {
	mac48_t mac;
	unsigned int port;
	uint32_t age_ms;
};

struct fp_fdb_bucket {
	uint64_t key[FP_FDB_WAYS]; /* MAC in 63:16, port + 1 in 15:0; 0: empty */
} __attribute__((aligned(64)));

struct fp_fdb {
	struct fp_fdb_bucket bucket[FP_FDB_BUCKETS];
	uint32_t seen_ms[FP_FDB_BUCKETS][FP_FDB_WAYS];
	uint32_t n_port[FP_PORTS];
	uint32_t n;
	uint32_t version; /* grows whenever an address is learned, moved or forgotten */
	uint32_t sweep;	  /* bucket that ageing looks at next */
	uint64_t seed;
	uint64_t not_learned; /* for want of room */
	uint64_t moves;
};

/**
 * fp_fdb_new() - empty table; @seed: secret of the hash
 *
 * Context: any thread. Return: 0; -ENOMEM. Source: -.
 */
int fp_fdb_new(uint64_t seed, struct fp_fdb **ret_fdb) _must_check_;

/** fp_fdb_free() - NULL is fine. Context: any thread, the last to use it. Source: -. */
void fp_fdb_free(struct fp_fdb *fdb);
DEFINE_CLEANUP(struct fp_fdb *, fp_fdb_free);

/**
 * fp_mac() - the six bytes at @p of a frame of at least 14 bytes; p is its start or its source
 *
 * Context: any; pure. Return: the address. Source: -.
 */
static inline mac48_t fp_mac(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v)); /* reads two bytes past the address: still in the header */
	return (mac48_t){v & UINT64_C(0xffffffffffff)};
}

static inline bool fp_mac_is_group(mac48_t mac)
{
	return mac.v & 1;
}

static inline uint32_t fp_fdb_hash(const struct fp_fdb *fdb, mac48_t mac)
{
	/* the seed is odd; the upper bits of the product depend on all of the address */
	return (uint32_t)((mac.v * fdb->seed) >> 40) % FP_FDB_BUCKETS;
}

/**
 * fp_fdb_lookup() - the port of @mac, or FP_FDB_NONE. Data thread
 *
 * Context: data thread. Return: the port; FP_FDB_NONE. Source: -.
 */
static inline int fp_fdb_lookup(const struct fp_fdb *fdb, mac48_t mac)
{
	const struct fp_fdb_bucket *b = &fdb->bucket[fp_fdb_hash(fdb, mac)];

	for (unsigned int i = 0; i < FP_FDB_WAYS; i++)
		if (b->key[i] >> 16 == mac.v && b->key[i] != 0)
			return (int)(b->key[i] & 0xffff) - 1;
	return FP_FDB_NONE;
}

/**
 * fp_fdb_learn() - @mac was seen as a source on @port; group addresses and zero are the caller's
 * to drop
 *
 * Context: data thread. Source: IEEE 802.1D, 7.8.
 */
void fp_fdb_learn(struct fp_fdb *fdb, mac48_t mac, unsigned int port, uint32_t now_ms);

/**
 * fp_fdb_age() - look at @n_buckets more buckets, forget what is too old
 *
 * Context: data thread. Source: IEEE 802.1D, 7.9.2.
 */
void fp_fdb_age(struct fp_fdb *fdb, uint32_t now_ms, unsigned int n_buckets);

/** fp_fdb_flush() - forget all that was learned on @port. Context: data thread. Source: -. */
void fp_fdb_flush(struct fp_fdb *fdb, unsigned int port);

/**
 * fp_fdb_snapshot() - copy out up to @max entries
 * Context: any thread, while the writer goes on: each entry is one that was true at some time.
 * Return: entries copied. Source: -
 */
unsigned int fp_fdb_snapshot(const struct fp_fdb *fdb, uint32_t now_ms, struct fp_fdb_entry *ret,
			     unsigned int max);

/** fp_fdb_count() - entries now. Any thread. */
static inline uint32_t fp_fdb_count(const struct fp_fdb *fdb)
{
	return __atomic_load_n(&fdb->n, __ATOMIC_RELAXED);
}

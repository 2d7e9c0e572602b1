/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdb.h"

#include <assert.h>

/* Snapshots read beside us: each word is stored whole. */
static void put64(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static void put32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

int fp_fdb_new(uint64_t seed, struct fp_fdb **ret_fdb)
{
	struct fp_fdb *fdb = aligned_alloc(64, (sizeof(*fdb) + 63) / 64 * 64);

	if (!fdb)
		return -ENOMEM;
	memset(fdb, 0, sizeof(*fdb));
	fdb->seed = seed | 1;
	*ret_fdb = fdb;
	return 0;
}

void fp_fdb_free(struct fp_fdb *fdb)
{
	free(fdb);
}

static uint64_t key_of(mac48_t mac, unsigned int port)
{
	return mac.v << 16 | (port + 1);
}

static unsigned int key_port(uint64_t key)
{
	return (unsigned int)(key & 0xffff) - 1;
}

static void entry_set(struct fp_fdb *fdb, uint64_t *key, uint64_t val)
{
	if (*key != 0) {
		fdb->n_port[key_port(*key)]--;
		put32(&fdb->n, fdb->n - 1);
	}
	if (val != 0) {
		fdb->n_port[key_port(val)]++;
		put32(&fdb->n, fdb->n + 1);
	}
	fdb->version++;
	put64(key, val);
}

void fp_fdb_learn(struct fp_fdb *fdb, mac48_t mac, unsigned int port, uint32_t now_ms)
{
	uint32_t h = fp_fdb_hash(fdb, mac);
	uint64_t *key = fdb->bucket[h].key;
	uint64_t want = key_of(mac, port);
	unsigned int room = FP_FDB_WAYS;

	assert(port < FP_PORTS);
	for (unsigned int i = 0; i < FP_FDB_WAYS; i++) {
		if (key[i] == want) {
			/* the line is written once a millisecond, not once a packet */
			if (fdb->seen_ms[h][i] != now_ms)
				put32(&fdb->seen_ms[h][i], now_ms);
			return;
		}
		if (key[i] == 0)
			room = i;
		else if (key[i] >> 16 == mac.v) {
			entry_set(fdb, &key[i], want);
			put32(&fdb->seen_ms[h][i], now_ms);
			fdb->moves++;
			return;
		}
	}
	if (room == FP_FDB_WAYS || fdb->n_port[port] >= FP_FDB_PORT_MAX) {
		fdb->not_learned++;
		return;
	}
	put32(&fdb->seen_ms[h][room], now_ms);
	entry_set(fdb, &key[room], want);
}

void fp_fdb_age(struct fp_fdb *fdb, uint32_t now_ms, unsigned int n_buckets)
{
	if (n_buckets > FP_FDB_BUCKETS)
		n_buckets = FP_FDB_BUCKETS;
	while (n_buckets-- > 0) {
		uint32_t h = fdb->sweep;

		for (unsigned int i = 0; i < FP_FDB_WAYS; i++)
			if (fdb->bucket[h].key[i] != 0 &&
			    now_ms - fdb->seen_ms[h][i] > FP_FDB_AGE_MS)
				entry_set(fdb, &fdb->bucket[h].key[i], 0);
		fdb->sweep = (h + 1) % FP_FDB_BUCKETS;
	}
}

void fp_fdb_flush(struct fp_fdb *fdb, unsigned int port)
{
	for (unsigned int h = 0; h < FP_FDB_BUCKETS && fdb->n_port[port] > 0; h++)
		for (unsigned int i = 0; i < FP_FDB_WAYS; i++) {
			uint64_t *key = &fdb->bucket[h].key[i];

			if (*key != 0 && key_port(*key) == port)
				entry_set(fdb, key, 0);
		}
}

unsigned int fp_fdb_snapshot(const struct fp_fdb *fdb, uint32_t now_ms, struct fp_fdb_entry *ret,
			     unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int h = 0; h < FP_FDB_BUCKETS; h++)
		for (unsigned int i = 0; i < FP_FDB_WAYS && n < max; i++) {
			uint64_t key = __atomic_load_n(&fdb->bucket[h].key[i], __ATOMIC_RELAXED);
			uint32_t seen = __atomic_load_n(&fdb->seen_ms[h][i], __ATOMIC_RELAXED);
			uint32_t age = now_ms - seen;

			if (key == 0)
				continue;
			ret[n++] = (struct fp_fdb_entry){
				.mac = {key >> 16},
				.port = key_port(key),
				.age_ms = age > INT32_MAX ? 0
							  : age, /* seen after @now_ms was taken */
			};
		}
	return n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Any packet: hashing reads nothing behind it, and says the same of the same bytes. */
#include <rss.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rss_cfg cfg;

static void try(uint16_t type, const uint8_t *p, uint32_t len)
{
	struct rss_result a = rss_hash(&cfg, type, p, len), b = rss_hash(&cfg, type, p, len);

	if (a.type != b.type || a.hash != b.hash || a.second != b.second)
		abort();
	if (a.type > 9 || (!a.type && (a.hash || a.second)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t key[RSS_KEY_WORDS], reta[32], len;
	uint8_t *p;

	if (size < 2)
		return 0;
	memset(key, data[0], sizeof(key));
	memset(reta, data[1], sizeof(reta));
	rss_build(&cfg, (uint32_t)data[0] << 16, key, reta);
	len = size - 2 > RSS_LOOK ? RSS_LOOK : (uint32_t)size - 2;
	p = malloc(len ? len : 1);
	if (!p)
		return 0;
	memcpy(p, data + 2, len);
	try(0x0800, p, len);
	try(0x86dd, p, len);
	try(0x0806, p, len);
	free(p);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of receive side scaling, against the vectors that its definition is published with. */
#include <support/test.h>
#include <rss.h>
#include <stdlib.h>
#include <string.h>

#define ALL MRQC_RSS_TYPES

static const uint8_t key_bytes[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
				      0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
				      0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
				      0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static struct rss_cfg cfg;

static void build(uint32_t types)
{
	uint32_t key[10], reta[32];

	for (unsigned int i = 0; i < 10; i++)
		key[i] = key_bytes[4 * i] | (uint32_t)key_bytes[4 * i + 1] << 8 |
			 (uint32_t)key_bytes[4 * i + 2] << 16 |
			 (uint32_t)key_bytes[4 * i + 3] << 24;
	for (unsigned int i = 0; i < 32; i++)
		reta[i] = 0x08000800; /* every second entry: the second queue */
	rss_build(&cfg, types, key, reta);
}

static void ipv4(uint8_t p[40], uint8_t proto)
{
	static const uint8_t head[20] = {0x45, 0, 0,  40, 0,   0,   0,	 0,   64,  0,
					 0,    0, 66, 9,  149, 187, 161, 142, 100, 80};

	memset(p, 0, 40);
	memcpy(p, head, 20);
	p[9] = proto;
	memcpy(p + 20, (const uint8_t[]){2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255}, 4);
}

static void ipv6(uint8_t p[60], uint8_t proto)
{
	static const uint8_t addr[32] = {
		0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7,
		0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1};

	memset(p, 0, 60);
	p[0] = 0x60;
	p[6] = proto;
	memcpy(p + 8, addr, 32);
	memcpy(p + 40, (const uint8_t[]){2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255}, 4);
}

static void assert_hash(uint16_t type, const uint8_t *p, uint32_t len, uint32_t want_type,
			uint32_t want)
{
	struct rss_result r = rss_hash(&cfg, type, p, len);

	assert_int_equal(r.type, want_type);
	assert_int_equal(r.hash, want);
	assert_int_equal(r.second, want_type && want % 2);
}

static void the_published_vectors_give_the_published_hashes(void **state)
{
	uint8_t p[60];

	build(ALL);
	ipv4(p, 6);
	assert_hash(0x0800, p, 40, 1, 0x51ccc178);
	ipv4(p, 17);
	assert_hash(0x0800, p, 40, 7, 0x51ccc178);
	ipv4(p, 1);
	assert_hash(0x0800, p, 40, 2, 0x323e8fc2);
	ipv6(p, 6);
	assert_hash(0x86dd, p, 60, 3, 0x40207d3d);
	ipv6(p, 58);
	assert_hash(0x86dd, p, 60, 5, 0x2cc18cd5);
}

static void types_that_are_off_fall_back_to_addresses_or_to_nothing(void **state)
{
	uint8_t p[60];

	ipv4(p, 6);
	build(MRQC_RSS_IP4);
	assert_hash(0x0800, p, 40, 2, 0x323e8fc2);
	build(MRQC_RSS_UDP4);
	assert_hash(0x0800, p, 40, 0, 0);
	assert_hash(0x0806, p, 40, 0, 0);
}

static void fragments_go_by_their_addresses(void **state)
{
	uint8_t p[60];

	build(ALL);
	ipv4(p, 6);
	p[6] = 0x20;
	assert_hash(0x0800, p, 40, 2, 0x323e8fc2);
	p[6] = 0;
	p[7] = 9;
	assert_hash(0x0800, p, 40, 2, 0x323e8fc2);
	p[7] = 0;
	p[6] = 0x40; /* "do not fragment" is no fragment */
	assert_hash(0x0800, p, 40, 1, 0x51ccc178);
}

/* Behind every length an end of memory that a sanitizer sees. */
static void headers_that_lie_about_their_length_stay_inside_the_packet(void **state)
{
	build(ALL);
	for (uint32_t len = 1; len <= RSS_LOOK; len++) {
		uint8_t *p = malloc(len);

		assert_non_null(p);
		for (unsigned int first = 0; first < 256; first++) {
			memset(p, 6, len);
			p[0] = (uint8_t)first;
			rss_hash(&cfg, 0x0800, p, len);
			rss_hash(&cfg, 0x86dd, p, len);
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors_give_the_published_hashes),
		cmocka_unit_test(types_that_are_off_fall_back_to_addresses_or_to_nothing),
		cmocka_unit_test(fragments_go_by_their_addresses),
		cmocka_unit_test(headers_that_lie_about_their_length_stay_inside_the_packet),
	};

	return cmocka_run_group_tests_name("soft_nic_rss", tests, NULL, NULL);
}

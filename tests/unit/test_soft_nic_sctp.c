/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>
#include <sctp.h>
#include <string.h>
#include <support/crc32c_bits.h>

#define MAC_LEN 14u

struct packet {
	uint8_t frame[1500];
	uint32_t len, ip_len;
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* An SCTP packet of @sctp bytes, followed by @padding that is none of it. */
static void prepare(struct packet *p, bool v6, uint32_t sctp, uint32_t padding)
{
	uint8_t *ip = p->frame + MAC_LEN;

	memset(p, 0, sizeof(*p));
	p->ip_len = v6 ? 40 : 20;
	ip[0] = v6 ? 0x60 : 0x45;
	put16(ip + (v6 ? 4 : 2), v6 ? sctp : 20 + sctp);
	p->len = MAC_LEN + p->ip_len + sctp + padding;
	for (uint32_t i = MAC_LEN + p->ip_len; i < p->len; i++)
		p->frame[i] = (uint8_t)(i * 11 + 1);
}

static void assert_sum(struct packet *p, uint32_t sctp)
{
	uint8_t *l4 = p->frame + MAC_LEN + p->ip_len;
	uint32_t field = crc32c_sctp_field(l4);

	memset(l4 + 8, 0, 4);
	assert_int_equal(field, crc32c_bits(l4, sctp));
}

static void the_sum_is_that_of_the_packet_with_zeros_in_its_place(void **state)
{
	struct packet p;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		for (uint32_t len = 12; len < 1400; len += len < 80 ? 1 : 97) {
			prepare(&p, v6, len, 0);
			assert_true(sctp_sum(p.frame, p.len, MAC_LEN, p.ip_len, !v6));
			assert_sum(&p, len);
		}
	}
}

static void padding_of_a_short_frame_does_not_count(void **state)
{
	struct packet p;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		prepare(&p, v6, 16, 10);
		assert_true(sctp_sum(p.frame, p.len, MAC_LEN, p.ip_len, !v6));
		assert_sum(&p, 16);
	}
}

static void a_length_that_cannot_be_leaves_what_is_there(void **state)
{
	static const uint32_t wrong[] = {0, 19, 31, 20 + 101, 65535};
	struct packet p;

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		prepare(&p, false, 100, 0);
		put16(p.frame + MAC_LEN + 2, wrong[i]);
		assert_true(sctp_sum(p.frame, p.len, MAC_LEN, p.ip_len, true));
		assert_sum(&p, 100);
	}
}

static void headers_that_do_not_fit_are_left_alone(void **state)
{
	/* MAC and IP header lengths, frame length, IPv4 */
	static const struct {
		uint32_t mac, ip, len;
		bool v4;
	} bad[] = {
		{14, 19, 100, true}, {14, 39, 100, false},  {14, 0, 100, true},
		{14, 20, 45, true},  {127, 511, 600, true}, {127, 511, 649, false},
		{0, 20, 31, true},
	};
	struct packet p, before;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		prepare(&p, false, 1000, 0);
		before = p;
		assert_false(sctp_sum(p.frame, bad[i].len, bad[i].mac, bad[i].ip, bad[i].v4));
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_is_that_of_the_packet_with_zeros_in_its_place),
		cmocka_unit_test(padding_of_a_short_frame_does_not_count),
		cmocka_unit_test(a_length_that_cannot_be_leaves_what_is_there),
		cmocka_unit_test(headers_that_do_not_fit_are_left_alone),
	};

	return cmocka_run_group_tests_name("sctp", tests, NULL, NULL);
}

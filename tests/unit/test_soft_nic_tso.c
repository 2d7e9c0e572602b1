/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segmentation by itself: what goes in whole comes out in frames that say so. */
#include <support/test.h>

#include <stdlib.h>
#include <string.h>
#include <tso.h>

#define ROOM	9724u
#define MAC_LEN 14u
#define L4_LEN	32u /* with options */
#define MSS	1448u
#define PAYLOAD 20000u
#define SEQ	0xfffff000u /* wraps around on the way */
#define FIN_PSH 0x09u
#define CWR_ACK 0x90u

struct request {
	struct tso t;
	uint8_t in[TSO_BYTES_MAX + 4096];
	uint32_t in_len;
	uint8_t scratch[ROOM];
	uint32_t ip_len;
	bool v6;
	/* what came out */
	uint32_t frames, payload;
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void prepare(struct request *r, bool v6, uint32_t payload)
{
	uint8_t *ip = r->in + MAC_LEN, *l4;

	memset(r, 0, sizeof(*r));
	r->v6 = v6;
	r->ip_len = v6 ? 40 : 20;
	l4 = ip + r->ip_len;
	memset(r->in, 0x11, MAC_LEN);
	if (v6) {
		ip[0] = 0x60;
		ip[6] = 6;
		memset(ip + 8, 0x22, 32);
	} else {
		ip[0] = 0x45;
		put16(ip + 4, 0xfffe);
		ip[8] = 64;
		ip[9] = 6;
		memset(ip + 12, 0x33, 8);
	}
	put16(l4, 1234);
	put16(l4 + 4, SEQ >> 16);
	put16(l4 + 6, SEQ & 0xffff);
	l4[12] = L4_LEN / 4 << 4;
	l4[13] = CWR_ACK | FIN_PSH;
	r->in_len = MAC_LEN + r->ip_len + L4_LEN + payload;
	for (uint32_t i = 0; i < payload; i++)
		l4[L4_LEN + i] = (uint8_t)(i * 7 + i / 256);
}

static bool begin(struct request *r, uint32_t mss)
{
	return tso_begin(&r->t, r->scratch, ROOM, r->ip_len | MAC_LEN << 9, L4_LEN << 8 | mss << 16,
			 !r->v6, true);
}

/* One frame as a receiver would look at it. */
static void frame_check(struct request *r, uint32_t len, uint32_t mss, bool last)
{
	const uint8_t *ip = r->scratch + MAC_LEN, *l4 = ip + r->ip_len;
	uint32_t l4_len = len - MAC_LEN - r->ip_len, bytes = l4_len - L4_LEN, pseudo;
	uint32_t flags = CWR_ACK | FIN_PSH, seq = SEQ + r->payload;

	assert_true(bytes > 0 && bytes <= mss);
	if (r->v6) {
		assert_int_equal(get16(ip + 4), l4_len);
	} else {
		assert_int_equal(get16(ip + 2), 20 + l4_len);
		assert_int_equal(get16(ip + 4), (0xfffe + r->frames) & 0xffff);
		assert_int_equal(sum(ip, 20, 0), 0xffff);
	}
	pseudo = sum(r->v6 ? ip + 8 : ip + 12, r->v6 ? 32 : 8, 6 + l4_len);
	assert_int_equal(sum(l4, l4_len, pseudo), 0xffff);
	assert_int_equal(get16(l4 + 4), seq >> 16);
	assert_int_equal(get16(l4 + 6), seq & 0xffff);
	if (!last)
		flags &= ~FIN_PSH;
	if (r->frames > 0)
		flags &= ~0x80u;
	assert_int_equal(l4[13], flags);
	assert_memory_equal(l4 + L4_LEN, r->in + MAC_LEN + r->ip_len + L4_LEN + r->payload, bytes);
	if (!last)
		assert_int_equal(bytes, mss);
	r->payload += bytes;
	r->frames++;
}

/* Feeds the request in pieces of @piece bytes (0: of many sizes). */
static void run(struct request *r, uint32_t mss, uint32_t piece)
{
	uint32_t at = 0, n;

	while (at < r->in_len) {
		uint32_t len = piece ? piece : 1 + (at * 2654435761u >> 20) % 3000;
		const uint8_t *data = r->in + at;

		if (len > r->in_len - at)
			len = r->in_len - at;
		at += len;
		while ((n = tso_feed(&r->t, &data, &len)) > 0)
			frame_check(r, n, mss, false);
		assert_int_equal(len, 0);
	}
	n = tso_end(&r->t);
	assert_true(n > 0);
	frame_check(r, n, mss, true);
}

static int setup(void **state)
{
	*state = malloc(sizeof(struct request));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void a_payload_becomes_segments_whatever_its_pieces(void **state)
{
	static const uint32_t pieces[] = {0, 1, 13, 66, 1448, 1514, 4096, 65535};
	struct request *r = *state;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		for (unsigned int i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
			prepare(r, v6, PAYLOAD);
			assert_true(begin(r, MSS));
			run(r, MSS, pieces[i]);
			assert_int_equal(r->payload, PAYLOAD);
			assert_int_equal(r->frames, (PAYLOAD + MSS - 1) / MSS);
		}
	}
}

static void a_payload_of_whole_segments_has_no_empty_last_one(void **state)
{
	struct request *r = *state;

	prepare(r, false, 3 * MSS);
	assert_true(begin(r, MSS));
	run(r, MSS, 4000);
	assert_int_equal(r->frames, 3);
	prepare(r, false, 1);
	assert_true(begin(r, MSS));
	run(r, MSS, 4000);
	assert_int_equal(r->frames, 1);
}

static void the_longest_packet_and_the_smallest_segments_work(void **state)
{
	struct request *r = *state;

	prepare(r, false, 65535 - 20 - L4_LEN);
	assert_true(begin(r, TSO_MSS_MIN));
	run(r, TSO_MSS_MIN, 16384);
	assert_int_equal(r->payload, 65535 - 20 - L4_LEN);
}

static void swallow(struct request *r)
{
	const uint8_t *data = r->in;
	uint32_t len = r->in_len;

	assert_int_equal(tso_feed(&r->t, &data, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(tso_end(&r->t), 0);
}

static void contexts_that_cannot_be_are_refused(void **state)
{
	/* lengths of IP and MAC header; segment and TCP header; IPv4, TCP */
	static const struct {
		uint32_t ip, mac, mss, l4;
		bool v4, tcp;
	} bad[] = {
		{20, 13, MSS, 20, true, true},	{19, 14, MSS, 20, true, true},
		{39, 14, MSS, 20, false, true}, {20, 14, MSS, 19, true, true},
		{20, 14, 63, 20, true, true},	{20, 14, 0, 20, true, true},
		{20, 14, ROOM, 20, true, true}, {511, 127, 65535, 255, true, true},
		{0, 0, 0, 0, true, true},	{20, 14, MSS, 20, true, false},
	};
	struct request *r = *state;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		prepare(r, !bad[i].v4, PAYLOAD);
		assert_false(tso_begin(&r->t, r->scratch, ROOM, bad[i].ip | bad[i].mac << 9,
				       bad[i].l4 << 8 | bad[i].mss << 16, bad[i].v4, bad[i].tcp));
		swallow(r);
	}
}

static void a_header_without_payload_and_half_a_header_give_nothing(void **state)
{
	struct request *r = *state;

	prepare(r, false, 0);
	assert_true(begin(r, MSS));
	swallow(r);
	prepare(r, false, 0);
	r->in_len = 40;
	assert_true(begin(r, MSS));
	swallow(r);
}

static void more_than_a_packet_can_be_ends_the_request(void **state)
{
	struct request *r = *state;
	const uint8_t *data = r->in;
	uint32_t len;

	prepare(r, false, TSO_BYTES_MAX);
	assert_true(begin(r, MSS));
	len = r->in_len;
	assert_int_equal(tso_feed(&r->t, &data, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(tso_end(&r->t), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_payload_becomes_segments_whatever_its_pieces),
		CASE(a_payload_of_whole_segments_has_no_empty_last_one),
		CASE(the_longest_packet_and_the_smallest_segments_work),
		CASE(contexts_that_cannot_be_are_refused),
		CASE(a_header_without_payload_and_half_a_header_give_nothing),
		CASE(more_than_a_packet_can_be_ends_the_request),
	};

	return cmocka_run_group_tests_name("tso", cases, NULL, NULL);
}

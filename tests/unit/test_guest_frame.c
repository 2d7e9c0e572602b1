/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>
#include <guest/frame.h>
#include <guest/testframe.h>
#include <string.h>

static const struct frame_host me = {{2, 0, 0, 1, 2, 3}, 0x0a010203};
static const struct frame_host peer = {{2, 0, 0, 4, 5, 6}, 0x0a040506};

static void address_rule_takes_the_last_three_bytes(void **state)
{
	assert_int_equal(frame_ipv4_of(me.mac), me.ipv4);
}

static void arp_request_is_answered_to_the_asker(void **state)
{
	uint8_t f[64];
	uint32_t len = frame_arp_request(f, &peer, me.ipv4);
	struct frame_info info;

	assert_int_equal(len, 60);
	assert_int_equal(frame_respond(f, len, &me), 60);
	assert_memory_equal(f, peer.mac, 6);
	assert_memory_equal(f + 6, me.mac, 6);
	info = frame_classify(f, 60, &peer);
	assert_int_equal(info.kind, FRAME_ARP_REPLY);
	assert_int_equal(info.peer.ipv4, me.ipv4);
	assert_memory_equal(info.peer.mac, me.mac, 6);
	/* and the answer is no question */
	assert_int_equal(frame_respond(f, 60, &peer), 0);
}

static void arp_for_somebody_else_is_left_alone(void **state)
{
	uint8_t f[64];
	uint32_t len = frame_arp_request(f, &peer, me.ipv4 + 1);

	assert_int_equal(frame_respond(f, len, &me), 0);
	len = frame_arp_request(f, &peer, me.ipv4);
	f[0] = 2; /* unicast, but not to us */
	assert_int_equal(frame_respond(f, len, &me), 0);
	len = frame_arp_request(f, &peer, me.ipv4);
	f[6] |= 1; /* a group asks */
	assert_int_equal(frame_respond(f, len, &me), 0);
	len = frame_arp_request(f, &peer, me.ipv4);
	assert_int_equal(frame_respond(f, 41, &me), 0);
}

static void echo_request_comes_back_with_good_checksums(void **state)
{
	uint8_t f[128], sent[128];
	uint32_t len = frame_echo_request(f, &peer, &me, 7, 9);
	struct frame_info info;

	assert_int_equal(len, 98);
	memcpy(sent, f, sizeof(sent));
	assert_int_equal(frame_respond(f, len, &me), 98);
	assert_int_equal(frame_checksum(f + 14, 20), 0);
	assert_int_equal(frame_checksum(f + 34, 64), 0);
	assert_memory_equal(f + 42, sent + 42, 56);
	info = frame_classify(f, len, &peer);
	assert_int_equal(info.kind, FRAME_ECHO_REPLY);
	assert_int_equal(info.id, 7);
	assert_int_equal(info.seq, 9);
	assert_int_equal(info.peer.ipv4, me.ipv4);
}

static void echo_with_ip_options_and_padding_is_answered(void **state)
{
	uint8_t f[128], g[128] = {0};
	uint32_t len = frame_echo_request(f, &peer, &me, 7, 9);

	/* four bytes of options (no operation), shorter payload, then Ethernet padding */
	memcpy(g, f, 34);
	memset(g + 34, 1, 4);
	memcpy(g + 38, f + 34, 12);
	g[14] = 0x46;
	g[17] = 24 + 12;
	g[24] = g[25] = 0;
	len = frame_checksum(g + 14, 24);
	g[24] = (uint8_t)(len >> 8);
	g[25] = (uint8_t)len;
	g[40] = g[41] = 0;
	len = frame_checksum(g + 38, 12);
	g[40] = (uint8_t)(len >> 8);
	g[41] = (uint8_t)len;
	memset(g + 50, 0xee, 14);
	assert_int_equal(frame_respond(g, 64, &me), 60);
	assert_int_equal(frame_checksum(g + 14, 24), 0);
	assert_int_equal(g[50], 0); /* padding is ours, not what the buffer held */
}

static void damaged_and_lying_echoes_are_left_alone(void **state)
{
	/* offset and new value, one at a time */
	static const struct {
		unsigned int at;
		uint8_t val;
	} damage[] = {
		{0, 4},	  {12, 0x86}, {14, 0x65}, {14, 0x44}, {16, 0xff}, {17, 20},
		{17, 85}, {20, 0x20}, {21, 1},	  {23, 17},   {24, 0},	  {33, 9},
		{34, 3},  {35, 1},    {36, 0xaa}, {60, 0x77},
	};
	uint8_t f[128];

	for (unsigned int i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		uint32_t len = frame_echo_request(f, &peer, &me, 7, 9);

		f[damage[i].at] = damage[i].val;
		assert_int_equal(frame_respond(f, len, &me), 0);
	}
	for (uint32_t cut = 0; cut < 98; cut++) {
		frame_echo_request(f, &peer, &me, 7, 9);
		assert_int_equal(frame_respond(f, cut, &me), 0);
		assert_int_equal(frame_classify(f, cut, &me).kind, FRAME_OTHER);
	}
}

static void test_frames_know_run_direction_number_and_damage(void **state)
{
	struct testframe t, other;
	uint8_t f[1514] = {0};
	uint64_t seq;

	for (uint32_t bytes = 60; bytes <= 1514; bytes += 727) {
		testframe_init(&t, me.mac, peer.mac, 0, 5, bytes);
		testframe_write(&t, f, 42);
		assert_true(testframe_is(&t, f, bytes, &seq));
		assert_int_equal(seq, 42);
		assert_true(testframe_payload_ok(&t, f));
		assert_memory_equal(f, me.mac, 6);
		assert_memory_equal(f + 6, peer.mac, 6);
		assert_false(testframe_is(&t, f, bytes - 1, &seq));
		testframe_init(&other, me.mac, peer.mac, 1, 5, bytes);
		assert_false(testframe_is(&other, f, bytes, &seq));
		testframe_init(&other, me.mac, peer.mac, 0, 6, bytes);
		assert_false(testframe_is(&other, f, bytes, &seq));
		f[bytes - 1] ^= 1;
		assert_false(testframe_payload_ok(&t, f));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_rule_takes_the_last_three_bytes),
		cmocka_unit_test(arp_request_is_answered_to_the_asker),
		cmocka_unit_test(arp_for_somebody_else_is_left_alone),
		cmocka_unit_test(echo_request_comes_back_with_good_checksums),
		cmocka_unit_test(echo_with_ip_options_and_padding_is_answered),
		cmocka_unit_test(damaged_and_lying_echoes_are_left_alone),
		cmocka_unit_test(test_frames_know_run_direction_number_and_damage),
	};

	return cmocka_run_group_tests_name("guest_frame", tests, NULL, NULL);
}

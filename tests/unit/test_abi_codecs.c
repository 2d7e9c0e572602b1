/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailbox messages, guest block checks and the histogram. */
#include <support/test.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <abi/guest_block.h>
#include <abi/nic_mbx.h>

static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static void set_mac_survives_a_round_trip(void **state)
{
	struct nic_mbx_msg in = {.id = NIC_MBX_SET_MAC, .mac.mode = NIC_MBX_MAC_FILTER_ADD}, out;
	uint32_t w[NIC_MBX_WORDS];

	memcpy(in.mac.addr, mac, 6);
	assert_int_equal(nic_mbx_encode(&in, w), 3);
	assert_int_equal(w[0], 0x20002);
	assert_int_equal(w[1], 0x33221102);
	assert_int_equal(nic_mbx_decode(w, &out), 0);
	assert_memory_equal(out.mac.addr, mac, 6);
	assert_int_equal(out.mac.mode, NIC_MBX_MAC_FILTER_ADD);
}

static void multicast_count_above_thirty_is_clipped(void **state)
{
	uint32_t w[NIC_MBX_WORDS];
	struct nic_mbx_msg out;

	memset(w, 0xff, sizeof(w));
	w[0] = 0xff0000 | NIC_MBX_SET_MULTICAST;
	assert_int_equal(nic_mbx_decode(w, &out), 0);
	assert_int_equal(out.multicast.n, NIC_MBX_MC_MAX);
	assert_int_equal(out.multicast.hash[29], 0xfff);
}

static void vlan_above_4095_is_out_of_range(void **state)
{
	uint32_t w[NIC_MBX_WORDS] = {NIC_MBX_SET_VLAN, 4096};
	struct nic_mbx_msg out;

	assert_int_equal(nic_mbx_decode(w, &out), -ERANGE);
	w[1] = 4095;
	assert_int_equal(nic_mbx_decode(w, &out), 0);
}

static void receive_queues_are_one_or_two(void **state)
{
	struct nic_mbx_msg in = {.id = NIC_MBX_SET_RX_QUEUES, .rx_queues.n = 2}, out;
	uint32_t w[NIC_MBX_WORDS];

	assert_int_equal(nic_mbx_encode(&in, w), 1);
	assert_int_equal(w[0], 0x20040);
	assert_int_equal(nic_mbx_decode(w, &out), 0);
	assert_int_equal(out.rx_queues.n, 2);
	w[0] = 0x40;
	assert_int_equal(nic_mbx_decode(w, &out), -ERANGE);
	w[0] = 0x30040;
	assert_int_equal(nic_mbx_decode(w, &out), -ERANGE);
	in.rx_queues.n = 3;
	assert_int_equal(nic_mbx_encode(&in, w), -ERANGE);
}

static void unknown_ids_and_reply_bits_are_bad_messages(void **state)
{
	uint32_t w[NIC_MBX_WORDS] = {0};
	struct nic_mbx_msg out;

	assert_int_equal(nic_mbx_decode(w, &out), -EBADMSG);
	w[0] = NIC_MBX_PF_CONTROL;
	assert_int_equal(nic_mbx_decode(w, &out), -EBADMSG);
	w[0] = NIC_MBX_VF_RESET | NIC_MBX_ACK;
	assert_int_equal(nic_mbx_decode(w, &out), -EBADMSG);
}

static void reset_reply_carries_no_cts_and_comes_back(void **state)
{
	uint32_t w[3];
	uint8_t got[6];

	nic_mbx_reset_reply(mac, w);
	assert_int_equal(w[0], 0x80000001);
	assert_int_equal(nic_mbx_reset_reply_decode(w, got), 0);
	assert_memory_equal(got, mac, 6);
	nic_mbx_reset_reply(NULL, w);
	assert_int_equal(w[0], 0x40000001);
	assert_int_equal(nic_mbx_reset_reply_decode(w, got), -ENOENT);
	w[0] = 0xa0000001;
	assert_int_equal(nic_mbx_reset_reply_decode(w, got), -EBADMSG);
}

static void histogram_error_stays_below_two_percent(void **state)
{
	for (uint64_t v = 1; v < UINT64_C(1) << 32; v += v / 7 + 1) {
		uint64_t low = hist_value(hist_index(v));

		assert_true(low <= v);
		assert_true((v - low) * 64 <= v);
	}
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
	assert_int_equal(hist_index(UINT32_MAX), HIST_BUCKETS - 1);
}

static void percentiles_come_from_all_samples(void **state)
{
	struct hist *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	assert_int_equal(hist_percentile(h, 5000), 0);
	for (uint64_t v = 1; v <= 1000; v++)
		hist_add(h, v);
	assert_int_equal(h->n, 1000);
	assert_in_range(hist_percentile(h, 5000), 492, 500);
	assert_in_range(hist_percentile(h, 9900), 975, 990);
	assert_int_equal(h->max, 1000);
	free(h);
}

static void guest_requests_out_of_range_are_refused(void **state)
{
	struct guest_req r = {
		.kind = GUEST_REQ_RTT, .slot_a = 1, .slot_b = 2, .frame_bytes = 60, .count = 1};

	assert_int_equal(guest_req_check(&r), 0);
	r.slot_b = 1;
	assert_int_equal(guest_req_check(&r), -EINVAL);
	r.slot_b = 32;
	assert_int_equal(guest_req_check(&r), -EINVAL);
	r.slot_b = 2;
	r.frame_bytes = 1515;
	assert_int_equal(guest_req_check(&r), -EINVAL);
}

static void a_result_whose_counts_contradict_is_refused(void **state)
{
	struct guest_req q = {.seq = 3, .kind = GUEST_REQ_RTT, .count = 10};
	struct guest_res *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->seq = 3;
	assert_int_equal(guest_res_check(&q, r), 0);
	r->hist.n = 1;
	assert_int_equal(guest_res_check(&q, r), -EBADMSG);
	r->hist.bucket[4] = 1;
	assert_int_equal(guest_res_check(&q, r), 0);
	r->gaps = (struct guest_gaps){.n = 2, .max = 70, .lost = 100, .stalled = 70};
	assert_int_equal(guest_res_check(&q, r), 0);
	r->gaps.max = 101;
	assert_int_equal(guest_res_check(&q, r), -EBADMSG);
	r->gaps.max = 70;
	r->error = 5000;
	assert_int_equal(guest_res_check(&q, r), -EBADMSG);
	free(r);
}

int main(void)
{
	const struct CMUnitTest abi_codecs[] = {
		cmocka_unit_test(set_mac_survives_a_round_trip),
		cmocka_unit_test(multicast_count_above_thirty_is_clipped),
		cmocka_unit_test(vlan_above_4095_is_out_of_range),
		cmocka_unit_test(receive_queues_are_one_or_two),
		cmocka_unit_test(unknown_ids_and_reply_bits_are_bad_messages),
		cmocka_unit_test(reset_reply_carries_no_cts_and_comes_back),
		cmocka_unit_test(histogram_error_stays_below_two_percent),
		cmocka_unit_test(percentiles_come_from_all_samples),
		cmocka_unit_test(guest_requests_out_of_range_are_refused),
		cmocka_unit_test(a_result_whose_counts_contradict_is_refused),
	};

	return cmocka_run_group_tests(abi_codecs, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames over several receive buffers, and what else is long: segmentation between data threads. */
#include <support/test.h>
#include <dp.h>
#include <support/crc32c_bits.h>
#include <support/snic_pair.h>

#define BUF	2048u /* of a posted buffer */
#define LONGEST 9000u
#define CTX	(NIC_TXD_DEXT | field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_CTXT))

static void pair_up(struct rig *r, struct pair *p, unsigned int n, unsigned int posted)
{
	rig_pf_up(r, 2);
	rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_AUPE | VMOLR_LPE | (LONGEST + 4));
	pair_queues_up(r, p, n, posted);
}

/* A frame in two parts; of several under way only the first 60 bytes may differ. */
static void send_long(struct pair *p, uint32_t len)
{
	uint8_t *mem = p->a.rig->mem[0], *first = rig_tx_buf(&p->a);
	const uint32_t rest = RIG_TX_BUF + RIG_RING_MAX * RIG_STRIDE;

	memcpy(first, p->frame, 60);
	memcpy(mem + rest, p->frame + 60, len - 60);
	rig_tx_raw(&p->a, rig_iova((uint32_t)(first - mem)), RIG_TXD | 60, len << 14);
	rig_tx_raw(&p->a, rig_iova(rest), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | (len - 60), 0);
}

/* The next frame: its pieces are checked and put together; 0 there is none. */
static uint32_t receive_by(struct rig_queue *q, uint32_t size, uint8_t *to,
			   struct nic_rx_wb *ret_last)
{
	const uint8_t *buf = NULL;
	uint32_t len = 0, n;

	while ((n = rig_rx(q, &buf, ret_last)) > 0) {
		memcpy(to + len, buf, n);
		len += n;
		rig_post(q, rig_iova(RIG_RX_BUF + q->rx_tail % RIG_RING_MAX * RIG_STRIDE));
		if (le32_get(ret_last->status) & NIC_RXD_STAT_EOP)
			return len;
		assert_int_equal(le32_get(ret_last->status), NIC_RXD_STAT_DD);
		assert_int_equal(n, size);
	}
	assert_int_equal(len, 0);
	return 0;
}

static uint32_t receive(struct rig_queue *q, uint8_t *to, struct nic_rx_wb *ret_last)
{
	return receive_by(q, BUF, to, ret_last);
}

static void a_long_frame_is_spread_over_buffers_and_the_last_says_all(void **state)
{
	static const uint32_t lens[] = {2049, 4095, 4096, 4097, 60, 6000, 2048, LONGEST};
	struct rig *r = *state;
	struct snic_counters c;
	struct nic_rx_wb wb = {0};
	uint64_t bytes = 0;
	uint8_t got[9800];
	struct pair p;

	pair_up(r, &p, 64, 40);
	for (unsigned int round = 0; round < 40; round++) {
		uint32_t len = lens[round % ARRAY_SIZE(lens)];

		rig_frame(p.frame, p.mac_b, p.mac_a, -1, len);
		p.frame[20] = (uint8_t)round;
		if (len > 60)
			send_long(&p, len);
		else
			rig_tx(&p.a, p.frame, len);
		rig_run(r);
		assert_int_equal(receive(&p.b, got, &wb), len);
		assert_memory_equal(got, p.frame, len);
		assert_int_equal(le32_get(wb.status), NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP |
							      NIC_RXD_STAT_IXSM | NIC_RXD_STAT_LB);
		bytes += len + 4;
	}
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LONGEST + 1);
	send_long(&p, LONGEST + 1);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), 0);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_packets, 40);
	assert_int_equal(c.pool[1].rx_bytes, bytes);
	assert_int_equal(c.pool[1].rx_dropped, 1);
}

static void long_and_short_frames_of_one_batch_keep_their_order(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800];
	struct pair p;

	/* 24 frames in 32 descriptors, 56 buffers: more than a batch writes back at once */
	pair_up(r, &p, 128, 120);
	for (unsigned int i = 0; i < 24; i++) {
		uint32_t len = i % 3 == 2 ? LONGEST : 60;

		rig_frame(p.frame, p.mac_b, p.mac_a, -1, len);
		p.frame[20] = (uint8_t)i;
		if (len > 60)
			send_long(&p, len);
		else
			rig_tx(&p.a, p.frame, len);
	}
	rig_run(r);
	for (unsigned int i = 0; i < 24; i++) {
		assert_int_equal(receive(&p.b, got, &wb), i % 3 == 2 ? LONGEST : 60);
		assert_int_equal(got[20], i);
	}
	assert_int_equal(receive(&p.b, got, &wb), 0);
}

static void a_frame_that_finds_too_few_buffers_takes_none(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	struct snic_counters c;
	uint8_t got[9800];
	struct pair p;

	pair_up(r, &p, 64, 4); /* 9000 bytes take five */
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LONGEST);
	send_long(&p, LONGEST);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RQDPC(1)), 1);
	rig_post(&p.b, rig_iova(RIG_RX_BUF + 4 * RIG_STRIDE));
	send_long(&p, LONGEST);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), LONGEST);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_packets, 1);
	assert_int_equal(c.pool[1].rx_dropped, 1);
}

static void a_frame_longer_than_the_whole_ring_is_too_long(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800];
	struct pair p;

	pair_up(r, &p, 64, 40);
	/* buffers of 256 bytes: 36 for this frame, more than a batch has */
	mmio_write32(p.b.rx + 0x0c,
		     SRRCTL_DROP_EN | field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
	rig_write(r, SNIC_PF, nic_RCTL(0), RCTL_EN | RCTL_BAM | field_prep(RCTL_BSIZE, 3));
	snic_service(r->nic);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LONGEST);
	send_long(&p, LONGEST);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_ROC(0)), 1);
}

static void a_bad_buffer_ends_the_frame_with_an_error_and_the_queue_goes_on(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800];
	struct pair p;

	pair_up(r, &p, 64, 2);
	rig_post(&p.b, RIG_IOVA + RIG_MEM - BUF + 1);
	for (uint32_t i = 3; i < 20; i++)
		rig_post(&p.b, rig_iova(RIG_RX_BUF + i * RIG_STRIDE));
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LONGEST);
	send_long(&p, LONGEST);
	send_long(&p, LONGEST);
	rig_run(r);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_rx(&p.b, NULL, &wb), BUF);
		assert_int_equal(le32_get(wb.status), NIC_RXD_STAT_DD);
	}
	assert_int_equal(rig_rx(&p.b, NULL, &wb), SNIC_FRAME_MIN); /* Linux waits for a length */
	assert_true(le32_get(wb.status) & NIC_RXD_STAT_EOP);
	assert_true(le32_get(wb.status) & NIC_RXD_ERR_RXE);
	assert_int_equal(receive(&p.b, got, &wb), LONGEST);
	assert_memory_equal(got, p.frame, LONGEST);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_packets, 1);
	assert_int_equal(c.pool[1].rx_dropped, 1);
}

static void tags_of_long_frames_are_inserted_and_stripped(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800];
	struct pair p;

	pair_up(r, &p, 64, 40);
	rig_frame(p.frame, p.mac_b, p.mac_a, 100, 4100);
	rig_write(r, SNIC_PF, nic_VLVF(0), BIT32(31) | BIT32(13) | 100);
	rig_write(r, SNIC_PF, nic_VFTA(3), BIT32(4));
	send_long(&p, 4100);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), 4100);
	assert_memory_equal(got, p.frame, 4100);
	rig_write(r, SNIC_PF, nic_VMOLR(1),
		  VMOLR_BAM | VMOLR_AUPE | VMOLR_LPE | VMOLR_STRVLAN | (LONGEST + 4));
	send_long(&p, 4100);
	rig_run(r);
	assert_int_equal(receive(&p.b, got, &wb), 4096);
	assert_true(le32_get(wb.status) & NIC_RXD_STAT_VP);
	assert_int_equal(le16_get(wb.vlan), 100);
	assert_memory_equal(got, p.frame, 12);
	assert_memory_equal(got + 12, p.frame + 16, 4084);
}

static void wire_put(struct rig *r, const uint8_t *frame, uint32_t len)
{
	struct snic_wire_slot *s = snic_wire_room(&r->wire->in);

	if (!s)
		abort();
	memcpy(s->frame, frame, len);
	s->len = len;
	snic_wire_put(&r->wire->in);
}

static void frames_of_the_wire_are_spread_as_well(void **state)
{
	const uint32_t len = 1900;
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t src[6] = {2, 0, 0, 0, 1, 1}, got[9800];
	struct pair p;

	pair_up(r, &p, 64, 40);
	mmio_write32(p.b.rx + 0x0c,
		     SRRCTL_DROP_EN | 1 | field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
	rig_write(r, SNIC_PF, nic_RLPML(0), LONGEST + 4);
	rig_write(r, SNIC_PF, nic_RCTL(0), RCTL_EN | RCTL_BAM | RCTL_LPE);
	snic_service(r->nic);
	rig_frame(p.frame, p.mac_b, src, -1, len);
	for (unsigned int i = 0; i < 5; i++)
		wire_put(r, p.frame, len);
	rig_run(r);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(receive_by(&p.b, 1024, got, &wb), len);
		assert_memory_equal(got, p.frame, len);
		assert_false(le32_get(wb.status) & NIC_RXD_STAT_LB);
	}
}

static void a_wire_that_waits_does_so_for_all_buffers_of_a_frame(void **state)
{
	const uint32_t len = 1900;
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t src[6] = {2, 0, 0, 0, 1, 1}, got[9800];
	struct pair p;

	pair_up(r, &p, 64, 1);
	mmio_write32(p.b.rx + 0x0c, 1 | field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
	rig_write(r, SNIC_PF, nic_RLPML(0), LONGEST + 4);
	rig_write(r, SNIC_PF, nic_RCTL(0), RCTL_EN | RCTL_BAM | RCTL_LPE);
	snic_service(r->nic);
	r->wire->hold = true;
	rig_frame(p.frame, p.mac_b, src, -1, len);
	wire_put(r, p.frame, len);
	rig_run(r);
	assert_non_null(snic_wire_peek(&r->wire->in));
	rig_post(&p.b, rig_iova(RIG_RX_BUF + RIG_STRIDE));
	rig_run(r);
	assert_null(snic_wire_peek(&r->wire->in));
	assert_int_equal(receive_by(&p.b, 1024, got, &wb), len);
	assert_memory_equal(got, p.frame, len);
}

/* A packet to be cut into the most frames a request can be. */
static void the_most_segments_of_one_packet_all_arrive(void **state)
{
	struct rig *r = *state;
	uint32_t payload = 65535 - 40, frames = 0, bytes = 0, at = 0;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800], *out;
	struct pair p;

	pair_up(r, &p, 256, 200);
	out = r->mem[0] + RIG_SCRATCH;
	rig_frame(out, p.mac_b, p.mac_a, -1, 100);
	memset(out + 14, 0, 40);
	out[12] = 0x08;
	out[13] = 0;
	out[14] = 0x45;
	out[23] = 6;
	out[46] = 0x50;
	rig_tx_raw(&p.a, 20 | 14 << 9, CTX | BIT32(10) | BIT32(11), 20 << 8 | TSO_MSS_MIN << 16);
	rig_tx_raw(&p.a, rig_iova(RIG_SCRATCH), RIG_TXD | NIC_TXD_TSE | 54, 0);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | payload, 0);
	/* its receiver has 200 buffers at a time: what it does not take is counted */
	for (unsigned int i = 0; i < 20; i++) {
		rig_run(r);
		while ((at = receive(&p.b, got, &wb)) > 0) {
			frames++;
			bytes += at - 54;
		}
	}
	assert_true(le32_get(p.a.tx_ring[2].status) & NIC_TXD_STAT_DD);
	assert_true(frames >= 200);
	frames += rig_read(r, SNIC_PF, nic_RQDPC(1));
	assert_int_equal(frames, (payload + TSO_MSS_MIN - 1) / TSO_MSS_MIN);
	assert_true(bytes <= payload);
}

static void headers_longer_than_the_function_takes_are_refused(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 40);
	rig_tx_raw(&p.a, 511 | 127 << 9, CTX | BIT32(10) | BIT32(11),
		   255u << 8 | TSO_MSS_MIN << 16);
	for (unsigned int i = 0; i < 8; i++) {
		rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_TSE | 8000, 0);
		rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF),
			   RIG_TXD | NIC_TXD_TSE | NIC_TXD_EOP | NIC_TXD_RS | 57000, 0);
	}
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[0].tx_dropped, 8);
	assert_int_equal(c.pool[0].tx_packets, 0);
}

static void the_checksum_of_sctp_is_filled_in(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	uint8_t got[9800], *l4;
	struct pair p;

	pair_up(r, &p, 64, 40);
	for (uint32_t len = 46; len < 1500; len += 211) {
		uint32_t field, there = len < 60 ? 60 : len;

		rig_frame(p.frame, p.mac_b, p.mac_a, -1, len);
		memset(p.frame + 14, 0, 20);
		p.frame[14] = 0x45;
		p.frame[16] = (uint8_t)((len - 14) >> 8);
		p.frame[17] = (uint8_t)(len - 14);
		p.frame[23] = 132;
		rig_tx_raw(&p.a, 20 | 14 << 9, CTX | BIT32(10) | BIT32(12), 0);
		memcpy(r->mem[0] + RIG_TX_BUF, p.frame, len);
		rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | len,
			   2 << 8 | len << 14);
		rig_run(r);
		assert_int_equal(receive(&p.b, got, &wb), there);
		l4 = got + 34;
		field = crc32c_sctp_field(l4);
		memset(l4 + 8, 0, 4);
		assert_int_equal(field, crc32c_bits(l4, len - 34));
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
#define SPREAD(f)                                                       \
	{                                                               \
		"spread_" #f, f, pair_setup_spread, pair_teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_long_frame_is_spread_over_buffers_and_the_last_says_all),
		CASE(long_and_short_frames_of_one_batch_keep_their_order),
		CASE(a_frame_that_finds_too_few_buffers_takes_none),
		CASE(a_frame_longer_than_the_whole_ring_is_too_long),
		CASE(a_bad_buffer_ends_the_frame_with_an_error_and_the_queue_goes_on),
		CASE(tags_of_long_frames_are_inserted_and_stripped),
		CASE(frames_of_the_wire_are_spread_as_well),
		CASE(a_wire_that_waits_does_so_for_all_buffers_of_a_frame),
		CASE(the_most_segments_of_one_packet_all_arrive),
		CASE(headers_longer_than_the_function_takes_are_refused),
		CASE(the_checksum_of_sctp_is_filled_in),
		SPREAD(a_long_frame_is_spread_over_buffers_and_the_last_says_all),
		SPREAD(long_and_short_frames_of_one_batch_keep_their_order),
		SPREAD(a_frame_that_finds_too_few_buffers_takes_none),
		SPREAD(a_frame_longer_than_the_whole_ring_is_too_long),
		SPREAD(a_bad_buffer_ends_the_frame_with_an_error_and_the_queue_goes_on),
		SPREAD(tags_of_long_frames_are_inserted_and_stripped),
		SPREAD(frames_of_the_wire_are_spread_as_well),
		SPREAD(the_most_segments_of_one_packet_all_arrive),
		SPREAD(headers_longer_than_the_function_takes_are_refused),
		SPREAD(the_checksum_of_sctp_is_filled_in),
	};

	return cmocka_run_group_tests_name("soft_nic_dp_scatter", tests, NULL, NULL);
}

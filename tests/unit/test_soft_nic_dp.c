/* SPDX-License-Identifier: BSD-3-Clause */
/* The data path, one round at a time: descriptors, rings, delivery, drops, counters. */
#include <support/test.h>
#include <support/snic_pair.h>

#define LEN 60u

static void pair_up(struct rig *r, struct pair *p, unsigned int n, unsigned int posted)
{
	rig_pf_up(r, 2);
	pair_queues_up(r, p, n, posted);
}

static void frame_reaches_the_other_vf_whole_and_with_its_status(void **state)
{
	struct rig *r = *state;
	struct pair p;
	const uint8_t *buf = NULL;
	struct nic_rx_wb wb = {0};

	pair_up(r, &p, 64, 32);
	for (uint32_t len = LEN; len <= 1514; len += len < 300 ? 1 : 97) {
		rig_frame(p.frame, p.mac_b, p.mac_a, -1, len);
		rig_tx(&p.a, p.frame, len);
		rig_run(r);
		assert_int_equal(rig_rx(&p.b, &buf, &wb), len);
		assert_memory_equal(buf, p.frame, len);
		assert_int_equal(le32_get(wb.status), NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP |
							      NIC_RXD_STAT_IXSM | NIC_RXD_STAT_LB);
		assert_int_equal(le32_get(wb.info), 0);
		rig_post(&p.b, rig_iova(RIG_RX_BUF + p.b.rx_tail % RIG_RING_MAX * RIG_STRIDE));
	}
	assert_int_equal(rig_rx(&p.a, NULL, NULL), 0);
}

static void rings_wrap_and_keep_order(void **state)
{
	struct rig *r = *state;
	struct pair p;
	const uint8_t *buf = NULL;

	pair_up(r, &p, 16, 15);
	for (unsigned int round = 0; round < 100; round++) {
		for (unsigned int k = 0; k < 7; k++) {
			rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
			p.frame[20] = (uint8_t)round;
			p.frame[21] = (uint8_t)k;
			rig_tx(&p.a, p.frame, LEN);
		}
		rig_run(r);
		for (unsigned int k = 0; k < 7; k++) {
			assert_int_equal(rig_rx(&p.b, &buf, NULL), LEN);
			assert_int_equal(buf[20], round);
			assert_int_equal(buf[21], k);
			rig_post(&p.b, rig_iova(RIG_RX_BUF + p.b.rx_tail * RIG_STRIDE));
		}
	}
}

static void done_is_reported_where_it_was_asked_for(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 4; i++) {
		uint8_t *buf = rig_tx_buf(&p.a);

		memcpy(buf, p.frame, LEN);
		rig_tx_raw(&p.a, rig_iova((uint32_t)(buf - r->mem[0])),
			   RIG_TXD | NIC_TXD_EOP | LEN | (i == 3 ? NIC_TXD_RS : 0), LEN << 14);
	}
	rig_run(r);
	for (unsigned int i = 0; i < 3; i++)
		assert_false(le32_get(p.a.tx_ring[i].status) & NIC_TXD_STAT_DD);
	assert_true(le32_get(p.a.tx_ring[3].status) & NIC_TXD_STAT_DD);
}

static void head_write_back_replaces_done_bits(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	mmio_write32(p.a.tx + 0x38, (uint32_t)rig_iova(RIG_SCRATCH) | TDWBAL_ENABLE);
	snic_service(r->nic);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(*(uint32_t *)(void *)(r->mem[0] + RIG_SCRATCH), 2);
	assert_false(le32_get(p.a.tx_ring[1].status) & NIC_TXD_STAT_DD);
}

static void frame_in_several_descriptors_is_put_together(void **state)
{
	struct rig *r = *state;
	struct pair p;
	const uint8_t *buf = NULL;
	uint8_t *tx;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 1000);
	tx = r->mem[0] + RIG_TX_BUF;
	memcpy(tx, p.frame, 1000);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | 10, 1000 << 14);
	rig_run(r);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF + 10), RIG_TXD | 490, 0);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF + 500), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | 500, 0);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, NULL), 1000);
	assert_memory_equal(buf, p.frame, 1000);
	assert_true(le32_get(p.a.tx_ring[2].status) & NIC_TXD_STAT_DD);
}

static void short_frame_is_padded_with_zeros(void **state)
{
	struct rig *r = *state;
	struct pair p;
	const uint8_t *buf = NULL;

	pair_up(r, &p, 64, 32);
	memset(r->mem[1] + RIG_RX_BUF, 0xee, 100);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 20);
	rig_tx(&p.a, p.frame, 20);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, NULL), 60);
	assert_memory_equal(buf, p.frame, 20);
	for (unsigned int i = 20; i < 60; i++)
		assert_int_equal(buf[i], 0);
}

static void bad_buffer_address_drops_the_frame_and_the_queue_goes_on(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;
	const uint64_t bad[] = {0, RIG_IOVA - 30, RIG_IOVA + RIG_MEM - LEN + 1, UINT64_MAX - 10,
				UINT64_C(1) << 52};

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		rig_tx_raw(&p.a, bad[i], RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | LEN, LEN << 14);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	for (unsigned int i = 0; i <= ARRAY_SIZE(bad); i++)
		assert_true(le32_get(p.a.tx_ring[i].status) & NIC_TXD_STAT_DD);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[0].tx_dropped, ARRAY_SIZE(bad));
	assert_int_equal(c.pool[0].tx_packets, 1);
}

static void bad_receive_buffer_is_used_up_without_a_write(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct nic_rx_wb wb = {0};
	struct pair p;

	pair_up(r, &p, 64, 0);
	rig_post(&p.b, RIG_IOVA + RIG_MEM - (LEN - 1));
	rig_post(&p.b, rig_iova(RIG_RX_BUF + RIG_STRIDE));
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, &wb), LEN); /* Linux waits for a length */
	assert_true(le32_get(wb.status) & NIC_RXD_ERR_RXE);
	assert_int_equal(rig_rx(&p.b, NULL, &wb), LEN);
	assert_false(le32_get(wb.status) & NIC_RXD_ERR_RXE);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_dropped, 1);
	assert_int_equal(c.pool[1].rx_packets, 1);
	assert_int_equal(c.pool[1].rx_bytes, LEN + 4);
}

static void no_buffer_drops_and_counts(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 2);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 5; i++)
		rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RQDPC(1)), 3);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RQDPC(1)), 0);
}

static void full_queue_that_must_not_drop_counts_as_missed(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 1);
	mmio_write32(p.b.rx + 0x0c, 2);
	snic_service(r->nic);
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_RXO);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 3; i++)
		rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	snic_dp_tick(r->nic);
	assert_int_equal(rig_read(r, SNIC_PF, nic_MPC(0)), 2);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RQDPC(1)), 0);
	assert_true(rig_read(r, SNIC_PF, nic_ICR(0)) & ICR_RXO);
	rig_write(r, SNIC_PF, nic_QDE(0), 2);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RQDPC(1)), 1);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_dropped, 3);
}

static void length_limit_of_nothing_lets_nothing_through(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (uint32_t limit = 0; limit <= 64; limit += limit < 8 ? 1 : 7) {
		rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_AUPE | VMOLR_LPE | limit);
		rig_tx(&p.a, p.frame, LEN);
		rig_tx(&p.a, p.frame, LEN);
		rig_run(r);
		assert_int_equal(rig_rx(&p.b, NULL, NULL), limit == 64 ? LEN : 0);
	}
}

static void tails_and_lengths_that_cannot_be_are_ignored(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	mmio_write32(p.a.tx + 0x18, 64);
	assert_int_equal(rig_run(r), 0);
	mmio_write32(p.a.tx + 0x18, 0xffffffff);
	assert_int_equal(rig_run(r), 0);
	mmio_write32(p.a.tx + 0x18, 0);
	mmio_write32(p.a.tx + 0x08, 0xfffff);
	snic_service(r->nic);
	mmio_write32(p.a.tx + 0x18, 5);
	assert_int_equal(rig_run(r), 0);
	mmio_write32(p.a.tx + 0x08, 0);
	snic_service(r->nic);
	assert_int_equal(rig_run(r), 0);
}

static void ring_outside_memory_never_starts(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	mmio_write32(p.a.tx + 0x00, (uint32_t)(RIG_IOVA + RIG_MEM - 128));
	snic_service(r->nic);
	mmio_write32(p.a.tx + 0x18, 5);
	assert_int_equal(rig_run(r), 0);
}

static void ring_of_garbage_harms_nobody(void **state)
{
	struct rig *r = *state;
	struct pair p;
	unsigned int seed = 1;

	pair_up(r, &p, 256, 200);
	for (unsigned int round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 256 * NIC_DESC_SIZE; i++)
			((uint8_t *)p.a.tx_ring)[i] = (uint8_t)rand_r(&seed);
		mmio_write32(p.a.tx + 0x18, (uint32_t)rand_r(&seed) % 256);
		rig_run(r);
	}
	/* and a good frame still gets through once the ring is sane again */
	mmio_write32(p.a.tx + 0x28, 0);
	rig_run(r);
	snic_service(r->nic);
	p.a = rig_queue_up(r, 0, 0, 64, 32);
	p.b = rig_queue_up(r, 1, 1, 64, 32);
	mmio_write32(p.b.rx + 0x28, 0);
	snic_service(r->nic);
	p.b = rig_queue_up(r, 1, 1, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
}

static void too_long_frames_are_dropped_for_the_pool(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 1600);
	rig_tx(&p.a, p.frame, 1515);
	rig_tx(&p.a, p.frame, 1514);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 1514);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_ROC(0)), 1);
	/* with LPE the pool's own limit rules */
	rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_AUPE | VMOLR_LPE | 1604);
	rig_tx(&p.a, p.frame, 1600);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 1600);
}

static void port_vlan_is_inserted_and_stripped(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	const uint8_t *buf = NULL;
	struct snic_wire_slot *s;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_write(r, SNIC_PF, nic_RCTL(0), RCTL_EN | RCTL_BAM | RCTL_VFE);
	rig_write(r, SNIC_PF, nic_VFTA(0), BIT32(10));
	rig_write(r, SNIC_PF, nic_VLVF(0), VLVF_EN | field_prep(VLVF_POOLSEL, 3) | 10);
	rig_write(r, SNIC_PF, nic_VMVIR(0),
		  field_prep(VMVIR_VLANA, VMVIR_VLANA_ALWAYS) | 10 | 3 << 13);
	rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_STRVLAN);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 100);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, &wb), 100);
	assert_memory_equal(buf, p.frame, 100);
	assert_true(le32_get(wb.status) & NIC_RXD_STAT_VP);
	assert_int_equal(le16_get(wb.vlan), 10 | 3 << 13);
	/* without stripping the tag is in the frame */
	rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, &wb), 104);
	assert_false(le32_get(wb.status) & NIC_RXD_STAT_VP);
	assert_memory_equal(buf, p.frame, 12);
	assert_memory_equal(buf + 12, "\x81\x00\x60\x0a", 4);
	assert_memory_equal(buf + 16, p.frame + 12, 88);
	/* on the wire as well */
	memset(p.frame, 0xff, 6);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	s = snic_wire_peek(&r->wire->out);
	assert_non_null(s);
	assert_int_equal(s->len, 104);
	assert_memory_equal(s->frame + 12, "\x81\x00\x60\x0a\x88\xb5", 6);
	/* a tag of the VF's own below a port VLAN counts as forged */
	rig_frame(p.frame, p.mac_b, p.mac_a, 10, 100);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 104); /* the broadcast from before */
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_SSVPC(0)), 1);
}

static void tag_in_the_frame_is_stripped_or_left(void **state)
{
	struct rig *r = *state;
	struct nic_rx_wb wb = {0};
	const uint8_t *buf = NULL;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, 5, 100);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, &wb), 100);
	assert_memory_equal(buf, p.frame, 100);
	rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_AUPE | VMOLR_STRVLAN);
	rig_tx(&p.a, p.frame, 100);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, &wb), 96);
	assert_memory_equal(buf, p.frame, 12);
	assert_memory_equal(buf + 12, p.frame + 16, 84);
	assert_int_equal(le16_get(wb.vlan), 5);
}

static void context_descriptor_gives_the_tag_that_vle_inserts(void **state)
{
	struct rig *r = *state;
	const uint8_t *buf = NULL;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_tx_raw(&p.a, (uint64_t)7 << 16,
		   field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_CTXT) | NIC_TXD_DEXT,
		   field_prep(NIC_TXD_IDX, 1));
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 100);
	memcpy(r->mem[0] + RIG_TX_BUF, p.frame, 100);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF),
		   RIG_TXD | NIC_TXD_EOP | NIC_TXD_VLE | NIC_TXD_RS | 100,
		   field_prep(NIC_TXD_IDX, 1));
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, NULL), 104);
	assert_memory_equal(buf + 12, "\x81\x00\x00\x07", 4);
	assert_false(le32_get(p.a.tx_ring[0].status) & NIC_TXD_STAT_DD);
}

static void segmentation_without_a_context_is_refused_and_counted(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_TSE | 200, 0);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | 3000, 0);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[0].tx_dropped, 1);
}

static void a_long_packet_becomes_frames_of_the_segment_size(void **state)
{
	struct rig *r = *state;
	const uint8_t *buf = NULL;
	uint32_t frames = 0, bytes = 0, len;
	struct pair p;
	uint8_t *out;

	/* 60 segments: more than a batch, to one receiver */
	pair_up(r, &p, 128, 100);
	out = r->mem[p.a.fn] + RIG_SCRATCH;
	rig_frame(out, p.mac_b, p.mac_a, -1, 100);
	memset(out + 14, 0, 40);
	out[12] = 0x08;
	out[13] = 0;
	out[14] = 0x45;
	out[23] = 6;
	out[46] = 0x50;
	rig_tx_raw(&p.a, 20 | 14 << 9,
		   NIC_TXD_DEXT | field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_CTXT) | BIT32(10) |
			   BIT32(11),
		   20 << 8 | 100 << 16);
	rig_tx_raw(&p.a, rig_iova(RIG_SCRATCH), RIG_TXD | NIC_TXD_TSE | 54, 0);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | 6000, 0);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	while ((len = rig_rx(&p.b, &buf, NULL)) == 154) {
		frames++;
		bytes += len - 54;
	}
	assert_int_equal(len, LEN);
	assert_int_equal(frames, 60);
	assert_int_equal(bytes, 6000);
}

static void checksums_are_filled_in(void **state)
{
	struct rig *r = *state;
	const uint8_t *buf = NULL;
	struct pair p;
	uint8_t *ip;
	uint32_t sum = 0;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, 100);
	ip = p.frame + 14;
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[3] = 86;
	ip[8] = 64;
	ip[9] = 17;
	ip[12] = 10;
	ip[16] = 10;
	rig_tx_raw(&p.a, 14 << 9 | 20, field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_CTXT) | NIC_TXD_DEXT,
		   0);
	memcpy(r->mem[0] + RIG_TX_BUF, p.frame, 100);
	rig_tx_raw(&p.a, rig_iova(RIG_TX_BUF), RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | 100, 1 << 8);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, NULL), 100);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)buf[14 + i] << 8 | buf[15 + i];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void forged_frames_are_dropped_flagged_and_complete(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_write(r, SNIC_PF, nic_DTXSWC(0), DTXSWC_LOOPBACK | 0xff);
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_DOUTSYNC);
	rig_frame(p.frame, p.mac_b, p.mac_b, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	snic_dp_tick(r->nic);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	assert_true(le32_get(p.a.tx_ring[0].status) & NIC_TXD_STAT_DD);
	assert_int_equal(rig_read(r, SNIC_PF, nic_WVBR(0)), 1);
	assert_int_equal(rig_read(r, SNIC_PF, nic_WVBR(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_SSVPC(0)), 1);
	assert_true(rig_read(r, SNIC_PF, nic_ICR(0)) & ICR_DOUTSYNC);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[0].spoofed, 1);
	assert_int_equal(c.pool[0].tx_packets, 0);
}

static void broadcast_is_copied_to_everybody_and_the_wire(void **state)
{
	struct rig *r = *state;
	struct rig_queue pf;
	struct snic_wire_slot *s;
	struct pair p;

	pair_up(r, &p, 64, 32);
	pf = rig_queue_up(r, SNIC_PF, 2, 64, 32);
	rig_frame(p.frame, (const uint8_t *)"\xff\xff\xff\xff\xff\xff", p.mac_a, -1, 64);
	rig_tx(&p.a, p.frame, 64);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 64);
	assert_int_equal(rig_rx(&pf, NULL, NULL), 64);
	assert_int_equal(rig_rx(&p.a, NULL, NULL), 0);
	s = snic_wire_peek(&r->wire->out);
	assert_non_null(s);
	assert_int_equal(s->len, 64);
	assert_memory_equal(s->frame, p.frame, 64);
	assert_int_equal(rig_read(r, SNIC_PF, nic_BPTC(0)), 1);
}

static void frames_from_the_wire_are_delivered(void **state)
{
	struct rig *r = *state;
	struct snic_wire_slot *s;
	struct snic_counters c;
	struct nic_rx_wb wb = {0};
	const uint8_t *buf = NULL;
	struct pair p;

	pair_up(r, &p, 64, 32);
	s = snic_wire_room(&r->wire->in);
	s->len = rig_frame(s->frame, p.mac_b, p.mac_a, -1, 200);
	snic_wire_put(&r->wire->in);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, &buf, &wb), 200);
	assert_false(le32_get(wb.status) & NIC_RXD_STAT_LB);
	assert_memory_equal(buf, r->wire->in.slot[0].frame, 200);
	snic_counters(r->nic, &c);
	assert_int_equal(c.wire_rx_packets, 1);
	assert_int_equal(c.pool[1].rx_bytes, 204);
	/* a pulled wire delivers nothing in either direction, but VFs still reach each other */
	snic_link_set(r->nic, false);
	s = snic_wire_room(&r->wire->in);
	s->len = rig_frame(s->frame, p.mac_b, p.mac_a, -1, 200);
	snic_wire_put(&r->wire->in);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	p.frame[5] = 0x77;
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	snic_counters(r->nic, &c);
	assert_int_equal(c.wire_rx_dropped, 1);
	assert_int_equal(c.wire_tx_dropped, 1);
}

static void without_bus_master_there_is_no_dma(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_master(r, 1, false);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
	rig_master(r, 1, true);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	rig_master(r, 0, false);
	rig_tx(&p.a, p.frame, LEN);
	assert_int_equal(rig_run(r), 0);
}

static void port_and_pool_enables_stop_queues(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_write(r, SNIC_PF, nic_TCTL(0), 0);
	rig_tx(&p.a, p.frame, LEN);
	assert_int_equal(rig_run(r), 0);
	rig_write(r, SNIC_PF, nic_TCTL(0), TCTL_EN);
	assert_int_equal(rig_run(r), 1);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	rig_write(r, SNIC_PF, nic_VFTE(0), 0xfe);
	rig_tx(&p.a, p.frame, LEN);
	assert_int_equal(rig_run(r), 0);
	rig_write(r, SNIC_PF, nic_VFTE(0), 0xff);
	rig_write(r, SNIC_PF, nic_RCTL(0), 0);
	assert_int_equal(rig_run(r), 1);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
}

static void queue_switched_off_in_shared_memory_stops_at_once(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	mmio_write32(p.a.tx + 0x28, 0);
	rig_tx(&p.a, p.frame, LEN);
	assert_int_equal(rig_run(r), 0);
	assert_true(r->pokes > 0);
	snic_service(r->nic);
	/* off and on again before anybody looked: starts at the head that the driver wrote */
	p.a = rig_queue_up(r, 0, 0, 64, 32);
	rig_tx(&p.a, p.frame, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	snic_dp_tick(r->nic);
	assert_int_equal(mmio_read32(p.a.tx + 0x10), 2);
	p.a = rig_queue_up(r, 0, 0, 64, 32);
	r->pokes = 0;
	snic_dp_tick(r->nic);
	assert_int_equal(r->pokes, 1);
	snic_service(r->nic);
	rig_tx(&p.a, p.frame, LEN);
	assert_int_equal(rig_run(r), 1);
}

static void receive_queue_switched_off_is_not_written(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	mmio_write32(p.b.rx + 0x28, 0);
	snic_dp_tick(r->nic);
	assert_int_equal(r->pokes, 1);
	snic_service(r->nic);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), 0);
}

static void queue_enabled_behind_our_back_is_found_by_the_tick(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	mmio_write32(p.a.tx + 0x28, 0);
	snic_service(r->nic);
	r->pokes = 0;
	snic_dp_tick(r->nic);
	assert_int_equal(r->pokes, 0);
	mmio_write32(p.a.tx + 0x28, XDCTL_ENABLE);
	snic_dp_tick(r->nic);
	snic_dp_tick(r->nic);
	assert_int_equal(r->pokes, 1); /* once, until it was served */
}

static void unmapped_memory_is_never_touched_again(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
	assert_int_equal(snic_dma_set(r->nic, 1, NULL, 0), 0);
	mprotect(r->mem[1], RIG_MEM, PROT_NONE);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	mprotect(r->mem[1], RIG_MEM, PROT_READ | PROT_WRITE);
	/* mapped again it goes on where it was */
	rig_map(r, 1);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
}

static void memory_the_device_may_not_write_is_not_written(void **state)
{
	struct rig *r = *state;
	struct pair p;
	struct snic_dma d[2];

	pair_up(r, &p, 64, 32);
	d[0] = (struct snic_dma){RIG_IOVA, RIG_RX_BUF, r->mem[1], true, true};
	d[1] = (struct snic_dma){RIG_IOVA + RIG_RX_BUF, RIG_MEM - RIG_RX_BUF,
				 r->mem[1] + RIG_RX_BUF, true, false};
	assert_int_equal(snic_dma_set(r->nic, 1, d, 2), 0);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(r->mem[1][RIG_RX_BUF], 0);
}

static void counters_of_a_vf_add_up_and_survive_its_reset(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 64, 32);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 3; i++)
		rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	assert_int_equal(rig_read(r, 0, nicvf_VFGPTC(0)), 3);
	assert_int_equal(rig_read(r, 0, nicvf_VFGOTC(0)), 3 * 64);
	assert_int_equal(rig_read(r, 0, nicvf_VFGPTLBC(0)), 3);
	assert_int_equal(rig_read(r, 1, nicvf_VFGPRC(0)), 3);
	assert_int_equal(rig_read(r, 1, nicvf_VFGORC(0)), 3 * 64);
	assert_int_equal(rig_read(r, 1, nicvf_VFGPRLBC(0)), 3);
	assert_int_equal(rig_read(r, 1, nicvf_VFGPRC(0)), 3);
	rig_write(r, 1, nicvf_VTCTRL(0), VTCTRL_RST);
	assert_int_equal(rig_read(r, 1, nicvf_VFGPRC(0)), 3);
	/* the port's are cleared by reading */
	assert_int_equal(rig_read(r, SNIC_PF, nic_GPTC(0)), 3);
	assert_int_equal(rig_read(r, SNIC_PF, nic_GPTC(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_GOTCL(0)), 3 * 64);
	assert_int_equal(rig_read(r, SNIC_PF, nic_GOTCH(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_GOTCL(0)), 0);
}

static void odd_descriptors_inside_a_batch_keep_their_place(void **state)
{
	struct rig *r = *state;
	const uint8_t *buf = NULL;
	struct pair p;

	pair_up(r, &p, 64, 60);
	for (unsigned int i = 0; i < 32; i++) {
		uint8_t *tx = rig_tx_buf(&p.a);
		uint32_t at = (uint32_t)(tx - r->mem[0]);

		rig_frame(tx, p.mac_b, p.mac_a, -1, 60 + i);
		tx[20] = (uint8_t)i;
		if (i % 7 == 3) { /* two descriptors a frame */
			rig_tx_raw(&p.a, rig_iova(at), RIG_TXD | 20, 0);
			rig_tx_raw(&p.a, rig_iova(at + 20), RIG_TXD | NIC_TXD_EOP | (40 + i), 0);
		} else {
			rig_tx_raw(&p.a, rig_iova(at),
				   RIG_TXD | NIC_TXD_EOP | (i % 5 ? 0 : NIC_TXD_RS) | (60 + i), 0);
		}
	}
	rig_run(r);
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(rig_rx(&p.b, &buf, NULL), 60 + i);
		assert_int_equal(buf[20], i);
	}
	for (unsigned int i = 0, at = 0; i < 32; i++, at++) {
		bool two = i % 7 == 3;

		assert_int_equal(le32_get(p.a.tx_ring[at].status) & NIC_TXD_STAT_DD,
				 !two && i % 5 == 0);
		at += two;
	}
}

static void flows_to_several_vfs_may_alternate(void **state)
{
	struct rig *r = *state;
	struct rig_queue q[8];
	const uint8_t *buf = NULL;
	uint8_t src[6], dst[6], f[64];

	rig_pf_up(r, 8);
	for (unsigned int i = 0; i < 8; i++)
		q[i] = rig_queue_up(r, i, i, 64, 60);
	rig_mac(0, src);
	for (unsigned int i = 0; i < 56; i++) {
		rig_mac(1 + i % 7, dst);
		rig_frame(f, dst, src, -1, 64);
		f[20] = (uint8_t)i;
		rig_tx(&q[0], f, 64);
	}
	rig_run(r);
	for (unsigned int i = 0; i < 56; i++) {
		assert_int_equal(rig_rx(&q[1 + i % 7], &buf, NULL), 64);
		assert_int_equal(buf[20], i);
		assert_int_equal(buf[5], 1 + 1 + i % 7);
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(rig_rx(&q[i], NULL, NULL), 0);
}

static void good_and_bad_buffers_may_alternate(void **state)
{
	struct rig *r = *state;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 0);
	for (unsigned int i = 0; i < 40; i++)
		rig_post(&p.b, i % 3 == 1 ? UINT64_MAX - i : rig_iova(RIG_RX_BUF + i * RIG_STRIDE));
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 40; i++)
		rig_tx(&p.a, p.frame, LEN);
	rig_run(r);
	for (unsigned int i = 0; i < 40; i++) {
		struct nic_rx_wb wb = p.b.rx_ring[i];

		assert_true(le32_get(wb.status) & NIC_RXD_STAT_DD);
		assert_int_equal(le16_get(wb.length), LEN); /* Linux waits for one */
		assert_int_equal(!!(le32_get(wb.status) & NIC_RXD_ERR_RXE), i % 3 == 1);
	}
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_packets, 27);
	assert_int_equal(c.pool[1].rx_dropped, 13);
}

/* Linux says 2 KiB of what begins behind headroom in half a page: no frame gets that far. */
static void a_buffer_at_the_end_of_memory_may_be_shorter_than_said(void **state)
{
	struct rig *r = *state;
	uint32_t room = 1856, far = RIG_MEM - room, close = RIG_MEM - 1500;
	struct snic_counters c;
	struct pair p;

	pair_up(r, &p, 64, 0);
	rig_post(&p.b, rig_iova(far));
	rig_post(&p.b, rig_iova(close)); /* too short for the longest frame */
	rig_post(&p.b, rig_iova(far));
	for (unsigned int i = 0; i < 2; i++) {
		rig_frame(p.frame, p.mac_b, p.mac_a, -1, 1514);
		rig_tx(&p.a, p.frame, 1514);
		rig_run(r);
	}
	assert_int_equal(le16_get(p.b.rx_ring[0].length), 1514);
	assert_false(le32_get(p.b.rx_ring[0].status) & NIC_RXD_ERR_RXE);
	assert_memory_equal(r->mem[1] + far, p.frame, 1514);
	assert_true(le32_get(p.b.rx_ring[1].status) & NIC_RXD_ERR_RXE);
	snic_counters(r->nic, &c);
	assert_int_equal(c.pool[1].rx_packets, 1);
	assert_int_equal(c.pool[1].rx_dropped, 1);
}

static void memory_in_many_pieces_is_found(void **state)
{
	struct rig *r = *state;
	struct snic_dma d[SNIC_DMA_REGIONS];
	const uint8_t *buf = NULL;
	struct pair p;

	pair_up(r, &p, 64, 0);
	/* rings in the first piece, buffers scattered: 2 MiB apart for the device, 16 KiB for us */
	d[0] = (struct snic_dma){RIG_IOVA, RIG_RX_BUF, r->mem[1], true, true};
	for (uint32_t i = 1; i < SNIC_DMA_REGIONS; i++)
		d[i] = (struct snic_dma){RIG_IOVA + ((uint64_t)i << 21), 16384,
					 r->mem[1] + RIG_RX_BUF + i * 16384, true, true};
	assert_int_equal(snic_dma_set(r->nic, 1, d, SNIC_DMA_REGIONS), 0);
	for (uint32_t i = 1; i < 60; i++)
		rig_post(&p.b, RIG_IOVA + ((uint64_t)(i * 37 % 63 + 1) << 21) + 100);
	for (uint32_t i = 1; i < 60; i++) {
		rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
		p.frame[20] = (uint8_t)i;
		rig_tx(&p.a, p.frame, LEN);
	}
	rig_run(r);
	for (uint32_t i = 1; i < 60; i++) {
		assert_int_equal(rig_rx(&p.b, NULL, NULL), LEN);
		buf = r->mem[1] + RIG_RX_BUF + (i * 37 % 63 + 1) * 16384 + 100;
		assert_int_equal(buf[20], i);
	}
}

static void senders_of_long_frames_do_not_starve_others(void **state)
{
	struct rig *r = *state;
	struct rig_queue q[4];
	unsigned int short_done = 0, long_done = 0;
	uint8_t src[6], dst[6], f[1514];

	rig_pf_up(r, 4);
	for (unsigned int i = 0; i < 4; i++)
		q[i] = rig_queue_up(r, i, i, 256, 255);
	for (unsigned int i = 0; i < 2; i++) { /* 0 to 2, 1 to 3 */
		rig_mac(i, src);
		rig_mac(i + 2, dst);
		for (unsigned int k = 0; k < 250; k++)
			rig_tx(&q[i], f, rig_frame(f, dst, src, -1, i ? 1514 : LEN));
	}
	while (short_done < 250) {
		assert_true(snic_dp_poll_once(r->nic) > 0);
		while (rig_rx(&q[2], NULL, NULL))
			short_done++;
		while (rig_rx(&q[3], NULL, NULL))
			long_done++;
	}
	/* by the bytes and a price for each frame, about one for five */
	assert_in_range(long_done, 32, 96);
	assert_true(rig_run(r) > 0); /* alone, nothing holds it up */
	while (rig_rx(&q[3], NULL, NULL))
		long_done++;
	assert_int_equal(long_done, 250);
}

static void one_round_is_bounded_and_fair(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p, 256, 250);
	rig_frame(p.frame, p.mac_b, p.mac_a, -1, LEN);
	for (unsigned int i = 0; i < 100; i++)
		rig_tx(&p.a, p.frame, LEN);
	rig_frame(p.frame, p.mac_a, p.mac_b, -1, LEN);
	rig_tx(&p.b, p.frame, LEN);
	assert_int_equal(snic_dp_poll_once(r->nic), 33);
	assert_int_equal(rig_rx(&p.a, NULL, NULL), LEN);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
#define SPREAD(f)                                                       \
	{                                                               \
		"spread_" #f, f, pair_setup_spread, pair_teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frame_reaches_the_other_vf_whole_and_with_its_status),
		CASE(rings_wrap_and_keep_order),
		CASE(done_is_reported_where_it_was_asked_for),
		CASE(head_write_back_replaces_done_bits),
		CASE(frame_in_several_descriptors_is_put_together),
		CASE(short_frame_is_padded_with_zeros),
		CASE(bad_buffer_address_drops_the_frame_and_the_queue_goes_on),
		CASE(bad_receive_buffer_is_used_up_without_a_write),
		CASE(no_buffer_drops_and_counts),
		CASE(full_queue_that_must_not_drop_counts_as_missed),
		CASE(length_limit_of_nothing_lets_nothing_through),
		CASE(tails_and_lengths_that_cannot_be_are_ignored),
		CASE(ring_outside_memory_never_starts),
		CASE(ring_of_garbage_harms_nobody),
		CASE(too_long_frames_are_dropped_for_the_pool),
		CASE(port_vlan_is_inserted_and_stripped),
		CASE(tag_in_the_frame_is_stripped_or_left),
		CASE(context_descriptor_gives_the_tag_that_vle_inserts),
		CASE(segmentation_without_a_context_is_refused_and_counted),
		CASE(a_long_packet_becomes_frames_of_the_segment_size),
		CASE(checksums_are_filled_in),
		CASE(forged_frames_are_dropped_flagged_and_complete),
		CASE(broadcast_is_copied_to_everybody_and_the_wire),
		CASE(frames_from_the_wire_are_delivered),
		CASE(without_bus_master_there_is_no_dma),
		CASE(port_and_pool_enables_stop_queues),
		CASE(queue_switched_off_in_shared_memory_stops_at_once),
		CASE(receive_queue_switched_off_is_not_written),
		CASE(queue_enabled_behind_our_back_is_found_by_the_tick),
		CASE(unmapped_memory_is_never_touched_again),
		CASE(memory_the_device_may_not_write_is_not_written),
		CASE(counters_of_a_vf_add_up_and_survive_its_reset),
		CASE(odd_descriptors_inside_a_batch_keep_their_place),
		CASE(flows_to_several_vfs_may_alternate),
		CASE(good_and_bad_buffers_may_alternate),
		CASE(a_buffer_at_the_end_of_memory_may_be_shorter_than_said),
		CASE(memory_in_many_pieces_is_found),
		CASE(senders_of_long_frames_do_not_starve_others),
		CASE(one_round_is_bounded_and_fair),
		SPREAD(frame_reaches_the_other_vf_whole_and_with_its_status),
		SPREAD(rings_wrap_and_keep_order),
		SPREAD(done_is_reported_where_it_was_asked_for),
		SPREAD(head_write_back_replaces_done_bits),
		SPREAD(frame_in_several_descriptors_is_put_together),
		SPREAD(short_frame_is_padded_with_zeros),
		SPREAD(bad_buffer_address_drops_the_frame_and_the_queue_goes_on),
		SPREAD(bad_receive_buffer_is_used_up_without_a_write),
		SPREAD(no_buffer_drops_and_counts),
		SPREAD(full_queue_that_must_not_drop_counts_as_missed),
		SPREAD(length_limit_of_nothing_lets_nothing_through),
		SPREAD(tails_and_lengths_that_cannot_be_are_ignored),
		SPREAD(ring_outside_memory_never_starts),
		SPREAD(ring_of_garbage_harms_nobody),
		SPREAD(too_long_frames_are_dropped_for_the_pool),
		SPREAD(port_vlan_is_inserted_and_stripped),
		SPREAD(tag_in_the_frame_is_stripped_or_left),
		SPREAD(context_descriptor_gives_the_tag_that_vle_inserts),
		SPREAD(segmentation_without_a_context_is_refused_and_counted),
		SPREAD(checksums_are_filled_in),
		SPREAD(forged_frames_are_dropped_flagged_and_complete),
		SPREAD(broadcast_is_copied_to_everybody_and_the_wire),
		SPREAD(frames_from_the_wire_are_delivered),
		SPREAD(without_bus_master_there_is_no_dma),
		SPREAD(receive_queue_switched_off_is_not_written),
		SPREAD(queue_enabled_behind_our_back_is_found_by_the_tick),
		SPREAD(unmapped_memory_is_never_touched_again),
		SPREAD(memory_the_device_may_not_write_is_not_written),
		SPREAD(counters_of_a_vf_add_up_and_survive_its_reset),
		SPREAD(odd_descriptors_inside_a_batch_keep_their_place),
		SPREAD(flows_to_several_vfs_may_alternate),
		SPREAD(good_and_bad_buffers_may_alternate),
		SPREAD(memory_in_many_pieces_is_found),
	};

	return cmocka_run_group_tests_name("soft_nic_dp", tests, NULL, NULL);
}

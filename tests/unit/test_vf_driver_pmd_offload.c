/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port's segmentation, SCTP checksums and scattered receive, on rings of the test's own.
 */
#include <support/test.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <support/pmd_rings.h>

#define N      128u
#define POOL   2048u
#define ROUNDS 20000u

/* The descriptors of the datasheet, by their bits. */
#define TYPE(t)	  ((uint64_t)(t) << 20)
#define DEXT	  (UINT64_C(1) << 29)
#define IFCS	  (UINT64_C(1) << 25)
#define EOP	  (UINT64_C(1) << 24)
#define RS	  (UINT64_C(1) << 27)
#define VLE	  (UINT64_C(1) << 30)
#define TSE	  (UINT64_C(1) << 31)
#define IXSM	  (UINT64_C(1) << (32 + 8))
#define TXSM	  (UINT64_C(1) << (32 + 9))
#define PAYLEN(n) ((uint64_t)(n) << (32 + 14))
#define CONTEXT	  (TYPE(2) | DEXT)
#define DATA	  (TYPE(3) | DEXT | IFCS)
#define IPV4	  (UINT64_C(1) << 10)
#define L4T_TCP	  (UINT64_C(1) << 11)
#define L4T_SCTP  (UINT64_C(2) << 11)
#define L4LEN(n)  ((uint64_t)(n) << (32 + 8))
#define MSS(n)	  ((uint64_t)(n) << (32 + 16))

#define DD  NIC_RXD_STAT_DD
#define END (NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP)

static struct rte_mempool *pool;
static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static int group_setup(void **state)
{
	rings_eal("test_vf_driver_pmd_offload");
	pool = rte_pktmbuf_pool_create("offload", POOL, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool ? 0 : -1;
}

static int group_teardown(void **state)
{
	rte_mempool_free(pool);
	return 0;
}

static void assert_all_home(void)
{
	assert_int_equal(rte_mempool_avail_count(pool), POOL);
}

static struct rte_mbuf *part(uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (!m)
		abort();
	memset(rte_pktmbuf_mtod(m, void *), 0, len);
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

/* A packet of @bytes in parts of at most 2000. */
static struct rte_mbuf *packet(uint32_t bytes)
{
	struct rte_mbuf *m = part((uint16_t)RTE_MIN(bytes, 2000u));

	for (bytes -= m->data_len; bytes;) {
		struct rte_mbuf *more = part((uint16_t)RTE_MIN(bytes, 2000u));

		bytes -= more->data_len;
		assert_int_equal(rte_pktmbuf_chain(m, more), 0);
	}
	return m;
}

static struct rte_mbuf *tso_packet(uint32_t bytes, uint16_t mss, bool v4)
{
	struct rte_mbuf *m = packet(bytes);

	m->l2_len = 14;
	m->l3_len = v4 ? 20 : 40;
	m->l4_len = 32;
	m->tso_segsz = mss;
	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG |
		      (v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	return m;
}

/* ---- segmentation ----------------------------------------------------------------------- */

static void a_packet_to_segment_is_a_context_and_its_parts(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	const volatile uint64_t *d = t->q.desc;
	struct rte_mbuf *m = tso_packet(5066, 1448, true);
	const uint64_t all = DATA | TSE | TXSM | IXSM | PAYLEN(5066 - 66);

	assert_int_equal(pmd_tx_tso(&t->q, &m, 1), 1);
	assert_int_equal(t->q.tail, 4);
	assert_int_equal(d[0], 14 << 9 | 20);
	assert_int_equal(d[1], CONTEXT | IPV4 | L4T_TCP | L4LEN(32) | MSS(1448));
	assert_int_equal(d[2], m->buf_iova + m->data_off);
	assert_int_equal(d[3], all | 2000);
	assert_int_equal(d[5], all | 2000);
	assert_int_equal(d[7], all | EOP | 1066);
	assert_int_equal(t->q.segmented, 1);
	rings_tx_free(t);
	assert_all_home();
}

static void segmentation_of_ipv6_asks_for_no_header_checksum(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	const volatile uint64_t *d = t->q.desc;
	struct rte_mbuf *m = tso_packet(1900, 900, false);

	m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	m->vlan_tci = 0x2064;
	assert_int_equal(pmd_tx_tso(&t->q, &m, 1), 1);
	assert_int_equal(d[0], UINT64_C(0x2064) << 16 | 14 << 9 | 40);
	assert_int_equal(d[1], CONTEXT | L4T_TCP | L4LEN(32) | MSS(900));
	assert_int_equal(d[3], DATA | VLE | TSE | TXSM | PAYLEN(1900 - 86) | EOP | 1900);
	rings_tx_free(t);
	assert_all_home();
}

static void a_context_is_repeated_only_when_it_differs(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	const volatile uint64_t *d = t->q.desc;
	struct rte_mbuf *p[5];

	p[0] = tso_packet(1900, 900, true);
	p[1] = tso_packet(1800, 900, true);
	p[2] = tso_packet(1800, 901, true);
	p[3] = part(100); /* asks for nothing: the context stays */
	p[4] = tso_packet(1800, 901, true);
	assert_int_equal(pmd_tx_tso(&t->q, p, 5), 5);
	assert_int_equal(t->q.tail, 7);
	assert_int_equal(d[1] & CONTEXT, CONTEXT & d[1]);
	assert_int_equal(d[5], DATA | TSE | TXSM | IXSM | PAYLEN(1800 - 66) | EOP | 1800);
	assert_int_equal(d[7], CONTEXT | IPV4 | L4T_TCP | L4LEN(32) | MSS(901));
	assert_int_equal(d[11], DATA | PAYLEN(100) | EOP | 100);
	assert_int_equal(d[13] & TSE, TSE);
	rings_tx_free(t);
	assert_all_home();
}

static void other_offloads_are_those_of_the_full_function(void **state)
{
	struct rings_tx *a = rings_tx_new(N, false, false), *b = rings_tx_new(N, false, false);
	const uint64_t kinds[] = {
		0,
		RTE_MBUF_F_TX_VLAN,
		RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM,
		RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM,
		RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_VLAN,
	};

	for (unsigned int i = 0; i < 20; i++) {
		struct rte_mbuf *m = packet(i % 2 ? 3000 : 100);

		m->ol_flags = kinds[i % RTE_DIM(kinds)];
		m->l2_len = 14;
		m->l3_len = i % 3 ? 20 : 40;
		m->vlan_tci = (uint16_t)i;
		rte_pktmbuf_refcnt_update(m, 1);
		assert_int_equal(pmd_tx_full(&a->q, &m, 1), 1);
		assert_int_equal(pmd_tx_tso(&b->q, &m, 1), 1);
	}
	assert_int_equal(a->q.tail, b->q.tail);
	/* reports apart, of which segmentation wants more */
	for (size_t i = 0; i < 2 * (size_t)a->q.tail; i++)
		assert_int_equal(a->q.desc[i] & ~(i % 2 ? RS : 0),
				 b->q.desc[i] & ~(i % 2 ? RS : 0));
	rings_tx_free(a);
	rings_tx_free(b);
	assert_all_home();
}

static void everything_sent_is_freed(bool head_wb)
{
	struct rings_tx *t = rings_tx_new(64, head_wb, false);
	uint64_t sent = 0, longest = 0;

	seed = 2463534242;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct rte_mbuf *m;

		switch (dice(4)) {
		case 0: /* the longest chain there is, in the smallest ring */
			m = tso_packet(65535 + 14, 1448, true);
			break;
		case 1:
			m = tso_packet(100 + dice(9000), 536, dice(2));
			break;
		default:
			m = packet(60 + dice(1440));
		}
		if (pmd_tx_tso(&t->q, &m, 1) == 1) {
			sent++;
			longest += m->pkt_len > 65535;
		} else {
			rte_pktmbuf_free(m);
		}
		assert_true(t->q.tail - t->q.next <= t->q.mask);
		rings_tx_send(t, dice(80));
	}
	assert_int_equal(t->q.packets, sent);
	assert_true(sent > ROUNDS / 4 && longest > ROUNDS / 40 && t->q.full > 0);
	/* and never stuck: once all is sent the longest fits */
	rings_tx_send(t, N);
	{
		struct rte_mbuf *m = tso_packet(65535 + 14, 1448, true);

		assert_int_equal(pmd_tx_tso(&t->q, &m, 1), 1);
	}
	rings_tx_free(t);
	assert_all_home();
}

static void segmenting_transmit_frees_what_was_sent(void **state)
{
	everything_sent_is_freed(false);
	everything_sent_is_freed(true);
}

static void an_sctp_checksum_is_a_context_of_its_own_kind(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	const volatile uint64_t *d = t->q.desc;
	struct rte_mbuf *m = part(200);

	m->l2_len = 14;
	m->l3_len = 20;
	m->ol_flags = RTE_MBUF_F_TX_SCTP_CKSUM | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(pmd_tx_tso(&t->q, &m, 1), 1);
	assert_int_equal(d[0], 14 << 9 | 20);
	assert_int_equal(d[1], CONTEXT | IPV4 | L4T_SCTP);
	assert_int_equal(d[3], DATA | TXSM | PAYLEN(200) | EOP | 200);
	rings_tx_free(t);
	assert_all_home();
}

/* ---- prepare ---------------------------------------------------------------------------- */

static void prepare_makes_headers_as_the_function_wants_them(void **state)
{
	struct rte_mbuf *m = tso_packet(5066, 1448, true);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
	uint32_t sum = 0;

	ip->version_ihl = 0x45;
	ip->next_proto_id = 6;
	ip->src_addr = rte_cpu_to_be_32(0x0a000001);
	ip->dst_addr = rte_cpu_to_be_32(0x0a000002);
	ip->hdr_checksum = 0xffff;
	tcp->cksum = 0xffff;
	assert_int_equal(pmd_tx_tso_prepare(NULL, &m, 1), 1);
	assert_int_equal(ip->hdr_checksum, 0);
	/* sum of the pseudo header without a length, not inverted */
	sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6;
	assert_int_equal(rte_be_to_cpu_16(tcp->cksum), (sum & 0xffff) + (sum >> 16));
	rte_pktmbuf_free(m);

	m = part(200);
	memset(rte_pktmbuf_mtod(m, void *), 0xff, 200);
	m->l2_len = 14;
	m->l3_len = 20;
	m->ol_flags = RTE_MBUF_F_TX_SCTP_CKSUM | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(pmd_tx_tso_prepare(NULL, &m, 1), 1);
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_sctp_hdr *, 34)->cksum, 0);
	rte_pktmbuf_free(m);
	assert_all_home();
}

/* What is wrong with a packet. */
enum wrong {
	W_MSS_ZERO,
	W_MSS_SMALL,
	W_MSS_LONG,
	W_L2_SHORT,
	W_L3_SHORT,
	W_L3_LONG,
	W_L4_SHORT,
	W_L4_ODD,
	W_L4_LONG,
	W_HEADER_IN_PARTS,
	W_HEADER_BEYOND,
	W_NO_PAYLOAD,
	W_LONGER_THAN_IP,
	W_SEGS_MANY,
	W_SEGS_LIE,
	W_SEGS_LIE_SHORT,
	W_LENGTH_LIES,
	W_EMPTY_PART,
	W_END,
};

static void spoil(struct rte_mbuf *m, enum wrong what)
{
	switch (what) {
	case W_MSS_ZERO:
		m->tso_segsz = 0;
		return;
	case W_MSS_SMALL:
		m->tso_segsz = PMD_TSO_MSS_MIN - 1;
		return;
	case W_MSS_LONG:
		m->tso_segsz = PMD_FRAME_MAX - 4 - 66 + 1;
		return;
	case W_L2_SHORT:
		m->l2_len = 13;
		return;
	case W_L3_SHORT:
		m->l3_len = 19;
		return;
	case W_L3_LONG:
		m->l3_len = 64;
		return;
	case W_L4_SHORT:
		m->l4_len = 16;
		return;
	case W_L4_ODD:
		m->l4_len = 33;
		return;
	case W_L4_LONG:
		m->l4_len = 64;
		return;
	case W_HEADER_IN_PARTS:
		m->next->data_len = (uint16_t)(m->next->data_len + m->data_len - 65);
		m->data_len = 65;
		return;
	case W_HEADER_BEYOND:
		m->l2_len = 127;
		m->l3_len = 511;
		m->l4_len = 255;
		return;
	case W_LONGER_THAN_IP:
		m->next->data_len = (uint16_t)(65535 - m->data_len + 14);
		m->pkt_len = 65535 + 15;
		m->next->next->data_len = 1;
		return;
	case W_SEGS_MANY:
		m->nb_segs = PMD_TSO_SEGS_MAX + 1;
		return;
	case W_SEGS_LIE:
		m->nb_segs++;
		return;
	case W_SEGS_LIE_SHORT:
		m->nb_segs--;
		return;
	case W_LENGTH_LIES:
		m->pkt_len++;
		return;
	case W_EMPTY_PART:
		m->pkt_len -= m->next->data_len;
		m->next->data_len = 0;
		return;
	default:
		m->data_len = 66;
		m->pkt_len = 66;
		m->nb_segs = 1;
		rte_pktmbuf_free(m->next);
		m->next = NULL;
	}
}

static void prepare_refuses_packets_that_cannot_be(void **state)
{
	for (unsigned int what = 0; what < W_END; what++) {
		struct rte_mbuf *p[2] = {tso_packet(5066, 1448, true),
					 tso_packet(5066, 1448, true)};
		uint16_t segs = p[1]->nb_segs;

		spoil(p[1], what);
		rte_errno = 0;
		assert_int_equal(pmd_tx_tso_prepare(NULL, p, 2), 1);
		assert_int_equal(rte_errno, EINVAL);
		if (what != W_NO_PAYLOAD)
			p[1]->nb_segs = segs;
		rte_pktmbuf_free_bulk(p, 2);
	}
	assert_all_home();
}

static void prepare_refuses_headers_beyond_their_frame(void **state)
{
	static const uint64_t kinds[] = {RTE_MBUF_F_TX_TCP_CKSUM, RTE_MBUF_F_TX_UDP_CKSUM,
					 RTE_MBUF_F_TX_SCTP_CKSUM};
	static const uint16_t need[] = {20, 8, 12};
	struct rte_mbuf *m = part(200);

	m->l2_len = 14;
	m->l3_len = 20;
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		m->ol_flags = kinds[i] | RTE_MBUF_F_TX_IPV4;
		m->pkt_len = 34u + need[i];
		m->data_len = (uint16_t)m->pkt_len;
		assert_int_equal(pmd_tx_tso_prepare(NULL, &m, 1), 1);
		m->pkt_len--;
		m->data_len--;
		assert_int_equal(pmd_tx_tso_prepare(NULL, &m, 1), 0);
		assert_int_equal(rte_errno, EINVAL);
	}
	m->ol_flags = RTE_MBUF_F_TX_UDP_SEG;
	assert_int_equal(pmd_tx_tso_prepare(NULL, &m, 1), 0);
	assert_int_equal(rte_errno, ENOTSUP);
	rte_pktmbuf_free(m);
	assert_all_home();
}

/* ---- scattered receive ------------------------------------------------------------------ */

static uint64_t part_of(uint32_t status, uint32_t len)
{
	return status | (uint64_t)len << 32;
}

static void a_frame_of_several_buffers_is_one_chain(void **state)
{
	struct rings_rx *r = rings_rx_new(pool, N);
	struct rte_mbuf *p[8];

	for (unsigned int i = 0; i < 4; i++)
		rings_rx_put(r, 0xdeadbeef00000001, part_of(DD, 2048));
	rings_rx_put(r, UINT64_C(0x12345678) << 32 | 1,
		     part_of(END | NIC_RXD_STAT_VP, 808) | UINT64_C(0x3064) << 48);
	rings_rx_put(r, 0, part_of(END | NIC_RXD_STAT_IXSM, 60));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 8), 2);
	assert_int_equal(p[0]->pkt_len, 9000);
	assert_int_equal(p[0]->data_len, 2048);
	assert_int_equal(p[0]->nb_segs, 5);
	assert_int_equal(p[0]->vlan_tci, 0x3064);
	assert_int_equal(p[0]->hash.rss, 0x12345678);
	assert_true(p[0]->ol_flags & RTE_MBUF_F_RX_RSS_HASH);
	assert_true(p[0]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED);
	assert_int_equal(rte_mbuf_check(p[0], 1, &(const char *){NULL}), 0);
	assert_int_equal(p[1]->pkt_len, 60);
	assert_int_equal(p[1]->nb_segs, 1);
	assert_int_equal(r->q.packets, 2);
	assert_int_equal(r->q.bytes, 9060);
	assert_int_equal(r->q.scattered, 1);
	rte_pktmbuf_free_bulk(p, 2);
	rings_rx_free(r);
	assert_all_home();
}

static void a_frame_may_end_in_a_later_burst(void **state)
{
	struct rings_rx *r = rings_rx_new(pool, N);
	struct rte_mbuf *p[8];

	rings_rx_put(r, 0, part_of(DD, 2048));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 8), 0);
	rings_rx_put(r, 0, part_of(DD, 2048));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 8), 0);
	rings_rx_put(r, 0, part_of(END, 1));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 8), 1);
	assert_int_equal(p[0]->pkt_len, 4097);
	rte_pktmbuf_free(p[0]);
	/* and one that never does is freed when the port stops */
	rings_rx_put(r, 0, part_of(DD, 2048));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 8), 0);
	pmd_rx_scatter_end(&r->q);
	rings_rx_free(r);
	assert_all_home();
}

static void a_burst_ends_between_frames(void **state)
{
	struct rings_rx *r = rings_rx_new(pool, N);
	struct rte_mbuf *p[8];

	for (unsigned int i = 0; i < 6; i++)
		rings_rx_put(r, 0, part_of(i % 2 ? END : DD, 2048));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(pmd_rx_scatter(&r->q, p, 1), 1);
		assert_int_equal(p[0]->nb_segs, 2);
		rte_pktmbuf_free(p[0]);
	}
	assert_int_equal(pmd_rx_scatter(&r->q, p, 1), 0);
	rings_rx_free(r);
	assert_all_home();
}

static void bad_and_endless_frames_are_never_handed_on(void **state)
{
	struct rings_rx *r = rings_rx_new(pool, N);
	struct rte_mbuf *p[64];

	/* an error at the end, in the middle, lengths that cannot be, more than a frame can be */
	rings_rx_put(r, 0, part_of(DD, 2048));
	rings_rx_put(r, 0, part_of(END | NIC_RXD_ERR_RXE, 100));
	rings_rx_put(r, 0, part_of(DD | NIC_RXD_ERR_RXE, 100));
	rings_rx_put(r, 0, part_of(DD, 2048));
	rings_rx_put(r, 0, part_of(END, 100));
	rings_rx_put(r, 0, part_of(DD, 2048));
	rings_rx_put(r, 0, part_of(END, 0));
	rings_rx_put(r, 0, part_of(DD, 2049));
	rings_rx_put(r, 0, part_of(END, 10));
	for (unsigned int i = 0; i < 40; i++)
		rings_rx_put(r, 0, part_of(DD, 2048));
	rings_rx_put(r, 0, part_of(END, 2048));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 64), 0);
	assert_int_equal(r->q.errors, 5);
	rings_rx_put(r, 0, part_of(END, 2048));
	assert_int_equal(pmd_rx_scatter(&r->q, p, 64), 1);
	assert_int_equal(p[0]->pkt_len, 2048);
	rte_pktmbuf_free(p[0]);
	rings_rx_free(r);
	assert_all_home();
}

static void frames_of_one_buffer_are_those_of_the_scalar_function(void **state)
{
	const size_t from = offsetof(struct rte_mbuf, rearm_data);
	const size_t to = offsetof(struct rte_mbuf, hash) + sizeof(uint32_t);
	struct rings_rx *a = rings_rx_new(pool, N), *b = rings_rx_new(pool, N);
	struct rte_mbuf *pa[64], *pb[64];

	seed = 88172645463325252;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint16_t want = (uint16_t)(1 + dice(32)), n;

		for (uint32_t k = dice(40); k; k--) {
			uint32_t status = END | dice(128) << 2 | dice(16) << 28;
			uint64_t lo = (uint64_t)dice(UINT32_MAX) << 32 | dice(32);
			uint64_t hi = part_of(status, dice(2050)) | (uint64_t)dice(65536) << 48;

			assert_int_equal(rings_rx_put(a, lo, hi), rings_rx_put(b, lo, hi));
		}
		n = pmd_rx_scatter(&a->q, pa, want);
		/* the other function counts descriptors, this one frames */
		for (uint16_t got = 0, more; got < n; got = (uint16_t)(got + more)) {
			more = pmd_rx_scalar(&b->q, pb + got, (uint16_t)(n - got));
			if (a->q.next == b->q.next)
				assert_int_equal(got + more, n);
		}
		while (b->q.next != a->q.next)
			assert_int_equal(pmd_rx_scalar(&b->q, pb + n, 1), 0);
		for (uint16_t i = 0; i < n; i++)
			assert_memory_equal((char *)pa[i] + from, (char *)pb[i] + from, to - from);
		rte_pktmbuf_free_bulk(pa, n);
		rte_pktmbuf_free_bulk(pb, n);
	}
	assert_int_equal(a->q.packets, b->q.packets);
	assert_int_equal(a->q.bytes, b->q.bytes);
	assert_int_equal(a->q.errors, b->q.errors);
	assert_true(a->q.packets > ROUNDS);
	rings_rx_free(a);
	rings_rx_free(b);
	assert_all_home();
}

static void tags_of_chains_are_taken_out(void **state)
{
	struct rings_rx *r = rings_rx_new(pool, N);
	uint8_t *frame = rte_pktmbuf_mtod(r->q.sw[0], uint8_t *);
	struct rte_mbuf *p[4];

	memset(frame, 0x11, 64);
	memcpy(frame + 12, (uint8_t[]){0x81, 0x00, 0x30, 0x64, 0x88, 0xb5}, 6);
	rings_rx_put(r, 0, part_of(DD, 2048));
	rings_rx_put(r, 0, part_of(END, 100));
	assert_int_equal(pmd_rx_scatter_strip(&r->q, p, 4), 1);
	assert_int_equal(p[0]->vlan_tci, 0x3064);
	assert_int_equal(p[0]->pkt_len, 2144);
	assert_true(p[0]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED);
	rte_pktmbuf_free(p[0]);
	rings_rx_free(r);
	assert_all_home();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_to_segment_is_a_context_and_its_parts),
		cmocka_unit_test(segmentation_of_ipv6_asks_for_no_header_checksum),
		cmocka_unit_test(a_context_is_repeated_only_when_it_differs),
		cmocka_unit_test(other_offloads_are_those_of_the_full_function),
		cmocka_unit_test(segmenting_transmit_frees_what_was_sent),
		cmocka_unit_test(an_sctp_checksum_is_a_context_of_its_own_kind),
		cmocka_unit_test(prepare_makes_headers_as_the_function_wants_them),
		cmocka_unit_test(prepare_refuses_packets_that_cannot_be),
		cmocka_unit_test(prepare_refuses_headers_beyond_their_frame),
		cmocka_unit_test(a_frame_of_several_buffers_is_one_chain),
		cmocka_unit_test(a_frame_may_end_in_a_later_burst),
		cmocka_unit_test(a_burst_ends_between_frames),
		cmocka_unit_test(bad_and_endless_frames_are_never_handed_on),
		cmocka_unit_test(frames_of_one_buffer_are_those_of_the_scalar_function),
		cmocka_unit_test(tags_of_chains_are_taken_out),
	};

	return cmocka_run_group_tests_name("vf_driver_pmd_offload", tests, group_setup,
					   group_teardown);
}

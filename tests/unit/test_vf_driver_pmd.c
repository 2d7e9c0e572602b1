/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port's burst functions on rings that the test writes back itself. */
#include <support/test.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <support/pmd_rings.h>

#define N	 128u
#define POOL	 2048u
#define ROUNDS	 20000u
#define CTX_CMD	 (NIC_TXD_DEXT | NIC_TXD_DTYP_CTXT * (NIC_TXD_DTYP & -NIC_TXD_DTYP))
#define DATA_CMD (NIC_TXD_DEXT | NIC_TXD_IFCS | NIC_TXD_DTYP_DATA * (NIC_TXD_DTYP & -NIC_TXD_DTYP))

#define PLAIN (NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP | NIC_RXD_STAT_IXSM)

static struct rte_mempool *pool_a, *pool_b;
static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static struct rte_mempool *pool_new(const char *name)
{
	struct rte_mempool *p =
		rte_pktmbuf_pool_create(name, POOL, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);

	assert_non_null(p);
	return p;
}

static int group_setup(void **state)
{
	rings_eal("test_vf_driver_pmd");
	pool_a = pool_new("a");
	pool_b = pool_new("b");
	return 0;
}

static int group_teardown(void **state)
{
	rte_mempool_free(pool_a);
	rte_mempool_free(pool_b);
	return 0;
}

/* Every buffer is back where it came from. */
static void assert_all_home(void)
{
	assert_int_equal(rte_mempool_avail_count(pool_a), POOL);
	assert_int_equal(rte_mempool_avail_count(pool_b), POOL);
}

/* Any descriptor a function, or a broken one, may write. */
static void any_descriptor(uint64_t *ret_lo, uint64_t *ret_hi)
{
	uint32_t status = NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP, len = 60 + dice(1455);

	status |= (dice(128) << 2) & ~NIC_RXD_STAT_EOP;
	status |= dice(4) << 29;
	if (dice(8) == 0) /* what must not be handed on */
		switch (dice(4)) {
		case 0:
			status |= NIC_RXD_ERR_RXE;
			break;
		case 1:
			status &= ~NIC_RXD_STAT_EOP;
			break;
		case 2:
			len = 0;
			break;
		default:
			len = 2049 + dice(63000);
		}
	*ret_lo = (uint64_t)dice(UINT32_MAX) << 32 | dice(32);
	*ret_hi = (uint64_t)status | (uint64_t)len << 32 | (uint64_t)dice(65536) << 48;
}

static void assert_same_mbuf(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	size_t from = offsetof(struct rte_mbuf, rearm_data);
	size_t to = offsetof(struct rte_mbuf, hash) + sizeof(uint32_t);

	assert_memory_equal((const char *)a + from, (const char *)b + from, to - from);
	assert_ptr_equal(a->next, b->next);
}

/* Two rings that see the same descriptors, one by each function. */
static void twins(eth_rx_burst_t f, eth_rx_burst_t g)
{
	struct rings_rx *a = rings_rx_new(pool_a, N), *b = rings_rx_new(pool_b, N);
	struct rte_mbuf *pa[64], *pb[64];
	uint64_t frames = 0;

	seed = 88172645463325252;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t come = dice(40), want = dice(64) + 1, na, nb;

		for (uint32_t i = 0; i < come; i++) {
			uint64_t lo = (uint64_t)dice(2) << 32;
			uint64_t hi = PLAIN | (uint64_t)(60 + dice(1989)) << 32;

			if (round & 1 || dice(16) == 0)
				any_descriptor(&lo, &hi);
			assert_int_equal(rings_rx_put(a, lo, hi), rings_rx_put(b, lo, hi));
		}
		na = f(&a->q, pa, (uint16_t)want);
		nb = g(&b->q, pb, (uint16_t)want);
		assert_int_equal(na, nb);
		for (uint32_t i = 0; i < na; i++)
			assert_same_mbuf(pa[i], pb[i]);
		rte_pktmbuf_free_bulk(pa, na);
		rte_pktmbuf_free_bulk(pb, nb);
		frames += na;
	}
	assert_int_equal(a->tail, b->tail);
	assert_int_equal(a->q.packets, b->q.packets);
	assert_int_equal(a->q.bytes, b->q.bytes);
	assert_int_equal(a->q.errors, b->q.errors);
	assert_int_equal(a->q.packets, frames);
	assert_true(frames > ROUNDS && a->q.errors > ROUNDS / 20);
	rings_rx_free(a);
	rings_rx_free(b);
	assert_all_home();
}

static void vector_and_scalar_receive_give_the_same_mbufs(void **state)
{
	twins(pmd_rx_vector, pmd_rx_scalar);
}

static void a_frame_outside_its_buffer_is_never_handed_on(void **state)
{
	static const uint32_t wrong[] = {0, 2049, 65535};
	struct rings_rx *r = rings_rx_new(pool_a, N);
	struct rte_mbuf *p[8];

	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int k = 0; k < 4; k++)
			rings_rx_put(r, 0, 3 | (uint64_t)wrong[i] << 32);
	rings_rx_put(r, 0, 3 | UINT64_C(2048) << 32);
	assert_int_equal(pmd_rx_vector(&r->q, p, 8), 0);
	assert_int_equal(pmd_rx_vector(&r->q, p, 8), 1);
	assert_int_equal(p[0]->data_len, 2048);
	assert_int_equal(r->q.errors, 12);
	rte_pktmbuf_free(p[0]);
	rings_rx_free(r);
	assert_all_home();
}

static void an_empty_pool_is_counted_and_receiving_goes_on_when_it_fills(void **state)
{
	struct rings_rx *r = rings_rx_new(pool_a, N);
	static struct rte_mbuf *held[POOL], *p[64];
	uint32_t n = 0, got = 0;

	while (rte_mempool_get(pool_a, (void **)&held[n]) == 0)
		n++;
	while (rings_rx_put(r, 0, 3 | UINT64_C(64) << 32))
		;
	for (unsigned int i = 0; i < 20; i++) {
		uint16_t k = pmd_rx_vector(&r->q, p, 8);

		for (uint16_t j = 0; j < k; j++)
			held[n++] = p[j];
		got += k;
	}
	assert_int_equal(got, N - PMD_BATCH);
	assert_true(r->q.no_mbuf > 0);
	assert_int_equal(r->q.next, r->q.tail);

	rte_mempool_put_bulk(pool_a, (void **)held, n);
	assert_int_equal(pmd_rx_vector(&r->q, p, 8), 0);
	assert_true(rings_rx_put(r, 0, 3 | UINT64_C(64) << 32));
	assert_int_equal(pmd_rx_vector(&r->q, p, 8), 1);
	rte_pktmbuf_free(p[0]);
	rings_rx_free(r);
	assert_all_home();
}

static void stripping_takes_the_tag_out_when_the_function_did_not(void **state)
{
	struct rings_rx *r = rings_rx_new(pool_a, N);
	struct rte_mbuf *p[4];
	uint8_t *frame = rte_pktmbuf_mtod(r->q.sw[0], uint8_t *);

	memset(frame, 0x11, 64);
	memcpy(frame + 12, (uint8_t[]){0x81, 0x00, 0x30, 0x64, 0x88, 0xb5}, 6);
	rings_rx_put(r, 0, 3 | UINT64_C(64) << 32);
	assert_int_equal(pmd_rx_vector_strip(&r->q, p, 4), 1);
	assert_int_equal(p[0]->vlan_tci, 0x3064);
	assert_int_equal(p[0]->pkt_len, 60);
	assert_true(p[0]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED);
	assert_memory_equal(rte_pktmbuf_mtod_offset(p[0], uint8_t *, 12), ((uint8_t[]){0x88, 0xb5}),
			    2);
	rte_pktmbuf_free(p[0]);
	rings_rx_free(r);
	assert_all_home();
}

/* ---- transmit --------------------------------------------------------------------------- */

static struct rte_mbuf *frame_new(struct rte_mempool *pool, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

static void everything_sent_is_freed(eth_tx_burst_t f, bool head_wb, bool fast_free)
{
	struct rings_tx *t = rings_tx_new(N, head_wb, fast_free);
	uint64_t sent = 0;

	seed = 2463534242;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct rte_mbuf *p[64];
		uint32_t n = dice(64) + 1, k;

		for (uint32_t i = 0; i < n; i++)
			p[i] = frame_new(fast_free || dice(2) ? pool_a : pool_b,
					 (uint16_t)(60 + dice(1000)));
		k = f(&t->q, p, (uint16_t)n);
		assert_true(k <= n);
		assert_true(t->q.tail - t->q.next <= t->q.mask);
		rte_pktmbuf_free_bulk(p + k, n - k);
		sent += k;
		rings_tx_send(t, dice(80));
	}
	assert_int_equal(t->q.packets, sent);
	assert_true(sent > ROUNDS && t->q.full > 0);
	rings_tx_free(t);
	assert_all_home();
}

static void simple_transmit_frees_what_was_sent(void **state)
{
	for (unsigned int i = 0; i < 4; i++)
		everything_sent_is_freed(pmd_tx_simple, i & 1, i & 2);
}

static void full_transmit_frees_what_was_sent(void **state)
{
	everything_sent_is_freed(pmd_tx_full, false, false);
	everything_sent_is_freed(pmd_tx_full, true, false);
}

static void both_transmits_write_the_same_plain_descriptors(void **state)
{
	struct rings_tx *a = rings_tx_new(N, false, false), *b = rings_tx_new(N, false, false);

	for (unsigned int i = 0; i < 100; i++) {
		struct rte_mbuf *m = frame_new(pool_a, (uint16_t)(60 + i));

		rte_pktmbuf_refcnt_update(m, 1);
		assert_int_equal(pmd_tx_simple(&a->q, &m, 1), 1);
		assert_int_equal(pmd_tx_full(&b->q, &m, 1), 1);
	}
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(a->q.desc[i], b->q.desc[i]);
	rings_tx_free(a);
	rings_tx_free(b);
	assert_all_home();
}

static void a_head_that_cannot_be_frees_nothing(void **state)
{
	struct rings_tx *t = rings_tx_new(N, true, true);
	struct rte_mbuf *p[64];

	for (unsigned int i = 0; i < 64; i++)
		p[i] = frame_new(pool_a, 64);
	assert_int_equal(pmd_tx_simple(&t->q, p, 40), 40);
	t->wb = 41; /* ahead of the tail */
	assert_int_equal(pmd_tx_simple(&t->q, p + 40, 24), 24);
	t->wb = 0xdeadbeef;
	p[0] = frame_new(pool_a, 64);
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t before = t->q.next;

		t->wb = (uint32_t[]){64 + 1, 127, 0}[i];
		while (pmd_tx_simple(&t->q, p, 1) == 1)
			p[0] = frame_new(pool_a, 64);
		assert_true(t->q.next == before || t->q.next <= t->q.tail);
		assert_true(t->q.tail - t->q.next <= t->q.mask);
	}
	rte_pktmbuf_free(p[0]);
	rings_tx_free(t);
	assert_all_home();
}

static void a_context_is_sent_only_when_it_changes(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	const volatile uint64_t *d = t->q.desc;
	struct rte_mbuf *p[3];

	for (unsigned int i = 0; i < 3; i++) {
		p[i] = frame_new(pool_a, 100);
		p[i]->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
				 RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_VLAN;
		p[i]->l2_len = 14;
		p[i]->l3_len = 20;
		p[i]->vlan_tci = i == 2 ? 0x0065 : 0x0064;
	}
	assert_int_equal(pmd_tx_full(&t->q, p, 3), 3);
	assert_int_equal(t->q.tail, 5);
	assert_int_equal(d[0], UINT64_C(0x64) << 16 | 14 << 9 | 20);
	assert_int_equal(d[1], CTX_CMD | BIT32(10) | BIT32(11));
	assert_int_equal(d[3], UINT64_C(100) << 46 | UINT64_C(0x300) << 32 | DATA_CMD |
				       NIC_TXD_EOP | NIC_TXD_VLE | 100);
	assert_int_equal(d[5] & 0xffffffff, d[3] & 0xffffffff);
	assert_int_equal(d[6], UINT64_C(0x65) << 16 | 14 << 9 | 20);
	rings_tx_free(t);
	assert_all_home();
}

static void a_frame_in_parts_is_one_frame_with_one_end(void **state)
{
	struct rings_tx *t = rings_tx_new(N, false, false);
	struct rte_mbuf *m = frame_new(pool_a, 60), *more = frame_new(pool_b, 200);

	assert_int_equal(rte_pktmbuf_chain(m, more), 0);
	assert_int_equal(pmd_tx_full(&t->q, &m, 1), 1);
	assert_int_equal(t->q.tail, 2);
	assert_int_equal(t->q.desc[1], UINT64_C(260) << 46 | DATA_CMD | 60);
	assert_int_equal(t->q.desc[3], UINT64_C(260) << 46 | DATA_CMD | NIC_TXD_EOP | 200);
	rings_tx_free(t);
	assert_all_home();
}

static void prepare_refuses_what_the_function_cannot_do(void **state)
{
	struct rte_mbuf *m = frame_new(pool_a, 100);

	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(pmd_tx_prepare(NULL, &m, 1), 0);
	assert_int_equal(rte_errno, ENOTSUP);
	m->ol_flags = RTE_MBUF_F_TX_SCTP_CKSUM | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(pmd_tx_prepare(NULL, &m, 1), 0);
	assert_int_equal(rte_errno, ENOTSUP);
	m->ol_flags = 0;
	assert_int_equal(pmd_tx_prepare(NULL, &m, 1), 1);
	m->nb_segs = PMD_SEGS_MAX + 1;
	assert_int_equal(pmd_tx_prepare(NULL, &m, 1), 0);
	assert_int_equal(rte_errno, EINVAL);
	m->nb_segs = 1;
	rte_pktmbuf_free(m);
	assert_all_home();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_and_scalar_receive_give_the_same_mbufs),
		cmocka_unit_test(a_frame_outside_its_buffer_is_never_handed_on),
		cmocka_unit_test(an_empty_pool_is_counted_and_receiving_goes_on_when_it_fills),
		cmocka_unit_test(stripping_takes_the_tag_out_when_the_function_did_not),
		cmocka_unit_test(simple_transmit_frees_what_was_sent),
		cmocka_unit_test(full_transmit_frees_what_was_sent),
		cmocka_unit_test(both_transmits_write_the_same_plain_descriptors),
		cmocka_unit_test(a_head_that_cannot_be_frees_nothing),
		cmocka_unit_test(a_context_is_sent_only_when_it_changes),
		cmocka_unit_test(a_frame_in_parts_is_one_frame_with_one_end),
		cmocka_unit_test(prepare_refuses_what_the_function_cannot_do),
	};

	return cmocka_run_group_tests_name("vf_driver_pmd", tests, group_setup, group_teardown);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DPDK port's stop and the filters that it restores, on a function made of one register: it
 * remembers when it was reset, and plays a PF that refuses what the test says.
 */
#include <support/test.h>
#include <abi/nic_regs.h>
#include <rte_ether.h>
#include <support/pmd_rings.h>
#include <pcif_impl.h>

#define N    128u
#define POOL 512u

struct port {
	struct pcif f;
	struct vfdrv core;
	struct rte_eth_dev dev;
	struct rte_eth_dev_data data;
	struct rte_ether_addr addr;
	struct pmd pmd;
	struct rings_rx *rx;
	void *rxq[1];
	bool hung_up;
	unsigned int resets;
	unsigned int home_at_reset; /* buffers in the pool when the function was told to stop */
	uint32_t words[NIC_MBX_WORDS];
	uint32_t reply;
	uint32_t refused; /* bit: id of a message */
	uint32_t asked[8];
};

static struct rte_mempool *pool;
static const uint8_t pf_mac[6] = {2, 0, 0, 0, 0, 1}, other_mac[6] = {2, 0, 0, 0, 0, 0x77};

static uint32_t reg_read(void *ctx, uint32_t off)
{
	const struct port *t = ctx;

	if (off == nicvf_V2PMAILBOX(0))
		return V2P_VFU | V2P_PFACK | V2P_PFSTS;
	return off == nicvf_VFMBMEM(0) ? t->reply : 0;
}

static void reg_write(void *ctx, uint32_t off, uint32_t val)
{
	struct port *t = ctx;
	uint32_t id;

	if (off == nicvf_VTCTRL(0) && val & VTCTRL_RST) {
		t->resets++;
		t->home_at_reset = rte_mempool_avail_count(pool);
	}
	if (off >= nicvf_VFMBMEM(0) && off <= nicvf_VFMBMEM(15))
		t->words[(off - nicvf_VFMBMEM(0)) / 4] = val;
	if (off != nicvf_V2PMAILBOX(0) || !(val & V2P_REQ))
		return;
	id = t->words[0] & 7;
	t->asked[id]++;
	t->reply =
		t->words[0] | NIC_MBX_CTS | (t->refused & BIT32(id) ? NIC_MBX_NACK : NIC_MBX_ACK);
}

static void no_delay(void *ctx, uint32_t us)
{
}

static uint64_t no_time(void *ctx)
{
	return 0;
}

static bool hung_up(const struct pcif *f)
{
	return ((const struct port *)f)->hung_up;
}

static int setup(void **state)
{
	static const struct pcif_ops ops = {.hung_up = hung_up};
	struct port *t = rings_alloc(sizeof(*t));
	struct vfdrv_env env = {.ctx = t,
				.read32 = reg_read,
				.write32 = reg_write,
				.delay_us = no_delay,
				.now_us = no_time};

	pcif_init(&t->f, &ops, 0);
	vfdrv_init_control(&t->core, &env);
	t->core.has_mac = true;
	memcpy(t->core.mac, pf_mac, 6);
	memcpy(t->addr.addr_bytes, pf_mac, 6);
	memcpy(t->pmd.mac, pf_mac, 6);
	t->rx = rings_rx_new(pool, N);
	t->rxq[0] = &t->rx->q;
	t->data.rx_queues = t->rxq;
	t->data.nb_rx_queues = 1;
	t->data.dev_private = &t->pmd;
	t->data.mac_addrs = &t->addr;
	t->data.mtu = 1500;
	t->dev.data = &t->data;
	t->pmd.eth = &t->dev;
	t->pmd.f = &t->f;
	t->pmd.core = &t->core;
	t->pmd.up = true;
	pthread_mutex_init(&t->pmd.lock, NULL);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct port *t = *state;

	rings_rx_free(t->rx);
	assert_int_equal(rte_mempool_avail_count(pool), POOL);
	pthread_mutex_destroy(&t->pmd.lock);
	pthread_mutex_destroy(&t->f.lock);
	free(t);
	return 0;
}

static int group_setup(void **state)
{
	rings_eal("test_vf_driver_pmd_port");
	pool = rte_pktmbuf_pool_create("port", POOL, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return !pool;
}

static int group_teardown(void **state)
{
	rte_mempool_free(pool);
	return 0;
}

/* ---- stop ------------------------------------------------------------------------------- */

static void a_function_that_is_asked_back_stops_before_its_buffers_are_given_back(void **state)
{
	struct port *t = *state;

	atomic_store(&t->pmd.removed, true);
	pmd_queues_stop(&t->pmd);
	assert_int_equal(t->resets, 1);
	assert_int_equal(t->home_at_reset, POOL - (N - PMD_BATCH));
	assert_int_equal(rte_mempool_avail_count(pool), POOL);
	assert_false(t->pmd.up);
}

static void a_function_that_is_lost_is_told_nothing(void **state)
{
	struct port *t = *state;

	t->hung_up = true;
	pmd_queues_stop(&t->pmd);
	assert_int_equal(t->resets, 0);
	assert_int_equal(rte_mempool_avail_count(pool), POOL);
}

/* ---- filters ---------------------------------------------------------------------------- */

static void an_address_that_is_refused_at_a_start_gives_way_to_the_pfs(void **state)
{
	struct port *t = *state;
	struct rte_ether_addr other;

	memcpy(&other, other_mac, 6);
	t->pmd.up = false;
	t->refused = BIT32(NIC_MBX_SET_MAC);
	assert_int_equal(pmd_mac_set(&t->dev, &other), 0);
	t->addr = other; /* as ethdev does */
	assert_int_equal(t->asked[NIC_MBX_SET_MAC], 0);
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_int_equal(t->asked[NIC_MBX_SET_MAC], 1);
	assert_memory_equal(t->pmd.mac, pf_mac, 6);
	assert_memory_equal(&t->addr, pf_mac, 6);
	assert_int_equal(t->pmd.refused, 1);
	/* and is not asked for again */
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	t->pmd.up = true;
	assert_int_equal(pmd_mac_set(&t->dev, &t->addr), 0);
	assert_int_equal(t->asked[NIC_MBX_SET_MAC], 1);
}

static void without_any_address_a_port_does_not_start(void **state)
{
	struct port *t = *state;

	t->core.has_mac = false;
	t->refused = BIT32(NIC_MBX_SET_MAC);
	assert_int_equal(pmd_filters_restore(&t->pmd), -EPERM);
}

static void vlans_that_are_refused_at_a_start_are_forgotten(void **state)
{
	struct port *t = *state;

	t->pmd.up = false;
	assert_int_equal(pmd_vlan_set(&t->dev, 100, 1), 0);
	assert_int_equal(pmd_vlan_set(&t->dev, 4094, 1), 0);
	t->data.vlan_filter_conf.ids[100 / 64] = RTE_BIT64(100 % 64);
	t->refused = BIT32(NIC_MBX_SET_VLAN);
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_int_equal(t->pmd.refused, 2);
	assert_int_equal(t->data.vlan_filter_conf.ids[100 / 64], 0);
	t->refused = 0;
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_int_equal(t->asked[NIC_MBX_SET_VLAN], 2);
}

static void groups_that_are_refused_leave_those_there_were(void **state)
{
	struct rte_ether_addr a[2] = {{{1, 0, 0x5e, 0, 0, 5}}, {{1, 0, 0x5e, 0, 0, 6}}};
	struct port *t = *state;

	assert_int_equal(pmd_multicast_set(&t->dev, a, 1), 0);
	t->refused = BIT32(NIC_MBX_SET_MULTICAST);
	assert_int_equal(pmd_multicast_set(&t->dev, a, 2), -EPERM);
	assert_int_equal(t->pmd.n_groups, 1);
	assert_memory_equal(t->pmd.groups[0], &a[0], 6);
	/* at a start they go */
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_int_equal(t->pmd.n_groups, 0);
	assert_int_equal(t->pmd.refused, 1);
}

static void modes_that_are_refused_at_a_start_are_off(void **state)
{
	struct port *t = *state;

	t->data.promiscuous = 1;
	t->data.all_multicast = 1;
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_true(t->data.promiscuous && t->data.all_multicast);
	t->refused = BIT32(NIC_MBX_SET_PROMISC);
	assert_int_equal(pmd_filters_restore(&t->pmd), 0);
	assert_false(t->data.promiscuous || t->data.all_multicast);
	assert_int_equal(t->pmd.refused, 2);
}

static void a_frame_size_that_is_refused_fails_a_start(void **state)
{
	struct port *t = *state;

	t->refused = BIT32(NIC_MBX_SET_LPE);
	assert_int_equal(pmd_filters_restore(&t->pmd), -EPERM);
}

/* ---- what a function says of checksums -------------------------------------------------- */

static void checksums_that_the_function_ignored_are_unknown(void **state)
{
	static const eth_rx_burst_t burst[] = {pmd_rx_vector, pmd_rx_scalar, pmd_rx_scatter};
	const uint64_t mask = RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK;
	/* every indication there is, good and bad */
	const uint64_t said = UINT64_C(3) << 29 | BIT32(6) | BIT32(5) | BIT32(4) | NIC_RXD_STAT_DD |
			      NIC_RXD_STAT_EOP;
	struct port *t = *state;
	struct rte_mbuf *m[4];

	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int k = 0; k < 4; k++)
			assert_true(rings_rx_put(t->rx, 0,
						 said | NIC_RXD_STAT_IXSM | UINT64_C(64) << 32));
		assert_int_equal(burst[i](&t->rx->q, m, 4), 4);
		for (unsigned int k = 0; k < 4; k++)
			assert_int_equal(m[k]->ol_flags & mask,
					 RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN |
						 RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN);
		rte_pktmbuf_free_bulk(m, 4);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_function_that_is_asked_back_stops_before_its_buffers_are_given_back),
		CASE(a_function_that_is_lost_is_told_nothing),
		CASE(an_address_that_is_refused_at_a_start_gives_way_to_the_pfs),
		CASE(without_any_address_a_port_does_not_start),
		CASE(vlans_that_are_refused_at_a_start_are_forgotten),
		CASE(groups_that_are_refused_leave_those_there_were),
		CASE(modes_that_are_refused_at_a_start_are_off),
		CASE(a_frame_size_that_is_refused_fails_a_start),
		CASE(checksums_that_the_function_ignored_are_unknown),
	};

	return cmocka_run_group_tests_name("vf_driver_pmd_port", tests, group_setup,
					   group_teardown);
}

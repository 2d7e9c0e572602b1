/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core against a register file: mailbox exchanges with a scripted PF, ring programming, bursts.
 * The clock is the driver's own waiting, so a silent PF costs no time here.
 */
#include <support/test.h>
#include <abi/errno.h>
#include <abi/nic_regs.h>
#include <stdlib.h>
#include <string.h>
#include <vfdrv/vfdrv.h>

#define N_RX   64u
#define N_TX   64u
#define N_BUFS 256u
#define IOVA   UINT64_C(0x40000000)

struct fake {
	struct vfdrv v __attribute__((aligned(64)));
	uint32_t reg[NIC_VF_BAR0_SIZE / 4];
	uint32_t mem[NIC_MBX_WORDS];
	uint32_t v2p;
	uint64_t now_us;
	bool gone;
	bool silent;	  /* the PF does not answer */
	bool refuse;	  /* NACK everything but the reset */
	bool out_of_sync; /* NACK without CTS */
	bool ping_first;  /* a ping comes before each reply */
	bool no_mac;
	uint32_t reset_or; /* extra bits in the reset reply */
	unsigned int resets;
	unsigned int rdt_writes, tdt_writes;
	uint32_t rxdctl_at_lpe;
	uint32_t rdt_at_enable;
	bool direct;
	void *dma;
};

static const uint8_t pf_mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static void pf_answers(struct fake *f)
{
	uint32_t word0 = f->mem[0];

	if (f->silent)
		return;
	f->v2p |= V2P_PFACK | V2P_PFSTS;
	if (word0 == NIC_MBX_VF_RESET) {
		nic_mbx_reset_reply(f->no_mac ? NULL : pf_mac, f->mem);
		f->mem[0] |= f->reset_or;
		return;
	}
	if ((word0 & NIC_MBX_ID) == NIC_MBX_SET_LPE)
		f->rxdctl_at_lpe = f->reg[nicvf_VRXDCTL(0) / 4];
	if (f->out_of_sync)
		f->mem[0] = (word0 & NIC_MBX_ID) | NIC_MBX_NACK;
	else
		f->mem[0] = nic_mbx_reply(word0, !f->refuse);
}

static uint32_t fake_read32(void *ctx, uint32_t off)
{
	struct fake *f = ctx;
	uint32_t val;

	if (f->gone)
		return UINT32_MAX;
	if (off == nicvf_V2PMAILBOX(0)) {
		val = f->v2p;
		f->v2p &= ~V2P_R2C;
		return val;
	}
	if (off >= nicvf_VFMBMEM(0) && off <= nicvf_VFMBMEM(15)) {
		val = f->mem[(off - nicvf_VFMBMEM(0)) / 4];
		/* the ping is taken: now the reply */
		if (off == nicvf_VFMBMEM(0) && f->ping_first &&
		    val == (NIC_MBX_PF_CONTROL | NIC_MBX_CTS)) {
			f->ping_first = false;
			f->mem[0] = nic_mbx_reply(NIC_MBX_SET_PROMISC, true);
			f->v2p |= V2P_PFSTS;
		}
		return val;
	}
	return f->reg[off / 4];
}

static void fake_write32(void *ctx, uint32_t off, uint32_t val)
{
	struct fake *f = ctx;

	if (off == nicvf_VTCTRL(0)) {
		f->resets++;
		f->reg[nicvf_VRXDCTL(0) / 4] &= ~XDCTL_ENABLE;
		f->reg[nicvf_VTXDCTL(0) / 4] &= ~XDCTL_ENABLE;
		return;
	}
	if (off == nicvf_V2PMAILBOX(0)) {
		f->v2p &= ~V2P_VFU;
		if (val & V2P_VFU && !(f->v2p & V2P_PFU))
			f->v2p |= V2P_VFU;
		if (val & V2P_REQ) {
			pf_answers(f);
			if (f->ping_first)
				f->mem[0] = NIC_MBX_PF_CONTROL | NIC_MBX_CTS;
		}
		return;
	}
	if (off >= nicvf_VFMBMEM(0) && off <= nicvf_VFMBMEM(15)) {
		f->mem[(off - nicvf_VFMBMEM(0)) / 4] = val;
		return;
	}
	if (off == nicvf_VRXDCTL(0) && val & XDCTL_ENABLE)
		f->rdt_at_enable = f->reg[nicvf_VRDT(0) / 4];
	f->rdt_writes += off == nicvf_VRDT(0);
	f->tdt_writes += off == nicvf_VTDT(0);
	f->reg[off / 4] = val;
}

static void fake_delay_us(void *ctx, uint32_t us)
{
	struct fake *f = ctx;

	f->now_us += us;
}

static uint64_t fake_now_us(void *ctx)
{
	struct fake *f = ctx;

	return f->now_us++;
}

static const struct vfdrv_config small = {.n_rx = N_RX, .n_tx = N_TX, .rx_batch = 16};

static int fake_init(struct fake *f, const struct vfdrv_config *config, size_t len)
{
	struct vfdrv_env env = {.ctx = f,
				.read32 = fake_read32,
				.write32 = fake_write32,
				.delay_us = fake_delay_us,
				.now_us = fake_now_us};
	struct vfdrv_mem mem = {.va = f->dma, .iova = {IOVA}, .len = len};

	if (f->direct)
		env.queue_pages = (uint8_t *)f->reg + NIC_VF_SHARED_OFF;
	memset(&f->v, 0, sizeof(f->v));
	return vfdrv_init(&f->v, &env, config, &mem);
}

static int setup(void **state)
{
	struct fake *f = aligned_alloc(64, sizeof(*f));
	size_t len = vfdrv_mem_size(&small, N_BUFS);

	memset(f, 0, sizeof(*f));
	f->dma = aligned_alloc(4096, (len + 4095) & ~(size_t)4095);
	f->reg[nicvf_VTSTATUS(0) / 4] = STATUS_LU | STATUS_FD;
	*state = f;
	return fake_init(f, &small, len);
}

static int teardown(void **state)
{
	struct fake *f = *state;

	free(f->dma);
	free(f);
	return 0;
}

static void started(struct fake *f)
{
	assert_int_equal(vfdrv_reset(&f->v), 0);
	assert_int_equal(vfdrv_start(&f->v), 0);
}

static void reset_exchange_takes_the_address_the_pf_gives(void **state)
{
	struct fake *f = *state;

	assert_int_equal(vfdrv_reset(&f->v), 0);
	assert_true(f->v.has_mac);
	assert_memory_equal(f->v.mac, pf_mac, 6);
	assert_int_equal(f->resets, 1);
}

static void reset_without_an_address_says_so_and_the_callers_own_is_told(void **state)
{
	static const uint8_t own[6] = {0x02, 1, 2, 3, 4, 5};
	static const uint8_t group[6] = {0x01, 1, 2, 3, 4, 5};
	struct fake *f = *state;

	f->no_mac = true;
	assert_int_equal(vfdrv_reset(&f->v), 0);
	assert_false(f->v.has_mac);
	assert_int_equal(vfdrv_set_mac(&f->v, group), -ERANGE);
	assert_int_equal(vfdrv_set_mac(&f->v, own), 0);
	assert_memory_equal(f->v.mac, own, 6);
}

static void reset_reply_with_a_bit_too_many_is_refused(void **state)
{
	struct fake *f = *state;

	f->reset_or = NIC_MBX_CTS;
	assert_int_equal(vfdrv_reset(&f->v), -EBADMSG);
	f->reset_or = BIT32(16);
	assert_int_equal(vfdrv_reset(&f->v), -EBADMSG);
}

static void silent_pf_times_out_within_its_deadline(void **state)
{
	struct fake *f = *state;

	f->silent = true;
	assert_int_equal(vfdrv_reset(&f->v), -ETIMEDOUT);
	assert_in_range(f->now_us, 1000000, 1200000);
}

static void buffer_that_the_pf_never_gives_back_times_out(void **state)
{
	struct fake *f = *state;

	f->v2p = V2P_PFU;
	assert_int_equal(vfdrv_reset(&f->v), -ETIMEDOUT);
	assert_in_range(f->now_us, 250000, 270000);
}

static void function_that_is_gone_is_enodev_everywhere(void **state)
{
	struct fake *f = *state;
	bool up;

	started(f);
	f->gone = true;
	assert_int_equal(vfdrv_link(&f->v, &up), -ENODEV);
	assert_int_equal(vfdrv_set_vlan(&f->v, 5, true), -ENODEV);
	assert_int_equal(vfdrv_stop(&f->v), -ENODEV);
	assert_int_equal(vfdrv_reset(&f->v), -ENODEV);
	assert_int_equal(f->v.pool.n, N_BUFS);
}

static void refusals_and_lost_sync_are_told_apart(void **state)
{
	struct fake *f = *state;

	assert_int_equal(vfdrv_reset(&f->v), 0);
	f->refuse = true;
	assert_int_equal(vfdrv_set_vlan(&f->v, 5, true), -EPERM);
	assert_int_equal(vfdrv_set_vlan(&f->v, 4096, true), -ERANGE);
	f->out_of_sync = true;
	assert_int_equal(vfdrv_set_promisc(&f->v, 0), -ECONNRESET);
}

static void ping_between_request_and_reply_is_skipped(void **state)
{
	struct fake *f = *state;

	assert_int_equal(vfdrv_reset(&f->v), 0);
	f->ping_first = true;
	assert_int_equal(vfdrv_set_promisc(&f->v, 0), 0);
}

static void link_needs_both_status_and_clear_to_send(void **state)
{
	struct fake *f = *state;
	bool up = true;

	assert_int_equal(vfdrv_reset(&f->v), 0);
	assert_int_equal(vfdrv_link(&f->v, &up), 0);
	assert_false(up); /* only the reset reply lies in the mailbox, and it has no CTS */
	assert_int_equal(vfdrv_start(&f->v), 0);
	assert_int_equal(vfdrv_link(&f->v, &up), 0);
	assert_true(up);
	f->reg[nicvf_VTSTATUS(0) / 4] = STATUS_FD;
	assert_int_equal(vfdrv_link(&f->v, &up), 0);
	assert_false(up);
	f->reg[nicvf_VTSTATUS(0) / 4] |= STATUS_LU;
	f->v2p |= V2P_RSTD;
	assert_int_equal(vfdrv_link(&f->v, &up), -ECONNRESET);
}

static void rings_are_programmed_before_the_queues_are_enabled(void **state)
{
	struct fake *f = *state;

	started(f);
	assert_int_equal(f->reg[nicvf_VRDLEN(0) / 4], N_RX * 16);
	assert_int_equal(f->reg[nicvf_VTDLEN(0) / 4], N_TX * 16);
	assert_int_equal(f->reg[nicvf_VRDBAL(0) / 4], IOVA);
	assert_int_equal(f->reg[nicvf_VTDBAL(0) / 4], IOVA + N_RX * 16);
	assert_int_equal(field_get(SRRCTL_BSIZEPACKET, f->reg[nicvf_VSRRCTL(0) / 4]), 2);
	assert_true(f->reg[nicvf_VRXDCTL(0) / 4] & XDCTL_ENABLE);
	assert_true(f->reg[nicvf_VTXDCTL(0) / 4] & XDCTL_ENABLE);
	assert_false(f->rxdctl_at_lpe & XDCTL_ENABLE);
	assert_int_equal(f->rdt_at_enable, 0);
	assert_int_equal(f->reg[nicvf_VRDT(0) / 4], N_RX - 16);
}

/* what the NIC does to one posted receive descriptor */
static void nic_fills(struct fake *f, uint32_t at, uint32_t status, uint16_t len)
{
	f->v.rx.desc[2 * at + 1] = status | (uint64_t)len << 32;
}

static void received_frames_come_in_order_and_bad_ones_go_back(void **state)
{
	const uint32_t good = NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP;
	struct fake *f = *state;
	struct vfdrv_pkt pkt[32];
	struct vfdrv_counters c;
	uint32_t pool;

	f->direct = true;
	assert_int_equal(fake_init(f, &small, vfdrv_mem_size(&small, N_BUFS)), 0);
	started(f);
	assert_false(vfdrv_rx_pending(&f->v));
	assert_int_equal(vfdrv_rx_burst(&f->v, pkt, 32), 0);

	pool = f->v.pool.n;
	nic_fills(f, 0, good, 60);
	nic_fills(f, 1, NIC_RXD_STAT_DD, 2048); /* of several buffers */
	nic_fills(f, 2, good | NIC_RXD_ERR_RXE, 60);
	nic_fills(f, 3, good, 0);
	nic_fills(f, 4, good, 2049);
	nic_fills(f, 5, good, 1514);
	assert_true(vfdrv_rx_pending(&f->v));
	assert_int_equal(vfdrv_rx_burst(&f->v, pkt, 32), 2);
	assert_int_equal(pkt[0].len, 60);
	assert_int_equal(pkt[1].len, 1514);
	vfdrv_counters(&f->v, &c);
	assert_int_equal(c.rx_packets, 2);
	assert_int_equal(c.rx_bytes, 1574);
	assert_int_equal(c.rx_errors, 4);
	/* 6 slots and the 16 left free at start: one batch posted again */
	assert_int_equal(f->v.pool.n, pool + 4 - 16);
	assert_int_equal(f->reg[nicvf_VRDT(0) / 4], 0);
}

static void descriptor_behind_the_tail_is_never_looked_at(void **state)
{
	const uint32_t good = NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP;
	struct fake *f = *state;
	struct vfdrv_pkt pkt[N_RX * 2];
	void *held[N_BUFS];
	unsigned int n = 0;

	started(f);
	while (f->v.pool.n)
		held[n++] = vfdrv_pool_get(&f->v.pool);
	for (uint32_t i = 0; i < N_RX; i++)
		nic_fills(f, i, good, 60);
	assert_int_equal(vfdrv_rx_burst(&f->v, pkt, ARRAY_SIZE(pkt)), N_RX - 16);
	assert_int_equal(vfdrv_rx_burst(&f->v, pkt, ARRAY_SIZE(pkt)), 0);
	assert_true(f->v.rx.nobuf > 0);

	/* with buffers back, receiving goes on by itself */
	while (n)
		vfdrv_pool_put(&f->v.pool, held[--n]);
	assert_int_equal(vfdrv_rx_burst(&f->v, pkt, ARRAY_SIZE(pkt)), 0);
	assert_int_equal(f->v.rx.tail - f->v.rx.next, 16);
}

static void transmit_fills_the_ring_and_reclaims_only_what_is_done(void **state)
{
	struct fake *f = *state;
	struct vfdrv_pkt pkt[N_TX];
	struct vfdrv_counters c;
	uint32_t pool;

	started(f);
	pool = f->v.pool.n;
	for (unsigned int i = 0; i < N_TX; i++)
		pkt[i] = (struct vfdrv_pkt){.data = vfdrv_pool_get(&f->v.pool),
					    .len = (uint16_t)(60 + i)};
	f->tdt_writes = 0;
	assert_int_equal(vfdrv_tx_burst(&f->v, pkt, N_TX), N_TX - 1);
	assert_int_equal(f->tdt_writes, 1);
	assert_int_equal(f->reg[nicvf_VTDT(0) / 4], N_TX - 1);
	assert_int_equal(vfdrv_tx_burst(&f->v, &pkt[N_TX - 1], 1), 0);
	vfdrv_counters(&f->v, &c);
	assert_int_equal(c.tx_full, 2);

	for (unsigned int i = 0; i < N_TX - 1; i++) {
		uint64_t hi = f->v.tx.desc[2 * i + 1];

		assert_int_equal(f->v.tx.desc[2 * i],
				 (uintptr_t)pkt[i].data - (uintptr_t)f->dma + IOVA);
		assert_int_equal(field_get(NIC_TXD_DTALEN, (uint32_t)hi), 60 + i);
		assert_int_equal(field_get(NIC_TXD_PAYLEN, (uint32_t)(hi >> 32)), 60 + i);
		assert_int_equal(field_get(NIC_TXD_DTYP, (uint32_t)hi), NIC_TXD_DTYP_DATA);
		assert_int_equal(!!(hi & NIC_TXD_RS), i % 32 == 31);
		assert_true(hi & NIC_TXD_DEXT && hi & NIC_TXD_EOP && hi & NIC_TXD_IFCS);
	}

	f->v.tx.desc[2 * 31 + 1] |= (uint64_t)NIC_TXD_STAT_DD << 32;
	assert_int_equal(vfdrv_tx_burst(&f->v, &pkt[N_TX - 1], 1), 1);
	assert_int_equal(f->v.pool.n, pool - N_TX + 32);

	assert_int_equal(vfdrv_stop(&f->v), 0);
	assert_int_equal(f->v.pool.n, N_BUFS);
}

static void restart_after_stop_begins_with_empty_rings(void **state)
{
	struct fake *f = *state;

	started(f);
	assert_int_equal(vfdrv_stop(&f->v), 0);
	assert_int_equal(f->v.pool.n, N_BUFS);
	started(f);
	assert_int_equal(f->v.pool.n, N_BUFS - (N_RX - 16));
	assert_int_equal(f->reg[nicvf_VRDT(0) / 4], N_RX - 16);
}

static void impossible_configurations_are_refused(void **state)
{
	struct fake *f = *state;
	size_t len = vfdrv_mem_size(&small, N_BUFS);

	assert_int_equal(fake_init(f, &(struct vfdrv_config){.n_rx = 96, .n_tx = 64}, len),
			 -EINVAL);
	assert_int_equal(fake_init(f, &(struct vfdrv_config){.n_rx = 32, .n_tx = 64}, len),
			 -EINVAL);
	assert_int_equal(fake_init(f, &(struct vfdrv_config){.n_rx = 64, .n_tx = 2048}, len),
			 -EINVAL);
	assert_int_equal(fake_init(f, &(struct vfdrv_config){64, 64, 3, 0}, len), -EINVAL);
	assert_int_equal(fake_init(f, &(struct vfdrv_config){64, 64, 64, 0}, len), -EINVAL);
	assert_int_equal(fake_init(f, &(struct vfdrv_config){64, 64, 32, 9000}, len), -EINVAL);
	assert_int_equal(fake_init(f, &small, 4096), -ENOMEM);
	assert_int_equal(fake_init(f, &small, 64), -ENOMEM);
}

static void hardware_counters_survive_a_wrap(void **state)
{
	struct fake *f = *state;
	struct vfdrv_hw_counters c;

	f->reg[nicvf_VFGPRC(0) / 4] = UINT32_MAX - 1;
	vfdrv_hw_counters(&f->v, &c);
	assert_int_equal(c.rx_packets, 0);
	f->reg[nicvf_VFGPRC(0) / 4] = 3;
	vfdrv_hw_counters(&f->v, &c);
	assert_int_equal(c.rx_packets, 5);
}

static void interrupts_are_routed_masked_and_armed_by_vector(void **state)
{
	struct fake *f = *state;

	vfdrv_irq_setup(&f->v, 0, 1);
	assert_int_equal(f->reg[nicvf_VTIVAR(0) / 4], 0x80);
	assert_int_equal(f->reg[nicvf_VTIVAR_MISC(0) / 4], 0x81);
	assert_int_equal(f->reg[nicvf_VTEIAC(0) / 4], 3);
	assert_int_equal(f->reg[nicvf_VTEIAM(0) / 4], 1);
	assert_int_equal(f->reg[nicvf_VTEIMS(0) / 4], 0);
	vfdrv_irq_enable(&f->v, 1);
	assert_int_equal(f->reg[nicvf_VTEIMS(0) / 4], 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reset_exchange_takes_the_address_the_pf_gives),
		CASE(reset_without_an_address_says_so_and_the_callers_own_is_told),
		CASE(reset_reply_with_a_bit_too_many_is_refused),
		CASE(silent_pf_times_out_within_its_deadline),
		CASE(buffer_that_the_pf_never_gives_back_times_out),
		CASE(function_that_is_gone_is_enodev_everywhere),
		CASE(refusals_and_lost_sync_are_told_apart),
		CASE(ping_between_request_and_reply_is_skipped),
		CASE(link_needs_both_status_and_clear_to_send),
		CASE(rings_are_programmed_before_the_queues_are_enabled),
		CASE(received_frames_come_in_order_and_bad_ones_go_back),
		CASE(descriptor_behind_the_tail_is_never_looked_at),
		CASE(transmit_fills_the_ring_and_reclaims_only_what_is_done),
		CASE(restart_after_stop_begins_with_empty_rings),
		CASE(impossible_configurations_are_refused),
		CASE(hardware_counters_survive_a_wrap),
		CASE(interrupts_are_routed_masked_and_armed_by_vector),
	};

	return cmocka_run_group_tests_name("vf_driver_core", tests, NULL, NULL);
}

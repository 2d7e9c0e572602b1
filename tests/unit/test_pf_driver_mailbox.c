/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox server and the administrator's attributes, on a PF made of registers. */
#include <support/test.h>
#include <support/pf_regfile.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <abi/nic_mbx.h>
#include <abi/nic_regs.h>
#include <pfdrv/pfdrv.h>

static const uint8_t mac_a[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t mac_b[6] = {0x02, 0, 0, 0, 0, 0x0b};

struct fixture {
	struct pf_regfile *dev;
	struct pfdrv *pf;
	unsigned int resets, refusals, links;
	char refused[32];
};

static void on_link(void *userdata, bool up)
{
	((struct fixture *)userdata)->links++;
}

static void on_reset(void *userdata, unsigned int vf)
{
	((struct fixture *)userdata)->resets++;
}

static void on_refused(void *userdata, unsigned int vf, const char *message)
{
	struct fixture *f = userdata;

	f->refusals++;
	strncpy(f->refused, message, sizeof(f->refused) - 1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pfdrv_events ev = {on_link, on_reset, on_refused, f};

	f->dev = pf_regfile_new();
	assert_int_equal(pfdrv_open(pf_regfile_pcif(f->dev), -1, &ev, &f->pf), 0);
	assert_int_equal(pfdrv_set_vfs(f->pf, 4), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pfdrv_close(f->pf);
	pf_regfile_free(f->dev);
	free(f);
	return 0;
}

static uint32_t word(struct fixture *f, unsigned int vf, unsigned int i)
{
	return pf_regfile_peek(f->dev, nic_VMBMEM(vf * 16 + i));
}

/* Word 0 of the answer; 0 if none was given. */
static uint32_t ask(struct fixture *f, unsigned int vf, const uint32_t *words, unsigned int n)
{
	(void)pf_regfile_vf_read(f->dev, vf);
	pf_regfile_vf_ask(f->dev, vf, words, n);
	assert_true(pfdrv_service(f->pf) >= 0);
	return pf_regfile_vf_read(f->dev, vf) & V2P_PFSTS ? word(f, vf, 0) : 0;
}

static uint32_t ask_msg(struct fixture *f, unsigned int vf, const struct nic_mbx_msg *m)
{
	uint32_t words[NIC_MBX_WORDS];
	int n = nic_mbx_encode(m, words);

	assert_true(n > 0);
	return ask(f, vf, words, (unsigned int)n);
}

static uint32_t ask_reset(struct fixture *f, unsigned int vf)
{
	return ask_msg(f, vf, &(struct nic_mbx_msg){.id = NIC_MBX_VF_RESET});
}

static void give_mac(struct fixture *f, unsigned int vf, const uint8_t mac[6])
{
	struct pfdrv_vf_attr a = {.mac_set = true};

	memcpy(a.mac, mac, 6);
	assert_int_equal(pfdrv_vf_set(f->pf, vf, PFDRV_SET_MAC, &a, NULL), 0);
}

static bool acked(uint32_t w)
{
	return w & NIC_MBX_ACK && w & NIC_MBX_CTS && !(w & NIC_MBX_NACK);
}

static bool nacked(uint32_t w)
{
	return w & NIC_MBX_NACK && w & NIC_MBX_CTS && !(w & NIC_MBX_ACK);
}

static void bring_up_leaves_every_pool_off(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pfdrv_num_vfs(f->pf), 4);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFTE(0)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_DTXSWC(0)), 0x8000ffff);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(0)) & RAH_AV, 0);
	assert_true(pf_regfile_peek(f->dev, nic_CTRL_EXT(0)) & CTRL_EXT_DRV_LOAD);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MRQC(0)), MRQC_MODE_VMDQ);
	assert_int_equal(pfdrv_set_vfs(f->pf, 9), -ERANGE);
}

static void a_reset_is_answered_with_exactly_the_mac(void **state)
{
	struct fixture *f = *state;

	give_mac(f, 1, mac_a);
	assert_int_equal(ask_reset(f, 1), 0x80000001);
	assert_int_equal(word(f, 1, 1), 0x00000002);
	assert_int_equal(word(f, 1, 2), 0x00000a00);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 2);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFTE(0)), 2);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(22)), RAH_AV | 2u << 18 | 0x0a00);
	assert_int_equal(f->resets, 1);
}

static void a_reset_without_a_mac_is_answered_0x40000001(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_reset(f, 0), 0x40000001);
	assert_int_equal(word(f, 0, 1), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 1);
}

static void before_its_reset_a_vf_gets_one_nack_in_two_seconds(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_VLAN, .vlan = {.vid = 5, .add = true}};

	assert_int_equal(ask_msg(f, 2, &m), NIC_MBX_NACK);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(ask_msg(f, 2, &m), 0);
	assert_int_equal(f->refusals, 6);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VLVF(31)), 0);
	/* the buffer was given back each time */
	assert_int_equal(ask_reset(f, 2), 0x40000001);
}

static void an_administrators_mac_cannot_be_changed_by_the_vf(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MAC};
	struct pfdrv_vf_attr a = {.trust = true};

	give_mac(f, 0, mac_a);
	ask_reset(f, 0);
	memcpy(m.mac.addr, mac_b, 6);
	assert_true(nacked(ask_msg(f, 0, &m)));
	assert_string_equal(f->refused, "set_mac");
	memcpy(m.mac.addr, mac_a, 6);
	assert_true(acked(ask_msg(f, 0, &m)));

	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_TRUST, &a, NULL), 0);
	memcpy(m.mac.addr, mac_b, 6);
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(23)) & 0xffff, 0x0b00);
	/* and loses it again with the trust */
	a.trust = false;
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_TRUST, &a, NULL), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(23)) & 0xffff, 0x0a00);
}

static void a_mac_in_use_elsewhere_is_refused(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MAC};
	struct pfdrv_vf_attr a = {.mac_set = true, .mac = {0x02, 0, 0, 0, 0, 0x0a}};
	const char *why = NULL;
	uint8_t pf_mac[6];

	give_mac(f, 0, mac_a);
	assert_int_equal(pfdrv_vf_set(f->pf, 1, PFDRV_SET_MAC, &a, &why), -EADDRINUSE);
	assert_non_null(why);
	ask_reset(f, 1);
	memcpy(m.mac.addr, mac_a, 6);
	assert_true(nacked(ask_msg(f, 1, &m)));
	pfdrv_mac(f->pf, pf_mac);
	memcpy(m.mac.addr, pf_mac, 6);
	assert_true(nacked(ask_msg(f, 1, &m)));
	m.mac.addr[0] |= 1;
	assert_true(nacked(ask_msg(f, 1, &m)));
	memcpy(m.mac.addr, mac_b, 6);
	assert_true(acked(ask_msg(f, 1, &m)));
	memcpy(a.mac, mac_b, 6);
	assert_int_equal(pfdrv_vf_set(f->pf, 2, PFDRV_SET_MAC, &a, NULL), -EADDRINUSE);
}

static void extra_addresses_are_for_trusted_vfs_and_bounded(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MAC,
				.mac = {NIC_MBX_MAC_FILTER_ADD, {2, 1, 1, 1, 1, 0}}};
	struct pfdrv_vf_attr a = {.trust = true};

	ask_reset(f, 0);
	assert_true(nacked(ask_msg(f, 0, &m)));
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_TRUST, &a, NULL), 0);
	for (uint8_t i = 0; i < 4; i++) {
		m.mac.addr[5] = i;
		assert_true(acked(ask_msg(f, 0, &m)));
		assert_true(acked(ask_msg(f, 0, &m)));
		assert_true(pf_regfile_peek(f->dev, nic_RAR_high(1u + i)) & RAH_AV);
	}
	m.mac.addr[5] = 9;
	assert_true(nacked(ask_msg(f, 0, &m)));
	m.mac.mode = NIC_MBX_MAC_FILTER_CLR;
	assert_true(acked(ask_msg(f, 0, &m)));
	for (unsigned int i = 1; i < 16; i++)
		assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(i)) & RAH_AV, 0);
}

static void a_port_vlan_replaces_the_vfs_own(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_VLAN, .vlan = {.vid = 100, .add = true}};
	struct pfdrv_vf_attr a = {.vlan = 10, .vlan_qos = 3};
	struct pfdrv_vf_info info;

	ask_reset(f, 0);
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_VLVF(31)), VLVF_EN | 1u << 12 | 100);
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_STRVLAN);
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN, &a, NULL), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VLVF(31)), VLVF_EN | 1u << 12 | 10);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMVIR(0)), 1u << 30 | 3u << 13 | 10);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_AUPE, 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFTA(3)), 0);
	assert_true(nacked(ask_msg(f, 0, &m)));
	/* it outlives the VF's reset */
	pf_regfile_vf_flr(f->dev, 0);
	ask_reset(f, 0);
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), 0);
	assert_int_equal(info.attr.vlan, 10);
	assert_int_equal(info.attr.vlan_qos, 3);
	a.vlan = a.vlan_qos = 0;
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN, &a, NULL), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMVIR(0)), 0);
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_AUPE);
}

static void guests_cannot_use_up_the_vlan_slots(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_VLAN, .vlan = {.add = true}};
	unsigned int got = 0;

	for (unsigned int vf = 0; vf < 4; vf++) {
		ask_reset(f, vf);
		for (unsigned int i = 0; i < 20; i++) {
			m.vlan.vid = (uint16_t)(100 + vf * 20 + i);
			got += acked(ask_msg(f, vf, &m));
		}
	}
	assert_int_equal(got, 27); /* 31 less one for each VF, 8 a VF */
	for (unsigned int vf = 0; vf < 4; vf++) {
		struct pfdrv_vf_attr a = {.vlan = (uint16_t)(1000 + vf)};

		assert_int_equal(pfdrv_vf_set(f->pf, vf, PFDRV_SET_VLAN, &a, NULL), 0);
	}
}

static void frame_sizes_are_capped(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_LPE, .lpe = {63}};

	ask_reset(f, 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_RLPML, 1522);
	assert_true(nacked(ask_msg(f, 0, &m)));
	m.lpe.max_frame_bytes = UINT32_MAX;
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_RLPML, 9728);
	m.lpe.max_frame_bytes = 2000;
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_RLPML, 2000);
}

static void multicast_lists_are_per_vf(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MULTICAST, .multicast = {2, {0x021, 0xfff}}};

	ask_reset(f, 0);
	ask_reset(f, 1);
	assert_true(acked(ask_msg(f, 0, &m)));
	m.multicast.n = 1;
	assert_true(acked(ask_msg(f, 1, &m)));
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_ROMPE);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MTA(127)), 1u << 31);
	pf_regfile_vf_flr(f->dev, 0);
	assert_true(pfdrv_service(f->pf) >= 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MTA(127)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MTA(1)), 2);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_ROMPE, 0);
}

static void frames_are_spread_for_vfs_that_ask_until_their_reset(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_RX_QUEUES, .rx_queues.n = 2};

	ask_reset(f, 0);
	ask_reset(f, 1);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MRQC(0)), MRQC_MODE_VMDQ);
	assert_true(acked(ask_msg(f, 1, &m)));
	assert_int_equal(field_get(MRQC_MODE, pf_regfile_peek(f->dev, nic_MRQC(0))),
			 MRQC_MODE_VMDQ_RSS);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RETA(31)), 0x08000800);
	assert_true(pf_regfile_peek(f->dev, nic_RXCSUM(0)) & RXCSUM_PCSD);
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(1)) & VMOLR_RSSE);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_RSSE, 0);
	m.rx_queues.n = 1;
	assert_true(acked(ask_msg(f, 1, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(1)) & VMOLR_RSSE, 0);
	m.rx_queues.n = 2;
	assert_true(acked(ask_msg(f, 1, &m)));
	ask_reset(f, 1);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(1)) & VMOLR_RSSE, 0);
}

static void promiscuity_is_multicast_only_unless_trusted(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_PROMISC, .promisc = {NIC_MBX_PROMISC_MULTI}};
	struct pfdrv_vf_attr a = {.trust = true};

	ask_reset(f, 0);
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_MPME);
	assert_true(pf_regfile_peek(f->dev, nic_RCTL(0)) & RCTL_MPE);
	m.promisc.flags = NIC_MBX_PROMISC_UNICAST;
	assert_true(nacked(ask_msg(f, 0, &m)));
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_TRUST, &a, NULL), 0);
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pf_regfile_peek(f->dev, nic_UTA(127)), UINT32_MAX);
	assert_true(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_ROPE);
	a.trust = false;
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_TRUST, &a, NULL), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_UTA(127)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VMOLR(0)) & VMOLR_ROPE, 0);
	m.promisc.flags = 0;
	assert_true(acked(ask_msg(f, 0, &m)));
	m.promisc.flags = 8;
	assert_true(nacked(ask_msg(f, 0, &m)));
}

static void a_vf_that_holds_the_buffer_hurts_only_itself(void **state)
{
	struct fixture *f = *state;
	uint32_t one = 1;

	pf_regfile_vf_write(f->dev, 0, V2P_VFU);
	pf_regfile_vf_words(f->dev, 0, &one, 1);
	pf_regfile_vf_write(f->dev, 0, V2P_VFU | V2P_REQ);
	assert_int_equal(ask_reset(f, 1), 0x40000001);
	assert_int_equal(pf_regfile_vf_read(f->dev, 0) & (V2P_PFSTS | V2P_PFACK), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MBVFICR(0)), 0);
}

static void a_reset_of_the_vf_comes_before_its_message(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MAC};
	struct pfdrv_vf_info info;
	uint32_t one = 1;

	ask_reset(f, 0);
	memcpy(m.mac.addr, mac_b, 6);
	assert_true(acked(ask_msg(f, 0, &m)));
	pf_regfile_vf_flr(f->dev, 0);
	pf_regfile_vf_ask(f->dev, 0, &one, 1);
	assert_true(pfdrv_service(f->pf) >= 0);
	assert_int_equal(word(f, 0, 0), 0x40000001); /* its own MAC went with the reset */
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), 0);
	assert_true(info.ready);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 1);
}

static void a_disabled_vf_gets_no_cts_and_no_pool(void **state)
{
	struct fixture *f = *state;
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_LPE, .lpe = {1600}};
	struct pfdrv_vf_attr a = {.link_state = PFDRV_LINK_DISABLE};

	ask_reset(f, 0);
	assert_true(acked(ask_msg(f, 0, &m)));
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_LINK_STATE, &a, NULL), 0);
	assert_int_equal(word(f, 0, 0), NIC_MBX_PF_CONTROL);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 0);
	assert_int_equal(ask_msg(f, 0, &m) & NIC_MBX_CTS, 0);
	assert_int_equal(ask_reset(f, 0), 0x40000001);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFTE(0)), 0);
	a.link_state = PFDRV_LINK_AUTO;
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_LINK_STATE, &a, NULL), 0);
	assert_int_equal(word(f, 0, 0), NIC_MBX_PF_CONTROL | NIC_MBX_CTS);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFTE(0)), 1);
}

static void a_ping_does_not_overwrite_a_waiting_message(void **state)
{
	struct fixture *f = *state;
	uint32_t one = 1;

	ask_reset(f, 0);
	ask_reset(f, 1);
	pf_regfile_vf_ask(f->dev, 0, &one, 1);
	pf_regfile_poke(f->dev, nic_STATUS(0), pf_regfile_peek(f->dev, nic_STATUS(0)) ^ STATUS_LU);
	pf_regfile_poke(f->dev, nic_ICR(0), ICR_LSC);
	assert_true(pfdrv_service(f->pf) >= 0);
	assert_int_equal(f->links, 1);
	assert_int_equal(word(f, 0, 0), NIC_MBX_PF_CONTROL | NIC_MBX_CTS);
	assert_int_equal(word(f, 1, 0), NIC_MBX_PF_CONTROL | NIC_MBX_CTS);
	assert_int_equal(f->resets, 3);
}

static void attributes_are_checked_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct pfdrv_vf_attr a = {.vlan = 4095}, good = {.vlan = 5, .mac_set = true};
	struct pfdrv_vf_info info;
	const char *why = NULL;

	memcpy(good.mac, mac_a, 6);
	pf_regfile_writes(f->dev);
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN, &a, &why), -EINVAL);
	a = (struct pfdrv_vf_attr){.vlan = 0, .vlan_qos = 1};
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN, &a, &why), -EINVAL);
	a = (struct pfdrv_vf_attr){.mac_set = true, .mac = {1, 2, 3, 4, 5, 6}, .vlan = 7};
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN | PFDRV_SET_MAC, &a, &why), -EINVAL);
	assert_int_equal(pfdrv_vf_set(f->pf, 4, PFDRV_SET_MAC, &good, &why), -ENOENT);
	a = (struct pfdrv_vf_attr){.link_state = (enum pfdrv_link_state)7};
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_LINK_STATE, &a, &why), -EINVAL);
	assert_int_equal(pf_regfile_writes(f->dev), 0);

	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_VLAN | PFDRV_SET_MAC, &good, &why), 0);
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), 0);
	assert_int_equal(info.attr.vlan, 5);
	assert_memory_equal(info.mac, mac_a, 6);
	assert_true(info.attr.spoofchk);
}

static void what_the_device_does_not_take_is_undone(void **state)
{
	struct fixture *f = *state;
	struct pfdrv_vf_attr a = {.vlan = 5, .mac_set = true, .spoofchk = false};
	struct pfdrv_vf_info info;
	const char *why = NULL;

	memcpy(a.mac, mac_a, 6);
	pf_regfile_stuck(f->dev, nic_VMVIR(0));
	assert_int_equal(pfdrv_vf_set(f->pf, 0, PFDRV_SET_ALL, &a, &why), -EIO);
	assert_string_equal(why, "port VLAN insertion");
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), 0);
	assert_int_equal(info.attr.vlan, 0);
	assert_false(info.attr.mac_set);
	assert_true(info.attr.spoofchk);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(23)) & RAH_AV, 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VLVF(31)), 0);
}

static void baseline_leaves_nothing_of_a_tenant(void **state)
{
	struct fixture *f = *state;
	struct pfdrv_vf_attr a = {.vlan = 5, .mac_set = true, .trust = true};
	struct nic_mbx_msg m = {.id = NIC_MBX_SET_MULTICAST, .multicast = {1, {7}}};
	struct pfdrv_vf_info info;
	const char *reason = "";

	memcpy(a.mac, mac_a, 6);
	assert_int_equal(pfdrv_vf_set(f->pf, 3, PFDRV_SET_ALL, &a, NULL), 0);
	ask_reset(f, 3);
	assert_true(acked(ask_msg(f, 3, &m)));
	pf_regfile_poke(f->dev, nic_RXDCTL(11), XDCTL_ENABLE);
	pf_regfile_poke(f->dev, nic_PVFGPRC(3), 5);
	assert_int_equal(pfdrv_vf_get(f->pf, 3, &info), 0);
	assert_int_equal(info.rx_packets, 5);
	assert_int_equal(info.messages, 2);

	assert_int_equal(pfdrv_vf_baseline(f->pf, 3, &reason), 0);
	assert_null(reason);
	assert_int_equal(pfdrv_vf_get(f->pf, 3, &info), 0);
	assert_false(info.attr.mac_set || info.attr.trust || info.ready || info.attr.vlan);
	assert_true(info.attr.spoofchk);
	assert_int_equal(info.rx_packets + info.messages + info.resets, 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RXDCTL(11)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_MTA(0)), 0);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(word(f, 3, i), 0);

	pf_regfile_stuck(f->dev, nic_VMOLR(2));
	pf_regfile_poke(f->dev, nic_VMOLR(2), 0);
	assert_int_equal(pfdrv_vf_baseline(f->pf, 2, &reason), 0);
	assert_string_equal(reason, "pool filter");
}

static void counters_wrap_at_32_bits_and_add_up(void **state)
{
	struct fixture *f = *state;
	struct pfdrv_vf_info info;

	pf_regfile_poke(f->dev, nic_PVFGORC(0), 0xfffffff0);
	assert_true(pfdrv_tick(f->pf) >= 0);
	pf_regfile_poke(f->dev, nic_PVFGORC(0), 0x10);
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), 0);
	assert_int_equal(info.rx_bytes, UINT64_C(0x100000010));
}

static void fewer_vfs_go_through_none(void **state)
{
	struct fixture *f = *state;

	give_mac(f, 3, mac_a);
	ask_reset(f, 3);
	assert_int_equal(pfdrv_set_vfs(f->pf, 2), 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_RAR_high(20)) & RAH_AV, 0);
	assert_int_equal(pf_regfile_peek(f->dev, nic_VFRE(0)), 0);
	assert_int_equal(pfdrv_set_vfs(f->pf, 8), 0);
	assert_int_equal(pfdrv_num_vfs(f->pf), 8);
	assert_int_equal(ask_reset(f, 7), 0x40000001);
}

static void a_lost_device_stays_lost(void **state)
{
	struct fixture *f = *state;
	struct pfdrv_vf_info info;
	const char *reason;

	pf_regfile_die_after(f->dev, 0);
	assert_int_equal(pfdrv_service(f->pf), -ENODEV);
	pf_regfile_revive(f->dev);
	assert_int_equal(pfdrv_error(f->pf), -ENODEV);
	assert_int_equal(pfdrv_vf_get(f->pf, 0, &info), -ENODEV);
	assert_int_equal(pfdrv_vf_baseline(f->pf, 0, &reason), -ENODEV);
	assert_int_equal(pfdrv_set_vfs(f->pf, 0), -ENODEV);
	assert_int_equal(pfdrv_tick(f->pf), -ENODEV);
}

int main(void)
{
#define WITH_PF(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_PF(bring_up_leaves_every_pool_off),
		WITH_PF(a_reset_is_answered_with_exactly_the_mac),
		WITH_PF(a_reset_without_a_mac_is_answered_0x40000001),
		WITH_PF(before_its_reset_a_vf_gets_one_nack_in_two_seconds),
		WITH_PF(an_administrators_mac_cannot_be_changed_by_the_vf),
		WITH_PF(a_mac_in_use_elsewhere_is_refused),
		WITH_PF(extra_addresses_are_for_trusted_vfs_and_bounded),
		WITH_PF(a_port_vlan_replaces_the_vfs_own),
		WITH_PF(guests_cannot_use_up_the_vlan_slots),
		WITH_PF(frame_sizes_are_capped),
		WITH_PF(multicast_lists_are_per_vf),
		WITH_PF(frames_are_spread_for_vfs_that_ask_until_their_reset),
		WITH_PF(promiscuity_is_multicast_only_unless_trusted),
		WITH_PF(a_vf_that_holds_the_buffer_hurts_only_itself),
		WITH_PF(a_reset_of_the_vf_comes_before_its_message),
		WITH_PF(a_disabled_vf_gets_no_cts_and_no_pool),
		WITH_PF(a_ping_does_not_overwrite_a_waiting_message),
		WITH_PF(attributes_are_checked_as_a_whole),
		WITH_PF(what_the_device_does_not_take_is_undone),
		WITH_PF(baseline_leaves_nothing_of_a_tenant),
		WITH_PF(counters_wrap_at_32_bits_and_add_up),
		WITH_PF(fewer_vfs_go_through_none),
		WITH_PF(a_lost_device_stays_lost),
	};

	return cmocka_run_group_tests_name("pf_driver_mailbox", tests, NULL, NULL);
}

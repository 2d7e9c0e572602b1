/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver that goes, at any moment, and its successor on the same device. */
#include <support/test.h>
#include <support/pf_regfile.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <abi/nic_mbx.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <pfdrv/pfdrv.h>

static const uint8_t mac_a[6] = {0x02, 0, 0, 0, 0, 0x0a};

static struct pfdrv *adopt(struct pf_regfile *dev)
{
	struct pcif *f = pf_regfile_pcif(dev);
	struct pfdrv *pf = NULL;
	int r = pfdrv_adopt(f, -1, NULL, &pf);

	assert_int_equal(r, 0);
	return pf;
}

static void ask(struct pf_regfile *dev, struct pfdrv *pf, unsigned int vf,
		const struct nic_mbx_msg *m)
{
	uint32_t words[NIC_MBX_WORDS];
	int n = nic_mbx_encode(m, words);

	pf_regfile_vf_ask(dev, vf, words, (unsigned int)n);
	assert_true(pfdrv_service(pf) >= 0);
	(void)pf_regfile_vf_read(dev, vf);
}

/* Two VFs: 0 with a port VLAN and a given MAC, trusted; 1 with VLANs and multicast of its own. */
static struct pfdrv *furnish(struct pf_regfile *dev)
{
	struct pfdrv_vf_attr a = {.vlan = 10, .vlan_qos = 2, .mac_set = true, .trust = true};
	struct nic_mbx_msg reset = {.id = NIC_MBX_VF_RESET};
	struct nic_mbx_msg vlan = {.id = NIC_MBX_SET_VLAN, .vlan = {.vid = 100, .add = true}};
	struct nic_mbx_msg multi = {.id = NIC_MBX_SET_MULTICAST, .multicast = {1, {0x21}}};
	struct nic_mbx_msg lpe = {.id = NIC_MBX_SET_LPE, .lpe = {2000}};
	struct nic_mbx_msg mac = {.id = NIC_MBX_SET_MAC, .mac = {0, {2, 0, 0, 0, 0, 0x0b}}};
	struct nic_mbx_msg queues = {.id = NIC_MBX_SET_RX_QUEUES, .rx_queues.n = 2};
	struct pfdrv *pf;

	assert_int_equal(pfdrv_open(pf_regfile_pcif(dev), -1, NULL, &pf), 0);
	assert_int_equal(pfdrv_set_vfs(pf, 3), 0);
	memcpy(a.mac, mac_a, 6);
	assert_int_equal(pfdrv_vf_set(pf, 0, PFDRV_SET_ALL, &a, NULL), 0);
	a = (struct pfdrv_vf_attr){.link_state = PFDRV_LINK_DISABLE};
	assert_int_equal(pfdrv_vf_set(pf, 2, PFDRV_SET_LINK_STATE, &a, NULL), 0);
	ask(dev, pf, 0, &reset);
	ask(dev, pf, 1, &reset);
	ask(dev, pf, 1, &mac);
	ask(dev, pf, 1, &vlan);
	ask(dev, pf, 1, &multi);
	ask(dev, pf, 1, &lpe);
	ask(dev, pf, 1, &queues);
	return pf;
}

static void a_pf_that_nobody_drives_is_not_adopted(void **state)
{
	struct pf_regfile *dev = pf_regfile_new();
	struct pcif *f = pf_regfile_pcif(dev);
	struct pfdrv *pf = NULL;

	assert_int_equal(pfdrv_adopt(f, -1, NULL, &pf), -ENOENT);
	/* driven, but by another driver */
	pf_regfile_poke(dev, nic_CTRL_EXT(0), CTRL_EXT_DRV_LOAD);
	assert_int_equal(pfdrv_adopt(f, -1, NULL, &pf), -ENOENT);
	assert_null(pf);
	assert_int_equal(pfdrv_open(f, -1, NULL, &pf), 0);
	pfdrv_close(pf);
	pf_regfile_free(dev);
}

static void the_successor_sees_what_the_predecessor_saw(void **state)
{
	struct pf_regfile *dev = pf_regfile_new();
	struct pfdrv_vf_info before[3], after[3];
	struct pfdrv *pf = furnish(dev);
	uint32_t mta;

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pfdrv_vf_get(pf, i, &before[i]), 0);
	pfdrv_close(pf);
	mta = pf_regfile_peek(dev, nic_MTA(1));
	pf_regfile_writes(dev);
	pf = adopt(dev);
	/* interrupts armed anew and two registers that name the number of VFs: nothing else */
	assert_in_range(pf_regfile_writes(dev), 7, 10);
	assert_int_equal(pfdrv_num_vfs(pf), 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(pfdrv_vf_get(pf, i, &after[i]), 0);
		assert_memory_equal(&before[i].attr, &after[i].attr, sizeof(after[i].attr));
		assert_memory_equal(before[i].mac, after[i].mac, 6);
		assert_int_equal(before[i].ready, after[i].ready);
		assert_int_equal(before[i].max_frame_bytes, after[i].max_frame_bytes);
	}
	assert_true(after[0].attr.trust && after[0].attr.mac_set && !after[1].attr.mac_set);
	assert_int_equal(after[2].attr.link_state, PFDRV_LINK_DISABLE);
	assert_int_equal(pf_regfile_peek(dev, nic_MTA(1)), mta);
	assert_int_equal(pf_regfile_peek(dev, nic_VFRE(0)), 3);
	pfdrv_close(pf);
	pf_regfile_free(dev);
}

static void inherited_multicast_goes_when_its_vf_is_reset(void **state)
{
	struct nic_mbx_msg multi = {.id = NIC_MBX_SET_MULTICAST, .multicast = {1, {0x42}}};
	struct pf_regfile *dev = pf_regfile_new();
	struct pfdrv *pf = furnish(dev);

	pfdrv_close(pf);
	pf = adopt(dev);
	ask(dev, pf, 0, &multi);
	assert_int_equal(pf_regfile_peek(dev, nic_MTA(1)), 2);
	assert_int_equal(pf_regfile_peek(dev, nic_MTA(2)), 4);
	pf_regfile_vf_flr(dev, 1);
	assert_true(pfdrv_service(pf) >= 0);
	assert_int_equal(pf_regfile_peek(dev, nic_MTA(1)), 0);
	assert_int_equal(pf_regfile_peek(dev, nic_MTA(2)), 4);
	pfdrv_close(pf);
	pf_regfile_free(dev);
}

static void messages_and_resets_of_the_time_between_are_handled(void **state)
{
	struct pf_regfile *dev = pf_regfile_new();
	struct pfdrv *pf = furnish(dev);
	struct pfdrv_vf_info info;
	uint32_t one = 1;

	pfdrv_close(pf);
	pf_regfile_vf_flr(dev, 1);
	pf_regfile_vf_ask(dev, 0, &one, 1);
	pf = adopt(dev);
	assert_true(pfdrv_service(pf) >= 0);
	assert_int_equal(pf_regfile_peek(dev, nic_VMBMEM(0)), 0x80000001);
	assert_int_equal(pfdrv_vf_get(pf, 1, &info), 0);
	assert_false(info.ready);
	assert_int_equal(pf_regfile_peek(dev, nic_VFRE(0)), 1);
	pfdrv_close(pf);
	pf_regfile_free(dev);
}

/* The device as a VF that keeps its protocol sees it, whenever the driver was killed. */
static void check_vf0(struct pf_regfile *dev, struct pfdrv *pf, unsigned int n)
{
	uint32_t seen;

	assert_true(pfdrv_service(pf) >= 0);
	seen = pf_regfile_vf_read(dev, 0);
	if (!(seen & V2P_PFSTS) || pf_regfile_peek(dev, nic_VMBMEM(0)) != 0x80000001)
		fail_msg("killed after %u writes: no answer, word 0 is 0x%x, V2P 0x%x", n,
			 pf_regfile_peek(dev, nic_VMBMEM(0)), seen);
	assert_int_equal(pf_regfile_peek(dev, nic_VFRE(0)) & 1, 1);
	assert_int_equal(pf_regfile_peek(dev, nic_RAR_high(23)) & 0xffff, 0x0a00);
}

static void killed_at_any_write_of_a_reset_answer_the_vf_still_gets_one(void **state)
{
	uint32_t one = 1;

	for (unsigned int n = 0;; n++) {
		struct pf_regfile *dev = pf_regfile_new();
		struct pfdrv *pf = furnish(dev);
		bool done;

		pf_regfile_vf_ask(dev, 0, &one, 1);
		pf_regfile_die_after(dev, n);
		done = pfdrv_service(pf) >= 0;
		pf_regfile_revive(dev);
		pfdrv_close(pf);
		pf = adopt(dev);
		check_vf0(dev, pf, n);
		pfdrv_close(pf);
		pf_regfile_free(dev);
		if (done)
			break;
		assert_true(n < 200);
	}
}

static void killed_at_any_write_of_a_set_the_successor_can_set(void **state)
{
	struct pfdrv_vf_attr want = {.vlan = 20, .mac_set = true, .spoofchk = true};

	memcpy(want.mac, (uint8_t[]){2, 0, 0, 0, 0, 0x0c}, 6);
	for (unsigned int n = 0;; n++) {
		struct pf_regfile *dev = pf_regfile_new();
		struct pfdrv *pf = furnish(dev);
		struct pfdrv_vf_info info;
		bool done;

		pf_regfile_die_after(dev, n);
		done = pfdrv_vf_set(pf, 0, PFDRV_SET_ALL, &want, NULL) == 0;
		pf_regfile_revive(dev);
		pfdrv_close(pf);
		pf = adopt(dev);
		/* the other VF never noticed */
		assert_int_equal(pf_regfile_peek(dev, nic_VFRE(0)) & 2, 2);
		assert_int_equal(pfdrv_vf_get(pf, 1, &info), 0);
		assert_int_equal(info.max_frame_bytes, 2000);
		assert_true(info.ready);
		assert_int_equal(pfdrv_vf_set(pf, 0, PFDRV_SET_ALL, &want, NULL), 0);
		assert_int_equal(pfdrv_vf_get(pf, 0, &info), 0);
		assert_int_equal(info.attr.vlan, 20);
		assert_memory_equal(info.mac, want.mac, 6);
		pfdrv_close(pf);
		pf_regfile_free(dev);
		if (done)
			break;
		assert_true(n < 200);
	}
}

static int op_disable(struct pfdrv *pf)
{
	return pfdrv_set_vfs(pf, 0);
}

static int op_resize(struct pfdrv *pf)
{
	return pfdrv_set_vfs(pf, 5);
}

static int op_scrub(struct pfdrv *pf)
{
	const char *reason;

	return pfdrv_vf_baseline(pf, 1, &reason);
}

static int op_link(struct pfdrv *pf)
{
	struct pfdrv_vf_attr a = {.link_state = PFDRV_LINK_DISABLE};

	return pfdrv_vf_set(pf, 0, PFDRV_SET_LINK_STATE, &a, NULL);
}

/* Return: false when @op came to its end before write @n. */
static bool kill_and_succeed(int (*op)(struct pfdrv *), unsigned int n)
{
	struct nic_mbx_msg reset = {.id = NIC_MBX_VF_RESET};
	struct pf_regfile *dev = pf_regfile_new();
	struct pfdrv *pf = furnish(dev);
	struct pfdrv_vf_info info;
	const char *reason = "";
	bool done;

	pf_regfile_die_after(dev, n);
	done = op(pf) == 0;
	pf_regfile_revive(dev);
	pfdrv_close(pf);
	pf = adopt(dev);
	assert_true(pfdrv_service(pf) >= 0);
	assert_int_equal(op(pf), 0);
	if (pfdrv_num_vfs(pf) == 0)
		assert_int_equal(pfdrv_set_vfs(pf, 3), 0);
	for (unsigned int i = 0; i < pfdrv_num_vfs(pf); i++) {
		assert_int_equal(pfdrv_vf_baseline(pf, i, &reason), 0);
		assert_null(reason);
		ask(dev, pf, i, &reset);
		assert_int_equal(pfdrv_vf_get(pf, i, &info), 0);
		assert_true(info.ready);
	}
	pfdrv_close(pf);
	pf_regfile_free(dev);
	return !done;
}

static void killed_at_any_write_of_anything_the_successor_goes_on(void **state)
{
	int (*const ops[])(struct pfdrv *) = {op_disable, op_resize, op_scrub, op_link};

	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		unsigned int n = 0;

		while (kill_and_succeed(ops[i], n))
			assert_true(++n < 400);
		assert_true(n > 1);
	}
}

static void killed_at_any_write_of_spreading_the_successor_spreads(void **state)
{
	struct nic_mbx_msg queues = {.id = NIC_MBX_SET_RX_QUEUES, .rx_queues.n = 2};
	struct nic_mbx_msg reset = {.id = NIC_MBX_VF_RESET};
	uint32_t words[NIC_MBX_WORDS];
	bool done = false;

	for (unsigned int n = 0; !done; n++) {
		struct pf_regfile *dev = pf_regfile_new();
		struct pfdrv *pf;

		assert_int_equal(pfdrv_open(pf_regfile_pcif(dev), -1, NULL, &pf), 0);
		assert_int_equal(pfdrv_set_vfs(pf, 3), 0);
		ask(dev, pf, 1, &reset);
		pf_regfile_vf_ask(dev, 1, words, (unsigned int)nic_mbx_encode(&queues, words));
		pf_regfile_die_after(dev, n);
		done = pfdrv_service(pf) >= 0;
		pf_regfile_revive(dev);
		pfdrv_close(pf);
		pf = adopt(dev);
		assert_true(pfdrv_service(pf) >= 0);
		assert_int_equal(field_get(MRQC_MODE, pf_regfile_peek(dev, nic_MRQC(0))) ==
					 MRQC_MODE_VMDQ_RSS,
				 (pf_regfile_peek(dev, nic_VMOLR(1)) & VMOLR_RSSE) != 0);
		assert_true(!done || pf_regfile_peek(dev, nic_VMOLR(1)) & VMOLR_RSSE);
		pfdrv_close(pf);
		pf_regfile_free(dev);
		assert_true(n < 200);
	}
}

static void killed_at_any_write_of_bring_up_the_next_brings_it_up(void **state)
{
	bool done = false;

	/* the long run of equal table clears in the middle is sampled */
	for (unsigned int n = 0; !done; n += n < 90 || n > 480 ? 1 : 13) {
		struct pf_regfile *dev = pf_regfile_new();
		struct pcif *f = pf_regfile_pcif(dev);
		struct pfdrv *pf = NULL;
		int r;

		pf_regfile_die_after(dev, n);
		done = pfdrv_open(f, -1, NULL, &pf) == 0;
		pf_regfile_revive(dev);
		pfdrv_close(pf);
		if (!done)
			pcif_close(f);
		f = pf_regfile_pcif(dev);
		r = pfdrv_adopt(f, -1, NULL, &pf);
		if (r < 0) {
			assert_int_equal(r, -ENOENT);
			assert_int_equal(pfdrv_open(f, -1, NULL, &pf), 0);
		}
		assert_int_equal(pfdrv_set_vfs(pf, 8), 0);
		pfdrv_close(pf);
		pf_regfile_free(dev);
		assert_true(n < 1000);
	}
}

static void a_picture_that_contradicts_itself_is_not_adopted(void **state)
{
	struct pf_regfile *dev = pf_regfile_new();
	struct pfdrv *pf = furnish(dev);
	struct pcif *f;

	pfdrv_close(pf);
	pf_regfile_poke(dev, nic_VLVF(3), pf_regfile_peek(dev, nic_VLVF(31)));
	f = pf_regfile_pcif(dev);
	assert_int_equal(pfdrv_adopt(f, -1, NULL, &pf), -EUCLEAN);
	assert_int_equal(pfdrv_open(f, -1, NULL, &pf), 0);
	assert_int_equal(pfdrv_num_vfs(pf), 0);
	pfdrv_close(pf);
	pf_regfile_free(dev);
}

static void a_function_that_is_no_82576_is_refused(void **state)
{
	struct pf_regfile *dev = pf_regfile_new();
	struct pcif *f = pf_regfile_pcif(dev);
	uint16_t id = NIC_DEVICE_VF;
	struct pfdrv *pf;

	assert_int_equal(pcif_config_write(f, 2, &id, 2), 0);
	assert_int_equal(pfdrv_open(f, -1, NULL, &pf), -ENODEV);
	id = NIC_DEVICE_PF;
	assert_int_equal(pcif_config_write(f, 2, &id, 2), 0);
	/* a capability list that runs in circles */
	assert_int_equal(pcif_config_write(f, NIC_CFG_ARI, (uint32_t[]){0x1001000e}, 4), 0);
	assert_int_equal(pfdrv_open(f, -1, NULL, &pf), -ENXIO);
	pcif_close(f);
	pf_regfile_free(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pf_that_nobody_drives_is_not_adopted),
		cmocka_unit_test(the_successor_sees_what_the_predecessor_saw),
		cmocka_unit_test(inherited_multicast_goes_when_its_vf_is_reset),
		cmocka_unit_test(messages_and_resets_of_the_time_between_are_handled),
		cmocka_unit_test(killed_at_any_write_of_a_reset_answer_the_vf_still_gets_one),
		cmocka_unit_test(killed_at_any_write_of_a_set_the_successor_can_set),
		cmocka_unit_test(killed_at_any_write_of_anything_the_successor_goes_on),
		cmocka_unit_test(killed_at_any_write_of_spreading_the_successor_spreads),
		cmocka_unit_test(killed_at_any_write_of_bring_up_the_next_brings_it_up),
		cmocka_unit_test(a_picture_that_contradicts_itself_is_not_adopted),
		cmocka_unit_test(a_function_that_is_no_82576_is_refused),
	};

	return cmocka_run_group_tests_name("pf_driver_adopt", tests, NULL, NULL);
}

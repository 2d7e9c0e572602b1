/* SPDX-License-Identifier: BSD-3-Clause */
/* The register model: configuration space, reset, NVM, PHY, SR-IOV life cycles, mailbox, VF reset.
 */
#include <support/test.h>
#include <support/snic_rig.h>

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static uint32_t cfg32(struct rig *r, unsigned int fn, uint32_t off)
{
	uint32_t v;

	snic_config_read(r->nic, fn, off, &v, 4);
	return v;
}

static void cfg32_set(struct rig *r, unsigned int fn, uint32_t off, uint32_t v)
{
	snic_config_write(r->nic, fn, off, &v, 4);
}

/* ---- configuration space ---------------------------------------------------------------- */

static void identity_and_capabilities_are_those_of_an_82576(void **state)
{
	struct rig *r = *state;
	uint8_t at = 0;
	unsigned int seen = 0;

	rig_vfs_enable(r, 1);
	assert_int_equal(cfg32(r, SNIC_PF, 0), 0x10c98086);
	assert_int_equal(cfg32(r, 0, 0), 0x10ca8086);
	assert_int_equal(cfg32(r, SNIC_PF, 8), 0x02000001);
	snic_config_read(r->nic, SNIC_PF, PCI_CAPABILITY_LIST, &at, 1);
	for (unsigned int i = 0; at && i < 8; i++) {
		uint32_t cap = rig_cfg16(r, SNIC_PF, at);

		seen |= (cap & 0xff) == PCI_CAP_ID_PM	  ? 1
			: (cap & 0xff) == PCI_CAP_ID_MSIX ? 2
			: (cap & 0xff) == PCI_CAP_ID_EXP  ? 4
							  : 0;
		at = (uint8_t)(cap >> 8);
	}
	assert_int_equal(seen, 7);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_MSIX + 2) & 0x7ff, NIC_PF_MSIX_N - 1);
	assert_int_equal(rig_cfg16(r, 0, NIC_CFG_MSIX + 2) & 0x7ff, NIC_VF_MSIX_N - 1);
	assert_true(cfg32(r, 0, NIC_CFG_PCIE + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV), PCI_EXT_CAP_ID_SRIOV);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_TOTAL_VF), 8);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_VF_DID), NIC_DEVICE_VF);
}

static void bars_answer_sizing(void **state)
{
	struct rig *r = *state;

	rig_vfs_enable(r, 1);
	cfg32_set(r, SNIC_PF, PCI_BASE_ADDRESS_0, UINT32_MAX);
	assert_int_equal(cfg32(r, SNIC_PF, PCI_BASE_ADDRESS_0), 0xfffe0000);
	cfg32_set(r, 0, PCI_BASE_ADDRESS_0, UINT32_MAX);
	cfg32_set(r, 0, PCI_BASE_ADDRESS_1, UINT32_MAX);
	assert_int_equal(cfg32(r, 0, PCI_BASE_ADDRESS_0), 0xffffc004);
	assert_int_equal(cfg32(r, 0, PCI_BASE_ADDRESS_1), 0xffffffff);
	cfg32_set(r, SNIC_PF, PCI_BASE_ADDRESS_2, UINT32_MAX);
	assert_int_equal(cfg32(r, SNIC_PF, PCI_BASE_ADDRESS_2), 0);
}

static void ids_cannot_be_written(void **state)
{
	struct rig *r = *state;

	cfg32_set(r, SNIC_PF, 0, 0);
	assert_int_equal(cfg32(r, SNIC_PF, 0), 0x10c98086);
}

static void accesses_outside_read_ones_and_write_nothing(void **state)
{
	struct rig *r = *state;
	uint64_t v = 0;

	snic_config_read(r->nic, SNIC_PF, 4094, &v, 4);
	assert_int_equal(v, 0xffffffff);
	snic_config_read(r->nic, 99, 0, &v, 4);
	assert_int_equal(v, 0xffffffff);
	snic_bar_read(r->nic, SNIC_PF, 0, NIC_PF_BAR0_SIZE - 4, &v, 8);
	assert_true(v == UINT64_MAX);
	snic_bar_write(r->nic, SNIC_PF, 0, UINT64_MAX - 3, &v, 8);
	snic_config_read(r->nic, 3, 0, &v, 4); /* a VF that does not exist */
	assert_int_equal((uint32_t)v, 0xffffffff);
	rig_master(r, 3, true);
	snic_bar_read(r->nic, 3, 0, 0, &v, 8);
	assert_true(v == UINT64_MAX);
}

static void odd_sized_reads_see_the_bytes_and_odd_writes_are_ignored(void **state)
{
	struct rig *r = *state;
	uint8_t b[6];
	uint16_t h = 0;

	rig_write(r, SNIC_PF, nic_FCAL(0), 0x44332211);
	rig_write(r, SNIC_PF, nic_FCAH(0), 0x00006655);
	snic_bar_read(r->nic, SNIC_PF, 0, nic_FCAL(0) + 1, b, 5);
	assert_memory_equal(b, "\x22\x33\x44\x55\x66", 5);
	snic_bar_write(r->nic, SNIC_PF, 0, nic_FCAL(0), &h, 2);
	assert_int_equal(rig_read(r, SNIC_PF, nic_FCAL(0)), 0x44332211);
}

/* ---- NVM, PHY, reset -------------------------------------------------------------------- */

static uint16_t nvm_word(struct rig *r, uint32_t word)
{
	rig_write(r, SNIC_PF, nic_EERD(0), EERD_START | word << 2);
	assert_true(rig_read(r, SNIC_PF, nic_EERD(0)) & EERD_DONE);
	return (uint16_t)(rig_read(r, SNIC_PF, nic_EERD(0)) >> 16);
}

static void nvm_checksum_and_address_are_right(void **state)
{
	struct rig *r = *state;
	uint16_t sum = 0;

	for (uint32_t i = 0; i < 64; i++)
		sum = (uint16_t)(sum + nvm_word(r, i));
	assert_int_equal(sum, 0xbaba);
	assert_int_equal(nvm_word(r, 0), 0x0002);
	assert_int_equal(nvm_word(r, 2), 0xff00);
	assert_int_equal(nvm_word(r, 0x37), 0xffff);
	assert_int_equal(nvm_word(r, 5000), 0xffff);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RAL(0)), 0x00000002);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RAH(0)), RAH_AV | 0xff00);
}

static uint32_t phy(struct rig *r, uint32_t reg)
{
	rig_write(r, SNIC_PF, nic_MDIC(0), 1 << 21 | reg << 16 | 2u << 26);
	return rig_read(r, SNIC_PF, nic_MDIC(0));
}

static void phy_is_there_with_link_and_others_are_not(void **state)
{
	struct rig *r = *state;

	assert_int_equal(phy(r, 2) & 0xffff, 0x02a8);
	assert_int_equal(phy(r, 3) & 0xfff0, 0x0390);
	assert_true(phy(r, 1) & 4);
	assert_true(phy(r, 0xa) & 0x1000);
	assert_true(phy(r, 1) & MDIC_READY);
	rig_write(r, SNIC_PF, nic_MDIC(0), 2 << 21 | 2u << 26);
	assert_true(rig_read(r, SNIC_PF, nic_MDIC(0)) & MDIC_ERROR);
	snic_link_set(r->nic, false);
	assert_false(phy(r, 1) & 4);
	assert_false(rig_read(r, SNIC_PF, nic_STATUS(0)) & STATUS_LU);
}

static void software_reset_restores_the_mac_and_keeps_config_space(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 2);
	rig_write(r, SNIC_PF, nic_EITR(5), 648);
	rig_write(r, SNIC_PF, nic_RAL(0), 0x12345678);
	rig_write(r, SNIC_PF, nic_CTRL(0), CTRL_GIO_MASTER_DISABLE);
	assert_false(rig_read(r, SNIC_PF, nic_STATUS(0)) & STATUS_GIO_MASTER_ENABLE);
	rig_write(r, SNIC_PF, nic_CTRL(0), rig_read(r, SNIC_PF, nic_CTRL(0)) | CTRL_RST);
	assert_false(rig_read(r, SNIC_PF, nic_CTRL(0)) & CTRL_RST);
	assert_true(rig_read(r, SNIC_PF, nic_STATUS(0)) & STATUS_GIO_MASTER_ENABLE);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RAL(0)), 2);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RCTL(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EITR(5)), 648);
	assert_true(rig_cfg16(r, SNIC_PF, PCI_COMMAND) & PCI_COMMAND_MASTER);
	assert_int_equal(r->n_vfs, 2);
	assert_int_equal(field_get(STATUS_NUM_VFS, rig_read(r, SNIC_PF, nic_STATUS(0))), 2);
}

static void status_does_not_change_when_written(void **state)
{
	struct rig *r = *state;
	uint32_t before = rig_read(r, SNIC_PF, nic_STATUS(0));

	rig_write(r, SNIC_PF, nic_STATUS(0), 0x7ffff3ff);
	assert_int_equal(rig_read(r, SNIC_PF, nic_STATUS(0)) & 0x7ffff3ff, before & 0x7ffff3ff);
}

static void registers_that_ethtool_tests_hold_what_was_written(void **state)
{
	static const uint32_t patterns[] = {0x5a5a5a5a, 0xa5a5a5a5, 0, 0xffffffff};
	struct rig *r = *state;

	for (unsigned int p = 0; p < ARRAY_SIZE(patterns); p++) {
		uint32_t v = patterns[p];

		for (uint32_t q = 0; q < 16; q++) {
			rig_write(r, SNIC_PF, nic_RXDCTL(q), XDCTL_ENABLE);
			rig_write(r, SNIC_PF, nic_RDBAL(q), v);
			rig_write(r, SNIC_PF, nic_RDBAH(q), v);
			rig_write(r, SNIC_PF, nic_RDLEN(q), v & 0xfffff);
			rig_write(r, SNIC_PF, nic_RDT(q), v & 0xffff);
			assert_int_equal(rig_read(r, SNIC_PF, nic_RDBAL(q)) & 0xffffff80,
					 v & 0xffffff80);
			assert_int_equal(rig_read(r, SNIC_PF, nic_RDBAH(q)), v);
			assert_int_equal(rig_read(r, SNIC_PF, nic_RDLEN(q)) & 0xffff0, v & 0xffff0);
			assert_int_equal(rig_read(r, SNIC_PF, nic_RDT(q)), v & 0xffff);
		}
		for (uint32_t i = 0; i < NIC_RAR_COUNT; i++) {
			rig_write(r, SNIC_PF, nic_RAR_high(i), v);
			assert_int_equal(rig_read(r, SNIC_PF, nic_RAR_high(i)) & 0x83ffffff,
					 v & 0x83ffffff);
		}
		rig_write(r, SNIC_PF, nic_RCTL(0), 0x04cfb0fe & v);
		assert_int_equal(rig_read(r, SNIC_PF, nic_RCTL(0)), 0x04cfb0fe & v);
		rig_run(r);
	}
	rig_write(r, SNIC_PF, 0x5524, 0xffffffff); /* one past the last address */
	assert_int_equal(rig_read(r, SNIC_PF, 0x5524), 0);
}

static void queue_registers_have_two_addresses_and_one_storage(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, 0x2800 + 0x100 * 2, 0x12345680);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RDBAL(2)), 0x12345680);
	rig_write(r, SNIC_PF, nic_TDLEN(3), 0x1000);
	assert_int_equal(rig_read(r, SNIC_PF, 0x3800 + 0x100 * 3 + 8), 0x1000);
	assert_int_equal(mmio_read32(snic_page(r->nic, 3) + nicvf_VTDLEN(0)), 0x1000);
	rig_write(r, SNIC_PF, nic_TDLEN(11), 0x2000);
	assert_int_equal(mmio_read32(snic_page(r->nic, 3) + nicvf_VTDLEN(1)), 0x2000);
}

/* ---- SR-IOV ----------------------------------------------------------------------------- */

static void vfs_appear_and_vanish_with_vf_enable(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_read(r, 0, nicvf_VTSTATUS(0)), UINT32_MAX);
	for (unsigned int n = 1; n <= 8; n++) {
		rig_vfs_enable(r, n);
		assert_int_equal(r->n_vfs, n);
		assert_true(rig_read(r, n - 1, nicvf_VTSTATUS(0)) & STATUS_LU);
		if (n < 8)
			assert_int_equal(rig_read(r, n, nicvf_VTSTATUS(0)), UINT32_MAX);
		rig_vfs_disable(r);
		assert_int_equal(r->n_vfs, 0);
	}
	assert_int_equal(r->vfs_events, 16);
}

static void vf_count_is_fixed_while_enabled(void **state)
{
	struct rig *r = *state;

	rig_vfs_enable(r, 3);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF, 5);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF), 3);
	rig_vfs_enable(r, 5);
	assert_int_equal(r->n_vfs, 3);
}

static void more_vfs_than_there_are_stay_off(void **state)
{
	struct rig *r = *state;

	rig_vfs_enable(r, 9);
	assert_int_equal(r->n_vfs, 0);
	assert_false(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE);
}

static void first_vf_offset_follows_ari(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_VF_OFFSET), 0x180);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_VF_OFFSET), 0x80);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_VF_STRIDE), 2);
}

static void vf_memory_needs_mse(void **state)
{
	struct rig *r = *state;

	rig_vfs_enable(r, 1);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE);
	assert_int_equal(rig_read(r, 0, nicvf_VTSTATUS(0)), UINT32_MAX);
	assert_int_equal(r->n_vfs, 1);
}

static void pf_flr_takes_the_vfs_away(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 4);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(r->n_vfs, 0);
	assert_int_equal(rig_cfg16(r, SNIC_PF, PCI_COMMAND), 0);
	assert_int_equal(rig_cfg16(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_RCTL(0)), 0);
	assert_false(rig_cfg16(r, SNIC_PF, NIC_CFG_PCIE + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_BCR_FLR);
}

static void waking_from_d3_resets_the_pf(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, nic_FCTTV(0), 7);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_PM + PCI_PM_CTRL, 3);
	assert_int_equal(rig_read(r, SNIC_PF, nic_FCTTV(0)), 7);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_PM + PCI_PM_CTRL, 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_FCTTV(0)), 0);
}

static void losing_the_pf_client_keeps_everything(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 2);
	snic_fn_gone(r->nic, SNIC_PF);
	assert_int_equal(r->n_vfs, 2);
	assert_int_equal(rig_read(r, SNIC_PF, nic_MRQC(0)), MRQC_MODE_VMDQ);
}

static void losing_a_vf_client_resets_that_vf_alone(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 2);
	rig_write(r, SNIC_PF, nic_VFLRE(0), 0xff);
	rig_queue_up(r, 0, 0, 64, 8);
	rig_queue_up(r, 1, 1, 64, 8);
	snic_fn_gone(r->nic, 0);
	assert_int_equal(rig_cfg16(r, 0, PCI_COMMAND), 0);
	assert_int_equal(mmio_read32(snic_page(r->nic, 0) + nicvf_VRXDCTL(0)), 0x00010000);
	assert_int_equal(mmio_read32(snic_page(r->nic, 0) + nicvf_VTXCTL(0)), 0x2a00);
	assert_true(mmio_read32(snic_page(r->nic, 1) + nicvf_VRXDCTL(0)) & XDCTL_ENABLE);
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFLRE(0)), 1);
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFRE(0)), 0xfe);
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFTE(0)), 0xfe);
}

static void a_client_that_is_gone_does_not_reach_the_next_ones_registers(void **state)
{
	struct rig *r = *state;
	struct rig_queue q;
	uint8_t *stale;

	rig_pf_up(r, 1);
	stale = mmap(NULL, NIC_VF_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		     snic_page_fd(r->nic, 0), 0);
	assert_true(stale != MAP_FAILED);
	q = rig_queue_up(r, 0, 0, 64, 8);
	assert_true(mmio_read32(stale + nicvf_VRXDCTL(0)) & XDCTL_ENABLE);
	snic_fn_gone(r->nic, 0);
	q = rig_queue_up(r, 0, 0, 64, 8);
	memset(stale, 0, NIC_VF_BAR0_SIZE);
	assert_true(mmio_read32(q.rx + 0x28) & XDCTL_ENABLE);
	assert_int_equal(mmio_read32(q.rx + 0x18), 8);
	munmap(stale, NIC_VF_BAR0_SIZE);
}

static void vfio_style_reset_keeps_config_and_flr_does_not(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	snic_fn_reset(r->nic, 0, true);
	assert_true(rig_cfg16(r, 0, PCI_COMMAND) & PCI_COMMAND_MASTER);
	rig_cfg16_set(r, 0, NIC_CFG_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(rig_cfg16(r, 0, PCI_COMMAND), 0);
}

/* ---- mailbox ---------------------------------------------------------------------------- */

static void mailbox_has_one_owner_at_a_time(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 2);
	rig_write(r, 0, nicvf_V2PMAILBOX(0), V2P_VFU);
	assert_true(rig_read(r, 0, nicvf_V2PMAILBOX(0)) & V2P_VFU);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_PFU);
	assert_int_equal(rig_read(r, SNIC_PF, nic_P2VMAILBOX(0)), P2V_VFU);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(1), P2V_PFU);
	assert_int_equal(rig_read(r, SNIC_PF, nic_P2VMAILBOX(1)), P2V_PFU);
	rig_write(r, 0, nicvf_V2PMAILBOX(0), V2P_REQ); /* lets go and rings */
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_PFU);
	assert_int_equal(rig_read(r, SNIC_PF, nic_P2VMAILBOX(0)), P2V_PFU);
	rig_write(r, 0, nicvf_V2PMAILBOX(0), V2P_VFU);
	assert_false(rig_read(r, 0, nicvf_V2PMAILBOX(0)) & V2P_VFU);
}

static void pf_can_take_the_mailbox_from_a_dead_vf(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	rig_write(r, 0, nicvf_V2PMAILBOX(0), V2P_REQ);
	rig_write(r, 0, nicvf_V2PMAILBOX(0), V2P_VFU);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_RVFU);
	assert_int_equal(rig_read(r, SNIC_PF, nic_P2VMAILBOX(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_MBVFICR(0)), 0);
}

static void message_words_are_the_same_memory_on_both_sides(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 3);
	for (uint32_t i = 0; i < 16; i++)
		rig_write(r, 2, nicvf_VFMBMEM(i), 0x100 + i);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(rig_read(r, SNIC_PF, nic_VMBMEM(2 * 16 + i)), 0x100 + i);
	assert_int_equal(rig_read(r, 1, nicvf_VFMBMEM(0)), 0);
	rig_write(r, 2, nicvf_VTCTRL(0), VTCTRL_RST);
	assert_int_equal(rig_read(r, 2, nicvf_VFMBMEM(3)), 0x103);
}

static void requests_and_acks_are_latched_and_tell_the_pf(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 3);
	rig_write(r, 2, nicvf_V2PMAILBOX(0), V2P_REQ);
	rig_write(r, 1, nicvf_V2PMAILBOX(0), V2P_ACK);
	assert_int_equal(rig_read(r, SNIC_PF, nic_MBVFICR(0)), BIT32(2) | BIT32(17));
	assert_true(rig_read(r, SNIC_PF, nic_ICR(0)) & ICR_VMMB);
	rig_write(r, SNIC_PF, nic_MBVFICR(0), BIT32(2));
	assert_int_equal(rig_read(r, SNIC_PF, nic_MBVFICR(0)), BIT32(17));
	rig_write(r, SNIC_PF, nic_ICR(0), UINT32_MAX);
	rig_write(r, SNIC_PF, nic_MBVFIMR(0), 0xfb);
	rig_write(r, 2, nicvf_V2PMAILBOX(0), V2P_REQ);
	assert_false(rig_read(r, SNIC_PF, nic_ICR(0)) & ICR_VMMB);
}

static void replies_are_read_once(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	(void)rig_read(r, 0, nicvf_V2PMAILBOX(0));
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_STS | P2V_ACK);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), V2P_PFSTS | V2P_PFACK);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), 0);
}

static void pf_reset_shows_as_rsti_then_once_as_rstd(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	(void)rig_read(r, 0, nicvf_V2PMAILBOX(0));
	rig_write(r, SNIC_PF, nic_CTRL(0), CTRL_RST);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), V2P_RSTI);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), V2P_RSTI);
	rig_write(r, SNIC_PF, nic_CTRL_EXT(0), CTRL_EXT_PFRSTD);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), V2P_RSTD);
	assert_int_equal(rig_read(r, 0, nicvf_V2PMAILBOX(0)), 0);
}

static void vf_reset_is_latched_before_anything_else_the_vf_does(void **state)
{
	struct rig *r = *state;
	struct rig_queue q;

	rig_pf_up(r, 2);
	q = rig_queue_up(r, 1, 1, 64, 8);
	rig_write(r, SNIC_PF, nic_ICR(0), UINT32_MAX);
	rig_write(r, 1, nicvf_VTEIMS(0), 7);
	rig_write(r, 1, nicvf_VTCTRL(0), VTCTRL_RST);
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFLRE(0)), BIT32(1));
	assert_true(rig_read(r, SNIC_PF, nic_ICR(0)) & ICR_VMMB);
	assert_false(mmio_read32(q.rx + 0x28) & XDCTL_ENABLE);
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFRE(0)), 0xfd);
	assert_int_equal(rig_read(r, 1, nicvf_VTEIMS(0)), 0);
	assert_int_equal(rig_read(r, 1, nicvf_VTIVAR(0)), 0x0a0a0a0a);
	assert_int_equal(rig_read(r, 1, nicvf_VTCTRL(0)), 0);
	assert_true(rig_cfg16(r, 1, PCI_COMMAND) & PCI_COMMAND_MASTER);
	rig_write(r, SNIC_PF, nic_VFLRE(0), BIT32(1));
	assert_int_equal(rig_read(r, SNIC_PF, nic_VFLRE(0)), 0);
}

static void a_vf_is_reset_under_traffic_and_its_neighbours_lose_nothing(void **state)
{
	struct rig *r = *state;
	struct rig_queue a, b, c;
	uint8_t f[64], ma[6], mb[6], mc[6];

	rig_pf_up(r, 3);
	a = rig_queue_up(r, 0, 0, 64, 60);
	b = rig_queue_up(r, 1, 1, 64, 60);
	c = rig_queue_up(r, 2, 2, 64, 60);
	rig_mac(0, ma);
	rig_mac(1, mb);
	rig_mac(2, mc);
	for (unsigned int i = 0; i < 20; i++) {
		rig_frame(f, i % 2 ? mc : mb, ma, -1, 60);
		rig_tx(&a, f, 60);
		if (i == 10)
			rig_write(r, 2, nicvf_VTCTRL(0), VTCTRL_RST);
		rig_run(r);
	}
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(rig_rx(&b, NULL, NULL), 60);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(rig_rx(&c, NULL, NULL), 60);
	assert_int_equal(rig_rx(&c, NULL, NULL), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(identity_and_capabilities_are_those_of_an_82576),
		CASE(bars_answer_sizing),
		CASE(ids_cannot_be_written),
		CASE(accesses_outside_read_ones_and_write_nothing),
		CASE(odd_sized_reads_see_the_bytes_and_odd_writes_are_ignored),
		CASE(nvm_checksum_and_address_are_right),
		CASE(phy_is_there_with_link_and_others_are_not),
		CASE(software_reset_restores_the_mac_and_keeps_config_space),
		CASE(status_does_not_change_when_written),
		CASE(registers_that_ethtool_tests_hold_what_was_written),
		CASE(queue_registers_have_two_addresses_and_one_storage),
		CASE(vfs_appear_and_vanish_with_vf_enable),
		CASE(vf_count_is_fixed_while_enabled),
		CASE(more_vfs_than_there_are_stay_off),
		CASE(first_vf_offset_follows_ari),
		CASE(vf_memory_needs_mse),
		CASE(pf_flr_takes_the_vfs_away),
		CASE(waking_from_d3_resets_the_pf),
		CASE(losing_the_pf_client_keeps_everything),
		CASE(losing_a_vf_client_resets_that_vf_alone),
		CASE(a_client_that_is_gone_does_not_reach_the_next_ones_registers),
		CASE(vfio_style_reset_keeps_config_and_flr_does_not),
		CASE(mailbox_has_one_owner_at_a_time),
		CASE(pf_can_take_the_mailbox_from_a_dead_vf),
		CASE(message_words_are_the_same_memory_on_both_sides),
		CASE(requests_and_acks_are_latched_and_tell_the_pf),
		CASE(replies_are_read_once),
		CASE(pf_reset_shows_as_rsti_then_once_as_rstd),
		CASE(vf_reset_is_latched_before_anything_else_the_vf_does),
		CASE(a_vf_is_reset_under_traffic_and_its_neighbours_lose_nothing),
	};

	return cmocka_run_group_tests_name("soft_nic_model", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt rules: causes, masks, vectors, automatic clear and mask, windows of VFs, moderation. */
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

static void other_causes_go_to_the_vector_of_ivar_misc(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, nic_GPIE(0), GPIE_MULTIPLE_MSIX | GPIE_NSICR);
	rig_write(r, SNIC_PF, nic_IVAR_MISC(0), (IVAR_VALID | 2) << 8);
	rig_write(r, SNIC_PF, nic_EIMS(0), BIT32(2));
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_LSC);
	snic_link_set(r->nic, false);
	assert_int_equal(r->irqs[SNIC_PF][2], 1);
	assert_true(rig_read(r, SNIC_PF, nic_ICR_LEGACY(0)) & ICR_LSC);
	assert_int_equal(rig_read(r, SNIC_PF, nic_ICR_LEGACY(0)), 0);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EICR(0)), BIT32(2));
	assert_int_equal(rig_read(r, SNIC_PF, nic_EICR(0)), 0);
}

static void causes_masked_by_ims_or_eims_send_nothing_until_opened(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, nic_GPIE(0), GPIE_MULTIPLE_MSIX | GPIE_NSICR);
	rig_write(r, SNIC_PF, nic_IVAR_MISC(0), IVAR_VALID << 8);
	rig_write(r, SNIC_PF, nic_ICS(0), ICR_LSC);
	assert_int_equal(r->irqs[SNIC_PF][0], 0);
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_LSC);
	assert_int_equal(r->irqs[SNIC_PF][0], 0);
	rig_write(r, SNIC_PF, nic_EIMS(0), 1);
	assert_int_equal(r->irqs[SNIC_PF][0], 1);
}

static void single_vector_mode_uses_vector_0_and_ims_alone(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, nic_IVAR_MISC(0), IVAR_VALID << 8);
	for (uint32_t bit = 0; bit < 31; bit++) {
		uint32_t m = BIT32(bit);

		if (!(m & IMS_WRITABLE))
			continue;
		r->irqs[SNIC_PF][0] = 0;
		rig_write(r, SNIC_PF, nic_IMC(0), UINT32_MAX);
		rig_write(r, SNIC_PF, nic_ICR(0), UINT32_MAX);
		rig_write(r, SNIC_PF, nic_ICS(0), m);
		assert_int_equal(r->irqs[SNIC_PF][0], 0);
		rig_write(r, SNIC_PF, nic_ICR(0), UINT32_MAX);
		rig_write(r, SNIC_PF, nic_IMS(0), m);
		rig_write(r, SNIC_PF, nic_ICS(0), m);
		assert_int_equal(r->irqs[SNIC_PF][0], 1);
		assert_true(rig_read(r, SNIC_PF, nic_ICR(0)) & m);
	}
}

static void reading_icr_applies_the_auto_mask(void **state)
{
	struct rig *r = *state;

	rig_write(r, SNIC_PF, nic_IAM(0), ICR_LSC);
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_LSC | ICR_VMMB);
	(void)rig_read(r, SNIC_PF, nic_ICR(0));
	assert_int_equal(rig_read(r, SNIC_PF, nic_IMS(0)), ICR_VMMB);
}

static void mailbox_message_interrupts_the_vf_on_its_vector(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 8);
	for (unsigned int vf = 0; vf < 8; vf++)
		for (uint32_t v = 0; v < 3; v++) {
			rig_write(r, vf, nicvf_VTIVAR_MISC(0), IVAR_VALID | v);
			rig_write(r, vf, nicvf_VTEIMS(0), BIT32(v));
			r->irqs[vf][v] = 0;
			rig_write(r, SNIC_PF, nic_P2VMAILBOX(vf), P2V_STS);
			assert_int_equal(r->irqs[vf][v], 1);
			assert_int_equal(rig_read(r, SNIC_PF, nic_EICS(0)),
					 BIT32(nic_vf_vector(vf, v)));
			assert_int_equal(rig_read(r, vf, nicvf_VTEICR(0)), BIT32(v));
			assert_int_equal(rig_read(r, vf, nicvf_VTEICR(0)), 0);
			rig_write(r, vf, nicvf_VTEIMC(0), 7);
		}
}

static void invalid_or_impossible_vectors_send_nothing(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	rig_write(r, 0, nicvf_VTEIMS(0), 7);
	rig_write(r, 0, nicvf_VTIVAR_MISC(0), 1);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_STS);
	rig_write(r, 0, nicvf_VTIVAR_MISC(0), IVAR_VALID | 3);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_STS);
	for (unsigned int v = 0; v < 3; v++)
		assert_int_equal(r->irqs[0][v], 0);
}

static void auto_clear_and_auto_mask_act_when_the_message_goes_out(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	rig_write(r, 0, nicvf_VTIVAR_MISC(0), IVAR_VALID | 2);
	rig_write(r, 0, nicvf_VTEIAC(0), 4);
	rig_write(r, 0, nicvf_VTEIAM(0), 4);
	rig_write(r, 0, nicvf_VTEIMS(0), 4);
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_STS);
	assert_int_equal(r->irqs[0][2], 1);
	assert_int_equal(rig_read(r, 0, nicvf_VTEICR(0)), 0);
	assert_int_equal(rig_read(r, 0, nicvf_VTEIMS(0)), 0);
	/* closed now: the next one waits for the driver */
	rig_write(r, SNIC_PF, nic_P2VMAILBOX(0), P2V_STS);
	assert_int_equal(r->irqs[0][2], 1);
	rig_write(r, 0, nicvf_VTEIMS(0), 4);
	assert_int_equal(r->irqs[0][2], 2);
}

static void software_cause_opens_an_auto_masked_vector(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 1);
	rig_write(r, 0, nicvf_VTEIAM(0), 1);
	rig_write(r, 0, nicvf_VTEICS(0), 1);
	assert_int_equal(r->irqs[0][0], 1);
	rig_write(r, 0, nicvf_VTEICS(0), 2); /* no auto-mask there: stays closed */
	assert_int_equal(r->irqs[0][1], 0);
	assert_int_equal(rig_read(r, 0, nicvf_VTEICR(0)), 3);
}

static void a_vf_reaches_its_own_bits_alone(void **state)
{
	struct rig *r = *state;

	rig_pf_up(r, 7);
	rig_write(r, SNIC_PF, nic_EIMS(0), 0x01ffffff);
	rig_write(r, 3, nicvf_VTEIMC(0), UINT32_MAX);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EIMS(0)),
			 0x01ffffff & ~(7u << nic_vf_vector(3, 0)));
	rig_write(r, 3, nicvf_VTEIAC(0), UINT32_MAX);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EIAC(0)), 7u << nic_vf_vector(3, 0));
	rig_write(r, 3, nicvf_VTEICS(0), UINT32_MAX);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EICR(0)), 7u << nic_vf_vector(3, 0));
}

static void function_mask_holds_messages_back_as_pending(void **state)
{
	struct rig *r = *state;
	uint32_t pba = 0;

	rig_pf_up(r, 1);
	rig_write(r, 0, nicvf_VTEIMS(0), 7);
	rig_cfg16_set(r, 0, NIC_CFG_MSIX + PCI_MSIX_FLAGS,
		      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	rig_write(r, 0, nicvf_VTEICS(0), 2);
	assert_int_equal(r->irqs[0][1], 0);
	snic_bar_read(r->nic, 0, 3, NIC_MSIX_PBA_OFF, &pba, 4);
	assert_int_equal(pba, 2);
	rig_cfg16_set(r, 0, NIC_CFG_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(r->irqs[0][1], 1);
	snic_bar_read(r->nic, 0, 3, NIC_MSIX_PBA_OFF, &pba, 4);
	assert_int_equal(pba, 0);
}

struct pair {
	struct rig_queue a, b;
	uint8_t frame[60];
};

static void pair_up(struct rig *r, struct pair *p)
{
	uint8_t ma[6], mb[6];

	rig_pf_up(r, 2);
	rig_write(r, 0, nicvf_VTIVAR(0), IVAR_VALID << 8 | 1); /* tx0 -> 0 */
	rig_write(r, 1, nicvf_VTIVAR(0), IVAR_VALID | 1);      /* rx0 -> 1 */
	p->a = rig_queue_up(r, 0, 0, 64, 0);
	p->b = rig_queue_up(r, 1, 1, 64, 60);
	rig_mac(0, ma);
	rig_mac(1, mb);
	rig_frame(p->frame, mb, ma, -1, 60);
}

static void queues_interrupt_once_a_batch_if_the_guest_listens(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p);
	for (unsigned int i = 0; i < 8; i++)
		rig_tx(&p.a, p.frame, 60);
	rig_run(r);
	assert_int_equal(r->irqs[1][1], 0);
	assert_int_equal(r->irqs[0][0], 0);
	rig_write(r, 1, nicvf_VTEIMS(0), 2); /* what happened before is told now */
	assert_int_equal(r->irqs[1][1], 1);
	rig_write(r, 0, nicvf_VTEIMS(0), 1);
	assert_int_equal(r->irqs[0][0], 1);
	for (unsigned int i = 0; i < 8; i++)
		rig_tx(&p.a, p.frame, 60);
	rig_run(r);
	assert_int_equal(r->irqs[1][1], 2);
	assert_int_equal(r->irqs[0][0], 2);
}

static void throttled_vector_sends_the_rest_later(void **state)
{
	struct rig *r = *state;
	struct pair p;

	pair_up(r, &p);
	rig_write(r, 1, nicvf_VTEITR(1), 8000u << 2);
	assert_int_equal(rig_read(r, SNIC_PF, nic_EITR(nic_vf_vector(1, 1))), 8000u << 2);
	rig_write(r, 1, nicvf_VTEIMS(0), 2);
	for (unsigned int i = 0; i < 5; i++) {
		rig_tx(&p.a, p.frame, 60);
		snic_dp_poll_once(r->nic);
	}
	/* without a thread the clock is not calibrated and runs at a tick a microsecond: soon over
	 */
	assert_true(r->irqs[1][1] >= 1);
	for (unsigned int i = 0; i < 1000; i++)
		snic_dp_poll_once(r->nic);
	assert_true(r->irqs[1][1] >= 2);
	assert_true(r->irqs[1][1] <= 5);
}

static void pf_queues_use_ivar(void **state)
{
	struct rig *r = *state;
	struct rig_queue a, pf;
	uint8_t f[60], ma[6], mp[6];

	rig_pf_up(r, 2);
	rig_write(r, SNIC_PF, nic_GPIE(0), GPIE_MULTIPLE_MSIX | GPIE_NSICR | GPIE_EIAME);
	rig_write(r, SNIC_PF, nic_IVAR(2), IVAR_VALID | 1);
	rig_write(r, SNIC_PF, nic_EIMS(0), 2);
	a = rig_queue_up(r, 0, 0, 64, 0);
	pf = rig_queue_up(r, SNIC_PF, 2, 64, 60);
	rig_mac(0, ma);
	rig_mac(2, mp);
	rig_frame(f, mp, ma, -1, 60);
	rig_tx(&a, f, 60);
	rig_run(r);
	assert_int_equal(r->irqs[SNIC_PF][1], 1);
	assert_int_equal(rig_rx(&pf, NULL, NULL), 60);
	rig_write(r, SNIC_PF, nic_GPIE(0), 0);
	rig_write(r, SNIC_PF, nic_IMS(0), ICR_RXDW);
	rig_tx(&a, f, 60);
	rig_run(r);
	assert_int_equal(r->irqs[SNIC_PF][0], 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(other_causes_go_to_the_vector_of_ivar_misc),
		CASE(causes_masked_by_ims_or_eims_send_nothing_until_opened),
		CASE(single_vector_mode_uses_vector_0_and_ims_alone),
		CASE(reading_icr_applies_the_auto_mask),
		CASE(mailbox_message_interrupts_the_vf_on_its_vector),
		CASE(invalid_or_impossible_vectors_send_nothing),
		CASE(auto_clear_and_auto_mask_act_when_the_message_goes_out),
		CASE(software_cause_opens_an_auto_masked_vector),
		CASE(a_vf_reaches_its_own_bits_alone),
		CASE(function_mask_holds_messages_back_as_pending),
		CASE(queues_interrupt_once_a_batch_if_the_guest_listens),
		CASE(throttled_vector_sends_the_rest_later),
		CASE(pf_queues_use_ivar),
	};

	return cmocka_run_group_tests_name("soft_nic_intr", tests, NULL, NULL);
}

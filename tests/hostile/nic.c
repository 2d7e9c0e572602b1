/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers, interrupts, resets and the mailbox of an 82576; and what its driver does right. */
#include "nic.h"

#include <abi/nic_mbx.h>
#include <linux/pci_regs.h>
#include <string.h>

#define FRAME 60u
#define FLR   PCI_EXP_DEVCTL_BCR_FLR

uint32_t nic_read(struct hostile *h, uint32_t off)
{
	return (uint32_t)hostile_read(h, h->pci->bar[0] + off, 4);
}

void nic_write(struct hostile *h, uint32_t off, uint32_t val)
{
	hostile_write(h, h->pci->bar[0] + off, 4, val);
}

uint32_t nic_tx_reg(const struct hostile *h, enum nic_queue_reg reg)
{
	return (h->kind == KIND_VF ? nicvf_VTDBAL(0) : nic_TDBAL(0)) + reg;
}

uint32_t nic_rx_reg(const struct hostile *h, enum nic_queue_reg reg)
{
	return (h->kind == KIND_VF ? nicvf_VRDBAL(0) : nic_RDBAL(0)) + reg;
}

static void function_reset(struct hostile *h)
{
	if (h->kind == KIND_VF)
		nic_write(h, nicvf_VTCTRL(0), VTCTRL_RST);
	else
		nic_write(h, nic_CTRL(0), CTRL_RST);
}

/* The reset exchange: until the PF driver has answered it, a VF neither sends nor receives. */
static int vf_up(struct hostile *h)
{
	uint64_t since = guest_tsc();
	uint32_t bits = 0;

	while (nic_read(h, nicvf_V2PMAILBOX(0)) & (V2P_RSTI | V2P_RSTD)) {
		if (hostile_late(since, NIC_UP_US))
			return hostile_wrong(h, "the reset does not end");
	}
	while (!(nic_read(h, nicvf_V2PMAILBOX(0)) & V2P_VFU)) {
		nic_write(h, nicvf_V2PMAILBOX(0), V2P_VFU);
		if (hostile_late(since, NIC_UP_US))
			return hostile_wrong(h, "the mailbox cannot be had");
	}
	nic_write(h, nicvf_VFMBMEM(0), NIC_MBX_VF_RESET);
	nic_write(h, nicvf_V2PMAILBOX(0), V2P_REQ);
	since = guest_tsc();
	while (!(bits & V2P_PFSTS)) {
		bits = nic_read(h, nicvf_V2PMAILBOX(0));
		if (hostile_late(since, NIC_PF_ACK))
			return hostile_wrong(h, "the PF driver does not answer");
		hostile_wait(200);
	}
	nic_write(h, nicvf_V2PMAILBOX(0), V2P_ACK);
	return 0;
}

/* Reset, then one ring each way: sending works from here on. */
int nic_up(struct hostile *h)
{
	int e = 0;

	memset((void *)(uintptr_t)NIC_TX, 0, NIC_BUF - NIC_TX + 4096);
	hostile_command(h, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	function_reset(h);
	if (h->kind == KIND_VF)
		e = vf_up(h);
	if (e < 0)
		return e;
	nic_write(h, nic_tx_reg(h, Q_BASE_LO), NIC_TX);
	nic_write(h, nic_tx_reg(h, Q_BASE_HI), 0);
	nic_write(h, nic_tx_reg(h, Q_LEN), NIC_LEN);
	nic_write(h, nic_tx_reg(h, Q_HEAD), 0);
	nic_write(h, nic_tx_reg(h, Q_TAIL), 0);
	nic_write(h, nic_rx_reg(h, Q_BASE_LO), NIC_RX);
	nic_write(h, nic_rx_reg(h, Q_BASE_HI), 0);
	nic_write(h, nic_rx_reg(h, Q_LEN), NIC_LEN);
	nic_write(h, nic_rx_reg(h, Q_HEAD), 0);
	nic_write(h, nic_rx_reg(h, Q_TAIL), 0);
	nic_write(h, nic_tx_reg(h, Q_CONTROL), NIC_EN);
	nic_write(h, nic_rx_reg(h, Q_CONTROL), NIC_EN);
	if (h->kind == KIND_EMULATED) {
		nic_write(h, nic_TCTL(0), TCTL_EN | TCTL_PSP);
		nic_write(h, nic_RCTL(0), RCTL_EN | RCTL_BAM | RCTL_UPE);
	}
	return 0;
}

/* Whatever happened: after a reset it sends a frame and says so. */
int nic_good(struct hostile *h)
{
	volatile struct nic_tx_desc *d = (void *)(uintptr_t)NIC_TX;
	uint8_t *frame = (uint8_t *)(uintptr_t)NIC_BUF;
	uint64_t since;
	int e = hostile_same(h);

	if (e == 0)
		e = nic_up(h);
	if (e < 0)
		return e;
	memset(frame, 0x02, FRAME); /* to nobody in particular: over the wire */
	d->addr = (le64_t){NIC_BUF};
	d->cmd_len = (le32_t){FRAME | field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_DATA) | NIC_TXD_EOP |
			      NIC_TXD_IFCS | NIC_TXD_RS | NIC_TXD_DEXT};
	d->status = (le32_t){field_prep(NIC_TXD_PAYLEN, FRAME)};
	nic_write(h, nic_tx_reg(h, Q_TAIL), 1);
	since = guest_tsc();
	while (!(d->status.raw & NIC_TXD_STAT_DD)) {
		if (hostile_late(since, NIC_UP_US))
			return hostile_wrong(h, "it sends nothing after a reset");
		hostile_wait(50);
	}
	function_reset(h);
	return 0;
}

static uint32_t some_register(struct hostile *h)
{
	const struct nic_reg *regs = h->kind == KIND_VF ? nic_vf_regs : nic_pf_regs;
	size_t n = h->kind == KIND_VF ? nic_vf_regs_n : nic_pf_regs_n;
	const struct nic_reg *row = &regs[hostile_below(h, (uint32_t)n)];

	return row->offset + row->stride * hostile_below(h, row->count);
}

static int registers(struct hostile *h)
{
	int e = nic_up(h);

	for (unsigned int i = 0; e == 0 && i < 500; i++) {
		uint32_t off = some_register(h);

		nic_write(h, off, i & 1 ? (uint32_t)hostile_random(h) : hostile_below(h, 512));
		if (i % 4 == 0)
			(void)nic_read(h, some_register(h));
	}
	return e < 0 ? e : nic_good(h);
}

static int interrupt_storm(struct hostile *h)
{
	bool vf = h->kind == KIND_VF;
	int e = nic_up(h);

	nic_write(h, vf ? nicvf_VTIVAR_MISC(0) : nic_IVAR_MISC(0), 0x8080);
	nic_write(h, vf ? nicvf_VTEIMS(0) : nic_EIMS(0), UINT32_MAX);
	for (unsigned int i = 0; e == 0 && i < 150; i++) {
		nic_write(h, vf ? nicvf_VTEICS(0) : nic_EICS(0), UINT32_MAX);
		nic_write(h, vf ? nicvf_VTEIMS(0) : nic_EIMS(0), (uint32_t)hostile_random(h));
		nic_write(h, vf ? nicvf_VTEITR(0) : nic_EITR(0), (uint32_t)hostile_random(h));
	}
	return e < 0 ? e : nic_good(h);
}

/* Resets of every kind while descriptors are in the ring. */
static int reset_storm(struct hostile *h)
{
	uint32_t at = cfg_read(h, PCI_CAPABILITY_LIST) & 0xfc;

	while (at && (cfg_read(h, at) & 0xff) != PCI_CAP_ID_EXP)
		at = cfg_read(h, at) >> 8 & 0xfc;
	for (unsigned int i = 0; i < 24; i++) {
		nic_write(h, nic_tx_reg(h, Q_TAIL), hostile_below(h, NIC_DESCS));
		if (i % 3 == 0)
			function_reset(h);
		else if (i % 3 == 1 && at)
			hostile_write(h, hostile_cfg(h->slot, at + PCI_EXP_DEVCTL), 2, FLR);
		else
			hostile_command(h, 0);
		if (hostile_scan(h) < 0)
			return hostile_wrong(h, "the function is gone after a reset");
	}
	return nic_good(h);
}

static int mailbox(struct hostile *h)
{
	int e = nic_up(h);

	for (unsigned int i = 0; e == 0 && i < 60; i++) {
		nic_write(h, nicvf_V2PMAILBOX(0), V2P_VFU);
		for (unsigned int k = 0; k < NIC_MBX_WORDS && k < i % 20; k++)
			nic_write(h, nicvf_VFMBMEM(k), (uint32_t)hostile_random(h));
		nic_write(h, nicvf_VFMBMEM(0),
			  i & 1 ? hostile_below(h, 0x48) | hostile_below(h, 256) << 16
				: (uint32_t)hostile_random(h));
		nic_write(h, nicvf_V2PMAILBOX(0), i & 2 ? V2P_REQ : (uint32_t)hostile_random(h));
		if (i % 3 == 0)
			hostile_wait(500);
	}
	return e < 0 ? e : nic_good(h);
}

static const struct hostile_case cases[] = {
	CASE("nic-registers", ON_NIC, LOSS_NONE, registers),
	CASE("nic-interrupt-storm", ON_NIC, LOSS_NONE, interrupt_storm),
	CASE("nic-reset-storm", ON_NIC, LOSS_NONE, reset_storm),
	CASE("nic-mailbox", ON(VF), LOSS_NONE, mailbox),
};

const struct hostile_set nic_set = {cases, sizeof(cases) / sizeof(cases[0])};

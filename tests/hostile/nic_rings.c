/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor rings of an 82576, and what is in them. */
#include "nic.h"

#define TX_DESC ((volatile struct nic_tx_desc *)(uintptr_t)NIC_TX)
#define RX_DESC ((volatile struct nic_rx_read *)(uintptr_t)NIC_RX)
#define PLAIN                                                                                    \
	(field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_DATA) | NIC_TXD_EOP | NIC_TXD_IFCS | NIC_TXD_RS | \
	 NIC_TXD_DEXT)
#define RAIN_US 50000u
#define CONTEXT (field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_CTXT) | NIC_TXD_DEXT)

static void tx(uint32_t i, uint64_t addr, uint32_t cmd_len, uint32_t status)
{
	TX_DESC[i].addr = (le64_t){addr};
	TX_DESC[i].cmd_len = (le32_t){cmd_len};
	TX_DESC[i].status = (le32_t){status};
}

static void tail(struct hostile *h, uint32_t i)
{
	nic_write(h, nic_tx_reg(h, Q_TAIL), i);
	hostile_wait(NIC_US);
}

static int addresses(struct hostile *h)
{
	const uint64_t at[] = {h->ram,
			       h->ram - 128,
			       UINT64_MAX - 127,
			       UINT64_MAX & ~UINT64_C(4095),
			       UINT64_C(1) << 63,
			       h->pci->bar[0],
			       VMM_LAPIC_BASE,
			       NIC_TX + 8,
			       0};

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		int e = nic_up(h);

		if (e < 0)
			return e;
		nic_write(h, nic_rx_reg(h, Q_BASE_LO), (uint32_t)at[i]);
		nic_write(h, nic_rx_reg(h, Q_BASE_HI), (uint32_t)(at[i] >> 32));
		nic_write(h, nic_rx_reg(h, Q_TAIL), NIC_DESCS - 1);
		nic_write(h, nic_tx_reg(h, Q_BASE_LO), (uint32_t)at[i]);
		nic_write(h, nic_tx_reg(h, Q_BASE_HI), (uint32_t)(at[i] >> 32));
		nic_write(h, nic_tx_reg(h, Q_WRITE_BACK), (uint32_t)at[i] | 1);
		nic_write(h, nic_tx_reg(h, Q_WRITE_BACK + 4), (uint32_t)(at[i] >> 32));
		tail(h, NIC_DESCS - 1);
	}
	return nic_good(h);
}

static int lengths(struct hostile *h)
{
	static const uint32_t len[] = {0, 1, 16, 127, 0x80000, 0xfffff80, UINT32_MAX};

	for (unsigned int i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		int e = nic_up(h);

		if (e < 0)
			return e;
		nic_write(h, nic_rx_reg(h, Q_LEN), len[i]);
		nic_write(h, nic_tx_reg(h, Q_LEN), len[i]);
		nic_write(h, nic_rx_reg(h, Q_TAIL), 0xffff);
		tail(h, 0xffff);
	}
	return nic_good(h);
}

static int head_and_tail(struct hostile *h)
{
	static const uint32_t at[] = {NIC_DESCS, NIC_DESCS + 1, 0x7fff, 0x8000, 0xffff, UINT32_MAX};
	int e = nic_up(h);

	for (unsigned int i = 0; e == 0 && i < 5 * sizeof(at) / sizeof(at[0]); i++) {
		uint32_t v = at[i / 5];

		nic_write(h, nic_tx_reg(h, Q_HEAD), i % 5 == 0 ? v : hostile_below(h, NIC_DESCS));
		nic_write(h, nic_rx_reg(h, Q_HEAD), i % 5 == 1 ? v : hostile_below(h, NIC_DESCS));
		nic_write(h, nic_rx_reg(h, Q_TAIL), i % 5 == 2 ? v : hostile_below(h, NIC_DESCS));
		if (i % 5 == 3)
			nic_write(h, nic_tx_reg(h, Q_CONTROL), (uint32_t)hostile_random(h));
		tail(h, i % 5 == 4 ? v : hostile_below(h, NIC_DESCS));
	}
	return e < 0 ? e : nic_good(h);
}

static int descriptors(struct hostile *h)
{
	for (unsigned int round = 0; round < 8; round++) {
		int e = nic_up(h);

		if (e < 0)
			return e;
		for (uint32_t i = 0; i < NIC_DESCS; i++) {
			uint64_t at = round & 1 ? hostile_random(h) >> hostile_below(h, 48)
						: NIC_BUF + hostile_below(h, 0x10000);

			tx(i, at, (uint32_t)hostile_random(h) | (round & 2 ? NIC_TXD_DEXT : 0),
			   (uint32_t)hostile_random(h));
		}
		tail(h, NIC_DESCS - 1);
		hostile_wait(NIC_US);
	}
	return nic_good(h);
}

/* A context that says anything of a frame that is none. */
static int segmentation(struct hostile *h)
{
	for (unsigned int round = 0; round < 8; round++) {
		int e = nic_up(h);

		if (e < 0)
			return e;
		for (uint32_t i = 0; i + 1 < NIC_DESCS; i += 2) {
			uint32_t mss = hostile_below(h, 4) ? hostile_below(h, 0x10000) : round & 1;

			tx(i, hostile_random(h), CONTEXT | hostile_below(h, 0x2000),
			   mss << 16 | hostile_below(h, 256) << 8 | hostile_below(h, 8) << 4);
			tx(i + 1, NIC_BUF, PLAIN | NIC_TXD_TSE | hostile_below(h, 0x10000),
			   field_prep(NIC_TXD_PAYLEN, hostile_below(h, 0x40000)) |
				   hostile_below(h, 8) << 4 |
				   field_prep(NIC_TXD_POPTS, hostile_below(h, 4)));
		}
		tail(h, NIC_DESCS - 2);
		hostile_wait(NIC_US);
	}
	return nic_good(h);
}

/* Frames that never end, of nothing, of more than any wire carries. */
static int endless(struct hostile *h)
{
	static const uint32_t len[] = {0, 1, 13, 1500, 0xffff};

	for (unsigned int k = 0; k < sizeof(len) / sizeof(len[0]); k++) {
		int e = nic_up(h);

		if (e < 0)
			return e;
		for (unsigned int lap = 0; lap < 4; lap++) {
			for (uint32_t i = 0; i < NIC_DESCS; i++)
				tx(i, NIC_BUF, (PLAIN & ~NIC_TXD_EOP) | len[k],
				   field_prep(NIC_TXD_PAYLEN, 60));
			tail(h, lap & 1 ? 0 : NIC_DESCS - 1);
		}
	}
	return nic_good(h);
}

/* Buffers to receive into that are nowhere; the test sends what the emulated one is to receive. */
static int receive(struct hostile *h)
{
	int e;

	hostile_pattern();
	e = nic_up(h);
	if (e < 0)
		return e;
	for (uint32_t i = 0; i < NIC_DESCS; i++) {
		uint64_t at = i & 1 ? hostile_random(h) : h->ram - hostile_below(h, 64);

		RX_DESC[i].pkt_addr = (le64_t){at};
		RX_DESC[i].hdr_addr = (le64_t){hostile_random(h)};
	}
	nic_write(h, nic_rx_reg(h, Q_SPLIT), (uint32_t)hostile_random(h));
	nic_write(h, nic_rx_reg(h, Q_TAIL), NIC_DESCS - 1);
	for (uint32_t i = 0; i < NIC_DESCS; i++)
		tx(i, NIC_BUF, PLAIN | 60, field_prep(NIC_TXD_PAYLEN, 60));
	tail(h, NIC_DESCS - 1);
	hostile_wait(RAIN_US);
	if (hostile_pattern_ok(h) < 0)
		return -EIO;
	return nic_good(h);
}

static const struct hostile_case cases[] = {
	CASE("nic-ring-addresses", ON_NIC, LOSS_NONE, addresses),
	CASE("nic-ring-lengths", ON_NIC, LOSS_NONE, lengths),
	CASE("nic-head-and-tail", ON_NIC, LOSS_NONE, head_and_tail),
	CASE("nic-descriptors", ON_NIC, LOSS_NONE, descriptors),
	CASE("nic-segmentation", ON_NIC, LOSS_NONE, segmentation),
	CASE("nic-endless-frames", ON_NIC, LOSS_NONE, endless),
	CASE("nic-receive-buffers", ON_NIC, LOSS_NONE, receive),
};

const struct hostile_set nic_ring_set = {cases, sizeof(cases) / sizeof(cases[0])};

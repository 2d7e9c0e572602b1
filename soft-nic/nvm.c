/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers find in the NVM and in the PHY. */
#include "snic_int.h"

#define NVM_WORDS    256u
#define NVM_CHECKSUM 0x3fu
#define NVM_SUM	     0xbabau

#define PHY_ADDR     1u
#define PHY_BMCR     0u
#define PHY_BMSR     1u
#define BMCR_RESET   0x8000u
#define BMCR_LOOP    0x4000u
#define BMCR_AN	     0x1000u
#define BMCR_RESTART 0x0200u
#define BMSR_LINK    0x0004u
#define BMSR_AN_DONE 0x0020u

void nvm_init(struct snic *s)
{
	static const struct {
		uint8_t word;
		uint16_t val;
	} init[] = {
		{0x03, 0x0d34}, {0x05, 0x2010}, {0x08, 0x1040}, {0x0a, 0x002b}, {0x0b, 0x0000},
		{0x0c, 0x8086}, {0x0d, 0x10c9}, {0x0f, 0x70c3}, {0x11, 0x10c9}, {0x14, 0x2880},
		{0x16, 0x4a40}, {0x24, 0x2080}, {0x25, 0x00f5}, {0x26, 0x10ca},
	};
	const uint8_t *mac = s->config.mac;
	uint16_t sum = 0;

	for (unsigned int i = 0; i < NVM_WORDS; i++)
		s->nvm[i] = 0xffff;
	for (unsigned int i = 0; i < 3; i++)
		s->nvm[i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
	for (unsigned int i = 0; i < ARRAY_SIZE(init); i++)
		s->nvm[init[i].word] = init[i].val;
	for (unsigned int i = 0; i < NVM_CHECKSUM; i++)
		sum = (uint16_t)(sum + s->nvm[i]);
	s->nvm[NVM_CHECKSUM] = (uint16_t)(NVM_SUM - sum);
}

/* The read is over when the register is read back. */
uint32_t nvm_eerd(const struct snic *s, uint32_t val)
{
	uint32_t addr = field_get(EERD_ADDR, val);
	uint32_t word = addr < NVM_WORDS ? s->nvm[addr] : 0xffff;

	if (!(val & EERD_START))
		return val & ~EERD_DONE;
	return (val & EERD_ADDR) | EERD_DONE | field_prep(EERD_DATA, word);
}

void phy_init(struct snic *s)
{
	static const struct {
		uint8_t reg;
		uint16_t val;
	} init[] = {
		{PHY_BMCR, 0x1140}, /* autonegotiation, full duplex, 1000 Mbit/s */
		{PHY_BMSR, 0x7949}, {2, 0x02a8},    {3, 0x0391},    {4, 0x0de1}, {5, 0xcde1},
		{6, 0x000f},	    {9, 0x0300},    {0xa, 0x7c00}, /* both receivers fine */
		{0xf, 0x3000},	    {0x11, 0xc00c}, {0x19, 0x008d},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(s->phy); i++)
		s->phy[i] = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(init); i++)
		s->phy[init[i].reg] = init[i].val;
}

bool phy_loopback(const struct snic *s)
{
	return s->phy[PHY_BMCR] & BMCR_LOOP;
}

static void phy_write(struct snic *s, uint32_t reg, uint16_t val)
{
	switch (reg) {
	case PHY_BMCR:
		if (val & BMCR_RESET) {
			phy_init(s);
			return;
		}
		s->phy[PHY_BMCR] = (uint16_t)(val & ~BMCR_RESTART);
		if (val & BMCR_RESTART)
			intr_cause(&s->intr, ICR_LSC); /* negotiation is instant */
		s->cfg_dirty = true;
		return;
	case PHY_BMSR:
	case 2:
	case 3:
	case 5:
	case 0xa:
	case 0x11:
	case 0x13:
		return; /* read only */
	default:
		s->phy[reg] = val;
	}
}

static uint16_t phy_read(const struct snic *s, uint32_t reg)
{
	/* with a page selected: cable diagnostics, of which there are none */
	if (reg >= 0x10 && reg < 0x1f && s->phy[0x1f] >> 5)
		return 0;
	if (reg == PHY_BMSR && s->link)
		return s->phy[reg] | BMSR_LINK | BMSR_AN_DONE;
	return s->phy[reg];
}

uint32_t phy_mdic(struct snic *s, uint32_t val)
{
	uint32_t reg = field_get(MDIC_REGADD, val);
	uint32_t op = field_get(MDIC_OP, val);

	val &= ~(MDIC_READY | MDIC_ERROR);
	if (field_get(MDIC_PHYADD, val) != PHY_ADDR || (op != MDIC_OP_READ && op != MDIC_OP_WRITE))
		return val | MDIC_READY | MDIC_ERROR;
	if (op == MDIC_OP_WRITE)
		phy_write(s, reg, (uint16_t)(val & MDIC_DATA));
	else
		val = field_set(val, MDIC_DATA, phy_read(s, reg));
	return val | MDIC_READY;
}

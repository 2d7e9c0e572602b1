/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Register access with a sticky error, and the two slow serial things behind registers: NVM and
 * PHY.
 */
#include <lib/clock.h>
#include "pfdrv_impl.h"

#define NVM_WORDS	64u
#define NVM_SUM		0xbabau
#define EERD_TIMEOUT_US UINT64_C(500000)
#define MDIC_TIMEOUT_US UINT64_C(100000)
#define SEM_TIMEOUT_US	UINT64_C(13000)
#define SWSM_SMBI	BIT32(0)
#define SWSM_SWESMBI	BIT32(1)
#define SYNC_PHY0	BIT32(1)

#define PHY_ADDR	1u
#define PHY_BMCR	0u
#define PHY_ID1		2u
#define PHY_ID2		3u
#define PHY_ID		UINT32_C(0x02a80390)
#define PHY_ID_MASK	UINT32_C(0xfffffff0)
#define BMCR_AN_RESTART BIT32(9)
#define BMCR_AN_ENABLE	BIT32(12)

uint32_t pfdrv_rd(struct pfdrv *pf, uint32_t off)
{
	uint32_t val = 0;
	int r;

	if (pf->error)
		return 0;
	r = pcif_read32(pf->f, 0, off, &val);
	if (r < 0) {
		pf->error = r;
		return 0;
	}
	return val;
}

void pfdrv_wr(struct pfdrv *pf, uint32_t off, uint32_t val)
{
	int r;

	if (pf->error)
		return;
	r = pcif_write32(pf->f, 0, off, val);
	if (r < 0)
		pf->error = r;
}

int pfdrv_wait(struct pfdrv *pf, uint32_t off, uint32_t mask, uint32_t want, uint64_t timeout_us)
{
	uint64_t deadline_us = clock_us() + timeout_us;

	for (;;) {
		bool late = clock_us() >= deadline_us;
		uint32_t val = pfdrv_rd(pf, off);

		if (pf->error)
			return pf->error;
		if ((val & mask) == want)
			return 0;
		if (late)
			return -ETIMEDOUT;
		clock_sleep_us(50);
	}
}

uint32_t pfdrv_cfg_rd(struct pfdrv *pf, uint32_t off, size_t len)
{
	uint32_t val = 0;
	int r;

	if (pf->error)
		return 0;
	r = pcif_config_read(pf->f, off, &val, len);
	if (r < 0) {
		pf->error = r;
		return 0;
	}
	return val;
}

void pfdrv_cfg_wr(struct pfdrv *pf, uint32_t off, uint32_t val, size_t len)
{
	int r;

	if (pf->error)
		return;
	r = pcif_config_write(pf->f, off, &val, len);
	if (r < 0)
		pf->error = r;
}

int pfdrv_nvm_read(struct pfdrv *pf, unsigned int word, uint16_t *ret_val)
{
	int r;

	pfdrv_wr(pf, nic_EERD(0), EERD_START | field_prep(EERD_ADDR, word));
	r = pfdrv_wait(pf, nic_EERD(0), EERD_DONE, EERD_DONE, EERD_TIMEOUT_US);
	if (r < 0)
		return r;
	/* the data field is only promised to a read after the one that saw DONE */
	*ret_val = (uint16_t)field_get(EERD_DATA, pfdrv_rd(pf, nic_EERD(0)));
	return pf->error;
}

int pfdrv_nvm_check(struct pfdrv *pf)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < NVM_WORDS; i++) {
		uint16_t val;
		int r = pfdrv_nvm_read(pf, i, &val);

		if (r < 0)
			return r;
		sum += val;
	}
	return (sum & 0xffff) == NVM_SUM ? 0 : -EBADMSG;
}

/* SMBI is taken by the read that finds it 0, SWESMBI by the write that sticks. */
static int sem_take(struct pfdrv *pf)
{
	uint64_t deadline_us = clock_us() + SEM_TIMEOUT_US;
	int r;

	r = pfdrv_wait(pf, nic_SWSM(0), SWSM_SMBI, 0, SEM_TIMEOUT_US);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	/* a process that was killed holding it is the only other party: take it over */
	do {
		pfdrv_wr(pf, nic_SWSM(0), pfdrv_rd(pf, nic_SWSM(0)) | SWSM_SWESMBI);
		if (pfdrv_rd(pf, nic_SWSM(0)) & SWSM_SWESMBI)
			return pf->error;
	} while (!pf->error && clock_us() < deadline_us);
	return pf->error ? pf->error : -ETIMEDOUT;
}

static void sem_give(struct pfdrv *pf)
{
	pfdrv_wr(pf, nic_SWSM(0), pfdrv_rd(pf, nic_SWSM(0)) & ~(SWSM_SMBI | SWSM_SWESMBI));
}

static int phy_lock(struct pfdrv *pf, bool take)
{
	uint32_t sync;
	int r;

	r = sem_take(pf);
	if (r < 0)
		return r;
	sync = pfdrv_rd(pf, nic_SW_FW_SYNC(0));
	pfdrv_wr(pf, nic_SW_FW_SYNC(0), take ? sync | SYNC_PHY0 : sync & ~SYNC_PHY0);
	sem_give(pf);
	return pf->error;
}

static int phy_op(struct pfdrv *pf, uint32_t op, unsigned int reg, uint16_t in, uint16_t *ret_val)
{
	uint32_t val;
	int r;

	pfdrv_wr(pf, nic_MDIC(0),
		 field_prep(MDIC_OP, op) | field_prep(MDIC_PHYADD, PHY_ADDR) |
			 field_prep(MDIC_REGADD, reg) | field_prep(MDIC_DATA, in));
	r = pfdrv_wait(pf, nic_MDIC(0), MDIC_READY, MDIC_READY, MDIC_TIMEOUT_US);
	if (r < 0)
		return r;
	val = pfdrv_rd(pf, nic_MDIC(0));
	if (pf->error)
		return pf->error;
	if (val & MDIC_ERROR)
		return -EIO;
	if (ret_val)
		*ret_val = (uint16_t)field_get(MDIC_DATA, val);
	return 0;
}

static int phy_setup(struct pfdrv *pf)
{
	uint16_t id1 = 0, id2 = 0, bmcr = 0; /* gcc -O3 does not see that phy_op() sets them */
	int r;

	r = phy_op(pf, MDIC_OP_READ, PHY_ID1, 0, &id1);
	if (r < 0)
		return r;
	r = phy_op(pf, MDIC_OP_READ, PHY_ID2, 0, &id2);
	if (r < 0)
		return r;
	if ((((uint32_t)id1 << 16 | id2) & PHY_ID_MASK) != PHY_ID)
		return -ENXIO;

	r = phy_op(pf, MDIC_OP_READ, PHY_BMCR, 0, &bmcr);
	if (r < 0)
		return r;
	return phy_op(pf, MDIC_OP_WRITE, PHY_BMCR,
		      (uint16_t)(bmcr | BMCR_AN_ENABLE | BMCR_AN_RESTART), NULL);
}

int pfdrv_phy_start(struct pfdrv *pf)
{
	int r, unlock;

	r = phy_lock(pf, true);
	if (r < 0)
		return r;
	r = phy_setup(pf);
	unlock = phy_lock(pf, false);
	if (r < 0)
		return r;

	/* set link up; speed and duplex as negotiated */
	pfdrv_wr(pf, nic_CTRL(0),
		 (pfdrv_rd(pf, nic_CTRL(0)) | CTRL_SLU) & ~(CTRL_FRCSPD | CTRL_FRCDPX));
	return unlock < 0 ? unlock : pf->error;
}

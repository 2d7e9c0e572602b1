/* SPDX-License-Identifier: BSD-3-Clause */
/* From registers to what the data thread works with: built here, published as a whole. */
#include <lib/clock.h>
#include <lib/log.h>
#include <sched.h>
#include <string.h>
#include "snic_int.h"

#define FRAME_STD     1518u /* with CRC */
#define FRAME_STD_TAG 1522u
#define QUIESCE_US    (5 * USEC_PER_SEC)
#define DESCTYPE_MAX  SRRCTL_DESCTYPE_ADV_ONEBUF /* 0 is taken as one buffer as well */

static uint64_t rar_mac(const struct snic *s, uint32_t i)
{
	return pf_reg(s, nic_RAR_low(i)) | (uint64_t)(pf_reg(s, nic_RAR_high(i)) & RAH_ADDR) << 32;
}

static uint8_t pools_with(const struct snic *s, uint32_t bit)
{
	uint32_t p = 0;

	for (uint32_t i = 0; i < NIC_VFS_MAX; i++)
		if (pf_reg(s, nic_VMOLR(i)) & bit)
			p |= BIT32(i);
	return (uint8_t)p;
}

static void build_tables(const struct snic *s, struct sw_cfg *sw)
{
	for (uint32_t i = 0; i < NIC_RAR_COUNT; i++) {
		uint32_t high = pf_reg(s, nic_RAR_high(i));

		if (high & RAH_AV)
			sw_mac_add(sw, rar_mac(s, i), (uint8_t)field_get(RAH_POOL, high));
	}
	memcpy(sw->mta, &s->reg[nic_MTA(0) / 4], sizeof(sw->mta));
	memcpy(sw->uta, &s->reg[nic_UTA(0) / 4], sizeof(sw->uta));
	memcpy(sw->vfta, &s->reg[nic_VFTA(0) / 4], sizeof(sw->vfta));
	for (uint32_t i = 0; i < VLVF_COUNT; i++) {
		uint32_t v = pf_reg(s, nic_VLVF(i));

		if (v & VLVF_EN)
			sw->vlan[field_get(VLVF_VID, v)] |= (uint8_t)field_get(VLVF_POOLSEL, v);
	}
}

static void build_switch(const struct snic *s, struct sw_cfg *sw)
{
	static const uint8_t mo_shift[4] = {4, 3, 2, 0};
	uint32_t rctl = pf_reg(s, nic_RCTL(0)), mrqc = pf_reg(s, nic_MRQC(0));
	uint32_t vt = pf_reg(s, nic_VT_CTL(0)), swc = pf_reg(s, nic_DTXSWC(0));
	uint32_t mode = field_get(MRQC_MODE, mrqc);
	uint32_t longest = field_get(RLPML_LEN, pf_reg(s, nic_RLPML(0)));

	memset(sw, 0, sizeof(*sw));
	sw->vt = mode == MRQC_MODE_VMDQ || mode == MRQC_MODE_VMDQ_RSS;
	sw->loopback = swc & DTXSWC_LOOPBACK;
	sw->phy_loop = phy_loopback(s) || (rctl & RCTL_LBM);
	sw->replicate = vt & VT_CTL_REPL_EN;
	sw->ignore_mac = sw->vt && (vt & VT_CTL_IGMAC);
	sw->use_def_pool = !(vt & VT_CTL_DIS_DEF_POOL);
	sw->vlan_filter = rctl & RCTL_VFE;
	sw->upe = rctl & RCTL_UPE;
	sw->mpe = rctl & RCTL_MPE;
	sw->bam = rctl & RCTL_BAM;
	sw->rx_on = rctl & RCTL_EN;
	sw->def_pool = (uint8_t)field_get(VT_CTL_DEF_PL, vt);
	sw->def_queue = mode == MRQC_MODE_NONE ? (uint8_t)field_get(MRQC_DEF_Q, mrqc) : 0;
	sw->mta_shift = mo_shift[field_get(RCTL_MO, rctl)];
	sw->vfre = (uint8_t)pf_reg(s, nic_VFRE(0));
	sw->aupe = pools_with(s, VMOLR_AUPE);
	sw->rompe = pools_with(s, VMOLR_ROMPE);
	sw->rope = pools_with(s, VMOLR_ROPE);
	sw->pool_bam = pools_with(s, VMOLR_BAM);
	sw->mpme = pools_with(s, VMOLR_MPME);
	sw->mac_spoof = (uint8_t)field_get(DTXSWC_MAC_SPOOF, swc);
	sw->vlan_spoof = (uint8_t)field_get(DTXSWC_VLAN_SPOOF, swc);
	sw->lle = (uint8_t)field_get(DTXSWC_LLE, swc);
	sw->spoof_int = pf_reg(s, nic_DTXCTL(0)) & DTXCTL_SPOOF_INT;
	sw->rx_limit = rctl & RCTL_LPE ? longest : FRAME_STD;
	sw->rx_limit_tagged = rctl & RCTL_LPE ? longest : FRAME_STD_TAG;
	if (rctl & RCTL_SBP)
		sw->rx_limit = sw->rx_limit_tagged = UINT32_MAX;
	if (mode == MRQC_MODE_VMDQ_RSS) {
		sw->rsse = pools_with(s, VMOLR_RSSE);
		rss_build(&sw->rss, mrqc, &s->reg[nic_RSSRK(0) / 4], &s->reg[nic_RETA(0) / 4]);
	}
	build_tables(s, sw);
}

/* Vector of a queue: a VF's from its own map, the PF's from IVAR. */
static uint8_t queue_irq(const struct snic *s, unsigned int q, bool tx)
{
	unsigned int fn = snic_queue_fn(s, q);
	uint32_t second = q / NIC_VFS_MAX, entry;

	if (fn != SNIC_PF) {
		entry = s->vf[fn].ivar >> (16 * second + (tx ? 8 : 0));
		if (!(entry & IVAR_VALID) || (entry & VTIVAR_VECTOR) >= NIC_VF_MSIX_N)
			return INTR_NONE;
		return (uint8_t)nic_vf_vector(fn, entry & VTIVAR_VECTOR);
	}
	if (!(atomic_load(&s->intr.gpie) & GPIE_MULTIPLE_MSIX))
		return INTR_LEGACY;
	entry = pf_reg(s, nic_IVAR(q % NIC_VFS_MAX)) >> (16 * second + (tx ? 8 : 0));
	if (!(entry & IVAR_VALID) || (entry & IVAR_VECTOR) >= INTR_VECTORS)
		return INTR_NONE;
	return (uint8_t)(entry & IVAR_VECTOR);
}

static bool fn_may_dma(const struct snic *s, unsigned int fn)
{
	if (fn == SNIC_PF && (pf_reg(s, nic_CTRL(0)) & CTRL_GIO_MASTER_DISABLE))
		return false;
	return pcicfg_bus_master(&s->cfg[fn]);
}

/* The ring of a queue, or NULL if it is not wholly in memory or has a length that cannot be. */
static void *ring_of(const struct dp_fn *fn, const struct dp_raw *raw, uint32_t *ret_n)
{
	uint64_t base = (uint64_t)raw->r[2] << 32 | (raw->r[1] & ~(NIC_RING_ALIGN - 1));
	uint32_t bytes = raw->r[3] & 0xfff80;
	struct dp_window w;
	uint8_t *ring;

	*ret_n = bytes / NIC_DESC_SIZE;
	if (*ret_n < NIC_RING_LEN_STEP || *ret_n > NIC_RING_MAX)
		return NULL;
	/* written back as well: readable and writable */
	ring = dp_reach(fn, &w, base, bytes, true, 0);
	return ring == dp_reach(fn, &w, base, bytes, false, 0) ? ring : NULL;
}

/*
 * Drivers say 2 KiB of a buffer that begins behind headroom in half a page, and rely on the limit
 * of frames: what is beyond it need not be their memory, and at the end of RAM is none.
 */
static uint32_t buf_used(const struct dp_rxq_cfg *rx)
{
	uint32_t longest = rx->limit > rx->limit_tagged ? rx->limit : rx->limit_tagged;

	if (longest < SNIC_FRAME_MIN)
		longest = SNIC_FRAME_MIN;
	return rx->buf_len < longest ? rx->buf_len : longest;
}

static void build_rx(struct snic *s, struct dp_cfg *c, unsigned int q)
{
	const struct q_seen *seen = &s->rx_seen[q];
	struct dp_rxq_cfg *rx = &c->rx[q];
	unsigned int fn = snic_queue_fn(s, q);
	uint32_t vmolr = pf_reg(s, nic_VMOLR(q % NIC_VFS_MAX));
	uint32_t rctl = pf_reg(s, nic_RCTL(0)), srrctl = seen->raw.r[4];
	uint32_t kib = field_get(SRRCTL_BSIZEPACKET, srrctl);

	memset(rx, 0, sizeof(*rx));
	rx->regs = snic_rxq_regs(s, q);
	rx->gen = seen->gen;
	rx->head = seen->head;
	rx->fn = &c->fn[fn];
	rx->irq = queue_irq(s, q, false);
	rx->drop_enabled = (srrctl & SRRCTL_DROP_EN) || (pf_reg(s, nic_QDE(0)) & BIT32(q));
	rx->buf_len = kib ? kib * 1024 : 2048u >> field_get(RCTL_BSIZE, rctl);
	rx->limit = c->sw.rx_limit;
	rx->limit_tagged = c->sw.rx_limit_tagged;
	rx->strip = pf_reg(s, nic_CTRL(0)) & CTRL_VME;
	if (c->sw.vt) {
		uint32_t longest = field_get(VMOLR_RLPML, vmolr);

		rx->limit = vmolr & VMOLR_LPE ? longest : FRAME_STD;
		rx->limit_tagged = vmolr & VMOLR_LPE ? longest : FRAME_STD_TAG;
		rx->strip = vmolr & VMOLR_STRVLAN;
		rx->strip_multi = pf_reg(s, nic_RPLOLR(0)) & RPLOLR_STRVLAN;
	}
	rx->buf_used = buf_used(rx);
	if (!(seen->raw.r[0] & XDCTL_ENABLE) || !(rctl & RCTL_EN) || !fn_may_dma(s, fn) ||
	    field_get(SRRCTL_DESCTYPE, srrctl) > DESCTYPE_MAX)
		return;
	rx->ring = ring_of(rx->fn, &seen->raw, &rx->n_desc);
	c->any_queue |= rx->ring != NULL;
}

static void build_tx(struct snic *s, struct dp_cfg *c, unsigned int q)
{
	const struct q_seen *seen = &s->tx_seen[q];
	struct dp_txq_cfg *tx = &c->tx[q];
	unsigned int fn = snic_queue_fn(s, q);
	unsigned int pool = q % NIC_VFS_MAX;
	struct dp_window w;

	memset(tx, 0, sizeof(*tx));
	tx->regs = snic_txq_regs(s, q);
	tx->gen = seen->gen;
	tx->head = seen->head;
	tx->fn = &c->fn[fn];
	tx->irq = queue_irq(s, q, true);
	tx->vmvir = c->sw.vt ? pf_reg(s, nic_VMVIR(pool)) : 0;
	if (!(seen->raw.r[0] & XDCTL_ENABLE) || !(pf_reg(s, nic_TCTL(0)) & TCTL_EN) ||
	    !fn_may_dma(s, fn))
		return;
	if ((c->sw.vt || fn != SNIC_PF) && !(pf_reg(s, nic_VFTE(0)) & BIT32(pool)))
		return;
	if (seen->raw.r[4] & TDWBAL_ENABLE) {
		tx->head_wb = (void *)dp_reach(tx->fn, &w,
					       (uint64_t)seen->raw.r[5] << 32 |
						       (seen->raw.r[4] & ~UINT32_C(3)),
					       4, true, 0);
		if (!tx->head_wb)
			return;
	}
	tx->ring = ring_of(tx->fn, &seen->raw, &tx->n_desc);
	if (!tx->ring)
		return;
	c->tx_list[c->n_tx++] = (uint8_t)q;
	c->any_queue = true;
}

static void build(struct snic *s, struct dp_cfg *c)
{
	c->n_tx = 0;
	c->any_queue = false;
	c->link = s->link;
	memcpy(c->fn, s->dma, sizeof(c->fn));
	build_switch(s, &c->sw);
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		c->rx_raw[q] = s->rx_seen[q].raw;
		c->tx_raw[q] = s->tx_seen[q].raw;
		build_rx(s, c, q);
		build_tx(s, c, q);
	}
}

/* Publish what is there; false if the data thread still has to leave the one before the last. */
static bool publish(struct snic *s)
{
	struct dp_cfg *c;

	if (!dp_acked(&s->dp, s->epoch)) {
		atomic_store(&s->dp.want_ack, true);
		if (!dp_acked(&s->dp, s->epoch))
			return false;
	}
	c = s->snapshot[(s->epoch + 1) % 2];
	build(s, c);
	c->epoch = ++s->epoch;
	s->cfg_dirty = false;
	atomic_store(&s->dp.next, c);
	if (s->dp.threaded)
		dp_kick_all(&s->dp);
	for (unsigned int i = 0; !s->dp.threaded && i < s->dp.n_workers; i++)
		dp_adopt(&s->dp.worker[i], c);
	return true;
}

/* ---- queue registers, which drivers change behind our back ------------------------------ */

static bool look(volatile uint8_t *regs, struct q_seen *seen, uint32_t stopped_gen, bool tx)
{
	struct dp_raw now = {{0}};
	bool on, changed;

	now.r[0] = mmio_read32(regs + DPR_CTL);
	io_rmb();
	now.r[1] = mmio_read32(regs + DPR_BAL);
	now.r[2] = mmio_read32(regs + DPR_BAH);
	now.r[3] = mmio_read32(regs + DPR_LEN);
	now.r[4] = mmio_read32(regs + (tx ? DPR_WBAL : DPR_SRRCTL));
	now.r[5] = mmio_read32(regs + (tx ? DPR_WBAH : DPR_SRRCTL));
	on = now.r[0] & XDCTL_ENABLE;
	changed = ((now.r[0] ^ seen->raw.r[0]) & XDCTL_ENABLE) ||
		  (on && memcmp(&now.r[1], &seen->raw.r[1], sizeof(now.r) - sizeof(now.r[0])));
	if (!changed && !(on && stopped_gen == seen->gen))
		return false;
	seen->raw = now;
	return true;
}

static void restart(struct snic *s, volatile uint8_t *regs, struct q_seen *seen)
{
	uint32_t head = mmio_read32(regs + DPR_HEAD);
	uint32_t n = (seen->raw.r[3] & 0xfff80) / NIC_DESC_SIZE;

	if (!(seen->raw.r[0] & XDCTL_ENABLE))
		return;
	if (head >= n) {
		head = 0;
		mmio_write32(regs + DPR_HEAD, 0);
	}
	seen->head = head;
	seen->gen = ++s->next_gen;
}

static void scan(struct snic *s)
{
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		volatile uint8_t *rx = snic_rxq_regs(s, q), *tx = snic_txq_regs(s, q);

		if (look(rx, &s->rx_seen[q], atomic_load(&s->dp.rx[q].stopped_gen), false)) {
			restart(s, rx, &s->rx_seen[q]);
			s->cfg_dirty = true;
		}
		if (look(tx, &s->tx_seen[q], atomic_load(&s->dp.tx[q].stopped_gen), true)) {
			restart(s, tx, &s->tx_seen[q]);
			s->cfg_dirty = true;
		}
	}
}

void snic_service(struct snic *s)
{
	atomic_store(&s->dp.poked, false);
	scan(s);
	if (s->cfg_dirty)
		(void)publish(s);
}

void snic_flush(struct snic *s)
{
	scan(s);
	if (s->cfg_dirty)
		(void)!snic_quiesce(s); /* a data thread that hangs is found out where it matters */
}

int snic_quiesce(struct snic *s)
{
	uint64_t deadline = clock_us() + clock_patient_us(QUIESCE_US);
	unsigned int spins = 0;

	if (s->stuck)
		return -ETIMEDOUT;
	scan(s);
	s->cfg_dirty = true;
	while (s->cfg_dirty || !dp_acked(&s->dp, s->epoch)) {
		if (s->cfg_dirty && publish(s))
			continue;
		if (++spins < 100) {
			cpu_relax();
			continue;
		}
		if (clock_us() > deadline)
			return -ETIMEDOUT;
		if (spins < 200)
			sched_yield();
		else
			clock_sleep_us(20);
	}
	return 0;
}

/*
 * Memory or a function is about to go away. Going on with a data thread that does not answer would
 * let it write where it must not: better a NIC that is gone.
 */
bool snic_must_quiesce(struct snic *s)
{
	int r = snic_quiesce(s);

	if (r == 0)
		return true;
	if (!s->config.ops->stuck) {
		log_error(r, "data thread does not stop, giving up");
		abort();
	}
	if (!s->stuck) {
		s->stuck = true;
		s->config.ops->stuck(s->config.ctx);
	}
	return false;
}

int snic_dma_set(struct snic *s, unsigned int fn, const struct snic_dma *regions, size_t n)
{
	struct dp_fn *t;
	uint32_t k = 0;

	if (fn >= SNIC_FNS)
		return -EINVAL;
	t = &s->dma[fn];
	for (size_t i = 0; i < n; i++) {
		if (!regions[i].va || !regions[i].size)
			continue;
		if (k == SNIC_DMA_REGIONS)
			return -ENOSPC;
		t->region[k++] = regions[i];
	}
	t->n = k;
	dp_hints_fill(t);
	return snic_quiesce(s);
}

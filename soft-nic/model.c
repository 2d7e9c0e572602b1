/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC as a whole: birth, resets, which VFs there are, and accesses from outside. */
#include <lib/memfd.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include "snic_int.h"

static struct regmap regmap;
static pthread_once_t regmap_once = PTHREAD_ONCE_INIT;

static void fill(uint16_t *map, size_t map_n, const struct nic_reg *regs, size_t n)
{
	memset(map, 0xff, map_n * sizeof(*map));
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < regs[i].count; k++)
			map[(regs[i].offset + regs[i].stride * k) / 4] = (uint16_t)i;
}

static void regmap_fill(void)
{
	fill(regmap.pf, ARRAY_SIZE(regmap.pf), nic_pf_regs, nic_pf_regs_n);
	fill(regmap.vf, ARRAY_SIZE(regmap.vf), nic_vf_regs, nic_vf_regs_n);
}

const struct regmap *regmap_get(void)
{
	pthread_once(&regmap_once, regmap_fill);
	return &regmap;
}

/* ---- shared pages ----------------------------------------------------------------------- */

static int page_new(int *ret_fd, uint8_t **ret_page)
{
	_cleanup_(fd_closep) int fd = -1;
	void *va;
	int r;

	r = memfd_new("snic-vf-bar0", NIC_VF_BAR0_SIZE, false, &fd);
	if (r < 0)
		return r;
	va = mmap(NULL, NIC_VF_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	*ret_page = va;
	return 0;
}

static int pages_new(struct snic *s)
{
	int r;

	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++) {
		r = page_new(&s->page_fd[vf], &s->page[vf]);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Memory anew behind a VF's queue registers: a client that is gone may still have the old pages
 * mapped, and must not reach what the next one does. The descriptor keeps its number, so that
 * whoever hands it out hands out the new memory. Without memory for it the pages stay: cleared, but
 * shared.
 */
static void page_renew(struct snic *s, unsigned int vf)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *old = s->page[vf], *page;

	if (page_new(&fd, &page) < 0)
		return;
	if (dup3(fd, s->page_fd[vf], O_CLOEXEC) < 0) {
		munmap(page, NIC_VF_BAR0_SIZE);
		return;
	}
	s->page[vf] = page;
	snic_queue_regs_reset(s, vf);
	snic_queue_regs_reset(s, vf + NIC_VFS_MAX);
	if (snic_must_quiesce(s))
		munmap(old, NIC_VF_BAR0_SIZE);
}

/* ---- reset ------------------------------------------------------------------------------ */

void snic_queue_regs_reset(struct snic *s, unsigned int q)
{
	volatile uint8_t *rx = snic_rxq_regs(s, q), *tx = snic_txq_regs(s, q);

	mmio_write32(rx + DPR_CTL, nic_pf_regs[PFR_RXDCTL].reset);
	mmio_write32(tx + DPR_CTL, nic_pf_regs[PFR_TXDCTL].reset);
	for (uint32_t r = 0; r < NIC_Q_STRIDE; r += 4) {
		if (r == DPR_CTL)
			continue;
		mmio_write32(rx + r, r == DPR_SRRCTL ? nic_pf_regs[PFR_SRRCTL].reset : 0);
		mmio_write32(tx + r, r == 0x14 ? nic_pf_regs[PFR_TXCTL].reset : 0);
	}
}

static void registers_reset(struct snic *s, bool power_on)
{
	for (size_t i = 0; i < nic_pf_regs_n; i++) {
		const struct nic_reg *r = &nic_pf_regs[i];

		/* throttles and buffer sizes survive a software reset; queues live elsewhere */
		if (!power_on && (i == PFR_EITR || i == PFR_RXPBS || i == PFR_TXPBS))
			continue;
		if (i == PFR_VMBMEM || r->offset >= NIC_RXQ_BASE)
			continue;
		for (uint32_t k = 0; k < r->count; k++)
			s->reg[(r->offset + r->stride * k) / 4] = r->reset;
	}
	for (unsigned int v = 0; power_on && v < INTR_VECTORS; v++)
		atomic_store(&s->intr.itr_us[v], 0);
	s->reg[nic_RAL(0) / 4] = (uint32_t)s->nvm[0] | (uint32_t)s->nvm[1] << 16;
	s->reg[nic_RAH(0) / 4] = s->nvm[2] | RAH_AV;
}

static void interrupts_reset(struct intr *in)
{
	atomic_store(&in->eims, 0);
	atomic_store(&in->ims, 0);
	atomic_store(&in->icr, 0);
	atomic_store(&in->eicr, 0);
	atomic_store(&in->iam, 0);
	atomic_store(&in->eiac, 0);
	atomic_store(&in->eiam, 0);
	atomic_store(&in->gpie, 0);
}

static void vf_state_reset(struct snic *s, unsigned int vf)
{
	uint32_t bits = 7u << nic_vf_vector(vf, 0);

	atomic_fetch_and(&s->intr.eims, ~bits);
	atomic_fetch_and(&s->intr.eicr, ~bits);
	atomic_fetch_and(&s->intr.eiac, ~bits);
	atomic_fetch_and(&s->intr.eiam, ~bits);
	atomic_fetch_and(&s->intr.pba, ~bits);
	s->vf[vf] = (struct vf){.ivar = nic_vf_regs[VFR_VTIVAR].reset};
	snic_queue_regs_reset(s, vf);
	snic_queue_regs_reset(s, vf + NIC_VFS_MAX);
}

static void vf_throttles_reset(struct snic *s, unsigned int vf)
{
	for (uint32_t v = 0; v < NIC_VF_MSIX_N; v++) {
		s->reg[nic_EITR(nic_vf_vector(vf, v)) / 4] = 0;
		atomic_store(&s->intr.itr_us[nic_vf_vector(vf, v)], 0);
	}
}

/* Which vectors belong to whom, and where causes without one of their own go. */
void snic_irq_map(struct snic *s)
{
	uint32_t misc = pf_reg(s, nic_IVAR_MISC(0)) >> 8;
	uint32_t bits = 0;

	for (uint32_t vf = 0; vf < s->n_vfs; vf++)
		bits |= 7u << nic_vf_vector(vf, 0);
	atomic_store(&s->intr.vf_bits, bits);
	atomic_store(&s->intr.n_vfs, s->n_vfs);
	atomic_store(&s->intr.other_vector, misc & IVAR_VALID ? misc & IVAR_VECTOR : INTR_NONE);
}

/* CTRL.RST and power-on: everything but configuration space and what survives a software reset. */
static void mac_reset(struct snic *s, bool power_on)
{
	registers_reset(s, power_on);
	interrupts_reset(&s->intr);
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++)
		vf_state_reset(s, vf);
	snic_irq_map(s);
	mbx_pf_reset_begin(s);
	s->cfg_dirty = true;
}

void snic_pf_reset(struct snic *s)
{
	mac_reset(s, false);
	(void)snic_must_quiesce(s);
}

void snic_vf_reset(struct snic *s, unsigned int vf)
{
	s->reg[nic_VFRE(0) / 4] &= ~BIT32(vf);
	s->reg[nic_VFTE(0) / 4] &= ~BIT32(vf);
	vf_state_reset(s, vf);
	vf_throttles_reset(s, vf);
	s->mbx[vf].v2p &= ~V2P_VFU;
	(void)snic_must_quiesce(s); /* its memory may be given to somebody else from here on */
	mbx_vf_was_reset(s, vf);
}

void snic_set_vfs(struct snic *s, unsigned int n)
{
	unsigned int old = s->n_vfs;

	if (n == old)
		return;
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++) {
		if (vf >= n && vf >= old)
			continue;
		vf_state_reset(s, vf);
		vf_throttles_reset(s, vf);
		pcicfg_init_vf(&s->cfg[vf]);
		s->mbx[vf].v2p &= V2P_RSTI;
		s->dma[vf].n = 0;
		s->reg[nic_VFLRE(0) / 4] &= ~BIT32(vf);
		s->reg[nic_MBVFICR(0) / 4] &= ~(BIT32(vf) | BIT32(vf + 16));
	}
	s->n_vfs = n;
	snic_irq_map(s);
	atomic_store(&s->intr.masked, 0);
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++)
		if (fn == SNIC_PF || fn < n)
			pcicfg_mask_update(s, fn);
	(void)snic_must_quiesce(s);
	for (unsigned int vf = 0; vf < (n > old ? n : old); vf++)
		page_renew(s, vf);
	s->config.ops->vfs_changed(s->config.ctx, n);
}

void snic_fn_reset(struct snic *s, unsigned int fn, bool keep_config)
{
	if (fn == SNIC_PF) {
		snic_set_vfs(s, 0);
		if (keep_config)
			memset(s->cfg[fn].data + NIC_CFG_SRIOV + 8, 0, 2); /* VF Enable */
		else
			pcicfg_init_pf(&s->cfg[fn]);
		phy_init(s);
		mac_reset(s, true);
		pcicfg_mask_update(s, fn);
		(void)snic_must_quiesce(s);
		return;
	}
	if (fn >= s->n_vfs)
		return;
	if (!keep_config)
		pcicfg_init_vf(&s->cfg[fn]);
	pcicfg_mask_update(s, fn);
	snic_vf_reset(s, fn);
}

void snic_fn_gone(struct snic *s, unsigned int fn)
{
	if (fn == SNIC_PF || fn >= s->n_vfs)
		return;
	snic_fn_reset(s, fn, false);
	page_renew(s, fn);
}

void snic_irq_rebound(struct snic *s, unsigned int fn, unsigned int vector)
{
	unsigned int bit;

	if (fn >= SNIC_FNS || vector >= (fn == SNIC_PF ? NIC_PF_MSIX_N : NIC_VF_MSIX_N))
		return;
	bit = intr_bit(fn, vector);
	if (!(atomic_load(&s->intr.masked) & BIT32(bit)))
		intr_unmask(&s->intr, BIT32(bit));
}

void snic_link_set(struct snic *s, bool up)
{
	if (s->link == up)
		return;
	s->link = up;
	s->cfg_dirty = true;
	snic_service(s);
	intr_cause(&s->intr, ICR_LSC);
}

/* ---- birth and death -------------------------------------------------------------------- */

int snic_new(const struct snic_config *config, struct snic **ret_snic)
{
	_cleanup_(snic_freep) struct snic *s = NULL;
	int r;

	if (!nic_mac_valid(config->mac))
		return -EINVAL;
	s = aligned_alloc(64, (sizeof(*s) + 63) & ~(size_t)63);
	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++)
		s->page_fd[vf] = -1;
	s->config = *config;
	s->link = true;
	r = pages_new(s);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < 2; i++) {
		s->snapshot[i] = calloc(1, sizeof(*s->snapshot[i]));
		if (!s->snapshot[i])
			return -ENOMEM;
	}
	s->intr.send = config->ops->irq;
	s->intr.ctx = config->ctx;
	dp_init(&s->dp, &s->intr, config->ops->poke, config->ctx);
	s->dp.started = config->ops->data_thread;
	if (config->all_trap)
		s->dp.spin_us = 0;
	for (unsigned int q = 0; q < NIC_QUEUES; q++) {
		/* generation 0 is "never started"; a queue that was never stopped has none of ours
		 */
		atomic_store(&s->dp.rx[q].stopped_gen, UINT32_MAX);
		atomic_store(&s->dp.tx[q].stopped_gen, UINT32_MAX);
	}
	nvm_init(s);
	phy_init(s);
	pcicfg_init_pf(&s->cfg[SNIC_PF]);
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++)
		pcicfg_init_vf(&s->cfg[vf]);
	mac_reset(s, true);
	(void)snic_must_quiesce(s);
	*ret_snic = TAKE_PTR(s);
	return 0;
}

void snic_free(struct snic *s)
{
	if (!s)
		return;
	dp_done(&s->dp);
	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++) {
		if (s->page[vf])
			munmap(s->page[vf], NIC_VF_BAR0_SIZE);
		fd_close(s->page_fd[vf]);
	}
	free(s->snapshot[0]);
	free(s->snapshot[1]);
	free(s);
}

int snic_page_fd(const struct snic *s, unsigned int vf)
{
	return s->page_fd[vf];
}

uint8_t *snic_page(struct snic *s, unsigned int vf)
{
	return s->page[vf];
}

void snic_wire_attach(struct snic *s, struct snic_wire *w)
{
	s->dp.wire = w;
	s->dp.worker[0].wire = w;
}

void snic_info(const struct snic *s, struct snic_info *ret)
{
	uint32_t low = pf_reg(s, nic_RAL(0)), high = pf_reg(s, nic_RAH(0));

	*ret = (struct snic_info){.n_vfs = s->n_vfs, .link = s->link};
	for (unsigned int i = 0; i < 4; i++)
		ret->mac[i] = (uint8_t)(low >> (8 * i));
	ret->mac[4] = (uint8_t)high;
	ret->mac[5] = (uint8_t)(high >> 8);
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++)
		ret->bus_master[fn] = pcicfg_bus_master(&s->cfg[fn]);
}

int snic_dp_threads(struct snic *s, unsigned int n, const int *cpus)
{
	return dp_workers_set(&s->dp, n, cpus);
}

unsigned int snic_dp_poll_once(struct snic *s)
{
	unsigned int work = 0;

	for (unsigned int i = 0; i < s->dp.n_workers; i++)
		work += dp_poll_once(&s->dp.worker[i]);
	return work;
}

void snic_dp_tick(struct snic *s)
{
	for (unsigned int i = 0; i < s->dp.n_workers; i++)
		dp_tick(&s->dp.worker[i]);
}

int snic_dp_start(struct snic *s, int cpu)
{
	if (cpu >= 0 && !s->dp.threaded)
		s->dp.worker[0].cpu = cpu;
	return dp_start(&s->dp);
}

void snic_dp_stop(struct snic *s)
{
	dp_stop(&s->dp);
}

int snic_dp_end(struct snic *s, uint64_t timeout_us)
{
	return dp_end(&s->dp, timeout_us);
}

void snic_dp_kick(struct snic *s)
{
	dp_kick(&s->dp.worker[0]);
}

bool snic_dp_thread(const struct snic *s, unsigned int i, int *ret_cpu, enum snic_rung *ret_rung)
{
	if (i >= s->dp.n_workers)
		return false;
	*ret_cpu = s->dp.worker[i].cpu;
	*ret_rung = (enum snic_rung)atomic_load(&s->dp.worker[i].rung);
	return true;
}

enum snic_rung snic_dp_rung(const struct snic *s)
{
	enum snic_rung rung, least = SNIC_SLEEP;
	int cpu;

	for (unsigned int i = 0; snic_dp_thread(s, i, &cpu, &rung); i++)
		if (rung < least)
			least = rung;
	return least;
}

/* ---- BAR accesses ----------------------------------------------------------------------- */

static bool fn_bar0(const struct snic *s, unsigned int fn, uint32_t *ret_size)
{
	if (fn == SNIC_PF)
		*ret_size = NIC_PF_BAR0_SIZE;
	else if (fn < s->n_vfs && pcicfg_vf_memory(s))
		*ret_size = NIC_VF_BAR0_SIZE;
	else
		return false;
	return true;
}

uint32_t snic_read32(struct snic *s, unsigned int fn, uint32_t off)
{
	uint32_t size;

	if (!fn_bar0(s, fn, &size) || off >= size || off % 4)
		return UINT32_MAX;
	return fn == SNIC_PF ? pf_read(s, off) : vf_read(s, fn, off);
}

void snic_write32(struct snic *s, unsigned int fn, uint32_t off, uint32_t val)
{
	uint32_t size;

	if (!fn_bar0(s, fn, &size) || off >= size || off % 4)
		return;
	if (fn == SNIC_PF)
		pf_write(s, off, val);
	else
		vf_write(s, fn, off, val);
	if (s->cfg_dirty)
		snic_service(s);
}

/* MSI-X table: storage for whoever looks; a vector is masked by having no receiver. */
static uint32_t msix_read32(const struct snic *s, unsigned int fn, uint32_t off)
{
	unsigned int n = fn == SNIC_PF ? NIC_PF_MSIX_N : NIC_VF_MSIX_N;
	uint32_t pba, bits = 0;

	if (off < n * 16)
		return s->cfg[fn].msix_table[off / 4];
	if (off != NIC_MSIX_PBA_OFF)
		return 0;
	pba = atomic_load(&s->intr.pba);
	for (unsigned int v = 0; v < n; v++)
		if (pba & BIT32(intr_bit(fn, v)))
			bits |= BIT32(v);
	return bits;
}

static uint32_t bar_read32(struct snic *s, unsigned int fn, unsigned int bar, uint32_t off)
{
	uint32_t size;

	if (bar == 0)
		return snic_read32(s, fn, off);
	if (bar == NIC_PF_MSIX_BAR && fn_bar0(s, fn, &size) && off < NIC_MSIX_BAR_SIZE)
		return msix_read32(s, fn, off);
	return UINT32_MAX;
}

void snic_bar_read(struct snic *s, unsigned int fn, unsigned int bar, uint64_t off, void *buf,
		   uint32_t len)
{
	uint8_t *out = buf;

	memset(buf, 0xff, len);
	if (fn >= SNIC_FNS || off >= NIC_PF_BAR0_SIZE || len > NIC_PF_BAR0_SIZE - off)
		return;
	for (uint32_t done = 0; done < len;) {
		uint32_t at = (uint32_t)off + done, skew = at % 4;
		uint32_t n = 4 - skew < len - done ? 4 - skew : len - done;
		uint32_t val = bar_read32(s, fn, bar, at - skew);

		memcpy(out + done, (uint8_t *)&val + skew, n);
		done += n;
	}
}

void snic_bar_write(struct snic *s, unsigned int fn, unsigned int bar, uint64_t off,
		    const void *buf, uint32_t len)
{
	const uint8_t *in = buf;
	uint32_t val, size;

	if (fn >= SNIC_FNS || off % 4 || len % 4 || off >= NIC_PF_BAR0_SIZE ||
	    len > NIC_PF_BAR0_SIZE - off)
		return;
	for (uint32_t done = 0; done < len; done += 4) {
		uint32_t at = (uint32_t)off + done;

		memcpy(&val, in + done, 4);
		if (bar == 0)
			snic_write32(s, fn, at, val);
		else if (bar == NIC_PF_MSIX_BAR && fn_bar0(s, fn, &size) &&
			 at < (fn == SNIC_PF ? NIC_PF_MSIX_N : NIC_VF_MSIX_N) * 16)
			s->cfg[fn].msix_table[at / 4] = val;
	}
}

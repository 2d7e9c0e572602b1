#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The model's private parts, shared by its modules. Control thread only, except dp and intr. */
#include <abi/nic_mbx.h>
#include <lib/mmio.h>
#include <snic/snic.h>
#include "dp.h"

#define PF_REGS_N (NIC_PF_BAR0_SIZE / 4)

/* Rows of the register tables, by name. */
#define SNIC_ROW_PF_(name, off, stride, n, acc, reset, what, src) PFR_##name,
#define SNIC_ROW_VF_(name, off, stride, n, acc, reset, what, src) VFR_##name,
enum { NIC_PF_REGS(SNIC_ROW_PF_) PFR_COUNT };
enum { NIC_VF_REGS(SNIC_ROW_VF_) VFR_COUNT };
#define REG_NONE 0xffffu

struct mailbox {
	uint32_t words[NIC_MBX_WORDS];
	uint32_t v2p; /* V2PMAILBOX; VFU and PFU are the same bits in P2VMAILBOX */
};

/* One function's configuration space and MSI-X bar. */
struct pcicfg {
	uint8_t data[NIC_CFG_SIZE];
	uint8_t wmask[NIC_CFG_SIZE];
	uint32_t msix_table[NIC_PF_MSIX_N * 4];
};

/* What the control thread last saw and decided of a queue's half. */
struct q_seen {
	struct dp_raw raw;
	uint32_t gen;
	uint32_t head;
};

struct vf {
	uint32_t ivar, ivar_misc, psrtype;
};

struct snic {
	struct snic_config config;
	uint32_t reg[PF_REGS_N];
	struct vf vf[NIC_VFS_MAX];
	struct mailbox mbx[NIC_VFS_MAX];
	struct pcicfg cfg[SNIC_FNS];
	uint16_t nvm[256];
	uint16_t phy[32];
	unsigned int n_vfs;
	bool link;	/* wire plugged */
	bool stuck;	/* the data thread hangs */
	bool cfg_dirty; /* registers that the data path depends on changed */
	struct intr intr;
	struct q_seen rx_seen[NIC_QUEUES], tx_seen[NIC_QUEUES];
	uint32_t next_gen;
	int page_fd[NIC_VFS_MAX];
	uint8_t *page[NIC_VFS_MAX];
	struct dp_fn dma[SNIC_FNS];
	uint64_t rc_base[PFR_COUNT]; /* of counters cleared by a read */
	uint64_t rqdpc_base[NIC_QUEUES];
	struct dp_cfg *snapshot[2];
	uint64_t epoch;
	struct dp dp;
};

/* Row of every dword, filled once. */
struct regmap {
	uint16_t pf[PF_REGS_N];
	uint16_t vf[NIC_VF_BAR0_SIZE / 4];
};

/**
 * regmap_get() - the row of every dword, filled at the first call
 *
 * Context: any thread. Return: a constant table. Source: -.
 */
const struct regmap *regmap_get(void);

/**
 * snic_power_on(), snic_pf_reset(), snic_vf_reset(), snic_set_vfs(), snic_irq_map(),
 * snic_queue_regs_reset() - model.c: state after power-on; resets of the PF and of a VF; how many
 * VFs there are; which vectors belong to VFs; a queue's registers as after a reset
 *
 * Context: control thread; resets wait for the data thread. Source: docs/sources.md [Q] [L].
 */
void snic_power_on(struct snic *s);
void snic_pf_reset(struct snic *s);
void snic_vf_reset(struct snic *s, unsigned int vf);
void snic_set_vfs(struct snic *s, unsigned int n);
void snic_irq_map(struct snic *s);
void snic_queue_regs_reset(struct snic *s, unsigned int q);
static inline volatile uint8_t *snic_rxq_regs(struct snic *s, unsigned int q)
{
	return s->page[q % NIC_VFS_MAX] + NIC_RXQ_LOW_BASE + NIC_Q_LOW_STRIDE * (q / NIC_VFS_MAX);
}
static inline volatile uint8_t *snic_txq_regs(struct snic *s, unsigned int q)
{
	return s->page[q % NIC_VFS_MAX] + NIC_TXQ_LOW_BASE + NIC_Q_LOW_STRIDE * (q / NIC_VFS_MAX);
}
/* function that does the DMA of a queue */
static inline unsigned int snic_queue_fn(const struct snic *s, unsigned int q)
{
	return q % NIC_VFS_MAX < s->n_vfs ? q % NIC_VFS_MAX : SNIC_PF;
}

static inline uint32_t pf_reg(const struct snic *s, uint32_t off)
{
	return s->reg[off / 4];
}

/**
 * pf_read(), pf_write(), vf_read(), vf_write(), snic_status(), queue_read(), queue_write() -
 * model_pf.c, model_vf.c: registers of BAR0 by offset, those of queue @q by offset in its block;
 * total, any offset and value
 *
 * Context: control thread. Return: the value; 0 where nothing is. Source: docs/sources.md [Q] [L].
 */
uint32_t pf_read(struct snic *s, uint32_t off);
void pf_write(struct snic *s, uint32_t off, uint32_t val);
uint32_t vf_read(struct snic *s, unsigned int vf, uint32_t off);
void vf_write(struct snic *s, unsigned int vf, uint32_t off, uint32_t val);
uint32_t snic_status(const struct snic *s);
uint32_t queue_read(struct snic *s, bool tx, unsigned int q, uint32_t reg, bool clear);
void queue_write(struct snic *s, bool tx, unsigned int q, uint32_t reg, uint32_t val);

/**
 * intr_reg_read(), intr_reg_write(), intr_window_read(), intr_window_write() - intr_regs.c:
 * interrupt registers by table row, whole and through a VF's window
 *
 * Context: control thread. Return: false, another row's business; the value. Source:
 * docs/sources.md [Q].
 */
bool intr_reg_read(struct snic *s, unsigned int row, uint32_t *ret_val);
bool intr_reg_write(struct snic *s, unsigned int row, uint32_t val);
uint32_t intr_window_read(struct snic *s, unsigned int vf, unsigned int row);
void intr_window_write(struct snic *s, unsigned int vf, unsigned int row, uint32_t val);

/**
 * mbx_vf_read(), mbx_vf_write(), mbx_pf_read(), mbx_pf_write(), mbx_icr_clear(),
 * mbx_vf_was_reset(), mbx_pf_reset_begin(), mbx_pf_reset_done() - mailbox.c: V2PMAILBOX and
 * P2VMAILBOX of VF @vf, MBVFICR, and what resets do to them
 *
 * Context: control thread. Return: the value. Source: docs/sources.md [Q] [L].
 */
uint32_t mbx_vf_read(struct snic *s, unsigned int vf);
void mbx_vf_write(struct snic *s, unsigned int vf, uint32_t val);
uint32_t mbx_pf_read(const struct snic *s, unsigned int vf);
void mbx_pf_write(struct snic *s, unsigned int vf, uint32_t val);
void mbx_icr_clear(struct snic *s, uint32_t val);
void mbx_vf_was_reset(struct snic *s, unsigned int vf);
void mbx_pf_reset_begin(struct snic *s);
void mbx_pf_reset_done(struct snic *s);

/**
 * pcicfg_init_pf(), pcicfg_init_vf(), pcicfg_bus_master(), pcicfg_vf_memory(),
 * pcicfg_mask_update() - pcicfg.c: configuration space after power-on; may the function do DMA, do
 * VFs decode memory; vectors masked as MSI-X control says
 *
 * Context: control thread. Return: true or false. Source: docs/sources.md [P] [Q].
 */
void pcicfg_init_pf(struct pcicfg *c);
void pcicfg_init_vf(struct pcicfg *c);
bool pcicfg_bus_master(const struct pcicfg *c);
bool pcicfg_vf_memory(const struct snic *s);
void pcicfg_mask_update(struct snic *s, unsigned int fn);

/**
 * nvm_init(), nvm_eerd(), phy_init(), phy_mdic(), phy_loopback() - nvm.c: contents of the NVM and
 * of the PHY after power-on; what EERD and MDIC read after @val was written; is the PHY in
 * loopback?
 *
 * Context: control thread. Return: the register; true or false. Source: docs/sources.md [Q] [L].
 */
void nvm_init(struct snic *s);
uint32_t nvm_eerd(const struct snic *s, uint32_t val);
void phy_init(struct snic *s);
uint32_t phy_mdic(struct snic *s, uint32_t val);
bool phy_loopback(const struct snic *s);

/**
 * counter_read(), counter_vf_read(), counter_rqdpc() - counters.c: statistics registers by table
 * row, cleared by the PF's read where they are; packets that found no descriptor on queue @q
 *
 * Context: control thread. Return: false, no counter; the value. Source: docs/sources.md [Q] [L].
 */
bool counter_read(struct snic *s, unsigned int row, uint32_t *ret_val);
uint32_t counter_vf_read(const struct snic *s, unsigned int vf, unsigned int row);
uint64_t counter_rqdpc(const struct snic *s, unsigned int q);

/**
 * snic_flush() - snapshot.c: the data thread knows what was written to queue registers so far
 * Context: control thread; waits for the data thread when something changed. Source: -
 */
void snic_flush(struct snic *s);

/**
 * snic_must_quiesce() - snapshot.c: snic_quiesce() that ends the NIC when the data thread does not
 * stop
 *
 * Context: control thread; blocks. Return: false, memory that it had must stay where it is. Source:
 * -.
 */
bool snic_must_quiesce(struct snic *s);

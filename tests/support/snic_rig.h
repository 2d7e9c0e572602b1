#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A software NIC in one thread, with memory for each function and the few lines of driver that
 * tests, fuzz targets and benches need. Every function's memory lies at the same I/O address, so
 * that a frame that reaches the wrong function's memory is seen.
 */
#include <abi/nic_desc.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <lib/mmio.h>
#include <linux/pci_regs.h>
#include <snic/snic.h>
#include <snic/wire.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RIG_IOVA     UINT64_C(0x100000)
#define RIG_MEM	     (2u << 20)
#define RIG_RING_MAX 256u
#define RIG_STRIDE   2176u /* an odd number of cache lines */
#define RIG_RX_RING  0x01000u
#define RIG_TX_RING  0x04000u
#define RIG_SCRATCH  0x08000u
#define RIG_RX_BUF   0x20000u
#define RIG_TX_BUF   0x100000u

struct rig {
	struct snic *nic;
	struct snic_wire *wire;
	uint8_t *mem[SNIC_FNS];
	unsigned int n_vfs; /* last told */
	unsigned int vfs_events;
	unsigned int pokes;
	unsigned int irqs[SNIC_FNS][NIC_PF_MSIX_N];
};

struct rig_queue {
	struct rig *rig;
	unsigned int fn, n;
	volatile uint8_t *rx, *tx; /* register blocks */
	struct nic_rx_wb *rx_ring;
	struct nic_tx_desc *tx_ring;
	uint32_t rx_next, rx_tail, tx_next;
};

static inline void rig_on_irq(void *ctx, unsigned int fn, unsigned int vector)
{
	((struct rig *)ctx)->irqs[fn][vector]++;
}

static inline void rig_on_vfs(void *ctx, unsigned int n)
{
	((struct rig *)ctx)->n_vfs = n;
	((struct rig *)ctx)->vfs_events++;
}

static inline void rig_on_poke(void *ctx)
{
	((struct rig *)ctx)->pokes++;
}

static inline uint32_t rig_read(struct rig *r, unsigned int fn, uint32_t off)
{
	return snic_read32(r->nic, fn, off);
}

static inline void rig_write(struct rig *r, unsigned int fn, uint32_t off, uint32_t val)
{
	snic_write32(r->nic, fn, off, val);
}

static inline uint32_t rig_cfg16(struct rig *r, unsigned int fn, uint32_t off)
{
	uint16_t v;

	snic_config_read(r->nic, fn, off, &v, 2);
	return v;
}

static inline void rig_cfg16_set(struct rig *r, unsigned int fn, uint32_t off, uint32_t val)
{
	uint16_t v = (uint16_t)val;

	snic_config_write(r->nic, fn, off, &v, 2);
}

static inline void rig_map(struct rig *r, unsigned int fn)
{
	struct snic_dma d = {.iova = RIG_IOVA,
			     .size = RIG_MEM,
			     .va = r->mem[fn],
			     .readable = true,
			     .writable = true};

	if (snic_dma_set(r->nic, fn, &d, 1) < 0)
		abort();
}

static inline struct rig *rig_new(void)
{
	static const struct snic_ops ops = {
		.irq = rig_on_irq, .vfs_changed = rig_on_vfs, .poke = rig_on_poke};
	struct rig *r = calloc(1, sizeof(*r));
	struct snic_config c = {.mac = {2, 0, 0, 0, 0, 0xff}, .ops = &ops, .ctx = r};

	if (!r || snic_new(&c, &r->nic) < 0 || snic_wire_new(&r->wire) < 0)
		abort();
	snic_wire_attach(r->nic, r->wire);
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++) {
		r->mem[fn] = mmap(NULL, RIG_MEM, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (r->mem[fn] == MAP_FAILED)
			abort();
	}
	return r;
}

static inline void rig_free(struct rig *r)
{
	snic_free(r->nic);
	snic_wire_free(r->wire);
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++)
		munmap(r->mem[fn], RIG_MEM);
	free(r);
}

static inline void rig_master(struct rig *r, unsigned int fn, bool on)
{
	rig_cfg16_set(r, fn, PCI_COMMAND, on ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER : 0);
}

static inline void rig_vfs_enable(struct rig *r, unsigned int n)
{
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF, n);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL,
		      PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
}

static inline void rig_vfs_disable(struct rig *r)
{
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_CTRL, 0);
	rig_cfg16_set(r, SNIC_PF, NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF, 0);
}

/* Function fn's address: 02:00:00:00:00:<fn + 1>. */
static inline void rig_mac(unsigned int fn, uint8_t mac[6])
{
	memset(mac, 0, 6);
	mac[0] = 2;
	mac[5] = (uint8_t)(fn + 1);
}

static inline void rig_rar(struct rig *r, uint32_t i, const uint8_t mac[6], uint32_t pools)
{
	rig_write(r, SNIC_PF, nic_RAR_low(i),
		  mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
	rig_write(r, SNIC_PF, nic_RAR_high(i),
		  (uint32_t)(mac[4] | mac[5] << 8) | field_prep(RAH_POOL, pools) | RAH_AV);
}

/* What a PF driver does for n VFs: switch on, an address for each, the PF itself in pool n. */
static inline void rig_pf_up(struct rig *r, unsigned int n)
{
	uint8_t mac[6];

	rig_master(r, SNIC_PF, true);
	rig_map(r, SNIC_PF);
	rig_vfs_enable(r, n);
	rig_write(r, SNIC_PF, nic_MRQC(0), MRQC_MODE_VMDQ);
	rig_write(r, SNIC_PF, nic_VT_CTL(0), VT_CTL_REPL_EN | field_prep(VT_CTL_DEF_PL, n % 8));
	rig_write(r, SNIC_PF, nic_DTXSWC(0), DTXSWC_LOOPBACK);
	for (unsigned int i = 0; i <= n && i < NIC_VFS_MAX; i++) {
		rig_mac(i, mac);
		rig_rar(r, i, mac, BIT32(i));
		rig_write(r, SNIC_PF, nic_VMOLR(i), VMOLR_STRCRC | VMOLR_BAM | VMOLR_AUPE);
	}
	rig_write(r, SNIC_PF, nic_VFRE(0), 0xff);
	rig_write(r, SNIC_PF, nic_VFTE(0), 0xff);
	rig_write(r, SNIC_PF, nic_RCTL(0), RCTL_EN | RCTL_BAM);
	rig_write(r, SNIC_PF, nic_TCTL(0), TCTL_EN | TCTL_PSP);
	rig_write(r, SNIC_PF, nic_CTRL_EXT(0), CTRL_EXT_PFRSTD);
	for (unsigned int i = 0; i < n; i++) {
		rig_master(r, i, true);
		rig_map(r, i);
	}
}

static inline uint64_t rig_iova(uint32_t off)
{
	return RIG_IOVA + off;
}

static inline void rig_post(struct rig_queue *q, uint64_t iova)
{
	uint64_t *d = (uint64_t *)(void *)&q->rx_ring[q->rx_tail];

	d[0] = iova;
	d[1] = 0;
	q->rx_tail = (q->rx_tail + 1) % q->n;
	mmio_write32(q->rx + 0x18, q->rx_tail);
}

/*
 * Set queue @slot of pool @pool up, as function @fn would, through shared memory: rings of @n, with
 * @posted buffers. The data path knows of it after snic_service().
 */
static inline struct rig_queue rig_queue_up(struct rig *r, unsigned int fn, unsigned int pool,
					    unsigned int n, unsigned int posted)
{
	uint8_t *page = snic_page(r->nic, pool);
	struct rig_queue q = {.rig = r,
			      .fn = fn,
			      .n = n,
			      .rx = page + NIC_RXQ_LOW_BASE,
			      .tx = page + NIC_TXQ_LOW_BASE,
			      .rx_ring = (void *)(r->mem[fn] + RIG_RX_RING),
			      .tx_ring = (void *)(r->mem[fn] + RIG_TX_RING)};

	memset(q.rx_ring, 0, n * NIC_DESC_SIZE);
	memset(q.tx_ring, 0, n * NIC_DESC_SIZE);
	mmio_write32(q.rx + 0x00, (uint32_t)rig_iova(RIG_RX_RING));
	mmio_write32(q.rx + 0x04, 0);
	mmio_write32(q.rx + 0x08, n * NIC_DESC_SIZE);
	mmio_write32(q.rx + 0x0c,
		     SRRCTL_DROP_EN | 2 | field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
	mmio_write32(q.rx + 0x10, 0);
	mmio_write32(q.rx + 0x18, 0);
	mmio_write32(q.rx + 0x28, XDCTL_ENABLE);
	mmio_write32(q.tx + 0x00, (uint32_t)rig_iova(RIG_TX_RING));
	mmio_write32(q.tx + 0x04, 0);
	mmio_write32(q.tx + 0x08, n * NIC_DESC_SIZE);
	mmio_write32(q.tx + 0x10, 0);
	mmio_write32(q.tx + 0x18, 0);
	mmio_write32(q.tx + 0x28, XDCTL_ENABLE);
	for (unsigned int i = 0; i < posted; i++)
		rig_post(&q, rig_iova(RIG_RX_BUF + i % RIG_RING_MAX * RIG_STRIDE));
	snic_service(r->nic);
	return q;
}

/* A descriptor as given; the tail moves. */
static inline void rig_tx_raw(struct rig_queue *q, uint64_t addr, uint32_t cmd, uint32_t status)
{
	q->tx_ring[q->tx_next] = (struct nic_tx_desc){
		.addr = le64_of(addr), .cmd_len = le32_of(cmd), .status = le32_of(status)};
	q->tx_next = (q->tx_next + 1) % q->n;
	mmio_write32(q->tx + 0x18, q->tx_next);
}

#define RIG_TXD (field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_DATA) | NIC_TXD_DEXT | NIC_TXD_IFCS)

static inline uint8_t *rig_tx_buf(struct rig_queue *q)
{
	return q->rig->mem[q->fn] + RIG_TX_BUF + q->tx_next % RIG_RING_MAX * RIG_STRIDE;
}

/* One frame in one descriptor, RS set. */
static inline void rig_tx(struct rig_queue *q, const void *frame, uint32_t len)
{
	uint8_t *buf = rig_tx_buf(q);

	memcpy(buf, frame, len);
	rig_tx_raw(q, rig_iova((uint32_t)(buf - q->rig->mem[q->fn])),
		   RIG_TXD | NIC_TXD_EOP | NIC_TXD_RS | len, len << 14);
}

/* Ethernet frame of @len bytes (without CRC) with a counted payload; @vid < 0: untagged. */
static inline uint32_t rig_frame(uint8_t *f, const uint8_t dst[6], const uint8_t src[6], int vid,
				 uint32_t len)
{
	uint32_t at = 12;

	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	if (vid >= 0) {
		f[12] = 0x81;
		f[13] = 0x00;
		f[14] = (uint8_t)(vid >> 8);
		f[15] = (uint8_t)vid;
		at = 16;
	}
	f[at] = 0x88;
	f[at + 1] = 0xb5;
	for (uint32_t i = at + 2; i < len; i++)
		f[i] = (uint8_t)i;
	return len;
}

/* Poll until nothing moves any more; a bounded number of rounds. */
static inline unsigned int rig_run(struct rig *r)
{
	unsigned int work = 0, n;

	for (unsigned int i = 0; i < 1000; i++) {
		n = snic_dp_poll_once(r->nic);
		work += n;
		if (!n)
			break;
	}
	return work;
}

/* Next received frame: its length, or 0; @ret_buf where it lies, @ret_wb its descriptor. */
static inline uint32_t rig_rx(struct rig_queue *q, const uint8_t **ret_buf,
			      struct nic_rx_wb *ret_wb)
{
	struct nic_rx_wb wb = {0};
	uint64_t upper =
		mmio_read64(&q->rx_ring[q->rx_next].status); /* status and length at once */

	memcpy((uint8_t *)&wb + offsetof(struct nic_rx_wb, status), &upper, sizeof(upper));
	if (!(le32_get(wb.status) & NIC_RXD_STAT_DD))
		return 0;
	io_rmb();
	wb.info = q->rx_ring[q->rx_next].info;
	wb.rss = q->rx_ring[q->rx_next].rss;
	if (ret_buf)
		*ret_buf = q->rig->mem[q->fn] + RIG_RX_BUF + q->rx_next % RIG_RING_MAX * RIG_STRIDE;
	if (ret_wb)
		*ret_wb = wb;
	q->rx_ring[q->rx_next].status = le32_of(0);
	q->rx_next = (q->rx_next + 1) % q->n;
	return le16_get(wb.length);
}

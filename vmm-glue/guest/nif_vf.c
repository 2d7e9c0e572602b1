/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF through the vf-driver core. Its queue pages are plain memory, or, on the emulated path,
 * places that trap: the code is the same. Lives in one arena together with its rings and buffers.
 *
 * A whole 82576 answers at the places of a VF with the registers of its queue 0, its reset, its
 * status and its interrupts; what a VF asks its PF for, it sets itself.
 */
#include <abi/errno.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <string.h>
#include <vfdrv/queue.h>
#include "app.h"

#define RING	   256u
#define RX_VECTOR  0u
#define MBX_VECTOR 1u

struct nif_vf {
	struct nif n;
	uint64_t bar0;
	bool opening; /* give up as soon as the VMM wants the function back */
	struct vfdrv v __attribute__((aligned(64)));
};

static struct nif_vf *vf_of(struct nif *n)
{
	return (struct nif_vf *)n;
}

static uint32_t vf_read32(void *ctx, uint32_t off)
{
	struct nif_vf *f = ctx;

	if (f->opening && kern_shared.down & BIT32(f->n.slot))
		return UINT32_MAX;
	return guest_mmio_read32(f->bar0 + off);
}

static void vf_write32(void *ctx, uint32_t off, uint32_t val)
{
	struct nif_vf *f = ctx;

	guest_mmio_write32(f->bar0 + off, val);
}

static void vf_delay_us(void *ctx, uint32_t us)
{
	app_wait_us(us);
}

static uint64_t vf_now_us(void *ctx)
{
	return app_now_us();
}

static unsigned int vf_rx(struct nif *n, struct vfdrv_pkt *pkt, unsigned int max)
{
	return vfdrv_rx_burst(&vf_of(n)->v, pkt, max);
}

static unsigned int vf_tx(struct nif *n, const struct vfdrv_pkt *pkt, unsigned int k)
{
	return vfdrv_tx_burst(&vf_of(n)->v, pkt, k);
}

static bool vf_pending(const struct nif *n)
{
	return vfdrv_rx_pending(&((const struct nif_vf *)n)->v);
}

static void vf_irq(struct nif *n, bool on)
{
	if (on)
		vfdrv_irq_enable(&vf_of(n)->v, BIT32(RX_VECTOR));
	else
		vfdrv_irq_disable(&vf_of(n)->v, BIT32(RX_VECTOR));
}

static void own_address(struct nif_vf *f, uint8_t mac[6])
{
	uint64_t t = guest_tsc() * 0x9e3779b97f4a7c15ull;

	/* locally administered: the PF left the choice to us */
	mac[0] = 0x02;
	mac[1] = (uint8_t)f->n.slot;
	for (unsigned int i = 2; i < 6; i++)
		mac[i] = (uint8_t)(t >> (8 * i));
}

static int vf_start(struct nif_vf *f)
{
	uint8_t mac[6];
	int r = vfdrv_reset(&f->v);

	if (r < 0)
		return r;
	if (!f->v.has_mac) {
		own_address(f, mac);
		r = vfdrv_set_mac(&f->v, mac);
		if (r < 0)
			return r;
	}
	vfdrv_irq_setup(&f->v, RX_VECTOR, MBX_VECTOR);
	vfdrv_irq_enable(&f->v, BIT32(MBX_VECTOR));
	f->n.armed = false;
	memcpy(f->n.host.mac, f->v.mac, 6);
	f->n.host.ipv4 = frame_ipv4_of(f->v.mac);
	return vfdrv_start(&f->v);
}

static void rings_clear(struct vfdrv *v)
{
	for (uint32_t i = 0; i < 2 * RING; i++)
		v->rx.desc[i] = v->tx.desc[i] = 0;
}

static int pf_queues_start(struct vfdrv *v)
{
	const struct vfdrv_txq_config tx = {.ring = v->tx_iova, .n_desc = RING};
	const struct vfdrv_rxq_config rx = {
		.ring = v->rx_iova, .n_desc = RING, .buf_kib = VFDRV_BUF_BYTES / 1024};
	int r;

	rings_clear(v);
	r = vfdrv_txq_setup(v, 0, &tx);
	if (r >= 0)
		r = vfdrv_rxq_setup(v, 0, &rx);
	if (r >= 0)
		r = vfdrv_txq_enable(v, 0);
	if (r >= 0)
		r = vfdrv_rxq_enable(v, 0);
	if (r < 0)
		return r;
	vfdrv_rx_burst(v, NULL, 0); /* nothing is posted yet: it begins with that */
	return vfdrv_sync(v);
}

static int pf_start(struct nif_vf *f)
{
	uint32_t low, high;
	int r = vfdrv_stop(&f->v);

	if (r < 0)
		return r;
	low = vf_read32(f, nic_RAL(0));
	high = vf_read32(f, nic_RAH(0));
	if (low == UINT32_MAX)
		return -ENODEV;
	if (!(high & RAH_AV))
		return -EADDRNOTAVAIL;
	memcpy(f->v.mac, &low, sizeof(low));
	memcpy(f->v.mac + sizeof(low), &high, 2);
	memcpy(f->n.host.mac, f->v.mac, 6);
	f->n.host.ipv4 = frame_ipv4_of(f->v.mac);
	f->n.armed = false;

	vf_write32(f, nic_GPIE(0), GPIE_NSICR | GPIE_MULTIPLE_MSIX | GPIE_EIAME | GPIE_PBA);
	vfdrv_irq_setup(&f->v, RX_VECTOR, MBX_VECTOR);
	/* a change of the link comes where a VF has its mailbox */
	vf_write32(f, nic_IVAR_MISC(0), (MBX_VECTOR | IVAR_VALID) << 8);
	vf_write32(f, nic_IMS(0), ICR_LSC);
	vfdrv_irq_enable(&f->v, BIT32(MBX_VECTOR));
	vf_write32(f, nic_RLPML(0), VFDRV_FRAME_MAX);
	vf_write32(f, nic_CTRL(0), CTRL_SLU);
	r = pf_queues_start(&f->v);
	if (r < 0)
		return r;
	vf_write32(f, nic_TCTL(0), TCTL_EN | TCTL_PSP);
	vf_write32(f, nic_RCTL(0), RCTL_EN | RCTL_BAM | RCTL_LPE | RCTL_SECRC);
	return vfdrv_sync(&f->v);
}

static int pf_link(struct nif *n, bool *ret_up)
{
	uint32_t status;

	vf_read32(vf_of(n), nic_ICR(0)); /* so that the next change is one */
	status = vf_read32(vf_of(n), nic_STATUS(0));
	*ret_up = status & STATUS_LU;
	return status == UINT32_MAX ? -ENODEV : 0;
}

static int vf_link(struct nif *n, bool *ret_up)
{
	struct nif_vf *f = vf_of(n);
	int r = vfdrv_link(&f->v, ret_up);

	if (r == -ECONNRESET) {
		r = vf_start(f);
		if (!r)
			r = vfdrv_link(&f->v, ret_up);
	}
	if (r == -ENODEV)
		return r;
	/* a PF that does not answer now may answer later */
	if (r < 0)
		*ret_up = false;
	return 0;
}

static void vf_close(struct nif *n)
{
	vfdrv_stop(&vf_of(n)->v);
}

static void vf_counters(const struct nif *n, struct guest_if *e)
{
	struct vfdrv_counters c;

	vfdrv_counters(&((const struct nif_vf *)n)->v, &c);
	e->rx_packets = c.rx_packets;
	e->rx_bytes = c.rx_bytes;
	e->rx_errors = c.rx_errors;
	e->tx_packets = c.tx_packets;
	e->tx_bytes = c.tx_bytes;
	e->tx_drops = n->tx_refused;
}

static const struct nif_ops vf_ops = {
	.rx = vf_rx,
	.tx = vf_tx,
	.pending = vf_pending,
	.irq = vf_irq,
	.link = vf_link,
	.close = vf_close,
	.counters = vf_counters,
};

static const struct nif_ops pf_ops = {
	.rx = vf_rx,
	.tx = vf_tx,
	.pending = vf_pending,
	.irq = vf_irq,
	.link = pf_link,
	.close = vf_close,
	.counters = vf_counters,
};

int nif_vf_open(uint32_t slot, const struct pciscan_slot *s, void *arena, struct nif **ret_nif)
{
	struct nif_vf *f = arena;
	size_t used = (sizeof(*f) + 4095) & ~(size_t)4095;
	struct vfdrv_config config = {.n_rx = RING, .n_tx = RING};
	struct vfdrv_env env = {
		.ctx = f,
		.read32 = vf_read32,
		.write32 = vf_write32,
		.delay_us = vf_delay_us,
		.now_us = vf_now_us,
	};
	struct vfdrv_mem mem = {
		.va = (uint8_t *)f + used,
		.iova = {(uintptr_t)f + used},
		.len = KERN_ARENA_SIZE - used,
	};
	bool whole = s->device == NIC_DEVICE_PF;
	int r;

	if (s->bar_size[0] < (whole ? NIC_PF_BAR0_SIZE : NIC_VF_BAR0_SIZE) ||
	    s->n_msix < NIC_VF_MSIX_N)
		return -EINVAL;
	memset(f, 0, sizeof(*f));
	f->bar0 = s->bar[0];
	f->n.ops = whole ? &pf_ops : &vf_ops;
	f->n.pool = &f->v.pool;
	f->n.slot = slot;
	f->n.kind = whole ? GUEST_IF_EMULATED : GUEST_IF_VF;
	f->opening = true;
	env.queue_pages = (volatile uint8_t *)(uintptr_t)f->bar0 + NIC_VF_SHARED_OFF;

	r = vfdrv_init(&f->v, &env, &config, &mem);
	if (r < 0)
		return r;
	r = whole ? pf_start(f) : vf_start(f);
	f->opening = false;
	if (r < 0) {
		vfdrv_stop(&f->v);
		return r;
	}
	*ret_nif = &f->n;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue registers. The order of writes follows the drivers that run on silicon: disable, length,
 * base, head, tail, enable.
 */
#include <vfdrv/queue.h>
#include "vfdrv_priv.h"

#define ENABLE_TIMEOUT_US UINT64_C(10000)

void vfdrv_init_control(struct vfdrv *v, const struct vfdrv_env *env)
{
	v->env = *env;
	v->config.max_frame_bytes = VFDRV_FRAME_MAX;
}

static int queue_wait(struct vfdrv *v, uint32_t reg, uint32_t want)
{
	uint64_t deadline = v->env.now_us(v->env.ctx) + ENABLE_TIMEOUT_US;

	for (;;) {
		uint32_t val = vfdrv_queue_read32(v, reg);

		if (val == VFDRV_GONE)
			return -ENODEV;
		if ((val & XDCTL_ENABLE) == want)
			return 0;
		if (v->env.now_us(v->env.ctx) >= deadline)
			return -ETIMEDOUT;
		v->env.delay_us(v->env.ctx, 10);
	}
}

int vfdrv_txq_setup(struct vfdrv *v, uint32_t q, const struct vfdrv_txq_config *c)
{
	uint32_t wb = c->head_wb.v ? (uint32_t)c->head_wb.v | TDWBAL_ENABLE : 0;
	int r;

	vfdrv_queue_write32(v, nicvf_VTXDCTL(q), 0);
	r = queue_wait(v, nicvf_VTXDCTL(q), 0);
	if (r < 0)
		return r;

	vfdrv_queue_write32(v, nicvf_VTDLEN(q), c->n_desc * NIC_DESC_SIZE);
	vfdrv_queue_write32(v, nicvf_VTDBAL(q), (uint32_t)c->ring.v);
	vfdrv_queue_write32(v, nicvf_VTDBAH(q), (uint32_t)(c->ring.v >> 32));
	vfdrv_queue_write32(v, nicvf_VTDWBAH(q), (uint32_t)(c->head_wb.v >> 32));
	vfdrv_queue_write32(v, nicvf_VTDWBAL(q), wb);
	vfdrv_queue_write32(v, nicvf_VTDH(q), 0);
	vfdrv_queue_write32(v, nicvf_VTDT(q), 0);
	return 0;
}

int vfdrv_rxq_setup(struct vfdrv *v, uint32_t q, const struct vfdrv_rxq_config *c)
{
	int r;

	vfdrv_queue_write32(v, nicvf_VRXDCTL(q), 0);
	r = queue_wait(v, nicvf_VRXDCTL(q), 0);
	if (r < 0)
		return r;

	vfdrv_queue_write32(v, nicvf_VRDLEN(q), c->n_desc * NIC_DESC_SIZE);
	vfdrv_queue_write32(v, nicvf_VRDBAL(q), (uint32_t)c->ring.v);
	vfdrv_queue_write32(v, nicvf_VRDBAH(q), (uint32_t)(c->ring.v >> 32));
	/* drop when no buffer is posted: one slow VF must not hold up the others */
	vfdrv_queue_write32(v, nicvf_VSRRCTL(q),
			    SRRCTL_DROP_EN |
				    field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF) |
				    field_prep(SRRCTL_BSIZEPACKET, c->buf_kib));
	vfdrv_queue_write32(v, nicvf_VRDH(q), 0);
	vfdrv_queue_write32(v, nicvf_VRDT(q), 0);
	return 0;
}

int vfdrv_txq_enable(struct vfdrv *v, uint32_t q)
{
	vfdrv_queue_write32(v, nicvf_VTXDCTL(q), XDCTL_ENABLE);
	return queue_wait(v, nicvf_VTXDCTL(q), XDCTL_ENABLE);
}

int vfdrv_rxq_enable(struct vfdrv *v, uint32_t q)
{
	vfdrv_queue_write32(v, nicvf_VRXDCTL(q),
			    XDCTL_ENABLE | field_prep(XDCTL_PTHRESH, 16) |
				    field_prep(XDCTL_HTHRESH, 8) | field_prep(XDCTL_WTHRESH, 1));
	return queue_wait(v, nicvf_VRXDCTL(q), XDCTL_ENABLE);
}

int vfdrv_sync(struct vfdrv *v)
{
	return vfdrv_read32(v, nicvf_VTSTATUS(0)) == VFDRV_GONE ? -ENODEV : 0;
}

volatile uint32_t *vfdrv_rx_tail(const struct vfdrv *v, uint32_t q)
{
	return v->env.queue_pages ? vfdrv_queue_reg(v, nicvf_VRDT(q)) : NULL;
}

volatile uint32_t *vfdrv_tx_tail(const struct vfdrv *v, uint32_t q)
{
	return v->env.queue_pages ? vfdrv_queue_reg(v, nicvf_VTDT(q)) : NULL;
}

void vfdrv_irq_map(struct vfdrv *v, const uint8_t rx_vector[VFDRV_QUEUES], uint32_t mbx_vector)
{
	uint32_t rx = 0, ivar = 0;

	assert(mbx_vector < NIC_VF_MSIX_N);
	for (uint32_t q = 0; q < VFDRV_QUEUES; q++) {
		if (rx_vector[q] >= NIC_VF_MSIX_N)
			continue;
		rx |= BIT32(rx_vector[q]);
		ivar |= (rx_vector[q] | IVAR_VALID) << (16 * q);
	}
	vfdrv_write32(v, nicvf_VTEIMC(0), BITS(2, 0));
	vfdrv_write32(v, nicvf_VTIVAR(0), ivar);
	vfdrv_write32(v, nicvf_VTIVAR_MISC(0), mbx_vector | IVAR_VALID);
	vfdrv_write32(v, nicvf_VTEIAC(0), rx | BIT32(mbx_vector));
	vfdrv_write32(v, nicvf_VTEIAM(0), rx);
}

uint32_t vfdrv_rx_dropped(struct vfdrv *v, uint32_t q)
{
	return vfdrv_queue_read32(v, nicvf_VRQDPC(q));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bring-up and quiesce of one VF. Only queue 0 of the two is used.
 */
#include <vfdrv/queue.h>
#include "vfdrv_priv.h"

#define RSTI_TIMEOUT_US	 UINT64_C(1000)
#define RING_MIN	 64u
#define RX_BATCH_MIN	 4u
#define RX_BATCH_DEFAULT 32u

static bool power_of_two(uint32_t x)
{
	return x && !(x & (x - 1));
}

static bool ring_ok(uint32_t n)
{
	return power_of_two(n) && n >= RING_MIN && n <= VFDRV_RING_MAX;
}

static size_t ring_bytes(const struct vfdrv_config *c)
{
	return ((size_t)c->n_rx + c->n_tx) * NIC_DESC_SIZE;
}

size_t vfdrv_mem_size(const struct vfdrv_config *config, uint32_t n_bufs)
{
	/* one more stride: the home's memory may start anywhere in a line pair */
	return ring_bytes(config) + (size_t)n_bufs * VFDRV_BUF_STRIDE + NIC_RING_ALIGN;
}

int vfdrv_init(struct vfdrv *v, const struct vfdrv_env *env, const struct vfdrv_config *config,
	       const struct vfdrv_mem *mem)
{
	struct vfdrv_config c = *config;
	uint8_t *va = mem->va;
	size_t pad, n;

	if (!c.rx_batch)
		c.rx_batch = RX_BATCH_DEFAULT;
	if (!c.max_frame_bytes)
		c.max_frame_bytes = VFDRV_FRAME_MAX;
	if (!ring_ok(c.n_rx) || !ring_ok(c.n_tx) || !power_of_two(c.rx_batch) ||
	    c.rx_batch < RX_BATCH_MIN || c.rx_batch > c.n_rx / 2 ||
	    c.max_frame_bytes > VFDRV_BUF_BYTES)
		return -EINVAL;
	if ((uintptr_t)va % 64 || mem->iova.v % 64)
		return -EINVAL;

	pad = (size_t)(-mem->iova.v & (NIC_RING_ALIGN - 1));
	if (mem->len < pad + ring_bytes(&c))
		return -ENOMEM;
	n = (mem->len - pad - ring_bytes(&c)) / VFDRV_BUF_STRIDE;
	if (n > VFDRV_POOL_MAX)
		n = VFDRV_POOL_MAX;
	if (n < (size_t)c.n_rx + VFDRV_TX_BATCH)
		return -ENOMEM;

	v->env = *env;
	v->config = c;
	v->mem = *mem;
	v->iova_delta = mem->iova.v - (uintptr_t)va;
	v->rx_iova = (iova_t){mem->iova.v + pad};
	v->tx_iova = (iova_t){v->rx_iova.v + (uint64_t)c.n_rx * NIC_DESC_SIZE};
	v->rx.desc = (volatile uint64_t *)(va + pad);
	v->tx.desc = v->rx.desc + 2 * (size_t)c.n_rx;
	v->rx.mask = c.n_rx - 1;
	v->tx.mask = c.n_tx - 1;
	v->rx.batch = c.rx_batch;
	v->tx.batch = VFDRV_TX_BATCH;
	if (env->queue_pages) {
		v->rx.tail_reg = vfdrv_queue_reg(v, nicvf_VRDT(0));
		v->tx.tail_reg = vfdrv_queue_reg(v, nicvf_VTDT(0));
	}

	va += pad + ring_bytes(&c);
	for (size_t i = n; i-- > 0;)
		vfdrv_pool_put(&v->pool, va + i * VFDRV_BUF_STRIDE);
	return 0;
}

/* The function owns no buffer any more: take back what lies in the rings. */
static void rings_drain(struct vfdrv *v)
{
	for (; v->rx.next != v->rx.tail; v->rx.next++)
		vfdrv_pool_put(&v->pool, v->rx.buf[v->rx.next & v->rx.mask]);
	for (; v->tx.next != v->tx.tail; v->tx.next++)
		vfdrv_pool_put(&v->pool, v->tx.buf[v->tx.next & v->tx.mask]);
	v->rx.next = v->rx.tail = 0;
	v->tx.next = v->tx.tail = 0;
	v->running = false;
}

int vfdrv_stop(struct vfdrv *v)
{
	uint32_t status;

	/* the read pushes the write ahead of it, and its answer comes after the device has stopped
	 */
	vfdrv_write32(v, nicvf_VTCTRL(0), VTCTRL_RST);
	status = vfdrv_read32(v, nicvf_VTSTATUS(0));
	rings_drain(v);
	return status == VFDRV_GONE ? -ENODEV : 0;
}

int vfdrv_reset(struct vfdrv *v)
{
	uint64_t deadline;
	int r = vfdrv_stop(v);

	if (r < 0)
		return r;

	/*
	 * RSTI stays while the PF resets, RSTD is seen once and goes by the reading. A PF that is
	 * still resetting after the deadline will not answer the exchange either, and that says so.
	 */
	deadline = v->env.now_us(v->env.ctx) + RSTI_TIMEOUT_US;
	for (;;) {
		uint32_t bits = vfdrv_read32(v, nicvf_V2PMAILBOX(0));

		if (bits == VFDRV_GONE)
			return -ENODEV;
		if (!(bits & (V2P_RSTI | V2P_RSTD)) || v->env.now_us(v->env.ctx) >= deadline)
			break;
		v->env.delay_us(v->env.ctx, 5);
	}
	v->v2p = 0;
	return vfdrv_mbx_reset(v);
}

static int tx_setup(struct vfdrv *v)
{
	struct vfdrv_txq_config c = {.ring = v->tx_iova, .n_desc = v->config.n_tx};
	int r = vfdrv_txq_setup(v, 0, &c);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 2 * (size_t)v->config.n_tx; i++)
		v->tx.desc[i] = 0;
	return 0;
}

static int rx_setup(struct vfdrv *v)
{
	struct vfdrv_rxq_config c = {
		.ring = v->rx_iova, .n_desc = v->config.n_rx, .buf_kib = VFDRV_BUF_BYTES / 1024};
	int r = vfdrv_rxq_setup(v, 0, &c);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 2 * (size_t)v->config.n_rx; i++)
		v->rx.desc[i] = 0;
	return 0;
}

int vfdrv_start(struct vfdrv *v)
{
	int r = tx_setup(v);

	if (r < 0)
		return r;
	r = rx_setup(v);
	if (r < 0)
		return r;

	/* before a buffer is posted: the NIC must never be allowed more than a buffer holds */
	r = vfdrv_set_max_frame(v, v->config.max_frame_bytes);
	if (r < 0)
		return r;

	r = vfdrv_txq_enable(v, 0);
	if (r < 0)
		return r;
	r = vfdrv_rxq_enable(v, 0);
	if (r < 0)
		return r;

	while (v->rx.tail + v->rx.batch <= v->rx.mask && vfdrv_rx_refill(v))
		;
	/* pushes the writes ahead of it: a frame that comes from now on finds the queue enabled */
	r = vfdrv_sync(v);
	if (r < 0)
		return r;
	v->running = true;
	return 0;
}

void vfdrv_irq_setup(struct vfdrv *v, unsigned int rx_vector, unsigned int mbx_vector)
{
	const uint8_t rx[VFDRV_QUEUES] = {(uint8_t)rx_vector, NIC_VF_MSIX_N};

	assert(rx_vector < NIC_VF_MSIX_N);
	vfdrv_irq_map(v, rx, mbx_vector);
}

void vfdrv_irq_enable(struct vfdrv *v, uint32_t mask)
{
	vfdrv_write32(v, nicvf_VTEIMS(0), mask);
}

void vfdrv_irq_disable(struct vfdrv *v, uint32_t mask)
{
	vfdrv_write32(v, nicvf_VTEIMC(0), mask);
}

void vfdrv_counters(const struct vfdrv *v, struct vfdrv_counters *ret)
{
	*ret = (struct vfdrv_counters){
		.rx_packets = v->rx.packets,
		.rx_bytes = v->rx.bytes,
		.rx_errors = v->rx.errors,
		.rx_nobuf = v->rx.nobuf,
		.tx_packets = v->tx.packets,
		.tx_bytes = v->tx.bytes,
		.tx_full = v->tx.full,
	};
}

void vfdrv_hw_counters(struct vfdrv *v, struct vfdrv_hw_counters *ret)
{
	const uint32_t reg[VFDRV_HW_COUNTERS] = {
		nicvf_VFGPRC(0),   nicvf_VFGPTC(0),   nicvf_VFGORC(0),
		nicvf_VFGOTC(0),   nicvf_VFMPRC(0),   nicvf_VFGPRLBC(0),
		nicvf_VFGPTLBC(0), nicvf_VFGORLBC(0), nicvf_VFGOTLBC(0),
	};

	/* 32 bit, never cleared, wrapping: only differences mean anything */
	for (unsigned int i = 0; i < VFDRV_HW_COUNTERS; i++) {
		uint32_t now = vfdrv_read32(v, reg[i]);

		if (v->hw_based)
			v->hw_sum[i] += (uint32_t)(now - v->hw_last[i]);
		v->hw_last[i] = now;
	}
	v->hw_based = true;

	*ret = (struct vfdrv_hw_counters){
		.rx_packets = v->hw_sum[0],
		.tx_packets = v->hw_sum[1],
		.rx_bytes = v->hw_sum[2],
		.tx_bytes = v->hw_sum[3],
		.rx_multicast = v->hw_sum[4],
		.rx_lb_packets = v->hw_sum[5],
		.tx_lb_packets = v->hw_sum[6],
		.rx_lb_bytes = v->hw_sum[7],
		.tx_lb_bytes = v->hw_sum[8],
	};
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A modern virtio-net function: split rings, one queue pair, MAC and STATUS, no offloads, one
 * descriptor a frame (header and data lie together). Kicks only when the device asks for them;
 * interrupts are off but for an idle guest. The device's words are masked before they index
 * anything.
 *
 * Source: docs/sources.md: virtio 1.2, 2.7, 4.1, 5.1.
 */
#include <abi/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include "app.h"

#define RING	      256u
#define BATCH	      32u
#define HDR	      12u /* struct virtio_net_hdr_v1 */
#define DATA_OFF      64u /* data starts a line; the header ends just before it */
#define BUF_BYTES     2048u
#define BUF_STRIDE    (DATA_OFF + BUF_BYTES) /* odd number of lines */
#define BUFS	      640u
#define RX_VECTOR     0u
#define CONFIG_VECTOR 1u
#define RESET_US      100000u
#define GONE	      0xffu

struct vq {
	struct vring_desc *desc;
	struct vring_avail *avail;
	volatile struct vring_used *used;
	uint64_t notify; /* guest-physical */
	uint16_t index;
	uint16_t seen;	 /* used entries taken */
	uint16_t posted; /* avail->idx */
	uint16_t n_free; /* descriptors */
	uint64_t packets, bytes;
	uint16_t free_desc[RING];
	void *buf[RING]; /* by descriptor */
};

struct nif_virtio {
	struct nif n;
	uint64_t common, device, notify;
	uint32_t notify_step;
	uint64_t rx_errors;
	struct vfdrv_pool pool __attribute__((aligned(64)));
	struct vq rx __attribute__((aligned(64)));
	struct vq tx __attribute__((aligned(64)));
};

_Static_assert(BUF_STRIDE / 64 % 2 == 1, "an odd number of lines");

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)

static struct nif_virtio *virtio_of(struct nif *n)
{
	return (struct nif_virtio *)n;
}

static uint8_t read8(uint64_t gpa)
{
	return *(volatile uint8_t *)(uintptr_t)gpa;
}

static uint16_t read16(uint64_t gpa)
{
	return *(volatile uint16_t *)(uintptr_t)gpa;
}

static void write8(uint64_t gpa, uint8_t v)
{
	*(volatile uint8_t *)(uintptr_t)gpa = v;
}

static void write16(uint64_t gpa, uint16_t v)
{
	*(volatile uint16_t *)(uintptr_t)gpa = v;
}

static void write64(uint64_t gpa, uint64_t v)
{
	guest_mmio_write32(gpa, (uint32_t)v);
	guest_mmio_write32(gpa + 4, (uint32_t)(v >> 32));
}

static void barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* The device may have asked for a kick between our index and its sleep: a full fence, once a burst.
 */
static void kick(const struct vq *q)
{
	__sync_synchronize();
	if (!(q->used->flags & VRING_USED_F_NO_NOTIFY))
		write16(q->notify, q->index);
}

static void publish(struct vq *q)
{
	barrier();
	*(volatile uint16_t *)&q->avail->idx = q->posted;
	kick(q);
}

static void rx_refill(struct nif_virtio *f)
{
	struct vq *q = &f->rx;

	if (q->n_free < BATCH || f->pool.n < BATCH)
		return;
	do {
		for (unsigned int i = 0; i < BATCH; i++) {
			uint16_t id = q->free_desc[--q->n_free];
			uint8_t *data = vfdrv_pool_get(&f->pool);

			q->buf[id] = data;
			q->desc[id].addr = (uintptr_t)data - HDR;
			q->avail->ring[q->posted++ % RING] = id;
		}
	} while (q->n_free >= BATCH && f->pool.n >= BATCH);
	publish(q);
}

static unsigned int virtio_rx(struct nif *n, struct vfdrv_pkt *pkt, unsigned int max)
{
	struct nif_virtio *f = virtio_of(n);
	struct vq *q = &f->rx;
	uint16_t ready = (uint16_t)(q->used->idx - q->seen);
	unsigned int got = 0;

	if (!ready)
		return 0;
	barrier();
	for (unsigned int i = 0; i < ready && i < RING && got < max; i++) {
		volatile const struct vring_used_elem *e = &q->used->ring[q->seen % RING];
		uint32_t id = e->id % RING, len = e->len;
		uint8_t *data = q->buf[id];

		q->seen++;
		if (!data) {
			f->rx_errors++; /* a descriptor that was not posted */
			continue;
		}
		q->buf[id] = NULL;
		q->free_desc[q->n_free++] = (uint16_t)id;
		if (len - HDR - 1 >= BUF_BYTES) {
			f->rx_errors++;
			vfdrv_pool_put(&f->pool, data);
			continue;
		}
		__builtin_prefetch(data);
		q->bytes += len - HDR;
		pkt[got++] = (struct vfdrv_pkt){.data = data, .len = (uint16_t)(len - HDR)};
	}
	q->packets += got;
	rx_refill(f);
	return got;
}

static void tx_reclaim(struct nif_virtio *f)
{
	struct vq *q = &f->tx;
	uint16_t ready = (uint16_t)(q->used->idx - q->seen);

	barrier();
	for (unsigned int i = 0; i < ready && i < RING; i++) {
		uint32_t id = q->used->ring[q->seen++ % RING].id % RING;

		if (!q->buf[id])
			continue;
		vfdrv_pool_put(&f->pool, q->buf[id]);
		q->buf[id] = NULL;
		q->free_desc[q->n_free++] = (uint16_t)id;
	}
}

static unsigned int virtio_tx(struct nif *n, const struct vfdrv_pkt *pkt, unsigned int k)
{
	struct nif_virtio *f = virtio_of(n);
	struct vq *q = &f->tx;

	if (q->n_free < RING / 2 || q->n_free < k)
		tx_reclaim(f);
	if (k > q->n_free)
		k = q->n_free;
	if (!k)
		return 0;
	for (unsigned int i = 0; i < k; i++) {
		uint16_t id = q->free_desc[--q->n_free];
		uint8_t *data = pkt[i].data;

		__builtin_memset(data - HDR, 0, HDR);
		q->buf[id] = data;
		q->desc[id].addr = (uintptr_t)data - HDR;
		q->desc[id].len = (uint32_t)pkt[i].len + HDR;
		q->avail->ring[q->posted++ % RING] = id;
		q->bytes += pkt[i].len;
	}
	q->packets += k;
	publish(q);
	return k;
}

static bool virtio_pending(const struct nif *n)
{
	const struct vq *q = &((const struct nif_virtio *)n)->rx;

	return q->used->idx != q->seen;
}

static void virtio_irq(struct nif *n, bool on)
{
	struct vq *q = &virtio_of(n)->rx;

	*(volatile uint16_t *)&q->avail->flags = on ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
	__sync_synchronize();
}

static int virtio_link(struct nif *n, bool *ret_up)
{
	struct nif_virtio *f = virtio_of(n);

	if (read8(f->common + COMMON(device_status)) == GONE)
		return -ENODEV;
	*ret_up = read16(f->device + offsetof(struct virtio_net_config, status)) &
		  VIRTIO_NET_S_LINK_UP;
	return 0;
}

/* Zero is answered when the device has stopped. */
static int virtio_reset(struct nif_virtio *f)
{
	uint64_t until = app_now_us() + RESET_US;

	write8(f->common + COMMON(device_status), 0);
	for (;;) {
		uint8_t status = read8(f->common + COMMON(device_status));

		if (!status)
			return 0;
		if (status == GONE)
			return -ENODEV;
		if (app_now_us() > until)
			return -ETIMEDOUT;
		app_wait_us(100);
	}
}

static void virtio_close(struct nif *n)
{
	virtio_reset(virtio_of(n));
}

static void virtio_counters(const struct nif *n, struct guest_if *e)
{
	const struct nif_virtio *f = (const struct nif_virtio *)n;

	e->rx_packets = f->rx.packets;
	e->rx_bytes = f->rx.bytes;
	e->rx_errors = f->rx_errors;
	e->tx_packets = f->tx.packets;
	e->tx_bytes = f->tx.bytes;
	e->tx_drops = n->tx_refused;
}

static const struct nif_ops virtio_ops = {
	.rx = virtio_rx,
	.tx = virtio_tx,
	.pending = virtio_pending,
	.irq = virtio_irq,
	.link = virtio_link,
	.close = virtio_close,
	.counters = virtio_counters,
};

static int structures_find(struct nif_virtio *f, const struct pciscan_slot *s)
{
	for (unsigned int i = 0; i < s->n_vendor_caps; i++) {
		const struct pciscan_vendor_cap *c = &s->vendor_cap[i];
		uint64_t at;

		if (c->bar >= PCISCAN_BARS || c->offset > s->bar_size[c->bar] ||
		    c->length > s->bar_size[c->bar] - c->offset)
			continue;
		at = s->bar[c->bar] + c->offset;
		if (c->type == VIRTIO_PCI_CAP_COMMON_CFG && !f->common &&
		    c->length >= sizeof(struct virtio_pci_common_cfg))
			f->common = at;
		if (c->type == VIRTIO_PCI_CAP_DEVICE_CFG && !f->device && c->length >= 8)
			f->device = at;
		if (c->type == VIRTIO_PCI_CAP_NOTIFY_CFG && !f->notify) {
			f->notify = at;
			f->notify_step = c->extra;
		}
	}
	return f->common && f->device && f->notify ? 0 : -EINVAL;
}

static int features_agree(struct nif_virtio *f)
{
	const uint32_t want_low = BIT32(VIRTIO_NET_F_MAC) | BIT32(VIRTIO_NET_F_STATUS);
	const uint32_t want_high = BIT32(VIRTIO_F_VERSION_1 - 32);
	uint32_t low, high;

	write8(f->common + COMMON(device_status), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	write8(f->common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	guest_mmio_write32(f->common + COMMON(device_feature_select), 0);
	low = guest_mmio_read32(f->common + COMMON(device_feature));
	guest_mmio_write32(f->common + COMMON(device_feature_select), 1);
	high = guest_mmio_read32(f->common + COMMON(device_feature));
	if ((low & want_low) != want_low || (high & want_high) != want_high)
		return -EOPNOTSUPP;

	guest_mmio_write32(f->common + COMMON(guest_feature_select), 0);
	guest_mmio_write32(f->common + COMMON(guest_feature), want_low);
	guest_mmio_write32(f->common + COMMON(guest_feature_select), 1);
	guest_mmio_write32(f->common + COMMON(guest_feature), want_high);
	write8(f->common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(read8(f->common + COMMON(device_status)) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -EOPNOTSUPP;
	return 0;
}

static int queue_setup(struct nif_virtio *f, struct vq *q, uint16_t index, uint8_t *page,
		       uint16_t vector)
{
	q->index = index;
	q->desc = (struct vring_desc *)page;
	q->avail = (struct vring_avail *)(page + RING * sizeof(struct vring_desc));
	q->used = (struct vring_used *)(page + 2 * 4096);
	memset(page, 0, 3 * 4096);
	q->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	for (uint16_t i = 0; i < RING; i++) {
		q->free_desc[i] = (uint16_t)(RING - 1 - i);
		q->desc[i].flags = index ? 0 : VRING_DESC_F_WRITE;
		q->desc[i].len = HDR + BUF_BYTES;
	}
	q->n_free = RING;

	write16(f->common + COMMON(queue_select), index);
	if (read16(f->common + COMMON(queue_size)) < RING)
		return -EOPNOTSUPP;
	write16(f->common + COMMON(queue_size), RING);
	write16(f->common + COMMON(queue_msix_vector), vector);
	write64(f->common + COMMON(queue_desc_lo), (uintptr_t)q->desc);
	write64(f->common + COMMON(queue_avail_lo), (uintptr_t)q->avail);
	write64(f->common + COMMON(queue_used_lo), (uintptr_t)q->used);
	q->notify =
		f->notify + (uint64_t)read16(f->common + COMMON(queue_notify_off)) * f->notify_step;
	write16(f->common + COMMON(queue_enable), 1);
	return 0;
}

static int virtio_start(struct nif_virtio *f, uint8_t *mem)
{
	uint64_t mac = f->device + offsetof(struct virtio_net_config, mac);
	int r = virtio_reset(f);

	if (r < 0)
		return r;
	r = features_agree(f);
	if (r < 0)
		return r;
	write16(f->common + COMMON(msix_config), CONFIG_VECTOR);
	r = queue_setup(f, &f->rx, 0, mem, RX_VECTOR);
	if (r < 0)
		return r;
	r = queue_setup(f, &f->tx, 1, mem + 3 * 4096, VIRTIO_MSI_NO_VECTOR);
	if (r < 0)
		return r;

	for (unsigned int i = 0; i < 6; i++)
		f->n.host.mac[i] = read8(mac + i);
	f->n.host.ipv4 = frame_ipv4_of(f->n.host.mac);
	mem += 6 * 4096;
	for (unsigned int i = BUFS; i-- > 0;)
		vfdrv_pool_put(&f->pool, mem + i * BUF_STRIDE + DATA_OFF);
	write8(f->common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
		       VIRTIO_CONFIG_S_DRIVER_OK);
	rx_refill(f);
	return 0;
}

int nif_virtio_open(uint32_t slot, const struct pciscan_slot *s, void *arena, struct nif **ret_nif)
{
	struct nif_virtio *f = arena;
	size_t used = (sizeof(*f) + 4095) & ~(size_t)4095;
	int r;

	_Static_assert(6 * 4096 + BUFS * BUF_STRIDE + sizeof(*f) + 4096 <= KERN_ARENA_SIZE, "fits");
	memset(f, 0, sizeof(*f));
	f->n.ops = &virtio_ops;
	f->n.pool = &f->pool;
	f->n.slot = slot;
	f->n.kind = GUEST_IF_VIRTIO;
	r = structures_find(f, s);
	if (r < 0)
		return r;
	r = virtio_start(f, (uint8_t *)f + used);
	if (r < 0) {
		virtio_reset(f);
		return r;
	}
	*ret_nif = &f->n;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtio_regs.h"

#include "vmm_pci.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <string.h>

#define VIRTIO_VENDOR	  0x1af4
#define VIRTIO_DEVICE	  0x1040 /* and the device id */
#define VIRTIO_SUBSYSTEM  0x1100
#define VIRTIO_COMMON_LEN 64u
#define VIRTIO_NO_VECTOR  0xffffu
#define VIRTIO_ISR_CONFIG 0x2u
#define VIRTIO_STATUS_KNOWN                                                                 \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

struct virtio_queue_sizes virtio_queue_sizes(uint16_t size)
{
	/* with the event index field behind each ring, negotiated or not */
	return (struct virtio_queue_sizes){
		.desc = (size_t)size * 16,
		.avail = 6 + (size_t)size * 2,
		.used = 6 + (size_t)size * 8,
	};
}

static void regs_reset(struct virtio_regs *v)
{
	v->driver_features = 0;
	v->device_select = 0;
	v->driver_select = 0;
	v->config_vector = VIRTIO_NO_VECTOR;
	v->queue_select = 0;
	v->status = 0;
	v->isr = 0;
	for (unsigned int i = 0; i < v->type.n_queues; i++)
		v->q[i] = (struct virtio_queue){.size = v->type.queue_size,
						.vector = VIRTIO_NO_VECTOR};
}

void virtio_regs_init(struct virtio_regs *v, const struct virtio_type *type)
{
	assert(type->n_queues <= VIRTIO_QUEUES_MAX && type->cfg_len <= VIRTIO_DEVICE_CFG_MAX);
	memset(v, 0, sizeof(*v));
	v->type = *type;
	regs_reset(v);
}

void virtio_regs_cfg_set(struct virtio_regs *v, unsigned int off, const void *val, unsigned int len)
{
	assert(off <= v->type.cfg_len && len <= v->type.cfg_len - off);
	memcpy(v->device_cfg + off, val, len);
	v->generation++;
	v->isr |= VIRTIO_ISR_CONFIG;
}

void virtio_regs_needs_reset(struct virtio_regs *v)
{
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	v->isr |= VIRTIO_ISR_CONFIG;
}

static uint32_t features_word(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(features >> (32 * select));
}

/* The common configuration as the driver would read it now. */
static void common_image(const struct virtio_regs *v, uint8_t image[static VIRTIO_COMMON_LEN])
{
	struct virtio_pci_common_cfg c = {
		.device_feature_select = v->device_select,
		.device_feature = features_word(v->type.features, v->device_select),
		.guest_feature_select = v->driver_select,
		.guest_feature = features_word(v->driver_features, v->driver_select),
		.msix_config = v->config_vector,
		.num_queues = (uint16_t)v->type.n_queues,
		.device_status = v->resetting ? VIRTIO_CONFIG_S_DRIVER : v->status,
		.config_generation = v->generation,
		.queue_select = v->queue_select,
	};

	/* a queue that is not there has size 0 */
	if (v->queue_select < v->type.n_queues) {
		const struct virtio_queue *q = &v->q[v->queue_select];

		c.queue_size = q->size;
		c.queue_msix_vector = q->vector;
		c.queue_enable = q->enabled;
		c.queue_notify_off = v->queue_select;
		c.queue_desc_lo = (uint32_t)q->desc;
		c.queue_desc_hi = (uint32_t)(q->desc >> 32);
		c.queue_avail_lo = (uint32_t)q->avail;
		c.queue_avail_hi = (uint32_t)(q->avail >> 32);
		c.queue_used_lo = (uint32_t)q->used;
		c.queue_used_hi = (uint32_t)(q->used >> 32);
	}
	_Static_assert(sizeof(c) <= VIRTIO_COMMON_LEN, "common configuration");
	memset(image, 0, VIRTIO_COMMON_LEN);
	memcpy(image, &c, sizeof(c));
}

/*
 * Bytes of @src (its first byte at @base of the BAR) that [off, off + len) touches; the rest is 0.
 */
static void copy_part(uint32_t base, const void *src, uint32_t size, uint32_t off, void *buf,
		      uint32_t len)
{
	uint32_t at = off - base;

	if (at < size)
		memcpy(buf, (const uint8_t *)src + at, len < size - at ? len : size - at);
}

void virtio_regs_read(struct virtio_regs *v, uint32_t off, void *buf, uint32_t len, bool clear)
{
	uint8_t image[VIRTIO_COMMON_LEN];

	memset(buf, 0, len);
	switch (off / VIRTIO_BAR_PART * VIRTIO_BAR_PART) {
	case VIRTIO_BAR_COMMON:
		common_image(v, image);
		copy_part(VIRTIO_BAR_COMMON, image, sizeof(image), off, buf, len);
		break;
	case VIRTIO_BAR_ISR:
		copy_part(VIRTIO_BAR_ISR, &v->isr, 1, off, buf, len);
		if (clear && off == VIRTIO_BAR_ISR)
			v->isr = 0;
		break;
	case VIRTIO_BAR_DEVICE:
		copy_part(VIRTIO_BAR_DEVICE, v->device_cfg, v->type.cfg_len, off, buf, len);
		break;
	default:
		break;
	}
}

static enum virtio_effect write_status(struct virtio_regs *v, uint8_t val)
{
	uint8_t set = val & VIRTIO_STATUS_KNOWN & (uint8_t)~v->status;
	uint64_t some = v->driver_features & v->type.together;

	if (val == 0) {
		regs_reset(v);
		return VIRTIO_EFFECT_STATUS;
	}
	/* bits are only ever added; FEATURES_OK is ours to refuse, DRIVER_OK needs it */
	if ((v->driver_features & ~v->type.features) || (some != 0 && some != v->type.together) ||
	    !(v->driver_features & (UINT64_C(1) << VIRTIO_F_VERSION_1)))
		set &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((v->status | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	if (set == 0)
		return VIRTIO_EFFECT_NONE;
	v->status |= set;
	return VIRTIO_EFFECT_STATUS;
}

static void write_driver_features(struct virtio_regs *v, uint32_t val)
{
	unsigned int shift = 32 * v->driver_select;

	if (v->driver_select > 1 || (v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	v->driver_features &= ~(UINT64_C(0xffffffff) << shift);
	v->driver_features |= (uint64_t)val << shift;
}

static uint16_t vector_of(const struct virtio_regs *v, uint16_t val)
{
	return val < virtio_vectors(&v->type) ? val : VIRTIO_NO_VECTOR;
}

static void set_half(uint64_t *reg, bool high, uint32_t val)
{
	if (high)
		*reg = (*reg & UINT32_MAX) | (uint64_t)val << 32;
	else
		*reg = (*reg & ~UINT64_C(0xffffffff)) | val;
}

/* Fields of the selected queue; what describes the ring is frozen while the queue is enabled. */
static enum virtio_effect write_queue(struct virtio_regs *v, struct virtio_queue *q, uint32_t off,
				      uint32_t val)
{
	if (off == VIRTIO_PCI_COMMON_Q_MSIX) {
		q->vector = vector_of(v, (uint16_t)val);
		return VIRTIO_EFFECT_VECTOR;
	}
	if (q->enabled)
		return VIRTIO_EFFECT_NONE;
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (val != 0 && val <= v->type.queue_size && (val & (val - 1)) == 0)
			q->size = (uint16_t)val;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (val != 1 || (v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
			break;
		if (q->desc % 16 != 0 || q->avail % 2 != 0 || q->used % 4 != 0) {
			virtio_regs_needs_reset(v);
			break;
		}
		q->enabled = true;
		return VIRTIO_EFFECT_QUEUE;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&q->desc, off == VIRTIO_PCI_COMMON_Q_DESCHI, val);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&q->avail, off == VIRTIO_PCI_COMMON_Q_AVAILHI, val);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&q->used, off == VIRTIO_PCI_COMMON_Q_USEDHI, val);
		break;
	default:
		break;
	}
	return VIRTIO_EFFECT_NONE;
}

/* Width of the field that starts at @off, 0 if none does or it is read-only. */
static uint32_t field_width(uint32_t off)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_STATUS:
		return 1;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return 2;
	case VIRTIO_PCI_COMMON_DFSELECT:
	case VIRTIO_PCI_COMMON_GFSELECT:
	case VIRTIO_PCI_COMMON_GF:
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return 4;
	default:
		return 0;
	}
}

static enum virtio_effect write_common(struct virtio_regs *v, uint32_t off, uint32_t val)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		v->device_select = val;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		v->driver_select = val;
		break;
	case VIRTIO_PCI_COMMON_GF:
		write_driver_features(v, val);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		v->config_vector = vector_of(v, (uint16_t)val);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		return write_status(v, (uint8_t)val);
	case VIRTIO_PCI_COMMON_Q_SELECT:
		v->queue_select = (uint16_t)val;
		break;
	default:
		if (v->queue_select < v->type.n_queues)
			return write_queue(v, &v->q[v->queue_select], off, val);
		break;
	}
	return VIRTIO_EFFECT_NONE;
}

enum virtio_effect virtio_regs_write(struct virtio_regs *v, uint32_t off, uint64_t val,
				     uint32_t len)
{
	uint32_t at = off - VIRTIO_BAR_COMMON;

	if (v->resetting)
		return VIRTIO_EFFECT_NONE;
	if (len == 8 && at % 8 == 0 && at >= VIRTIO_PCI_COMMON_Q_DESCLO &&
	    at <= VIRTIO_PCI_COMMON_Q_USEDLO) {
		write_common(v, at, (uint32_t)val);
		return write_common(v, at + 4, (uint32_t)(val >> 32));
	}
	if (len != field_width(at))
		return VIRTIO_EFFECT_NONE;
	return write_common(v, at, (uint32_t)val);
}

static void put_cap(struct pci_dev *d, uint32_t at, uint8_t next, uint8_t type, uint8_t len,
		    uint32_t off, uint32_t size)
{
	struct virtio_pci_cap c = {
		.cap_vndr = PCI_CAP_ID_VNDR,
		.cap_next = next,
		.cap_len = len,
		.cfg_type = type,
		.bar = VIRTIO_BAR,
		.offset = off,
		.length = size,
	};

	memcpy(&d->cfg[at], &c, sizeof(c));
}

static void put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put_header(struct pci_dev *d, const struct virtio_type *type)
{
	put16(&d->cfg[PCI_VENDOR_ID], VIRTIO_VENDOR);
	put16(&d->cfg[PCI_DEVICE_ID], (uint16_t)(VIRTIO_DEVICE + type->id));
	put16(&d->cfg[PCI_STATUS], PCI_STATUS_CAP_LIST);
	put32(&d->cfg[PCI_CLASS_REVISION], type->class_rev);
	put16(&d->cfg[PCI_SUBSYSTEM_VENDOR_ID], VIRTIO_VENDOR);
	put16(&d->cfg[PCI_SUBSYSTEM_ID], VIRTIO_SUBSYSTEM);
	d->cfg[PCI_CAPABILITY_LIST] = VIRTIO_CFG_CAP_COMMON;
}

void virtio_cfg_init(struct pci_dev *d, const struct virtio_type *type)
{
	uint8_t *msix = &d->cfg[VIRTIO_CFG_CAP_MSIX];
	uint8_t after_isr = type->cfg_len ? VIRTIO_CFG_CAP_DEVICE : VIRTIO_CFG_CAP_WINDOW;

	put_header(d, type);
	put_cap(d, VIRTIO_CFG_CAP_COMMON, VIRTIO_CFG_CAP_NOTIFY, VIRTIO_PCI_CAP_COMMON_CFG, 16,
		VIRTIO_BAR_COMMON, VIRTIO_COMMON_LEN);
	put_cap(d, VIRTIO_CFG_CAP_NOTIFY, VIRTIO_CFG_CAP_ISR, VIRTIO_PCI_CAP_NOTIFY_CFG, 20,
		VIRTIO_BAR_NOTIFY, VIRTIO_BAR_PART);
	put32(&d->cfg[VIRTIO_CFG_CAP_NOTIFY + 16], VIRTIO_NOTIFY_STRIDE);
	put_cap(d, VIRTIO_CFG_CAP_ISR, after_isr, VIRTIO_PCI_CAP_ISR_CFG, 16, VIRTIO_BAR_ISR, 1);
	if (type->cfg_len)
		put_cap(d, VIRTIO_CFG_CAP_DEVICE, VIRTIO_CFG_CAP_WINDOW, VIRTIO_PCI_CAP_DEVICE_CFG,
			16, VIRTIO_BAR_DEVICE, type->cfg_len);
	put_cap(d, VIRTIO_CFG_CAP_WINDOW, VIRTIO_CFG_CAP_MSIX, VIRTIO_PCI_CAP_PCI_CFG, 20, 0, 0);
	d->wmask[VIRTIO_CFG_CAP_WINDOW + VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(&d->wmask[VIRTIO_CFG_CAP_WINDOW + VIRTIO_PCI_CAP_OFFSET], 0xff, 12);

	msix[0] = PCI_CAP_ID_MSIX;
	msix[1] = 0;
	put16(msix + PCI_MSIX_FLAGS, (uint16_t)(virtio_vectors(type) - 1));
	put32(msix + PCI_MSIX_TABLE, NIC_MSIX_TABLE_OFF | VIRTIO_MSIX_BAR);
	put32(msix + PCI_MSIX_PBA, NIC_MSIX_PBA_OFF | VIRTIO_MSIX_BAR);
	d->msix_cap = VIRTIO_CFG_CAP_MSIX;
	d->n_msix = virtio_vectors(type);
	d->msix_bar = VIRTIO_MSIX_BAR;
	d->msix_table_off = NIC_MSIX_TABLE_OFF;
	d->msix_pba_off = NIC_MSIX_PBA_OFF;

	d->bar[VIRTIO_BAR].size = VIRTIO_BAR_SIZE;
	d->bar[VIRTIO_MSIX_BAR].size = NIC_MSIX_BAR_SIZE;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a split ring in plain memory, as honest or as wrong as a test wants it. */
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct vdrv {
	uint8_t *ram;		    /* guest-physical address 0 */
	uint64_t desc, avail, used; /* guest-physical */
	uint16_t size;
	uint16_t posted; /* available index */
	uint16_t seen;	 /* used entries taken */
};

static inline struct vring_desc *vdrv_descs(const struct vdrv *d)
{
	return (struct vring_desc *)(d->ram + d->desc);
}

static inline struct vring_avail *vdrv_avail(const struct vdrv *d)
{
	return (struct vring_avail *)(d->ram + d->avail);
}

static inline struct vring_used *vdrv_used(const struct vdrv *d)
{
	return (struct vring_used *)(d->ram + d->used);
}

/* As virtio_rig_start() places them. */
static inline struct vdrv vdrv_at(uint8_t *ram, uint64_t at, uint16_t size)
{
	struct vdrv d = {ram, at, at + 0x4000, at + 0x8000, size, 0, 0};

	memset(ram + at, 0, 0xc000);
	return d;
}

static inline void vdrv_desc(const struct vdrv *d, uint16_t i, uint64_t addr, uint32_t len,
			     uint16_t flags, uint16_t next)
{
	vdrv_descs(d)[i] = (struct vring_desc){addr, len, flags, next};
}

static inline void vdrv_post(struct vdrv *d, uint16_t head)
{
	vdrv_avail(d)->ring[d->posted++ & (d->size - 1)] = head;
	__atomic_store_n(&vdrv_avail(d)->idx, d->posted, __ATOMIC_SEQ_CST);
}

/* Takes one used entry. Return: true; false none there. */
static inline bool vdrv_take(struct vdrv *d, uint32_t *ret_id, uint32_t *ret_len)
{
	const struct vring_used_elem *e;

	if (__atomic_load_n(&vdrv_used(d)->idx, __ATOMIC_SEQ_CST) == d->seen)
		return false;
	e = &vdrv_used(d)->ring[d->seen++ & (d->size - 1)];
	*ret_id = e->id;
	*ret_len = e->len;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's memory. The data path reads the table without a lock, so a change is made in the
 * other copy, announced by dma_changed(), and only then is the memory that went away unmapped.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <lib/log.h>
#include <lib/memfd.h>
#include "mapguard.h"
#include "vfu_server_impl.h"

const struct vfu_dma_region *vfu_server_dma(const struct vfu_server *s, unsigned int *ret_n)
{
	*ret_n = s->dma[s->dma_current].n;
	return s->dma[s->dma_current].region;
}

static void publish(struct vfu_server *s)
{
	s->dma_current ^= 1;
	s->config.ops->dma_changed(s->config.fn);
}

static void unmap(struct vfu_server *s, const struct vfu_dma_region *region)
{
	unsigned int missing;

	if (!region->va)
		return;
	missing = mapguard_remove(region->va);
	if (missing)
		log_warning(0, "a client's memory had lost %u pages when it was used", missing);
	iova_window_unmap(&s->windows, region->va, region->size);
}

/*
 * Map a client's file. One that shrinks under the data path is a SIGBUS there: guarded, whenever
 * there is a guard, since a seal does not keep huge pages from being punched out.
 */
static int map_file(struct vfu_server *s, const struct vfu_dma_map *map, int fd,
		    struct vfu_dma_region *region)
{
	int prot = (region->readable ? PROT_READ : 0) | (region->writable ? PROT_WRITE : 0);
	size_t page = 0;
	void *va;
	bool sealed;
	int r;

	r = memfd_sealed(fd, map->offset + map->size);
	sealed = r >= 0;
	if (sealed || r == -EPERM)
		r = mapguard_check(fd, map->offset + map->size, &page);
	if (sealed && r == -EPERM) /* no guard in this process */
		r = 0;
	if (r >= 0 && page && (map->size % page || map->offset % page))
		r = -EINVAL;
	if (r < 0)
		return r;
	va = mmap(NULL, map->size, prot, MAP_SHARED, fd, (off_t)map->offset);
	if (va == MAP_FAILED)
		return -errno;
	va = iova_window_move(&s->windows, va, map->iova, map->size);
	r = page ? mapguard_add(va, map->size, page) : 0;
	if (r < 0) {
		iova_window_unmap(&s->windows, va, map->size);
		return r;
	}
	region->va = va;
	return 0;
}

/* Where a mapping of [iova, iova + size) belongs; the range does not wrap. */
static int find_slot(const struct vfu_dma_table *t, uint64_t iova, uint64_t size,
		     unsigned int *ret_at)
{
	unsigned int at = 0;

	while (at < t->n && t->region[at].iova < iova)
		at++;
	if (at > 0 && iova - t->region[at - 1].iova < t->region[at - 1].size)
		return -EEXIST;
	if (at < t->n && t->region[at].iova - iova < size)
		return -EEXIST;
	*ret_at = at;
	return 0;
}

/* What the data path will have to look through. */
static unsigned int runs(const struct vfu_dma_table *t)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n; i++)
		n += t->region[i].va &&
		     (i == 0 || !vfu_dma_follows(&t->region[i - 1], &t->region[i]));
	return n;
}

int vfu_server_dma_map(struct vfu_server *s, const struct vfu_dma_map *map, int fd)
{
	const struct vfu_dma_table *now = &s->dma[s->dma_current];
	struct vfu_dma_table *next = &s->dma[s->dma_current ^ 1];
	struct vfu_dma_region region = {
		.iova = map->iova,
		.size = map->size,
		.readable = map->flags & VFU_DMA_F_READ,
		.writable = map->flags & VFU_DMA_F_WRITE,
	};
	unsigned int at;
	int r;

	r = find_slot(now, map->iova, map->size, &at);
	if (r < 0)
		return r;
	if (now->n == VFU_DMA_REGIONS_MAX)
		return -ENOSPC;

	if (fd >= 0) {
		r = map_file(s, map, fd, &region);
		if (r < 0)
			return r;
	}

	memcpy(next->region, now->region, at * sizeof(region));
	next->region[at] = region;
	memcpy(next->region + at + 1, now->region + at, (now->n - at) * sizeof(region));
	next->n = now->n + 1;
	if (runs(next) > VFU_DMA_RUNS_MAX) {
		unmap(s, &region);
		return -ENOSPC;
	}
	publish(s);
	return 0;
}

int vfu_server_dma_unmap(struct vfu_server *s, uint64_t iova, uint64_t size)
{
	const struct vfu_dma_table *now = &s->dma[s->dma_current];
	struct vfu_dma_table *next = &s->dma[s->dma_current ^ 1];
	unsigned int at = 0;

	while (at < now->n && now->region[at].iova != iova)
		at++;
	if (at == now->n || now->region[at].size != size)
		return -ENOENT;

	memcpy(next->region, now->region, at * sizeof(now->region[0]));
	memcpy(next->region + at, now->region + at + 1, (now->n - at - 1) * sizeof(now->region[0]));
	next->n = now->n - 1;
	publish(s);
	unmap(s, &now->region[at]);
	return 0;
}

bool vfu_server_dma_lost(const struct vfu_server *s)
{
	const struct vfu_dma_table *now = &s->dma[s->dma_current];

	for (unsigned int i = 0; i < now->n; i++)
		if (mapguard_missing(now->region[i].va))
			return true;
	return false;
}

void vfu_server_dma_drop(struct vfu_server *s)
{
	const struct vfu_dma_table *now = &s->dma[s->dma_current];

	if (now->n == 0)
		return;
	s->dma[s->dma_current ^ 1].n = 0;
	publish(s);
	for (unsigned int i = 0; i < now->n; i++)
		unmap(s, &now->region[i]);
}

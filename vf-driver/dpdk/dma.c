/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL's memory, made known to the function: what is there at probe, and what comes and goes later.
 * A region is what one pcif_dma_map() told: a run of segments that follow each other in addresses
 * and in one file. The kernel gets huge pages one by one, so that each can be taken back alone; a
 * vfio-user server has room for few regions, so there a run stays until all of it is freed (its
 * file stays what it is meanwhile).
 *
 * EAL calls back under its memory lock, and takes it around our walk: that lock comes first, ours
 * second.
 */
#include <rte_eal_memconfig.h>
#include <rte_memory.h>
#include "pmd.h"

#define SMALL_PAGE 4096u

struct region {
	struct dma_mem mem;
	size_t live; /* bytes that EAL still uses */
};

struct pmd_regions {
	pthread_mutex_t lock;
	bool merge; /* vfio-user */
	unsigned int n, room;
	struct region *region;
	struct dma_mem run; /* being collected by a walk; len 0: nothing yet */
	int error;
};

static struct region *region_at(struct pmd_regions *t, uint64_t iova)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (iova - t->region[i].mem.iova.v < t->region[i].mem.len)
			return &t->region[i];
	return NULL;
}

static void explain(struct pmd *p, const struct dma_mem *mem, int r)
{
	char why[PCIF_ERR_MAX] = "";

	pcif_why(p->f, why, sizeof(why));
	PMD_LOG(ERR, "%zu bytes at %p cannot be mapped for the function: %s%s%s%s", mem->len,
		mem->va, strerror(-r), why[0] ? ": " : "", why,
		r == -ENOSPC ? ": too many files, give EAL --single-file-segments" : "");
}

static int region_map(struct pmd *p, const struct dma_mem *mem)
{
	struct pmd_regions *t = p->regions;
	struct region *more;
	int r;

	if (t->merge && mem->fd < 0)
		return -ENOTSUP;
	if (t->n == t->room) {
		more = realloc(t->region, (t->room + 64) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->region = more;
		t->room += 64;
	}
	r = pcif_dma_map(p->f, mem);
	if (r < 0) {
		explain(p, mem, r);
		return r;
	}
	t->region[t->n++] = (struct region){.mem = *mem, .live = mem->len};
	return 0;
}

static void region_unmap(struct pmd *p, struct region *region)
{
	struct pmd_regions *t = p->regions;
	int r = pcif_lost(p->f) ? 0 : pcif_dma_unmap(p->f, &region->mem);

	if (r < 0)
		PMD_LOG(ERR, "%zu bytes at %p stay mapped for the function: %s", region->mem.len,
			region->mem.va, strerror(-r));
	*region = t->region[--t->n];
}

static void run_flush(struct pmd *p)
{
	struct pmd_regions *t = p->regions;
	int r = 0;

	if (t->run.len)
		r = region_map(p, &t->run);
	t->run.len = 0;
	if (r < 0 && !t->error)
		t->error = r;
}

/* One segment: joins the run, or ends it and begins the next. */
static void segment_add(struct pmd *p, const struct rte_memseg_list *msl,
			const struct rte_memseg *ms)
{
	struct pmd_regions *t = p->regions;
	struct dma_mem *run = &t->run, next = {.va = ms->addr,
					       .len = ms->len,
					       .iova = {ms->iova},
					       .fd = -1,
					       .hugetlb = false};
	struct region *known = region_at(t, ms->iova);
	size_t offset = 0;

	if (known) { /* freed once, and its run was kept */
		known->live += ms->len;
		return;
	}
	next.fd = rte_memseg_get_fd_thread_unsafe(ms);
	if (next.fd >= 0 && rte_memseg_get_fd_offset_thread_unsafe(ms, &offset) < 0)
		next.fd = -1;
	next.fd_offset = offset;
	if (next.fd < 0 && msl->external)
		return; /* told by rte_dev_dma_map(), if the function shall reach it */

	if (run->len && (t->merge || msl->page_sz <= SMALL_PAGE) && run->fd == next.fd &&
	    (char *)run->va + run->len == (char *)next.va &&
	    run->iova.v + run->len == next.iova.v && run->fd_offset + run->len == next.fd_offset) {
		run->len += next.len;
		return;
	}
	run_flush(p);
	*run = next;
}

static int walk_one(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg)
{
	segment_add(arg, msl, ms);
	return 0;
}

static void memory_came(struct pmd *p, const void *addr, size_t len)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(addr);

	for (size_t at = 0; msl && at < len; at += msl->page_sz) {
		const struct rte_memseg *ms = rte_mem_virt2memseg((const char *)addr + at, msl);

		if (ms)
			segment_add(p, msl, ms);
	}
	run_flush(p);
}

static void memory_goes(struct pmd *p, const void *addr, size_t len)
{
	struct pmd_regions *t = p->regions;
	uintptr_t from = (uintptr_t)addr, to = from + len;

	for (unsigned int i = 0; i < t->n;) {
		struct region *region = &t->region[i];
		uintptr_t a = RTE_MAX((uintptr_t)region->mem.va, from);
		uintptr_t b = RTE_MIN((uintptr_t)region->mem.va + region->mem.len, to);

		if (a < b)
			region->live -= RTE_MIN(region->live, b - a);
		if (a < b && !region->live)
			region_unmap(p, region);
		else
			i++;
	}
}

static void on_memory(enum rte_mem_event event, const void *addr, size_t len, void *arg)
{
	struct pmd *p = arg;

	if (atomic_load(&p->removed))
		return;
	pthread_mutex_lock(&p->regions->lock);
	if (event == RTE_MEM_EVENT_ALLOC)
		memory_came(p, addr, len);
	else
		memory_goes(p, addr, len);
	pthread_mutex_unlock(&p->regions->lock);
}

static void event_name(const struct pmd *p, char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN])
{
	snprintf(name, RTE_MEM_EVENT_CALLBACK_NAME_LEN, "sriov_vf_%u", p->eth->data->port_id);
}

int pmd_dma_open(struct pmd *p)
{
	char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN];
	int r;

	p->regions = calloc(1, sizeof(*p->regions));
	if (!p->regions)
		return -ENOMEM;
	pthread_mutex_init(&p->regions->lock, NULL);
	p->regions->merge = p->args.path != NULL;

	event_name(p, name);
	/* legacy memory never changes and has no events */
	r = rte_mem_event_callback_register(name, on_memory, p);
	if (r < 0 && rte_errno != ENOTSUP)
		return -rte_errno;

	rte_mcfg_mem_read_lock();
	pthread_mutex_lock(&p->regions->lock);
	rte_memseg_walk_thread_unsafe(walk_one, p);
	run_flush(p);
	r = p->regions->error;
	pthread_mutex_unlock(&p->regions->lock);
	rte_mcfg_mem_read_unlock();
	if (r == -ENOTSUP)
		PMD_LOG(ERR,
			"this EAL's memory has no file behind it, so the software NIC cannot map "
			"it: leave out --huge-unlink, or use --in-memory or --no-huge");
	return r;
}

void pmd_dma_close(struct pmd *p)
{
	char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN];

	if (!p->regions)
		return;
	event_name(p, name);
	rte_mem_event_callback_unregister(name, p);
	pthread_mutex_lock(&p->regions->lock);
	while (p->regions->n)
		region_unmap(p, &p->regions->region[p->regions->n - 1]);
	pthread_mutex_unlock(&p->regions->lock);
	pthread_mutex_destroy(&p->regions->lock);
	free(p->regions->region);
	free(p->regions);
	p->regions = NULL;
}

int pmd_dma_map_external(struct pmd *p, void *va, uint64_t iova, size_t len)
{
	struct dma_mem mem = {.va = va, .len = len, .iova = {iova}, .fd = -1};
	int r;

	pthread_mutex_lock(&p->regions->lock);
	r = region_map(p, &mem);
	pthread_mutex_unlock(&p->regions->lock);
	if (r == -ENOTSUP)
		PMD_LOG(ERR, "memory at %p has no file behind it: the software NIC cannot map it",
			va);
	return r;
}

int pmd_dma_unmap_external(struct pmd *p, void *va, uint64_t iova, size_t len)
{
	struct region *region;
	int r = -ENOENT;

	pthread_mutex_lock(&p->regions->lock);
	region = region_at(p->regions, iova);
	if (region && region->mem.va == va && region->mem.len == len) {
		region_unmap(p, region);
		r = 0;
	}
	pthread_mutex_unlock(&p->regions->lock);
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <sys/mman.h>
#include <lib/clock.h>
#include "pcif_impl.h"

#define PAGE_BYTES 4096u

void pcif_init(struct pcif *f, const struct pcif_ops *ops, uint64_t timeout_us)
{
	f->ops = ops;
	f->timeout_us = clock_patient_us(timeout_us ? timeout_us : PCIF_TIMEOUT_US);
	pthread_mutex_init(&f->lock, NULL);
}

void pcif_close(struct pcif *f)
{
	if (!f)
		return;
	for (unsigned int i = 0; i < PCIF_REGIONS; i++) {
		for (unsigned int a = 0; a < f->region[i].n_areas; a++) {
			if (f->mapped[i][a])
				munmap(f->mapped[i][a], f->region[i].area[a].size);
		}
	}
	pthread_mutex_destroy(&f->lock);
	f->ops->close(f);
}

bool pcif_lost(const struct pcif *f)
{
	return atomic_load(&f->lost) || f->ops->hung_up(f);
}

int pcif_fd(const struct pcif *f)
{
	return f->ops->poll_fd(f);
}

/* Each call on the device: lock, deadline, and nothing at all once the function is lost. */
static int enter(struct pcif *f)
{
	pthread_mutex_lock(&f->lock);
	if (atomic_load(&f->lost)) {
		pthread_mutex_unlock(&f->lock);
		return -ENODEV;
	}
	f->deadline_us = clock_us() + f->timeout_us;
	return 0;
}

static int leave(struct pcif *f, int r)
{
	pthread_mutex_unlock(&f->lock);
	return r;
}

const struct pcif_region *pcif_region(const struct pcif *f, unsigned int index)
{
	return index < PCIF_REGIONS ? &f->region[index] : NULL;
}

static bool in_region(const struct pcif *f, unsigned int index, uint64_t off, size_t len)
{
	return index < PCIF_REGIONS && len > 0 && off <= f->region[index].size &&
	       len <= f->region[index].size - off;
}

static void count(struct pcif *f, unsigned int index, atomic_uint_least64_t *counter)
{
	if (index == PCIF_REGION_CONFIG)
		counter = &f->config_accesses;
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

int pcif_region_read(struct pcif *f, unsigned int index, uint64_t off, void *buf, size_t len)
{
	int r;

	if (!in_region(f, index, off, len) || !f->region[index].readable)
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	count(f, index, &f->region_reads);
	return leave(f, f->ops->region_read(f, index, off, buf, len));
}

int pcif_region_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf, size_t len)
{
	int r;

	if (!in_region(f, index, off, len) || !f->region[index].writable)
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	count(f, index, &f->region_writes);
	return leave(f, f->ops->region_write(f, index, off, buf, len));
}

int pcif_config_read(struct pcif *f, uint32_t off, void *buf, size_t len)
{
	return pcif_region_read(f, PCIF_REGION_CONFIG, off, buf, len);
}

int pcif_config_write(struct pcif *f, uint32_t off, const void *buf, size_t len)
{
	return pcif_region_write(f, PCIF_REGION_CONFIG, off, buf, len);
}

int pcif_read32(struct pcif *f, unsigned int bar, uint32_t off, uint32_t *ret_val)
{
	uint32_t v;
	int r;

	if (off % sizeof(v) != 0)
		return -EINVAL;
	r = pcif_region_read(f, bar, off, &v, sizeof(v));
	if (r < 0)
		return r;
	*ret_val = v;
	return 0;
}

int pcif_write32(struct pcif *f, unsigned int bar, uint32_t off, uint32_t val)
{
	if (off % sizeof(val) != 0)
		return -EINVAL;
	return pcif_region_write(f, bar, off, &val, sizeof(val));
}

int pcif_region_mmap(struct pcif *f, unsigned int index, unsigned int area, void **ret_va)
{
	int r;

	if (index >= PCIF_REGIONS || area >= f->region[index].n_areas)
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	if (!f->mapped[index][area]) {
		r = f->ops->region_mmap(f, index, &f->region[index].area[area],
					&f->mapped[index][area]);
		if (r < 0)
			return leave(f, r);
	}
	*ret_va = f->mapped[index][area];
	return leave(f, 0);
}

bool pcif_irq_grows(const struct pcif *f, unsigned int index)
{
	return index < PCIF_IRQS && f->irq_grows >> index & 1;
}

unsigned int pcif_irq_count(const struct pcif *f, unsigned int index)
{
	return index < PCIF_IRQS ? f->irq_count[index] : 0;
}

int pcif_irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int n,
		 const int *fds)
{
	int r;

	if (index >= PCIF_IRQS || start > f->irq_count[index] || n > f->irq_count[index] - start ||
	    (n == 0 && start != 0))
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	/* an index without vectors is off already, and some devices refuse to hear of it */
	if (f->irq_count[index] == 0)
		return leave(f, 0);
	return leave(f, f->ops->irq_set(f, index, start, n, fds));
}

static bool dma_valid(const struct dma_mem *mem)
{
	return mem->len > 0 && mem->len % PAGE_BYTES == 0 && mem->iova.v % PAGE_BYTES == 0 &&
	       mem->len <= UINT64_MAX - mem->iova.v;
}

int pcif_dma_map(struct pcif *f, const struct dma_mem *mem)
{
	int r;

	if (!dma_valid(mem))
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	f->why[0] = '\0';
	return leave(f, f->ops->dma_map(f, mem));
}

int pcif_dma_unmap(struct pcif *f, const struct dma_mem *mem)
{
	int r;

	if (!dma_valid(mem))
		return -EINVAL;
	r = enter(f);
	if (r < 0)
		return r;
	return leave(f, f->ops->dma_unmap(f, mem));
}

bool pcif_host_sriov(const struct pcif *f)
{
	return f->host_sriov;
}

void pcif_why(struct pcif *f, char *ret_text, size_t size)
{
	pthread_mutex_lock(&f->lock);
	snprintf(ret_text, size, "%s", f->why);
	pthread_mutex_unlock(&f->lock);
}

int pcif_reset(struct pcif *f)
{
	int r;

	if (!f->has_reset)
		return -ENOTSUP;
	r = enter(f);
	if (r < 0)
		return r;
	return leave(f, f->ops->reset(f));
}

void pcif_counters(const struct pcif *f, struct pcif_counters *ret)
{
	*ret = (struct pcif_counters){
		.region_reads = atomic_load_explicit(&f->region_reads, memory_order_relaxed),
		.region_writes = atomic_load_explicit(&f->region_writes, memory_order_relaxed),
		.config_accesses = atomic_load_explicit(&f->config_accesses, memory_order_relaxed),
	};
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA memory: one fd-backed buffer, mapped here and made known to PCI functions by pcif_dma_map().
 * The kernel back end wants the virtual address, vfio-user wants fd and offset: a dma_mem has both.
 */
#include <abi/addr.h>
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>

struct dma_mem {
	void *va;
	size_t len;
	iova_t iova; /* address that functions use for va; chosen by the owner */
	int fd;
	uint64_t fd_offset;
	bool hugetlb;
};

/**
 * dma_mem_new() - allocate and map @len bytes (rounded up to pages)
 * @hugetlb: use 2 MiB pages
 * @iova:    address the device will use
 * Context: any thread. Return: 0; -ENOMEM; -errno of mmap(2). Source: -
 */
int dma_mem_new(const char *name, size_t len, bool hugetlb, iova_t iova,
		struct dma_mem **ret_mem) _must_check_;

/**
 * dma_mem_free() - unmap and close; no function may still have it mapped; NULL is fine
 *
 * Context: any thread. Source: -.
 */
void dma_mem_free(struct dma_mem *mem);
DEFINE_CLEANUP(struct dma_mem *, dma_mem_free);

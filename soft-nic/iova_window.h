#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a client's memory is mapped: pieces that follow each other for the device follow each other
 * here as well, so that memory in a hundred files (DPDK has one for each huge page) is one region
 * for the data path. Address space is reserved in windows; a piece goes to its place in its window.
 * What fits no window stays wherever the kernel put it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOVA_WINDOWS	 8u
#define IOVA_WINDOW_SIZE (UINT64_C(16) << 30)

struct iova_windows {
	struct {
		uint64_t key; /* iova / IOVA_WINDOW_SIZE */
		uint8_t *reserved, *base;
		unsigned int users;
		bool dead; /* may have holes: nothing more goes there */
	} w[IOVA_WINDOWS];
};

/**
 * iova_window_move() - move a fresh mapping to where its address belongs
 * @va: from mmap(2), nobody uses it yet
 *
 * Context: the loop's thread. Return: where it is now, @va itself when there is no place for it.
 * Source: mremap(2).
 */
void *iova_window_move(struct iova_windows *ws, void *va, uint64_t iova, uint64_t size);

/**
 * iova_window_unmap() - instead of munmap(2), for every mapping that went through
 * iova_window_move()
 *
 * Context: the loop's thread; nobody uses it any more. Source: -
 */
void iova_window_unmap(struct iova_windows *ws, void *va, uint64_t size);

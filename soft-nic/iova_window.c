/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/mman.h>
#include "iova_window.h"

#define ALIGN (UINT64_C(1) << 30) /* of the largest huge page */

static void *reserve(void *at, uint64_t size)
{
	int fixed = at ? MAP_FIXED : 0;
	void *va = mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed,
			-1, 0);

	return va == MAP_FAILED ? NULL : va;
}

/* The window of this address, reserved if it has to be; IOVA_WINDOWS: there is none. */
static unsigned int window_of(struct iova_windows *ws, uint64_t key)
{
	unsigned int unused = IOVA_WINDOWS;
	uint8_t *va;

	for (unsigned int i = 0; i < IOVA_WINDOWS; i++) {
		if (ws->w[i].base && ws->w[i].key == key)
			return ws->w[i].dead ? IOVA_WINDOWS : i;
		if (!ws->w[i].base)
			unused = i;
	}
	if (unused == IOVA_WINDOWS)
		return unused;
	va = reserve(NULL, IOVA_WINDOW_SIZE + ALIGN);
	if (!va)
		return IOVA_WINDOWS;
	ws->w[unused].key = key;
	ws->w[unused].reserved = va;
	ws->w[unused].base = va + (-(uintptr_t)va & (ALIGN - 1));
	ws->w[unused].users = 0;
	ws->w[unused].dead = false;
	return unused;
}

static void window_drop(struct iova_windows *ws, unsigned int i)
{
	/* what may have a hole may have somebody else's memory in it by now */
	if (ws->w[i].users)
		return;
	if (!ws->w[i].dead)
		munmap(ws->w[i].reserved, IOVA_WINDOW_SIZE + ALIGN);
	ws->w[i].base = NULL;
}

void *iova_window_move(struct iova_windows *ws, void *va, uint64_t iova, uint64_t size)
{
	uint64_t key = iova / IOVA_WINDOW_SIZE;
	unsigned int i;
	void *to;

	if (!size || size > IOVA_WINDOW_SIZE || (iova + (size - 1)) / IOVA_WINDOW_SIZE != key)
		return va;
	i = window_of(ws, key);
	if (i == IOVA_WINDOWS)
		return va;
	to = mremap(va, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    ws->w[i].base + iova % IOVA_WINDOW_SIZE);
	if (to == MAP_FAILED) {
		ws->w[i].dead = true;
		window_drop(ws, i);
		return va;
	}
	ws->w[i].users++;
	return to;
}

void iova_window_unmap(struct iova_windows *ws, void *va, uint64_t size)
{
	for (unsigned int i = 0; i < IOVA_WINDOWS; i++) {
		uint64_t off = (uint64_t)((uintptr_t)va - (uintptr_t)ws->w[i].base);

		if (!ws->w[i].base || off >= IOVA_WINDOW_SIZE)
			continue;
		ws->w[i].users--;
		if (ws->w[i].dead || !reserve(va, size)) {
			munmap(va, size);
			ws->w[i].dead = true;
		}
		window_drop(ws, i);
		return;
	}
	munmap(va, size);
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses to memory that a device or another processor changes: registers in shared pages and
 * descriptors. x86 keeps stores in order, so publishing needs a compiler barrier only; this file is
 * the one place that knows it.
 */
#include <stdint.h>

static inline uint32_t mmio_read32(const volatile void *p)
{
	return *(const volatile uint32_t *)p;
}

static inline void mmio_write32(volatile void *p, uint32_t v)
{
	*(volatile uint32_t *)p = v;
}

static inline uint64_t mmio_read64(const volatile void *p)
{
	return *(const volatile uint64_t *)p;
}

static inline void mmio_write64(volatile void *p, uint64_t v)
{
	*(volatile uint64_t *)p = v;
}

/** io_wmb() - everything stored before is visible before anything stored after. */
static inline void io_wmb(void)
{
	__asm__ volatile("" ::: "memory");
}

/** io_rmb() - everything loaded before was loaded before anything loaded after. */
static inline void io_rmb(void)
{
	__asm__ volatile("" ::: "memory");
}

/** io_mb() - full fence, for "arm, then look again" sequences. Not on a packet's path. */
static inline void io_mb(void)
{
	__sync_synchronize();
}

/**
 * prefetch_write() - a line that will be written: taken from its owner at once, not shared first
 *
 * Context: any. Source: x86 PREFETCHW; a hint on every x86-64.
 */
static inline void prefetch_write(const volatile void *p)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const volatile uint8_t *)p));
}

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

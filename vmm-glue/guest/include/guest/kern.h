#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ring 0 and ring 3 of the bench guest share. Ring 0 sets the processor up, takes interrupts,
 * scans PCI slots and sleeps; everything per packet is in ring 3, which runs natively even where
 * ring 0 is emulated. Ring 3 asks by ud2, the one way down that every KVM knows, with a magic value
 * in RCX so that a failed assertion (also ud2) is told apart.
 *
 * Ring 0 sets bits with interrupts off; ring 3 takes them by xchg, which no interrupt can split.
 */
#include <abi/guest_block.h>
#include <abi/hpc.h>
#include <guest/pciscan.h>
#include <stdbool.h>
#include <stdint.h>

#define KERN_ARENA_BASE 0x400000u /* memory of interfaces: as many pieces as RAM has room for */
#define KERN_ARENA_SIZE 0x200000u

#define KERN_VEC_HPC   0x30u
#define KERN_VEC_TIMER 0x31u
#define KERN_VEC_RX    0x40u /* + slot */
#define KERN_VEC_CFG   0x60u /* + slot */
#define KERN_VEC_SPUR  0x9fu
#define KERN_VECTORS   0xa0u

#define KERN_EVT_UP    BIT32(0)
#define KERN_EVT_DOWN  BIT32(1)
#define KERN_EVT_POWER BIT32(2)
#define KERN_EVT_CFG   BIT32(3)

struct kern_shared {
	volatile uint32_t events;  /* KERN_EVT_*: the one word the poll loop looks at */
	volatile uint32_t up;	   /* slots to look at */
	volatile uint32_t down;	   /* slots to let go */
	volatile uint32_t irq_rx;  /* receive interrupts taken, by slot */
	volatile uint32_t irq_cfg; /* mailbox and configuration interrupts, by slot */
	volatile uint32_t wake;	   /* an interrupt other than the timer came since the last sleep */
	uint32_t tsc_khz;
	struct pciscan_slot slot[VMM_SLOTS]; /* filled by KERN_SYS_SCAN */
};

extern struct kern_shared kern_shared;

enum kern_sys {
	KERN_SYS_IDLE = 1,  /* (µs): sleep until an interrupt, at most so long */
	KERN_SYS_SCAN = 2,  /* (slot): 0 or negative errno; fills slot[] and enables the function */
	KERN_SYS_EJECT = 3, /* (slot): disable the function and tell the VMM it may go */
	KERN_SYS_OFF = 4,   /* (HPC_POWR_*) */
};

#define KERN_SYS_MAGIC 0x53524756u

/**
 * kern_call() - ask ring 0 for @nr
 *
 * Context: ring 3; KERN_SYS_IDLE sleeps. Return: 0; negative errno as said at enum kern_sys.
 * Source: -.
 */
static inline int64_t kern_call(enum kern_sys nr, uint64_t arg)
{
	int64_t ret = nr;

	__asm__ volatile("ud2" : "+a"(ret) : "D"(arg), "c"((uint64_t)KERN_SYS_MAGIC) : "memory");
	return ret;
}

static inline uint32_t kern_take(volatile uint32_t *bits)
{
	return __atomic_exchange_n(bits, 0, __ATOMIC_SEQ_CST);
}

static inline uint64_t guest_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static inline uint32_t guest_mmio_read32(uint64_t gpa)
{
	return *(volatile uint32_t *)(uintptr_t)gpa;
}

static inline void guest_mmio_write32(uint64_t gpa, uint32_t val)
{
	*(volatile uint32_t *)(uintptr_t)gpa = val;
}

static inline struct guest_block *guest_block_ptr(void)
{
	return (struct guest_block *)(uintptr_t)GUEST_BLOCK_GPA;
}

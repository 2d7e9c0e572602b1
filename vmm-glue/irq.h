#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt routes. The table of MSI routes lives here and is handed to the platform whole; the
 * platform adds the fixed IOAPIC pins (GSI 0..23) each time, because the kernel forgets them. A
 * route is set before an irqfd hangs on it, and several changes are committed at once.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <lib/cleanup.h>

struct vm;

#define IRQ_PINS    24u
#define IRQ_MSI_MAX 1024u
#define IRQ_GSIS    (IRQ_PINS + IRQ_MSI_MAX)

struct irq_route {
	bool used;
	uint32_t addr_lo;
	uint32_t addr_hi;
	uint32_t data;
};

struct irq_table {
	pthread_mutex_t lock;
	struct irq_route msi[IRQ_MSI_MAX]; /* index: GSI - IRQ_PINS */
	unsigned int top;		   /* one above the highest used index */
	uint64_t commits;
};

void irq_init(struct irq_table *t);
void irq_done(struct irq_table *t);

/** irq_alloc() - a free GSI, or -ENOSPC. Any thread. */
int irq_alloc(struct irq_table *t);
void irq_free(struct irq_table *t, int gsi);

/** irq_route_set() - what @gsi sends; returns true if that changed something to commit. */
bool irq_route_set(struct irq_table *t, int gsi, uint32_t addr_lo, uint32_t addr_hi, uint32_t data);

/** irq_commit() - hand the whole table to the platform. Any thread. */
int irq_commit(struct vm *vm) _must_check_;

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

/** irq_init(), irq_done() - an empty table, and its end. Context: main thread. Source: -. */
void irq_init(struct irq_table *t);
void irq_done(struct irq_table *t);

/**
 * irq_alloc() - a free GSI
 *
 * Context: any thread; takes the table's lock. Return: the GSI; -ENOSPC. Source: -.
 */
int irq_alloc(struct irq_table *t);

/**
 * irq_free() - give @gsi back; the kernel's route goes with the next commit; what irq_alloc()
 * never gives is ignored
 *
 * Context: any thread; takes the table's lock. Source: -.
 */
void irq_free(struct irq_table *t, int gsi);

/**
 * irq_route_set() - what @gsi sends
 *
 * Context: any thread; takes the table's lock. Return: true if there is something to commit now.
 * Source: -.
 */
bool irq_route_set(struct irq_table *t, int gsi, uint32_t addr_lo, uint32_t addr_hi, uint32_t data);

/**
 * irq_commit() - hand the whole table to the platform
 *
 * Context: any thread; takes the table's lock. Return: 0; -errno of KVM_SET_GSI_ROUTING. Source:
 * Linux Documentation/virt/kvm/api.rst.
 */
int irq_commit(struct vm *vm) _must_check_;

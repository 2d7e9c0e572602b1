/* SPDX-License-Identifier: BSD-3-Clause */
#include "irq.h"
#include "vm_impl.h"

void irq_init(struct irq_table *t)
{
	pthread_mutex_init(&t->lock, NULL);
}

void irq_done(struct irq_table *t)
{
	pthread_mutex_destroy(&t->lock);
}

int irq_alloc(struct irq_table *t)
{
	int gsi = -ENOSPC;

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < IRQ_MSI_MAX; i++) {
		if (t->msi[i].used)
			continue;
		t->msi[i] = (struct irq_route){.used = true};
		if (i >= t->top)
			t->top = i + 1;
		gsi = (int)(i + IRQ_PINS);
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return gsi;
}

void irq_free(struct irq_table *t, int gsi)
{
	if (gsi < (int)IRQ_PINS || gsi >= (int)IRQ_GSIS)
		return;

	/* the kernel keeps the stale route until the next commit; nothing hangs on it any more */
	pthread_mutex_lock(&t->lock);
	t->msi[gsi - (int)IRQ_PINS].used = false;
	while (t->top && !t->msi[t->top - 1].used)
		t->top--;
	pthread_mutex_unlock(&t->lock);
}

bool irq_route_set(struct irq_table *t, int gsi, uint32_t addr_lo, uint32_t addr_hi, uint32_t data)
{
	struct irq_route *r = &t->msi[gsi - (int)IRQ_PINS];
	bool changed;

	pthread_mutex_lock(&t->lock);
	changed = r->addr_lo != addr_lo || r->addr_hi != addr_hi || r->data != data;
	r->addr_lo = addr_lo;
	r->addr_hi = addr_hi;
	r->data = data;
	pthread_mutex_unlock(&t->lock);
	return changed;
}

int irq_commit(struct vm *vm)
{
	struct irq_table *t = &vm->irq;
	int r;

	pthread_mutex_lock(&t->lock);
	t->commits++;
	r = vm->plat->routes(vm, t->msi, t->top);
	pthread_mutex_unlock(&t->lock);
	return r;
}

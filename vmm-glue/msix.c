/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X, once for all kinds of functions. A vector is
 *
 *   OFF     MSI-X disabled: the device has no eventfd, nothing is pending
 *   UNUSED  never unmasked: the device has no eventfd yet, if it can take one later
 *   MASKED  the device signals the eventfd, nobody listens: its count is the pending bit
 *   ARMED   a KVM irqfd hangs on the eventfd and takes every signal
 *
 * So no thread has to poll masked vectors: the guest's read of the PBA looks at the counters.
 * Between MASKED and ARMED nothing is lost: KVM looks at the count when the irqfd is attached, and
 * injects.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include "pci_core.h"

#define ENTRY	      ((uint64_t)PCI_MSIX_ENTRY_SIZE)
#define VECTOR_MASKED ((uint32_t)PCI_MSIX_ENTRY_CTRL_MASKBIT)
#define MSI_WINDOW    0xfeeu

static uint16_t control_get(const struct pci_dev *d)
{
	return cfg_get16(d, d->msix_cap + PCI_MSIX_FLAGS);
}

bool msix_enabled(const struct pci_dev *d)
{
	return d->msix_cap &&
	       (__atomic_load_n(&d->cfg[d->msix_cap + PCI_MSIX_FLAGS + 1], __ATOMIC_RELAXED) &
		PCI_MSIX_FLAGS_ENABLE >> 8);
}

static uint64_t table_end(const struct pci_dev *d)
{
	return d->msix_table_off + d->n_msix * ENTRY;
}

static uint64_t pba_end(const struct pci_dev *d)
{
	return d->msix_pba_off + (d->n_msix + 63) / 64 * UINT64_C(8);
}

static int layout_check(const struct pci_dev *d)
{
	const struct pci_bar *b;

	if (d->n_msix > PCI_DEV_MSIX_MAX || d->msix_bar >= PCI_DEV_BARS)
		return -EINVAL;
	if (d->msix_cap < PCI_STD_HEADER_SIZEOF || d->msix_cap > 256 - PCI_CAP_MSIX_SIZEOF)
		return -EINVAL;
	b = &d->bar[d->msix_bar];
	if (d->msix_table_off % 8 || d->msix_pba_off % 8)
		return -EINVAL;
	if (table_end(d) > b->size || pba_end(d) > b->size)
		return -EINVAL;
	if (d->msix_table_off < pba_end(d) && d->msix_pba_off < table_end(d))
		return -EINVAL;
	return 0;
}

static void vectors_clear(struct pci_dev *d)
{
	for (unsigned int i = 0; i < d->n_msix; i++) {
		d->msix[i].addr_lo = 0;
		d->msix[i].addr_hi = 0;
		d->msix[i].data = 0;
		d->msix[i].ctrl = VECTOR_MASKED;
	}
}

int msix_init(struct pci_dev *d)
{
	uint8_t *cap = &d->cfg[d->msix_cap];
	int r;

	for (unsigned int i = 0; i < PCI_DEV_MSIX_MAX; i++)
		d->msix[i] = (struct pci_msix_vector){.eventfd = -1, .gsi = -1};
	if (!d->n_msix) {
		d->msix_cap = 0;
		return 0;
	}
	r = layout_check(d);
	if (r < 0)
		return r;

	cap[0] = PCI_CAP_ID_MSIX;
	bytes_put(cap + PCI_MSIX_FLAGS, d->n_msix - 1, 2);
	bytes_put(cap + PCI_MSIX_TABLE, d->msix_table_off | d->msix_bar, 4);
	bytes_put(cap + PCI_MSIX_PBA, d->msix_pba_off | d->msix_bar, 4);
	memset(&d->wmask[d->msix_cap], 0, PCI_CAP_MSIX_SIZEOF);
	bytes_put(&d->wmask[d->msix_cap + PCI_MSIX_FLAGS],
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	vectors_clear(d);
	for (unsigned int i = 0; i < d->n_msix; i++) {
		d->msix[i].eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (d->msix[i].eventfd < 0)
			return -errno;
	}
	return 0;
}

static void vector_disarm(struct pci_dev *d, struct pci_msix_vector *v)
{
	if (!v->armed)
		return;
	(void)d->vm->plat->irqfd(d->vm, v->eventfd, (unsigned int)v->gsi, false);
	v->armed = false;
}

void msix_done(struct pci_dev *d)
{
	for (unsigned int i = 0; i < d->n_msix && i < PCI_DEV_MSIX_MAX; i++) {
		struct pci_msix_vector *v = &d->msix[i];

		vector_disarm(d, v);
		if (v->gsi >= 0)
			irq_free(&d->vm->irq, v->gsi);
		v->gsi = -1;
		v->eventfd = fd_close(v->eventfd);
	}
}

static bool pending(const struct pci_msix_vector *v)
{
	struct pollfd p = {.fd = v->eventfd, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static void pending_drop(const struct pci_msix_vector *v)
{
	eventfd_t n;

	(void)eventfd_read(v->eventfd, &n);
}

/* A message that does not go to an APIC would be a plain memory write: such a vector stays silent.
 */
static bool vector_live(const struct pci_dev *d, const struct pci_msix_vector *v, uint16_t control)
{
	return (control & PCI_MSIX_FLAGS_ENABLE) && !(control & PCI_MSIX_FLAGS_MASKALL) &&
	       !(v->ctrl & VECTOR_MASKED) && !v->addr_hi && v->addr_lo >> 20 == MSI_WINDOW &&
	       !atomic_load(&d->lost);
}

static bool vector_route(struct pci_dev *d, struct pci_msix_vector *v)
{
	if (v->gsi < 0) {
		int gsi = irq_alloc(&d->vm->irq);

		if (gsi < 0)
			return false;
		v->gsi = gsi;
		irq_route_set(&d->vm->irq, gsi, v->addr_lo, v->addr_hi, v->data);
		return true;
	}
	return irq_route_set(&d->vm->irq, v->gsi, v->addr_lo, v->addr_hi, v->data);
}

static void vector_arm(struct pci_dev *d, struct pci_msix_vector *v)
{
	if (d->vm->plat->irqfd(d->vm, v->eventfd, (unsigned int)v->gsi, true) < 0)
		return;
	v->armed = true;
	/* what was pending has been injected by the attach, which leaves the count standing */
	pending_drop(v);
}

void msix_sync(struct pci_dev *d)
{
	uint16_t control;
	bool commit = false;

	if (!d->msix_cap)
		return;
	control = control_get(d);
	for (unsigned int i = 0; i < d->n_msix; i++) {
		if (vector_live(d, &d->msix[i], control))
			commit |= vector_route(d, &d->msix[i]);
		else
			vector_disarm(d, &d->msix[i]);
	}
	/* all routes at once, and before any irqfd: the kernel may look at a route when one is
	 * attached */
	if (commit && irq_commit(d->vm) < 0)
		return;
	for (unsigned int i = 0; i < d->n_msix; i++) {
		struct pci_msix_vector *v = &d->msix[i];

		if (!v->armed && v->gsi >= 0 && vector_live(d, v, control))
			vector_arm(d, v);
	}
}

/* The guest cannot be told that there will be no interrupts: the main thread tells our user. */
static void bind_failed(struct pci_dev *d, int error)
{
	atomic_store(&d->irq_error, error);
	vm_post(d->vm, VM_POST_DEVICE);
}

static void device_bind(struct pci_dev *d, bool on)
{
	bool all = !d->irq_grows;
	int fds[PCI_DEV_MSIX_MAX], r;

	if (!d->ops->irq_bind)
		return;
	for (unsigned int i = 0; i < d->n_msix; i++)
		fds[i] = all ? d->msix[i].eventfd : -1;
	r = d->ops->irq_bind(d, on ? fds : NULL);
	pthread_mutex_lock(&d->lock);
	d->irq_bound = on && r >= 0;
	for (unsigned int i = 0; i < d->n_msix; i++)
		d->msix[i].bound = d->irq_bound && all;
	pthread_mutex_unlock(&d->lock);
	if (on && r < 0)
		bind_failed(d, r);
}

static bool vector_wanted(struct pci_dev *d, const struct pci_msix_vector *v)
{
	bool wanted;

	pthread_mutex_lock(&d->lock);
	wanted = d->irq_bound && !v->bound && vector_live(d, v, control_get(d));
	pthread_mutex_unlock(&d->lock);
	return wanted;
}

/*
 * Those that are unmasked for the first time. The device's side may take its time, so it is told
 * without the lock; accesses of other vCPUs wait for this one.
 */
static void vectors_bind(struct pci_dev *d)
{
	if (!d->irq_grows)
		return;
	for (unsigned int i = 0; i < d->n_msix; i++) {
		struct pci_msix_vector *v = &d->msix[i];
		int r;

		if (!vector_wanted(d, v))
			continue;
		r = d->ops->irq_add(d, i, v->eventfd);
		pthread_mutex_lock(&d->lock);
		v->bound = r >= 0;
		pthread_mutex_unlock(&d->lock);
		if (r < 0)
			bind_failed(d, r);
	}
}

void msix_control_written(struct pci_dev *d, uint16_t old)
{
	uint16_t now = control_get(d);
	bool on = now & PCI_MSIX_FLAGS_ENABLE, was = old & PCI_MSIX_FLAGS_ENABLE;

	if (on && !was)
		device_bind(d, true);
	vectors_bind(d);
	pthread_mutex_lock(&d->lock);
	msix_sync(d);
	pthread_mutex_unlock(&d->lock);
	if (was && !on) {
		device_bind(d, false);
		for (unsigned int i = 0; i < d->n_msix; i++)
			pending_drop(&d->msix[i]);
	}
}

bool msix_owns(const struct pci_dev *d, unsigned int bar, uint64_t off)
{
	if (!d->msix_cap || bar != d->msix_bar)
		return false;
	return (off >= d->msix_table_off && off < table_end(d)) ||
	       (off >= d->msix_pba_off && off < pba_end(d));
}

static uint32_t *vector_dword(struct pci_dev *d, uint64_t table_off)
{
	struct pci_msix_vector *v = &d->msix[table_off / ENTRY];

	switch (table_off % ENTRY / 4) {
	case 0:
		return &v->addr_lo;
	case 1:
		return &v->addr_hi;
	case 2:
		return &v->data;
	default:
		return &v->ctrl;
	}
}

static uint32_t pba_dword(const struct pci_dev *d, uint64_t pba_off)
{
	unsigned int first = (unsigned int)pba_off * 8;
	uint32_t bits = 0;

	if (!msix_enabled(d))
		return 0;
	for (unsigned int i = 0; i < 32 && first + i < d->n_msix; i++) {
		const struct pci_msix_vector *v = &d->msix[first + i];

		if (!v->armed && pending(v))
			bits |= BIT32(i);
	}
	return bits;
}

void msix_read(struct pci_dev *d, uint64_t off, void *buf, uint32_t len)
{
	uint8_t *out = buf;

	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < len; i++) {
		uint64_t at = off + i;
		uint32_t v = UINT32_MAX;

		if (at >= d->msix_table_off && at < table_end(d))
			v = *vector_dword(d, at - d->msix_table_off);
		else if (at >= d->msix_pba_off && at < pba_end(d))
			v = pba_dword(d, (at - d->msix_pba_off) & ~UINT64_C(3));
		out[i] = (uint8_t)(v >> (at % 4 * 8));
	}
	pthread_mutex_unlock(&d->lock);
}

void msix_write(struct pci_dev *d, uint64_t off, const void *buf, uint32_t len)
{
	/* 32 and 64 bit aligned writes only, as the specification has it; the PBA is read-only */
	if ((len != 4 && len != 8) || off % len)
		return;
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < len; i += 4) {
		uint64_t at = off + i;
		uint32_t v;

		if (at < d->msix_table_off || at >= table_end(d))
			continue;
		memcpy(&v, (const uint8_t *)buf + i, 4);
		at -= d->msix_table_off;
		if (at % ENTRY == PCI_MSIX_ENTRY_LOWER_ADDR)
			v &= ~UINT32_C(3);
		if (at % ENTRY == PCI_MSIX_ENTRY_VECTOR_CTRL)
			v &= VECTOR_MASKED;
		*vector_dword(d, at) = v;
	}
	pthread_mutex_unlock(&d->lock);
	vectors_bind(d);
	pthread_mutex_lock(&d->lock);
	msix_sync(d);
	pthread_mutex_unlock(&d->lock);
}

unsigned int msix_direct(struct pci_dev *d)
{
	unsigned int n = 0;

	pthread_mutex_lock(&d->lock);
	for (unsigned int i = 0; i < d->n_msix; i++)
		n += d->msix[i].armed && d->msix[i].bound;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void pci_dev_irq(struct pci_dev *d, unsigned int vector)
{
	if (vector < d->n_msix && msix_enabled(d))
		eventfd_write(d->msix[vector].eventfd, 1);
}

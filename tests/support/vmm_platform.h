#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A platform for struct vm without KVM: it remembers memslots, routes and irqfds, refuses what KVM
 * refuses (overlaps, irqfds without a route), and can be told to fail. One per process.
 */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <pci_core.h>
#include <vm_impl.h>

struct fake_platform {
	struct {
		uint64_t gpa, size;
	} slot[VM_MEMSLOTS];
	struct irq_route route[IRQ_MSI_MAX];
	unsigned int n_routes;
	unsigned int commits;
	int irqfd[IRQ_GSIS]; /* descriptor + 1 */
	unsigned int wrong;  /* what KVM would have refused */
	bool routes_fail;
};

static struct fake_platform fake;

static int fake_memslot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *va)
{
	(void)vm;
	(void)va;
	if (!size) {
		if (!fake.slot[slot].size)
			fake.wrong++;
		fake.slot[slot].size = 0;
		return 0;
	}
	for (unsigned int i = 0; i < VM_MEMSLOTS; i++) {
		if (fake.slot[i].size && gpa < fake.slot[i].gpa + fake.slot[i].size &&
		    fake.slot[i].gpa < gpa + size)
			return -EEXIST;
	}
	fake.slot[slot].gpa = gpa;
	fake.slot[slot].size = size;
	return 0;
}

static int fake_routes(struct vm *vm, const struct irq_route *route, unsigned int n)
{
	(void)vm;
	if (fake.routes_fail)
		return -EINVAL;
	memset(fake.route, 0, sizeof(fake.route));
	if (n)
		memcpy(fake.route, route, n * sizeof(*route));
	fake.n_routes = n;
	fake.commits++;
	return 0;
}

static int fake_irqfd(struct vm *vm, int fd, unsigned int gsi, bool assign)
{
	(void)vm;
	if (gsi >= IRQ_GSIS || (gsi >= IRQ_PINS && assign && !fake.route[gsi - IRQ_PINS].used)) {
		fake.wrong++;
		return -EINVAL;
	}
	if (assign == (fake.irqfd[gsi] != 0))
		fake.wrong++;
	fake.irqfd[gsi] = assign ? fd + 1 : 0;
	return 0;
}

static int fake_ioeventfd(struct vm *vm, uint64_t gpa, uint32_t len, int fd, bool assign)
{
	(void)vm;
	(void)gpa;
	(void)len;
	(void)fd;
	(void)assign;
	return 0;
}

static const struct vm_plat_ops fake_ops = {
	.memslot = fake_memslot,
	.routes = fake_routes,
	.irqfd = fake_irqfd,
	.ioeventfd = fake_ioeventfd,
};

static inline unsigned int fake_slots_used(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < VM_MEMSLOTS; i++)
		n += fake.slot[i].size != 0;
	return n;
}

static inline unsigned int fake_irqfds_used(void)
{
	unsigned int n = 0;

	for (unsigned int i = IRQ_PINS; i < IRQ_GSIS; i++)
		n += fake.irqfd[i] != 0;
	return n;
}

/* A function of the tests: BAR0 with a shared page, a 64 bit BAR2, MSI-X in BAR4. */
#define FAKE_BAR0_SIZE UINT64_C(0x4000)
#define FAKE_BAR2_SIZE UINT64_C(0x10000)
#define FAKE_BAR4_SIZE UINT64_C(0x4000)
#define FAKE_MSIX_CAP  0x70u
#define FAKE_VECTORS   3u
#define FAKE_PBA       0x2000u

struct fake_dev {
	struct pci_dev pci;
	int bound_fd[FAKE_VECTORS]; /* descriptor + 1 */
	unsigned int irqs_added;
	unsigned int bar_reads, bar_writes, masters, cfg_writes;
	bool master;
	bool irq_refused;
	bool on_heap;
	unsigned int *destroyed;
};

static inline void fake_bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf,
				 uint32_t len)
{
	((struct fake_dev *)d)->bar_reads++;
	memset(buf, (int)(bar + off), len);
}

static inline void fake_bar_write(struct pci_dev *d, unsigned int bar, uint64_t off,
				  const void *buf, uint32_t len)
{
	(void)bar;
	(void)off;
	(void)buf;
	(void)len;
	((struct fake_dev *)d)->bar_writes++;
}

static inline void fake_cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	(void)off;
	(void)len;
	((struct fake_dev *)d)->cfg_writes++;
}

static inline int fake_irq_bind(struct pci_dev *d, const int *fds)
{
	struct fake_dev *f = (struct fake_dev *)d;

	if (f->irq_refused)
		return -ENOSPC;
	for (unsigned int i = 0; i < FAKE_VECTORS; i++)
		f->bound_fd[i] = fds ? fds[i] + 1 : 0;
	return 0;
}

static inline int fake_irq_add(struct pci_dev *d, unsigned int vector, int fd)
{
	struct fake_dev *f = (struct fake_dev *)d;

	if (f->irq_refused)
		return -ENOSPC;
	f->bound_fd[vector] = fd + 1;
	f->irqs_added++;
	return 0;
}

static inline void fake_bus_master(struct pci_dev *d, bool on)
{
	((struct fake_dev *)d)->masters++;
	((struct fake_dev *)d)->master = on;
}

static inline void fake_destroy(struct pci_dev *d)
{
	struct fake_dev *f = (struct fake_dev *)d;

	pci_dev_done(d);
	if (f->destroyed)
		++*f->destroyed;
	if (f->on_heap)
		free(f);
}

static const struct pci_dev_ops fake_dev_ops = {
	.kind = "fake",
	.bar_read = fake_bar_read,
	.bar_write = fake_bar_write,
	.cfg_written = fake_cfg_written,
	.irq_bind = fake_irq_bind,
	.irq_add = fake_irq_add,
	.bus_master = fake_bus_master,
	.destroy = fake_destroy,
};

static uint8_t fake_page[4096] __attribute__((aligned(4096)));

/* Everything but pci_dev_init(). */
static inline void fake_dev_fill(struct fake_dev *f, struct vm *vm, const char *id)
{
	struct pci_dev *d = &f->pci;

	memset(f, 0, sizeof(*f));
	d->ops = &fake_dev_ops;
	d->vm = vm;
	strncpy(d->id, id, sizeof(d->id) - 1);
	d->cfg[0] = 0x86;
	d->cfg[1] = 0x80;
	d->cfg[0x34] = FAKE_MSIX_CAP;
	d->bar[0].size = FAKE_BAR0_SIZE;
	d->bar[0].n_mem = 1;
	d->bar[0].mem[0].offset = 0x2000;
	d->bar[0].mem[0].size = 0x1000;
	d->bar[0].mem[0].va = fake_page;
	d->bar[2].size = FAKE_BAR2_SIZE;
	d->bar[2].is_64 = true;
	d->bar[2].prefetchable = true;
	d->bar[4].size = FAKE_BAR4_SIZE;
	d->msix_cap = FAKE_MSIX_CAP;
	d->n_msix = FAKE_VECTORS;
	d->msix_bar = 4;
	d->msix_pba_off = FAKE_PBA;
}

static inline void cfg_put(struct pci_dev *d, uint32_t off, uint32_t v, uint32_t len)
{
	pci_cfg_write(d, off, &v, len);
}

static inline uint32_t cfg_read(struct pci_dev *d, uint32_t off, uint32_t len)
{
	uint32_t v = 0;

	pci_cfg_read(d, off, &v, len);
	return v;
}

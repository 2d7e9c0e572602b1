/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/pci_regs.h>
#include <lib/clock.h>
#include <lib/dma.h>
#include <lib/mmio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <vfdrv/queue.h>
#include <vfdrv/vfdrv_pcif.h>

#define RING_DEFAULT 256u
#define BURST_ROOM   128u
#define IOVA_DEFAULT UINT64_C(0x1000000)
#define SPIN_MAX_US  50u

struct vfdrv_pcif {
	struct vfdrv core;
	struct pcif *f;
	struct dma_mem *mem;
	bool mapped; /* DMA memory is known to the function */
	int irq[NIC_VF_MSIX_N];
};

static uint32_t home_read32(void *ctx, uint32_t off)
{
	struct vfdrv_pcif *h = ctx;
	uint32_t val;

	return pcif_read32(h->f, 0, off, &val) < 0 ? UINT32_MAX : val;
}

static void home_write32(void *ctx, uint32_t off, uint32_t val)
{
	struct vfdrv_pcif *h = ctx;
	/* a lost function shows at the next read */
	int r = pcif_write32(h->f, 0, off, val);

	(void)r;
}

static void home_delay_us(void *ctx, uint32_t us)
{
	uint64_t until;

	if (us > SPIN_MAX_US) {
		clock_sleep_us(us);
		return;
	}
	until = clock_us() + us;
	while (clock_us() < until)
		cpu_relax();
}

static uint64_t home_now_us(void *ctx)
{
	return clock_us();
}

static int function_check(struct pcif *f)
{
	const struct pcif_region *bar = pcif_region(f, PCIF_REGION_BAR0);
	uint16_t command;
	int r;

	if (!bar || bar->size < NIC_VF_BAR0_SIZE)
		return -ENODEV;

	r = pcif_config_read(f, PCI_COMMAND, &command, sizeof(command));
	if (r < 0)
		return r;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	return pcif_config_write(f, PCI_COMMAND, &command, sizeof(command));
}

/* The area that covers the queue pages, if the function offers one. */
static int queue_pages_map(struct pcif *f, volatile void **ret_pages)
{
	const struct pcif_region *bar = pcif_region(f, PCIF_REGION_BAR0);

	*ret_pages = NULL;
	for (unsigned int i = 0; i < bar->n_areas; i++) {
		const struct pcif_area *a = &bar->area[i];
		void *va;
		int r;

		if (a->offset > NIC_VF_SHARED_OFF || a->size < NIC_VF_SHARED_SIZE ||
		    NIC_VF_SHARED_OFF - a->offset > a->size - NIC_VF_SHARED_SIZE)
			continue;
		r = pcif_region_mmap(f, PCIF_REGION_BAR0, i, &va);
		if (r < 0)
			return r;
		*ret_pages = (volatile uint8_t *)va + (NIC_VF_SHARED_OFF - a->offset);
		return 0;
	}
	return 0;
}

static int irqs_bind(struct vfdrv_pcif *h)
{
	unsigned int n = pcif_irq_count(h->f, PCIF_IRQ_MSIX);

	if (n < NIC_VF_MSIX_N)
		return -ENODEV;
	for (unsigned int i = 0; i < NIC_VF_MSIX_N; i++) {
		h->irq[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (h->irq[i] < 0)
			return -errno;
	}
	return pcif_irq_set(h->f, PCIF_IRQ_MSIX, 0, NIC_VF_MSIX_N, h->irq);
}

static int core_open(struct vfdrv_pcif *h, const struct vfdrv_pcif_config *config)
{
	struct vfdrv_env env = {
		.ctx = h,
		.read32 = home_read32,
		.write32 = home_write32,
		.delay_us = home_delay_us,
		.now_us = home_now_us,
	};
	struct vfdrv_config core = config->core;
	struct vfdrv_mem mem;
	uint32_t n_bufs = config->n_bufs;
	int r;

	if (!core.n_rx)
		core.n_rx = RING_DEFAULT;
	if (!core.n_tx)
		core.n_tx = RING_DEFAULT;
	if (!n_bufs)
		n_bufs = core.n_rx + core.n_tx + BURST_ROOM;
	if (!config->no_mmap) {
		r = queue_pages_map(h->f, &env.queue_pages);
		if (r < 0)
			return r;
	}

	if (config->control) {
		vfdrv_init_control(&h->core, &env);
		return 0;
	}

	r = dma_mem_new("vfdrv", vfdrv_mem_size(&core, n_bufs), config->hugetlb,
			(iova_t){config->iova.v ? config->iova.v : IOVA_DEFAULT}, &h->mem);
	if (r < 0)
		return r;
	r = pcif_dma_map(h->f, h->mem);
	if (r < 0)
		return r;
	h->mapped = true;

	mem = (struct vfdrv_mem){.va = h->mem->va, .iova = h->mem->iova, .len = h->mem->len};
	return vfdrv_init(&h->core, &env, &core, &mem);
}

int vfdrv_pcif_open(struct pcif *f, const struct vfdrv_pcif_config *config,
		    struct vfdrv_pcif **ret_home)
{
	static const struct vfdrv_pcif_config defaults;
	_cleanup_(vfdrv_pcif_closep) struct vfdrv_pcif *h = NULL;
	int r;

	if (!config)
		config = &defaults;
	h = aligned_alloc(64, sizeof(*h));
	if (!h)
		return -ENOMEM;
	*h = (struct vfdrv_pcif){.f = f, .irq = {-1, -1, -1}};

	r = function_check(f);
	if (r < 0)
		return r;
	if (!config->no_irq) {
		r = irqs_bind(h);
		if (r < 0)
			return r;
	}
	r = core_open(h, config);
	if (r < 0)
		return r;
	r = vfdrv_reset(&h->core);
	if (r < 0)
		return r;
	if (!config->no_irq)
		vfdrv_irq_setup(&h->core, VFDRV_PCIF_RX_VECTOR, VFDRV_PCIF_MBX_VECTOR);

	*ret_home = TAKE_PTR(h);
	return 0;
}

void vfdrv_pcif_close(struct vfdrv_pcif *h)
{
	int r = 0;

	if (!h)
		return;
	/* a function that is gone cannot be told anything; its peer drops the mapping with the
	 * socket */
	if (h->core.env.read32)
		r = vfdrv_stop(&h->core);
	if (h->irq[0] >= 0 && !pcif_lost(h->f))
		r = pcif_irq_set(h->f, PCIF_IRQ_MSIX, 0, 0, NULL);
	if (h->mapped && !pcif_lost(h->f))
		r = pcif_dma_unmap(h->f, h->mem);
	(void)r;
	for (unsigned int i = 0; i < NIC_VF_MSIX_N; i++)
		fd_close(h->irq[i]);
	dma_mem_free(h->mem);
	free(h);
}

struct vfdrv *vfdrv_pcif_core(struct vfdrv_pcif *h)
{
	return &h->core;
}

int vfdrv_pcif_irq_fd(const struct vfdrv_pcif *h, unsigned int vector)
{
	return vector < NIC_VF_MSIX_N ? h->irq[vector] : -1;
}

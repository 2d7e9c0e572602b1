#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF that is plain memory, behind the real vfio-user server on a thread of its own: the layout of
 * an 82576's VF, registers that keep what is written, interrupts fired by the test.
 */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <abi/nic_pci.h>
#include <lib/clock.h>
#include <lib/memfd.h>
#include <vfu_server.h>

struct vf_endpoint {
	char path[64];
	pthread_t thread;
	int stop_fd;
	int mmap_fd;
	uint8_t *bar0;
	uint8_t config[NIC_CFG_SIZE];
	struct vfu_server *server;
	atomic_bool ready;
	atomic_uint resets;
	atomic_int irq[NIC_VF_MSIX_N]; /* descriptor, -1 none */
	atomic_uint dma_regions;
};

static inline void vfe_config_read(void *fn, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, ((struct vf_endpoint *)fn)->config + off, len);
}

static inline void vfe_config_write(void *fn, uint32_t off, const void *buf, uint32_t len)
{
	memcpy(((struct vf_endpoint *)fn)->config + off, buf, len);
}

static inline void vfe_region_read(void *fn, unsigned int bar, uint64_t off, void *buf,
				   uint32_t len)
{
	if (bar == 0)
		memcpy(buf, ((struct vf_endpoint *)fn)->bar0 + off, len);
	else
		memset(buf, 0, len);
}

static inline void vfe_region_write(void *fn, unsigned int bar, uint64_t off, const void *buf,
				    uint32_t len)
{
	if (bar == 0)
		memcpy(((struct vf_endpoint *)fn)->bar0 + off, buf, len);
}

static inline void vfe_irq_changed(void *fn, unsigned int vector, int fd)
{
	atomic_store(&((struct vf_endpoint *)fn)->irq[vector], fd);
}

static inline void vfe_dma_changed(void *fn)
{
	struct vf_endpoint *e = fn;
	unsigned int n;

	(void)vfu_server_dma(e->server, &n);
	atomic_store(&e->dma_regions, n);
}

static inline void vfe_reset(void *fn)
{
	atomic_fetch_add(&((struct vf_endpoint *)fn)->resets, 1);
}

static inline void vfe_client(void *fn, bool connected)
{
	(void)fn;
	(void)connected;
}

static const struct vfu_server_ops vfe_ops = {
	.config_read = vfe_config_read,
	.config_write = vfe_config_write,
	.region_read = vfe_region_read,
	.region_write = vfe_region_write,
	.irq_changed = vfe_irq_changed,
	.dma_changed = vfe_dma_changed,
	.reset = vfe_reset,
	.client = vfe_client,
};

static inline void vfe_put(uint8_t *p, uint32_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void vfe_config_fill(uint8_t *c)
{
	memset(c, 0, NIC_CFG_SIZE);
	vfe_put(c + PCI_VENDOR_ID, NIC_VENDOR, 2);
	vfe_put(c + PCI_DEVICE_ID, NIC_DEVICE_VF, 2);
	vfe_put(c + PCI_CLASS_REVISION, NIC_CLASS << 8 | NIC_REVISION, 4);
	vfe_put(c + PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	c[PCI_CAPABILITY_LIST] = NIC_CFG_MSIX;
	c[NIC_CFG_MSIX] = PCI_CAP_ID_MSIX;
	c[NIC_CFG_MSIX + 1] = NIC_CFG_PCIE;
	vfe_put(c + NIC_CFG_MSIX + 2, NIC_VF_MSIX_N - 1, 2);
	vfe_put(c + NIC_CFG_MSIX + 4, NIC_MSIX_TABLE_OFF | NIC_VF_MSIX_BAR, 4);
	vfe_put(c + NIC_CFG_MSIX + 8, NIC_MSIX_PBA_OFF | NIC_VF_MSIX_BAR, 4);
	c[NIC_CFG_PCIE] = PCI_CAP_ID_EXP;
	vfe_put(c + NIC_CFG_PCIE + 2, 2, 2);
	vfe_put(c + NIC_CFG_PCIE + 4, PCI_EXP_DEVCAP_FLR, 4);
}

static inline int vfe_on_stop(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)fd;
	(void)revents;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static inline void *vfe_thread(void *arg)
{
	struct vf_endpoint *e = arg;
	struct vfu_server_config config = {
		.path = e->path, .ops = &vfe_ops, .fn = e, .n_msix = NIC_VF_MSIX_N};
	sd_event *event = NULL;

	for (unsigned int i = 0; i < 6; i++)
		config.region[i].mmap_fd = -1;
	config.region[0].size = NIC_VF_BAR0_SIZE;
	config.region[0].mmap_fd = e->mmap_fd;
	config.region[0].n_areas = 1;
	config.region[0].area[0].offset = NIC_VF_SHARED_OFF;
	config.region[0].area[0].size = NIC_VF_SHARED_SIZE;
	config.region[3].size = NIC_MSIX_BAR_SIZE;
	if (sd_event_new(&event) >= 0 &&
	    sd_event_add_io(event, NULL, e->stop_fd, 1, vfe_on_stop, e) >= 0 &&
	    vfu_server_new(event, &config, &e->server) >= 0) {
		atomic_store(&e->ready, true);
		sd_event_loop(event);
	}
	vfu_server_free(e->server);
	sd_event_unref(event);
	return NULL;
}

static inline struct vf_endpoint *vfe_start(const char *dir, const char *name)
{
	struct vf_endpoint *e = calloc(1, sizeof(*e));
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;

	if (!e)
		abort();
	snprintf(e->path, sizeof(e->path), "%s/%s.sock", dir, name);
	vfe_config_fill(e->config);
	for (unsigned int i = 0; i < NIC_VF_MSIX_N; i++)
		atomic_store(&e->irq[i], -1);
	e->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (memfd_new("vf-bar0", NIC_VF_BAR0_SIZE, false, &e->mmap_fd) < 0)
		abort();
	e->bar0 = mmap(NULL, NIC_VF_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, e->mmap_fd, 0);
	if (e->bar0 == MAP_FAILED || pthread_create(&e->thread, NULL, vfe_thread, e))
		abort();
	while (!atomic_load(&e->ready) && clock_us() < end)
		clock_sleep_us(200);
	if (!atomic_load(&e->ready))
		abort();
	return e;
}

static inline void vfe_stop(struct vf_endpoint *e)
{
	eventfd_write(e->stop_fd, 1);
	pthread_join(e->thread, NULL);
	munmap(e->bar0, NIC_VF_BAR0_SIZE);
	close(e->mmap_fd);
	close(e->stop_fd);
	free(e);
}

static inline void vfe_interrupt(struct vf_endpoint *e, unsigned int vector)
{
	int fd = atomic_load(&e->irq[vector]);

	if (fd >= 0)
		eventfd_write(fd, 1);
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vfio-user endpoint in a thread of its own: the real server on an sd-event loop, around a
 * function that is plain memory and counts what happens to it.
 */
#include <support/test.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <lib/clock.h>
#include <lib/memfd.h>
#include <vfu_server.h>

#define EP_BAR0_SIZE (128u << 10)
#define EP_BAR3_SIZE (1u << 20)
#define EP_AREA	     0x2000u
#define EP_VECTORS   20u

struct endpoint {
	char path[64];
	pthread_t thread;
	int stop_fd;
	int mmap_fd;
	uint8_t *bar0; /* backed by mmap_fd */
	uint8_t *bar3;
	uint8_t config[4096];
	struct vfu_server *server; /* the thread's; read by tests while it is idle */
	atomic_bool ready;
	atomic_uint resets, clients_came, clients_went, irqs_bound, irqs_unbound, dma_changes;
	/* the memory of the last table's first region, as dma_changed() still finds it */
	const volatile uint8_t *_Atomic dma_va;
	atomic_uint dma_regions;
	atomic_uint dma_seen;
};

static inline void ep_config_read(void *fn, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, ((struct endpoint *)fn)->config + off, len);
}

static inline void ep_config_write(void *fn, uint32_t off, const void *buf, uint32_t len)
{
	memcpy(((struct endpoint *)fn)->config + off, buf, len);
}

static inline uint8_t *ep_bar(struct endpoint *ep, unsigned int bar)
{
	return bar == 0 ? ep->bar0 : ep->bar3;
}

static inline void ep_region_read(void *fn, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	memcpy(buf, ep_bar(fn, bar) + off, len);
}

static inline void ep_region_write(void *fn, unsigned int bar, uint64_t off, const void *buf,
				   uint32_t len)
{
	memcpy(ep_bar(fn, bar) + off, buf, len);
}

static inline void ep_irq_changed(void *fn, unsigned int vector, int fd)
{
	struct endpoint *ep = fn;

	atomic_fetch_add(fd >= 0 ? &ep->irqs_bound : &ep->irqs_unbound, 1);
}

static inline void ep_dma_changed(void *fn)
{
	struct endpoint *ep = fn;
	const struct vfu_dma_region *region;
	unsigned int n;

	/* a data path may use the old memory until this returns: it must not be unmapped yet */
	if (atomic_load(&ep->dma_va))
		atomic_store(&ep->dma_seen, *atomic_load(&ep->dma_va));
	region = vfu_server_dma(ep->server, &n);
	atomic_store(&ep->dma_va, n ? region[0].va : NULL);
	atomic_store(&ep->dma_regions, n);
	atomic_fetch_add(&ep->dma_changes, 1);
}

static inline void ep_reset(void *fn)
{
	atomic_fetch_add(&((struct endpoint *)fn)->resets, 1);
}

static inline void ep_client(void *fn, bool connected)
{
	struct endpoint *ep = fn;

	atomic_fetch_add(connected ? &ep->clients_came : &ep->clients_went, 1);
}

static const struct vfu_server_ops ep_ops = {
	.config_read = ep_config_read,
	.config_write = ep_config_write,
	.region_read = ep_region_read,
	.region_write = ep_region_write,
	.irq_changed = ep_irq_changed,
	.dma_changed = ep_dma_changed,
	.reset = ep_reset,
	.client = ep_client,
};

static inline void ep_config_of(struct endpoint *ep, struct vfu_server_config *ret)
{
	*ret = (struct vfu_server_config){
		.path = ep->path, .ops = &ep_ops, .fn = ep, .n_msix = EP_VECTORS};
	for (unsigned int i = 0; i < 6; i++)
		ret->region[i].mmap_fd = -1;
	ret->region[0].size = EP_BAR0_SIZE;
	ret->region[0].mmap_fd = ep->mmap_fd;
	ret->region[0].n_areas = 1;
	ret->region[0].area[0].offset = EP_AREA;
	ret->region[0].area[0].size = 0x2000;
	ret->region[3].size = EP_BAR3_SIZE;
}

static inline int ep_on_stop(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* Failures here leave ready false, which ep_start() reports: cmocka cannot fail in a thread. */
static inline void *ep_thread(void *arg)
{
	struct endpoint *ep = arg;
	struct vfu_server_config config;
	sd_event *event = NULL;

	ep_config_of(ep, &config);
	if (sd_event_new(&event) >= 0 &&
	    sd_event_add_io(event, NULL, ep->stop_fd, 1, ep_on_stop, ep) >= 0 &&
	    vfu_server_new(event, &config, &ep->server) >= 0) {
		atomic_store(&ep->ready, true);
		sd_event_loop(event);
	}
	vfu_server_free(ep->server);
	sd_event_unref(event);
	return NULL;
}

/* True once @v reaches @want; what the server does is seen soon after, not at once. */
static inline bool ep_reaches(atomic_uint *v, unsigned int want)
{
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;

	while (atomic_load(v) != want && clock_us() < end)
		clock_sleep_us(500);
	return atomic_load(v) == want;
}

static inline struct endpoint *ep_start(const char *dir, const char *name)
{
	struct endpoint *ep = calloc(1, sizeof(*ep));
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;

	assert_non_null(ep);
	snprintf(ep->path, sizeof(ep->path), "%s/%s.sock", dir, name);
	ep->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_true(ep->stop_fd >= 0);
	assert_int_equal(memfd_new("bar0", EP_BAR0_SIZE, false, &ep->mmap_fd), 0);
	ep->bar0 = mmap(NULL, EP_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ep->mmap_fd, 0);
	assert_true(ep->bar0 != MAP_FAILED);
	ep->bar3 = calloc(1, EP_BAR3_SIZE);
	assert_non_null(ep->bar3);
	assert_int_equal(pthread_create(&ep->thread, NULL, ep_thread, ep), 0);
	while (!atomic_load(&ep->ready) && clock_us() < end)
		clock_sleep_us(200);
	assert_true(atomic_load(&ep->ready));
	return ep;
}

static inline void ep_stop(struct endpoint *ep)
{
	const uint64_t one = 1;

	if (write(ep->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(ep->thread, NULL);
	munmap(ep->bar0, EP_BAR0_SIZE);
	free(ep->bar3);
	close(ep->mmap_fd);
	close(ep->stop_fd);
	free(ep);
}

static inline unsigned int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

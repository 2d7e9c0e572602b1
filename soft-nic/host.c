/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <lib/log.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include "dp_copy.h"
#include "host.h"
#include "nic_jail.h"
#include "mapguard.h"

static void signal_fd(int fd)
{
	uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0) {
		/* full: whoever reads it has not read since, that is signal enough */
	}
}

/* ---- what the model asks for ------------------------------------------------------------ */

/* A message for a vector without receiver waits for one, as it would for an unmasked vector. */
static void on_irq(void *ctx, unsigned int fn, unsigned int vector)
{
	struct host *h = ctx;
	struct host_fn *f = &h->fn[fn];
	int fd = atomic_load(&f->irq_fd[vector]);

	if (fd < 0) {
		atomic_fetch_or(&f->irq_missed, BIT32(vector));
		fd = atomic_load(&f->irq_fd[vector]); /* bound meanwhile? */
		if (fd < 0 || !(atomic_fetch_and(&f->irq_missed, ~BIT32(vector)) & BIT32(vector)))
			return;
	}
	signal_fd(fd);
}

static void on_poke(void *ctx)
{
	struct host *h = ctx;

	signal_fd(h->poke_fd);
}

static int on_poke_fd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct host *h = userdata;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return 0;
	snic_service(h->nic);
	return 0;
}

/* A client took memory away that it had mapped for us: to it, the function is gone. */
static int on_lost_fd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct host *h = userdata;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return 0;
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++)
		if (h->fn[fn].server && vfu_server_evict(h->fn[fn].server))
			log_object_warning(h->o.name, 0,
					   "function %u: its client's memory went away, hung up",
					   fn);
	return 0;
}

/* ---- what a client asks for ------------------------------------------------------------- */

static void fn_config_read(void *fn, uint32_t off, void *buf, uint32_t len)
{
	struct host_fn *f = fn;

	snic_config_read(f->host->nic, f->fn, off, buf, len);
}

static void fn_config_write(void *fn, uint32_t off, const void *buf, uint32_t len)
{
	struct host_fn *f = fn;

	snic_config_write(f->host->nic, f->fn, off, buf, len);
}

static void fn_region_read(void *fn, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct host_fn *f = fn;

	snic_bar_read(f->host->nic, f->fn, bar, off, buf, len);
}

static void fn_region_write(void *fn, unsigned int bar, uint64_t off, const void *buf, uint32_t len)
{
	struct host_fn *f = fn;

	snic_bar_write(f->host->nic, f->fn, bar, off, buf, len);
}

static void quiesce(struct host *h)
{
	int r = snic_quiesce(h->nic);

	if (r < 0) {
		log_object_error(h->o.name, r, "data thread does not stop, giving up");
		abort();
	}
}

/*
 * The data thread signals descriptors of its own, so that none is closed, and its number used anew,
 * while a message is on its way.
 */
static void fn_irq_changed(void *fn, unsigned int vector, int fd)
{
	struct host_fn *f = fn;
	int copy, old;

	if (vector >= NIC_PF_MSIX_N)
		return;
	copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	old = atomic_exchange(&f->irq_fd[vector], copy);
	if (old >= 0) {
		quiesce(f->host);
		fd_close(old);
	}
	if (copy < 0)
		return;
	if (atomic_fetch_and(&f->irq_missed, ~BIT32(vector)) & BIT32(vector))
		signal_fd(copy);
	snic_irq_rebound(f->host->nic, f->fn, vector);
}

static void fn_dma_changed(void *fn)
{
	struct host_fn *f = fn;
	struct snic_dma regions[VFU_DMA_RUNS_MAX];
	const struct vfu_dma_region *r;
	unsigned int n, k = 0;
	bool kept = false;
	int e;

	if (!f->server)
		return;
	r = vfu_server_dma(f->server, &n);
	for (unsigned int i = 0; i < n; i++) {
		if (kept && vfu_dma_follows(&r[i - 1], &r[i])) {
			regions[k - 1].size += r[i].size;
			continue;
		}
		/* a client that cuts its memory into more runs by unmapping loses the last ones */
		kept = r[i].va && k < VFU_DMA_RUNS_MAX;
		if (kept)
			regions[k++] = (struct snic_dma){.iova = r[i].iova,
							 .size = r[i].size,
							 .va = r[i].va,
							 .readable = r[i].readable,
							 .writable = r[i].writable};
	}
	e = snic_dma_set(f->host->nic, f->fn, regions, k);
	if (e < 0) { /* on return the old memory goes away */
		log_object_error(f->host->o.name, e, "data thread does not leave unmapped memory");
		abort();
	}
}

static void fn_reset(void *fn)
{
	struct host_fn *f = fn;

	snic_fn_reset(f->host->nic, f->fn, true);
}

static void fn_client(void *fn, bool connected)
{
	struct host_fn *f = fn;

	log_object_debug(f->host->o.name, "function %u: client %s", f->fn,
			 connected ? "came" : "went");
	atomic_store(&f->irq_missed, 0);
	if (!connected)
		snic_fn_gone(f->host->nic, f->fn);
}

static const struct vfu_server_ops fn_ops = {
	.config_read = fn_config_read,
	.config_write = fn_config_write,
	.region_read = fn_region_read,
	.region_write = fn_region_write,
	.irq_changed = fn_irq_changed,
	.dma_changed = fn_dma_changed,
	.reset = fn_reset,
	.client = fn_client,
};

/* ---- functions come and go -------------------------------------------------------------- */

static int fn_serve(struct host *h, unsigned int fn)
{
	struct host_fn *f = &h->fn[fn];
	bool pf = fn == SNIC_PF;
	char path[512];
	struct vfu_server_config c = {.path = path, .ops = &fn_ops, .fn = f};
	int n;

	n = pf ? snprintf(path, sizeof(path), "%s/pf.sock", h->o.dir)
	       : snprintf(path, sizeof(path), "%s/vf%u.sock", h->o.dir, fn);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	for (unsigned int i = 0; i < 6; i++)
		c.region[i].mmap_fd = -1;
	c.region[0].size = pf ? NIC_PF_BAR0_SIZE : NIC_VF_BAR0_SIZE;
	c.region[NIC_PF_MSIX_BAR].size = NIC_MSIX_BAR_SIZE;
	c.n_msix = pf ? NIC_PF_MSIX_N : NIC_VF_MSIX_N;
	if (!pf) {
		c.region[0].mmap_fd = snic_page_fd(h->nic, fn);
		c.region[0].n_areas = 1;
		c.region[0].area[0].offset = NIC_VF_SHARED_OFF;
		c.region[0].area[0].size = NIC_VF_SHARED_SIZE;
	}
	return vfu_server_new(h->event, &c, &f->server);
}

static void fn_unserve(struct host_fn *f)
{
	struct vfu_server *s = TAKE_PTR(f->server);

	vfu_server_free(s);
	for (unsigned int v = 0; v < NIC_PF_MSIX_N; v++)
		fd_close(atomic_exchange(&f->irq_fd[v], -1));
}

static void on_vfs_changed(void *ctx, unsigned int n_vfs)
{
	struct host *h = ctx;
	int r;

	for (unsigned int vf = 0; vf < NIC_VFS_MAX; vf++) {
		if (vf >= n_vfs) {
			if (h->fn[vf].server)
				fn_unserve(&h->fn[vf]);
		} else if (!h->fn[vf].server) {
			r = fn_serve(h, vf);
			if (r < 0)
				log_object_warning(h->o.name, r,
						   "vf %u: no socket, it stays unreachable", vf);
		}
	}
	if (h->ctl)
		ctl_emit(h->ctl, "nic.vfs", json_pack("{s:i}", "num_vfs", (int)n_vfs));
}

static void kick(void *ctx)
{
	struct host *h = ctx;

	snic_dp_kick(h->nic);
}

static int start_wire(struct host *h)
{
	int r;

	if (h->o.tap_fd < 0)
		return 0;
	r = snic_wire_new(&h->wire);
	if (r < 0)
		return r;
	snic_wire_attach(h->nic, h->wire);
	return snic_tap_start(h->wire, TAKE_FD(h->o.tap_fd), kick, h, &h->tap);
}

int host_new(sd_event *event, const struct host_options *o, struct host **ret_host)
{
	static const struct snic_ops ops = {
		.irq = on_irq,
		.vfs_changed = on_vfs_changed,
		.poke = on_poke,
		.data_thread = nic_jail_data_thread,
	};
	_cleanup_(host_freep) struct host *h = NULL;
	struct snic_config config = {.ops = &ops};
	int r;

	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->o = *o;
	h->event = sd_event_ref(event);
	h->lost_fd = -1;
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++) {
		h->fn[fn] = (struct host_fn){.host = h, .fn = fn};
		for (unsigned int v = 0; v < NIC_PF_MSIX_N; v++)
			atomic_store(&h->fn[fn].irq_fd[v], -1);
	}
	h->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->poke_fd < 0)
		return -errno;
	r = sd_event_add_io(event, &h->poke_source, h->poke_fd, EPOLLIN, on_poke_fd, h);
	if (r < 0)
		return r;
	h->lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->lost_fd < 0)
		return -errno;
	r = sd_event_add_io(event, &h->lost_source, h->lost_fd, EPOLLIN, on_lost_fd, h);
	if (r < 0)
		return r;
	mapguard_notify(h->lost_fd);
	memcpy(config.mac, o->mac, sizeof(config.mac));
	config.ctx = h;
	r = snic_new(&config, &h->nic);
	if (r < 0)
		return r;
	r = start_wire(h);
	if (r < 0)
		return r;
	r = ctl_server_new(event, TAKE_FD(h->o.control_fd), "soft-nic", host_methods(), h, &h->ctl);
	if (r < 0)
		return r;
	r = snic_dp_threads(h->nic, o->n_threads, o->cpu);
	if (r < 0)
		return r;
	r = snic_dp_start(h->nic, -1);
	if (r < 0)
		return r;
	r = fn_serve(h, SNIC_PF);
	if (r < 0)
		return r;
	log_object_debug(h->o.name, "frames are copied %s",
			 dp_copy_is_wide() ? "with AVX2" : "16 bytes at a time");
	*ret_host = TAKE_PTR(h);
	return 0;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	for (unsigned int fn = 0; fn < SNIC_FNS; fn++)
		if (h->fn[fn].server)
			fn_unserve(&h->fn[fn]);
	ctl_server_free(h->ctl);
	if (h->nic)
		snic_dp_stop(h->nic);
	snic_tap_stop(h->tap);
	snic_free(h->nic);
	snic_wire_free(h->wire);
	sd_event_source_disable_unref(h->poke_source);
	fd_close(h->poke_fd);
	mapguard_notify(-1);
	sd_event_source_disable_unref(h->lost_source);
	fd_close(h->lost_fd);
	fd_close(h->o.control_fd);
	fd_close(h->o.tap_fd);
	sd_event_unref(h->event);
	free(h);
}

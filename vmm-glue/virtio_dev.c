/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtio_dev.h"

#include <abi/bits.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static struct virtio_dev *virtio_dev(struct pci_dev *d)
{
	return (struct virtio_dev *)d;
}

static unsigned int n_queues(const struct virtio_dev *v)
{
	return v->regs.type.n_queues;
}

int virtio_dev_call_fd(const struct virtio_dev *v, unsigned int queue)
{
	uint16_t vector = v->regs.q[queue].vector;

	return vector < virtio_vectors(&v->regs.type) ? v->vector_fd[vector] : -1;
}

static void *mem_ptr(void *ctx, uint64_t gpa, size_t len)
{
	return vmm_gpa_ptr(ctx, (gpa_t){gpa}, len);
}

struct virtq_mem virtio_dev_mem(struct virtio_dev *v)
{
	return (struct virtq_mem){.ptr = mem_ptr, .ctx = v->pci.vm};
}

static void needs_reset(struct virtio_dev *v, const char *why)
{
	if (v->regs.status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	virtio_regs_needs_reset(&v->regs);
	v->why = why;
	v->tell = true;
}

void virtio_dev_cfg_set(struct virtio_dev *v, unsigned int off, const void *val, unsigned int len)
{
	if (!memcmp(v->regs.device_cfg + off, val, len))
		return;
	virtio_regs_cfg_set(&v->regs, off, val, len);
	v->tell = true;
}

/* ---- rings ------------------------------------------------------------------------------ */

/* Fills @ret_q with host addresses; every byte of every ring has to lie in guest RAM. */
static int queue_resolve(struct virtio_dev *v, unsigned int i, struct virtq_map *ret_q)
{
	const struct virtio_queue *q = &v->regs.q[i];
	struct virtio_queue_sizes len = virtio_queue_sizes(q->size);

	*ret_q = (struct virtq_map){.kick_fd = v->kick_fd[i], .call_fd = -1};
	if (!q->enabled)
		return 0;
	ret_q->desc = vmm_gpa_ptr(v->pci.vm, (gpa_t){q->desc}, len.desc);
	ret_q->avail = vmm_gpa_ptr(v->pci.vm, (gpa_t){q->avail}, len.avail);
	ret_q->used = vmm_gpa_ptr(v->pci.vm, (gpa_t){q->used}, len.used);
	if (!ret_q->desc || !ret_q->avail || !ret_q->used)
		return -EFAULT;
	ret_q->size = q->size;
	ret_q->base = v->base[i];
	ret_q->call_fd = virtio_dev_call_fd(v, i);
	return 0;
}

static void rings_start(struct virtio_dev *v)
{
	struct virtq_map q[VIRTIO_QUEUES_MAX];
	bool any = false;

	for (unsigned int i = 0; i < n_queues(v); i++) {
		if (queue_resolve(v, i, &q[i]) < 0) {
			needs_reset(v, "a ring outside memory");
			return;
		}
		any |= q[i].size != 0;
	}
	if (!any)
		return;
	v->live = true;
	if (v->ops->start(v, q) < 0) {
		v->live = false;
		needs_reset(v, "what serves the rings did not start");
	}
}

static void rings_stop(struct virtio_dev *v)
{
	int r = v->ops->stop(v);

	v->live = false;
	v->stopping = r == -EINPROGRESS;
	if (r < 0 && !v->stopping)
		needs_reset(v, "what serves the rings did not stop");
}

/* Brings the rings to what status and bus mastering ask for. Lock held. */
static void rings_sync(struct virtio_dev *v)
{
	const uint8_t bad = VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED;
	bool want = (v->regs.status & VIRTIO_CONFIG_S_DRIVER_OK) && v->bus_master;

	if (v->stopping) {
		if (!v->ops->stopped(v))
			return;
		v->stopping = false;
	}
	if (!want && v->live)
		rings_stop(v);
	else if (want && !v->live && !(v->regs.status & bad))
		rings_start(v);
	v->regs.resetting = v->stopping && v->regs.status == 0;
	if (v->regs.status == 0 && !v->stopping) {
		memset(v->base, 0, sizeof(v->base));
		atomic_store(&v->broken, NULL);
		v->why = NULL;
	}
}

void virtio_dev_lock(struct virtio_dev *v)
{
	const char *why;

	pthread_mutex_lock(&v->lock);
	why = atomic_load(&v->broken);
	if (why && v->regs.status != 0)
		needs_reset(v, why);
	if (v->stopping)
		rings_sync(v);
}

void virtio_dev_unlock(struct virtio_dev *v)
{
	uint32_t vector;
	bool tell;

	if (v->ops->settled)
		v->ops->settled(v);
	tell = v->tell && v->regs.status != 0;
	vector = v->regs.config_vector;
	v->tell = false;
	atomic_store(&v->config_vector, vector);
	pthread_mutex_unlock(&v->lock);
	if (tell)
		pci_dev_irq(&v->pci, vector);
}

/* The status changes at the next access; the driver is made to look by the interrupt. */
void virtio_dev_broke(struct virtio_dev *v, const char *why)
{
	const char *none = NULL;

	if (atomic_compare_exchange_strong(&v->broken, &none, why))
		pci_dev_irq(&v->pci, atomic_load(&v->config_vector));
}

/* ---- registers -------------------------------------------------------------------------- */

static void queue_enabled(struct virtio_dev *v)
{
	struct virtq_map q;

	/* told at once, not at DRIVER_OK: the driver sees which step was wrong */
	if (queue_resolve(v, v->regs.queue_select, &q) < 0)
		needs_reset(v, "a ring outside memory");
}

static void regs_write(struct virtio_dev *v, uint32_t off, uint64_t val, uint32_t len)
{
	uint8_t status;

	virtio_dev_lock(v);
	status = v->regs.status;
	switch (virtio_regs_write(&v->regs, off, val, len)) {
	case VIRTIO_EFFECT_QUEUE:
		queue_enabled(v);
		break;
	case VIRTIO_EFFECT_VECTOR:
		if (v->live)
			v->ops->set_call(v, v->regs.queue_select,
					 virtio_dev_call_fd(v, v->regs.queue_select));
		break;
	case VIRTIO_EFFECT_STATUS:
		rings_sync(v);
		break;
	case VIRTIO_EFFECT_NONE:
		break;
	}
	/* the register file asks for a reset by itself when addresses are misaligned */
	v->tell |= v->regs.status & ~status & VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_dev_unlock(v);
}

static void kick(struct virtio_dev *v, uint32_t off)
{
	uint32_t queue = off / VIRTIO_NOTIFY_STRIDE;
	uint64_t one = 1;

	if (queue < n_queues(v) && write(v->kick_fd[queue], &one, sizeof(one)) < 0)
		return; /* the counter is full: a kick is pending anyway */
}

static void bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct virtio_dev *v = virtio_dev(d);

	memset(buf, 0, len);
	if (bar != VIRTIO_BAR)
		return;
	virtio_dev_lock(v);
	virtio_regs_read(&v->regs, (uint32_t)off, buf, len, true);
	virtio_dev_unlock(v);
}

static void bar_store(struct virtio_dev *v, uint64_t off, const void *buf, uint32_t len)
{
	uint64_t val = 0;

	memcpy(&val, buf, len);
	if (off >= VIRTIO_BAR_NOTIFY && off < VIRTIO_BAR_NOTIFY + VIRTIO_BAR_PART)
		kick(v, (uint32_t)off - VIRTIO_BAR_NOTIFY);
	else
		regs_write(v, (uint32_t)off, val, len);
}

/*
 * The window through configuration space. The core reads cfg[] itself, so the data field is kept
 * equal to the register it looks at; reads through it have no side effect.
 */
static bool window(const struct virtio_dev *v, uint32_t *ret_off, uint32_t *ret_len)
{
	const uint8_t *cap = &v->pci.cfg[VIRTIO_CFG_CAP_WINDOW];
	uint32_t off, len;

	memcpy(&off, cap + VIRTIO_PCI_CAP_OFFSET, sizeof(off));
	memcpy(&len, cap + VIRTIO_PCI_CAP_LENGTH, sizeof(len));
	if (cap[VIRTIO_PCI_CAP_BAR] != VIRTIO_BAR || (len != 1 && len != 2 && len != 4))
		return false;
	if (off % len != 0 || off >= VIRTIO_BAR_SIZE)
		return false;
	*ret_off = off;
	*ret_len = len;
	return true;
}

static void window_refresh(struct virtio_dev *v)
{
	uint8_t *data = &v->pci.cfg[VIRTIO_CFG_CAP_WINDOW + sizeof(struct virtio_pci_cap)];
	uint32_t off, len;

	if (!window(v, &off, &len))
		return;
	virtio_dev_lock(v);
	virtio_regs_read(&v->regs, off, data, len, false);
	virtio_dev_unlock(v);
}

static void bar_write(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
		      uint32_t len)
{
	struct virtio_dev *v = virtio_dev(d);

	if (bar != VIRTIO_BAR)
		return;
	bar_store(v, off, buf, len);
	window_refresh(v);
}

static void kicks_set(struct virtio_dev *v, bool on)
{
	for (unsigned int i = 0; i < n_queues(v); i++) {
		gpa_t at = {v->kicks_gpa + i * VIRTIO_NOTIFY_STRIDE};

		/* without it the kick arrives by bar_write(): slower, not wrong */
		if (vmm_ioeventfd(v->pci.vm, at, 2, v->kick_fd[i], on) < 0)
			continue;
	}
	v->kicks_on = on;
}

/* The guest may move the BAR at any time: the kicks go with it. */
static void kicks_move(struct virtio_dev *v)
{
	const struct pci_bar *b = &v->pci.bar[VIRTIO_BAR];
	uint64_t gpa;
	bool mapped;

	/* the main thread looks after all BARs when a function left */
	pthread_mutex_lock(&v->pci.lock);
	gpa = b->gpa + VIRTIO_BAR_NOTIFY;
	mapped = b->mapped;
	pthread_mutex_unlock(&v->pci.lock);

	pthread_mutex_lock(&v->lock);
	if (v->kicks_on && (!mapped || gpa != v->kicks_gpa))
		kicks_set(v, false);
	if (!v->kicks_on && mapped) {
		v->kicks_gpa = gpa;
		kicks_set(v, true);
	}
	pthread_mutex_unlock(&v->lock);
}

static void cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	const uint32_t data = VIRTIO_CFG_CAP_WINDOW + (uint32_t)sizeof(struct virtio_pci_cap);
	struct virtio_dev *v = virtio_dev(d);
	uint32_t reg, width;

	if (off + len > data && off < data + 4 && window(v, &reg, &width))
		bar_store(v, reg, &d->cfg[data], width);
	kicks_move(v);
	window_refresh(v);
}

static int irq_bind(struct pci_dev *d, const int *fds)
{
	struct virtio_dev *v = virtio_dev(d);

	virtio_dev_lock(v);
	for (unsigned int i = 0; i < virtio_vectors(&v->regs.type); i++)
		v->vector_fd[i] = fds ? fds[i] : -1;
	for (unsigned int i = 0; v->live && i < n_queues(v); i++)
		v->ops->set_call(v, i, virtio_dev_call_fd(v, i));
	virtio_dev_unlock(v);
	return 0;
}

static void bus_master(struct pci_dev *d, bool on)
{
	struct virtio_dev *v = virtio_dev(d);

	virtio_dev_lock(v);
	v->bus_master = on;
	rings_sync(v);
	virtio_dev_unlock(v);
}

static uint64_t messages(struct pci_dev *d)
{
	struct virtio_dev *v = virtio_dev(d);

	return v->ops->messages ? v->ops->messages(v) : 0;
}

/* ---- birth and death -------------------------------------------------------------------- */

static void destroy(struct pci_dev *d)
{
	struct virtio_dev *v = virtio_dev(d);

	v->pci.bar[VIRTIO_BAR].mapped = false;
	kicks_move(v);
	virtio_dev_lock(v);
	v->regs.status = 0;
	rings_sync(v);
	virtio_dev_unlock(v);
	virtio_dev_free(v);
}

static const struct pci_dev_ops pci_ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.cfg_written = cfg_written,
	.irq_bind = irq_bind,
	.bus_master = bus_master,
	.messages = messages,
	.destroy = destroy,
};

static int on_kick(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct virtio_main_queue *m = userdata;
	struct virtio_dev *v = m->v;
	eventfd_t n;

	(void)s;
	(void)revents;
	if (eventfd_read(fd, &n) < 0)
		return 0;
	virtio_dev_lock(v);
	if (v->live)
		v->ops->kicked(v, (unsigned int)(m - v->main_queue));
	virtio_dev_unlock(v);
	return 0;
}

int virtio_dev_init(struct virtio_dev *v, struct vm *vm, const char *id,
		    const struct virtio_type *type, const struct virtio_dev_ops *ops,
		    uint32_t main_queues)
{
	int r;

	v->ops = ops;
	v->main_queues = main_queues;
	pthread_mutex_init(&v->lock, NULL);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		v->kick_fd[i] = -1;
	for (unsigned int i = 0; i < VIRTIO_VECTORS_MAX; i++)
		v->vector_fd[i] = -1;
	virtio_regs_init(&v->regs, type);
	atomic_store(&v->config_vector, v->regs.config_vector);
	v->pci_ops = pci_ops;
	v->pci_ops.kind = ops->kind;
	v->pci.ops = &v->pci_ops;
	v->pci.vm = vm;
	snprintf(v->pci.id, sizeof(v->pci.id), "%s", id);
	virtio_cfg_init(&v->pci, type);

	for (unsigned int i = 0; i < type->n_queues; i++) {
		v->kick_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->kick_fd[i] < 0)
			return -errno;
		if (!(main_queues & BIT32(i)))
			continue;
		v->main_queue[i].v = v;
		r = sd_event_add_io(vmm_event(vm), &v->main_queue[i].source, v->kick_fd[i], EPOLLIN,
				    on_kick, &v->main_queue[i]);
		if (r < 0)
			return r;
	}
	return pci_dev_init(&v->pci);
}

void virtio_dev_free(struct virtio_dev *v)
{
	int r;

	if (!v)
		return;
	if (!v->ops) { /* virtio_dev_init() was never called */
		free(v);
		return;
	}
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		sd_event_source_disable_unref(v->main_queue[i].source);
	r = v->ops->free(v);
	pci_dev_done(&v->pci);
	if (r < 0)
		return; /* its thread hangs in a system call, and may come back */
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		fd_close(v->kick_fd[i]);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

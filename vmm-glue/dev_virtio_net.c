/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Modern virtio-net over PCI: the registers a driver uses to agree on features and to place its
 * queues. Once the driver is up the guest and the vhost-user back end share the rings, the kick is
 * an ioeventfd and the interrupt an irqfd: nothing of this file runs any more.
 *
 * Registers are accessed by vCPU threads; lock covers all state below it. A back end that does not
 * answer within a second is lost, so no vCPU waits longer. Lock order: pci_dev.lock, then ours.
 *
 * Source: [VIRTIO] 4.1 (PCI), 5.1 (network device), 2.1 (device status).
 */
#include "dev.h"
#include "vhost_user.h"
#include "virtio_regs.h"
#include "vm.h"
#include "vmm_pci.h"

#include <abi/bits.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct virtio_net {
	struct pci_dev pci; /* first: the core knows only this */
	struct vmm_vhu *vhu;
	sd_event_source *hangup;
	int kick_fd[VMM_VHU_QUEUES];
	_Atomic bool told; /* vmm_device_lost() was called */
	pthread_mutex_t lock;
	struct virtio_regs regs;
	uint16_t base[VMM_VHU_QUEUES];	   /* where stopped rings go on */
	int vector_fd[VIRTIO_NET_VECTORS]; /* from irq_bind, -1: none */
	bool bus_master;
	bool live;     /* the back end owns the rings */
	bool kicks_on; /* ioeventfds are registered at kicks_gpa */
	uint64_t kicks_gpa;
};

/*
 * What a back end may offer that concerns rings and buffers only; no offload crosses the bridge.
 */
#define VIRTIO_NET_PASS                                                        \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_NET_F_MRG_RXBUF) |           \
	 BIT64(VIRTIO_RING_F_INDIRECT_DESC) | BIT64(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT64(VIRTIO_F_IN_ORDER))
#define VIRTIO_NET_OWN (BIT64(VIRTIO_NET_F_MAC) | BIT64(VIRTIO_NET_F_STATUS))

static struct virtio_net *virtio_net(struct pci_dev *d)
{
	return (struct virtio_net *)d;
}

static int queue_call_fd(const struct virtio_net *vn, unsigned int i)
{
	uint16_t vector = vn->regs.q[i].vector;

	return vector < VIRTIO_NET_VECTORS ? vn->vector_fd[vector] : -1;
}

/* Fills @ret_q with host addresses; every byte of every ring has to lie in guest RAM. */
static int queue_resolve(struct virtio_net *vn, unsigned int i, struct vmm_vhu_queue *ret_q)
{
	const struct virtio_queue *q = &vn->regs.q[i];
	struct virtio_queue_sizes len = virtio_queue_sizes(q->size);

	*ret_q = (struct vmm_vhu_queue){.kick_fd = vn->kick_fd[i], .call_fd = -1};
	if (!q->enabled)
		return 0;
	ret_q->desc = vmm_gpa_ptr(vn->pci.vm, (gpa_t){q->desc}, len.desc);
	ret_q->avail = vmm_gpa_ptr(vn->pci.vm, (gpa_t){q->avail}, len.avail);
	ret_q->used = vmm_gpa_ptr(vn->pci.vm, (gpa_t){q->used}, len.used);
	if (!ret_q->desc || !ret_q->avail || !ret_q->used)
		return -EFAULT;
	ret_q->size = q->size;
	ret_q->base = vn->base[i];
	ret_q->call_fd = queue_call_fd(vn, i);
	return 0;
}

static int rings_start(struct virtio_net *vn)
{
	struct vmm_vhu_queue q[VMM_VHU_QUEUES];
	bool any = false;
	int r;

	for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++) {
		r = queue_resolve(vn, i, &q[i]);
		if (r < 0) {
			virtio_regs_needs_reset(&vn->regs);
			return 0; /* the guest's fault, not the back end's */
		}
		any |= q[i].size != 0;
	}
	if (!any)
		return 0;
	vn->live = true;
	return vmm_vhu_start(vn->vhu, vn->regs.driver_features & VIRTIO_NET_PASS,
			     vmm_ram(vn->pci.vm), q);
}

/* Brings the back end to what status and bus mastering ask for. Lock held. */
static int rings_sync(struct virtio_net *vn)
{
	uint8_t status = vn->regs.status;
	bool want = (status & VIRTIO_CONFIG_S_DRIVER_OK) && vn->bus_master;

	if (want && !vn->live && !(status & (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)))
		return rings_start(vn);
	if (!want && vn->live) {
		vn->live = false;
		return vmm_vhu_stop(vn->vhu, vn->base);
	}
	return 0;
}

static bool needs_reset(const struct virtio_net *vn)
{
	return vn->regs.status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/*
 * Drops the lock, and then tells the VMM of a back end lost by @r, and the guest of a status that
 * changed by itself. @before: needs_reset() when the lock was taken.
 */
static void unlock_and_tell(struct virtio_net *vn, int r, bool before)
{
	uint16_t vector;
	bool changed;

	if (r < 0)
		virtio_regs_needs_reset(&vn->regs);
	vector = vn->regs.config_vector;
	changed = !before && needs_reset(vn);
	pthread_mutex_unlock(&vn->lock);

	if (r < 0 && !atomic_exchange(&vn->told, true))
		vmm_device_lost(&vn->pci, r);
	else if (changed && vector < VIRTIO_NET_VECTORS)
		pci_dev_irq(&vn->pci, vector);
}

static int queue_enabled(struct virtio_net *vn)
{
	struct vmm_vhu_queue q;

	/* told at once, not at DRIVER_OK: the driver sees which step was wrong */
	if (queue_resolve(vn, vn->regs.queue_select, &q) < 0)
		virtio_regs_needs_reset(&vn->regs);
	return 0;
}

static int vector_changed(struct virtio_net *vn)
{
	unsigned int i = vn->regs.queue_select;

	return vn->live ? vmm_vhu_set_call(vn->vhu, i, queue_call_fd(vn, i)) : 0;
}

static int status_changed(struct virtio_net *vn)
{
	int r = rings_sync(vn);

	if (vn->regs.status == 0)
		memset(vn->base, 0, sizeof(vn->base));
	return r;
}

static void regs_write(struct virtio_net *vn, uint32_t off, uint64_t val, uint32_t len)
{
	bool before;
	int r = 0;

	pthread_mutex_lock(&vn->lock);
	before = needs_reset(vn);
	switch (virtio_regs_write(&vn->regs, off, val, len)) {
	case VIRTIO_EFFECT_QUEUE:
		r = queue_enabled(vn);
		break;
	case VIRTIO_EFFECT_VECTOR:
		r = vector_changed(vn);
		break;
	case VIRTIO_EFFECT_STATUS:
		r = status_changed(vn);
		break;
	case VIRTIO_EFFECT_NONE:
		break;
	}
	unlock_and_tell(vn, r, before);
}

static void kick(struct virtio_net *vn, uint32_t off)
{
	uint32_t queue = off / VIRTIO_NOTIFY_STRIDE;
	uint64_t one = 1;

	if (queue < VMM_VHU_QUEUES && write(vn->kick_fd[queue], &one, sizeof(one)) < 0)
		return; /* the counter is full: a kick is pending anyway */
}

static void bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct virtio_net *vn = virtio_net(d);

	memset(buf, 0, len);
	if (bar != VIRTIO_NET_BAR)
		return;
	pthread_mutex_lock(&vn->lock);
	virtio_regs_read(&vn->regs, (uint32_t)off, buf, len, true);
	pthread_mutex_unlock(&vn->lock);
}

static void bar_store(struct virtio_net *vn, uint64_t off, const void *buf, uint32_t len)
{
	uint64_t val = 0;

	memcpy(&val, buf, len);
	if (off >= VIRTIO_BAR_NOTIFY && off < VIRTIO_BAR_NOTIFY + VIRTIO_BAR_PART)
		kick(vn, (uint32_t)off - VIRTIO_BAR_NOTIFY);
	else
		regs_write(vn, (uint32_t)off, val, len);
}

/*
 * The window through configuration space. The core reads cfg[] itself, so the data field is kept
 * equal to the register it looks at; reads through it have no side effect.
 */
static bool window(const struct virtio_net *vn, uint32_t *ret_off, uint32_t *ret_len)
{
	const uint8_t *cap = &vn->pci.cfg[VIRTIO_CFG_CAP_WINDOW];
	uint32_t off, len;

	memcpy(&off, cap + VIRTIO_PCI_CAP_OFFSET, sizeof(off));
	memcpy(&len, cap + VIRTIO_PCI_CAP_LENGTH, sizeof(len));
	if (cap[VIRTIO_PCI_CAP_BAR] != VIRTIO_NET_BAR || (len != 1 && len != 2 && len != 4))
		return false;
	if (off % len != 0 || off >= VIRTIO_NET_BAR_SIZE)
		return false;
	*ret_off = off;
	*ret_len = len;
	return true;
}

static void window_refresh(struct virtio_net *vn)
{
	uint8_t *data = &vn->pci.cfg[VIRTIO_CFG_CAP_WINDOW + sizeof(struct virtio_pci_cap)];
	uint32_t off, len;

	if (!window(vn, &off, &len))
		return;
	pthread_mutex_lock(&vn->lock);
	virtio_regs_read(&vn->regs, off, data, len, false);
	pthread_mutex_unlock(&vn->lock);
}

static void bar_write(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
		      uint32_t len)
{
	struct virtio_net *vn = virtio_net(d);

	if (bar != VIRTIO_NET_BAR)
		return;
	bar_store(vn, off, buf, len);
	window_refresh(vn);
}

/* The guest may move the BAR at any time: the kicks go with it. */
static void kicks_move(struct virtio_net *vn)
{
	const struct pci_bar *b = &vn->pci.bar[VIRTIO_NET_BAR];
	uint64_t gpa = b->gpa + VIRTIO_BAR_NOTIFY;
	int r = 0;

	pthread_mutex_lock(&vn->lock);
	if (vn->kicks_on && (!b->mapped || gpa != vn->kicks_gpa)) {
		for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++) {
			gpa_t at = {vn->kicks_gpa + i * VIRTIO_NOTIFY_STRIDE};

			r = vmm_ioeventfd(vn->pci.vm, at, 2, vn->kick_fd[i], false);
		}
		vn->kicks_on = false;
	}
	if (!vn->kicks_on && b->mapped) {
		for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++) {
			gpa_t at = {gpa + i * VIRTIO_NOTIFY_STRIDE};

			/* without it the kick arrives by bar_write(): slower, not wrong */
			r = vmm_ioeventfd(vn->pci.vm, at, 2, vn->kick_fd[i], true);
		}
		vn->kicks_on = true;
		vn->kicks_gpa = gpa;
	}
	pthread_mutex_unlock(&vn->lock);
	(void)r;
}

static void cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	const uint32_t data = VIRTIO_CFG_CAP_WINDOW + (uint32_t)sizeof(struct virtio_pci_cap);
	struct virtio_net *vn = virtio_net(d);
	uint32_t reg, width;

	if (off + len > data && off < data + 4 && window(vn, &reg, &width))
		bar_store(vn, reg, &d->cfg[data], width);
	kicks_move(vn);
	window_refresh(vn);
}

static int vector_bind(struct virtio_net *vn, unsigned int vector, int fd)
{
	bool before;
	int r = 0;

	pthread_mutex_lock(&vn->lock);
	before = needs_reset(vn);
	vn->vector_fd[vector] = fd;
	for (unsigned int i = 0; r == 0 && vn->live && i < VMM_VHU_QUEUES; i++)
		if (vn->regs.q[i].vector == vector)
			r = vmm_vhu_set_call(vn->vhu, i, fd);
	unlock_and_tell(vn, r, before);
	return r;
}

static int irq_bind(struct pci_dev *d, const int *fds)
{
	int first = 0;

	for (unsigned int i = 0; i < VIRTIO_NET_VECTORS; i++) {
		int r = vector_bind(virtio_net(d), i, fds ? fds[i] : -1);

		if (first == 0)
			first = r;
	}
	return first;
}

static void bus_master(struct pci_dev *d, bool on)
{
	struct virtio_net *vn = virtio_net(d);
	bool before;

	pthread_mutex_lock(&vn->lock);
	before = needs_reset(vn);
	vn->bus_master = on;
	unlock_and_tell(vn, rings_sync(vn), before);
}

static uint64_t messages(struct pci_dev *d)
{
	return vmm_vhu_messages(virtio_net(d)->vhu);
}

static void virtio_net_free(struct virtio_net *vn)
{
	if (!vn)
		return;
	sd_event_source_disable_unref(vn->hangup);
	vmm_vhu_free(vn->vhu);
	pci_dev_done(&vn->pci);
	for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++)
		fd_close(vn->kick_fd[i]);
	pthread_mutex_destroy(&vn->lock);
	free(vn);
}
DEFINE_CLEANUP(struct virtio_net *, virtio_net_free);

static void destroy(struct pci_dev *d)
{
	struct virtio_net *vn = virtio_net(d);

	vn->pci.bar[VIRTIO_NET_BAR].mapped = false;
	kicks_move(vn);
	vn->regs.status = 0;
	if (rings_sync(vn) < 0)
		vn->live = false; /* closing the socket is all that is left to do */
	virtio_net_free(vn);
}

static const struct pci_dev_ops virtio_net_ops = {
	.kind = "vhost-user",
	.bar_read = bar_read,
	.bar_write = bar_write,
	.cfg_written = cfg_written,
	.irq_bind = irq_bind,
	.bus_master = bus_master,
	.messages = messages,
	.destroy = destroy,
};

static int on_hangup(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct virtio_net *vn = userdata;

	sd_event_source_set_enabled(s, SD_EVENT_OFF);
	if (!atomic_exchange(&vn->told, true))
		vmm_device_lost(&vn->pci, -ECONNRESET);
	return 0;
}

static int virtio_net_alloc(struct vm *vm, const char *id, int fd, const uint8_t mac[6],
			    struct virtio_net **ret_vn)
{
	_cleanup_(virtio_net_freep) struct virtio_net *vn = NULL;
	_cleanup_(fd_closep) int own = fd;
	int r;

	vn = calloc(1, sizeof(*vn));
	if (!vn)
		return -ENOMEM;
	pthread_mutex_init(&vn->lock, NULL);
	for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++)
		vn->kick_fd[i] = -1;
	for (unsigned int i = 0; i < VIRTIO_NET_VECTORS; i++)
		vn->vector_fd[i] = -1;

	r = vmm_vhu_new(TAKE_FD(own), &vn->vhu);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < VMM_VHU_QUEUES; i++) {
		vn->kick_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vn->kick_fd[i] < 0)
			return -errno;
	}
	virtio_regs_init(&vn->regs, (vmm_vhu_features(vn->vhu) & VIRTIO_NET_PASS) | VIRTIO_NET_OWN,
			 mac);
	vn->pci.ops = &virtio_net_ops;
	vn->pci.vm = vm;
	strncpy(vn->pci.id, id, sizeof(vn->pci.id) - 1);
	virtio_cfg_init(&vn->pci);

	*ret_vn = TAKE_PTR(vn);
	return 0;
}

int vmm_dev_virtio_net_new(struct vm *vm, const char *id, int fd, const uint8_t mac[6],
			   struct pci_dev **ret_dev)
{
	_cleanup_(virtio_net_freep) struct virtio_net *vn = NULL;
	int r;

	r = virtio_net_alloc(vm, id, fd, mac, &vn);
	if (r < 0)
		return r;
	r = pci_dev_init(&vn->pci);
	if (r < 0)
		return r;
	/* no EPOLLIN: answers are read by the thread that asked */
	r = sd_event_add_io(vmm_event(vm), &vn->hangup, vmm_vhu_fd(vn->vhu), EPOLLRDHUP, on_hangup,
			    vn);
	if (r < 0)
		return r;

	*ret_dev = &TAKE_PTR(vn)->pci;
	return 0;
}

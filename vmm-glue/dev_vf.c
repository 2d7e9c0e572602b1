/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF behind struct pcif: of the kernel's VFIO, or of a vfio-user server. What of its BARs can be
 * mapped becomes memslots (no exit on a packet's path), unless every access is to be trapped; other
 * accesses travel to the device one by one. Guest RAM is mapped for its DMA once, and the device is
 * reset before that, whoever had it. A peer that does not answer, or an error that the host
 * reports, loses the function: reads give ones.
 */
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "dev.h"
#include "dev_vf.h"

static struct dev_vf *dev_vf(struct pci_dev *d)
{
	return (struct dev_vf *)d;
}

int dev_vf_refuse(const struct dev_vf *v, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->why, v->why_size, fmt, ap);
	va_end(ap);
	return r;
}

/* A refusal is the guest's business and reads ones; only a lost device changes anything. */
static void after_call(struct dev_vf *v, int r)
{
	if (r < 0 && pcif_lost(v->f))
		vmm_device_lost(&v->pci, r);
}

static void vf_bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct dev_vf *v = dev_vf(d);
	int r;

	if (!v->kernel && bar != PCIF_REGION_BAR0) {
		memset(buf, 0, len); /* around the MSI-X table there is nothing */
		return;
	}
	r = pcif_region_read(v->f, bar, off, buf, len);
	if (r < 0)
		memset(buf, 0xff, len);
	after_call(v, r);
}

static void vf_bar_write(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
			 uint32_t len)
{
	struct dev_vf *v = dev_vf(d);

	if (v->kernel || bar == PCIF_REGION_BAR0)
		after_call(v, pcif_region_write(v->f, bar, off, buf, len));
}

static int command_set(struct dev_vf *v, bool master)
{
	uint16_t c = (uint16_t)(PCI_COMMAND_MEMORY | (master ? PCI_COMMAND_MASTER : 0));

	return pcif_config_write(v->f, PCI_COMMAND, &c, sizeof(c));
}

static void vf_bus_master(struct pci_dev *d, bool on)
{
	after_call(dev_vf(d), command_set(dev_vf(d), on));
}

/*
 * The device's own enable bit follows the guest's: PFs look at it. Vectors that cannot be added
 * later are all bound with it, masked or not; else the first of none keeps it enabled.
 */
static int vf_irq_bind(struct pci_dev *d, const int *fds)
{
	unsigned int n = !fds ? 0 : d->irq_grows ? 1 : d->n_msix;
	int r = pcif_irq_set(dev_vf(d)->f, PCIF_IRQ_MSIX, 0, n, fds);

	after_call(dev_vf(d), r);
	return r;
}

static int vf_irq_add(struct pci_dev *d, unsigned int vector, int fd)
{
	int r = pcif_irq_set(dev_vf(d)->f, PCIF_IRQ_MSIX, vector, 1, &fd);

	after_call(dev_vf(d), r);
	return r;
}

/* Function level reset by the guest: the only bit of the capabilities that the device must hear of.
 */
static void vf_cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	const uint32_t hi = d->pcie_cap + PCI_EXP_DEVCTL + 1;
	const uint8_t flr = PCI_EXP_DEVCTL_BCR_FLR >> 8;
	struct dev_vf *v = dev_vf(d);
	int r;

	if (!d->pcie_cap || off > hi || off + len <= hi || !(d->cfg[hi] & flr))
		return;
	d->cfg[hi] &= (uint8_t)~flr;
	pci_dev_reset(d);
	r = pcif_reset(v->f);
	if (r >= 0)
		r = command_set(v, false);
	after_call(v, r);
}

static uint64_t vf_messages(struct pci_dev *d)
{
	struct pcif_counters c;

	pcif_counters(dev_vf(d)->f, &c);
	return c.region_reads + c.region_writes;
}

static void sources_done(struct dev_vf *v)
{
	sd_event_source_disable_unref(v->hangup);
	sd_event_source_disable_unref(v->req);
	sd_event_source_disable_unref(v->err);
	v->req_fd = fd_close(v->req_fd);
	v->err_fd = fd_close(v->err_fd);
}

/*
 * Whoever gets the VF next finds it as after power on. The kernel sees to that when the last copy
 * of the descriptor is closed; of a server it has to be asked, and a lost one refuses at once.
 */
static void device_quiesce(struct dev_vf *v)
{
	int r;

	if (v->kernel) {
		r = command_set(v, false);
		if (r >= 0)
			r = pcif_irq_set(v->f, PCIF_IRQ_MSIX, 0, 0, NULL);
	} else {
		r = pcif_reset(v->f);
		if (r == -ENOTSUP)
			r = command_set(v, false);
	}
	(void)r;
}

static void vf_destroy(struct pci_dev *d)
{
	struct dev_vf *v = dev_vf(d);

	sources_done(v);
	if (v->f)
		device_quiesce(v);
	pci_dev_done(d); /* memslots before the mappings they point to */
	if (v->f)
		pcif_close(v->f);
	free(v);
}

static void vf_destroyp(struct dev_vf **v)
{
	if (*v)
		vf_destroy(&(*v)->pci);
}

#define VF_OPS(name)                                                                           \
	{                                                                                      \
		.kind = name, .bar_read = vf_bar_read, .bar_write = vf_bar_write,              \
		.cfg_written = vf_cfg_written, .irq_bind = vf_irq_bind, .irq_add = vf_irq_add, \
		.bus_master = vf_bus_master, .messages = vf_messages, .destroy = vf_destroy,   \
	}

static const struct pci_dev_ops vfu_ops = VF_OPS("vfio-user");
static const struct pci_dev_ops vfio_ops = VF_OPS("vfio");

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct dev_vf *v = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	vmm_device_lost(&v->pci, -ENODEV);
	return 0;
}

static int on_request(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct dev_vf *v = userdata;
	eventfd_t n;

	(void)source;
	(void)revents;
	if (eventfd_read(fd, &n) == 0)
		vmm_device_wanted(&v->pci);
	return 0;
}

static int on_error(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct dev_vf *v = userdata;
	eventfd_t n;

	(void)source;
	(void)revents;
	if (eventfd_read(fd, &n) == 0)
		vmm_device_lost(&v->pci, -EIO);
	return 0;
}

static int event_watch(struct dev_vf *v, unsigned int index, sd_event_io_handler_t handler,
		       int *ret_fd, sd_event_source **ret_source)
{
	int r;

	if (!pcif_irq_count(v->f, index))
		return 0;
	*ret_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*ret_fd < 0)
		return -errno;
	r = sd_event_add_io(vmm_event(v->pci.vm), ret_source, *ret_fd, EPOLLIN, handler, v);
	if (r < 0)
		return r;
	return pcif_irq_set(v->f, index, 0, 1, ret_fd);
}

/* How we hear that the device goes: a server hangs up, the kernel asks or reports an error. */
static int watch(struct dev_vf *v)
{
	int r = 0;

	if (pcif_fd(v->f) >= 0)
		r = sd_event_add_io(vmm_event(v->pci.vm), &v->hangup, pcif_fd(v->f), EPOLLRDHUP,
				    on_hangup, v);
	if (r >= 0 && v->kernel)
		r = event_watch(v, PCIF_IRQ_REQ, on_request, &v->req_fd, &v->req);
	if (r >= 0 && v->kernel)
		r = event_watch(v, PCIF_IRQ_ERR, on_error, &v->err_fd, &v->err);
	return r;
}

static int device_start(struct dev_vf *v)
{
	const struct dma_mem *high = vmm_ram_high(v->pci.vm);
	int r;

	r = pcif_reset(v->f);
	if (r < 0 && r != -ENOTSUP)
		return dev_vf_refuse(v, r, "its reset failed: %s", strerror(-r));
	r = command_set(v, false);
	if (r < 0)
		return r;
	r = pcif_dma_map(v->f, vmm_ram(v->pci.vm));
	if (r >= 0 && high)
		r = pcif_dma_map(v->f, high);
	if (r < 0) {
		pcif_why(v->f, v->why, v->why_size);
		return r;
	}
	return watch(v);
}

static int vf_setup(struct dev_vf *v)
{
	uint8_t cfg[DEV_VF_CFG];
	int r;

	r = pcif_config_read(v->f, 0, cfg, sizeof(cfg));
	if (r < 0)
		return r;
	r = dev_vf_describe(v, cfg);
	if (r < 0)
		return r;
	r = dev_vf_map(v);
	if (r < 0)
		return r;
	r = pci_dev_init(&v->pci);
	if (r == -EINVAL)
		return dev_vf_refuse(v, -EPROTO, "its BARs or MSI-X cannot be as it says");
	if (r < 0)
		return r;
	return device_start(v);
}

int vmm_dev_vf_new(struct vm *vm, const char *id, struct pcif *f, bool kernel, bool trapped,
		   struct pci_dev **ret_dev, char *err, size_t err_size)
{
	_cleanup_(vf_destroyp) struct dev_vf *v = NULL;
	int r;

	v = calloc(1, sizeof(*v));
	if (!v) {
		pcif_close(f);
		return -ENOMEM;
	}
	v->pci.ops = kernel ? &vfio_ops : &vfu_ops;
	v->pci.vm = vm;
	v->f = f;
	v->kernel = kernel;
	v->trapped = trapped;
	v->req_fd = -1;
	v->err_fd = -1;
	v->why = err;
	v->why_size = err_size;
	snprintf(v->pci.id, sizeof(v->pci.id), "%s", id);
	r = vf_setup(v);
	if (r < 0)
		return r;
	v->why = NULL;
	*ret_dev = &TAKE_PTR(v)->pci;
	return 0;
}

int vmm_dev_vfu_new(struct vm *vm, const char *id, int fd, bool trapped, struct pci_dev **ret_dev,
		    char *err, size_t err_size)
{
	struct pcif *f;
	int r = pcif_open_vfu(fd, 0, &f);

	if (r < 0)
		return r;
	return vmm_dev_vf_new(vm, id, f, false, trapped, ret_dev, err, err_size);
}

int vmm_dev_vfio_new(struct vm *vm, const char *id, int device_fd, int container_fd, bool trapped,
		     struct pci_dev **ret_dev, char *err, size_t err_size)
{
	struct pcif *f;
	int r = pcif_open_vfio_fds(device_fd, container_fd, &f, err, err_size);

	if (r < 0)
		return r;
	return vmm_dev_vf_new(vm, id, f, true, trapped, ret_dev, err, err_size);
}

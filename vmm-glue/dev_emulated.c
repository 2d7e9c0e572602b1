/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated 82576: the physical function of the software NIC's model, in this process, with
 * every access of the guest trapped and nothing shared but guest RAM. SR-IOV is not shown, so a
 * stock driver of the 82576 finds a plain NIC. The wire is a port on a network back end.
 *
 * The model wants one control thread: here that is whoever holds the lock, a vCPU or the main
 * thread. Its data thread sends interrupts by itself, and asks the main thread for service.
 *
 * Source: docs/soft-nic.md.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <snic/snic.h>
#include "dev.h"
#include "jail.h"
#include "net_port.h"
#include "pci_core.h"

#define END_US		UINT64_C(3000000)
#define PCIE_CAP_SIZE	0x3cu
#define DEVCTL_WRITABLE 0xffffu /* initiate FLR is taken out again when it was acted on */

struct emulated {
	struct pci_dev pci; /* first: the core knows only this */
	pthread_mutex_t lock;
	struct snic *nic;
	struct snic_wire *wire;
	struct net_port *port;
	sd_event_source *poke;
	int poke_fd;
	bool stuck; /* its data thread hangs */
};

static struct emulated *emulated(struct pci_dev *d)
{
	return (struct emulated *)d;
}

/* ---- what the model asks for ------------------------------------------------------------ */

static void on_irq(void *ctx, unsigned int fn, unsigned int vector)
{
	struct emulated *e = ctx;

	if (fn == SNIC_PF)
		pci_dev_irq(&e->pci, vector);
}

static void on_vfs_changed(void *ctx, unsigned int n_vfs)
{
	(void)ctx;
	(void)n_vfs; /* the guest cannot reach the SR-IOV capability */
}

static void on_poke(void *ctx)
{
	struct emulated *e = ctx;

	(void)eventfd_write(e->poke_fd, 1);
}

static void on_data_thread(void *ctx)
{
	(void)ctx;
	vmm_jail_thread(THREAD_IO);
}

/* The function is gone for the guest, and what the thread may still touch stays: guest RAM is this
 * VM's own. */
static void on_stuck(void *ctx)
{
	struct emulated *e = ctx;

	e->stuck = true;
	vmm_device_lost(&e->pci, -ETIMEDOUT);
}

static const struct snic_ops model_ops = {
	.irq = on_irq,
	.vfs_changed = on_vfs_changed,
	.poke = on_poke,
	.data_thread = on_data_thread,
	.stuck = on_stuck,
};

static int on_poke_fd(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct emulated *e = userdata;
	eventfd_t n;

	(void)s;
	(void)revents;
	if (eventfd_read(fd, &n) < 0)
		return 0;
	pthread_mutex_lock(&e->lock);
	snic_service(e->nic);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

/* ---- what the guest asks for ------------------------------------------------------------ */

static void emu_bar_read(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf, uint32_t len)
{
	struct emulated *e = emulated(d);

	memset(buf, 0, len); /* around the MSI-X table there is nothing */
	if (bar != 0)
		return;
	pthread_mutex_lock(&e->lock);
	snic_bar_read(e->nic, SNIC_PF, bar, off, buf, len);
	pthread_mutex_unlock(&e->lock);
}

static void emu_bar_write(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
			  uint32_t len)
{
	struct emulated *e = emulated(d);

	if (bar != 0)
		return;
	pthread_mutex_lock(&e->lock);
	snic_bar_write(e->nic, SNIC_PF, bar, off, buf, len);
	pthread_mutex_unlock(&e->lock);
}

/* Lock held. */
static void command_set(struct emulated *e, bool master)
{
	uint16_t c = (uint16_t)(PCI_COMMAND_MEMORY | (master ? PCI_COMMAND_MASTER : 0));

	snic_config_write(e->nic, SNIC_PF, PCI_COMMAND, &c, sizeof(c));
}

static void emu_bus_master(struct pci_dev *d, bool on)
{
	struct emulated *e = emulated(d);

	pthread_mutex_lock(&e->lock);
	command_set(e, on);
	pthread_mutex_unlock(&e->lock);
}

static void emu_cfg_written(struct pci_dev *d, uint32_t off, uint32_t len)
{
	const uint32_t hi = NIC_CFG_PCIE + PCI_EXP_DEVCTL + 1;
	const uint8_t flr = PCI_EXP_DEVCTL_BCR_FLR >> 8;
	struct emulated *e = emulated(d);

	if (off > hi || off + len <= hi || !(d->cfg[hi] & flr))
		return;
	d->cfg[hi] &= (uint8_t)~flr;
	pci_dev_reset(d);
	pthread_mutex_lock(&e->lock);
	snic_fn_reset(e->nic, SNIC_PF, false);
	command_set(e, false);
	pthread_mutex_unlock(&e->lock);
}

/* The model sends to vectors; pci_dev_irq() knows which of them the guest wants. */
static int emu_irq_bind(struct pci_dev *d, const int *fds)
{
	(void)d;
	(void)fds;
	return 0;
}

static int emu_reconnect(struct pci_dev *d, int fd)
{
	return net_port_reconnect(emulated(d)->port, fd);
}

static void emu_destroy(struct pci_dev *d)
{
	struct emulated *e = emulated(d);
	int r, end = 0;

	sd_event_source_disable_unref(e->poke);
	if (e->nic)
		end = snic_dp_end(e->nic, e->stuck ? 0 : END_US);
	r = net_port_free(e->port);
	pci_dev_done(d);
	if (end < 0)
		return; /* the data thread may come back to what it has */
	snic_free(e->nic);
	if (r < 0)
		return; /* a thread of the back end hangs in a system call, and may come back */
	snic_wire_free(e->wire);
	fd_close(e->poke_fd);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void emu_destroyp(struct emulated **e)
{
	if (*e)
		emu_destroy(&(*e)->pci);
}

static const struct pci_dev_ops emu_ops = {
	.kind = "emulated",
	.bar_read = emu_bar_read,
	.bar_write = emu_bar_write,
	.cfg_written = emu_cfg_written,
	.irq_bind = emu_irq_bind,
	.bus_master = emu_bus_master,
	.reconnect = emu_reconnect,
	.destroy = emu_destroy,
};

/* ---- birth ------------------------------------------------------------------------------ */

static void on_link(void *ctx)
{
	struct emulated *e = ctx;
	bool up = net_port_up(e->port);

	pthread_mutex_lock(&e->lock);
	snic_link_set(e->nic, up);
	pthread_mutex_unlock(&e->lock);
	vmm_device_away(&e->pci, !up);
}

static void on_wire(void *ctx)
{
	struct emulated *e = ctx;

	snic_dp_kick(e->nic);
}

/* Ids, class, BARs, MSI-X and PCI Express of the model; nothing else is shown. */
static void config_build(struct emulated *e)
{
	struct pci_dev *d = &e->pci;
	uint8_t cfg[256];

	snic_config_read(e->nic, SNIC_PF, 0, cfg, sizeof(cfg));
	memcpy(&d->cfg[PCI_VENDOR_ID], cfg + PCI_VENDOR_ID, 4);
	memcpy(&d->cfg[PCI_CLASS_REVISION], cfg + PCI_CLASS_REVISION, 4);
	memcpy(&d->cfg[PCI_SUBSYSTEM_VENDOR_ID], cfg + PCI_SUBSYSTEM_VENDOR_ID, 4);
	d->cfg[PCI_CAPABILITY_LIST] = NIC_CFG_MSIX;
	d->cfg[NIC_CFG_MSIX + 1] = NIC_CFG_PCIE;
	memcpy(&d->cfg[NIC_CFG_PCIE], cfg + NIC_CFG_PCIE, PCIE_CAP_SIZE);
	d->cfg[NIC_CFG_PCIE + 1] = 0;
	bytes_put(&d->wmask[NIC_CFG_PCIE + PCI_EXP_DEVCTL], DEVCTL_WRITABLE, 2);
	d->pcie_cap = NIC_CFG_PCIE;
	d->msix_cap = NIC_CFG_MSIX;
	d->n_msix = NIC_PF_MSIX_N;
	d->msix_bar = NIC_PF_MSIX_BAR;
	d->msix_table_off = NIC_MSIX_TABLE_OFF;
	d->msix_pba_off = NIC_MSIX_PBA_OFF;
	d->bar[0].size = NIC_PF_BAR0_SIZE;
	d->bar[NIC_PF_MSIX_BAR].size = NIC_MSIX_BAR_SIZE;
}

static struct snic_dma region_of(const struct dma_mem *ram)
{
	return (struct snic_dma){.iova = ram->iova.v,
				 .size = ram->len,
				 .va = ram->va,
				 .readable = true,
				 .writable = true};
}

static int nic_new(struct emulated *e, const uint8_t mac[6])
{
	const struct dma_mem *high = vmm_ram_high(e->pci.vm);
	struct snic_config config = {.ops = &model_ops, .ctx = e, .all_trap = true};
	struct snic_dma region[2] = {region_of(vmm_ram(e->pci.vm))};
	int r;

	if (high)
		region[1] = region_of(high);
	memcpy(config.mac, mac, sizeof(config.mac));
	r = snic_new(&config, &e->nic);
	if (r < 0)
		return r;
	r = snic_wire_new(&e->wire);
	if (r < 0)
		return r;
	e->wire->hold = true;
	snic_wire_attach(e->nic, e->wire);
	r = snic_dma_set(e->nic, SNIC_PF, region, high ? 2 : 1);
	if (r < 0)
		return r;
	command_set(e, false);
	return 0;
}

static int emu_setup(struct emulated *e, int fd, const uint8_t mac[6])
{
	_cleanup_(fd_closep) int own = fd;
	sd_event *event = vmm_event(e->pci.vm);
	int r;

	e->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->poke_fd < 0)
		return -errno;
	r = nic_new(e, mac);
	if (r < 0)
		return r;
	config_build(e);
	r = pci_dev_init(&e->pci);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &e->poke, e->poke_fd, EPOLLIN, on_poke_fd, e);
	if (r < 0)
		return r;
	r = net_port_new(event, TAKE_FD(own), e->wire, on_wire, on_link, e, &e->port);
	if (r < 0)
		return r;
	return snic_dp_start(e->nic, -1);
}

int vmm_dev_emulated_new(struct vm *vm, const char *id, int fd, const uint8_t mac[6],
			 struct pci_dev **ret_dev)
{
	_cleanup_(emu_destroyp) struct emulated *e = NULL;
	int r;

	e = calloc(1, sizeof(*e));
	if (!e) {
		fd_close(fd);
		return -ENOMEM;
	}
	e->poke_fd = -1;
	pthread_mutex_init(&e->lock, NULL);
	e->pci.ops = &emu_ops;
	e->pci.vm = vm;
	snprintf(e->pci.id, sizeof(e->pci.id), "%s", id);
	r = emu_setup(e, fd, mac);
	if (r < 0)
		return r;
	*ret_dev = &TAKE_PTR(e)->pci;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/virtio_rig.h>

#include <dev.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

static int rig_memslot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *va)
{
	return 0;
}

static int rig_routes(struct vm *vm, const struct irq_route *route, unsigned int n)
{
	return 0;
}

static int rig_irqfd(struct vm *vm, int fd, unsigned int gsi, bool assign)
{
	return 0;
}

static int rig_ioeventfd(struct vm *vm, uint64_t gpa, uint32_t len, int fd, bool assign)
{
	struct virtio_rig *rig = (struct virtio_rig *)vm;

	if (assign) {
		rig->kick_gpa[rig->kicks] = gpa;
		rig->kick_fd[rig->kicks++] = fd;
		return 0;
	}
	for (unsigned int i = 0; i < rig->kicks; i++)
		if (rig->kick_gpa[i] == gpa && rig->kick_fd[i] == fd) {
			rig->kicks--;
			rig->kick_gpa[i] = rig->kick_gpa[rig->kicks];
			rig->kick_fd[i] = rig->kick_fd[rig->kicks];
			return 0;
		}
	return -ENOENT;
}

static const struct vm_plat_ops rig_plat = {
	.memslot = rig_memslot,
	.routes = rig_routes,
	.irqfd = rig_irqfd,
	.ioeventfd = rig_ioeventfd,
};

int virtio_rig_vm(struct virtio_rig *rig)
{
	int r;

	r = sd_event_new(&rig->event);
	if (r < 0)
		return r;
	r = vm_init(&rig->vm, "rig", rig->event, &rig_plat);
	if (r < 0)
		return r;
	return vm_mem_new(&rig->vm, RIG_RAM, false);
}

void virtio_rig_plug(struct virtio_rig *rig, struct pci_dev *dev)
{
	rig->dev = dev;
	dev->slot = 1;
	atomic_store(&rig->vm.slot[1].dev, dev);
	virtio_rig_cfg_write(rig, PCI_BASE_ADDRESS_0, (uint32_t)RIG_BAR0, 4);
	virtio_rig_cfg_write(rig, PCI_BASE_ADDRESS_1, (uint32_t)RIG_BAR1, 4);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

int virtio_rig_open(struct virtio_rig *rig)
{
	static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	struct pci_dev *dev;
	int fd, r;

	r = virtio_rig_vm(rig);
	if (r < 0)
		return r;
	fd = vhost_backend_start(&rig->backend);
	if (fd < 0)
		return fd;
	rig->has_backend = true;
	r = vmm_dev_virtio_net_new(&rig->vm, "net0", fd, 1, mac, &dev);
	if (r < 0)
		return r;
	virtio_rig_plug(rig, dev);
	return 0;
}

void virtio_rig_close(struct virtio_rig *rig)
{
	atomic_store(&rig->vm.slot[1].dev, NULL);
	if (rig->dev)
		rig->dev->ops->destroy(rig->dev);
	rig->dev = NULL;
	if (rig->has_backend)
		vhost_backend_stop(&rig->backend);
	vm_done(&rig->vm);
	sd_event_unref(rig->event);
}

uint64_t virtio_rig_read(struct virtio_rig *rig, uint64_t gpa, uint32_t len)
{
	uint64_t v = 0;

	(void)pci_bar_access(&rig->vm, gpa, &v, len, false);
	return v;
}

void virtio_rig_write(struct virtio_rig *rig, uint64_t gpa, uint64_t val, uint32_t len)
{
	(void)pci_bar_access(&rig->vm, gpa, &val, len, true);
}

void virtio_rig_cfg_write(struct virtio_rig *rig, uint32_t off, uint32_t val, uint32_t len)
{
	pci_ecam_write(&rig->vm, (1u << 15) + off, &val, len);
}

static void queue_set(struct virtio_rig *rig, uint16_t index, uint16_t size, uint64_t at)
{
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_SELECT, index, 2);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_MSIX, index + 1u, 2);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_DESCLO, at, 8);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_AVAILLO, at + 0x4000, 4);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_AVAILHI, 0, 4);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_USEDLO, at + 0x8000, 8);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

void virtio_rig_start_with(struct virtio_rig *rig, unsigned int n, uint16_t size, uint32_t low)
{
	const uint64_t status = RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS;

	virtio_rig_write(rig, status, VIRTIO_CONFIG_S_ACKNOWLEDGE, 1);
	virtio_rig_write(rig, status, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER, 1);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_GF, low, 4);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_GF, 1, 4);
	virtio_rig_write(rig, status, 11, 1);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_PCI_COMMON_MSIX, 0, 2);
	for (unsigned int i = 0; i < n; i++)
		queue_set(rig, (uint16_t)i, size, RIG_QUEUE(i));
	virtio_rig_write(rig, status, 15, 1);
}

void virtio_rig_start(struct virtio_rig *rig, uint16_t size)
{
	virtio_rig_start_with(rig, 2, size, 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that says anything: its configuration space, the sizes of its BARs and what of them can
 * be mapped come from the input. What is taken is plugged in, driven a little and taken away.
 */
#include <stdlib.h>
#include <support/pcif_fake.h>
#include <support/vmm_platform.h>
#include <dev_vf.h>
#include <hotplug.h>

#define RAM_BYTES (UINT64_C(2) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void told(struct vm *vm, unsigned int slot, const char *id, enum hotplug_result result,
		 void *userdata)
{
	(void)vm;
	(void)slot;
	(void)id;
	(void)result;
	(void)userdata;
}

static uint64_t pages(uint8_t b)
{
	return (uint64_t)(b & 15) << 12 | (b >> 4 == 15 ? 8 : 0);
}

/* Three bytes a BAR, one of flags, then the configuration space over a VF's. */
static void device_fill(struct pcif_fake *dev, const uint8_t **data, size_t *size)
{
	const uint8_t *in = *data;

	if (*size < 20)
		return;
	for (unsigned int i = 0; i < PCI_DEV_BARS && in[18] & 1; i++)
		pcif_fake_region(dev, i, in[3 * i] ? UINT64_C(1) << in[3 * i] % 30 : 0,
				 pages(in[3 * i + 1]), pages(in[3 * i + 2]));
	dev->base.irq_count[PCIF_IRQ_MSIX] = in[19] ? in[19] : NIC_VF_MSIX_N;
	*data += 20;
	*size -= 20;
	for (size_t i = 0; i + 1 < *size; i += 2)
		dev->cfg[(*data)[i]] = (*data)[i + 1];
}

static void drive(struct vm *vm, struct pci_dev *d, const uint8_t *data, size_t size)
{
	uint32_t v = UINT32_MAX;

	for (unsigned int i = 0; i < PCI_DEV_BARS; i++)
		cfg_put(d, PCI_BASE_ADDRESS_0 + 4 * i, 0xc0000000u + (i << 24), 4);
	cfg_put(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	cfg_put(d, d->msix_cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	for (size_t i = 0; i + 1 < size; i += 2) {
		cfg_put(d, data[i], data[i + 1], 1);
		pci_bar_access(vm, 0xc0000000u + data[i] * 0x100ull, &v, 4, data[i + 1] & 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vm vm;
	unsigned int closed = 0;
	uint16_t command;
	char err[256];
	struct pcif_fake *dev = pcif_fake_new(&closed, &command);
	struct pci_dev *d;
	bool kernel = size && data[0] & 1;
	int r;

	memset(&fake, 0, sizeof(fake));
	if (vm_init(&vm, "f", NULL, &fake_ops) < 0 || vm_mem_new(&vm, RAM_BYTES, false) < 0)
		abort();
	dev->map_expected = RAM_BYTES;
	dev->base.irq_count[PCIF_IRQ_REQ] = 0; /* nobody runs a loop here */
	dev->base.irq_count[PCIF_IRQ_ERR] = 0;
	device_fill(dev, &data, &size);
	r = vmm_dev_vf_new(&vm, "f", &dev->base, kernel, false, &d, err, sizeof(err));
	if (r == 0) {
		hotplug_publish(&vm, (unsigned int)hotplug_slot_pick(&vm), d, 0);
		drive(&vm, d, data, size);
		if (dev->wrong)
			abort();
		vmm_device_wanted(d);
		hotplug_work(&vm, 0, told, NULL);
	}
	hotplug_destroy_all(&vm);
	if (closed != 1 || fake.wrong || fake_slots_used() != 1 || fake_irqfds_used())
		abort();
	vm_done(&vm);
	return 0;
}

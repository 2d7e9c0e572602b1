/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that writes anything anywhere: ECAM, BARs, MSI-X tables, the hot-plug page, with
 * functions plugged and pulled in between. The platform (vmm_platform.h) counts what KVM would have
 * refused.
 */
#include <stdlib.h>
#include <support/vmm_platform.h>
#include <hotplug.h>
#include <vcpu.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
	OP_ECAM,
	OP_HPC,
	OP_BAR,
	OP_ANY,
	OP_PLUG,
	OP_REMOVE,
	OP_WORK,
	OP_IRQ,
	OPS,
};

struct input {
	const uint8_t *data;
	size_t left;
};

static uint64_t take(struct input *in, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n && in->left; i++, in->left--)
		v |= (uint64_t)*in->data++ << (8 * i);
	return v;
}

static void told(struct vm *vm, unsigned int slot, const char *id, enum hotplug_result result,
		 void *userdata)
{
	(void)vm;
	(void)slot;
	(void)id;
	(void)result;
	(void)userdata;
}

static void plug(struct vm *vm)
{
	struct fake_dev *d;
	int slot = hotplug_slot_pick(vm);

	if (slot < 0)
		return;
	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	fake_dev_fill(d, vm, "f");
	d->on_heap = true;
	if (pci_dev_init(&d->pci) < 0)
		abort();
	hotplug_publish(vm, (unsigned int)slot, &d->pci, 0);
}

static uint64_t bar_address(struct vm *vm, uint64_t pick)
{
	const struct pci_dev *d = vm->slot[1 + pick % (VMM_SLOTS - 1)].own;

	return d ? d->bar[pick % PCI_DEV_BARS].gpa + (pick >> 8 & 0x3fff) : 0;
}

static void step(struct vm *vm, struct input *in, uint64_t *now)
{
	static const uint8_t widths[] = {1, 2, 4, 8};
	uint64_t op = take(in, 1), where = take(in, 3), value = take(in, 4);
	uint32_t len = widths[op >> 4 & 3];
	bool write = op & 0x80;

	switch (op % OPS) {
	case OP_ECAM:
		vcpu_mmio(vm, VMM_ECAM_BASE + where % VMM_ECAM_SIZE, &value, len, write);
		break;
	case OP_HPC:
		vcpu_mmio(vm, VMM_HPC_BASE + where % VMM_HPC_SIZE, &value, len, write);
		break;
	case OP_BAR:
		vcpu_mmio(vm, bar_address(vm, where), &value, len, write);
		break;
	case OP_ANY:
		vcpu_mmio(vm, value << (where & 31), &where, len, write);
		break;
	case OP_PLUG:
		plug(vm);
		break;
	case OP_REMOVE:
		if (hotplug_remove(vm, 1 + where % (VMM_SLOTS - 1), write, *now, value) < 0)
			break;
		break;
	case OP_WORK:
		*now += value;
		hotplug_work(vm, *now, told, NULL);
		break;
	default:
		if (vm->slot[1 + where % (VMM_SLOTS - 1)].own)
			pci_dev_irq(vm->slot[1 + where % (VMM_SLOTS - 1)].own, (unsigned int)value);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	static struct vm vm;
	uint64_t now = 0;

	memset(&fake, 0, sizeof(fake));
	if (vm_init(&vm, "f", NULL, &fake_ops) < 0)
		abort();
	atomic_store(&vm.state, VM_RUNNING);
	plug(&vm);
	while (in.left)
		step(&vm, &in, &now);
	hotplug_work(&vm, now, told, NULL);
	hotplug_destroy_all(&vm);
	if (fake.wrong || fake_slots_used() || fake_irqfds_used() || vm.irq.top)
		abort();
	vm_done(&vm);
	return 0;
}

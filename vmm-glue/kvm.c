/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include "kvm.h"

/* Three pages for real-mode and identity-map tricks of VMX hosts, below 4 GiB and clear of the
 * APICs. */
#define TSS_ADDR	  0xfeffd000u
#define IDENTITY_MAP_ADDR UINT64_C(0xfeffc000)

static int kvm_do(int fd, unsigned long what, void *arg)
{
	int r = ioctl(fd, what, arg);

	return r < 0 ? -errno : r;
}

static int kvm_memslot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *va)
{
	struct kvm_userspace_memory_region m = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uint64_t)(uintptr_t)va,
	};

	return kvm_do(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &m);
}

/* Called with the routing lock held, so one buffer serves all; it is large, and not on a stack. */
static int kvm_routes(struct vm *vm, const struct irq_route *route, unsigned int n)
{
	_cleanup_(freep) struct kvm_irq_routing *t = NULL;

	t = calloc(1, sizeof(*t) + (IRQ_PINS + n) * sizeof(t->entries[0]));
	if (!t)
		return -ENOMEM;
	for (unsigned int pin = 0; pin < IRQ_PINS; pin++) {
		struct kvm_irq_routing_entry *e = &t->entries[t->nr++];

		e->gsi = pin;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = pin;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct kvm_irq_routing_entry *e = &t->entries[t->nr];

		if (!route[i].used)
			continue;
		e->gsi = IRQ_PINS + i;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = route[i].addr_lo;
		e->u.msi.address_hi = route[i].addr_hi;
		e->u.msi.data = route[i].data;
		t->nr++;
	}
	return kvm_do(vm->vm_fd, KVM_SET_GSI_ROUTING, t);
}

static int kvm_irqfd(struct vm *vm, int fd, unsigned int gsi, bool assign)
{
	struct kvm_irqfd i = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = assign ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return kvm_do(vm->vm_fd, KVM_IRQFD, &i);
}

static int kvm_ioeventfd(struct vm *vm, uint64_t gpa, uint32_t len, int fd, bool assign)
{
	struct kvm_ioeventfd e = {
		.addr = gpa,
		.len = len,
		.fd = fd,
		.flags = assign ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return kvm_do(vm->vm_fd, KVM_IOEVENTFD, &e);
}

const struct vm_plat_ops vm_kvm_ops = {
	.memslot = kvm_memslot,
	.routes = kvm_routes,
	.irqfd = kvm_irqfd,
	.ioeventfd = kvm_ioeventfd,
};

static int caps_check(int kvm_fd)
{
	static const unsigned long needed[] = {KVM_CAP_IRQCHIP,	    KVM_CAP_IRQFD,
					       KVM_CAP_IOEVENTFD,   KVM_CAP_IRQ_ROUTING,
					       KVM_CAP_USER_MEMORY, KVM_CAP_IMMEDIATE_EXIT};
	int r = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

	if (r < 0)
		return -errno;
	if (r != KVM_API_VERSION)
		return -ENOTSUP;
	for (unsigned int i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i]) <= 0)
			return -ENOTSUP;
	}
	return 0;
}

int vm_kvm_open(struct vm *vm, int kvm_fd)
{
	uint64_t map = IDENTITY_MAP_ADDR;
	int r;

	vm->kvm_fd = kvm_fd;
	r = caps_check(kvm_fd);
	if (r < 0)
		return r;
	vm->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	if (vm->vm_fd < 0)
		return -errno;

	/* only VMX needs these, and only some of those: no harm where they are refused */
	(void)ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &map);
	(void)ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_ADDR);
	r = kvm_do(vm->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (r < 0)
		return r;
	r = irq_commit(vm);
	if (r < 0)
		return r;
	r = kvm_irqfd(vm, vm->hpc.gsi_fd, HPC_GSI, true);
	if (r < 0 || vm->kind == VM_BENCH)
		return r;
	vm->serial.irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->serial.irq_fd < 0)
		return -errno;
	return kvm_irqfd(vm, vm->serial.irq_fd, COM1_GSI, true);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <lib/clock.h>
#include "vm_impl.h"

int vm_init(struct vm *vm, const char *name, sd_event *event, const struct vm_plat_ops *plat)
{
	memset(vm, 0, sizeof(*vm));
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->event = event;
	vm->plat = plat;
	vm->kvm_fd = -1;
	vm->vm_fd = -1;
	vm->hpc.gsi_fd = -1;
	vm->vcpu.fd = -1;
	vm->vcpu.stats_fd = -1;
	vm->vcpu.cpu = -1;
	vm->console.fd = -1;
	vm->start_us = clock_us();
	vm->next_slot = 1;
	pthread_mutex_init(&vm->mem_lock, NULL);
	irq_init(&vm->irq);

	vm->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->post_fd < 0)
		return -errno;
	vm->hpc.gsi_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->hpc.gsi_fd < 0)
		return -errno;
	return 0;
}

void vm_done(struct vm *vm)
{
	vm->post_fd = fd_close(vm->post_fd);
	vm->hpc.gsi_fd = fd_close(vm->hpc.gsi_fd);
	vm->console.fd = fd_close(vm->console.fd);
	vm->vm_fd = fd_close(vm->vm_fd);
	vm->kvm_fd = fd_close(vm->kvm_fd);
	if (vm->ram)
		dma_mem_free(vm->ram);
	vm->ram = NULL;
	irq_done(&vm->irq);
	pthread_mutex_destroy(&vm->mem_lock);
}

sd_event *vmm_event(struct vm *vm)
{
	return vm->event;
}

int vmm_ioeventfd(struct vm *vm, gpa_t gpa, uint32_t len, int fd, bool assign)
{
	return vm->plat->ioeventfd(vm, gpa.v, len, fd, assign);
}

void vm_post(struct vm *vm, enum vm_post what)
{
	/* the counter cannot overflow: it is written once per transition of posted from 0 */
	if (!atomic_fetch_or(&vm->posted, (uint32_t)what))
		eventfd_write(vm->post_fd, 1);
}

void vm_end(struct vm *vm, enum vm_state state, const char *fmt, ...)
{
	va_list ap;

	/* only the vCPU ends a running machine, and main when there is no vCPU: no two writers */
	if (atomic_load(&vm->state) > VM_RUNNING)
		return;
	va_start(ap, fmt);
	vsnprintf(vm->reason, sizeof(vm->reason), fmt, ap);
	va_end(ap);
	atomic_store(&vm->state, (int)state);
	vm_post(vm, VM_POST_STATE);
}

void vmm_device_lost(struct pci_dev *d, int error)
{
	int none = 0;

	/* the first reason is the one */
	atomic_compare_exchange_strong(&d->lost_error, &none, error);
	if (!atomic_exchange(&d->lost, true))
		vm_post(d->vm, VM_POST_DEVICE);
}

void vmm_device_wanted(struct pci_dev *d)
{
	if (!atomic_exchange(&d->wanted, true))
		vm_post(d->vm, VM_POST_DEVICE);
}

void vmm_device_away(struct pci_dev *d, bool away)
{
	int none = 0;

	if (away)
		atomic_compare_exchange_strong(&d->lost_error, &none, -ECONNRESET);
	if (atomic_exchange(&d->away, away) != away)
		vm_post(d->vm, VM_POST_DEVICE);
}

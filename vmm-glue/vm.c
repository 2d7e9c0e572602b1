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
	for (unsigned int i = 0; i < VM_CPUS_MAX; i++) {
		vm->vcpu[i].vm = vm;
		vm->vcpu[i].index = i;
		vm->vcpu[i].fd = -1;
		vm->vcpu[i].stats_fd = -1;
	}
	vm->n_vcpus = 1;
	vm->cpu = -1;
	vm->console.fd = -1;
	vm->start_us = clock_us();
	vm->next_slot = 1;
	pthread_mutex_init(&vm->mem_lock, NULL);
	irq_init(&vm->irq);
	serial_init(&vm->serial);

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
	vm->serial.irq_fd = fd_close(vm->serial.irq_fd);
	vm->console.fd = fd_close(vm->console.fd);
	vm->vm_fd = fd_close(vm->vm_fd);
	vm->kvm_fd = fd_close(vm->kvm_fd);
	if (vm->ram)
		dma_mem_free(vm->ram);
	vm->ram = NULL;
	if (vm->ram_high)
		dma_mem_free(vm->ram_high);
	vm->ram_high = NULL;
	irq_done(&vm->irq);
	serial_done(&vm->serial);
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

void vm_end(struct vm *vm, enum vm_ended how, const char *fmt, ...)
{
	va_list ap;

	if (atomic_exchange(&vm->ending, true))
		return;
	va_start(ap, fmt);
	vsnprintf(vm->reason, sizeof(vm->reason), fmt, ap);
	va_end(ap);
	vm->ended = how;
	atomic_store(&vm->state, how == VM_ENDED_CRASH ? VM_CRASHED : VM_STOPPED);
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

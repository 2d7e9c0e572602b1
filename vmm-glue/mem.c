/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory: sealed memfds, each mapped once: one at guest-physical 0, and one at 4 GiB for what
 * does not fit below the BARs. Memslots of devices (the shared pages of a VF) come and go with
 * their BARs and are numbered here.
 */
#include <sys/mman.h>
#include <lib/memfd.h>
#include "vm_impl.h"

#define PAGE UINT64_C(4096)

/*
 * As dma_mem_new(), but populated by use: a guest may never touch most of it, and clearing it all
 * would be most of the time until the guest's first word. Huge pages are reserved by mmap(2).
 */
static int ram_new(uint64_t size, bool hugetlb, struct dma_mem **ret_ram)
{
	_cleanup_(freep) struct dma_mem *ram = NULL;
	_cleanup_(fd_closep) int fd = -1;
	void *va;
	int r;

	ram = calloc(1, sizeof(*ram));
	if (!ram)
		return -ENOMEM;
	r = memfd_new("guest-ram", size, hugetlb, &fd);
	if (r < 0)
		return r;
	va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	ram->va = va;
	ram->len = size;
	ram->fd = TAKE_FD(fd);
	ram->hugetlb = hugetlb;
	*ret_ram = TAKE_PTR(ram);
	return 0;
}

static int ram_add(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, bool hugetlb,
		   struct dma_mem **ret_ram)
{
	_cleanup_(dma_mem_freep) struct dma_mem *ram = NULL;
	int r;

	r = ram_new(size, hugetlb, &ram);
	if (r < 0)
		return r;
	ram->iova.v = gpa;
	r = vm->plat->memslot(vm, slot, gpa, size, ram->va);
	if (r < 0)
		return r;
	*ret_ram = TAKE_PTR(ram);
	return 0;
}

int vm_mem_new(struct vm *vm, uint64_t size, bool hugetlb)
{
	uint64_t low = size < VM_RAM_LOW_MAX ? size : VM_RAM_LOW_MAX;
	int r;

	if (!size || size > VM_MEMORY_MAX || size % (2u << 20))
		return -EINVAL;
	r = ram_add(vm, VM_MEMSLOT_RAM, 0, low, hugetlb, &vm->ram);
	if (r < 0 || size == low)
		return r;
	return ram_add(vm, VM_MEMSLOT_RAM_HIGH, VM_RAM_HIGH, size - low, hugetlb, &vm->ram_high);
}

void *vmm_gpa_ptr(struct vm *vm, gpa_t gpa, size_t len)
{
	const struct dma_mem *ram = vm->ram;

	if (gpa.v >= VM_RAM_HIGH) {
		ram = vm->ram_high;
		gpa.v -= VM_RAM_HIGH;
	}
	if (!ram || gpa.v > ram->len || len > ram->len - gpa.v)
		return NULL;
	return (uint8_t *)ram->va + gpa.v;
}

const struct dma_mem *vmm_ram(struct vm *vm)
{
	return vm->ram;
}

const struct dma_mem *vmm_ram_high(struct vm *vm)
{
	return vm->ram_high;
}

static int memslot_take(struct vm *vm)
{
	for (unsigned int i = VM_MEMSLOT_DEVICES; i < VM_MEMSLOTS; i++) {
		if (vm->memslot_used[i])
			continue;
		vm->memslot_used[i] = true;
		return (int)i;
	}
	return -ENOSPC;
}

int vm_memslot_map(struct vm *vm, uint64_t gpa, uint64_t size, void *va)
{
	int slot, r;

	if (!size || gpa % PAGE || size % PAGE)
		return -EINVAL;
	pthread_mutex_lock(&vm->mem_lock);
	slot = memslot_take(vm);
	if (slot >= 0) {
		r = vm->plat->memslot(vm, (unsigned int)slot, gpa, size, va);
		if (r < 0) {
			vm->memslot_used[slot] = false;
			slot = r;
		}
	}
	pthread_mutex_unlock(&vm->mem_lock);
	return slot;
}

void vm_memslot_unmap(struct vm *vm, unsigned int slot, uint64_t gpa)
{
	if (slot < VM_MEMSLOT_DEVICES || slot >= VM_MEMSLOTS)
		return;
	pthread_mutex_lock(&vm->mem_lock);
	vm->plat->memslot(vm, slot, gpa, 0, NULL);
	vm->memslot_used[slot] = false;
	pthread_mutex_unlock(&vm->mem_lock);
}

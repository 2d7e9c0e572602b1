/* SPDX-License-Identifier: BSD-3-Clause */
/* vm.create: memory, guest image and processors of a bench guest or of a stock kernel. */
#include <stdio.h>
#include <string.h>
#include "boot_linux.h"
#include "control.h"
#include "elf_load.h"
#include "kvm.h"
#include "vcpu.h"

#define MIB	       (UINT64_C(1) << 20)
#define MEMORY_MIB_MIN 16
#define LINUX_MIB_MIN  64

enum create_fd {
	CREATE_KVM,
	CREATE_IMAGE,
	CREATE_CONSOLE,
	CREATE_FDS,
	CREATE_INITRD = CREATE_FDS, /* linux, optional */
	CREATE_FDS_MAX,
};

struct create_params {
	int mib;
	int cpus;
	int hugepages;
	const char *kind;
	const char *cmdline;
	bool is_linux;
};

static bool memory_check(struct ctl_req *req, const struct create_params *p)
{
	int min = p->is_linux ? LINUX_MIB_MIN : MEMORY_MIB_MIN;

	if (p->mib < min || (uint64_t)p->mib * MIB > VM_MEMORY_MAX || p->mib % 2) {
		ctl_fail(req, -ERANGE, "memory_mib %d: an even number from %d to %d", p->mib, min,
			 (int)(VM_MEMORY_MAX / MIB));
		return false;
	}
	return true;
}

static bool kind_check(struct ctl_req *req, struct create_params *p, size_t n_fds)
{
	const char *bad;

	if (strcmp(p->kind, "linux") && strcmp(p->kind, "bench")) {
		ctl_fail(req, -EINVAL, "kind is bench or linux");
		return false;
	}
	p->is_linux = !strcmp(p->kind, "linux");
	if (p->cpus < 1 || p->cpus > (int)VM_CPUS_MAX) {
		ctl_fail(req, -ERANGE, "cpus %d: 1 to %u", p->cpus, VM_CPUS_MAX);
		return false;
	}
	if (!p->is_linux && (p->cpus != 1 || p->cmdline)) {
		ctl_fail(req, -EINVAL, "a bench guest has 1 processor and no command line");
		return false;
	}
	if (!p->is_linux && n_fds != CREATE_FDS) {
		ctl_fail(req, -EBADF, "vm.create wants 3 descriptors: kvm, ELF, console");
		return false;
	}
	if (p->is_linux && n_fds != CREATE_FDS && n_fds != CREATE_FDS_MAX) {
		ctl_fail(req, -EBADF,
			 "vm.create wants 3 or 4 descriptors: kvm, kernel, console, initrd");
		return false;
	}
	if (!p->is_linux)
		return true;
	if (!p->cmdline)
		p->cmdline = BOOT_CMDLINE_DEFAULT;
	bad = boot_cmdline_refusal(p->cmdline);
	if (bad) {
		ctl_fail(req, -EINVAL, "cmdline: %s: this machine is nothing without it", bad);
		return false;
	}
	return true;
}

static bool image_load(struct ctl_req *req, struct vm *vm, const struct create_params *p, int *fds,
		       size_t n_fds)
{
	struct boot_linux b = {
		.ram = vm->ram->va,
		.ram_low = vm->ram->len,
		.ram_high = vm->ram_high ? vm->ram_high->len : 0,
		.n_cpus = vm->n_vcpus,
		.kernel_fd = fds[CREATE_IMAGE],
		.initrd_fd = n_fds > CREATE_INITRD ? fds[CREATE_INITRD] : -1,
		.cmdline = p->cmdline,
	};
	const char *why;
	int r;

	if (p->is_linux) {
		r = boot_linux_load(&b, &vm->start, &why);
		if (r < 0)
			ctl_fail(req, r, "%s", why);
		return r >= 0;
	}
	r = elf_load(fds[CREATE_IMAGE], vm->ram->va, vm->ram->len, &vm->start.entry);
	if (r < 0) {
		ctl_fail(req, r, "the guest image is no ELF that can be loaded");
		return false;
	}
	boot_memory(vm->ram->va);
	return true;
}

int method_vm_create(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct vm *vm = &c->vm;
	struct create_params p = {.cpus = 1, .kind = "bench"};
	int r;

	if (ctl_unpack(req, params, "{s:i, s?b, s?i, s?s, s?s", "memory_mib", &p.mib, "hugepages",
		       &p.hugepages, "cpus", &p.cpus, "kind", &p.kind, "cmdline", &p.cmdline) < 0)
		return -EINVAL;
	if (c->created)
		return ctl_fail(req, -EEXIST, "%s: there is a machine already", vm->name);
	if (!kind_check(req, &p, n_fds) || !memory_check(req, &p))
		return 0;

	/* half a machine cannot be made whole: after a failure the caller starts a new process */
	c->created = true;
	vm->kind = p.is_linux ? VM_LINUX : VM_BENCH;
	vm->n_vcpus = (unsigned int)p.cpus;
	vm->console.fd = TAKE_FD(fds[CREATE_CONSOLE]);
	r = vm_kvm_open(vm, TAKE_FD(fds[CREATE_KVM]));
	if (r < 0)
		return ctl_fail(req, r, "this KVM does not serve");
	r = vm_mem_new(vm, (uint64_t)p.mib * MIB, p.hugepages);
	if (r < 0)
		return ctl_fail(req, r, "no %d MiB of %smemory for the guest", p.mib,
				p.hugepages ? "huge page " : "");
	if (!image_load(req, vm, &p, fds, n_fds))
		return 0;
	r = vcpu_open(vm);
	if (r < 0)
		return ctl_fail(req, r, "no virtual processor");
	ctl_reply(req, NULL);
	return 0;
}

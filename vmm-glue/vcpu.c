/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <lib/clock.h>
#include "boot.h"
#include "hotplug.h"
#include "pci_core.h"
#include "vcpu.h"

#define CPUID_MAX      128u
#define CPUID_TSC_LEAF 0x40000010u
#define KICK_SIGNAL    SIGUSR1
#define INSN_MAX       15u

/* The leaf VMware brought up and others took over: EAX is the TSC's frequency in kHz. */
static void cpuid_add_tsc(struct kvm_cpuid2 *c, uint32_t tsc_khz)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 0x40000000u && c->entries[i].eax < CPUID_TSC_LEAF)
			c->entries[i].eax = CPUID_TSC_LEAF;
		if (c->entries[i].function == CPUID_TSC_LEAF) {
			c->entries[i].eax = tsc_khz;
			return;
		}
	}
	if (c->nent < CPUID_MAX) {
		c->entries[c->nent] =
			(struct kvm_cpuid_entry2){.function = CPUID_TSC_LEAF, .eax = tsc_khz};
		c->nent++;
	}
}

/* What the host's processor says of itself, made the one processor with APIC id 0 that the guest
 * has. */
static void cpuid_one_processor(struct kvm_cpuid2 *c)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffffu) | 1u << 16;
			e->ecx |= BIT32(31); /* runs under a hypervisor */
		} else if (e->function == 0xb || e->function == 0x1f) {
			e->edx = 0;
		}
	}
}

static int cpuid_set(struct vm *vm)
{
	_cleanup_(freep) struct kvm_cpuid2 *c = NULL;

	c = calloc(1, sizeof(*c) + CPUID_MAX * sizeof(c->entries[0]));
	if (!c)
		return -ENOMEM;
	c->nent = CPUID_MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return -errno;
	cpuid_one_processor(c);
	cpuid_add_tsc(c, vm->tsc_khz);
	if (ioctl(vm->vcpu.fd, KVM_SET_CPUID2, c) < 0)
		return -errno;
	return 0;
}

static int registers_set(struct vm *vm)
{
	struct kvm_sregs s;
	struct kvm_regs regs;

	if (ioctl(vm->vcpu.fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	boot_sregs(&s);
	if (ioctl(vm->vcpu.fd, KVM_SET_SREGS, &s) < 0)
		return -errno;
	boot_regs(&regs, vm->entry, vm->tsc_khz);
	if (ioctl(vm->vcpu.fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

int vcpu_open(struct vm *vm)
{
	struct vcpu *v = &vm->vcpu;
	void *run;
	int r;

	v->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (v->fd < 0)
		return -errno;
	r = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (r < (int)sizeof(struct kvm_run))
		return r < 0 ? -errno : -ENOTSUP;
	run = mmap(NULL, (size_t)r, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	v->run = run;
	v->run_size = (size_t)r;

	r = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	vm->tsc_khz = r > 0 ? (uint32_t)r : 0;
	r = cpuid_set(vm);
	if (r < 0)
		return r;
	r = registers_set(vm);
	if (r < 0)
		return r;
	/* a kernel without statistics is no reason to fail: then only our own count is reported */
	r = vcpu_stats_open(v);
	if (r < 0)
		v->stats_off = 0;
	return 0;
}

void vcpu_close(struct vm *vm)
{
	struct vcpu *v = &vm->vcpu;

	if (v->run)
		munmap(v->run, v->run_size);
	v->run = NULL;
	v->stats_fd = fd_close(v->stats_fd);
	v->fd = fd_close(v->fd);
}

void vcpu_mmio(struct vm *vm, uint64_t gpa, void *buf, uint32_t len, bool write)
{
	if (gpa >= VMM_ECAM_BASE && gpa - VMM_ECAM_BASE < VMM_ECAM_SIZE) {
		if (write)
			pci_ecam_write(vm, (uint32_t)(gpa - VMM_ECAM_BASE), buf, len);
		else
			pci_ecam_read(vm, (uint32_t)(gpa - VMM_ECAM_BASE), buf, len);
	} else if (gpa >= VMM_HPC_BASE && gpa - VMM_HPC_BASE < VMM_HPC_SIZE) {
		if (write)
			hpc_write(vm, (uint32_t)(gpa - VMM_HPC_BASE), buf, len);
		else
			hpc_read(vm, (uint32_t)(gpa - VMM_HPC_BASE), buf, len);
	} else if (!pci_bar_access(vm, gpa, buf, len, write)) {
		atomic_fetch_add_explicit(&vm->vcpu.stray, 1, memory_order_relaxed);
		if (!write)
			memset(buf, 0xff, len);
	}
}

/* Nothing listens on ports: reads give ones. */
static void exit_io(struct vm *vm)
{
	struct kvm_run *run = vm->vcpu.run;
	uint64_t len = (uint64_t)run->io.size * run->io.count;

	atomic_fetch_add_explicit(&vm->vcpu.exits_io, 1, memory_order_relaxed);
	if (run->io.direction == KVM_EXIT_IO_IN && run->io.data_offset <= vm->vcpu.run_size &&
	    len <= vm->vcpu.run_size - run->io.data_offset)
		memset((uint8_t *)run + run->io.data_offset, 0xff, len);
}

/* Where it stands, and the bytes there: guests are mapped one to one, so RIP is an address. */
static void crash(struct vm *vm, const char *what, uint64_t detail)
{
	char insn[3 * INSN_MAX + 1] = "";
	struct kvm_regs regs = {0};
	const uint8_t *p;

	(void)ioctl(vm->vcpu.fd, KVM_GET_REGS, &regs);
	p = vmm_gpa_ptr(vm, (gpa_t){regs.rip}, INSN_MAX);
	for (unsigned int i = 0; p && i < INSN_MAX; i++)
		snprintf(&insn[3 * i], 4, " %02x", p[i]);
	vm_end(vm, VM_CRASHED, "%s (%#llx) at rip %#llx rsp %#llx:%s", what,
	       (unsigned long long)detail, (unsigned long long)regs.rip,
	       (unsigned long long)regs.rsp, insn);
}

static void exit_handle(struct vm *vm)
{
	struct kvm_run *run = vm->vcpu.run;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		atomic_fetch_add_explicit(&vm->vcpu.exits_mmio, 1, memory_order_relaxed);
		if (run->mmio.len <= sizeof(run->mmio.data))
			vcpu_mmio(vm, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
				  run->mmio.is_write);
		break;
	case KVM_EXIT_IO:
		exit_io(vm);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_HLT:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		crash(vm, "triple fault", 0);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		crash(vm, "the processor refused the guest's state",
		      run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crash(vm,
		      run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
			      ? "an instruction that KVM cannot emulate"
			      : "internal error of KVM",
		      run->internal.suberror);
		break;
	default:
		crash(vm, "unexpected exit", run->exit_reason);
		break;
	}
}

static void *vcpu_thread(void *arg)
{
	struct vm *vm = arg;
	struct vcpu *v = &vm->vcpu;

	while (!atomic_load(&v->stop) && atomic_load(&vm->state) == VM_RUNNING) {
		int r = ioctl(v->fd, KVM_RUN, 0);

		atomic_fetch_add_explicit(&v->exits, 1, memory_order_relaxed);
		if (r == 0) {
			exit_handle(vm);
		} else if (errno == EINTR || errno == EAGAIN) {
			atomic_fetch_add_explicit(&v->exits_intr, 1, memory_order_relaxed);
			/* one shot: whoever set it has a flag that the loop looks at */
			__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		} else {
			crash(vm, "KVM_RUN failed", (uint64_t)errno);
		}
	}
	return NULL;
}

static void kick_handler(int sig)
{
	(void)sig;
}

static int vcpu_attr(const struct vcpu *v, pthread_attr_t *attr)
{
	cpu_set_t set;

	if (v->cpu < 0)
		return 0;
	if (v->cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)v->cpu, &set);
	return -pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

int vcpu_start(struct vm *vm)
{
	struct sigaction sa = {.sa_handler = kick_handler}; /* no SA_RESTART: KVM_RUN must return */
	struct vcpu *v = &vm->vcpu;
	sigset_t all, old;
	pthread_attr_t attr;
	int r;

	if (sigaction(KICK_SIGNAL, &sa, NULL) < 0)
		return -errno;
	/* signals are the main thread's, all but the kick */
	sigfillset(&all);
	sigdelset(&all, KICK_SIGNAL);
	pthread_attr_init(&attr);
	r = vcpu_attr(v, &attr);
	if (r >= 0) {
		pthread_sigmask(SIG_SETMASK, &all, &old);
		r = -pthread_create(&v->thread, &attr, vcpu_thread, vm);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	pthread_attr_destroy(&attr);
	if (r < 0)
		return r;
	v->started = true;
	pthread_setname_np(v->thread, "vcpu-0");
	return 0;
}

int vcpu_stop(struct vm *vm, uint64_t timeout_us)
{
	struct vcpu *v = &vm->vcpu;
	uint64_t until = clock_us() + timeout_us;

	if (!v->started)
		return 0;
	atomic_store(&v->stop, true);
	/* kicked again and again, as a kick may come just before the loop looks at it */
	do {
		struct timespec ts;

		__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		pthread_kill(v->thread, KICK_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 10 * 1000 * 1000;
		if (ts.tv_nsec >= 1000 * 1000 * 1000) {
			ts.tv_nsec -= 1000 * 1000 * 1000;
			ts.tv_sec++;
		}
		if (!pthread_timedjoin_np(v->thread, NULL, &ts)) {
			v->started = false;
			return 0;
		}
	} while (clock_us() < until);
	return -ETIMEDOUT;
}

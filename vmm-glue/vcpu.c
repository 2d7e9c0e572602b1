/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <lib/clock.h>
#include "boot_linux.h"
#include "cpuid.h"
#include "hotplug.h"
#include "jail.h"
#include "pci_core.h"
#include "ports.h"
#include "vcpu.h"

#define KICK_SIGNAL SIGUSR1
#define INSN_MAX    15u

#define MSR_MISC_ENABLE	  0x1a0u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define FAST_STRINGS	  1u
#define MTRR_ON_WB	  0x806u

static _Thread_local unsigned int self;

unsigned int vcpu_self(void)
{
	return self;
}

static int cpuid_set(struct vcpu *v)
{
	_cleanup_(freep) struct kvm_cpuid2 *c = NULL;
	struct vm *vm = v->vm;
	struct cpuid_facts f = {
		.index = v->index,
		.n_cpus = vm->n_vcpus,
		.tsc_khz = vm->tsc_khz,
		.hide_pmu = vm->kind == VM_LINUX,
		.tsc_deadline = vm->kind == VM_LINUX && ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION,
							      KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};

	c = calloc(1, sizeof(*c) + CPUID_MAX * sizeof(c->entries[0]));
	if (!c)
		return -ENOMEM;
	c->nent = CPUID_MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return -errno;
	cpuid_shape(c, &f);
	if (ioctl(v->fd, KVM_SET_CPUID2, c) < 0)
		return -errno;
	return 0;
}

/* As firmware leaves them: memory is write-back unless said otherwise. A KVM that has one of these
 * not takes the others. */
static void msrs_set(const struct vcpu *v)
{
	static const struct kvm_msr_entry values[] = {
		{.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ON_WB},
		{.index = MSR_MISC_ENABLE, .data = FAST_STRINGS},
	};
	_cleanup_(freep) struct kvm_msrs *m = NULL;

	m = calloc(1, sizeof(*m) + sizeof(values));
	if (!m)
		return;
	m->nmsrs = ARRAY_SIZE(values);
	memcpy(m->entries, values, sizeof(values));
	(void)ioctl(v->fd, KVM_SET_MSRS, m);
}

static int registers_set(struct vcpu *v)
{
	const struct boot_start *start = &v->vm->start;
	struct kvm_sregs s;
	struct kvm_regs regs;

	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	if (start->how == BOOT_BENCH) {
		boot_sregs(&s);
		boot_regs(&regs, start->entry, v->vm->tsc_khz);
	} else {
		boot_linux_sregs(start, &s);
		boot_linux_regs(start, &regs);
	}
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0)
		return -errno;
	if (ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

static int open_one(struct vm *vm, struct vcpu *v)
{
	void *run;
	int r;

	v->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)v->index);
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

	if (!v->index) {
		r = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
		vm->tsc_khz = r > 0 ? (uint32_t)r : 0;
	}
	r = cpuid_set(v);
	if (r < 0)
		return r;
	if (vm->kind == VM_LINUX)
		msrs_set(v);
	/* the others wait for the first one's INIT and SIPI, as they do without firmware */
	r = v->index ? 0 : registers_set(v);
	if (r < 0)
		return r;
	/* a kernel without statistics is no reason to fail: then only our own count is reported */
	r = vcpu_stats_open(v);
	if (r < 0)
		v->stats_off = 0;
	return 0;
}

int vcpu_open(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		int r = open_one(vm, &vm->vcpu[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void vcpu_close(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];

		if (v->run)
			munmap(v->run, v->run_size);
		v->run = NULL;
		v->stats_fd = fd_close(v->stats_fd);
		v->fd = fd_close(v->fd);
	}
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
		atomic_fetch_add_explicit(&vm->vcpu[self].stray, 1, memory_order_relaxed);
		if (!write)
			memset(buf, 0xff, len);
	}
}

/* String instructions come as one exit with many accesses of the same port. */
static void exit_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint64_t len = (uint64_t)run->io.size * run->io.count;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	atomic_fetch_add_explicit(&v->exits_io, 1, memory_order_relaxed);
	if (!run->io.size || run->io.data_offset > v->run_size ||
	    len > v->run_size - run->io.data_offset)
		return;
	for (uint64_t at = 0; at < len; at += run->io.size)
		ports_access(v->vm, run->io.port, data + at, run->io.size,
			     run->io.direction == KVM_EXIT_IO_OUT);
}

/* Where it stands, and the bytes there: guests are mapped one to one, so RIP is an address. */
static void crash(struct vcpu *v, const char *what, uint64_t detail)
{
	struct vm *vm = v->vm;
	char insn[3 * INSN_MAX + 1] = "";
	struct kvm_regs regs = {0};
	const uint8_t *p;

	(void)ioctl(v->fd, KVM_GET_REGS, &regs);
	p = vmm_gpa_ptr(vm, (gpa_t){regs.rip}, INSN_MAX);
	for (unsigned int i = 0; p && i < INSN_MAX; i++)
		snprintf(&insn[3 * i], 4, " %02x", p[i]);
	vm_end(vm, VM_ENDED_CRASH, "%s (%#llx) at rip %#llx rsp %#llx:%s", what,
	       (unsigned long long)detail, (unsigned long long)regs.rip,
	       (unsigned long long)regs.rsp, insn);
}

static void exit_handle(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		atomic_fetch_add_explicit(&v->exits_mmio, 1, memory_order_relaxed);
		if (run->mmio.len <= sizeof(run->mmio.data))
			vcpu_mmio(v->vm, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
				  run->mmio.is_write);
		break;
	case KVM_EXIT_IO:
		exit_io(v);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_HLT:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		/* how a kernel that has said its last word may reset, when nothing else worked */
		if (v->vm->kind == VM_LINUX && atomic_load(&v->vm->panic) != VM_PANIC_NONE)
			vm_end(v->vm, VM_ENDED_RESET, "triple fault after a panic");
		else
			crash(v, "triple fault", 0);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		crash(v, "the processor refused the guest's state",
		      run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crash(v,
		      run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
			      ? "an instruction that KVM cannot emulate"
			      : "internal error of KVM",
		      run->internal.suberror);
		break;
	default:
		crash(v, "unexpected exit", run->exit_reason);
		break;
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	struct vm *vm = v->vm;
	char name[16];

	self = v->index;
	snprintf(name, sizeof(name), "vcpu-%u", v->index);
	pthread_setname_np(pthread_self(), name);
	vmm_jail_thread(THREAD_VCPU);
	while (!atomic_load(&v->stop) && atomic_load(&vm->state) == VM_RUNNING) {
		int r = ioctl(v->fd, KVM_RUN, 0);

		atomic_fetch_add_explicit(&v->exits, 1, memory_order_relaxed);
		if (r == 0) {
			exit_handle(v);
		} else if (errno == EINTR || errno == EAGAIN) {
			atomic_fetch_add_explicit(&v->exits_intr, 1, memory_order_relaxed);
			/* one shot: whoever set it has a flag that the loop looks at */
			__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		} else {
			crash(v, "KVM_RUN failed", (uint64_t)errno);
		}
	}
	return NULL;
}

static void kick_handler(int sig)
{
	(void)sig;
}

/* Only the first processor is pinned: on one CPU several of them would wait for each other. */
static int vcpu_attr(const struct vcpu *v, pthread_attr_t *attr)
{
	int cpu = v->vm->cpu;
	cpu_set_t set;

	if (cpu < 0 || v->index)
		return 0;
	if (cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return -pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

static int start_one(struct vcpu *v)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int r;

	atomic_store(&v->stop, false);
	/* signals are the main thread's, all but the kick */
	sigfillset(&all);
	sigdelset(&all, KICK_SIGNAL);
	pthread_attr_init(&attr);
	r = vcpu_attr(v, &attr);
	if (r >= 0) {
		pthread_sigmask(SIG_SETMASK, &all, &old);
		r = -pthread_create(&v->thread, &attr, vcpu_thread, v);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	pthread_attr_destroy(&attr);
	if (r < 0)
		return r;
	v->started = true;
	return 0;
}

int vcpu_start(struct vm *vm)
{
	struct sigaction sa = {.sa_handler = kick_handler}; /* no SA_RESTART: KVM_RUN must return */
	int r = 0;

	if (sigaction(KICK_SIGNAL, &sa, NULL) < 0)
		return -errno;
	/* the first one last: it would start the others */
	for (unsigned int i = vm->n_vcpus; r >= 0 && i > 0; i--)
		r = start_one(&vm->vcpu[i - 1]);
	return r;
}

void vcpu_kick(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];

		if (!v->started)
			continue;
		__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		pthread_kill(v->thread, KICK_SIGNAL);
	}
}

static bool join_soon(struct vcpu *v)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 10 * 1000 * 1000;
	if (ts.tv_nsec >= 1000 * 1000 * 1000) {
		ts.tv_nsec -= 1000 * 1000 * 1000;
		ts.tv_sec++;
	}
	return !pthread_timedjoin_np(v->thread, NULL, &ts);
}

int vcpu_stop(struct vm *vm, uint64_t timeout_us)
{
	uint64_t until = clock_us() + timeout_us;
	unsigned int left;

	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		atomic_store(&vm->vcpu[i].stop, true);
	/* kicked again and again, as a kick may come just before the loop looks at it */
	do {
		left = 0;
		vcpu_kick(vm);
		for (unsigned int i = 0; i < vm->n_vcpus; i++) {
			struct vcpu *v = &vm->vcpu[i];

			if (v->started && join_soon(v))
				v->started = false;
			left += v->started;
		}
	} while (left && clock_us() < until);
	return left ? -ETIMEDOUT : 0;
}

void vcpu_totals(const struct vm *vm, struct vcpu_totals *ret_totals)
{
	struct vcpu_totals t = {0};

	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		const struct vcpu *v = &vm->vcpu[i];

		t.exits += atomic_load(&v->exits);
		t.mmio += atomic_load(&v->exits_mmio);
		t.io += atomic_load(&v->exits_io);
		t.intr += atomic_load(&v->exits_intr);
		t.stray += atomic_load(&v->stray);
		t.kvm += vcpu_stats_exits(v);
	}
	*ret_totals = t;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every system call that sriov-vmm makes once its jail is closed, by whom, and why. A call that is
 * not here ends the process. tests/integration/test_jail records what a whole run calls: a row that
 * nobody uses fails it, unless it is marked as needed elsewhere, as is a call without a row.
 *
 * What is not here on purpose: opening, connecting, executing, forking, memory that can be
 * executed.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/seccomp.h>
#include "jail.h"

#define M   THREAD_MAIN
#define C   THREAD_VCPU
#define I   THREAD_IO
#define S   THREAD_START
#define ALL (M | C | I)

/* what pthread_create(3) asks for, and nothing else: no new process, no namespace */
#define THREAD_FLAGS                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#define CALL(call, who, why) JAIL_CALL(call, who, why)
#define IOCTL(request, who, why)                                \
	{                                                       \
		JAIL_CALL(ioctl, who, why), JAIL_IF(1, request) \
	}
#define IOCTL_ELSEWHERE(request, who, why)                                         \
	{                                                                          \
		JAIL_CALL(ioctl, who, why), JAIL_IF(1, request), .elsewhere = true \
	}
#define ELSEWHERE(call, who, why)                            \
	{                                                    \
		JAIL_CALL(call, who, why), .elsewhere = true \
	}
#define FCNTL(command, who, why)                                \
	{                                                       \
		JAIL_CALL(fcntl, who, why), JAIL_IF(1, command) \
	}
#define NO_EXEC JAIL_IF_MASKED(2, PROT_EXEC, 0)

static const struct jail_call calls[] = {
	IOCTL(KVM_RUN, C, "the guest runs"),
	IOCTL(KVM_IRQFD, M | C, "an unmasked vector gets its interrupt without us"),
	IOCTL(KVM_SET_GSI_ROUTING, M | C, "the guest programs a vector"),
	IOCTL(KVM_SET_USER_MEMORY_REGION, M | C, "guest RAM; BARs that the guest moves"),
	IOCTL(KVM_IOEVENTFD, M | C, "doorbells of virtqueues, where the guest puts the BAR"),
	IOCTL(KVM_GET_REGS, C, "where the guest stood when it crashed"),
	IOCTL(KVM_GET_API_VERSION, M, "vm.create"),
	IOCTL(KVM_CHECK_EXTENSION, M, "vm.create"),
	IOCTL(KVM_CREATE_VM, M, "vm.create"),
	IOCTL(KVM_SET_IDENTITY_MAP_ADDR, M, "vm.create"),
	IOCTL(KVM_SET_TSS_ADDR, M, "vm.create"),
	IOCTL(KVM_CREATE_IRQCHIP, M, "vm.create"),
	IOCTL(KVM_CREATE_VCPU, M, "vm.create"),
	IOCTL(KVM_GET_VCPU_MMAP_SIZE, M, "vm.create"),
	IOCTL(KVM_GET_TSC_KHZ, M, "vm.create"),
	IOCTL(KVM_GET_SUPPORTED_CPUID, M, "vm.create"),
	IOCTL(KVM_SET_CPUID2, M, "vm.create"),
	IOCTL_ELSEWHERE(KVM_SET_MSRS, M, "vm.create, kind linux: what firmware leaves behind"),
	IOCTL(KVM_GET_SREGS, M, "vm.create"),
	IOCTL(KVM_SET_SREGS, M, "vm.create"),
	IOCTL(KVM_SET_REGS, M, "vm.create"),
	IOCTL(KVM_GET_STATS_FD, M, "vm.create: exits as KVM counts them"),
	IOCTL(TUNGETIFF, M, "device.add of a tap: what it is"),
	IOCTL(TUNSETVNETHDRSZ, M, "device.add of a tap"),
	IOCTL(TUNSETOFFLOAD, M, "device.add of a tap: what it may give us"),
	IOCTL_ELSEWHERE(TUNSETOFFLOAD, C, "what a stock driver can take from a tap"),
	IOCTL(TUNSETQUEUE, M, "device.add of a tap: one queue, until more are asked for"),
	IOCTL_ELSEWHERE(TUNSETQUEUE, C, "how many queues of a tap a stock driver uses"),
	IOCTL_ELSEWHERE(BLKGETSIZE64, M, "device.add of a block device: its size"),
	IOCTL_ELSEWHERE(VFIO_GET_API_VERSION, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_CHECK_EXTENSION, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_IOMMU_GET_INFO, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_IOMMU_MAP_DMA, M, "guest RAM for a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_IOMMU_UNMAP_DMA, M, "removal of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_DEVICE_GET_INFO, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_DEVICE_GET_REGION_INFO, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_DEVICE_GET_IRQ_INFO, M, "device.add of a VF of the host"),
	IOCTL_ELSEWHERE(VFIO_DEVICE_SET_IRQS, M | C, "the guest enables MSI-X of such a VF"),
	IOCTL_ELSEWHERE(VFIO_DEVICE_RESET, M | C, "before and after a guest has such a VF"),

	{CALL(read, ALL, "eventfds, timer, signals, frames of a tap")},
	{CALL(write, M | C, "eventfds, console, log")},
	ELSEWHERE(write, I, "eventfds"),
	ELSEWHERE(writev, I, "frames to a tap"),
	{CALL(futex, ALL, "locks, and waiting for threads")},
	{CALL(poll, ALL, "waits with a deadline for peers, eventfds, queues")},
	{CALL(sendmsg, M | C, "control channel, vfio-user, vhost-user")},
	{CALL(recvmsg, M | C, "control channel, vfio-user, vhost-user")},
	{CALL(pread64, M, "guest's image, KVM's statistics")},
	ELSEWHERE(pread64, C, "registers of a VF of the host"),
	ELSEWHERE(pwrite64, M | C, "registers of a VF of the host"),
	{JAIL_CALL(prlimit64, M, "may a VF of the host pin guest RAM? nothing is set"),
	 JAIL_IF(2, 0), .elsewhere = true},
	ELSEWHERE(preadv, I, "the guest reads its disk"),
	ELSEWHERE(pwritev, I, "the guest writes its disk"),
	ELSEWHERE(fdatasync, I, "the guest flushes its disk"),
	ELSEWHERE(getrandom, M | I, "virtio-rng"),

	{CALL(epoll_wait, M, "the event loop")},
	ELSEWHERE(epoll_pwait, M, "the event loop, as some libraries do it"),
	ELSEWHERE(epoll_pwait2, M, "the event loop, as some libraries do it"),
	{CALL(epoll_ctl, M, "the event loop: clients and devices come and go")},
	{CALL(timerfd_settime, M, "the event loop's timer")},
	ELSEWHERE(timerfd_create, M, "the event loop's timer, if of another clock"),
	{CALL(signalfd4, M, "the event loop at its end")},
	{CALL(accept4, M, "clients of the control socket; back ends that come by themselves")},
	{CALL(getsockopt, M, "who the client is; what kind of socket was given")},
	{CALL(shutdown, M, "a peer that broke the protocol")},
	ELSEWHERE(shutdown, C, "a peer that broke the protocol"),
	{CALL(geteuid, M, "who we are, for vm.info and to compare with clients")},
	FCNTL(F_GETFL, M, "was the disk opened for writing? queues that do not block"),
	FCNTL(F_SETFL, M, "queues that do not block"),
	FCNTL(F_ADD_SEALS, M, "guest RAM keeps its size"),
	{JAIL_CALL(fcntl, M | C, "a VF's own copies of eventfds"), JAIL_IF(1, F_DUPFD_CLOEXEC),
	 .elsewhere = true},
	{CALL(newfstatat, M, "size of a disk or an image")},
	ELSEWHERE(fstat, M, "size of a disk or an image, as some libraries ask"),
	{CALL(close, M, "descriptors of what was removed")},
	ELSEWHERE(close, C, "a back end that went away"),
	{CALL(eventfd2, M, "interrupts and doorbells")},
	ELSEWHERE(eventfd2, C, "interrupts of a VF of the host"),

	{CALL(memfd_create, M, "guest RAM")},
	{CALL(ftruncate, M, "guest RAM")},
	ELSEWHERE(fallocate, M, "guest RAM of huge pages"),
	{CALL(mmap, M, "guest RAM, registers, stacks, heap; nothing to execute"), NO_EXEC},
	{JAIL_CALL(mmap, C | I, "heap; nothing to execute"), NO_EXEC, .elsewhere = true},
	{CALL(mprotect, M, "stacks, heap; nothing to execute"), NO_EXEC},
	{JAIL_CALL(mprotect, C | I, "heap; nothing to execute"), NO_EXEC, .elsewhere = true},
	{CALL(munmap, M, "what was removed; heap")},
	ELSEWHERE(munmap, C | I, "heap"),
	ELSEWHERE(mremap, ALL, "large blocks of the heap"),
	{CALL(madvise, C | I, "its stack, when a thread ends")},
	ELSEWHERE(madvise, M, "heap"),
	{CALL(brk, M, "heap")},
	ELSEWHERE(brk, C | I, "heap, when it is short"),

	{CALL(clone3, M, "the C library falls back to clone, whose flags a filter can see"),
	 .refuse = ENOSYS},
	{CALL(clone, M, "threads of processors and devices"), JAIL_IF(0, THREAD_FLAGS)},
	{CALL(set_robust_list, S, "a thread's start")},
	{CALL(rseq, S, "a thread's start")},
	{CALL(prctl, S, "a thread's name"), JAIL_IF(0, PR_SET_NAME)},
	{CALL(prctl, S, "the data thread of an emulated NIC wakes in time"),
	 JAIL_IF(0, PR_SET_TIMERSLACK)},
	{CALL(prctl, S, "a thread's own filter"), JAIL_IF(0, PR_SET_NO_NEW_PRIVS)},
	{CALL(seccomp, S, "a thread's own filter"), JAIL_IF(0, SECCOMP_SET_MODE_FILTER)},
	{CALL(exit, C | I, "a thread's end")},
	{CALL(sched_setaffinity, M, "the first processor stays on its CPU")},
	{CALL(rt_sigprocmask, ALL, "signals are the main thread's")},
	{CALL(rt_sigaction, M, "the kick that makes KVM_RUN return")},
	{CALL(rt_sigreturn, C, "the kick's return")},
	ELSEWHERE(restart_syscall, ALL, "a wait that a stop and continue interrupted"),
	{CALL(getpid, M, "ctl.ping; the kick")},
	ELSEWHERE(gettid, M, "abort(3)"),
	{CALL(tgkill, M, "the kick; abort(3)"), .check = JAIL_SELF, .arg = 0},
	ELSEWHERE(clock_gettime, ALL, "where the kernel has no clock in user space"),
	ELSEWHERE(clock_nanosleep, ALL, "short waits for a peer"),
	ELSEWHERE(sched_yield, ALL, "short waits for another thread"),
	{CALL(exit_group, M, "the end")},
};

const struct jail_table vmm_jail_calls = {.call = calls, .n = sizeof(calls) / sizeof(calls[0])};

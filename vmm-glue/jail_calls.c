/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every system call that sriov-vmm makes once its jail is closed, by whom, and why. A call that is
 * not here ends the process. tests/integration/test_jail and tests/system/93_jail_stock_drivers
 * record what whole runs call: a call without a row fails them, and so does a row that its test
 * does not see used (JAIL_ROW the former's, JAIL_STOCK the latter's, JAIL_PERHAPS none's).
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
#include <sys/socket.h>
#include "jail.h"

#define M   THREAD_MAIN
#define C   THREAD_VCPU
#define I   THREAD_IO
#define S   THREAD_START
#define ALL (M | C | I)

static const struct jail_call calls[] = {
	JAIL_IOCTL(KVM_RUN, C, "the guest runs"),
	JAIL_IOCTL(KVM_IRQFD, M | C, "an unmasked vector gets its interrupt without us"),
	JAIL_IOCTL(KVM_SET_GSI_ROUTING, M | C, "the guest programs a vector"),
	JAIL_IOCTL(KVM_SET_USER_MEMORY_REGION, M | C, "guest RAM; BARs that the guest moves"),
	JAIL_IOCTL(KVM_IOEVENTFD, M | C, "doorbells of virtqueues, where the guest puts the BAR"),
	JAIL_IOCTL(KVM_GET_REGS, C, "where the guest stood when it crashed"),
	JAIL_IOCTL(KVM_GET_API_VERSION, M, "vm.create"),
	JAIL_IOCTL(KVM_CHECK_EXTENSION, M, "vm.create"),
	JAIL_IOCTL(KVM_CREATE_VM, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_IDENTITY_MAP_ADDR, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_TSS_ADDR, M, "vm.create"),
	JAIL_IOCTL(KVM_CREATE_IRQCHIP, M, "vm.create"),
	JAIL_IOCTL(KVM_CREATE_VCPU, M, "vm.create"),
	JAIL_IOCTL(KVM_GET_VCPU_MMAP_SIZE, M, "vm.create"),
	JAIL_IOCTL(KVM_GET_TSC_KHZ, M, "vm.create"),
	JAIL_IOCTL(KVM_GET_SUPPORTED_CPUID, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_CPUID2, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_MSRS, M, "vm.create, kind linux: what firmware leaves behind"),
	JAIL_IOCTL(KVM_GET_SREGS, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_SREGS, M, "vm.create"),
	JAIL_IOCTL(KVM_SET_REGS, M, "vm.create"),
	JAIL_IOCTL(KVM_GET_STATS_FD, M, "vm.create: exits as KVM counts them"),
	JAIL_IOCTL(TUNGETIFF, M, "device.add of a tap: what it is"),
	JAIL_IOCTL(TUNSETVNETHDRSZ, M, "device.add of a tap"),
	JAIL_IOCTL(TUNSETOFFLOAD, M, "device.add of a tap: what it may give us"),
	JAIL_IOCTL_STOCK(TUNSETOFFLOAD, C, "what a stock driver can take from a tap"),
	JAIL_IOCTL(TUNSETQUEUE, M, "device.add of a tap: one queue, until more are asked for"),
	JAIL_IOCTL_STOCK(TUNSETQUEUE, C, "a driver starts where one had several queues of a tap"),
	JAIL_IOCTL_STOCK(BLKGETSIZE64, M, "device.add of a block device: its size"),
	JAIL_IOCTL_STOCK(VFIO_IOMMU_GET_INFO, M, "device.add of a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_IOMMU_MAP_DMA, M, "guest RAM for a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_IOMMU_UNMAP_DMA, M, "removal of a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_DEVICE_GET_INFO, M, "device.add of a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_DEVICE_GET_REGION_INFO, M, "device.add of a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_DEVICE_GET_IRQ_INFO, M, "device.add of a VF of the host"),
	JAIL_IOCTL_STOCK(VFIO_DEVICE_SET_IRQS, M | C, "the guest enables MSI-X of such a VF"),
	JAIL_IOCTL_STOCK(VFIO_DEVICE_RESET, M, "before and after a guest has such a VF"),
	{JAIL_CALL(ioctl, C, "a reset by the guest, as in tests/system/78_vmm_vfio"),
	 JAIL_IF(1, VFIO_DEVICE_RESET), .seen = JAIL_SEEN_PERHAPS},

	JAIL_ROW(read, ALL, "eventfds, timer, signals, frames of a tap"),
	JAIL_ROW(write, M | C, "eventfds, console, log"),
	JAIL_STOCK(write, I, "eventfds"),
	JAIL_STOCK(writev, I, "frames to a tap"),
	JAIL_ROW(futex, ALL, "locks, and waiting for threads"),
	JAIL_ROW(poll, ALL, "waits with a deadline for peers, eventfds, queues"),
	JAIL_ROW(sendmsg, M | C, "control channel, vfio-user, vhost-user"),
	JAIL_ROW(recvmsg, M | C, "control channel, vfio-user, vhost-user"),
	JAIL_ROW(pread64, M, "guest's image, KVM's statistics"),
	JAIL_STOCK(pread64, C, "registers of a VF of the host that is trapped"),
	JAIL_STOCK(pwrite64, M | C, "registers of a VF of the host"),
	{JAIL_CALL(prlimit64, M, "may a VF of the host pin guest RAM? nothing is set"),
	 JAIL_IF(2, 0), .seen = JAIL_SEEN_STOCK},
	JAIL_STOCK(preadv, I, "the guest reads its disk"),
	JAIL_STOCK(pwritev, I, "the guest writes its disk"),
	JAIL_STOCK(fdatasync, I, "the guest flushes its disk"),
	JAIL_STOCK(getrandom, M, "virtio-rng"),

	JAIL_LOOP_WAITS(M),
	JAIL_ROW(epoll_ctl, M, "the event loop: clients and devices come and go"),
	JAIL_ROW(timerfd_settime, M, "the event loop's timer"),
	JAIL_PERHAPS(timerfd_create, M, "the event loop's timer, if of another clock"),
	JAIL_ROW(signalfd4, M, "the event loop at its end"),
	JAIL_ROW(accept4, M, "clients of the control socket; back ends that come by themselves"),
	JAIL_ROW(getsockopt, M, "who the client is; what kind of socket was given"),
	JAIL_ROW(shutdown, M, "a peer that broke the protocol"),
	JAIL_PERHAPS(shutdown, C, "a peer that broke the protocol"),
	JAIL_ROW(geteuid, M, "who we are, for vm.info and to compare with clients"),
	JAIL_FCNTL(F_GETFL, M, "was the disk opened for writing? queues that do not block"),
	JAIL_FCNTL(F_SETFL, M, "queues that do not block"),
	JAIL_FCNTL(F_ADD_SEALS, M, "guest RAM keeps its size"),
	{JAIL_CALL(fcntl, M, "a VF's own copies of eventfds"), JAIL_IF(1, F_DUPFD_CLOEXEC),
	 .seen = JAIL_SEEN_STOCK},
	{JAIL_CALL(fcntl, C,
		   "the same; a kernel before 6.4, whose VFs' sets of vectors do not grow"),
	 JAIL_IF(1, F_DUPFD_CLOEXEC), .seen = JAIL_SEEN_PERHAPS},
	JAIL_ROW(newfstatat, M, "size of a disk or an image"),
	JAIL_PERHAPS(fstat, M, "size of a disk or an image, as some libraries ask"),
	JAIL_ROW(close, M, "descriptors of what was removed"),
	JAIL_PERHAPS(close, C, "such copies; a back end that broke the protocol"),
	JAIL_ROW(eventfd2, M, "interrupts and doorbells"),

	JAIL_ROW(memfd_create, M, "guest RAM"),
	JAIL_ROW(ftruncate, M, "guest RAM"),
	JAIL_STOCK(fallocate, M, "guest RAM of huge pages"),
	{JAIL_CALL(mmap, M, "guest RAM, registers, stacks, heap; nothing to execute"),
	 JAIL_NO_EXEC},
	{JAIL_CALL(mmap, C | I, "heap; nothing to execute"), JAIL_NO_EXEC,
	 .seen = JAIL_SEEN_PERHAPS},
	{JAIL_CALL(mprotect, M, "stacks, heap; nothing to execute"), JAIL_NO_EXEC},
	{JAIL_CALL(mprotect, C | I, "heap; nothing to execute"), JAIL_NO_EXEC,
	 .seen = JAIL_SEEN_PERHAPS},
	JAIL_ROW(munmap, M, "what was removed; heap"),
	JAIL_PERHAPS(munmap, C | I, "heap"),
	JAIL_PERHAPS(mremap, ALL, "large blocks of the heap"),
	JAIL_ROW(madvise, C | I, "its stack, when a thread ends"),
	JAIL_PERHAPS(madvise, M, "heap, where glibc is told of huge pages"),
	JAIL_ROW(brk, M, "heap"),
	JAIL_PERHAPS(brk, C | I, "heap, when it is short"),

	JAIL_THREADS(M, S, "threads of processors and devices",
		     "the data thread of an emulated NIC wakes in time"),
	JAIL_ROW(exit, C | I, "a thread's end"),
	JAIL_ROW(sched_setaffinity, M, "the first processor stays on its CPU"),
	JAIL_ROW(rt_sigprocmask, ALL, "signals are the main thread's"),
	JAIL_ROW(rt_sigaction, M, "the kick that makes KVM_RUN return"),
	JAIL_ROW(rt_sigreturn, C, "the kick's return"),
	JAIL_PERHAPS(restart_syscall, ALL, "a wait that a stop and continue interrupted"),
	JAIL_ROW(getpid, M, "ctl.ping; the kick"),
	JAIL_ROW(gettid, M, "the event loop; abort(3)"),
	{JAIL_CALL(tgkill, M, "the kick; abort(3)"), .check = JAIL_SELF, .arg = 0},
	JAIL_PERHAPS(clock_gettime, ALL, "where the kernel has no clock in user space"),
	JAIL_PERHAPS(clock_nanosleep, ALL, "short waits for a peer"),
	JAIL_PERHAPS(sched_yield, ALL, "short waits for another thread"),
	JAIL_ROW(exit_group, M, "the end"),
};

const struct jail_table vmm_jail_calls = {.call = calls, .n = sizeof(calls) / sizeof(calls[0])};

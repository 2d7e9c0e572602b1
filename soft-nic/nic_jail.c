/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_jail.h"

#include <fcntl.h>
#include <jansson.h>
#include <lib/log.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-id128.h>
#include "vfu_server.h"

#define FILES_MAX 16384u

#define M   NIC_THREAD_MAIN
#define D   NIC_THREAD_DATA
#define S   NIC_THREAD_START
#define ALL (M | D)

#define THREAD_FLAGS                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#define CALL(call, who, why) JAIL_CALL(call, who, why)
#define ELSEWHERE(call, who, why)                            \
	{                                                    \
		JAIL_CALL(call, who, why), .elsewhere = true \
	}
#define FCNTL(command, who, why)                                \
	{                                                       \
		JAIL_CALL(fcntl, who, why), JAIL_IF(1, command) \
	}
#define NO_EXEC JAIL_IF_MASKED(2, PROT_EXEC, 0)

/* As in vmm-glue/jail_calls.c; tests/integration/test_jail measures it, too. */
static const struct jail_call calls[] = {
	{CALL(futex, ALL, "naps of the data threads, and who wakes them")},
	{CALL(write, M, "interrupts: eventfds; frames to the tap; log")},
	ELSEWHERE(write, D, "interrupts: eventfds, which drivers that poll do not want"),
	{CALL(read, M | S, "eventfds, timer, signals; frames of the tap")},
	{CALL(poll, S, "the wire's thread waits for frames")},
	ELSEWHERE(poll, M, "full sockets"),
	{CALL(recvmsg, M, "control channel, vfio-user")},
	{CALL(sendmsg, M, "control channel, vfio-user")},
	ELSEWHERE(clock_nanosleep, ALL, "the tap is down; short waits for a thread"),
	ELSEWHERE(clock_gettime, ALL, "where the kernel has no clock in user space"),
	ELSEWHERE(sched_yield, ALL, "short waits for another thread"),

	{CALL(epoll_wait, M, "the event loop")},
	ELSEWHERE(epoll_pwait, M, "the event loop, as some libraries do it"),
	ELSEWHERE(epoll_pwait2, M, "the event loop, as some libraries do it"),
	{CALL(epoll_ctl, M, "the event loop: clients come and go")},
	ELSEWHERE(timerfd_create, M, "the event loop's timer"),
	ELSEWHERE(timerfd_settime, M, "the event loop's timer"),
	ELSEWHERE(signalfd4, M, "the event loop at its end"),
	{CALL(accept4, M, "clients")},
	{CALL(getsockopt, M, "who a client of the control socket is")},
	ELSEWHERE(geteuid, M, "a client that is not root has to be of our uid"),
	ELSEWHERE(shutdown, M, "a client that broke the protocol"),
	{CALL(socket, M, "the socket of a VF that appears"), JAIL_IF(0, AF_UNIX)},
	{CALL(bind, M, "the socket of a VF that appears; the file system is one directory")},
	{CALL(listen, M, "the socket of a VF that appears")},
	{CALL(chmod, M, "the socket of a VF that appears")},
	{CALL(unlink, M, "the socket of a VF that goes")},
	{CALL(eventfd2, M, "wake-ups of our own threads")},
	FCNTL(F_DUPFD_CLOEXEC, M, "own copies of a client's eventfds"),
	FCNTL(F_GETFL, M, "a client's eventfds must not block"),
	FCNTL(F_SETFL, M, "a client's eventfds must not block"),
	FCNTL(F_ADD_SEALS, M, "shared pages keep their size"),
	FCNTL(F_GET_SEALS, M, "does a client's memory keep its size?"),
	{CALL(newfstatat, M, "size of a client's memory; is there an old socket?")},
	ELSEWHERE(fstat, M, "size of a client's memory, as some libraries ask"),
	ELSEWHERE(lstat, M, "is there an old socket? as some libraries ask"),
	ELSEWHERE(fstatfs, M, "the kind of a client's memory that is not sealed"),
	{CALL(readlinkat, M, "is it an eventfd?")},
	{CALL(dup3, M, "fresh shared pages at a VF's reset, under the same number")},
	{CALL(close, M, "clients that went; their memory")},

	{CALL(memfd_create, M, "shared pages of the VFs")},
	{CALL(ftruncate, M, "shared pages of the VFs")},
	{CALL(mmap, M, "clients' memory, stacks, heap; nothing to execute"), NO_EXEC},
	{JAIL_CALL(mmap, D, "a page of a client's memory that is gone; nothing to execute"),
	 NO_EXEC, .elsewhere = true},
	{CALL(mprotect, M | S, "stacks, heap; nothing to execute"), NO_EXEC},
	{CALL(munmap, M, "clients' memory")},
	ELSEWHERE(mremap, M, "large blocks of the heap"),
	ELSEWHERE(madvise, ALL, "its stack, when a thread ends; heap"),
	ELSEWHERE(brk, ALL, "heap"),
	ELSEWHERE(getrandom, M, "seeds of the C library"),

	{CALL(clone3, M, "the C library falls back to clone, whose flags a filter can see"),
	 .refuse = ENOSYS},
	{CALL(clone, M, "data threads, the wire's thread"), JAIL_IF(0, THREAD_FLAGS)},
	{CALL(set_robust_list, S, "a thread's start")},
	{CALL(rseq, S, "a thread's start")},
	{CALL(prctl, S, "a thread's name"), JAIL_IF(0, PR_SET_NAME)},
	{CALL(prctl, S, "a data thread wakes in time"), JAIL_IF(0, PR_SET_TIMERSLACK)},
	{CALL(prctl, S, "a thread's own filter"), JAIL_IF(0, PR_SET_NO_NEW_PRIVS)},
	{CALL(seccomp, S, "a thread's own filter"), JAIL_IF(0, SECCOMP_SET_MODE_FILTER)},
	ELSEWHERE(sched_setaffinity, M, "data threads stay on their CPUs"),
	{CALL(exit, D | S, "a thread's end")},
	{CALL(rt_sigprocmask, ALL, "signals are the loop's")},
	ELSEWHERE(rt_sigaction, ALL, "a client's memory is gone, and so is the guard"),
	ELSEWHERE(rt_sigreturn, ALL, "a client's memory is gone, and the guard filled in"),
	ELSEWHERE(restart_syscall, ALL, "a wait that a stop and continue interrupted"),
	{CALL(getpid, M, "ctl.ping")},
	ELSEWHERE(gettid, M, "abort(3)"),
	{JAIL_CALL(tgkill, M, "abort(3)"), .check = JAIL_SELF, .arg = 0, .elsewhere = true},
	{CALL(exit_group, M, "the end")},
};

const struct jail_table nic_jail_calls = {.call = calls, .n = sizeof(calls) / sizeof(calls[0])};
const char *const nic_thread_names[] = {"main", "data", "start", NULL};

/* written once, before other threads exist */
static struct jail_state jail;
static pid_t self;

static int narrow(unsigned int threads)
{
	_cleanup_(freep) struct jail_filter *f = malloc(sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = jail_filter_build(&nic_jail_calls, threads, self, jail.seccomp, f);
	return r < 0 ? r : jail_filter_enter(f);
}

int nic_jail_enter(const char *dir, const char **ret_dir)
{
	const struct jail_plan plan = {.root = dir, .files_max = FILES_MAX};
	sd_id128_t boot;
	char text[256];
	int r;

	self = getpid();
	/* what would be opened at first use */
	json_object_seed(0);
	(void)sd_id128_get_boot(&boot); /* sd-event spreads its wake-ups by it */
	vfu_server_prepare();
	r = jail_enter(&plan, &jail);
	if (r < 0)
		return r;
	if (jail_mode_wanted() != JAIL_OFF) {
		jail.seccomp = jail_mode_wanted();
		/* it starts the others, which inherit this */
		r = narrow(M | D | S);
		if (r < 0)
			return r;
	}
	jail_describe(&jail, text, sizeof(text));
	log_info("jail: %s", text);
	*ret_dir = jail.root ? "" : dir;
	return 0;
}

void nic_jail_data_thread(void *ctx)
{
	int r;

	(void)ctx;
	if (jail.seccomp == JAIL_OFF)
		return;
	r = narrow(NIC_THREAD_DATA);
	if (r < 0) {
		log_error(r, "a data thread cannot be jailed; leaving");
		_exit(EXIT_FAILURE);
	}
}

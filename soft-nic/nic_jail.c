/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_jail.h"

#include <fcntl.h>
#include <jansson.h>
#include <lib/log.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>
#include "vfu_server.h"

#define FILES_MAX 16384u

#define M   NIC_THREAD_MAIN
#define D   NIC_THREAD_DATA
#define S   NIC_THREAD_START
#define ALL (M | D)

/* As in vmm-glue/jail_calls.c; the same tests measure it. */
static const struct jail_call calls[] = {
	JAIL_ROW(futex, ALL, "naps of the data threads, and who wakes them"),
	JAIL_ROW(write, M, "interrupts: eventfds; frames to the tap; log"),
	JAIL_STOCK(write, D, "interrupts: eventfds, which drivers that poll do not want"),
	JAIL_ROW(read, M | S, "eventfds, timer, signals; frames of the tap"),
	JAIL_ROW(poll, S, "the wire's thread waits for frames"),
	JAIL_PERHAPS(poll, M, "full sockets"),
	JAIL_ROW(recvmsg, M, "control channel, vfio-user"),
	JAIL_ROW(sendmsg, M, "control channel, vfio-user"),
	JAIL_PERHAPS(clock_nanosleep, ALL, "the tap is down; short waits for a thread"),
	JAIL_PERHAPS(clock_gettime, ALL, "where the kernel has no clock in user space"),
	JAIL_PERHAPS(sched_yield, ALL, "short waits for another thread"),

	JAIL_LOOP_WAITS(M),
	JAIL_ROW(epoll_ctl, M, "the event loop: clients come and go"),
	JAIL_ROW(timerfd_create, M, "the event loop's timer"),
	JAIL_ROW(timerfd_settime, M, "the event loop's timer"),
	JAIL_ROW(signalfd4, M, "the event loop at its end"),
	JAIL_ROW(accept4, M, "clients"),
	JAIL_ROW(getsockopt, M, "who a client of the control socket is"),
	JAIL_PERHAPS(geteuid, M, "a client that is not root has to be of our uid"),
	{JAIL_CALL(socket, M, "the socket of a VF that appears"), JAIL_IF(0, AF_UNIX)},
	JAIL_ROW(bind, M, "the socket of a VF that appears; the file system is one directory"),
	JAIL_ROW(listen, M, "the socket of a VF that appears"),
	JAIL_ROW(chmod, M, "the socket of a VF that appears"),
	JAIL_ROW(unlink, M, "the socket of a VF that goes"),
	JAIL_ROW(eventfd2, M, "wake-ups of our own threads"),
	JAIL_FCNTL(F_DUPFD_CLOEXEC, M, "own copies of a client's eventfds"),
	JAIL_FCNTL(F_GETFL, M, "a client's eventfds must not block"),
	JAIL_FCNTL(F_SETFL, M, "a client's eventfds must not block"),
	JAIL_FCNTL(F_ADD_SEALS, M, "shared pages keep their size"),
	JAIL_FCNTL(F_GET_SEALS, M, "does a client's memory keep its size?"),
	JAIL_ROW(newfstatat, M, "size of a client's memory; is there an old socket?"),
	JAIL_PERHAPS(fstat, M, "size of a client's memory, as some libraries ask"),
	JAIL_PERHAPS(lstat, M, "is there an old socket? as some libraries ask"),
	JAIL_ROW(fstatfs, M, "the kind of a client's memory that is not sealed"),
	JAIL_ROW(readlinkat, M, "is it an eventfd?"),
	JAIL_ROW(dup3, M, "fresh shared pages at a VF's reset, under the same number"),
	JAIL_ROW(close, M, "clients that went; their memory"),

	JAIL_ROW(memfd_create, M, "shared pages of the VFs"),
	JAIL_ROW(ftruncate, M, "shared pages of the VFs"),
	{JAIL_CALL(mmap, M, "clients' memory, stacks, heap; nothing to execute"), JAIL_NO_EXEC},
	{JAIL_CALL(mmap, D, "a page of a client's memory that is gone; nothing to execute"),
	 JAIL_NO_EXEC, .seen = JAIL_SEEN_PERHAPS},
	{JAIL_CALL(mprotect, M | S, "stacks, heap; nothing to execute"), JAIL_NO_EXEC},
	JAIL_ROW(munmap, M, "clients' memory"),
	JAIL_PERHAPS(mremap, M, "large blocks of the heap"),
	JAIL_ROW(madvise, D, "its stack, when a thread ends"),
	JAIL_PERHAPS(madvise, M, "heap, where glibc is told of huge pages"),
	JAIL_PERHAPS(brk, ALL, "heap"),
	JAIL_PERHAPS(getrandom, M, "seeds of the C library"),

	JAIL_THREADS(M, S, "data threads, the wire's thread", "a data thread wakes in time"),
	JAIL_ROW(sched_setaffinity, M, "data threads stay on their CPUs"),
	JAIL_ROW(exit, D | S, "a thread's end"),
	JAIL_ROW(rt_sigprocmask, ALL, "signals are the loop's"),
	JAIL_ROW(rt_sigaction, M, "the C library, with the first thread"),
	JAIL_PERHAPS(rt_sigaction, D, "a client's memory is gone, and so is the guard"),
	JAIL_PERHAPS(rt_sigreturn, ALL, "a client's memory is gone, and the guard filled in"),
	JAIL_PERHAPS(restart_syscall, ALL, "a wait that a stop and continue interrupted"),
	JAIL_ROW(getpid, M, "ctl.ping"),
	JAIL_PERHAPS(gettid, M, "abort(3)"),
	{JAIL_CALL(tgkill, M, "abort(3)"), .check = JAIL_SELF, .arg = 0, .seen = JAIL_SEEN_PERHAPS},
	JAIL_ROW(exit_group, M, "the end"),
};

const struct jail_table nic_jail_calls = {.call = calls, .n = sizeof(calls) / sizeof(calls[0])};
const char *const nic_thread_names[] = {"main", "data", "start", NULL};

/* written once, before other threads exist */
static struct jail_state jail;
static pid_t self;

static int narrow(unsigned int threads)
{
	return jail_filter_narrow(&nic_jail_calls, threads, self, jail.seccomp);
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

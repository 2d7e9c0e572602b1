#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The jail of a process that reads what strangers write. It has two halves:
 *
 *   jail_enter()   once, after everything was opened and before a stranger's first byte: limits,
 *                  namespaces, an empty root, Landlock, a uid of its own, no capability
 *   jail_filter_*  a list of system calls, each with its reason, becomes a seccomp filter; every
 *                  kind of thread has its own selection of the list
 *
 * A filter is inherited by threads started later, and can only be narrowed. So the thread that
 * starts others has to allow what any of them may call; each of those narrows itself first thing.
 */
#include <errno.h>
#include <lib/cleanup.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>

#define JAIL_FILTER_MAX 1024u

enum jail_mode {
	JAIL_OFF,
	JAIL_LOG,  /* a call outside the list is logged by the kernel, and done */
	JAIL_KILL, /* it ends the process */
};

enum jail_check {
	JAIL_ALWAYS,
	JAIL_ARG,  /* argument @arg, masked, has to equal @value */
	JAIL_SELF, /* argument @arg has to be this process's id */
};

/* Which test fails if it does not see a row used. */
enum jail_seen {
	JAIL_SEEN_HERE,	 /* tests/integration/test_jail, on any host */
	JAIL_SEEN_STOCK, /* tests/system/93_jail_stock_drivers: what a stock kernel asks for */
	/* None: the heap's growth, races, faults, other kernels or libraries; the reason says. */
	JAIL_SEEN_PERHAPS,
};

/* Arguments are compared by their low 32 bits: for those that are an int to the kernel. */
struct jail_call {
	const char *name;
	int nr;
	unsigned int threads; /* bits of the caller's own: which kinds of thread may */
	enum jail_check check;
	unsigned int arg;
	uint32_t mask;
	uint32_t value;
	int refuse; /* not allowed, but answered with this errno rather than with death */
	enum jail_seen seen;
	const char *reason;
};

#define JAIL_CALL(call, who, why) \
	.name = #call, .nr = __NR_##call, .threads = (who), .reason = (why)
#define JAIL_IF(n, val) .check = JAIL_ARG, .arg = (n), .mask = UINT32_MAX, .value = (uint32_t)(val)
#define JAIL_IF_MASKED(n, bits, val) \
	.check = JAIL_ARG, .arg = (n), .mask = (bits), .value = (uint32_t)(val)

/* Rows as tables write them. */
#define JAIL_ROW(call, who, why, ...)                    \
	{                                                \
		JAIL_CALL(call, who, why), ##__VA_ARGS__ \
	}
#define JAIL_STOCK(call, who, why)    JAIL_ROW(call, who, why, .seen = JAIL_SEEN_STOCK)
#define JAIL_PERHAPS(call, who, why)  JAIL_ROW(call, who, why, .seen = JAIL_SEEN_PERHAPS)
#define JAIL_IOCTL(request, who, why) JAIL_ROW(ioctl, who, why, JAIL_IF(1, request))
#define JAIL_IOCTL_STOCK(request, who, why) \
	JAIL_ROW(ioctl, who, why, JAIL_IF(1, request), .seen = JAIL_SEEN_STOCK)
#define JAIL_FCNTL(command, who, why) JAIL_ROW(fcntl, who, why, JAIL_IF(1, command))

/* Of everyone that has an event loop in @main, and starts threads there that begin in @start. */
#define JAIL_LOOP_WAITS(main)                                                               \
	JAIL_ROW(epoll_wait, main, "the event loop"),                                       \
		JAIL_PERHAPS(epoll_pwait, main, "the event loop, as some libraries do it"), \
		JAIL_PERHAPS(epoll_pwait2, main, "the event loop, as some libraries do it")
#define JAIL_THREADS(main, start, which, in_time)                                                 \
	JAIL_ROW(clone3, main, "the C library falls back to clone, whose flags a filter can see", \
		 .refuse = ENOSYS),                                                               \
		JAIL_ROW(clone, main, which, JAIL_IF(0, JAIL_THREAD_FLAGS)),                      \
		JAIL_ROW(set_robust_list, start, "a thread's start"),                             \
		JAIL_ROW(rseq, start, "a thread's start"),                                        \
		JAIL_ROW(prctl, start, "a thread's name", JAIL_IF(0, PR_SET_NAME)),               \
		JAIL_ROW(prctl, start, in_time, JAIL_IF(0, PR_SET_TIMERSLACK)),                   \
		JAIL_ROW(prctl, start, "a thread's own filter", JAIL_IF(0, PR_SET_NO_NEW_PRIVS)), \
		JAIL_ROW(seccomp, start, "a thread's own filter",                                 \
			 JAIL_IF(0, SECCOMP_SET_MODE_FILTER))

/* memory that nothing can be executed in: of mmap(2), mprotect(2) */
#define JAIL_NO_EXEC JAIL_IF_MASKED(2, PROT_EXEC, 0)
/* what pthread_create(3) asks for, and nothing else: no new process, no namespace */
#define JAIL_THREAD_FLAGS                                                                   \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct jail_table {
	const struct jail_call *call; /* rows of one call stand together, frequent calls first */
	size_t n;
};

struct jail_filter {
	size_t n;
	struct sock_filter insn[JAIL_FILTER_MAX];
};

struct jail_plan {
	uid_t uid;	  /* to become, if root; 0: stay */
	const char *root; /* directory that becomes the root; NULL: an empty one */
	bool landlock;	  /* no file, no TCP, no abstract socket, no signal to others */
	unsigned int files_max;
};

/* What came of it, for those who ask. */
struct jail_state {
	uid_t uid;
	int namespaces;	   /* CLONE_NEW* */
	bool root;	   /* the host's files are out of reach */
	bool capabilities; /* some are left */
	int landlock;	   /* version of its ABI; 0: none */
	enum jail_mode seccomp;
};

/**
 * jail_possible() - is this a build that can be jailed?
 *
 * A sanitizer opens, maps and traces whatever it likes, also at the end: with one there is no jail.
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
bool jail_possible(void);

/**
 * jail_mode_wanted() - environment SRIOVD_SECCOMP: kill (default), log, off
 *
 * Context: start-up. Return: the mode; JAIL_OFF without jail_possible(). Source: -.
 */
enum jail_mode jail_mode_wanted(void);

/** jail_mode_name() - "off", "log", "kill". Context: any; pure. Return: constant. Source: -. */
const char *jail_mode_name(enum jail_mode mode);

/**
 * jail_filter_build() - compile the rows of @t that have any of the bits @threads
 * @self: process id that rows of kind JAIL_SELF mean
 *
 * Context: any; pure. Return: 0; -EINVAL a row is wrong, or those of one call are apart; -E2BIG.
 * Source: Linux Documentation/userspace-api/seccomp_filter.rst.
 */
int jail_filter_build(const struct jail_table *t, unsigned int threads, pid_t self,
		      enum jail_mode mode, struct jail_filter *ret_filter) _must_check_;

/**
 * jail_filter_narrow() - build a filter of these rows, and enter it
 *
 * Context: any thread, allocates. Return: 0; -ENOMEM; as jail_filter_build(), jail_filter_enter().
 * Source: seccomp(2).
 */
int jail_filter_narrow(const struct jail_table *t, unsigned int threads, pid_t self,
		       enum jail_mode mode) _must_check_;

/**
 * jail_filter_enter() - the calling thread and those it starts obey @f from now on
 *
 * Context: any thread; new privileges are given up, too. Return: 0; -errno of prctl(2),
 * seccomp(2). Source: seccomp(2).
 */
int jail_filter_enter(const struct jail_filter *f) _must_check_;

/**
 * jail_table_print() - one line a row: threads, call, condition, which test sees it used ("here",
 * "stock", "perhaps" none) or "refused", reason
 * @kinds: name of each bit, NULL ends
 *
 * Context: any. Source: -.
 */
void jail_table_print(FILE *to, const struct jail_table *t, const char *const *kinds);

/**
 * jail_enter() - give up what the process has and does not need
 *
 * What this host or user does not have is left out, and told in @ret_state; a uid or capabilities
 * that cannot be given up are an error.
 *
 * Context: the only thread; all descriptors are open. Return: 0; -errno of setresuid(2), capset(2),
 * prctl(2). Source: namespaces(7), pivot_root(2), landlock(7), capabilities(7).
 */
int jail_enter(const struct jail_plan *plan, struct jail_state *ret_state) _must_check_;

/**
 * jail_describe() - one line for the log: "uid 1000, namespaces mount net, root empty, ..."
 *
 * Context: any; pure. Source: -.
 */
void jail_describe(const struct jail_state *s, char *text, size_t size);

/**
 * jail_namespace() - name of the @i-th namespace in s->namespaces
 *
 * Context: any; pure. Return: constant text; NULL there are no more. Source: namespaces(7).
 */
const char *jail_namespace(const struct jail_state *s, unsigned int i);

/**
 * jail_close_others() - close all descriptors but 0, 1, 2 and @keep
 * @keep: in ascending order, from 3
 *
 * Context: start-up. Return: 0; -errno of close_range(2). Source: close_range(2).
 */
int jail_close_others(const int *keep, size_t n) _must_check_;

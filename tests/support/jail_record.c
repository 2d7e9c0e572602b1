/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jail_record FILE PROGRAM ARGV0 ARGS...: runs PROGRAM, and writes to FILE each system call that it
 * makes from when it closes its jail, once: kind of thread, number, first three arguments.
 *
 * All calls of the program go through a filter that asks a second process, which notes and lets
 * them be done. Filters that the program itself adds come on top: it runs in log mode, so that none
 * of them has another opinion. A thread is called "start" until it has entered a filter of its own,
 * then by its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS_MAX 512u
#define CALLS_MAX   4096u
#define KIND_MAX    16u

struct thread {
	uint32_t tid;
	char kind[KIND_MAX];
};

struct call {
	char kind[KIND_MAX];
	int nr;
	uint32_t arg[3];
};

struct record {
	FILE *out;
	uint32_t pid;
	bool jailed;
	bool nic; /* the program is soft-nic: the same thread in a VMM is one for I/O */
	struct thread thread[THREADS_MAX];
	struct call call[CALLS_MAX];
	unsigned int n_calls;
};

static void die(const char *what)
{
	perror(what);
	_exit(120);
}

static struct thread *thread_of(struct record *r, uint32_t tid)
{
	struct thread *empty = NULL;

	for (unsigned int i = 0; i < THREADS_MAX; i++) {
		if (r->thread[i].tid == tid)
			return &r->thread[i];
		if (!r->thread[i].tid && !empty)
			empty = &r->thread[i];
	}
	if (!empty)
		die("threads");
	empty->tid = tid;
	strcpy(empty->kind, "start");
	return empty;
}

/* "vcpu-3" is a vcpu, "snic-data" a data thread of soft-nic's; the others do devices' I/O. */
static void thread_named(const struct record *r, struct thread *t)
{
	char path[40], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", t->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	if (!strncmp(name, "vcpu-", 5))
		strcpy(t->kind, "vcpu");
	else
		strcpy(t->kind, r->nic && !strcmp(name, "snic-data\n") ? "data" : "io");
}

/* Arguments that a filter may look at; others would make each call a new one. */
static unsigned int args_of(int nr)
{
	switch (nr) {
	case __NR_prctl:
	case __NR_seccomp:
	case __NR_clone:
	case __NR_tgkill:
	case __NR_socket:
		return 1;
	case __NR_ioctl:
	case __NR_fcntl:
		return 2;
	case __NR_mmap:
	case __NR_mprotect:
		return 4;
	default:
		return 0;
	}
}

static void note(struct record *r, const char *kind, const struct seccomp_data *d)
{
	struct call c = {.nr = d->nr};
	unsigned int args = args_of(d->nr);

	strcpy(c.kind, kind);
	for (unsigned int i = 0; i < 3; i++)
		c.arg[i] = args & 1u << i ? (uint32_t)d->args[i] : 0;
	for (unsigned int i = 0; i < r->n_calls; i++)
		if (!memcmp(&r->call[i], &c, sizeof(c)))
			return;
	if (r->n_calls == CALLS_MAX)
		die("calls");
	r->call[r->n_calls++] = c;
	fprintf(r->out, "%s %d %#x %#x %#x\n", kind, c.nr, c.arg[0], c.arg[1], c.arg[2]);
	fflush(r->out);
}

static void seen(struct record *r, const struct seccomp_notif *n)
{
	bool narrows = n->data.nr == __NR_seccomp;
	struct thread *t;

	if (!r->jailed) {
		/* the call that closes it is the last one without */
		r->jailed = narrows;
		if (narrows)
			strcpy(thread_of(r, n->pid)->kind, "main");
		return;
	}
	t = thread_of(r, n->pid);
	note(r, t->kind, &n->data);
	if (narrows)
		thread_named(r, t);
	if (n->data.nr == __NR_exit)
		t->tid = 0;
}

static void supervise(int listener, struct record *r)
{
	struct seccomp_notif n;
	struct seccomp_notif_resp answer;
	struct pollfd p = {.fd = listener, .events = POLLIN};

	while (poll(&p, 1, -1) >= 0 && !(p.revents & POLLHUP)) {
		memset(&n, 0, sizeof(n));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
			continue; /* killed, or hit by a signal meanwhile */
		seen(r, &n);
		answer = (struct seccomp_notif_resp){
			.id = n.id,
			.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
		};
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

/* The listener appears in the other process as descriptor @fd, which is nothing until then. */
static int listener_take(uint32_t pid, int fd)
{
	int pidfd = pidfd_open((pid_t)pid, 0), own = -1;

	for (unsigned int i = 0; pidfd >= 0 && own < 0 && i < 10000; i++) {
		own = pidfd_getfd(pidfd, fd, 0);
		if (own < 0)
			usleep(200);
	}
	if (own < 0)
		die("listener");
	close(pidfd);
	return own;
}

static void supervisor(const char *file, bool nic, uint32_t pid, int fd)
{
	struct record *r = calloc(1, sizeof(*r));
	int listener = listener_take(pid, fd);

	/* none of the program's own: its control socket has to close with it */
	if (listener > 3)
		close_range(3, (unsigned int)listener - 1, 0);
	close_range((unsigned int)listener + 1, UINT32_MAX, 0);
	if (!r)
		die("memory");
	r->pid = pid;
	r->nic = nic;
	r->out = fopen(file, "ae");
	if (!r->out)
		die(file);
	supervise(listener, r);
	_exit(0);
}

int main(int argc, char **argv)
{
	static struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	struct sock_fprog prog = {.len = 1, .filter = &all};
	uint32_t pid = (uint32_t)getpid();
	int next;

	if (argc < 4)
		return 2;
	/* the lowest that is free is what the listener will be */
	next = fcntl(2, F_DUPFD_CLOEXEC, 0);
	close(next);
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		/* not the program's child: it waits for nobody */
		if (fork() == 0)
			supervisor(argv[1], strstr(argv[2], "soft-nic"), pid, next);
		_exit(0);
	default:
		break;
	}
	setenv("SRIOVD_SECCOMP", "log", 1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog) <
		    0)
		die("seccomp");
	execv(argv[2], argv + 3);
	die(argv[2]);
	return 1;
}

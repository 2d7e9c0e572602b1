/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jail_break TID: has a thread that waits in the kernel ask for a socket, as one would that a guest
 * has taken over. The instruction that it waits in is run once more, with another number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define SYSCALL_BYTES 2

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	pid_t tid = argc == 2 ? atoi(argv[1]) : 0;
	int status;

	if (tid <= 0)
		return 2;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || waitpid(tid, &status, __WALL) != tid ||
	    ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0) {
		perror("ptrace");
		return 1;
	}
	regs.orig_rax = (unsigned long long)-1; /* nothing to restart */
	regs.rax = __NR_socket;
	regs.rdi = AF_INET;
	regs.rsi = SOCK_STREAM;
	regs.rdx = 0;
	regs.rip -= SYSCALL_BYTES;
	if (ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_DETACH, tid, NULL, NULL) < 0) {
		perror("ptrace");
		return 1;
	}
	return 0;
}

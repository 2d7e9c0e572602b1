#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The process sriov-vmm (SRIOV_VMM names the program) in a directory of its own, and calls to it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <support/test.h>
#include <lib/clock.h>
#include <lib/ctl.h>

#define VMM_CALL_US (20 * USEC_PER_SEC)

struct vmm_process {
	char dir[32];
	char ctl[64];
	int fd;
	pid_t pid;     /* 0: it was waited for */
	char err[256]; /* of the last call */
};

static inline void vmm_spawn(struct vmm_process *p)
{
	char fd_text[16];
	int listen_fd;

	strcpy(p->dir, "/tmp/vmm-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->ctl, sizeof(p->ctl), "%s/ctl.sock", p->dir);
	assert_int_equal(ctl_listen(p->ctl, &listen_fd), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (!p->pid) {
		/* a test that dies in its setup leaves no machine behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(listen_fd, F_SETFD, 0);
		snprintf(fd_text, sizeof(fd_text), "%d", listen_fd);
		execl(getenv("SRIOV_VMM"), "sriov-vmm", "--name", "t", "--control-fd", fd_text,
		      NULL);
		_exit(127);
	}
	close(listen_fd);
	assert_int_equal(ctl_connect(p->ctl, &p->fd), 0);
}

/* It ends in order when it is told to. */
static inline void vmm_end(struct vmm_process *p)
{
	int status;

	/* at once: a signal would ask its guest first */
	if (p->pid > 0)
		(void)!ctl_call(p->fd, "ctl.quit", NULL, NULL, 0, VMM_CALL_US, NULL, NULL, 0);
	close(p->fd);
	if (p->pid > 0) {
		assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	unlink(p->ctl);
	rmdir(p->dir);
}

static inline int vmm_call(struct vmm_process *p, const char *method, json_t *params,
			   const int *fds, size_t n, json_t **ret)
{
	return ctl_call(p->fd, method, params, fds, n, VMM_CALL_US, ret, p->err, sizeof(p->err));
}

static inline json_t *vmm_must(struct vmm_process *p, const char *method, json_t *params)
{
	json_t *result = NULL;
	int r = vmm_call(p, method, params, NULL, 0, &result);

	if (r < 0)
		fail_msg("%s: %s (%d)", method, p->err, r);
	return result;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <poll.h>
#include <signal.h>
#include <sriovd/state.h>
#include <sriovd/watch.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "child_internal.h"

#define ANSWER_US    (5 * USEC_PER_SEC) /* a fresh child's first answer */
#define ADOPT_US     (2 * USEC_PER_SEC)
#define QUIT_US	     (2 * USEC_PER_SEC)
#define TERM_US	     (2 * USEC_PER_SEC)
#define KILL_US	     (2 * USEC_PER_SEC)
#define STAT_STARTED 22

static const char *const kind_names[CHILD_KINDS] = {
	[CHILD_SOFT_NIC] = "soft-nic",
	[CHILD_PF] = "sriov-pf",
	[CHILD_BRIDGE] = "sriov-bridge",
	[CHILD_VMM] = "sriov-vmm",
};

const char *child_kind_name(enum child_kind kind)
{
	return kind_names[kind];
}

int child_init(struct child *c, enum child_kind kind, const char *name, const char *ctl_path,
	       struct op_error *e)
{
	*c = (struct child){.kind = kind, .pidfd = -1, .event_fd = -1};
	text_set(c->name, sizeof(c->name), "%s", name);
	text_set(c->object, sizeof(c->object), "%s %s", kind_names[kind], name);
	if (path_set(c->ctl_path, sizeof(c->ctl_path), "%s", ctl_path) < 0)
		return op_fail(e, HTTP_BAD_INPUT, -ENAMETOOLONG,
			       "%s: path %s is too long for a socket", c->object, ctl_path);
	return 0;
}

int child_start_time(pid_t pid, uint64_t *ret_start_time)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[32], text[512];
	unsigned long long ticks;
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	/* field 2 is the program's name in parentheses and may hold anything: count from its end */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
		return -ESRCH;
	p++;
	for (int field = 3; field <= STAT_STARTED; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -ESRCH;
		p++;
	}
	if (sscanf(p, "%llu", &ticks) != 1)
		return -ESRCH;
	*ret_start_time = ticks;
	return 0;
}

/* Waits on the pidfd without the baton; true when the process has ended. */
static bool await_end(struct sriovd *d, int pidfd, uint64_t timeout_us)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	baton_drop(d);
	r = poll(&p, 1, (int)(clock_patient_us(timeout_us) / USEC_PER_MSEC));
	baton_take(d);
	return r == 1;
}

/* How it ended, if it was ours; takes its zombie away. */
static void reap(struct child *c)
{
	siginfo_t si = {};

	text_set(c->reason, sizeof(c->reason), "%s ended", c->object);
	if (c->pidfd < 0 || waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) < 0 ||
	    si.si_pid == 0)
		return;
	if (si.si_code == CLD_EXITED)
		text_set(c->reason, sizeof(c->reason), "%s ended with exit status %d", c->object,
			 si.si_status);
	else if (si.si_status == SIGSYS)
		text_set(c->reason, sizeof(c->reason),
			 "%s was killed by its jail (seccomp): it made a system call that is not "
			 "on its list",
			 c->object);
	else
		text_set(c->reason, sizeof(c->reason), "%s was killed by signal %d (%s)", c->object,
			 si.si_status, sigabbrev_np(si.si_status) ?: "?");
}

static void child_gone(struct child *c)
{
	reap(c);
	c->pidfd = fd_close(c->pidfd);
	c->event_fd = fd_close(c->event_fd);
	c->running = false;
	c->pid = 0;
}

static void child_kill(struct sriovd *d, struct child *c)
{
	if (c->pidfd < 0)
		return;
	pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	if (!await_end(d, c->pidfd, KILL_US))
		log_object_warning(c->object, 0, "pid %d does not end, leaving it behind", c->pid);
	child_gone(c);
}

static int child_record(struct sriovd *d, const struct child *c)
{
	struct row_child row = {.pid = c->pid, .start_time = c->start_time};

	text_set(row.kind, sizeof(row.kind), "%s", kind_names[c->kind]);
	text_set(row.name, sizeof(row.name), "%s", c->name);
	text_set(row.ctl_path, sizeof(row.ctl_path), "%s", c->ctl_path);
	text_set(row.boot_id, sizeof(row.boot_id), "%s", d->boot_id);
	return ledger_put_child(d->ledger, &row);
}

void child_forget(struct sriovd *d, struct child *c)
{
	unlink(c->ctl_path);
	ledger_trouble(d, ledger_del_child(d->ledger, kind_names[c->kind], c->name), c->object);
}

/* First words with a child: who are you, and tell me what happens. */
static int child_greet(struct sriovd *d, struct child *c, uint64_t timeout_us, pid_t *ret_pid)
{
	_cleanup_(json_decrefp) json_t *hello = NULL;
	_cleanup_(fd_closep) int fd = -1;
	json_int_t pid = 0;
	int r;

	baton_drop(d);
	r = ctl_connect(c->ctl_path, &fd);
	if (r >= 0)
		r = ctl_call(fd, "ctl.ping", NULL, NULL, 0, timeout_us, &hello, NULL, 0);
	if (r >= 0)
		r = ctl_call(fd, "event.subscribe", NULL, NULL, 0, timeout_us, NULL, NULL, 0);
	baton_take(d);
	if (r < 0)
		return r;
	if (json_unpack(hello, "{s:I}", "pid", &pid) < 0 || pid <= 1 || pid > INT32_MAX)
		return -EBADMSG;
	fd_close(c->event_fd);
	c->event_fd = TAKE_FD(fd);
	*ret_pid = (pid_t)pid;
	return 0;
}

int child_watch(struct sriovd *d, struct child *c)
{
	int r;

	r = watch_add(d, c->pidfd, c, WATCH_END);
	if (r >= 0)
		r = watch_add(d, c->event_fd, c, WATCH_EVENTS);
	return r;
}

void child_unwatch(struct sriovd *d, struct child *c)
{
	watch_del(d, c->pidfd);
	watch_del(d, c->event_fd);
}

int child_resubscribe(struct sriovd *d, struct child *c)
{
	pid_t pid;
	int r;

	r = child_greet(d, c, ANSWER_US, &pid);
	/* it may have died, or been restarted, while we asked */
	if (r >= 0 && c->running && c->pid == pid)
		return watch_add(d, c->event_fd, c, WATCH_EVENTS);
	if (r >= 0)
		c->event_fd = fd_close(c->event_fd);
	return r < 0 ? r : -ESRCH;
}

static int child_up(struct sriovd *d, struct child *c)
{
	pid_t pid;
	int r;

	r = child_greet(d, c, ANSWER_US, &pid);
	if (r < 0)
		return r;
	if (pid != c->pid)
		return -EBADMSG;
	r = child_watch(d, c);
	if (r < 0)
		return r;
	c->running = true;
	c->reason[0] = '\0';
	return 0;
}

int child_start(struct sriovd *d, struct child *c, const struct child_start *start,
		struct op_error *e)
{
	int r;

	c->pid = 0;
	c->start_time = 0;
	r = child_record(d, c);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	r = child_spawn(d, c, start, e);
	if (r < 0) {
		child_forget(d, c);
		return r;
	}
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0 || child_start_time(c->pid, &c->start_time) < 0) {
		/*
		 * a zombie already, or no descriptors left: it is ours, so the pid is still its own
		 */
		kill(c->pid, SIGKILL);
		r = -ECONNRESET;
	} else {
		r = child_record(d, c);
	}
	if (r >= 0)
		r = child_up(d, c);
	if (r >= 0) {
		log_object_info(c->object, "started, pid %d", c->pid);
		return 0;
	}
	child_unwatch(d, c);
	/* say how it ended by itself, not that we killed it */
	if (c->pidfd < 0 || !await_end(d, c->pidfd, r == -ETIMEDOUT ? 0 : KILL_US / 4))
		child_kill(d, c);
	else
		child_gone(c);
	child_forget(d, c);
	return op_fail(e, HTTP_CHILD, r, "%s did not come up: %s; see %s/log/%s-%s.log", c->object,
		       r == -ETIMEDOUT ? "no answer in time" : c->reason, d->cfg.run_dir,
		       kind_names[c->kind], c->name);
}

static bool same_process(pid_t pid, uint64_t start_time)
{
	uint64_t now;

	return child_start_time(pid, &now) >= 0 && now == start_time;
}

int child_adopt(struct sriovd *d, struct child *c, const struct row_child *row)
{
	bool this_boot = strcmp(row->boot_id, d->boot_id) == 0;
	pid_t pid = 0;
	int r;

	r = this_boot ? child_greet(d, c, ADOPT_US, &pid) : -ESRCH;
	if (r >= 0 && row->pid != 0 && row->pid != pid)
		r = -ESRCH;
	/* pid 0: the last sriovd died between fork and commit; the socket is the proof then */
	c->pid = pid ? pid : row->pid;
	if (this_boot && c->pid > 1 &&
	    (row->pid == 0 ? child_start_time(c->pid, &c->start_time) >= 0
			   : same_process(c->pid, row->start_time))) {
		c->start_time = row->pid ? row->start_time : c->start_time;
		c->pidfd = pidfd_open(c->pid, 0);
		/* looked at again, as the pid may have changed hands before the pidfd held it */
		if (c->pidfd >= 0 && !same_process(c->pid, c->start_time))
			c->pidfd = fd_close(c->pidfd);
	}
	if (r >= 0 && c->pidfd >= 0) {
		r = child_record(d, c);
		if (r >= 0)
			r = child_watch(d, c);
		c->running = r >= 0;
		if (r >= 0) {
			log_object_info(c->object, "adopted, pid %d", c->pid);
			return 0;
		}
	}
	if (c->pidfd >= 0) {
		log_object_warning(c->object, r, "pid %d does not answer, killing it", c->pid);
		child_unwatch(d, c);
		child_kill(d, c);
	}
	c->event_fd = fd_close(c->event_fd);
	c->pid = 0;
	text_set(c->reason, sizeof(c->reason), "%s ended while no sriovd watched", c->object);
	child_forget(d, c);
	return -ESRCH;
}

int child_call(struct sriovd *d, const struct child *c, const char *method, json_t *params,
	       const int *fds, size_t n_fds, uint64_t timeout_us, json_t **ret_result,
	       struct op_error *e)
{
	char path[PATH_SIZE], object[sizeof(c->object)], text[192] = "";
	int r;

	if (!c->running) {
		json_decref(params);
		return op_fail(e, HTTP_CHILD, -ENOTCONN, "%s does not run%s%s", c->object,
			       c->reason[0] ? ": " : "", c->reason);
	}
	text_set(path, sizeof(path), "%s", c->ctl_path);
	text_set(object, sizeof(object), "%s", c->object);
	baton_drop(d);
	r = ctl_call_path(path, method, params, fds, n_fds, timeout_us, ret_result, text,
			  sizeof(text));
	baton_take(d);
	if (r >= 0)
		return 0;
	if (r == -ETIMEDOUT && !text[0])
		return op_fail(e, HTTP_CHILD, r, "%s: %s: no answer in time", object, method);
	return op_fail(e, HTTP_CHILD, r, "%s: %s: %s", object, method,
		       text[0] ? text : strerrordesc_np(-r));
}

void child_stop(struct sriovd *d, struct child *c)
{
	if (c->pidfd < 0) {
		child_forget(d, c);
		return;
	}
	child_unwatch(d, c);
	/* the answer may be lost with the process: only its end counts */
	(void)!child_call(d, c, "ctl.quit", NULL, NULL, 0, QUIT_US, NULL, NULL);
	if (!await_end(d, c->pidfd, QUIT_US)) {
		pidfd_send_signal(c->pidfd, SIGTERM, NULL, 0);
		if (!await_end(d, c->pidfd, TERM_US))
			child_kill(d, c);
	}
	child_gone(c);
	child_forget(d, c);
	log_object_info(c->object, "stopped");
}

void child_await_exit(struct sriovd *d, struct child *c, uint64_t timeout_us)
{
	if (c->pidfd >= 0) {
		child_unwatch(d, c);
		if (!await_end(d, c->pidfd, timeout_us))
			child_kill(d, c);
	}
	child_gone(c);
	child_forget(d, c);
}

void child_died(struct sriovd *d, struct child *c)
{
	child_unwatch(d, c);
	child_gone(c);
	log_object_warning(c->object, 0, "%s", c->reason);
}

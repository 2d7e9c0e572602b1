/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * posix_spawn() rather than fork(): other threads run, and between fork() and exec() next to
 * nothing is allowed then.
 */
#include <fcntl.h>
#include <lib/ctl.h>
#include <signal.h>
#include <spawn.h>
#include <sriovd/state.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "child_internal.h"

#define CTL_FD	   3
#define FD_ABOVE   32 /* where sources wait, clear of the numbers they will get */
#define ENV_MAX	   256
#define LOG_MODE   0640
#define DIR_MODE   0750
#define FIXED_ARGS 5

/* Children are not services of their own: what systemd told us is not for them. */
static bool env_private(const char *var)
{
	static const char *const names[] = {"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
					    "LISTEN_PID=",    "LISTEN_FDS=",   "LISTEN_FDNAMES="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(var, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void env_filter(char **ret_env)
{
	size_t n = 0;

	for (char **var = environ; *var && n < ENV_MAX - 1; var++)
		if (!env_private(*var))
			ret_env[n++] = *var;
	ret_env[n] = NULL;
}

/* The directories of a path below the run directory. */
static int make_dirs(const char *run_dir, const char *path)
{
	char dir[PATH_SIZE];
	int r;

	r = path_set(dir, sizeof(dir), "%s", path);
	if (r < 0)
		return r;
	for (char *p = dir + strlen(run_dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(dir, DIR_MODE) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

struct spawn {
	char exe[512];
	char log[PATH_SIZE + 64];
	char ctl_fd[8];
	const char *argv[FIXED_ARGS + CHILD_ARGS_MAX + 1];
	char *env[ENV_MAX];
	int fds[1 + CHILD_FDS_MAX];
	size_t n_fds;
};

static int spawn_fds(struct spawn *s, int listen_fd, const struct child_start *start)
{
	for (size_t i = 0; i < 1 + start->n_fds; i++) {
		int fd = i == 0 ? listen_fd : start->fds[i - 1];

		s->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
		if (s->fds[i] < 0)
			return -errno;
		s->n_fds++;
	}
	return 0;
}

static int spawn_actions(const struct spawn *s, posix_spawn_file_actions_t *fa)
{
	int r;

	r = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(fa, 2, s->log, O_WRONLY | O_CREAT | O_APPEND,
						     LOG_MODE);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, 2, 1);
	for (size_t i = 0; i < s->n_fds && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(fa, s->fds[i], CTL_FD + (int)i);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(fa, CTL_FD + (int)s->n_fds);
	return -r;
}

static int spawn_exec(const struct spawn *s, pid_t *ret_pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	r = posix_spawn_file_actions_init(&fa);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&fa);
		return -r;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	r = spawn_actions(s, &fa);
	if (r >= 0)
		r = -posix_spawn(ret_pid, s->exe, &fa, &attr, (char *const *)s->argv, s->env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

static int spawn_prepare(struct sriovd *d, const struct child *c, const struct child_start *start,
			 struct spawn *s)
{
	const char *kind = child_kind_name(c->kind);
	size_t n = 0;
	int r;

	r = path_set(s->exe, sizeof(s->exe), "%s/%s", d->cfg.libexec_dir, kind);
	if (r >= 0)
		r = path_set(s->log, sizeof(s->log), "%s/log/%s-%s.log", d->cfg.run_dir, kind,
			     c->name);
	if (r < 0)
		return r;
	if (access(s->exe, X_OK) < 0)
		return -errno;
	snprintf(s->ctl_fd, sizeof(s->ctl_fd), "%d", CTL_FD);
	s->argv[n++] = s->exe;
	s->argv[n++] = "--name";
	s->argv[n++] = c->name;
	s->argv[n++] = "--control-fd";
	s->argv[n++] = s->ctl_fd;
	for (size_t i = 0; i < CHILD_ARGS_MAX && start->args[i]; i++)
		s->argv[n++] = start->args[i];
	s->argv[n] = NULL;
	env_filter(s->env);
	r = make_dirs(d->cfg.run_dir, s->log);
	if (r >= 0)
		r = make_dirs(d->cfg.run_dir, c->ctl_path);
	return r;
}

int child_spawn(struct sriovd *d, struct child *c, const struct child_start *start,
		struct op_error *e)
{
	_cleanup_(fd_closep) int listen_fd = -1;
	struct spawn s = {};
	int r;

	r = spawn_prepare(d, c, start, &s);
	if (r >= 0)
		r = ctl_listen(c->ctl_path, &listen_fd);
	if (r >= 0)
		r = spawn_fds(&s, listen_fd, start);
	if (r >= 0)
		r = spawn_exec(&s, &c->pid);
	for (size_t i = 0; i < s.n_fds; i++)
		fd_close(s.fds[i]);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "cannot start %s (%s): %s", c->object, s.exe,
			       strerrordesc_np(-r));
	return 0;
}

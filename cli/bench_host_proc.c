/* SPDX-License-Identifier: BSD-3-Clause */
/* Children of the host bench: started, parked, ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lib/clock.h>
#include <lib/text.h>

#include "bench_host.h"

#define RUN_US	 (20 * USEC_PER_SEC)
#define LOOK_US	 5000
#define TAIL	 2048
#define LOG_MAX	 65536
#define EXEC_BAD 127
#define NICENESS -20

bool bh_text(char *text, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, size, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < size;
}

static void note_command(json_t *commands, const struct bh_spawn *how)
{
	char text[2048] = "";

	if (!commands)
		return;
	for (unsigned int i = 0; how->argv[i]; i++)
		text_join(text, sizeof(text), " ", "%s", how->argv[i]);
	json_array_append_new(commands, json_string(text));
}

/* In the child: nothing but system calls from here on. */
static void become(const struct bh_spawn *how, int in, int out, int log, const cpu_set_t *cpus)
{
	static const struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != 1)
		_exit(EXEC_BAD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGINT, &plain, NULL);
	sigaction(SIGTERM, &plain, NULL);
	sigaction(SIGHUP, &plain, NULL);
	sched_setaffinity(0, sizeof(*cpus), cpus);
	/*
	 * What else the host does should not be measured. Not in real time all along: a thread that
	 * never sleeps loses 50 ms of each second there, so it is for blocks (bench_host_alone.h).
	 */
	setpriority(PRIO_PROCESS, 0, NICENESS);
	for (unsigned int i = 0; how->env && how->env[i]; i++)
		putenv((char *)how->env[i]);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	/* all others are closed by exec; dup2() to itself would keep that flag */
	if (how->listen_fd == BH_EXTRA_LISTEN)
		fcntl(BH_EXTRA_LISTEN, F_SETFD, 0);
	else if (how->listen_fd >= 0)
		dup2(how->listen_fd, BH_EXTRA_LISTEN);
	execvp(how->argv[0], (char *const *)how->argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", how->argv[0], strerrordesc_np(errno));
	_exit(EXEC_BAD);
}

/* A program by its path, or somewhere in PATH or where administrators' programs are. */
bool bh_program(const char *program)
{
	static const char *const dirs[] = {"/usr/bin", "/bin", "/usr/sbin", "/sbin"};
	char path[PATH_MAX];

	if (strchr(program, '/'))
		return access(program, X_OK) == 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (bh_text(path, sizeof(path), "%s/%s", dirs[i], program) && !access(path, X_OK))
			return true;
	return false;
}

int bh_spawn(struct bench_host *b, struct bh_proc *proc, const char *name,
	     const struct bh_spawn *how, json_t *commands)
{
	_cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = -1;
	int in[2] = {-1, -1}, out[2] = {-1, -1};
	cpu_set_t cpus;
	pid_t pid;

	*proc = (struct bh_proc){.input = -1};
	if (!bh_program(how->argv[0]))
		return -ENOENT;
	bh_text(proc->name, sizeof(proc->name), "%s", name);
	if (!bh_text(proc->log, sizeof(proc->log), "%s/%s.log", b->dir, name))
		return -ENAMETOOLONG;
	log = open(proc->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null < 0 || log < 0)
		return -errno;
	if (how->keep_input && pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (how->ret_output && pipe2(out, O_CLOEXEC) < 0) {
		fd_close(in[0]);
		fd_close(in[1]);
		return -errno;
	}
	note_command(commands, how);
	/* the two CPUs of the bench and no other: what is not pinned goes where there is room */
	CPU_ZERO(&cpus);
	CPU_SET(b->cpu_gen, &cpus);
	CPU_SET(b->cpu_switch, &cpus);
	pid = fork();
	if (pid == 0)
		become(how, how->keep_input ? in[0] : null, how->ret_output ? out[1] : log, log,
		       &cpus);
	fd_close(in[0]);
	fd_close(out[1]);
	if (pid < 0) {
		fd_close(in[1]);
		fd_close(out[0]);
		return -errno;
	}
	proc->pid = pid;
	proc->input = in[1];
	if (how->ret_output)
		*how->ret_output = out[0];
	return 0;
}

void bh_park(struct bh_path *p, bool parked)
{
	/* a NIC goes on before its driver does, so that no answer is awaited in vain */
	for (unsigned int i = 0; i < p->n_procs; i++) {
		struct bh_proc *proc = &p->proc[parked ? i : p->n_procs - 1 - i];

		if (proc->pid > 0)
			kill(proc->pid, parked ? SIGSTOP : SIGCONT);
	}
}

void bh_log_tail(const char *log, char *text, size_t size)
{
	_cleanup_(fd_closep) int fd = open(log, O_RDONLY | O_CLOEXEC);
	char tail[TAIL + 1], *line;
	struct stat st;
	ssize_t n;

	text[0] = '\0';
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	n = pread(fd, tail, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	tail[n] = '\0';
	line = strrchr(tail, '\n');
	line = line ? line + 1 : tail;
	for (char *c = line; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = ' ';
	bh_text(text, size, "%.250s", line);
}

static void tell_end(struct bh_proc *proc, int status)
{
	char tail[256];

	bh_log_tail(proc->log, tail, sizeof(tail));
	if (WIFSIGNALED(status))
		bh_text(proc->ended, sizeof(proc->ended), "%s was killed by signal %d (SIG%s)%s%s",
			proc->name, WTERMSIG(status), sigabbrev_np(WTERMSIG(status)) ?: "?",
			*tail ? ": " : "", tail);
	else
		bh_text(proc->ended, sizeof(proc->ended), "%s ended with exit status %d%s%s",
			proc->name, WEXITSTATUS(status), *tail ? ": " : "", tail);
}

bool bh_alive(struct bh_proc *proc, char *why, size_t size)
{
	int status;

	if (proc->pid <= 0) {
		bh_text(why, size, "%s", proc->ended[0] ? proc->ended : "not started");
		return false;
	}
	if (waitpid(proc->pid, &status, WNOHANG) == 0)
		return true;
	tell_end(proc, status);
	bh_text(why, size, "%s", proc->ended);
	proc->pid = 0;
	proc->input = fd_close(proc->input);
	return false;
}

void bh_kill(struct bh_proc *proc)
{
	if (proc->pid > 0) {
		kill(proc->pid, SIGKILL);
		while (waitpid(proc->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	proc->pid = 0;
	proc->input = fd_close(proc->input);
}

int bh_run(struct bench_host *b, const char *name, const struct bh_spawn *how, json_t *commands)
{
	uint64_t end = clock_us() + clock_patient_us(RUN_US);
	struct bh_proc proc;
	int r, status;

	r = bh_spawn(b, &proc, name, how, commands);
	if (r < 0)
		return r;
	while (waitpid(proc.pid, &status, WNOHANG) == 0) {
		if (clock_us() > end || *b->stop) {
			bh_kill(&proc);
			return *b->stop ? -EINTR : -ETIMEDOUT;
		}
		clock_sleep_us(LOOK_US);
	}
	fd_close(proc.input);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int bh_first_line(struct bench_host *b, const char *const *argv, char *text, size_t size)
{
	uint64_t end = clock_us() + clock_patient_us(RUN_US);
	_cleanup_(fd_closep) int out = -1;
	struct bh_spawn how = {.argv = argv, .listen_fd = -1, .ret_output = &out};
	struct bh_proc proc;
	size_t len = 0;
	int r;

	r = bh_spawn(b, &proc, "version", &how, NULL);
	if (r < 0)
		return r;
	while (len < size - 1 && clock_us() < end) {
		struct pollfd p = {.fd = out, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 200) <= 0)
			continue;
		n = read(out, text + len, 1);
		if (n <= 0 || text[len] == '\n')
			break;
		len++;
	}
	text[len] = '\0';
	bh_kill(&proc);
	return len ? 0 : -EIO;
}

static bool log_has(const char *log, const char *text)
{
	_cleanup_(fd_closep) int fd = open(log, O_RDONLY | O_CLOEXEC);
	char buf[LOG_MAX + 1];
	ssize_t n;

	n = fd < 0 ? -1 : pread(fd, buf, LOG_MAX, 0);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return strstr(buf, text) != NULL;
}

int bh_wait_text(struct bench_host *b, struct bh_proc *proc, const char *text)
{
	uint64_t end = clock_us() + clock_patient_us(RUN_US);
	char why[BH_TEXT];

	while (!log_has(proc->log, text)) {
		if (*b->stop)
			return -EINTR;
		if (!bh_alive(proc, why, sizeof(why)))
			return -EIO;
		if (clock_us() > end)
			return -ETIMEDOUT;
		clock_sleep_us(LOOK_US);
	}
	return 0;
}

int bh_wait_file(struct bench_host *b, struct bh_proc *proc, const char *path)
{
	uint64_t end = clock_us() + clock_patient_us(RUN_US);
	char why[BH_TEXT];

	while (access(path, F_OK) < 0) {
		if (*b->stop)
			return -EINTR;
		if (proc && !bh_alive(proc, why, sizeof(why)))
			return -EIO;
		if (clock_us() > end)
			return -ETIMEDOUT;
		clock_sleep_us(LOOK_US);
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filters are proved on a small machine that runs them here, and by processes that really die.
 */
#include <fcntl.h>
#include <lib/jail.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <support/test.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define A    1u
#define B    2u
#define SELF 4711

static const struct jail_call calls[] = {
	{JAIL_CALL(ioctl, A, "one"), JAIL_IF(1, 0xae80)},
	{JAIL_CALL(ioctl, A | B, "two"), JAIL_IF(1, 0xae81)},
	{JAIL_CALL(mmap, A, "no code"), JAIL_IF_MASKED(2, PROT_EXEC, 0)},
	{JAIL_CALL(fcntl, A, "by two arguments"), JAIL_IF(0, 5)},
	{JAIL_CALL(fcntl, A, "by two arguments"), JAIL_IF(1, F_GETFL)},
	{JAIL_CALL(tgkill, B, "itself"), .check = JAIL_SELF, .arg = 0},
	{JAIL_CALL(clone3, A, "the other one is seen"), .refuse = ENOSYS},
	{JAIL_CALL(read, A | B, "reads")},
	{JAIL_CALL(exit_group, A | B, "ends")},
};
static const struct jail_table table = {.call = calls, .n = sizeof(calls) / sizeof(calls[0])};

/* What a filter says; it fails the test when it leaves its own bounds. */
static uint32_t run(const struct jail_filter *f, const struct seccomp_data *data)
{
	uint32_t acc = 0;
	size_t pc = 0;

	for (unsigned int steps = 0; steps <= JAIL_FILTER_MAX; steps++) {
		const struct sock_filter *i = &f->insn[pc];

		assert_true(pc < f->n);
		pc++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k <= sizeof(*data) - 4);
			memcpy(&acc, (const char *)data + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += acc == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += acc >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

static uint32_t ask(unsigned int threads, int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	static struct jail_filter f;
	struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64, .args = {a0, a1, a2}};

	assert_int_equal(jail_filter_build(&table, threads, SELF, JAIL_KILL, &f), 0);
	return run(&f, &d);
}

#define ALLOWED(...) assert_int_equal(ask(__VA_ARGS__), SECCOMP_RET_ALLOW)
#define KILLED(...)  assert_int_equal(ask(__VA_ARGS__), SECCOMP_RET_KILL_PROCESS)

static void a_listed_call_is_allowed_and_another_kills(void **state)
{
	ALLOWED(A, __NR_read, 0, 0, 0);
	ALLOWED(A, __NR_exit_group, 0, 0, 0);
	KILLED(A, __NR_openat, 0, 0, 0);
	KILLED(A, __NR_execve, 0, 0, 0);
	KILLED(A, -1, 0, 0, 0);
}

static void each_kind_of_thread_has_its_own_rows(void **state)
{
	ALLOWED(A, __NR_ioctl, 3, 0xae80, 0);
	KILLED(B, __NR_ioctl, 3, 0xae80, 0);
	ALLOWED(B, __NR_ioctl, 3, 0xae81, 0);
	KILLED(B, __NR_mmap, 0, 0, PROT_READ);
	ALLOWED(A | B, __NR_ioctl, 3, 0xae80, 0);
	ALLOWED(A | B, __NR_tgkill, SELF, 0, 0);
}

static void arguments_are_compared_as_the_kernel_reads_them(void **state)
{
	KILLED(A, __NR_ioctl, 3, 0xae82, 0);
	KILLED(A, __NR_ioctl, 0xae80, 0, 0);
	/* an int: the upper half is nothing to the kernel */
	ALLOWED(A, __NR_ioctl, 3, UINT64_C(0xffffffff0000ae80), 0);
	ALLOWED(A, __NR_mmap, 0, 4096, PROT_READ | PROT_WRITE);
	KILLED(A, __NR_mmap, 0, 4096, PROT_READ | PROT_EXEC);
}

static void rows_by_different_arguments_are_alternatives(void **state)
{
	ALLOWED(A, __NR_fcntl, 5, F_SETFL, 0);
	ALLOWED(A, __NR_fcntl, 6, F_GETFL, 0);
	KILLED(A, __NR_fcntl, 6, F_SETFL, 0);
}

static void only_this_process_may_be_signalled(void **state)
{
	ALLOWED(B, __NR_tgkill, SELF, 1, SIGUSR1);
	KILLED(B, __NR_tgkill, 1, 1, SIGKILL);
}

static void a_refused_call_gets_its_errno(void **state)
{
	assert_int_equal(ask(A, __NR_clone3, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	KILLED(B, __NR_clone3, 0, 0, 0);
}

static void other_architectures_and_x32_are_not_let_through(void **state)
{
	static struct jail_filter f;
	struct seccomp_data d = {.nr = __NR_read, .arch = AUDIT_ARCH_I386};

	assert_int_equal(jail_filter_build(&table, A, SELF, JAIL_KILL, &f), 0);
	assert_int_equal(run(&f, &d), SECCOMP_RET_KILL_PROCESS);
	KILLED(A, __NR_read | 0x40000000, 0, 0, 0);
}

static void log_mode_does_what_is_not_listed_and_tells(void **state)
{
	static struct jail_filter f;
	struct seccomp_data d = {.nr = __NR_openat, .arch = AUDIT_ARCH_X86_64};

	assert_int_equal(jail_filter_build(&table, A, SELF, JAIL_LOG, &f), 0);
	assert_int_equal(run(&f, &d), SECCOMP_RET_LOG);
}

static void a_table_that_is_wrong_is_refused(void **state)
{
	static struct jail_filter f;
	static const struct jail_call apart[] = {
		{JAIL_CALL(fcntl, A, "a"), JAIL_IF(1, 1)},
		{JAIL_CALL(read, A, "b")},
		{JAIL_CALL(fcntl, A, "c"), JAIL_IF(1, 2)},
	};
	static const struct jail_call empty[] = {
		{JAIL_CALL(fcntl, A, "never equal"), .check = JAIL_ARG, .mask = 1, .value = 2}};
	static const struct jail_call mute[] = {{.name = "read", .nr = __NR_read, .threads = A}};
	static struct jail_call many[200];

	assert_int_equal(jail_filter_build(&(struct jail_table){apart, 3}, A, 1, JAIL_KILL, &f),
			 -EINVAL);
	assert_int_equal(jail_filter_build(&(struct jail_table){empty, 1}, A, 1, JAIL_KILL, &f),
			 -EINVAL);
	assert_int_equal(jail_filter_build(&(struct jail_table){mute, 1}, A, 1, JAIL_KILL, &f),
			 -EINVAL);
	for (unsigned int i = 0; i < 200; i++)
		many[i] = (struct jail_call){JAIL_CALL(ioctl, A, "too many for one block"),
					     JAIL_IF(1, i)};
	assert_int_equal(jail_filter_build(&(struct jail_table){many, 200}, A, 1, JAIL_KILL, &f),
			 -E2BIG);
}

static void the_environment_chooses_the_mode(void **state)
{
	if (!jail_possible())
		skip();
	setenv("SRIOVD_SECCOMP", "log", 1);
	assert_int_equal(jail_mode_wanted(), JAIL_LOG);
	setenv("SRIOVD_SECCOMP", "off", 1);
	assert_int_equal(jail_mode_wanted(), JAIL_OFF);
	setenv("SRIOVD_SECCOMP", "anything", 1);
	assert_int_equal(jail_mode_wanted(), JAIL_KILL);
	unsetenv("SRIOVD_SECCOMP");
}

/* ---- processes ---- */

static int outcome(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int calls_socket(void)
{
	static struct jail_filter f;

	if (jail_filter_build(&table, A, getpid(), JAIL_KILL, &f) < 0 || jail_filter_enter(&f) < 0)
		return 3;
	(void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	return 4;
}

static int calls_nothing_else(void)
{
	static struct jail_filter f;
	char c;

	if (jail_filter_build(&table, A, getpid(), JAIL_KILL, &f) < 0 || jail_filter_enter(&f) < 0)
		return 3;
	if (syscall(SYS_read, -1, &c, 1) != -1 || errno != EBADF)
		return 4;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 5;
	syscall(SYS_exit_group, 7);
	return 6;
}

static void a_process_that_leaves_its_list_dies_at_once(void **state)
{
	int status;

	if (!jail_possible())
		skip();
	status = outcome(calls_socket);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	status = outcome(calls_nothing_else);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static int enters(void)
{
	struct jail_plan plan = {.landlock = true, .files_max = 64};
	struct jail_state s;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n;

	if (geteuid() == 0)
		plan.uid = 1900000000;
	if (jail_enter(&plan, &s) < 0)
		return 3;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 4;
	text[n] = '\0';
	if (!strstr(text, "NoNewPrivs:\t1") || !strstr(text, "CapEff:\t0000000000000000") ||
	    !strstr(text, "CapPrm:\t0000000000000000"))
		return 5;
	if (plan.uid && (!strstr(text, "\nUid:\t1900000000\t1900000000\t1900000000\t1900000000") ||
			 !strstr(text, "CapBnd:\t0000000000000000")))
		return 6;
	if ((s.root || s.landlock) && open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
		return 7;
	if (s.root && (open("/x", O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0 || chdir("/..") < 0 ||
		       open("etc", O_RDONLY | O_CLOEXEC) >= 0))
		return 8;
	if (setuid(0) == 0 && plan.uid)
		return 9;
	if (kill(getppid(), 0) == 0 && plan.uid)
		return 10;
	return s.capabilities ? 11 : 0;
}

static void inside_there_is_no_file_no_privilege_and_no_way_back(void **state)
{
	int status;

	if (!jail_possible())
		skip();
	status = outcome(enters);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int keeps_two(void)
{
	int a = dup(0), b = dup(0), c = dup(0), keep[2] = {a, c};

	if (jail_close_others(keep, 2) < 0)
		return 3;
	return fcntl(a, F_GETFD) < 0 || fcntl(c, F_GETFD) < 0 || fcntl(b, F_GETFD) >= 0 ? 4 : 0;
}

static void only_descriptors_that_are_named_stay_open(void **state)
{
	int status = outcome(keeps_two);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_call_is_allowed_and_another_kills),
		cmocka_unit_test(each_kind_of_thread_has_its_own_rows),
		cmocka_unit_test(arguments_are_compared_as_the_kernel_reads_them),
		cmocka_unit_test(rows_by_different_arguments_are_alternatives),
		cmocka_unit_test(only_this_process_may_be_signalled),
		cmocka_unit_test(a_refused_call_gets_its_errno),
		cmocka_unit_test(other_architectures_and_x32_are_not_let_through),
		cmocka_unit_test(log_mode_does_what_is_not_listed_and_tells),
		cmocka_unit_test(a_table_that_is_wrong_is_refused),
		cmocka_unit_test(the_environment_chooses_the_mode),
		cmocka_unit_test(a_process_that_leaves_its_list_dies_at_once),
		cmocka_unit_test(inside_there_is_no_file_no_privilege_and_no_way_back),
		cmocka_unit_test(only_descriptors_that_are_named_stay_open),
	};

	return cmocka_run_group_tests_name("jail", tests, NULL, NULL);
}

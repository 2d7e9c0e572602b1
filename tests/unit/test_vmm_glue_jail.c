/* SPDX-License-Identifier: BSD-3-Clause */
#include <jail.h>
#include <string.h>
#include <support/test.h>
#include <sys/syscall.h>

static void every_kind_of_thread_gets_a_filter(void **state)
{
	static struct jail_filter f;
	const unsigned int kinds[] = {THREAD_VCPU, THREAD_IO,
				      THREAD_MAIN | THREAD_VCPU | THREAD_IO | THREAD_START};

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(jail_filter_build(&vmm_jail_calls, kinds[i], 1, JAIL_KILL, &f), 0);
}

static void what_a_jail_is_there_to_prevent_is_on_no_list(void **state)
{
	static const int never[] = {
		__NR_open,
		__NR_openat,
		__NR_openat2,
		__NR_socket,
		__NR_connect,
		__NR_bind,
		__NR_execve,
		__NR_execveat,
		__NR_fork,
		__NR_vfork,
		__NR_ptrace,
		__NR_kill,
		__NR_tkill,
		__NR_mount,
		__NR_setns,
		__NR_unshare,
		__NR_bpf,
		__NR_setuid,
		__NR_keyctl,
		__NR_mlock,
		__NR_io_uring_setup,
		__NR_userfaultfd,
		__NR_process_vm_writev,
	};

	for (size_t i = 0; i < vmm_jail_calls.n; i++)
		for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++)
			assert_int_not_equal(vmm_jail_calls.call[i].nr, never[k]);
}

static void calls_that_can_do_anything_are_listed_by_argument(void **state)
{
	static const int narrow[] = {__NR_ioctl, __NR_fcntl,  __NR_prctl,    __NR_clone,
				     __NR_mmap,	 __NR_tgkill, __NR_mprotect, __NR_seccomp};

	for (size_t i = 0; i < vmm_jail_calls.n; i++)
		for (size_t k = 0; k < sizeof(narrow) / sizeof(narrow[0]); k++)
			if (vmm_jail_calls.call[i].nr == narrow[k])
				assert_int_not_equal(vmm_jail_calls.call[i].check, JAIL_ALWAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_thread_gets_a_filter),
		cmocka_unit_test(what_a_jail_is_there_to_prevent_is_on_no_list),
		cmocka_unit_test(calls_that_can_do_anything_are_listed_by_argument),
	};

	return cmocka_run_group_tests_name("vmm jail", tests, NULL, NULL);
}

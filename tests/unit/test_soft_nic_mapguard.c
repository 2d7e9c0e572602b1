/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's memory that is cut short while it is used. */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <lib/cleanup.h>
#include <mapguard.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 8u
#define PAGE  4096u

static uint8_t *guarded(int *ret_fd)
{
	int fd = memfd_create("client", MFD_CLOEXEC);
	size_t page = 0;
	uint8_t *va;

	assert_true(fd >= 0);
	assert_int_equal(mapguard_install(), 0); /* cmocka takes the signal for each test */
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	assert_int_equal(mapguard_check(fd, PAGES * PAGE, &page), 0);
	assert_int_equal(page, PAGE);
	va = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(va != MAP_FAILED);
	assert_int_equal(mapguard_add(va, PAGES * PAGE, page), 0);
	*ret_fd = fd;
	return va;
}

static void without_a_guard_nothing_is_allowed(void **state)
{
	_cleanup_(fd_closep) int fd = memfd_create("client", MFD_CLOEXEC);
	size_t page;

	assert_int_equal(mapguard_check(fd, 0, &page), -EPERM);
}

static void pages_that_went_away_read_zero_and_can_be_written(void **state)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *va = guarded(&fd);

	memset(va, 0x5a, PAGES * PAGE);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	assert_int_equal(*(volatile uint8_t *)&va[PAGE], 0x5a);
	assert_int_equal(*(volatile uint8_t *)&va[2 * PAGE + 5], 0);
	*(volatile uint8_t *)&va[5 * PAGE] = 1;
	assert_int_equal(*(volatile uint8_t *)&va[5 * PAGE], 1);
	assert_int_equal(mapguard_remove(va), 2);
	assert_int_equal(mapguard_remove(va), 0);
	munmap(va, PAGES * PAGE);
}

static void whoever_wants_to_know_is_told_of_a_missing_page(void **state)
{
	_cleanup_(fd_closep) int told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *va = guarded(&fd);
	eventfd_t n = 0;

	mapguard_notify(told);
	*(volatile uint8_t *)va = 1;
	assert_int_equal(mapguard_missing(va), 0);
	assert_int_equal(eventfd_read(told, &n), -1);
	assert_int_equal(ftruncate(fd, 0), 0);
	*(volatile uint8_t *)va = 1;
	assert_int_equal(eventfd_read(told, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(mapguard_missing(va), 1);
	assert_int_equal(mapguard_missing(va + PAGE), 0);
	mapguard_notify(-1);
	mapguard_remove(va);
	assert_int_equal(mapguard_missing(va), 0);
	munmap(va, PAGES * PAGE);
}

static void only_memory_of_the_right_size_is_allowed(void **state)
{
	_cleanup_(fd_closep) int memory = memfd_create("client", MFD_CLOEXEC);
	_cleanup_(fd_closep) int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	_cleanup_(fd_closep) int disk = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	size_t page;

	assert_int_equal(mapguard_install(), 0);
	assert_int_equal(ftruncate(memory, PAGE), 0);
	assert_int_equal(mapguard_check(memory, PAGE + 1, &page), -ERANGE);
	assert_int_equal(mapguard_check(zero, 0, &page), -EPERM);
	assert_int_equal(mapguard_check(disk, 0, &page), -EPERM);
	assert_int_equal(mapguard_check(-1, 0, &page), -EBADF);
}

static void other_memory_still_ends_the_process(void **state)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *va = guarded(&fd);
	int status;
	pid_t pid;

	mapguard_remove(va);
	assert_int_equal(ftruncate(fd, 0), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		*(volatile uint8_t *)va = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	munmap(va, PAGES * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_guard_nothing_is_allowed),
		cmocka_unit_test(pages_that_went_away_read_zero_and_can_be_written),
		cmocka_unit_test(whoever_wants_to_know_is_told_of_a_missing_page),
		cmocka_unit_test(only_memory_of_the_right_size_is_allowed),
		cmocka_unit_test(other_memory_still_ends_the_process),
	};

	return cmocka_run_group_tests_name("soft_nic_mapguard", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory behind descriptors: sealed, mapped, rounded up. */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <lib/dma.h>
#include <lib/memfd.h>

static void memory_is_mapped_zeroed_and_shared_through_its_descriptor(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;
	uint8_t *other;

	assert_int_equal(dma_mem_new("t", 8192, false, (iova_t){0x10000}, &mem), 0);
	assert_int_equal(mem->len, 8192);
	assert_int_equal(mem->iova.v, 0x10000);
	other = mmap(NULL, mem->len, PROT_READ, MAP_SHARED, mem->fd, (off_t)mem->fd_offset);
	assert_true(other != MAP_FAILED);
	assert_int_equal(other[8191], 0);
	((uint8_t *)mem->va)[8191] = 0x5a;
	assert_int_equal(other[8191], 0x5a);
	munmap(other, mem->len);
}

static void length_is_rounded_up_to_pages(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;

	assert_int_equal(dma_mem_new("t", 4097, false, (iova_t){0}, &mem), 0);
	assert_int_equal(mem->len, 8192);
	assert_int_equal(memfd_sealed(mem->fd, 8192), 0);
}

static void lengths_and_addresses_that_make_no_sense_are_refused(void **state)
{
	struct dma_mem *mem = NULL;
	int fd = -1;

	assert_int_equal(dma_mem_new("t", 0, false, (iova_t){0}, &mem), -EINVAL);
	assert_int_equal(dma_mem_new("t", SIZE_MAX, false, (iova_t){0}, &mem), -EINVAL);
	assert_int_equal(dma_mem_new("t", 4096, false, (iova_t){123}, &mem), -EINVAL);
	assert_int_equal(dma_mem_new("t", 8192, false, (iova_t){UINT64_MAX - 4095}, &mem), -EINVAL);
	assert_int_equal(memfd_new("t", 0, false, &fd), -EINVAL);
	assert_int_equal(memfd_new("t", 100, false, &fd), -EINVAL);
	assert_int_equal(memfd_new("t", 4096, true, &fd), -EINVAL);
	assert_null(mem);
	assert_int_equal(fd, -1);
}

static void sealed_memory_can_neither_shrink_nor_grow(void **state)
{
	_cleanup_(fd_closep) int fd = -1;

	assert_int_equal(memfd_new("t", 8192, false, &fd), 0);
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 16384), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(memfd_sealed(fd, 8192), 0);
	assert_int_equal(memfd_sealed(fd, 8193), -ERANGE);
}

static void memory_that_can_shrink_is_not_called_sealed(void **state)
{
	_cleanup_(fd_closep) int plain = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_(fd_closep) int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(plain >= 0);
	assert_int_equal(ftruncate(plain, 4096), 0);
	assert_int_equal(memfd_sealed(plain, 4096), -EPERM);
	if (file >= 0) {
		assert_int_equal(ftruncate(file, 4096), 0);
		assert_true(memfd_sealed(file, 4096) < 0);
	}
	assert_int_equal(memfd_sealed(-1, 4096), -EBADF);
}

static void huge_pages_are_there_or_refused_at_once(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;
	int r = dma_mem_new("t", 4096, true, (iova_t){0}, &mem);

	if (r < 0) {
		assert_int_equal(r, -ENOMEM);
		return;
	}
	assert_int_equal(mem->len, 2 << 20);
	memset(mem->va, 1, mem->len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_mapped_zeroed_and_shared_through_its_descriptor),
		cmocka_unit_test(length_is_rounded_up_to_pages),
		cmocka_unit_test(lengths_and_addresses_that_make_no_sense_are_refused),
		cmocka_unit_test(sealed_memory_can_neither_shrink_nor_grow),
		cmocka_unit_test(memory_that_can_shrink_is_not_called_sealed),
		cmocka_unit_test(huge_pages_are_there_or_refused_at_once),
	};

	return cmocka_run_group_tests_name("lib_dma", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of many files lies in a row when it does so for the device. */
#include <support/test.h>
#include <errno.h>
#include <iova_window.h>
#include <lib/cleanup.h>
#include <lib/memfd.h>
#include <sys/mman.h>

#define PAGE UINT64_C(4096)
#define BASE (UINT64_C(5) * IOVA_WINDOW_SIZE)

static struct iova_windows ws;

/* A page of a file of its own, at @iova. */
static uint8_t *piece(uint64_t iova, uint8_t mark)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *va;

	assert_int_equal(memfd_new("piece", PAGE, false, &fd), 0);
	va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(va != MAP_FAILED);
	*va = mark;
	return iova_window_move(&ws, va, iova, PAGE);
}

static bool mapped(void *va)
{
	return msync(va, PAGE, MS_ASYNC) == 0 || errno != ENOMEM;
}

static void pieces_lie_in_the_order_of_their_addresses(void **state)
{
	uint8_t *b = piece(BASE + PAGE, 2), *a = piece(BASE, 1), *d = piece(BASE + 3 * PAGE, 4);

	assert_ptr_equal(b, a + PAGE);
	assert_ptr_equal(d, a + 3 * PAGE);
	assert_int_equal(a[0], 1);
	assert_int_equal(a[PAGE], 2);
	assert_int_equal(a[3 * PAGE], 4);
	iova_window_unmap(&ws, b, PAGE);
	b = piece(BASE + PAGE, 5);
	assert_ptr_equal(b, a + PAGE);
	assert_int_equal(a[PAGE], 5);
	iova_window_unmap(&ws, a, PAGE);
	iova_window_unmap(&ws, b, PAGE);
	assert_int_equal(*d, 4);
	iova_window_unmap(&ws, d, PAGE);
	assert_false(mapped(a));
	assert_null(ws.w[IOVA_WINDOWS - 1].base);
}

static void what_fits_no_window_stays_where_it_is(void **state)
{
	uint8_t *many[IOVA_WINDOWS], *more;

	for (unsigned int i = 0; i < IOVA_WINDOWS; i++)
		many[i] = piece(BASE + i * IOVA_WINDOW_SIZE, (uint8_t)i);
	more = piece(BASE + IOVA_WINDOWS * IOVA_WINDOW_SIZE, 77);
	assert_int_equal(*more, 77);
	iova_window_unmap(&ws, more, PAGE);
	assert_false(mapped(more));
	for (unsigned int i = 0; i < IOVA_WINDOWS; i++) {
		assert_int_equal(*many[i], i);
		iova_window_unmap(&ws, many[i], PAGE);
		assert_false(mapped(many[i]));
	}
	for (unsigned int i = 0; i < IOVA_WINDOWS; i++)
		assert_null(ws.w[i].base);
}

static void ranges_over_a_border_or_over_the_end_go_nowhere(void **state)
{
	uint8_t *va = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(va != MAP_FAILED);
	assert_ptr_equal(iova_window_move(&ws, va, BASE - PAGE, 2 * PAGE), va);
	assert_ptr_equal(iova_window_move(&ws, va, UINT64_MAX - PAGE, 2 * PAGE), va);
	assert_ptr_equal(iova_window_move(&ws, va, 0, UINT64_MAX), va);
	iova_window_unmap(&ws, va, 2 * PAGE);
	assert_false(mapped(va));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_lie_in_the_order_of_their_addresses),
		cmocka_unit_test(what_fits_no_window_stays_where_it_is),
		cmocka_unit_test(ranges_over_a_border_or_over_the_end_go_nowhere),
	};

	return cmocka_run_group_tests_name("soft_nic_iova_window", tests, NULL, NULL);
}

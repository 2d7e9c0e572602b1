/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings that the VMM serves itself, in the hands of honest and of hostile drivers. */
#include <support/test.h>
#include <support/virtq_driver.h>

#include <abi/bits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <virtq.h>

#define RAM  (UINT64_C(4) << 20)
#define SIZE 16u
#define RING UINT64_C(0x10000)
#define BUF  UINT64_C(0x40000)
#define TBL  UINT64_C(0x80000)

#define NEXT	 VRING_DESC_F_NEXT
#define WRITE	 VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define F_IND	 BIT64(VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT	 BIT64(VIRTIO_RING_F_EVENT_IDX)

struct rig {
	uint8_t *ram;
	struct vdrv d;
	struct virtq q;
	struct virtq_chain c;
	struct virtq_map map;
};

static void *ram_ptr(void *ctx, uint64_t gpa, size_t len)
{
	return gpa <= RAM && len <= RAM - gpa ? (uint8_t *)ctx + gpa : NULL;
}

static void rig_init(struct rig *r, uint64_t features)
{
	struct virtq_mem mem = {.ptr = ram_ptr, .ctx = r->ram};

	r->d = vdrv_at(r->ram, RING, SIZE);
	r->map.size = SIZE;
	r->map.desc = r->ram + r->d.desc;
	r->map.avail = r->ram + r->d.avail;
	r->map.used = r->ram + r->d.used;
	virtq_init(&r->q, &r->map, &mem, features);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->ram = calloc(1, RAM);
	assert_non_null(r->ram);
	r->map.kick_fd = -1;
	r->map.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rig_init(r, F_IND);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	fd_close(r->map.call_fd);
	free(r->ram);
	free(r);
	return 0;
}

static bool called(struct rig *r)
{
	eventfd_t n;

	return eventfd_read(r->map.call_fd, &n) == 0;
}

static void expect_broken(struct rig *r, const char *part)
{
	assert_int_equal(virtq_next(&r->q, &r->c), -EBADMSG);
	assert_non_null(r->q.broken);
	assert_non_null(strstr(r->q.broken, part));
	/* and stays so, whatever the driver does next */
	vdrv_desc(&r->d, 0, BUF, 8, 0, 0);
	vdrv_post(&r->d, 0);
	assert_int_equal(virtq_next(&r->q, &r->c), -EBADMSG);
	assert_true(virtq_idle(&r->q));
	assert_int_equal(vdrv_used(&r->d)->idx, 0);
}

static struct vring_desc *table(struct rig *r, uint64_t at)
{
	return (struct vring_desc *)(r->ram + at);
}

/* ---- honest ----------------------------------------------------------------------------- */

static void a_chain_arrives_as_the_driver_laid_it_out(void **state)
{
	struct rig *r = *state;
	uint32_t id, len;

	assert_int_equal(virtq_next(&r->q, &r->c), 0);
	vdrv_desc(&r->d, 3, BUF, 16, NEXT, 7);
	vdrv_desc(&r->d, 7, BUF + 0x1000, 512, NEXT | WRITE, 1);
	vdrv_desc(&r->d, 1, BUF + 0x2000, 1, WRITE, 0xffff);
	vdrv_post(&r->d, 3);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	assert_int_equal(r->c.head, 3);
	assert_int_equal(r->c.n_out, 1);
	assert_int_equal(r->c.n_in, 2);
	assert_int_equal(r->c.out_bytes, 16);
	assert_int_equal(r->c.in_bytes, 513);
	assert_ptr_equal(r->c.iov[1].iov_base, r->ram + BUF + 0x1000);
	assert_int_equal(virtq_next(&r->q, &r->c), 0);
	virtq_put(&r->q, 3, 513);
	assert_false(vdrv_take(&r->d, &id, &len));
	virtq_flush(&r->q);
	assert_true(vdrv_take(&r->d, &id, &len));
	assert_int_equal(id, 3);
	assert_int_equal(len, 513);
	assert_true(called(r));
}

static void an_indirect_table_counts_as_one_chain(void **state)
{
	struct rig *r = *state;

	table(r, TBL)[0] = (struct vring_desc){BUF, 10, NEXT, 2};
	table(r, TBL)[2] = (struct vring_desc){BUF + 64, 20, WRITE, 0};
	vdrv_desc(&r->d, 0, BUF + 128, 5, NEXT, 1);
	vdrv_desc(&r->d, 1, TBL, 48, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	assert_int_equal(r->c.n_out, 2);
	assert_int_equal(r->c.out_bytes, 15);
	assert_int_equal(r->c.in_bytes, 20);
}

static void indices_wrap_around_as_the_driver_goes_on_for_ever(void **state)
{
	struct rig *r = *state;
	uint32_t id, len;

	vdrv_desc(&r->d, 2, BUF, 4, WRITE, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		vdrv_post(&r->d, 2);
		assert_int_equal(virtq_next(&r->q, &r->c), 1);
		virtq_put(&r->q, r->c.head, i);
		virtq_flush(&r->q);
		assert_true(vdrv_take(&r->d, &id, &len));
		assert_int_equal(len, i);
	}
}

static void a_chain_given_back_is_there_again(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 4, BUF, 4, WRITE, 0);
	vdrv_post(&r->d, 4);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	virtq_back(&r->q, 4);
	assert_int_equal(virtq_base(&r->q), 0);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	assert_int_equal(r->c.head, 4);
}

static void a_driver_that_wants_no_interrupt_gets_none(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, BUF, 4, 0, 0);
	vdrv_avail(&r->d)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	vdrv_post(&r->d, 0);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	virtq_put(&r->q, 0, 0);
	virtq_flush(&r->q);
	assert_false(called(r));
}

static void with_event_indices_interrupts_and_kicks_are_asked_for_by_number(void **state)
{
	struct rig *r = *state;
	uint16_t *used_event, *avail_event;

	rig_init(r, F_IND | F_EVENT);
	used_event = &vdrv_avail(&r->d)->ring[SIZE];
	avail_event = (uint16_t *)&vdrv_used(&r->d)->ring[SIZE];
	*used_event = 2;
	for (uint16_t i = 0; i < 4; i++) {
		vdrv_desc(&r->d, i, BUF, 4, 0, 0);
		vdrv_post(&r->d, i);
		assert_int_equal(virtq_next(&r->q, &r->c), 1);
		virtq_put(&r->q, i, 0);
		virtq_flush(&r->q);
		assert_int_equal(called(r), i == 2);
	}
	assert_true(virtq_idle(&r->q));
	assert_int_equal(*avail_event, 4);
	vdrv_post(&r->d, 0);
	assert_false(virtq_idle(&r->q));
}

static void a_successor_goes_on_at_the_base_and_at_the_used_index(void **state)
{
	struct rig *r = *state;
	struct virtq_mem mem = r->q.mem;
	uint32_t id, len;

	for (uint16_t i = 0; i < 3; i++) {
		vdrv_desc(&r->d, i, BUF, 4, 0, 0);
		vdrv_post(&r->d, i);
	}
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	virtq_put(&r->q, 0, 0);
	virtq_flush(&r->q);
	r->map.base = virtq_base(&r->q);
	virtq_init(&r->q, &r->map, &mem, 0);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	assert_int_equal(r->c.head, 1);
	virtq_put(&r->q, 1, 0);
	virtq_flush(&r->q);
	assert_true(vdrv_take(&r->d, &id, &len));
	assert_true(vdrv_take(&r->d, &id, &len));
	assert_int_equal(id, 1);
}

static void bytes_cross_buffer_borders_in_both_directions(void **state)
{
	uint8_t a[3] = {1, 2, 3}, b[1] = {4}, c[4] = {5, 6, 7, 8}, out[8] = {0};
	struct iovec iov[3] = {{a, 3}, {b, 1}, {c, 4}}, cut[3];
	static const uint8_t fill[5] = {11, 12, 13, 14, 15};

	(void)state;
	assert_int_equal(iov_out(iov, 3, 2, out, 8), 6);
	assert_memory_equal(out, ((uint8_t[]){3, 4, 5, 6, 7, 8}), 6);
	assert_int_equal(iov_out(iov, 3, 8, out, 1), 0);
	assert_int_equal(iov_in(iov, 3, 2, fill, 5), 5);
	assert_int_equal(a[2], 11);
	assert_int_equal(b[0], 12);
	assert_int_equal(c[2], 15);
	assert_int_equal(c[3], 8);
	assert_int_equal(iov_in(iov, 3, 7, fill, 5), 1);
	assert_int_equal(iov_cut(iov, 3, 1, 4, cut), 3);
	assert_ptr_equal(cut[0].iov_base, a + 1);
	assert_int_equal(cut[0].iov_len, 2);
	assert_int_equal(cut[2].iov_len, 1);
	assert_int_equal(iov_cut(iov, 3, 9, 1, cut), 0);
}

/* ---- hostile ---------------------------------------------------------------------------- */

static void case_01_a_head_outside_the_table_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_post(&r->d, SIZE);
	expect_broken(r, "head is outside");
}

static void case_02_a_successor_outside_the_table_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, BUF, 4, NEXT, SIZE);
	vdrv_post(&r->d, 0);
	expect_broken(r, "successor outside");
}

static void case_03_a_descriptor_that_follows_itself_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 5, BUF, 4, NEXT, 5);
	vdrv_post(&r->d, 5);
	expect_broken(r, "loops");
}

static void case_04_a_loop_over_all_descriptors_is_refused(void **state)
{
	struct rig *r = *state;

	for (uint16_t i = 0; i < SIZE; i++)
		vdrv_desc(&r->d, i, BUF, 4, NEXT, (uint16_t)((i + 1) % SIZE));
	vdrv_post(&r->d, 0);
	expect_broken(r, "loops");
}

static void case_05_a_chain_of_more_buffers_than_a_request_may_have_is_refused(void **state)
{
	struct rig *r = *state;

	for (uint16_t i = 0; i < 300; i++)
		table(r, TBL)[i] = (struct vring_desc){BUF, 4, NEXT, (uint16_t)(i + 1)};
	table(r, TBL)[300] = (struct vring_desc){BUF, 4, 0, 0};
	vdrv_desc(&r->d, 0, TBL, 301 * 16, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "more than 256");
}

static void case_06_a_buffer_of_length_zero_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, BUF, 0, 0, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "length 0");
}

static void case_07_an_indirect_table_that_was_not_negotiated_is_refused(void **state)
{
	struct rig *r = *state;

	rig_init(r, 0);
	vdrv_desc(&r->d, 0, TBL, 16, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "not negotiated");
}

static void case_08_an_indirect_table_in_an_indirect_table_is_refused(void **state)
{
	struct rig *r = *state;

	table(r, TBL)[0] = (struct vring_desc){TBL, 16, INDIRECT, 0};
	vdrv_desc(&r->d, 0, TBL, 16, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "inside an indirect");
}

static void case_09_an_indirect_descriptor_with_a_successor_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, TBL, 16, INDIRECT | NEXT, 1);
	vdrv_post(&r->d, 0);
	expect_broken(r, "with a successor");
}

static void case_10_an_indirect_table_of_half_a_descriptor_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, TBL, 24, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "multiple of 16");
}

static void case_11_an_empty_indirect_table_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, TBL, 0, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "multiple of 16");
}

static void case_12_an_indirect_table_outside_memory_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, RAM - 16, 32, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "table outside memory");
}

static void case_13_a_huge_indirect_table_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, TBL, 0xfffffff0, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "longer than any ring");
}

static void case_14_a_loop_in_an_indirect_table_is_refused(void **state)
{
	struct rig *r = *state;

	table(r, TBL)[0] = (struct vring_desc){BUF, 4, NEXT, 1};
	table(r, TBL)[1] = (struct vring_desc){BUF, 4, NEXT, 0};
	vdrv_desc(&r->d, 0, TBL, 32, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "loops");
}

static void case_15_a_successor_outside_the_indirect_table_is_refused(void **state)
{
	struct rig *r = *state;

	table(r, TBL)[0] = (struct vring_desc){BUF, 4, NEXT, 1};
	vdrv_desc(&r->d, 0, TBL, 16, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "successor outside");
}

static void case_16_an_index_that_jumps_ahead_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_avail(&r->d)->idx = SIZE + 1;
	expect_broken(r, "jumped");
}

static void case_17_an_index_that_goes_back_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_avail(&r->d)->idx = 0xffff;
	expect_broken(r, "jumped");
}

static void case_18_a_head_that_is_in_flight_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 6, BUF, 4, 0, 0);
	vdrv_post(&r->d, 6);
	vdrv_post(&r->d, 6);
	assert_int_equal(virtq_next(&r->q, &r->c), 1);
	expect_broken(r, "holds already");
}

static void case_19_a_buffer_outside_memory_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, RAM - 2, 4, WRITE, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "buffer outside memory");
}

static void case_20_a_buffer_that_wraps_around_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, UINT64_MAX - 1, 4, 0, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "wraps around");
}

static void case_21_an_indirect_table_that_wraps_around_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, UINT64_MAX - 8, 32, INDIRECT, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "wraps around");
}

static void case_22_a_buffer_to_read_behind_one_to_write_is_refused(void **state)
{
	struct rig *r = *state;

	vdrv_desc(&r->d, 0, BUF, 4, WRITE | NEXT, 1);
	vdrv_desc(&r->d, 1, BUF, 4, 0, 0);
	vdrv_post(&r->d, 0);
	expect_broken(r, "behind one to write");
}

static void case_23_a_chain_of_more_than_16_mib_is_refused(void **state)
{
	struct rig *r = *state;

	for (uint16_t i = 0; i < 5; i++)
		vdrv_desc(&r->d, i, 0, RAM, NEXT, (uint16_t)(i + 1));
	vdrv_post(&r->d, 0);
	expect_broken(r, "16 MiB");
}

static void case_24_a_used_index_that_the_driver_changes_moves_nothing(void **state)
{
	struct rig *r = *state;

	for (uint16_t i = 0; i < 2; i++) {
		vdrv_desc(&r->d, i, BUF, 4, 0, 0);
		vdrv_post(&r->d, i);
		vdrv_used(&r->d)->idx = 0x7777;
		assert_int_equal(virtq_next(&r->q, &r->c), 1);
		virtq_put(&r->q, i, 0);
		virtq_flush(&r->q);
		assert_int_equal(vdrv_used(&r->d)->idx, i + 1);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_chain_arrives_as_the_driver_laid_it_out),
		CASE(an_indirect_table_counts_as_one_chain),
		CASE(indices_wrap_around_as_the_driver_goes_on_for_ever),
		CASE(a_chain_given_back_is_there_again),
		CASE(a_driver_that_wants_no_interrupt_gets_none),
		CASE(with_event_indices_interrupts_and_kicks_are_asked_for_by_number),
		CASE(a_successor_goes_on_at_the_base_and_at_the_used_index),
		CASE(bytes_cross_buffer_borders_in_both_directions),
		CASE(case_01_a_head_outside_the_table_is_refused),
		CASE(case_02_a_successor_outside_the_table_is_refused),
		CASE(case_03_a_descriptor_that_follows_itself_is_refused),
		CASE(case_04_a_loop_over_all_descriptors_is_refused),
		CASE(case_05_a_chain_of_more_buffers_than_a_request_may_have_is_refused),
		CASE(case_06_a_buffer_of_length_zero_is_refused),
		CASE(case_07_an_indirect_table_that_was_not_negotiated_is_refused),
		CASE(case_08_an_indirect_table_in_an_indirect_table_is_refused),
		CASE(case_09_an_indirect_descriptor_with_a_successor_is_refused),
		CASE(case_10_an_indirect_table_of_half_a_descriptor_is_refused),
		CASE(case_11_an_empty_indirect_table_is_refused),
		CASE(case_12_an_indirect_table_outside_memory_is_refused),
		CASE(case_13_a_huge_indirect_table_is_refused),
		CASE(case_14_a_loop_in_an_indirect_table_is_refused),
		CASE(case_15_a_successor_outside_the_indirect_table_is_refused),
		CASE(case_16_an_index_that_jumps_ahead_is_refused),
		CASE(case_17_an_index_that_goes_back_is_refused),
		CASE(case_18_a_head_that_is_in_flight_is_refused),
		CASE(case_19_a_buffer_outside_memory_is_refused),
		CASE(case_20_a_buffer_that_wraps_around_is_refused),
		CASE(case_21_an_indirect_table_that_wraps_around_is_refused),
		CASE(case_22_a_buffer_to_read_behind_one_to_write_is_refused),
		CASE(case_23_a_chain_of_more_than_16_mib_is_refused),
		CASE(case_24_a_used_index_that_the_driver_changes_moves_nothing),
	};

	return cmocka_run_group_tests_name("virtq", cases, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>

#include <bench_frame.h>

#include <stdlib.h>

static const uint8_t one[6] = {2, 0, 0, 0, 0, 1}, two[6] = {2, 0, 0, 0, 0, 2};

struct fixture {
	struct fp_flow flow;
	struct fp_track track;
	uint8_t frame[FP_FRAME_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fp_flow_init(&f->flow, two, one, 7, FP_FRAME_MIN);
	fp_track_init(&f->track);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void a_frame_is_read_as_it_was_written(void **state)
{
	static const uint32_t lens[] = {60, 61, 252, 1514};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		for (uint32_t seq = 0; seq < 200; seq++) {
			struct fp_stamps at;
			uint32_t got;

			fp_flow_init(&f->flow, two, one, 7, lens[i]);
			fp_frame_write(&f->flow, f->frame, seq, (struct fp_stamps){seq + 1, 0});
			fp_frame_stamp(f->frame, seq + 2);
			assert_int_equal(fp_frame_read(&f->flow, f->frame, lens[i], &got, &at),
					 FP_FRAME_OK);
			assert_int_equal(got, seq);
			assert_int_equal(at.intended, seq + 1);
			assert_int_equal(at.actual, seq + 2);
		}
	assert_memory_equal(f->frame, two, 6);
	assert_memory_equal(f->frame + 6, one, 6);
}

static void the_short_way_takes_good_frames_alone(void **state)
{
	struct fixture *f = *state;

	for (uint32_t seq = 0; seq < 200; seq++) {
		bool sample = seq % FP_FRAME_SAMPLE == 0;

		fp_frame_write(&f->flow, f->frame, seq, (struct fp_stamps){1, 2});
		assert_int_equal(fp_frame_plain(&f->flow, f->frame, 60, seq), !sample);
		assert_false(fp_frame_plain(&f->flow, f->frame, 61, seq));
		assert_false(fp_frame_plain(&f->flow, f->frame, 60, seq + 1));
		for (uint32_t i = 0; i < 60; i++) {
			bool stamp = i >= 24 && i < FP_FRAME_PAYLOAD;
			bool payload = i >= FP_FRAME_PAYLOAD && i < 60 - FP_FRAME_TAIL;

			f->frame[i] ^= 4;
			assert_int_equal(fp_frame_plain(&f->flow, f->frame, 60, seq),
					 !sample && (stamp || payload));
			f->frame[i] ^= 4;
		}
	}
}

static void a_run_of_numbers_counts_as_each_of_them(void **state)
{
	struct fp_track *each = &((struct fixture *)*state)->track,
			*run = test_malloc(sizeof(*run));

	fp_track_init(run);
	for (uint32_t i = 0; i < 3 * FP_TRACK_WINDOW / 32; i++) {
		uint32_t n = (i * 7) % 65;

		for (uint32_t k = 0; k < n; k++)
			fp_track_add(each, each->next, UINT32_MAX);
		fp_track_run(run, n);
	}
	assert_memory_equal(each, run, sizeof(*run));
	/* and what comes a second time is told as that */
	fp_track_add(run, run->next - 5, UINT32_MAX);
	assert_int_equal(run->duplicate, 1);
	test_free(run);
}

static void addresses_take_turns_and_the_first_are_the_ports_own(void **state)
{
	struct fixture *f = *state;
	struct fp_stamps at;
	uint32_t got;

	assert_true(fp_flow_spread(&f->flow, 1024, 4));
	for (uint32_t seq = 0; seq < 2100; seq++) {
		const uint8_t dst[6] = {2, 0, 0, 0, (uint8_t)(seq % 4), 2};
		const uint8_t src[6] = {2, 0, 0, (uint8_t)(seq % 1024 >> 8), (uint8_t)seq, 1};

		fp_frame_write(&f->flow, f->frame, seq, (struct fp_stamps){0, 0});
		assert_memory_equal(f->frame, dst, 6);
		assert_memory_equal(f->frame + 6, src, 6);
		assert_int_equal(fp_frame_read(&f->flow, f->frame, FP_FRAME_MIN, &got, &at),
				 FP_FRAME_OK);
		assert_int_equal(got, seq);
		/* another's turn */
		f->frame[10] ^= 1;
		assert_int_equal(fp_frame_read(&f->flow, f->frame, FP_FRAME_MIN, &got, &at),
				 FP_FRAME_FOREIGN);
	}
	for (uint32_t n = 0; n < 1100; n++) {
		bool fine = n == 1 || n == 2 || n == 4 || n == 8 || n == 16 || n == 32 || n == 64 ||
			    n == 128 || n == 256 || n == 512 || n == 1024;

		assert_int_equal(fp_flow_spread(&f->flow, n, 1), fine);
		assert_int_equal(fp_flow_spread(&f->flow, 1, n), fine);
	}
	assert_false(fp_flow_spread(&f->flow, UINT32_MAX, 1));
}

static void a_frame_of_another_block_direction_or_program_is_foreign(void **state)
{
	struct fixture *f = *state;
	struct fp_flow other;
	struct fp_stamps at;
	uint32_t seq;

	fp_flow_init(&other, two, one, 8, FP_FRAME_MIN);
	fp_frame_write(&other, f->frame, 0, (struct fp_stamps){0});
	assert_int_equal(fp_frame_read(&f->flow, f->frame, 60, &seq, &at), FP_FRAME_FOREIGN);
	fp_flow_init(&other, one, two, 7, FP_FRAME_MIN);
	fp_frame_write(&other, f->frame, 0, (struct fp_stamps){0});
	assert_int_equal(fp_frame_read(&f->flow, f->frame, 60, &seq, &at), FP_FRAME_FOREIGN);
	memset(f->frame, 0xff, sizeof(f->frame));
	assert_int_equal(fp_frame_read(&f->flow, f->frame, 1514, &seq, &at), FP_FRAME_FOREIGN);
	for (uint32_t len = 0; len < FP_FRAME_MIN; len++) {
		fp_frame_write(&f->flow, f->frame, 0, (struct fp_stamps){0});
		assert_int_equal(fp_frame_read(&f->flow, f->frame, len, &seq, &at),
				 FP_FRAME_FOREIGN);
	}
}

static void each_changed_byte_of_a_sampled_frame_is_noticed(void **state)
{
	static const uint32_t lens[] = {60, 61, 63, 200, 1514};
	struct fixture *f = *state;
	struct fp_stamps at;
	uint32_t seq;

	for (unsigned int k = 0; k < sizeof(lens) / sizeof(*lens); k++) {
		fp_flow_init(&f->flow, two, one, 7, lens[k]);
		fp_frame_write(&f->flow, f->frame, FP_FRAME_SAMPLE, (struct fp_stamps){0});
		for (unsigned int i = 0; i < lens[k]; i++) {
			if (i >= 24 && i < FP_FRAME_PAYLOAD)
				continue; /* stamps may be anything */
			f->frame[i] ^= 0x10;
			assert_int_not_equal(fp_frame_read(&f->flow, f->frame, lens[k], &seq, &at),
					     FP_FRAME_OK);
			f->frame[i] ^= 0x10;
		}
		assert_int_equal(fp_frame_read(&f->flow, f->frame, lens[k], &seq, &at),
				 FP_FRAME_OK);
	}
}

static void a_frame_that_was_cut_or_padded_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct fp_stamps at;
	uint32_t seq;

	fp_flow_init(&f->flow, two, one, 7, 200);
	fp_frame_write(&f->flow, f->frame, 3, (struct fp_stamps){0});
	assert_int_equal(fp_frame_read(&f->flow, f->frame, 199, &seq, &at), FP_FRAME_CORRUPT);
	assert_int_equal(fp_frame_read(&f->flow, f->frame, 204, &seq, &at), FP_FRAME_CORRUPT);
}

static void the_mix_has_seven_four_and_one_in_twelve(void **state)
{
	struct fixture *f = *state;
	unsigned int n[3] = {0};
	struct fp_stamps at;
	uint32_t got;

	fp_flow_init(&f->flow, two, one, 7, 0);
	for (uint32_t seq = 0; seq < 1200; seq++) {
		uint32_t len = fp_flow_len(&f->flow, seq);

		n[len == 60 ? 0 : len == 566 ? 1 : 2]++;
		fp_frame_write(&f->flow, f->frame, seq, (struct fp_stamps){0});
		assert_int_equal(fp_frame_read(&f->flow, f->frame, len, &got, &at), FP_FRAME_OK);
	}
	assert_int_equal(n[0], 700);
	assert_int_equal(n[1], 400);
	assert_int_equal(n[2], 100);
}

static void frames_in_order_are_received(void **state)
{
	struct fp_track *t = &((struct fixture *)*state)->track;

	for (uint32_t i = 0; i < 3 * FP_TRACK_WINDOW; i++)
		fp_track_add(t, i, i + 1);
	assert_int_equal(t->received, 3 * FP_TRACK_WINDOW);
	assert_int_equal(t->duplicate + t->reordered + t->corrupt, 0);
}

static void a_frame_that_comes_twice_is_a_duplicate(void **state)
{
	struct fp_track *t = &((struct fixture *)*state)->track;

	for (uint32_t i = 0; i < 100; i++)
		fp_track_add(t, i, 100);
	fp_track_add(t, 99, 100);
	fp_track_add(t, 0, 100);
	assert_int_equal(t->received, 100);
	assert_int_equal(t->duplicate, 2);
}

static void a_late_frame_is_received_and_told(void **state)
{
	struct fp_track *t = &((struct fixture *)*state)->track;

	for (uint32_t i = 0; i < 1000; i++)
		if (i % 10 != 3)
			fp_track_add(t, i, 1000);
	assert_int_equal(t->received, 900);
	for (uint32_t i = 3; i < 1000; i += 20)
		fp_track_add(t, i, 1000);
	assert_int_equal(t->received, 950);
	assert_int_equal(t->reordered, 50);
	assert_int_equal(t->duplicate, 0);
	fp_track_add(t, 3, 1000);
	assert_int_equal(t->duplicate, 1);
}

static void numbers_that_were_passed_are_not_taken_for_seen_a_window_later(void **state)
{
	struct fp_track *t = &((struct fixture *)*state)->track;
	uint32_t n = 4 * FP_TRACK_WINDOW;

	for (uint32_t i = 0; i < FP_TRACK_WINDOW; i++)
		fp_track_add(t, i, n);
	fp_track_add(t, 2 * FP_TRACK_WINDOW - 1, n); /* the whole window is passed */
	fp_track_add(t, 2 * FP_TRACK_WINDOW - 2, n);
	fp_track_add(t, FP_TRACK_WINDOW + 5, n);
	assert_int_equal(t->reordered, 2);
	assert_int_equal(t->duplicate, 0);
	fp_track_add(t, FP_TRACK_WINDOW - 1, n); /* too old to know */
	assert_int_equal(t->duplicate, 1);
	fp_track_add(t, n - 1, n); /* more than a window at once */
	assert_int_equal(t->received, FP_TRACK_WINDOW + 4);
}

static void a_number_that_was_never_sent_is_corrupt(void **state)
{
	struct fp_track *t = &((struct fixture *)*state)->track;

	fp_track_add(t, 0, 0);
	fp_track_add(t, UINT32_MAX, 5);
	assert_int_equal(t->corrupt, 2);
	assert_int_equal(t->received, 0);
	assert_int_equal(t->next, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_frame_is_read_as_it_was_written),
		CASE(the_short_way_takes_good_frames_alone),
		CASE(a_run_of_numbers_counts_as_each_of_them),
		CASE(addresses_take_turns_and_the_first_are_the_ports_own),
		CASE(a_frame_of_another_block_direction_or_program_is_foreign),
		CASE(each_changed_byte_of_a_sampled_frame_is_noticed),
		CASE(a_frame_that_was_cut_or_padded_is_corrupt),
		CASE(the_mix_has_seven_four_and_one_in_twelve),
		CASE(frames_in_order_are_received),
		CASE(a_frame_that_comes_twice_is_a_duplicate),
		CASE(a_late_frame_is_received_and_told),
		CASE(numbers_that_were_passed_are_not_taken_for_seen_a_window_later),
		CASE(a_number_that_was_never_sent_is_corrupt),
	};

	return cmocka_run_group_tests_name("bench_frame", cases, NULL, NULL);
}

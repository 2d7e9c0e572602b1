/* SPDX-License-Identifier: BSD-3-Clause */
/* The data thread for real: queues that come up behind its back, tables exchanged under traffic. */
#include <lib/clock.h>
#include <support/test.h>
#include <support/snic_rig.h>

#define DEADLINE_US (5 * USEC_PER_SEC)

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int setup_two(void **state)
{
	struct rig *r = rig_new();

	*state = r;
	return snic_dp_threads(r->nic, 2, NULL);
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

/* The control thread's loop, until a frame is there. */
static uint32_t await_frame(struct rig *r, struct rig_queue *q)
{
	uint64_t end = clock_us() + DEADLINE_US;
	uint32_t len = 0;

	while (!len && clock_us() < end) {
		len = rig_rx(q, NULL, NULL);
		if (!len) {
			snic_service(r->nic);
			clock_sleep_us(50);
		}
	}
	return len;
}

static void frames_flow_through_the_thread_and_tables_change_under_them(void **state)
{
	struct rig *r = *state;
	struct rig_queue a, b;
	uint8_t f[60], ma[6], mb[6];

	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	assert_int_equal(snic_dp_start(r->nic, -1), -EALREADY);
	rig_pf_up(r, 2);
	a = rig_queue_up(r, 0, 0, 64, 0);
	b = rig_queue_up(r, 1, 1, 64, 60);
	assert_int_equal(snic_quiesce(r->nic), 0); /* both queues are known from here on */
	rig_mac(0, ma);
	rig_mac(1, mb);
	rig_frame(f, mb, ma, -1, 60);
	for (unsigned int i = 0; i < 40; i++) {
		rig_tx(&a, f, 60);
		if (i % 4 == 1)
			rig_map(r, 1); /* the same memory anew: waits for the thread */
		if (i % 4 == 3)
			assert_int_equal(snic_quiesce(r->nic), 0);
		assert_int_equal(await_frame(r, &b), 60);
		rig_post(&b, rig_iova(RIG_RX_BUF + b.rx_tail * RIG_STRIDE));
	}
	snic_dp_stop(r->nic);
}

static void memory_taken_away_is_not_touched_by_the_thread(void **state)
{
	struct rig *r = *state;
	struct rig_queue a, b;
	uint8_t f[60], ma[6], mb[6];

	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	rig_pf_up(r, 2);
	a = rig_queue_up(r, 0, 0, 64, 0);
	b = rig_queue_up(r, 1, 1, 64, 60);
	assert_int_equal(snic_quiesce(r->nic), 0); /* both queues are known from here on */
	rig_mac(0, ma);
	rig_mac(1, mb);
	rig_frame(f, mb, ma, -1, 60);
	for (unsigned int i = 0; i < 20; i++) {
		for (unsigned int k = 0; k < 5; k++)
			rig_tx(&a, f, 60);
		assert_int_equal(snic_dma_set(r->nic, 1, NULL, 0), 0);
		mprotect(r->mem[1], RIG_MEM, PROT_NONE); /* a touch from now on kills the test */
		clock_sleep_us(500);
		mprotect(r->mem[1], RIG_MEM, PROT_READ | PROT_WRITE);
		rig_map(r, 1);
	}
	(void)b;
}

static void thread_goes_to_sleep_and_a_frame_from_the_wire_wakes_it(void **state)
{
	struct rig *r = *state;
	struct snic_wire_slot *s;
	struct rig_queue b;
	uint8_t ma[6], mb[6];
	uint64_t end;

	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	rig_pf_up(r, 2);
	b = rig_queue_up(r, 1, 1, 64, 60);
	assert_int_equal(snic_quiesce(r->nic), 0); /* both queues are known from here on */
	rig_mac(0, ma);
	rig_mac(1, mb);
	end = clock_us() + DEADLINE_US;
	while (snic_dp_rung(r->nic) != SNIC_SLEEP && clock_us() < end)
		clock_sleep_us(1000);
	assert_int_equal(snic_dp_rung(r->nic), SNIC_SLEEP);
	s = snic_wire_room(&r->wire->in);
	s->len = rig_frame(s->frame, mb, ma, -1, 60);
	snic_wire_put(&r->wire->in);
	snic_dp_kick(r->nic);
	assert_int_equal(await_frame(r, &b), 60);
}

static void polls_that_move_something_are_busy_and_no_others(void **state)
{
	struct rig *r = *state;
	struct snic_counters before, idle, after;
	struct rig_queue a, b;
	uint8_t f[60], ma[6], mb[6];
	uint64_t end;

	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	rig_pf_up(r, 2);
	a = rig_queue_up(r, 0, 0, 64, 0);
	b = rig_queue_up(r, 1, 1, 64, 60);
	assert_int_equal(snic_quiesce(r->nic), 0);
	end = clock_us() + DEADLINE_US;
	while (snic_dp_rung(r->nic) != SNIC_SLEEP && clock_us() < end)
		clock_sleep_us(1000);
	snic_counters(r->nic, &before);
	clock_sleep_us(5000);
	snic_counters(r->nic, &idle);
	assert_true(idle.busy_tsc == before.busy_tsc);
	rig_mac(0, ma);
	rig_mac(1, mb);
	rig_frame(f, mb, ma, -1, 60);
	rig_tx(&a, f, 60);
	assert_int_equal(await_frame(r, &b), 60);
	snic_dp_stop(r->nic);
	snic_counters(r->nic, &after);
	assert_true(after.busy_tsc > before.busy_tsc);
}

static void vfs_come_and_go_while_the_thread_runs(void **state)
{
	struct rig *r = *state;

	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	for (unsigned int i = 0; i < 20; i++) {
		rig_pf_up(r, 1 + i % 8);
		rig_queue_up(r, 0, 0, 64, 60);
		rig_write(r, 0, nicvf_VTCTRL(0), VTCTRL_RST);
		rig_vfs_disable(r);
		assert_int_equal(r->n_vfs, 0);
	}
}

/* A stream from VF 0 to VF 1, closed loop; whatever happens elsewhere, each frame arrives. */
struct stream {
	struct rig_queue a, b;
	uint8_t frame[64];
	uint64_t sent, received;
};

static void stream_up(struct rig *r, struct stream *w)
{
	uint8_t src[6], dst[6];

	w->a = rig_queue_up(r, 0, 0, 256, 0);
	w->b = rig_queue_up(r, 1, 1, 256, 255);
	w->sent = w->received = 0;
	assert_int_equal(snic_quiesce(r->nic), 0);
	rig_mac(0, src);
	rig_mac(1, dst);
	rig_frame(w->frame, dst, src, -1, sizeof(w->frame));
}

static void stream_step(struct stream *w, bool send)
{
	const uint8_t *buf;
	uint64_t number;

	while (send && w->sent - w->received < 128) {
		memcpy(w->frame + 20, &w->sent, sizeof(w->sent));
		rig_tx(&w->a, w->frame, sizeof(w->frame));
		w->sent++;
	}
	while (rig_rx(&w->b, &buf, NULL)) {
		memcpy(&number, buf + 20, sizeof(number));
		assert_int_equal(number, w->received); /* none lost, in order */
		w->received++;
		rig_post(&w->b, rig_iova(RIG_RX_BUF + w->b.rx_tail * RIG_STRIDE));
	}
}

static void stream_end(struct stream *w)
{
	uint64_t end = clock_us() + DEADLINE_US;

	while (w->received < w->sent && clock_us() < end)
		stream_step(w, false);
	assert_int_equal(w->received, w->sent);
}

/* VF 2 and VF 3 send each other what they can; VF 3 is reset, unmapped and lost meanwhile. */
static void resets_and_losses_of_a_vf_cost_others_no_frame(void **state)
{
	struct rig *r = *state;
	struct rig_queue c, d;
	struct stream w;
	uint8_t mc[6], md[6], f[60];

	rig_pf_up(r, 4);
	assert_int_equal(snic_dp_start(r->nic, -1), 0);
	stream_up(r, &w);
	rig_mac(2, mc);
	rig_mac(3, md);
	rig_frame(f, md, mc, -1, sizeof(f));
	for (unsigned int i = 0; i < 60; i++) {
		rig_master(r, 3, true);
		rig_map(r, 3);
		rig_write(r, SNIC_PF, nic_VFRE(0), 0xff);
		rig_write(r, SNIC_PF, nic_VFTE(0), 0xff);
		c = rig_queue_up(r, 2, 2, 128, 0);
		d = rig_queue_up(r, 3, 3, 128, 127);
		for (unsigned int k = 0; k < 40; k++) {
			rig_tx(&c, f, sizeof(f));
			stream_step(&w, true);
		}
		if (i % 3 == 0)
			rig_write(r, 3, nicvf_VTCTRL(0), VTCTRL_RST);
		else if (i % 3 == 1)
			snic_fn_gone(r->nic, 3);
		else
			assert_int_equal(snic_dma_set(r->nic, 3, NULL, 0), 0);
		mmio_write32(c.tx + 0x28, 0);
		snic_service(r->nic);
		stream_step(&w, true);
	}
	stream_end(&w);
	assert_true(w.sent > 1000);
	(void)d;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TWO(f)                                                  \
	{                                                       \
		"two_threads_" #f, f, setup_two, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frames_flow_through_the_thread_and_tables_change_under_them),
		CASE(memory_taken_away_is_not_touched_by_the_thread),
		CASE(thread_goes_to_sleep_and_a_frame_from_the_wire_wakes_it),
		CASE(polls_that_move_something_are_busy_and_no_others),
		CASE(vfs_come_and_go_while_the_thread_runs),
		CASE(resets_and_losses_of_a_vf_cost_others_no_frame),
		TWO(frames_flow_through_the_thread_and_tables_change_under_them),
		TWO(memory_taken_away_is_not_touched_by_the_thread),
		TWO(thread_goes_to_sleep_and_a_frame_from_the_wire_wakes_it),
		TWO(vfs_come_and_go_while_the_thread_runs),
		TWO(resets_and_losses_of_a_vf_cost_others_no_frame),
	};

	return cmocka_run_group_tests_name("soft_nic_thread", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio-net on a tap, in the hands of a driver in memory; packet sockets stand for the taps, which
 * takes no privilege and lets the test see every frame with its header.
 */
#include <support/test.h>
#include <support/virtio_rig.h>
#include <support/virtq_driver.h>

#include <dev.h>
#include <lib/clock.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <sys/socket.h>

#define SIZE	64u
#define STATUS	(RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS)
#define NOTIFY	(RIG_BAR0 + 0x3000)
#define BUF_AT	UINT64_C(0x100000)
#define BUF_LEN 2048u
#define TX_AT	UINT64_C(0x200000)
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define HDR	12u
#define WAIT_US UINT64_C(5000000)
#define MRG	(1u << VIRTIO_NET_F_MRG_RXBUF)
#define MQ	(1u << VIRTIO_NET_F_MQ)
#define CTRL	(1u << VIRTIO_NET_F_CTRL_VQ)
#define EVENT	(1u << VIRTIO_RING_F_EVENT_IDX)

struct tap_rig {
	struct virtio_rig r;
	int wire[4]; /* the other ends */
	struct vdrv rx, tx;
};

static int open_with(void **state, unsigned int pairs)
{
	static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	struct tap_rig *t = calloc(1, sizeof(*t));
	struct timeval patience = {.tv_sec = 5};
	struct pci_dev *dev;
	int fds[4], pair[2];

	assert_non_null(t);
	assert_int_equal(virtio_rig_vm(&t->r), 0);
	for (unsigned int i = 0; i < pairs; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(
			setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			0);
		t->wire[i] = pair[0];
		fds[i] = pair[1];
	}
	assert_int_equal(vmm_dev_virtio_net_tap_new(&t->r.vm, "net0", fds, pairs, mac, &dev), 0);
	virtio_rig_plug(&t->r, dev);
	*state = t;
	return 0;
}

static int setup(void **state)
{
	return open_with(state, 1);
}

static int setup_four(void **state)
{
	return open_with(state, 4);
}

static int teardown(void **state)
{
	struct tap_rig *t = *state;

	virtio_rig_close(&t->r);
	for (unsigned int i = 0; i < 4; i++)
		if (t->wire[i] > 0)
			fd_close(t->wire[i]);
	free(t);
	return 0;
}

static uint8_t *ram(struct tap_rig *t, uint64_t gpa)
{
	return (uint8_t *)t->r.vm.ram->va + gpa;
}

static void start(struct tap_rig *t, uint32_t features)
{
	t->rx = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(0), SIZE);
	t->tx = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(1), SIZE);
	virtio_rig_start_with(&t->r, 2, SIZE, features);
	assert_int_equal(virtio_rig_read(&t->r, STATUS, 1), 15);
}

static void kick(struct tap_rig *t, unsigned int queue)
{
	virtio_rig_write(&t->r, NOTIFY + 4 * queue, queue, 2);
}

static void post_rx(struct tap_rig *t, uint16_t i, uint32_t len)
{
	vdrv_desc(&t->rx, i, BUF_AT + (uint64_t)i * BUF_LEN, len, WRITE, 0);
	vdrv_post(&t->rx, i);
}

static void send_wire(int fd, uint8_t fill, size_t len)
{
	static uint8_t frame[70000];

	memset(frame, fill, HDR + len);
	memset(frame, 0, HDR);
	assert_int_equal(send(fd, frame, HDR + len, 0), HDR + len);
}

static bool take(struct vdrv *d, uint32_t *ret_id, uint32_t *ret_len)
{
	uint64_t until = clock_us() + WAIT_US;

	while (!vdrv_take(d, ret_id, ret_len)) {
		if (clock_us() > until)
			return false;
		clock_sleep_us(50);
	}
	return true;
}

static void expect_needs_reset(struct tap_rig *t)
{
	uint64_t until = clock_us() + WAIT_US;

	while (!(virtio_rig_read(&t->r, STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		assert_true(clock_us() < until);
		clock_sleep_us(100);
	}
}

static void reset(struct tap_rig *t)
{
	uint64_t until = clock_us() + WAIT_US;

	virtio_rig_write(&t->r, STATUS, 0, 1);
	while (virtio_rig_read(&t->r, STATUS, 1) != 0)
		assert_true(clock_us() < until);
}

/* One frame from the guest in one buffer, received at the other end of @wire. */
static void send_and_receive(struct tap_rig *t, unsigned int queue, struct vdrv *tx, int wire,
			     uint8_t fill)
{
	uint8_t got[2048];
	uint32_t id, len;

	memset(ram(t, TX_AT), 0, HDR);
	memset(ram(t, TX_AT + HDR), fill, 100);
	vdrv_desc(tx, 0, TX_AT, HDR + 100, 0, 0);
	vdrv_post(tx, 0);
	kick(t, queue);
	assert_int_equal(recv(wire, got, sizeof(got), 0), HDR + 100);
	assert_int_equal(got[HDR], fill);
	assert_true(take(tx, &id, &len));
	assert_int_equal(len, 0);
}

static void frames_of_the_guest_reach_the_wire_with_their_headers(void **state)
{
	struct tap_rig *t = *state;
	struct virtio_net_hdr_v1 h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				      .gso_size = 1448,
				      .csum_start = 34,
				      .csum_offset = 16};
	uint8_t got[2048];
	uint32_t id, len;

	start(t, 0);
	send_and_receive(t, 1, &t->tx, t->wire[0], 0x5a);
	/* header and data apart, and the data in two pieces */
	memcpy(ram(t, TX_AT), &h, sizeof(h));
	memset(ram(t, TX_AT + 0x1000), 1, 200);
	vdrv_desc(&t->tx, 1, TX_AT, HDR, NEXT, 2);
	vdrv_desc(&t->tx, 2, TX_AT + 0x1000, 60, NEXT, 3);
	vdrv_desc(&t->tx, 3, TX_AT + 0x1000 + 60, 140, 0, 0);
	vdrv_post(&t->tx, 1);
	kick(t, 1);
	assert_int_equal(recv(t->wire[0], got, sizeof(got), 0), HDR + 200);
	assert_memory_equal(got, &h, 10);
	assert_true(take(&t->tx, &id, &len));
	assert_int_equal(id, 1);
}

static void frames_of_the_wire_reach_the_guest_one_buffer_each(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, 0);
	for (uint16_t i = 0; i < 8; i++)
		post_rx(t, i, BUF_LEN);
	kick(t, 0);
	for (unsigned int i = 0; i < 8; i++)
		send_wire(t->wire[0], (uint8_t)(i + 1), 100 + i);
	for (uint16_t i = 0; i < 8; i++) {
		const uint8_t *b = ram(t, BUF_AT + (uint64_t)i * BUF_LEN);

		assert_true(take(&t->rx, &id, &len));
		assert_int_equal(id, i);
		assert_int_equal(len, HDR + 100 + i);
		assert_int_equal(b[HDR - 2], 1); /* one buffer */
		assert_int_equal(b[HDR], i + 1);
	}
}

static void a_segment_of_64_kib_is_spread_over_merged_buffers(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len, total = 0, n = 0;

	start(t, MRG);
	for (uint16_t i = 0; i < 40; i++)
		post_rx(t, i, BUF_LEN);
	kick(t, 0);
	send_wire(t->wire[0], 0x77, 65000);
	while (total < HDR + 65000) {
		assert_true(take(&t->rx, &id, &len));
		assert_int_equal(id, n);
		total += len;
		n++;
	}
	assert_int_equal(total, HDR + 65000);
	assert_int_equal(n, (HDR + 65000 + BUF_LEN - 1) / BUF_LEN);
	assert_int_equal(ram(t, BUF_AT)[HDR - 2], n);
	assert_int_equal(ram(t, BUF_AT + 31 * BUF_LEN)[100], 0x77);
}

static void a_frame_waits_for_buffers_and_none_is_lost(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, MRG | EVENT);
	post_rx(t, 0, BUF_LEN);
	kick(t, 0);
	send_wire(t->wire[0], 1, 3000); /* needs two */
	send_wire(t->wire[0], 2, 100);
	clock_sleep_us(20000);
	assert_false(vdrv_take(&t->rx, &id, &len));
	post_rx(t, 1, BUF_LEN);
	post_rx(t, 2, BUF_LEN);
	kick(t, 0);
	for (uint16_t i = 0; i < 3; i++) {
		assert_true(take(&t->rx, &id, &len));
		assert_int_equal(id, i);
	}
	assert_int_equal(len, HDR + 100);
	assert_int_equal(ram(t, BUF_AT)[HDR - 2], 2);
}

static void without_merging_a_frame_too_long_for_its_buffer_is_dropped(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, 0);
	post_rx(t, 0, BUF_LEN);
	kick(t, 0);
	send_wire(t->wire[0], 1, 3000);
	send_wire(t->wire[0], 2, 100);
	assert_true(take(&t->rx, &id, &len));
	assert_int_equal(id, 0);
	assert_int_equal(len, HDR + 100);
	assert_int_equal(ram(t, BUF_AT)[HDR], 2);
}

static void frames_that_are_none_are_dropped_and_their_buffers_come_back(void **state)
{
	static const uint32_t lens[] = {1, HDR, HDR + 13};
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, 0);
	for (uint16_t i = 0; i < ARRAY_SIZE(lens); i++) {
		vdrv_desc(&t->tx, i, TX_AT, lens[i], 0, 0);
		vdrv_post(&t->tx, i);
		kick(t, 1);
		assert_true(take(&t->tx, &id, &len));
		assert_int_equal(id, i);
	}
	send_and_receive(t, 1, &t->tx, t->wire[0], 9);
}

static void a_wire_that_is_not_read_drops_frames_and_does_not_block_the_guest(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, 0);
	memset(ram(t, TX_AT), 0, HDR);
	for (unsigned int i = 0; i < 5000; i++) {
		vdrv_desc(&t->tx, 0, TX_AT, HDR + 1500, 0, 0);
		vdrv_post(&t->tx, 0);
		kick(t, 1);
		assert_true(take(&t->tx, &id, &len));
	}
}

static void a_receive_buffer_without_room_needs_a_reset_and_works_after_it(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	start(t, MRG);
	post_rx(t, 0, 4); /* not even the header */
	kick(t, 0);
	send_wire(t->wire[0], 1, 100);
	expect_needs_reset(t);
	reset(t);
	start(t, MRG);
	post_rx(t, 0, BUF_LEN);
	kick(t, 0);
	send_wire(t->wire[0], 2, 100);
	assert_true(take(&t->rx, &id, &len));
}

static void a_readable_receive_buffer_needs_a_reset(void **state)
{
	struct tap_rig *t = *state;

	start(t, 0);
	vdrv_desc(&t->rx, 0, BUF_AT, BUF_LEN, 0, 0);
	vdrv_post(&t->rx, 0);
	kick(t, 0);
	send_wire(t->wire[0], 1, 100);
	expect_needs_reset(t);
}

static void resets_under_traffic_leave_nothing_behind(void **state)
{
	struct tap_rig *t = *state;
	uint32_t id, len;

	for (unsigned int round = 0; round < 100; round++) {
		start(t, MRG);
		for (uint16_t i = 0; i < 16; i++)
			post_rx(t, i, BUF_LEN);
		kick(t, 0);
		for (unsigned int i = 0; i < 4; i++)
			send_wire(t->wire[0], 1, 1000);
		reset(t);
		memset(ram(t, BUF_AT), 0xee, BUF_LEN * 16);
		clock_sleep_us(100);
		for (unsigned int i = 0; i < BUF_LEN * 16; i += 512)
			assert_int_equal(ram(t, BUF_AT)[i], 0xee);
	}
	start(t, MRG);
	post_rx(t, 0, BUF_LEN);
	kick(t, 0);
	send_wire(t->wire[0], 2, 100);
	assert_true(take(&t->rx, &id, &len));
	assert_int_equal(ram(t, BUF_AT)[HDR], 2); /* none of the old ones */
}

/* One command on the control queue (8), with the main thread's loop. */
static uint8_t command(struct tap_rig *t, struct vdrv *ctrl, uint8_t class, uint8_t cmd,
		       uint16_t pairs)
{
	uint8_t out[4] = {class, cmd, (uint8_t)pairs, (uint8_t)(pairs >> 8)};
	uint32_t id = 99, len;

	memcpy(ram(t, TX_AT + 0x8000), out, sizeof(out));
	*ram(t, TX_AT + 0x8010) = 0xee;
	vdrv_desc(ctrl, 0, TX_AT + 0x8000, 4, NEXT, 1);
	vdrv_desc(ctrl, 1, TX_AT + 0x8010, 1, WRITE, 0);
	vdrv_post(ctrl, 0);
	kick(t, 8);
	for (unsigned int i = 0; i < 10 && id == 99; i++) {
		sd_event_run(t->r.event, 100000);
		(void)vdrv_take(ctrl, &id, &len);
	}
	assert_int_equal(id, 0);
	return *ram(t, TX_AT + 0x8010);
}

static void four_pairs_serve_once_the_driver_says_so(void **state)
{
	struct tap_rig *t = *state;
	struct vdrv tx[4], rx[4], ctrl;
	uint32_t id, len;

	assert_int_equal(virtio_rig_read(&t->r, RIG_BAR0 + VIRTIO_PCI_COMMON_NUMQ, 2), 9);
	assert_int_equal(virtio_rig_read(&t->r, RIG_BAR0 + 0x2008, 2), 4);
	for (unsigned int i = 0; i < 4; i++) {
		rx[i] = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(2 * i), SIZE);
		tx[i] = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(2 * i + 1), SIZE);
	}
	ctrl = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(8), SIZE);
	virtio_rig_start_with(&t->r, 9, SIZE, MQ | CTRL);
	assert_int_equal(virtio_rig_read(&t->r, STATUS, 1), 15);
	assert_int_equal(command(t, &ctrl, 4, 0, 4), VIRTIO_NET_OK);
	for (unsigned int i = 0; i < 4; i++) {
		send_and_receive(t, 2 * i + 1, &tx[i], t->wire[i], (uint8_t)(i + 1));
		vdrv_desc(&rx[i], 0, BUF_AT + i * BUF_LEN, BUF_LEN, WRITE, 0);
		vdrv_post(&rx[i], 0);
		kick(t, 2 * i);
		send_wire(t->wire[i], (uint8_t)(i + 1), 64);
		assert_true(take(&rx[i], &id, &len));
		assert_int_equal(len, HDR + 64);
	}
	/* what the device does not have is refused, and changes nothing */
	assert_int_equal(command(t, &ctrl, 4, 0, 5), VIRTIO_NET_ERR);
	assert_int_equal(command(t, &ctrl, 4, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(command(t, &ctrl, 0, 0, 1), VIRTIO_NET_ERR);
	send_and_receive(t, 7, &tx[3], t->wire[3], 8);
}

static void several_pairs_without_their_control_queue_are_refused(void **state)
{
	struct tap_rig *t = *state;

	virtio_rig_start_with(&t->r, 2, SIZE, MQ);
	assert_int_equal(virtio_rig_read(&t->r, STATUS, 1), 3);
	virtio_rig_write(&t->r, STATUS, 0, 1);
	virtio_rig_start_with(&t->r, 2, SIZE, CTRL);
	assert_int_equal(virtio_rig_read(&t->r, STATUS, 1), 3);
}

static void a_broken_control_queue_needs_a_reset(void **state)
{
	struct tap_rig *t = *state;
	struct vdrv ctrl = vdrv_at(t->r.vm.ram->va, RIG_QUEUE(8), SIZE);

	virtio_rig_start_with(&t->r, 9, SIZE, MQ | CTRL);
	vdrv_post(&ctrl, SIZE);
	kick(t, 8);
	sd_event_run(t->r.event, 1000000);
	sd_event_run(t->r.event, 1000000);
	assert_true(virtio_rig_read(&t->r, STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void descriptors_that_are_no_taps_are_refused(void **state)
{
	static const uint8_t mac[6] = {2};
	struct tap_rig *t = *state;
	struct pci_dev *dev = NULL;
	int fds[2], pair[2];

	assert_int_equal(pipe(pair), 0);
	fds[0] = pair[0];
	assert_int_equal(vmm_dev_virtio_net_tap_new(&t->r.vm, "x", fds, 1, mac, &dev), -EINVAL);
	close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(vmm_dev_virtio_net_tap_new(&t->r.vm, "x", fds, 2, mac, &dev), -EINVAL);
	assert_int_equal(vmm_dev_virtio_net_tap_new(&t->r.vm, "x", fds, 0, mac, &dev), -EINVAL);
	assert_null(dev);
}

#define CASE(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CASE_OF(f, set) cmocka_unit_test_setup_teardown(f, set, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(frames_of_the_guest_reach_the_wire_with_their_headers),
		CASE(frames_of_the_wire_reach_the_guest_one_buffer_each),
		CASE(a_segment_of_64_kib_is_spread_over_merged_buffers),
		CASE(a_frame_waits_for_buffers_and_none_is_lost),
		CASE(without_merging_a_frame_too_long_for_its_buffer_is_dropped),
		CASE(frames_that_are_none_are_dropped_and_their_buffers_come_back),
		CASE(a_wire_that_is_not_read_drops_frames_and_does_not_block_the_guest),
		CASE(a_receive_buffer_without_room_needs_a_reset_and_works_after_it),
		CASE(a_readable_receive_buffer_needs_a_reset),
		CASE(resets_under_traffic_leave_nothing_behind),
		CASE_OF(four_pairs_serve_once_the_driver_says_so, setup_four),
		CASE_OF(several_pairs_without_their_control_queue_are_refused, setup_four),
		CASE_OF(a_broken_control_queue_needs_a_reset, setup_four),
		CASE(descriptors_that_are_no_taps_are_refused),
	};

	return cmocka_run_group_tests_name("net_tap", cases, NULL, NULL);
}

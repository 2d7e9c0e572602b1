/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two queue pairs of the VMM's virtio-net on a vhost-user back end of somebody else, which sends
 * each frame back by the pair it came by: vhost_queues SOCKET
 */
#include <support/test.h>
#include <support/virtio_rig.h>
#include <support/virtq_driver.h>

#include <dev.h>
#include <lib/clock.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PAIRS	2u
#define CTRL	(2 * PAIRS)
#define SIZE	256
#define POSTED	64u
#define HDR	12u
#define FRAME	100u
#define BUF	512u
#define FIRST	0xff /* fills the first frame after a start */
#define NOTIFY	(RIG_BAR0 + 0x3000)
#define CMD_AT	UINT64_C(0x180000)
#define TX_AT	UINT64_C(0x190000)
#define RX_AT	UINT64_C(0x200000)
#define WAIT_US (60 * USEC_PER_SEC)

struct queues {
	struct virtio_rig rig;
	struct vdrv rx[PAIRS], tx[PAIRS], ctrl;
};

static const char *path;

static uint8_t *ram(struct queues *q, uint64_t gpa)
{
	return (uint8_t *)q->rig.vm.ram->va + gpa;
}

static uint64_t rx_buf(unsigned int pair, uint32_t i)
{
	return RX_AT + (pair * POSTED + i) * BUF;
}

static void kick(struct queues *q, unsigned int queue)
{
	virtio_rig_write(&q->rig, NOTIFY + 4 * queue, queue, 2);
}

static void pairs_set(struct queues *q, uint8_t pairs)
{
	const uint8_t out[4] = {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs, 0};
	uint64_t until = clock_us() + WAIT_US;
	uint32_t id, len;

	memcpy(ram(q, CMD_AT), out, sizeof(out));
	vdrv_desc(&q->ctrl, 0, CMD_AT, 4, VRING_DESC_F_NEXT, 1);
	vdrv_desc(&q->ctrl, 1, CMD_AT + 16, 1, VRING_DESC_F_WRITE, 0);
	vdrv_post(&q->ctrl, 0);
	kick(q, CTRL);
	while (!vdrv_take(&q->ctrl, &id, &len)) {
		assert_true(clock_us() < until);
		(void)sd_event_run(q->rig.event, 10000);
	}
	assert_int_equal(*ram(q, CMD_AT + 16), VIRTIO_NET_OK);
}

static void frame_send(struct queues *q, unsigned int pair, uint8_t fill)
{
	uint64_t until = clock_us() + WAIT_US, at = TX_AT + pair * BUF;
	uint32_t id, len;

	memset(ram(q, at), 0, HDR);
	memset(ram(q, at + HDR), fill, FRAME);
	vdrv_desc(&q->tx[pair], 0, at, HDR + FRAME, 0, 0);
	vdrv_post(&q->tx[pair], 0);
	kick(q, 2 * pair + 1);
	while (!vdrv_take(&q->tx[pair], &id, &len)) {
		assert_true(clock_us() < until);
		clock_sleep_us(1000);
	}
}

/* Return: what the next frame of a pair is filled with; -EAGAIN none is there. */
static int frame_take(struct queues *q, unsigned int pair)
{
	uint32_t id, len;
	uint8_t fill;

	if (!vdrv_take(&q->rx[pair], &id, &len))
		return -EAGAIN;
	assert_true(id < POSTED);
	assert_int_equal(len, HDR + FRAME);
	fill = *ram(q, rx_buf(pair, id) + HDR);
	for (unsigned int i = 0; i < FRAME; i++)
		assert_int_equal(ram(q, rx_buf(pair, id) + HDR)[i], fill);
	vdrv_post(&q->rx[pair], (uint16_t)id);
	return fill;
}

/* One frame out by a pair, and in again by the same. */
static void round_trip(struct queues *q, unsigned int pair, uint8_t fill)
{
	uint64_t until = clock_us() + WAIT_US;
	unsigned int came = PAIRS;

	frame_send(q, pair, fill);
	while (came == PAIRS) {
		for (unsigned int p = 0; p < PAIRS; p++) {
			int r = frame_take(q, p);

			if (r < 0 || r == FIRST)
				continue;
			assert_int_equal(r, fill);
			came = p;
		}
		assert_true(clock_us() < until);
	}
	assert_int_equal(came, pair);
}

/* The back end may take a frame before it is ready to send it back: what is lost then is sent anew.
 */
static void first_frame(struct queues *q)
{
	uint64_t until = clock_us() + WAIT_US, again = 0;

	while (frame_take(q, 0) != FIRST) {
		assert_true(clock_us() < until);
		if (clock_us() >= again) {
			frame_send(q, 0, FIRST);
			again = clock_us() + USEC_PER_SEC;
		}
		clock_sleep_us(1000);
	}
}

static void queues_start(struct queues *q)
{
	for (unsigned int p = 0; p < PAIRS; p++) {
		q->rx[p] = vdrv_at(ram(q, 0), RIG_QUEUE(2 * p), SIZE);
		q->tx[p] = vdrv_at(ram(q, 0), RIG_QUEUE(2 * p + 1), SIZE);
		for (uint16_t i = 0; i < POSTED; i++) {
			vdrv_desc(&q->rx[p], i, rx_buf(p, i), BUF, VRING_DESC_F_WRITE, 0);
			vdrv_post(&q->rx[p], i);
		}
	}
	q->ctrl = vdrv_at(ram(q, 0), RIG_QUEUE(CTRL), SIZE);
	virtio_rig_start_with(&q->rig, CTRL + 1, SIZE,
			      1u << VIRTIO_NET_F_MQ | 1u << VIRTIO_NET_F_CTRL_VQ);
	assert_int_equal(virtio_rig_read(&q->rig, RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS, 1), 15);
	first_frame(q);
}

static int setup(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct queues *q = calloc(1, sizeof(*q));
	struct pci_dev *dev;
	int fd;

	assert_non_null(q);
	assert_int_equal(virtio_rig_vm(&q->rig), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(sa.sun_path));
	memcpy(sa.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(vmm_dev_virtio_net_new(&q->rig.vm, "net0", fd, PAIRS, mac, &dev), 0);
	virtio_rig_plug(&q->rig, dev);
	queues_start(q);
	*state = q;
	return 0;
}

static int teardown(void **state)
{
	struct queues *q = *state;

	virtio_rig_close(&q->rig);
	free(q);
	return 0;
}

static void frames_come_back_by_the_pair_they_left_by(void **state)
{
	struct queues *q = *state;

	round_trip(q, 0, 1);
	pairs_set(q, 2);
	for (uint8_t i = 0; i < 100; i++)
		round_trip(q, i % 2, i);
}

static void a_pair_is_left_and_taken_again(void **state)
{
	struct queues *q = *state;

	for (uint8_t i = 0; i < 5; i++) {
		pairs_set(q, 2);
		round_trip(q, 1, i);
		pairs_set(q, 1);
		round_trip(q, 0, i);
	}
}

static void a_driver_that_starts_anew_has_all_pairs_again(void **state)
{
	struct queues *q = *state;

	for (uint8_t i = 0; i < 5; i++) {
		pairs_set(q, 2);
		round_trip(q, 0, i);
		round_trip(q, 1, i);
		virtio_rig_write(&q->rig, RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS, 0, 1);
		queues_start(q);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest cases[] = {
		CASE(frames_come_back_by_the_pair_they_left_by),
		CASE(a_pair_is_left_and_taken_again),
		CASE(a_driver_that_starts_anew_has_all_pairs_again),
	};

	if (argc != 2)
		return 2;
	path = argv[1];
	return cmocka_run_group_tests_name("vhost_queues", cases, NULL, NULL);
}

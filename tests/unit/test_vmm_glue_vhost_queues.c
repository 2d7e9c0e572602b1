/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio-net with several queue pairs on a vhost-user back end that tells what it was told. */
#include <support/test.h>
#include <support/virtio_rig.h>
#include <support/virtq_driver.h>

#include <dev.h>
#include <linux/pci_regs.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <sys/socket.h>

#define PAIRS	4u
#define SIZE	64
#define STATUS	(RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS)
#define NOTIFY	(RIG_BAR0 + 0x3000)
#define CTRL	(2 * PAIRS)
#define CMD_AT	UINT64_C(0x200000)
#define F_MQ	(1u << VIRTIO_NET_F_MQ)
#define F_CTRL	(1u << VIRTIO_NET_F_CTRL_VQ)
#define PROTO	(1u << 3 | 1u) /* acknowledgements, several pairs */
#define WAIT_US 5000000

static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static int backend_start(struct virtio_rig *rig, uint64_t protocol, uint64_t pairs)
{
	memset(&rig->backend, 0, sizeof(rig->backend));
	rig->backend.features = VHOST_BACKEND_FEATURES | F_MQ;
	rig->backend.protocol = protocol;
	rig->backend.pairs = pairs;
	rig->backend.stop_base = 77;
	return vhost_backend_start(&rig->backend);
}

static int setup(void **state)
{
	struct virtio_rig *rig = calloc(1, sizeof(*rig));
	struct pci_dev *dev;
	int fd;

	assert_non_null(rig);
	assert_int_equal(virtio_rig_vm(rig), 0);
	fd = backend_start(rig, PROTO, PAIRS);
	assert_true(fd >= 0);
	rig->has_backend = true;
	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "net0", fd, PAIRS, mac, &dev), 0);
	virtio_rig_plug(rig, dev);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	virtio_rig_close(*state);
	free(*state);
	return 0;
}

static void enabled_are(struct virtio_rig *rig, unsigned int pairs)
{
	for (unsigned int i = 0; i < 2 * PAIRS; i++)
		assert_int_equal(rig->backend.ring[i].enabled, i < 2 * pairs);
}

/* The driver says how many pairs it uses; the main thread hears it. */
static uint8_t pairs_set(struct virtio_rig *rig, struct vdrv *ctrl, uint16_t pairs)
{
	uint8_t *ram = rig->vm.ram->va;
	uint8_t out[4] = {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, (uint8_t)pairs,
			  (uint8_t)(pairs >> 8)};
	uint32_t id = 99, len;

	memcpy(ram + CMD_AT, out, sizeof(out));
	ram[CMD_AT + 16] = 0xee;
	vdrv_desc(ctrl, 0, CMD_AT, 4, VRING_DESC_F_NEXT, 1);
	vdrv_desc(ctrl, 1, CMD_AT + 16, 1, VRING_DESC_F_WRITE, 0);
	vdrv_post(ctrl, 0);
	virtio_rig_write(rig, NOTIFY + 4 * CTRL, CTRL, 2);
	for (unsigned int i = 0; i < 10 && id == 99; i++) {
		sd_event_run(rig->event, WAIT_US / 10);
		(void)vdrv_take(ctrl, &id, &len);
	}
	assert_int_equal(id, 0);
	return ram[CMD_AT + 16];
}

static struct vdrv start(struct virtio_rig *rig)
{
	struct vdrv ctrl = vdrv_at(rig->vm.ram->va, RIG_QUEUE(CTRL), SIZE);

	virtio_rig_start_with(rig, CTRL + 1, SIZE, F_MQ | F_CTRL);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	return ctrl;
}

static void a_driver_of_one_pair_finds_what_it_always_found(void **state)
{
	struct virtio_rig *rig = *state;

	assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + 0x2008, 2), PAIRS);
	virtio_rig_start_with(rig, 2, SIZE, 0);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(rig->backend.acked & F_MQ, 0);
	assert_int_equal(rig->backend.acked_protocol, PROTO);
	enabled_are(rig, 1);
	assert_int_equal(rig->backend.ring[2].kick_fd, -1);
	assert_int_equal(rig->backend.bad, 0);
}

static void pairs_are_enabled_as_the_driver_uses_them(void **state)
{
	struct virtio_rig *rig = *state;
	struct vdrv ctrl = start(rig);

	assert_int_equal(rig->backend.acked & F_MQ, F_MQ);
	assert_int_equal(rig->backend.acked & F_CTRL, 0); /* that queue is ours */
	for (unsigned int i = 0; i < CTRL; i++) {
		assert_int_equal(rig->backend.ring[i].size, SIZE);
		assert_int_equal(rig->backend.ring[i].desc,
				 (uintptr_t)rig->vm.ram->va + RIG_QUEUE(i));
		assert_true(rig->backend.ring[i].kick_fd >= 0);
	}
	enabled_are(rig, 1);
	assert_int_equal(pairs_set(rig, &ctrl, 4), VIRTIO_NET_OK);
	enabled_are(rig, 4);
	assert_int_equal(pairs_set(rig, &ctrl, 2), VIRTIO_NET_OK);
	enabled_are(rig, 2);
	assert_int_equal(pairs_set(rig, &ctrl, 5), VIRTIO_NET_ERR);
	enabled_are(rig, 2);
	assert_int_equal(rig->backend.bad, 0);
}

static void all_rings_come_back_from_where_they_stood(void **state)
{
	struct virtio_rig *rig = *state;
	struct vdrv ctrl = start(rig);

	assert_int_equal(pairs_set(rig, &ctrl, 3), VIRTIO_NET_OK);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	enabled_are(rig, 0);
	for (unsigned int i = 0; i < CTRL; i++)
		assert_int_equal(rig->backend.ring[i].kick_fd, -1);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	for (unsigned int i = 0; i < CTRL; i++)
		assert_int_equal(rig->backend.ring[i].base, 77);
}

static void a_successor_serves_as_many_pairs(void **state)
{
	struct virtio_rig *rig = *state;
	struct vdrv ctrl = start(rig);
	int fd;

	assert_int_equal(pairs_set(rig, &ctrl, 3), VIRTIO_NET_OK);
	vhost_backend_stop(&rig->backend);
	assert_true(sd_event_run(rig->event, WAIT_US) > 0);
	assert_true(atomic_load(&rig->dev->away));
	/* while nobody is there the driver changes its mind */
	assert_int_equal(pairs_set(rig, &ctrl, 2), VIRTIO_NET_OK);
	fd = backend_start(rig, PROTO, 2);
	assert_int_equal(rig->dev->ops->reconnect(rig->dev, fd), -EPROTO);
	vhost_backend_stop(&rig->backend);
	fd = backend_start(rig, PROTO, 128);
	assert_int_equal(rig->dev->ops->reconnect(rig->dev, fd), 0);
	enabled_are(rig, 2);
	assert_int_equal(rig->backend.ring[7].size, SIZE);
}

static void a_back_end_with_fewer_pairs_is_refused(void **state)
{
	struct virtio_rig *rig = *state;
	struct virtio_rig other = {.vm = rig->vm};
	struct pci_dev *dev;
	int fd;

	fd = backend_start(&other, PROTO, 3);
	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "x", fd, 4, mac, &dev), -EPROTO);
	vhost_backend_stop(&other.backend);
	fd = backend_start(&other, PROTO & ~1u, 4);
	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "x", fd, 2, mac, &dev), -EPROTO);
	vhost_backend_stop(&other.backend);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_driver_of_one_pair_finds_what_it_always_found),
		CASE(pairs_are_enabled_as_the_driver_uses_them),
		CASE(all_rings_come_back_from_where_they_stood),
		CASE(a_successor_serves_as_many_pairs),
		CASE(a_back_end_with_fewer_pairs_is_refused),
	};

	return cmocka_run_group_tests_name("vhost_queues", cases, NULL, NULL);
}

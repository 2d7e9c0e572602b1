/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>
#include <support/virtio_rig.h>

#include <dev.h>
#include <lib/clock.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <string.h>
#include <virtio_regs.h>

#define COMMON(f) (RIG_BAR0 + VIRTIO_PCI_COMMON_##f)
#define STATUS	  COMMON(STATUS)

static int setup_with(void **state, uint32_t fault_at, enum vhost_fault fault, uint64_t protocol)
{
	struct virtio_rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->backend.features = VHOST_BACKEND_FEATURES;
	rig->backend.protocol = protocol;
	rig->backend.fault_at = fault_at;
	rig->backend.fault = fault;
	rig->backend.stop_base = 77;
	assert_int_equal(virtio_rig_open(rig), 0);
	*state = rig;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 0, VHOST_FAULT_NONE, 0xff);
}

static int setup_no_ack(void **state)
{
	return setup_with(state, 0, VHOST_FAULT_NONE, 0);
}

static int setup_refuse(void **state)
{
	return setup_with(state, 5, VHOST_FAULT_REFUSE, 0xff);
}

static int setup_silent(void **state)
{
	return setup_with(state, 13, VHOST_FAULT_SILENT, 0xff);
}

static int setup_silent_stop(void **state)
{
	return setup_with(state, 11, VHOST_FAULT_SILENT, 0xff);
}

static int setup_hang_up(void **state)
{
	return setup_with(state, 18, VHOST_FAULT_HANG_UP, 0xff);
}

static int setup_huge_base(void **state)
{
	return setup_with(state, 11, VHOST_FAULT_HUGE_REPLY, 0xff);
}

static int teardown(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_close(rig);
	assert_int_equal(rig->kicks, 0);
	free(rig);
	return 0;
}

static uint8_t cfg8(struct virtio_rig *rig, uint32_t off)
{
	uint8_t v;

	pci_ecam_read(&rig->vm, (1u << 15) + off, &v, 1);
	return v;
}

static uint32_t cfg32(struct virtio_rig *rig, uint32_t off)
{
	uint32_t v;

	pci_ecam_read(&rig->vm, (1u << 15) + off, &v, 4);
	return v;
}

static void the_capability_list_names_every_structure_inside_the_bar(void **state)
{
	struct virtio_rig *rig = *state;
	unsigned int seen = 0, msix = 0;
	uint8_t at = cfg8(rig, PCI_CAPABILITY_LIST);

	assert_int_equal(cfg32(rig, PCI_VENDOR_ID), 0x10411af4);
	for (unsigned int n = 0; at != 0 && n < 16; n++, at = cfg8(rig, at + 1u)) {
		uint32_t off, len;

		if (cfg8(rig, at) == PCI_CAP_ID_MSIX) {
			msix++;
			continue;
		}
		assert_int_equal(cfg8(rig, at), PCI_CAP_ID_VNDR);
		seen |= 1u << cfg8(rig, at + 3u);
		if (cfg8(rig, at + 3u) == VIRTIO_PCI_CAP_PCI_CFG)
			continue;
		assert_int_equal(cfg8(rig, at + 4u), 0);
		off = cfg32(rig, at + 8u);
		len = cfg32(rig, at + 12u);
		assert_true(len > 0 && off < VIRTIO_BAR_SIZE && len <= VIRTIO_BAR_SIZE - off);
	}
	assert_int_equal(at, 0);
	assert_int_equal(msix, 1);
	assert_int_equal(seen, 0x3e);
}

static void every_width_at_every_offset_reads_the_same_bytes(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 256);
	for (uint64_t off = 0; off < VIRTIO_BAR_SIZE - 8; off++) {
		uint64_t bytes = 0;

		/* the window of interest of each page, and some of what follows */
		if (off % 0x1000 > 0x60 || off / 0x1000 == 1)
			continue;
		for (unsigned int i = 0; i < 8; i++)
			bytes |= virtio_rig_read(rig, RIG_BAR0 + off + i, 1) << (8 * i);
		assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + off, 2), bytes & 0xffff);
		assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + off, 4), bytes & 0xffffffff);
		assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + off, 8), bytes);
	}
}

static void writes_that_are_not_a_whole_field_change_nothing(void **state)
{
	struct virtio_rig *rig = *state;
	static const uint32_t widths[] = {1, 2, 4, 8};

	for (uint32_t off = 0; off < 64; off++)
		for (unsigned int w = 0; w < 4; w++) {
			uint64_t before[8], after[8];
			bool field;

			field = (off == 20 && widths[w] == 1) ||
				(widths[w] == 2 &&
				 (off == 16 || off == 22 || off == 24 || off == 26 || off == 28)) ||
				(widths[w] == 4 && (off == 0 || off == 8 || off == 12 ||
						    (off >= 32 && off < 56 && off % 4 == 0))) ||
				(widths[w] == 8 && (off == 32 || off == 40 || off == 48));
			if (field)
				continue;
			for (unsigned int i = 0; i < 8; i++)
				before[i] = virtio_rig_read(rig, RIG_BAR0 + 8 * i, 8);
			virtio_rig_write(rig, RIG_BAR0 + off, 0x0101010101010101, widths[w]);
			for (unsigned int i = 0; i < 8; i++)
				after[i] = virtio_rig_read(rig, RIG_BAR0 + 8 * i, 8);
			assert_memory_equal(before, after, sizeof(before));
		}
}

static void the_device_configuration_holds_mac_and_link(void **state)
{
	struct virtio_rig *rig = *state;

	assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_DEVICE, 8), 0x0001554433221102);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_BAR_DEVICE, 0, 4);
	assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_DEVICE, 8), 0x0001554433221102);
}

static void offloads_of_the_back_end_are_not_offered(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_write(rig, COMMON(DFSELECT), 0, 4);
	/* MAC, STATUS, MRG_RXBUF, EVENT_IDX, but not CSUM nor vhost-user's own bit */
	assert_int_equal(virtio_rig_read(rig, COMMON(DF), 4), 0x20018020);
	virtio_rig_write(rig, COMMON(DFSELECT), 1, 4);
	assert_int_equal(virtio_rig_read(rig, COMMON(DF), 4), 1);
	virtio_rig_write(rig, COMMON(DFSELECT), 2, 4);
	assert_int_equal(virtio_rig_read(rig, COMMON(DF), 4), 0);
}

static void features_that_were_not_offered_are_refused(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_write(rig, STATUS, 3, 1);
	virtio_rig_write(rig, COMMON(GFSELECT), 0, 4);
	virtio_rig_write(rig, COMMON(GF), 1, 4);
	virtio_rig_write(rig, COMMON(GFSELECT), 1, 4);
	virtio_rig_write(rig, COMMON(GF), 1, 4);
	virtio_rig_write(rig, STATUS, 11, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 3);
}

static void a_driver_without_version_1_is_refused(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_write(rig, STATUS, 11, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 3);
	/* and cannot go on as if it were not */
	virtio_rig_write(rig, STATUS, 15, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 3);
}

static void features_are_frozen_once_accepted(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	virtio_rig_write(rig, COMMON(GF), 0, 4);
	assert_int_equal(virtio_rig_read(rig, COMMON(GF), 4), 1);
}

static void the_driver_cannot_clear_single_status_bits_nor_set_needs_reset(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_write(rig, STATUS, 3 | VIRTIO_CONFIG_S_NEEDS_RESET, 1);
	virtio_rig_write(rig, STATUS, 1, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 3);
}

static void a_queue_that_does_not_exist_has_size_zero(void **state)
{
	struct virtio_rig *rig = *state;

	assert_int_equal(virtio_rig_read(rig, COMMON(NUMQ), 2), 2);
	virtio_rig_write(rig, COMMON(Q_SELECT), 2, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 0);
	virtio_rig_write(rig, COMMON(Q_SIZE), 64, 2);
	virtio_rig_write(rig, COMMON(Q_ENABLE), 1, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 0);
}

static void queue_sizes_are_powers_of_two_up_to_1024(void **state)
{
	struct virtio_rig *rig = *state;
	static const uint16_t bad[] = {0, 3, 100, 2048, 0x8000, 0xffff};

	assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 1024);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		virtio_rig_write(rig, COMMON(Q_SIZE), bad[i], 2);
		assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 1024);
	}
	virtio_rig_write(rig, COMMON(Q_SIZE), 8, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 8);
}

static void a_vector_that_does_not_exist_reads_back_as_none(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_write(rig, COMMON(MSIX), 3, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(MSIX), 2), 0xffff);
	virtio_rig_write(rig, COMMON(Q_MSIX), 2, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_MSIX), 2), 2);
	virtio_rig_write(rig, COMMON(Q_MSIX), 200, 2);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_MSIX), 2), 0xffff);
}

static void the_back_end_gets_ram_and_rings_as_the_driver_set_them(void **state)
{
	struct virtio_rig *rig = *state;
	struct vhost_backend *b = &rig->backend;
	uint64_t va = (uintptr_t)rig->vm.ram->va;

	virtio_rig_start(rig, 512);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(b->acked, UINT64_C(1) << 32 | UINT64_C(1) << 30);
	assert_int_equal(b->acked_protocol, 1u << 3);
	assert_int_equal(b->ram_gpa, 0);
	assert_int_equal(b->ram_size, RIG_RAM);
	assert_int_equal(b->ram_user, va);
	assert_true(b->ram_fd >= 0);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t at = va + (i + 1) * 0x10000u;

		assert_int_equal(b->ring[i].size, 512);
		assert_int_equal(b->ring[i].base, 0);
		assert_int_equal(b->ring[i].desc, at);
		assert_int_equal(b->ring[i].avail, at + 0x4000);
		assert_int_equal(b->ring[i].used, at + 0x8000);
		assert_true(b->ring[i].enabled);
		assert_true(b->ring[i].kick_fd >= 0);
		assert_int_equal(b->ring[i].call_fd, -1); /* MSI-X is off */
	}
	assert_int_equal(b->bad, 0);
}

static void a_back_end_without_acknowledgements_works_as_well(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 128);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(rig->backend.acked_protocol, 0);
	assert_true(rig->backend.ring[0].enabled && rig->backend.ring[1].enabled);
	assert_false(atomic_load(&rig->dev->lost));
}

static void interrupts_reach_the_vector_that_the_queue_names(void **state)
{
	struct virtio_rig *rig = *state;
	struct pollfd p = {.events = POLLIN};
	uint64_t one = 1;

	virtio_rig_start(rig, 64);
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_true(rig->backend.ring[0].call_fd >= 0);
	assert_int_equal(write(rig->backend.ring[0].call_fd, &one, 8), 8);
	p.fd = rig->dev->msix[1].eventfd;
	assert_int_equal(poll(&p, 1, 0), 1);
	p.fd = rig->dev->msix[2].eventfd;
	assert_int_equal(poll(&p, 1, 0), 0);
	/* moved to another vector while the queue runs */
	virtio_rig_write(rig, COMMON(Q_SELECT), 0, 2);
	virtio_rig_write(rig, COMMON(Q_MSIX), 2, 2);
	assert_int_equal(write(rig->backend.ring[0].call_fd, &one, 8), 8);
	assert_int_equal(poll(&p, 1, 0), 1);
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, 0, 2);
	assert_int_equal(rig->backend.ring[0].call_fd, -1);
}

static void kicks_reach_the_back_end_by_trap_and_follow_the_bar(void **state)
{
	struct virtio_rig *rig = *state;
	struct pollfd p = {.events = POLLIN};

	virtio_rig_start(rig, 64);
	assert_int_equal(rig->kicks, 2);
	assert_int_equal(rig->kick_gpa[0], RIG_BAR0 + VIRTIO_BAR_NOTIFY);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STRIDE, 1, 2);
	p.fd = rig->backend.ring[1].kick_fd;
	assert_int_equal(poll(&p, 1, 0), 1);
	p.fd = rig->backend.ring[0].kick_fd;
	assert_int_equal(poll(&p, 1, 0), 0);
	virtio_rig_write(rig, RIG_BAR0 + VIRTIO_BAR_NOTIFY + 0x800, 1, 2);

	virtio_rig_cfg_write(rig, PCI_BASE_ADDRESS_0, 0xc0100000, 4);
	assert_int_equal(rig->kicks, 2);
	assert_int_equal(rig->kick_gpa[0] & ~7ull, 0xc0100000 + VIRTIO_BAR_NOTIFY);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(rig->kicks, 0);
}

static void reset_with_queues_live_takes_them_back_and_starts_from_zero(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	virtio_rig_write(rig, STATUS, 0, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 0);
	assert_false(rig->backend.ring[0].enabled);
	assert_int_equal(rig->backend.ring[0].kick_fd, -1);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_SIZE), 2), 1024);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_ENABLE), 2), 0);
	assert_int_equal(virtio_rig_read(rig, COMMON(Q_DESCLO), 8), 0);
	virtio_rig_start(rig, 32);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(rig->backend.ring[1].size, 32);
	assert_int_equal(rig->backend.ring[1].base, 0);
	assert_true(rig->backend.ring[1].enabled);
}

static void without_bus_mastering_the_back_end_has_no_rings_and_goes_on_later(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_false(rig->backend.ring[0].enabled);
	virtio_rig_cfg_write(rig, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	assert_true(rig->backend.ring[0].enabled);
	assert_int_equal(rig->backend.ring[0].base, 77);
}

static void rings_outside_guest_memory_need_a_reset(void **state)
{
	struct virtio_rig *rig = *state;
	static const uint64_t bad[] = {RIG_RAM - 16, RIG_RAM, 0xc0000000, UINT64_MAX - 15, 8};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		virtio_rig_start(rig, 64);
		virtio_rig_write(rig, STATUS, 0, 1);
		virtio_rig_write(rig, COMMON(Q_DESCLO), bad[i], 8);
		virtio_rig_write(rig, COMMON(Q_AVAILLO), 0x1000, 8);
		virtio_rig_write(rig, COMMON(Q_USEDLO), 0x2000, 8);
		virtio_rig_write(rig, COMMON(Q_ENABLE), 1, 2);
		assert_int_equal(virtio_rig_read(rig, STATUS, 1), VIRTIO_CONFIG_S_NEEDS_RESET);
		/* the configuration interrupt bit, once */
		assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_ISR, 1), 2);
		assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_ISR, 1), 0);
		assert_int_equal(rig->backend.ring[0].kick_fd, -1);
		virtio_rig_write(rig, STATUS, 0, 1);
	}
	assert_false(atomic_load(&rig->dev->lost));
}

static void the_window_in_configuration_space_reaches_the_registers(void **state)
{
	struct virtio_rig *rig = *state;
	const uint32_t cap = VIRTIO_CFG_CAP_WINDOW;

	virtio_rig_cfg_write(rig, cap + 4, 0, 1);
	virtio_rig_cfg_write(rig, cap + 8, VIRTIO_PCI_COMMON_STATUS, 4);
	virtio_rig_cfg_write(rig, cap + 12, 1, 4);
	virtio_rig_cfg_write(rig, cap + 16, 3, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 3);
	virtio_rig_write(rig, STATUS, 0, 1);
	assert_int_equal(cfg8(rig, cap + 16), 0);
	virtio_rig_cfg_write(rig, cap + 8, VIRTIO_BAR_DEVICE, 4);
	virtio_rig_cfg_write(rig, cap + 12, 4, 4);
	assert_int_equal(cfg32(rig, cap + 16), 0x33221102);
	/* places where nothing is */
	virtio_rig_cfg_write(rig, cap + 4, 5, 1);
	virtio_rig_cfg_write(rig, cap + 16, 0xffffffff, 4);
	virtio_rig_cfg_write(rig, cap + 4, 0, 1);
	virtio_rig_cfg_write(rig, cap + 8, 0xfffffffc, 4);
	virtio_rig_cfg_write(rig, cap + 16, 0xffffffff, 4);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 0);
}

static bool link_up(struct virtio_rig *rig)
{
	return virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_DEVICE + 6, 2) & 1;
}

static void start_and_expect_loss(struct virtio_rig *rig, uint64_t within_us)
{
	uint64_t t = clock_us();

	virtio_rig_start(rig, 64);
	assert_true(clock_us() - t < within_us);
	assert_true(atomic_load(&rig->dev->away));
	/* the function is still there, without carrier */
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_false(link_up(rig));
}

static void a_back_end_that_refuses_a_message_costs_the_link(void **state)
{
	start_and_expect_loss(*state, 900000);
}

static void a_back_end_that_goes_silent_costs_a_second_once(void **state)
{
	struct virtio_rig *rig = *state;
	uint64_t t;

	start_and_expect_loss(rig, 1500000);
	t = clock_us();
	virtio_rig_cfg_write(rig, PCI_COMMAND, 0, 2);
	rig->dev->ops->bus_master(rig->dev, false);
	assert_true(clock_us() - t < 100000);
}

static void a_back_end_that_hangs_up_while_starting_costs_the_link(void **state)
{
	start_and_expect_loss(*state, 900000);
}

static void a_back_end_silent_at_the_stop_does_not_hold_the_guest(void **state)
{
	struct virtio_rig *rig = *state;
	uint64_t t;

	virtio_rig_start(rig, 64);
	t = clock_us();
	virtio_rig_write(rig, STATUS, 0, 1);
	assert_true(clock_us() - t < 1500000);
	assert_true(atomic_load(&rig->dev->away));
}

static void a_stop_reply_of_a_wrong_size_loses_the_back_end(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	virtio_rig_write(rig, STATUS, 0, 1);
	assert_true(atomic_load(&rig->dev->away));
}

static void back_end_dies(struct virtio_rig *rig)
{
	shutdown(rig->backend.fd, SHUT_RDWR);
	assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_true(atomic_load(&rig->dev->away));
	assert_false(link_up(rig));
}

static bool signalled(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void a_back_end_that_dies_later_takes_the_link_down_with_an_interrupt(void **state)
{
	struct virtio_rig *rig = *state;
	uint8_t generation = (uint8_t)virtio_rig_read(rig, COMMON(CFGGENERATION), 1);

	virtio_rig_start(rig, 64);
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_false(atomic_load(&rig->dev->away));
	assert_true(link_up(rig));
	back_end_dies(rig);
	assert_false(atomic_load(&rig->dev->lost));
	assert_true(signalled(rig->dev->msix[0].eventfd));
	assert_int_not_equal(virtio_rig_read(rig, COMMON(CFGGENERATION), 1), generation);
	assert_int_equal(virtio_rig_read(rig, RIG_BAR0 + VIRTIO_BAR_ISR, 1), 2);
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, 0, 2);
}

/* Another back end for what is to come; @rig's own is joined. Returns the front end's socket. */
static int back_end_new(struct virtio_rig *rig, uint64_t features, uint32_t silent_at)
{
	int fd;

	vhost_backend_stop(&rig->backend);
	memset(&rig->backend, 0, sizeof(rig->backend));
	rig->backend.features = features;
	rig->backend.protocol = 0xff;
	rig->backend.stop_base = 99;
	rig->backend.fault_at = silent_at;
	rig->backend.fault = VHOST_FAULT_SILENT;
	fd = vhost_backend_start(&rig->backend);
	assert_true(fd >= 0);
	return fd;
}

/* Another back end takes over. */
static int back_end_follows(struct virtio_rig *rig, uint64_t features)
{
	return rig->dev->ops->reconnect(rig->dev, back_end_new(rig, features, 0));
}

static void a_back_end_that_comes_back_goes_on_where_the_dead_one_stopped(void **state)
{
	struct virtio_rig *rig = *state;
	uint8_t *ram;

	virtio_rig_start(rig, 64);
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	ram = rig->vm.ram->va;
	/* five frames were made available, three came back before it died */
	ram[0x24002] = 5;
	ram[0x28002] = 3;
	back_end_dies(rig);
	for (unsigned int i = 0; i < rig->kicks; i++)
		assert_false(signalled(rig->kick_fd[i]));
	assert_int_equal(back_end_follows(rig, VHOST_BACKEND_FEATURES), 0);

	assert_false(atomic_load(&rig->dev->away));
	assert_true(link_up(rig));
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(rig->backend.ring[0].base, 0);
	assert_int_equal(rig->backend.ring[1].base, 3);
	assert_int_equal(rig->backend.ring[1].size, 64);
	assert_true(rig->backend.ring[0].enabled && rig->backend.ring[1].enabled);
	assert_int_equal(rig->backend.bad, 0);
	/* both sides look at the rings again */
	for (unsigned int i = 0; i < rig->kicks; i++)
		assert_true(signalled(rig->kick_fd[i]));
	assert_true(signalled(rig->dev->msix[1].eventfd));
	assert_true(signalled(rig->dev->msix[2].eventfd));
	virtio_rig_cfg_write(rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, 0, 2);
}

static void a_driver_that_resets_while_the_back_end_is_away_starts_anew_later(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	back_end_dies(rig);
	virtio_rig_write(rig, STATUS, 0, 1);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 0);
	virtio_rig_start(rig, 128);
	assert_int_equal(virtio_rig_read(rig, STATUS, 1), 15);
	assert_int_equal(back_end_follows(rig, VHOST_BACKEND_FEATURES), 0);
	assert_int_equal(rig->backend.ring[0].size, 128);
	assert_true(link_up(rig));
}

static void a_successor_that_can_less_is_turned_away_and_the_next_may_come(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	back_end_dies(rig);
	assert_int_equal(back_end_follows(rig, UINT64_C(1) << 32 | UINT64_C(1) << 30), -EPROTO);
	assert_true(atomic_load(&rig->dev->away));
	assert_false(link_up(rig));
	assert_int_equal(back_end_follows(rig, VHOST_BACKEND_FEATURES), 0);
	assert_true(link_up(rig));
	/* one is enough */
	assert_int_equal(rig->dev->ops->reconnect(rig->dev, -1), -EALREADY);
}

struct onlooker {
	struct virtio_rig *rig;
	unsigned int handshake; /* messages until the rings are lent */
	bool in_time;
};

/* A processor that reads a register while the main thread waits for the back end. */
static void *reads_meanwhile(void *arg)
{
	struct onlooker *o = arg;
	uint64_t end = clock_us() + 20 * USEC_PER_SEC;
	ssize_t n;
	char c;

	while (__atomic_load_n(&o->rig->backend.messages, __ATOMIC_ACQUIRE) <= o->handshake &&
	       clock_us() < end)
		sched_yield();
	virtio_rig_read(o->rig, STATUS, 1);
	/* who gives a back end up hangs up first */
	n = recv(o->rig->backend.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	o->in_time = n > 0 || (n < 0 && errno == EAGAIN);
	return NULL;
}

static void a_register_is_read_while_a_back_end_is_waited_for(void **state)
{
	struct virtio_rig *rig = *state;
	struct onlooker o = {.rig = rig, .handshake = rig->backend.messages};
	pthread_t processor;

	virtio_rig_start(rig, 64);
	/* a host that is busy may miss the second that the wait takes, but not always */
	for (unsigned int i = 0; i < 10 && !o.in_time; i++) {
		int fd;

		back_end_dies(rig);
		fd = back_end_new(rig, VHOST_BACKEND_FEATURES, 5);
		assert_int_equal(pthread_create(&processor, NULL, reads_meanwhile, &o), 0);
		(void)!rig->dev->ops->reconnect(rig->dev, fd);
		assert_int_equal(pthread_join(processor, NULL), 0);
	}
	assert_true(o.in_time);
}

static void a_back_end_that_dies_a_hundred_times_is_taken_back_each_time(void **state)
{
	struct virtio_rig *rig = *state;

	virtio_rig_start(rig, 64);
	for (unsigned int i = 0; i < 100; i++) {
		back_end_dies(rig);
		assert_int_equal(back_end_follows(rig, VHOST_BACKEND_FEATURES), 0);
		assert_true(link_up(rig));
	}
}

static void a_back_end_that_is_no_virtio_1_is_refused_at_once(void **state)
{
	static const uint8_t mac[6] = {2};
	struct virtio_rig *rig = *state;
	struct vhost_backend old = {.features = UINT64_C(1) << 30};
	struct vhost_backend liar = {.features = VHOST_BACKEND_FEATURES,
				     .protocol = 8,
				     .fault_at = 1,
				     .fault = VHOST_FAULT_WRONG_REPLY};
	struct pci_dev *d = NULL;
	int fd = vhost_backend_start(&old);

	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "x", fd, 1, mac, &d), -EPROTO);
	vhost_backend_stop(&old);
	fd = vhost_backend_start(&liar);
	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "x", fd, 1, mac, &d), -EBADMSG);
	vhost_backend_stop(&liar);
	assert_null(d);
}

static int connected(const struct sockaddr_un *at, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)at, len), 0);
	return fd;
}

static void on_a_listening_socket_back_ends_come_back_by_themselves(void **state)
{
	static const uint8_t mac[6] = {2};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct virtio_rig *rig = calloc(1, sizeof(*rig));
	socklen_t len = sizeof(at);
	struct pci_dev *dev;
	int listening;

	(void)state;
	assert_non_null(rig);
	assert_int_equal(virtio_rig_vm(rig), 0);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* no name given: the kernel makes one up */
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof(at.sun_family)), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(listening, 4), 0);
	for (unsigned int i = 0; i < 5; i++) {
		memset(&rig->backend, 0, sizeof(rig->backend));
		rig->backend.features = VHOST_BACKEND_FEATURES;
		rig->backend.protocol = 0xff;
		assert_int_equal(vhost_backend_serve(&rig->backend, connected(&at, len)), 0);
		if (i == 0) {
			assert_int_equal(
				vmm_dev_virtio_net_new(&rig->vm, "net0", listening, 1, mac, &dev),
				0);
			virtio_rig_plug(rig, dev);
			virtio_rig_start(rig, 64);
		} else {
			assert_true(sd_event_run(rig->event, 1000000) > 0);
		}
		assert_true(link_up(rig));
		assert_true(rig->backend.ring[1].enabled);
		back_end_dies(rig);
		vhost_backend_stop(&rig->backend);
	}
	virtio_rig_close(rig);
	free(rig);
}

static void nobody_on_a_listening_socket_is_waited_for_a_while(void **state)
{
	static const uint8_t mac[6] = {2};
	struct virtio_rig *rig = *state;
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct pci_dev *dev = NULL;

	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof(at.sun_family)), 0);
	assert_int_equal(listen(listening, 4), 0);
	assert_int_equal(vmm_dev_virtio_net_new(&rig->vm, "x", listening, 1, mac, &dev),
			 -ETIMEDOUT);
	assert_null(dev);
}

#define CASE(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CASE_OF(f, set) cmocka_unit_test_setup_teardown(f, set, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(the_capability_list_names_every_structure_inside_the_bar),
		CASE(every_width_at_every_offset_reads_the_same_bytes),
		CASE(writes_that_are_not_a_whole_field_change_nothing),
		CASE(the_device_configuration_holds_mac_and_link),
		CASE(offloads_of_the_back_end_are_not_offered),
		CASE(features_that_were_not_offered_are_refused),
		CASE(a_driver_without_version_1_is_refused),
		CASE(features_are_frozen_once_accepted),
		CASE(the_driver_cannot_clear_single_status_bits_nor_set_needs_reset),
		CASE(a_queue_that_does_not_exist_has_size_zero),
		CASE(queue_sizes_are_powers_of_two_up_to_1024),
		CASE(a_vector_that_does_not_exist_reads_back_as_none),
		CASE(the_back_end_gets_ram_and_rings_as_the_driver_set_them),
		CASE_OF(a_back_end_without_acknowledgements_works_as_well, setup_no_ack),
		CASE(interrupts_reach_the_vector_that_the_queue_names),
		CASE(kicks_reach_the_back_end_by_trap_and_follow_the_bar),
		CASE(reset_with_queues_live_takes_them_back_and_starts_from_zero),
		CASE(without_bus_mastering_the_back_end_has_no_rings_and_goes_on_later),
		CASE(rings_outside_guest_memory_need_a_reset),
		CASE(the_window_in_configuration_space_reaches_the_registers),
		CASE_OF(a_back_end_that_refuses_a_message_costs_the_link, setup_refuse),
		CASE_OF(a_back_end_that_goes_silent_costs_a_second_once, setup_silent),
		CASE_OF(a_back_end_that_hangs_up_while_starting_costs_the_link, setup_hang_up),
		CASE_OF(a_back_end_silent_at_the_stop_does_not_hold_the_guest, setup_silent_stop),
		CASE_OF(a_stop_reply_of_a_wrong_size_loses_the_back_end, setup_huge_base),
		CASE(a_back_end_that_dies_later_takes_the_link_down_with_an_interrupt),
		CASE(a_back_end_that_comes_back_goes_on_where_the_dead_one_stopped),
		CASE(a_driver_that_resets_while_the_back_end_is_away_starts_anew_later),
		CASE(a_successor_that_can_less_is_turned_away_and_the_next_may_come),
		CASE(a_register_is_read_while_a_back_end_is_waited_for),
		CASE(a_back_end_that_dies_a_hundred_times_is_taken_back_each_time),
		CASE(a_back_end_that_is_no_virtio_1_is_refused_at_once),
		cmocka_unit_test(on_a_listening_socket_back_ends_come_back_by_themselves),
		CASE(nobody_on_a_listening_socket_is_waited_for_a_while),
	};

	return cmocka_run_group_tests_name("virtio_net", cases, NULL, NULL);
}

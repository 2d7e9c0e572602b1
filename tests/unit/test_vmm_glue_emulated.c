/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated 82576 as a guest's driver of the physical function sees it, every access through the
 * VMM's PCI core; a packet socket, or a vhost-user back end, at the other end of its wire.
 */
#include <support/test.h>
#include <support/virtio_rig.h>

#include <abi/nic_desc.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <dev.h>
#include <dirent.h>
#include <fcntl.h>
#include <lib/clock.h>
#include <linux/pci_regs.h>
#include <net_backend.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAR0	  UINT64_C(0xc0100000)
#define BAR3	  UINT64_C(0xc0200000)
#define RX_RING	  UINT64_C(0x10000)
#define TX_RING	  UINT64_C(0x11000)
#define RX_BUF	  UINT64_C(0x20000)
#define TX_BUF	  UINT64_C(0x40000)
#define RING	  32u
#define WAIT_US	  UINT64_C(5000000)
#define SRRCTL_2K 0x02000002u /* one buffer of 2 KiB, advanced descriptors */

static const uint8_t mac[6] = {0x02, 0xaa, 0, 0, 0, 0x01};

struct emu_rig {
	struct virtio_rig r;
	int wire;
	uint32_t rx_next, tx_next;
};

static void cfg_write(struct emu_rig *e, uint32_t off, uint32_t val, uint32_t len)
{
	virtio_rig_cfg_write(&e->r, off, val, len);
}

static uint32_t cfg_read32(struct emu_rig *e, uint32_t off)
{
	uint32_t v;

	pci_ecam_read(&e->r.vm, (1u << 15) + off, &v, 4);
	return v;
}

static uint32_t rd(struct emu_rig *e, uint32_t off)
{
	return (uint32_t)virtio_rig_read(&e->r, BAR0 + off, 4);
}

static void wr(struct emu_rig *e, uint32_t off, uint32_t val)
{
	virtio_rig_write(&e->r, BAR0 + off, val, 4);
}

/* The main thread's part: the data thread asks it for service. */
static void settle(struct emu_rig *e)
{
	(void)sd_event_run(e->r.event, 200);
}

static ssize_t recv_wire(struct emu_rig *e, uint8_t *buf, size_t size)
{
	uint64_t until = clock_us() + WAIT_US;
	ssize_t n;

	while ((n = recv(e->wire, buf, size, MSG_DONTWAIT)) < 0 && clock_us() < until)
		settle(e);
	return n;
}

static void plug(struct emu_rig *e, struct pci_dev *dev)
{
	e->r.dev = dev;
	dev->slot = 1;
	atomic_store(&e->r.vm.slot[1].dev, dev);
	cfg_write(e, PCI_BASE_ADDRESS_0, (uint32_t)BAR0, 4);
	cfg_write(e, PCI_BASE_ADDRESS_3, (uint32_t)BAR3, 4);
	cfg_write(e, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static int setup(void **state)
{
	struct emu_rig *e = calloc(1, sizeof(*e));
	struct timeval patience = {.tv_sec = 5};
	struct pci_dev *dev;
	int pair[2];

	assert_non_null(e);
	assert_int_equal(virtio_rig_vm(&e->r), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
	e->wire = pair[0];
	assert_int_equal(vmm_dev_emulated_new(&e->r.vm, "nic0", pair[1], mac, &dev), 0);
	plug(e, dev);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct emu_rig *e = *state;

	virtio_rig_close(&e->r);
	fd_close(e->wire);
	free(e);
	return 0;
}

static uint8_t *ram(struct emu_rig *e, uint64_t gpa)
{
	return (uint8_t *)e->r.vm.ram->va + gpa;
}

/* What a driver without VFs does: queue 0 of each direction, vector 0 for queues, 1 for the rest.
 */
static void driver_start_with(struct emu_rig *e, uint32_t srrctl)
{
	uint64_t *rx = (uint64_t *)(void *)ram(e, RX_RING);

	wr(e, nic_CTRL(0), CTRL_RST);
	for (uint32_t i = 0; i < RING; i++) {
		rx[2 * i] = RX_BUF + i * 2048u;
		rx[2 * i + 1] = 0;
	}
	memset(ram(e, TX_RING), 0, 16 * RING);
	e->rx_next = e->tx_next = 0;
	wr(e, nic_GPIE(0), GPIE_MULTIPLE_MSIX);
	wr(e, nic_IVAR(0), 0x8080);
	wr(e, nic_IVAR_MISC(0), 0x8100);
	wr(e, nic_RDBAL(0), (uint32_t)RX_RING);
	wr(e, nic_RDLEN(0), 16 * RING);
	wr(e, nic_SRRCTL(0), srrctl);
	wr(e, nic_RXDCTL(0), BIT32(25));
	wr(e, nic_TDBAL(0), (uint32_t)TX_RING);
	wr(e, nic_TDLEN(0), 16 * RING);
	wr(e, nic_TXDCTL(0), BIT32(25));
	wr(e, nic_RCTL(0), RCTL_EN | RCTL_BAM);
	wr(e, nic_TCTL(0), TCTL_EN | TCTL_PSP);
	wr(e, nic_RDT(0), RING - 1);
}

static void driver_start(struct emu_rig *e)
{
	driver_start_with(e, SRRCTL_2K);
}

static void msix_on(struct emu_rig *e)
{
	for (unsigned int i = 0; i < NIC_PF_MSIX_N; i++) {
		virtio_rig_write(&e->r, BAR3 + 16 * i, 0xfee00000, 4);
		virtio_rig_write(&e->r, BAR3 + 16 * i + 8, 0x40 + i, 4);
	}
	cfg_write(e, NIC_CFG_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

static bool interrupted(struct emu_rig *e, unsigned int vector, uint64_t within_us)
{
	struct pollfd p = {.fd = e->r.dev->msix[vector].eventfd, .events = POLLIN};
	uint64_t until = clock_us() + within_us;

	while (poll(&p, 1, 0) != 1) {
		if (clock_us() >= until)
			return false;
		settle(e);
	}
	return true;
}

static void frame_fill(uint8_t *f, size_t len, const uint8_t dst[6], uint8_t fill)
{
	memset(f, fill, len);
	memcpy(f, dst, 6);
	memcpy(f + 6, mac, 6);
	f[12] = 0x88;
	f[13] = 0xb5;
}

static void transmit(struct emu_rig *e, size_t len, uint8_t fill)
{
	static const uint8_t other[6] = {0x02, 0xbb, 0, 0, 0, 0x02};
	struct nic_tx_desc *d = (struct nic_tx_desc *)(void *)ram(e, TX_RING) + e->tx_next;

	frame_fill(ram(e, TX_BUF), len, other, fill);
	d->addr = le64_of(TX_BUF);
	d->cmd_len = le32_of(NIC_TXD_DEXT | NIC_TXD_EOP | NIC_TXD_RS | BIT32(25) |
			     field_prep(NIC_TXD_DTYP, NIC_TXD_DTYP_DATA) | (uint32_t)len);
	d->status = le32_of((uint32_t)len << 14);
	e->tx_next = (e->tx_next + 1) % RING;
	wr(e, nic_TDT(0), e->tx_next);
}

/* Waits for the next received frame. Return: its length; 0 none came. */
static uint32_t receive(struct emu_rig *e, uint64_t within_us, uint64_t *ret_buf)
{
	const uint32_t *d = (const uint32_t *)(void *)ram(e, RX_RING) + 4 * e->rx_next;
	uint64_t until = clock_us() + within_us;

	*ret_buf = RX_BUF + e->rx_next * 2048u;
	while (!(__atomic_load_n(&d[2], __ATOMIC_ACQUIRE) & 1)) {
		if (clock_us() > until)
			return 0;
		settle(e);
	}
	e->rx_next++;
	return d[3] & 0xffff;
}

static void send_wire(struct emu_rig *e, const uint8_t dst[6], size_t len, uint8_t fill)
{
	uint8_t f[4096] = {0};

	frame_fill(f + NET_HDR, len, dst, fill);
	assert_int_equal(send(e->wire, f, NET_HDR + len, 0), NET_HDR + len);
}

static void the_guest_finds_an_82576_without_sr_iov(void **state)
{
	struct emu_rig *e = *state;
	unsigned int caps = 0;
	uint32_t at = cfg_read32(e, PCI_CAPABILITY_LIST) & 0xff;

	assert_int_equal(cfg_read32(e, 0), 0x10c98086);
	assert_int_equal(cfg_read32(e, PCI_CLASS_REVISION) >> 8, 0x020000);
	for (; at && caps < 8; caps++)
		at = cfg_read32(e, at) >> 8 & 0xff;
	assert_int_equal(caps, 2);
	assert_int_equal(cfg_read32(e, 0x100), 0); /* no extended capability at all */
	cfg_write(e, NIC_CFG_SRIOV + PCI_SRIOV_NUM_VF, 2, 2);
	cfg_write(e, NIC_CFG_SRIOV + PCI_SRIOV_CTRL, 9, 2);
	assert_int_equal(cfg_read32(e, NIC_CFG_SRIOV + PCI_SRIOV_CTRL), 0);
}

static void the_address_is_in_the_nvm_and_in_the_first_filter(void **state)
{
	struct emu_rig *e = *state;

	assert_int_equal(rd(e, nic_RAL(0)), 0x0000aa02);
	assert_int_equal(rd(e, nic_RAH(0)) & 0xffff, 0x0100);
	for (uint32_t i = 0; i < 3; i++) {
		wr(e, nic_EERD(0), EERD_START | field_prep(EERD_ADDR, i));
		assert_true(rd(e, nic_EERD(0)) & EERD_DONE);
		assert_int_equal(field_get(EERD_DATA, rd(e, nic_EERD(0))),
				 mac[2 * i] | mac[2 * i + 1] << 8);
	}
	assert_true(rd(e, nic_STATUS(0)) & STATUS_LU);
}

static void frames_go_out_and_come_in_over_the_back_end(void **state)
{
	struct emu_rig *e = *state;
	uint8_t got[4096];
	uint64_t buf;

	driver_start(e);
	for (unsigned int i = 0; i < 100; i++) {
		transmit(e, 60 + i * 14, (uint8_t)i);
		assert_int_equal(recv_wire(e, got, sizeof(got)), NET_HDR + 60 + i * 14);
		assert_int_equal(got[NET_HDR + 59], i);
		assert_memory_equal(got + NET_HDR + 6, mac, 6);
	}
	for (unsigned int i = 0; i < 20; i++) {
		send_wire(e, mac, 100 + i, (uint8_t)(i + 1));
		assert_int_equal(receive(e, WAIT_US, &buf), 100 + i);
		assert_int_equal(ram(e, buf)[50], i + 1);
	}
	/* as long as an MTU of 1500 allows, and as many at once as the driver has buffers for */
	for (unsigned int i = 0; i < 10; i++)
		send_wire(e, mac, 1514, (uint8_t)(i + 1));
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(receive(e, WAIT_US, &buf), 1514);
		assert_int_equal(ram(e, buf)[1513], i + 1);
	}
	/* not for us */
	send_wire(e, (const uint8_t[]){0x02, 0xcc, 0, 0, 0, 3}, 100, 1);
	assert_int_equal(receive(e, 50000, &buf), 0);
}

/* As receive(), and the buffer is posted again. */
static uint32_t receive_and_post(struct emu_rig *e, uint64_t within_us, uint32_t *ret_number)
{
	uint64_t *d = (uint64_t *)(void *)ram(e, RX_RING) + 2 * (size_t)e->rx_next;
	uint32_t at = e->rx_next, len;
	uint64_t buf;

	len = receive(e, within_us, &buf);
	if (len == 0)
		return 0;
	memcpy(ret_number, ram(e, buf) + 14, 4);
	d[0] = buf;
	__atomic_store_n(&d[1], 0, __ATOMIC_RELEASE);
	e->rx_next %= RING;
	wr(e, nic_RDT(0), at);
	return len;
}

/* Until the data thread has taken the queue over, frames are dropped. */
static void await_queue(struct emu_rig *e)
{
	uint64_t until = clock_us() + WAIT_US;
	uint32_t number;

	do
		send_wire(e, mac, 60, 1);
	while (receive_and_post(e, 20000, &number) == 0 && clock_us() < until);
	assert_true(clock_us() < until);
	/* others of them may still come, but before this one */
	send_wire(e, mac, 61, 1);
	while (receive_and_post(e, WAIT_US, &number) != 61)
		assert_true(clock_us() < until + WAIT_US);
}

/* As many frames as fit in between, each with its number. Return: how many. */
static uint32_t fill_wire(struct emu_rig *e)
{
	uint8_t f[NET_HDR + 100] = {0};
	uint64_t until;
	uint32_t n = 0;

	frame_fill(f + NET_HDR, 100, mac, 0);
	do {
		until = clock_us() + 100000; /* nothing moves any more */
		memcpy(f + NET_HDR + 14, &n, 4);
		while (send(e->wire, f, sizeof(f), MSG_DONTWAIT) < 0 && clock_us() < until)
			clock_sleep_us(1000);
		n++;
	} while (clock_us() < until && n < 100000);
	return n - 1;
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

static void frames_wait_for_a_ring_that_is_full_and_cost_nothing_meanwhile(void **state)
{
	struct emu_rig *e = *state;
	uint32_t sent, number;
	uint64_t before, from;

	driver_start(e);
	await_queue(e);
	sent = fill_wire(e);
	assert_true(sent > RING + 2 * 256); /* the driver's ring, the wire, the port's ring */
	assert_true(sent < 100000);
	clock_sleep_us(100000);
	before = cpu_us();
	from = clock_us();
	clock_sleep_us(300000);
	assert_true(cpu_us() - before < (clock_us() - from) / 2);
	for (uint32_t i = 0; i < sent; i++) {
		assert_int_equal(receive_and_post(e, WAIT_US, &number), 100);
		assert_int_equal(number, i);
	}
	send_wire(e, mac, 200, 1);
	assert_int_equal(receive_and_post(e, WAIT_US, &number), 200);
}

struct sender {
	int fd;
	uint32_t n;
};

static void *send_numbered(void *arg)
{
	struct sender *s = arg;
	uint8_t f[NET_HDR + 100] = {0};

	frame_fill(f + NET_HDR, 100, mac, 0);
	for (uint32_t i = 0; i < s->n; i++) {
		memcpy(f + NET_HDR + 14, &i, 4);
		if (send(s->fd, f, sizeof(f), MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static void a_guest_that_reads_in_fits_gets_every_frame_in_order(void **state)
{
	struct emu_rig *e = *state;
	struct sender s = {.fd = e->wire, .n = 20000};
	uint32_t number;
	pthread_t thread;

	driver_start(e);
	await_queue(e);
	assert_int_equal(pthread_create(&thread, NULL, send_numbered, &s), 0);
	for (uint32_t i = 0; i < s.n; i++) {
		if (i % 1000 == 0)
			clock_sleep_us(20000); /* everything on the way is full by then */
		assert_int_equal(receive_and_post(e, WAIT_US, &number), 100);
		assert_int_equal(number, i);
	}
	pthread_join(thread, NULL);
}

static void a_queue_that_drops_by_itself_keeps_frames_waiting_once(void **state)
{
	struct emu_rig *e = *state;
	uint64_t until = clock_us() + 4 * WAIT_US;
	uint8_t f[NET_HDR + 100] = {0};
	uint32_t number;

	driver_start_with(e, SRRCTL_2K | SRRCTL_DROP_EN);
	await_queue(e);
	/* a socket that is empty again, and stays so, is one whose frames are dropped */
	frame_fill(f + NET_HDR, 100, mac, 0);
	for (unsigned int n = 0; n < 5000;) {
		if (send(e->wire, f, sizeof(f), MSG_DONTWAIT) > 0)
			n++;
		else
			clock_sleep_us(1000);
		assert_true(clock_us() < until);
	}
	/* and it works on as soon as the ring moves */
	for (unsigned int i = 0; i < RING - 1; i++)
		assert_int_equal(receive_and_post(e, WAIT_US, &number), 100);
	do
		send_wire(e, mac, 300, 1);
	while (receive_and_post(e, WAIT_US, &number) != 300 && clock_us() < until);
	assert_true(clock_us() < until);
}

static void interrupts_come_by_the_vectors_that_the_driver_chose(void **state)
{
	struct emu_rig *e = *state;
	uint64_t buf, until = clock_us() + WAIT_US;

	driver_start(e);
	msix_on(e);
	wr(e, nic_EIMS(0), 3);
	wr(e, nic_IMS(0), ICR_LSC);
	assert_false(interrupted(e, 0, 0));
	/* until the data thread has taken the queue over, frames are dropped as silicon does it */
	do
		send_wire(e, mac, 100, 1);
	while (!interrupted(e, 0, 20000) && clock_us() < until);
	assert_true(interrupted(e, 0, 0));
	assert_int_equal(receive(e, WAIT_US, &buf), 100);
	cfg_write(e, NIC_CFG_MSIX + PCI_MSIX_FLAGS, 0, 2);
}

static void a_wire_that_nobody_reads_does_not_stop_the_guest(void **state)
{
	struct emu_rig *e = *state;
	uint64_t until = clock_us() + 4 * WAIT_US;

	driver_start(e);
	for (unsigned int i = 0; i < 2000; i++) {
		transmit(e, 1500, 1);
		while (rd(e, nic_TDH(0)) != e->tx_next) {
			assert_true(clock_us() < until);
			settle(e);
		}
	}
}

static void every_register_takes_every_width_and_value(void **state)
{
	static const uint32_t widths[] = {1, 2, 4, 8};
	struct emu_rig *e = *state;
	uint32_t x = 1;

	driver_start(e);
	for (unsigned int i = 0; i < 200000; i++) {
		uint32_t width = widths[x >> 30];

		x = x * 1664525u + 1013904223u;
		virtio_rig_write(&e->r, BAR0 + (x >> 8) % NIC_PF_BAR0_SIZE / width * width,
				 (uint64_t)x << 16, width);
		(void)virtio_rig_read(&e->r, BAR0 + (x >> 12) % NIC_PF_BAR0_SIZE / width * width,
				      width);
	}
	/* a reset by the function's own bit, and it works as on the first day */
	cfg_write(e, NIC_CFG_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	plug(e, e->r.dev);
	driver_start(e);
	transmit(e, 60, 7);
}

static void descriptors_outside_memory_touch_nothing(void **state)
{
	static const uint64_t places[] = {RIG_RAM - 16, UINT64_MAX - 63, BAR0, UINT64_C(1) << 40};
	struct emu_rig *e = *state;
	uint8_t got[4096];

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		struct nic_tx_desc *d;

		driver_start(e);
		d = (struct nic_tx_desc *)(void *)ram(e, TX_RING);
		transmit(e, 100, 1);
		assert_int_equal(recv_wire(e, got, sizeof(got)), NET_HDR + 100);
		d[1] = d[0];
		d[1].addr = le64_of(places[i]);
		wr(e, nic_TDT(0), 2);
		e->tx_next = 2;
		transmit(e, 200, 1);
		assert_int_equal(recv_wire(e, got, sizeof(got)), NET_HDR + 200);
		wr(e, nic_TXDCTL(0), 0);
		wr(e, nic_TDBAL(0), (uint32_t)places[i]);
		wr(e, nic_TDBAH(0), (uint32_t)(places[i] >> 32));
		wr(e, nic_TXDCTL(0), BIT32(25));
		wr(e, nic_TDT(0), 4);
		wr(e, nic_TDBAH(0), 0);
	}
}

static void without_bus_mastering_nothing_moves(void **state)
{
	struct emu_rig *e = *state;
	uint64_t buf;

	driver_start(e);
	cfg_write(e, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	send_wire(e, mac, 100, 1);
	assert_int_equal(receive(e, 50000, &buf), 0);
	cfg_write(e, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void a_vhost_user_back_end_gives_the_link_and_takes_it_along(void **state)
{
	struct emu_rig e = {.wire = -1};
	struct pci_dev *dev;
	int fd;

	(void)state;
	assert_int_equal(virtio_rig_vm(&e.r), 0);
	e.r.backend.features = VHOST_BACKEND_FEATURES;
	e.r.backend.protocol = 0xff;
	fd = vhost_backend_start(&e.r.backend);
	assert_true(fd >= 0);
	assert_int_equal(vmm_dev_emulated_new(&e.r.vm, "nic0", fd, mac, &dev), 0);
	plug(&e, dev);
	/* the back end has the port's memory, not the guest's */
	assert_true(e.r.backend.ram_size < RIG_RAM);
	assert_true(e.r.backend.ring[0].enabled && e.r.backend.ring[1].enabled);
	assert_int_equal(e.r.backend.ring[0].size, 256);
	assert_true(rd(&e, nic_STATUS(0)) & STATUS_LU);
	shutdown(e.r.backend.fd, SHUT_RDWR);
	assert_true(sd_event_run(e.r.event, 1000000) > 0);
	assert_false(rd(&e, nic_STATUS(0)) & STATUS_LU);
	assert_true(atomic_load(&dev->away));
	vhost_backend_stop(&e.r.backend);

	memset(&e.r.backend, 0, sizeof(e.r.backend));
	e.r.backend.features = VHOST_BACKEND_FEATURES;
	e.r.backend.protocol = 0xff;
	fd = vhost_backend_start(&e.r.backend);
	assert_int_equal(dev->ops->reconnect(dev, fd), 0);
	assert_true(rd(&e, nic_STATUS(0)) & STATUS_LU);
	assert_false(atomic_load(&dev->away));
	e.r.has_backend = true;
	virtio_rig_close(&e.r);
}

/* ---- a data thread that hangs ----------------------------------------------------------- */

static int hang_pipe[2];
static struct pci_dev *hung; /* stays in memory, as its thread may come back to it */

static void hang(int sig)
{
	int error = errno;
	char c;

	(void)sig;
	(void)!read(hang_pipe[0], &c, 1);
	errno = error;
}

/* Stops the thread of that name where it is. Return: 0; -ENOENT there is none. */
static int thread_hang(const char *name)
{
	struct dirent *entry;
	int r = -ENOENT;
	DIR *tasks;

	tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		_cleanup_(fd_closep) int fd = -1;
		char path[300], comm[32] = {0};

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, comm, sizeof(comm) - 1) <= 0)
			continue;
		comm[strcspn(comm, "\n")] = 0;
		if (strcmp(comm, name) == 0)
			r = (int)syscall(SYS_tgkill, getpid(), atoi(entry->d_name), SIGUSR1);
	}
	closedir(tasks);
	return r;
}

static void a_data_thread_that_hangs_costs_its_device_and_nothing_else(void **state)
{
	const struct sigaction act = {.sa_handler = hang};
	struct emu_rig *e = *state;
	uint64_t until;

	assert_int_equal(pipe2(hang_pipe, O_CLOEXEC), 0);
	assert_int_equal(sigaction(SIGUSR1, &act, NULL), 0);
	driver_start(e);
	await_queue(e);
	assert_int_equal(thread_hang("snic-data"), 0);
	until = clock_us() + WAIT_US;
	/* no DMA after the write has completed: it waits for the thread, but not for ever */
	cfg_write(e, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_true(clock_us() >= until - USEC_PER_SEC);
	assert_true(atomic_load(&e->r.dev->lost));
	assert_int_equal(atomic_load(&e->r.dev->lost_error), -ETIMEDOUT);
	assert_int_equal(cfg_read32(e, 0), UINT32_MAX);
	wr(e, nic_CTRL(0), CTRL_RST);
	cfg_write(e, NIC_CFG_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	/* the wire's end is closed although the thread still has the other one */
	hung = TAKE_PTR(e->r.dev);
	hung->ops->destroy(hung);
	assert_int_equal(send(e->wire, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(hang_pipe[1]);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(the_guest_finds_an_82576_without_sr_iov),
		CASE(the_address_is_in_the_nvm_and_in_the_first_filter),
		CASE(frames_go_out_and_come_in_over_the_back_end),
		CASE(frames_wait_for_a_ring_that_is_full_and_cost_nothing_meanwhile),
		CASE(a_guest_that_reads_in_fits_gets_every_frame_in_order),
		CASE(a_queue_that_drops_by_itself_keeps_frames_waiting_once),
		CASE(interrupts_come_by_the_vectors_that_the_driver_chose),
		CASE(a_wire_that_nobody_reads_does_not_stop_the_guest),
		CASE(every_register_takes_every_width_and_value),
		CASE(descriptors_outside_memory_touch_nothing),
		CASE(without_bus_mastering_nothing_moves),
		CASE(a_data_thread_that_hangs_costs_its_device_and_nothing_else),
		cmocka_unit_test(a_vhost_user_back_end_gives_the_link_and_takes_it_along),
	};

	return cmocka_run_group_tests_name("emulated", cases, NULL, NULL);
}

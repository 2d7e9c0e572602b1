/* SPDX-License-Identifier: BSD-3-Clause */
/* The disk as a guest's driver sees it, on real files; and what a bad disk or a bad driver does. */
#include <support/test.h>
#include <support/virtio_rig.h>
#include <support/virtq_driver.h>

#include <blk_disk.h>
#include <dev.h>
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/memfd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <string.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SECTORS	  64u
#define HDR_AT	  UINT64_C(0x40000)
#define DATA_AT	  UINT64_C(0x41000)
#define ST_AT	  UINT64_C(0x60000)
#define NEXT	  VRING_DESC_F_NEXT
#define WRITE	  VRING_DESC_F_WRITE
#define STATUS	  (RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS)
#define F_FLUSH	  (1u << VIRTIO_BLK_F_FLUSH)
#define WAIT_US	  UINT64_C(5000000)
#define NO_ANSWER 0xeeu

struct blk_rig {
	struct virtio_rig r;
	struct vdrv d;
	int file; /* another descriptor of the image */
};

static int image_new(uint32_t sectors)
{
	char path[] = "/tmp/sriov-blk-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)sectors * BLK_SECTOR), 0);
	for (uint32_t i = 0; i < sectors; i++) {
		uint8_t sector[BLK_SECTOR];

		memset(sector, (int)i, sizeof(sector));
		assert_int_equal(pwrite(fd, sector, sizeof(sector), (off_t)i * BLK_SECTOR),
				 BLK_SECTOR);
	}
	return fd;
}

static int setup_with(void **state, bool readonly, uint32_t features)
{
	struct blk_rig *b = calloc(1, sizeof(*b));
	struct pci_dev *dev;

	assert_non_null(b);
	assert_int_equal(virtio_rig_vm(&b->r), 0);
	b->file = image_new(SECTORS);
	assert_int_equal(vmm_dev_virtio_blk_new(&b->r.vm, "disk0", dup(b->file), readonly, &dev),
			 0);
	virtio_rig_plug(&b->r, dev);
	b->d = vdrv_at(b->r.vm.ram->va, RIG_QUEUE(0), 16);
	virtio_rig_start_with(&b->r, 1, 16, features);
	assert_int_equal(virtio_rig_read(&b->r, STATUS, 1), 15);
	*state = b;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, false, F_FLUSH);
}

static int setup_readonly(void **state)
{
	return setup_with(state, true, F_FLUSH);
}

static int setup_no_flush(void **state)
{
	return setup_with(state, false, 0);
}

static int teardown(void **state)
{
	struct blk_rig *b = *state;

	virtio_rig_close(&b->r);
	fd_close(b->file);
	free(b);
	return 0;
}

static uint8_t *ram(struct blk_rig *b, uint64_t gpa)
{
	return (uint8_t *)b->r.vm.ram->va + gpa;
}

static void kick(struct blk_rig *b)
{
	virtio_rig_write(&b->r, RIG_BAR0 + 0x3000, 0, 2);
}

/* Lays out one request at descriptors 0 to 2. */
static void request_put(struct blk_rig *b, uint32_t type, uint64_t sector, uint32_t len)
{
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;

	memcpy(ram(b, HDR_AT), &h, sizeof(h));
	*ram(b, ST_AT) = NO_ANSWER;
	vdrv_desc(&b->d, 0, HDR_AT, sizeof(h), NEXT, len ? 1 : 2);
	vdrv_desc(&b->d, 1, DATA_AT, len, (uint16_t)(NEXT | (in ? WRITE : 0)), 2);
	vdrv_desc(&b->d, 2, ST_AT, 1, WRITE, 0);
}

static uint8_t finish(struct blk_rig *b, uint32_t *ret_len)
{
	uint64_t until = clock_us() + WAIT_US;
	uint32_t id = 99, len = 0;

	while (!vdrv_take(&b->d, &id, &len) && clock_us() < until)
		clock_sleep_us(100);
	if (id != 99)
		assert_int_equal(id, 0);
	if (ret_len)
		*ret_len = len;
	return *ram(b, ST_AT);
}

static uint8_t request(struct blk_rig *b, uint32_t type, uint64_t sector, uint32_t len)
{
	request_put(b, type, sector, len);
	vdrv_post(&b->d, 0);
	kick(b);
	return finish(b, NULL);
}

static void expect_needs_reset(struct blk_rig *b)
{
	uint64_t until = clock_us() + WAIT_US;

	while (!(virtio_rig_read(&b->r, STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		assert_true(clock_us() < until);
		clock_sleep_us(100);
	}
}

static void reset(struct blk_rig *b)
{
	uint64_t until = clock_us() + WAIT_US;

	virtio_rig_write(&b->r, STATUS, 0, 1);
	while (virtio_rig_read(&b->r, STATUS, 1) != 0) {
		assert_true(clock_us() < until);
		clock_sleep_us(100);
	}
	b->d = vdrv_at(b->r.vm.ram->va, RIG_QUEUE(0), 16);
}

/* ---- an honest driver ------------------------------------------------------------------- */

static void what_is_written_is_in_the_file_and_is_read_back(void **state)
{
	struct blk_rig *b = *state;
	uint8_t sector[BLK_SECTOR];

	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 5, 1024), VIRTIO_BLK_S_OK);
	assert_int_equal(ram(b, DATA_AT)[0], 5);
	assert_int_equal(ram(b, DATA_AT)[1023], 6);
	memset(ram(b, DATA_AT), 0xab, 512);
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, 63, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(request(b, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(b->file, sector, 512, 63 * 512), 512);
	assert_int_equal(sector[511], 0xab);
}

static void the_disk_says_its_size_and_its_name(void **state)
{
	struct blk_rig *b = *state;

	assert_int_equal(virtio_rig_read(&b->r, RIG_BAR0 + 0x2000, 8), SECTORS);
	assert_int_equal(virtio_rig_read(&b->r, RIG_BAR0 + 0x2000 + 20, 4), 512);
	assert_int_equal(request(b, VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	assert_string_equal((char *)ram(b, DATA_AT), "disk0");
}

static void an_interrupt_tells_the_end_of_a_request(void **state)
{
	struct blk_rig *b = *state;
	struct pollfd p = {.events = POLLIN};

	virtio_rig_cfg_write(&b->r, 0x98 + 2, 0x8000, 2);
	p.fd = b->r.dev->msix[1].eventfd;
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(poll(&p, 1, 1000), 1);
	virtio_rig_cfg_write(&b->r, 0x98 + 2, 0, 2);
}

static void a_driver_that_does_not_flush_gets_durable_writes(void **state)
{
	struct blk_rig *b = *state;

	/* the file cannot tell; that the write is done, and by a flush, can */
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, 1, 512), VIRTIO_BLK_S_OK);
}

static void a_read_only_disk_refuses_writes_and_keeps_its_bytes(void **state)
{
	struct blk_rig *b = *state;
	uint8_t sector[BLK_SECTOR];

	memset(ram(b, DATA_AT), 0xab, 512);
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, 7, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(b->file, sector, 512, 7 * 512), 512);
	assert_int_equal(sector[0], 7);
}

/* ---- bad requests ----------------------------------------------------------------------- */

static void requests_beyond_the_end_are_errors_at_every_border(void **state)
{
	struct blk_rig *b = *state;

	assert_int_equal(request(b, VIRTIO_BLK_T_IN, SECTORS - 1, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, SECTORS - 1, 1024), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, SECTORS, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, UINT64_MAX, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, UINT64_MAX / 512, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, UINT64_C(1) << 55, 512), VIRTIO_BLK_S_IOERR);
}

static void half_sectors_and_unknown_types_are_refused(void **state)
{
	struct blk_rig *b = *state;

	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 0, 511), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_OUT, 0, 513), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, 0x4711, 0, 512), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
}

static void a_request_without_status_byte_needs_a_reset_and_works_after_it(void **state)
{
	struct blk_rig *b = *state;

	request_put(b, VIRTIO_BLK_T_OUT, 0, 512);
	vdrv_desc(&b->d, 1, DATA_AT, 512, 0, 0);
	vdrv_post(&b->d, 0);
	kick(b);
	expect_needs_reset(b);
	reset(b);
	virtio_rig_start_with(&b->r, 1, 16, F_FLUSH);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 3, 512), VIRTIO_BLK_S_OK);
}

static void a_broken_ring_needs_a_reset_and_tells_so_by_interrupt(void **state)
{
	struct blk_rig *b = *state;
	struct pollfd p = {.events = POLLIN};

	virtio_rig_cfg_write(&b->r, 0x98 + 2, 0x8000, 2);
	p.fd = b->r.dev->msix[0].eventfd;
	vdrv_desc(&b->d, 0, UINT64_MAX - 4, 16, 0, 0);
	vdrv_post(&b->d, 0);
	kick(b);
	assert_int_equal(poll(&p, 1, 5000), 1);
	expect_needs_reset(b);
	virtio_rig_cfg_write(&b->r, 0x98 + 2, 0, 2);
	reset(b);
	virtio_rig_start_with(&b->r, 1, 16, F_FLUSH);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 3, 512), VIRTIO_BLK_S_OK);
}

static void rings_in_a_bar_or_wrapping_around_need_a_reset(void **state)
{
	static const uint64_t places[] = {RIG_BAR0, RIG_RAM - 16, UINT64_MAX - 15, RIG_RAM,
					  UINT64_C(1) << 63};
	struct blk_rig *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		reset(b);
		virtio_rig_write(&b->r, STATUS, 3, 1);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_GF, 1, 4);
		virtio_rig_write(&b->r, STATUS, 11, 1);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_DESCLO, places[i], 8);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_AVAILLO, 0x20000, 8);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_USEDLO, 0x30000, 8);
		virtio_rig_write(&b->r, RIG_BAR0 + VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
		assert_true(virtio_rig_read(&b->r, STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	reset(b);
}

static void a_reset_with_requests_in_flight_ends_them_and_the_disk_goes_on(void **state)
{
	struct blk_rig *b = *state;

	for (unsigned int round = 0; round < 200; round++) {
		request_put(b, VIRTIO_BLK_T_IN, round % SECTORS, 512);
		for (uint16_t i = 0; i < 5; i++) {
			vdrv_desc(&b->d, (uint16_t)(3 * i), HDR_AT, 16, NEXT,
				  (uint16_t)(3 * i + 1));
			vdrv_desc(&b->d, (uint16_t)(3 * i + 1), DATA_AT, 512, NEXT | WRITE,
				  (uint16_t)(3 * i + 2));
			vdrv_desc(&b->d, (uint16_t)(3 * i + 2), ST_AT, 1, WRITE, 0);
			vdrv_post(&b->d, (uint16_t)(3 * i));
		}
		kick(b);
		reset(b);
		/* nothing of it is written any more */
		*ram(b, ST_AT) = NO_ANSWER;
		virtio_rig_start_with(&b->r, 1, 16, F_FLUSH);
		assert_int_equal(*ram(b, ST_AT), NO_ANSWER);
	}
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 9, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(ram(b, DATA_AT)[0], 9);
}

static void a_kick_storm_costs_nobody_else_anything(void **state)
{
	struct blk_rig *b = *state;

	for (unsigned int i = 0; i < 100000; i++)
		virtio_rig_write(&b->r, RIG_BAR0 + 0x3000, i, 2);
	for (unsigned int i = 0; i < 1000; i++)
		virtio_rig_write(&b->r, RIG_BAR0 + 0x3000 + 4 * i, i, 2);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 2, 512), VIRTIO_BLK_S_OK);
}

static void without_bus_mastering_nothing_is_served_until_it_is_back(void **state)
{
	struct blk_rig *b = *state;

	virtio_rig_cfg_write(&b->r, 4, 2, 2);
	request_put(b, VIRTIO_BLK_T_IN, 4, 512);
	vdrv_post(&b->d, 0);
	kick(b);
	clock_sleep_us(20000);
	assert_int_equal(*ram(b, ST_AT), NO_ANSWER);
	virtio_rig_cfg_write(&b->r, 4, 6, 2);
	assert_int_equal(finish(b, NULL), VIRTIO_BLK_S_OK);
}

/* ---- bad disks -------------------------------------------------------------------------- */

static void a_file_cut_short_under_the_guest_is_an_error_of_what_is_gone(void **state)
{
	struct blk_rig *b = *state;

	assert_int_equal(ftruncate(b->file, 10 * 512 + 100), 0);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 9, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 10, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 40, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(b, VIRTIO_BLK_T_IN, 1, 512), VIRTIO_BLK_S_OK);
}

/* One request straight at a disk, for descriptors that the device would not take. */
static uint8_t serve_direct(struct blk_disk *d, uint32_t type, uint8_t *data, size_t len)
{
	struct virtio_blk_outhdr h = {.type = type};
	uint8_t status = NO_ANSWER;
	struct virtq_chain c = {.n_out = 1, .out_bytes = sizeof(h)};
	uint32_t n = 0;

	c.iov[n++] = (struct iovec){&h, sizeof(h)};
	if (len)
		c.iov[n++] = (struct iovec){data, len};
	c.iov[n++] = (struct iovec){&status, 1};
	if (len && type == VIRTIO_BLK_T_OUT) {
		c.n_out = 2;
		c.out_bytes += len;
	}
	c.n_in = n - c.n_out;
	c.in_bytes = type == VIRTIO_BLK_T_IN ? len + 1 : 1;
	assert_true(blk_disk_serve(d, &c) >= 1);
	return status;
}

static void a_full_disk_is_an_error_of_the_write(void **state)
{
	struct blk_disk d = {.limits = {.sectors = 8}};
	uint8_t data[512] = {1};

	(void)state;
	d.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(d.fd >= 0);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_OUT, data, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(atomic_load(&d.errors), 1);
	close(d.fd);
}

/* In a process of its own, as the limit stays, with the signal ignored as sriov-vmm's main() does.
 */
static void a_file_at_its_size_limit_is_an_error_of_the_write(void **state)
{
	const struct rlimit limit = {0, 0};
	struct blk_disk d = {.limits = {.sectors = 8}};
	uint8_t data[512] = {1};
	int status;
	pid_t pid;

	(void)state;
	d.fd = image_new(4);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
			_exit(2);
		_exit(serve_direct(&d, VIRTIO_BLK_T_OUT, data, 512) != VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(d.fd);
}

static void a_descriptor_that_cannot_be_written_is_an_error_of_the_write(void **state)
{
	struct blk_disk d = {.limits = {.sectors = 8}};
	uint8_t data[512] = {1};

	(void)state;
	d.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(d.fd >= 0);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_OUT, data, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_IN, data, 512), VIRTIO_BLK_S_OK);
	close(d.fd);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_IN, data, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_FLUSH, NULL, 0), VIRTIO_BLK_S_IOERR);
}

static void a_driver_without_flush_makes_every_write_one(void **state)
{
	struct blk_disk d;
	uint8_t data[512] = {1};
	int fd = image_new(4);

	(void)state;
	assert_int_equal(blk_disk_init(&d, fd, false, "d"), 0);
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_OUT, data, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(atomic_load(&d.flushes), 0);
	d.write_through = true;
	assert_int_equal(serve_direct(&d, VIRTIO_BLK_T_OUT, data, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(atomic_load(&d.flushes), 1);
	close(fd);
}

static void what_is_no_disk_is_refused_by_name(void **state)
{
	struct blk_disk d;
	char path[] = "/tmp/sriov-blk-XXXXXX";
	int fd, pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(blk_disk_init(&d, pair[0], true, "d"), -ENOTBLK);
	close(pair[0]);
	close(pair[1]);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(blk_disk_init(&d, fd, false, "d"), -ENODATA);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(blk_disk_init(&d, fd, false, "d"), -EROFS);
	close(fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(blk_disk_init(&d, fd, false, "d"), -EACCES);
	close(fd);
	unlink(path);
	assert_int_equal(blk_disk_init(&d, -1, true, "d"), -EBADF);
}

/* ---- random bytes ----------------------------------------------------------------------- */

static void random_bytes_come_and_every_buffer_gets_its_own(void **state)
{
	struct virtio_rig *r = calloc(1, sizeof(*r));
	uint32_t id, len, got = 0;
	struct pci_dev *dev;
	struct vdrv d;
	uint8_t *a;

	(void)state;
	assert_int_equal(virtio_rig_vm(r), 0);
	assert_int_equal(vmm_dev_virtio_rng_new(&r->vm, "rng0", &dev), 0);
	virtio_rig_plug(r, dev);
	d = vdrv_at(r->vm.ram->va, RIG_QUEUE(0), 64);
	a = (uint8_t *)r->vm.ram->va + DATA_AT;
	virtio_rig_start_with(r, 1, 64, 0);
	for (uint16_t i = 0; i < 40; i++) {
		vdrv_desc(&d, i, DATA_AT + i * 64u, 64, WRITE, 0);
		vdrv_post(&d, i);
	}
	virtio_rig_write(r, RIG_BAR0 + 0x3000, 0, 2);
	for (unsigned int i = 0; i < 10; i++)
		sd_event_run(r->event, 10000);
	while (vdrv_take(&d, &id, &len)) {
		assert_int_equal(len, 64);
		got++;
	}
	assert_int_equal(got, 40);
	assert_memory_not_equal(a, a + 64, 64);
	/* a hostile driver needs a reset, and the main thread is none the worse */
	vdrv_post(&d, 64);
	virtio_rig_write(r, RIG_BAR0 + 0x3000, 0, 2);
	sd_event_run(r->event, 100000);
	assert_true(virtio_rig_read(r, STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_rig_close(r);
	free(r);
}

#define CASE(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CASE_OF(f, set) cmocka_unit_test_setup_teardown(f, set, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(what_is_written_is_in_the_file_and_is_read_back),
		CASE(the_disk_says_its_size_and_its_name),
		CASE(an_interrupt_tells_the_end_of_a_request),
		CASE_OF(a_driver_that_does_not_flush_gets_durable_writes, setup_no_flush),
		CASE_OF(a_read_only_disk_refuses_writes_and_keeps_its_bytes, setup_readonly),
		CASE(requests_beyond_the_end_are_errors_at_every_border),
		CASE(half_sectors_and_unknown_types_are_refused),
		CASE(a_request_without_status_byte_needs_a_reset_and_works_after_it),
		CASE(a_broken_ring_needs_a_reset_and_tells_so_by_interrupt),
		CASE(rings_in_a_bar_or_wrapping_around_need_a_reset),
		CASE(a_reset_with_requests_in_flight_ends_them_and_the_disk_goes_on),
		CASE(a_kick_storm_costs_nobody_else_anything),
		CASE(without_bus_mastering_nothing_is_served_until_it_is_back),
		CASE(a_file_cut_short_under_the_guest_is_an_error_of_what_is_gone),
		cmocka_unit_test(a_full_disk_is_an_error_of_the_write),
		cmocka_unit_test(a_file_at_its_size_limit_is_an_error_of_the_write),
		cmocka_unit_test(a_descriptor_that_cannot_be_written_is_an_error_of_the_write),
		cmocka_unit_test(a_driver_without_flush_makes_every_write_one),
		cmocka_unit_test(what_is_no_disk_is_refused_by_name),
		cmocka_unit_test(random_bytes_come_and_every_buffer_gets_its_own),
	};

	return cmocka_run_group_tests_name("virtio_blk", cases, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vfio-user endpoint against raw messages: what well-known clients send, and what none should.
 */
#include <support/vfu_endpoint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <lib/unix_sock.h>
#include <lib/vfu_wire.h>

#define REPLY_MAX (VFU_MAX_XFER + 64u)

struct fixture {
	char dir[32];
	struct endpoint *ep;
	int fd;
	uint16_t id;
	struct vfu_hdr hdr;   /* of the last reply */
	struct usock_fds fds; /* that came with it */
	uint8_t *body;
};

static uint64_t soon(void)
{
	return clock_us() + 4 * USEC_PER_SEC;
}

static int dial(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->body = malloc(REPLY_MAX);
	assert_non_null(fx->body);
	strcpy(fx->dir, "/tmp/vfu-test-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->ep = ep_start(fx->dir, "fn");
	fx->fd = dial(fx->ep->path);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	usock_fds_done(&fx->fds);
	fd_close(fx->fd);
	ep_stop(fx->ep);
	rmdir(fx->dir);
	free(fx->body);
	free(fx);
	return 0;
}

static void send_msg(struct fixture *fx, uint16_t cmd, uint32_t flags, const void *body, size_t len,
		     const int *fds, size_t n_fds)
{
	struct vfu_hdr h = {++fx->id, cmd, (uint32_t)(VFU_HDR_SIZE + len), flags, 0};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)body, len}};

	assert_int_equal(usock_send(fx->fd, iov, 2, fds, n_fds, soon()), 0);
}

/* Length of the reply's body, or the refusal as a negative errno. */
static int recv_reply(struct fixture *fx)
{
	size_t len;
	int r;

	usock_fds_done(&fx->fds);
	r = usock_recv(fx->fd, &fx->hdr, sizeof(fx->hdr), &fx->fds, soon());
	if (r < 0)
		return r;
	assert_true(fx->hdr.msg_size >= VFU_HDR_SIZE && fx->hdr.msg_size <= REPLY_MAX);
	len = fx->hdr.msg_size - VFU_HDR_SIZE;
	assert_int_equal(usock_recv(fx->fd, fx->body, len, NULL, soon()), 0);
	if (fx->hdr.flags == (VFU_F_TYPE_REPLY | VFU_F_ERROR)) {
		assert_int_equal(len, 0);
		assert_true(fx->hdr.error > 0);
		return -(int)fx->hdr.error;
	}
	assert_int_equal(fx->hdr.flags, VFU_F_TYPE_REPLY);
	assert_int_equal(fx->hdr.error, 0);
	return (int)len;
}

static int ask_fds(struct fixture *fx, uint16_t cmd, const void *body, size_t len, const int *fds,
		   size_t n_fds)
{
	int r;

	send_msg(fx, cmd, 0, body, len, fds, n_fds);
	r = recv_reply(fx);
	if (r != -ECONNRESET) {
		assert_int_equal(fx->hdr.msg_id, fx->id);
		assert_int_equal(fx->hdr.cmd, cmd);
	}
	return r;
}

static int ask(struct fixture *fx, uint16_t cmd, const void *body, size_t len)
{
	return ask_fds(fx, cmd, body, len, NULL, 0);
}

static int ask_version(struct fixture *fx, uint16_t major, uint16_t minor, const char *json,
		       size_t json_len)
{
	uint8_t body[8192];

	memcpy(body, &major, 2);
	memcpy(body + 2, &minor, 2);
	memcpy(body + 4, json, json_len);
	return ask(fx, VFU_VERSION, body, 4 + json_len);
}

static int setup_negotiated(void **state)
{
	struct fixture *fx;

	setup(state);
	fx = *state;
	assert_true(ask_version(fx, 0, 0, "{}", 3) > 0);
	return 0;
}

static bool hung_up(struct fixture *fx)
{
	struct pollfd p = {.fd = fx->fd, .events = POLLRDHUP};

	return poll(&p, 1, 4000) == 1 && (p.revents & POLLRDHUP);
}

static int read_reg(struct fixture *fx, uint32_t region, uint64_t off, uint32_t count)
{
	struct vfu_region_access a = {off, region, count};

	return ask(fx, VFU_REGION_READ, &a, sizeof(a));
}

static int write_reg(struct fixture *fx, uint32_t region, uint64_t off, uint32_t value)
{
	struct {
		struct vfu_region_access a;
		uint32_t value;
	} w = {{off, region, 4}, value};

	return ask(fx, VFU_REGION_WRITE, &w, 20);
}

static bool alive(struct fixture *fx)
{
	return ask(fx, VFU_DEVICE_RESET, NULL, 0) == 0;
}

/* ---- version --------------------------------------------------------------------------------- */

static void version_reply_is_short_enough_for_qemu_and_has_minor_zero(void **state)
{
	struct fixture *fx = *state;
	static const char qemu[] =
		"{\"capabilities\":{\"pgsizes\":4096,\"max_msg_fds\":16,\"max_dma_maps\":65535,"
		"\"max_data_xfer_size\":1048576,\"migration\":{\"max_bitmap_size\":268435456,"
		"\"pgsize\":4096},\"write_multiple\":true}}";
	struct vfu_peer peer;
	int n = ask_version(fx, 0, 1, qemu, sizeof(qemu));

	assert_true(n > 4 && n + 16 < 190);
	assert_int_equal(fx->body[n - 1], 0);
	assert_int_equal(vfu_decode_version(fx->body, (size_t)n, &peer), 0);
	assert_int_equal(peer.major, 0);
	assert_int_equal(peer.minor, 0);
	assert_int_equal(peer.max_msg_fds, 16);
	assert_int_equal(peer.max_xfer, VFU_MAX_XFER);
	assert_int_equal(atomic_load(&fx->ep->clients_came), 1);
	assert_true(vfu_server_connected(fx->ep->server));
}

static void version_without_json_is_enough(void **state)
{
	assert_true(ask_version(*state, 0, 0, "", 0) > 0);
}

static void version_that_makes_no_sense_is_refused_and_cut(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		uint16_t major;
		const char *json;
		size_t len;
	} bad[] = {
		{1, "{}", 3},
		{0, "{}", 2}, /* no NUL */
		{0, "{", 2},
		{0, "[]", 3},
		{0, "{\"capabilities\":7}", 19},
		{0, "{\"capabilities\":{\"max_msg_fds\":\"x\"}}", 37},
		{0, "{\"capabilities\":{\"max_msg_fds\":-1}}", 36},
		{0, "{\"capabilities\":{\"max_data_xfer_size\":0}}", 42},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ask_version(fx, bad[i].major, 0, bad[i].json, bad[i].len),
				 -EINVAL);
		assert_true(hung_up(fx));
		close(fx->fd);
		fx->fd = dial(fx->ep->path);
	}
	assert_int_equal(atomic_load(&fx->ep->clients_came), 0);
	assert_int_equal(atomic_load(&fx->ep->clients_went), 0);
}

static void version_longer_than_any_capabilities_is_refused(void **state)
{
	char json[5000];

	memset(json, ' ', sizeof(json));
	json[sizeof(json) - 1] = '\0';
	assert_int_equal(ask_version(*state, 0, 0, json, sizeof(json)), -EINVAL);
	assert_true(hung_up(*state));
}

static void anything_before_version_is_refused_and_cut(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ask(fx, VFU_DEVICE_RESET, NULL, 0), -EINVAL);
	assert_true(hung_up(fx));
	assert_int_equal(atomic_load(&fx->ep->resets), 0);
}

static void version_with_a_descriptor_is_refused_and_cut(void **state)
{
	struct fixture *fx = *state;
	uint32_t zero = 0;

	assert_int_equal(ask_fds(fx, VFU_VERSION, &zero, 4, &fx->ep->stop_fd, 1), -EINVAL);
	assert_true(hung_up(fx));
}

static void second_version_is_refused_but_not_cut(void **state)
{
	assert_int_equal(ask_version(*state, 0, 0, "{}", 3), -EINVAL);
	assert_true(alive(*state));
}

/* ---- messages -------------------------------------------------------------------------------- */

static void absurd_size_is_refused_and_cut(void **state)
{
	struct fixture *fx = *state;
	struct vfu_hdr h = {7, VFU_REGION_WRITE, VFU_MAX_MSG + 1, 0, 0};

	assert_int_equal(write(fx->fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(recv_reply(fx), -EINVAL);
	assert_int_equal(fx->hdr.msg_id, 7);
	assert_true(hung_up(fx));
	assert_true(ep_reaches(&fx->ep->clients_went, 1));
}

static void size_below_the_header_is_refused_and_cut(void **state)
{
	struct fixture *fx = *state;
	struct vfu_hdr h = {7, VFU_DEVICE_RESET, 15, 0, 0};

	assert_int_equal(write(fx->fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(recv_reply(fx), -EINVAL);
	assert_true(hung_up(fx));
}

static void reply_to_nothing_is_cut(void **state)
{
	struct fixture *fx = *state;

	send_msg(fx, VFU_DMA_READ, VFU_F_TYPE_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(recv_reply(fx), -EINVAL);
	assert_true(hung_up(fx));
}

static void reserved_flags_are_refused_but_not_cut(void **state)
{
	struct fixture *fx = *state;

	send_msg(fx, VFU_DEVICE_RESET, 0x40, NULL, 0, NULL, 0);
	assert_int_equal(recv_reply(fx), -EINVAL);
	assert_int_equal(atomic_load(&fx->ep->resets), 0);
	assert_true(alive(fx));
}

static void message_in_single_bytes_is_put_together(void **state)
{
	struct fixture *fx = *state;
	struct {
		struct vfu_hdr h;
		struct vfu_region_access a;
		uint32_t value;
	} m = {{9, VFU_REGION_WRITE, 36, 0, 0}, {0x40, 0, 4}, 0x01020304};

	for (size_t i = 0; i < 36; i++) {
		assert_int_equal(write(fx->fd, (uint8_t *)&m + i, 1), 1);
		clock_sleep_us(300);
	}
	assert_int_equal(recv_reply(fx), 16);
	assert_int_equal(fx->ep->bar0[0x40], 4);
	assert_true(alive(fx));
}

static void pipelined_messages_are_answered_in_order(void **state)
{
	struct fixture *fx = *state;
	uint16_t first = (uint16_t)(fx->id + 1);

	for (unsigned int i = 0; i < 200; i++)
		send_msg(fx, VFU_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(recv_reply(fx), 0);
		assert_int_equal(fx->hdr.msg_id, first + i);
	}
	assert_int_equal(atomic_load(&fx->ep->resets), 200);
}

static void client_that_stops_within_a_message_is_cut_and_another_served(void **state)
{
	struct fixture *fx = *state;
	struct vfu_hdr h = {7, VFU_REGION_WRITE, 1000, 0, 0};
	uint64_t start = clock_us();

	assert_int_equal(write(fx->fd, &h, sizeof(h)), sizeof(h));
	assert_true(hung_up(fx));
	assert_true(clock_us() - start > USEC_PER_SEC);
	assert_true(ep_reaches(&fx->ep->clients_went, 1));
	close(fx->fd);
	fx->fd = dial(fx->ep->path);
	assert_true(ask_version(fx, 0, 0, "{}", 3) > 0);
	/* a client that has nothing to say may take its time */
	clock_sleep_us(2500 * USEC_PER_MSEC);
	assert_true(alive(fx));
}

static void client_that_does_not_read_is_cut_in_the_end(void **state)
{
	struct fixture *fx = *state;
	struct vfu_region_access a = {0, 3, EP_BAR3_SIZE};

	for (unsigned int i = 0; i < 4; i++)
		send_msg(fx, VFU_REGION_READ, 0, &a, sizeof(a), NULL, 0);
	assert_true(hung_up(fx));
	assert_true(ep_reaches(&fx->ep->clients_went, 1));
}

static void long_reply_leaves_in_pieces(void **state)
{
	struct fixture *fx = *state;

	for (size_t i = 0; i < EP_BAR3_SIZE; i++)
		fx->ep->bar3[i] = (uint8_t)(i * 7 + (i >> 9));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(read_reg(fx, 3, 0, EP_BAR3_SIZE), 16 + EP_BAR3_SIZE);
		assert_memory_equal(fx->body + 16, fx->ep->bar3, EP_BAR3_SIZE);
	}
}

static void no_reply_is_honoured(void **state)
{
	struct fixture *fx = *state;
	struct {
		struct vfu_region_access a;
		uint32_t value;
	} w = {{0x80, 0, 4}, 0xabcd};

	send_msg(fx, VFU_REGION_WRITE, VFU_F_NO_REPLY, &w, 20, NULL, 0);
	w.a.region = 77; /* an error is not told either */
	send_msg(fx, VFU_REGION_WRITE, VFU_F_NO_REPLY, &w, 20, NULL, 0);
	send_msg(fx, VFU_REGION_READ, VFU_F_NO_REPLY, &w, 16, NULL, 0);
	assert_true(alive(fx));
	assert_int_equal(fx->ep->bar0[0x80], 0xcd);
	assert_int_equal(vfu_server_messages(fx->ep->server), 1);
}

static void unknown_commands_are_not_supported(void **state)
{
	static const uint16_t cmds[] = {0,
					VFU_DMA_READ,
					VFU_DMA_WRITE,
					VFU_DIRTY_PAGES,
					VFU_REGION_WRITE_MULTI,
					VFU_DEVICE_FEATURE,
					VFU_DEVICE_GET_REGION_IO_FDS,
					17,
					18,
					0xffff};
	uint8_t body[64] = {0};

	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		assert_int_equal(ask(*state, cmds[i], body, sizeof(body)), -ENOTSUP);
	assert_true(alive(*state));
}

static void short_bodies_are_refused_but_not_cut(void **state)
{
	static const struct {
		uint16_t cmd;
		size_t len;
	} fixed[] = {{VFU_DMA_MAP, 32},
		     {VFU_DMA_UNMAP, 24},
		     {VFU_DEVICE_GET_INFO, 16},
		     {VFU_DEVICE_GET_REGION_INFO, 32},
		     {VFU_DEVICE_GET_IRQ_INFO, 16},
		     {VFU_DEVICE_SET_IRQS, 20},
		     {VFU_REGION_READ, 16},
		     {VFU_REGION_WRITE, 16}};
	const uint8_t body[64] = {64};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		for (size_t n = 0; n < fixed[i].len; n++)
			assert_int_equal(ask(*state, fixed[i].cmd, body, n), -EINVAL);
	}
	assert_true(alive(*state));
}

/* ---- regions --------------------------------------------------------------------------------- */

static void device_has_nine_regions_and_five_interrupts(void **state)
{
	struct fixture *fx = *state;
	struct vfu_device_info i = {32, 0, 0, 0};
	uint8_t body[32] = {32}; /* one client asks with 32 bytes */

	assert_int_equal(ask(fx, VFU_DEVICE_GET_INFO, body, sizeof(body)), 16);
	memcpy(&i, fx->body, sizeof(i));
	assert_int_equal(i.argsz, 16);
	assert_int_equal(i.flags, VFU_DEVICE_F_RESET | VFU_DEVICE_F_PCI);
	assert_int_equal(i.num_regions, 9);
	assert_int_equal(i.num_irqs, 5);
}

static int region_info(struct fixture *fx, uint32_t index, uint32_t argsz,
		       struct vfu_region_info *ret)
{
	struct vfu_region_info i = {.argsz = argsz, .index = index};
	int n = ask(fx, VFU_DEVICE_GET_REGION_INFO, &i, sizeof(i));

	if (n >= (int)sizeof(*ret))
		memcpy(ret, fx->body, sizeof(*ret));
	return n;
}

static void every_region_answers_and_the_tenth_does_not(void **state)
{
	struct fixture *fx = *state;
	struct vfu_region_info i;

	for (uint32_t n = 1; n < 9; n++) {
		assert_int_equal(region_info(fx, n, 32, &i), 32);
		assert_int_equal(i.index, n);
		assert_int_equal(i.cap_offset, 0);
		assert_int_equal(i.size, n == 3 ? EP_BAR3_SIZE : n == 7 ? 4096 : 0);
		assert_int_equal(i.flags, i.size ? 3 : 0);
		assert_int_equal(fx->fds.n, 0);
	}
	assert_int_equal(region_info(fx, 9, 32, &i), -EINVAL);
}

static void region_info_without_room_is_cut_short_and_whole_on_retry(void **state)
{
	struct fixture *fx = *state;
	struct vfu_region_info i;
	struct vfu_cap_sparse cap;
	struct vfu_sparse_area area;

	assert_int_equal(region_info(fx, 0, 32, &i), 32);
	assert_int_equal(i.argsz, 64);
	assert_int_equal(i.flags, VFU_REGION_F_READ | VFU_REGION_F_WRITE);
	assert_int_equal(i.cap_offset, 0);
	assert_int_equal(fx->fds.n, 0);

	assert_int_equal(region_info(fx, 0, 64, &i), 64);
	assert_int_equal(i.argsz, 64);
	assert_int_equal(i.flags, 15);
	assert_int_equal(i.cap_offset, 32);
	assert_int_equal(fx->fds.n, 1);
	memcpy(&cap, fx->body + 32, sizeof(cap));
	memcpy(&area, fx->body + 48, sizeof(area));
	assert_int_equal(cap.id, VFU_CAP_SPARSE_MMAP);
	assert_int_equal(cap.next, 0);
	assert_int_equal(cap.nr_areas, 1);
	assert_int_equal(area.offset, EP_AREA);
	assert_int_equal(area.size, 0x2000);
}

static void bytes_after_a_request_are_ignored(void **state)
{
	struct fixture *fx = *state;
	uint8_t body[4064] = {64};

	assert_int_equal(ask(fx, VFU_DEVICE_GET_REGION_INFO, body, sizeof(body)), 64);
	assert_int_equal(ask(fx, VFU_DEVICE_RESET, body, 100), 0);
}

static void reads_outside_find_all_ones_and_writes_are_ignored(void **state)
{
	struct fixture *fx = *state;
	const uint8_t ones[64] = {[0 ... 63] = 0xff};
	static const struct {
		uint32_t region;
		uint64_t off;
		uint32_t count;
	} out[] = {
		{0, EP_BAR0_SIZE, 4},
		{0, EP_BAR0_SIZE - 2, 4},
		{0, UINT64_MAX, 8},
		{1, 0, 4},
		{6, 0, 4},
		{7, 4094, 4},
		{7, 4096, 64},
		{8, 0x3c0, 1},
	};

	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		assert_int_equal(read_reg(fx, out[i].region, out[i].off, out[i].count),
				 16 + out[i].count);
		assert_memory_equal(fx->body + 16, ones, out[i].count);
		assert_int_equal(write_reg(fx, out[i].region, out[i].off, 0), 16);
	}
	assert_int_equal(read_reg(fx, 0, 0, 0), 16);
	assert_int_equal(read_reg(fx, 9, 0, 4), -EINVAL);
	assert_int_equal(read_reg(fx, 3, 0, VFU_MAX_XFER + 1), -EINVAL);
}

static void write_of_another_length_than_told_is_refused(void **state)
{
	struct {
		struct vfu_region_access a;
		uint8_t data[8];
	} w = {{0, 0, 4}, {1, 1, 1, 1}};

	assert_int_equal(ask(*state, VFU_REGION_WRITE, &w, 19), -EINVAL);
	assert_int_equal(ask(*state, VFU_REGION_WRITE, &w, 21), -EINVAL);
	assert_int_equal(((struct fixture *)*state)->ep->bar0[0], 0);
}

static void whole_configuration_space_is_read_in_one_go(void **state)
{
	struct fixture *fx = *state;

	fx->ep->config[4095] = 0x42;
	assert_int_equal(read_reg(fx, 7, 0, 4096), 16 + 4096);
	assert_int_equal(fx->body[16 + 4095], 0x42);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static int set_irqs(struct fixture *fx, uint32_t flags, uint32_t index, uint32_t start,
		    uint32_t count, const int *fds, size_t n_fds)
{
	struct {
		struct vfu_set_irqs s;
		uint8_t bools[16];
	} m = {{20, flags, index, start, count}, {0, 1, 0, 1}};

	return ask_fds(fx, VFU_DEVICE_SET_IRQS, &m, flags & VFU_SET_DATA_BOOL ? 20 + count : 20,
		       fds, n_fds);
}

static uint64_t take_count(int fd)
{
	uint64_t v = 0;

	return read(fd, &v, sizeof(v)) == sizeof(v) ? v : 0;
}

static void eventfds_are_bound_signalled_and_released(void **state)
{
	struct fixture *fx = *state;
	int e[4];

	for (unsigned int i = 0; i < 4; i++)
		e[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(set_irqs(fx, 0x24, 2, 0, 4, e, 4), 0);
	assert_int_equal(set_irqs(fx, 0x21, 2, 1, 2, NULL, 0), 0);
	assert_int_equal(take_count(e[0]), 0);
	assert_int_equal(take_count(e[1]), 1);
	assert_int_equal(take_count(e[2]), 1);
	assert_int_equal(set_irqs(fx, 0x22, 2, 0, 4, NULL, 0), 0);
	assert_int_equal(take_count(e[1]), 1);
	assert_int_equal(take_count(e[2]), 0);
	assert_int_equal(take_count(e[3]), 1);
	/* without descriptors: these vectors have none any more */
	assert_int_equal(set_irqs(fx, 0x24, 2, 1, 2, NULL, 0), 0);
	assert_int_equal(atomic_load(&fx->ep->irqs_unbound), 2);
	assert_int_equal(set_irqs(fx, 0x21, 2, 0, 4, NULL, 0), 0);
	assert_int_equal(take_count(e[1]), 0);
	assert_int_equal(take_count(e[3]), 1);
	assert_int_equal(set_irqs(fx, 0x21, 2, 0, 0, NULL, 0), 0);
	assert_int_equal(atomic_load(&fx->ep->irqs_unbound), 4);
	for (unsigned int i = 0; i < 4; i++)
		close(e[i]);
}

static void full_eventfd_does_not_block_the_server(void **state)
{
	struct fixture *fx = *state;
	uint64_t full = UINT64_MAX - 1;
	int e = eventfd(0, EFD_CLOEXEC); /* a blocking one */

	assert_int_equal(set_irqs(fx, 0x24, 2, 0, 1, &e, 1), 0);
	assert_int_equal(write(e, &full, 8), 8);
	assert_int_equal(set_irqs(fx, 0x21, 2, 0, 1, NULL, 0), 0);
	assert_true(alive(fx));
	close(e);
}

static void interrupt_requests_that_make_no_sense_are_refused(void **state)
{
	struct fixture *fx = *state;
	int e[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
	int file = open("/dev/null", O_RDWR | O_CLOEXEC), mixed[2] = {e[0], file};
	static const struct {
		uint32_t flags, index, start, count;
		unsigned int n_fds;
	} bad[] = {
		{0x24, 5, 0, 1, 1},		 /* no such index */
		{0x24, 2, 0, 2, 1},		 /* fewer descriptors than vectors */
		{0x24, 2, 0, 1, 2},		 /* more */
		{0x21, 2, 0, 1, 1},		 /* descriptors without EVENTFD */
		{0x24, 2, EP_VECTORS, 1, 1},	 /* behind the last */
		{0x24, 2, EP_VECTORS - 1, 2, 2}, /* over the last */
		{0x24, 2, 1, UINT32_MAX, 0},	 /* wraps */
		{0x24, 0, 0, 1, 1},		 /* an index without vectors */
		{0x24, 2, 0, 0, 0},		 /* nothing */
		{0x21, 2, 1, 0, 0},		 /* all, from 1 */
		{0x25, 2, 0, 1, 0},		 /* two kinds of data */
		{0x34, 2, 0, 1, 1},		 /* two actions */
		{0x04, 2, 0, 1, 1},		 /* no action */
		{0x64, 2, 0, 1, 1},		 /* unknown bit */
		{0x09, 2, 0, 1, 0},		 /* masking is not offered */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(set_irqs(fx, bad[i].flags, bad[i].index, bad[i].start,
					  bad[i].count, e, bad[i].n_fds),
				 -EINVAL);
	/* all or nothing: the first is good, the second no eventfd */
	assert_int_equal(set_irqs(fx, 0x24, 2, 0, 2, mixed, 2), -EINVAL);
	assert_int_equal(atomic_load(&fx->ep->irqs_bound), 0);
	/* an index without vectors may be told to stop */
	assert_int_equal(set_irqs(fx, 0x21, 0, 0, 0, NULL, 0), 0);
	close(file);
	close(e[0]);
	close(e[1]);
}

static void interrupt_counts_are_told(void **state)
{
	struct fixture *fx = *state;

	for (uint32_t i = 0; i < 5; i++) {
		struct vfu_irq_info q = {.argsz = 16, .index = i};

		assert_int_equal(ask(fx, VFU_DEVICE_GET_IRQ_INFO, &q, sizeof(q)), 16);
		memcpy(&q, fx->body, sizeof(q));
		assert_int_equal(q.count, i == 2 ? EP_VECTORS : 0);
		assert_int_equal(q.flags & VFU_IRQ_F_NORESIZE, 0);
	}
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int map(struct fixture *fx, uint32_t flags, uint64_t offset, uint64_t iova, uint64_t size,
	       const int *fds, size_t n_fds)
{
	struct vfu_dma_map m = {32, flags, offset, iova, size};

	return ask_fds(fx, VFU_DMA_MAP, &m, sizeof(m), fds, n_fds);
}

static int unmap(struct fixture *fx, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct vfu_dma_unmap u = {24, flags, iova, size};

	return ask(fx, VFU_DMA_UNMAP, &u, sizeof(u));
}

static void windows_without_descriptor_are_accepted_and_not_reachable(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(map(fx, 3, 0, 0xfebe1000, 0x1000, NULL, 0), 0);
	assert_int_equal(map(fx, 1, 0, 0xfffc0000, 0x40000, NULL, 0), 0);
	assert_int_equal(atomic_load(&fx->ep->dma_regions), 2);
	assert_null(atomic_load(&fx->ep->dma_va));
	assert_int_equal(unmap(fx, 0, 0xfebe1000, 0x1000), 24);
	assert_int_equal(unmap(fx, 0, 0xfffc0000, 0x40000), 24);
}

static void table_is_sorted_exact_and_limited(void **state)
{
	struct fixture *fx = *state;
	const struct vfu_dma_region *t;
	unsigned int n;

	for (unsigned int i = 0; i < VFU_DMA_REGIONS_MAX; i++)
		assert_int_equal(map(fx, 3, 0, (uint64_t)((i * 37) % VFU_DMA_REGIONS_MAX) << 16,
				     0x1000, NULL, 0),
				 0);
	assert_int_equal(map(fx, 3, 0, UINT64_C(1) << 40, 0x1000, NULL, 0), -ENOSPC);
	t = vfu_server_dma(fx->ep->server, &n);
	assert_int_equal(n, VFU_DMA_REGIONS_MAX);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(t[i].iova, (uint64_t)i << 16);
	assert_int_equal(unmap(fx, 0, 0x10000, 0x2000), -ENOENT);
	assert_int_equal(unmap(fx, 0, 0x10800, 0x800), -ENOENT);
	assert_int_equal(unmap(fx, 2, 0x10000, 0x1000), -EINVAL);
	assert_int_equal(unmap(fx, 1, 0x10000, 0x1000), -EINVAL);
	assert_int_equal(unmap(fx, 0, 0x10000, 0x1000), 24);
	assert_int_equal(unmap(fx, 0, 0x10000, 0x1000), -ENOENT);
	assert_int_equal(atomic_load(&fx->ep->dma_regions), VFU_DMA_REGIONS_MAX - 1);
	assert_int_equal(unmap(fx, 2, 0, 0), 24);
	assert_int_equal(atomic_load(&fx->ep->dma_regions), 0);
	assert_int_equal(unmap(fx, 2, 0, 0), 24);
}

static void overlapping_maps_are_refused(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(map(fx, 3, 0, 0x10000, 0x4000, NULL, 0), 0);
	assert_int_equal(map(fx, 3, 0, 0x10000, 0x4000, NULL, 0), -EEXIST);
	assert_int_equal(map(fx, 3, 0, 0x13000, 0x1000, NULL, 0), -EEXIST);
	assert_int_equal(map(fx, 3, 0, 0xf000, 0x2000, NULL, 0), -EEXIST);
	assert_int_equal(map(fx, 3, 0, 0, 0x100000, NULL, 0), -EEXIST);
	assert_int_equal(map(fx, 3, 0, 0x14000, 0x1000, NULL, 0), 0);
	assert_int_equal(map(fx, 3, 0, 0xf000, 0x1000, NULL, 0), 0);
}

static void maps_that_make_no_sense_are_refused(void **state)
{
	struct fixture *fx = *state;
	_cleanup_(fd_closep) int good = -1;
	int two[2];

	assert_int_equal(memfd_new("m", 0x4000, false, &good), 0);
	two[0] = good;
	two[1] = good;
	assert_int_equal(map(fx, 3, 0, 0, 0, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, 0, 0x800, 0x1000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, 0, 0, 0x1001, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, 0, UINT64_MAX - 0xfff, 0x2000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, 1, 0, 0x1000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, UINT64_MAX - 0xfff, 0, 0x1000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 3, 0x3000, 0, 0x2000, &good, 1), -EINVAL); /* beyond its end */
	assert_int_equal(map(fx, 0, 0, 0, 0x1000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 0x13, 0, 0, 0x1000, &good, 1), -EINVAL);
	assert_int_equal(map(fx, 7, 0, 0, 0x1000, NULL, 0), -EINVAL); /* hints want a descriptor */
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, two, 2), -EINVAL);
	assert_int_equal(atomic_load(&fx->ep->dma_changes), 0);
	assert_int_equal(map(fx, 7, 0x3000, 0, 0x1000, &good, 1), 0);
}

static void memory_that_can_shrink_is_refused(void **state)
{
	struct fixture *fx = *state;
	_cleanup_(fd_closep) int plain = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_(fd_closep) int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	assert_int_equal(ftruncate(plain, 0x1000), 0);
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, &plain, 1), -EPERM);
	assert_true(map(fx, 3, 0, 0, 0x1000, &zero, 1) < 0);
	assert_int_equal(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, &plain, 1), 0);
}

static void memory_is_let_go_before_it_is_unmapped(void **state)
{
	struct fixture *fx = *state;
	_cleanup_(fd_closep) int fd = -1;
	uint8_t *va;

	assert_int_equal(memfd_new("m", 0x1000, false, &fd), 0);
	va = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(va != MAP_FAILED);
	va[0] = 0x31;
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, &fd, 1), 0);
	va[0] = 0x32;
	assert_int_equal(unmap(fx, 0, 0, 0x1000), 24);
	assert_int_equal(atomic_load(&fx->ep->dma_seen), 0x32);
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, &fd, 1), 0);
	va[0] = 0x33;
	close(fx->fd);
	fx->fd = -1;
	assert_true(ep_reaches(&fx->ep->clients_went, 1));
	assert_int_equal(atomic_load(&fx->ep->dma_seen), 0x33);
	munmap(va, 0x1000);
}

static void descriptors_nobody_wants_are_closed(void **state)
{
	struct fixture *fx = *state;
	unsigned int before = count_fds();
	int fds[16];
	struct vfu_dma_unmap u = {.argsz = 24, .flags = VFU_UNMAP_F_ALL};

	for (unsigned int i = 0; i < 16; i++)
		fds[i] = fx->ep->stop_fd;
	for (unsigned int i = 0; i < 20; i++) {
		/* one client sends a descriptor with UNMAP */
		assert_int_equal(ask_fds(fx, VFU_DMA_UNMAP, &u, sizeof(u), fds, 1), 24);
		assert_int_equal(ask_fds(fx, VFU_DEVICE_RESET, NULL, 0, fds, 16), 0);
		assert_int_equal(ask_fds(fx, 99, NULL, 0, fds, 16), -ENOTSUP);
		assert_int_equal(map(fx, 3, 0, 0, 0x1000, fds, 16), -EINVAL);
	}
	assert_int_equal(count_fds(), before);
}

static void more_descriptors_than_fit_are_refused_and_closed(void **state)
{
	struct fixture *fx = *state;
	unsigned int before = count_fds();
	struct vfu_hdr h = {1, VFU_DEVICE_RESET, 16, 0, 0};
	struct iovec iov = {&h, sizeof(h)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(200 * sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(200 * sizeof(int));
	for (unsigned int i = 0; i < 200; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fx->ep->stop_fd, sizeof(int));
	assert_int_equal(sendmsg(fx->fd, &msg, 0), 16);
	assert_int_equal(recv_reply(fx), -EINVAL);
	assert_int_equal(atomic_load(&fx->ep->resets), 0);
	assert_int_equal(count_fds(), before);
	assert_true(alive(fx));
}

/* ---- connections ----------------------------------------------------------------------------- */

static void second_connection_is_closed_at_once(void **state)
{
	struct fixture *fx = *state;
	int second = dial(fx->ep->path);
	char c;

	assert_int_equal(read(second, &c, 1), 0);
	close(second);
	assert_true(alive(fx));
}

static void socket_is_private_replaces_a_stale_one_and_is_removed(void **state)
{
	char dir[] = "/tmp/vfu-test-XXXXXX", path[64];
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct endpoint *ep;
	struct stat st;
	int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fn.sock", dir);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(stale, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(stale);
	ep = ep_start(dir, "fn");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(dial(path));
	ep_stop(ep);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(rmdir(dir), 0);
}

static void file_in_the_way_is_not_removed(void **state)
{
	struct fixture *fx = *state;
	struct vfu_server_config config;
	struct vfu_server *s = NULL;
	sd_event *event = NULL;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", fx->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	ep_config_of(fx->ep, &config);
	config.path = path;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(vfu_server_new(event, &config, &s), -EADDRINUSE);
	assert_null(s);
	assert_int_equal(unlink(path), 0);
	sd_event_unref(event);
}

static void server_freed_under_a_client_lets_go_of_everything(void **state)
{
	unsigned int before = count_fds();
	void *inner = NULL;
	struct fixture *fx;
	_cleanup_(fd_closep) int fd = -1;
	int e = eventfd(0, EFD_CLOEXEC);

	assert_int_equal(memfd_new("m", 0x1000, false, &fd), 0);
	setup_negotiated(&inner);
	fx = inner;
	assert_int_equal(map(fx, 3, 0, 0, 0x1000, &fd, 1), 0);
	assert_int_equal(set_irqs(fx, 0x24, 2, 0, 1, &e, 1), 0);
	teardown(&inner);
	close(e);
	assert_int_equal(count_fds(), before + 1);
}

int main(void)
{
#define FRESH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define READY(t) cmocka_unit_test_setup_teardown(t, setup_negotiated, teardown)
	const struct CMUnitTest tests[] = {
		FRESH(version_reply_is_short_enough_for_qemu_and_has_minor_zero),
		FRESH(version_without_json_is_enough),
		FRESH(version_that_makes_no_sense_is_refused_and_cut),
		FRESH(version_longer_than_any_capabilities_is_refused),
		FRESH(anything_before_version_is_refused_and_cut),
		FRESH(version_with_a_descriptor_is_refused_and_cut),
		READY(second_version_is_refused_but_not_cut),
		READY(absurd_size_is_refused_and_cut),
		READY(size_below_the_header_is_refused_and_cut),
		READY(reply_to_nothing_is_cut),
		READY(reserved_flags_are_refused_but_not_cut),
		READY(message_in_single_bytes_is_put_together),
		READY(pipelined_messages_are_answered_in_order),
		READY(client_that_stops_within_a_message_is_cut_and_another_served),
		READY(client_that_does_not_read_is_cut_in_the_end),
		READY(long_reply_leaves_in_pieces),
		READY(no_reply_is_honoured),
		READY(unknown_commands_are_not_supported),
		READY(short_bodies_are_refused_but_not_cut),
		READY(device_has_nine_regions_and_five_interrupts),
		READY(every_region_answers_and_the_tenth_does_not),
		READY(region_info_without_room_is_cut_short_and_whole_on_retry),
		READY(bytes_after_a_request_are_ignored),
		READY(reads_outside_find_all_ones_and_writes_are_ignored),
		READY(write_of_another_length_than_told_is_refused),
		READY(whole_configuration_space_is_read_in_one_go),
		READY(eventfds_are_bound_signalled_and_released),
		READY(full_eventfd_does_not_block_the_server),
		READY(interrupt_requests_that_make_no_sense_are_refused),
		READY(interrupt_counts_are_told),
		READY(windows_without_descriptor_are_accepted_and_not_reachable),
		READY(table_is_sorted_exact_and_limited),
		READY(overlapping_maps_are_refused),
		READY(maps_that_make_no_sense_are_refused),
		READY(memory_that_can_shrink_is_refused),
		READY(memory_is_let_go_before_it_is_unmapped),
		READY(descriptors_nobody_wants_are_closed),
		READY(more_descriptors_than_fit_are_refused_and_closed),
		READY(second_connection_is_closed_at_once),
		cmocka_unit_test(socket_is_private_replaces_a_stale_one_and_is_removed),
		FRESH(file_in_the_way_is_not_removed),
		cmocka_unit_test(server_freed_under_a_client_lets_go_of_everything),
	};

	return cmocka_run_group_tests_name("soft_nic_vfu_server", tests, NULL, NULL);
}

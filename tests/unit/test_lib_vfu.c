/* SPDX-License-Identifier: BSD-3-Clause */
/* The vfio-user client: against the real server in a thread, and against servers that misbehave. */
#include <support/vfu_endpoint.h>
#include <support/vfu_script.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/un.h>
#include <lib/pcif.h>

struct fixture {
	char dir[32];
	struct endpoint *ep;
	struct pcif *f;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	strcpy(fx->dir, "/tmp/vfu-test-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->ep = ep_start(fx->dir, "fn");
	assert_int_equal(pcif_open_vfu_path(fx->ep->path, 0, &fx->f), 0);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	pcif_close(fx->f);
	if (fx->ep)
		ep_stop(fx->ep);
	rmdir(fx->dir);
	free(fx);
	return 0;
}

static void opening_learns_regions_and_interrupts(void **state)
{
	struct fixture *fx = *state;
	const struct pcif_region *r = pcif_region(fx->f, 0);

	assert_int_equal(r->size, EP_BAR0_SIZE);
	assert_true(r->readable && r->writable);
	assert_int_equal(r->n_areas, 1);
	assert_int_equal(r->area[0].offset, EP_AREA);
	assert_int_equal(r->area[0].size, 0x2000);
	assert_int_equal(pcif_region(fx->f, 1)->size, 0);
	assert_int_equal(pcif_region(fx->f, 3)->n_areas, 0);
	assert_int_equal(pcif_region(fx->f, PCIF_REGION_CONFIG)->size, 4096);
	assert_null(pcif_region(fx->f, PCIF_REGIONS));
	assert_int_equal(pcif_irq_count(fx->f, PCIF_IRQ_MSIX), EP_VECTORS);
	assert_int_equal(pcif_irq_count(fx->f, PCIF_IRQ_INTX), 0);
	assert_false(pcif_lost(fx->f));
	assert_true(ep_reaches(&fx->ep->clients_came, 1));
}

static void accesses_reach_the_function_and_are_counted(void **state)
{
	struct fixture *fx = *state;
	struct pcif_counters c;
	uint32_t v = 0;

	assert_int_equal(pcif_write32(fx->f, 0, 0x18, 0x11223344), 0);
	assert_int_equal(pcif_read32(fx->f, 0, 0x18, &v), 0);
	assert_int_equal(v, 0x11223344);
	assert_int_equal(fx->ep->bar0[0x18], 0x44);
	assert_int_equal(pcif_config_write(fx->f, 4, "\x06", 1), 0);
	assert_int_equal(pcif_config_read(fx->f, 4, &v, 4), 0);
	assert_int_equal(v, 6);
	pcif_counters(fx->f, &c);
	assert_int_equal(c.region_reads, 1);
	assert_int_equal(c.region_writes, 1);
	assert_int_equal(c.config_accesses, 2);
	assert_int_equal(vfu_server_messages(fx->ep->server), 4);
}

static void accesses_outside_a_region_do_not_leave(void **state)
{
	struct fixture *fx = *state;
	uint32_t v = 7;

	assert_int_equal(pcif_read32(fx->f, 0, EP_BAR0_SIZE, &v), -EINVAL);
	assert_int_equal(pcif_read32(fx->f, 0, 2, &v), -EINVAL);
	assert_int_equal(pcif_read32(fx->f, 1, 0, &v), -EINVAL);
	assert_int_equal(pcif_read32(fx->f, 99, 0, &v), -EINVAL);
	assert_int_equal(pcif_config_read(fx->f, 4094, &v, 4), -EINVAL);
	assert_int_equal(pcif_region_read(fx->f, 0, UINT64_MAX, &v, 4), -EINVAL);
	assert_int_equal(v, 7);
	assert_int_equal(vfu_server_messages(fx->ep->server), 0);
	assert_false(pcif_lost(fx->f));
}

static void long_access_is_split_and_whole_again(void **state)
{
	struct fixture *fx = *state;
	uint8_t *a = malloc(EP_BAR3_SIZE), *b = malloc(EP_BAR3_SIZE);

	assert_non_null(a);
	assert_non_null(b);
	for (size_t i = 0; i < EP_BAR3_SIZE; i++)
		a[i] = (uint8_t)(i * 31 + (i >> 12));
	assert_int_equal(pcif_region_write(fx->f, 3, 0, a, EP_BAR3_SIZE), 0);
	assert_int_equal(pcif_region_read(fx->f, 3, 0, b, EP_BAR3_SIZE), 0);
	assert_memory_equal(a, b, EP_BAR3_SIZE);
	assert_true(vfu_server_messages(fx->ep->server) > 2);
	free(a);
	free(b);
}

static void shared_area_is_one_memory_and_needs_no_message(void **state)
{
	struct fixture *fx = *state;
	void *va, *again;

	assert_int_equal(pcif_region_mmap(fx->f, 0, 0, &va), 0);
	assert_int_equal(pcif_region_mmap(fx->f, 0, 0, &again), 0);
	assert_ptr_equal(va, again);
	*(volatile uint32_t *)va = 0xcafe;
	assert_int_equal(*(volatile uint32_t *)(fx->ep->bar0 + EP_AREA), 0xcafe);
	assert_int_equal(vfu_server_messages(fx->ep->server), 0);
	assert_int_equal(pcif_region_mmap(fx->f, 0, 1, &va), -EINVAL);
	assert_int_equal(pcif_region_mmap(fx->f, 3, 0, &va), -EINVAL);
}

static void eventfds_are_bound_in_runs_and_chunks(void **state)
{
	struct fixture *fx = *state;
	int fds[EP_VECTORS], holes[EP_VECTORS];
	uint64_t v;

	for (unsigned int i = 0; i < EP_VECTORS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(fds[i] >= 0);
		holes[i] = i % 3 ? fds[i] : -1;
	}
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, EP_VECTORS, fds), 0);
	assert_true(ep_reaches(&fx->ep->irqs_bound, EP_VECTORS));
	v = 3;
	assert_int_equal(write(vfu_server_irq(fx->ep->server, 17), &v, 8), 8);
	assert_int_equal(read(fds[17], &v, 8), 8);
	assert_int_equal(v, 3);

	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, EP_VECTORS, holes), 0);
	for (unsigned int i = 0; i < EP_VECTORS; i++)
		assert_int_equal(vfu_server_irq(fx->ep->server, i) >= 0, i % 3 != 0);

	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, 0, NULL), 0);
	for (unsigned int i = 0; i < EP_VECTORS; i++)
		assert_int_equal(vfu_server_irq(fx->ep->server, i), -1);
	/* nothing to disable is no reason to ask */
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_INTX, 0, 0, NULL), 0);
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 5, EP_VECTORS - 4, fds), -EINVAL);
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_INTX, 0, 1, fds), -EINVAL);
	for (unsigned int i = 0; i < EP_VECTORS; i++)
		close(fds[i]);
}

static void descriptor_that_is_no_eventfd_is_refused_and_costs_nothing(void **state)
{
	struct fixture *fx = *state;
	int fd = fx->ep->mmap_fd, bad = 4095;

	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, 1, &fd), -EINVAL);
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, 1, &bad), -EBADF);
	assert_false(pcif_lost(fx->f));
	assert_int_equal(pcif_reset(fx->f), 0);
}

static void dma_memory_is_reachable_until_it_is_unmapped(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *a = NULL;
	_cleanup_(dma_mem_freep) struct dma_mem *b = NULL;
	struct fixture *fx = *state;

	assert_int_equal(dma_mem_new("a", 65536, false, (iova_t){0x100000}, &a), 0);
	assert_int_equal(dma_mem_new("b", 8192, false, (iova_t){0x10f000}, &b), 0);
	*(uint8_t *)a->va = 0x77;
	assert_int_equal(pcif_dma_map(fx->f, a), 0);
	assert_true(ep_reaches(&fx->ep->dma_regions, 1));
	assert_int_equal(*atomic_load(&fx->ep->dma_va), 0x77);
	assert_int_equal(pcif_dma_map(fx->f, b), -EEXIST);
	assert_int_equal(pcif_dma_unmap(fx->f, b), -ENOENT);
	/* the function still saw the old memory while it was told to let go */
	assert_int_equal(pcif_dma_unmap(fx->f, a), 0);
	assert_int_equal(atomic_load(&fx->ep->dma_seen), 0x77);
	assert_int_equal(atomic_load(&fx->ep->dma_regions), 0);
	assert_int_equal(pcif_dma_map(fx->f, b), 0);
	assert_false(pcif_lost(fx->f));
}

static void reset_reaches_the_function_and_keeps_memory_and_interrupts(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *a = NULL;
	struct fixture *fx = *state;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(dma_mem_new("a", 4096, false, (iova_t){0}, &a), 0);
	assert_int_equal(pcif_dma_map(fx->f, a), 0);
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 2, 1, &fd), 0);
	assert_int_equal(pcif_reset(fx->f), 0);
	assert_int_equal(atomic_load(&fx->ep->resets), 1);
	assert_int_equal(atomic_load(&fx->ep->dma_regions), 1);
	assert_true(vfu_server_irq(fx->ep->server, 2) >= 0);
	close(fd);
}

static void second_client_hears_busy_and_the_first_goes_on(void **state)
{
	struct fixture *fx = *state;
	struct pcif *second = NULL;

	assert_int_equal(pcif_open_vfu_path(fx->ep->path, 0, &second), -EAGAIN);
	assert_null(second);
	assert_int_equal(pcif_reset(fx->f), 0);
}

static void client_that_leaves_takes_its_memory_and_interrupts_along(void **state)
{
	_cleanup_(dma_mem_freep) struct dma_mem *a = NULL;
	struct fixture *fx = *state;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(dma_mem_new("a", 4096, false, (iova_t){0}, &a), 0);
	assert_int_equal(pcif_dma_map(fx->f, a), 0);
	assert_int_equal(pcif_irq_set(fx->f, PCIF_IRQ_MSIX, 0, 1, &fd), 0);
	pcif_close(fx->f);
	fx->f = NULL;
	assert_true(ep_reaches(&fx->ep->clients_went, 1));
	assert_int_equal(atomic_load(&fx->ep->dma_regions), 0);
	assert_int_equal(atomic_load(&fx->ep->irqs_unbound), 1);
	assert_int_equal(vfu_server_irq(fx->ep->server, 0), -1);
	close(fd);
}

static void next_client_finds_the_function_free_at_once(void **state)
{
	struct fixture *fx = *state;

	for (unsigned int i = 0; i < 100; i++) {
		pcif_close(fx->f);
		fx->f = NULL;
		assert_int_equal(pcif_open_vfu_path(fx->ep->path, 0, &fx->f), 0);
	}
	assert_true(ep_reaches(&fx->ep->clients_went, 100));
}

static void opening_and_closing_leaks_no_descriptor(void **state)
{
	struct fixture *fx = *state;
	unsigned int before = count_fds();
	void *va;

	for (unsigned int i = 0; i < 10; i++) {
		pcif_close(fx->f);
		fx->f = NULL;
		assert_int_equal(pcif_open_vfu_path(fx->ep->path, 0, &fx->f), 0);
		assert_int_equal(pcif_region_mmap(fx->f, 0, 0, &va), 0);
	}
	assert_int_equal(count_fds(), before);
}

static void blocking_socket_works_as_well(void **state)
{
	struct fixture *fx = *state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint32_t v;

	pcif_close(fx->f);
	fx->f = NULL;
	memcpy(sa.sun_path, fx->ep->path, strlen(fx->ep->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(pcif_open_vfu(fd, 0, &fx->f), 0);
	assert_int_equal(pcif_read32(fx->f, 0, 0, &v), 0);
}

static void dead_server_is_noticed_by_poll_and_by_every_call(void **state)
{
	struct fixture *fx = *state;
	struct pollfd p = {.fd = pcif_fd(fx->f), .events = POLLRDHUP};
	uint32_t v = 9;

	ep_stop(fx->ep);
	fx->ep = NULL;
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_true(p.revents & POLLRDHUP);
	assert_true(pcif_lost(fx->f));
	assert_int_equal(pcif_read32(fx->f, 0, 0, &v), -ENODEV);
	assert_int_equal(pcif_reset(fx->f), -ENODEV);
	assert_int_equal(v, 9);
}

static void path_without_a_server_is_refused_by_name(void **state)
{
	struct pcif *f = NULL;

	assert_int_equal(pcif_open_vfu_path("/tmp/no-such-vfu-socket", 0, &f), -ENOENT);
	assert_null(f);
}

/* ---- servers that misbehave ------------------------------------------------------------------ */

/* @ret_peer stays open when opening succeeds, so that later requests have somewhere to go. */
static int open_scripted(const struct script *s, int *ret_peer, struct pcif **ret_f)
{
	_cleanup_(fd_closep) int mem = -1;
	int sv[2], r;

	assert_int_equal(memfd_new("bar0", 0x4000, false, &mem), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(script_play(s, sv[1], mem), 0);
	shutdown(sv[1], SHUT_WR);
	*ret_f = NULL;
	r = pcif_open_vfu(sv[0], 200000, ret_f);
	*ret_peer = r < 0 ? fd_close(sv[1]) : sv[1];
	return r;
}

static void expect_refused(const struct script *s)
{
	unsigned int before = count_fds();
	struct pcif *f;
	int peer;

	assert_int_equal(open_scripted(s, &peer, &f), -EPROTO);
	assert_null(f);
	assert_int_equal(count_fds(), before);
}

static void well_made_replies_are_accepted(void **state)
{
	struct script s;
	struct pcif *f;
	int peer;

	script_open(&s);
	assert_int_equal(open_scripted(&s, &peer, &f), 0);
	assert_int_equal(pcif_region(f, 0)->n_areas, 1);
	assert_int_equal(pcif_irq_count(f, PCIF_IRQ_MSIX), 3);
	pcif_close(f);
	close(peer);
}

static void wrong_header_loses_the_function(void **state)
{
	struct script s;

	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.msg_id++;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.cmd = VFU_DEVICE_GET_IRQ_INFO;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.flags = VFU_F_TYPE_COMMAND;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.flags |= 0x100;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.msg_size = 15;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.msg_size = UINT32_MAX;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_INFO].hdr.flags |= VFU_F_ERROR; /* with a body */
	expect_refused(&s);
}

static void short_bodies_lose_the_function(void **state)
{
	for (unsigned int i = 0; i < SCRIPT_OPENED; i++) {
		struct script s;

		script_open(&s);
		/* the version text may end anywhere but must end with a NUL */
		s.reply[i].hdr.msg_size -= 1;
		expect_refused(&s);
	}
}

static void descriptors_nobody_asked_for_lose_the_function(void **state)
{
	struct script s;

	script_open(&s);
	s.reply[SCRIPT_INFO].n_fds = 1;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_REGION].n_fds = 2;
	expect_refused(&s);
	script_open(&s);
	s.reply[SCRIPT_IRQ + 1].n_fds = 3;
	expect_refused(&s);
}

static void mappable_flag_without_descriptor_means_nothing(void **state)
{
	struct script s;
	struct pcif *f;
	int peer;

	script_open(&s);
	s.reply[SCRIPT_REGION].n_fds = 0;
	assert_int_equal(open_scripted(&s, &peer, &f), 0);
	assert_int_equal(pcif_region(f, 0)->n_areas, 0);
	pcif_close(f);
	close(peer);
}

static void put32(struct script *s, unsigned int reply, size_t at, uint32_t v)
{
	memcpy(s->reply[reply].body + at, &v, sizeof(v));
}

static void impossible_regions_lose_the_function(void **state)
{
	static const struct {
		unsigned int reply;
		size_t at;
		uint32_t value;
	} bad[] = {
		{SCRIPT_VERSION, 0, 1},		      /* major 1 */
		{SCRIPT_VERSION, 0, 1 << 16},	      /* minor above ours */
		{SCRIPT_INFO, 4, VFU_DEVICE_F_RESET}, /* not PCI */
		{SCRIPT_INFO, 8, 7},		      /* no configuration space */
		{SCRIPT_INFO, 8, 101},
		{SCRIPT_INFO, 12, 51},
		{SCRIPT_REGION, 0, 31},		 /* argsz */
		{SCRIPT_REGION, 8, 1},		 /* another region */
		{SCRIPT_REGION, 12, 31},	 /* capability inside the fixed part */
		{SCRIPT_REGION, 12, UINT32_MAX}, /* far outside */
		{SCRIPT_REGION, 12, 60},	 /* cut off */
		{SCRIPT_REGION, 16, 0x3000},	 /* BAR size no power of two, area outside */
		{SCRIPT_REGION, 36, 32},	 /* capability chain loops */
		{SCRIPT_REGION, 40, 2},		 /* more areas than bytes */
		{SCRIPT_REGION, 40, UINT32_MAX},
		{SCRIPT_REGION, 48, 0x2001}, /* area not on a page */
		{SCRIPT_REGION, 48, 0x4000}, /* behind the region */
		{SCRIPT_REGION, 56, 0x3000}, /* longer than the region */
		{SCRIPT_REGION, 56, 0},
		{SCRIPT_REGION + 7, 16, 0}, /* configuration space */
		{SCRIPT_REGION + 7, 16, 8192},
		{SCRIPT_IRQ + 2, 8, 1},
		{SCRIPT_IRQ + 2, 12, 2049},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct script s;

		script_open(&s);
		put32(&s, bad[i].reply, bad[i].at, bad[i].value);
		expect_refused(&s);
	}
}

static void file_shorter_than_its_area_is_not_mapped(void **state)
{
	struct script s;
	struct pcif *f;
	int peer;
	void *va = NULL;

	script_open(&s);
	put32(&s, SCRIPT_REGION, 24, 0x2000); /* offset of the region in the file */
	assert_int_equal(open_scripted(&s, &peer, &f), 0);
	assert_int_equal(pcif_region_mmap(f, 0, 0, &va), -EPROTO);
	assert_null(va);
	assert_true(pcif_lost(f));
	pcif_close(f);
	close(peer);
}

static void refusal_is_passed_on_and_the_function_lives(void **state)
{
	const struct vfu_region_access good = {.offset = 0x20, .region = 0, .count = 4};
	struct script s;
	struct pcif *f;
	int peer;
	struct script_reply *r;
	uint32_t v = 0;

	script_open(&s);
	r = script_add(&s, VFU_DEVICE_RESET, NULL, 0);
	r->hdr.flags |= VFU_F_ERROR;
	r->hdr.error = EBUSY;
	r = script_add(&s, VFU_DEVICE_RESET, NULL, 0);
	r->hdr.flags |= VFU_F_ERROR;
	r->hdr.error = 1000000;
	r = script_add(&s, VFU_REGION_READ, &good, sizeof(good));
	r->hdr.msg_size += 4;
	r->body[16] = 0x5a;
	assert_int_equal(open_scripted(&s, &peer, &f), 0);
	assert_int_equal(pcif_reset(f), -EBUSY);
	assert_int_equal(pcif_reset(f), -EINVAL);
	assert_int_equal(pcif_read32(f, 0, 0x20, &v), 0);
	assert_int_equal(v, 0x5a);
	/* and here the script has hung up */
	assert_int_equal(pcif_reset(f), -ENODEV);
	pcif_close(f);
	close(peer);
}

static void read_reply_of_another_place_or_length_loses_the_function(void **state)
{
	const struct vfu_region_access bad[] = {
		{.offset = 0x24, .region = 0, .count = 4},
		{.offset = 0x20, .region = 3, .count = 4},
		{.offset = 0x20, .region = 0, .count = 3},
	};

	for (unsigned int i = 0; i < 4; i++) {
		const struct vfu_region_access right = {.offset = 0x20, .region = 0, .count = 4};
		struct script s;
		struct pcif *f;
		int peer;
		uint32_t v = 1;

		script_open(&s);
		script_add(&s, VFU_REGION_READ, i < 3 ? &bad[i] : &right, sizeof(right))
			->hdr.msg_size += i < 3 ? 4 : 3;
		assert_int_equal(open_scripted(&s, &peer, &f), 0);
		assert_int_equal(pcif_read32(f, 0, 0x20, &v), -EPROTO);
		assert_int_equal(v, 1);
		assert_int_equal(pcif_read32(f, 0, 0x20, &v), -ENODEV);
		pcif_close(f);
		close(peer);
	}
}

static void silent_server_is_given_up_at_the_deadline(void **state)
{
	uint64_t start = clock_us();
	struct pcif *f = NULL;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pcif_open_vfu(sv[0], 100000, &f), -ETIMEDOUT);
	assert_true(clock_us() - start >= 100000);
	assert_true(clock_us() - start < 2000000);
	assert_null(f);
	close(sv[1]);
}

static void server_that_falls_silent_loses_the_function(void **state)
{
	struct pcif *f = NULL;
	struct script s;
	int sv[2], mem;
	uint32_t v;

	script_open(&s);
	assert_int_equal(memfd_new("bar0", 0x4000, false, &mem), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(script_play(&s, sv[1], mem), 0);
	/* then the header of a reply, and never its body */
	script_add(&s, VFU_REGION_READ, NULL, 0)->hdr.msg_size = 36;
	assert_int_equal(write(sv[1], &s.reply[SCRIPT_OPENED].hdr, 16), 16);
	assert_int_equal(pcif_open_vfu(sv[0], 100000, &f), 0);
	assert_int_equal(pcif_read32(f, 0, 0, &v), -ETIMEDOUT);
	assert_int_equal(pcif_read32(f, 0, 0, &v), -ENODEV);
	assert_true(pcif_lost(f));
	pcif_close(f);
	close(sv[1]);
	close(mem);
}

static void server_that_does_not_read_is_given_up_at_the_deadline(void **state)
{
	uint8_t *buf = calloc(1, 0x4000);
	struct pcif *f = NULL;
	struct script s;
	int sv[2], mem, r = 0;

	script_open(&s);
	assert_non_null(buf);
	assert_int_equal(memfd_new("bar0", 0x4000, false, &mem), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(script_play(&s, sv[1], mem), 0);
	assert_int_equal(pcif_open_vfu(sv[0], 100000, &f), 0);
	/* fill the socket by hand, then ask for something */
	while (r >= 0)
		r = (int)send(sv[0], buf, 0x4000, MSG_DONTWAIT);
	assert_int_equal(pcif_reset(f), -ETIMEDOUT);
	assert_int_equal(pcif_reset(f), -ENODEV);
	pcif_close(f);
	close(sv[1]);
	close(mem);
	free(buf);
}

int main(void)
{
#define LIVE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		LIVE(opening_learns_regions_and_interrupts),
		LIVE(accesses_reach_the_function_and_are_counted),
		LIVE(accesses_outside_a_region_do_not_leave),
		LIVE(long_access_is_split_and_whole_again),
		LIVE(shared_area_is_one_memory_and_needs_no_message),
		LIVE(eventfds_are_bound_in_runs_and_chunks),
		LIVE(descriptor_that_is_no_eventfd_is_refused_and_costs_nothing),
		LIVE(dma_memory_is_reachable_until_it_is_unmapped),
		LIVE(reset_reaches_the_function_and_keeps_memory_and_interrupts),
		LIVE(second_client_hears_busy_and_the_first_goes_on),
		LIVE(client_that_leaves_takes_its_memory_and_interrupts_along),
		LIVE(next_client_finds_the_function_free_at_once),
		LIVE(opening_and_closing_leaks_no_descriptor),
		LIVE(blocking_socket_works_as_well),
		LIVE(dead_server_is_noticed_by_poll_and_by_every_call),
		cmocka_unit_test(path_without_a_server_is_refused_by_name),
		cmocka_unit_test(well_made_replies_are_accepted),
		cmocka_unit_test(wrong_header_loses_the_function),
		cmocka_unit_test(short_bodies_lose_the_function),
		cmocka_unit_test(descriptors_nobody_asked_for_lose_the_function),
		cmocka_unit_test(mappable_flag_without_descriptor_means_nothing),
		cmocka_unit_test(impossible_regions_lose_the_function),
		cmocka_unit_test(file_shorter_than_its_area_is_not_mapped),
		cmocka_unit_test(refusal_is_passed_on_and_the_function_lives),
		cmocka_unit_test(read_reply_of_another_place_or_length_loses_the_function),
		cmocka_unit_test(silent_server_is_given_up_at_the_deadline),
		cmocka_unit_test(server_that_falls_silent_loses_the_function),
		cmocka_unit_test(server_that_does_not_read_is_given_up_at_the_deadline),
	};

	return cmocka_run_group_tests_name("lib_vfu", tests, NULL, NULL);
}

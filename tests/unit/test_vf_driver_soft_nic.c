/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VF driver in its user-space home against the real thing: a soft-nic process, a sriov-pf
 * process that owns its PF, two VFs that send each other frames of all sizes. Paths come in the
 * environment.
 */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vfdrv/vfdrv_pcif.h>

#define FRAMES	   100000u
#define FRAMES_FEW 300u
#define BYTES_MIN  60u
#define BYTES_MAX  1514u
#define HEADER	   22u /* addresses, type, number */
#define TYPE	   0x88b5u
#define BURST	   32u
#define CREDIT	   128u
#define QUIET_US   (5 * USEC_PER_SEC)
#define CALL_US	   (5 * USEC_PER_SEC)

static struct {
	char dir[64];
	pid_t nic, pf;
} rig;

struct vf {
	struct pcif *f;
	struct vfdrv_pcif *home;
	struct vfdrv *v;
};

struct flow {
	struct vf *from, *to;
	uint64_t sent, received, bytes;
};

static void path_of(char *ret, size_t size, const char *name)
{
	snprintf(ret, size, "%s/%s", rig.dir, name);
}

static pid_t spawn(const char *exe, const char *sock, bool dir)
{
	char path[128], fd_text[16];
	const char *threads = getenv("THREADS");
	const char *argv[] = {exe,
			      "--name",
			      "p0",
			      "--control-fd",
			      fd_text,
			      dir ? "--dir" : NULL,
			      rig.dir,
			      "--threads",
			      threads ? threads : "1",
			      NULL};
	int fd, moved;
	pid_t pid;

	path_of(path, sizeof(path), sock);
	assert_int_equal(ctl_listen(path, &fd), 0);
	moved = fcntl(fd, F_DUPFD, 10);
	fd_close(fd);
	snprintf(fd_text, sizeof(fd_text), "%d", moved);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(exe, (char *const *)argv);
		_exit(127);
	}
	fd_close(moved);
	return pid;
}

/* A child needs a moment until its sockets are there. */
static struct pcif *function_open(const char *name)
{
	uint64_t until = clock_us() + CALL_US;
	struct pcif *f = NULL;
	char path[128];
	int r;

	path_of(path, sizeof(path), name);
	do {
		r = pcif_open_vfu_path(path, 0, &f);
		if (r < 0)
			clock_sleep_us(5000);
	} while (r < 0 && clock_us() < until);
	assert_int_equal(r, 0);
	return f;
}

static void pf_call(const char *method, json_t *params, const int *fds, size_t n_fds)
{
	char path[128], err[256] = "";
	int r;

	path_of(path, sizeof(path), "pf.ctl");
	r = ctl_call_path(path, method, params, fds, n_fds, CALL_US, NULL, err, sizeof(err));
	if (r < 0)
		print_message("# %s: %s\n", method, err);
	assert_int_equal(r, 0);
}

static int dial(const char *name)
{
	uint64_t until = clock_us() + CALL_US;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	assert_true(fd >= 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", rig.dir, name);
	do {
		r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
		if (r < 0)
			clock_sleep_us(5000);
	} while (r < 0 && clock_us() < until);
	assert_int_equal(r, 0);
	return fd;
}

static int group_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(rig.dir, sizeof(rig.dir), "%s/vfdrv-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(rig.dir));
	rig.nic = spawn(getenv("SOFT_NIC"), "nic.ctl", true);
	rig.pf = spawn(getenv("SRIOV_PF"), "pf.ctl", false);
	fd = dial("pf.sock");
	pf_call("pf.open", NULL, &fd, 1);
	fd_close(fd);
	pf_call("pf.set_vfs", json_pack("{s:i}", "num_vfs", 3), NULL, 0);
	pf_call("vf.set", json_pack("{s:i,s:s}", "vf", 0, "mac", "02:00:00:00:00:a0"), NULL, 0);
	return 0;
}

static int group_teardown(void **state)
{
	static const char *const left[] = {"nic.ctl",  "pf.ctl",   "pf.sock",
					   "vf0.sock", "vf1.sock", "vf2.sock"};
	char path[128];

	if (rig.pf > 0) {
		kill(rig.pf, SIGTERM);
		waitpid(rig.pf, NULL, 0);
	}
	if (rig.nic > 0) {
		kill(rig.nic, SIGTERM);
		waitpid(rig.nic, NULL, 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(left); i++) {
		path_of(path, sizeof(path), left[i]);
		unlink(path);
	}
	rmdir(rig.dir);
	return 0;
}

static void vf_up(struct vf *vf)
{
	uint64_t until = clock_us() + CALL_US;
	bool up = false;

	assert_int_equal(vfdrv_start(vf->v), 0);
	while (!up && clock_us() < until)
		assert_int_equal(vfdrv_link(vf->v, &up), 0);
	assert_true(up);
}

static void vf_open(struct vf *vf, unsigned int i, bool no_mmap)
{
	const uint8_t own[6] = {2, 0, 0, 0, 1, (uint8_t)(0xb0 + i)};
	struct vfdrv_pcif_config config = {.no_mmap = no_mmap};
	char name[16];

	snprintf(name, sizeof(name), "vf%u.sock", i);
	vf->f = function_open(name);
	assert_int_equal(vfdrv_pcif_open(vf->f, &config, &vf->home), 0);
	vf->v = vfdrv_pcif_core(vf->home);
	assert_int_equal(vf->v->has_mac, i == 0);
	if (!vf->v->has_mac)
		assert_int_equal(vfdrv_set_mac(vf->v, own), 0);
	vf_up(vf);
}

static void vf_close(struct vf *vf)
{
	vfdrv_pcif_close(vf->home);
	pcif_close(vf->f);
}

static uint16_t size_of(uint64_t number)
{
	return (uint16_t)(BYTES_MIN + number * 7919 % (BYTES_MAX - BYTES_MIN + 1));
}

static uint8_t byte_of(uint64_t number, unsigned int at)
{
	return (uint8_t)(number * 31 + at);
}

static void frame_make(const struct flow *w, struct vfdrv_pkt *pkt, uint64_t number)
{
	uint8_t *f = vfdrv_pool_get(&w->from->v->pool);

	if (!f) {
		fail_msg("the pool is dry");
		return;
	}
	pkt->data = f;
	pkt->len = size_of(number);
	memcpy(f, w->to->v->mac, 6);
	memcpy(f + 6, w->from->v->mac, 6);
	f[12] = TYPE >> 8;
	f[13] = TYPE & 0xff;
	memcpy(f + 14, &number, 8);
	for (unsigned int i = HEADER; i < pkt->len; i++)
		f[i] = byte_of(number, i);
}

static void frame_check(const struct flow *w, const struct vfdrv_pkt *pkt)
{
	const uint8_t *f = pkt->data;
	uint64_t number;
	bool same = true;

	memcpy(&number, f + 14, 8);
	assert_int_equal(number, w->received);
	assert_int_equal(pkt->len, size_of(number));
	assert_memory_equal(f, w->to->v->mac, 6);
	assert_memory_equal(f + 6, w->from->v->mac, 6);
	for (unsigned int i = HEADER; i < pkt->len; i++)
		same &= f[i] == byte_of(number, i);
	assert_true(same);
}

static void flow_send(struct flow *w, uint64_t frames)
{
	struct vfdrv_pkt pkt[BURST] = {0};
	unsigned int n, k = BURST;

	if (k > frames - w->sent)
		k = (unsigned int)(frames - w->sent);
	if (k > CREDIT - (w->sent - w->received))
		k = (unsigned int)(CREDIT - (w->sent - w->received));
	for (unsigned int i = 0; i < k; i++)
		frame_make(w, &pkt[i], w->sent + i);
	n = vfdrv_tx_burst(w->from->v, pkt, k);
	w->sent += n;
	while (n < k)
		vfdrv_pool_put(&w->from->v->pool, pkt[n++].data);
}

static unsigned int flow_receive(struct flow *w)
{
	struct vfdrv_pkt pkt[BURST];
	unsigned int n = vfdrv_rx_burst(w->to->v, pkt, BURST);

	for (unsigned int i = 0; i < n; i++) {
		frame_check(w, &pkt[i]);
		w->received++;
		w->bytes += pkt[i].len;
		vfdrv_pool_put(&w->to->v->pool, pkt[i].data);
	}
	return n;
}

static void exchange(struct vf *a, struct vf *b, uint64_t frames)
{
	struct flow w[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
	uint64_t quiet = clock_us() + QUIET_US;

	while (w[0].received < frames || w[1].received < frames) {
		unsigned int got = 0;

		for (unsigned int i = 0; i < 2; i++) {
			flow_send(&w[i], frames);
			got += flow_receive(&w[i]);
		}
		if (got)
			quiet = clock_us() + QUIET_US;
		else if (clock_us() > quiet)
			fail_msg("frames are missing");
	}
}

static void two_vfs_exchange_frames_of_all_sizes(void **state)
{
	struct vfdrv_hw_counters hw0, hw;
	struct pcif_counters before, after;
	struct vfdrv_counters c;
	struct vf a, b;

	vf_open(&a, 0, false);
	vf_open(&b, 1, false);
	vfdrv_hw_counters(a.v, &hw0);
	pcif_counters(a.f, &before);
	exchange(&a, &b, FRAMES);
	pcif_counters(a.f, &after);
	/* nothing travels as a message while frames do */
	assert_int_equal(after.region_reads, before.region_reads);
	assert_int_equal(after.region_writes, before.region_writes);

	vfdrv_counters(a.v, &c);
	assert_int_equal(c.tx_packets, FRAMES);
	assert_int_equal(c.rx_packets, FRAMES);
	assert_int_equal(c.rx_errors, 0);
	for (uint64_t until = clock_us() + CALL_US; clock_us() < until;) {
		vfdrv_hw_counters(a.v, &hw);
		if (hw.tx_packets == FRAMES && hw.rx_packets == FRAMES)
			break;
	}
	assert_int_equal(hw.tx_packets, FRAMES);
	assert_int_equal(hw.rx_packets, FRAMES);
	vf_close(&a);
	vf_close(&b);
}

static void trapped_registers_carry_the_same_frames(void **state)
{
	struct pcif_counters count;
	struct vf a, b;

	vf_open(&a, 0, true);
	vf_open(&b, 1, true);
	exchange(&a, &b, FRAMES_FEW);
	pcif_counters(a.f, &count);
	assert_true(count.region_writes > FRAMES_FEW / BURST);
	vf_close(&a);
	vf_close(&b);
}

static void stop_gives_every_buffer_back_and_start_goes_on(void **state)
{
	struct vf a, b;
	uint32_t bufs;

	vf_open(&a, 0, false);
	vf_open(&b, 1, false);
	for (unsigned int i = 0; i < 20; i++) {
		exchange(&a, &b, FRAMES_FEW);
		assert_int_equal(vfdrv_stop(a.v), 0);
		if (!i)
			bufs = a.v->pool.n;
		assert_int_equal(a.v->pool.n, bufs);
		assert_int_equal(vfdrv_reset(a.v), 0);
		vf_up(&a);
	}
	exchange(&a, &b, FRAMES_FEW);
	vf_close(&a);
	vf_close(&b);
}

static void armed_interrupt_fires_once_a_frame_came(void **state)
{
	struct vf a, b;
	struct flow w;
	struct pollfd p;
	uint64_t n;

	vf_open(&a, 0, false);
	vf_open(&b, 1, false);
	exchange(&a, &b, FRAMES_FEW);
	w = (struct flow){.from = &a, .to = &b};
	p = (struct pollfd){.fd = vfdrv_pcif_irq_fd(b.home, VFDRV_PCIF_RX_VECTOR),
			    .events = POLLIN};
	assert_true(p.fd >= 0);

	for (unsigned int i = 0; i < 5; i++) {
		/* a cause from before fires at once: taken, and armed again */
		do {
			(void)!read(p.fd, &n, sizeof(n));
			vfdrv_irq_enable(b.v, 1);
		} while (poll(&p, 1, 20) > 0);
		flow_send(&w, w.sent + 1);
		assert_int_equal(poll(&p, 1, 2000), 1);
		assert_true(vfdrv_rx_pending(b.v));
		assert_int_equal(flow_receive(&w), 1);
	}
	vf_close(&a);
	vf_close(&b);
}

static void messages_are_answered_and_judged(void **state)
{
	static const uint8_t groups[2][6] = {{1, 0, 0x5e, 0, 0, 1}, {1, 0, 0x5e, 0, 0, 2}};
	static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	struct vf a;

	vf_open(&a, 0, false);
	assert_int_equal(vfdrv_set_multicast(a.v, groups, 2), 0);
	assert_int_equal(vfdrv_set_vlan(a.v, 100, true), 0);
	assert_int_equal(vfdrv_set_vlan(a.v, 100, false), 0);
	assert_int_equal(vfdrv_set_max_frame(a.v, 1522), 0);
	/* the administrator chose the address */
	assert_int_equal(vfdrv_set_mac(a.v, other), -EPERM);
	vf_close(&a);
}

/* A sender without credit: floods VF 0 from VF 2 until it is killed. */
static void flood(void)
{
	struct vfdrv_pkt pkt[BURST] = {0};
	struct flow w = {0};
	struct vf a, c;

	vf_open(&c, 2, false);
	a.v = &(struct vfdrv){.mac = {2, 0, 0, 0, 0, 0xa0}};
	w.from = &c;
	w.to = &a;
	for (;;) {
		unsigned int n = 0, k = c.v->pool.n < BURST ? c.v->pool.n : BURST;

		for (; n < k; n++)
			frame_make(&w, &pkt[n], n);
		n = vfdrv_tx_burst(c.v, pkt, k);
		while (n < k)
			vfdrv_pool_put(&c.v->pool, pkt[n++].data);
	}
}

/* Frames of VF 1 to a VF 0 that is flooded may find its queue full; those of VF 0 must all arrive.
 */
static void vf_that_dies_under_load_costs_others_nothing(void **state)
{
	struct flow w;
	struct vf a, b;

	vf_open(&a, 0, false);
	vf_open(&b, 1, false);
	for (unsigned int i = 0; i < 5; i++) {
		uint64_t end, quiet;
		pid_t pid;

		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			flood();
			_exit(1);
		}
		w = (struct flow){.from = &a, .to = &b};
		end = clock_us() + 300000;
		quiet = clock_us() + QUIET_US;
		while (clock_us() < end || w.received < w.sent) {
			struct vfdrv_pkt pkt[BURST];
			unsigned int n;

			if (clock_us() > end - 100000 && pid) {
				kill(pid, SIGKILL);
				waitpid(pid, NULL, 0);
				pid = 0;
			}
			if (clock_us() < end)
				flow_send(&w, UINT64_MAX);
			if (flow_receive(&w))
				quiet = clock_us() + QUIET_US;
			assert_true(clock_us() < quiet);
			n = vfdrv_rx_burst(a.v, pkt, BURST); /* the flood */
			while (n)
				vfdrv_pool_put(&a.v->pool, pkt[--n].data);
		}
		assert_true(w.sent > 0);
		assert_int_equal(w.received, w.sent);
	}
	vf_close(&a);
	vf_close(&b);
}

static void client_whose_memory_goes_away_loses_its_vf_alone(void **state)
{
	const size_t size = 1u << 16;
	struct dma_mem mem = {.iova = {UINT64_C(1) << 40}, .len = size};
	struct vfdrv_pkt pkt = {.len = 60};
	uint64_t until = clock_us() + CALL_US;
	struct vf a, b, c;
	bool up = true;
	int r = 0;

	vf_open(&a, 0, false);
	vf_open(&b, 1, false);
	vf_open(&c, 2, false);
	mem.fd = memfd_create("unsealed", MFD_CLOEXEC);
	assert_int_equal(ftruncate(mem.fd, (off_t)size), 0);
	assert_int_equal(pcif_dma_map(c.f, &mem), 0);
	assert_int_equal(ftruncate(mem.fd, 0), 0);
	pkt.data = (void *)(uintptr_t)(mem.iova.v - c.v->iova_delta);
	assert_int_equal(vfdrv_tx_burst(c.v, &pkt, 1), 1);
	while (r >= 0 && clock_us() < until) {
		r = vfdrv_link(c.v, &up);
		clock_sleep_us(1000);
	}
	assert_true(r < 0 || !up);
	exchange(&a, &b, FRAMES_FEW);
	fd_close(mem.fd);
	vf_close(&c);
	vf_open(&c, 2, false); /* and it may come again */
	exchange(&a, &c, FRAMES_FEW);
	vf_close(&a);
	vf_close(&b);
	vf_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_vfs_exchange_frames_of_all_sizes),
		cmocka_unit_test(trapped_registers_carry_the_same_frames),
		cmocka_unit_test(stop_gives_every_buffer_back_and_start_goes_on),
		cmocka_unit_test(armed_interrupt_fires_once_a_frame_came),
		cmocka_unit_test(vf_that_dies_under_load_costs_others_nothing),
		cmocka_unit_test(client_whose_memory_goes_away_loses_its_vf_alone),
		cmocka_unit_test(messages_are_answered_and_judged),
	};

	if (!getenv("SOFT_NIC") || !getenv("SRIOV_PF")) {
		puts("SOFT_NIC and SRIOV_PF do not name the programs");
		return 77;
	}
	return cmocka_run_group_tests_name("vf_driver_soft_nic", tests, group_setup,
					   group_teardown);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriov-pf on a real soft-nic with real VF drivers on its VFs: attributes, traffic under them, a
 * sriov-pf that is killed and comes back, a soft-nic that dies. pf_lifecycle SOFT-NIC SRIOV-PF
 */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <abi/nic_mbx.h>
#include <abi/nic_regs.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/pcif.h>
#include <vfdrv/vfdrv.h>
#include <vfdrv/vfdrv_pcif.h>

#define CALL_US	    (5 * USEC_PER_SEC)
#define FRAME_BYTES 60u

static const char *soft_nic_path, *sriov_pf_path;

struct rig {
	char dir[40];
	pid_t nic, pf;
	int pf_ctl; /* connection, -1 none */
};

struct vf {
	struct pcif *f;
	struct vfdrv_pcif *home;
	struct vfdrv *v;
};

static void path_of(const struct rig *r, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", r->dir, name);
}

static pid_t spawn(const struct rig *r, const char *exe, const char *sock, const char *const *more)
{
	const char *argv[16] = {exe, "--name", "p0", "--control-fd"};
	char path[64], fd_text[16];
	unsigned int n = 5;
	int fd, moved;
	pid_t pid;

	path_of(r, sock, path, sizeof(path));
	assert_int_equal(ctl_listen(path, &fd), 0);
	moved = fcntl(fd, F_DUPFD, 10);
	fd_close(fd);
	snprintf(fd_text, sizeof(fd_text), "%d", moved);
	argv[4] = fd_text;
	for (; more && *more; more++)
		argv[n++] = *more;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("SRIOVD_LOG_LEVEL", "error", 1);
		execv(exe, (char *const *)argv);
		_exit(127);
	}
	fd_close(moved);
	assert_true(pid > 0);
	return pid;
}

static int status_of(pid_t *pid, int sig)
{
	int status = 0;

	if (*pid <= 0)
		return 0;
	kill(*pid, sig);
	waitpid(*pid, &status, 0);
	*pid = 0;
	return status;
}

static bool wait_for_path(const char *path, bool there)
{
	for (unsigned int i = 0; i < 400; i++) {
		if ((access(path, F_OK) == 0) == there)
			return true;
		clock_sleep_us(5000);
	}
	return false;
}

static int call_r(struct rig *r, const char *method, json_t *params, const int *fds, size_t n_fds,
		  json_t **ret)
{
	char err[256] = "";
	int rc = ctl_call(r->pf_ctl, method, params, fds, n_fds, CALL_US, ret, err, sizeof(err));

	if (rc < 0 && rc != -ENODEV)
		print_message("# %s: %s\n", method, err);
	return rc;
}

static json_t *call(struct rig *r, const char *method, json_t *params)
{
	json_t *result = NULL;

	assert_int_equal(call_r(r, method, params, NULL, 0, &result), 0);
	return result;
}

static void call_drop(struct rig *r, const char *method, json_t *params)
{
	json_decref(call(r, method, params));
}

/* A socket's name is there a moment before anybody listens. */
static int dial_stream(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = -1;

	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	assert_true(fd >= 0);
	for (unsigned int i = 0; i < 400 && r < 0; i++) {
		r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
		if (r < 0)
			clock_sleep_us(5000);
	}
	assert_int_equal(r, 0);
	return fd;
}

static void start_nic(struct rig *r)
{
	const char *more[] = {"--dir", r->dir, NULL};
	char path[64];

	r->nic = spawn(r, soft_nic_path, "nic.sock", more);
	path_of(r, "pf.sock", path, sizeof(path));
	assert_true(wait_for_path(path, true));
}

static void start_pf(struct rig *r)
{
	char path[64];

	r->pf = spawn(r, sriov_pf_path, "pf-ctl.sock", NULL);
	path_of(r, "pf-ctl.sock", path, sizeof(path));
	fd_close(r->pf_ctl);
	assert_int_equal(ctl_connect(path, &r->pf_ctl), 0);
}

/* Return: was it adopted? */
static bool open_pf(struct rig *r, unsigned int want_vfs)
{
	json_t *result = NULL;
	char path[64];
	bool adopted;
	int fd;

	path_of(r, "pf.sock", path, sizeof(path));
	fd = dial_stream(path);
	assert_int_equal(call_r(r, "pf.open", NULL, &fd, 1, &result), 0);
	fd_close(fd);
	adopted = json_is_true(json_object_get(result, "adopted"));
	assert_int_equal(json_integer_value(json_object_get(result, "num_vfs")), want_vfs);
	json_decref(result);
	return adopted;
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	char path[64];

	r->pf_ctl = -1;
	snprintf(r->dir, sizeof(r->dir), "/tmp/pf-lifecycle-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	start_nic(r);
	start_pf(r);
	assert_false(open_pf(r, 0));
	call_drop(r, "pf.set_vfs", json_pack("{s:i}", "num_vfs", 4));
	path_of(r, "vf3.sock", path, sizeof(path));
	assert_true(wait_for_path(path, true));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"nic.sock", "pf-ctl.sock", "pf.sock", "vf0.sock",
					    "vf1.sock", "vf2.sock",    "vf3.sock"};
	struct rig *r = *state;
	char path[64];

	fd_close(r->pf_ctl);
	status_of(&r->pf, SIGKILL);
	status_of(&r->nic, SIGKILL);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(r, names[i], path, sizeof(path));
		unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static void give_mac(struct rig *r, unsigned int vf, char digit)
{
	char mac[] = "02:00:00:00:00:0x";

	mac[16] = digit;
	call_drop(r, "vf.set", json_pack("{s:i, s:s}", "vf", (int)vf, "mac", mac));
}

static void vf_open(struct rig *r, unsigned int n, struct vf *ret)
{
	struct vfdrv_pcif_config config = {.no_irq = true};
	char name[16], path[64];

	snprintf(name, sizeof(name), "vf%u.sock", n);
	path_of(r, name, path, sizeof(path));
	assert_int_equal(pcif_open_vfu_path(path, 0, &ret->f), 0);
	assert_int_equal(vfdrv_pcif_open(ret->f, &config, &ret->home), 0);
	ret->v = vfdrv_pcif_core(ret->home);
	assert_int_equal(vfdrv_start(ret->v), 0);
}

static void vf_close(struct vf *vf)
{
	vfdrv_pcif_close(vf->home);
	pcif_close(vf->f);
}

static void vf_send(struct vf *from, const uint8_t dst[6], const uint8_t src[6], uint8_t tag)
{
	struct vfdrv_pkt pkt = {.len = FRAME_BYTES};
	uint8_t *p = vfdrv_pool_get(&from->v->pool);

	if (!p) {
		fail_msg("no buffer is left");
		return;
	}
	memset(p, tag, FRAME_BYTES);
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	p[12] = 0x88;
	p[13] = 0xb5;
	pkt.data = p;
	assert_int_equal(vfdrv_tx_burst(from->v, &pkt, 1), 1);
}

static bool vf_receives(struct vf *to, uint8_t tag, uint64_t timeout_us)
{
	uint64_t deadline = clock_us() + timeout_us;
	bool got = false;

	while (!got && clock_us() < deadline) {
		struct vfdrv_pkt pkt;

		if (vfdrv_rx_burst(to->v, &pkt, 1) == 0) {
			clock_sleep_us(200);
			continue;
		}
		got = ((uint8_t *)pkt.data)[20] == tag;
		vfdrv_pool_put(&to->v->pool, pkt.data);
	}
	return got;
}

static bool passes(struct vf *from, struct vf *to, uint8_t tag)
{
	vf_send(from, to->v->mac, from->v->mac, tag);
	return vf_receives(to, tag, 500000);
}

/* A frame the switch has in its hands when a filter changes may still pass; the next may not. */
static bool blocked(struct vf *from, struct vf *to, uint8_t tag)
{
	for (unsigned int i = 0; i < 3; i++) {
		vf_send(from, to->v->mac, from->v->mac, tag);
		if (!vf_receives(to, tag, 100000))
			return true;
	}
	return false;
}

static bool link_up(struct vf *vf)
{
	bool up = false;

	assert_int_equal(vfdrv_link(vf->v, &up), 0);
	return up;
}

/* What must be the same before and after: all but what counts. */
static char *settled(struct rig *r)
{
	static const char *const counts[] = {"rx_packets",   "tx_packets", "rx_bytes", "tx_bytes",
					     "rx_multicast", "resets",	   "messages", "refused"};
	json_t *list = call(r, "vf.list", NULL), *vf;
	char *text;
	size_t i;

	json_array_foreach (json_object_get(list, "vfs"), i, vf) {
		for (unsigned int k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
			assert_int_equal(json_object_del(vf, counts[k]), 0);
	}
	text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(list);
	return text;
}

static void attributes_hold_for_real_traffic(void **state)
{
	struct rig *r = *state;
	struct vf a, b;
	json_t *info;

	give_mac(r, 0, 'a');
	give_mac(r, 1, 'b');
	vf_open(r, 0, &a);
	vf_open(r, 1, &b);
	assert_true(a.v->has_mac && a.v->mac[5] == 0x0a);
	assert_true(link_up(&a) && link_up(&b));
	assert_true(passes(&a, &b, 1));

	call_drop(r, "vf.set", json_pack("{s:i, s:i}", "vf", 0, "vlan", 10));
	assert_true(blocked(&a, &b, 2));
	call_drop(r, "vf.set", json_pack("{s:i, s:i}", "vf", 1, "vlan", 10));
	assert_true(passes(&a, &b, 3));

	/* somebody else's address as the source */
	vf_send(&a, b.v->mac, (const uint8_t[]){2, 9, 9, 9, 9, 9}, 4);
	assert_false(vf_receives(&b, 4, 100000));
	call_drop(r, "vf.set", json_pack("{s:i, s:b}", "vf", 0, "spoofchk", 0));
	vf_send(&a, b.v->mac, (const uint8_t[]){2, 9, 9, 9, 9, 9}, 5);
	assert_true(vf_receives(&b, 5, 500000));
	assert_int_equal(vfdrv_set_mac(a.v, (const uint8_t[]){2, 9, 9, 9, 9, 9}), -EPERM);
	assert_int_equal(vfdrv_set_vlan(a.v, 5, true), -EPERM);

	info = call(r, "vf.get", json_pack("{s:i}", "vf", 1));
	assert_true(json_is_true(json_object_get(info, "ready")));
	assert_int_equal(json_integer_value(json_object_get(info, "rx_packets")), 3);
	json_decref(info);

	call_drop(r, "vf.set", json_pack("{s:i, s:s}", "vf", 1, "link_state", "disable"));
	assert_true(blocked(&a, &b, 6));
	vf_close(&a);
	vf_close(&b);
}

static void a_killed_sriov_pf_comes_back_and_no_vf_notices(void **state)
{
	struct rig *r = *state;
	char *before, *after;
	struct vf a, b;

	give_mac(r, 0, 'a');
	call_drop(r, "vf.set",
		  json_pack("{s:i, s:s, s:i, s:i, s:b}", "vf", 1, "mac", "02:00:00:00:00:0b",
			    "vlan", 0, "vlan_qos", 0, "trust", 1));
	call_drop(r, "vf.set",
		  json_pack("{s:i, s:i, s:i, s:s}", "vf", 2, "vlan", 30, "vlan_qos", 5,
			    "link_state", "disable"));
	vf_open(r, 0, &a);
	vf_open(r, 1, &b);
	assert_int_equal(vfdrv_set_vlan(b.v, 77, true), 0);
	before = settled(r);

	status_of(&r->pf, SIGKILL);
	assert_true(passes(&a, &b, 1));
	start_pf(r);
	assert_true(open_pf(r, 4));
	after = settled(r);
	assert_string_equal(before, after);
	assert_true(link_up(&a) && link_up(&b));
	assert_true(passes(&a, &b, 2) && passes(&b, &a, 3));
	assert_int_equal(vfdrv_set_vlan(b.v, 77, false), 0);

	/* an orderly end is no different */
	assert_int_equal(status_of(&r->pf, SIGTERM), 0);
	assert_true(passes(&a, &b, 4));
	start_pf(r);
	assert_true(open_pf(r, 4));
	free(after);
	after = settled(r);
	assert_string_equal(before, after);
	assert_true(link_up(&a) && passes(&a, &b, 5));
	free(before);
	free(after);
	vf_close(&a);
	vf_close(&b);
}

struct asker {
	struct vf *vf;
	int result;
};

static void *ask_for_vlan(void *arg)
{
	struct asker *a = arg;

	a->result = vfdrv_set_vlan(a->vf->v, 55, true);
	return NULL;
}

static void a_message_sent_while_nobody_listens_is_answered_later(void **state)
{
	struct rig *r = *state;
	struct asker asker;
	pthread_t t;
	struct vf a;

	give_mac(r, 0, 'a');
	vf_open(r, 0, &a);
	asker.vf = &a;
	status_of(&r->pf, SIGKILL);
	assert_int_equal(pthread_create(&t, NULL, ask_for_vlan, &asker), 0);
	clock_sleep_us(100000);
	start_pf(r);
	assert_true(open_pf(r, 4));
	pthread_join(t, NULL);
	assert_int_equal(asker.result, 0);
	vf_close(&a);
}

static void a_dead_soft_nic_is_told_and_a_new_one_is_opened(void **state)
{
	struct rig *r = *state;
	json_t *event = NULL, *info;
	char path[64];
	int sub;

	path_of(r, "pf-ctl.sock", path, sizeof(path));
	assert_int_equal(ctl_connect(path, &sub), 0);
	assert_int_equal(ctl_call(sub, "event.subscribe", NULL, NULL, 0, CALL_US, NULL, NULL, 0),
			 0);
	status_of(&r->nic, SIGKILL);
	for (unsigned int i = 0; i < 100 && ctl_recv_event(sub, &event) == -EAGAIN; i++)
		clock_sleep_us(10000);
	assert_non_null(event);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "pf.lost");
	json_decref(event);
	fd_close(sub);
	info = call(r, "pf.info", NULL);
	assert_true(json_is_true(json_object_get(info, "lost")));
	json_decref(info);
	assert_int_equal(call_r(r, "vf.list", NULL, NULL, 0, NULL), -ENODEV);

	path_of(r, "pf.sock", path, sizeof(path));
	unlink(path);
	start_nic(r);
	assert_false(open_pf(r, 0));
	call_drop(r, "pf.set_vfs", json_pack("{s:i}", "num_vfs", 2));
}

static void a_scrubbed_vf_shows_nothing_of_its_tenant(void **state)
{
	struct rig *r = *state;
	json_t *result;
	struct vf a;

	call_drop(r, "vf.set",
		  json_pack("{s:i, s:s, s:i, s:b}", "vf", 2, "mac", "02:00:00:00:00:0c", "vlan", 12,
			    "trust", 1));
	vf_open(r, 2, &a);
	vf_close(&a);
	result = call(r, "vf.baseline", json_pack("{s:i}", "vf", 2));
	assert_true(json_is_true(json_object_get(result, "clean")));
	json_decref(result);
	result = call(r, "vf.get", json_pack("{s:i}", "vf", 2));
	assert_string_equal(json_string_value(json_object_get(result, "mac")), "00:00:00:00:00:00");
	assert_true(json_is_false(json_object_get(result, "ready")));
	assert_int_equal(json_integer_value(json_object_get(result, "vlan")), 0);
	json_decref(result);
}

struct ringer {
	struct rig *r;
	atomic_bool stop;
	unsigned long rings;
};

/* A guest that does nothing but send messages and never looks at an answer. */
static void *ring_all_the_time(void *arg)
{
	struct ringer *g = arg;
	struct pcif *f = NULL;
	char path[64];

	path_of(g->r, "vf3.sock", path, sizeof(path));
	if (pcif_open_vfu_path(path, 0, &f) < 0)
		return NULL;
	while (!atomic_load(&g->stop)) {
		uint32_t word = g->rings % 3 ? NIC_MBX_VF_RESET : NIC_MBX_SET_VLAN | 1u << 16;

		if (pcif_write32(f, 0, nicvf_VFMBMEM(0), word) < 0 ||
		    pcif_write32(f, 0, nicvf_V2PMAILBOX(0), V2P_REQ | V2P_ACK) < 0)
			break;
		g->rings++;
	}
	pcif_close(f);
	return NULL;
}

static void a_vf_that_rings_all_the_time_starves_nobody(void **state)
{
	struct rig *r = *state;
	struct ringer g = {.r = r};
	uint64_t worst = 0;
	pthread_t t;
	struct vf a;

	give_mac(r, 0, 'a');
	assert_int_equal(pthread_create(&t, NULL, ring_all_the_time, &g), 0);
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t start = clock_us();

		call_drop(r, "vf.get", json_pack("{s:i}", "vf", 0));
		if (clock_us() - start > worst)
			worst = clock_us() - start;
		clock_sleep_us(5000);
	}
	vf_open(r, 0, &a); /* a reset exchange and messages of a decent VF meanwhile */
	assert_true(link_up(&a));
	atomic_store(&g.stop, true);
	pthread_join(t, NULL);
	print_message("# %lu rings, slowest answer %lu us\n", g.rings, (unsigned long)worst);
	assert_true(g.rings > 100);
	/* starvation would end in the call's own deadline of 5 s; a loaded host gets near half a
	 * second */
	assert_in_range(worst, 0, 2000000);
	vf_close(&a);
}

static void bad_requests_are_refused_by_name(void **state)
{
	struct rig *r = *state;
	int fd = dup(2);

	assert_int_equal(call_r(r, "vf.get", json_pack("{s:i}", "vf", 4), NULL, 0, NULL), -ENOENT);
	assert_int_equal(call_r(r, "pf.set_vfs", json_pack("{s:i}", "num_vfs", 9), NULL, 0, NULL),
			 -ERANGE);
	assert_int_equal(
		call_r(r, "vf.set", json_pack("{s:i, s:i}", "vf", 0, "vlan", 4095), NULL, 0, NULL),
		-EINVAL);
	assert_int_equal(
		call_r(r, "vf.set", json_pack("{s:i, s:i}", "vf", 0, "vlan", -1), NULL, 0, NULL),
		-EINVAL);
	assert_int_equal(call_r(r, "vf.set",
				json_pack("{s:i, s:s}", "vf", 0, "mac", "01:00:00:00:00:01"), NULL,
				0, NULL),
			 -EINVAL);
	assert_int_equal(call_r(r, "vf.set", json_pack("{s:i, s:s}", "vf", 0, "mac", "02:00"), NULL,
				0, NULL),
			 -EINVAL);
	assert_int_equal(
		call_r(r, "vf.set", json_pack("{s:i, s:i}", "vf", 0, "rate", 5), NULL, 0, NULL),
		-EINVAL);
	assert_int_equal(call_r(r, "pf.open", NULL, &fd, 1, NULL), -EBUSY);
	assert_int_equal(call_r(r, "pf.open", NULL, NULL, 0, NULL), -EINVAL);
	fd_close(fd);
}

int main(int argc, char **argv)
{
#define ON_RIG(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON_RIG(attributes_hold_for_real_traffic),
		ON_RIG(a_killed_sriov_pf_comes_back_and_no_vf_notices),
		ON_RIG(a_message_sent_while_nobody_listens_is_answered_later),
		ON_RIG(a_dead_soft_nic_is_told_and_a_new_one_is_opened),
		ON_RIG(a_scrubbed_vf_shows_nothing_of_its_tenant),
		ON_RIG(a_vf_that_rings_all_the_time_starves_nobody),
		ON_RIG(bad_requests_are_refused_by_name),
	};

	if (argc != 3) {
		fputs("usage: pf_lifecycle SOFT-NIC SRIOV-PF\n", stderr);
		return EXIT_FAILURE;
	}
	soft_nic_path = argv[1];
	sriov_pf_path = argv[2];
	return cmocka_run_group_tests_name("pf_lifecycle", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process sriov-vmm on real KVM, with the tiny guest and a VF that is plain memory behind the
 * real vfio-user server. SRIOV_VMM and GUEST_TINY name the two programs.
 */
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <support/test.h>
#include <support/vf_endpoint.h>
#include <support/vmm_process.h>

#define CYCLES 200u
/* under a sanitizer memory is not what it will be */
#if defined(__SANITIZE_ADDRESS__)
#define RSS_MAX_KIB UINT32_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RSS_MAX_KIB UINT32_MAX
#endif
#endif
#ifndef RSS_MAX_KIB
#define RSS_MAX_KIB 8192u
#endif

struct fixture {
	struct vmm_process p;
	int console;
	struct vf_endpoint *vf;
};

static int refused(struct fixture *f, const char *method, json_t *params)
{
	return vmm_call(&f->p, method, params, NULL, 0, NULL);
}

static json_int_t number(json_t *o, const char *key)
{
	json_int_t v;

	assert_non_null(json_object_get(o, key));
	v = json_integer_value(json_object_get(o, key));
	json_decref(o);
	return v;
}

static void text_is(json_t *o, const char *key, const char *want)
{
	assert_non_null(json_object_get(o, key));
	assert_string_equal(json_string_value(json_object_get(o, key)), want);
	json_decref(o);
}

static void vm_create(struct fixture *f)
{
	int fds[3] = {open("/dev/kvm", O_RDWR | O_CLOEXEC),
		      open(getenv("GUEST_TINY"), O_RDONLY | O_CLOEXEC), f->console};
	int r = ctl_call(f->p.fd, "vm.create", json_pack("{s:i}", "memory_mib", 64), fds, 3,
			 VMM_CALL_US, NULL, f->p.err, sizeof(f->p.err));

	if (r < 0)
		fail_msg("vm.create: %s (%d)", f->p.err, r);
	close(fds[0]);
	close(fds[1]);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->console = memfd_create("console", MFD_CLOEXEC);
	vmm_spawn(&f->p);
	f->vf = vfe_start(f->p.dir, "vf0");
	vm_create(f);
	json_decref(vmm_must(&f->p, "vm.boot", NULL));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[64];

	vmm_end(&f->p);
	if (f->vf)
		vfe_stop(f->vf);
	close(f->console);
	snprintf(path, sizeof(path), "%s/vf0.sock", f->p.dir);
	unlink(path);
	rmdir(f->p.dir);
	free(f);
	return 0;
}

static int vf_connect(struct fixture *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = -1;

	strncpy(sa.sun_path, f->vf->path, sizeof(sa.sun_path) - 1);
	/* the server takes one client: the one before may still be going */
	for (unsigned int i = 0; r < 0 && i < 1000; i++) {
		r = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
		if (r < 0)
			clock_sleep_us(1000);
	}
	assert_int_equal(r, 0);
	return fd;
}

static void vf_add(struct fixture *f, const char *id, bool trapped)
{
	int fd = vf_connect(f);
	int r = ctl_call(f->p.fd, "device.add",
			 json_pack("{s:s, s:s, s:b}", "id", id, "kind", "vfio-user", "trapped",
				   (int)trapped),
			 &fd, 1, VMM_CALL_US, NULL, f->p.err, sizeof(f->p.err));

	if (r < 0)
		fail_msg("device.add: %s (%d)", f->p.err, r);
	close(fd);
}

static json_t *wait_for(struct fixture *f, const char *id, const char *what)
{
	return vmm_must(&f->p, "device.wait", json_pack("{s:s, s:s}", "id", id, "for", what));
}

static json_t *trick_full(struct fixture *f, unsigned int n)
{
	return vmm_must(
		&f->p, "guest.request",
		json_pack("{s:s, s:s, s:i}", "kind", "ping", "a", "vf", "count", (int)(0x100 + n)));
}

static json_int_t trick(struct fixture *f, unsigned int n)
{
	return number(trick_full(f, n), "received");
}

static unsigned int entries(const char *fmt, pid_t pid, bool lines)
{
	char path[64], buf[512];
	unsigned int n = 0;

	snprintf(path, sizeof(path), fmt, (int)pid);
	if (lines) {
		FILE *m = fopen(path, "re");

		assert_non_null(m);
		while (fgets(buf, sizeof(buf), m))
			n += strchr(buf, '\n') != NULL;
		fclose(m);
	} else {
		DIR *d = opendir(path);

		assert_non_null(d);
		while (readdir(d))
			n++;
		closedir(d);
	}
	return n;
}

static unsigned int rss_anon_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned int kib = 0;
	FILE *m;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	m = fopen(path, "re");
	assert_non_null(m);
	while (fgets(line, sizeof(line), m)) {
		if (sscanf(line, "RssAnon: %u", &kib) == 1)
			break;
	}
	fclose(m);
	return kib;
}

static void the_first_console_line_comes_quickly(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;
	json_int_t ms = 0;

	while (!ms && clock_us() < end)
		ms = number(vmm_must(&f->p, "vm.info", NULL), "first_console_ms");
	assert_true(ms > 0);
	text_is(vmm_must(&f->p, "vm.console", json_pack("{s:i}", "bytes", 64)), "text",
		"tiny guest\n");
	print_message("first console line after %d ms, RssAnon %u KiB\n", (int)ms,
		      rss_anon_kib(f->p.pid));
	assert_true(ms < 1000);
	assert_true(rss_anon_kib(f->p.pid) <= RSS_MAX_KIB);
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
}

static void a_vf_is_plugged_used_and_let_go(void **state)
{
	struct fixture *f = *state;
	json_t *r, *traps;

	vf_add(f, "vf", false);
	text_is(wait_for(f, "vf", "up"), "state", "up");
	assert_int_equal(atomic_load(&f->vf->dma_regions), 1);
	assert_true(f->vf->config[PCI_COMMAND] & PCI_COMMAND_MASTER);

	r = trick_full(f, 0);
	traps = json_object_get(r, "traps");
	assert_int_equal(json_integer_value(json_object_get(traps, "bar_exits")), 0);
	assert_int_equal(json_integer_value(json_object_get(traps, "messages")), 0);
	assert_int_equal(number(r, "received"), 1000);
	assert_int_equal(f->vf->bar0[NIC_VF_SHARED_OFF + 0x10], 999 & 0xff);

	r = trick_full(f, 1);
	traps = json_object_get(r, "traps");
	assert_int_equal(json_integer_value(json_object_get(traps, "bar_exits")), 2);
	assert_int_equal(json_integer_value(json_object_get(traps, "messages")), 2);
	assert_int_equal(number(r, "received"), 0x1234);

	text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")), "how", "ejected");
	text_is(wait_for(f, "vf", "removed"), "state", "removed");
	assert_int_equal(refused(f, "device.remove", json_pack("{s:s}", "id", "vf")), -ENOENT);
}

static void interrupts_arrive_and_a_masked_one_waits(void **state)
{
	struct fixture *f = *state;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	vfe_interrupt(f->vf, 0);
	clock_sleep_us(50000);
	assert_int_equal(trick(f, 2), 1);
	assert_int_equal(trick(f, 3), 1);
	assert_int_equal(trick(f, 4), 0);
	vfe_interrupt(f->vf, 0);
	clock_sleep_us(50000);
	assert_int_equal(trick(f, 2), 1);
	assert_int_equal(trick(f, 4), 1);
	assert_int_equal(trick(f, 5), 0);
	clock_sleep_us(50000);
	assert_int_equal(trick(f, 2), 2);
	assert_int_equal(trick(f, 4), 0);
	assert_int_equal(trick(f, 3), 1);
	assert_int_equal(trick(f, 4), 0);
}

static void a_function_level_reset_reaches_the_device(void **state)
{
	struct fixture *f = *state;
	unsigned int before;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	before = atomic_load(&f->vf->resets);
	assert_int_equal(trick(f, 6) & 0xffff, 0);
	assert_int_equal(atomic_load(&f->vf->resets), before + 1);
	assert_int_equal(atomic_load(&f->vf->irq[0]), -1);
}

static void a_trapped_vf_leaves_the_guest_on_each_access(void **state)
{
	struct fixture *f = *state;
	json_t *r, *traps;

	vf_add(f, "vf", true);
	json_decref(wait_for(f, "vf", "up"));
	r = trick_full(f, 0);
	traps = json_object_get(r, "traps");
	assert_int_equal(json_integer_value(json_object_get(traps, "bar_exits")), 2000);
	assert_int_equal(json_integer_value(json_object_get(traps, "messages")), 2000);
	assert_true(json_integer_value(json_object_get(traps, "kvm_exits")) >= 2000);
	assert_int_equal(number(r, "received"), 1000);
}

static void two_hundred_cycles_leak_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned int fds = 0, maps = 0;
	uint64_t start = 0;

	for (unsigned int i = 0; i < CYCLES; i++) {
		vf_add(f, "vf", false);
		json_decref(wait_for(f, "vf", "up"));
		assert_int_equal(trick(f, 0), 1000);
		text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")), "how",
			"ejected");
		if (i == 0) { /* after the first one all lazy things are there */
			fds = entries("/proc/%d/fd", f->p.pid, false);
			maps = entries("/proc/%d/maps", f->p.pid, true);
			start = clock_us();
		}
	}
	print_message("%u cycles, %.1f ms each\n", CYCLES - 1,
		      (double)(clock_us() - start) / 1000 / (CYCLES - 1));
	assert_int_equal(entries("/proc/%d/fd", f->p.pid, false), fds);
	assert_int_equal(entries("/proc/%d/maps", f->p.pid, true), maps);
	assert_true(rss_anon_kib(f->p.pid) <= RSS_MAX_KIB);
}

static json_t *event_next(int fd)
{
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;
	json_t *e = NULL;
	int r = -EAGAIN;

	while (r == -EAGAIN && clock_us() < end) {
		r = ctl_recv_event(fd, &e);
		if (r == -EAGAIN)
			clock_sleep_us(500);
	}
	assert_int_equal(r, 0);
	return e;
}

static const char *event_value(json_t *e, const char *key)
{
	return json_string_value(json_object_get(json_object_get(e, "data"), key));
}

static void event_is(int fd, const char *name, const char *key, const char *want)
{
	json_t *e = event_next(fd);

	assert_string_equal(json_string_value(json_object_get(e, "event")), name);
	assert_string_equal(event_value(e, key), want);
	json_decref(e);
}

/* A guest is up so soon after it is bound that the VMM may not have looked in between. */
static void comes_up(int fd)
{
	json_t *e = event_next(fd);

	assert_string_equal(json_string_value(json_object_get(e, "event")), "device.state");
	if (strcmp(event_value(e, "state"), "bound")) {
		assert_string_equal(event_value(e, "state"), "up");
		json_decref(e);
		return;
	}
	json_decref(e);
	event_is(fd, "device.state", "state", "up");
}

static void each_step_of_a_devices_life_is_an_event(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(ctl_connect(f->p.ctl, &fd), 0);
	assert_int_equal(ctl_call(fd, "event.subscribe", NULL, NULL, 0, VMM_CALL_US, NULL, NULL, 0),
			 0);
	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	json_decref(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")));
	event_is(fd, "device.state", "state", "visible");
	comes_up(fd);
	event_is(fd, "device.state", "state", "ejecting");
	event_is(fd, "device.removed", "how", "ejected");
	json_decref(vmm_must(&f->p, "vm.stop", NULL));
	event_is(fd, "vm.state", "state", "stopped");
	close(fd);
}

static void a_deaf_guest_keeps_its_device_until_force(void **state)
{
	struct fixture *f = *state;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	assert_int_equal(refused(f, "guest.request",
				 json_pack("{s:s, s:s, s:i, s:i}", "kind", "ping", "a", "vf",
					   "count", 0x108, "timeout_us", 1)),
			 -ETIMEDOUT);
	assert_int_equal(refused(f, "device.remove",
				 json_pack("{s:s, s:i}", "id", "vf", "deadline_ms", 100)),
			 -ETIMEDOUT);
	text_is(wait_for(f, "vf", "up"), "state", "up");
	text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s, s:b}", "id", "vf", "force", 1)),
		"how", "forced");
	/* this one it never saw */
	vf_add(f, "vf", false);
	text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")), "how",
		"cancelled");
	assert_int_equal(refused(f, "vm.stop", json_pack("{s:i}", "deadline_ms", 100)), -ETIMEDOUT);
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
	text_is(vmm_must(&f->p, "vm.stop", json_pack("{s:b, s:i}", "force", 1, "deadline_ms", 100)),
		"how", "forced");
}

static void a_dead_peer_loses_its_device_only(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_us() + 5 * USEC_PER_SEC;
	bool lost = false;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	vfe_stop(TAKE_PTR(f->vf));
	while (!lost && clock_us() < end) {
		json_t *list = vmm_must(&f->p, "device.list", NULL);
		json_t *d = json_array_get(json_object_get(list, "devices"), 0);

		lost = !strcmp(json_string_value(json_object_get(d, "state")), "lost");
		json_decref(list);
	}
	assert_true(lost);
	assert_int_equal(trick(f, 0), 0);
	assert_int_equal(trick(f, 1), UINT32_MAX);
	text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")), "how", "ejected");
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
}

static void a_crashed_guest_says_where(void **state)
{
	struct fixture *f = *state;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	assert_int_equal(
		refused(f, "guest.request",
			json_pack("{s:s, s:s, s:i}", "kind", "ping", "a", "vf", "count", 0x107)),
		-ECONNRESET);
	print_message("%s\n", f->p.err);
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "crashed");
	text_is(vmm_must(&f->p, "device.remove", json_pack("{s:s}", "id", "vf")), "how", "forced");
	text_is(vmm_must(&f->p, "vm.stop", NULL), "how", "forced");
}

static void exits_well(struct fixture *f)
{
	int status;

	assert_int_equal(waitpid(f->p.pid, &status, 0), f->p.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	f->p.pid = 0;
}

static void force_asks_the_guest_first(void **state)
{
	struct fixture *f = *state;

	text_is(vmm_must(&f->p, "vm.stop",
			 json_pack("{s:b, s:i}", "force", 1, "deadline_ms", 15000)),
		"how", "guest");
}

static void a_signal_presses_the_power_button(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(ctl_connect(f->p.ctl, &fd), 0);
	assert_int_equal(ctl_call(fd, "event.subscribe", NULL, NULL, 0, VMM_CALL_US, NULL, NULL, 0),
			 0);
	assert_int_equal(kill(f->p.pid, SIGTERM), 0);
	event_is(fd, "vm.state", "state", "stopped");
	close(fd);
	exits_well(f);
}

static void a_second_signal_ends_a_guest_that_does_not_listen(void **state)
{
	struct fixture *f = *state;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	assert_int_equal(refused(f, "guest.request",
				 json_pack("{s:s, s:s, s:i, s:i}", "kind", "ping", "a", "vf",
					   "count", 0x108, "timeout_us", 1)),
			 -ETIMEDOUT);
	assert_int_equal(kill(f->p.pid, SIGTERM), 0);
	/* two that wait would be one: its loop has turned once at least after the second answer */
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
	assert_int_equal(kill(f->p.pid, SIGTERM), 0);
	exits_well(f);
}

static void the_power_button_stops_a_guest(void **state)
{
	struct fixture *f = *state;

	text_is(vmm_must(&f->p, "vm.stop", NULL), "how", "guest");
	exits_well(f);
}

static void vfio_takes_two_descriptors_of_the_kernels(void **state)
{
	struct fixture *f = *state;
	int fds[2] = {open("/dev/zero", O_RDWR | O_CLOEXEC), open("/dev/zero", O_RDWR | O_CLOEXEC)};
	unsigned int before = entries("/proc/%d/fd", f->p.pid, false);

	for (size_t n = 1; n <= 2; n++) {
		int r = ctl_call(f->p.fd, "device.add",
				 json_pack("{s:s, s:s}", "id", "x", "kind", "vfio"), fds, n,
				 VMM_CALL_US, NULL, f->p.err, sizeof(f->p.err));

		assert_true(r < 0);
		if (!strstr(f->p.err,
			    n == 1 ? "2 descriptors: device and container"
				   : "device x: the second descriptor is no VFIO container"))
			fail_msg("'%s'", f->p.err);
	}
	assert_int_equal(entries("/proc/%d/fd", f->p.pid, false), before);
	close(fds[0]);
	close(fds[1]);
}

static void a_list_tells_of_vectors(void **state)
{
	struct fixture *f = *state;
	json_t *r, *vf, *msix;

	vf_add(f, "vf", false);
	json_decref(wait_for(f, "vf", "up"));
	r = vmm_must(&f->p, "device.list", NULL);
	vf = json_array_get(json_object_get(r, "devices"), 0);
	msix = json_object_get(vf, "msix");
	assert_string_equal(json_string_value(json_object_get(vf, "kind")), "vfio-user");
	assert_int_equal(json_integer_value(json_object_get(msix, "vectors")), NIC_VF_MSIX_N);
	assert_true(json_is_true(json_object_get(msix, "enabled")));
	assert_int_equal(json_integer_value(json_object_get(msix, "direct")), 1);
	json_decref(r);
}

static void bad_input_is_refused_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	assert_int_equal(refused(f, "vm.create", json_pack("{s:i}", "memory_mib", 64)), -EEXIST);
	assert_int_equal(refused(f, "vm.boot", NULL), -EALREADY);
	assert_int_equal(refused(f, "vm.nothing", NULL), -EOPNOTSUPP);
	assert_int_equal(refused(f, "device.remove", json_pack("{s:s}", "id", "x")), -ENOENT);
	assert_int_equal(
		refused(f, "device.add", json_pack("{s:s, s:s}", "id", "x", "kind", "vfio-user")),
		-EINVAL);
	assert_int_equal(ctl_call(f->p.fd, "device.add",
				  json_pack("{s:s, s:s, s:s}", "id", "x", "kind", "vhost-user",
					    "mac", "01:00:00:00:00:00"),
				  &zero, 1, VMM_CALL_US, NULL, NULL, 0),
			 -EINVAL);
	assert_true(ctl_call(f->p.fd, "device.add",
			     json_pack("{s:s, s:s}", "id", "x", "kind", "vfio-user"), &zero, 1,
			     VMM_CALL_US, NULL, NULL, 0) < 0);
	assert_int_equal(
		refused(f, "device.wait", json_pack("{s:s, s:s}", "id", "x", "for", "christmas")),
		-EINVAL);
	assert_int_equal(
		refused(f, "guest.request", json_pack("{s:s, s:s}", "kind", "rtt", "a", "x")),
		-ENOENT);
	close(zero);
	text_is(vmm_must(&f->p, "vm.info", NULL), "state", "running");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(the_first_console_line_comes_quickly),
		T(a_vf_is_plugged_used_and_let_go),
		T(interrupts_arrive_and_a_masked_one_waits),
		T(a_function_level_reset_reaches_the_device),
		T(a_trapped_vf_leaves_the_guest_on_each_access),
		T(two_hundred_cycles_leak_nothing),
		T(each_step_of_a_devices_life_is_an_event),
		T(a_deaf_guest_keeps_its_device_until_force),
		T(a_dead_peer_loses_its_device_only),
		T(a_crashed_guest_says_where),
		T(the_power_button_stops_a_guest),
		T(force_asks_the_guest_first),
		T(a_signal_presses_the_power_button),
		T(a_second_signal_ends_a_guest_that_does_not_listen),
		T(vfio_takes_two_descriptors_of_the_kernels),
		T(a_list_tells_of_vectors),
		T(bad_input_is_refused_and_changes_nothing),
	};

	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		printf("skipped: /dev/kvm cannot be opened here\n");
		return 77;
	}
	if (!getenv("SRIOV_VMM") || !getenv("GUEST_TINY")) {
		printf("skipped: SRIOV_VMM and GUEST_TINY are not set\n");
		return 77;
	}
	return cmocka_run_group_tests_name("vmm_glue_kvm", tests, NULL, NULL);
}

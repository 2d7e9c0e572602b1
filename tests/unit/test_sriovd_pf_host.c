/* SPDX-License-Identifier: BSD-3-Clause */
/* PFs of the host through the API, on a sysfs of files: what needs a real driver is refused there.
 */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/pf.h>
#include <stdio.h>
#include <string.h>
#include <support/sriovd_rig.h>
#include <support/sysfs_tree.h>
#include <support/test.h>

#define PF	      "0000:01:00.0"
#define PF2	      "0000:02:00.0"
#define PORT	      "0000:00:04.0"
#define AT(bdf, attr) "bus/pci/devices/" bdf "/" attr
#define WAIT_US	      (10 * USEC_PER_SEC)

static struct sriovd d;
static struct sysfs_tree *tree;

static void make_pf(const char *bdf, const char *netdev, const char *vendor, int group)
{
	const char *const attrs[][2] = {{"sriov_totalvfs", "7\n"},
					{"sriov_numvfs", "0\n"},
					{"sriov_drivers_autoprobe", "1\n"},
					{"vendor", vendor},
					{"device", "0x10c9\n"},
					{"numa_node", "0\n"}};
	static const char *const net[][2] = {{"flags", "0x1003\n"},
					     {"operstate", "up\n"},
					     {"address", "02:82:57:60:00:00\n"},
					     {"ifindex", "2147480000\n"},
					     {"dev_port", "0\n"}};
	char path[200], target[200];

	sysfs_tree_function(tree, bdf, "0x020000\n", group, "igb");
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", bdf, attrs[i][0]);
		sysfs_tree_file(tree, path, attrs[i][1]);
	}
	for (size_t i = 0; i < sizeof(net) / sizeof(net[0]); i++) {
		snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s/%s", bdf, netdev,
			 net[i][0]);
		sysfs_tree_file(tree, path, net[i][1]);
	}
	snprintf(path, sizeof(path), "class/net/%s/device", netdev);
	snprintf(target, sizeof(target), "../../../bus/pci/devices/%s", bdf);
	sysfs_tree_link(tree, path, target);
}

/* As the kernel does with their number. */
static void make_vfs(unsigned int n)
{
	char path[64], target[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), AT(PF, "virtfn%u"), i);
		snprintf(target, sizeof(target), "../0000:01:10.%u", i);
		sysfs_tree_link(tree, path, target);
	}
}

static void remove_vfs(unsigned int n)
{
	char path[64];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), AT(PF, "virtfn%u"), i);
		sysfs_tree_remove(tree, path);
	}
}

static int setup(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	tree = sysfs_tree_new();
	sysfs_tree_function(tree, PORT, "0x060400\n", 3, "pcieport");
	make_pf(PF, "eth0", "0x8086\n", 7);
	make_pf(PF2, "eth1", "0x15b3\n", 8);
	if (sriovd_rig_open(&d) < 0)
		return -1;
	d.sysfs = fcntl(sysfs_tree_fd(tree), F_DUPFD_CLOEXEC, 0);
	d.sysfs_root = sysfs_tree_root(tree);
	return d.sysfs < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	baton_take(&d);
	d.stopping = true;
	pthread_cond_broadcast(&d.changed);
	while (d.jobs > 0)
		pthread_cond_wait(&d.changed, &d.baton);
	baton_drop(&d);
	sriovd_rig_close(&d);
	sysfs_tree_free(tree);
	return 0;
}

/* The daemon tries again by itself to get back what is lost: whoever meets that asks again. */
static bool busy(const json_t *answer)
{
	const char *text = "";

	return json_unpack((json_t *)answer, "{s:{s:s}}", "error", "message", &text) == 0 &&
	       strstr(text, "in progress");
}

static json_t *call(const char *method, const char *path, const char *body, int want)
{
	uint64_t deadline_us = clock_us() + WAIT_US;
	size_t len = body ? strlen(body) : 0;
	int status = 0;
	json_t *answer;

	answer = sriovd_rig_call(&d, method, path, body, len, &status);
	while (status == 409 && want != 409 && busy(answer) && clock_us() < deadline_us) {
		json_decref(answer);
		clock_sleep_us(10 * USEC_PER_MSEC);
		answer = sriovd_rig_call(&d, method, path, body, len, &status);
	}
	if (status != want)
		fail_msg("%s %s: %d, not %d: %s", method, path, status, want,
			 json_dumps(answer, 0));
	return answer;
}

static void ok(const char *method, const char *path, const char *body, int want)
{
	json_decref(call(method, path, body, want));
}

static void refused(const char *body, int want, const char *word)
{
	_cleanup_(json_decrefp) json_t *answer = call("POST", "/v1/pfs", body, want);
	const char *text = "";

	assert_int_equal(json_unpack(answer, "{s:{s:s}}", "error", "message", &text), 0);
	if (!strstr(text, word))
		fail_msg("\"%s\" does not say %s", text, word);
}

static const char *say(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static char file_start(const char *path)
{
	char c = 0;
	int fd = openat(sysfs_tree_fd(tree), path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	return c;
}

static void pfs_that_nobody_gave_us_are_shown_and_not_ours(void **state)
{
	_cleanup_(json_decrefp) json_t *all = call("GET", "/v1/pfs", NULL, 200);
	_cleanup_(json_decrefp) json_t *one = call("GET", "/v1/pfs/" PF, NULL, 200);
	json_t *list = json_object_get(all, "pfs");

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(say(json_array_get(list, 0), "kind"), "software");
	assert_string_equal(say(json_array_get(list, 1), "name"), PF);
	assert_string_equal(say(one, "state"), "unmanaged");
	assert_string_equal(say(one, "driver"), "igb");
	assert_string_equal(say(one, "netdev"), "eth0");
	ok("GET", "/v1/pfs/" PORT, NULL, 404);
	ok("PATCH", "/v1/pfs/" PF, "{\"num_vfs\":1}", 404);
	ok("DELETE", "/v1/pfs/" PF, NULL, 404);
}

static void what_cannot_be_taken_over_is_refused_with_the_reason(void **state)
{
	refused("{}", 400, "device");
	refused("{\"device\":\"eth9\"}", 404, "eth9");
	refused("{\"device\":\"../../x\"}", 404, "no PCI address");
	refused("{\"device\":\"0000:09:00.0\"}", 404, "0000:09:00.0");
	refused("{\"device\":\"" PORT "\"}", 409, "no SR-IOV");
	refused("{\"device\":\"eth0\",\"name\":\"P 1\"}", 400, "a-z");
	refused("{\"device\":\"eth0\",\"name\":\"p0\"}", 409, "exists already");
	refused("{\"device\":\"eth0\",\"driver\":\"igb\"}", 400, "kernel or sriov-pf");
	refused("{\"device\":\"eth1\",\"driver\":\"sriov-pf\"}", 409, "8086:10c9");
	refused("{\"device\":\"eth0\",\"vfs\":1}", 400, "unknown key");
	make_vfs(2);
	refused("{\"device\":\"eth0\"}", 409, "somebody else made");
	remove_vfs(2);
	sysfs_tree_remove(tree, AT(PF, "iommu_group"));
	refused("{\"device\":\"eth0\"}", 409, "no IOMMU group");
	assert_null(pf_host_find(&d, PF));
}

static int count_host_pf(const struct row_host_pf *row, void *userdata)
{
	(*(int *)userdata)++;
	return 0;
}

static void pf_is_taken_over_and_given_back_as_it_was(void **state)
{
	_cleanup_(json_decrefp) json_t *pf = NULL;
	int n = 0;

	pf = call("POST", "/v1/pfs", "{\"device\":\"eth0\"}", 201);
	assert_string_equal(say(pf, "name"), "p1"); /* p0 is of the configuration */
	assert_string_equal(say(pf, "state"), "up");
	assert_string_equal(say(pf, "address"), PF);
	assert_int_equal(file_start(AT(PF, "sriov_drivers_autoprobe")), '0');
	refused("{\"device\":\"" PF "\"}", 409, "is pf p1 already");
	ok("GET", "/v1/pfs/" PF, NULL, 200);
	ok("DELETE", "/v1/pfs/p0", NULL, 409);
	assert_int_equal(ledger_each_host_pf(d.ledger, count_host_pf, &n), 0);
	assert_int_equal(n, 1);

	ok("DELETE", "/v1/pfs/p1", NULL, 200);
	assert_int_equal(file_start(AT(PF, "sriov_drivers_autoprobe")), '1');
	assert_null(pf_find(&d, "p1"));
	n = 0;
	assert_int_equal(ledger_each_host_pf(d.ledger, count_host_pf, &n), 0);
	assert_int_equal(n, 0);
}

static bool becomes(const char *name, bool up)
{
	uint64_t deadline_us = clock_us() + WAIT_US;
	bool is = !up;

	while (is != up && clock_us() < deadline_us) {
		clock_sleep_us(10 * USEC_PER_MSEC);
		baton_take(&d);
		is = pf_find(&d, name)->up;
		baton_drop(&d);
	}
	return is == up;
}

static void look_again(void)
{
	baton_take(&d);
	pf_host_changed(&d);
	baton_drop(&d);
}

static void vfs_that_cannot_be_used_are_taken_away_again(void **state)
{
	ok("POST", "/v1/pfs", "{\"device\":\"eth0\"}", 201);
	/* sysfs takes the number, and there is no such network device to ask about them */
	make_vfs(3);
	ok("PATCH", "/v1/pfs/p1", "{\"num_vfs\":3}", 404);
	assert_true(becomes("p1", true));
	assert_int_equal(pf_find(&d, "p1")->wanted, 0);
	assert_int_equal(file_start(AT(PF, "sriov_numvfs")), '0');
	ok("PATCH", "/v1/pfs/p1", "{\"num_vfs\":8}", 400);
}

static void *end_probe(void *arg)
{
	struct pf *pf = arg;

	clock_sleep_us(50 * USEC_PER_MSEC);
	baton_take(&d);
	pf->probing = false;
	hold_release(&d, &pf->hold, true);
	baton_drop(&d);
	return NULL;
}

/* As pf_kernel_settle() does, for a while. */
static pthread_t probe(const char *name)
{
	struct op_error e = {};
	pthread_t thread;
	struct pf *pf;

	baton_take(&d);
	pf = pf_find(&d, name);
	assert_int_equal(hold_take(&pf->hold, true, "", &e, "probe of %s", name), 0);
	pf->probing = true;
	baton_drop(&d);
	assert_int_equal(pthread_create(&thread, NULL, end_probe, pf), 0);
	return thread;
}

static void no_request_is_refused_for_a_probe_that_nobody_asked_for(void **state)
{
	pthread_t thread;

	ok("POST", "/v1/pfs", "{\"device\":\"eth0\"}", 201);
	thread = probe("p1");
	ok("PATCH", "/v1/pfs/p1", "{\"num_vfs\":0}", 200);
	pthread_join(thread, NULL);
	thread = probe("p1");
	ok("DELETE", "/v1/pfs/p1", NULL, 200);
	pthread_join(thread, NULL);
}

static void pf_without_its_driver_is_lost_until_that_is_back(void **state)
{
	_cleanup_(json_decrefp) json_t *pf = NULL;
	_cleanup_(json_decrefp) json_t *events = NULL;

	ok("POST", "/v1/pfs", "{\"device\":\"eth0\",\"name\":\"up\"}", 201);
	sysfs_tree_remove(tree, AT(PF, "driver"));
	look_again();
	assert_true(becomes("up", false));
	pf = call("GET", "/v1/pfs/up", NULL, 200);
	assert_string_equal(say(pf, "state"), "lost");
	assert_non_null(strstr(say(pf, "reason"), "driven by nothing"));
	ok("PATCH", "/v1/pfs/up", "{\"num_vfs\":1}", 502);
	sysfs_tree_link(tree, AT(PF, "driver"), "../../drivers/igb");
	look_again();
	assert_true(becomes("up", true));
	events = call("GET", "/v1/events", NULL, 200);
	assert_true(json_array_size(json_object_get(events, "events")) >= 3);
	/* one that is gone can be given up */
	sysfs_tree_remove(tree, AT(PF, "driver"));
	ok("DELETE", "/v1/pfs/up", NULL, 200);
}

static bool was_said(const char *word)
{
	_cleanup_(json_decrefp) json_t *answer = call("GET", "/v1/events", NULL, 200);
	json_t *event;
	size_t i;

	json_array_foreach (json_object_get(answer, "events"), i, event)
		if (strstr(say(event, "text"), word))
			return true;
	return false;
}

static void vfs_that_somebody_made_anew_are_not_ours(void **state)
{
	uint64_t deadline_us = clock_us() + WAIT_US;
	struct pf *pf;

	ok("POST", "/v1/pfs", "{\"device\":\"eth0\"}", 201);
	make_vfs(2);
	baton_take(&d);
	pf = pf_find(&d, "p1");
	pf->num_vfs = 2;
	pf->made = 1; /* no inode of a file */
	pf_host_changed(&d);
	baton_drop(&d);
	while (!was_said("made the 2 VFs of " PF " anew") && clock_us() < deadline_us)
		clock_sleep_us(10 * USEC_PER_MSEC);
	assert_true(was_said("anew"));
	assert_true(becomes("p1", true));
}

static void pf_that_cannot_be_read_now_is_not_lost(void **state)
{
	uint64_t deadline_us = clock_us() + WAIT_US;
	bool unread = false;

	ok("POST", "/v1/pfs", "{\"device\":\"eth0\"}", 201);
	sysfs_tree_file(tree, AT(PF, "sriov_totalvfs"), "many\n");
	look_again();
	while (!unread && clock_us() < deadline_us) {
		clock_sleep_us(10 * USEC_PER_MSEC);
		baton_take(&d);
		unread = pf_find(&d, "p1")->unread;
		baton_drop(&d);
	}
	assert_true(unread);
	assert_true(pf_find(&d, "p1")->up);
	/* nor is it forgotten without having been given back */
	ok("DELETE", "/v1/pfs/p1", NULL, 500);
	sysfs_tree_file(tree, AT(PF, "sriov_totalvfs"), "7\n");
	assert_true(becomes("p1", true));
	assert_false(was_said("not there"));
	ok("DELETE", "/v1/pfs/p1", NULL, 200);
}

static void pf_that_is_not_given_back_can_be_removed_again(void **state)
{
	_cleanup_(json_decrefp) json_t *pf = NULL;

	sysfs_tree_driver(tree, "vfio-pci");
	sysfs_tree_file(tree, "module/vfio_pci/parameters/enable_sriov", "Y\n");
	sysfs_tree_file(tree, AT(PF, "driver_override"), "(null)\n");
	sysfs_tree_serve(tree, true);
	refused("{\"device\":\"eth0\",\"driver\":\"sriov-pf\"}", 502, "has to be removed");
	pf = call("GET", "/v1/pfs/p1", NULL, 200);
	assert_string_equal(say(pf, "state"), "lost");
	assert_non_null(strstr(say(pf, "reason"), "not given back"));
	/* its driver takes it now */
	sysfs_tree_link(tree, AT(PF, "driver"), "../../drivers/igb");
	ok("DELETE", "/v1/pfs/p1", NULL, 200);
	assert_null(pf_find(&d, "p1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pfs_that_nobody_gave_us_are_shown_and_not_ours,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_taken_over_is_refused_with_the_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(pf_is_taken_over_and_given_back_as_it_was, setup,
						teardown),
		cmocka_unit_test_setup_teardown(vfs_that_cannot_be_used_are_taken_away_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			no_request_is_refused_for_a_probe_that_nobody_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(pf_without_its_driver_is_lost_until_that_is_back,
						setup, teardown),
		cmocka_unit_test_setup_teardown(vfs_that_somebody_made_anew_are_not_ours, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pf_that_cannot_be_read_now_is_not_lost, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pf_that_is_not_given_back_can_be_removed_again,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("pf_host", tests, NULL, NULL);
}

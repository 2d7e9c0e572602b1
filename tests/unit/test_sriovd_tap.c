/* SPDX-License-Identifier: BSD-3-Clause */
/* Taps and bridges of a network name space of our own. */
#include <net/if.h>
#include <netlink/route/link/bridge.h>
#include <pthread.h>
#include <sched.h>
#include <sriovd/link.h>
#include <sriovd/tap.h>
#include <stdio.h>
#include <string.h>
#include <support/test.h>

#define BRIDGE	   "br7"
#define BRIDGE_MTU 1400

static struct sriovd d = {.baton = PTHREAD_MUTEX_INITIALIZER};

static int bridge_make(void)
{
	struct rtnl_link *link = rtnl_link_bridge_alloc();
	struct nl_sock *sk = nl_socket_alloc();
	int r;

	rtnl_link_set_name(link, BRIDGE);
	rtnl_link_set_mtu(link, BRIDGE_MTU);
	r = nl_connect(sk, NETLINK_ROUTE);
	if (r >= 0)
		r = rtnl_link_add(sk, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	nl_socket_free(sk);
	return r;
}

static void fds_close(const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fd_close(fds[i]);
}

static void taps_are_named_after_their_nets(void **state)
{
	char a[IFNAMSIZ], b[IFNAMSIZ];

	tap_name("blue", a);
	assert_string_equal(a, "sv-blue");
	tap_name("twelve-chars", a);
	assert_string_equal(a, "sv-twelve-chars");
	tap_name("12345678901234567890123456789012", a);
	tap_name("12345678901234567890123456789013", b);
	assert_true(ifname_valid(a) && ifname_valid(b));
	assert_string_not_equal(a, b);
	assert_non_null(strchr(a, '~'));
}

static void a_tap_joins_its_bridge_with_its_mtu(void **state)
{
	struct link_bridge br, now;
	struct op_error e = {};
	int fds[TAP_QUEUES_MAX], master = 0;

	assert_int_equal(link_bridge(BRIDGE, &br, &e), 0);
	assert_int_equal(br.mtu, BRIDGE_MTU);
	assert_int_equal(tap_make(&d, "blue", BRIDGE, TAP_QUEUES_MAX, fds, &e), 0);
	assert_int_equal(link_master("sv-blue", &master), 0);
	assert_int_equal(master, br.ifindex);
	assert_int_equal(link_bridge(BRIDGE, &now, &e), 0);
	assert_int_equal(now.mtu, BRIDGE_MTU);
	assert_int_equal(tap_join("sv-blue", BRIDGE, &e), 0); /* nothing is left to do */
	fds_close(fds, TAP_QUEUES_MAX);
	tap_await_end(&d, "sv-blue");
	assert_int_equal(if_nametoindex("sv-blue"), 0);
}

static void a_tap_of_somebody_else_is_refused_by_name(void **state)
{
	struct op_error e = {};
	int theirs, fd;

	assert_int_equal(tap_open("sv-red", &theirs, &e), 0);
	assert_int_equal(tap_make(&d, "red", BRIDGE, 1, &fd, &e), -EBUSY);
	assert_non_null(strstr(e.text, "sv-red"));
	fd_close(theirs);
	assert_int_equal(tap_make(&d, "red", BRIDGE, 1, &fd, &e), 0);
	fd_close(fd);
}

static void what_is_no_bridge_is_refused_by_name(void **state)
{
	struct op_error e = {};
	struct link_bridge br;
	int fd;

	assert_int_equal(link_bridge("lo", &br, &e), -EINVAL);
	assert_non_null(strstr(e.text, "lo is no bridge"));
	assert_int_equal(tap_make(&d, "blue", "br8", 1, &fd, &e), -ENODEV);
	assert_non_null(strstr(e.text, "br8"));
	assert_int_equal(if_nametoindex("sv-blue"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taps_are_named_after_their_nets),
		cmocka_unit_test(a_tap_joins_its_bridge_with_its_mtu),
		cmocka_unit_test(a_tap_of_somebody_else_is_refused_by_name),
		cmocka_unit_test(what_is_no_bridge_is_refused_by_name),
	};

	if (unshare(CLONE_NEWNET) < 0 || bridge_make() < 0 || access("/dev/net/tun", W_OK) < 0) {
		puts("skipped: no network name space of its own, bridge or tap here (root)");
		return 77;
	}
	pthread_mutex_lock(&d.baton);
	return cmocka_run_group_tests_name("sriovd_tap", tests, NULL, NULL);
}

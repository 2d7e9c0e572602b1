/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PFs in a sysfs of the test's own, and the kernel's real messages about network devices (TAPs in a
 * name space of the test's own) which that sysfs says belong to PCI functions.
 */
#include <support/test.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <support/sysfs_tree.h>
#include "host_internal.h"

#define PF	      "0000:01:00.0"
#define PF2	      "0000:02:00.0"
#define VF0	      "0000:01:10.0"
#define VF1	      "0000:01:10.2"
#define PORT	      "0000:00:04.0"
#define AT(bdf, attr) "bus/pci/devices/" bdf "/" attr

static void netdev(struct sysfs_tree *t, const char *bdf, const char *name, const char *ifindex)
{
	static const char *const attrs[][2] = {{"flags", "0x1003\n"},
					       {"operstate", "up\n"},
					       {"address", "02:82:57:60:00:00\n"},
					       {"speed", "1000\n"},
					       {"dev_port", "0\n"}};
	char path[200], target[200];

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s/%s", bdf, name,
			 attrs[i][0]);
		sysfs_tree_file(t, path, attrs[i][1]);
	}
	snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s/ifindex", bdf, name);
	sysfs_tree_file(t, path, ifindex);
	snprintf(path, sizeof(path), "class/net/%s/ifindex", name);
	sysfs_tree_file(t, path, ifindex);
	snprintf(path, sizeof(path), "class/net/%s/device", name);
	snprintf(target, sizeof(target), "../../../bus/pci/devices/%s", bdf);
	sysfs_tree_link(t, path, target);
}

static void pf(struct sysfs_tree *t, const char *bdf, int group)
{
	static const char *const attrs[][2] = {{"sriov_totalvfs", "7\n"},
					       {"sriov_numvfs", "0\n"},
					       {"sriov_drivers_autoprobe", "1\n"},
					       {"vendor", "0x8086\n"},
					       {"device", "0x10c9\n"},
					       {"numa_node", "-1\n"}};
	char path[200];

	sysfs_tree_function(t, bdf, "0x020000\n", group, "igb");
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", bdf, attrs[i][0]);
		sysfs_tree_file(t, path, attrs[i][1]);
	}
}

static int setup(void **state)
{
	struct sysfs_tree *t = sysfs_tree_new();

	sysfs_tree_function(t, PORT, "0x060400\n", 3, "pcieport");
	pf(t, PF2, 8);
	pf(t, PF, 7);
	netdev(t, PF, "eth0", "102\n");
	sysfs_tree_file(t, AT(PF, "sriov_numvfs"), "2\n");
	sysfs_tree_file(t, AT(PF, "numa_node"), "1\n");
	sysfs_tree_file(t, AT(PF, "sriov_drivers_autoprobe"), "0\n");
	sysfs_tree_function(t, VF0, "0x020000\n", 9, "");
	sysfs_tree_function(t, VF1, "0x020000\n", 3, "igbvf");
	sysfs_tree_link(t, AT(PF, "virtfn0"), "../" VF0);
	sysfs_tree_link(t, AT(PF, "virtfn1"), "../" VF1);
	sysfs_tree_file(t, "class/net/lo/ifindex", "1\n");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	sysfs_tree_free(*state);
	return 0;
}

static void a_pf_is_told_with_all_that_it_has(void **state)
{
	static const struct mac mac = {{0x02, 0x82, 0x57, 0x60, 0, 0}};
	int fd = sysfs_tree_fd(*state);
	unsigned int mbps;
	struct host_pf p;

	assert_int_equal(host_pf_read(fd, PF, &p), 0);
	assert_string_equal(p.bdf.text, PF);
	assert_string_equal(p.driver, "igb");
	assert_string_equal(p.netdev, "eth0");
	assert_int_equal(p.vendor, 0x8086);
	assert_int_equal(p.device, 0x10c9);
	assert_int_equal(p.numa_node, 1);
	assert_int_equal(p.group, 7);
	assert_int_equal(p.total_vfs, 7);
	assert_int_equal(p.num_vfs, 2);
	assert_int_equal(p.ifindex, 102);
	assert_false(p.autoprobe);
	assert_true(p.up);
	assert_true(p.carrier);
	assert_true(mac_equal(&p.mac, &mac));
	assert_int_equal(p.speed_mbps, 0);
	assert_int_equal(host_pf_speed(fd, PF, &mbps), 0);
	assert_int_equal(mbps, 1000);
}

static void vfs_are_counted_without_waiting_for_who_changes_their_number(void **state)
{
	struct host_pf p;

	/* a read of that one could block */
	sysfs_tree_file(*state, AT(PF, "sriov_numvfs"), "7\n");
	assert_int_equal(host_pf_read(sysfs_tree_fd(*state), PF, &p), 0);
	assert_int_equal(p.num_vfs, 2);
	assert_int_not_equal(p.made, 0);
	assert_int_equal(host_pf_read(sysfs_tree_fd(*state), PF2, &p), 0);
	assert_int_equal(p.num_vfs, 0);
	assert_int_equal(p.made, 0);
}

static void vfs_made_anew_are_told_from_those_before(void **state)
{
	int fd = sysfs_tree_fd(*state);
	uint64_t before = host_pf_made(fd, PF);

	assert_int_equal(host_pf_made(fd, PF), before);
	sysfs_tree_link(*state, AT(PF, "new"), "../" VF0);
	assert_int_equal(renameat(fd, AT(PF, "new"), fd, AT(PF, "virtfn0")), 0);
	assert_int_not_equal(host_pf_made(fd, PF), before);
	assert_int_not_equal(host_pf_made(fd, PF), 0);
	assert_int_equal(host_pf_made(fd, "../x"), 0);
}

static void a_pf_without_network_device_is_one(void **state)
{
	int fd = sysfs_tree_fd(*state);
	unsigned int mbps = 7;
	struct host_pf p;

	assert_int_equal(host_pf_read(fd, PF2, &p), 0);
	assert_string_equal(p.netdev, "");
	assert_int_equal(p.ifindex, 0);
	assert_int_equal(p.numa_node, -1);
	assert_false(p.up || p.carrier);
	assert_int_equal(host_pf_speed(fd, PF2, &mbps), 0);
	assert_int_equal(mbps, 0);
}

static void a_link_is_there_when_the_device_is_up_and_has_one(void **state)
{
	static const struct {
		const char *flags, *operstate;
		bool up, carrier;
	} rows[] = {
		{"0x1003\n", "up\n", true, true},
		{"0x1003\n", "down\n", true, false},
		{"0x1003\n", "unknown\n", true, true},
		{"0x1003\n", "dormant\n", true, true},
		{"0x1002\n", "unknown\n", false, false},
		{"0x1002\n", "down\n", false, false},
		{"0x1003\n", "lowerlayerdown\n", true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host_pf p;

		sysfs_tree_file(*state, AT(PF, "net/eth0/flags"), rows[i].flags);
		sysfs_tree_file(*state, AT(PF, "net/eth0/operstate"), rows[i].operstate);
		assert_int_equal(host_pf_read(sysfs_tree_fd(*state), PF, &p), 0);
		assert_int_equal(p.up, rows[i].up);
		assert_int_equal(p.carrier, rows[i].carrier);
	}
}

static void the_pf_s_own_device_is_told_from_those_of_its_vfs(void **state)
{
	struct host_pf p;

	netdev(*state, PF, "eth0_1", "141\n");
	netdev(*state, PF, "aaa", "142\n");
	netdev(*state, PF, "second", "1\n");
	sysfs_tree_file(*state, AT(PF, "net/second/dev_port"), "1\n");
	assert_int_equal(host_pf_read(sysfs_tree_fd(*state), PF, &p), 0);
	assert_string_equal(p.netdev, "eth0");
}

static void all_pfs_are_told_by_address_and_nothing_else(void **state)
{
	struct host_pf list[HOST_PFS_MAX];
	struct sysfs_tree *t = *state;

	pf(t, "10000:01:00.0", -1);
	sysfs_tree_file(t, "bus/pci/devices/strange/sriov_totalvfs", "7\n");
	pf(t, "0000:0b:00.0", 20); /* a disk */
	sysfs_tree_file(t, AT("0000:0b:00.0", "class"), "0x010802\n");
	pf(t, "0000:0c:00.0", 21); /* whatever that is */
	sysfs_tree_file(t, AT("0000:0c:00.0", "sriov_totalvfs"), "many\n");
	assert_int_equal(host_pfs(sysfs_tree_fd(t), list), 3);
	assert_string_equal(list[0].bdf.text, PF);
	assert_string_equal(list[1].bdf.text, PF2);
	assert_string_equal(list[2].bdf.text, "10000:01:00.0");
	assert_int_equal(list[2].group, -1);
}

static void more_pfs_than_there_is_room_for_are_left_out(void **state)
{
	struct host_pf list[HOST_PFS_MAX];
	char bdf[32];

	for (unsigned int i = 0; i < HOST_PFS_MAX; i++) {
		snprintf(bdf, sizeof(bdf), "0000:%02x:00.1", i);
		pf(*state, bdf, -1);
	}
	assert_int_equal(host_pfs(sysfs_tree_fd(*state), list), HOST_PFS_MAX);
}

static void what_is_no_pf_is_refused(void **state)
{
	int fd = sysfs_tree_fd(*state);
	struct host_pf p;
	struct host_vf v;

	assert_int_equal(host_pf_read(fd, VF0, &p), -ENOENT);
	assert_int_equal(host_pf_read(fd, "0000:77:00.0", &p), -ENODEV);
	assert_int_equal(host_pf_read(fd, "../../etc", &p), -EINVAL);
	sysfs_tree_file(*state, AT(PF, "sriov_totalvfs"), "many\n");
	assert_int_equal(host_pf_read(fd, PF, &p), -EBADMSG);
	assert_int_equal(host_vf_read(fd, PF, 2, &v), -ENOENT);
	assert_int_equal(host_vf_read(fd, "0000:77:00.0", 0, &v), -ENODEV);
	sysfs_tree_link(*state, AT(PF, "virtfn1"), "../elsewhere");
	assert_int_equal(host_vf_read(fd, PF, 1, &v), -EBADMSG);
}

static void a_vf_alone_in_its_group_can_be_passed_on(void **state)
{
	struct host_vf v;

	assert_int_equal(host_vf_read(sysfs_tree_fd(*state), PF, 0, &v), 0);
	assert_string_equal(v.bdf.text, VF0);
	assert_string_equal(v.driver, "");
	assert_int_equal(v.group, 9);
	assert_string_equal(v.foreign, "");
}

static void others_in_a_vf_s_group_are_named_save_ports(void **state)
{
	struct sysfs_tree *t = *state;
	struct host_vf v;

	netdev(t, VF1, "eth5", "9\n");
	assert_int_equal(host_vf_read(sysfs_tree_fd(t), PF, 1, &v), 0);
	assert_int_equal(v.group, 3);
	assert_string_equal(v.netdev, "eth5");
	assert_string_equal(v.foreign, "");
	sysfs_tree_function(t, "0000:01:10.4", "0x020000\n", 3, "");
	assert_int_equal(host_vf_read(sysfs_tree_fd(t), PF, 1, &v), 0);
	assert_string_equal(v.foreign, "0000:01:10.4 (no driver)");
	sysfs_tree_function(t, PF, "0x020000\n", 3, "igb");
	assert_int_equal(host_vf_read(sysfs_tree_fd(t), PF, 1, &v), 0);
	assert_string_equal(v.foreign, "0000:01:00.0 (igb), 0000:01:10.4 (no driver)");
	sysfs_tree_function(t, "0000:01:10.6", "0x020000\n", 3, "vfio-pci");
	assert_int_equal(host_vf_read(sysfs_tree_fd(t), PF, 1, &v), 0);
	assert_string_equal(v.foreign,
			    "0000:01:00.0 (igb), 0000:01:10.4 (no driver), 0000:01:10.6 (...");
}

static void a_network_device_s_name_leads_to_its_function(void **state)
{
	int fd = sysfs_tree_fd(*state);
	struct pcisys_bdf bdf;

	assert_int_equal(host_pf_by_netdev(fd, "eth0", &bdf), 0);
	assert_string_equal(bdf.text, PF);
	assert_int_equal(host_pf_by_netdev(fd, "lo", &bdf), -ENOENT);
	assert_int_equal(host_pf_by_netdev(fd, "eth9", &bdf), -ENOENT);
	assert_int_equal(host_pf_by_netdev(fd, "", &bdf), -ENOENT);
	assert_int_equal(host_pf_by_netdev(fd, "..", &bdf), -ENOENT);
	assert_int_equal(host_pf_by_netdev(fd, "eth0/../eth0", &bdf), -ENOENT);
	sysfs_tree_link(*state, "class/net/v0/device", "../../../virtio0");
	assert_int_equal(host_pf_by_netdev(fd, "v0", &bdf), -ENOENT);
}

/* ---- events ---- */

struct message {
	struct nlmsghdr h;
	struct ifinfomsg info;
	struct rtattr name;
	char text[8];
};

static void messages_about_network_devices_are_found_among_others(void **state)
{
	struct message m[4];
	struct host_links in = {(unsigned char *)m, sizeof(m)};
	struct host_link link;

	for (unsigned int i = 0; i < 4; i++)
		m[i] = (struct message){.h = {sizeof(m[i]), RTM_NEWLINK, 0, 0, 0},
					.info = {.ifi_index = (int)i + 1},
					.name = {12, IFLA_IFNAME},
					.text = "eth0"};
	m[0].h.nlmsg_type = RTM_NEWADDR;
	/* a port that leaves its bridge is still there */
	m[1].h.nlmsg_type = RTM_DELLINK;
	m[1].info.ifi_family = AF_BRIDGE;
	m[3].h.nlmsg_type = RTM_DELLINK;
	m[3].name.rta_type = IFLA_MTU;
	assert_int_equal(host_links_next(&in, &link), 1);
	assert_int_equal(link.ifindex, 3);
	assert_string_equal(link.name, "eth0");
	assert_false(link.gone);
	assert_int_equal(host_links_next(&in, &link), 1);
	assert_int_equal(link.ifindex, 4);
	assert_string_equal(link.name, "");
	assert_true(link.gone);
	assert_int_equal(host_links_next(&in, &link), 0);
}

static void a_datagram_cut_short_is_the_end_of_it(void **state)
{
	struct message m = {.h = {sizeof(m), RTM_NEWLINK, 0, 0, 0}, .info = {.ifi_index = 1}};
	struct host_link link;

	for (size_t n = 1; n < sizeof(m); n++) {
		struct host_links in = {(unsigned char *)&m, n};

		assert_int_equal(host_links_next(&in, &link), -EBADMSG);
		assert_int_equal(host_links_next(&in, &link), 0);
	}
}

/* A watch in a network name space of our own, and a TAP there. */
struct bench {
	struct host_watch *w;
	int tap, control;
	char name[IFNAMSIZ];
};

static bool own_namespace(void)
{
	static bool have;

	if (!have)
		have = unshare(CLONE_NEWNET) == 0;
	return have;
}

static int tap_new(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(r.ifr_name, name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) == 0)
		return fd;
	return fd_close(fd);
}

static void flags(const struct bench *b, short set)
{
	struct ifreq r = {.ifr_flags = set};

	strcpy(r.ifr_name, b->name);
	assert_int_equal(ioctl(b->control, SIOCSIFFLAGS, &r), 0);
}

static void rename_to(struct bench *b, const char *name)
{
	struct ifreq r = {.ifr_flags = 0};

	strcpy(r.ifr_name, b->name);
	strcpy(r.ifr_newname, name);
	assert_int_equal(ioctl(b->control, SIOCSIFNAME, &r), 0);
	strcpy(b->name, name);
}

static void belongs(struct sysfs_tree *t, const char *name, const char *bdf)
{
	char ifindex[16];

	snprintf(ifindex, sizeof(ifindex), "%u\n", if_nametoindex(name));
	netdev(t, bdf, name, ifindex);
}

static void bench_init(struct bench *b, struct sysfs_tree *t)
{
	if (!own_namespace())
		skip();
	b->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(b->name, "port0");
	b->tap = tap_new(b->name);
	if (b->tap < 0)
		skip();
	belongs(t, b->name, PF);
	assert_int_equal(host_watch_new(sysfs_tree_fd(t), &b->w), 0);
}

static void bench_done(struct bench *b)
{
	host_watch_free(b->w);
	fd_close(b->tap);
	fd_close(b->control);
}

/* The next one must be this. */
static void expect(struct bench *b, enum host_change change, const char *bdf)
{
	struct pollfd p = {.fd = host_watch_fd(b->w), .events = POLLIN};
	struct host_event e;
	int r = host_watch_next(b->w, &e);

	for (int i = 0; r == 0 && i < 100 && poll(&p, 1, 5000) > 0; i++)
		r = host_watch_next(b->w, &e);
	assert_int_equal(r, 1);
	assert_int_equal(e.change, change);
	assert_string_equal(e.bdf.text, bdf);
}

static void drain(struct bench *b)
{
	struct host_event e;

	while (host_watch_next(b->w, &e) > 0)
		;
}

static void expect_nothing(struct bench *b)
{
	struct host_event e;

	assert_int_equal(host_watch_next(b->w, &e), 0);
}

static void changes_of_a_network_device_are_those_of_its_function(void **state)
{
	struct bench b;

	bench_init(&b, *state);
	flags(&b, IFF_UP);
	expect(&b, HOST_LINK, PF);
	drain(&b);
	flags(&b, 0);
	expect(&b, HOST_LINK, PF);
	drain(&b);
	rename_to(&b, "port1");
	expect(&b, HOST_NETDEV, PF);
	drain(&b);
	/* whatever sysfs says by now, the device is the one that it was */
	b.tap = fd_close(b.tap);
	do {
		struct host_event e;

		assert_int_equal(host_watch_next(b.w, &e), 1);
		if (e.change == HOST_NETDEV)
			break;
		assert_int_equal(e.change, HOST_LINK);
	} while (true);
	expect_nothing(&b);
	bench_done(&b);
}

static void a_network_device_that_comes_is_found_also_under_its_next_name(void **state)
{
	struct bench b;
	int tap;

	bench_init(&b, *state);
	/* it is renamed before anybody looks: sysfs has the new name only */
	tap = tap_new("early");
	assert_true(tap >= 0);
	strcpy(b.name, "early");
	rename_to(&b, "late");
	belongs(*state, "late", PF2);
	expect(&b, HOST_NETDEV, PF2);
	drain(&b);
	fd_close(tap);
	drain(&b);
	bench_done(&b);
}

static void a_network_device_of_no_function_is_silent(void **state)
{
	struct bench b;
	int tap;

	bench_init(&b, *state);
	tap = tap_new("soft0");
	assert_true(tap >= 0);
	strcpy(b.name, "soft0");
	flags(&b, IFF_UP);
	fd_close(tap);
	expect_nothing(&b);
	bench_done(&b);
}

static void lost_events_are_said_to_be_everything(void **state)
{
	bool everything = false;
	struct host_event e;
	struct bench b;

	bench_init(&b, *state);
	for (int i = 0; i < 5000; i++)
		flags(&b, i & 1 ? 0 : IFF_UP);
	while (host_watch_next(b.w, &e) > 0)
		everything = everything || e.change == HOST_EVERYTHING;
	assert_true(everything);
	/* and what is there is known again */
	flags(&b, IFF_UP);
	expect(&b, HOST_LINK, PF);
	drain(&b);
	bench_done(&b);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_pf_is_told_with_all_that_it_has),
		CASE(vfs_are_counted_without_waiting_for_who_changes_their_number),
		CASE(vfs_made_anew_are_told_from_those_before),
		CASE(a_pf_without_network_device_is_one),
		CASE(a_link_is_there_when_the_device_is_up_and_has_one),
		CASE(the_pf_s_own_device_is_told_from_those_of_its_vfs),
		CASE(all_pfs_are_told_by_address_and_nothing_else),
		CASE(more_pfs_than_there_is_room_for_are_left_out),
		CASE(what_is_no_pf_is_refused),
		CASE(a_vf_alone_in_its_group_can_be_passed_on),
		CASE(others_in_a_vf_s_group_are_named_save_ports),
		CASE(a_network_device_s_name_leads_to_its_function),
		CASE(messages_about_network_devices_are_found_among_others),
		CASE(a_datagram_cut_short_is_the_end_of_it),
		CASE(changes_of_a_network_device_are_those_of_its_function),
		CASE(a_network_device_that_comes_is_found_also_under_its_next_name),
		CASE(a_network_device_of_no_function_is_silent),
		CASE(lost_events_are_said_to_be_everything),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}

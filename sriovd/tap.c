/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <lib/clock.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sriovd/link.h>
#include <sriovd/tap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define PREFIX	 "sv-"
#define HASHED	 5 /* characters of a long name that are kept */
#define GOING_US (2 * USEC_PER_SEC)
#define RETRY_US (10 * USEC_PER_MSEC)

static int queue_open(const char *name, unsigned int flags, int *ret_fd)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags)};
	_cleanup_(fd_closep) int fd = -1;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int tap_open(const char *name, int *ret_fd, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	unsigned int ifindex;
	int r;

	r = queue_open(name, 0, &fd);
	if (r >= 0) {
		ifindex = if_nametoindex(name);
		r = ifindex ? link_set((int)ifindex, true, NULL) : -errno;
	}
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "tap %s: %s", name, strerrordesc_np(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void tap_name(const char *net, char ret_name[IFNAMSIZ])
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	if (strlen(net) < IFNAMSIZ - strlen(PREFIX)) {
		snprintf(ret_name, IFNAMSIZ, PREFIX "%s", net);
		return;
	}
	for (const char *c = net; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	/* no net's name has a tilde, so it is no short one's tap */
	snprintf(ret_name, IFNAMSIZ, PREFIX "%.*s~%06x", HASHED, net, hash & 0xffffff);
}

/* The first queue makes the device, and only if there is none: others' packets are not ours. */
static int queues_open(const char *name, unsigned int queues, int *ret_fds)
{
	unsigned int flags = (unsigned int)IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
	uint64_t deadline_us = clock_us() + clock_patient_us(GOING_US);
	int r;

	for (;;) {
		r = queue_open(name, flags | IFF_TUN_EXCL, &ret_fds[0]);
		if (r != -EBUSY || clock_us() >= deadline_us)
			break;
		clock_sleep_us(RETRY_US);
	}
	for (unsigned int i = 1; i < queues && r >= 0; i++)
		r = queue_open(name, flags, &ret_fds[i]);
	return r;
}

int tap_make(struct sriovd *d, const char *net, const char *link, unsigned int queues, int *ret_fds,
	     struct op_error *e)
{
	int fds[TAP_QUEUES_MAX] = {-1, -1, -1, -1};
	struct link_bridge br;
	char name[IFNAMSIZ], bridge[IFNAMSIZ];
	int r;

	tap_name(net, name);
	text_set(bridge, sizeof(bridge), "%s", link);
	baton_drop(d);
	r = link_bridge(bridge, &br, e);
	if (r >= 0) {
		r = queues_open(name, queues, fds);
		if (r == -EBUSY)
			op_fail(e, HTTP_CONFLICT, r, "tap %s is there already, and not ours", name);
		else if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "tap %s: %s", name, strerrordesc_np(-r));
	}
	if (r >= 0)
		r = link_join(name, &br, e);
	baton_take(d);
	for (unsigned int i = 0; i < TAP_QUEUES_MAX; i++)
		if (r < 0)
			fd_close(fds[i]);
		else if (i < queues)
			ret_fds[i] = fds[i];
	return r;
}

int tap_join(const char *name, const char *link, struct op_error *e)
{
	struct link_bridge br;
	int r;

	r = link_bridge(link, &br, e);
	return r < 0 ? r : link_join(name, &br, e);
}

void tap_await_end(struct sriovd *d, const char *name)
{
	uint64_t deadline_us = clock_us() + GOING_US;

	baton_drop(d);
	while (if_nametoindex(name) != 0 && clock_us() < deadline_us)
		clock_sleep_us(RETRY_US);
	baton_take(d);
}

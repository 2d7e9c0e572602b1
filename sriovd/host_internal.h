#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the inventory and the watch: network devices of functions, and decoding of events. */
#include <sriovd/host.h>
#include <stddef.h>

struct host_netdev {
	char name[IFNAMSIZ];
	int ifindex;
};

/** host_netdev_of() - the network device of a function itself, not of its VFs. -ENOENT: none. */
int host_netdev_of(int sysfs, const char *bdf, struct host_netdev *ret) _must_check_;

/** host_netdev_number() - small number @attr of the network device @name. -ENOENT, -errno. */
int host_netdev_number(int sysfs, const char *name, const char *attr, int *ret) _must_check_;

/* A message about a network device. */
struct host_link {
	bool gone;
	int ifindex;
	char name[IFNAMSIZ]; /* empty: not told */
};

/* What is left of a datagram of rtnetlink events. */
struct host_links {
	const unsigned char *at;
	size_t left;
};

/**
 * host_links_next() - the next message about a network device; what else is there is passed over
 *
 * Pure. Returns 1 with @ret; 0 at the end; -EBADMSG it is cut short or malformed: nothing is left.
 */
int host_links_next(struct host_links *in, struct host_link *ret) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tap devices: the wire of a software NIC, the uplink of our bridge, and the host's end of a net
 * with backend tap. Each lives as long as its holder.
 */
#include <net/if.h>
#include <sriovd/state.h>

/**
 * tap_open() - make tap @name (or take an unused persistent one) and set it up
 * @ret_fd: non-blocking, close-on-exec, frames without packet information
 *
 * Context: any thread; a few netlink exchanges, no wait for anybody else.
 * Return: 0; -EBUSY the name is in use; -EPERM; -ENOENT no /dev/net/tun; -errno, @e names the tap.
 * Source: Documentation/networking/tuntap.rst of Linux.
 */
int tap_open(const char *name, int *ret_fd, struct op_error *e) _must_check_;

/**
 * tap_name() - what the tap of net @net is called: "sv-" and the name, or its start and a hash
 *
 * Context: any; pure. Source: -.
 */
void tap_name(const char *net, char ret_name[IFNAMSIZ]);

/**
 * tap_make() - make the tap of a net, put it into a bridge of the host and set it up
 * @link:   the bridge
 * @queues: queue pairs, 1 to TAP_QUEUES_MAX
 * @ret_fds: one a queue pair, frames with virtio-net's header, close-on-exec; the caller's
 *
 * A tap of that name which is just going away is waited for; one that stays is somebody else's. The
 * tap gets the bridge's MTU, since a smaller one would lower the bridge's.
 * Context: drops the baton, up to 2 s. Return: 0; -ENODEV, -EINVAL no such bridge; -EBUSY the name
 * is in use; -EPERM; -errno, @e names what. Source: Documentation/networking/tuntap.rst of Linux.
 */
int tap_make(struct sriovd *d, const char *net, const char *link, unsigned int queues, int *ret_fds,
	     struct op_error *e) _must_check_;

/**
 * tap_join() - see to it that a tap which is there is in its bridge and up
 *
 * Context: netlink exchanges. Return: 0; as link_bridge(), link_join(). Source: rtnetlink(7).
 */
int tap_join(const char *name, const char *link, struct op_error *e) _must_check_;

/**
 * tap_await_end() - its holder lets go of it now: wait until it is gone
 *
 * Context: drops the baton, up to 2 s. Source: -.
 */
void tap_await_end(struct sriovd *d, const char *name);

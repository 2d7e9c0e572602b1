/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netlink/route/link.h>
#include <sriovd/tap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static void nl_socket_freep(struct nl_sock **sk)
{
	nl_socket_free(*sk);
}

static void link_putp(struct rtnl_link **link)
{
	if (*link)
		rtnl_link_put(*link);
}

static int nl_errno(int error)
{
	switch (-error) {
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	case NLE_PERM:
		return -EPERM;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int link_up(const char *name)
{
	_cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	_cleanup_(link_putp) struct rtnl_link *change = NULL;
	int r;

	sk = nl_socket_alloc();
	change = rtnl_link_alloc();
	if (!sk || !change)
		return -ENOMEM;
	r = nl_connect(sk, NETLINK_ROUTE);
	if (r >= 0)
		r = rtnl_link_get_kernel(sk, 0, name, &link);
	if (r < 0)
		return nl_errno(r);
	rtnl_link_set_flags(change, IFF_UP);
	r = rtnl_link_change(sk, link, change, 0);
	return r < 0 ? nl_errno(r) : 0;
}

int tap_open(const char *name, int *ret_fd, struct op_error *e)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	_cleanup_(fd_closep) int fd = -1;
	int r = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		r = -errno;
	if (r >= 0)
		r = link_up(name);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "tap %s: %s", name, strerrordesc_np(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

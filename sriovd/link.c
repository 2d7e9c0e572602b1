/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if.h>
#include <netlink/route/link.h>
#include <sriovd/link.h>
#include <string.h>

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

static int change_flags(int ifindex, bool up)
{
	_cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	_cleanup_(link_putp) struct rtnl_link *change = NULL;
	int r;

	sk = nl_socket_alloc();
	link = rtnl_link_alloc();
	change = rtnl_link_alloc();
	if (!sk || !link || !change)
		return -ENOMEM;
	r = nl_connect(sk, NETLINK_ROUTE);
	if (r < 0)
		return nl_errno(r);
	rtnl_link_set_ifindex(link, ifindex);
	if (up)
		rtnl_link_set_flags(change, IFF_UP);
	else
		rtnl_link_unset_flags(change, IFF_UP);
	r = rtnl_link_change(sk, link, change, 0);
	return r < 0 ? nl_errno(r) : 0;
}

int link_set(int ifindex, bool up, struct op_error *e)
{
	int r = change_flags(ifindex, up);

	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "network device %d: %s: %s", ifindex,
			       up ? "up" : "down", strerrordesc_np(-r));
	return 0;
}

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

static int link_open(struct nl_sock **ret_sk)
{
	_cleanup_(nl_socket_freep) struct nl_sock *sk = nl_socket_alloc();
	int r;

	if (!sk)
		return -ENOMEM;
	r = nl_connect(sk, NETLINK_ROUTE);
	if (r < 0)
		return nl_errno(r);
	*ret_sk = TAKE_PTR(sk);
	return 0;
}

/* What is not set in @change stays as it is. */
static int link_change(int ifindex, struct rtnl_link *change)
{
	_cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
	_cleanup_(link_putp) struct rtnl_link *link = rtnl_link_alloc();
	int r;

	if (!link || !change)
		return -ENOMEM;
	r = link_open(&sk);
	if (r < 0)
		return r;
	rtnl_link_set_ifindex(link, ifindex);
	r = rtnl_link_change(sk, link, change, 0);
	return r < 0 ? nl_errno(r) : 0;
}

int link_set(int ifindex, bool up, struct op_error *e)
{
	_cleanup_(link_putp) struct rtnl_link *change = rtnl_link_alloc();
	int r;

	if (change && up)
		rtnl_link_set_flags(change, IFF_UP);
	else if (change)
		rtnl_link_unset_flags(change, IFF_UP);
	r = link_change(ifindex, change);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "network device %d: %s: %s", ifindex,
			       up ? "up" : "down", strerrordesc_np(-r));
	return 0;
}

static int link_get(const char *name, struct rtnl_link **ret_link)
{
	_cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
	int r;

	r = link_open(&sk);
	if (r < 0)
		return r;
	r = rtnl_link_get_kernel(sk, 0, name, ret_link);
	return r < 0 ? nl_errno(r) : 0;
}

int link_bridge(const char *name, struct link_bridge *ret_bridge, struct op_error *e)
{
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	const char *type;
	int r;

	r = link_get(name, &link);
	if (r == -ENODEV)
		return op_fail(e, HTTP_CONFLICT, r, "bridge %s: there is no such network device",
			       name);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "bridge %s: %s", name, strerrordesc_np(-r));
	type = rtnl_link_get_type(link);
	if (!type || strcmp(type, "bridge") != 0)
		return op_fail(e, HTTP_CONFLICT, -EINVAL, "%s is no bridge", name);
	ret_bridge->ifindex = rtnl_link_get_ifindex(link);
	ret_bridge->mtu = rtnl_link_get_mtu(link);
	return 0;
}

int link_join(const char *name, const struct link_bridge *br, struct op_error *e)
{
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	_cleanup_(link_putp) struct rtnl_link *change = rtnl_link_alloc();
	int r;

	r = change ? link_get(name, &link) : -ENOMEM;
	if (r >= 0 &&
	    (rtnl_link_get_master(link) != br->ifindex || !(rtnl_link_get_flags(link) & IFF_UP))) {
		rtnl_link_set_mtu(change, br->mtu);
		rtnl_link_set_master(change, br->ifindex);
		rtnl_link_set_flags(change, IFF_UP);
		r = link_change(rtnl_link_get_ifindex(link), change);
	}
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "%s: cannot be put into the bridge: %s", name,
			       strerrordesc_np(-r));
	return 0;
}

int link_master(const char *name, int *ret_ifindex)
{
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	int r;

	r = link_get(name, &link);
	if (r >= 0)
		*ret_ifindex = rtnl_link_get_master(link);
	return r;
}

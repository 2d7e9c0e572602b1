/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes: functions by udev, network devices by rtnetlink. The latter's messages have no PCI
 * address, and when a device has gone sysfs has none either: so the watch knows which network
 * devices there are.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sriovd/host.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "host_internal.h"

#define NETDEVS_MAX    4096u
#define RECEIVE_BYTES  (1 << 20) /* of the sockets: a thousand VFs made at once */
#define DATAGRAM_BYTES (32u * 1024)
#define UDEV_RUNS      "/run/udev/control"

/* A network device of a PCI function. */
struct known {
	int ifindex;
	char name[IFNAMSIZ];
	struct pcisys_bdf bdf;
};

struct host_watch {
	int sysfs;
	int epoll;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct nl_sock *sk;
	struct known *known;
	size_t n_known, room;
	struct host_links links; /* what is left of datagram[] */
	unsigned char datagram[DATAGRAM_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

int host_links_next(struct host_links *in, struct host_link *ret)
{
	while (in->left > 0) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)in->at;
		const struct ifinfomsg *info;
		const struct nlattr *name;
		struct host_link link = {.gone = false};
		size_t step;

		if (in->left > INT32_MAX || !nlmsg_ok(h, (int)in->left)) {
			in->left = 0;
			return -EBADMSG;
		}
		step = NLMSG_ALIGN(h->nlmsg_len) < in->left ? NLMSG_ALIGN(h->nlmsg_len) : in->left;
		in->at += step;
		in->left -= step;
		if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
			continue;
		if (!nlmsg_valid_hdr(h, sizeof(*info))) {
			in->left = 0;
			return -EBADMSG;
		}
		info = nlmsg_data(h);
		/* a bridge tells of its ports by the same messages: one that leaves is not gone */
		if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
			continue;
		link.gone = h->nlmsg_type == RTM_DELLINK;
		link.ifindex = info->ifi_index;
		name = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(*info), IFLA_IFNAME);
		if (name)
			nla_strlcpy(link.name, name, sizeof(link.name));
		*ret = link;
		return 1;
	}
	return 0;
}

static struct known *find(struct host_watch *w, int ifindex)
{
	for (size_t i = 0; i < w->n_known; i++)
		if (w->known[i].ifindex == ifindex)
			return &w->known[i];
	return NULL;
}

static int learn(struct host_watch *w, int ifindex, const char *name, const struct pcisys_bdf *bdf)
{
	struct known *k = find(w, ifindex);

	if (!k && w->n_known == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		void *more = w->room < NETDEVS_MAX ? realloc(w->known, room * sizeof(*k)) : NULL;

		if (!more)
			return -ENOMEM;
		w->known = more;
		w->room = room;
	}
	if (!k)
		k = &w->known[w->n_known++];
	k->ifindex = ifindex;
	k->bdf = *bdf;
	snprintf(k->name, sizeof(k->name), "%s", name);
	return 0;
}

static void forget(struct host_watch *w, struct known *k)
{
	*k = w->known[--w->n_known];
}

/* Does this name still belong to this device? */
static int address(const struct host_watch *w, int ifindex, const char *name,
		   struct pcisys_bdf *ret_bdf)
{
	int now, r;

	r = host_netdev_number(w->sysfs, name, "ifindex", &now);
	if (r < 0 || now != ifindex)
		return -ESTALE;
	return host_pf_by_netdev(w->sysfs, name, ret_bdf);
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* All that there are; with @ifindex until that one is known. */
static int look_at_all(struct host_watch *w, int ifindex)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	const struct dirent *e;
	int fd, r = 0;

	fd = openat(w->sysfs, "class/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return -ENOMEM;
	}
	while (r >= 0 && (e = readdir(dir))) {
		struct pcisys_bdf bdf;
		int n;

		if (host_netdev_number(w->sysfs, e->d_name, "ifindex", &n) < 0 ||
		    (ifindex && n != ifindex) || address(w, n, e->d_name, &bdf) < 0)
			continue;
		r = learn(w, n, e->d_name, &bdf);
		if (ifindex)
			break;
	}
	return r;
}

static int listen_udev(struct host_watch *w)
{
	bool runs = access(UDEV_RUNS, F_OK) == 0;
	int r;

	w->udev = udev_new();
	if (!w->udev)
		return -ENOMEM;
	w->monitor = udev_monitor_new_from_netlink(w->udev, runs ? "udev" : "kernel");
	if (!w->monitor)
		return errno ? -errno : -ENOMEM;
	r = udev_monitor_filter_add_match_subsystem_devtype(w->monitor, "pci", NULL);
	if (r < 0)
		return r;
	/* without privilege the socket stays smaller, and more is lost: which is told */
	(void)udev_monitor_set_receive_buffer_size(w->monitor, RECEIVE_BYTES);
	r = udev_monitor_enable_receiving(w->monitor);
	return r < 0 ? r : 0;
}

static int listen_links(struct host_watch *w)
{
	int r;

	w->sk = nl_socket_alloc();
	if (!w->sk)
		return -ENOMEM;
	r = nl_connect(w->sk, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_add_membership(w->sk, RTNLGRP_LINK);
	if (r >= 0)
		r = nl_socket_set_nonblocking(w->sk);
	if (r < 0)
		return r == -NLE_NOMEM ? -ENOMEM : -EPROTONOSUPPORT;
	(void)nl_socket_set_buffer_size(w->sk, RECEIVE_BYTES, 0);
	return 0;
}

static int poll_on(struct host_watch *w)
{
	const int fds[] = {udev_monitor_get_fd(w->monitor), nl_socket_get_fd(w->sk)};

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	for (size_t i = 0; i < 2; i++) {
		struct epoll_event ev = {.events = EPOLLIN};

		if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fds[i], &ev) < 0)
			return -errno;
	}
	return 0;
}

int host_watch_new(int sysfs, struct host_watch **ret)
{
	_cleanup_(host_watch_freep) struct host_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->epoll = -1;
	w->sysfs = fcntl(sysfs, F_DUPFD_CLOEXEC, 0);
	if (w->sysfs < 0)
		return -errno;
	r = listen_udev(w);
	if (r >= 0)
		r = listen_links(w);
	if (r >= 0)
		r = poll_on(w);
	/* after having begun to listen, so that none is missed in between */
	if (r >= 0)
		r = look_at_all(w, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

void host_watch_free(struct host_watch *w)
{
	if (!w)
		return;
	fd_close(w->epoll);
	fd_close(w->sysfs);
	nl_socket_free(w->sk);
	udev_monitor_unref(w->monitor);
	udev_unref(w->udev);
	free(w->known);
	free(w);
}

int host_watch_fd(const struct host_watch *w)
{
	return w->epoll;
}

static int everything(struct host_event *ret)
{
	*ret = (struct host_event){.change = HOST_EVERYTHING};
	return 1;
}

static bool change_of(const char *action, enum host_change *ret)
{
	if (!action)
		return false;
	if (!strcmp(action, "add"))
		*ret = HOST_ADDED;
	else if (!strcmp(action, "remove"))
		*ret = HOST_REMOVED;
	else if (!strcmp(action, "bind") || !strcmp(action, "unbind"))
		*ret = HOST_DRIVER;
	else
		return false;
	return true;
}

static int next_function(struct host_watch *w, struct host_event *ret)
{
	for (;;) {
		struct udev_device *dev;
		const char *bdf;
		bool ours;

		errno = 0;
		dev = udev_monitor_receive_device(w->monitor);
		if (!dev)
			return errno == EAGAIN || errno == EINTR ? 0 : everything(ret);
		bdf = udev_device_get_sysname(dev);
		ours = bdf && pcisys_bdf_ok(bdf) &&
		       change_of(udev_device_get_action(dev), &ret->change);
		if (ours)
			strcpy(ret->bdf.text, bdf);
		udev_device_unref(dev);
		if (ours)
			return 1;
	}
}

/* 1: a datagram of the kernel's is there; 0: none; -ENOBUFS: some were lost. */
static int receive(struct host_watch *w)
{
	for (;;) {
		struct sockaddr_nl from = {.nl_pid = 0};
		struct iovec iov = {w->datagram, sizeof(w->datagram)};
		struct msghdr msg = {.msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1};
		ssize_t n = recvmsg(nl_socket_get_fd(w->sk), &msg, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return -ENOBUFS;
		w->links = (struct host_links){w->datagram, (size_t)n};
		return 1;
	}
}

/* 1 if it is about a PCI function; 0 if not. */
static int attribute(struct host_watch *w, const struct host_link *link, struct host_event *ret)
{
	struct known *k = find(w, link->ifindex);
	struct pcisys_bdf bdf;
	int r;

	if (k) {
		ret->bdf = k->bdf;
		ret->change = link->gone || (link->name[0] && strcmp(link->name, k->name))
				      ? HOST_NETDEV
				      : HOST_LINK;
		if (link->gone)
			forget(w, k);
		else if (link->name[0])
			strcpy(k->name, link->name);
		return 1;
	}
	if (link->gone)
		return 0;
	r = address(w, link->ifindex, link->name, &bdf);
	if (r >= 0)
		r = learn(w, link->ifindex, link->name, &bdf);
	else if (r == -ESTALE) /* it has been renamed since, or has gone */
		r = look_at_all(w, link->ifindex);
	if (r < 0)
		return r == -ESTALE || host_gone(r) ? 0 : everything(ret);
	k = find(w, link->ifindex);
	if (!k)
		return 0;
	ret->bdf = k->bdf;
	ret->change = HOST_NETDEV;
	return 1;
}

static int next_link(struct host_watch *w, struct host_event *ret)
{
	struct host_link link;
	int r;

	for (;;) {
		r = host_links_next(&w->links, &link);
		if (r < 0)
			break;
		if (r > 0) {
			r = attribute(w, &link, ret);
			if (r)
				return r;
			continue;
		}
		r = receive(w);
		if (r <= 0)
			break;
	}
	if (r == 0)
		return 0;
	if (r != -ENOBUFS && r != -ENOMEM && r != -EBADMSG)
		return r;
	/*
	 * What came and went meanwhile is not known: begin anew. Those that cannot be looked at now
	 * (no descriptors left) are found again when something is said of them.
	 */
	w->n_known = 0;
	(void)!look_at_all(w, 0);
	return everything(ret);
}

int host_watch_next(struct host_watch *w, struct host_event *ret)
{
	struct host_event e = {.change = HOST_EVERYTHING};
	int r;

	r = next_function(w, &e);
	if (r == 0)
		r = next_link(w, &e);
	if (r > 0)
		*ret = e;
	return r;
}

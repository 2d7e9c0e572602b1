/* SPDX-License-Identifier: BSD-3-Clause */
/* What is there, from sysfs. */
#include <dirent.h>
#include <fcntl.h>
#include <sriovd/host.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "host_internal.h"

#define PATH_BYTES   256u
#define CLASS_BRIDGE 0x06u
#define CLASS_NET    0x02u
#define DEVICES	     "bus/pci/devices"
#define VIRTFN	     "virtfn"
#define NETDEV_TRIES 3

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int dir_open(int sysfs, const char *path, DIR **ret)
{
	int fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

/* A number of which everything that is none is said to be @none. */
static int number_or(int sysfs, const char *bdf, const char *attr, int none)
{
	uint64_t v;

	if (pcisys_number(sysfs, bdf, attr, &v) < 0 || v > INT32_MAX)
		return none;
	return (int)v;
}

static int netdev_attr(int sysfs, const char *bdf, const char *name, const char *attr, int none)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "net/%s/%s", name, attr);
	return number_or(sysfs, bdf, path, none);
}

/*
 * A function may have several: ports of one function, and in switchdev mode one for each VF as
 * well, made after its own.
 */
static int netdev_first(int sysfs, const char *bdf, struct host_netdev *ret)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	struct host_netdev best = {.ifindex = 0};
	const struct dirent *e;
	char path[PATH_BYTES];
	int best_port = 0, r;

	if (!pcisys_bdf_ok(bdf))
		return -EINVAL;
	snprintf(path, sizeof(path), DEVICES "/%s/net", bdf);
	r = dir_open(sysfs, path, &dir);
	if (r < 0)
		return r;
	while ((e = readdir(dir))) {
		int port, ifindex;

		if (e->d_name[0] == '.' || strlen(e->d_name) >= IFNAMSIZ)
			continue;
		port = netdev_attr(sysfs, bdf, e->d_name, "dev_port", 0);
		ifindex = netdev_attr(sysfs, bdf, e->d_name, "ifindex", 0);
		if (!ifindex)
			return -EAGAIN; /* renamed or gone since */
		if (best.ifindex &&
		    (port > best_port || (port == best_port && ifindex > best.ifindex)))
			continue;
		best_port = port;
		best.ifindex = ifindex;
		strcpy(best.name, e->d_name);
	}
	if (!best.ifindex)
		return -ENOENT;
	*ret = best;
	return 0;
}

int host_netdev_of(int sysfs, const char *bdf, struct host_netdev *ret)
{
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < NETDEV_TRIES; i++)
		r = netdev_first(sysfs, bdf, ret);
	return r == -EAGAIN || r == -ENODEV ? -ENOENT : r;
}

/*
 * Not from "carrier": reading that takes the RTNL. A device whose driver does not tell of carriers
 * has one as long as it is up, which is what "unknown" stands for.
 */
static bool has_carrier(int sysfs, const char *bdf, const char *name)
{
	char path[PATH_BYTES], state[24];

	snprintf(path, sizeof(path), "net/%s/operstate", name);
	if (pcisys_text(sysfs, bdf, path, state, sizeof(state)) < 0)
		return false;
	return !strcmp(state, "up") || !strcmp(state, "dormant") || !strcmp(state, "unknown");
}

static void netdev_fill(int sysfs, const char *bdf, struct host_pf *pf)
{
	struct host_netdev dev;
	char path[PATH_BYTES], mac[64];
	int flags;

	if (host_netdev_of(sysfs, bdf, &dev) < 0)
		return;
	flags = netdev_attr(sysfs, bdf, dev.name, "flags", 0);
	strcpy(pf->netdev, dev.name);
	pf->ifindex = dev.ifindex;
	pf->up = flags & IFF_UP;
	pf->carrier = pf->up && has_carrier(sysfs, bdf, dev.name);
	snprintf(path, sizeof(path), "net/%s/address", dev.name);
	if (pcisys_text(sysfs, bdf, path, mac, sizeof(mac)) < 0 || mac_parse(mac, &pf->mac) < 0)
		memset(&pf->mac, 0, sizeof(pf->mac));
}

/*
 * By the links: the kernel has the device's lock while it changes the number and while a driver is
 * unbound, which may wait for us, and reading sriov_numvfs waits for that lock.
 */
static int count_vfs(int sysfs, const char *bdf, unsigned int *ret_n)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	const struct dirent *e;
	char path[PATH_BYTES];
	unsigned int n = 0;
	int r;

	snprintf(path, sizeof(path), DEVICES "/%s", bdf);
	r = dir_open(sysfs, path, &dir);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	while ((e = readdir(dir)))
		n += strncmp(e->d_name, VIRTFN, strlen(VIRTFN)) == 0;
	*ret_n = n;
	return 0;
}

/* A link that is made anew has another inode; and there are never VFs without number 0. */
uint64_t host_pf_made(int sysfs, const char *bdf)
{
	char path[PATH_BYTES];
	struct stat st;

	if (!pcisys_bdf_ok(bdf))
		return 0;
	snprintf(path, sizeof(path), DEVICES "/%s/" VIRTFN "0", bdf);
	return fstatat(sysfs, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

int host_pf_read(int sysfs, const char *bdf, struct host_pf *ret)
{
	struct host_pf pf = {.group = -1};
	unsigned int group;
	int r;

	r = pcisys_totalvfs(sysfs, bdf, &pf.total_vfs);
	if (r < 0)
		return r;
	strcpy(pf.bdf.text, bdf);
	r = count_vfs(sysfs, bdf, &pf.num_vfs);
	if (r < 0)
		return r;
	pf.made = host_pf_made(sysfs, bdf);
	r = pcisys_driver(sysfs, bdf, pf.driver);
	if (r < 0)
		return r;
	pf.vendor = (uint16_t)number_or(sysfs, bdf, "vendor", 0);
	pf.device = (uint16_t)number_or(sysfs, bdf, "device", 0);
	pf.numa_node = number_or(sysfs, bdf, "numa_node", -1);
	pf.autoprobe = number_or(sysfs, bdf, "sriov_drivers_autoprobe", 1);
	if (pcisys_group(sysfs, bdf, &group) >= 0)
		pf.group = (int)group;
	netdev_fill(sysfs, bdf, &pf);
	*ret = pf;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct host_pf *x = a, *y = b;
	/* longer domains are higher ones */
	size_t m = strlen(x->bdf.text), n = strlen(y->bdf.text);

	return m != n ? (m < n ? -1 : 1) : strcmp(x->bdf.text, y->bdf.text);
}

/* Storage and accelerators have SR-IOV too. */
static bool is_network(int sysfs, const char *bdf)
{
	uint64_t class;

	return pcisys_number(sysfs, bdf, "class", &class) >= 0 && class >> 16 == CLASS_NET;
}

int host_pfs(int sysfs, struct host_pf *ret)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	const struct dirent *e;
	unsigned int n = 0;
	int r;

	r = dir_open(sysfs, DEVICES, &dir);
	if (r < 0)
		return r;
	while (n < HOST_PFS_MAX && (e = readdir(dir))) {
		struct host_pf pf;

		if (!pcisys_bdf_ok(e->d_name) || !is_network(sysfs, e->d_name))
			continue;
		/* one that cannot be read is no reason to hide the others */
		if (host_pf_read(sysfs, e->d_name, &pf) >= 0)
			ret[n++] = pf;
	}
	qsort(ret, n, sizeof(*ret), by_address);
	return (int)n;
}

int host_pf_speed(int sysfs, const char *bdf, unsigned int *ret_mbps)
{
	struct host_netdev dev;
	char driver[PCISYS_DRIVER_MAX];
	int r;

	r = pcisys_driver(sysfs, bdf, driver);
	if (r < 0)
		return r;
	*ret_mbps = 0;
	if (host_netdev_of(sysfs, bdf, &dev) >= 0)
		*ret_mbps = (unsigned int)netdev_attr(sysfs, bdf, dev.name, "speed", 0);
	return 0;
}

/* Ports and bridges only pass DMA of others on; everything else in the group can do DMA itself. */
static bool is_passage(const struct pcisys_member *m)
{
	return m->class_code >> 16 == CLASS_BRIDGE && !pcisys_member_foreign(m);
}

static int group_fill(int sysfs, struct host_vf *vf)
{
	struct pcisys_member members[PCISYS_MEMBERS_MAX];
	unsigned int group;
	size_t used = 0;
	int n;

	n = pcisys_group(sysfs, vf->bdf.text, &group);
	if (n < 0)
		return n == -ENOENT ? 0 : n;
	n = pcisys_group_members(sysfs, group, members);
	if (n < 0)
		return n;
	vf->group = (int)group;
	for (int i = 0; i < n && used < sizeof(vf->foreign); i++) {
		const struct pcisys_member *m = &members[i];

		if (!strcmp(m->bdf.text, vf->bdf.text) || is_passage(m))
			continue;
		used += (size_t)snprintf(vf->foreign + used, sizeof(vf->foreign) - used,
					 "%s%s (%s)", used ? ", " : "", m->bdf.text,
					 m->driver[0] ? m->driver : "no driver");
	}
	/* too many to be named: say so, at the last one's cost */
	if (used >= sizeof(vf->foreign))
		strcpy(vf->foreign + sizeof(vf->foreign) - 4, "...");
	return 0;
}

int host_vf_read(int sysfs, const char *bdf, unsigned int vf, struct host_vf *ret)
{
	struct host_netdev dev;
	struct host_vf v = {.group = -1};
	int r;

	r = pcisys_virtfn(sysfs, bdf, vf, &v.bdf);
	if (r < 0)
		return r;
	r = pcisys_driver(sysfs, v.bdf.text, v.driver);
	if (r < 0)
		return r;
	v.numa_node = number_or(sysfs, v.bdf.text, "numa_node", -1);
	if (host_netdev_of(sysfs, v.bdf.text, &dev) >= 0)
		strcpy(v.netdev, dev.name);
	r = group_fill(sysfs, &v);
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}

static int class_net(const char *name, const char *attr, char ret_path[static PATH_BYTES])
{
	if (!name[0] || strlen(name) >= IFNAMSIZ || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return -ENOENT;
	snprintf(ret_path, PATH_BYTES, "class/net/%s/%s", name, attr);
	return 0;
}

int host_netdev_number(int sysfs, const char *name, const char *attr, int *ret)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_BYTES], text[24], *end;
	ssize_t n;
	long v;
	int r;

	r = class_net(name, attr, path);
	if (r < 0)
		return r;
	fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	v = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n') || v < 0 || v > INT32_MAX)
		return -EBADMSG;
	*ret = (int)v;
	return 0;
}

int host_pf_by_netdev(int sysfs, const char *netdev, struct pcisys_bdf *ret)
{
	char path[PATH_BYTES], target[PATH_BYTES];
	const char *name;
	ssize_t n;
	int r;

	r = class_net(netdev, "device", path);
	if (r < 0)
		return r;
	n = readlinkat(sysfs, path, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOTDIR || errno == ENODEV ? -ENOENT : -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (!pcisys_bdf_ok(name))
		return -ENOENT;
	strcpy(ret->text, name);
	return 0;
}

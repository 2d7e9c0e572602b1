/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process's half of the jail. The order matters: namespaces while there are privileges to make
 * them, the root while there is a namespace of mounts, Landlock after the last mount, then the uid,
 * and capabilities last.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <lib/jail.h>
#include <lib/text.h>

/* A directory that every host of ours has, to mount an empty root on; nobody else sees it. */
#define ROOT_PLACE "/proc"
#define ROOT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* Newer than some headers that we compile with: Landlock's rights by version of its ABI. */
#define LANDLOCK_FS_V1	((UINT64_C(1) << 13) - 1)
#define LANDLOCK_FS_V2	(UINT64_C(1) << 13)
#define LANDLOCK_FS_V3	(UINT64_C(1) << 14)
#define LANDLOCK_FS_V5	(UINT64_C(1) << 15)
#define LANDLOCK_NET_V4 UINT64_C(3) /* TCP bind, connect */
#define LANDLOCK_ALL_V6 UINT64_C(3) /* abstract sockets, signals */

struct landlock_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static const struct {
	int flag;
	const char *name;
} namespaces[] = {
	{CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mount"}, {CLONE_NEWNET, "net"},
	{CLONE_NEWIPC, "ipc"},	 {CLONE_NEWUTS, "uts"},	 {CLONE_NEWCGROUP, "cgroup"},
};

#define N_NAMESPACES (sizeof(namespaces) / sizeof(namespaces[0]))

int jail_close_others(const int *keep, size_t n)
{
	unsigned int from = 3;

	for (size_t i = 0; i < n; i++) {
		unsigned int fd = (unsigned int)keep[i];

		if (keep[i] < 3)
			continue;
		if (fd > from && close_range(from, fd - 1, 0) < 0)
			return -errno;
		from = fd + 1;
	}
	return close_range(from, UINT32_MAX, 0) < 0 ? -errno : 0;
}

static int capget_effective(uint64_t *ret_caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*ret_caps = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}

static void limits(const struct jail_plan *plan, uint64_t caps)
{
	const struct rlimit none = {0, 0}, all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &none); /* a core file would have the guest's memory */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && plan->files_max) {
		if (files.rlim_max > plan->files_max)
			files.rlim_max = plan->files_max;
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	/* memory that a device reaches is locked: who was above the limit goes on being so, as the
	 * capability for that goes, and only descriptors that were given to it lock anything */
	if (caps & UINT64_C(1) << CAP_IPC_LOCK)
		setrlimit(RLIMIT_MEMLOCK, &all);
}

static int write_file(const char *path, const char *text)
{
	_cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* Without privileges a namespace of users has to come first. One to one: peers' uids stay true. */
static int unshare_as_user(uid_t uid, gid_t gid)
{
	char map[64];
	int r;

	if (unshare(CLONE_NEWUSER | NAMESPACES) < 0)
		return -errno;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	r = write_file("/proc/self/uid_map", map);
	if (r >= 0)
		r = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	if (r >= 0)
		r = write_file("/proc/self/gid_map", map);
	return r;
}

static void separate(uint64_t caps, struct jail_state *s)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (caps & UINT64_C(1) << CAP_SYS_ADMIN) {
		if (unshare(NAMESPACES) == 0)
			s->namespaces = NAMESPACES;
		else if (unshare(NAMESPACES & ~CLONE_NEWCGROUP) == 0)
			s->namespaces = NAMESPACES & ~CLONE_NEWCGROUP;
	} else if (unshare_as_user(uid, gid) == 0) {
		s->namespaces = CLONE_NEWUSER | NAMESPACES;
	}
}

static int root_enter(void)
{
	/* the old root ends up on top of the new one, and goes with all that is mounted below */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	/* where / is no mount of its own: who has no capability does not get out of this, either */
	return chroot(".") < 0 ? -errno : 0;
}

static int root_empty(void)
{
	int r;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount("jail", ROOT_PLACE, "tmpfs", ROOT_FLAGS, "mode=0555,nr_inodes=1,nr_blocks=1") < 0)
		return -errno;
	if (chdir(ROOT_PLACE) < 0)
		return -errno;
	r = root_enter();
	if (r < 0 || chdir("/") < 0)
		return r < 0 ? r : -errno;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | ROOT_FLAGS, NULL) < 0)
		return -errno;
	return 0;
}

static int root_dir(const char *dir)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount(dir, dir, NULL, MS_BIND, NULL) < 0)
		return -errno;
	if (mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | ROOT_FLAGS, NULL) < 0)
		return -errno;
	if (chdir(dir) < 0)
		return -errno;
	return root_enter() < 0 || chdir("/") < 0 ? -EPERM : 0;
}

/* Version of the ABI that is in force now; 0: none. */
static int landlock_all(void)
{
	struct landlock_attr a = {.fs = LANDLOCK_FS_V1};
	_cleanup_(fd_closep) int fd = -1;
	size_t size = sizeof(a.fs);
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1)
		return 0;
	if (abi >= 2)
		a.fs |= LANDLOCK_FS_V2;
	if (abi >= 3)
		a.fs |= LANDLOCK_FS_V3;
	if (abi >= 5)
		a.fs |= LANDLOCK_FS_V5;
	if (abi >= 4) {
		a.net = LANDLOCK_NET_V4;
		size += sizeof(a.net);
	}
	if (abi >= 6) {
		a.scoped = LANDLOCK_ALL_V6;
		size += sizeof(a.scoped);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return 0;
	return (int)abi;
}

static int uid_become(uid_t uid)
{
	if (setgroups(0, NULL) < 0)
		return -errno;
	if (setresgid(uid, uid, uid) < 0)
		return -errno;
	return setresuid(uid, uid, uid) < 0 ? -errno : 0;
}

/* Fails without the capability to do so: then nothing can be gained by exec(2) anyway. */
static void bounds_drop(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static int capabilities_drop(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int jail_enter(const struct jail_plan *plan, struct jail_state *ret_state)
{
	struct jail_state s = {.namespaces = 0};
	uint64_t caps = 0;
	int r;

	r = capget_effective(&caps);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (!jail_possible()) {
		*ret_state = (struct jail_state){.uid = geteuid(), .capabilities = caps};
		return 0;
	}
	limits(plan, caps);
	separate(caps, &s);
	if (s.namespaces & CLONE_NEWNS)
		s.root = (plan->root ? root_dir(plan->root) : root_empty()) == 0;
	if (plan->landlock)
		s.landlock = landlock_all();
	bounds_drop();
	if (plan->uid && caps & UINT64_C(1) << CAP_SETUID) {
		r = uid_become(plan->uid);
		if (r < 0)
			return r;
	}
	r = capabilities_drop();
	if (r < 0)
		return r;
	/* others of this uid can neither trace it nor read its memory */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = capget_effective(&caps);
	if (r < 0)
		return r;
	s.uid = geteuid();
	s.capabilities = caps;
	*ret_state = s;
	return 0;
}

const char *jail_namespace(const struct jail_state *s, unsigned int i)
{
	for (unsigned int k = 0; k < N_NAMESPACES; k++)
		if (s->namespaces & namespaces[k].flag && i-- == 0)
			return namespaces[k].name;
	return NULL;
}

void jail_describe(const struct jail_state *s, char *text, size_t size)
{
	char names[64] = "";
	const char *name;

	for (unsigned int i = 0; (name = jail_namespace(s, i)); i++)
		text_join(names, sizeof(names), " ", "%s", name);
	snprintf(text, size, "uid %u, namespaces %s, root %s, landlock %d, seccomp %s", s->uid,
		 *names ? names : "none", s->root ? "empty" : "of the host", s->landlock,
		 jail_mode_name(s->seccomp));
}

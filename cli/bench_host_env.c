/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host bench finds and makes before it starts anything. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_host.h"

#define PAGES  "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define PLUGIN "librte_net_sriov_vf.so"

int bh_find_programs(struct bench_host *b)
{
	static const char *const built[] = {
		[BH_SOFT_NIC] = "soft-nic/soft-nic",
		[BH_SRIOV_PF] = "pf-driver/sriov-pf",
		[BH_BRIDGE] = "fastpath/sriov-bridge",
		[BH_ENGINE] = "fastpath/sriov-bench",
	};
	char self[PATH_MAX] = "", tree[PATH_MAX];
	const char *dir = b->opt->libexec ?: SRIOVD_LIBEXECDIR;
	bool in_tree;
	char *slash;

	/* BUILD/cli/sriovctl, or installed */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		for (int up = 0; up < 2 && (slash = strrchr(self, '/')); up++)
			*slash = '\0';
	in_tree = !b->opt->libexec && bh_text(tree, sizeof(tree), "%s/%s", self, built[0]) &&
		  access(tree, X_OK) == 0;
	for (unsigned int i = 0; i <= BH_ENGINE; i++) {
		const char *name = strrchr(built[i], '/') + 1;

		bh_text(b->cmd[i], sizeof(b->cmd[i]), "%s/%s", in_tree ? self : dir,
			in_tree ? built[i] : name);
		if (access(b->cmd[i], X_OK) == 0)
			continue;
		fprintf(stderr, "sriovctl bench: %s: %s; see --libexec-dir\n", b->cmd[i],
			strerrordesc_np(errno));
		return -ENOENT;
	}
	if (in_tree)
		bh_text(b->plugin, sizeof(b->plugin), "%s/vf-driver/dpdk/" PLUGIN, self);
	else
		bh_text(b->plugin, sizeof(b->plugin), "%s/" PLUGIN, SRIOVD_PLUGINDIR);
	if (access(b->plugin, R_OK) < 0)
		b->plugin[0] = '\0';
	return 0;
}

/* Do these CPUs share a core? Unknown counts as no. */
static bool same_core(unsigned int a, unsigned int b)
{
	unsigned int core[2] = {a, b}, id[2][2] = {{0, 0}, {0, 1}};

	for (unsigned int i = 0; i < 2; i++) {
		static const char *const what[] = {"physical_package_id", "core_id"};

		for (unsigned int w = 0; w < 2; w++) {
			char path[96];
			FILE *f;

			bh_text(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/%s",
				core[i], what[w]);
			f = fopen(path, "re");
			if (!f || fscanf(f, "%u", &id[i][w]) != 1)
				id[i][w] = w ? core[i] : 0;
			if (f)
				fclose(f);
		}
	}
	return id[0][0] == id[1][0] && id[0][1] == id[1][1];
}

/* Two cores, not the one that interrupts usually go to if there are others. */
int bh_choose_cpus(struct bench_host *b)
{
	unsigned int cpu[CPU_SETSIZE], n = 0, first;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (unsigned int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	if (n < 2) {
		fprintf(stderr, "sriovctl bench: needs two CPUs, one for the generator and one for "
				"the switches\n");
		return -ENODEV;
	}
	first = n > 3 && cpu[0] == 0 ? 1 : 0;
	b->cpu_gen = cpu[first];
	b->cpu_switch = cpu[first + 1];
	for (unsigned int i = first + 1; i < n; i++) {
		if (same_core(b->cpu_gen, cpu[i]))
			continue;
		b->cpu_switch = cpu[i];
		break;
	}
	return 0;
}

/* Changes the number of reserved huge pages by @n; returns by how many. */
int bh_add_pages(int n)
{
	_cleanup_(fd_closep) int fd = open(PAGES, O_RDWR | O_CLOEXEC);
	char text[32];
	long before, after;
	ssize_t len;

	/* the file itself is the lock among those who do so */
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return 0;
	len = pread(fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	before = strtol(text, NULL, 10);
	bh_text(text, sizeof(text), "%ld\n", before + n > 0 ? before + n : 0);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		return 0;
	len = pread(fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return n;
	text[len] = '\0';
	after = strtol(text, NULL, 10);
	return (int)(after - before);
}

static int copy_file(const char *from, const char *to)
{
	_cleanup_(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	char buf[65536];
	ssize_t n;

	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		return -errno;
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return -EIO;
	return n < 0 ? -errno : 0;
}

int bh_prepare(struct bench_host *b)
{
	char path[PATH_MAX];
	cpu_set_t set;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bench", b->dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return -errno;
	/* process ids as they are in here; without it we can do, too */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fprintf(stderr, "bench: no /proc of our own: %s\n", strerrordesc_np(errno));
	CPU_ZERO(&set);
	CPU_SET(b->cpu_gen, &set);
	CPU_SET(b->cpu_switch, &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (!b->plugin[0])
		return 0;
	/* EAL loads none from below a directory that everybody may write to */
	bh_text(path, sizeof(path), "%s/" PLUGIN, b->dir);
	if (copy_file(b->plugin, path) < 0)
		return -EIO;
	bh_text(b->plugin, sizeof(b->plugin), "%s", path);
	return 0;
}

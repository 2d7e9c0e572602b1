/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/test.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <support/sysfs_tree.h>
#include <sys/stat.h>
#include <unistd.h>
#include <lib/cleanup.h>
#include <lib/clock.h>

#define PATH_BYTES 512

struct sysfs_tree {
	char root[64];
	int fd;
	bool serving;
	bool broken;
	atomic_bool stop;
	pthread_t thread;
};

static void path_of(const struct sysfs_tree *t, const char *path, char ret[PATH_BYTES])
{
	assert_true(snprintf(ret, PATH_BYTES, "%s/%s", t->root, path) < PATH_BYTES);
}

static void make_parents(char *path, size_t skip)
{
	for (char *p = path + skip; (p = strchr(p + 1, '/'));) {
		*p = '\0';
		if (mkdir(path, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		*p = '/';
	}
}

struct sysfs_tree *sysfs_tree_new(void)
{
	struct sysfs_tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	strcpy(t->root, "/tmp/sysfsXXXXXX");
	assert_non_null(mkdtemp(t->root));
	t->fd = open(t->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
	return t;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void sysfs_tree_free(struct sysfs_tree *t)
{
	if (t->serving) {
		atomic_store(&t->stop, true);
		pthread_join(t->thread, NULL);
	}
	nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	fd_close(t->fd);
	free(t);
}

const char *sysfs_tree_root(const struct sysfs_tree *t)
{
	return t->root;
}

int sysfs_tree_fd(const struct sysfs_tree *t)
{
	return t->fd;
}

void sysfs_tree_file(struct sysfs_tree *t, const char *path, const char *text)
{
	char full[PATH_BYTES];
	FILE *f;

	path_of(t, path, full);
	make_parents(full, strlen(t->root));
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

void sysfs_tree_link(struct sysfs_tree *t, const char *path, const char *target)
{
	char full[PATH_BYTES];

	path_of(t, path, full);
	make_parents(full, strlen(t->root));
	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

void sysfs_tree_remove(struct sysfs_tree *t, const char *path)
{
	char full[PATH_BYTES];

	path_of(t, path, full);
	assert_int_equal(unlink(full), 0);
}

static void bind_link(struct sysfs_tree *t, const char *bdf, const char *driver)
{
	char path[PATH_BYTES], target[PATH_BYTES];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", bdf);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	sysfs_tree_link(t, path, target);
}

void sysfs_tree_driver(struct sysfs_tree *t, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "bus/pci/drivers/%s/bind", name);
	sysfs_tree_file(t, path, "");
	snprintf(path, sizeof(path), "bus/pci/drivers/%s/unbind", name);
	sysfs_tree_file(t, path, "");
}

void sysfs_tree_function(struct sysfs_tree *t, const char *bdf, const char *class_code, int group,
			 const char *driver)
{
	char path[PATH_BYTES], target[PATH_BYTES];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/class", bdf);
	sysfs_tree_file(t, path, class_code);
	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver_override", bdf);
	sysfs_tree_file(t, path, "(null)\n");
	if (group >= 0) {
		snprintf(path, sizeof(path), "kernel/iommu_groups/%d/devices/%s", group, bdf);
		snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", bdf);
		sysfs_tree_link(t, path, target);
		snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", bdf);
		snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%d", group);
		sysfs_tree_link(t, path, target);
	}
	if (driver[0]) {
		sysfs_tree_driver(t, driver);
		bind_link(t, bdf, driver);
	}
}

/* What was written to a file, which is emptied; "" when nothing was. */
static void taken(const char *path, char ret[64])
{
	_cleanup_(fd_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n;

	ret[0] = '\0';
	if (fd < 0)
		return;
	n = read(fd, ret, 63);
	ret[n > 0 ? n : 0] = '\0';
	if (n > 0 && ftruncate(fd, 0) < 0)
		ret[0] = '\0';
}

/* Only if it still is this driver's: the next one's bind may have been seen first. */
static void unbind_link(struct sysfs_tree *t, const char *bdf, const char *driver)
{
	char path[PATH_BYTES], target[PATH_BYTES];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", t->root, bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	if (!strcmp(strrchr(target, '/') + 1, driver))
		unlink(path);
}

static void serve_driver(struct sysfs_tree *t, const char *name)
{
	char path[PATH_BYTES], bdf[64];

	path_of(t, "bus/pci/drivers/", path);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "%.64s/unbind", name);
	taken(path, bdf);
	if (bdf[0])
		unbind_link(t, bdf, name);
	strcpy(path + strlen(path) - strlen("unbind"), "bind");
	taken(path, bdf);
	if (bdf[0] && !t->broken)
		bind_link(t, bdf, name);
}

static void *serve(void *arg)
{
	struct sysfs_tree *t = arg;
	char path[PATH_BYTES];

	path_of(t, "bus/pci/drivers", path);
	while (!atomic_load(&t->stop)) {
		DIR *d = opendir(path);
		const struct dirent *e;

		while (d && (e = readdir(d)))
			if (e->d_name[0] != '.')
				serve_driver(t, e->d_name);
		if (d)
			closedir(d);
		clock_sleep_us(1000);
	}
	return NULL;
}

void sysfs_tree_serve(struct sysfs_tree *t, bool broken)
{
	t->serving = true;
	t->broken = broken;
	assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The reading half, and the files both halves go through. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <lib/pci_sysfs.h>
#include "sysfs_impl.h"

#define CLASS_BRIDGE UINT32_C(0x06)

int say(char *err, size_t err_size, int error, const char *fmt, ...)
{
	va_list ap;

	if (!err || err_size == 0)
		return error;
	va_start(ap, fmt);
	vsnprintf(err, err_size, fmt, ap);
	va_end(ap);
	return error;
}

int pcisys_open(const char *root, int *ret_sysfs)
{
	int fd = open(root ? root : "/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_sysfs = fd;
	return 0;
}

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdef");
}

bool pcisys_bdf_ok(const char *bdf)
{
	size_t domain = hex_run(bdf);

	if (domain < 4 || domain > 8)
		return false;
	bdf += domain;
	return bdf[0] == ':' && hex_run(bdf + 1) == 2 && bdf[3] == ':' &&
	       (bdf[4] == '0' || bdf[4] == '1') && hex_run(bdf + 4) == 2 && bdf[6] == '.' &&
	       bdf[7] >= '0' && bdf[7] <= '7' && bdf[8] == '\0';
}

int sysfs_read(int sysfs, const char *path, char *ret_text, size_t size)
{
	_cleanup_(fd_closep) int fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret_text, size);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ENOBUFS;
	ret_text[n] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

int sysfs_write(int sysfs, const char *path, const char *text)
{
	_cleanup_(fd_closep) int fd = openat(sysfs, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int sysfs_link(int sysfs, const char *path, char *ret_name, size_t size)
{
	char target[4096];
	const char *name;
	ssize_t n = readlinkat(sysfs, path, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= size)
		return -ENOBUFS;
	strcpy(ret_name, name);
	return 0;
}

int sysfs_device(const char *bdf, const char *attr, char ret_path[static SYSFS_PATH_MAX])
{
	int n;

	if (!pcisys_bdf_ok(bdf))
		return -EINVAL;
	n = snprintf(ret_path, SYSFS_PATH_MAX, "bus/pci/devices/%s%s%s", bdf, attr[0] ? "/" : "",
		     attr);
	return n < 0 || (unsigned int)n >= SYSFS_PATH_MAX ? -EINVAL : 0;
}

static int device_there(int sysfs, const char *bdf)
{
	char path[SYSFS_PATH_MAX];
	int r = sysfs_device(bdf, "", path);

	if (r < 0)
		return r;
	if (faccessat(sysfs, path, F_OK, 0) < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	return 0;
}

static int device_link(int sysfs, const char *bdf, const char *attr, char *ret_name, size_t size)
{
	char path[SYSFS_PATH_MAX];
	int r = device_there(sysfs, bdf);

	if (r < 0)
		return r;
	r = sysfs_device(bdf, attr, path);
	if (r < 0)
		return r;
	return sysfs_link(sysfs, path, ret_name, size);
}

int pcisys_driver(int sysfs, const char *bdf, char *ret_driver)
{
	int r = device_link(sysfs, bdf, "driver", ret_driver, PCISYS_DRIVER_MAX);

	if (r == -ENOENT) {
		ret_driver[0] = '\0';
		return 0;
	}
	return r;
}

static int parse_number(const char *text, uint64_t *ret_val)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EBADMSG;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end)
		return -EBADMSG;
	*ret_val = v;
	return 0;
}

int pcisys_text(int sysfs, const char *bdf, const char *attr, char *ret_text, size_t size)
{
	char path[SYSFS_PATH_MAX];
	int r = device_there(sysfs, bdf);

	if (r < 0)
		return r;
	r = sysfs_device(bdf, attr, path);
	if (r < 0)
		return r;
	return sysfs_read(sysfs, path, ret_text, size);
}

int pcisys_number(int sysfs, const char *bdf, const char *attr, uint64_t *ret_val)
{
	char text[64];
	int r = pcisys_text(sysfs, bdf, attr, text, sizeof(text));

	if (r < 0)
		return r;
	return parse_number(text, ret_val);
}

static int small_number(int sysfs, const char *bdf, const char *attr, unsigned int *ret_n)
{
	uint64_t v;
	int r = pcisys_number(sysfs, bdf, attr, &v);

	if (r < 0)
		return r;
	if (v > UINT16_MAX)
		return -EBADMSG;
	*ret_n = (unsigned int)v;
	return 0;
}

int pcisys_numvfs(int sysfs, const char *bdf, unsigned int *ret_n)
{
	return small_number(sysfs, bdf, "sriov_numvfs", ret_n);
}

int pcisys_totalvfs(int sysfs, const char *bdf, unsigned int *ret_n)
{
	return small_number(sysfs, bdf, "sriov_totalvfs", ret_n);
}

int pcisys_set_numvfs(int sysfs, const char *bdf, unsigned int n, char *err, size_t err_size)
{
	char path[SYSFS_PATH_MAX], text[16];
	unsigned int now;
	int r;

	r = pcisys_numvfs(sysfs, bdf, &now);
	if (r < 0)
		return say(err, err_size, r, "%s has no SR-IOV: %s", bdf, strerror(-r));
	if (now == n)
		return 0;
	r = sysfs_device(bdf, "sriov_numvfs", path);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%u", n);
	r = sysfs_write(sysfs, path, text);
	if (r < 0)
		return say(err, err_size, r, "%s: sriov_numvfs does not go from %u to %u: %s", bdf,
			   now, n, strerror(-r));
	r = pcisys_numvfs(sysfs, bdf, &now);
	if (r < 0)
		return say(err, err_size, r, "%s: sriov_numvfs: %s", bdf, strerror(-r));
	if (now != n)
		return say(err, err_size, -EIO, "%s: sriov_numvfs reads %u after writing %u", bdf,
			   now, n);
	return 0;
}

static int bdf_link(int sysfs, const char *bdf, const char *attr, struct pcisys_bdf *ret_bdf)
{
	struct pcisys_bdf other;
	int r = device_link(sysfs, bdf, attr, other.text, sizeof(other.text));

	if (r < 0)
		return r;
	if (!pcisys_bdf_ok(other.text))
		return -EBADMSG;
	*ret_bdf = other;
	return 0;
}

int pcisys_physfn(int sysfs, const char *bdf, struct pcisys_bdf *ret_pf)
{
	return bdf_link(sysfs, bdf, "physfn", ret_pf);
}

int pcisys_virtfn(int sysfs, const char *bdf, unsigned int vf, struct pcisys_bdf *ret_vf)
{
	char attr[32];

	snprintf(attr, sizeof(attr), "virtfn%u", vf);
	return bdf_link(sysfs, bdf, attr, ret_vf);
}

int pcisys_group(int sysfs, const char *bdf, unsigned int *ret_group)
{
	uint64_t group;
	char name[32];
	int r = device_link(sysfs, bdf, "iommu_group", name, sizeof(name));

	if (r < 0)
		return r;
	r = parse_number(name, &group);
	if (r < 0 || group > INT32_MAX)
		return -EBADMSG;
	*ret_group = (unsigned int)group;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct pcisys_member *x = a, *y = b;

	return strcmp(x->bdf.text, y->bdf.text);
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int member(int sysfs, const char *bdf, struct pcisys_member *ret_member)
{
	struct pcisys_member m = {.class_code = 0};
	uint64_t class_code;
	int r;

	strcpy(m.bdf.text, bdf);
	r = pcisys_driver(sysfs, bdf, m.driver);
	if (r < 0)
		return r;
	r = pcisys_number(sysfs, bdf, "class", &class_code);
	if (r < 0)
		return r;
	m.class_code = (uint32_t)class_code;
	*ret_member = m;
	return 0;
}

int pcisys_group_members(int sysfs, unsigned int group, struct pcisys_member *ret_members)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	const struct dirent *e;
	char path[SYSFS_PATH_MAX];
	unsigned int n = 0;
	int fd, r;

	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/devices", group);
	fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return -errno;
	}
	while ((e = readdir(dir))) {
		/* other buses may have devices here as well; they are not ours to judge */
		if (!pcisys_bdf_ok(e->d_name))
			continue;
		if (n == PCISYS_MEMBERS_MAX)
			return -E2BIG;
		r = member(sysfs, e->d_name, &ret_members[n]);
		if (r < 0)
			return r;
		n++;
	}
	qsort(ret_members, n, sizeof(*ret_members), by_address);
	return (int)n;
}

/* Bridges without a driver or with the port driver do no DMA of their own. */
bool pcisys_member_foreign(const struct pcisys_member *m)
{
	if (m->driver[0] == '\0' || strstr(m->driver, "vfio") || !strcmp(m->driver, "pci-stub"))
		return false;
	return m->class_code >> 16 != CLASS_BRIDGE || strcmp(m->driver, "pcieport");
}

bool pcisys_flag(int sysfs, const char *path)
{
	char text[8];

	if (sysfs_read(sysfs, path, text, sizeof(text)) < 0)
		return false;
	return text[0] == 'Y' || text[0] == 'y' || text[0] == '1';
}

/* The first word behind "  12:   345   6 " names the controller. */
static const char *controller(const char *line)
{
	line += strspn(line, " \t");
	line += strspn(line, "0123456789");
	if (*line != ':')
		return "";
	for (line++;;) {
		size_t n;

		line += strspn(line, " \t");
		n = strspn(line, "0123456789");
		if (n == 0 || (line[n] != ' ' && line[n] != '\t'))
			return line;
		line += n;
	}
}

int pcisys_remapped(const char *interrupts)
{
	bool plain = false;

	while (*interrupts) {
		const char *name = controller(interrupts);

		if (!strncmp(name, "IR-", 3))
			return 1;
		if (!strncmp(name, "IO-APIC", 7) || !strncmp(name, "PCI-MSI", 7))
			plain = true;
		interrupts += strcspn(interrupts, "\n");
		interrupts += *interrupts == '\n';
	}
	return plain ? 0 : -ENODATA;
}

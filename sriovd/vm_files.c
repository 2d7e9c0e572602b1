/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <sriovd/vm_files.h>
#include <string.h>
#include <sys/stat.h>

static int refuse(struct op_error *e, const char *role, const char *path, int error)
{
	return op_fail(e, HTTP_BAD_INPUT, error, "%s %.220s: %s", role, path, strerror(-error));
}

/* A FIFO or a tape must not keep us waiting: only what was found to be a file waits from then on.
 */
static int open_file(const char *role, const char *path, int flags, bool block, int *ret_fd,
		     struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	struct stat st;

	fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return refuse(e, role, path, -errno);
	if (fstat(fd, &st) < 0)
		return refuse(e, role, path, -errno);
	if (!S_ISREG(st.st_mode) && !(block && S_ISBLK(st.st_mode)))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s %.220s: is no regular file%s", role,
			       path, block ? " or block device" : "");
	if (fcntl(fd, F_SETFL, flags) < 0)
		return refuse(e, role, path, -errno);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int vm_image_open(const char *role, const char *path, int *ret_fd, struct op_error *e)
{
	return open_file(role, path, O_RDONLY, false, ret_fd, e);
}

static bool same_file(const char *path, const struct stat *st)
{
	struct stat other;

	if (stat(path, &other) < 0)
		return false;
	if (S_ISBLK(st->st_mode))
		return S_ISBLK(other.st_mode) && other.st_rdev == st->st_rdev;
	return other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

static bool running(const struct vm *vm)
{
	return vm->state == VM_STARTING || vm->state == VM_RUNNING || vm->state == VM_STOPPING;
}

/* The VM that has it and would not share it; NULL: none of ours. */
static const struct vm *disk_holder(const struct sriovd *d, const struct vm *but,
				    const struct vm_disk *disk, const struct stat *st)
{
	for (const struct vm *vm = d->vms; vm; vm = vm->next) {
		if (vm == but || !running(vm))
			continue;
		for (unsigned int i = 0; i < vm->spec.n_disks; i++)
			if (!(disk->readonly && vm->spec.disk[i].readonly) &&
			    same_file(vm->spec.disk[i].path, st))
				return vm;
	}
	return NULL;
}

/*
 * The lock goes with the open file to the VMM, so it outlives us and ends with the VMM, and other
 * programs see it; but two nodes of one block device are two files to it.
 */
static int disk_claim(struct sriovd *d, const struct vm *vm, const struct vm_disk *disk, int fd,
		      struct op_error *e)
{
	struct flock lock = {.l_type = disk->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
	const struct vm *holder;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(e, "disk", disk->path, -errno);
	holder = disk_holder(d, vm, disk, &st);
	if (holder)
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "disk %.220s is used by vm %s", disk->path,
			       holder->name);
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "disk %.220s is locked by another program",
			       disk->path);
	return refuse(e, "disk", disk->path, -errno);
}

int vm_disk_open(struct sriovd *d, const struct vm *vm, const struct vm_disk *disk, int *ret_fd,
		 struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = open_file("disk", disk->path, disk->readonly ? O_RDONLY : O_RDWR, true, &fd, e);
	if (r >= 0 && vm)
		r = disk_claim(d, vm, disk, fd, e);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int vm_files_check(struct sriovd *d, const struct vm_spec *spec, struct op_error *e)
{
	int r = 0, fd = -1;

	if (spec->kernel[0])
		r = vm_image_open("kernel", spec->kernel, &fd, e);
	fd = fd_close(fd);
	if (r >= 0 && spec->initrd[0])
		r = vm_image_open("initrd", spec->initrd, &fd, e);
	fd = fd_close(fd);
	for (unsigned int i = 0; i < spec->n_disks && r >= 0; i++) {
		r = vm_disk_open(d, NULL, &spec->disk[i], &fd, e);
		fd = fd_close(fd);
	}
	return r;
}

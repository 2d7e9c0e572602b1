/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VMM is given before its guest runs. It opens nothing itself. */
#include <fcntl.h>
#include <lib/clock.h>
#include <sriovd/vm.h>
#include <sriovd/vm_files.h>
#include <string.h>

#define CREATE_US (10 * USEC_PER_SEC)
#define BOOT_US	  (5 * USEC_PER_SEC)
#define GUEST_ELF "bench-guest.elf"

enum {
	FD_KVM,
	FD_GUEST,
	FD_CONSOLE,
	FD_INITRD,
	VM_FDS,
};

/* No name of a net has a dot in it. */
bool vm_own_device(const char *id)
{
	return strchr(id, '.');
}

static int open_one(const char *path, int flags, int *ret_fd, struct op_error *e)
{
	*ret_fd = open(path, flags | O_CLOEXEC, 0640);
	if (*ret_fd < 0)
		return op_fail(e, HTTP_INTERNAL, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int open_all(struct sriovd *d, const struct vm *vm, int fds[VM_FDS], struct op_error *e)
{
	char path[512];
	int r;

	r = open_one("/dev/kvm", O_RDWR, &fds[FD_KVM], e);
	if (r < 0)
		return r;
	if (vm->spec.kernel[0]) {
		r = vm_image_open("kernel", vm->spec.kernel, &fds[FD_GUEST], e);
	} else {
		text_set(path, sizeof(path), "%s/%s", d->cfg.libexec_dir, GUEST_ELF);
		r = open_one(path, O_RDONLY, &fds[FD_GUEST], e);
	}
	if (r >= 0 && vm->spec.initrd[0])
		r = vm_image_open("initrd", vm->spec.initrd, &fds[FD_INITRD], e);
	if (r < 0)
		return r;
	text_set(path, sizeof(path), "%s/log/vm-%s.console", d->cfg.run_dir, vm->name);
	return open_one(path, O_RDWR | O_CREAT | O_TRUNC, &fds[FD_CONSOLE], e);
}

static json_t *create_params(const struct sriovd *d, const struct vm_spec *spec)
{
	if (!spec->kernel[0])
		return json_pack("{s:i, s:b}", "memory_mib", (int)spec->memory_mib, "hugepages",
				 (int)d->cfg.hugepages);
	return json_pack("{s:s, s:i, s:b, s:i, s:s*}", "kind", "linux", "memory_mib",
			 (int)spec->memory_mib, "hugepages", (int)d->cfg.hugepages, "cpus",
			 (int)spec->cpus, "cmdline", spec->has_cmdline ? spec->cmdline : NULL);
}

static int create(struct sriovd *d, struct vm *vm, struct op_error *e)
{
	int fds[VM_FDS] = {-1, -1, -1, -1};
	int r;

	r = open_all(d, vm, fds, e);
	if (r >= 0) {
		r = child_call(d, &vm->child, "vm.create", create_params(d, &vm->spec), fds,
			       fds[FD_INITRD] < 0 ? FD_INITRD : VM_FDS, CREATE_US, NULL, e);
		/* the VMM knows best how much memory it can give, and what boots */
		if (r == -ERANGE || r == -EINVAL || r == -ENOEXEC || r == -EBADMSG)
			e->http = HTTP_BAD_INPUT;
	}
	for (size_t i = 0; i < VM_FDS; i++)
		fd_close(fds[i]);
	return r;
}

static int add_disk(struct sriovd *d, struct vm *vm, unsigned int i, struct op_error *e)
{
	const struct vm_disk *disk = &vm->spec.disk[i];
	_cleanup_(fd_closep) int fd = -1;
	struct op_error why = {};
	bool added;
	char id[16];
	int r;

	r = vm_disk_open(d, vm, disk, &fd, e);
	if (r < 0)
		return r;
	text_set(id, sizeof(id), "disk.%u", i);
	r = vm_device_add(d, vm,
			  json_pack("{s:s, s:s, s:b}", "id", id, "kind", "virtio-blk", "readonly",
				    (int)disk->readonly),
			  &fd, 1, &added, &why);
	if (r < 0)
		return op_fail(e, why.http ?: HTTP_CHILD, r, "disk %.150s: %.150s", disk->path,
			       op_text(&why, r));
	return 0;
}

/* Disks first: the guest finds them in the order of its definition. */
static int add_devices(struct sriovd *d, struct vm *vm, struct op_error *e)
{
	bool added;
	int r = 0;

	if (!vm->spec.kernel[0])
		return 0;
	for (unsigned int i = 0; i < vm->spec.n_disks && r >= 0; i++)
		r = add_disk(d, vm, i, e);
	if (r < 0)
		return r;
	return vm_device_add(d, vm, json_pack("{s:s, s:s}", "id", "rng.0", "kind", "virtio-rng"),
			     NULL, 0, &added, e);
}

int vm_boot(struct sriovd *d, struct vm *vm, struct op_error *e)
{
	int r;

	r = create(d, vm, e);
	if (r >= 0)
		r = add_devices(d, vm, e);
	if (r >= 0)
		r = child_call(d, &vm->child, "vm.boot", NULL, NULL, 0, BOOT_US, NULL, e);
	return r;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a VM's definition: opened here, as the VMM may open nothing. */
#include <sriovd/state.h>

/**
 * vm_image_open() - a kernel or initrd: a regular file that can be read
 * @role: for messages: "kernel"
 *
 * Context: baton kept. Return: 0; -EINVAL no regular file; -errno of open(2). Source: -.
 */
int vm_image_open(const char *role, const char *path, int *ret_fd, struct op_error *e) _must_check_;

/**
 * vm_disk_open() - a raw file or block device, locked until the VMM that gets it has closed it
 * @vm: NULL: only look, without a lock
 *
 * Any number may read a disk; who writes it has it alone.
 * Context: baton kept. Return: 0; -EINVAL neither file nor block device; -EBUSY another one has it,
 * named if it is a VM of ours; -errno of open(2). Source: fcntl(2), open file description locks.
 */
int vm_disk_open(struct sriovd *d, const struct vm *vm, const struct vm_disk *disk, int *ret_fd,
		 struct op_error *e) _must_check_;

/**
 * vm_files_check() - could it be started, as far as its files go?
 *
 * Context: baton kept. Return: 0; as the others. Source: -.
 */
int vm_files_check(struct sriovd *d, const struct vm_spec *spec, struct op_error *e) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Small files of sysfs, and sentences. */
#include <lib/cleanup.h>
#include <stddef.h>

#define SYSFS_PATH_MAX 256u

/** sysfs_read() - the first line of a file, without its newline. -ENOBUFS it is longer. */
int sysfs_read(int sysfs, const char *path, char *ret_text, size_t size) _must_check_;

/** sysfs_write() - @text in one write(2), as attributes want it. */
int sysfs_write(int sysfs, const char *path, const char *text) _must_check_;

/** sysfs_link() - last part of what the symbolic link at @path says. -ENOBUFS. */
int sysfs_link(int sysfs, const char *path, char *ret_name, size_t size) _must_check_;

/** sysfs_device() - path of attribute @attr of function @bdf in @ret_path. -EINVAL @bdf is none. */
int sysfs_device(const char *bdf, const char *attr,
		 char ret_path[static SYSFS_PATH_MAX]) _must_check_;

/** say() - a sentence into @err unless NULL; returns @error. */
int say(char *err, size_t err_size, int error, const char *fmt, ...) _printf_(4, 5);

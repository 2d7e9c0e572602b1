#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sysfs of files in a temporary directory, for tests: PCI functions, drivers, IOMMU groups. A
 * thread plays the kernel where writing has an effect: bind and unbind move the driver link.
 */
#include <stdbool.h>

struct sysfs_tree;

/** sysfs_tree_new() - an empty one; what fails ends the test. */
struct sysfs_tree *sysfs_tree_new(void);
void sysfs_tree_free(struct sysfs_tree *t);

/** sysfs_tree_root() - path of the root; sysfs_tree_fd() - a descriptor of it. */
const char *sysfs_tree_root(const struct sysfs_tree *t);
int sysfs_tree_fd(const struct sysfs_tree *t);

/** sysfs_tree_file() - make (or replace) a file, with the directories it needs. */
void sysfs_tree_file(struct sysfs_tree *t, const char *path, const char *text);
void sysfs_tree_link(struct sysfs_tree *t, const char *path, const char *target);
void sysfs_tree_remove(struct sysfs_tree *t, const char *path);

/** sysfs_tree_function() - a PCI function in @group (negative: none), driven by @driver ("": none).
 */
void sysfs_tree_function(struct sysfs_tree *t, const char *bdf, const char *class_code, int group,
			 const char *driver);
void sysfs_tree_driver(struct sysfs_tree *t, const char *name);

/** sysfs_tree_serve() - from now on bind and unbind work; @broken: bind takes the word, does
 * nothing. */
void sysfs_tree_serve(struct sysfs_tree *t, bool broken);

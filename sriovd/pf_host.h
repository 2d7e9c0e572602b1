#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What both backends of PFs of the host share. */
#include <lib/pcif.h>
#include <sriovd/pf.h>

/* Which function, as a copy: what follows is used without the baton. */
struct vf_at {
	int sysfs;
	const char *root; /* of sysfs; NULL: /sys */
	char pf[PCISYS_BDF_MAX + 1];
	char token[TOKEN_SIZE];
	char name[NAME_SIZE + 12]; /* "p1/0" */
	unsigned int vf;
};

void vf_at_set(const struct sriovd *d, const struct pf *pf, unsigned int vf, struct vf_at *ret);

/**
 * pf_kernel_settle() - what could not be tried without a link is tried now; drops the baton
 *
 * Returns true when somebody works on the PF: then it has to be called again.
 */
bool pf_kernel_settle(struct sriovd *d, struct pf *pf);

/** host_vf_fit() - it is there and may be passed on. Without the baton. */
int host_vf_fit(const struct vf_at *at, struct host_vf *ret, struct op_error *e) _must_check_;

/** host_vf_take() - bound to vfio-pci and opened by us and nobody else. Without the baton. */
int host_vf_take(const struct vf_at *at, struct host_vf *ret_vf, struct pcif **ret_f,
		 struct op_error *e) _must_check_;

/** host_vf_tell() - address, driver, group, and what is wrong with it. Without the baton. */
void host_vf_tell(const struct vf_at *at, bool our_binding, struct vf_now *now);

/** host_vf_open() - as in struct pf_ops: descriptors, none of which stays with us. */
int host_vf_open(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
		 struct op_error *e) _must_check_;

/** host_vfs_unused() - nobody but us has any VF: a change of their number would wait for him. */
int host_vfs_unused(struct sriovd *d, struct pf *pf, struct op_error *e) _must_check_;

/** host_pf_look() - read it again into pf->now; drops the baton. */
int host_pf_look(struct sriovd *d, struct pf *pf, struct op_error *e) _must_check_;

/** host_pf_took() - what was read is what we know; says what changed. Baton kept. */
void host_pf_took(struct sriovd *d, struct pf *pf, const struct host_pf *now);

/** host_numvfs() - write sriov_numvfs; drops the baton. */
int host_numvfs(struct sriovd *d, struct pf *pf, unsigned int n, struct op_error *e) _must_check_;

/** host_write() - a file below sysfs. Without the baton. */
int host_write(int sysfs, const char *path, const char *text) _must_check_;

/** host_autoprobe() - sriov_drivers_autoprobe; drops the baton. */
int host_autoprobe(struct sriovd *d, struct pf *pf, bool on, struct op_error *e) _must_check_;

/** host_netdev_up() - its network device up or down, if it has one; drops the baton. */
int host_netdev_up(struct sriovd *d, struct pf *pf, bool up, struct op_error *e) _must_check_;

/** pf_vfio_switched() - will a further PF on vfio-pci have to turn enable_sriov off again? */
bool pf_vfio_switched(const struct sriovd *d);

/** host_driver_is() - who drives it now? Never waits. */
bool host_driver_is(const struct sriovd *d, const struct pf *pf, const char *driver);

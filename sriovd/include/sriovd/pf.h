#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Physical functions: one state machine (VF count, tenants, recovery, drift, quarantine), and
 * behind struct pf_ops what differs between a software NIC with our PF driver, a PF of the host on
 * its kernel driver, and a PF of the host on ours. All functions: with the baton, which they drop
 * while a child, the kernel or the hardware works, unless they say that it is kept.
 */
#include <jansson.h>
#include <sriovd/state.h>

/* A VF as it is now. */
struct vf_now {
	struct vf_attrs attrs;
	unsigned int has; /* enum vf_attr: which of attrs are known, VF_ATTR_STATS for stats */
	struct vf_stats stats;
	char address[PCISYS_BDF_MAX + 1]; /* empty: not a PCI function of this host */
	char driver[PCISYS_DRIVER_MAX];
	int group;	/* -1: none */
	char unfit[96]; /* why nobody may have it; empty: nothing is wrong */
};

struct vf_list {
	unsigned int n;
	struct vf_now vf[];
};

/* What a VMM needs to get at a VF. */
struct vf_handle {
	const char *kind; /* of device.add */
	int fds[2];
	size_t n_fds;
};

struct pf_ops {
	bool host;   /* not of the configuration */
	bool traps;  /* can stand behind an emulated NIC */
	bool kernel; /* VF attributes by rtnetlink */

	/*
	 * start, open, find out: sets num_vfs, total_vfs, caps, mac, link; repeatable
	 */
	int (*bring_up)(struct sriovd *d, struct pf *pf, struct op_error *e);
	/* leaves in num_vfs what is there afterwards */
	int (*set_vfs)(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e);
	int (*vf_list)(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
		       struct op_error *e);
	/* the value that a free VF must have; kept baton; NULL: nothing is known */
	const struct row_baseline *(*vf_baseline)(const struct pf *pf, unsigned int vf);
	int (*vf_program)(struct sriovd *d, struct pf *pf, unsigned int vf,
			  const struct vf_attrs *want, struct op_error *e);
	int (*vf_open)(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
		       struct op_error *e);
	int (*vf_scrub)(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e);
	/* are VFs that were there still the same? baton kept */
	bool (*alive)(struct sriovd *d, struct pf *pf);
	/* what serves the VFs, for messages; baton kept */
	const char *(*back_end)(const struct pf *pf);
	/* VFs off, children stopped */
	void (*stop)(struct sriovd *d, struct pf *pf);
	/* as it was found; NULL: it belongs to the configuration */
	int (*give_back)(struct sriovd *d, struct pf *pf, struct op_error *e);
};

extern const struct pf_ops pf_ops_soft;

/**
 * pf_soft_new() - a PF of the configuration; nothing is started
 *
 * Context: start-up. Return: 0; -ENAMETOOLONG the run directory's path is too long; -ENOMEM.
 * Source: docs/api.md, configuration.
 */
int pf_soft_new(struct sriovd *d, const struct config_nic *cfg, struct op_error *e) _must_check_;

extern const struct pf_ops pf_ops_kernel;
extern const struct pf_ops pf_ops_vfio;

struct pf_add {
	const char *device; /* PCI address, or the present name of a network device */
	const char *name;   /* NULL: the first free pN */
	const char *driver; /* "kernel", "sriov-pf" */
};

/**
 * pf_host_add() - POST /v1/pfs: take over a PF of the host
 *
 * Context: request. Return: 0 with the PF, which has a pf_ref(); -EINVAL; -ENOENT; -EEXIST; -EBUSY
 * it has VFs of somebody; -EPERM no IOMMU; -EOPNOTSUPP that driver cannot; -errno; nothing is left
 * then, unless it cannot even be given back: then it stays, lost. Source: docs/api.md.
 */
int pf_host_add(struct sriovd *d, const struct pf_add *add, struct pf **ret_pf,
		struct op_error *e) _must_check_;

/**
 * pf_host_remove() - DELETE /v1/pfs/PF: give it back as it was found; @pf is gone after 0
 *
 * Context: request. Return: 0; -EBUSY in use, or worked on; -EPERM of the configuration; -errno.
 * Source: docs/api.md.
 */
int pf_host_remove(struct sriovd *d, struct pf *pf, struct op_error *e) _must_check_;

/**
 * pf_host_load() - a PF of the ledger; nothing is started
 *
 * Context: start-up. Return: 0; -ENOMEM; -ENAMETOOLONG. Source: -.
 */
int pf_host_load(struct sriovd *d, const struct row_host_pf *row) _must_check_;

/**
 * pf_host_find() - the PF at this PCI address
 *
 * Context: baton kept. Return: the PF; NULL: not sriovd's. Source: -.
 */
struct pf *pf_host_find(struct sriovd *d, const char *bdf);

/**
 * pf_host_changed() - something happened to functions of the host: look in a job
 *
 * Context: baton kept. Source: -.
 */
void pf_host_changed(struct sriovd *d);

/**
 * pf_host_watch() - hear from the kernel what happens to them
 *
 * Where that is not possible now it is tried again later, and said in /v1/status.
 *
 * Context: start-up, the loop's thread. Return: 0; as sd_event_add_time_relative(3).
 * Source: udev(7), rtnetlink(7).
 */
int pf_host_watch(struct sriovd *d) _must_check_;

/**
 * pf_bring_up() - make everything run that ought to, from any state: idempotent
 *
 * Restores the wanted VF count, compares every VF with what its tenant was promised and sets aside
 * free VFs that are not at their baseline.
 *
 * Context: one caller a PF: start-up, or the recovery job with the PF held.
 * Return: 0; -errno with @e. Source: docs/architecture.md, "Life of a VF".
 */
int pf_bring_up(struct sriovd *d, struct pf *pf, struct op_error *e) _must_check_;

/**
 * pf_recover() - start the recovery job unless it runs already
 *
 * Context: baton kept. Source: -.
 */
void pf_recover(struct sriovd *d, struct pf *pf);

/**
 * pf_lose() - its VFs are no more, for this reason: nets on it are told, then it is recovered
 *
 * Context: baton kept. Source: docs/api.md.
 */
void pf_lose(struct sriovd *d, struct pf *pf, const char *reason);

/**
 * pf_await_probes() - until no PF's driver is asked what it can
 *
 * Nobody asked for a probe, so no request is refused because of one: this comes first, for what was
 * found before may be gone then.
 *
 * Context: request, nothing held; 2 s at most. Source: -.
 */
void pf_await_probes(struct sriovd *d);

/**
 * pf_set_vfs() - PATCH num_vfs
 * Return: 0; -ERANGE above the PF's maximum; -EBUSY a VF in use would die, named in @e; -errno.
 * Context: request. Source: docs/api.md.
 */
int pf_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs,
	       struct op_error *e) _must_check_;

/**
 * pf_refuse_in_use() - is a VF in use that a change to @num_vfs would destroy?
 *
 * Context: baton kept. Return: 0; -EBUSY, its owner in @e. Source: docs/api.md.
 */
int pf_refuse_in_use(const struct pf *pf, unsigned int num_vfs, struct op_error *e) _must_check_;

/**
 * pf_ready() - can its VFs be worked on? Also says so while it is not up
 *
 * Context: baton kept. Return: true or false. Source: -.
 */
bool pf_ready(struct sriovd *d, struct pf *pf);

/**
 * pf_pick_vf() - the lowest free VF of an up PF
 *
 * Return: 0; -ENOSPC. Context: baton kept. Source: -.
 */
int pf_pick_vf(const struct pf *pf, unsigned int *ret_vf) _must_check_;

/**
 * pf_vf_program() - give VF @vf the identity and read it back
 *
 * Context: request or recovery job. Return: 0; -EIO it reads back differently; -EOPNOTSUPP; as
 * child_call(), vf_rtnl_write(). Source: docs/architecture.md, "Life of a VF".
 */
int pf_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf, const struct row_net *id,
		  struct op_error *e) _must_check_;

/**
 * pf_vf_open() - what the VMM of a programmed VF needs
 * @ret: to be given to vf_handle_done()
 *
 * Context: request. Return: 0; -EBUSY somebody has it; -EPERM it is not safe; -errno.
 * Source: docs/processes.md, device.add.
 */
int pf_vf_open(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
	       struct op_error *e) _must_check_;
void vf_handle_done(struct vf_handle *h);

/**
 * pf_vf_scrub() - function level reset, then every attribute to its baseline, read back
 * Return: 0 clean; -errno and the reason in @e: the VF may not be given to anybody.
 * Context: the VM has let go of it. Source: docs/architecture.md, "Life of a VF".
 */
int pf_vf_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e) _must_check_;

/**
 * pf_vf_list() - all VFs as they are now; to be freed
 * @stats: with counters, which cost more
 *
 * Context: drops the baton. Return: 0; -ENOMEM; -EBADMSG not all VFs are in it; as child_call(),
 * vf_rtnl_read(). Source: -.
 */
int pf_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list **ret,
	       struct op_error *e) _must_check_;

/**
 * pf_vf_quarantine() - set a VF aside that has no tenant
 *
 * Context: baton kept. Source: docs/api.md.
 */
void pf_vf_quarantine(struct sriovd *d, struct pf *pf, unsigned int vf, const char *reason);

/**
 * pf_stop() - VFs off, children stopped
 *
 * Context: the shutdown request. Source: -.
 */
void pf_stop(struct sriovd *d, struct pf *pf);

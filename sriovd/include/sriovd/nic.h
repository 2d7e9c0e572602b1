#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PF backend of this build: a soft NIC and the sriov-pf that owns its PF. Bring-up, VF count,
 * VF identity and scrubbing. All functions: with the baton, which they drop while a child works.
 */
#include <jansson.h>
#include <sriovd/state.h>

/**
 * nic_bring_up() - make everything run that ought to, from any state: idempotent
 *
 * Starts what does not run, opens (or re-adopts) the PF, restores the wanted VF count, compares
 * every VF with what its tenant was promised and sets aside free VFs that are not at their
 * baseline.
 *
 * Context: one caller a NIC: start-up, or the recovery job with the NIC held.
 * Return: 0; -errno with @e. Source: docs/architecture.md, "Life of a VF".
 */
int nic_bring_up(struct sriovd *d, struct nic *nic, struct op_error *e) _must_check_;

/**
 * nic_recover() - start the recovery job unless it runs already
 *
 * Context: baton kept. Source: -.
 */
void nic_recover(struct sriovd *d, struct nic *nic);

/**
 * nic_set_vfs() - PATCH num_vfs
 * Return: 0; -ERANGE above the PF's maximum; -EBUSY a VF in use would die, named in @e; -errno.
 * Context: request. Source: docs/api.md.
 */
int nic_set_vfs(struct sriovd *d, struct nic *nic, unsigned int num_vfs,
		struct op_error *e) _must_check_;

/**
 * nic_pick_vf() - the lowest free VF of an up NIC
 *
 * Return: 0; -ENOSPC. Context: baton kept. Source: -.
 */
int nic_pick_vf(const struct nic *nic, unsigned int *ret_vf) _must_check_;

/**
 * nic_vf_program() - give VF @vf the identity and read it back
 *
 * Context: request or recovery job, drops the baton. Return: 0; -EIO it reads back differently; as
 * child_call(). Source: docs/processes.md, vf.set.
 */
int nic_vf_program(struct sriovd *d, struct nic *nic, unsigned int vf, const struct row_net *id,
		   struct op_error *e) _must_check_;

/**
 * nic_vf_await() - wait until a VF just enabled is there
 *
 * Context: request or recovery job, drops the baton. Return: 0; -ETIMEDOUT; -ENAMETOOLONG. Source:
 * -.
 */
int nic_vf_await(struct sriovd *d, struct nic *nic, unsigned int vf,
		 struct op_error *e) _must_check_;

/**
 * nic_vf_connect() - connect to the vfio-user socket of VF @vf; the caller owns @ret_fd
 *
 * Context: request, drops the baton. Return: 0; -ENAMETOOLONG; as sock_connect(). Source:
 * docs/sources.md [VU].
 */
int nic_vf_connect(struct sriovd *d, struct nic *nic, unsigned int vf, int *ret_fd,
		   struct op_error *e) _must_check_;

/**
 * nic_vf_scrub() - function level reset, then every attribute to its baseline, read back
 * Return: 0 clean; -errno and the reason in @e: the VF may not be given to anybody.
 * Context: the VM has let go of it. Source: docs/processes.md, vf.baseline.
 */
int nic_vf_scrub(struct sriovd *d, struct nic *nic, unsigned int vf,
		 struct op_error *e) _must_check_;

/**
 * nic_vf_list() - {"vfs":[...]} as sriov-pf tells it
 *
 * Context: drops the baton. Return: 0; -EBADMSG not all VFs are in it; as child_call(). Source:
 * docs/processes.md, vf.list.
 */
int nic_vf_list(struct sriovd *d, struct nic *nic, json_t **ret_list,
		struct op_error *e) _must_check_;

/**
 * nic_vf_has() - does the VF's JSON carry this identity?
 *
 * Context: any; pure. Return: true or false. Source: docs/processes.md, vf.list.
 */
bool nic_vf_has(json_t *vf, const struct row_net *id);

/**
 * nic_vf_is_baseline() - is the VF's JSON free of any tenant's settings?
 *
 * Context: any; pure. Return: true or false. Source: docs/processes.md, vf.baseline.
 */
bool nic_vf_is_baseline(json_t *vf);

/**
 * nic_stop() - VFs off, both children stopped
 *
 * Context: the shutdown request, drops the baton. Source: -.
 */
void nic_stop(struct sriovd *d, struct nic *nic);

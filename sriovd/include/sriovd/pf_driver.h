#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a PF's sriov-pf is asked, and decoding what it says. Used by both kinds of PFs that our own
 * driver drives.
 */
#include <sriovd/pf.h>

#define DRIVER_CAPS                                                                         \
	(VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_VLAN_QOS | VF_ATTR_SPOOFCHK | VF_ATTR_TRUST | \
	 VF_ATTR_LINK_STATE | VF_ATTR_STATS)

/**
 * pf_driver_info() - refresh num_vfs and so on; not open, or lost, is no error here
 * @ret_usable: it is open and not lost
 *
 * Context: drops the baton. Return: 0; -EBADMSG; as child_call(). Source: docs/processes.md,
 * pf.info.
 */
int pf_driver_info(struct sriovd *d, struct pf *pf, bool *ret_usable,
		   struct op_error *e) _must_check_;

/**
 * pf_driver_set_vfs() - pf.set_vfs, and what became of it
 *
 * Context: drops the baton. Return: 0; -ENODEV the PF is lost; as child_call(). Source:
 * docs/processes.md, pf.set_vfs.
 */
int pf_driver_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs,
		      struct op_error *e) _must_check_;

/**
 * pf_driver_vf_list(), pf_driver_vf_program(), pf_driver_baseline() - as in struct pf_ops
 *
 * Context: drops the baton, the last keeps it. Return: as in struct pf_ops. Source:
 * docs/processes.md, vf.list, vf.set, vf.baseline.
 */
int pf_driver_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
		      struct op_error *e) _must_check_;
int pf_driver_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf,
			 const struct vf_attrs *want, struct op_error *e) _must_check_;
const struct row_baseline *pf_driver_baseline(const struct pf *pf, unsigned int vf);

/**
 * pf_driver_scrub() - vf.baseline; the VF's function is reset already
 *
 * Context: drops the baton. Return: 0 clean; -EIO it is not; as child_call(). Source:
 * docs/processes.md, vf.baseline.
 */
int pf_driver_scrub(struct sriovd *d, struct pf *pf, unsigned int vf,
		    struct op_error *e) _must_check_;

/**
 * pf_driver_decode() - one VF of vf.list
 *
 * Context: any; pure. Return: 0; -EBADMSG. Source: docs/processes.md, vf.list.
 */
int pf_driver_decode(json_t *vf, struct vf_now *ret) _must_check_;

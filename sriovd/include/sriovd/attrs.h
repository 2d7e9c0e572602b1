#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* VF attributes as values: what a net asks for, how two sets differ, what a PF cannot do. Pure. */
#include <sriovd/ledger.h>

#define ATTRS_SETTABLE                                                                           \
	(VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_VLAN_QOS | VF_ATTR_VLAN_PROTO | VF_ATTR_SPOOFCHK | \
	 VF_ATTR_TRUST | VF_ATTR_MIN_TX_RATE | VF_ATTR_MAX_TX_RATE | VF_ATTR_LINK_STATE)

/**
 * attrs_of_net() - what a VF must be given to be this net
 *
 * Context: any; pure. Source: docs/api.md.
 */
void attrs_of_net(const struct row_net *id, struct vf_attrs *ret);

/**
 * attrs_wanted() - those whose value is not the one that means "none"
 *
 * Context: any; pure. Return: bits of enum vf_attr. Source: docs/api.md.
 */
unsigned int attrs_wanted(const struct vf_attrs *a);

/**
 * attrs_differ() - in which of @which do they differ? QoS and protocol count with a VLAN only
 *
 * Context: any; pure. Return: bits of enum vf_attr. Source: -.
 */
unsigned int attrs_differ(const struct vf_attrs *a, const struct vf_attrs *b, unsigned int which);

/**
 * attrs_allowed() - can a PF with these capabilities serve the net?
 * @caps: bits of enum vf_attr; 0: not known yet, nothing is refused
 *
 * Context: any; pure. Return: 0; -EOPNOTSUPP, the attribute's name in @e. Source: docs/api.md.
 */
int attrs_allowed(const struct row_net *id, unsigned int caps, const char *pf,
		  struct op_error *e) _must_check_;

/**
 * attrs_link_name(), attrs_link_parse() - "auto", "enable", "disable"
 *
 * Context: any; pure. Return: constant text; 0 or -EINVAL. Source: docs/api.md.
 */
const char *attrs_link_name(enum vf_link link);
int attrs_link_parse(const char *name, enum vf_link *ret) _must_check_;

/**
 * attrs_proto_name(), attrs_proto_parse() - "802.1q", "802.1ad"
 *
 * Context: any; pure. Return: constant text; 0 or -EINVAL. Source: docs/api.md.
 */
const char *attrs_proto_name(uint16_t proto);
int attrs_proto_parse(const char *name, uint16_t *ret) _must_check_;

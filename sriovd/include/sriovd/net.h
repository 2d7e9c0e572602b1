#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Nets: identities that come and go. Attaching them is attach.h's. */
#include <sriovd/state.h>

struct net_spec {
	const char *name;
	const char *mac; /* NULL: make one */
	int64_t vlan;
	int64_t vlan_qos;
	bool spoofchk;
	const char *pf;		/* NULL: any */
	const char *vlan_proto; /* NULL: 802.1q */
	bool trust;
	int64_t min_tx_rate, max_tx_rate; /* Mbps, 0: none */
	const char *link_state;		  /* NULL: auto */
};

/**
 * net_create() - POST /v1/nets
 * Context: request. Return: 0; -EINVAL name, MAC, values that contradict each other; -EEXIST name
 * or MAC taken; -ENOENT no such pf; -EOPNOTSUPP that pf cannot do it. Source: docs/api.md.
 */
int net_create(struct sriovd *d, const struct net_spec *spec, struct op_error *e) _must_check_;

/**
 * net_delete() - DELETE /v1/nets/NET
 *
 * Context: request. Return: 0; -ENOENT; -EBUSY attached or being worked on; -errno of the ledger.
 * Source: docs/api.md.
 */
int net_delete(struct sriovd *d, const char *name, struct op_error *e) _must_check_;

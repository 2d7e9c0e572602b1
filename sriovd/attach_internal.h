#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What attach.c, plug.c and release.c share. */
#include <sriovd/attach.h>

/** net_phase_in_memory() - net and VF follow the phase; the ledger is the caller's. */
void net_phase_in_memory(struct net *net, enum phase phase);

/** net_object() - "net blue" in @buf, for messages. */
const char *net_object(const struct net *net, char buf[NAME_SIZE + 4]);

/** net_detached() - it uses nothing any more. */
void net_detached(struct net *net);

/** net_set_lost() - it is lost and @vm's, in the ledger and in memory; @again as in struct net. */
void net_set_lost(struct sriovd *d, struct net *net, struct vm *vm, const char *again,
		  const char *reason);

/** net_way_row() - path, backend and what serves the net, as the ledger has it. */
void net_way_row(const struct net *net, struct row_attachment *row);

/** net_pick() - find what is to serve net->way in net->vm; a VF's PF is held then. */
int net_pick(struct sriovd *d, struct net *net, struct op_error *e) _must_check_;

/** net_plug() - make what was picked ready and add the device. */
int net_plug(struct sriovd *d, struct net *net, bool *ret_added, struct op_error *e) _must_check_;

/** net_unplug() - the device is gone: what was made for it, short of a VF, goes too. */
int net_unplug(struct sriovd *d, const struct net *net, struct op_error *e) _must_check_;

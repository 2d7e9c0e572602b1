#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What attach.c and release.c share. */
#include <sriovd/attach.h>

/** net_phase_in_memory() - net and VF follow the phase; the ledger is the caller's. */
void net_phase_in_memory(struct net *net, enum phase phase);

/** net_object() - "net blue" in @buf, for messages. */
const char *net_object(const struct net *net, char buf[NAME_SIZE + 4]);

/** net_detached() - it uses nothing any more. */
void net_detached(struct net *net);

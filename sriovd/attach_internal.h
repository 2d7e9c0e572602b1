#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What attach.c and release.c share. */
#include <sriovd/attach.h>

/** net_phase_in_memory() - net and VF follow the phase; the ledger is the caller's. */
void net_phase_in_memory(struct net *net, enum phase phase);

/** net_detached() - it uses nothing any more. */
void net_detached(struct net *net);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attach and detach: the transactions between net, VM and VF (or bridge port). Each writes its
 * intent before it acts and undoes itself in reverse when a step fails; what a kill -9 interrupts
 * is settled by reconcile.c from the phase in the ledger. With the baton, dropped while children
 * work.
 */
#include <sriovd/state.h>

struct attach_request {
	const char *net;
	const char *vm;
	struct net_way way;
	uint64_t timeout_ms; /* for the guest's driver to come up */
	uint64_t started_us; /* when the request arrived */
	bool again;	     /* nobody asked: a net that was lost returns to its VM */
};

/**
 * net_way_check() - does a way make sense by itself?
 * @net: for the message
 *
 * Context: any; pure. Return: 0; -EINVAL with @e. Source: docs/api.md.
 */
int net_way_check(const char *net, const struct net_way *way, struct op_error *e) _must_check_;

/**
 * net_attach() - give a net to a running VM
 * @ret_ms: from the arrival of the request to the guest's driver up
 *
 * Context: request.
 * Return: 0; -ENOENT no such net or VM; -EBUSY, -EALREADY, -ENOSPC, -EOPNOTSUPP; -ETIMEDOUT the
 * guest's driver did not come up; a child's errno. After a failure nothing is left of the attempt,
 * or its VF is quarantined. Source: docs/architecture.md, "Life of a VF".
 */
int net_attach(struct sriovd *d, const struct attach_request *rq, double *ret_ms,
	       struct op_error *e) _must_check_;

/**
 * net_detach() - take a net away from its VM
 * @how: "ejected", "forced", "cancelled", "gone" (VM or device was gone), "lost"
 *
 * Context: request. Synchronous: when it returns 0 the VF is clean, or quarantined.
 * Return: 0; -ENOENT; -ENOTCONN not attached; -EBUSY; -ETIMEDOUT the guest kept it, it stays
 * attached. Source: docs/architecture.md, "Life of a VF".
 */
int net_detach(struct sriovd *d, const char *name, uint64_t deadline_ms, bool force, char how[16],
	       struct op_error *e) _must_check_;

/**
 * net_release() - the VM has let go: scrub and free what the net used; the net is detached then
 *
 * Context: the net held exclusively (or start-up). Waits for the PF. Never fails: a VF that
 * cannot be scrubbed is quarantined. Source: docs/architecture.md, "Life of a VF".
 */
void net_release(struct sriovd *d, struct net *net);

/**
 * nets_lost() - a PF lost what was on it: tell the VMs of the nets attached through it
 *
 * Context: loop or recovery job, with the baton; drops it. Source: docs/api.md.
 */
void nets_lost(struct sriovd *d, struct pf *pf);

/**
 * net_mark_lost() - surprise removal: VF or port went with the process behind it
 * @reason: copied; what net and status show
 * Context: VM and net held, or start-up.
 * Source: docs/api.md.
 */
void net_mark_lost(struct sriovd *d, struct net *net, const char *reason);

/**
 * net_give_up() - surprise removal while the PF lives: the VM lost it, the VF is to be scrubbed
 *
 * Context: as net_mark_lost(). Source: docs/api.md.
 */
void net_give_up(struct sriovd *d, struct net *net, const char *reason);

/**
 * vm_return() - let nets return, in the background, to the running VM that lost them
 *
 * Those whose soft NIC ended, or stopped serving the VM: when it is well again they are attached,
 * ever more seldom tried up to a limit, unless somebody detaches them or attaches them elsewhere.
 * Context: baton kept. Source: docs/api.md.
 */
void vm_return(struct sriovd *d, struct vm *vm);

/**
 * net_phase() - set phase in the ledger and in memory
 *
 * Return: 0; -errno of the ledger. Context: baton kept; blocks on the disk. Source:
 * docs/architecture.md, "Life of a VF".
 */
int net_phase(struct sriovd *d, struct net *net, enum phase phase) _must_check_;

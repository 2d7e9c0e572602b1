#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio bridge: one sriov-bridge process each. With the baton, dropped while the child works.
 */
#include <sriovd/state.h>

/**
 * bridge_bring_up() - start it unless it runs
 *
 * Return: 0; -errno with @e. Context: see nic_bring_up(). Source: docs/processes.md.
 */
int bridge_bring_up(struct sriovd *d, struct bridge *br, struct op_error *e) _must_check_;

/**
 * bridge_recover() - start the recovery job unless it runs already
 *
 * Context: baton kept. Source: -.
 */
void bridge_recover(struct sriovd *d, struct bridge *br);

/**
 * bridge_port_add() - make a port named after its net and connect; @only_from: the MAC it may use;
 * the caller owns @ret_fd
 *
 * Context: request or recovery job, with the baton; drops it. Return: 0; -ENODEV the bridge is
 * lost; -ENAMETOOLONG; as child_call(), sock_connect(). Source: docs/processes.md, port.add.
 */
int bridge_port_add(struct sriovd *d, struct bridge *br, const char *net,
		    const struct mac *only_from, int *ret_fd, struct op_error *e) _must_check_;

/**
 * bridge_port_remove() - take a port away; one that is not there is fine, so is a bridge that died
 *
 * Context: as bridge_port_add(). Return: 0; as child_call(). Source: docs/processes.md,
 * port.remove.
 */
int bridge_port_remove(struct sriovd *d, struct bridge *br, const char *net,
		       struct op_error *e) _must_check_;

/**
 * bridge_port_connected() - does the port of @net have a VMM?
 *
 * Context: as bridge_port_add(). Return: 0; as child_call(). Source: docs/processes.md, port.list.
 */
int bridge_port_connected(struct sriovd *d, struct bridge *br, const char *net,
			  bool *ret_connected) _must_check_;

/**
 * bridge_probe() - ask it now and then whether it is well; one that is silent for long is killed,
 * and so started anew
 *
 * Context: janitor, baton kept. Source: -.
 */
void bridge_probe(struct sriovd *d, struct bridge *br);

/**
 * net_down() - what serves the net went away: the guest sees no link until it is connected again
 * @reason: copied
 *
 * Context: baton kept. Source: docs/api.md.
 */
void net_down(struct sriovd *d, struct net *net, const char *reason);

/**
 * bridge_down() - net_down() for all nets on it
 *
 * Context: baton kept. Source: docs/api.md.
 */
void bridge_down(struct sriovd *d, struct bridge *br, const char *reason);

/**
 * bridge_relink() - start the job that connects nets which are down, unless it runs
 *
 * It goes on, ever more slowly up to a limit, until none is left.
 * Context: baton kept. Source: docs/processes.md, device.reconnect.
 */
void bridge_relink(struct sriovd *d, struct bridge *br);

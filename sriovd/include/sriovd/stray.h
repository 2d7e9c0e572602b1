#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that do something nobody asked for: leave their VM late, lose their back end while the VM
 * runs, or are there without any net that has them. All with the baton.
 */
#include <sriovd/state.h>

/**
 * stray_start() - look after the device of @net in a job, as soon as nobody works on it
 * @by_host: the VMM gave the VF back because the host wanted it
 *
 * Context: any; baton kept. Source: docs/processes.md, device.state.
 */
void stray_start(struct sriovd *d, const struct net *net, bool by_host);

/**
 * stray_settle() - compare an attached net with its VM: released if the device is not there, lost
 * if its back end is
 *
 * Context: VM and net held, or start-up. Drops the baton. Source: docs/processes.md, device.list.
 */
void stray_settle(struct sriovd *d, struct net *net, bool by_host);

/**
 * stray_remove() - take away what a VM has and no net knows of
 *
 * Context: VM held, or start-up. Drops the baton. Source: docs/processes.md, device.list.
 */
void stray_remove(struct sriovd *d, const struct vm *vm);

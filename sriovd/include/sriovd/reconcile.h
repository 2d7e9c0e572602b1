#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the ledger to the world and back: at start every promise is compared with what runs,
 * children are adopted, half-done operations finished or undone; later the janitor retries what
 * could not be cleaned, and shutdown takes everything down.
 */
#include <jansson.h>
#include <sriovd/state.h>

/**
 * reconcile_load() - objects from the ledger
 *
 * Context: start-up, before others. Return: 0; -EUCLEAN rows that contradict each other; -ENOMEM;
 * -EIO. Source: -.
 */
int reconcile_load(struct sriovd *d) _must_check_;

/**
 * reconcile_start() - adopt, settle, bring up
 * Context: start-up, with the baton; what does not come up is left to recovery jobs.
 * Return: 0; -errno only when sriovd cannot work at all. Source: docs/api.md.
 */
int reconcile_start(struct sriovd *d) _must_check_;

/**
 * reconcile_shutdown() - VMs, VFs and children down, in this order
 * @vms:     without it a running VM is a reason to refuse
 * @stopped: array that gets "vm vm1", "pf p0", "bridge br0"
 * Context: request; up to minutes. Return: 0; -EBUSY; -EALREADY; -errno. Source: docs/api.md.
 */
int reconcile_shutdown(struct sriovd *d, bool vms, json_t *stopped,
		       struct op_error *e) _must_check_;

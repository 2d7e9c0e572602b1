#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/state.h>

/** reconcile_adopt() - every child in the ledger: adopted, or gone and forgotten. Context:
 * start-up. */
int reconcile_adopt(struct sriovd *d) _must_check_;

/**
 * janitor_start() - retry quarantined VFs and other loose ends in a job, until sriovd stops
 * Return: 0, also if it runs already; -errno. Context: baton kept.
 */
int janitor_start(struct sriovd *d) _must_check_;

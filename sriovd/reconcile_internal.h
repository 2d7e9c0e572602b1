#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/state.h>

/** reconcile_adopt() - every child in the ledger: adopted, or gone and forgotten. Context:
 * start-up. */
int reconcile_adopt(struct sriovd *d) _must_check_;

/** janitor_job() - retries quarantined VFs until sriovd stops. */
void janitor_job(struct sriovd *d, void *arg);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovd without its processes: a PF p0 with four VFs, a bridge br0 and a VM vm1 which all seem to
 * be up while nobody answers for them, and a ledger in memory. For what a client can do to the API.
 */
#include <sriovd/api.h>

/** sriovd_rig_open() - a fresh daemon. Return: 0; -errno. Context: test. Source: -. */
int sriovd_rig_open(struct sriovd *d);
void sriovd_rig_close(struct sriovd *d);

/** sriovd_rig_reset() - as fresh again: nets gone, VFs free, children seemingly up. */
void sriovd_rig_reset(struct sriovd *d);

/** sriovd_rig_call() - one request with all rights; the answer is a new reference. */
json_t *sriovd_rig_call(struct sriovd *d, const char *method, const char *path, const char *body,
			size_t body_len, int *ret_status);

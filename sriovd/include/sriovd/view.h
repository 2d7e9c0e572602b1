#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects as the API shows them. What lives in children is asked for first (those functions drop
 * the baton), then the whole answer is built in one go, so it is consistent. Source: docs/api.md.
 */
#include <jansson.h>
#include <sriovd/state.h>

/**
 * view_vm_infos() - {"vm1": vm.info, ...} of running VMs; one that does not answer is left out
 *
 * Context: drops the baton. Return: a new object; NULL out of memory. Source: docs/processes.md,
 * vm.info.
 */
json_t *view_vm_infos(struct sriovd *d, const char *only);

/**
 * view_vf_lists() - {"p0": vf.list, ...} of PFs that are up
 *
 * Context: drops the baton. Return: a new object; NULL out of memory. Source: docs/processes.md,
 * vf.list.
 */
json_t *view_vf_lists(struct sriovd *d, const char *only);

/**
 * view_status(), view_pf(), view_vf(), view_net(), view_vm() - one object; @infos, @lists: what
 * the functions above gave
 *
 * Context: baton kept. Return: a new object; NULL out of memory. Source: docs/api.md.
 */
json_t *view_status(struct sriovd *d);
json_t *view_pf(const struct nic *nic);
json_t *view_vf(const struct nic *nic, unsigned int vf, json_t *lists);
json_t *view_net(const struct net *net, json_t *infos);
json_t *view_vm(const struct sriovd *d, const struct vm *vm, json_t *infos);

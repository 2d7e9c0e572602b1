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
 * view_vm_devices() - add to each of @infos what device.list says, as "devices"
 *
 * Context: drops the baton. Return: none; a VM that does not answer gets none. Source:
 * docs/processes.md, device.list.
 */
void view_vm_devices(struct sriovd *d, json_t *infos);

/**
 * view_vfs() - VFs of PF @pf, which has a pf_ref(), with what its driver says of them
 *
 * Context: drops the baton. Return: a new array; NULL out of memory. Source: docs/api.md.
 */
json_t *view_vfs(struct sriovd *d, struct pf *pf);

/**
 * view_status(), view_pf(), view_host_pf(), view_net(), view_vm(), view_events() - @infos: what
 * view_vm_infos() gave; @after: only what came later
 *
 * Context: baton kept. Return: a new object; NULL out of memory. Source: docs/api.md.
 */
json_t *view_status(struct sriovd *d);
json_t *view_pf(const struct pf *pf);
json_t *view_host_pf(const struct host_pf *host);
json_t *view_events(const struct sriovd *d, uint64_t after);
json_t *view_net(const struct net *net, json_t *infos);
json_t *view_vm(const struct sriovd *d, const struct vm *vm, json_t *infos);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual machines: one sriov-vmm each. With the baton, dropped while the child works. */
#include <jansson.h>
#include <sriovd/state.h>

#define VM_STOP_DEADLINE_MS	  5000
#define VM_STOP_LINUX_DEADLINE_MS 60000 /* a distribution ends its services first */

/**
 * vm_start() - start a VM, or start one again that is stopped, crashed or lost
 * @spec: of one that is forgotten when it is stopped; NULL: as it is defined, or was started
 *
 * The nets of a VM that is defined are attached again, in the background.
 * Return: 0; -EEXIST it runs, or is defined; -EBUSY; -ENOENT no such VM, no /dev/kvm or no guest; a
 * child's errno. Context: request or job. Source: docs/processes.md.
 */
int vm_start(struct sriovd *d, const char *name, const struct vm_spec *spec,
	     struct op_error *e) _must_check_;

/**
 * vm_boot() - hand everything to a VMM that was just started, and let the guest go
 *
 * Context: VM held; drops the baton. Return: 0; -errno of a file, or the VMM's. Source:
 * docs/processes.md, vm.create.
 */
int vm_boot(struct sriovd *d, struct vm *vm, struct op_error *e) _must_check_;

/**
 * vm_own_device() - is this a disk of a VM's definition, or another device that is no net?
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
bool vm_own_device(const char *id);

/**
 * vm_define() - keep a VM; it is not started
 *
 * Context: request. Return: 0; -EEXIST; an errno of its files; -errno of the ledger. Source:
 * docs/api.md.
 */
int vm_define(struct sriovd *d, const char *name, const struct vm_spec *spec,
	      struct op_error *e) _must_check_;

/**
 * vm_delete() - forget a VM that does not run, and that nets belonged to it
 *
 * Context: request. Return: 0; -ENOENT; -EBUSY it runs, or is being worked on; -errno of the
 * ledger. Source: docs/api.md.
 */
int vm_delete(struct sriovd *d, const char *name, struct op_error *e) _must_check_;

/**
 * vm_restore() - attach, in the background, the nets that a defined VM had
 *
 * Context: baton kept. Source: docs/api.md.
 */
void vm_restore(struct sriovd *d, struct vm *vm);

/**
 * vm_autostart() - start what is marked so, if host or sriovd were started anew
 *
 * Context: start-up, baton kept; the work is done by jobs. Source: docs/api.md.
 */
void vm_autostart(struct sriovd *d);

/**
 * vm_stop() - stop it and release its nets; one that is not defined is forgotten
 * @how: "guest", "forced", or "gone" if it did not run any more
 * Return: 0; -ENOENT; -EBUSY; -ETIMEDOUT the guest did not stop and runs on.
 * Context: request. Source: docs/processes.md.
 */
int vm_stop(struct sriovd *d, const char *name, bool force, uint64_t deadline_ms, char how[16],
	    struct op_error *e) _must_check_;

/**
 * vm_end() - it ended by itself: note why and clean up after it in a job
 *
 * Context: loop, baton kept. Source: docs/api.md.
 */
void vm_end(struct sriovd *d, struct vm *vm, enum vm_state state, const char *reason);

/**
 * vm_sweep() - take up endings that could not be noticed or finished
 *
 * Context: janitor; baton kept. Source: -.
 */
void vm_sweep(struct sriovd *d);

/**
 * vm_put() - write state and reason to the ledger
 *
 * Context: baton kept; blocks on the disk. Return: 0; -errno of the ledger. Source: -.
 */
int vm_put(struct sriovd *d, const struct vm *vm) _must_check_;

/** vm_child_init() - name its child. Context: baton kept. Return: 0; -ENAMETOOLONG. Source: -. */
int vm_child_init(struct sriovd *d, struct vm *vm, struct op_error *e) _must_check_;

/**
 * vm_remove() - take it out of ledger, run directory and memory
 *
 * Context: held exclusively. Source: -.
 */
void vm_remove(struct sriovd *d, struct vm *vm);

/**
 * vm_info() - vm.info of a running VM; @ret_info is a new reference
 *
 * Context: drops the baton. Return: as child_call(). Source: docs/processes.md, vm.info.
 */
int vm_info(struct sriovd *d, const struct vm *vm, json_t **ret_info,
	    struct op_error *e) _must_check_;

/**
 * vm_device_remove() - device.remove
 *
 * Return: 0 with @how, also "gone" when device or VMM are not there; -ETIMEDOUT; -errno. Context:
 * request or job, drops the baton. Source: docs/processes.md, device.remove.
 */
int vm_device_remove(struct sriovd *d, const struct vm *vm, const char *id, uint64_t deadline_ms,
		     bool force, char how[16], struct op_error *e) _must_check_;

/**
 * vm_device_add() - device.add; @fds stay the caller's; @ret_added: it has to be removed again
 *
 * Context: request, drops the baton. Return: 0; as child_call(). Source: docs/processes.md,
 * device.add.
 */
int vm_device_add(struct sriovd *d, const struct vm *vm, json_t *params, const int *fds,
		  size_t n_fds, bool *ret_added, struct op_error *e) _must_check_;

/**
 * vm_device_wait() - device.wait for the guest's driver
 *
 * Context: request, drops the baton. Return: 0; -ETIMEDOUT the driver did not come up; as
 * child_call(). Source: docs/processes.md, device.wait.
 */
int vm_device_wait(struct sriovd *d, const struct vm *vm, const char *id, uint64_t timeout_ms,
		   struct op_error *e) _must_check_;

/**
 * vm_device_reconnect() - device.reconnect: a new connection to what serves it; @fd stays the
 * caller's
 *
 * Context: job, drops the baton. Return: 0; -EALREADY the old one is there; -EPROTO the new one can
 * less; as child_call(). Source: docs/processes.md, device.reconnect.
 */
int vm_device_reconnect(struct sriovd *d, const struct vm *vm, const char *id, int fd,
			struct op_error *e) _must_check_;

enum vm_device_state {
	DEVICE_ABSENT,
	DEVICE_PRESENT,
	DEVICE_LOST, /* there, without its back end */
};

/**
 * vm_devices() - device.list: {"devices":[...]}, a new reference
 *
 * Context: drops the baton. Return: as child_call(). Source: docs/processes.md, device.list.
 */
int vm_devices(struct sriovd *d, const struct vm *vm, json_t **ret_list) _must_check_;

/**
 * vm_device_look() - is device @id there?
 *
 * Context: drops the baton. Return: 0; as child_call(), the VMM does not say. Source:
 * docs/processes.md, device.list.
 */
int vm_device_look(struct sriovd *d, const struct vm *vm, const char *id,
		   enum vm_device_state *ret_state) _must_check_;

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control channel of sriov-vmm: the methods and events of docs/processes.md on top of struct
 * vm. Answers that depend on the guest are deferred: a waiter holds the request until its condition
 * or its deadline comes, and control_tick() is the one place that looks at them.
 */
#include <lib/ctl.h>
#include "vm_impl.h"

#define CONTROL_WAITERS 64u

enum wait_for {
	WAIT_NONE = 0,
	WAIT_UP,
	WAIT_BOUND,
	WAIT_REMOVED,
	WAIT_REMOVE, /* device.remove itself */
	WAIT_STOP,
	WAIT_STOP_FORCE,
	WAIT_REQUEST, /* guest.request */
};

struct waiter {
	enum wait_for what;
	struct ctl_req *req;
	char id[64];
	uint64_t start_us;
	uint64_t deadline_us;
};

struct traps {
	uint64_t bar_exits;
	uint64_t messages;
	uint64_t kvm_exits;
};

struct control {
	struct vm vm;
	struct ctl_server *ctl;
	sd_event_source *post;
	sd_event_source *timer;
	sd_event_source *sigterm;
	sd_event_source *sigint;
	struct waiter wait[CONTROL_WAITERS];
	struct traps traps; /* at the start of the running guest.request */
	enum vm_state told;
	uint64_t end_us; /* after a signal: when the guest's time is up; 0: no signal */
	bool signalled;
	bool told_panic;
	bool created;
};

/**
 * control_new() - a VMM without a machine, serving @control_fd (owned from here on, also on
 * failure); @cpu: the first vCPU's, -1: not pinned
 *
 * Context: main thread. Return: 0; -ENOMEM; -errno of eventfd(2) and sd-event. Source:
 * docs/processes.md.
 */
int control_new(sd_event *event, const char *name, int control_fd, int cpu,
		struct control **ret_control) _must_check_;

/**
 * control_free() - stop the vCPUs, destroy all
 *
 * Context: main thread; waits for the vCPU within a deadline. Return: 0; -ETIMEDOUT a vCPU
 * hangs, the process must _exit(). Source: -.
 */
int control_free(struct control *c) _must_check_;

/**
 * control_tick() - look at everything that may have changed: slots, waiters, deadlines
 *
 * Context: main thread. Source: -.
 */
void control_tick(struct control *c);

/**
 * control_wait() - defer @req; @timeout_us from now
 *
 * Context: main thread; never blocks. Return: 0; -EBUSY too many wait. Source: -.
 */
int control_wait(struct control *c, enum wait_for what, struct ctl_req *req, const char *id,
		 uint64_t timeout_us) _must_check_;

/**
 * control_device_state() - the name of a slot's state
 *
 * Context: main thread. Return: constant text. Source: docs/processes.md.
 */
const char *control_device_state(const struct vm_slot *s);

/**
 * control_id_ok() - can a device be called @id?
 *
 * Context: any; pure. Return: true or false. Source: docs/processes.md.
 */
bool control_id_ok(const char *id);

/**
 * control_bdf() - the address of @slot as the guest names it
 *
 * Context: any; pure. Source: -.
 */
void control_bdf(char *out, size_t size, unsigned int slot);

/**
 * control_traps() - what left the guest so far: on the functions of request @g, and in all
 *
 * Context: main thread. Source: -.
 */
void control_traps(const struct control *c, const struct guest_req *g, struct traps *ret_traps);

/**
 * control_vm_state() - the name of the machine's state
 *
 * Context: any thread. Return: constant text. Source: docs/processes.md.
 */
const char *control_vm_state(const struct vm *vm);

/**
 * control_vm_panic() - what the guest said when it panicked
 *
 * Context: main thread. Return: text; NULL: it did not. Source: docs/processes.md.
 */
const char *control_vm_panic(const struct vm *vm);

/**
 * control_exit_source() - where the count of exits comes from: "kvm_stats" or "kvm_run"
 *
 * Context: any thread. Return: constant text. Source: docs/processes.md.
 */
const char *control_exit_source(const struct control *c);

/**
 * method_vm_create(), method_vm_boot(), method_vm_info(), method_vm_stop(), method_vm_console(),
 * method_vm_input(), method_device_add(), method_device_wait(), method_device_remove(),
 * method_device_reconnect(), method_device_list(), method_guest_request() - handlers of the control
 * methods of those names (ctl_handler_t);
 * @userdata is the struct control
 *
 * Context: main thread; answers that the guest has to give are deferred. Return: 0, @req was
 * answered or waits; -EINVAL, ctl_unpack() refused it; -ENOMEM. Source: docs/processes.md.
 */
int method_vm_create(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_vm_boot(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_vm_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_vm_input(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_vm_stop(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_vm_console(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_device_add(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_device_wait(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_device_remove(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			 void *userdata);
int method_device_reconnect(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			    void *userdata);
int method_device_list(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata);
int method_guest_request(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			 void *userdata);

/**
 * request_answer() - the running guest.request is over: answer its waiter
 *
 * Context: main thread. Source: docs/processes.md.
 */
void request_answer(struct control *c, struct waiter *w, const struct guest_res *res);

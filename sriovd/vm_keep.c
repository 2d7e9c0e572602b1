/* SPDX-License-Identifier: BSD-3-Clause */
/* VMs that are defined: they outlive their end, and have their nets again when they start. */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/vm.h>
#include <sriovd/vm_files.h>
#include <string.h>

#define RESTORE_US  (180 * USEC_PER_SEC)
#define ROUND_US    (500 * USEC_PER_MSEC)
#define ATTACH_MS   60000
#define START_TRIES 5u

int vm_define(struct sriovd *d, const char *name, const struct vm_spec *spec, struct op_error *e)
{
	char object[NAME_SIZE + 4];
	struct vm *vm;
	int r;

	if (vm_find(d, name))
		return op_fail(e, HTTP_CONFLICT, -EEXIST, "vm %s exists already", name);
	r = vm_files_check(d, spec, e);
	if (r < 0)
		return r;
	vm = vm_new(d, name);
	if (!vm)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "vm %s: out of memory", name);
	vm->kept = true;
	vm->spec = *spec;
	vm->state = VM_STOPPED;
	text_set(vm->reason, sizeof(vm->reason), "not started yet");
	r = vm_child_init(d, vm, e);
	if (r >= 0) {
		r = vm_put(d, vm);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	if (r < 0) {
		vm_free(d, vm);
		return r;
	}
	text_set(object, sizeof(object), "vm %s", name);
	event_add(d, object, "defined", "%s", spec->autostart ? "started with the host" : "");
	return 0;
}

/* Its nets and the VM go in one step. */
static int forget(struct sriovd *d, const char *name)
{
	int r;

	r = ledger_begin(d->ledger);
	if (r < 0)
		return r;
	for (const struct net *net = d->nets; net && r >= 0; net = net->next) {
		struct row_net row = net->id;

		if (strcmp(row.home, name) != 0)
			continue;
		row.home[0] = row.home_path[0] = '\0';
		r = ledger_put_net(d->ledger, &row);
	}
	if (r >= 0)
		r = ledger_del_vm(d->ledger, name);
	if (r >= 0)
		return ledger_commit(d->ledger);
	ledger_rollback(d->ledger);
	return r;
}

int vm_delete(struct sriovd *d, const char *name, struct op_error *e)
{
	struct vm *vm = vm_find(d, name);
	char object[NAME_SIZE + 4];
	int r;

	if (!vm)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no vm %.64s", name);
	text_set(object, sizeof(object), "vm %s", name);
	r = hold_take(&vm->hold, true, object, e, "deletion of %s", name);
	if (r < 0)
		return r;
	if (vm->ending || vm->child.running)
		r = op_fail(e, HTTP_CONFLICT, -EBUSY, "vm %s is %s: stop it first", name,
			    vm->ending ? "being cleaned up after" : vm_state_name(vm->state));
	for (const struct net *net = d->nets; net && r >= 0; net = net->next)
		if (net->vm == vm)
			r = op_fail(e, HTTP_CONFLICT, -EBUSY, "vm %s: net %s is not released yet",
				    name, net->id.name);
	if (r >= 0) {
		r = forget(d, name);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	hold_release(d, &vm->hold, true);
	if (r < 0)
		return r;
	for (struct net *net = d->nets; net; net = net->next)
		if (strcmp(net->id.home, name) == 0)
			net->id.home[0] = net->id.home_path[0] = '\0';
	event_add(d, object, "deleted", "%s", "");
	vm_remove(d, vm);
	return 0;
}

/* ---- nets ---- */

/* The first after @after, by name, that belongs to the VM and is not there. */
static struct net *next_net(struct sriovd *d, const char *vm, const char *after)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (net->state == NET_DETACHED && strcmp(net->id.home, vm) == 0 &&
		    strcmp(net->id.name, after) > 0)
			return net;
	return NULL;
}

static int restore_net(struct sriovd *d, const char *vm, const struct net *net, struct op_error *e)
{
	char name[NAME_SIZE];
	struct attach_request rq = {
		.net = name, .vm = vm, .timeout_ms = ATTACH_MS, .started_us = clock_us()};
	double ms;
	int r;

	text_set(name, sizeof(name), "%s", net->id.name);
	text_set(rq.way.link, sizeof(rq.way.link), "%s", net->id.home_link);
	rq.way.queues = net->id.home_queues;
	r = net_path_parse(net->id.home_path, &rq.way.path);
	if (r >= 0)
		r = net_backend_parse(net->id.home_backend, &rq.way.backend);
	return r < 0 ? r : net_attach(d, &rq, &ms, e);
}

/* Return: how many of them are not there. */
static unsigned int restore_round(struct sriovd *d, const char *vm, bool last)
{
	char done[NAME_SIZE] = "", object[NAME_SIZE + 4];
	unsigned int missing = 0;
	struct net *net;

	while (!d->closing && !d->stopping && (net = next_net(d, vm, done))) {
		struct op_error e = {};
		int r;

		text_set(done, sizeof(done), "%s", net->id.name);
		r = restore_net(d, vm, net, &e);
		if (r >= 0)
			continue;
		missing++;
		if (!last)
			continue;
		text_set(object, sizeof(object), "net %s", done);
		event_add(d, object, "not attached", "to vm %s again: %s", vm, op_text(&e, r));
		log_warning(0, "net %s: not attached to %s again: %s", done, vm, op_text(&e, r));
	}
	return missing;
}

/* PFs and bridges may still be coming up, and so may the guest. */
static void restore_job(struct sriovd *d, void *arg)
{
	_cleanup_(freep) char *name = arg;
	uint64_t deadline_us = clock_us() + RESTORE_US;
	struct vm *vm;

	while ((vm = vm_find(d, name)) && vm->kept && vm->state == VM_RUNNING) {
		bool last = clock_us() >= deadline_us;

		if (!restore_round(d, name, last) || last || state_pause(d, ROUND_US) < 0)
			break;
	}
	vm = vm_find(d, name);
	if (vm)
		vm->restoring = false;
}

void vm_restore(struct sriovd *d, struct vm *vm)
{
	char *name;

	if (!vm->kept || vm->restoring || !next_net(d, vm->name, ""))
		return;
	name = strdup(vm->name);
	if (!name)
		return;
	vm->restoring = true;
	if (job_start(d, restore_job, name) < 0) {
		vm->restoring = false;
		free(name);
	}
}

/* ---- start of the host ---- */

/* What it needs may come up after us: a file system with its disk, say. */
static void autostart_job(struct sriovd *d, void *arg)
{
	_cleanup_(freep) char *name = arg;
	uint64_t pause_us = USEC_PER_SEC;

	for (unsigned int i = 0; i < START_TRIES; i++, pause_us *= 2) {
		struct op_error e = {};
		const struct vm *vm;
		int r;

		r = vm_start(d, name, NULL, &e);
		if (r >= 0 || r == -EEXIST)
			return;
		log_warning(0, "vm %s: %s", name, op_text(&e, r));
		if (state_pause(d, pause_us) < 0)
			return;
		vm = vm_find(d, name);
		if (!vm || !vm->kept || vm->state != VM_STOPPED)
			return;
	}
}

void vm_autostart(struct sriovd *d)
{
	for (struct vm *vm = d->vms; vm; vm = vm->next) {
		char *name;

		if (vm->state == VM_RUNNING)
			vm_restore(d, vm);
		if (!vm->kept || !vm->fresh || !vm->spec.autostart || vm->child.running)
			continue;
		name = strdup(vm->name);
		if (name && job_start(d, autostart_job, name) < 0)
			free(name);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/placement.h>
#include <sriovd/vm.h>
#include <sriovd/watch.h>
#include <string.h>

#define EXIT_US	 (3 * USEC_PER_SEC)
#define GRACE_US (2 * USEC_PER_SEC)
#define HOLD_US	 (60 * USEC_PER_SEC)

int vm_put(struct sriovd *d, const struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *spec = vm_spec_json(&vm->spec);
	_cleanup_(freep) char *text = spec ? json_dumps(spec, JSON_COMPACT) : NULL;
	struct row_vm row = {.memory_mib = vm->spec.memory_mib, .kept = vm->kept};

	if (!text)
		return -ENOMEM;
	if (strlen(text) >= sizeof(row.spec))
		return -E2BIG;
	text_set(row.name, sizeof(row.name), "%s", vm->name);
	text_set(row.state, sizeof(row.state), "%s", vm_state_name(vm->state));
	text_set(row.reason, sizeof(row.reason), "%s", vm->reason);
	text_set(row.boot_id, sizeof(row.boot_id), "%s", vm->fresh ? "" : d->boot_id);
	text_set(row.spec, sizeof(row.spec), "%s", text);
	return ledger_put_vm(d->ledger, &row);
}

int vm_child_init(struct sriovd *d, struct vm *vm, struct op_error *e)
{
	char ctl[2 * PATH_SIZE];

	text_set(ctl, sizeof(ctl), "%s/vm/%s/ctl.sock", d->cfg.run_dir, vm->name);
	return child_init(&vm->child, CHILD_VMM, vm->name, ctl, e);
}

static void remove_dir(struct sriovd *d, const struct vm *vm)
{
	char dir[PATH_SIZE];

	if (path_set(dir, sizeof(dir), "%s/vm/%s", d->cfg.run_dir, vm->name) >= 0)
		rmdir(dir);
}

void vm_remove(struct sriovd *d, struct vm *vm)
{
	ledger_trouble(d, ledger_del_vm(d->ledger, vm->name), "vms");
	remove_dir(d, vm);
	vm_free(d, vm);
}

static int vm_launch(struct sriovd *d, struct vm *vm, struct op_error *e)
{
	struct child_start start = {};
	int on = placement_vm(&d->cfg, d->vm_turn++);
	char cpu[12], uids[12];
	size_t n = 0;
	int r;

	if (on >= 0) {
		text_set(cpu, sizeof(cpu), "%d", on);
		start.args[n++] = "--cpu";
		start.args[n++] = cpu;
	}
	if (d->cfg.vm_uids > 0) {
		text_set(uids, sizeof(uids), "%d", d->cfg.vm_uids);
		start.args[n++] = "--uids";
		start.args[n++] = uids;
	}
	r = vm_child_init(d, vm, e);
	if (r < 0)
		return r;
	vm->state = VM_STARTING;
	vm->reason[0] = '\0';
	vm->fresh = false;
	r = vm_put(d, vm);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	r = child_start(d, &vm->child, &start, e);
	if (r < 0)
		return r;
	r = vm_boot(d, vm, e);
	if (r >= 0 && !vm->child.running)
		r = op_fail(e, HTTP_CHILD, -ECONNRESET, "vm %s: %s", vm->name, vm->child.reason);
	if (r >= 0) {
		vm->state = VM_RUNNING;
		r = vm_put(d, vm);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	if (r < 0)
		child_stop(d, &vm->child);
	return r;
}

static int start_check(struct sriovd *d, const char *name, const struct vm *vm,
		       const struct vm_spec *spec, struct op_error *e)
{
	if (!vm && !spec)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no vm %.64s", name);
	if (vm && (vm->state == VM_RUNNING || vm->state == VM_STARTING))
		return op_fail(e, HTTP_CONFLICT, -EEXIST, "vm %s is %s already", name,
			       vm_state_name(vm->state));
	if (vm && vm->kept && spec)
		return op_fail(e, HTTP_CONFLICT, -EEXIST,
			       "vm %s is defined: start it as it is, or delete it first", name);
	if (vm && vm->ending)
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "vm %s is busy: cleaning up after its end",
			       name);
	return 0;
}

/* One that was only started is as if it had never been; one that is defined stays, and says why. */
static void start_failed(struct sriovd *d, struct vm *vm, const char *object, const char *reason)
{
	vm->state = VM_STOPPED;
	text_set(vm->reason, sizeof(vm->reason), "%s", reason);
	event_add(d, object, "not started", "%s", reason);
	ledger_trouble(d, vm_put(d, vm), "vms");
	remove_dir(d, vm);
}

int vm_start(struct sriovd *d, const char *name, const struct vm_spec *spec, struct op_error *e)
{
	struct vm *vm = vm_find(d, name);
	char object[NAME_SIZE + 4];
	int r;

	r = start_check(d, name, vm, spec, e);
	if (r < 0)
		return r;
	if (!vm)
		vm = vm_new(d, name);
	if (!vm)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "vm %s: out of memory", name);
	text_set(object, sizeof(object), "vm %s", name);
	r = hold_take(&vm->hold, true, object, e, "start of %s", name);
	if (r < 0)
		return r;
	if (spec)
		vm->spec = *spec;
	r = vm_launch(d, vm, e);
	if (r < 0 && vm->kept)
		start_failed(d, vm, object, op_text(e, r));
	hold_release(d, &vm->hold, true);
	if (r < 0) {
		if (!vm->kept)
			vm_remove(d, vm);
		return r;
	}
	event_add(d, object, "started", "%u MiB", vm->spec.memory_mib);
	log_object_info(vm->child.object, "vm runs with %u MiB", vm->spec.memory_mib);
	vm_restore(d, vm);
	return 0;
}

/* Everything the VM had: its process is gone, so nothing has to be asked. */
static int release_nets(struct sriovd *d, struct vm *vm)
{
	struct net *net = d->nets;
	int r;

	while (net) {
		if (net->vm != vm) {
			net = net->next;
			continue;
		}
		r = hold_wait(d, &net->hold, true, clock_us() + HOLD_US, "end of vm %s", vm->name);
		if (r == -ESTALE) {
			net = d->nets;
			continue;
		}
		if (r < 0)
			return r;
		if (net->vm == vm)
			net_release(d, net);
		hold_release(d, &net->hold, true);
		net = d->nets;
	}
	return 0;
}

/* Return: 0; -errno try again, unless -ECANCELED. */
static int end_once(struct sriovd *d, struct vm *vm)
{
	int r;

	r = hold_wait(d, &vm->hold, true, clock_us() + HOLD_US, "end of vm %s", vm->name);
	if (r < 0)
		return r;
	child_stop(d, &vm->child);
	ledger_trouble(d, vm_put(d, vm), "vms");
	r = release_nets(d, vm);
	if (r >= 0)
		vm->ending = false;
	hold_release(d, &vm->hold, true);
	return r;
}

/* Nobody else cleans up, so this goes on until it is done; what it waits for has deadlines. */
static void end_job(struct sriovd *d, void *arg)
{
	_cleanup_(freep) char *name = arg;
	struct vm *vm;
	int r = -EAGAIN;

	while (r < 0 && r != -ECANCELED && (vm = vm_find(d, name)) && vm->ending) {
		r = end_once(d, vm);
		if (r == -ETIMEDOUT)
			log_warning(0, "vm %s: still busy after its end, trying again", name);
	}
}

static void end_start(struct sriovd *d, struct vm *vm)
{
	char *name = strdup(vm->name);

	if (!name)
		return;
	vm->ending = true;
	if (job_start(d, end_job, name) < 0) {
		vm->ending = false;
		free(name);
	}
}

void vm_end(struct sriovd *d, struct vm *vm, enum vm_state state, const char *reason)
{
	char object[NAME_SIZE + 4];

	/* starting and stopping are operations under way: they notice for themselves */
	if (vm->ending || vm->state != VM_RUNNING || d->closing)
		return;
	vm->state = state;
	text_set(vm->reason, sizeof(vm->reason), "%s", reason);
	text_set(object, sizeof(object), "vm %s", vm->name);
	event_add(d, object, vm_state_name(state), "%s", reason);
	log_object_warning(vm->child.object, 0, "vm %s: %s", vm_state_name(state), reason);
	end_start(d, vm);
}

static bool has_nets(const struct sriovd *d, const struct vm *vm)
{
	for (const struct net *net = d->nets; net; net = net->next)
		if (net->vm == vm)
			return true;
	return false;
}

void vm_sweep(struct sriovd *d)
{
	for (struct vm *vm = d->vms; vm && !d->closing; vm = vm->next) {
		bool ended =
			vm->state == VM_STOPPED || vm->state == VM_CRASHED || vm->state == VM_LOST;

		if (vm->state == VM_RUNNING && !vm->child.running)
			vm_end(d, vm, VM_CRASHED, vm->child.reason);
		else if (ended && !vm->ending && (vm->child.running || has_nets(d, vm)))
			end_start(d, vm);
	}
}

/* Ask the guest; with @force its time is limited, and so is its VMM's. Without it runs on. */
static int stop_running(struct sriovd *d, struct vm *vm, bool force, uint64_t deadline_ms,
			char how[16], struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	const char *said = "forced";
	int r;

	vm->state = VM_STOPPING;
	r = vm_put(d, vm);
	if (r >= 0) {
		child_unwatch(d, &vm->child);
		r = child_call(d, &vm->child, "vm.stop",
			       json_pack("{s:b, s:I}", "force", force, "deadline_ms",
					 (json_int_t)deadline_ms),
			       NULL, 0, deadline_ms * USEC_PER_MSEC + GRACE_US, &result, e);
		if (r >= 0)
			(void)!json_unpack(result, "{s?s}", "how", &said);
		if (r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOTCONN || force)
			r = 0;
	}
	if (r < 0) {
		vm->state = VM_RUNNING;
		ledger_trouble(d, vm_put(d, vm), "vms");
		if (vm->child.pidfd >= 0 && child_watch(d, &vm->child) < 0)
			log_object_warning(vm->child.object, 0, "cannot be watched any more");
		if (r == -ETIMEDOUT)
			op_fail(e, HTTP_DEADLINE, r,
				"vm %s did not switch off within %u ms and runs on: force ends it "
				"at the deadline, vm kill at once",
				vm->name, (unsigned int)deadline_ms);
		return r;
	}
	text_set(how, 16, "%s", said);
	child_await_exit(d, &vm->child, EXIT_US);
	return 0;
}

static void stopped(struct sriovd *d, struct vm *vm, const char *how)
{
	vm->state = VM_STOPPED;
	vm->fresh = false;
	text_set(vm->reason, sizeof(vm->reason), "stopped (%s)", how);
	ledger_trouble(d, vm_put(d, vm), "vms");
	remove_dir(d, vm);
}

int vm_stop(struct sriovd *d, const char *name, bool force, uint64_t deadline_ms, char how[16],
	    struct op_error *e)
{
	struct vm *vm = vm_find(d, name);
	char object[NAME_SIZE + 4];
	int r;

	if (!vm)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no vm %.64s", name);
	if (vm->ending)
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "vm %s is busy: cleaning up after its end",
			       name);
	text_set(object, sizeof(object), "vm %s", name);
	r = hold_take(&vm->hold, true, object, e, "stop of %s", name);
	if (r < 0)
		return r;
	text_set(how, 16, "gone");
	if (vm->state == VM_RUNNING)
		r = stop_running(d, vm, force, deadline_ms, how, e);
	if (r >= 0) {
		r = release_nets(d, vm);
		if (r < 0) {
			/* nets still point to it: stopped, and to be deleted once more */
			vm->state = VM_STOPPED;
			ledger_trouble(d, vm_put(d, vm), "vms");
			op_fail(e, HTTP_CONFLICT, r, "vm %s is stopped, its nets are still busy",
				name);
		}
	}
	if (r >= 0 && vm->kept)
		stopped(d, vm, how);
	hold_release(d, &vm->hold, true);
	if (r < 0)
		return r;
	event_add(d, object, "stopped", "%s", how);
	log_info("vm %s: stopped (%s)", name, how);
	if (!vm->kept)
		vm_remove(d, vm);
	return 0;
}

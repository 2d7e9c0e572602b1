/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <lib/clock.h>
#include <lib/log.h>
#include "console.h"
#include "control.h"
#include "guest_link.h"
#include "hotplug.h"
#include "kvm.h"
#include "vcpu.h"

#define STOP_TIMEOUT_US	  UINT64_C(4000000) /* a vCPU waits 2 s for a vfio-user peer at most */
#define TIMER_ACCURACY_US 1000u
#define SIGNAL_STOP_US	  (30 * USEC_PER_SEC) /* a guest's time to switch off after SIGTERM */

static const char *const removed_names[] = {
	[REMOVED_EJECTED] = "ejected",
	[REMOVED_FORCED] = "forced",
	[REMOVED_CANCELLED] = "cancelled",
	[REMOVED_HOST] = "host",
};

static const char *const state_names[] = {
	[VM_NEW] = "new",
	[VM_RUNNING] = "running",
	[VM_STOPPED] = "stopped",
	[VM_CRASHED] = "crashed",
};

const char *control_vm_state(const struct vm *vm)
{
	return state_names[atomic_load(&vm->state)];
}

const char *control_device_state(const struct vm_slot *s)
{
	if (atomic_load(&s->own->lost) || atomic_load(&s->own->away))
		return "lost";
	if (s->state != SLOT_VISIBLE)
		return "ejecting";
	if (!atomic_load(&s->own->bound))
		return "visible";
	return s->gif.state == GUEST_IF_UP ? "up" : "bound";
}

const char *control_exit_source(const struct control *c)
{
	return c->vm.vcpu[0].stats_off ? "kvm_stats" : "kvm_run";
}

static void traps_add(const struct vm *vm, uint32_t slot, struct traps *t)
{
	struct pci_dev *d = slot < VMM_SLOTS ? vm->slot[slot].own : NULL;

	if (!d)
		return;
	t->bar_exits += atomic_load(&d->bar_exits);
	t->messages += d->ops->messages ? d->ops->messages(d) : 0;
}

void control_traps(const struct control *c, const struct guest_req *g, struct traps *ret_traps)
{
	struct traps t = {0};
	struct vcpu_totals all;

	vcpu_totals(&c->vm, &all);
	traps_add(&c->vm, g->slot_a, &t);
	if (g->slot_b != g->slot_a)
		traps_add(&c->vm, g->slot_b, &t);
	t.kvm_exits = c->vm.vcpu[0].stats_off ? all.kvm : all.exits;
	*ret_traps = t;
}

int control_wait(struct control *c, enum wait_for what, struct ctl_req *req, const char *id,
		 uint64_t timeout_us)
{
	for (unsigned int i = 0; i < CONTROL_WAITERS; i++) {
		struct waiter *w = &c->wait[i];

		if (w->what != WAIT_NONE)
			continue;
		w->what = what;
		w->req = req;
		w->start_us = clock_us();
		w->deadline_us = w->start_us + timeout_us;
		snprintf(w->id, sizeof(w->id), "%s", id);
		return 0;
	}
	return -EBUSY;
}

static struct ctl_req *waiter_take(struct waiter *w)
{
	w->what = WAIT_NONE;
	return TAKE_PTR(w->req);
}

static void device_told(struct vm *vm, unsigned int slot, const char *id,
			enum hotplug_result result, void *userdata)
{
	struct control *c = userdata;
	const char *how = removed_names[vm->slot[slot].how];
	uint32_t refusal = atomic_load(&vm->slot[slot].refusal);

	if (result == HOTPLUG_WANTED) {
		ctl_emit(c->ctl, "device.wanted", json_pack("{s:s}", "id", id));
		return;
	}
	for (unsigned int i = 0; i < CONTROL_WAITERS; i++) {
		struct waiter *w = &c->wait[i];

		if (w->what != WAIT_REMOVE || strcmp(w->id, id))
			continue;
		if (result == HOTPLUG_REMOVED)
			ctl_reply(waiter_take(w), json_pack("{s:s}", "how", how));
		else if (refusal)
			ctl_fail(waiter_take(w), -EACCES,
				 "device %s: refused by the guest: status %u, it stays", id,
				 refusal);
		else
			ctl_fail(waiter_take(w), -ETIMEDOUT,
				 "device %s: the guest did not let it go, it stays", id);
	}
	if (result == HOTPLUG_REMOVED)
		ctl_emit(c->ctl, "device.removed", json_pack("{s:s, s:s}", "id", id, "how", how));
}

/* NULL: it is not lost. */
static const char *lost_reason(const struct pci_dev *d)
{
	int error = -atomic_load(&d->lost_error);

	if (!atomic_load(&d->lost))
		return NULL;
	return error == EIO ? "the host reports an error of the device" : strerror(error);
}

static void device_events(struct control *c)
{
	for (unsigned int i = 1; i < VMM_SLOTS; i++) {
		struct vm_slot *s = &c->vm.slot[i];
		const char *now;
		int r;

		if (s->state == SLOT_EMPTY)
			continue;
		r = atomic_exchange(&s->own->irq_error, 0);
		if (r < 0)
			log_warning(r, "device %s: no interrupts will reach the guest", s->own->id);
		now = control_device_state(s);
		if (now == s->told)
			continue;
		s->told = now;
		ctl_emit(c->ctl, "device.state",
			 json_pack("{s:s, s:s, s:s*}", "id", s->own->id, "state", now, "reason",
				   lost_reason(s->own)));
	}
}

const char *control_vm_panic(const struct vm *vm)
{
	switch ((enum vm_panic)atomic_load(&vm->panic)) {
	case VM_PANIC_PORT:
		return *vm->panic_text ? vm->panic_text : "told by the panic port";
	case VM_PANIC_CONSOLE:
		return vm->panic_text;
	case VM_PANIC_NONE:
		break;
	}
	return NULL;
}

static void panic_event(struct control *c)
{
	const char *text = control_vm_panic(&c->vm);

	if (!text || c->told_panic)
		return;
	c->told_panic = true;
	log_warning(0, "guest panic: %s; it goes on as its kernel decides", text);
	ctl_emit(c->ctl, "vm.panic",
		 json_pack("{s:s, s:s}", "source",
			   atomic_load(&c->vm.panic) == VM_PANIC_PORT ? "port" : "console", "text",
			   text));
}

static void vm_events(struct control *c)
{
	enum vm_state now = (enum vm_state)atomic_load(&c->vm.state);

	panic_event(c);
	if (now == c->told)
		return;
	c->told = now;
	/* the processor that ended it has stopped; the others may not know */
	if (now > VM_RUNNING)
		vcpu_kick(&c->vm);
	if (now == VM_CRASHED)
		log_warning(0, "guest crashed: %s; its devices stay until the VM is stopped",
			    c->vm.reason);
	ctl_emit(c->ctl, "vm.state",
		 json_pack("{s:s, s:s}", "state", state_names[now], "reason", c->vm.reason));
}

static void answer_state(struct waiter *w, const char *state, uint64_t since_us, uint64_t now_us)
{
	json_t *result = json_pack("{s:s, s:s, s:I}", "id", w->id, "state", state, "elapsed_ms",
				   (json_int_t)((now_us - since_us) / USEC_PER_MSEC));

	ctl_reply(waiter_take(w), result);
}

static void waiter_device(struct control *c, struct waiter *w, uint64_t now_us)
{
	int slot = hotplug_slot_find(&c->vm, w->id);
	const struct vm_slot *s;
	const char *state;

	if (slot < 0) {
		if (w->what == WAIT_REMOVED)
			answer_state(w, "removed", w->start_us, now_us);
		else
			ctl_fail(waiter_take(w), -ENODEV, "device %s: removed meanwhile", w->id);
		return;
	}
	if (atomic_load(&c->vm.state) != VM_RUNNING) {
		ctl_fail(waiter_take(w), -ECONNRESET, "device %s: the guest stopped: %s", w->id,
			 c->vm.reason);
		return;
	}
	if (w->what == WAIT_REMOVED)
		return;
	s = &c->vm.slot[slot];
	state = control_device_state(s);
	/* only a bench guest says more than that its driver took the function */
	if (!strcmp(state, "up") ||
	    ((w->what == WAIT_BOUND || c->vm.kind == VM_LINUX) && !strcmp(state, "bound")))
		answer_state(w, state, s->visible_us, now_us);
	else if (!strcmp(state, "lost"))
		ctl_fail(waiter_take(w), -ENODEV, "device %s: its back end is gone", w->id);
	else if (s->gif.state == GUEST_IF_FAILED && atomic_load(&s->own->bound))
		ctl_fail(waiter_take(w), -EIO, "device %s: the guest's driver failed (error %u)",
			 w->id, s->gif.error);
}

static void waiter_stop(struct control *c, struct waiter *w, uint64_t now_us)
{
	enum vm_state state = (enum vm_state)atomic_load(&c->vm.state);

	if (state == VM_RUNNING && now_us < w->deadline_us)
		return;
	if (state == VM_RUNNING && w->what == WAIT_STOP) {
		unsigned int ms = (unsigned int)((w->deadline_us - w->start_us) / USEC_PER_MSEC);

		ctl_fail(waiter_take(w), -ETIMEDOUT,
			 "the guest did not switch off within %u ms and runs on", ms);
		return;
	}
	ctl_reply(waiter_take(w),
		  json_pack("{s:s}", "how", state == VM_STOPPED ? "guest" : "forced"));
	sd_event_exit(c->vm.event, 0);
}

static void waiter_request(struct control *c, struct waiter *w)
{
	struct guest_res res;
	int r = guest_request_poll(&c->vm, &res);

	if (r == 0)
		request_answer(c, w, &res);
	else if (r == -EBADMSG)
		ctl_fail(waiter_take(w), r, "the guest's answer contradicts itself");
	else if (atomic_load(&c->vm.state) != VM_RUNNING)
		ctl_fail(waiter_take(w), -ECONNRESET, "the guest stopped: %s", c->vm.reason);
}

static void waiter_look(struct control *c, struct waiter *w, uint64_t now_us)
{
	switch (w->what) {
	case WAIT_UP:
	case WAIT_BOUND:
	case WAIT_REMOVED:
		waiter_device(c, w, now_us);
		break;
	case WAIT_STOP:
	case WAIT_STOP_FORCE:
		waiter_stop(c, w, now_us);
		break;
	case WAIT_REQUEST:
		waiter_request(c, w);
		break;
	case WAIT_REMOVE: /* device_told() */
	case WAIT_NONE:
		return;
	}
	if (w->what == WAIT_NONE || now_us < w->deadline_us)
		return;
	if (w->what == WAIT_REQUEST)
		guest_request_drop(&c->vm);
	ctl_fail(waiter_take(w), -ETIMEDOUT, "%s: not in time", *w->id ? w->id : "guest");
}

static void timer_set(struct control *c)
{
	uint64_t next = hotplug_next(&c->vm);

	if (c->vm.console.due_us && c->vm.console.due_us < next)
		next = c->vm.console.due_us;
	for (unsigned int i = 0; i < CONTROL_WAITERS; i++) {
		const struct waiter *w = &c->wait[i];

		if (w->what != WAIT_NONE && w->what != WAIT_REMOVE && w->deadline_us < next)
			next = w->deadline_us;
	}
	if (c->end_us && c->end_us < next)
		next = c->end_us;
	if (next == UINT64_MAX) {
		sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(c->timer, next);
	sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* After a signal: the guest has switched off, or had its time. */
static void signal_end(struct control *c, uint64_t now_us)
{
	bool running = atomic_load(&c->vm.state) == VM_RUNNING;

	if (!c->end_us || (running && now_us < c->end_us))
		return;
	if (running)
		log_warning(0, "vm %s: the guest did not switch off in time; ending it",
			    c->vm.name);
	c->end_us = 0;
	sd_event_exit(c->vm.event, 0);
}

void control_tick(struct control *c)
{
	uint64_t now = clock_us();

	if (c->vm.console.due_us && now >= c->vm.console.due_us)
		console_drain(&c->vm, now);
	hotplug_work(&c->vm, now, device_told, c);
	vm_events(c);
	device_events(c);
	for (unsigned int i = 0; i < CONTROL_WAITERS; i++)
		waiter_look(c, &c->wait[i], now);
	signal_end(c, now);
	timer_set(c);
}

static int on_post(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control *c = userdata;
	uint32_t what;
	eventfd_t n;

	(void)source;
	(void)revents;
	/* the counter first: a bit set after the exchange writes it again */
	(void)eventfd_read(fd, &n);
	what = atomic_exchange(&c->vm.posted, 0);
	if (what & VM_POST_STATE)
		console_drain(&c->vm, clock_us());
	else if (what & VM_POST_CONSOLE)
		console_posted(&c->vm, clock_us());
	if (what & VM_POST_IFS)
		guest_ifs_update(&c->vm);
	if (what & VM_POST_DEVICE)
		hotplug_devices_sync(&c->vm);
	control_tick(c);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	control_tick(userdata);
	return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct control *c = userdata;

	/* whoever shuts the host down asks us, and we the guest; asked again, we go */
	if (c->signalled || atomic_load(&c->vm.state) != VM_RUNNING)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	log_info("vm %s: signal %u: pressing the power button", c->vm.name, si->ssi_signo);
	c->signalled = true;
	c->end_us = clock_us() + SIGNAL_STOP_US;
	hpc_raise(&c->vm, HPC_EVT_POWER);
	control_tick(c);
	return 0;
}

static int method_quit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;

	(void)params;
	(void)fds;
	(void)n_fds;
	ctl_reply(req, NULL);
	return sd_event_exit(c->vm.event, 0);
}

static const struct ctl_method methods[] = {
	{"ctl.quit", method_quit},
	{"device.add", method_device_add},
	{"device.list", method_device_list},
	{"device.remove", method_device_remove},
	{"device.reconnect", method_device_reconnect},
	{"device.wait", method_device_wait},
	{"guest.request", method_guest_request},
	{"vm.boot", method_vm_boot},
	{"vm.console", method_vm_console},
	{"vm.create", method_vm_create},
	{"vm.info", method_vm_info},
	{"vm.input", method_vm_input},
	{"vm.stop", method_vm_stop},
	{NULL, NULL},
};

static int control_sources(struct control *c)
{
	sd_event *e = c->vm.event;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	r = sd_event_add_signal(e, &c->sigterm, SIGTERM, on_signal, c);
	if (r < 0)
		return r;
	r = sd_event_add_signal(e, &c->sigint, SIGINT, on_signal, c);
	if (r < 0)
		return r;
	r = sd_event_add_io(e, &c->post, c->vm.post_fd, EPOLLIN, on_post, c);
	if (r < 0)
		return r;
	r = sd_event_add_time(e, &c->timer, CLOCK_MONOTONIC, UINT64_MAX, TIMER_ACCURACY_US,
			      on_timer, c);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

static void control_freep(struct control **c)
{
	if (*c && control_free(*c) < 0)
		log_debug("the vCPU hangs");
}

int control_new(sd_event *event, const char *name, int control_fd, int cpu,
		struct control **ret_control)
{
	_cleanup_(control_freep) struct control *c = NULL;
	_cleanup_(fd_closep) int fd = control_fd;
	int r;

	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	r = vm_init(&c->vm, name, event, &vm_kvm_ops);
	if (r < 0)
		return r;
	c->vm.cpu = cpu;
	r = control_sources(c);
	if (r < 0)
		return r;
	r = ctl_server_new(event, TAKE_FD(fd), c->vm.name, methods, c, &c->ctl);
	if (r < 0)
		return r;
	*ret_control = TAKE_PTR(c);
	return 0;
}

int control_free(struct control *c)
{
	int r;

	/* vCPUs that do not end still use all of this: then the process goes, with everything
	 */
	r = vcpu_stop(&c->vm, STOP_TIMEOUT_US);
	if (r < 0)
		return r;
	hotplug_destroy_all(&c->vm);
	if (c->created)
		console_drain(&c->vm, clock_us());
	for (unsigned int i = 0; i < CONTROL_WAITERS; i++) {
		if (c->wait[i].what != WAIT_NONE)
			ctl_fail(waiter_take(&c->wait[i]), -ECONNRESET, "the VM is being stopped");
	}
	if (c->ctl)
		ctl_server_free(c->ctl);
	sd_event_source_disable_unref(c->timer);
	sd_event_source_disable_unref(c->post);
	sd_event_source_disable_unref(c->sigterm);
	sd_event_source_disable_unref(c->sigint);
	vcpu_close(&c->vm);
	vm_done(&c->vm);
	free(c);
	return 0;
}

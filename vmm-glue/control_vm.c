/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods of the machine: boot, info, console and its input, stop. */
#include <lib/clock.h>
#include <lib/mac.h>
#include <lib/log.h>
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "control.h"
#include "guest_link.h"
#include "hotplug.h"
#include "jail.h"
#include "vcpu.h"

#define MIB		  (UINT64_C(1) << 20)
#define CONSOLE_BYTES_MAX 16384
#define STOP_DEADLINE_MS  10000
#define INPUT_MAX	  2048
#define START_UNDO_US	  (2 * USEC_PER_SEC)
#define DEADLINE_MS_MAX	  (10 * 60 * 1000)

int method_vm_boot(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct vm *vm = &c->vm;
	int r;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{") < 0)
		return -EINVAL;
	if (!vm->vcpu[vm->n_vcpus - 1].run)
		return ctl_fail(req, -ENOTCONN, "%s: no machine was created", vm->name);
	if (atomic_load(&vm->state) != VM_NEW)
		return ctl_fail(req, -EALREADY, "%s is %s", vm->name, control_vm_state(vm));
	vm->boot_us = clock_us();
	atomic_store(&vm->state, VM_RUNNING);
	r = vcpu_start(vm);
	if (r < 0) {
		atomic_store(&vm->state, VM_NEW);
		if (vcpu_stop(vm, START_UNDO_US) < 0)
			vm_end(vm, VM_ENDED_CRASH, "a processor neither starts nor stops");
		return ctl_fail(req, r, "the processor does not start on CPU %d", vm->cpu);
	}
	ctl_reply(req, NULL);
	control_tick(c);
	return 0;
}

static json_t *interface_json(const struct vm_slot *s, unsigned int slot)
{
	static const char *const kinds[] = {
		[GUEST_IF_NONE] = "none",
		[GUEST_IF_VF] = "vf",
		[GUEST_IF_VIRTIO] = "virtio",
		[GUEST_IF_EMULATED] = "emulated",
	};
	static const char *const states[] = {
		[GUEST_IF_EMPTY] = "empty",   [GUEST_IF_PROBING] = "probing",
		[GUEST_IF_UP] = "up",	      [GUEST_IF_LINK_DOWN] = "link-down",
		[GUEST_IF_FAILED] = "failed", [GUEST_IF_REMOVING] = "removing",
	};
	const struct guest_if *g = &s->gif;
	char mac[MAC_TEXT], ip[16];

	snprintf(ip, sizeof(ip), "%u.%u.%u.%u", g->ipv4 >> 24, g->ipv4 >> 16 & 255,
		 g->ipv4 >> 8 & 255, g->ipv4 & 255);
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I}", "id",
			 s->own->id, "slot", (int)slot, "kind", kinds[g->kind], "state",
			 states[g->state], "mac", mac_to_text(g->mac, mac), "ipv4", ip, "error",
			 (int)g->error, "rx_packets", (json_int_t)g->rx_packets, "tx_packets",
			 (json_int_t)g->tx_packets, "rx_bytes", (json_int_t)g->rx_bytes, "tx_bytes",
			 (json_int_t)g->tx_bytes);
}

static json_t *interfaces_json(struct vm *vm)
{
	json_t *list = json_array();

	guest_ifs_update(vm);
	for (unsigned int i = 1; i < VMM_SLOTS; i++) {
		if (vm->slot[i].state != SLOT_EMPTY && vm->slot[i].gif.kind != GUEST_IF_NONE)
			json_array_append_new(list, interface_json(&vm->slot[i], i));
	}
	return list;
}

static json_int_t since_ms(uint64_t from_us, uint64_t to_us)
{
	return from_us && to_us > from_us ? (json_int_t)((to_us - from_us) / USEC_PER_MSEC) : 0;
}

static json_t *exits_json(const struct vcpu_totals *t)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "mmio", (json_int_t)t->mmio, "io",
			 (json_int_t)t->io, "intr", (json_int_t)t->intr, "stray",
			 (json_int_t)t->stray);
}

static json_t *vcpus_json(const struct vm *vm)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		const struct vcpu *v = &vm->vcpu[i];

		json_array_append_new(
			list, json_pack("{s:I, s:I}", "exits", (json_int_t)atomic_load(&v->exits),
					"kvm_exits", (json_int_t)vcpu_stats_exits(v)));
	}
	return list;
}

static json_t *ended_json(const struct vm *vm)
{
	static const char *const names[] = {
		[VM_ENDED_OFF] = "off",
		[VM_ENDED_RESET] = "reset",
		[VM_ENDED_CRASH] = "crash",
	};

	if (atomic_load(&vm->state) <= VM_RUNNING)
		return json_null();
	return json_string(names[vm->ended]);
}

static json_int_t memory_mib(const struct vm *vm)
{
	uint64_t bytes = vm->ram ? vm->ram->len : 0;

	if (vm->ram_high)
		bytes += vm->ram_high->len;
	return (json_int_t)(bytes / MIB);
}

static json_t *info_json(struct control *c, uint64_t now)
{
	struct vm *vm = &c->vm;
	uint64_t first_us = atomic_load(&vm->console.first_us);
	struct vcpu_totals t;

	vcpu_totals(vm, &t);
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:s?, s:I, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:o, "
		"s:I, s:I, s:o, s:o}",
		"kind", vm->kind == VM_LINUX ? "linux" : "bench", "state", control_vm_state(vm),
		"reason", atomic_load(&vm->state) > VM_RUNNING ? vm->reason : "", "ended",
		ended_json(vm), "panic", control_vm_panic(vm), "uptime_ms",
		since_ms(vm->boot_us, now), "first_console_ms",
		first_us ? json_integer(since_ms(vm->start_us, first_us)) : json_null(),
		"memory_mib", memory_mib(vm), "tsc_khz", (json_int_t)vm->tsc_khz, "exits",
		(json_int_t)t.exits, "kvm_exits", (json_int_t)t.kvm, "exit_source",
		control_exit_source(c), "exits_by", exits_json(&t), "vcpus", vcpus_json(vm),
		"console_lost", (json_int_t)(vm->console.lost + vm->serial.lost), "route_commits",
		(json_int_t)vm->irq.commits, "interfaces", interfaces_json(vm), "jail",
		vmm_jail_json());
}

int method_vm_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	uint64_t now = clock_us();

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{") < 0)
		return -EINVAL;
	console_drain(&c->vm, now);
	ctl_reply(req, info_json(c, now));
	control_tick(c);
	return 0;
}

int method_vm_input(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	const char *text;
	size_t n;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s:s", "text", &text) < 0)
		return -EINVAL;
	n = strlen(text);
	if (c->vm.kind != VM_LINUX)
		return ctl_fail(req, -ENOTSUP, "%s: a bench guest reads nothing", c->vm.name);
	if (n > INPUT_MAX)
		return ctl_fail(req, -E2BIG, "text: at most %d bytes at once", INPUT_MAX);
	if (serial_feed(&c->vm.serial, (const uint8_t *)text, n) < 0)
		return ctl_fail(req, -EAGAIN, "%s: the guest has not read what it was given before",
				c->vm.name);
	ctl_reply(req, json_pack("{s:I}", "accepted", (json_int_t)n));
	return 0;
}

int method_vm_console(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	_cleanup_(freep) char *text = NULL;
	int bytes = CONSOLE_BYTES_MAX;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s?i", "bytes", &bytes) < 0)
		return -EINVAL;
	if (bytes < 0 || bytes > CONSOLE_BYTES_MAX)
		return ctl_fail(req, -ERANGE, "bytes %d: 0 to %d are kept", bytes,
				CONSOLE_BYTES_MAX);
	text = malloc((size_t)bytes + 1);
	if (!text)
		return -ENOMEM;
	console_drain(&c->vm, clock_us());
	console_tail(&c->vm, text, (size_t)bytes);
	ctl_reply(req, json_pack("{s:s}", "text", text));
	return 0;
}

int method_vm_stop(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	int force = 0, deadline_ms = STOP_DEADLINE_MS, r;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s?b, s?i", "force", &force, "deadline_ms", &deadline_ms) < 0)
		return -EINVAL;
	if (deadline_ms < 0 || deadline_ms > DEADLINE_MS_MAX)
		return ctl_fail(req, -ERANGE, "deadline_ms %d: 0 to %d", deadline_ms,
				DEADLINE_MS_MAX);
	r = control_wait(c, force ? WAIT_STOP_FORCE : WAIT_STOP, req, "",
			 (uint64_t)deadline_ms * USEC_PER_MSEC);
	if (r < 0)
		return ctl_fail(req, r, "too many requests wait");
	/* whoever is forced at once is not asked */
	if ((!force || deadline_ms) && atomic_load(&c->vm.state) == VM_RUNNING)
		hpc_raise(&c->vm, HPC_EVT_POWER);
	control_tick(c);
	return 0;
}

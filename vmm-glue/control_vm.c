/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods of the machine: create, boot, info, console, stop. */
#include <lib/clock.h>
#include <lib/mac.h>
#include <lib/log.h>
#include <stdio.h>
#include "boot.h"
#include "control.h"
#include "elf_load.h"
#include "guest_link.h"
#include "hotplug.h"
#include "kvm.h"
#include "vcpu.h"

#define MIB		  (UINT64_C(1) << 20)
#define MEMORY_MIB_MIN	  16
#define CONSOLE_BYTES_MAX 16384
#define STOP_DEADLINE_MS  10000
#define DEADLINE_MS_MAX	  (10 * 60 * 1000)

enum create_fd {
	CREATE_KVM,
	CREATE_ELF,
	CREATE_CONSOLE,
	CREATE_FDS,
};

int method_vm_create(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct vm *vm = &c->vm;
	int mib = 0, hugepages = 0, r;

	if (ctl_unpack(req, params, "{s:i, s?b", "memory_mib", &mib, "hugepages", &hugepages) < 0)
		return -EINVAL;
	if (c->created)
		return ctl_fail(req, -EEXIST, "%s: there is a machine already", vm->name);
	if (mib < MEMORY_MIB_MIN || (uint64_t)mib * MIB > VM_MEMORY_MAX || mib % 2)
		return ctl_fail(req, -ERANGE, "memory_mib %d: an even number from %d to %d", mib,
				MEMORY_MIB_MIN, (int)(VM_MEMORY_MAX / MIB));
	if (n_fds != CREATE_FDS)
		return ctl_fail(req, -EBADF, "vm.create wants 3 descriptors: kvm, ELF, console");

	/* half a machine cannot be made whole: after a failure the caller starts a new process */
	c->created = true;
	vm->console.fd = TAKE_FD(fds[CREATE_CONSOLE]);
	r = vm_kvm_open(vm, TAKE_FD(fds[CREATE_KVM]));
	if (r < 0)
		return ctl_fail(req, r, "this KVM does not serve");
	r = vm_mem_new(vm, (uint64_t)mib * MIB, hugepages);
	if (r < 0)
		return ctl_fail(req, r, "no %d MiB of %smemory for the guest", mib,
				hugepages ? "huge page " : "");
	r = elf_load(fds[CREATE_ELF], vm->ram->va, vm->ram->len, &vm->entry);
	if (r < 0)
		return ctl_fail(req, r, "the guest image is no ELF that can be loaded");
	boot_memory(vm->ram->va);
	r = vcpu_open(vm);
	if (r < 0)
		return ctl_fail(req, r, "no virtual processor");
	ctl_reply(req, NULL);
	return 0;
}

int method_vm_boot(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct vm *vm = &c->vm;
	int r;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{") < 0)
		return -EINVAL;
	if (!vm->vcpu.run)
		return ctl_fail(req, -ENOTCONN, "%s: no machine was created", vm->name);
	if (atomic_load(&vm->state) != VM_NEW)
		return ctl_fail(req, -EALREADY, "%s is %s", vm->name, control_vm_state(vm));
	vm->boot_us = clock_us();
	atomic_store(&vm->state, VM_RUNNING);
	r = vcpu_start(vm);
	if (r < 0) {
		atomic_store(&vm->state, VM_NEW);
		return ctl_fail(req, r, "the processor does not start on CPU %d", vm->vcpu.cpu);
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

static json_t *exits_json(const struct vcpu *v)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "mmio", (json_int_t)atomic_load(&v->exits_mmio),
			 "io", (json_int_t)atomic_load(&v->exits_io), "intr",
			 (json_int_t)atomic_load(&v->exits_intr), "stray",
			 (json_int_t)atomic_load(&v->stray));
}

int method_vm_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct control *c = userdata;
	struct vm *vm = &c->vm;
	uint64_t now = clock_us();
	json_t *result;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{") < 0)
		return -EINVAL;
	guest_console_drain(vm, now);
	result = json_pack(
		"{s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:I, s:o}", "state",
		control_vm_state(vm), "reason",
		atomic_load(&vm->state) > VM_RUNNING ? vm->reason : "", "uptime_ms",
		since_ms(vm->boot_us, now), "first_console_ms",
		vm->console.first_us ? json_integer(since_ms(vm->start_us, vm->console.first_us))
				     : json_null(),
		"memory_mib", (json_int_t)(vm->ram ? vm->ram->len / MIB : 0), "tsc_khz",
		(json_int_t)vm->tsc_khz, "exits", (json_int_t)atomic_load(&vm->vcpu.exits),
		"kvm_exits", (json_int_t)vcpu_stats_exits(&vm->vcpu), "exit_source",
		control_exit_source(c), "exits_by", exits_json(&vm->vcpu), "route_commits",
		(json_int_t)vm->irq.commits, "interfaces", interfaces_json(vm));
	ctl_reply(req, result);
	control_tick(c);
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
	guest_console_drain(&c->vm, clock_us());
	guest_console_tail(&c->vm, text, (size_t)bytes);
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
	r = control_wait(c, WAIT_STOP, req, "", force ? 0 : (uint64_t)deadline_ms * USEC_PER_MSEC);
	if (r < 0)
		return ctl_fail(req, r, "too many requests wait");
	if (!force && atomic_load(&c->vm.state) == VM_RUNNING)
		hpc_raise(&c->vm, HPC_EVT_POWER);
	control_tick(c);
	return 0;
}

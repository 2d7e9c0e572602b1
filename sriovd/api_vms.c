/* SPDX-License-Identifier: BSD-3-Clause */
/* VMs: start, stop, console, and the requests to the bench guest that are passed through. */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/fields.h>
#include <sriovd/view.h>
#include <sriovd/vm.h>
#include <string.h>

#include "api_internal.h"

#define BODY "request body"

#define STOP_MAX_MS	   120000
#define CONSOLE_BYTES	   8192
#define CONSOLE_US	   (2 * USEC_PER_SEC)
#define REQUEST_DEFAULT_US (60 * USEC_PER_SEC)
#define REQUEST_MAX_US	   (600 * USEC_PER_SEC)
#define REQUEST_GRACE_US   (5 * USEC_PER_SEC)

static int find_vm(struct sriovd *d, struct call *c, struct vm **ret_vm)
{
	*ret_vm = vm_find(d, c->arg[0]);
	if (!*ret_vm)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no vm %s", c->arg[0]);
	return 0;
}

static int show_vm(struct sriovd *d, struct call *c, const char *name)
{
	_cleanup_(json_decrefp) json_t *infos = view_vm_infos(d, name);
	struct vm *vm;

	view_vm_devices(d, infos);
	vm = vm_find(d, name);
	if (!vm)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no vm %s", name);
	c->answer = view_vm(d, vm, infos);
	return 0;
}

int call_vm_list(struct sriovd *d, struct call *c)
{
	_cleanup_(json_decrefp) json_t *infos = view_vm_infos(d, NULL);
	json_t *list = json_array();

	view_vm_devices(d, infos);
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		json_array_append_new(list, view_vm(d, vm, infos));
	c->answer = json_pack("{s:o}", "vms", list);
	return 0;
}

int call_vm_show(struct sriovd *d, struct call *c)
{
	return show_vm(d, c, c->arg[0]);
}

int call_vm_start(struct sriovd *d, struct call *c)
{
	struct {
		const char *name;
		int64_t memory_mib;
	} in = {.memory_mib = VM_MEMORY_DEFAULT_MIB};
	const struct field fields[] = {
		{.key = "name", .required = true, .offset = offsetof(__typeof__(in), name)},
		{.key = "memory_mib",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(in), memory_mib),
		 .min = VM_MEMORY_MIN_MIB,
		 .max = VM_MEMORY_MAX_MIB},
		{},
	};
	int r;

	r = fields_decode(c->body, BODY, fields, &in, &c->error);
	if (r < 0)
		return r;
	if (!name_valid(in.name))
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "vm name %.40s: must be 1 to 32 of a-z, 0-9 and -", in.name);
	r = vm_start(d, in.name, (unsigned int)in.memory_mib, &c->error);
	if (r >= 0)
		r = show_vm(d, c, in.name);
	c->status = 201;
	return r;
}

int call_vm_stop(struct sriovd *d, struct call *c)
{
	struct {
		int64_t deadline_ms;
		bool force;
	} in = {.deadline_ms = (int64_t)clock_patient_us(VM_STOP_DEADLINE_MS)};
	const struct field fields[] = {
		{.key = "deadline_ms",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(in), deadline_ms),
		 .max = STOP_MAX_MS},
		{.key = "force", FIELD_BOOL, .offset = offsetof(__typeof__(in), force)},
		{},
	};
	char how[16] = "";
	int r;

	r = fields_decode(c->body, BODY, fields, &in, &c->error);
	if (r >= 0)
		r = vm_stop(d, c->arg[0], in.force, (uint64_t)in.deadline_ms, how, &c->error);
	if (r >= 0)
		c->answer = json_pack("{s:s}", "how", how);
	return r;
}

/* A guest writes what it likes; JSON carries UTF-8. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x7f ||
		    ((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' && *text != '\r'))
			*text = '?';
}

/* The end of the console file: also there when the VMM is not. */
static int console_file(struct sriovd *d, const char *vm, char text[CONSOLE_BYTES + 1],
			struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_SIZE + 64];
	off_t size;
	ssize_t n;

	text_set(path, sizeof(path), "%s/log/vm-%s.console", d->cfg.run_dir, vm);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return op_fail(e, HTTP_MISSING, -errno, "vm %s: no console: %s", vm,
			       strerror(errno));
	size = lseek(fd, 0, SEEK_END);
	n = pread(fd, text, CONSOLE_BYTES, size > CONSOLE_BYTES ? size - CONSOLE_BYTES : 0);
	if (n < 0)
		return op_fail(e, HTTP_INTERNAL, -errno, "vm %s: console: %s", vm, strerror(errno));
	text[n] = '\0';
	return 0;
}

int call_vm_console(struct sriovd *d, struct call *c)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	char text[CONSOLE_BYTES + 1];
	const char *said;
	struct vm *vm;
	int r;

	r = find_vm(d, c, &vm);
	if (r < 0)
		return r;
	r = child_call(d, &vm->child, "vm.console", json_pack("{s:i}", "bytes", CONSOLE_BYTES),
		       NULL, 0, CONSOLE_US, &result, NULL);
	said = json_string_value(json_object_get(result, "text"));
	if (r >= 0 && said)
		text_set(text, sizeof(text), "%s", said);
	else
		r = console_file(d, c->arg[0], text, &c->error);
	if (r < 0)
		return r;
	make_printable(text);
	c->answer = json_pack("{s:s}", "text", text);
	return 0;
}

/* "a" and "b" are nets of this VM; their names are the device ids. */
static int check_port(struct sriovd *d, struct call *c, const struct vm *vm, const char *key)
{
	json_t *value = json_object_get(c->body, key);
	const struct net *net;

	if (!value)
		return 0;
	if (!json_is_string(value))
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       BODY ": \"%s\" must be the name of a net", key);
	net = net_find(d, json_string_value(value));
	if (!net)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no net %.64s",
			       json_string_value(value));
	if (net->vm != vm || net->state != NET_ATTACHED)
		return op_fail(&c->error, HTTP_CONFLICT, -ENOTCONN,
			       "net %s is not attached to vm %s", net->id.name, vm->name);
	return 0;
}

static uint64_t request_deadline(json_t *body)
{
	static const char *const keys[] = {"timeout_us", "duration_us", "warmup_us"};
	uint64_t sum = REQUEST_GRACE_US;

	if (!json_object_get(body, "timeout_us"))
		sum += REQUEST_DEFAULT_US;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_int_t us = json_integer_value(json_object_get(body, keys[i]));

		if (us > 0)
			sum += (uint64_t)us < REQUEST_MAX_US ? (uint64_t)us : REQUEST_MAX_US;
	}
	return sum < REQUEST_MAX_US ? sum : REQUEST_MAX_US;
}

int call_vm_request(struct sriovd *d, struct call *c)
{
	char object[NAME_SIZE + 4];
	struct vm *vm;
	int r;

	r = find_vm(d, c, &vm);
	if (r < 0)
		return r;
	if (vm->state != VM_RUNNING)
		return op_fail(&c->error, HTTP_CONFLICT, -ENOTCONN, "vm %s is %s, not running",
			       vm->name, vm_state_name(vm->state));
	r = check_port(d, c, vm, "a");
	if (r >= 0)
		r = check_port(d, c, vm, "b");
	if (r < 0)
		return r;
	/* the VM is held, or it could be freed under us; attach and detach may go on meanwhile */
	text_set(object, sizeof(object), "vm %s", vm->name);
	r = hold_take(&vm->hold, false, object, &c->error, "guest request");
	if (r < 0)
		return r;
	r = child_call(d, &vm->child, "guest.request", json_incref(c->body), NULL, 0,
		       request_deadline(c->body), &c->answer, &c->error);
	hold_release(d, &vm->hold, false);
	/* what the guest request says about its arguments is the client's mistake, not the VMM's */
	if (r == -EINVAL || r == -ERANGE)
		c->error.http = HTTP_BAD_INPUT;
	return r;
}

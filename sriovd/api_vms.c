/* SPDX-License-Identifier: BSD-3-Clause */
/* VMs: start, stop, console, and the requests to the bench guest that are passed through. */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/fields.h>
#include <sriovd/view.h>
#include <sriovd/vm.h>
#include <stdlib.h>
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
	struct vm_request rq;
	int r;

	r = vm_request_decode(c->body, BODY, &rq, &c->error);
	if (r < 0)
		return r;
	if (rq.define)
		r = vm_define(d, rq.name, &rq.spec, &c->error);
	else
		r = vm_start(d, rq.name, &rq.spec, &c->error);
	if (r >= 0)
		r = show_vm(d, c, rq.name);
	c->status = 201;
	return r;
}

/* As it is defined, or as it was started before it ended. */
int call_vm_again(struct sriovd *d, struct call *c)
{
	const struct field none[] = {{}};
	int r;

	r = fields_decode(c->body, BODY, none, NULL, &c->error);
	if (r >= 0)
		r = vm_start(d, c->arg[0], NULL, &c->error);
	return r < 0 ? r : show_vm(d, c, c->arg[0]);
}

struct stop {
	int64_t deadline_ms;
	bool force;
};

static int stop_decode(struct call *c, const struct vm *vm, struct stop *in)
{
	const struct field fields[] = {
		{.key = "deadline_ms",
		 FIELD_INT,
		 .offset = offsetof(struct stop, deadline_ms),
		 .max = STOP_MAX_MS},
		{.key = "force", FIELD_BOOL, .offset = offsetof(struct stop, force)},
		{},
	};

	*in = (struct stop){.deadline_ms = (int64_t)clock_patient_us(
				    vm && vm->spec.kernel[0] ? VM_STOP_LINUX_DEADLINE_MS
							     : VM_STOP_DEADLINE_MS)};
	return fields_decode(c->body, BODY, fields, in, &c->error);
}

int call_vm_stop(struct sriovd *d, struct call *c)
{
	char how[16] = "";
	struct stop in;
	int r;

	r = stop_decode(c, vm_find(d, c->arg[0]), &in);
	if (r >= 0)
		r = vm_stop(d, c->arg[0], in.force, (uint64_t)in.deadline_ms, how, &c->error);
	if (r >= 0)
		c->answer = json_pack("{s:s}", "how", how);
	return r;
}

/* One that is defined is not stopped by the way. */
int call_vm_delete(struct sriovd *d, struct call *c)
{
	const struct vm *vm = vm_find(d, c->arg[0]);
	struct stop in;
	int r;

	if (!vm || !vm->kept)
		return call_vm_stop(d, c);
	r = stop_decode(c, vm, &in);
	if (r >= 0)
		r = vm_delete(d, c->arg[0], &c->error);
	if (r >= 0)
		c->answer = json_pack("{s:s}", "how", "gone");
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

/*
 * The console file from @after on, or its end: also there when the VMM is not. A file that is
 * shorter than that is a new one, of a later start.
 */
static int console_file(struct sriovd *d, const char *vm, int64_t after,
			char text[CONSOLE_BYTES + 1], int64_t *ret_end, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_SIZE + 64];
	int64_t size, from;
	ssize_t n;

	text_set(path, sizeof(path), "%s/log/vm-%s.console", d->cfg.run_dir, vm);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return op_fail(e, HTTP_MISSING, -errno, "vm %s: no console: %s", vm,
			       strerror(errno));
	size = lseek(fd, 0, SEEK_END);
	from = after >= 0 ? after : size - CONSOLE_BYTES;
	if (from < 0 || from > size)
		from = 0;
	n = pread(fd, text, CONSOLE_BYTES, from);
	if (n < 0)
		return op_fail(e, HTTP_INTERNAL, -errno, "vm %s: console: %s", vm, strerror(errno));
	text[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '?';
	*ret_end = from + n;
	return 0;
}

static int parse_after(struct call *c, int64_t *ret_after)
{
	char *end;

	*ret_after = -1;
	if (!c->query)
		return 0;
	errno = 0;
	*ret_after = strtoll(c->query, &end, 10);
	if (errno || *end || end == c->query || *ret_after < 0)
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "query: \"after\" must be a number of bytes, not %.32s", c->query);
	return 0;
}

int call_vm_console(struct sriovd *d, struct call *c)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	char text[CONSOLE_BYTES + 1];
	int64_t after, end = 0;
	const char *said = NULL;
	struct vm *vm;
	int r;

	r = find_vm(d, c, &vm);
	if (r >= 0)
		r = parse_after(c, &after);
	if (r < 0)
		return r;
	/* what the guest wrote last is still in the VMM; but only the file has offsets */
	if (after < 0 &&
	    child_call(d, &vm->child, "vm.console", json_pack("{s:i}", "bytes", CONSOLE_BYTES),
		       NULL, 0, CONSOLE_US, &result, NULL) >= 0)
		said = json_string_value(json_object_get(result, "text"));
	r = console_file(d, c->arg[0], after, text, &end, &c->error);
	if (r < 0 && !said)
		return r;
	if (said)
		text_set(text, sizeof(text), "%s", said);
	make_printable(text);
	c->answer = json_pack("{s:s, s:I}", "text", text, "end", (json_int_t)end);
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

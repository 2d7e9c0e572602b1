/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VM's VMM is asked to do with devices. */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <sriovd/vm.h>
#include <string.h>

#define CALL_US	 (3 * USEC_PER_SEC)
#define ADD_US	 (5 * USEC_PER_SEC)
#define GRACE_US (2 * USEC_PER_SEC) /* the VMM's own deadline comes first */
#define INFO_US	 (1 * USEC_PER_SEC)

int vm_info(struct sriovd *d, const struct vm *vm, json_t **ret_info, struct op_error *e)
{
	return child_call(d, &vm->child, "vm.info", NULL, NULL, 0, INFO_US, ret_info, e);
}

/* The VMM itself is not there: no device of it is, either. */
static bool vmm_gone(int r)
{
	return r == -ENOTCONN || r == -ECONNRESET || r == -ECONNREFUSED;
}

/*
 * A deadline is past: what is known of why. A VMM that does not answer is told apart from a guest
 * that does not, and one that panicked from one that does not want to.
 */
static int too_late(struct sriovd *d, const struct vm *vm, struct op_error *e, const char *what)
{
	_cleanup_(json_decrefp) json_t *info = NULL;
	const char *panic = NULL;

	if (vm_info(d, vm, &info, NULL) < 0)
		return op_fail(e, HTTP_DEADLINE, -ETIMEDOUT, "%s: its VMM does not answer", what);
	panic = json_string_value(json_object_get(info, "panic"));
	if (panic)
		return op_fail(e, HTTP_DEADLINE, -ETIMEDOUT, "%s: it panicked (%.80s)", what,
			       panic);
	return op_fail(e, HTTP_DEADLINE, -ETIMEDOUT, "%s", what);
}

int vm_device_remove(struct sriovd *d, const struct vm *vm, const char *id, uint64_t deadline_ms,
		     bool force, char how[16], struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	const char *said = "ejected";
	char what[192];
	int r;

	r = child_call(d, &vm->child, "device.remove",
		       json_pack("{s:s, s:I, s:b}", "id", id, "deadline_ms",
				 (json_int_t)deadline_ms, "force", force),
		       NULL, 0, deadline_ms * USEC_PER_MSEC + GRACE_US, &result, e);
	if (vmm_gone(r) || r == -ENOENT) {
		text_set(how, 16, "gone");
		return 0;
	}
	if (r == -EACCES) {
		text_set(what, sizeof(what), "%s", e ? op_text(e, r) : "refused by the guest");
		return too_late(d, vm, e, what);
	}
	if (r == -ETIMEDOUT) {
		text_set(what, sizeof(what), "vm %s did not let go of net %s within %u ms",
			 vm->name, id, (unsigned int)deadline_ms);
		return too_late(d, vm, e, what);
	}
	if (r < 0)
		return r;
	(void)!json_unpack(result, "{s?s}", "how", &said);
	text_set(how, 16, "%s", said);
	return 0;
}

int vm_device_add(struct sriovd *d, const struct vm *vm, json_t *params, const int *fds,
		  size_t n_fds, bool *ret_added, struct op_error *e)
{
	int r;

	r = child_call(d, &vm->child, "device.add", params, fds, n_fds, ADD_US, NULL, e);
	/* without an answer it may have been added all the same */
	*ret_added = r >= 0 || r == -ETIMEDOUT;
	return r;
}

int vm_device_wait(struct sriovd *d, const struct vm *vm, const char *id, uint64_t timeout_ms,
		   struct op_error *e)
{
	char what[192];
	int r;

	r = child_call(d, &vm->child, "device.wait",
		       json_pack("{s:s, s:s, s:I}", "id", id, "for", "up", "timeout_ms",
				 (json_int_t)timeout_ms),
		       NULL, 0, timeout_ms * USEC_PER_MSEC + GRACE_US, NULL, e);
	if (r != -ETIMEDOUT)
		return r;
	text_set(what, sizeof(what), "vm %s: the guest's driver for net %s is not up after %u ms",
		 vm->name, id, (unsigned int)timeout_ms);
	return too_late(d, vm, e, what);
}

int vm_device_reconnect(struct sriovd *d, const struct vm *vm, const char *id, int fd,
			struct op_error *e)
{
	return child_call(d, &vm->child, "device.reconnect", json_pack("{s:s}", "id", id), &fd, 1,
			  ADD_US, NULL, e);
}

int vm_devices(struct sriovd *d, const struct vm *vm, json_t **ret_list)
{
	return child_call(d, &vm->child, "device.list", NULL, NULL, 0, CALL_US, ret_list, NULL);
}

int vm_device_look(struct sriovd *d, const struct vm *vm, const char *id,
		   enum vm_device_state *ret_state)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	json_t *dev;
	size_t i;
	int r;

	r = vm_devices(d, vm, &list);
	if (r < 0)
		return r;
	*ret_state = DEVICE_ABSENT;
	json_array_foreach (json_object_get(list, "devices"), i, dev) {
		const char *name = "", *state = "";

		if (json_unpack(dev, "{s:s, s:s}", "id", &name, "state", &state) >= 0 &&
		    strcmp(name, id) == 0)
			*ret_state = strcmp(state, "lost") == 0 ? DEVICE_LOST : DEVICE_PRESENT;
	}
	return 0;
}

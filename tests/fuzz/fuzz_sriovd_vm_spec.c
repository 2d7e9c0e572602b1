/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Definitions of VMs, as files and requests bring them. What is accepted is in range, ends inside
 * its buffers, fits the ledger, and is the same when the ledger gives it back.
 */
#include <sriovd/ledger.h>
#include <sriovd/vm_spec.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vm_spec *spec)
{
	static struct vm_spec back;
	struct op_error e;
	json_t *json = vm_spec_json(spec);
	char *text;

	if (spec->cpus < 1 || spec->cpus > VM_CPUS_MAX || spec->n_disks > VM_DISKS_MAX ||
	    spec->memory_mib < VM_MEMORY_MIN_MIB || spec->memory_mib > VM_MEMORY_MAX_MIB)
		abort();
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text || strlen(text) >= LEDGER_SPEC)
		abort();
	if (vm_spec_decode(json, "row", &back, &e) < 0 || memcmp(&back, spec, sizeof(back)) != 0)
		abort();
	free(text);
	json_decref(json);
}

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Text from the input, or a long one: the limits are further away than inputs are long. */
static json_t *text(struct input *in)
{
	static char buf[4096];
	size_t len = next(in);

	if (len >= 240) {
		len = len % 2 ? 512 - (len - 240) : 2048 - (len - 240);
		memset(buf, '/', len);
		return json_stringn(buf, len);
	}
	if (len > in->left)
		len = in->left;
	memcpy(buf, in->at, len);
	in->at += len;
	in->left -= len;
	return json_stringn(buf, len);
}

static json_t *disks(struct input *in);

static json_t *value(struct input *in, bool nested)
{
	switch (next(in) % 7) {
	case 0:
		return json_integer(next(in));
	case 1:
		return json_integer((json_int_t)next(in) * next(in) * next(in));
	case 2:
		return json_boolean(next(in) & 1);
	case 3:
		return json_sprintf("/%d", next(in) % 4);
	case 4:
		return nested ? json_null() : disks(in);
	default:
		return text(in);
	}
}

static json_t *disks(struct input *in)
{
	static const char *const keys[] = {"path", "readonly", "path", "size"};
	json_t *list = json_array();

	for (unsigned int n = next(in) % 11; n > 0; n--) {
		json_t *disk = json_object();

		for (unsigned int k = next(in) % 4; k > 0; k--)
			json_object_set_new(disk, keys[next(in) % 4], value(in, true));
		json_array_append_new(list, disk);
	}
	return list;
}

/* The parser is not ours: objects are made, not parsed. */
static json_t *body_make(struct input *in)
{
	static const char *const keys[] = {"memory_mib", "cpus", "kernel", "initrd",
					   "cmdline",	 "name", "disks",  "autostart",
					   "define",	 "x",	 "disk",   "kernel"};
	json_t *body = json_pack("{s:s}", "name", "vm1");

	while (in->left)
		json_object_set_new(body, keys[next(in) % 12], value(in, false));
	return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vm_request rq;
	struct input in = {data, size};
	struct op_error e = {};
	json_t *body = body_make(&in);

	memset(&rq, 0, sizeof(rq));
	if (vm_request_decode(body, "request", &rq, &e) >= 0) {
		if (!name_valid(rq.name))
			abort();
		check(&rq.spec);
	} else if (e.http != HTTP_BAD_INPUT || !e.text[0] ||
		   strnlen(e.text, sizeof(e.text)) == sizeof(e.text)) {
		abort();
	}
	json_decref(body);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/fields.h>
#include <sriovd/vm_spec.h>
#include <stdio.h>
#include <string.h>

/* As it was sent; strings are the JSON's. */
struct sent {
	const char *name, *kernel, *initrd, *cmdline;
	json_t *disks;
	int64_t memory_mib, cpus;
	bool autostart, define;
};

#define AT(member) .offset = offsetof(struct sent, member)
#define SPEC_FIELDS                                                                        \
	{.key = "memory_mib",                                                              \
	 FIELD_INT,                                                                        \
	 AT(memory_mib),                                                                   \
	 .min = VM_MEMORY_MIN_MIB,                                                         \
	 .max = VM_MEMORY_MAX_MIB},                                                        \
		{.key = "cpus", FIELD_INT, AT(cpus), .min = 1, .max = VM_CPUS_MAX},        \
		{.key = "kernel", AT(kernel)}, {.key = "initrd", AT(initrd)},              \
		{.key = "cmdline", AT(cmdline)}, {.key = "disks", FIELD_ARRAY, AT(disks)}, \
	{                                                                                  \
		.key = "autostart", FIELD_BOOL, AT(autostart)                              \
	}

static const struct field spec_fields[] = {SPEC_FIELDS, {}};
static const struct field request_fields[] = {
	SPEC_FIELDS,
	{.key = "name", .required = true, AT(name)},
	{.key = "define", FIELD_BOOL, AT(define)},
	{},
};

/* It goes into messages and logs. */
static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int path_take(const char *what, const char *key, const char *sent, char buf[VM_PATH_SIZE],
		     struct op_error *e)
{
	buf[0] = '\0';
	if (!sent)
		return 0;
	if (sent[0] != '/' || !printable(sent))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "%s: %s %.64s: must be an absolute path without control characters",
			       what, key, sent[0] == '/' ? "" : sent);
	if (strlen(sent) >= VM_PATH_SIZE)
		return op_fail(e, HTTP_BAD_INPUT, -ENAMETOOLONG, "%s: %s: longer than %u bytes",
			       what, key, VM_PATH_SIZE - 1);
	snprintf(buf, VM_PATH_SIZE, "%s", sent);
	return 0;
}

static int disk_take(json_t *value, const char *what, unsigned int i, struct vm_disk *disk,
		     struct op_error *e)
{
	struct {
		const char *path;
		bool readonly;
	} in = {};
	const struct field fields[] = {
		{.key = "path", .required = true, .offset = offsetof(__typeof__(in), path)},
		{.key = "readonly", FIELD_BOOL, .offset = offsetof(__typeof__(in), readonly)},
		{},
	};
	char name[96];
	int r;

	snprintf(name, sizeof(name), "%.64s: disks[%u]", what, i);
	r = fields_decode(value, name, fields, &in, e);
	if (r < 0)
		return r;
	disk->readonly = in.readonly;
	return path_take(name, "path", in.path, disk->path, e);
}

static int disks_take(json_t *list, const char *what, struct vm_spec *spec, struct op_error *e)
{
	json_t *value;
	size_t i;

	if (json_array_size(list) > VM_DISKS_MAX)
		return op_fail(e, HTTP_BAD_INPUT, -E2BIG, "%s: more than %u disks", what,
			       VM_DISKS_MAX);
	json_array_foreach (list, i, value) {
		struct vm_disk *disk = &spec->disk[i];
		int r;

		r = disk_take(value, what, (unsigned int)i, disk, e);
		if (r < 0)
			return r;
		for (unsigned int k = 0; k < i; k++)
			if (strcmp(spec->disk[k].path, disk->path) == 0 &&
			    !(spec->disk[k].readonly && disk->readonly))
				return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
					       "%s: disk %.200s is there twice", what, disk->path);
		spec->n_disks++;
	}
	return 0;
}

static int cmdline_take(const char *sent, const char *what, struct vm_spec *spec,
			struct op_error *e)
{
	if (!sent)
		return 0;
	if (strlen(sent) >= VM_CMDLINE_SIZE)
		return op_fail(e, HTTP_BAD_INPUT, -ERANGE, "%s: cmdline: longer than %u bytes",
			       what, VM_CMDLINE_SIZE - 1);
	if (!printable(sent))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "%s: cmdline: has control characters in it", what);
	spec->has_cmdline = true;
	snprintf(spec->cmdline, sizeof(spec->cmdline), "%s", sent);
	return 0;
}

/* The bench guest is one processor and memory; what it would ignore is refused instead. */
static int bench_check(const struct sent *in, const char *what, struct op_error *e)
{
	const char *key = in->initrd	 ? "initrd"
			  : in->cmdline	 ? "cmdline"
			  : in->disks	 ? "disks"
			  : in->cpus > 1 ? "cpus"
					 : NULL;

	if (in->kernel || !key)
		return 0;
	return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: \"%s\" needs a \"kernel\"", what, key);
}

static int spec_take(const struct sent *in, const char *what, struct vm_spec *spec,
		     struct op_error *e)
{
	int r;

	memset(spec, 0, sizeof(*spec));
	r = bench_check(in, what, e);
	if (r < 0)
		return r;
	spec->cpus = (unsigned int)in->cpus;
	spec->autostart = in->autostart;
	spec->memory_mib = (unsigned int)in->memory_mib;
	if (!spec->memory_mib)
		spec->memory_mib = in->kernel ? VM_MEMORY_LINUX_MIB : VM_MEMORY_DEFAULT_MIB;
	if (spec->memory_mib % 2)
		return op_fail(e, HTTP_BAD_INPUT, -ERANGE,
			       "%s: \"memory_mib\" %u: must be an even number", what,
			       spec->memory_mib);
	r = path_take(what, "kernel", in->kernel, spec->kernel, e);
	if (r >= 0)
		r = path_take(what, "initrd", in->initrd, spec->initrd, e);
	if (r >= 0)
		r = cmdline_take(in->cmdline, what, spec, e);
	return r < 0 ? r : disks_take(in->disks, what, spec, e);
}

int vm_request_decode(json_t *body, const char *what, struct vm_request *ret_request,
		      struct op_error *e)
{
	struct sent in = {.cpus = 1};
	struct vm_request rq = {};
	int r;

	r = fields_decode(body, what, request_fields, &in, e);
	if (r < 0)
		return r;
	if (!name_valid(in.name))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "vm name %.40s: must be 1 to 32 of a-z, 0-9 and -", in.name);
	if (in.autostart && !in.define)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: \"autostart\" needs \"define\"",
			       what);
	r = spec_take(&in, what, &rq.spec, e);
	if (r < 0)
		return r;
	snprintf(rq.name, sizeof(rq.name), "%s", in.name);
	rq.define = in.define;
	*ret_request = rq;
	return 0;
}

int vm_spec_decode(json_t *object, const char *what, struct vm_spec *ret_spec, struct op_error *e)
{
	struct sent in = {.cpus = 1};
	struct vm_spec spec;
	int r;

	r = fields_decode(object, what, spec_fields, &in, e);
	if (r >= 0)
		r = spec_take(&in, what, &spec, e);
	if (r >= 0)
		*ret_spec = spec;
	return r;
}

json_t *vm_spec_json(const struct vm_spec *spec)
{
	json_t *disks = NULL;

	if (spec->n_disks)
		disks = json_array();
	for (unsigned int i = 0; i < spec->n_disks; i++)
		json_array_append_new(disks, json_pack("{s:s, s:b}", "path", spec->disk[i].path,
						       "readonly", (int)spec->disk[i].readonly));
	return json_pack("{s:i, s:i, s:s*, s:s*, s:s*, s:o*, s:b}", "memory_mib",
			 (int)spec->memory_mib, "cpus", (int)spec->cpus, "kernel",
			 spec->kernel[0] ? spec->kernel : NULL, "initrd",
			 spec->initrd[0] ? spec->initrd : NULL, "cmdline",
			 spec->has_cmdline ? spec->cmdline : NULL, "disks", disks, "autostart",
			 (int)spec->autostart);
}

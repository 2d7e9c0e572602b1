/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cli/args.h>
#include "vm_body.h"

#define FILE_BYTES_MAX 65536

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "sriovctl vm create: %s: %s\n", what, why);
	return -EINVAL;
}

static json_t *absolute(const char *path, size_t len)
{
	char dir[PATH_MAX];

	if (path[0] == '/')
		return json_stringn(path, len);
	if (!getcwd(dir, sizeof(dir)))
		return NULL;
	return json_sprintf("%s/%.*s", strcmp(dir, "/") == 0 ? "" : dir, (int)len, path);
}

static int put(json_t *body, const char *key, json_t *value, const char *text)
{
	return json_object_set_new(body, key, value) < 0 ? fail(text, "is no path") : 0;
}

static int put_path(json_t *body, const struct cli_args *args, const char *key)
{
	const char *path = args_text(args, key);

	return path ? put(body, key, absolute(path, strlen(path)), path) : 0;
}

/* FILE[,ro]: a name that ends so all the same is given by --file. */
static int put_disks(json_t *body, const struct cli_args *args)
{
	json_t *disks;

	if (!args->n_list)
		return 0;
	disks = json_array();
	if (put(body, "disks", disks, "disks") < 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < args->n_list; i++) {
		const char *text = args->list[i];
		size_t len = strlen(text);
		bool ro = len > 3 && strcmp(text + len - 3, ",ro") == 0;
		json_t *path = absolute(text, ro ? len - 3 : len);

		if (!path)
			return fail(text, "is no path");
		if (json_array_append_new(
			    disks, json_pack("{s:o, s:b}", "path", path, "readonly", (int)ro)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static json_t *from_options(const struct cli_args *args)
{
	json_auto_t *body = args_body(args);

	if (!body) {
		fail("option", "is no UTF-8");
		return NULL;
	}
	if (put_path(body, args, "kernel") < 0 || put_path(body, args, "initrd") < 0 ||
	    put_disks(body, args) < 0)
		return NULL;
	return json_incref(body);
}

static json_t *from_file(const struct cli_args *args, const char *path)
{
	static char text[FILE_BYTES_MAX];
	json_error_t e;
	json_t *body;
	FILE *file;
	size_t n;

	for (const struct cli_opt *o = args->cmd->opts; o->name; o++)
		if (strcmp(o->name, "file") != 0 && args_text(args, o->name)) {
			fail("--file", "goes with no other option");
			return NULL;
		}
	file = fopen(path, "re");
	if (!file) {
		fail(path, strerror(errno));
		return NULL;
	}
	n = fread(text, 1, sizeof(text), file);
	if (ferror(file) || n == sizeof(text)) {
		fail(path, ferror(file) ? "cannot be read" : "is longer than 64 KiB");
		fclose(file);
		return NULL;
	}
	fclose(file);
	body = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
	if (!body) {
		fprintf(stderr, "sriovctl vm create: %s: line %d: %s\n", path, e.line, e.text);
		return NULL;
	}
	if (!json_is_object(body)) {
		fail(path, "must be a JSON object");
		json_decref(body);
		return NULL;
	}
	return body;
}

json_t *vm_body(const struct cli_args *args)
{
	const char *file = args_text(args, "file");
	json_auto_t *body = file ? from_file(args, file) : from_options(args);
	const char *name;

	if (!body)
		return NULL;
	name = json_string_value(json_object_get(body, "name"));
	if (name && strcmp(name, args->operand[0]) != 0) {
		fprintf(stderr, "sriovctl vm create: %s is about vm '%s', not '%s'\n", file, name,
			args->operand[0]);
		return NULL;
	}
	if (json_object_set_new(body, "name", json_string(args->operand[0])) < 0) {
		fail(args->operand[0], "is no name");
		return NULL;
	}
	json_object_set_new(body, "define", json_true());
	return json_incref(body);
}

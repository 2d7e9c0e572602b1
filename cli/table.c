/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX	  96
#define DEPTH_MAX 4

static const json_t *lookup(const json_t *object, const char *key)
{
	char part[KEY_MAX];

	for (;;) {
		size_t n = strcspn(key, ".");

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, key, n);
		part[n] = '\0';
		object = json_object_get(object, part);
		if (!key[n])
			return object;
		key += n + 1;
	}
}

static char *text_array(const json_t *array)
{
	char *all = NULL;
	size_t len = 0, i;
	json_t *v;
	FILE *f;

	f = open_memstream(&all, &len);
	if (!f)
		return NULL;
	json_array_foreach (array, i, v) {
		char *text = json_is_object(v) ? table_text("name", json_object_get(v, "name"))
					       : table_text("", v);

		fprintf(f, "%s%s", i ? "," : "", text ? text : "");
		free(text);
	}
	fclose(f);
	return all;
}

char *table_text(const char *key, const json_t *value)
{
	char *text = NULL;
	int n = 0;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return strdup(json_string_length(value) ? json_string_value(value) : "-");
	case JSON_TRUE:
	case JSON_FALSE:
		return strdup(json_is_true(value) ? "on" : "off");
	case JSON_INTEGER:
		if (!strcmp(key, "ipv4")) {
			unsigned int ip = (unsigned int)json_integer_value(value);

			n = asprintf(&text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
				     ip & 255);
		} else {
			n = asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		}
		return n < 0 ? NULL : text;
	case JSON_REAL:
		n = asprintf(&text, "%.3f", json_real_value(value));
		return n < 0 ? NULL : text;
	case JSON_ARRAY:
		if (json_array_size(value))
			return text_array(value);
		break;
	default:
		break;
	}
	return strdup("-");
}

static struct libscols_table *new_table(void)
{
	struct libscols_table *t = scols_new_table();

	if (t)
		scols_table_enable_nowrap(t, 1);
	return t;
}

static int add_cell(struct libscols_line *line, size_t col, const char *key, const json_t *value)
{
	char *text = table_text(key, value);

	if (!text)
		return -ENOMEM;
	/* the line owns and frees it */
	return scols_line_refer_data(line, col, text);
}

static const char *last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

static int fill_rows(struct libscols_table *t, const json_t *rows, const struct table_col *cols)
{
	const json_t *row;
	size_t i;
	int r;

	for (const struct table_col *c = cols; c->head; c++)
		if (!scols_table_new_column(t, c->head, 0, c->right ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	json_array_foreach (rows, i, row) {
		struct libscols_line *line = scols_table_new_line(t, NULL);

		if (!line)
			return -ENOMEM;
		for (size_t c = 0; cols[c].head; c++) {
			r = add_cell(line, c, last_part(cols[c].key), lookup(row, cols[c].key));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int table_print(const json_t *rows, const struct table_col *cols)
{
	struct libscols_table *t = new_table();
	int r;

	if (!t)
		return -ENOMEM;
	r = fill_rows(t, rows, cols);
	if (!r)
		r = scols_print_table(t);
	scols_unref_table(t);
	return r;
}

static int fill_properties(struct libscols_table *t, const json_t *object, const char *prefix,
			   unsigned int depth)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		struct libscols_line *line;
		char name[KEY_MAX];
		int r;

		/* a name that is too long is cut: it is for people */
		r = snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (r < 0)
			return -EINVAL;
		if (json_is_object(value) && depth < DEPTH_MAX) {
			r = fill_properties(t, value, name, depth + 1);
			if (r < 0)
				return r;
			continue;
		}
		line = scols_table_new_line(t, NULL);
		if (!line || scols_line_set_data(line, 0, name) < 0)
			return -ENOMEM;
		r = add_cell(line, 1, key, value);
		if (r < 0)
			return r;
	}
	return 0;
}

int table_show(const json_t *object)
{
	struct libscols_table *t = new_table();
	int r = -ENOMEM;

	if (!t)
		return r;
	scols_table_enable_noheadings(t, 1);
	if (scols_table_new_column(t, "KEY", 0, 0) && scols_table_new_column(t, "VALUE", 0, 0))
		r = fill_properties(t, object, "", 0);
	if (!r)
		r = scols_print_table(t);
	scols_unref_table(t);
	return r;
}

int table_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF)
		return -EIO;
	return 0;
}

int table_rows(const struct cli *cli, const json_t *reply, const char *key,
	       const struct table_col *cols)
{
	const json_t *rows = json_object_get(reply, key);
	int r;

	if (cli->json) {
		r = table_json(reply);
	} else if (!json_is_array(rows)) {
		fprintf(stderr, "sriovctl: no '%s' in sriovd's answer\n", key);
		return CLI_FAILED;
	} else if (!json_array_size(rows)) {
		/* an empty table says nothing, not even that it is one */
		r = printf("no %s\n", key) < 0 ? -EIO : 0;
	} else {
		r = table_print(rows, cols);
	}
	return r < 0 ? CLI_FAILED : CLI_OK;
}

int table_object(const struct cli *cli, const json_t *reply)
{
	int r = cli->json ? table_json(reply) : table_show(reply);

	return r < 0 ? CLI_FAILED : CLI_OK;
}

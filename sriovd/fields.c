/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <sriovd/fields.h>
#include <string.h>

static const struct field *field_find(const struct field *table, const char *key)
{
	for (; table->key; table++)
		if (strcmp(table->key, key) == 0)
			return table;
	return NULL;
}

static int wrong_type(const struct field *f, const char *what, const char *want, struct op_error *e)
{
	return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: \"%s\" must be %s", what, f->key, want);
}

static int field_store(const struct field *f, json_t *value, const char *what, void *target,
		       struct op_error *e)
{
	void *p = (char *)target + f->offset;

	switch (f->type) {
	case FIELD_STRING:
		/* an embedded NUL would end the name we check and not the name that was sent */
		if (!json_is_string(value) ||
		    strlen(json_string_value(value)) != json_string_length(value))
			return wrong_type(f, what, "a string", e);
		*(const char **)p = json_string_value(value);
		return 0;
	case FIELD_INT:
		if (!json_is_integer(value))
			return wrong_type(f, what, "an integer", e);
		if (json_integer_value(value) < f->min || json_integer_value(value) > f->max)
			return op_fail(e, HTTP_BAD_INPUT, -ERANGE,
				       "%s: \"%s\" must be from %" PRId64 " to %" PRId64, what,
				       f->key, f->min, f->max);
		*(int64_t *)p = json_integer_value(value);
		return 0;
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return wrong_type(f, what, "true or false", e);
		*(bool *)p = json_is_true(value);
		return 0;
	case FIELD_ARRAY:
		if (!json_is_array(value))
			return wrong_type(f, what, "a list", e);
		*(json_t **)p = value;
		return 0;
	}
	return -EINVAL;
}

int fields_decode(json_t *object, const char *what, const struct field *table, void *target,
		  struct op_error *e)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: must be a JSON object", what);
	json_object_foreach (object, key, value) {
		const struct field *f = field_find(table, key);
		int r;

		if (!f)
			return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: unknown key \"%.64s\"",
				       what, key);
		r = field_store(f, value, what, target, e);
		if (r < 0)
			return r;
	}
	for (const struct field *f = table; f->key; f++)
		if (f->required && !json_object_get(object, f->key))
			return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "%s: \"%s\" is missing", what,
				       f->key);
	return 0;
}

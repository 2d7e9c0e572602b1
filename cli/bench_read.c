/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cli/bench_doc.h>

void rd_bad(struct rd *r, const char *key, const char *what)
{
	struct rd *top = r->top;

	if (top->error)
		return;
	top->error = -EBADMSG;
	if (r->list)
		snprintf(top->why, top->size, "%s[%zu]: %s %s", r->list, r->index, key, what);
	else
		snprintf(top->why, top->size, "%s %s", key, what);
}

/* The value under @key; NULL, and a complaint if need be, when there is none. */
static const json_t *get(struct rd *r, const char *key, enum rd_need need)
{
	const json_t *v = json_object_get(r->o, key);

	if (v && !json_is_null(v))
		return v;
	if (need == RD_MUST)
		rd_bad(r, key, "is missing");
	return NULL;
}

struct rd rd_object(struct rd *from, const json_t *o, const char *key, enum rd_need need)
{
	struct rd at = *from, r = *from;

	at.o = o;
	r.o = get(&at, key, need);
	if (r.o && !json_is_object(r.o)) {
		rd_bad(from, key, "is no object");
		r.o = NULL;
	}
	return r;
}

struct rd rd_item(struct rd *from, const char *list, size_t index, const json_t *o)
{
	struct rd r = *from;

	r.list = list;
	r.index = index;
	r.o = o;
	if (!json_is_object(o))
		rd_bad(&r, "it", "is no object");
	return r;
}

const json_t *rd_list(struct rd *r, const json_t *o, const char *key, enum rd_need need, size_t max)
{
	struct rd at = *r;
	const json_t *v;

	at.o = o;
	v = get(&at, key, need);
	if (v && !json_is_array(v)) {
		rd_bad(r, key, "is no list");
		return NULL;
	}
	if (json_array_size(v) > max) {
		rd_bad(r, key, "is too long a list");
		return NULL;
	}
	return v;
}

const json_t *rd_texts(struct rd *r, const char *key, enum rd_need need, size_t max)
{
	const json_t *list = rd_list(r, r->o, key, need, max), *v;
	size_t i;

	json_array_foreach (list, i, v) {
		if (!json_is_string(v) || json_string_length(v) > RD_TEXT_MAX) {
			rd_bad(r, key, "has something else than a text");
			return NULL;
		}
	}
	return list;
}

const char *rd_text(struct rd *r, const char *key, enum rd_need need)
{
	const json_t *v = get(r, key, need);

	if (!v)
		return "";
	if (!json_is_string(v)) {
		rd_bad(r, key, "is no text");
		return "";
	}
	if (json_string_length(v) > RD_TEXT_MAX) {
		rd_bad(r, key, "is too long a text");
		return "";
	}
	return json_string_value(v);
}

unsigned int rd_choice(struct rd *r, const char *key, const char *const *names)
{
	const char *text = rd_text(r, key, RD_MUST);

	for (unsigned int i = 0; names[i]; i++)
		if (!strcmp(names[i], text))
			return i;
	rd_bad(r, key, "is a word that is not known");
	return 0;
}

bool rd_bool(struct rd *r, const char *key)
{
	const json_t *v = get(r, key, RD_MUST);

	if (v && !json_is_boolean(v))
		rd_bad(r, key, "is neither true nor false");
	return json_is_true(v);
}

uint64_t rd_uint(struct rd *r, const char *key, enum rd_need need, uint64_t min, uint64_t max)
{
	const json_t *v = get(r, key, need);
	json_int_t n = json_integer_value(v);

	if (!v)
		return min;
	if (!json_is_integer(v) || n < 0 || (uint64_t)n < min || (uint64_t)n > max) {
		rd_bad(r, key, "is no such number");
		return min;
	}
	return (uint64_t)n;
}

double rd_number(struct rd *r, const char *key, enum rd_need need)
{
	const json_t *v = get(r, key, need);
	double n;

	if (!v)
		return BENCH_NONE;
	n = json_number_value(v);
	if (!json_is_number(v) || !isfinite(n) || n < 0 || n > 1e15) {
		rd_bad(r, key, "is no such number");
		return BENCH_NONE;
	}
	return n;
}

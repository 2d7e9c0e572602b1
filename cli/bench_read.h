#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading an object of a hostile JSON file: every function checks one key and gives its value, or
 * something harmless and the reason why the file is refused. The first reason stays.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_INT_MAX  ((uint64_t)1 << 53) /* what a double holds exactly */
#define RD_TEXT_MAX 4096u

enum rd_need {
	RD_MUST,
	RD_MAY, /* absent or null */
};

struct rd {
	struct rd *top; /* has error and why */
	const json_t *o;
	const char *list; /* what it is an item of; NULL: of none */
	size_t index;
	int error;
	char *why;
	size_t size;
};

/* rd_bad() - refuse the file because of @key */
void rd_bad(struct rd *r, const char *key, const char *what);
/* rd_object() - the object under @key of @o; its members are absent if there is none */
struct rd rd_object(struct rd *from, const json_t *o, const char *key, enum rd_need need);
/* rd_item() - an object of a list */
struct rd rd_item(struct rd *from, const char *list, size_t index, const json_t *o);
/* rd_list() - NULL if there is none or it is longer than @max */
const json_t *rd_list(struct rd *r, const json_t *o, const char *key, enum rd_need need,
		      size_t max);
/* rd_texts() - a list of texts */
const json_t *rd_texts(struct rd *r, const char *key, enum rd_need need, size_t max);
/* rd_text() - "" if there is none */
const char *rd_text(struct rd *r, const char *key, enum rd_need need);
/* rd_choice() - the index of the text in @names, 0 if there is none */
unsigned int rd_choice(struct rd *r, const char *key, const char *const *names);
bool rd_bool(struct rd *r, const char *key);
/* rd_uint() - @min if there is none */
uint64_t rd_uint(struct rd *r, const char *key, enum rd_need need, uint64_t min, uint64_t max);
/* rd_number() - finite and not negative; BENCH_NONE if there is none */
double rd_number(struct rd *r, const char *key, enum rd_need need);

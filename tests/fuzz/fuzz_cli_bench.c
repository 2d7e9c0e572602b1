/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result of a benchmark: the bytes as a file, then as changes to a result that is whole, which
 * go past the first checks. What is accepted is judged and written as a page.
 */
#include <stdio.h>
#include <string.h>

#include <cli/bench_goals.h>
#include <support/bench_sample.h>

#include "bench_compare.h"
#include "bench_html.h"
#include "bench_text.h"

#define BLOCKS 40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct bench_doc *doc)
{
	_cleanup_(freep) struct bench_judged *judged = NULL;
	_cleanup_(freep) char *text = NULL;
	struct bench_run run;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f || bench_judge_doc(doc, &judged) < 0)
		abort();
	run = (struct bench_run){doc, judged};
	if (!bench_html_write(f, doc, judged))
		json_decref(bench_compare(&run, &run));
	fflush(f);
	if (strstr(text, "<script"))
		abort();
	bench_text_summary(f, doc, judged);
	if (bench_text_markdown(f, doc, judged) == -ENOMEM)
		abort();
	fclose(f);
}

static void try(json_t *root)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	char why[200] = "";
	int r = bench_doc_decode(root, why, sizeof(why), &doc);

	if (r < 0 && !*why)
		abort();
	if (r >= 0)
		use(doc);
}

/* Another value than was there. */
static json_t *value(uint8_t kind, uint8_t v)
{
	switch (kind % 9) {
	case 0:
		return json_integer(v);
	case 1:
		return json_integer((json_int_t)v << 52);
	case 2:
		return json_real(v / 7.0 - 3);
	case 3:
		return json_real(1e300 * v);
	case 4:
		return json_string(v & 1 ? "<script>\"'&" : "vf");
	case 5:
		return json_array();
	case 6:
		return json_pack("[[f, i]]", v / 3.0, v);
	case 7:
		return v & 1 ? json_true() : json_null();
	default:
		return json_object();
	}
}

/* One byte a step down from the root, then what to put there. */
static size_t change(json_t *root, const uint8_t *data, size_t size)
{
	json_t *o = root;
	size_t at = 0;

	while (at + 3 < size) {
		unsigned int n =
			(unsigned int)(json_is_array(o) ? json_array_size(o) : json_object_size(o));
		unsigned int pick;
		void *iter;
		json_t *child;

		if (!n)
			return at + 1;
		pick = data[at++] % n;
		iter = json_object_iter(o);
		for (unsigned int i = 0; json_is_object(o) && i < pick; i++)
			iter = json_object_iter_next(o, iter);
		child = json_is_array(o) ? json_array_get(o, pick) : json_object_iter_value(iter);
		if ((json_is_array(child) || json_is_object(child)) && data[at] & 0x0f) {
			o = child;
			continue;
		}
		if (json_is_array(o))
			json_array_set_new(o, pick, value(data[at], data[at + 1]));
		else
			json_object_iter_set_new(o, iter, value(data[at], data[at + 1]));
		return at + 2;
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	static json_t *whole;
	json_auto_t *root = NULL;
	char why[200];

	if (!whole) {
		whole = bench_sample(1);
		while (json_array_size(json_object_get(whole, "blocks")) > BLOCKS)
			json_array_remove(json_object_get(whole, "blocks"), BLOCKS);
	}
	if (!bench_doc_parse((const char *)data, size, why, sizeof(why), &doc))
		use(doc);
	root = json_deep_copy(whole);
	for (unsigned int i = 0; i < 8 && size > 3; i++) {
		size_t n = change(root, data, size);

		data += n;
		size -= n;
	}
	try(root);
	return 0;
}

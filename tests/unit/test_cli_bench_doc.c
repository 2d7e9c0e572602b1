/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_doc.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <support/bench_sample.h>
#include <support/test.h>

static char why[200];

/* The object that a dotted path names: "blocks.0.gaps". */
static json_t *at(json_t *o, const char *path)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *w = strtok(copy, "."); w; w = strtok(NULL, "."))
		o = json_is_array(o) ? json_array_get(o, (size_t)atoi(w)) : json_object_get(o, w);
	return o;
}

static void a_whole_result_is_read(void **state)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	json_auto_t *sample = bench_sample(2);

	assert_int_equal(bench_doc_decode(sample, why, sizeof(why), &doc), 0);
	assert_string_equal(why, "");
	assert_int_equal(doc->n_paths, 10);
	assert_int_equal(doc->n_blocks, json_array_size(json_object_get(sample, "blocks")));
	assert_int_equal(bench_doc_path(doc, "virtio"), 2);
	assert_int_equal(bench_doc_path(doc, "nothing"), -1);
	assert_int_equal(doc->path[7].state, BENCH_FAILED);
	assert_true(fabs(doc->c2c_ns - 140) < 1e-9 && fabs(doc->memcpy_ns[1] - 52) < 1e-9);
	assert_int_equal(doc->block[0].size, 64);
	assert_true(doc->block[0].both && doc->block[0].valid);
}

/* What is taken away, or put into its place, and what is then said. */
static const struct {
	const char *where, *key, *value, *say;
} bad[] = {
	{"", "format", "\"other\"", "format"},
	{"", "format", "7", "format"},
	{"", "version", "2", "version"},
	{"", "version", NULL, "version"},
	{"", "when", NULL, "when is missing"},
	{"", "when", "1", "when is no text"},
	{"", "mode", "\"slow\"", "mode is a word that is not known"},
	{"", "command", "[1]", "command has something else than a text"},
	{"", "machine", "[]", "machine is no object"},
	{"machine", "cpus", "-1", "cpus is no such number"},
	{"machine", "cpus", "1.5", "cpus is no such number"},
	{"", "calibration", "null", "calibration is missing"},
	{"calibration", "tsc_hz", "-1", "tsc_hz is no such number"},
	{"calibration", "tsc_hz", "1e300", "tsc_hz is no such number"},
	{"", "paths", "{}", "paths is no list"},
	{"paths.1", "name", "\"vf\"", "paths[1]: name was there before"},
	{"paths.1", "name", "\"<b>\"", "paths[1]: name is not a path's name"},
	{"paths.1", "name", "\"\"", "paths[1]: name is not a path's name"},
	{"paths.1", "kind", "\"foe\"", "paths[1]: kind is a word"},
	{"blocks.3", "path", "\"nobody\"", "blocks[3]: path is none of paths"},
	{"blocks.3", "round", "1000", "blocks[3]: round is no such number"},
	{"blocks.3", "valid", "1", "blocks[3]: valid is neither"},
	{"blocks.3", "mode", "\"poisson\"", "blocks[3]: mode is none of this test"},
	{"blocks.3", "test", "\"aa\"", "blocks[3]: repeats is missing"},
	{"blocks.3", "mpps", NULL, "blocks[3]: mpps is missing"},
	{"blocks.3", "mpps", "\"9\"", "blocks[3]: mpps is no such number"},
	{"blocks.3", "sent", "-4", "blocks[3]: sent is no such number"},
	{"blocks.3", "drops", "[{\"a\":-1}]", "blocks[3]: drops has something else"},
	{"blocks.3", "drops", "[7]", "blocks[3]: drops has something else"},
	{"blocks.3", "gaps", "{}", "blocks[3]: over20us is missing"},
	{"blocks.3", "test", "\"pingpong\"", "blocks[3]: mode is none of this test"},
	{"blocks.14", "hist", NULL, "blocks[14]: hist is missing"},
	{"blocks.14.hist", "unit", "\"us\"", "blocks[14]: unit is not ns"},
	{"blocks.14.hist", "n", "1", "blocks[14]: buckets do not add up"},
	{"blocks.14.hist", "min", "1e9", "blocks[14]: min is above max"},
	{"blocks.14.hist", "buckets", "[[5,1],[5,1]]", "blocks[14]: buckets are not ascending"},
	{"blocks.14.hist", "buckets", "[[5,0]]", "blocks[14]: buckets are not ascending"},
	{"blocks.14.hist", "buckets", "[[5]]", "blocks[14]: buckets are not ascending"},
	{"blocks.14.hist", "buckets", "[5]", "blocks[14]: buckets are not ascending"},
	{"traps.0", "packets", "0", "traps[0]: packets is none"},
	{"resets", "lost", NULL, "lost is missing"},
	{"", "notes", "\"x\"", "notes is no list"},
};

static void whatever_is_wrong_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
		json_auto_t *sample = bench_sample(1);
		json_t *o = at(sample, bad[i].where);

		assert_non_null(o);
		if (bad[i].value)
			json_object_set_new(o, bad[i].key,
					    json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(o, bad[i].key);
		if (bench_doc_decode(sample, why, sizeof(why), &doc) >= 0)
			fail_msg("case %zu (%s %s) is accepted", i, bad[i].where, bad[i].key);
		assert_null(doc);
		if (!strstr(why, bad[i].say))
			fail_msg("case %zu: '%s' does not say '%s'", i, why, bad[i].say);
	}
}

static void another_version_is_told_from_a_broken_file(void **state)
{
	struct bench_doc *doc = NULL;
	const char *text = "{\"format\":\"sriovd-bench\",\"version\":7}";

	assert_int_equal(bench_doc_parse(text, strlen(text), why, sizeof(why), &doc),
			 -EPROTONOSUPPORT);
	assert_int_equal(bench_doc_parse("{", 1, why, sizeof(why), &doc), -EBADMSG);
	assert_non_null(strstr(why, "no JSON"));
	assert_int_equal(bench_doc_parse("", BENCH_FILE_MAX + 1ul, why, sizeof(why), &doc), -EFBIG);
	assert_int_equal(bench_doc_parse("{\"a\":1,\"a\":2}", 13, why, sizeof(why), &doc),
			 -EBADMSG);
	assert_null(doc);
}

static void what_is_no_file_is_not_read(void **state)
{
	struct bench_doc *doc = NULL;

	assert_int_equal(bench_doc_read("/dev/zero", why, sizeof(why), &doc), -EINVAL);
	assert_int_equal(bench_doc_read("/no/such/file", why, sizeof(why), &doc), -ENOENT);
	assert_null(doc);
}

static void keys_that_are_not_known_do_not_matter(void **state)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	json_auto_t *sample = bench_sample(1);

	json_object_set_new(sample, "new", json_true());
	json_object_set_new(at(sample, "blocks.0"), "new", json_true());
	assert_int_equal(bench_doc_decode(sample, why, sizeof(why), &doc), 0);
}

static void what_was_asked_is_what_was_offered_rounded_unless_told(void **state)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	json_auto_t *sample = bench_sample(1);
	json_t *b = at(sample, "blocks.0");

	json_object_set_new(b, "mode", json_string("rate"));
	json_object_set_new(b, "offered_mpps", json_real(1.003));
	assert_int_equal(bench_doc_decode(sample, why, sizeof(why), &doc), 0);
	assert_true(fabs(doc->block[0].asked_mpps - 1) < 1e-9);
	assert_true(doc->block[1].asked_mpps < 0);
}

static void a_percentile_wants_100_samples_beyond_it(void **state)
{
	struct bench_bucket buckets[] = {{10, 9900}, {20, 99}, {30, 1}};
	struct bench_hist h = {.n = 10000, .max_ns = 28, .n_buckets = 3, .bucket = buckets};
	double v = 0;

	assert_int_equal(bench_hist_percentile(&h, 0.5, &v), 0);
	assert_true(fabs(v - 10) < 1e-9);
	assert_int_equal(bench_hist_percentile(&h, 0.99, &v), 0);
	assert_true(fabs(v - 10) < 1e-9);
	assert_int_equal(bench_hist_percentile(&h, 0.991, &v), -ENODATA);
	h.n = 199;
	buckets[0].count = 99;
	assert_int_equal(bench_hist_percentile(&h, 0.5, &v), -ENODATA);
	h = (struct bench_hist){};
	assert_int_equal(bench_hist_percentile(&h, 0.5, &v), -ENODATA);
}

static void merged_histograms_have_all_samples(void **state)
{
	struct bench_bucket a[] = {{10, 100}, {30, 300}}, b[] = {{10, 1}, {20, 2}, {40, 400}};
	const struct bench_hist x = {400, 5, 29, false, 2, a}, y = {403, 4, 40, false, 3, b};
	struct bench_hist sum = {};
	double v;

	assert_int_equal(bench_hist_merge(&sum, &x), 0);
	assert_int_equal(bench_hist_merge(&sum, &y), 0);
	assert_int_equal(sum.n, 803);
	assert_int_equal(sum.n_buckets, 4);
	assert_int_equal(sum.bucket[0].count, 101);
	assert_int_equal(sum.bucket[1].count, 2);
	assert_int_equal(sum.bucket[3].count, 400);
	assert_true(fabs(sum.min_ns - 4) < 1e-9 && fabs(sum.max_ns - 40) < 1e-9);
	assert_int_equal(bench_hist_percentile(&sum, 0.5, &v), 0);
	assert_true(fabs(v - 30) < 1e-9);
	bench_hist_done(&sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_result_is_read),
		cmocka_unit_test(whatever_is_wrong_is_refused_by_name),
		cmocka_unit_test(another_version_is_told_from_a_broken_file),
		cmocka_unit_test(what_is_no_file_is_not_read),
		cmocka_unit_test(keys_that_are_not_known_do_not_matter),
		cmocka_unit_test(what_was_asked_is_what_was_offered_rounded_unless_told),
		cmocka_unit_test(a_percentile_wants_100_samples_beyond_it),
		cmocka_unit_test(merged_histograms_have_all_samples),
	};

	return cmocka_run_group_tests_name("cli bench doc", tests, NULL, NULL);
}

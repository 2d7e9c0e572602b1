/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/cli.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <support/bench_sample.h>
#include <support/test.h>

#include "bench_compare.h"
#include "bench_hgrm.h"
#include "bench_html.h"
#include "bench_text.h"
#include "bench_view.h"

struct result {
	struct bench_doc *doc;
	struct bench_judged *judged;
};

static struct result judge(json_t *root)
{
	struct result r = {};
	char why[200];

	if (bench_doc_decode(root, why, sizeof(why), &r.doc) < 0)
		fail_msg("%s", why);
	assert_int_equal(bench_judge_doc(r.doc, &r.judged), 0);
	return r;
}

static void done(struct result *r)
{
	bench_doc_free(r->doc);
	free(r->judged);
}

static char *page(json_t *root)
{
	struct result r = judge(root);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(bench_html_write(f, r.doc, r.judged), 0);
	fclose(f);
	done(&r);
	return text;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void a_page_closes_what_it_opens(void **state)
{
	static const char *const tags[] = {"svg",   "table", "tr",    "section", "ul",	 "li",
					   "title", "desc",  "thead", "tbody",	 "pre",	 "details",
					   "dl",    "div",   "text",  "style",	 "html", "main"};
	json_auto_t *root = bench_sample(3);
	_cleanup_(freep) char *text = page(root);
	char open[32], spaced[32], close[32];

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		snprintf(open, sizeof(open), "<%s>", tags[i]);
		snprintf(spaced, sizeof(spaced), "<%s ", tags[i]);
		snprintf(close, sizeof(close), "</%s>", tags[i]);
		if (count(text, open) + count(text, spaced) != count(text, close))
			fail_msg("<%s> is not closed as often as it is opened", tags[i]);
	}
}

static void a_page_needs_nothing_from_elsewhere(void **state)
{
	static const char *const never[] = {"<script", "src=",	"href=", "url(",
					    "@import", "http:", "https:"};
	json_auto_t *root = bench_sample(3);
	_cleanup_(freep) char *text = page(root);

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_null(strstr(text, never[i]));
	assert_non_null(strstr(text, "prefers-color-scheme:dark"));
	assert_non_null(strstr(text, "@media print"));
}

static void no_text_of_the_file_becomes_markup(void **state)
{
	json_auto_t *root = bench_sample(1);
	_cleanup_(freep) char *text = NULL;
	const char *evil = "\"><script>alert(1)</script><!-- & ' \x01";
	json_t *machine = json_object_get(root, "machine"), *path;
	size_t i;

	json_object_set_new(root, "revision", json_string(evil));
	json_object_set_new(root, "when", json_string(evil));
	json_object_set_new(root, "notes", json_pack("[s]", evil));
	json_object_set_new(root, "command", json_pack("[s]", evil));
	json_object_set_new(machine, "cpu", json_string(evil));
	json_array_foreach (json_object_get(root, "paths"), i, path) {
		json_object_set_new(path, "what", json_string(evil));
		json_object_set_new(path, "version", json_string(evil));
		json_object_set_new(path, "reason", json_string(evil));
		json_object_set_new(path, "commands", json_pack("[s]", evil));
	}
	text = page(root);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<!--"));
	assert_null(strchr(text, '\x01'));
	assert_null(strstr(text, "nan"));
}

static void what_was_not_measured_is_said(void **state)
{
	json_auto_t *root = bench_sample(1);
	_cleanup_(freep) char *text = NULL;

	json_array_clear(json_object_get(root, "blocks"));
	json_object_del(root, "instructions");
	json_object_del(root, "traps");
	json_object_set_new(json_object_get(root, "calibration"), "c2c", json_null());
	text = page(root);
	assert_non_null(strstr(text, "Not measured: throughput over frame size"));
	assert_non_null(strstr(text, "Not measured: round trips"));
	assert_non_null(strstr(text, "Not measured: latency under load"));
	assert_non_null(strstr(text, "Not measured: instructions a packet"));
	assert_non_null(strstr(text, "Not measured: traps a packet"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf\""));
}

static void a_page_says_whose_traps_were_not_counted_and_where_counts_come_from(void **state)
{
	json_auto_t *root = bench_sample(1);
	_cleanup_(freep) char *text = page(root);
	const char *at = strstr(text, "Not measured in this run: ");
	const char *end = at ? strchr(at, '<') : NULL;

	assert_non_null(strstr(text, "tools/bench-facts"));
	assert_non_null(end);
	assert_non_null(memmem(at, end - at, "vhost-packed", strlen("vhost-packed")));
	assert_null(memmem(at, end - at, "emulated", strlen("emulated")));
	/* wake-ups of both rows, exits of the second */
	assert_int_equal(count(text, ">not measured</td>"), 3);
}

/* A second block beside each of one path at full speed, at a quarter of its rate. */
static void add_many_addresses(json_t *root, const char *path)
{
	json_t *blocks = json_object_get(root, "blocks"), *b;
	size_t i, n = json_array_size(blocks);

	for (i = 0; i < n; i++) {
		b = json_array_get(blocks, i);
		if (strcmp(json_string_value(json_object_get(b, "path")), path) ||
		    strcmp(json_string_value(json_object_get(b, "test")), "throughput") ||
		    json_integer_value(json_object_get(b, "size")) != 64 ||
		    json_integer_value(json_object_get(b, "burst")) != 32)
			continue;
		b = json_deep_copy(b);
		json_object_set_new(b, "mpps",
				    json_real(json_number_value(json_object_get(b, "mpps")) / 4));
		json_object_set_new(b, "sources", json_integer(1024));
		json_array_append_new(blocks, b);
	}
}

static void many_addresses_are_told_and_judge_nothing(void **state)
{
	json_auto_t *root = bench_sample(6), *same = bench_sample(6);
	struct result many, one;
	char text[VIEW_SENTENCE];

	add_many_addresses(root, "vf");
	many = judge(root);
	one = judge(same);
	assert_true(view_addresses(many.doc, 0, text));
	assert_string_equal(text, "vf, 1024 source and 1 destination addresses in turns: 0.250 of "
				  "its rate with one of each (0.250 to 0.250, 6 rounds).");
	assert_false(view_addresses(many.doc, 1, text));
	assert_false(view_addresses(one.doc, 0, text));
	for (size_t i = 0; i < BENCH_GOALS; i++)
		assert_true(fabs(many.judged->goal[i].estimate.value -
				 one.judged->goal[i].estimate.value) < 1e-9);
	done(&many);
	done(&one);
}

static void a_percentile_without_samples_is_a_dash(void **state)
{
	json_auto_t *root = bench_sample(1);
	_cleanup_(freep) char *text = page(root), *markdown = NULL;
	struct result r = judge(root);
	const char *row;
	size_t len;
	FILE *f = open_memstream(&markdown, &len);

	/* 2000 round trips of the slow path: p99.9 has two beyond it */
	assert_int_equal(bench_text_markdown(f, r.doc, r.judged), 0);
	fclose(f);
	done(&r);
	row = strstr(markdown, "| emulated |");
	assert_non_null(row);
	assert_non_null(strstr(row, "| \xe2\x80\x93 |\n| vhost-packed"));
	assert_non_null(strstr(text, "&ndash;"));
}

static void figures_of_disturbed_blocks_alone_stand_in_brackets(void **state)
{
	json_auto_t *root = bench_sample(2);
	_cleanup_(freep) char *text = NULL;
	struct result r;
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(root, "blocks"), i, b)
		if (!strcmp(json_string_value(json_object_get(b, "path")), "virtio"))
			json_object_set_new(b, "valid", json_false());
	r = judge(root);
	assert_true(view_rate(r.doc, "virtio", BENCH_MPPS, 64, 32).disturbed);
	assert_false(view_rate(r.doc, "vf", BENCH_MPPS, 64, 32).disturbed);
	done(&r);
	text = page(root);
	assert_true(count(text, "<td class=\"n\">(") >= 5);
	assert_non_null(strstr(text, " soft\""));
}

static void the_summary_has_five_lines(void **state)
{
	json_auto_t *root = bench_sample(9);
	struct result r = judge(root);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	bench_text_summary(f, r.doc, r.judged);
	fclose(f);
	done(&r);
	assert_int_equal(count(text, "\n"), 5);
	assert_non_null(strstr(text, "SYNTHETIC"));
	assert_non_null(strstr(text, "x vhost-packed ("));
	free(text);
}

static const char *said_of(const json_t *rows, const char *metric)
{
	const json_t *o;
	size_t i;

	json_array_foreach (rows, i, o)
		if (!strncmp(json_string_value(json_object_get(o, "metric")), metric,
			     strlen(metric)))
			return json_string_value(json_object_get(o, "says"));
	fail_msg("no row of %s", metric);
	return NULL;
}

static void a_run_does_not_differ_from_itself(void **state)
{
	json_auto_t *root = bench_sample(9), *rows = NULL;
	struct result r = judge(root);
	struct bench_run run = {r.doc, r.judged};
	const json_t *o;
	size_t i;

	rows = bench_compare(&run, &run);
	assert_true(json_array_size(rows) > 40);
	json_array_foreach (rows, i, o)
		assert_string_equal(json_string_value(json_object_get(o, "says")), "no difference");
	done(&r);
}

static void what_got_faster_is_told_apart_from_what_did_not(void **state)
{
	json_auto_t *root = bench_sample(12), *faster = json_deep_copy(root), *rows = NULL;
	struct result was = judge(root), is;
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(faster, "blocks"), i, b)
		if (!strcmp(json_string_value(json_object_get(b, "path")), "vf") &&
		    json_object_get(b, "mpps"))
			json_object_set_new(
				b, "mpps",
				json_real(1.3 * json_real_value(json_object_get(b, "mpps"))));
	json_object_set_new(json_object_get(faster, "instructions"), "vf_driver", json_real(48));
	is = judge(faster);
	rows = bench_compare(&(struct bench_run){was.doc, was.judged},
			     &(struct bench_run){is.doc, is.judged});
	assert_string_equal(said_of(rows, "T1"), "better");
	assert_string_equal(said_of(rows, "T7"), "no difference");
	assert_string_equal(said_of(rows, "T8"), "no difference");
	assert_string_equal(said_of(rows, "L1"), "no difference");
	assert_string_equal(said_of(rows, "C1"), "no difference");
	assert_string_equal(said_of(rows, "C3"), "worse");
	assert_string_equal(said_of(rows, "vf Mpps"), "better");
	assert_string_equal(said_of(rows, "virtio Mpps"), "no difference");
	done(&was);
	done(&is);
}

/* Runs "bench report" on @file, with one option. */
static int run(const char *file, const char *option, const char *value)
{
	const struct cli_cmd *cmd = &cmd_bench_report[0];
	struct cli_args args = {.cmd = cmd, .operand = {file}};
	struct cli cli = {};

	for (size_t i = 0; cmd->opts[i].name; i++)
		if (option && !strcmp(cmd->opts[i].name, option))
			args.value[i] = value;
	return cmd->run(&cli, &args);
}

static void the_command_writes_a_page_or_nothing(void **state)
{
	char dir[] = "/tmp/bench-report-XXXXXX", file[64], out[64], part[80];
	json_auto_t *root = bench_sample(2);

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/result.json", dir);
	snprintf(out, sizeof(out), "%s/page.html", dir);
	snprintf(part, sizeof(part), "%s.part", out);
	assert_int_equal(run(file, "html", out), CLI_FAILED);
	assert_int_equal(access(out, F_OK), -1);
	assert_int_equal(json_dump_file(root, file, 0), 0);
	assert_int_equal(run(file, "html", "/no/such/directory/page.html"), CLI_FAILED);
	assert_int_equal(run(file, "html", out), CLI_OK);
	assert_int_equal(access(out, R_OK), 0);
	assert_int_equal(access(part, F_OK), -1);
	assert_int_equal(run(file, NULL, NULL), CLI_OK);
	assert_int_equal(run(file, "summary", ""), CLI_OK);
	assert_int_equal(run(file, "markdown", ""), CLI_OK);
	assert_int_equal(run(file, "compare", file), CLI_OK);
	assert_int_equal(run(file, "compare", "/no/such/file"), CLI_FAILED);
	unlink(out);
	unlink(file);
	rmdir(dir);
}

static void figures_have_three_digits(void **state)
{
	static const struct {
		double v;
		const char *want;
	} numbers[] = {{0, "0"},	{0.00004, "4.0e-05"}, {0.0123, "0.0123"}, {0.5, "0.500"},
		       {0.999, "1.00"}, {1.234, "1.23"},      {12.34, "12.3"},	  {123.4, "123"},
		       {99.96, "100"},	{1234567, "1234567"}, {BENCH_NONE, ""}};
	char text[VIEW_TEXT];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		assert_string_equal(view_number(numbers[i].v, text), numbers[i].want);
	assert_string_equal(view_ns(999, text), "999 ns");
	assert_string_equal(view_ns(999.6, text), "1.00 us");
	assert_string_equal(view_ns(12345, text), "12.3 us");
	assert_string_equal(view_ns(3.2e9, text), "3.20 s");
}

static void a_histogram_is_written_as_its_plotter_reads_it(void **state)
{
	struct bench_bucket buckets[] = {{100, 2}, {110, 1}, {200, 1}};
	struct bench_hist h = {
		.n = 4, .min_ns = 99, .max_ns = 150, .n_buckets = 3, .bucket = buckets};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	bench_hgrm_write(f, &h, "made up");
	fclose(f);
	assert_string_equal(text, "# made up\n"
				  "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
				  "     100.000 0.500000000000          2           2.00\n"
				  "     110.000 0.750000000000          3           4.00\n"
				  "     150.000 1.000000000000          4\n"
				  "#[Mean    =      115.000, StdDeviation   =       20.616]\n"
				  "#[Max     =      150.000, Total count    =            4]\n");
	free(text);
}

/* Lines of a file in @dir, and the number of samples that its last line but two ends with. */
static uint64_t samples_of(int dir, const char *name)
{
	_cleanup_(fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	unsigned long long n = 0, seen = 0;
	char line[256];
	double value, percentile, last = 0;
	FILE *f;

	assert_true(fd >= 0);
	f = fdopen(fd, "r");
	fd = -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lf %lf %llu", &value, &percentile, &n) != 3)
			continue;
		assert_true(n > seen && percentile > last && percentile <= 1);
		seen = n;
		last = percentile;
	}
	fclose(f);
	return seen;
}

static void every_path_and_load_has_a_file_with_the_samples_of_all_its_valid_rounds(void **state)
{
	json_auto_t *root = bench_sample(3);
	struct result r = judge(root);
	char dir[] = "/tmp/hgrm.XXXXXX";
	const struct dirent *d;
	int files, fd, n = 0;
	DIR *list;

	assert_non_null(mkdtemp(dir));
	files = bench_hgrm_all("test", r.doc, dir);
	assert_true(files > 20);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(samples_of(fd, "vf.round-trip.64-bytes.hgrm"), 90000);
	assert_int_equal(samples_of(fd, "vf.round-trip-again.64-bytes.hgrm"), 90000);
	assert_int_equal(samples_of(fd, "vf.1-mpps-poisson-burst-1.64-bytes.hgrm"), 150000);
	assert_int_equal(
		samples_of(fd,
			   "vhost-packed.0.1-mpps-poisson-burst-1.64-bytes.sent-when-it-was.hgrm"),
		150000);
	/* and again over those that are there */
	assert_int_equal(bench_hgrm_all("test", r.doc, dir), files);
	list = fdopendir(fd);
	while ((d = readdir(list))) {
		if (*d->d_name == '.')
			continue;
		assert_int_equal(unlinkat(fd, d->d_name, 0), 0);
		n++;
	}
	closedir(list);
	assert_int_equal(n, files);
	assert_int_equal(rmdir(dir), 0);
	done(&r);
}

static void histograms_that_cannot_be_written_are_an_error(void **state)
{
	json_auto_t *root = bench_sample(1);
	struct result r = judge(root);

	assert_int_equal(bench_hgrm_all("test", r.doc, "/dev/null"), -ENOTDIR);
	assert_int_equal(bench_hgrm_all("test", r.doc, "/nowhere/at/all"), -ENOENT);
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_closes_what_it_opens),
		cmocka_unit_test(a_page_needs_nothing_from_elsewhere),
		cmocka_unit_test(no_text_of_the_file_becomes_markup),
		cmocka_unit_test(what_was_not_measured_is_said),
		cmocka_unit_test(
			a_page_says_whose_traps_were_not_counted_and_where_counts_come_from),
		cmocka_unit_test(many_addresses_are_told_and_judge_nothing),
		cmocka_unit_test(a_percentile_without_samples_is_a_dash),
		cmocka_unit_test(figures_of_disturbed_blocks_alone_stand_in_brackets),
		cmocka_unit_test(the_summary_has_five_lines),
		cmocka_unit_test(a_run_does_not_differ_from_itself),
		cmocka_unit_test(what_got_faster_is_told_apart_from_what_did_not),
		cmocka_unit_test(the_command_writes_a_page_or_nothing),
		cmocka_unit_test(figures_have_three_digits),
		cmocka_unit_test(a_histogram_is_written_as_its_plotter_reads_it),
		cmocka_unit_test(
			every_path_and_load_has_a_file_with_the_samples_of_all_its_valid_rounds),
		cmocka_unit_test(histograms_that_cannot_be_written_are_an_error),
	};

	return cmocka_run_group_tests_name("cli bench report", tests, NULL, NULL);
}

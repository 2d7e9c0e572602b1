/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: all areas in turn, and the table. */
#include "doctor.h"

#include <fcntl.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include <cli/args.h>
#include "table.h"

#define TEXT_MIN 30u
#define NETWORK	 UINT64_C(0x02) /* PCI base class */

/* ---- the run ---- */

static bool one_function(struct doctor *d, const char *bdf, void *arg)
{
	uint64_t class_code;
	unsigned int total;

	if (!pcisys_bdf_ok(bdf) || pcisys_number(d->sysfs, bdf, "class", &class_code) < 0 ||
	    class_code >> 16 != NETWORK || pcisys_totalvfs(d->sysfs, bdf, &total) < 0)
		return false;
	strcpy(d->nic[d->n_nics++].text, bdf);
	return d->n_nics == DOC_NICS_MAX;
}

static void run_areas(struct doctor *d, const struct cli *cli)
{
	doc_each(d, "sys/bus/pci/devices", one_function, NULL);
	doc_ask_daemon(d, cli);
	doc_kvm(d);
	doc_iommu(d);
	doc_modules(d);
	doc_memory(d);
	doc_nics(d);
	doc_rivals(d);
	doc_daemon(d);
}

int doc_run(const struct cli *cli, const char *root, json_t **ret)
{
	_cleanup_(fd_closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int sysfs = -1;
	struct doctor d = {.root = dir, .checks = json_array()};

	if (dir >= 0)
		sysfs = openat(dir, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sysfs < 0) {
		json_decref(d.checks);
		return -errno;
	}
	d.sysfs = sysfs;
	run_areas(&d, cli);
	json_decref(d.status);
	json_decref(d.pfs);
	*ret = json_pack("{s:o, s:i, s:i, s:i}", "checks", d.checks, "good", (int)d.n[DOC_GOOD],
			 "bad", (int)d.n[DOC_BAD], "unknown", (int)d.n[DOC_UNKNOWN]);
	return *ret ? 0 : -ENOMEM;
}

/* ---- printing ---- */

enum {
	COL_CHECK,
	COL_STATE,
	COL_TEXT,
	COLS,
};

static const char *text_of(const json_t *check, const char *key)
{
	const char *text = json_string_value(json_object_get(check, key));

	return text ? text : "";
}

static const char *colour_of(const char *state)
{
	return !strcmp(state, "good") ? "green" : !strcmp(state, "bad") ? "red" : "yellow";
}

/* Lines of @width at most, broken at blanks: libsmartcols breaks anywhere. */
static void break_lines(char *text, size_t width)
{
	size_t column = 0;
	char *blank = NULL;

	for (char *p = text; *p; p++, column++) {
		if (*p == ' ')
			blank = p;
		if (column < width || !blank)
			continue;
		*blank = '\n';
		column = (size_t)(p - blank);
		blank = NULL;
	}
}

static int add_heading(struct libscols_table *t, const char *area)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);

	if (!line || scols_line_set_data(line, COL_CHECK, area) < 0)
		return -ENOMEM;
	return scols_line_set_color(line, "bold");
}

static int add_check(struct libscols_table *t, const json_t *check, size_t width)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	_cleanup_(freep) char *text = strdup(text_of(check, "text"));
	const char *state = text_of(check, "state");
	char name[64];

	if (text && width)
		break_lines(text, width);

	snprintf(name, sizeof(name), "  %s", text_of(check, "name"));
	if (!text || !line || scols_line_set_data(line, COL_CHECK, name) < 0 ||
	    scols_line_set_data(line, COL_STATE, state) < 0 ||
	    scols_line_set_data(line, COL_TEXT, text) < 0)
		return -ENOMEM;
	return scols_cell_set_color(scols_line_get_cell(line, COL_STATE), colour_of(state));
}

/* What is left of a line of the terminal for the text; 0: no end. */
static size_t text_width(struct libscols_table *t, const json_t *checks)
{
	size_t used = strlen("  ") + strlen(" unknown "), longest = 0, i;
	size_t width = scols_table_get_termwidth(t);
	const json_t *check;

	json_array_foreach (checks, i, check) {
		size_t n = strlen(text_of(check, "name"));

		if (n > longest)
			longest = n;
	}
	used += longest;
	return width > used + TEXT_MIN ? width - used : TEXT_MIN;
}

static int fill(struct libscols_table *t, const json_t *checks, size_t width)
{
	const char *area = "";
	const json_t *check;
	size_t i;
	int r;

	json_array_foreach (checks, i, check) {
		r = 0;
		if (strcmp(area, text_of(check, "area"))) {
			area = text_of(check, "area");
			r = add_heading(t, area);
		}
		if (!r)
			r = add_check(t, check, width);
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_table(const json_t *checks)
{
	struct libscols_table *t = scols_new_table();
	bool tty = isatty(STDOUT_FILENO);
	struct libscols_column *text;
	int r = -ENOMEM;

	if (!t)
		return r;
	scols_table_enable_noheadings(t, 1);
	scols_table_enable_colors(t, tty && !getenv("NO_COLOR"));
	/* a pipe gets whole lines */
	scols_table_enable_nowrap(t, !tty);
	if (scols_table_new_column(t, "CHECK", 0, 0) && scols_table_new_column(t, "STATE", 0, 0) &&
	    (text = scols_table_new_column(t, "TEXT", 0, tty ? SCOLS_FL_WRAP : 0))) {
		scols_column_set_safechars(text, "\n");
		scols_column_set_wrapfunc(text, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
					  NULL);
		r = fill(t, checks, tty ? text_width(t, checks) : 0);
	}
	if (!r)
		r = scols_print_table(t);
	scols_unref_table(t);
	return r;
}

/* Outside the table, so that a command can be copied whole. */
static void print_mends(const json_t *checks)
{
	const json_t *check;
	bool first = true;
	size_t i;

	json_array_foreach (checks, i, check) {
		if (!*text_of(check, "mend"))
			continue;
		printf("%s%s, %s:\n    %s\n", first ? "\nWhat mends it\n" : "",
		       text_of(check, "area"), text_of(check, "name"), text_of(check, "mend"));
		first = false;
	}
}

static int print_report(const json_t *report)
{
	const json_t *checks = json_object_get(report, "checks");
	int r = print_table(checks);

	if (r < 0)
		return r;
	print_mends(checks);
	printf("\n%d good, %d bad, %d unknown\n",
	       (int)json_integer_value(json_object_get(report, "good")),
	       (int)json_integer_value(json_object_get(report, "bad")),
	       (int)json_integer_value(json_object_get(report, "unknown")));
	return 0;
}

static int run_doctor(const struct cli *cli, const struct cli_args *args)
{
	const char *root = getenv("SRIOVCTL_ROOT");
	json_auto_t *report = NULL;
	int r;

	r = doc_run(cli, root && *root ? root : "/", &report);
	if (r >= 0)
		r = cli->json ? table_json(report) : print_report(report);
	if (r < 0) {
		fprintf(stderr, "sriovctl doctor: %s\n", strerror(-r));
		return CLI_FAILED;
	}
	return json_integer_value(json_object_get(report, "bad")) ? CLI_FAILED : CLI_OK;
}

const struct cli_cmd cmd_doctor[] = {
	{"doctor", "", "is this host fit for VFs? Works without sriovd", NULL, run_doctor},
	{},
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "bench_text.h"
#include "bench_view.h"

#define NOTHING "\xe2\x80\x93" /* an en dash */

/* Text of the file: in a table, and between backquotes, nothing may end either. */
static void put_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '|' || c == '<' || c == '*' || c == '\\')
			fprintf(f, "&#%u;", c);
		else if (c == '`')
			fputc('\'', f);
		else
			fputc(c < ' ' || c == 0x7f ? ' ' : c, f);
	}
}

static void put_code_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		fputc(c == '`' ? '\'' : c < ' ' || c == 0x7f ? ' ' : c, f);
	}
}

/* As one piece of code; of nothing none. */
static void put_code(FILE *f, const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text) {
		fputs(i ? " " : "`", f);
		put_code_text(f, json_string_value(text));
	}
	if (json_array_size(texts))
		fputc('`', f);
}

static void put_or_dash(FILE *f, const char *text)
{
	fputs(*text ? text : NOTHING, f);
}

static void put_estimate(FILE *f, const struct bstat_estimate *e, bool span)
{
	char a[VIEW_TEXT], b[VIEW_TEXT];

	if (!e->n) {
		fputs(NOTHING " | ", f);
		fputs(NOTHING " | ", f);
		return;
	}
	fprintf(f, "%s | ", view_number(e->value, a));
	if (span)
		fprintf(f, "%s to %s | ", view_number(e->lo, a), view_number(e->hi, b));
	else
		fputs(NOTHING " | ", f);
}

static void put_goals(FILE *f, const struct bench_judged *judged)
{
	fputs("| id | what | against | value | 95 % interval | floor | goal | rounds | verdict |\n"
	      "|---|---|---|---|---|---|---|---|---|\n",
	      f);
	for (size_t i = 0; i < judged->n_goals; i++) {
		const struct bench_goal *g = &judged->goal[i];
		const struct bench_goal_def *d = g->def;

		fprintf(f, "| %s | %s | %s | ", d->id, d->what, *d->against ? d->against : d->unit);
		put_estimate(f, &g->estimate, d->to.path);
		fprintf(f, "%g | %g | ", d->bound.floor, d->bound.goal);
		if (d->to.path)
			fprintf(f, "%zu", g->estimate.n);
		if (g->excluded)
			fprintf(f, " (%zu excluded)", g->excluded);
		fprintf(f, " | %s", bstat_verdict_name(g->verdict));
		if (*g->reason) {
			fputs(": ", f);
			put_text(f, g->reason);
		}
		fputs(" |\n", f);
	}
}

static int put_trips(FILE *f, const struct bench_doc *doc, unsigned int path)
{
	static const double at[] = {0.5, 0.99, 0.999};
	const struct view_hist what = {.path = path, .test = BENCH_PINGPONG};
	struct bench_hist h;
	char text[VIEW_TEXT];
	double lost;
	int r = view_merged(doc, &what, &h, &lost);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 3; i++) {
		fputs(" | ", f);
		put_or_dash(f, view_percentile(&h, at[i], text));
	}
	bench_hist_done(&h);
	return 0;
}

static int put_paths(FILE *f, const struct bench_doc *doc)
{
	char text[VIEW_TEXT];

	fputs("| path | what | Mpps, 64 B | without loss | loss up to 0.5 % | Gbit/s, 1518 B | "
	      "round trip p50 | p99 | p99.9 |\n"
	      "|---|---|---|---|---|---|---|---|---|\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];
		struct bstat_estimate mpps = view_rate(doc, w->name, BENCH_MPPS, 64, 32);
		struct bstat_estimate gbps = view_rate(doc, w->name, BENCH_GBPS, 1518, 32);
		struct bstat_estimate ndr = view_search(doc, w->name, BENCH_LOSSLESS);
		struct bstat_estimate pdr = view_search(doc, w->name, BENCH_SOME_LOSS);
		int r;

		fprintf(f, "| %s | ", w->name);
		put_text(f, w->what);
		if (w->state != BENCH_MEASURED) {
			fputs(w->state == BENCH_FAILED ? " (failed: " : " (absent: ", f);
			put_text(f, w->reason);
			fputc(')', f);
		}
		fputs(" | ", f);
		put_or_dash(f, view_estimate(&mpps, text));
		fputs(" | ", f);
		put_or_dash(f, view_estimate(&ndr, text));
		fputs(" | ", f);
		put_or_dash(f, view_estimate(&pdr, text));
		fputs(" | ", f);
		put_or_dash(f, view_estimate(&gbps, text));
		r = put_trips(f, doc, i);
		if (r < 0)
			return r;
		fputs(" |\n", f);
	}
	return 0;
}

static void put_machine(FILE *f, const struct bench_doc *doc)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{"when", doc->when},
		{"revision", doc->revision},
		{"mode", doc->mode},
		{"measured", doc->guest ? "inside a guest" : "on the host"},
		{"kernel", doc->kernel},
		{"processor", doc->cpu},
		{"topology", doc->topology},
		{"hypervisor", doc->hypervisor},
		{"KVM", doc->kvm},
		{"memory", doc->memory},
		{"scheduling", doc->sched},
		{"memory locked", doc->mlock},
	};
	char a[VIEW_TEXT], b[VIEW_TEXT];

	fputs("| machine | |\n|---|---|\n", f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!*rows[i].value)
			continue;
		fprintf(f, "| %s | ", rows[i].name);
		put_text(f, rows[i].value);
		fputs(" |\n", f);
	}
	fprintf(f, "| CPUs | %u |\n", doc->cpus);
	if (doc->c2c_ns > 0)
		fprintf(f, "| core-to-core round trip | %s, best %s |\n", view_ns(doc->c2c_ns, a),
			view_ns(doc->c2c_min_ns, b));
	if (doc->null_mpps >= 0)
		fprintf(f, "| generator alone | %s Mpps |\n", view_number(doc->null_mpps, a));
}

static void put_commands(FILE *f, const struct bench_doc *doc)
{
	const json_t *c;
	size_t k;

	fputs("Made by ", f);
	put_code(f, doc->command);
	fputs(". What switched, and how it was started:\n\n", f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];

		if (w->state == BENCH_ABSENT)
			continue;
		fprintf(f, "- %s: ", w->name);
		put_text(f, w->version);
		if (*w->rung) {
			fputs(", idle ladder while frames moved: ", f);
			put_text(f, w->rung);
		}
		json_array_foreach (w->commands, k, c) {
			fputs(k || *w->version ? "; `" : "`", f);
			put_code_text(f, json_string_value(c));
			fputc('`', f);
		}
		fputc('\n', f);
	}
}

int bench_text_markdown(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	char aa[VIEW_SENTENCE];
	int r;

	put_machine(f, doc);
	fputc('\n', f);
	put_goals(f, judged);
	fprintf(f, "\n%zu of %zu blocks excluded", judged->n_invalid, doc->n_blocks);
	fputs(". Figures in brackets: no block of theirs is undisturbed.\n\n", f);
	fprintf(f, "- %s\n", view_aa(&judged->aa, "throughput", aa));
	fprintf(f, "- %s\n", view_aa(&judged->aa_latency, "round trips", aa));
	for (size_t i = 0; i < judged->n_goals; i++)
		if (view_sides(&judged->goal[i], aa))
			fprintf(f, "- %s\n", aa);
	for (unsigned int i = 0; i < doc->n_paths; i++)
		if (view_addresses(doc, i, aa))
			fprintf(f, "- %s\n", aa);
	fputc('\n', f);
	r = put_paths(f, doc);
	if (r < 0)
		return r;
	fputc('\n', f);
	put_commands(f, doc);
	return 0;
}

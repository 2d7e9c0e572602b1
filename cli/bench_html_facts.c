/* SPDX-License-Identifier: BSD-3-Clause */
/* Physics, where frames went, the machine and the commands. */
#include <string.h>

#include "bench_charts.h"
#include "bench_html_parts.h"
#include "bench_svg.h"
#include "bench_view.h"

#define NOTHING "&ndash;"

static void cell_number(FILE *f, double v)
{
	char text[VIEW_TEXT];

	view_number(v, text);
	fprintf(f, "<td class=\"n\">%s</td>", *text ? text : NOTHING);
}

void html_physics(FILE *f, const struct bench_doc *doc)
{
	double c2c = view_c2c(doc);

	if (c2c <= 0)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th class=\"n\">median round "
	      "trip</th>"
	      "<th class=\"n\">in core-to-core round trips</th><th class=\"n\">time of a 64 byte "
	      "frame at "
	      "full speed</th><th class=\"n\">that time in units of a line "
	      "transfer</th></tr></thead><tbody>\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const char *name = doc->path[i].name;
		struct bstat_estimate trip = view_trip(doc, name);
		struct bstat_estimate rate = view_rate(doc, name, BENCH_MPPS, 64, 32);
		double frame_ns = rate.n && rate.value > 0 ? 1e3 / rate.value : BENCH_NONE;

		if (!trip.n && frame_ns < 0)
			continue;
		fprintf(f, "<tr><th scope=\"row\">%s</th><td class=\"n\">", name);
		if (trip.n)
			text_ns(f, trip.value);
		else
			fputs(NOTHING, f);
		fputs("</td>", f);
		cell_number(f, trip.n ? trip.value / c2c : BENCH_NONE);
		fputs("<td class=\"n\">", f);
		if (frame_ns > 0)
			text_ns(f, frame_ns);
		else
			fputs(NOTHING, f);
		fputs("</td>", f);
		cell_number(f, frame_ns > 0 ? frame_ns / (c2c / 2) : BENCH_NONE);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n<p class=\"dim\">Core-to-core round trip here: ", f);
	text_ns(f, c2c);
	if (doc->c2c_min_ns > 0) {
		fputs(" (best ", f);
		text_ns(f, doc->c2c_min_ns);
		fputc(')', f);
	}
	fputs(". A line transfer is half of that. The last column is time, not a count of lines: a "
	      "frame "
	      "moves about 2.6 lines, and takes less time than these one after the other as far "
	      "as transfers overlap, and more for everything else that is done.</p>\n",
	      f);
}

void html_addresses(FILE *f, const struct bench_doc *doc)
{
	char text[VIEW_SENTENCE];
	bool any = false;

	fputs("<h3>Many addresses</h3>\n<p class=\"dim\">Else all frames of a direction are alike, "
	      "which favours a switch that remembers its last decision. Here no two in a row "
	      "are.</p>\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		if (!view_addresses(doc, i, text))
			continue;
		any = true;
		fputs("<p>", f);
		text_put(f, text);
		fputs("</p>\n", f);
	}
	if (!any)
		chart_nothing(f, "many addresses");
}

struct frames {
	double sent, received, missing, corrupt;
	unsigned int blocks, invalid;
};

void html_frames(FILE *f, const struct bench_doc *doc)
{
	struct frames all[BENCH_PATHS_MAX] = {};

	for (size_t i = 0; i < doc->n_blocks; i++) {
		const struct bench_block *b = &doc->block[i];
		struct frames *to = &all[b->path];

		to->sent += (double)b->sent;
		to->received += (double)b->received;
		to->missing += (double)b->missing;
		to->corrupt += (double)b->corrupt;
		to->blocks++;
		to->invalid += !b->valid;
	}
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th class=\"n\">blocks</th><th "
	      "class=\"n\">"
	      "excluded</th><th class=\"n\">sent</th><th class=\"n\">received</th><th "
	      "class=\"n\">missing</th>"
	      "<th class=\"n\">corrupt</th></tr></thead><tbody>\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++)
		if (all[i].blocks)
			fprintf(f,
				"<tr><th scope=\"row\">%s</th><td class=\"n\">%u</td><td "
				"class=\"n\">%u</td>"
				"<td class=\"n\">%.0f</td><td class=\"n\">%.0f</td><td "
				"class=\"n\">%.0f</td>"
				"<td class=\"n\">%.0f</td></tr>\n",
				doc->path[i].name, all[i].blocks, all[i].invalid, all[i].sent,
				all[i].received, all[i].missing, all[i].corrupt);
	fputs("</tbody></table></div>\n", f);
}

static void term(FILE *f, const char *name, const char *value)
{
	if (!*value)
		return;
	fprintf(f, "<dt>%s</dt><dd>", name);
	text_put(f, value);
	fputs("</dd>\n", f);
}

static void term_ns(FILE *f, const char *name, double ns)
{
	if (ns < 0)
		return;
	fprintf(f, "<dt>%s</dt><dd>", name);
	text_ns(f, ns);
	fputs("</dd>\n", f);
}

void html_machine(FILE *f, const struct bench_doc *doc)
{
	char text[VIEW_TEXT];

	fputs("<dl>\n", f);
	term(f, "processor", doc->cpu);
	fprintf(f, "<dt>CPUs</dt><dd>%u</dd>\n", doc->cpus);
	term(f, "topology", doc->topology);
	term(f, "kernel", doc->kernel);
	term(f, "hypervisor", doc->hypervisor);
	term(f, "KVM", doc->kvm);
	term(f, "memory", doc->memory);
	term(f, "scheduling", doc->sched);
	term(f, "memory locked", doc->mlock);
	fprintf(f, "<dt>time stamp counter</dt><dd>%.3f GHz, %s</dd>\n", doc->tsc_hz / 1e9,
		doc->invariant ? "invariant" : "not invariant");
	term_ns(f, "core to core and back", doc->c2c_ns);
	term_ns(f, "the same, best", doc->c2c_min_ns);
	term_ns(f, "the same, over two lines", doc->c2c_two_ns);
	term_ns(f, "copy of 64 bytes", doc->memcpy_ns[0]);
	term_ns(f, "copy of 1518 bytes", doc->memcpy_ns[1]);
	term_ns(f, "copy of 16 MiB", doc->memcpy_ns[2]);
	term_ns(f, "waking a thread", doc->wake_us < 0 ? BENCH_NONE : doc->wake_us * 1e3);
	term_ns(f, "reading the clock", doc->clock_ns);
	if (doc->null_mpps >= 0)
		fprintf(f, "<dt>generator alone</dt><dd>%s Mpps</dd>\n",
			view_number(doc->null_mpps, text));
	fputs("</dl>\n", f);
}

static void texts(FILE *f, const json_t *list, const char *between)
{
	const json_t *text;
	size_t i;

	json_array_foreach (list, i, text) {
		fputs(i ? between : "", f);
		text_put(f, json_string_value(text));
	}
}

void html_commands(FILE *f, const struct bench_doc *doc)
{
	fputs("<h3>How to run it again</h3>\n<pre>", f);
	texts(f, doc->command, " ");
	fputs("</pre>\n<h3>What switched</h3>\n", f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];

		if (w->state == BENCH_ABSENT)
			continue;
		fprintf(f, "<p><b>%s</b> ", w->name);
		text_put(f, w->version);
		if (*w->rung) {
			fputs(", idle ladder while frames moved: ", f);
			text_put(f, w->rung);
		}
		fputs("</p><pre>", f);
		texts(f, w->commands, "\n");
		fputs("</pre>\n", f);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_html_parts.h"

#include <string.h>

#include "bench_charts.h"
#include "bench_svg.h"

#define NOTHING "&ndash;"

static void tile(FILE *f, const char *big, const char *unit, const char *small)
{
	fputs("<div class=\"tile\"><b>", f);
	text_put(f, big);
	fprintf(f, "%s</b><span>", unit);
	text_put(f, small);
	fputs("</span></div>\n", f);
}

void html_tiles(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	struct bstat_estimate rate = view_rate(doc, "vf", BENCH_MPPS, 64, 32);
	struct bstat_estimate trip = view_trip(doc, "vf");
	size_t met = view_verdicts(judged, BSTAT_GOAL), floor = view_verdicts(judged, BSTAT_FLOOR);
	char big[VIEW_TEXT], small[160];

	fputs("<div class=\"tiles\">\n", f);
	snprintf(big, sizeof(big), "%zu of %zu", met, judged->n_goals);
	snprintf(small, sizeof(small),
		 "goals met; %zu more above the floor, %zu failed, %zu inconclusive, %zu not "
		 "measured",
		 floor, view_verdicts(judged, BSTAT_FAIL),
		 view_verdicts(judged, BSTAT_INCONCLUSIVE),
		 view_verdicts(judged, BSTAT_NOT_MEASURED));
	tile(f, big, "", small);
	if (rate.n)
		tile(f, view_estimate(&rate, big), " Mpps",
		     "VF to VF, 64 byte frames, both ways together");
	if (trip.n) {
		fputs(trip.disturbed ? "<div class=\"tile\"><b>(" : "<div class=\"tile\"><b>", f);
		text_ns(f, trip.value);
		fputs(trip.disturbed ? ")</b>" : "</b>", f);
		fputs("<span>median round trip through the switch, VF to VF and "
		      "back</span></div>\n",
		      f);
	}
	if (judged->aa.n)
		snprintf(big, sizeof(big), "%.1f %%", bstat_resolution(&judged->aa) * 100);
	tile(f, judged->aa.n ? big : "unknown", "",
	     bstat_aa(&judged->aa) == BSTAT_AA_NO
		     ? "resolution: the same path differs from itself by that (A/A), and its "
		       "interval "
		       "does not contain 1"
		     : "resolution: what the same path differs from itself by (A/A)");
	snprintf(big, sizeof(big), "%zu of %zu", judged->n_invalid, judged->n_blocks);
	tile(f, big, "", "blocks disturbed, kept in the file and out of verdicts");
	fputs("</div>\n", f);
}

static void cell(FILE *f, const char *text)
{
	fputs("<td class=\"n\">", f);
	if (*text)
		text_put(f, text);
	else
		fputs(NOTHING, f);
	fputs("</td>", f);
}

static void cell_number(FILE *f, double v)
{
	char text[VIEW_TEXT];

	cell(f, view_number(v, text));
}

static void cell_ns(FILE *f, const struct bench_hist *h, double p)
{
	double ns;

	fputs("<td class=\"n\">", f);
	if (bench_hist_percentile(h, p, &ns) < 0) {
		fputs(NOTHING, f);
	} else {
		fputs(h->disturbed ? "(" : "", f);
		text_ns(f, ns);
		fputs(h->disturbed ? ")" : "", f);
	}
	fputs("</td>", f);
}

static void cell_text(FILE *f, const char *text)
{
	fputs("<td>", f);
	text_put(f, text);
	fputs("</td>", f);
}

static void cell_interval(FILE *f, const struct bstat_estimate *e)
{
	char lo[VIEW_TEXT], hi[VIEW_TEXT], text[2 * VIEW_TEXT + 8] = "";

	if (e->n)
		snprintf(text, sizeof(text), "%s to %s", view_number(e->lo, lo),
			 view_number(e->hi, hi));
	cell(f, text);
}

static void goal_row(FILE *f, const struct bench_goal *g)
{
	const struct bench_goal_def *d = g->def;
	static const struct bstat_estimate none;

	fprintf(f, "<tr><th scope=\"row\">%s</th>", d->id);
	cell_text(f, d->what);
	fputs("<td>", f);
	text_put(f, *d->against ? d->against : d->unit);
	if (d->or_path && g->estimate.n)
		fprintf(f, ": %s", g->against);
	fputs("</td>", f);
	cell_number(f, g->estimate.n ? g->estimate.value : BENCH_NONE);
	cell_interval(f, d->to.path ? &g->estimate : &none);
	fputs("<td>", f);
	chart_verdict(f, g);
	fputs("</td>", f);
	fprintf(f, "<td class=\"n\">%g</td><td class=\"n\">%g</td><td class=\"n\">", d->bound.floor,
		d->bound.goal);
	if (d->to.path)
		fprintf(f, "%zu", g->estimate.n);
	if (g->excluded)
		fprintf(f, " of %zu", g->estimate.n + g->excluded);
	fprintf(f, "</td><td class=\"v v%d\">%s", (int)g->verdict, bstat_verdict_name(g->verdict));
	if (*g->reason) {
		fputs("<small>", f);
		text_put(f, g->reason);
		fputs("</small>", f);
	}
	fputs("</td></tr>\n", f);
}

static void put_aa(FILE *f, const struct bstat_estimate *aa, const char *of)
{
	char text[VIEW_SENTENCE];

	fprintf(f, "<p class=\"%s\">", bstat_aa(aa) == BSTAT_AA_NO ? "note" : "dim");
	text_put(f, view_aa(aa, of, text));
	fputs("</p>\n", f);
}

void html_goals(FILE *f, const struct bench_judged *judged)
{
	char sides[VIEW_SENTENCE];

	fputs("<div class=\"wide\"><table><thead><tr><th>id</th><th>what</th><th>against</th>"
	      "<th class=\"n\">value</th><th class=\"n\">95 %</th><th></th><th "
	      "class=\"n\">floor</th>"
	      "<th class=\"n\">goal</th><th class=\"n\">rounds</th><th>verdict</th></tr></thead>"
	      "<tbody>\n",
	      f);
	for (size_t i = 0; i < judged->n_goals; i++)
		goal_row(f, &judged->goal[i]);
	fputs("</tbody></table></div>\n", f);
	put_aa(f, &judged->aa, "throughput");
	put_aa(f, &judged->aa_latency, "round trips");
	for (size_t i = 0; i < judged->n_goals; i++)
		if (view_sides(&judged->goal[i], sides))
			fprintf(f, "<p>%s</p>\n", sides);
	fputs("<p class=\"dim\">No interval is taken for narrower than that.</p>\n", f);
	fputs("<details><summary>With the disturbed blocks "
	      "too</summary><table><thead><tr><th>id</th>"
	      "<th class=\"n\">value</th><th class=\"n\">95 %</th></tr></thead><tbody>\n",
	      f);
	for (size_t i = 0; i < judged->n_goals; i++) {
		const struct bench_goal *g = &judged->goal[i];

		if (!g->excluded)
			continue;
		fprintf(f, "<tr><th scope=\"row\">%s</th>", g->def->id);
		cell_number(f, g->all.value);
		cell_interval(f, &g->all);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></details>\n", f);
}

int html_paths(FILE *f, const struct bench_doc *doc)
{
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th>what</th><th "
	      "class=\"n\">Mpps, 64 B</th>"
	      "<th class=\"n\">95 %</th><th class=\"n\">without loss</th><th class=\"n\">loss up "
	      "to 0.5 %</th><th class=\"n\">Gbit/s, 1518 B</th><th class=\"n\">round "
	      "trip "
	      "p50</th><th class=\"n\">p99</th><th class=\"n\">p99.9</th></tr></thead><tbody>\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];
		const struct view_hist what = {.path = i, .test = BENCH_PINGPONG};
		struct bstat_estimate mpps = view_rate(doc, w->name, BENCH_MPPS, 64, 32);
		struct bstat_estimate gbps = view_rate(doc, w->name, BENCH_GBPS, 1518, 32);
		struct bstat_estimate ndr = view_search(doc, w->name, BENCH_LOSSLESS);
		struct bstat_estimate pdr = view_search(doc, w->name, BENCH_SOME_LOSS);
		struct bench_hist h;
		char text[VIEW_TEXT];
		double lost;
		int r = view_merged(doc, &what, &h, &lost);

		if (r < 0)
			return r;
		fprintf(f, "<tr><th scope=\"row\">%s</th><td>", w->name);
		text_put(f, w->what);
		if (w->state != BENCH_MEASURED) {
			fprintf(f, "<small>%s: ", w->state == BENCH_FAILED ? "failed" : "absent");
			text_put(f, w->reason);
			fputs("</small>", f);
		}
		fputs("</td>", f);
		cell(f, view_estimate(&mpps, text));
		cell_interval(f, &mpps);
		cell(f, view_estimate(&ndr, text));
		cell(f, view_estimate(&pdr, text));
		cell(f, view_estimate(&gbps, text));
		cell_ns(f, &h, 0.5);
		cell_ns(f, &h, 0.99);
		cell_ns(f, &h, 0.999);
		fputs("</tr>\n", f);
		bench_hist_done(&h);
	}
	fputs("</tbody></table></div>\n<p class=\"dim\">In brackets: no block of theirs was "
	      "undisturbed.</p>\n",
	      f);
	return 0;
}

static int stamp_row(FILE *f, const struct bench_doc *doc, struct view_hist what)
{
	struct bench_hist h, actual;
	double lost;
	int r = view_merged(doc, &what, &h, &lost);

	if (r < 0)
		return r;
	what.actual = true;
	r = view_merged(doc, &what, &actual, &lost);
	if (r >= 0 && h.n) {
		fprintf(f, "<tr><th scope=\"row\">%s%s</th>", doc->path[what.path].name,
			what.constant ? ", even steps" : "");
		cell_number(f, what.asked_mpps);
		cell_number(f, what.burst ? what.burst : 1);
		cell_ns(f, &h, 0.5);
		cell_ns(f, &h, 0.99);
		cell_ns(f, &h, 0.999);
		cell_ns(f, &actual, 0.99);
		cell_number(f, lost * 100);
		fputs("</tr>\n", f);
	}
	bench_hist_done(&h);
	if (r >= 0)
		bench_hist_done(&actual);
	return r < 0 ? r : 0;
}

/* At one load: every schedule that there is. */
static int stamp_rows(FILE *f, const struct bench_doc *doc, unsigned int path, double load)
{
	const struct view_hist schedules[] = {
		{.path = path, .test = BENCH_OPEN, .asked_mpps = load},
		{.path = path, .test = BENCH_OPEN, .asked_mpps = load, .burst = 4},
		{.path = path, .test = BENCH_OPEN, .asked_mpps = load, .burst = 32},
		{.path = path, .test = BENCH_OPEN, .asked_mpps = load, .constant = true},
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sizeof(schedules) / sizeof(*schedules); i++)
		r = stamp_row(f, doc, schedules[i]);
	return r;
}

int html_stamps(FILE *f, const struct bench_doc *doc)
{
	struct view_list loads;
	int r;

	view_values(doc, VIEW_LOADS, &loads);
	if (!loads.n)
		return 0;
	fputs("<details><summary>Figures, and what stamping at the actual time would have "
	      "hidden</summary><div class=\"wide\"><table><thead><tr><th>path</th><th "
	      "class=\"n\">offered, "
	      "Mpps</th><th class=\"n\">burst</th><th class=\"n\">p50</th><th "
	      "class=\"n\">p99</th><th class=\"n\">p99.9</th>"
	      "<th class=\"n\">p99 from the actual time</th><th class=\"n\">lost, "
	      "%</th></tr></thead>"
	      "<tbody>\n",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		for (size_t k = 0; k < loads.n; k++) {
			r = stamp_rows(f, doc, i, loads.v[k]);
			if (r < 0)
				return r;
		}
	}
	fputs("</tbody></table></div></details>\n", f);
	return 0;
}

void html_instructions(FILE *f, const struct bench_doc *doc)
{
	fputs("<h3>Instructions a packet</h3>\n", f);
	if (doc->soft_nic_instructions < 0 && doc->vf_driver_instructions < 0) {
		chart_nothing(f, "instructions a packet, which tools/bench-facts adds");
		return;
	}
	fputs("<table><thead><tr><th>who</th><th class=\"n\">instructions, 64 B in bursts of "
	      "32</th>"
	      "<th class=\"n\">of these the goal is</th></tr></thead><tbody>\n"
	      "<tr><th scope=\"row\">software NIC, lookup and counters on</th>",
	      f);
	cell_number(f, doc->soft_nic_instructions);
	fputs("<td class=\"n\">100</td></tr>\n<tr><th scope=\"row\">VF driver, receive and "
	      "transmit</th>",
	      f);
	cell_number(f, doc->vf_driver_instructions);
	fputs("<td class=\"n\">60</td></tr>\n<tr><th scope=\"row\">DPDK's driver of the same "
	      "device</th>",
	      f);
	cell_number(f, doc->igb_pmd_instructions);
	fputs("<td></td></tr></tbody></table>\n<p class=\"dim\">", f);
	text_put(f, doc->instructions_how);
	fputs("</p>\n", f);
}

/* Left empty, a cell would look like none. */
static void cell_per_packet(FILE *f, double n, double packets)
{
	if (n < 0)
		fputs("<td class=\"n dim\">not measured</td>", f);
	else
		cell_number(f, n / packets);
}

static bool has_traps(const struct bench_doc *doc, const char *path)
{
	for (size_t i = 0; i < doc->n_traps; i++)
		if (!strcmp(doc->trap[i].path, path))
			return true;
	return false;
}

/* Who counts what, and for whom nobody does. */
static void traps_origin(FILE *f, const struct bench_doc *doc)
{
	const char *before = "Not measured in this run: ";

	fputs("<p class=\"dim\">The run itself counts messages alone, and of switches of ours "
	      "only. KVM exits, interrupts and wake-ups need a guest, which it has none of: they "
	      "come from the suite <code>bench</code>, which runs one at another time, and "
	      "<code>tools/bench-facts</code> puts them here; the last column names the source. ",
	      f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		if (doc->path[i].state != BENCH_MEASURED || has_traps(doc, doc->path[i].name))
			continue;
		fprintf(f, "%s%s", before, doc->path[i].name);
		before = ", ";
	}
	fputs(*before == ',' ? ".</p>\n" : "</p>\n", f);
}

void html_traps(FILE *f, const struct bench_doc *doc)
{
	fputs("<h3>Traps and interrupts a packet</h3>\n", f);
	traps_origin(f, doc);
	if (!doc->n_traps) {
		chart_nothing(f, "traps a packet");
		return;
	}
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th class=\"n\">packets</th><th "
	      "class=\"n\">"
	      "messages</th><th class=\"n\">KVM exits</th><th class=\"n\">interrupts</th><th "
	      "class=\"n\">"
	      "wake-ups</th><th>counted by</th></tr></thead><tbody>\n",
	      f);
	for (size_t i = 0; i < doc->n_traps; i++) {
		const struct bench_trap *t = &doc->trap[i];

		fputs("<tr>", f);
		cell_text(f, t->path);
		cell_number(f, t->packets);
		cell_per_packet(f, t->messages, t->packets);
		cell_per_packet(f, t->kvm_exits, t->packets);
		cell_per_packet(f, t->interrupts, t->packets);
		cell_per_packet(f, t->wakeups, t->packets);
		cell_text(f, t->source);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_html.h"

#include <string.h>

#include "bench_charts.h"
#include "bench_html_parts.h"
#include "bench_svg.h"
#include "bench_text.h"

static void head(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	const json_t *note;
	size_t i;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n"
	      "<title>sriovd bench, ",
	      f);
	text_put(f, doc->when);
	fprintf(f,
		"</title>\n<style>\n%s</style></head>\n<body><main>\n<header><h1>What a VF gives, "
		"next to what else there is</h1>\n<p class=\"dim\">sriovd ",
		bench_html_style);
	text_put(f, doc->revision);
	fprintf(f, ", %s run%s of ", doc->mode, doc->guest ? " inside a guest" : "");
	text_put(f, doc->when);
	fputs(" on ", f);
	text_put(f, doc->cpu);
	fputs("</p>\n", f);
	json_array_foreach (doc->notes, i, note) {
		fputs("<p class=\"note\">", f);
		text_put(f, json_string_value(note));
		fputs("</p>\n", f);
	}
	fputs("</header>\n", f);
	html_tiles(f, doc, judged);
}

static void section(FILE *f, const char *title, const char *text)
{
	fprintf(f, "<section><h2>%s</h2>\n<p class=\"dim\">%s</p>\n", title, text);
}

static int throughput(FILE *f, const struct bench_doc *doc)
{
	int r;

	section(f, "Throughput",
		doc->guest ? "One guest owns both ends, another core switches."
			   : "One generator core owns both ends, one core switches.");
	fputs("<p class=\"dim\">Full speed with a bounded "
	      "number of frames in flight, bursts of 32; bars are medians over rounds, whiskers "
	      "their 95 % intervals; pale bars rest on disturbed blocks only.</p>\n",
	      f);
	chart_legend(f, doc);
	chart_sizes(f, doc, BENCH_MPPS);
	chart_sizes(f, doc, BENCH_GBPS);
	fputs("<h3>How much a burst brings</h3>\n", f);
	chart_bursts(f, doc);
	html_addresses(f, doc);
	fputs("<h3>All paths</h3>\n", f);
	r = html_paths(f, doc);
	fputs("</section>\n", f);
	return r;
}

static int latency(FILE *f, const struct bench_doc *doc)
{
	int r;

	section(f, "Latency",
		"One frame in flight is service time: there and back through the switch, told as a "
		"round trip and never halved. Histograms of all rounds are merged; a percentile is "
		"drawn only as far as 100 samples lie beyond it.");
	chart_legend(f, doc);
	r = chart_percentiles(f, doc);
	if (r < 0)
		return r;
	fputs("<h3>Under load</h3>\n<p class=\"dim\">Open loop: frames are sent when a Poisson "
	      "schedule "
	      "says so, ready or not, and their one-way latency counts from that time. Hollow "
	      "dots: "
	      "frames were lost.</p>\n",
	      f);
	r = chart_loads(f, doc);
	if (r >= 0)
		r = html_stamps(f, doc);
	fputs("</section>\n", f);
	return r;
}

static void cost(FILE *f, const struct bench_doc *doc)
{
	section(f, "What a packet costs",
		"Ticks of the time stamp counter, which are cycles only at its own frequency, "
		"while "
		"packets moved; polls that found nothing are not in them. Instructions are counted "
		"by "
		"callgrind and do not depend on the machine.");
	chart_cycles(f, doc);
	html_instructions(f, doc);
	html_traps(f, doc);
	fputs("</section>\n", f);
}

static void physics(FILE *f, const struct bench_doc *doc)
{
	section(f, "Distance to physics",
		"What two cores can do at best is a cache line there and back. A frame through a "
		"switch "
		"and back takes at least five transfers each way one after the other, which "
		"prefetching "
		"hides in part; at full speed a frame of 64 bytes moves about 2.6 lines to and "
		"from the "
		"switch's core.");
	chart_physics(f, doc);
	html_physics(f, doc);
	fputs("</section>\n", f);
}

static void rounds(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	section(f, "Round by round",
		"Each round visits every path once, in random order; a dot is a ratio within one "
		"round. "
		"Hollow red dots are excluded: the block was disturbed. Red bars: time taken by "
		"the "
		"hypervisor during the two blocks.");
	fputs("<div class=\"three\">\n", f);
	for (size_t i = 0; i < judged->n_goals; i++)
		if (judged->goal[i].n_dots)
			chart_rounds(f, &judged->goal[i]);
	fputs("</div>\n<h3>What the machine did meanwhile</h3>\n", f);
	chart_timeline(f, doc);
	fputs("<h3>Where frames went</h3>\n", f);
	html_frames(f, doc);
	fputs("</section>\n", f);
}

static void environment(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	section(f, "Environment, and how to run it again",
		"Figures hold for this machine and this moment; only ratios within a run travel.");
	html_machine(f, doc);
	html_commands(f, doc);
	fputs("<h3>For a pull request</h3>\n<pre>", f);
}

int bench_html_write(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	char *summary = NULL;
	size_t size;
	FILE *text;
	int r;

	head(f, doc, judged);
	section(f, "Verdicts",
		"The value is the median over rounds of the ratio within a round, VF over the "
		"other; its "
		"95 % interval comes from a paired bootstrap. In the small picture better is "
		"right: the "
		"dashed line is the floor, the solid one the goal.");
	html_goals(f, judged);
	fputs("</section>\n", f);
	r = throughput(f, doc);
	if (r >= 0)
		r = latency(f, doc);
	if (r < 0)
		return r;
	cost(f, doc);
	physics(f, doc);
	rounds(f, doc, judged);
	environment(f, doc, judged);

	text = open_memstream(&summary, &size);
	if (text) {
		bench_text_summary(text, doc, judged);
		fclose(text);
		for (char *line = strtok(summary, "\n"); line; line = strtok(NULL, "\n")) {
			text_put(f, line);
			fputc('\n', f);
		}
	}
	free(summary);
	fputs("</pre></section>\n</main></body></html>\n", f);
	return text ? 0 : -ENOMEM;
}

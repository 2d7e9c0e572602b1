/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bench in a guest tells: a result as docs/bench-format.md has it, and its own figures. */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cli/bench_goals.h>
#include <cli/stats.h>

#include "bench.h"
#include "bench_machine.h"
#include "revision.h"
#include "table.h"

#define TSC_LEAF      0x80000007u
#define TSC_INVARIANT (1u << 8) /* EDX */

/* Below this many samples beyond a percentile it is noise. */
#define BEYOND_MIN 100u

static double median_of(const double *values, unsigned int n)
{
	double copy[BENCH_ROUNDS_MAX];

	memcpy(copy, values, n * sizeof(*copy));
	return stats_median(copy, n);
}

static double median_ratio(const double *of, const double *to, unsigned int n)
{
	double ratio[BENCH_ROUNDS_MAX];

	for (unsigned int i = 0; i < n; i++)
		ratio[i] = to[i] > 0 ? of[i] / to[i] : 0;
	return stats_median(ratio, n);
}

static json_t *percentile(const struct bench *b, const struct hist *h, unsigned int permyriad)
{
	if (h->n * (10000 - permyriad) / 10000 < BEYOND_MIN)
		return json_null();
	return json_real(stats_ticks_ns(hist_percentile(h, permyriad), b->tsc_khz));
}

static json_t *report_traps(const struct bench *b, const struct bench_path *p)
{
	double packets = p->rtt_packets ? (double)p->rtt_packets : 1;

	return json_pack("{s:f, s:f, s:f, s:f, s:s}", "bar_exits_per_packet",
			 (double)p->rtt_traps.bar_exits / packets, "messages_per_packet",
			 (double)p->rtt_traps.messages / packets, "kvm_exits_per_packet",
			 (double)p->rtt_traps.kvm_exits / packets, "under_load_per_packet",
			 bench_traps_per_packet(&p->load_traps, p->load_packets), "source",
			 b->trap_source);
}

static json_t *per_packet(uint64_t n, uint64_t packets)
{
	return packets ? json_real((double)n / (double)packets) : json_null();
}

/* A silent tracepoint of exits says nothing; where it fires, no exit escapes it. */
static json_t *report_traced(const struct bench_traced *t)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "packets", (json_int_t)t->packets,
			 "exits_per_packet", t->kvm ? per_packet(t->kvm, t->packets) : json_null(),
			 "vmm_exits_per_packet", per_packet(t->user, t->packets), "mmio_per_packet",
			 per_packet(t->mmio, t->packets), "wakeups_per_packet",
			 per_packet(t->wakeups, t->packets), "interrupts_per_packet",
			 per_packet(t->interrupts, t->packets));
}

static json_t *report_path(const struct bench *b, const struct bench_path *p)
{
	return json_pack(
		"{s:{s:o, s:o, s:o, s:f, s:f}, s:I, s:f, s:f, s:f, s:o, s:{s:o, s:o}, s:I, s:I}",
		"rtt_ns", "p50", percentile(b, &p->rtt, 5000), "p99", percentile(b, &p->rtt, 9900),
		"p999", percentile(b, &p->rtt, 9990), "min", stats_ticks_ns(p->rtt.min, b->tsc_khz),
		"max", stats_ticks_ns(p->rtt.max, b->tsc_khz), "samples", (json_int_t)p->rtt.n,
		"mpps_64", median_of(p->mpps_64, p->n_rounds), "gbps_1518",
		median_of(p->gbps_1518, p->n_rounds), "traps_per_packet",
		bench_traps_per_packet(&p->rtt_traps, p->rtt_packets), "traps", report_traps(b, p),
		"traced", "rtt", report_traced(&p->rtt_traced), "load",
		report_traced(&p->load_traced), "lost", (json_int_t)p->lost, "corrupt",
		(json_int_t)p->corrupt);
}

static json_t *report_tracing(const struct bench *b)
{
	if (!*b->tracepoints)
		return json_pack("{s:n, s:s}", "tracepoints", "reason", b->no_tracepoints);
	return json_pack("{s:s, s:s}", "tracepoints", b->tracepoints, "interrupts",
			 b->interrupt_source);
}

/* Does the time stamp counter go on alike, whatever the processor does? */
static bool tsc_invariant(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(TSC_LEAF, &a, &b, &c, &d) && d & TSC_INVARIANT;
}

static json_t *calibration(const struct bench *b)
{
	json_t *c2c = json_null();

	if (b->have_calib)
		c2c = json_pack("{s:{s:f, s:f}, s:[i, i]}", "same_line", "min", b->calib.rtt_min_ns,
				"median", b->calib.rtt_median_ns, "cpus", (int)b->calib.cpu[0],
				(int)b->calib.cpu[1]);
	return json_pack("{s:f, s:b, s:o}", "tsc_hz", (double)b->tsc_khz * 1e3, "invariant",
			 tsc_invariant(), "c2c", c2c);
}

static json_t *cpu_text(int cpu)
{
	return cpu < 0 ? json_string("an unknown CPU") : json_sprintf("CPU %d", cpu);
}

/* Nobody pins them here: where they were when they were last seen. */
static json_t *topology(const struct bench *b)
{
	json_auto_t *guest = cpu_text(b->cpu_guest);
	json_auto_t *nic = cpu_text(b->path[BENCH_VF].cpu_switch);

	return json_sprintf("one guest with two ports of each path, last seen on %s, the switch of "
			    "vf on %s",
			    json_string_value(guest), json_string_value(nic));
}

static json_t *paths(const struct bench *b)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < BENCH_PATHS; i++) {
		const struct bench_path *p = &b->path[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:[o, o], s:s}", "name", p->name,
				      "kind", "ours", "what", p->what, "version",
				      "sriovd " SRIOVD_VERSION, "commands",
				      json_sprintf("sriovctl attach %s %s --path %s", p->net[0],
						   BENCH_VM, p->name),
				      json_sprintf("sriovctl attach %s %s --path %s", p->net[1],
						   BENCH_VM, p->name),
				      "state", p->failed ? "failed" : "measured");

		if (p->failed)
			json_object_set_new(o, "reason", json_string(p->reason));
		json_array_append_new(list, o);
	}
	return list;
}

/* Of poll mode: what the VMM and the NIC counted, and the tracepoints in a pass of their own. */
static json_t *traps(const struct bench *b)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < BENCH_PATHS; i++) {
		const struct bench_path *p = &b->path[i];
		const struct bench_traced *rtt = &p->rtt_traced, *load = &p->load_traced;
		uint64_t packets = p->rtt_packets + p->load_packets;

		if (packets)
			json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:s}", "path",
							      p->name, "packets",
							      (json_int_t)packets, "messages",
							      (json_int_t)(p->rtt_traps.messages +
									   p->load_traps.messages),
							      "kvm_exits",
							      (json_int_t)(p->rtt_traps.bar_exits +
									   p->load_traps.bar_exits),
							      "source", "NIC and VMM, all rounds"));
		packets = rtt->packets + load->packets;
		if (packets)
			json_array_append_new(
				list,
				json_pack("{s:s, s:I, s:I, s:I, s:s}", "path", p->name, "packets",
					  (json_int_t)packets, "interrupts",
					  (json_int_t)(rtt->interrupts + load->interrupts),
					  "wakeups", (json_int_t)(rtt->wakeups + load->wakeups),
					  "source", "the kernel's tracepoints"));
	}
	return list;
}

static json_t *figures(const struct bench *b)
{
	const struct bench_path *em = &b->path[BENCH_EMULATED], *vi = &b->path[BENCH_VIRTIO];
	const struct bench_path *vf = &b->path[BENCH_VF];
	unsigned int v = vf->n_rounds < vi->n_rounds ? vf->n_rounds : vi->n_rounds;
	unsigned int e = vf->n_rounds < em->n_rounds ? vf->n_rounds : em->n_rounds;

	return json_pack("{s:s, s:s, s:o, s:{s:o, s:o, s:o}, s:{s:f, s:f, s:f, s:f, s:f}}", "nic",
			 b->nic, "pf", b->pf, "tracing", report_tracing(b), "paths", em->name,
			 report_path(b, em), vi->name, report_path(b, vi), vf->name,
			 report_path(b, vf), "ratios", "rtt_p50_vf_vs_virtio",
			 median_ratio(vf->p50_ns, vi->p50_ns, v), "mpps_64_vf_vs_virtio",
			 median_ratio(vf->mpps_64, vi->mpps_64, v), "gbps_1518_vf_vs_virtio",
			 median_ratio(vf->gbps_1518, vi->gbps_1518, v), "rtt_p50_vf_vs_emulated",
			 median_ratio(vf->p50_ns, em->p50_ns, e), "mpps_64_vf_vs_emulated",
			 median_ratio(vf->mpps_64, em->mpps_64, e));
}

json_t *bench_report(struct bench *b)
{
	char why[BENCH_TEXT];
	json_t *report;

	json_array_append_new(b->notes, json_sprintf("seed of the order of paths: %llu",
						     (unsigned long long)b->seed));
	report = json_pack("{s:s, s:i, s:s, s:s, s:O, s:s, s:s, s:o, s:o, s:o, s:O, s:o, s:O, s:o}",
			   "format", "sriovd-bench", "version", 1, "where", "guest", "when",
			   b->when, "command", b->command, "revision", SRIOVD_REVISION, "mode",
			   b->plan.quick ? "quick" : "full", "machine", bench_machine(topology(b)),
			   "calibration", calibration(b), "paths", paths(b), "blocks", b->blocks,
			   "traps", traps(b), "notes", b->notes, "guest", figures(b));
	if (report && bench_judge(report, why, sizeof(why)) < 0)
		fprintf(stderr, "sriovctl bench: no verdicts: %s\n", why);
	return report;
}

static void set_text(json_t *row, const char *key, const json_t *value, double scale,
		     const char *format)
{
	char text[32] = "-";

	if (json_is_number(value)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), format, json_number_value(value) * scale);
#pragma GCC diagnostic pop
	}
	json_object_set_new(row, key, json_string(text));
}

static json_t *table_row(const char *name, const json_t *path)
{
	const json_t *traps = json_object_get(path, "traps");
	const json_t *traced = json_object_get(json_object_get(path, "traced"), "rtt");
	json_t *row = json_pack("{s:s}", "path", name);

	set_text(row, "samples", json_object_get(path, "samples"), 1, "%.0f");
	set_text(row, "traps", json_object_get(path, "traps_per_packet"), 1, "%.5f");
	set_text(row, "load", json_object_get(traps, "under_load_per_packet"), 1, "%.5f");
	set_text(row, "kvm", json_object_get(traps, "kvm_exits_per_packet"), 1, "%.5f");
	set_text(row, "wake", json_object_get(traced, "wakeups_per_packet"), 1, "%.5f");
	set_text(row, "irq", json_object_get(traced, "interrupts_per_packet"), 1, "%.5f");
	return row;
}

static void print_tracing(const json_t *tracing)
{
	const char *names = json_string_value(json_object_get(tracing, "tracepoints"));

	if (names)
		printf("Wake-ups from kvm_vcpu_wakeup, interrupts of the path's interfaces from "
		       "%s, in a pass of their own.\n",
		       json_string_value(json_object_get(tracing, "interrupts")));
	else
		printf("Wake-ups and interrupts are not known: %s.\n",
		       json_string_value(json_object_get(tracing, "reason")));
}

int bench_print(const json_t *report)
{
	static const struct table_col cols[] = {
		{"PATH", "path", false},	{"ROUND-TRIPS", "samples", true},
		{"TRAPS/PKT", "traps", true},	{"UNDER-LOAD", "load", true},
		{"KVM-EXITS/PKT", "kvm", true}, {"WAKE-UPS/PKT", "wake", true},
		{"IRQS/PKT", "irq", true},	{},
	};
	const json_t *guest = json_object_get(report, "guest"), *value;
	const json_t *paths = json_object_get(guest, "paths");
	json_auto_t *rows = json_array();
	const char *name, *source;
	int r;

	printf("\nNIC: %s.\n", json_string_value(json_object_get(guest, "nic")));
	json_object_foreach ((json_t *)paths, name, value)
		json_array_append_new(rows, table_row(name, value));
	r = table_print(rows, cols);
	if (r < 0)
		return r;

	source = json_string_value(
		json_object_get(json_object_get(json_object_get(paths, "vf"), "traps"), "source"));
	printf("Traps: device accesses that left the guest, counted by the VMM and by the soft NIC "
	       "(the larger); KVM exits from %s.\n",
	       source && *source ? source : "an unnamed source");
	print_tracing(json_object_get(guest, "tracing"));
	printf("Medians of the ratios within a round, over all rounds:\n");
	json_object_foreach (json_object_get(guest, "ratios"), name, value)
		printf("  %-24s %.3f\n", name, json_number_value(value));
	return 0;
}

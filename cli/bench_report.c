/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include <cli/stats.h>
#include "table.h"

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
		"mpps_64", median_of(p->mpps_64, b->n_rounds), "gbps_1518",
		median_of(p->gbps_1518, b->n_rounds), "traps_per_packet",
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

static json_t *report_calib(const struct bench *b)
{
	if (!b->have_calib)
		return json_pack("{s:n, s:I}", "core_to_core_rtt_ns", "tsc_khz",
				 (json_int_t)b->tsc_khz);
	return json_pack("{s:f, s:f, s:I, s:[i, i]}", "core_to_core_rtt_ns", b->calib.rtt_median_ns,
			 "core_to_core_rtt_min_ns", b->calib.rtt_min_ns, "tsc_khz",
			 (json_int_t)b->calib.tsc_khz, "cpus", (int)b->calib.cpu[0],
			 (int)b->calib.cpu[1]);
}

static json_t *report_rounds(const struct bench *b)
{
	json_t *rounds = json_array();

	for (unsigned int i = 0; i < b->n_rounds; i++) {
		json_t *round = json_object();

		for (unsigned int p = 0; p < BENCH_PATHS; p++)
			json_object_set_new(round, b->path[p].name,
					    json_pack("{s:f, s:f, s:f}", "rtt_p50_ns",
						      b->path[p].p50_ns[i], "mpps_64",
						      b->path[p].mpps_64[i], "gbps_1518",
						      b->path[p].gbps_1518[i]));
		json_array_append_new(rounds, round);
	}
	return rounds;
}

json_t *bench_report(struct bench *b)
{
	const struct bench_path *em = &b->path[BENCH_EMULATED], *vi = &b->path[BENCH_VIRTIO];
	const struct bench_path *vf = &b->path[BENCH_VF];
	unsigned int n = b->n_rounds;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:{s:o, s:o, s:o}, s:{s:f, s:f, s:f, s:f, s:f}, s:o}", "nic",
		"software 82576 (soft-nic)", "pf", b->pf, "calibration", report_calib(b), "tracing",
		report_tracing(b), "paths", em->name, report_path(b, em), vi->name,
		report_path(b, vi), vf->name, report_path(b, vf), "ratios", "rtt_p50_vf_vs_virtio",
		median_ratio(vf->p50_ns, vi->p50_ns, n), "mpps_64_vf_vs_virtio",
		median_ratio(vf->mpps_64, vi->mpps_64, n), "gbps_1518_vf_vs_virtio",
		median_ratio(vf->gbps_1518, vi->gbps_1518, n), "rtt_p50_vf_vs_emulated",
		median_ratio(vf->p50_ns, em->p50_ns, n), "mpps_64_vf_vs_emulated",
		median_ratio(vf->mpps_64, em->mpps_64, n), "rounds", report_rounds(b));
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
	const json_t *rtt = json_object_get(path, "rtt_ns"),
		     *traps = json_object_get(path, "traps");
	const json_t *traced = json_object_get(json_object_get(path, "traced"), "rtt");
	json_t *row = json_pack("{s:s}", "path", name);

	set_text(row, "p50", json_object_get(rtt, "p50"), 1e-3, "%.2f");
	set_text(row, "p99", json_object_get(rtt, "p99"), 1e-3, "%.2f");
	set_text(row, "p999", json_object_get(rtt, "p999"), 1e-3, "%.2f");
	set_text(row, "samples", json_object_get(path, "samples"), 1, "%.0f");
	set_text(row, "mpps", json_object_get(path, "mpps_64"), 1, "%.3f");
	set_text(row, "gbps", json_object_get(path, "gbps_1518"), 1, "%.2f");
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
		{"PATH", "path", false},
		{"RTT-P50-US", "p50", true},
		{"P99-US", "p99", true},
		{"P99.9-US", "p999", true},
		{"SAMPLES", "samples", true},
		{"MPPS-64B", "mpps", true},
		{"GBIT/S-1518B", "gbps", true},
		{"TRAPS/PKT", "traps", true},
		{"UNDER-LOAD", "load", true},
		{"KVM-EXITS/PKT", "kvm", true},
		{"WAKE-UPS/PKT", "wake", true},
		{"IRQS/PKT", "irq", true},
		{},
	};
	const json_t *paths = json_object_get(report, "paths"), *value;
	const json_t *calib = json_object_get(report, "calibration");
	json_auto_t *rows = json_array();
	const char *name, *source;
	int r;

	value = json_object_get(calib, "core_to_core_rtt_ns");
	printf("NIC: %s. ", json_string_value(json_object_get(report, "nic")));
	if (json_is_number(value))
		printf("Core-to-core round trip here: %.0f ns (best %.0f).\n",
		       json_number_value(value),
		       json_number_value(json_object_get(calib, "core_to_core_rtt_min_ns")));
	else
		printf("Core-to-core round trip: not measured.\n");
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
	print_tracing(json_object_get(report, "tracing"));
	printf("Medians over %zu rounds:\n", json_array_size(json_object_get(report, "rounds")));
	json_object_foreach (json_object_get(report, "ratios"), name, value)
		printf("  %-24s %.3f\n", name, json_number_value(value));
	return 0;
}

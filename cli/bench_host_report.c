/* SPDX-License-Identifier: BSD-3-Clause */
/* The result of the host bench as JSON: docs/bench-format.md. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cli/bench_goals.h>

#include "bench_host.h"
#include "bench_machine.h"
#include "revision.h"

/* Do the two CPUs share a core? */
static bool siblings(const struct bench_host *b)
{
	char path[96], list[64] = "";
	unsigned int first, last;
	FILE *f;

	bh_text(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		b->cpu_gen);
	f = fopen(path, "re");
	if (f && !fgets(list, sizeof(list), f))
		list[0] = '\0';
	if (f)
		fclose(f);
	for (const char *p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		int n = sscanf(p, "%u-%u", &first, &last);

		if ((n == 1 && first == b->cpu_switch) ||
		    (n == 2 && first <= b->cpu_switch && b->cpu_switch <= last))
			return true;
	}
	return false;
}

/* What the engine says of itself: how it is scheduled, and whether its memory stays. */
static int engine_says(const struct bench_host *b, json_t *machine)
{
	const char *mlock = "?", *fifo = "";
	int nice = 0;

	if (json_unpack(b->engine_ports, "{s:i, s:s}", "nice", &nice, "mlock", &mlock) < 0)
		return 0;
	if (b->alone_error)
		fifo = "; SCHED_FIFO was refused";
	else if (b->n_alone)
		fifo = "; SCHED_FIFO while a path that polls is measured, and 80 ms for others in "
		       "between";
	return json_object_update_new(machine,
				      json_pack("{s:o, s:o}", "sched",
						json_sprintf("nice %d%s", nice, fifo), "mlock",
						strcmp(mlock, "yes") ? json_sprintf("no: %s", mlock)
								     : json_string("yes")));
}

static json_t *machine(const struct bench_host *b)
{
	json_auto_t *m = bench_machine(json_sprintf("generator on CPU %u, switch on CPU %u%s",
						    b->cpu_gen, b->cpu_switch,
						    siblings(b) ? ", threads of one core" : ""));

	return m && engine_says(b, m) >= 0 ? json_incref(m) : NULL;
}

static json_t *paths(const struct bench_host *b)
{
	static const char *const states[] = {
		[BH_ABSENT] = "absent",
		[BH_FAILED] = "failed",
		[BH_READY] = "measured",
	};
	json_t *list = json_array();

	for (unsigned int i = 0; i < b->n_paths; i++) {
		const struct bh_path *p = &b->path[i];
		char what[BH_TEXT] = "";
		json_t *path;

		if (p->device)
			bh_device_text(p->device, what, sizeof(what));
		path = json_pack("{s:s, s:s, s:o, s:s, s:O, s:s}", "name", p->kind->name, "kind",
				 p->kind->ours ? "ours" : "peer", "what",
				 json_sprintf("%s%s%s", p->kind->what, *what ? ": " : "", what),
				 "version", p->version, "commands", p->commands, "state",
				 states[p->state]);
		if (p->device)
			json_object_set_new(path, "device", bh_device_json(p->device));
		if (*p->rung)
			json_object_set_new(path, "rung", json_string(p->rung));
		if (p->state != BH_READY)
			json_object_set_new(path, "reason", json_string(p->reason));
		json_array_append_new(list, path);
	}
	return list;
}

/* Register accesses a packet, where the NIC counts them. */
static json_t *traps(const struct bench_host *b)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < b->n_paths; i++) {
		const struct bh_path *p = &b->path[i];

		if (!p->ctl[0] || p->kind->start == bh_start_virtio || !p->packets)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:o}", "path", p->kind->name, "packets",
				  (json_int_t)p->packets, "messages", (json_int_t)p->messages,
				  "source",
				  json_sprintf("soft-nic's count of register messages, less %llu a "
					       "block that reading statistics takes",
					       (unsigned long long)p->messages_block)));
	}
	return list;
}

/* A generator that is the bottleneck would make paths look alike. */
static void note_ceiling(struct bench_host *b)
{
	double ceiling = json_number_value(json_object_get(b->calibration, "ceiling_mpps"));

	for (unsigned int i = 0; i < b->n_paths && ceiling > 0; i++)
		if (b->path[i].mpps > ceiling / 2)
			json_array_append_new(
				b->notes,
				json_sprintf("%s reaches %.1f Mpps, the generator alone %.1f: its "
					     "rate is limited by the generator",
					     b->path[i].kind->name, b->path[i].mpps, ceiling));
}

/* A reader must not take one device's figures for another's. */
static void note_device(struct bench_host *b)
{
	char what[BH_TEXT];

	if (!b->device.bdf[0][0])
		return;
	bh_device_text(&b->device, what, sizeof(what));
	json_array_append_new(
		b->notes, json_sprintf("vfio and igb-vf ran on %s: their figures compare with each "
				       "other, with no other path's%s",
				       what, b->device.qemu ? ", and are none of hardware" : ""));
}

json_t *bh_report(struct bench_host *b)
{
	char why[BH_TEXT];
	json_t *report;

	note_ceiling(b);
	note_device(b);
	json_array_append_new(b->notes, json_sprintf("seed of the order of paths: %llu",
						     (unsigned long long)b->opt->seed));
	report =
		json_pack("{s:s, s:i, s:s, s:O, s:s, s:s, s:o, s:O, s:o, s:O, s:o, s:O}", "format",
			  "sriovd-bench", "version", 1, "when", b->when, "command", b->opt->command,
			  "revision", SRIOVD_REVISION, "mode", b->plan.quick ? "quick" : "full",
			  "machine", machine(b), "calibration", b->calibration, "paths", paths(b),
			  "blocks", b->blocks, "traps", traps(b), "notes", b->notes);
	if (report && b->resets)
		json_object_set(report, "resets", b->resets);
	if (report && bench_judge(report, why, sizeof(why)) < 0)
		fprintf(stderr, "sriovctl bench: no verdicts: %s\n", why);
	return report;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* top: exits, interrupts and packets of every VM and interface, live. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include <cli/args.h>
#include <cli/exits.h>
#include "table.h"
#include "top.h"

#define IRQ_DIR "/sys/kernel/irq"

struct top {
	const struct cli *cli;
	struct exits *exits; /* NULL: no tracepoints, see why */
	char why[128];
	bool lines; /* one JSON object an interval */
	bool clear; /* the table stays in its place */
};

/* What was the case at one moment. */
struct moment {
	json_t *vms;
	uint64_t messages;
	struct timespec at;
};

static void moment_done(struct moment *m)
{
	json_decref(m->vms);
	m->vms = NULL;
}

/* The kernel's name of a VF's vector: "vfio-msix[0](0000:01:10.0)". */
static bool irq_is_of(const char *irq, const char *address)
{
	char path[sizeof(IRQ_DIR) + 280], name[128];
	bool is = false;
	FILE *f;

	snprintf(path, sizeof(path), IRQ_DIR "/%.255s/actions", irq);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(name, sizeof(name), f))
		is = !strncmp(name, "vfio-", 5) && strstr(name, address);
	fclose(f);
	return is;
}

/* Interrupts that a VF of the kernel's VFIO raises on the host, before they go on to a guest. */
static uint64_t host_interrupts(struct exits *x, const char *address)
{
	uint64_t n = 0, one;
	struct dirent *e;
	DIR *d = opendir(IRQ_DIR);

	while (d && (e = readdir(d))) {
		uint64_t irq;

		if (!args_uint(e->d_name, 0, UINT32_MAX, &irq) && irq_is_of(e->d_name, address) &&
		    exits_read_irq(x, (uint32_t)irq, &one) >= 0)
			n += one;
	}
	if (d)
		closedir(d);
	return n;
}

/* The VFs, those of the host's PFs with their interrupts. */
static json_t *look_vfs(struct top *t)
{
	json_auto_t *reply = NULL;
	json_t *vf, *vfs;
	size_t i;

	if (api_try(t->cli, "GET", "/v1/vfs", NULL, API_TIMEOUT_MS, &reply) < 0)
		return NULL;
	vfs = json_object_get(reply, "vfs");
	json_array_foreach (vfs, i, vf) {
		const char *address = json_string_value(json_object_get(vf, "address"));

		if (t->exits && address && json_object_get(vf, "net"))
			json_object_set_new(
				vf, "host_interrupts",
				json_integer((json_int_t)host_interrupts(t->exits, address)));
	}
	return json_incref(vfs);
}

static bool is_running(const json_t *vm)
{
	const char *state = json_string_value(json_object_get(vm, "state"));

	return state && !strcmp(state, "running");
}

static int look(struct top *t, struct moment *ret_moment)
{
	json_auto_t *reply = NULL, *vfs = NULL, *vms = json_array();
	const json_t *vm;
	size_t i;
	int r;

	r = api_call(t->cli, "GET", "/v1/vms", NULL, API_TIMEOUT_MS, &reply);
	if (r < 0)
		return r;
	clock_gettime(CLOCK_MONOTONIC, &ret_moment->at);
	ret_moment->messages = t->exits ? exits_messages(t->exits) : 0;
	json_array_foreach (json_object_get(reply, "vms"), i, vm) {
		uint32_t pid = (uint32_t)json_integer_value(json_object_get(vm, "pid"));
		struct exits_counts counts;
		bool traced;

		if (!is_running(vm))
			continue;
		if (!vfs)
			vfs = look_vfs(t);
		traced = t->exits && exits_read(t->exits, pid, &counts) >= 0;
		json_array_append_new(vms, top_vm(vm, vfs, traced ? &counts : NULL));
	}
	ret_moment->vms = json_incref(vms);
	return 0;
}

/* VMs that ended leave no record in the kernel. */
static void forget(struct top *t, const struct moment *before, const struct moment *now)
{
	const json_t *was, *is;
	size_t i, k;

	json_array_foreach (before->vms, i, was) {
		const json_t *pid = json_object_get(was, "pid");
		bool there = false;

		json_array_foreach (now->vms, k, is)
			there = there || json_equal(json_object_get(is, "pid"), pid);
		if (t->exits && !there)
			exits_forget(t->exits, (uint32_t)json_integer_value(pid));
	}
}

static json_t *result(const struct top *t, const struct moment *before, const struct moment *now)
{
	double seconds = (double)(now->at.tv_sec - before->at.tv_sec) +
			 (double)(now->at.tv_nsec - before->at.tv_nsec) * 1e-9;
	json_t *all = json_pack(
		"{s:I, s:f, s:s*, s:s*, s:o}", "time", (json_int_t)time(NULL), "interval_s",
		seconds, "tracepoints", t->exits ? exits_sources(t->exits) : NULL, "no_tracepoints",
		t->exits ? NULL : t->why, "vms", top_rates(before->vms, now->vms, seconds));

	if (t->exits)
		json_object_set_new(
			all, "msi_per_s",
			json_real((double)(now->messages - before->messages) / seconds));
	return all;
}

static const char *source_of(const json_t *vms, const char *key)
{
	const char *source = NULL;
	const json_t *vm;
	size_t i;

	json_array_foreach (vms, i, vm)
		if (!source)
			source = json_string_value(json_object_get(vm, key));
	return source ? source : "-";
}

static int show(const struct top *t, const json_t *all)
{
	const json_t *vms = json_object_get(all, "vms");
	char text[TOP_NUMBER_MAX], clock[16];
	time_t now = time(NULL);
	int r;

	if (t->lines) {
		if (json_dumpf(all, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF)
			return -EIO;
		return fflush(stdout) ? -EIO : 0;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	printf("%s%s  over %.1f s", t->clear ? "\033[H\033[J" : "", clock,
	       json_real_value(json_object_get(all, "interval_s")));
	if (t->exits) {
		top_number(json_object_get(all, "msi_per_s"), text);
		printf("  exits: %s  interrupts: %s  MSIs into all guests: %s/s\n",
		       source_of(vms, "exits_source"), source_of(vms, "interrupts_source"), text);
	} else {
		printf("  exits: %s  no tracepoints: %s\n", source_of(vms, "exits_source"), t->why);
	}
	r = json_array_size(vms) ? top_print(vms) : printf("no VM runs\n");
	return r < 0 || fflush(stdout) ? -EIO : 0;
}

static int watch(struct top *t, uint64_t interval_s, uint64_t count)
{
	const struct timespec pause = {.tv_sec = (time_t)interval_s};
	struct moment before = {}, now = {};
	int r;

	r = look(t, &before);
	for (uint64_t i = 0; r >= 0 && (!count || i < count); i++) {
		json_auto_t *all = NULL;

		nanosleep(&pause, NULL);
		r = look(t, &now);
		if (r < 0)
			break;
		all = result(t, &before, &now);
		r = all ? show(t, all) : -ENOMEM;
		forget(t, &before, &now);
		moment_done(&before);
		before = now;
		now = (struct moment){};
	}
	moment_done(&before);
	return r;
}

static int run_top(const struct cli *cli, const struct cli_args *args)
{
	uint64_t count = args_number(args, "count", args_text(args, "once") ? 1 : 0);
	struct top t = {.cli = cli};
	int r;

	t.lines = cli->json || !isatty(STDOUT_FILENO);
	t.clear = !t.lines && count != 1;
	/* without tracepoints there is less to see, not nothing */
	if (exits_open(t.why, sizeof(t.why), &t.exits) < 0)
		fprintf(stderr, "sriovctl top: no tracepoints: %s\n", t.why);
	r = watch(&t, args_number(args, "interval", 1), count);
	exits_close(t.exits);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static const struct cli_opt top_opts[] = {
	{"once", CLI_FLAG, NULL, NULL, 0, 0, "one interval"},
	{"interval", CLI_UINT, "S", NULL, 1, 3600, "seconds between looks (1)"},
	{"count", CLI_UINT, "N", NULL, 1, UINT32_MAX,
	 "so many intervals; without it, until stopped"},
	{},
};

const struct cli_cmd cmd_top[] = {
	{"top", "", "exits, interrupts and packets of VMs and interfaces, live", top_opts, run_top},
	{},
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of paths, and how any of them is brought up. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lib/clock.h>
#include <lib/pci_sysfs.h>

#include "bench_host.h"

#define ADD_MS	  20000u
#define WARM_MS	  5000u
#define SETTLE_US 20000

static const struct bh_kind kinds[] = {
	{"vf", true, "soft-nic, 2 VFs: one copy, MAC and VLAN lookup, source check, counters",
	 BH_TRAIT_AA | BH_TRAIT_LARGE | BH_TRAIT_BURST | BH_TRAIT_OPEN | BH_TRAIT_MACS, bh_start_vf,
	 NULL},
	{"vf8", true, "soft-nic, 8 VFs of which 2 are busy and 6 idle with running drivers",
	 BH_TRAIT_SELF, bh_start_vf8, bh_started_vf8},
	{"virtio", true, "sriov-bridge, learning switch on 2 vhost-user ports", BH_TRAIT_MACS,
	 bh_start_virtio, NULL},
	{"emulated", true, "the VF of path vf, every register access a message", BH_TRAIT_SLOW,
	 bh_start_emulated, NULL},
	{"vhost-packed", false, "DPDK vhost-user, packed rings, io forwarding without lookup",
	 BH_TRAIT_LARGE | BH_TRAIT_OPEN, bh_start_vhost_packed, NULL},
	{"vhost-split", false, "DPDK vhost-user, split rings, io forwarding without lookup", 0,
	 bh_start_vhost_split, NULL},
	{"ovs-dpdk", false, "Open vSwitch, userspace datapath, NORMAL action, 2 vhost-user ports",
	 BH_TRAIT_MACS, bh_start_ovs, NULL},
	{"vhost-default", false, "DPDK vhost-user and its driver without options, io forwarding",
	 BH_TRAIT_PLAIN, bh_start_vhost_default, NULL},
	{"ovs-dpdk-default", false, "Open vSwitch of path ovs-dpdk, no options on either side",
	 BH_TRAIT_PLAIN, bh_start_ovs, NULL},
	{"memif", false, "DPDK memif, io forwarding without lookup", 0, bh_start_memif, NULL},
	{"memif-default", false, "DPDK memif without options, io forwarding", BH_TRAIT_PLAIN,
	 bh_start_memif_default, NULL},
	/*
	 * After all that map the generator's memory: behind it, descriptors of that memory that
	 * the generator passes to a vhost-user peer cannot be mapped (DPDK 22.11).
	 */
	{"memif-zc", false, "DPDK memif, generator's side without copy, io forwarding", 0,
	 bh_start_memif_zc, NULL},
	{"kernel-bridge", false, "2 veth pairs on a Linux bridge, packet sockets", BH_TRAIT_SLOW,
	 bh_start_kernel, NULL},
	{"vfio", true, "our driver on 2 VFs of the kernel's VFIO, switched by their device",
	 BH_TRAIT_GIVEN, bh_start_vfio, NULL},
	{"igb-vf", false, "DPDK's own driver on the VFs of path vfio", BH_TRAIT_GIVEN,
	 bh_start_igb_vf, NULL},
};

static_assert(sizeof(kinds) / sizeof(*kinds) <= BH_PATHS_MAX, "a slot for each path");

int bh_path_fail(struct bh_path *p, const char *fmt, ...)
{
	va_list ap;

	p->state = BH_FAILED;
	va_start(ap, fmt);
	vsnprintf(p->reason, sizeof(p->reason), fmt, ap);
	va_end(ap);
	return -EIO;
}

int bh_path_absent(struct bh_path *p, const char *fmt, ...)
{
	va_list ap;

	p->state = BH_ABSENT;
	va_start(ap, fmt);
	vsnprintf(p->reason, sizeof(p->reason), fmt, ap);
	va_end(ap);
	return -ENOENT;
}

struct bh_proc *bh_path_proc(struct bh_path *p)
{
	return &p->proc[p->n_procs++];
}

/* Is @name among the comma-separated words of @list? */
static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *w = list; w; w = strchr(w, ',') ? strchr(w, ',') + 1 : NULL)
		if (!strncmp(w, name, len) && (w[len] == ',' || !w[len]))
			return true;
	return false;
}

static const struct bh_kind *known(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i].name) == len && !strncmp(kinds[i].name, word, len))
			return &kinds[i];
	return NULL;
}

/*
 * Without names: all that needs nothing. DPDK has 32 ports, which are taken when peers are there
 * with their defaults too: not beside VFs that were given.
 */
static bool chosen(const struct bh_options *opt, const struct bh_kind *kind)
{
	if (opt->only)
		return listed(opt->only, kind->name);
	if (kind->traits & BH_TRAIT_GIVEN)
		return opt->bdf;
	return !(kind->traits & BH_TRAIT_PLAIN) || !(opt->quick || opt->bdf);
}

int bh_paths_choose(struct bench_host *b)
{
	const char *only = b->opt->only;

	for (const char *w = only; w; w = strchr(w, ',') ? strchr(w, ',') + 1 : NULL) {
		size_t len = strcspn(w, ",");
		const struct bh_kind *kind = known(w, len);

		if (kind && (b->opt->bdf || !(kind->traits & BH_TRAIT_GIVEN)))
			continue;
		if (kind) {
			fprintf(stderr, "sriovctl bench: path %s needs --bdf BDF,BDF\n",
				kind->name);
			return -EINVAL;
		}
		fprintf(stderr, "sriovctl bench: no path '%.*s'; there are", (int)len, w);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			fprintf(stderr, " %s", kinds[i].name);
		fputc('\n', stderr);
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct bh_path *p = &b->path[b->n_paths];

		if (!chosen(b->opt, &kinds[i]))
			continue;
		*p = (struct bh_path){
			.kind = &kinds[i], .state = BH_FAILED, .commands = json_array()};
		if (!p->commands)
			return -ENOMEM;
		bh_text(p->reason, sizeof(p->reason), "not started");
		b->n_paths++;
	}
	return 0;
}

/* The process of @p that ended, if one did: the better reason. */
bool bh_path_dead(struct bh_path *p)
{
	char why[BH_TEXT];

	for (unsigned int i = 0; i < p->n_procs; i++) {
		if (bh_alive(&p->proc[i], why, sizeof(why)))
			continue;
		bh_path_fail(p, "%s", why);
		return true;
	}
	return false;
}

static int plug(struct bench_host *b, struct bh_path *p)
{
	char why[BH_TEXT];
	int r;

	r = bh_engine_ask(&b->engine,
			  json_pack("{s:s, s:s, s:[s, s], s:i}", "op", "add", "path", p->kind->name,
				    "ports", p->port[0], p->port[1], "timeout_ms", (int)ADD_MS),
			  ADD_MS + 10000, NULL, why);
	if (r < 0)
		bh_path_fail(p, "%s", why);
	p->plugged = r >= 0;
	return r;
}

int bh_path_plug(struct bench_host *b, struct bh_path *p)
{
	return p->kind->traits & BH_TRAIT_GIVEN ? plug(b, p) : 0;
}

int bh_path_unplug(struct bench_host *b, struct bh_path *p)
{
	char why[BH_TEXT];
	int r;

	if (!(p->kind->traits & BH_TRAIT_GIVEN) || !p->plugged)
		return 0;
	p->plugged = false;
	r = bh_engine_ask(&b->engine,
			  json_pack("{s:s, s:s}", "op", "remove", "path", p->kind->name), ADD_MS,
			  NULL, why);
	if (r < 0)
		bh_path_fail(p, "%s", why);
	return r;
}

static int add_ports(struct bench_host *b, struct bh_path *p)
{
	int r = plug(b, p);

	for (unsigned int i = 0; i < 2 && r >= 0; i++) {
		char text[300];

		bh_text(text, sizeof(text), "sriov-bench: %s%s",
			pcisys_bdf_ok(p->port[i]) ? "-a " : "--vdev=", p->port[i]);
		json_array_append_new(p->commands, json_string(text));
	}
	return r;
}

static int warm(struct bench_host *b, struct bh_path *p)
{
	char why[BH_TEXT];
	json_auto_t *answer = NULL;
	json_int_t received = 0;
	int r;

	r = bh_engine_ask(&b->engine,
			  json_pack("{s:s, s:s, s:i}", "op", "warm", "path", p->kind->name, "ms",
				    (int)WARM_MS),
			  WARM_MS + 10000, &answer, why);
	if (r < 0) {
		bh_path_fail(p, "%s", why);
		return r;
	}
	if (json_unpack(answer, "{s:I}", "received", &received) < 0 || received < 2)
		return bh_path_fail(p, "ports are there, but frames do not come through")
			       ? -EREMOTEIO
			       : 0;
	return 0;
}

/* Return: 0, also when the path does not come up; -EINTR; -EIO the engine is gone. */
static int start_path(struct bench_host *b, struct bh_path *p)
{
	int r;

	r = p->kind->start(b, p);
	if (r < 0)
		return r == -EINTR || *b->stop ? -EINTR : 0;
	r = add_ports(b, p);
	if (r == 0 && p->kind->started)
		r = p->kind->started(b, p);
	if (r == 0)
		r = warm(b, p);
	/* given VFs are the next path's now */
	if (r >= 0 || r == -EREMOTEIO)
		r = bh_path_unplug(b, p) ?: r;
	if (r < 0) {
		bh_path_dead(p);
		return r == -EREMOTEIO ? 0 : r;
	}
	p->state = BH_READY;
	p->reason[0] = '\0';
	clock_sleep_us(SETTLE_US);
	bh_park(p, true);
	return 0;
}

int bh_paths_start(struct bench_host *b)
{
	for (unsigned int i = 0; i < b->n_paths; i++) {
		struct bh_path *p = &b->path[i];
		int r = start_path(b, p);

		if (r < 0)
			return r;
		if (p->state == BH_READY) {
			fprintf(stderr, "bench: %-16s ready: %s\n", p->kind->name, p->kind->what);
			continue;
		}
		fprintf(stderr, "bench: %-16s %s: %s\n", p->kind->name,
			p->state == BH_ABSENT ? "absent" : "failed", p->reason);
		for (unsigned int j = 0; j < p->n_procs; j++)
			bh_kill(&p->proc[j]);
		p->n_procs = 0;
	}
	return 0;
}

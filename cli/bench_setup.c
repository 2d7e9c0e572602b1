/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "bench.h"

#define DETACH_MS      3000
#define CLEAN_TRIES    300
#define CLEAN_PAUSE_US 200000

int bench_init(struct bench *b, const struct cli *cli, const char *pf)
{
	static const struct bench_path paths[BENCH_PATHS] = {
		[BENCH_EMULATED] = {.name = "emulated",
				    .net = {"bench-em-a", "bench-em-b"},
				    .traits = BH_TRAIT_LARGE,
				    .trapped = true},
		[BENCH_VIRTIO] = {.name = "virtio",
				  .net = {"bench-vi-a", "bench-vi-b"},
				  .traits = BH_TRAIT_LARGE},
		[BENCH_VF] = {.name = "vf",
			      .net = {"bench-vf-a", "bench-vf-b"},
			      .traits = BH_TRAIT_LARGE | BH_TRAIT_AA},
	};
	time_t now = time(NULL);
	struct tm utc;

	memset(b, 0, sizeof(*b));
	b->cli = cli;
	b->pf = pf;
	b->cpu_guest = -1;
	b->blocks = json_array();
	b->notes = json_array();
	strftime(b->when, sizeof(b->when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	memcpy(b->path, paths, sizeof(paths));
	return b->blocks && b->notes ? 0 : -ENOMEM;
}

static bool exists(const struct cli *cli, const char *path)
{
	return api_try(cli, "GET", path, NULL, API_TIMEOUT_MS, NULL) >= 0;
}

/* A net that is attached is detached first; refusals are for the caller to try again. */
static int remove_net(const struct cli *cli, const char *name, const json_t *force)
{
	char net[API_PATH_MAX], detach[API_PATH_MAX];

	if (api_path(net, "nets", name, NULL) < 0 ||
	    api_path(detach, "nets", name, "detach", NULL) < 0)
		return -ENAMETOOLONG;
	if (!exists(cli, net))
		return 0;
	api_try(cli, "POST", detach, force, API_SLOW_TIMEOUT_MS, NULL);
	return api_try(cli, "DELETE", net, NULL, API_TIMEOUT_MS, NULL);
}

/* One pass over everything; how many things are still there. */
static int remove_all(const struct bench *b, const struct cli *cli, const char *vm)
{
	json_auto_t *force = json_pack("{s:b, s:i}", "force", 1, "deadline_ms", DETACH_MS);
	int left = 0;

	if (exists(cli, vm))
		left += api_try(cli, "DELETE", vm, force, API_SLOW_TIMEOUT_MS, NULL) < 0;
	for (unsigned int p = 0; p < BENCH_PATHS; p++)
		for (unsigned int i = 0; i < 2; i++)
			left += remove_net(cli, b->path[p].net[i], force) < 0;
	return left;
}

int bench_clean(const struct bench *b)
{
	struct cli cli = *b->cli;
	char vm[API_PATH_MAX];
	int left;

	cli.stop = NULL;
	if (api_path(vm, "vms", BENCH_VM, NULL) < 0)
		return -ENAMETOOLONG;
	if (exists(&cli, vm))
		fprintf(stderr, "bench: removing %s and its networks\n", BENCH_VM);
	/* busy with a measurement that was interrupted, or with cleaning up after a dead VM */
	for (unsigned int i = 0;; i++) {
		left = remove_all(b, &cli, vm);
		if (!left)
			return 0;
		if (i == CLEAN_TRIES)
			break;
		usleep(CLEAN_PAUSE_US);
	}
	fprintf(stderr,
		"sriovctl bench: %s or a network of it could not be removed; see 'sriovctl "
		"status', 'sriovctl net list'\n",
		BENCH_VM);
	return -EBUSY;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key)) ?: "";
}

int bench_check(struct bench *b)
{
	static json_t *pfs; /* b->pf points into it from here on */
	json_auto_t *vfs = NULL;
	unsigned int n_free = 0;
	const json_t *pf = NULL, *v;
	size_t i, n_vfs = 0;
	int r;

	r = api_call(b->cli, "GET", "/v1/pfs", NULL, API_TIMEOUT_MS, &pfs);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(pfs, "pfs"), i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));
		const char *kind = json_string_value(json_object_get(v, "kind"));
		/* what is measured beside it is software, too */
		bool suits =
			b->pf ? name && !strcmp(b->pf, name) : !kind || !strcmp(kind, "software");

		if (!pf && name && suits) {
			b->pf = name;
			pf = v;
		}
	}
	if (!pf) {
		fprintf(stderr, "sriovctl bench: no PF%s%s\n", b->pf ? " " : "",
			b->pf ? b->pf : "");
		return -ENOENT;
	}
	snprintf(b->nic, sizeof(b->nic), "%s", text_of(pf, "device"));
	snprintf(b->via, sizeof(b->via), "%s", text_of(pf, "nic"));
	r = api_call(b->cli, "GET", "/v1/vfs", NULL, API_TIMEOUT_MS, &vfs);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(vfs, "vfs"), i, v) {
		const char *of = json_string_value(json_object_get(v, "pf"));
		const char *state = json_string_value(json_object_get(v, "state"));

		if (!of || strcmp(of, b->pf))
			continue;
		n_vfs++;
		n_free += state && !strcmp(state, "free");
	}
	if (n_free < BENCH_VFS) {
		fprintf(stderr,
			"sriovctl bench: needs %u free VFs on %s, which has %u free of %zu; detach "
			"networks, or try 'sriovctl pf set %s --num-vfs N'\n",
			BENCH_VFS, b->pf, n_free, n_vfs, b->pf);
		return -ENOSPC;
	}
	return 0;
}

/* Who switches, and in words what a packet meets. */
static void describe(const struct bench *b, struct bench_path *p, const json_t *net)
{
	const char *bridge = text_of(net, "bridge");

	if (!strcmp(p->name, "vf") || !strcmp(text_of(net, "backend"), "nic"))
		snprintf(p->via, sizeof(p->via), "%s", b->via);
	else if (*bridge)
		snprintf(p->via, sizeof(p->via), "sriov-bridge %.40s", bridge);
	if (!strcmp(p->name, "vf"))
		snprintf(p->what, sizeof(p->what), "two VFs of %.40s, its embedded switch", b->nic);
	else if (p->trapped)
		snprintf(p->what, sizeof(p->what), "82576 each of whose accesses traps, %.60s",
			 p->via);
	else
		snprintf(p->what, sizeof(p->what), "virtio-net, vhost-user, %.60s", p->via);
}

static int add_net(const struct bench *b, struct bench_path *p, const char *name)
{
	json_auto_t *body = json_pack("{s:s}", "name", name), *attach = NULL, *net = NULL;
	char path[API_PATH_MAX];
	int r;

	if (!strcmp(p->name, "vf"))
		json_object_set_new(body, "pf", json_string(b->pf));
	r = api_call(b->cli, "POST", "/v1/nets", body, API_TIMEOUT_MS, NULL);
	if (r < 0)
		return r;
	attach = json_pack("{s:s, s:s}", "vm", BENCH_VM, "path", p->name);
	r = api_path(path, "nets", name, "attach", NULL);
	if (r < 0)
		return r;
	r = api_call(b->cli, "POST", path, attach, API_SLOW_TIMEOUT_MS, &net);
	if (r >= 0)
		describe(b, p, net);
	return r;
}

/* The processes whose threads are watched; one that is not found is not. */
static int find_processes(struct bench *b)
{
	json_auto_t *status = NULL;
	const json_t *child;
	char name[96];
	size_t i;
	int r;

	r = api_call(b->cli, "GET", "/v1/status", NULL, API_TIMEOUT_MS, &status);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(status, "children"), i, child) {
		pid_t pid = (pid_t)json_integer_value(json_object_get(child, "pid"));

		snprintf(name, sizeof(name), "%.30s %.60s", text_of(child, "kind"),
			 text_of(child, "name"));
		if (!strcmp(name, "sriov-vmm " BENCH_VM))
			b->vm_pid = pid;
		for (unsigned int p = 0; p < BENCH_PATHS; p++)
			if (!strcmp(name, b->path[p].via))
				b->path[p].switch_pid = pid;
	}
	return 0;
}

int bench_setup(struct bench *b)
{
	json_auto_t *vm = json_pack("{s:s}", "name", BENCH_VM);
	int r;

	fprintf(stderr, "bench: starting %s, two ports of each path\n", BENCH_VM);
	r = api_call(b->cli, "POST", "/v1/vms", vm, API_SLOW_TIMEOUT_MS, NULL);
	for (unsigned int p = 0; p < BENCH_PATHS && r >= 0; p++)
		for (unsigned int i = 0; i < 2 && r >= 0; i++)
			r = add_net(b, &b->path[p], b->path[p].net[i]);
	return r < 0 ? r : find_processes(b);
}

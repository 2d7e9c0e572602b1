/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages, locked memory, and sriovd itself. */
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "doctor.h"
#include "doctor_parse.h"

#define HUGE   "sys/kernel/mm/hugepages"
#define CONFIG "etc/sriovd/sriovd.json"
#define ASK_MS 5000u
#define VM_MIB 64u /* what a VM gets unless told otherwise */
#define MIB(x) ((x) >> 20)

/* ---- hugepages ---- */

struct huge {
	unsigned int sizes;
	uint64_t total, free;
};

static uint64_t number(const struct doctor *d, const char *size, const char *attr)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), HUGE "/%s/%s", size, attr);
	if (doc_line(d, path, text, sizeof(text)) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

/* "hugepages-2048kB" */
static bool one_size(struct doctor *d, const char *name, void *arg)
{
	uint64_t total, unused;
	struct huge *huge = arg;

	if (strncmp(name, "hugepages-", 10))
		return false;
	total = number(d, name, "nr_hugepages");
	unused = number(d, name, "free_hugepages");
	huge->sizes++;
	huge->total += total;
	huge->free += unused;
	if (total)
		doc_good(d, name, "%" PRIu64 " reserved, %" PRIu64 " free", total, unused);
	return false;
}

/* sriovd's configuration asks for them */
static bool huge_wanted(const struct doctor *d)
{
	_cleanup_(freep) char *text = doc_text(d, CONFIG);
	json_auto_t *config = text ? json_loads(text, 0, NULL) : NULL;

	return json_is_true(json_object_get(config, "hugepages"));
}

static void hugepages(struct doctor *d)
{
	static const char mend[] = "echo 512 > /proc/sys/vm/nr_hugepages";
	_cleanup_(freep) char *mounts = NULL;
	bool wanted = huge_wanted(d);
	struct huge huge = {};

	if (doc_each(d, HUGE, one_size, &huge) < 0 || !huge.sizes) {
		if (wanted)
			doc_bad(d, "hugepages", "take \"hugepages\" out of /" CONFIG,
				"sriovd.json asks for them; this kernel has none");
		else
			doc_good(d, "hugepages", "this kernel has none; none are asked for");
		return;
	}
	if (wanted && !huge.free)
		doc_bad(d, "hugepages", mend, "sriovd.json asks for them; %s",
			huge.total ? "all are in use" : "none are reserved");
	else if (!huge.total)
		doc_good(d, "hugepages", "none reserved; sriovd.json does not ask for them");
	if (!huge.total)
		return;
	mounts = doc_text(d, "proc/mounts");
	if (!mounts)
		doc_unknown(d, "hugetlbfs", "/proc/mounts: %s", strerror(errno));
	else if (strstr(mounts, " hugetlbfs "))
		doc_good(d, "hugetlbfs", "mounted");
	else
		doc_bad(d, "hugetlbfs",
			"mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages",
			"hugepages are reserved and hugetlbfs is mounted nowhere: sriov-bridge "
			"does "
			"without");
}

/* ---- locked memory ---- */

static void judge_memlock(struct doctor *d, const char *name, const char *mend, uint64_t limit,
			  bool ipc_lock)
{
	if (limit == UINT64_MAX)
		doc_good(d, name, "RLIMIT_MEMLOCK is unlimited");
	else if (ipc_lock)
		doc_good(d, name, "CAP_IPC_LOCK: RLIMIT_MEMLOCK (%" PRIu64 " KiB) does not bind it",
			 limit >> 10);
	else if (!d->n_nics)
		doc_good(d, name, "RLIMIT_MEMLOCK does not matter: no SR-IOV NIC");
	else if (MIB(limit) < VM_MIB)
		doc_bad(d, name, mend,
			"RLIMIT_MEMLOCK is %" PRIu64 " KiB: a VM of %u MiB cannot be pinned for a "
			"VF",
			limit >> 10, VM_MIB);
	else
		doc_good(d, name,
			 "RLIMIT_MEMLOCK is %" PRIu64 " MiB: enough for VM memory x VFs up to that",
			 MIB(limit));
}

static void memlock_of(struct doctor *d, const char *pid, const char *name, const char *mend)
{
	_cleanup_(freep) char *limits = NULL;
	_cleanup_(freep) char *status = NULL;
	uint64_t limit, caps = 0;
	char path[64];

	snprintf(path, sizeof(path), "proc/%s/limits", pid);
	limits = doc_text(d, path);
	snprintf(path, sizeof(path), "proc/%s/status", pid);
	status = doc_text(d, path);
	if (!limits || doc_memlock(limits, &limit) < 0) {
		doc_unknown(d, name, "/proc/%s/limits cannot be read", pid);
		return;
	}
	if (!status || doc_caps(status, &caps) < 0)
		caps = 0;
	judge_memlock(d, name, mend, limit, caps & 1u << CAP_IPC_LOCK);
}

/* Not running: what its unit would give it. */
static bool memlock_of_unit(struct doctor *d)
{
	static const char *const dirs[] = {"etc/systemd/system", "usr/local/lib/systemd/system",
					   "usr/lib/systemd/system", "lib/systemd/system"};
	char path[64], value[32];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		_cleanup_(freep) char *unit = NULL;

		snprintf(path, sizeof(path), "%s/sriovd.service", dirs[i]);
		unit = doc_text(d, path);
		if (!unit)
			continue;
		if (!doc_setting(unit, "LimitMEMLOCK", value, sizeof(value)))
			doc_bad(d, "memlock-sriovd", "systemctl edit sriovd: LimitMEMLOCK=infinity",
				"/%s has no LimitMEMLOCK: systemd's default binds", path);
		else
			doc_good(d, "memlock-sriovd", "LimitMEMLOCK=%s in /%s", value, path);
		return true;
	}
	return false;
}

void doc_memory(struct doctor *d)
{
	char pid[24];

	d->area = "memory";
	hugepages(d);
	if (d->status) {
		snprintf(pid, sizeof(pid), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(d->status, "pid")));
		memlock_of(
			d, pid, "memlock-sriovd",
			"systemctl edit sriovd: LimitMEMLOCK=infinity; systemctl restart sriovd");
	} else if (!memlock_of_unit(d)) {
		memlock_of(d, "self", "memlock", "ulimit -l unlimited");
	}
}

/* ---- sriovd ---- */

void doc_ask_daemon(struct doctor *d, const struct cli *cli)
{
	int r = api_try(cli, "GET", "/v1/status", NULL, ASK_MS, &d->status);

	if (r >= 0)
		r = api_try(cli, "GET", "/v1/pfs", NULL, ASK_MS, &d->pfs);
	/* a status alone is an answer */
	d->daemon_error = d->status ? 0 : r;
}

void doc_daemon(struct doctor *d)
{
	const json_t *problems, *one;
	const char *text;
	char name[32];
	size_t i;

	d->area = "sriovd";
	if (d->daemon_error == -ENOENT) {
		doc_unknown(d, "answers",
			    "it does not run: there is no socket; start it with "
			    "\"systemctl start sriovd\"");
		return;
	}
	if (d->daemon_error == -EACCES || d->daemon_error == -EPERM) {
		doc_unknown(d, "answers", "this user may not connect to its socket");
		return;
	}
	if (d->daemon_error < 0) {
		doc_bad(d, "answers", "systemctl restart sriovd",
			"its socket is there, but it does not answer: %s",
			strerror(-d->daemon_error));
		return;
	}
	text = json_string_value(json_object_get(d->status, "version"));
	doc_good(d, "answers", "version %s, %" JSON_INTEGER_FORMAT " s up", text ? text : "-",
		 json_integer_value(json_object_get(d->status, "uptime_s")));
	problems = json_object_get(d->status, "problems");
	if (!json_array_size(problems))
		doc_good(d, "problems", "none");
	json_array_foreach (problems, i, one) {
		snprintf(name, sizeof(name), "problem-%zu", i + 1);
		text = json_string_value(one);
		doc_bad(d, name, "see sriovctl status, and the logs in its run directory", "%s",
			text ? text : "-");
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any request a client can write. Input: one byte that picks method and path (or, when it is high,
 * a path that follows up to a newline), then the body: as it is, or, with PAIRS set, an object
 * whose keys and values the bytes pick. Several requests a run, separated by 0xff, so that later
 * ones meet what earlier ones made. No process answers, so every operation runs until its first
 * child and undoes itself; sriovd_rig_reset() aborts when a hold or an attachment stayed.
 */
#include <lib/log.h>
#include <stdio.h>
#include <string.h>
#include <support/sriovd_rig.h>

#define REQUESTS_MAX 8
#define PATH_MAX_LEN 200u
#define PAIRS	     0x40u
#define PAIRS_MAX    8u
#define BODY_MAX     512u
#define N(a)	     (sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *method, *path;
} calls[] = {
	{"GET", "/v1/status"},
	{"GET", "/v1/pfs/p0"},
	{"PATCH", "/v1/pfs/p0"},
	{"GET", "/v1/vfs"},
	{"POST", "/v1/nets"},
	{"POST", "/v1/nets/a/attach"},
	{"POST", "/v1/nets/a/detach"},
	{"DELETE", "/v1/nets/a"},
	{"GET", "/v1/nets/a/verify"},
	{"GET", "/v1/nets"},
	{"POST", "/v1/pfs"},
	{"DELETE", "/v1/pfs/p0"},
	{"GET", "/v1/pfs"},
	{"GET", "/v1/events"},
	{"POST", "/v1/vms"},
	{"DELETE", "/v1/vms/vm1"},
	{"DELETE", "/v1/vms/vm2"},
	{"GET", "/v1/vms/vm2"},
	{"POST", "/v1/vms/vm2/start"},
	{"POST", "/v1/vms/vm2/stop"},
	{"POST", "/v1/vms/vm1/request"},
	{"GET", "/v1/vms/vm1/console"},
	{"POST", "/v1/shutdown"},
};
static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};

static const char *const keys[] = {
	"name",	       "mac",	     "vlan",	    "vlan_qos",	   "spoofchk",	 "pf",
	"vm",	       "path",	     "force",	    "num_vfs",	   "vms",	 "timeout_ms",
	"deadline_ms", "memory_mib", "kind",	    "a",	   "b",		 "x",
	"vlan_proto",  "trust",	     "min_tx_rate", "max_tx_rate", "link_state", "device",
	"driver",      "define",     "autostart",   "kernel",	   "cpus",	 "disks"};
static const char *const values[] = {
	"\"a\"",
	"\"b\"",
	"\"vm1\"",
	"\"vm2\"",
	"\"p0\"",
	"\"p1\"",
	"\"vf\"",
	"\"virtio\"",
	"\"emulated\"",
	"\"802.1ad\"",
	"\"disable\"",
	"\"0000:01:00.0\"",
	"\"sriov-pf\"",
	"\"ping\"",
	"\"\"",
	"0",
	"1",
	"4",
	"8",
	"9",
	"64",
	"4094",
	"4095",
	"-1",
	"1e3",
	"true",
	"false",
	"null",
	"[]",
	"{}",
	"\"02:00:00:00:00:01\"",
	"\"01:00:00:00:00:01\"",
	"9223372036854775807",
	"\"\\u0000\"",
};

static size_t pairs(const uint8_t *data, size_t size, char body[BODY_MAX])
{
	size_t n = (size_t)snprintf(body, BODY_MAX, "{");

	for (size_t i = 0; i + 1 < size && i / 2 < PAIRS_MAX; i += 2)
		n += (size_t)snprintf(body + n, BODY_MAX - n, "%s\"%s\":%s", i ? "," : "",
				      keys[data[i] % N(keys)], values[data[i + 1] % N(values)]);
	n += (size_t)snprintf(body + n, BODY_MAX - n, "}");
	return n;
}

static void request(struct sriovd *d, const uint8_t *data, size_t size)
{
	const char *method = methods[data[0] & 3];
	const char *end, *body = (const char *)data + 1;
	size_t len = size - 1;
	char path[PATH_MAX_LEN], built[BODY_MAX];
	uint8_t pick = data[0] & (uint8_t)~PAIRS;
	json_t *answer;
	int status = 0;

	if (pick < N(calls)) {
		method = calls[pick].method;
		strcpy(path, calls[pick].path);
		if (data[0] & PAIRS) {
			len = pairs(data + 1, size - 1, built);
			body = built;
		}
	} else {
		size_t n;

		end = memchr(body, '\n', len);
		n = end ? (size_t)(end - body) : len;
		if (n >= sizeof(path))
			return;
		memcpy(path, body, n);
		path[n] = '\0';
		n += end ? 1 : 0;
		body += n;
		len -= n;
	}
	answer = sriovd_rig_call(d, method, path, body, len, &status);
	if (!answer || status < 200 || status > 599 ||
	    (status < 300) == !!json_object_get(answer, "error"))
		abort();
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sriovd d;
	static bool ready;

	if (!ready) {
		log_set_level(LOG_LEVEL_ERROR);
		if (sriovd_rig_open(&d) < 0)
			abort();
		ready = true;
	}
	for (int i = 0; i < REQUESTS_MAX && size > 0; i++) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t n = end ? (size_t)(end - data) : size;

		if (n > 0)
			request(&d, data, n);
		n += end ? 1 : 0;
		data += n;
		size -= n;
	}
	sriovd_rig_reset(&d);
	return 0;
}

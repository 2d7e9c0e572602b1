/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Definitions of VMs, as files and requests bring them. What is accepted is in range, ends inside
 * its buffers, fits the ledger, and is the same when the ledger gives it back.
 */
#include <sriovd/ledger.h>
#include <sriovd/vm_spec.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vm_spec *spec)
{
	static struct vm_spec back;
	struct op_error e;
	json_t *json = vm_spec_json(spec);
	char *text;

	if (spec->cpus < 1 || spec->cpus > VM_CPUS_MAX || spec->n_disks > VM_DISKS_MAX ||
	    spec->memory_mib < VM_MEMORY_MIN_MIB || spec->memory_mib > VM_MEMORY_MAX_MIB)
		abort();
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text || strlen(text) >= LEDGER_SPEC)
		abort();
	if (vm_spec_decode(json, "row", &back, &e) < 0 || memcmp(&back, spec, sizeof(back)) != 0)
		abort();
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vm_request rq;
	struct op_error e = {};
	json_t *body;

	if (size > 65536 || memchr(data, '[', size) != memrchr(data, '[', size))
		return 0; /* depth is bounded before, by api.c */
	body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (!body)
		return 0;
	memset(&rq, 0, sizeof(rq));
	if (vm_request_decode(body, "request", &rq, &e) >= 0) {
		if (!name_valid(rq.name))
			abort();
		check(&rq.spec);
	} else if (e.http != HTTP_BAD_INPUT || !e.text[0] ||
		   strnlen(e.text, sizeof(e.text)) == sizeof(e.text)) {
		abort();
	}
	json_decref(body);
	return 0;
}

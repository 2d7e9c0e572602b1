#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* One request in, one answer out: docs/bench-engine.md. */
#include "bench_run.h"
#include <jansson.h>

struct fp_engine {
	struct fp_bench bench;
	struct fp_bpath *paths;
	bool hugepages;
	int lock_error; /* its memory is not locked: negative errno; 0: it is */
	bool quit;
};

/**
 * fp_engine_ask() - do what the line @text of @len bytes asks for
 *
 * Context: the generator's thread; as long as the request says. Return: the answer, the caller's;
 *          NULL without memory. Source: docs/bench-engine.md.
 */
json_t *fp_engine_ask(struct fp_engine *e, const char *text, size_t len);

/** fp_engine_done() - remove all paths. Context: the generator's thread. Source: -. */
void fp_engine_done(struct fp_engine *e);

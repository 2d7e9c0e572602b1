/* SPDX-License-Identifier: BSD-3-Clause */
/* Exits, wake-ups and interrupts a packet by the kernel's tracepoints: what the VMM cannot see. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "bench.h"
#include <cli/exits.h>
#include "top.h"

#define RTT_TRAPPED 2000 /* those that trap take hundreds of times as long */
#define RTT_DIRECT  50000
#define LOAD_US	    500000
#define FRAME_64    60
#define TIMEOUT_US  60000000

struct trace {
	struct bench *b;
	struct exits *exits;
	json_t *vm; /* as it is with all ports attached */
	uint32_t pid;
};

static const json_t *device_of(const struct trace *t, const char *net)
{
	const json_t *device;
	size_t i;

	json_array_foreach (json_object_get(t->vm, "devices"), i, device) {
		const char *id = json_string_value(json_object_get(device, "id"));

		if (id && !strcmp(id, net))
			return device;
	}
	return NULL;
}

static int read_counts(const struct trace *t, const struct bench_path *p,
		       struct bench_traced *ret_counts)
{
	struct exits_counts c;
	int r = exits_read(t->exits, t->pid, &c);

	if (r < 0) {
		fprintf(stderr, "sriovctl bench: tracepoints: %s\n", strerror(-r));
		return r;
	}
	*ret_counts = (struct bench_traced){
		.kvm = c.kvm, .user = c.user, .mmio = c.mmio, .wakeups = c.wakeups};
	for (unsigned int i = 0; i < 2; i++)
		ret_counts->interrupts += top_interrupts(device_of(t, p->net[i]), &c);
	snprintf(t->b->interrupt_source, sizeof(t->b->interrupt_source), "%s", c.interrupt_source);
	return 0;
}

/* One request with the counters around it; @packets a frame that came through. */
static int traced(const struct trace *t, const struct bench_path *p, json_t *body,
		  unsigned int packets, struct bench_traced *ret_traced)
{
	json_auto_t *result = NULL;
	struct bench_traced before, after;
	json_int_t received;
	int r;

	r = read_counts(t, p, &before);
	if (r < 0) {
		json_decref(body);
		return r;
	}
	r = bench_request(t->b, body, &result);
	if (r < 0)
		return r;
	r = read_counts(t, p, &after);
	if (r < 0)
		return r;
	received = json_integer_value(json_object_get(result, "received"));
	*ret_traced = (struct bench_traced){
		.packets = received > 0 ? packets * (uint64_t)received : 0,
		.kvm = after.kvm - before.kvm,
		.user = after.user - before.user,
		.mmio = after.mmio - before.mmio,
		.wakeups = after.wakeups - before.wakeups,
		.interrupts = after.interrupts - before.interrupts,
	};
	return 0;
}

static int trace_path(const struct trace *t, struct bench_path *p)
{
	int n = p == &t->b->path[BENCH_EMULATED] ? RTT_TRAPPED : RTT_DIRECT;
	int r;

	r = traced(t, p,
		   json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "kind", "rtt", "a", p->net[0], "b",
			     p->net[1], "frame_bytes", FRAME_64, "count", n, "timeout_us",
			     TIMEOUT_US),
		   2, &p->rtt_traced);
	if (r < 0)
		return r;
	return traced(t, p,
		      json_pack("{s:s, s:s, s:s, s:i, s:b, s:i, s:i}", "kind", "throughput", "a",
				p->net[0], "b", p->net[1], "frame_bytes", FRAME_64, "bidir", 1,
				"duration_us", LOAD_US, "timeout_us", TIMEOUT_US),
		      1, &p->load_traced);
}

int bench_trace(struct bench *b)
{
	_cleanup_(exits_closep) struct exits *exits = NULL;
	json_auto_t *vm = NULL;
	struct trace t;
	int r;

	r = exits_open(b->no_tracepoints, sizeof(b->no_tracepoints), &exits);
	if (r < 0) {
		fprintf(stderr, "bench: no tracepoints: %s\n", b->no_tracepoints);
		return 0;
	}
	r = api_call(b->cli, "GET", "/v1/vms/" BENCH_VM, NULL, API_TIMEOUT_MS, &vm);
	if (r < 0)
		return r;
	fprintf(stderr, "bench: exits, wake-ups and interrupts by tracepoints\n");
	t = (struct trace){
		.b = b,
		.exits = exits,
		.vm = vm,
		.pid = (uint32_t)json_integer_value(json_object_get(vm, "pid")),
	};
	for (unsigned int i = 0; i < BENCH_PATHS && r >= 0; i++) {
		if (b->path[i].failed)
			continue;
		r = trace_path(&t, &b->path[i]);
		if (r == -EIO) {
			bench_failed(b, &b->path[i]);
			fputc('\n', stderr);
			r = 0;
		}
		if (r < 0 && r != -EINTR)
			fprintf(stderr, "sriovctl bench: %s: %s\n", b->path[i].name,
				*b->why ? b->why : strerrordesc_np(-r));
	}
	if (r >= 0)
		snprintf(b->tracepoints, sizeof(b->tracepoints), "%s", exits_sources(exits));
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_ops.h"
#include "bench_json.h"

#include <inttypes.h>
#include <lib/clock.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_version.h>
#include <string.h>
#include <sys/resource.h>

/* both ports' rings full, what both ways hold, and the pool's cache */
#define MBUFS(ring)    (4u * (ring) + 2048u)
#define RING_DEFAULT   256
#define RING_MIN       64
#define RING_MAX       4096
#define WARM_FRAMES    256u
#define MS_MAX	       60000
#define SIZE_MIN       64
#define SIZE_MAX_BENCH 1518

#define REFUSED(...) json_pack("{s:b, s:o}", "ok", false, "error", json_sprintf(__VA_ARGS__))

static struct fp_bpath *path_find(struct fp_engine *e, const char *name)
{
	for (struct fp_bpath *p = e->paths; p; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static json_t *port_json(const struct fp_bport *p)
{
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1], p->mac[2],
		 p->mac[3], p->mac[4], p->mac[5]);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:b}", "vdev", p->vdev, "driver", p->driver,
			 "mac", mac, "rx_ring", (int)p->rx_ring, "tx_ring", (int)p->tx_ring, "gone",
			 atomic_load(&p->gone));
}

static json_t *path_json(const struct fp_bpath *p)
{
	return json_pack("{s:s, s:[o, o]}", "path", p->name, "ports", port_json(&p->port[0]),
			 port_json(&p->port[1]));
}

static json_t *op_ports(struct fp_engine *e, json_t *q)
{
	json_t *paths = json_array();

	for (const struct fp_bpath *p = e->paths; p; p = p->next)
		json_array_append_new(paths, path_json(p));
	return json_pack("{s:b, s:i, s:i, s:b, s:s, s:i, s:s, s:o}", "ok", true, "cpu",
			 e->bench.cpu[0], "switch_cpu", e->bench.cpu[1], "hugepages", e->hugepages,
			 "mlock", e->lock_error ? strerrordesc_np(-e->lock_error) : "yes", "nice",
			 getpriority(PRIO_PROCESS, 0), "dpdk", rte_version(), "paths", paths);
}

static json_t *op_add(struct fp_engine *e, json_t *q)
{
	_cleanup_(fp_path_freep) struct fp_bpath *p = NULL;
	const char *op, *name, *vdev[2];
	int ring = RING_DEFAULT, timeout_ms = 5000, r;
	struct fp_bpath **last = &e->paths;
	json_error_t err;
	json_t *answer;

	if (json_unpack_ex(q, &err, JSON_STRICT, "{s:s, s:s, s:[s, s], s?i, s?i}", "op", &op,
			   "path", &name, "ports", &vdev[0], &vdev[1], "ring", &ring, "timeout_ms",
			   &timeout_ms) < 0)
		return REFUSED("add: %s", err.text);
	if (ring < RING_MIN || ring > RING_MAX || timeout_ms < 0 || timeout_ms > MS_MAX)
		return REFUSED("add: ring is %d to %d, timeout_ms 0 to %d", RING_MIN, RING_MAX,
			       MS_MAX);
	if (path_find(e, name))
		return REFUSED("path %s is there already", name);
	r = fp_path_new(name, MBUFS((unsigned int)ring), &p);
	if (r == -EINVAL)
		return REFUSED("%.40s is no name of a path", name);
	if (r < 0)
		return REFUSED("path %s: no memory for its buffers (--memory-mb)", name);
	for (unsigned int i = 0; i < 2 && r == 0; i++)
		r = fp_path_plug(p, i, vdev[i], (uint16_t)ring);
	if (r == 0)
		r = fp_path_wait(p, (uint64_t)timeout_ms * USEC_PER_MSEC);
	if (r < 0)
		return REFUSED("path %s: %s", name, p->why);
	answer = path_json(p);
	json_object_set_new(answer, "ok", json_true());
	while (*last)
		last = &(*last)->next;
	*last = TAKE_PTR(p);
	return answer;
}

static json_t *op_remove(struct fp_engine *e, json_t *q)
{
	const char *op, *name;
	json_error_t err;

	if (json_unpack_ex(q, &err, JSON_STRICT, "{s:s, s:s}", "op", &op, "path", &name) < 0)
		return REFUSED("remove: %s", err.text);
	for (struct fp_bpath **p = &e->paths; *p; p = &(*p)->next)
		if (strcmp((*p)->name, name) == 0) {
			struct fp_bpath *gone = *p;

			*p = gone->next;
			fp_path_free(gone);
			return json_pack("{s:b}", "ok", true);
		}
	return REFUSED("there is no path %.40s", name);
}

/* The numbers that requests have in common are within bounds, and the path can be measured. */
static json_t *check(struct fp_engine *e, const char *op, const char *name, int size, int burst,
		     int discard_ms, int ms, struct fp_bpath **ret_path)
{
	struct fp_bpath *p = path_find(e, name);

	if (!p)
		return REFUSED("there is no path %.40s", name);
	if (fp_path_gone(p))
		return REFUSED("path %s: a port's device went away", name);
	if (size < SIZE_MIN || size > SIZE_MAX_BENCH)
		return REFUSED("%s: size is %d to %d (throughput: or 0)", op, SIZE_MIN,
			       SIZE_MAX_BENCH);
	if (burst < 1 || burst > (int)FP_BENCH_BURST_MAX)
		return REFUSED("%s: burst is 1 to %u", op, FP_BENCH_BURST_MAX);
	if (discard_ms < 0 || discard_ms > MS_MAX || ms < 1 || ms > MS_MAX)
		return REFUSED("%s: times are up to %d ms", op, MS_MAX);
	*ret_path = p;
	return NULL;
}

static json_t *op_warm(struct fp_engine *e, json_t *q)
{
	struct fp_run run = {.size = SIZE_MIN, .burst = 32, .credit = 64, .both = true};
	_cleanup_(freep) struct fp_block *block = calloc(1, sizeof(*block));
	const char *op, *name;
	struct fp_bpath *p;
	json_error_t err;
	json_t *refused;
	int ms = 2000;

	if (!block || json_unpack_ex(q, &err, JSON_STRICT, "{s:s, s:s, s?i}", "op", &op, "path",
				     &name, "ms", &ms) < 0)
		return REFUSED("warm: %s", block ? err.text : "no memory");
	refused = check(e, op, name, SIZE_MIN, 1, 0, ms, &p);
	if (refused)
		return refused;
	run.measure_us = (uint64_t)ms * USEC_PER_MSEC;
	if (fp_run_warm(&e->bench, p, &run, WARM_FRAMES, block) < 0)
		return REFUSED("path %s: %" PRIu64 " frames sent, %" PRIu64
			       " arrived within %d ms, %u each way were wanted",
			       name, block->sent, block->received, ms, WARM_FRAMES);
	return fp_block_json(block);
}

static bool mode_of(const char *text, enum fp_mode *ret)
{
	static const char *const names[] = {
		[FP_MODE_CREDIT] = "credit", [FP_MODE_FLOOD] = "flood", [FP_MODE_RATE] = "rate"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum fp_mode)i;
			return true;
		}
	return false;
}

static json_t *op_throughput(struct fp_engine *e, json_t *q)
{
	const char *op, *name, *direction = "both", *mode = "credit";
	int size = 64, burst = 32, discard_ms = 100, measure_ms = 500, credit = 192;
	int sources = 1, destinations = 1;
	_cleanup_(freep) struct fp_block *block = calloc(1, sizeof(*block));
	struct fp_run run = {0};
	struct fp_flow probe;
	struct fp_bpath *p;
	json_error_t err;
	json_t *j;

	if (!block ||
	    json_unpack_ex(q, &err, JSON_STRICT,
			   "{s:s, s:s, s?i, s?i, s?s, s?i, s?i, s?s, s?F, s?i, s?i, s?i}", "op",
			   &op, "path", &name, "size", &size, "burst", &burst, "direction",
			   &direction, "discard_ms", &discard_ms, "measure_ms", &measure_ms, "mode",
			   &mode, "mpps", &run.mpps, "credit", &credit, "sources", &sources,
			   "destinations", &destinations) < 0)
		return REFUSED("throughput: %s", block ? err.text : "no memory");
	j = check(e, op, name, size ? size : SIZE_MIN, burst, discard_ms, measure_ms, &p);
	if (j)
		return j;
	if (!mode_of(mode, &run.mode))
		return REFUSED("throughput: mode is credit, flood or rate");
	if (strcmp(direction, "both") != 0 && strcmp(direction, "one") != 0)
		return REFUSED("throughput: direction is both or one");
	if (credit < 1 || credit > RING_MAX)
		return REFUSED("throughput: credit is 1 to %d", RING_MAX);
	run.sources = (uint32_t)sources;
	run.destinations = (uint32_t)destinations;
	if (!fp_flow_spread(&probe, run.sources, run.destinations))
		return REFUSED("throughput: sources and destinations are powers of two up to %u",
			       FP_FLOW_ADDRESSES);
	run.size = (uint32_t)size;
	run.burst = (uint32_t)burst;
	run.credit = (uint32_t)credit;
	run.both = direction[0] == 'b';
	run.discard_us = (uint64_t)discard_ms * USEC_PER_MSEC;
	run.measure_us = (uint64_t)measure_ms * USEC_PER_MSEC;
	if (fp_run_throughput(&e->bench, p, &run, block) < 0)
		return REFUSED("throughput: mode rate takes mpps above 0");
	j = fp_block_json(block);
	fp_window_json(block, run.size, e->bench.tsc_hz, j);
	return j;
}

static json_t *op_pingpong(struct fp_engine *e, json_t *q)
{
	_cleanup_(freep) struct fp_block *block = calloc(1, sizeof(*block));
	int size = 64, count = 0, ms = 500, discard = 1000;
	struct fp_run run = {0};
	const char *op, *name;
	struct fp_bpath *p;
	json_error_t err;
	json_t *j;

	if (!block || json_unpack_ex(q, &err, JSON_STRICT, "{s:s, s:s, s?i, s?i, s?i, s?i}", "op",
				     &op, "path", &name, "size", &size, "count", &count, "ms", &ms,
				     "discard", &discard) < 0)
		return REFUSED("pingpong: %s", block ? err.text : "no memory");
	j = check(e, op, name, size, 1, 0, ms, &p);
	if (j)
		return j;
	if (count < 0 || discard < 0)
		return REFUSED("pingpong: count and discard are not negative");
	run.size = (uint32_t)size;
	run.count = (uint64_t)count;
	run.discard = (uint64_t)discard;
	run.measure_us = (uint64_t)ms * USEC_PER_MSEC;
	fp_run_pingpong(&e->bench, p, &run, block);
	j = fp_block_json(block);
	json_object_set_new(j, "hist", fp_hist_json(&block->hist, e->bench.tsc_hz));
	json_object_set_new(j, "timeouts", json_integer((json_int_t)block->timeouts));
	return j;
}

static json_t *open_json(const struct fp_block *b, uint64_t tsc_hz)
{
	double us = (double)b->window_ticks * 1e6 / (double)tsc_hz;
	json_t *j = fp_block_json(b);

	json_object_set_new(j, "hist", fp_hist_json(&b->hist, tsc_hz));
	json_object_set_new(j, "hist_actual", fp_hist_json(&b->hist_actual, tsc_hz));
	json_object_set_new(j, "offered_mpps", json_real(us > 0 ? (double)b->window_sent / us : 0));
	json_object_set_new(j, "late", json_integer((json_int_t)b->late));
	json_object_set_new(j, "unsent", json_integer((json_int_t)b->unsent));
	return j;
}

static json_t *op_open(struct fp_engine *e, json_t *q)
{
	_cleanup_(freep) struct fp_block *block = calloc(1, sizeof(*block));
	int size = 64, burst = 1, discard_ms = 100, ms = 500, seed = 1;
	const char *op, *name, *schedule = "poisson";
	struct fp_run run = {0};
	struct fp_bpath *p;
	json_error_t err;
	json_t *j;

	if (!block ||
	    json_unpack_ex(q, &err, JSON_STRICT, "{s:s, s:s, s:F, s?i, s?i, s?s, s?i, s?i, s?i}",
			   "op", &op, "path", &name, "mpps", &run.mpps, "size", &size, "burst",
			   &burst, "schedule", &schedule, "discard_ms", &discard_ms, "ms", &ms,
			   "seed", &seed) < 0)
		return REFUSED("open: %s", block ? err.text : "no memory");
	j = check(e, op, name, size, burst, discard_ms, ms, &p);
	if (j)
		return j;
	if (strcmp(schedule, "poisson") != 0 && strcmp(schedule, "constant") != 0)
		return REFUSED("open: schedule is poisson or constant");
	run.poisson = schedule[0] == 'p';
	run.size = (uint32_t)size;
	run.burst = (uint32_t)burst;
	run.seed = (uint64_t)seed;
	run.discard_us = (uint64_t)discard_ms * USEC_PER_MSEC;
	run.measure_us = (uint64_t)ms * USEC_PER_MSEC;
	if (fp_run_open(&e->bench, p, &run, block) < 0)
		return REFUSED("open: %g million frames a second in bursts of %d cannot be",
			       run.mpps, burst);
	return open_json(block, e->bench.tsc_hz);
}

/* Two ports whose rings are crossed: what the generator reaches when a switch costs nothing. */
static double ceiling(struct fp_engine *e)
{
	const struct fp_run run = {.size = SIZE_MIN,
				   .burst = 32,
				   .credit = 192,
				   .both = true,
				   .discard_us = 50 * USEC_PER_MSEC,
				   .measure_us = 200 * USEC_PER_MSEC};
	_cleanup_(freep) struct fp_block *block = calloc(1, sizeof(*block));
	struct rte_ring *ring[2] = {NULL};
	struct fp_bpath *p = NULL;
	double mpps = 0;
	int id[2] = {-1, -1};

	ring[0] = rte_ring_create("ceiling0", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	ring[1] = rte_ring_create("ceiling1", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (block && ring[0] && ring[1] && fp_path_new("ceiling", MBUFS(256u), &p) == 0) {
		for (unsigned int i = 0; i < 2; i++) {
			char name[] = "ceilingN";

			name[7] = (char)('0' + i);
			id[i] = rte_eth_from_rings(name, &ring[i], 1, &ring[!i], 1, SOCKET_ID_ANY);
		}
		if (id[0] >= 0 && id[1] >= 0 && fp_path_adopt(p, 0, (uint16_t)id[0], 256) == 0 &&
		    fp_path_adopt(p, 1, (uint16_t)id[1], 256) == 0 &&
		    fp_run_throughput(&e->bench, p, &run, block) == 0 && block->window_ticks)
			mpps = (double)block->window_received * (double)e->bench.tsc_hz / 1e6 /
			       (double)block->window_ticks;
	}
	fp_path_free(p);
	for (unsigned int i = 0; i < 2; i++) {
		void *m;

		while (ring[i] && rte_ring_dequeue(ring[i], &m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(ring[i]);
	}
	return mpps;
}

static json_t *op_calibrate(struct fp_engine *e, json_t *q)
{
	struct fp_calib c;
	int r = fp_calibrate(e->bench.cpu, e->bench.tsc_hz, &c);

	if (r < 0)
		return REFUSED("calibrate: %s", strerror(-r));
	return fp_calib_json(&c, e->bench.tsc_hz, ceiling(e));
}

static json_t *op_quit(struct fp_engine *e, json_t *q)
{
	e->quit = true;
	return json_pack("{s:b}", "ok", true);
}

static const struct op {
	const char *name;
	json_t *(*run)(struct fp_engine *e, json_t *q);
	bool plain; /* takes no key but op */
} ops[] = {
	{"add", op_add, false},	      {"calibrate", op_calibrate, true},
	{"open", op_open, false},     {"pingpong", op_pingpong, false},
	{"ports", op_ports, true},    {"quit", op_quit, true},
	{"remove", op_remove, false}, {"throughput", op_throughput, false},
	{"warm", op_warm, false},
};

json_t *fp_engine_ask(struct fp_engine *e, const char *text, size_t len)
{
	_cleanup_(json_decrefp) json_t *q = NULL;
	const char *name;
	json_error_t err;

	q = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
	if (!q)
		return REFUSED("no JSON: %s", err.text);
	name = json_string_value(json_object_get(q, "op"));
	if (!name)
		return REFUSED("a request has a string \"op\"");
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (strcmp(ops[i].name, name) == 0) {
			if (ops[i].plain && json_object_size(q) != 1)
				return REFUSED("%s takes nothing else", name);
			return ops[i].run(e, q);
		}
	return REFUSED("there is no operation %.40s", name);
}

void fp_engine_done(struct fp_engine *e)
{
	while (e->paths) {
		struct fp_bpath *p = e->paths;

		e->paths = p->next;
		fp_path_free(p);
	}
}

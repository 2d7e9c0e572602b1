/* SPDX-License-Identifier: BSD-3-Clause */
/* guest.request: a measurement asked of the guest, its answer checked, what it trapped counted. */
#include <arpa/inet.h>
#include <lib/clock.h>
#include <string.h>
#include "control.h"
#include "guest_link.h"
#include "hotplug.h"

#define REQUEST_TIMEOUT_US UINT64_C(10000000)
#define REQUEST_MAX_US	   (UINT64_C(3600) * USEC_PER_SEC)
#define REQUEST_GRACE_US   UINT64_C(2000000) /* for the answer to arrive after the guest gave up */
#define BURST		   32
#define FRAME_BYTES	   60

struct request_params {
	const char *kind, *a, *b;
	int frame_bytes, bidir, burst;
	json_int_t count, warmup, duration_us, warmup_us, timeout_us;
	json_t *dst;
};

static uint32_t kind_parse(const char *kind)
{
	static const char *const kinds[] = {
		[GUEST_REQ_PING] = "ping",
		[GUEST_REQ_RTT] = "rtt",
		[GUEST_REQ_THROUGHPUT] = "throughput",
	};

	for (uint32_t i = GUEST_REQ_PING; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kind, kinds[i]))
			return i;
	}
	return GUEST_REQ_NONE;
}

/* "10.1.2.3", or the number in host order. */
static int address_parse(json_t *j, uint32_t *ret_ipv4)
{
	struct in_addr in;

	if (!j) {
		*ret_ipv4 = 0;
		return 0;
	}
	if (json_is_integer(j)) {
		if (json_integer_value(j) < 0 || json_integer_value(j) > UINT32_MAX)
			return -EINVAL;
		*ret_ipv4 = (uint32_t)json_integer_value(j);
		return 0;
	}
	if (!json_is_string(j) || inet_pton(AF_INET, json_string_value(j), &in) != 1)
		return -EINVAL;
	*ret_ipv4 = ntohl(in.s_addr);
	return 0;
}

static int slot_parse(struct control *c, const char *id, uint32_t *ret_slot)
{
	int slot;

	if (!id) {
		*ret_slot = 0;
		return 0;
	}
	slot = hotplug_slot_find(&c->vm, id);
	if (slot < 0)
		return slot;
	*ret_slot = (uint32_t)slot;
	return 0;
}

static bool numbers_ok(const struct request_params *p)
{
	const json_int_t n[] = {p->frame_bytes, p->burst,     p->count,	    p->warmup,
				p->duration_us, p->warmup_us, p->timeout_us};

	for (unsigned int i = 0; i < ARRAY_SIZE(n); i++) {
		if (n[i] < 0)
			return false;
	}
	return (uint64_t)p->duration_us <= REQUEST_MAX_US &&
	       (uint64_t)p->warmup_us <= REQUEST_MAX_US &&
	       (uint64_t)p->timeout_us <= REQUEST_MAX_US;
}

static struct guest_req request_build(const struct request_params *p)
{
	return (struct guest_req){
		.kind = kind_parse(p->kind),
		.frame_bytes = (uint32_t)p->frame_bytes,
		.bidir = p->bidir ? 1 : 0,
		.count = (uint64_t)p->count,
		.warmup = (uint64_t)p->warmup,
		.duration_us = (uint64_t)p->duration_us,
		.warmup_us = (uint64_t)p->warmup_us,
		.timeout_us = (uint64_t)p->timeout_us,
		.burst = (uint32_t)p->burst,
	};
}

int method_guest_request(struct ctl_req *req, json_t *params, int *fds, size_t n_fds,
			 void *userdata)
{
	struct request_params p = {.frame_bytes = FRAME_BYTES,
				   .burst = BURST,
				   .count = 1,
				   .timeout_us = (json_int_t)REQUEST_TIMEOUT_US};
	struct control *c = userdata;
	struct guest_req g;
	int r;

	(void)fds;
	(void)n_fds;
	if (ctl_unpack(req, params, "{s:s, s:s, s?s, s?i, s?b, s?I, s?I, s?I, s?I, s?I, s?i, s?o",
		       "kind", &p.kind, "a", &p.a, "b", &p.b, "frame_bytes", &p.frame_bytes,
		       "bidir", &p.bidir, "count", &p.count, "warmup", &p.warmup, "duration_us",
		       &p.duration_us, "warmup_us", &p.warmup_us, "timeout_us", &p.timeout_us,
		       "burst", &p.burst, "dst_ipv4", &p.dst) < 0)
		return -EINVAL;
	if (!numbers_ok(&p))
		return ctl_fail(req, -ERANGE, "a number is negative or beyond an hour");
	g = request_build(&p);
	if (address_parse(p.dst, &g.dst_ipv4) < 0)
		return ctl_fail(req, -EINVAL, "dst_ipv4 is no IPv4 address");
	if (slot_parse(c, p.a, &g.slot_a) < 0 || slot_parse(c, p.b, &g.slot_b) < 0)
		return ctl_fail(req, -ENOENT, "no such device: a %s, b %s", p.a, p.b ? p.b : "-");

	control_traps(c, &g, &c->traps);
	r = guest_request_send(&c->vm, &g);
	if (r < 0)
		return ctl_fail(req, r, "the guest cannot be asked that (now)");
	r = control_wait(c, WAIT_REQUEST, req, "",
			 g.timeout_us + g.duration_us + g.warmup_us + REQUEST_GRACE_US);
	if (r < 0) {
		guest_request_drop(&c->vm);
		return ctl_fail(req, r, "too many requests wait");
	}
	control_tick(c);
	return 0;
}

static json_t *hist_json(const struct hist *h)
{
	json_t *buckets = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		if (h->bucket[i])
			json_array_append_new(
				buckets, json_pack("[i, I]", (int)i, (json_int_t)h->bucket[i]));
	}
	return json_pack("{s:I, s:I, s:I, s:o}", "n", (json_int_t)h->n, "min", (json_int_t)h->min,
			 "max", (json_int_t)h->max, "buckets", buckets);
}

static json_t *gaps_json(const struct guest_gaps *g)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t)g->n, "max", (json_int_t)g->max,
			 "lost", (json_int_t)g->lost, "stalled", (json_int_t)g->stalled);
}

/* A function that left meanwhile took its counters along. */
static json_int_t since(uint64_t now, uint64_t start)
{
	return now > start ? (json_int_t)(now - start) : 0;
}

void request_answer(struct control *c, struct waiter *w, const struct guest_res *res)
{
	struct ctl_req *req = TAKE_PTR(w->req);
	struct traps now;
	json_t *traps;

	w->what = WAIT_NONE;
	control_traps(c, &c->vm.req, &now);
	traps = json_pack(
		"{s:I, s:I, s:I, s:s}", "bar_exits", since(now.bar_exits, c->traps.bar_exits),
		"messages", since(now.messages, c->traps.messages), "kvm_exits",
		since(now.kvm_exits, c->traps.kvm_exits), "source", control_exit_source(c));
	ctl_reply(req,
		  json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "error",
			    (json_int_t)res->error, "sent", (json_int_t)res->sent, "received",
			    (json_int_t)res->received, "bytes", (json_int_t)res->bytes, "ticks",
			    (json_int_t)res->ticks, "lost", (json_int_t)res->lost, "corrupt",
			    (json_int_t)res->corrupt, "tsc_khz", (json_int_t)c->vm.tsc_khz, "gaps",
			    gaps_json(&res->gaps), "hist", hist_json(&res->hist), "traps", traps));
}

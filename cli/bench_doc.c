/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_doc.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench_read.h"

static void read_machine(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	struct rd r = rd_object(top, root, "machine", RD_MUST);

	doc->kernel = rd_text(&r, "kernel", RD_MUST);
	doc->cpu = rd_text(&r, "cpu", RD_MUST);
	doc->cpus = (unsigned int)rd_uint(&r, "cpus", RD_MUST, 1, 1 << 16);
	doc->hypervisor = rd_text(&r, "hypervisor", RD_MUST);
	doc->topology = rd_text(&r, "topology", RD_MUST);
	doc->kvm = rd_text(&r, "kvm", RD_MAY);
	doc->memory = rd_text(&r, "memory", RD_MAY);
	doc->sched = rd_text(&r, "sched", RD_MAY);
	doc->mlock = rd_text(&r, "mlock", RD_MAY);
}

/* Pairs of bytes and ns, of which three sizes are told. */
static void read_memcpy(struct rd *r, struct bench_doc *doc)
{
	static const unsigned int sizes[] = {64, 1518, 16 << 20};
	const json_t *list = rd_list(r, r->o, "memcpy", RD_MAY, 16), *o;
	size_t i;

	for (i = 0; i < 3; i++)
		doc->memcpy_ns[i] = BENCH_NONE;
	json_array_foreach (list, i, o) {
		struct rd item = rd_item(r, "memcpy", i, o);
		uint64_t bytes = rd_uint(&item, "bytes", RD_MUST, 0, RD_INT_MAX);
		double ns = rd_number(&item, "ns", RD_MUST);

		for (unsigned int k = 0; k < 3; k++)
			if (bytes == sizes[k])
				doc->memcpy_ns[k] = ns;
	}
}

static void read_calibration(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	struct rd r = rd_object(top, root, "calibration", RD_MUST), c2c, o;

	doc->tsc_hz = rd_number(&r, "tsc_hz", RD_MUST);
	doc->invariant = rd_bool(&r, "invariant");
	c2c = rd_object(&r, r.o, "c2c", RD_MAY);
	o = rd_object(&c2c, c2c.o, "same_line", c2c.o ? RD_MUST : RD_MAY);
	doc->c2c_min_ns = rd_number(&o, "min", o.o ? RD_MUST : RD_MAY);
	doc->c2c_ns = rd_number(&o, "median", o.o ? RD_MUST : RD_MAY);
	o = rd_object(&c2c, c2c.o, "two_lines", RD_MAY);
	doc->c2c_two_ns = rd_number(&o, "median", RD_MAY);
	read_memcpy(&r, doc);
	o = rd_object(&r, r.o, "wake_us", RD_MAY);
	doc->wake_us = rd_number(&o, "median", RD_MAY);
	o = rd_object(&r, r.o, "clock", RD_MAY);
	doc->clock_ns = rd_number(&o, "tsc_ns", RD_MAY);
	doc->null_mpps = rd_number(&r, "ceiling_mpps", RD_MAY);
}

static void read_paths(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	static const char *const kinds[] = {"peer", "ours", NULL};
	static const char *const states[] = {"measured", "failed", "absent", NULL};
	const json_t *list = rd_list(top, root, "paths", RD_MUST, BENCH_PATHS_MAX), *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct rd r = rd_item(top, "paths", i, o);
		struct bench_way *w = &doc->path[i];

		w->name = rd_text(&r, "name", RD_MUST);
		if (!*w->name || strlen(w->name) > 32 ||
		    w->name[strspn(w->name, "abcdefghijklmnopqrstuvwxyz0123456789._-")])
			rd_bad(&r, "name", "is not a path's name");
		if (bench_doc_path(doc, w->name) >= 0)
			rd_bad(&r, "name", "was there before");
		doc->n_paths++;
		w->ours = rd_choice(&r, "kind", kinds);
		w->what = rd_text(&r, "what", RD_MUST);
		w->version = rd_text(&r, "version", RD_MAY);
		w->commands = rd_texts(&r, "commands", RD_MUST, 64);
		w->state = (enum bench_state)rd_choice(&r, "state", states);
		w->reason = rd_text(&r, "reason", RD_MAY);
		w->rung = rd_text(&r, "rung", RD_MAY);
	}
}

static void read_buckets(struct rd *r, const json_t *list, struct bench_hist *h)
{
	const json_t *pair;
	uint64_t sum = 0;
	double last = -1;
	size_t i;

	h->bucket = calloc(json_array_size(list) + 1, sizeof(*h->bucket));
	if (!h->bucket) {
		r->error = -ENOMEM;
		return;
	}
	json_array_foreach (list, i, pair) {
		const json_t *upper = json_array_get(pair, 0), *count = json_array_get(pair, 1);
		json_int_t n = json_integer_value(count);

		if (json_array_size(pair) != 2 || !json_is_number(upper) ||
		    !json_is_integer(count) || json_number_value(upper) <= last || n < 1 ||
		    (uint64_t)n > RD_INT_MAX) {
			rd_bad(r, "buckets", "are not ascending pairs");
			return;
		}
		last = json_number_value(upper);
		h->bucket[i] = (struct bench_bucket){last, (uint64_t)n};
		h->n_buckets++;
		sum += (uint64_t)n;
	}
	if (sum != h->n)
		rd_bad(r, "buckets", "do not add up to n");
}

static void read_hist(struct rd *block, const char *key, enum rd_need need, struct bench_hist *h)
{
	struct rd r = rd_object(block, block->o, key, need);
	const json_t *list;

	if (!r.o)
		return;
	if (strcmp(rd_text(&r, "unit", RD_MUST), "ns"))
		rd_bad(&r, "unit", "is not ns");
	h->n = rd_uint(&r, "n", RD_MUST, 0, RD_INT_MAX);
	h->min_ns = rd_number(&r, "min", RD_MUST);
	h->max_ns = rd_number(&r, "max", RD_MUST);
	if (h->min_ns > h->max_ns)
		rd_bad(&r, "min", "is above max");
	list = rd_list(&r, r.o, "buckets", RD_MUST, BENCH_BUCKETS_MAX);
	if (!*r.top->why)
		read_buckets(&r, list, h);
}

static void read_drops(struct rd *r, struct bench_block *b)
{
	const json_t *n, *o;
	const char *name;
	size_t i;

	b->drops = rd_list(r, r->o, "drops", RD_MAY, 8);
	json_array_foreach (b->drops, i, o) {
		if (!json_is_object(o) || json_object_size(o) > 64)
			rd_bad(r, "drops", "has something else than objects of counts");
		json_object_foreach ((json_t *)o, name, n)
			if (!json_is_integer(n) || json_integer_value(n) < 0)
				rd_bad(r, "drops", "has something else than counts");
	}
}

static void read_counts(struct rd *r, struct bench_block *b)
{
	struct rd gaps = rd_object(r, r->o, "gaps", RD_MUST);

	b->gaps = rd_uint(&gaps, "over20us", RD_MUST, 0, RD_INT_MAX);
	b->gap_max_us = rd_number(&gaps, "max_us", RD_MUST);
	b->sent = rd_uint(r, "sent", RD_MUST, 0, RD_INT_MAX);
	b->received = rd_uint(r, "received", RD_MUST, 0, RD_INT_MAX);
	b->missing = rd_uint(r, "missing", RD_MUST, 0, RD_INT_MAX);
	b->corrupt = rd_uint(r, "corrupt", RD_MUST, 0, RD_INT_MAX);
	read_drops(r, b);
}

/* What was asked for; a file that does not tell was asked for what was offered, rounded. */
static void read_load(struct rd *r, struct bench_block *b)
{
	bool must = b->mode == BENCH_RATE || b->repeats == BENCH_OPEN;
	double offered = rd_number(r, "offered_mpps", must ? RD_MUST : RD_MAY), step;

	b->share = rd_number(r, "share", RD_MAY);
	b->asked_mpps = rd_number(r, "asked_mpps", RD_MAY);
	if (b->asked_mpps < 0 && offered > 0) {
		step = pow(10, floor(log10(offered)) - 1);
		offered = round(offered / step) * step;
	}
	if (b->asked_mpps < 0)
		b->asked_mpps = offered;
}

/* Each test has modes of its own. */
static bool mode_fits(enum bench_test test, enum bench_mode mode)
{
	switch (test) {
	case BENCH_THROUGHPUT:
		return mode == BENCH_CREDIT || mode == BENCH_FLOOD || mode == BENCH_RATE;
	case BENCH_OPEN:
		return mode == BENCH_POISSON || mode == BENCH_CONSTANT;
	case BENCH_PINGPONG:
		return mode == BENCH_ONE;
	case BENCH_AA:
		break;
	}
	return false;
}

static void read_what(struct rd *r, struct bench_doc *doc, struct bench_block *b)
{
	static const char *const tests[] = {"throughput", "pingpong", "open", "aa", NULL};
	static const char *const modes[] = {"credit",	"flood", "rate", "poisson",
					    "constant", "one",	 NULL};
	static const char *const directions[] = {"one", "both", NULL};
	int path = bench_doc_path(doc, rd_text(r, "path", RD_MUST));

	if (path < 0)
		rd_bad(r, "path", "is none of paths");
	b->path = (unsigned int)path;
	b->round = (unsigned int)rd_uint(r, "round", RD_MUST, 0, BENCH_N_ROUNDS - 1);
	b->order = (unsigned int)rd_uint(r, "order", RD_MUST, 0, BENCH_BLOCKS_MAX);
	b->test = b->repeats = (enum bench_test)rd_choice(r, "test", tests);
	if (b->test == BENCH_AA) {
		b->repeats = (enum bench_test)rd_choice(r, "repeats", tests);
		if (b->repeats > BENCH_PINGPONG)
			rd_bad(r, "repeats", "is neither throughput nor pingpong");
	}
	b->mode = (enum bench_mode)rd_choice(r, "mode", modes);
	if (!mode_fits(b->repeats, b->mode))
		rd_bad(r, "mode", "is none of this test");
	b->size = (unsigned int)rd_uint(r, "size", RD_MUST, 0, 65536);
	b->burst = (unsigned int)rd_uint(r, "burst", RD_MUST, 1, 4096);
	b->both = rd_choice(r, "direction", directions);
	b->sources = (unsigned int)rd_uint(r, "sources", RD_MAY, 1, 65536);
	b->destinations = (unsigned int)rd_uint(r, "destinations", RD_MAY, 1, 65536);
}

static void read_block(struct rd *r, struct bench_doc *doc, struct bench_block *b)
{
	read_what(r, doc, b);
	read_load(r, b);
	b->valid = rd_bool(r, "valid");
	b->why = rd_texts(r, "why", RD_MUST, 64);
	b->steal_ms = rd_number(r, "steal_ms", RD_MUST);
	read_counts(r, b);
	b->mpps = rd_number(r, "mpps", b->repeats == BENCH_THROUGHPUT ? RD_MUST : RD_MAY);
	b->gbps = rd_number(r, "gbps", b->repeats == BENCH_THROUGHPUT ? RD_MUST : RD_MAY);
	b->busy_cycles = rd_number(r, "busy_cycles", RD_MAY);
	b->switch_cycles = rd_number(r, "switch_cycles", RD_MAY);
	b->c2c_ns = rd_number(r, "c2c_ns", RD_MAY);
	read_hist(r, "hist", b->repeats == BENCH_THROUGHPUT ? RD_MAY : RD_MUST, &b->hist);
	read_hist(r, "hist_actual", RD_MAY, &b->actual);
}

static void read_blocks(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	const json_t *list = rd_list(top, root, "blocks", RD_MUST, BENCH_BLOCKS_MAX), *o;
	size_t i;

	doc->block = calloc(json_array_size(list) + 1, sizeof(*doc->block));
	if (!doc->block) {
		top->error = -ENOMEM;
		return;
	}
	json_array_foreach (list, i, o) {
		struct rd r = rd_item(top, "blocks", i, o);

		doc->n_blocks++;
		read_block(&r, doc, &doc->block[i]);
		if (top->error)
			return;
	}
}

static void read_facts(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	const json_t *list = rd_list(top, root, "traps", RD_MAY, BENCH_PATHS_MAX), *o;
	struct rd r = rd_object(top, root, "instructions", RD_MAY);
	size_t i;

	doc->soft_nic_instructions = rd_number(&r, "soft_nic", RD_MAY);
	doc->vf_driver_instructions = rd_number(&r, "vf_driver", RD_MAY);
	doc->igb_pmd_instructions = rd_number(&r, "igb_pmd", RD_MAY);
	doc->instructions_how = rd_text(&r, "how", r.o ? RD_MUST : RD_MAY);

	json_array_foreach (list, i, o) {
		struct bench_trap *t = &doc->trap[i];

		r = rd_item(top, "traps", i, o);
		t->path = rd_text(&r, "path", RD_MUST);
		t->packets = rd_number(&r, "packets", RD_MUST);
		t->messages = rd_number(&r, "messages", RD_MAY);
		t->kvm_exits = rd_number(&r, "kvm_exits", RD_MAY);
		t->interrupts = rd_number(&r, "interrupts", RD_MAY);
		t->wakeups = rd_number(&r, "wakeups", RD_MAY);
		t->source = rd_text(&r, "source", RD_MUST);
		if (t->packets < 1)
			rd_bad(&r, "packets", "is none");
		doc->n_traps++;
	}

	r = rd_object(top, root, "resets", RD_MAY);
	doc->have_resets = r.o;
	if (!r.o)
		return;
	doc->reset_trials = rd_number(&r, "trials", RD_MUST);
	doc->reset_frames = rd_number(&r, "frames", RD_MUST);
	doc->reset_lost = rd_number(&r, "lost", RD_MUST);
	doc->reset_how = rd_text(&r, "how", RD_MUST);
}

static void read_all(struct rd *top, const json_t *root, struct bench_doc *doc)
{
	static const char *const modes[] = {"quick", "full", NULL};
	static const char *const places[] = {"host", "guest", NULL};

	if (json_is_string(json_object_get(root, "where")))
		doc->guest = rd_choice(top, "where", places);
	doc->when = rd_text(top, "when", RD_MUST);
	doc->revision = rd_text(top, "revision", RD_MUST);
	doc->mode = modes[rd_choice(top, "mode", modes)];
	doc->command = rd_texts(top, "command", RD_MUST, 64);
	doc->notes = rd_texts(top, "notes", RD_MAY, 64);
	read_machine(top, root, doc);
	read_calibration(top, root, doc);
	read_paths(top, root, doc);
	if (!top->error)
		read_blocks(top, root, doc);
	read_facts(top, root, doc);
}

int bench_doc_decode(json_t *root, char *why, size_t size, struct bench_doc **ret_doc)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = calloc(1, sizeof(*doc));
	const char *format = json_string_value(json_object_get(root, "format"));
	struct rd top = {.o = root, .why = why, .size = size};

	if (!doc)
		return -ENOMEM;
	top.top = &top;
	*why = '\0';
	if (!format || strcmp(format, "sriovd-bench")) {
		snprintf(why, size, "not the result of a benchmark: format is not sriovd-bench");
		return format ? -EPROTONOSUPPORT : -EBADMSG;
	}
	if (json_integer_value(json_object_get(root, "version")) != 1) {
		snprintf(why, size, "made by another version: version is not 1");
		return -EPROTONOSUPPORT;
	}
	doc->root = json_incref(root);
	read_all(&top, root, doc);
	if (top.error) {
		if (top.error == -ENOMEM)
			snprintf(why, size, "out of memory");
		return top.error;
	}
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

int bench_doc_parse(const char *text, size_t len, char *why, size_t size,
		    struct bench_doc **ret_doc)
{
	json_auto_t *root = NULL;
	json_error_t e;

	if (len > BENCH_FILE_MAX) {
		snprintf(why, size, "larger than %u MiB", BENCH_FILE_MAX >> 20);
		return -EFBIG;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!root) {
		snprintf(why, size, "no JSON: line %d: %s", e.line, e.text);
		return -EBADMSG;
	}
	return bench_doc_decode(root, why, size, ret_doc);
}

/* To the end of the file, and a byte more than is allowed to know that it is too long. */
static int read_file(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	} while (n && len < size);
	*ret_len = len;
	return 0;
}

int bench_doc_read(const char *file, char *why, size_t size, struct bench_doc **ret_doc)
{
	_cleanup_(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_(freep) char *text = NULL;
	struct stat st;
	size_t len = 0;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		snprintf(why, size, "%s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, size, "not a regular file");
		return -EINVAL;
	}
	if (st.st_size > BENCH_FILE_MAX)
		return bench_doc_parse("", (size_t)st.st_size, why, size, ret_doc);
	/* it may grow meanwhile */
	text = malloc((size_t)st.st_size + 2);
	r = text ? read_file(fd, text, (size_t)st.st_size + 1, &len) : -ENOMEM;
	if (r < 0) {
		snprintf(why, size, "%s", strerror(-r));
		return r;
	}
	return bench_doc_parse(text, len, why, size, ret_doc);
}

void bench_doc_free(struct bench_doc *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; i < doc->n_blocks; i++) {
		bench_hist_done(&doc->block[i].hist);
		bench_hist_done(&doc->block[i].actual);
	}
	free(doc->block);
	json_decref(doc->root);
	free(doc);
}

int bench_doc_path(const struct bench_doc *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->n_paths; i++)
		if (!strcmp(doc->path[i].name, name))
			return (int)i;
	return -1;
}

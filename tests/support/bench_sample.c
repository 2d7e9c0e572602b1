/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/bench_sample.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LABEL "SYNTHETIC: made up by a test, nothing was measured"

struct way {
	const char *name, *kind, *what, *state, *reason;
	double mpps, gbps, rtt_ns, cycles;
};

static const struct way ways[] = {
	{"vf", "ours", "software NIC", "measured", NULL, 14.2, 38, 420, 61},
	{"vf8", "ours", "software NIC with 8 VFs", "measured", NULL, 13.9, 37, 430, 62},
	{"virtio", "ours", "sriov-bridge, split rings", "measured", NULL, 4.4, 27, 1350, 139},
	{"emulated", "ours", "VF with every access trapped", "measured", NULL, 0.05, 0.4, 41000,
	 900},
	{"vhost-packed", "peer", "testpmd io, packed rings", "measured", NULL, 6.3, 31, 760, 120},
	{"vhost-split", "peer", "testpmd io, split rings", "measured", NULL, 5.6, 30, 900, 131},
	{"memif", "peer", "testpmd io", "measured", NULL, 7.6, 33, 700, 104},
	{"memif-zc", "peer", "testpmd io, zero copy", "failed", "it <said> \"no\" & ended", 0, 0, 0,
	 0},
	{"kernel-bridge", "peer", "two veth, af_packet", "measured", NULL, 0.41, 4.1, 9900, 1900},
	{"ovs-dpdk", "peer", "NORMAL action", "absent", "not installed", 0, 0, 0, 0},
};

static uint64_t state;

/* around 1: most within 3 % */
static double noise(void)
{
	double sum = 0;

	for (unsigned int i = 0; i < 4; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		sum += (double)(state >> 40) / (1 << 24);
	}
	return 1 + (sum - 2) * 0.04;
}

static json_t *hist(double median, uint64_t n)
{
	json_t *buckets = json_array();
	uint64_t left = n;
	double upper = 0, seen = 0;
	int k = (int)(log(median * 0.8) / log(1.012));

	/* ends that all histograms share */
	for (unsigned int i = 0; left && i < 400; i++, k++) {
		/* a steep rise and a tail that is long */
		double x, p;
		uint64_t count;

		upper = pow(1.012, k);
		x = upper / median;
		p = 1 - 1 / (1 + pow(x, 14)) * 0.97 - 0.03 / (1 + x);
		count = i == 399 ? left : (uint64_t)fmax(0, (p - seen) * (double)n);
		if (count > left)
			count = left;
		if (!count)
			continue;
		json_array_append_new(buckets, json_pack("[f, I]", upper, (json_int_t)count));
		seen += (double)count / (double)n;
		left -= count;
	}
	return json_pack("{s:s, s:I, s:f, s:f, s:o}", "unit", "ns", "n", (json_int_t)n, "min",
			 median * 0.78, "max", upper, "buckets", buckets);
}

static json_t *block(unsigned int round, unsigned int *order, const struct way *w, const char *test,
		     const char *mode)
{
	bool bad = round % 11 == 7 && !strcmp(w->name, "vf") && *order < 4;
	json_int_t sent = (json_int_t)(fmax(w->mpps, 0.01) * 5e5);

	return json_pack("{s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:o, s:f, s:{s:i, s:f}, "
			 "s:I, s:I, s:i, s:i, "
			 "s:[{s:i}, {s:i}]}",
			 "round", (int)round, "order", (int)(*order)++, "path", w->name, "test",
			 test, "mode", mode, "size", 64, "burst", 32, "direction", "both", "valid",
			 !bad, "why",
			 bad ? json_pack("[s]", "the hypervisor took 6 % of it") : json_array(),
			 "steal_ms", bad ? 30.0 : (double)(round % 3), "gaps", "over20us",
			 bad ? 9 : 1, "max_us", bad ? 9000.0 : 31.5, "sent", sent, "received", sent,
			 "missing", 0, "corrupt", 0, "drops", "rx_missed", 0, "rx_missed", 0);
}

static void throughput(json_t *blocks, unsigned int round, unsigned int *order, const struct way *w,
		       const char *test, unsigned int size, unsigned int burst)
{
	json_t *b = block(round, order, w, test, "credit");
	double part = size ? (size - 64.0) / (1518 - 64) : 0.2;
	double peak = w->mpps * pow(w->gbps * 1e3 / 8 / 1518 / w->mpps, part);
	double mpps = peak * burst / (burst + 2.0) * 34 / 32 * noise();

	if (!strcmp(test, "aa"))
		json_object_set_new(b, "repeats", json_string("throughput"));
	json_object_set_new(b, "size", json_integer(size));
	json_object_set_new(b, "burst", json_integer(burst));
	json_object_set_new(b, "mpps", json_real(mpps));
	json_object_set_new(b, "gbps", json_real(mpps * (size ? size : 353) * 8 / 1e3));
	json_object_set_new(b, "busy_cycles", json_real(w->cycles * (1 + 3.0 / burst) * noise()));
	if (!strcmp(w->name, "vf"))
		json_object_set_new(b, "switch_cycles", json_real(88 * noise()));
	json_array_append_new(blocks, b);
}

static void pingpong(json_t *blocks, unsigned int round, unsigned int *order, const struct way *w,
		     const char *test)
{
	json_t *b = block(round, order, w, test, "one");

	if (!strcmp(test, "aa"))
		json_object_set_new(b, "repeats", json_string("pingpong"));
	json_object_set_new(b, "burst", json_integer(1));
	json_object_set_new(b, "hist", hist(w->rtt_ns * noise(), w->rtt_ns > 20000 ? 2000 : 30000));
	json_object_set_new(b, "c2c_ns", json_real(140 * noise()));
	json_array_append_new(blocks, b);
}

static void open_loop(json_t *blocks, unsigned int round, unsigned int *order, const struct way *w,
		      double asked)
{
	json_t *b = block(round, order, w, "open", "poisson");
	double load = asked / w->mpps, own = w->rtt_ns / 2 * (1 + load / fmax(0.02, 1 - load));

	json_object_set_new(b, "burst", json_integer(1));
	json_object_set_new(b, "direction", json_string("one"));
	json_object_set_new(b, "asked_mpps", json_real(asked));
	json_object_set_new(b, "offered_mpps", json_real(asked * 0.999));
	json_object_set_new(b, "hist", hist(fmin(own, 3e6) * noise(), 50000));
	json_object_set_new(b, "hist_actual", hist(fmin(own, 1e5) * 0.97 * noise(), 50000));
	json_array_append_new(blocks, b);
}

static void one_round(json_t *blocks, unsigned int round)
{
	static const unsigned int sizes[] = {64, 128, 256, 512, 1024, 1518, 0};
	static const unsigned int bursts[] = {1, 2, 4, 8, 16, 64, 128};
	static const double loads[] = {0.1, 0.5, 1, 2};
	unsigned int order = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *w = &ways[i];

		if (strcmp(w->state, "measured"))
			continue;
		for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
			throughput(blocks, round, &order, w, "throughput", sizes[k], 32);
		for (size_t k = 0; k < sizeof(bursts) / sizeof(*bursts); k++)
			throughput(blocks, round, &order, w, "throughput", 64, bursts[k]);
		pingpong(blocks, round, &order, w, "pingpong");
		for (size_t k = 0; k < sizeof(loads) / sizeof(*loads); k++)
			if (loads[k] < w->mpps)
				open_loop(blocks, round, &order, w, loads[k]);
	}
	throughput(blocks, round, &order, &ways[0], "aa", 64, 32);
	pingpong(blocks, round, &order, &ways[0], "aa");
}

static json_t *paths(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *w = &ways[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:[s], s:s, s:s*}",
						      "name", w->name, "kind", w->kind, "what",
						      w->what, "version", "0", "commands",
						      "made-up --no-such <program>", "state",
						      w->state, "reason", w->reason));
	}
	return list;
}

static json_t *calibration(void)
{
	return json_pack("{s:f, s:b, s:{s:{s:f, s:f}, s:{s:f, s:f}}, s:[{s:i, s:f}, {s:i, s:f}, "
			 "{s:i, s:f}], s:{s:f, s:f}, s:{s:f, s:f}, s:f}",
			 "tsc_hz", 2.445e9, "invariant", 1, "c2c", "same_line", "min", 92.0,
			 "median", 140.0, "two_lines", "min", 110.0, "median", 171.0, "memcpy",
			 "bytes", 64, "ns", 4.1, "bytes", 1518, "ns", 52.0, "bytes", 16 << 20, "ns",
			 3.1e6, "wake_us", "min", 44.0, "median", 61.0, "clock", "tsc_ns", 9.5,
			 "gettime_ns", 24.0, "ceiling_mpps", 52.0);
}

json_t *bench_sample(unsigned int rounds)
{
	json_t *blocks = json_array();

	state = 4711;
	for (unsigned int i = 0; i < rounds; i++)
		one_round(blocks, i);
	return json_pack("{s:s, s:i, s:s, s:[s, s], s:s, s:s, s:{s:s, s:s, s:i, s:s, s:s}, s:o, "
			 "s:o, s:o, s:[s], "
			 "s:{s:f, s:f, s:f, s:s}, s:[{s:s, s:f, s:f, s:f, s:f, s:s}, {s:s, s:f, "
			 "s:f, s:f, s:s}], "
			 "s:{s:i, s:i, s:i, s:s}}",
			 "format", "sriovd-bench", "version", 1, "when", "2026-01-01T00:00:00Z",
			 "command", "sriovctl", "none", "revision", LABEL, "mode", "full",
			 "machine", "kernel", "none", "cpu", LABEL, "cpus", 2, "hypervisor", "none",
			 "topology", "no CPU at all", "calibration", calibration(), "paths",
			 paths(), "blocks", blocks, "notes", LABEL, "instructions", "soft_nic",
			 93.0, "vf_driver", 47.0, "igb_pmd", 112.0, "how", LABEL, "traps", "path",
			 "vf", "packets", 1e6, "messages", 0.0, "kvm_exits", 0.0, "interrupts", 0.0,
			 "source", LABEL, "path", "emulated", "packets", 1e4, "messages", 1.9e4,
			 "interrupts", 2000.0, "source", LABEL, "resets", "trials", 20, "frames",
			 3000000, "lost", 0, "how", LABEL);
}

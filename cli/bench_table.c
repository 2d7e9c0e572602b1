/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_table.h"

/* Full speed, at most so many frames in flight, both ways. */
#define RATE(name, bytes, n_burst)                                              \
	{                                                                       \
		.path = (name), .figure = BENCH_MPPS, .test = BENCH_THROUGHPUT, \
		.mode = BENCH_CREDIT, .size = (bytes), .burst = (n_burst)       \
	}
#define BITS_PER_S(name)                                                        \
	{                                                                       \
		.path = (name), .figure = BENCH_GBPS, .test = BENCH_THROUGHPUT, \
		.mode = BENCH_CREDIT, .size = 1518, .burst = 32                 \
	}
#define TRIP(name)                                                                              \
	{                                                                                       \
		.path = (name), .figure = BENCH_P50, .test = BENCH_PINGPONG, .mode = BENCH_ONE, \
		.size = 64                                                                      \
	}
#define OPEN_LOOP(name)                                                                         \
	{                                                                                       \
		.path = (name), .figure = BENCH_P99, .test = BENCH_OPEN, .mode = BENCH_POISSON, \
		.size = 64, .burst = 1, .asked_mpps = 1                                         \
	}
#define OPEN_SHARE(name, part)                                                                  \
	{                                                                                       \
		.path = (name), .figure = BENCH_P99, .test = BENCH_OPEN, .mode = BENCH_POISSON, \
		.size = 64, .burst = 1, .share = (part)                                         \
	}
#define AT_LEAST(low, high)                                      \
	{                                                        \
		.floor = (low), .goal = (high), .at_least = true \
	}
#define AT_MOST(high, low)                     \
	{                                      \
		.floor = (high), .goal = (low) \
	}

/* What the floors and goals rest on: docs/benchmarks.md. */
const struct bench_goal_def bench_goal_table[BENCH_GOALS] = {
	{"T1", "throughput both ways, 64 B", "DPDK vhost-user, packed rings, testpmd io", "ratio",
	 AT_LEAST(1.5, 2.5), RATE("vf", 64, 32), RATE("vhost-packed", 64, 32), NULL},
	{"T2", "throughput both ways, 64 B", "our virtio bridge", "ratio", AT_LEAST(2.0, 3.5),
	 RATE("vf", 64, 32), RATE("virtio", 64, 32), NULL},
	{"T3", "throughput both ways, 64 B", "OVS-DPDK, NORMAL action", "ratio", AT_LEAST(3, 5),
	 RATE("vf", 64, 32), RATE("ovs-dpdk", 64, 32), NULL},
	{"T4", "throughput both ways, 64 B", "memif, zero-copy or not, the faster", "ratio",
	 AT_LEAST(1.2, 2.0), RATE("vf", 64, 32), RATE("memif", 64, 32), "memif-zc"},
	{"T5", "throughput both ways, 64 B", "kernel bridge, two veth, af_packet", "ratio",
	 AT_LEAST(10, 20), RATE("vf", 64, 32), RATE("kernel-bridge", 64, 32), NULL},
	{"T6", "throughput both ways, 64 B", "the VF with every access trapped", "ratio",
	 AT_LEAST(10, 50), RATE("vf", 64, 32), RATE("emulated", 64, 32), NULL},
	{"T7", "Gbit/s both ways, 1518 B", "DPDK vhost-user, packed rings", "ratio",
	 AT_LEAST(1.0, 1.3), BITS_PER_S("vf"), BITS_PER_S("vhost-packed"), NULL},
	{"T8", "throughput in bursts of 1", "itself in bursts of 32", "ratio", AT_LEAST(0.25, 0.35),
	 RATE("vf", 64, 1), RATE("vf", 64, 32), NULL},
	{"T9",
	 "highest rate without loss",
	 "its highest rate",
	 "ratio",
	 AT_LEAST(0.7, 0.9),
	 {.path = "vf",
	  .figure = BENCH_LOSSLESS,
	  .test = BENCH_THROUGHPUT,
	  .mode = BENCH_RATE,
	  .size = 64,
	  .burst = 32},
	 RATE("vf", 64, 32),
	 NULL},
	{"T10", "throughput with 8 VFs, 2 of them busy", "itself with 2 VFs", "ratio",
	 AT_LEAST(0.9, 0.97), RATE("vf8", 64, 32), RATE("vf", 64, 32), NULL},
	{"L1", "median round trip, one in flight, 64 B", "DPDK vhost-user, split rings", "ratio",
	 AT_MOST(0.7, 0.5), TRIP("vf"), TRIP("vhost-split"), NULL},
	{"L2", "median round trip, one in flight, 64 B", "DPDK vhost-user, packed rings", "ratio",
	 AT_MOST(0.9, 0.7), TRIP("vf"), TRIP("vhost-packed"), NULL},
	{"L3", "median round trip, one in flight, 64 B", "OVS-DPDK", "ratio", AT_MOST(0.4, 0.3),
	 TRIP("vf"), TRIP("ovs-dpdk"), NULL},
	{"L5",
	 "median round trip, one in flight, 64 B",
	 "core-to-core round trip",
	 "ratio",
	 AT_MOST(6, 3.5),
	 TRIP("vf"),
	 {.path = "vf", .figure = BENCH_C2C, .test = BENCH_PINGPONG, .mode = BENCH_ONE, .size = 64},
	 NULL},
	{"L6", "p99 at 1 Mpps, open loop, 64 B", "DPDK vhost-user, packed rings", "ratio",
	 AT_MOST(0.9, 0.7), OPEN_LOOP("vf"), OPEN_LOOP("vhost-packed"), NULL},
	{"L8", "p99 at 10 % of its full speed, open loop, 64 B", "itself at 50 %", "ratio",
	 AT_MOST(1.5, 1.0), OPEN_SHARE("vf", 0.1), OPEN_SHARE("vf", 0.5), NULL},
	{"C1",
	 "software NIC, switching a 64 B packet",
	 "",
	 "instructions",
	 AT_MOST(160, 100),
	 {},
	 {},
	 NULL},
	{"C2",
	 "VF driver, receive and transmit",
	 "DPDK's driver of the same device",
	 "ratio",
	 AT_MOST(0.8, 0.5),
	 {},
	 {},
	 NULL},
	{"C3",
	 "VF driver, receive and transmit",
	 "",
	 "instructions",
	 AT_MOST(100, 60),
	 {},
	 {},
	 NULL},
	{"E1", "traps a packet, poll mode", "", "messages", AT_MOST(1e-4, 0), {}, {}, NULL},
	{"E3", "KVM exits a packet for the device", "", "exits", AT_MOST(1e-4, 0), {}, {}, NULL},
	{"R1",
	 "frames lost between others, a VF reset or dead",
	 "",
	 "frames",
	 AT_MOST(0, 0),
	 {},
	 {},
	 NULL},
};

/*
 * Of a bench inside a guest, whose generator is the guest's one processor: bounds of their own. It
 * has no floor below its goal, as it is compared with what the same guest would use instead.
 */
const struct bench_goal_def bench_guest_table[BENCH_GUEST_GOALS] = {
	{"G1", "throughput both ways, 64 B, in a guest", "our virtio bridge", "ratio",
	 AT_LEAST(1.5, 1.5), RATE("vf", 64, 32), RATE("virtio", 64, 32), NULL},
	{"G2", "median round trip, one in flight, 64 B, in a guest", "our virtio bridge", "ratio",
	 AT_MOST(0.9, 0.9), TRIP("vf"), TRIP("virtio"), NULL},
	{"G3", "throughput both ways, 64 B, in a guest", "an 82576 each of whose accesses traps",
	 "ratio", AT_LEAST(10, 50), RATE("vf", 64, 32), RATE("emulated", 64, 32), NULL},
	{"E1", "traps a packet, poll mode", "", "messages", AT_MOST(1e-4, 0), {}, {}, NULL},
	{"E3", "KVM exits a packet for the device", "", "exits", AT_MOST(1e-4, 0), {}, {}, NULL},
};

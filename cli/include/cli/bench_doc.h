#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result of a benchmark, read from its JSON (docs/bench-format.md). The file is hostile: it is
 * decoded once, with every type, bound and reference checked, and what comes out is used as it is.
 * Texts stay what the file says and are escaped where they are printed.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/cleanup.h>

#define BENCH_FILE_MAX	  (64u << 20)
#define BENCH_PATHS_MAX	  32u
#define BENCH_BLOCKS_MAX  20000u
#define BENCH_BUCKETS_MAX 2048u
#define BENCH_N_ROUNDS	  1000u	 /* rounds are below this */
#define BENCH_BEYOND_MIN  100u	 /* samples beyond a percentile that may be told */
#define BENCH_NONE	  (-1.0) /* a number that the file does not give */

enum bench_test {
	BENCH_THROUGHPUT,
	BENCH_PINGPONG,
	BENCH_OPEN,
	BENCH_AA,
};

enum bench_mode {
	BENCH_CREDIT,
	BENCH_FLOOD,
	BENCH_RATE,
	BENCH_POISSON,
	BENCH_CONSTANT,
	BENCH_ONE,
};

enum bench_state {
	BENCH_MEASURED,
	BENCH_FAILED,
	BENCH_ABSENT,
};

struct bench_bucket {
	double upper_ns;
	uint64_t count;
};

struct bench_hist {
	uint64_t n; /* 0: none */
	double min_ns;
	double max_ns;
	bool disturbed; /* made of blocks that are not valid, as there are no others */
	size_t n_buckets;
	struct bench_bucket *bucket;
};

struct bench_way {
	const char *name;
	bool ours;
	const char *what;
	const char *version;
	const json_t *commands; /* texts */
	enum bench_state state;
	const char *reason; /* "" if none */
	const char *rung;   /* of its idle ladder while frames moved; "" if not known */
};

struct bench_block {
	unsigned int round;
	unsigned int order;
	unsigned int path; /* index of bench_doc.path */
	enum bench_test test;
	enum bench_test repeats; /* of BENCH_AA */
	enum bench_mode mode;
	unsigned int size;
	unsigned int burst;
	bool both;			    /* directions */
	unsigned int sources, destinations; /* addresses that take turns */
	bool valid;
	double asked_mpps; /* BENCH_NONE: at full speed */
	double share;	   /* of its own full speed that was asked for; BENCH_NONE: no such */
	double steal_ms;
	uint64_t gaps;
	double gap_max_us;
	uint64_t sent;
	uint64_t received;
	uint64_t missing;
	uint64_t corrupt;
	double mpps;
	double gbps;
	double busy_cycles;
	double switch_cycles;
	double c2c_ns;
	struct bench_hist hist;
	struct bench_hist actual;
	const json_t *why;   /* texts */
	const json_t *drops; /* objects of counts; may be NULL */
};

struct bench_trap {
	const char *path;
	double packets;
	double messages; /* these may be BENCH_NONE */
	double kvm_exits;
	double interrupts;
	double wakeups;
	const char *source;
};

struct bench_doc {
	json_t *root; /* what the texts belong to */
	const char *when;
	const char *revision;
	const char *mode;
	bool guest; /* measured inside a guest, rather than on the host */
	const json_t *command;
	const json_t *notes; /* may be NULL */
	const char *kernel;
	const char *cpu;
	unsigned int cpus;
	const char *hypervisor;
	const char *topology;
	const char *kvm;
	const char *memory;
	const char *sched;
	const char *mlock;
	double tsc_hz;
	bool invariant;
	double c2c_min_ns;
	double c2c_ns;
	double c2c_two_ns;
	double memcpy_ns[3]; /* of 64 B, 1518 B, 16 MiB */
	double wake_us;
	double clock_ns;
	double null_mpps;
	unsigned int n_paths;
	struct bench_way path[BENCH_PATHS_MAX];
	size_t n_blocks;
	struct bench_block *block;
	double soft_nic_instructions;
	double vf_driver_instructions;
	double igb_pmd_instructions;
	const char *instructions_how;
	size_t n_traps;
	struct bench_trap trap[BENCH_PATHS_MAX];
	bool have_resets;
	double reset_trials;
	double reset_frames;
	double reset_lost;
	const char *reset_how;
};

/**
 * bench_doc_decode() - a result from its JSON
 * @root: kept by reference
 * @why, @size: what is wrong with it, where, when it is refused
 *
 * Context: any; pure.
 * Return: 0; -EBADMSG not such a file; -EPROTONOSUPPORT another format or version; -ENOMEM.
 * Source: docs/bench-format.md.
 */
int bench_doc_decode(json_t *root, char *why, size_t size, struct bench_doc **ret_doc) _must_check_;

/**
 * bench_doc_parse() - a result from the text of a file
 * Context: any; pure. Return: as bench_doc_decode(); -EFBIG. Source: docs/bench-format.md.
 */
int bench_doc_parse(const char *text, size_t len, char *why, size_t size,
		    struct bench_doc **ret_doc) _must_check_;

/**
 * bench_doc_read() - a result from a file
 * Context: sleeps. Return: as bench_doc_parse(); else what the kernel said. Source: none.
 */
int bench_doc_read(const char *file, char *why, size_t size,
		   struct bench_doc **ret_doc) _must_check_;

/** bench_doc_free() - NULL is allowed. Context: any. Source: none. */
void bench_doc_free(struct bench_doc *doc);
DEFINE_CLEANUP(struct bench_doc *, bench_doc_free);

/** bench_doc_path() - the index of a path. Context: any. Return: it; -1 none. Source: none. */
int bench_doc_path(const struct bench_doc *doc, const char *name);

/**
 * bench_hist_percentile() - the value that a fraction @p of all samples does not exceed
 * Context: any; pure.
 * Return: 0; -ENODATA fewer than BENCH_BEYOND_MIN samples lie beyond it. Source:
 * docs/bench-format.md.
 */
int bench_hist_percentile(const struct bench_hist *h, double p, double *ret_ns) _must_check_;

/**
 * bench_hist_merge() - add @from to @to, whose buckets are allocated anew
 * Context: any. Return: 0; -E2BIG their buckets are not of one kind; -ENOMEM. Source: none.
 */
int bench_hist_merge(struct bench_hist *to, const struct bench_hist *from) _must_check_;

/** bench_hist_done() - free the buckets. Context: any. Source: none. */
void bench_hist_done(struct bench_hist *h);

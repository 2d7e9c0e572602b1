#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The goals, and what a result says about each: ratios within rounds, their median with an
 * interval, a verdict. What a path is compared with has the same round, size, burst and direction.
 */
#include <cli/bench_doc.h>
#include <cli/bench_stats.h>

#define BENCH_GOALS	  22u
#define BENCH_GUEST_GOALS 5u /* of a bench inside a guest; fewer than BENCH_GOALS */

#define BENCH_LOSS_SOME 0.005 /* of what was sent: the loss that many call none */

/*
 * Two looks at the core-to-core round trip that differ by that saw the CPUs at different places. Of
 * 2806 looks on a Zen 5 server, 2272 were between 49 and 126 ns, all others above 360 ns.
 */
#define BENCH_MOVED 2.5

/* Which blocks, and which figure of theirs. */
enum bench_figure {
	BENCH_MPPS,
	BENCH_GBPS,
	BENCH_P50,
	BENCH_P99,
	BENCH_P999,
	BENCH_LOSSLESS,	 /* the highest rate of a round that lost nothing */
	BENCH_SOME_LOSS, /* ... or no more than BENCH_LOSS_SOME */
	BENCH_C2C,	 /* core-to-core round trip beside the block */
	BENCH_CYCLES,	 /* busy ones of the generator, a frame */
	BENCH_SWITCH_CYCLES,
};

struct bench_pick {
	const char *path;
	enum bench_figure figure;
	enum bench_test test;
	enum bench_mode mode;
	unsigned int size;
	unsigned int burst; /* 0: any */
	bool one_way;
	double asked_mpps; /* 0: any */
	bool again;	   /* the blocks that repeat such blocks */
	double share;	   /* of the path's own full speed; 0: whatever it was */
	bool many;	   /* addresses take turns */
};

struct bench_goal_def {
	const char *id;
	const char *what;
	const char *against;
	const char *unit; /* "ratio", or of what is counted */
	struct bstat_bound bound;
	struct bench_pick of;
	struct bench_pick to; /* no path: the figure is counted, not a ratio */
	const char *or_path;  /* the better of two to compare with */
};

struct bench_dot {
	unsigned int round;
	double ratio;
	double steal_ms; /* of both blocks */
	double c2c_ns;	 /* not above 0: not measured */
	bool valid;
};

struct bench_goal {
	const struct bench_goal_def *def;
	const char *against; /* the path that it came to be */
	struct bstat_estimate estimate;
	struct bstat_estimate all; /* invalid blocks too */
	/* where the CPUs were moved meanwhile: of rounds in which they were near, and were not */
	struct bstat_estimate near, apart;
	enum bstat_verdict verdict;
	char reason[192];
	size_t excluded;
	size_t n_dots;
	struct bench_dot dot[BENCH_N_ROUNDS];
};

struct bench_judged {
	struct bstat_estimate aa; /* throughput */
	struct bstat_estimate aa_latency;
	size_t n_blocks;
	size_t n_invalid;
	size_t n_goals; /* of the place where it was measured */
	struct bench_goal goal[BENCH_GOALS];
};

/* One figure in every round. */
struct bench_series {
	bool there[BENCH_N_ROUNDS];
	bool valid[BENCH_N_ROUNDS];
	double value[BENCH_N_ROUNDS];
	double steal_ms[BENCH_N_ROUNDS];
	double c2c_ns[BENCH_N_ROUNDS]; /* not above 0: not measured */
};

/**
 * bench_block_many() - do addresses take turns in it?
 * Context: any; pure. Return: true if so. Source: none.
 */
bool bench_block_many(const struct bench_block *b);

/**
 * bench_pick_series() - the figure of the picked blocks by round
 * Context: any; pure. Return: in how many rounds there is one. Source: none.
 */
size_t bench_pick_series(const struct bench_doc *doc, const struct bench_pick *pick,
			 struct bench_series *ret_series);

/**
 * bench_pick_values() - the figure of the picked blocks in valid rounds, one after the other
 * @values: room for BENCH_N_ROUNDS
 * @all:    in all rounds
 *
 * Context: any; pure. Return: how many. Source: none.
 */
size_t bench_pick_values(const struct bench_doc *doc, const struct bench_pick *pick, bool all,
			 double *values);

/**
 * bench_judge_doc() - what a result says about all goals
 * Context: any. Return: 0; -ENOMEM. @ret_judged is to be freed. Source: docs/bench-format.md.
 */
int bench_judge_doc(const struct bench_doc *doc, struct bench_judged **ret_judged) _must_check_;

/**
 * bench_judge_write() - put verdicts as "goals" and "aa" into @root
 * Context: any. Return: 0; -ENOMEM. Source: docs/bench-format.md.
 */
int bench_judge_write(const struct bench_judged *judged, json_t *root) _must_check_;

/**
 * bench_judge() - complete a result: "goals" and "aa" from all the rest
 * @root: an object as docs/bench-format.md has it
 * @why, @size: what is wrong with it, when it is refused
 *
 * Context: any. Return: 0; as bench_doc_decode(). Source: docs/bench-format.md.
 */
int bench_judge(json_t *root, char *why, size_t size) _must_check_;

/** bench_resolution_of() - what A/A leaves to be told. Context: any. Return: it. Source: none. */
double bench_resolution_of(const struct bench_judged *judged, const struct bench_goal_def *def);

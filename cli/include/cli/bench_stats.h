#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of a benchmark, without any I/O: medians with an interval, what they say about a
 * bound, and whether two runs differ. Everything is seeded alike each time, so that the same file
 * always gives the same verdicts.
 */
#include <stdbool.h>
#include <stddef.h>

#define BSTAT_N_MAX	 1000u /* values of one estimate: rounds */
#define BSTAT_ROUNDS_MIN 5u    /* below this nothing is concluded */

struct bstat_estimate {
	double value; /* the median */
	double lo;    /* 95 % interval */
	double hi;
	size_t n;	/* values that it rests on; 0: there is none */
	bool disturbed; /* of values that do not count: for the eye, not for verdicts */
};

struct bstat_bound {
	double floor;
	double goal;
	bool at_least; /* else at most */
};

enum bstat_verdict {
	BSTAT_GOAL,
	BSTAT_FLOOR, /* met; that the goal is cannot be said */
	BSTAT_FAIL,
	BSTAT_INCONCLUSIVE,
	BSTAT_NOT_MEASURED,
};

/* Does the interval of a ratio that should be 1 contain it? */
enum bstat_aa {
	BSTAT_AA_NONE, /* not measured */
	BSTAT_AA_FEW,  /* too few rounds to tell */
	BSTAT_AA_YES,
	BSTAT_AA_NO, /* something made two measurements of the same differ */
};

enum bstat_change {
	BSTAT_SAME, /* no difference that could be shown */
	BSTAT_HIGHER,
	BSTAT_LOWER,
};

/**
 * bstat_median() - the middle of @n values, which are put into another order
 * Context: any; pure. Return: the median; 0 of none. Source: none.
 */
double bstat_median(double *values, size_t n);

/**
 * bstat_estimate() - the median of @values and how well it is known
 *
 * The interval is the percentile interval of a bootstrap that draws values, so that ratios taken
 * within rounds give a paired one.
 *
 * Context: any; pure. Return: the estimate; of more than BSTAT_N_MAX values only the first count.
 * Source: Efron, Tibshirani, "An Introduction to the Bootstrap", chapter 13.
 */
struct bstat_estimate bstat_estimate(const double *values, size_t n);

/**
 * bstat_change() - the median of @now over the median of @before, from unlike runs
 * Context: any; pure. Return: the estimate; n is 0 if either has none or a median of 0.
 * Source: as bstat_estimate(); the two are drawn independently.
 */
struct bstat_estimate bstat_change(const double *before, size_t n_before, const double *now,
				   size_t n_now);

/**
 * bstat_widen() - an interval that claims nothing finer than @resolution, relative to its value
 * Context: any; pure. Return: the estimate. Source: docs/bench-format.md.
 */
struct bstat_estimate bstat_widen(struct bstat_estimate e, double resolution);

/**
 * bstat_resolution() - how far the interval of a ratio that should be 1 reaches from 1
 * Context: any; pure. Return: the distance; 0 if there is no estimate. Source: none.
 */
double bstat_resolution(const struct bstat_estimate *aa);

/** bstat_aa() - a path against itself. Context: any. Return: the verdict. Source: none. */
enum bstat_aa bstat_aa(const struct bstat_estimate *aa);

/** bstat_aa_name() - as the JSON has it. Context: any. Return: text. Source: none. */
const char *bstat_aa_name(enum bstat_aa v);

/**
 * bstat_judge() - what an estimate says about a bound
 * Context: any; pure. Return: the verdict. Source: docs/bench-format.md.
 */
enum bstat_verdict bstat_judge(const struct bstat_bound *bound, struct bstat_estimate e,
			       double resolution);

/** bstat_differs() - what a ratio of two runs shows. Context: any. Return: it. Source: none. */
enum bstat_change bstat_differs(struct bstat_estimate change, double resolution);

/** bstat_verdict_name() - as the JSON has it. Context: any. Return: text. Source: none. */
const char *bstat_verdict_name(enum bstat_verdict v);

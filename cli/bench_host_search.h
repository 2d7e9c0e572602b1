#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two searches in one series of short trials: for the highest rate that loses nothing, and for the
 * highest that loses a little. Rates are shares of what the path does at full speed. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#define BH_SEARCH_TRIALS 8u
#define BH_SEARCH_MS	 250u

struct bh_search {
	/* [0] for no loss, [1] for a little: a share that was fine or is hoped to be, one that was
	 * not */
	double low[2], high[2];
	double share; /* of the trial under way */
	unsigned int n;
	bool again; /* the trial was disturbed and is made once more */
};

/** bh_search_init() - nothing is known yet. Context: any; pure. Source: none. */
void bh_search_init(struct bh_search *s);

/**
 * bh_search_next() - which share to try
 * Context: any; pure. Return: false when nothing is left to be found, or to be tried with. Source:
 * RFC 2544, section 26.1, with several goals at a time as in MLRsearch.
 */
bool bh_search_next(struct bh_search *s, double *ret_share);

/**
 * bh_search_tell() - how the trial went
 * Context: any; pure. Source: as bh_search_next().
 */
void bh_search_tell(struct bh_search *s, uint64_t sent, uint64_t missing, bool valid);

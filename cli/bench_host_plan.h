#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a round of the host bench consists of. Pure: which blocks each path gets in which round, the
 * order of paths, and how long all of it takes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BH_BLOCKS_MAX 64u /* of one visit */

enum bh_test {
	BH_THROUGHPUT,
	BH_PINGPONG,
	BH_OPEN,
};

/* What a path is measured for, besides rate at 64 bytes and round trips. */
#define BH_TRAIT_AA    0x01u /* visited twice a round, to know the resolution; all schedules */
#define BH_TRAIT_LARGE 0x02u /* 1518 bytes also in the quick mode */
#define BH_TRAIT_BURST 0x04u /* single frames also in the quick mode */
#define BH_TRAIT_OPEN  0x08u /* latency under load also in the quick mode */
#define BH_TRAIT_SLOW  0x10u /* a system call or a trap a frame: no bursts, no loads of Mpps */
#define BH_TRAIT_SELF  0x20u /* compared with another path of ours at one point only */
#define BH_TRAIT_GIVEN 0x40u /* on VFs that were given, which it has while it is measured only */
#define BH_TRAIT_PLAIN 0x80u /* a peer without tuning: in --full or by name, in fewer rounds */

#define BH_TRAIT_MACS 0x100u /* a switch by addresses: in --full also with many of them */

#define BH_MACS 1024u

struct bh_block {
	enum bh_test test;
	unsigned int size;
	unsigned int burst;
	bool one_way;
	double mpps;  /* throughput: offered rate, 0 for credit; open: offered */
	double share; /* of the path's own rate instead of mpps; 0: mpps counts */
	unsigned int ms;
	unsigned int discard_ms;
	unsigned int macs; /* addresses that take turns; 0: one */
	bool constant;	   /* equal steps instead of a Poisson process */
};

struct bh_plan {
	bool quick;
	unsigned int rounds;
	unsigned int curve_rounds; /* of them also have what only curves need */
};

/** bh_plan_init() - @rounds 0: what the mode has. Context: any; pure. Source: none. */
void bh_plan_init(struct bh_plan *plan, bool quick, unsigned int rounds);

/**
 * bh_plan_visit() - blocks of one visit to a path
 * @repeat: the second visit of a round
 * @blocks: room for BH_BLOCKS_MAX
 *
 * Context: any; pure. Return: how many. Source: none.
 */
unsigned int bh_plan_visit(const struct bh_plan *plan, unsigned int traits, unsigned int round,
			   bool repeat, struct bh_block *blocks);

/** bh_plan_due() - is a path visited in @round at all? Context: any; pure. Source: none. */
bool bh_plan_due(const struct bh_plan *plan, unsigned int traits, unsigned int round);

/**
 * bh_plan_searches() - does a visit also look for the rates that lose nothing, or little?
 * Context: any; pure. Return: true if so; trials are bh_plan_trial()s. Source: none.
 */
bool bh_plan_searches(const struct bh_plan *plan, unsigned int traits, unsigned int round,
		      bool repeat);

/** bh_plan_trial() - at @share of full speed. Context: any; pure. Return: it. Source: none. */
struct bh_block bh_plan_trial(double share);

/**
 * bh_plan_breathes() - are the CPUs to be left to others before @block?
 * @alone_us: time in which others had none of it, since they were
 *
 * Context: any; pure. Return: true if both together are too long. Source: none.
 */
bool bh_plan_breathes(uint64_t alone_us, const struct bh_block *block);

/** bh_block_ms() - how long a block takes, about. Context: any; pure. Return: ms. Source: none. */
unsigned int bh_block_ms(const struct bh_block *block);

/** bh_random() - next number of a sequence (splitmix64). Context: any; pure. Source: none. */
uint64_t bh_random(uint64_t *state);

/**
 * bh_shuffle() - numbers 0 to @n - 1 in an order that depends on @state
 * Context: any; pure; advances @state. Source: D. E. Knuth, algorithm 3.4.2 P.
 */
void bh_shuffle(unsigned int *order, unsigned int n, uint64_t *state);

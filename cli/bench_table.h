#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of goals: what is measured, against what, the floor and the goal. */
#include <cli/bench_goals.h>

extern const struct bench_goal_def bench_goal_table[BENCH_GOALS];
extern const struct bench_goal_def bench_guest_table[BENCH_GUEST_GOALS];

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result of a benchmark that nobody made: figures drawn around chosen ones, for tests of what
 * reads results. It says so of itself, as machine, as revision and as a note.
 */
#include <jansson.h>

/* bench_sample() - a new object, always the same for the same number of rounds */
json_t *bench_sample(unsigned int rounds);

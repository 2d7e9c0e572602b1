/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the result that tests read: bench_sample [ROUNDS] */
#include <stdlib.h>

#include <support/bench_sample.h>

int main(int argc, char **argv)
{
	json_auto_t *sample = bench_sample(argc > 1 ? (unsigned int)atoi(argv[1]) : 9);

	return json_dumpf(sample, stdout, JSON_COMPACT) < 0;
}

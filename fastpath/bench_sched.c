/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_sched.h"

#include <math.h>

#define UNIT	 (1u << 20)
#define MEAN_MAX (UINT64_C(1) << 39) /* times the longest gap it fits into 64 bits */

/* splitmix64: (0, 1], never 0 */
static double uniform(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double)((z >> 11) + 1) * 0x1p-53;
}

/* What was drawn is scaled to its exact mean: all seeds offer the same rate. */
static void gaps_draw(struct fp_sched *s, uint64_t seed)
{
	uint64_t state = seed;
	double sum = 0, scale;

	for (unsigned int i = 0; i < FP_SCHED_GAPS; i++)
		sum += -log(uniform(&state));
	scale = UNIT * (FP_SCHED_GAPS / sum);
	state = seed;
	for (unsigned int i = 0; i < FP_SCHED_GAPS; i++) {
		double gap = -log(uniform(&state)) * scale;

		/* sixteen means, once in nine million */
		s->gap[i] = gap < 16.0 * UNIT ? (uint32_t)gap : 16 * UNIT - 1;
	}
}

int fp_sched_init(struct fp_sched *s, bool poisson, double mpps, uint32_t burst, uint64_t tsc_hz,
		  uint64_t seed)
{
	double mean;

	if (!(mpps > 0) || burst == 0)
		return -ERANGE;
	mean = (double)tsc_hz / (mpps * 1e6) * burst * 65536;
	if (!(mean >= 65536) || !(mean < (double)MEAN_MAX))
		return -ERANGE;
	s->mean = (uint64_t)mean;
	s->burst = burst;
	s->poisson = poisson;
	s->turn = 0;
	s->at = 0;
	if (poisson)
		gaps_draw(s, seed);
	fp_sched_advance(s);
	return 0;
}

uint64_t fp_sched_behind(const struct fp_sched *s, uint64_t end)
{
	uint64_t at = fp_sched_next(s);

	if (at >= end)
		return 0;
	return (uint64_t)((double)(end - at) * 65536 / (double)s->mean) * s->burst + s->burst;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_host_search.h"

#include <cli/bench_goals.h>

#define LOWEST 0.3  /* of full speed; below, a path has no rate that it keeps up */
#define NEAR   0.02 /* no need to know it better */

void bh_search_init(struct bh_search *s)
{
	*s = (struct bh_search){.low = {LOWEST, LOWEST}, .high = {1, 1}};
}

bool bh_search_next(struct bh_search *s, double *ret_share)
{
	unsigned int i = s->high[1] - s->low[1] > s->high[0] - s->low[0];

	if (s->n >= BH_SEARCH_TRIALS)
		return false;
	/* full speed first: what loses nothing there needs no search */
	if (s->n == 0)
		s->share = 1;
	else if (!s->again && s->high[i] - s->low[i] < NEAR)
		return false;
	else if (!s->again)
		s->share = (s->low[i] + s->high[i]) / 2;
	s->n++;
	*ret_share = s->share;
	return true;
}

void bh_search_tell(struct bh_search *s, uint64_t sent, uint64_t missing, bool valid)
{
	const double most[2] = {0, BENCH_LOSS_SOME * (double)sent};

	if (!valid && !s->again) {
		s->again = true;
		return;
	}
	s->again = false;
	for (unsigned int i = 0; i < 2; i++) {
		/* what is disturbed twice shows nothing good */
		bool fine = valid && sent && (double)missing <= most[i];

		if (fine && s->share > s->low[i])
			s->low[i] = s->share;
		if (!fine && s->share < s->high[i])
			s->high[i] = s->share;
	}
}

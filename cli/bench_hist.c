/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cli/bench_doc.h>

int bench_hist_percentile(const struct bench_hist *h, double p, double *ret_ns)
{
	/* the small step down: 0.99 of 10000 is not to round up to 9901 */
	uint64_t want = (uint64_t)ceil((double)h->n * p - 1e-6), seen = 0;

	if (h->n < BENCH_BEYOND_MIN || want > h->n - BENCH_BEYOND_MIN)
		return -ENODATA;
	for (size_t i = 0; i < h->n_buckets; i++) {
		seen += h->bucket[i].count;
		if (seen >= want) {
			*ret_ns = fmin(h->bucket[i].upper_ns, h->max_ns);
			return 0;
		}
	}
	return -ENODATA;
}

int bench_hist_merge(struct bench_hist *to, const struct bench_hist *from)
{
	struct bench_bucket *sum;
	size_t a = 0, b = 0, n = 0;

	if (!from->n)
		return 0;
	sum = calloc(to->n_buckets + from->n_buckets, sizeof(*sum));
	if (!sum)
		return -ENOMEM;
	while (a < to->n_buckets || b < from->n_buckets) {
		const struct bench_bucket *x = a < to->n_buckets ? &to->bucket[a] : NULL;
		const struct bench_bucket *y = b < from->n_buckets ? &from->bucket[b] : NULL;

		if (x && (!y || x->upper_ns <= y->upper_ns))
			sum[n] = *x;
		else
			sum[n] = *y;
		if (x && y && x->upper_ns <= y->upper_ns && x->upper_ns >= y->upper_ns)
			sum[n].count += y->count;
		a += x && x->upper_ns <= sum[n].upper_ns;
		b += y && y->upper_ns <= sum[n].upper_ns;
		n++;
	}
	/* of one kind they share their ends, so that a sum has hardly more than each of them */
	if (n > 2 * BENCH_BUCKETS_MAX) {
		free(sum);
		return -E2BIG;
	}
	if (!to->n || from->min_ns < to->min_ns)
		to->min_ns = from->min_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	to->n += from->n;
	free(to->bucket);
	to->bucket = sum;
	to->n_buckets = n;
	return 0;
}

void bench_hist_done(struct bench_hist *h)
{
	free(h->bucket);
	*h = (struct bench_hist){};
}

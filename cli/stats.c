/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/stats.h>

#include <errno.h>
#include <stdlib.h>

static int decode_uint(const json_t *json, uint64_t max, uint64_t *ret_value)
{
	json_int_t v;

	if (!json_is_integer(json))
		return -EBADMSG;
	v = json_integer_value(json);
	if (v < 0 || (uint64_t)v > max)
		return -EBADMSG;
	*ret_value = (uint64_t)v;
	return 0;
}

int stats_hist_decode(const json_t *json, struct hist *ret_hist)
{
	const json_t *buckets = json_object_get(json, "buckets"), *pair;
	static struct hist h; /* 7 KiB; sriovctl has one thread that decodes */
	uint64_t sum = 0;
	size_t i;

	h = (struct hist){};
	if (!json_is_array(buckets) || json_array_size(buckets) > HIST_BUCKETS ||
	    decode_uint(json_object_get(json, "n"), UINT32_MAX, &h.n) < 0 ||
	    decode_uint(json_object_get(json, "min"), INT64_MAX, &h.min) < 0 ||
	    decode_uint(json_object_get(json, "max"), INT64_MAX, &h.max) < 0)
		return -EBADMSG;
	json_array_foreach (buckets, i, pair) {
		uint64_t index, count;

		if (json_array_size(pair) != 2 ||
		    decode_uint(json_array_get(pair, 0), HIST_BUCKETS - 1, &index) < 0 ||
		    decode_uint(json_array_get(pair, 1), UINT32_MAX, &count) < 0 || h.bucket[index])
			return -EBADMSG;
		h.bucket[index] = (uint32_t)count;
		sum += count;
	}
	if (sum != h.n || h.min > h.max)
		return -EBADMSG;
	*ret_hist = h;
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double stats_ticks_ns(uint64_t ticks, uint64_t tsc_khz)
{
	return tsc_khz ? (double)ticks * 1e6 / (double)tsc_khz : 0;
}

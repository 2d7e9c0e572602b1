/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies at sriovctl: the head of an HTTP reply, and a histogram in its body. */
#include <cli/http.h>
#include <cli/stats.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hist hist;
	struct http_head head;
	json_t *json;

	if (http_head_decode((const char *)data, size, &head) == 1) {
		if (head.head_bytes > size || head.status < 200 || head.body_bytes > HTTP_BODY_MAX)
			abort();
		data += head.head_bytes;
		size -= head.head_bytes;
	}
	json = json_loadb((const char *)data, size, 0, NULL);
	if (json && !stats_hist_decode(json, &hist) && hist_percentile(&hist, 9990) > INT64_MAX)
		abort();
	json_decref(json);
	return 0;
}

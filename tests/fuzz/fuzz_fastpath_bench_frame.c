/* SPDX-License-Identifier: BSD-3-Clause */
/* What a switch may deliver to the bench's generator: judged within its length, and counted once.
 */
#include <bench_frame.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Numbers in any order: each call counts one thing, and no more is received than was sent. */
static void track(const uint8_t *data, size_t size)
{
	static struct fp_track t;
	uint64_t calls = 0;
	uint32_t sent = 0;

	fp_track_init(&t);
	for (; size >= 4; data += 4, size -= 4, calls++) {
		uint32_t seq;

		memcpy(&seq, data, sizeof(seq));
		sent += data[0];
		fp_track_add(&t, seq % 3 ? seq % (sent + 5) : t.next, sent);
		if (t.received > sent || t.next > sent ||
		    t.received + t.duplicate + t.corrupt != calls + 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t one[6] = {2, 0, 0, 0, 0, 1}, two[6] = {2, 0, 0, 0, 0, 2};
	struct fp_stamps at;
	struct fp_flow f;
	uint8_t *frame;
	uint32_t seq;

	if (size < 2 || size > 4096)
		return 0;
	track(data, size);
	fp_flow_init(&f, two, one, 1, data[0] & 1 ? 0 : (uint32_t)size);
	if (data[0] & 2)
		fp_flow_spread(&f, 1024, 4);
	frame = malloc(size);
	if (!frame)
		return 0;
	memcpy(frame, data, size);
	if (size > FP_FRAME_HEAD + 4 && data[1] & 1) {
		memcpy(frame, f.head, FP_FRAME_HEAD); /* as far as ours that the rest counts */
		memcpy(frame + FP_FRAME_HEAD, &f.block, 4);
	}
	if (size >= FP_FRAME_MIN && f.len && !(data[0] & 2) &&
	    fp_frame_plain(&f, frame, (uint32_t)size, data[1]) &&
	    (fp_frame_read(&f, frame, (uint32_t)size, &seq, &at) != FP_FRAME_OK || seq != data[1]))
		abort();
	(void)fp_frame_read(&f, frame, (uint32_t)size, &seq, &at);
	free(frame);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames from anybody at the bench guest's responder: replies stay inside the buffer and are
 * frames. */
#include <guest/frame.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct frame_host me = {{2, 0, 0, 1, 2, 3}, 0x0a010203};
	size_t room = size < FRAME_MIN_BYTES ? FRAME_MIN_BYTES : size;
	uint8_t *frame = malloc(room);
	uint32_t len;

	if (!frame || size > 2048) {
		free(frame);
		return 0;
	}
	memcpy(frame, data, size);
	(void)frame_classify(frame, (uint32_t)size, &me);
	len = frame_respond(frame, (uint32_t)size, &me);
	if (len && (len < FRAME_MIN_BYTES || len > room || memcmp(frame + 6, me.mac, 6)))
		abort();
	free(frame);
	return 0;
}

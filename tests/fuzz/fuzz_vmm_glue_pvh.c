/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as the notes of an ELF kernel. */
#include <stdlib.h>
#include <string.h>
#include <pvh.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[] = {4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0};
	uint8_t *notes = malloc(size + sizeof(head));
	uint32_t entry;

	if (!notes)
		abort();
	/* copies of exact size, so that a read behind the end is seen */
	memcpy(notes, head, sizeof(head));
	memcpy(notes + sizeof(head), data, size);
	if (pvh_note_find(notes, size + sizeof(head), &entry) == 0 && size < 4)
		abort();
	memmove(notes, data, size);
	notes = realloc(notes, size ? size : 1);
	(void)!pvh_note_find(notes, size, &entry);
	free(notes);
	return 0;
}

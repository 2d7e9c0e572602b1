/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a kernel: what is planned lies inside of file and RAM. */
#include <stdlib.h>
#include <string.h>
#include <bzimage.h>

#define RAM (UINT64_C(256) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const uint8_t *head, size_t len, uint64_t file_size)
{
	struct bz_plan p;

	if (bz_decode(head, len, file_size, RAM, &p) < 0)
		return;
	if (p.payload_off >= file_size || p.payload_len > file_size - p.payload_off)
		abort();
	if (p.load_gpa < BZ_LOAD_MIN || p.load_len < p.payload_len || p.load_gpa > RAM ||
	    p.load_len > RAM - p.load_gpa || p.initrd_end > RAM)
		abort();
}

/* Once as it is, and once with the fixed words right, to get at the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[BZ_HEAD_BYTES] = {0};
	struct setup_header hdr;
	uint64_t file_size = 0;

	try(data, size < BZ_HEAD_BYTES ? size : BZ_HEAD_BYTES, size);
	if (size < sizeof(file_size))
		return 0;
	memcpy(&file_size, data, sizeof(file_size));
	data += sizeof(file_size);
	size -= sizeof(file_size);
	memcpy(head + BZ_HEADER_AT, data,
	       size < sizeof(head) - BZ_HEADER_AT ? size : sizeof(head) - BZ_HEADER_AT);
	memcpy(&hdr, head + BZ_HEADER_AT, sizeof(hdr));
	hdr.boot_flag = 0xaa55;
	memcpy(&hdr.header, "HdrS", 4);
	hdr.version |= 0x20c;
	hdr.loadflags |= LOADED_HIGH;
	hdr.xloadflags |= XLF_KERNEL_64;
	memcpy(head + BZ_HEADER_AT, &hdr, sizeof(hdr));
	try(head, sizeof(head), file_size % (2 * RAM));
	return 0;
}

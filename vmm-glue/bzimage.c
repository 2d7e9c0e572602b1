/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "bzimage.h"

#define SECTOR	       512u
#define SETUP_SECTORS  4u /* what a 0 stands for */
#define BOOT_FLAG      0xaa55u
#define MAGIC	       0x53726448u /* "HdrS" */
#define PROTOCOL_MIN   0x20cu
#define HEADER_END_AT  0x201u /* the second byte of a jump over the header */
#define HEADER_BASE    0x202u
#define PARAGRAPH      16u
#define ALIGN_MAX      (UINT64_C(1) << 30)
#define HEADER_LEN_MIN (offsetof(struct setup_header, init_size) + sizeof(__u32))

/* Newer headers are longer; what we know of is copied, what an old one lacks stays 0. */
static int header_take(const uint8_t *head, size_t head_len, struct setup_header *ret_hdr)
{
	size_t len;

	if (head_len < BZ_HEAD_BYTES || memcmp(head + HEADER_BASE, "HdrS", 4))
		return -ENOEXEC;
	len = HEADER_BASE + head[HEADER_END_AT] - BZ_HEADER_AT;
	if (len > sizeof(*ret_hdr))
		len = sizeof(*ret_hdr);
	memset(ret_hdr, 0, sizeof(*ret_hdr));
	memcpy(ret_hdr, head + BZ_HEADER_AT, len);
	if (ret_hdr->boot_flag != BOOT_FLAG || ret_hdr->header != MAGIC)
		return -ENOEXEC;
	if (ret_hdr->version < PROTOCOL_MIN)
		return -ENOTSUP;
	return len < HEADER_LEN_MIN ? -EBADMSG : 0;
}

static int payload_find(uint64_t file_size, struct bz_plan *p)
{
	uint64_t sectors = p->hdr.setup_sects ? p->hdr.setup_sects : SETUP_SECTORS;

	p->payload_off = (sectors + 1) * SECTOR;
	if (p->payload_off >= file_size)
		return -EBADMSG;
	p->payload_len = file_size - p->payload_off;
	if (p->payload_len <= BZ_ENTRY_64 || p->payload_len < (uint64_t)p->hdr.syssize * PARAGRAPH)
		return -EBADMSG; /* the file was cut */
	return 0;
}

static bool fits(const struct bz_plan *p, uint64_t gpa, uint64_t ram_low)
{
	return gpa >= BZ_LOAD_MIN && gpa <= ram_low && p->load_len <= ram_low - gpa;
}

static int place_find(uint64_t ram_low, struct bz_plan *p)
{
	uint64_t align = p->hdr.kernel_alignment;

	p->load_len = p->hdr.init_size > p->payload_len ? p->hdr.init_size : p->payload_len;
	p->load_gpa = p->hdr.pref_address;
	if (fits(p, p->load_gpa, ram_low))
		return 0;
	if (!p->hdr.relocatable_kernel)
		return -ERANGE;
	if (!align || align & (align - 1) || align > ALIGN_MAX)
		return -EBADMSG;
	p->load_gpa = align > BZ_LOAD_MIN ? align : BZ_LOAD_MIN;
	return fits(p, p->load_gpa, ram_low) ? 0 : -ERANGE;
}

int bz_decode(const uint8_t *head, size_t head_len, uint64_t file_size, uint64_t ram_low,
	      struct bz_plan *ret_plan)
{
	struct bz_plan p = {0};
	int r;

	r = header_take(head, head_len, &p.hdr);
	if (r < 0)
		return r;
	if (!(p.hdr.xloadflags & XLF_KERNEL_64) || !(p.hdr.loadflags & LOADED_HIGH))
		return -ENOTSUP;
	r = payload_find(file_size, &p);
	if (r < 0)
		return r;
	r = place_find(ram_low, &p);
	if (r < 0)
		return r;
	p.initrd_end = p.hdr.initrd_addr_max ? p.hdr.initrd_addr_max + UINT64_C(1) : ram_low;
	if (p.initrd_end > ram_low)
		p.initrd_end = ram_low;
	p.cmdline_max = p.hdr.cmdline_size;
	*ret_plan = p;
	return 0;
}

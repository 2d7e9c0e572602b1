/* SPDX-License-Identifier: BSD-3-Clause */
#include <elf.h>
#include <string.h>
#include "pvh.h"

#define NOTE_PHYS32_ENTRY 18u
#define NOTE_ALIGN	  4u

static uint64_t up(uint32_t n)
{
	return ((uint64_t)n + NOTE_ALIGN - 1) / NOTE_ALIGN * NOTE_ALIGN;
}

/* 4 or 8 bytes: the entry is below 4 GiB either way. */
static int entry_take(const uint8_t *desc, uint32_t size, uint32_t *ret_entry)
{
	uint64_t v = 0;

	if (size != 4 && size != 8)
		return -EBADMSG;
	memcpy(&v, desc, size);
	if (v > UINT32_MAX)
		return -EBADMSG;
	*ret_entry = (uint32_t)v;
	return 0;
}

int pvh_note_find(const uint8_t *notes, size_t len, uint32_t *ret_entry)
{
	Elf64_Nhdr n;

	while (len >= sizeof(n)) {
		uint64_t name, all;

		memcpy(&n, notes, sizeof(n));
		name = sizeof(n) + up(n.n_namesz);
		all = name + up(n.n_descsz);
		/* the last one need not be padded */
		if (name > len || n.n_descsz > len - name)
			return -EBADMSG;
		if (n.n_type == NOTE_PHYS32_ENTRY && n.n_namesz == sizeof("Xen") &&
		    !memcmp(notes + sizeof(n), "Xen", sizeof("Xen")))
			return entry_take(notes + name, n.n_descsz, ret_entry);
		if (all >= len)
			break;
		notes += all;
		len -= all;
	}
	return -ENOENT;
}

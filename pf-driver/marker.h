#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What no register of the 82576 tells, kept where it survives this process: RSSRK(0) says that this
 * driver owns the PF, RSSRK(1) and RSSRK(2) hold one byte of flags for all VFs each, with a check
 * byte. One register is one write, so a process killed between two of them leaves each one whole.
 * All three are a part of the key when a VF uses RSS, for which the flags are mixed with constants:
 * a hash by words of zeros would be none. Pure.
 */
#include <abi/bits.h>

#define MARKER_MAGIC UINT32_C(0x53565031)
#define MARKER_WORDS 3u /* of the key, the magic number with them */

struct marker {
	uint8_t mac_set; /* bit n: VF n's MAC is the administrator's */
	uint8_t trust;
	uint8_t cts; /* did its reset exchange */
	uint8_t link_disable;
	uint8_t link_enable;
};

void pfdrv_marker_encode(const struct marker *m, uint32_t ret_words[2]);

/** pfdrv_marker_decode() - false if a word is not one of ours; @ret then holds nothing for it. */
bool pfdrv_marker_decode(const uint32_t words[2], struct marker *ret);

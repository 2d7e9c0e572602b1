/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive side scaling for pools: a VF that asks for it gets its frames spread over both of its
 * queues. Key and redirection table are the device's, one for all VFs. Until the first VF asks, the
 * device runs without.
 */
#include <sys/random.h>
#include "pfdrv_impl.h"

#define RSS_TYPES                                                                      \
	(MRQC_RSS_TCP4 | MRQC_RSS_IP4 | MRQC_RSS_UDP4 | MRQC_RSS_TCP6 | MRQC_RSS_IP6 | \
	 MRQC_RSS_UDP6)
#define KEY_WORDS  10u
#define RETA_WORDS 32u

/*
 * Random, so that a sender cannot choose ports whose flows all meet in one queue. The first words
 * are the marker's, by which a successor knows the PF as ours: what addresses do to the hash can be
 * known.
 */
static void key_write(struct pfdrv *pf)
{
	uint32_t key[KEY_WORDS - MARKER_WORDS] = {0x5cedc834, 0x1082276b, 0xf3a27251, 0xf86c6a11,
						  0xd0c18e95, 0x2767f0b1, 0x53d27b7f};

	/* without entropy yet: the constant, which spreads as well but can be known */
	(void)!getrandom(key, sizeof(key), GRND_NONBLOCK);
	for (unsigned int i = MARKER_WORDS; i < KEY_WORDS; i++)
		pfdrv_wr(pf, nic_RSSRK(i), key[i - MARKER_WORDS]);
}

void pfdrv_rss_sync(struct pfdrv *pf)
{
	const uint32_t alternate = RETA_SECOND << 8 | RETA_SECOND << 24;
	bool want = false;

	for (unsigned int i = 0; i < pf->num_vfs; i++)
		want |= pf->vf[i].rss;
	if (!want || pf->rss)
		return;
	key_write(pf);
	for (unsigned int i = 0; i < RETA_WORDS; i++)
		pfdrv_wr(pf, nic_RETA(i), alternate);
	pfdrv_wr(pf, nic_RXCSUM(0), pfdrv_rd(pf, nic_RXCSUM(0)) | RXCSUM_PCSD);
	pfdrv_wr(pf, nic_MRQC(0), field_prep(MRQC_MODE, MRQC_MODE_VMDQ_RSS) | RSS_TYPES);
	pf->rss = true;
}

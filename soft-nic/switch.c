/* SPDX-License-Identifier: BSD-3-Clause */
#include "switch.h"

#define SW_BROADCAST SW_MAC_MASK
#define SW_GROUP     1u /* first bit on the wire: multicast or broadcast */

static uint32_t mac_slot(uint64_t mac)
{
	return (uint32_t)((mac * UINT64_C(0x9e3779b97f4a7c15)) >> 57);
}

void sw_mac_add(struct sw_cfg *sw, uint64_t mac, uint8_t pools)
{
	uint32_t s = mac_slot(mac);

	/* 24 entries in 128 slots: a free one is never far, whatever addresses VFs choose */
	for (uint32_t i = 0; i < SW_MAC_SLOTS; i++, s = (s + 1) % SW_MAC_SLOTS) {
		uint64_t e = sw->mac[s];

		if (e && (e & SW_MAC_MASK) != mac)
			continue;
		sw->mac[s] = mac | (uint64_t)pools << 48 | (e & ~SW_MAC_MASK) | BIT64(56);
		return;
	}
}

int sw_mac_pools(const struct sw_cfg *sw, uint64_t mac)
{
	uint32_t s = mac_slot(mac);

	for (uint32_t i = 0; i < SW_MAC_SLOTS; i++, s = (s + 1) % SW_MAC_SLOTS) {
		uint64_t e = sw->mac[s];

		if (!e)
			return -1;
		if ((e & SW_MAC_MASK) == mac)
			return (uint8_t)(e >> 48);
	}
	return -1;
}

static bool hash_hit(const struct sw_cfg *sw, const uint32_t *table, uint64_t dst)
{
	uint32_t h = (uint32_t)(dst >> 32) & 0xffff; /* bytes 4 and 5 */

	h = (h >> sw->mta_shift) & 0xfff;
	return table[h >> 5] & BIT32(h & 31);
}

struct dst {
	bool multi, broadcast;
	int exact; /* pools, or -1 */
	bool hash;
};

static struct dst look_up(const struct sw_cfg *sw, uint64_t dst)
{
	struct dst d = {.multi = dst & SW_GROUP, .broadcast = dst == SW_BROADCAST, .exact = -1};

	if (d.broadcast)
		return d;
	d.exact = sw_mac_pools(sw, dst);
	d.hash = d.exact < 0 && hash_hit(sw, d.multi ? sw->mta : sw->uta, dst);
	return d;
}

/*
 * Port-level filter of frames from the wire. With pools, a pool that takes all broadcasts or
 * multicasts opens the port for them as well: a driver that sets only the pool's bit gets its
 * frames.
 */
static bool port_accepts(const struct sw_cfg *sw, const struct dst *d, uint32_t vid)
{
	if (!sw->rx_on)
		return false;
	if (sw->vlan_filter && vid != SW_UNTAGGED && !(sw->vfta[vid >> 5] & BIT32(vid & 31)))
		return false;
	if (d->broadcast)
		return sw->bam || (sw->vt && sw->pool_bam);
	if (d->exact >= 0 || d->hash)
		return true;
	return d->multi ? sw->mpe || (sw->vt && sw->mpme) : sw->upe || (sw->vt && sw->ignore_mac);
}

/* Pools by destination MAC, then restricted by VLAN. */
static uint8_t pool_list(const struct sw_cfg *sw, const struct dst *d, uint32_t vid)
{
	uint32_t p = 0;

	if (sw->ignore_mac)
		p = 0xff;
	else if (d->broadcast)
		p = sw->pool_bam;
	else if (d->exact >= 0)
		p = (uint32_t)d->exact;
	else if (d->hash)
		p = d->multi ? sw->rompe : sw->rope;
	if (d->multi && !d->broadcast && !sw->ignore_mac)
		p |= sw->mpme;

	if (!sw->replicate) { /* one pool a frame */
		if (d->multi && d->exact < 0)
			p = BIT32(sw->def_pool);
		p &= -p;
	}
	if (sw->vlan_filter)
		p &= vid == SW_UNTAGGED ? sw->aupe : sw->vlan[vid];
	return (uint8_t)p;
}

static struct sw_decision from_wire(const struct sw_cfg *sw, const struct dst *d, uint32_t vid)
{
	struct sw_decision r = {.multi = d->multi && !d->broadcast, .broadcast = d->broadcast};

	if (!port_accepts(sw, d, vid))
		return r;
	if (!sw->vt) {
		r.pools = (uint8_t)BIT32(sw->def_queue);
		return r;
	}
	r.pools = pool_list(sw, d, vid);
	if (!r.pools && !d->multi && sw->use_def_pool)
		r.pools = (uint8_t)BIT32(sw->def_pool);
	r.pools &= sw->vfre;
	return r;
}

static bool spoofed(const struct sw_cfg *sw, uint64_t src, uint32_t vid, unsigned int from)
{
	uint32_t me = BIT32(from);
	int pools;

	if (sw->mac_spoof & me) {
		pools = sw_mac_pools(sw, src);
		if (pools < 0 || !((uint32_t)pools & me))
			return true;
	}
	return (sw->vlan_spoof & me) && vid != SW_UNTAGGED && !(sw->vlan[vid] & me);
}

struct sw_decision sw_decide(const struct sw_cfg *sw, uint64_t dst, uint64_t src, uint32_t vid,
			     unsigned int from)
{
	struct dst d = look_up(sw, dst);
	struct sw_decision r = {
		.multi = d.multi && !d.broadcast, .broadcast = d.broadcast, .wire = true};

	if (from >= SW_FROM_WIRE)
		return from_wire(sw, &d, vid);
	if (!sw->vt) {
		if (sw->phy_loop)
			r = from_wire(sw, &d, vid);
		return r;
	}
	if (spoofed(sw, src, vid, from)) {
		r.spoofed = true;
		r.wire = false;
		return r;
	}
	if (!sw->loopback)
		return r;
	r.pools = pool_list(sw, &d, vid) & sw->vfre;
	if (!(sw->lle & BIT32(from)))
		r.pools &= (uint8_t)~BIT32(from);
	/* only an exact match that reaches somebody keeps a unicast frame off the wire */
	r.wire = d.multi || d.exact < 0 || !r.pools;
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tso.h"

#include <string.h>

#define IPV4_LEN    2u /* offsets into the IP header */
#define IPV4_ID	    4u
#define IPV4_SUM    10u
#define IPV4_ADDRS  12u
#define IPV6_LEN    4u
#define IPV6_ADDRS  8u
#define IPV6_HEADER 40u
#define TCP_SEQ	    4u
#define TCP_FLAGS   13u
#define TCP_SUM	    16u
#define TCP_PROTO   6u
#define FLAG_FIN    0x01u
#define FLAG_PSH    0x08u
#define FLAG_CWR    0x80u

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint64_t sum16(const uint8_t *p, uint32_t len, uint64_t sum)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (i < len)
		sum += (uint32_t)p[i] << 8;
	return sum;
}

static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~(uint32_t)sum & 0xffff;
}

bool tso_begin(struct tso *t, uint8_t *frame, uint32_t room, uint32_t lengths, uint32_t mss_l4len,
	       bool v4, bool tcp)
{
	*t = (struct tso){
		.frame = frame,
		.room = room,
		.ip_len = lengths & 0x1ff,
		.mac_len = lengths >> 9 & 0x7f,
		.l4_len = mss_l4len >> 8 & 0xff,
		.mss = mss_l4len >> 16,
		.v6 = !v4,
	};
	t->hdr_len = t->mac_len + t->ip_len + t->l4_len;
	t->bad = !tcp || t->mac_len < 14 || t->ip_len < (v4 ? 20u : IPV6_HEADER) ||
		 t->l4_len < 20 || t->mss < TSO_MSS_MIN || t->hdr_len > TSO_HEADER_MAX ||
		 t->hdr_len + t->mss > room;
	return !t->bad;
}

/* The header is there: what each segment's own is made of. */
static void header_read(struct tso *t)
{
	const uint8_t *ip = t->frame + t->mac_len, *l4 = ip + t->ip_len;

	t->id = t->v6 ? 0 : (uint16_t)get16(ip + IPV4_ID);
	t->seq = get16(l4 + TCP_SEQ) << 16 | get16(l4 + TCP_SEQ + 2);
	t->flags = l4[TCP_FLAGS];
}

static void ip_finish(const struct tso *t, uint8_t *ip, uint32_t l4_bytes)
{
	if (t->v6) {
		put16(ip + IPV6_LEN, t->ip_len - IPV6_HEADER + l4_bytes);
		return;
	}
	put16(ip + IPV4_LEN, t->ip_len + l4_bytes);
	put16(ip + IPV4_ID, (t->id + t->number) & 0xffff);
	put16(ip + IPV4_SUM, 0);
	put16(ip + IPV4_SUM, fold(sum16(ip, t->ip_len, 0)));
}

static uint32_t segment_finish(struct tso *t, bool last)
{
	uint8_t *ip = t->frame + t->mac_len, *l4 = ip + t->ip_len;
	uint32_t l4_bytes = t->fill - t->mac_len - t->ip_len, seq = t->seq + t->sent;
	uint64_t sum = TCP_PROTO + l4_bytes;
	uint8_t flags = t->flags;

	if (!last)
		flags &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
	if (t->number > 0)
		flags &= (uint8_t)~FLAG_CWR;
	ip_finish(t, ip, l4_bytes);
	put16(l4 + TCP_SEQ, seq >> 16);
	put16(l4 + TCP_SEQ + 2, seq & 0xffff);
	l4[TCP_FLAGS] = flags;
	put16(l4 + TCP_SUM, 0);
	sum = sum16(ip + (t->v6 ? IPV6_ADDRS : IPV4_ADDRS), t->v6 ? 32 : 8, sum);
	put16(l4 + TCP_SUM, fold(sum16(l4, l4_bytes, sum)));
	return t->fill;
}

/* The frame that was finished is sent: its header stays for the next. */
static void segment_next(struct tso *t)
{
	t->sent += t->fill - t->hdr_len;
	t->number++;
	t->fill = t->hdr_len;
	t->out = false;
}

uint32_t tso_feed(struct tso *t, const uint8_t **data, uint32_t *len)
{
	if (t->total + (uint64_t)*len > TSO_BYTES_MAX)
		t->bad = true;
	if (t->bad) {
		*len = 0;
		return 0;
	}
	if (t->out)
		segment_next(t);
	while (*len > 0) {
		uint32_t want = t->fill < t->hdr_len ? t->hdr_len : t->hdr_len + t->mss;
		uint32_t n = want - t->fill < *len ? want - t->fill : *len;

		if (n == 0) { /* full, and more comes */
			t->out = true;
			return segment_finish(t, false);
		}
		memcpy(t->frame + t->fill, *data, n);
		t->fill += n;
		t->total += n;
		*data += n;
		*len -= n;
		if (t->fill == t->hdr_len && want == t->hdr_len)
			header_read(t);
	}
	return 0;
}

uint32_t tso_end(struct tso *t)
{
	if (t->bad || t->out || t->fill <= t->hdr_len)
		return 0;
	return segment_finish(t, true);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An application on two ports of the DPDK port that leaves work to them: segmentation, SCTP
 * checksums, frames over several buffers. What port 1 receives is looked at as a stranger would:
 * every length, number and checksum is worked out anew here.
 *
 *   pmd_offloads EAL-ARGUMENTS -- local           port 0 to port 1
 *   pmd_offloads EAL-ARGUMENTS -- by MAC MSS      port 0 to MAC, which segments towards port 1
 *   pmd_offloads EAL-ARGUMENTS -- sums MAC        port 0 to MAC, with wrong checksums, which sends
 *                                                 right ones to port 1
 */
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <support/crc32c_bits.h>

#define MTU	   9000u
#define DEADLINE_S 30u
#define TYPE	   0x88b5u /* of frames that are nothing else */
#define ROOM	   66000u
#define TCP_LEN	   32u	       /* with options */
#define SEQ	   0xfffff000u /* wraps around on the way */
#define ID	   0xfffcu
#define FLAGS	   0x99u /* CWR, ACK, PSH, FIN */
#define FIN_PSH	   0x09u
#define CWR	   0x80u

static struct rte_mempool *pool;
static uint8_t sent[ROOM], got[ROOM];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("failed: %s\n", what);
	exit(1);
}

static void equal(uint32_t a, uint32_t b, const char *what)
{
	if (a == b)
		return;
	printf("failed: %s is %#x instead of %#x\n", what, a, b);
	exit(1);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Sum of big endian words with the carries added; 0xffff over what has a right checksum in it. */
static uint32_t sum16(const uint8_t *p, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void port_up(uint16_t port)
{
	struct rte_eth_conf conf = {
		.rxmode = {.mtu = MTU, .offloads = RTE_ETH_RX_OFFLOAD_SCATTER},
		.txmode = {.offloads = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM |
				       RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
				       RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
				       RTE_ETH_TX_OFFLOAD_MULTI_SEGS}};

	must(!rte_eth_dev_configure(port, 1, 1, &conf), "configure");
	must(!rte_eth_rx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL, pool), "receive queue");
	must(!rte_eth_tx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL), "transmit queue");
	must(!rte_eth_dev_start(port), "start");
}

/* sent[] in as many buffers as it takes. */
static struct rte_mbuf *chain(uint32_t len)
{
	struct rte_mbuf *first = NULL;

	for (uint32_t at = 0, n; at < len; at += n) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		char *room;

		must(m, "buffer");
		n = RTE_MIN(len - at, (uint32_t)rte_pktmbuf_tailroom(m));
		room = rte_pktmbuf_append(m, (uint16_t)n);
		memcpy(room, sent + at, n);
		if (!first)
			first = m;
		else
			must(!rte_pktmbuf_chain(first, m), "chain");
	}
	return first;
}

static void give(struct rte_mbuf *m)
{
	uint64_t end = rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();

	equal(rte_eth_tx_prepare(0, 0, &m, 1), 1, "what prepare took");
	while (rte_eth_tx_burst(0, 0, &m, 1) != 1)
		must(rte_get_timer_cycles() < end, "room to send");
}

/* The next frame of port 1 into got[]; others than ours do not come here. */
static uint32_t take(uint32_t *ret_buffers)
{
	uint64_t end = rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();
	struct rte_mbuf *m;
	uint32_t len = 0, n = 0;

	while (rte_eth_rx_burst(1, 0, &m, 1) != 1)
		must(rte_get_timer_cycles() < end, "a frame on port 1");
	for (struct rte_mbuf *s = m; s; s = s->next, n++) {
		must(len + s->data_len <= ROOM, "a frame that is not endless");
		memcpy(got + len, rte_pktmbuf_mtod(s, void *), s->data_len);
		len += s->data_len;
	}
	equal(m->pkt_len, len, "length of the frame");
	equal(m->nb_segs, n, "buffers of the frame");
	/* nobody looked at the checksums */
	must(!(m->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK)),
	     "checksums of which nothing is known");
	rte_pktmbuf_free(m);
	if (ret_buffers)
		*ret_buffers = n;
	return len;
}

static void macs(const struct rte_ether_addr *to, uint32_t type)
{
	memcpy(sent, to, 6);
	rte_eth_macaddr_get(0, (struct rte_ether_addr *)(void *)(sent + 6));
	put16(sent + 12, type);
}

static void fill(uint32_t from, uint32_t len)
{
	for (uint32_t i = from; i < len; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
}

/* Ethernet and IP header in sent[]; returns where the next one begins. */
static uint32_t ip_header(const struct rte_ether_addr *to, bool v6, uint32_t proto, uint32_t rest)
{
	uint8_t *ip = sent + 14;

	macs(to, v6 ? 0x86dd : 0x0800);
	memset(ip, 0, 40);
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, rest);
		ip[6] = (uint8_t)proto;
		ip[7] = 64;
		memset(ip + 8, 0x22, 16);
		memset(ip + 24, 0x44, 16);
		return 54;
	}
	ip[0] = 0x45;
	put16(ip + 2, 20 + rest);
	put16(ip + 4, ID);
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	memset(ip + 12, 0x0a, 4);
	memset(ip + 16, 0x0b, 4);
	return 34;
}

/* A TCP packet in sent[]; returns its length. */
static uint32_t tcp_packet(const struct rte_ether_addr *to, bool v6, uint32_t payload)
{
	uint32_t at = ip_header(to, v6, 6, TCP_LEN + payload);
	uint8_t *tcp = sent + at;

	memset(tcp, 1, TCP_LEN);
	put16(tcp, 1234);
	put16(tcp + 2, 4321);
	put16(tcp + 4, SEQ >> 16);
	put16(tcp + 6, SEQ & 0xffff);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = FLAGS;
	fill(at + TCP_LEN, at + TCP_LEN + payload);
	return at + TCP_LEN + payload;
}

static void tcp_lengths(struct rte_mbuf *m, bool v6)
{
	m->l2_len = 14;
	m->l3_len = v6 ? 40 : 20;
	m->l4_len = TCP_LEN;
	m->ol_flags = v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
}

/* One frame in got[]: a segment that follows @before bytes of the payload. Returns its own bytes.
 */
static uint32_t segment_check(uint32_t len, bool v6, uint32_t number, uint32_t before, bool last)
{
	uint32_t ip_len = v6 ? 40 : 20, flags = FLAGS, l4_len, seq = SEQ + before;
	const uint8_t *ip = got + 14, *tcp = ip + ip_len;

	must(len > 14 + ip_len + TCP_LEN, "a segment with payload");
	l4_len = len - 14 - ip_len;
	if (v6) {
		equal(get16(ip + 4), l4_len, "IPv6 payload length");
	} else {
		equal(get16(ip + 2), 20 + l4_len, "IPv4 total length");
		equal(get16(ip + 4), (ID + number) & 0xffff, "IPv4 identification");
		equal(sum16(ip, 20, 0), 0xffff, "IPv4 checksum");
	}
	equal(sum16(tcp, l4_len, sum16(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 6 + l4_len)), 0xffff,
	      "TCP checksum");
	equal(get16(tcp + 4) << 16 | get16(tcp + 6), seq, "sequence number");
	if (!last)
		flags &= ~FIN_PSH;
	if (number)
		flags &= ~CWR;
	equal(tcp[13], flags, "flags");
	must(!memcmp(tcp, sent + 14 + ip_len, 4), "ports");
	must(!memcmp(tcp + 20, sent + 14 + ip_len + 20, 12), "options");
	must(!memcmp(tcp + TCP_LEN, sent + 14 + ip_len + TCP_LEN + before, l4_len - TCP_LEN),
	     "payload");
	return l4_len - TCP_LEN;
}

static void segments_check(bool v6, uint32_t payload, uint32_t mss)
{
	uint32_t frames = (payload + mss - 1) / mss, bytes = 0, buffers, most = 0;

	for (uint32_t i = 0; i < frames; i++) {
		uint32_t n = segment_check(take(&buffers), v6, i, bytes, i + 1 == frames);

		equal(n, i + 1 == frames ? payload - bytes : mss, "payload of the segment");
		bytes += n;
		most = RTE_MAX(most, buffers);
	}
	equal(bytes, payload, "payload of all segments");
	printf("IPv%c: %u bytes in %u segments, at most %u buffers each\n", v6 ? '6' : '4', payload,
	       frames, most);
}

static void segmentation(const struct rte_ether_addr *to, bool v6, uint32_t payload, uint32_t mss)
{
	struct rte_mbuf *m = chain(tcp_packet(to, v6, payload));

	tcp_lengths(m, v6);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = (uint16_t)mss;
	give(m);
	segments_check(v6, payload, mss);
}

/* Checksums of a packet that is sent whole. */
static void whole(const struct rte_ether_addr *to, uint32_t payload)
{
	struct rte_mbuf *m = chain(tcp_packet(to, false, payload));

	tcp_lengths(m, false);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	give(m);
	equal(segment_check(take(NULL), false, 0, 0, true), payload, "payload");
}

/* A UDP or TCP packet that is sent whole, with checksums that are wrong. */
static uint32_t wrong_sums(const struct rte_ether_addr *to, bool v6, bool tcp, uint32_t payload)
{
	uint32_t len, at;

	if (tcp) {
		len = tcp_packet(to, v6, payload);
		at = len - payload - TCP_LEN + 16;
	} else {
		at = ip_header(to, v6, 17, 8 + payload);
		len = at + 8 + payload;
		put16(sent + at, 1234);
		put16(sent + at + 2, 4321);
		put16(sent + at + 4, 8 + payload);
		fill(at + 8, len);
		at += 6;
	}
	put16(sent + at, 0xbad1); /* not 0, which would be none */
	if (!v6)
		put16(sent + 14 + 10, 0xbad1);
	return len;
}

static void sums_check(uint32_t len, bool v6, bool tcp)
{
	uint32_t ip_len = v6 ? 40 : 20, l4_len = len - 14 - ip_len, n = take(NULL);
	const uint8_t *ip = got + 14, *l4 = ip + ip_len;

	must(n == len || (n == 60 && len < 60), "length");
	if (!v6)
		equal(sum16(ip, 20, 0), 0xffff, "IPv4 checksum");
	equal(sum16(l4, l4_len, sum16(ip + (v6 ? 8 : 12), v6 ? 32 : 8, (tcp ? 6 : 17) + l4_len)),
	      0xffff, tcp ? "TCP checksum" : "UDP checksum");
	must(tcp || get16(l4 + 6), "a UDP checksum, not none");
	must(!memcmp(l4 + (tcp ? TCP_LEN : 8), sent + 14 + ip_len + (tcp ? TCP_LEN : 8),
		     l4_len - (tcp ? TCP_LEN : 8)),
	     "payload");
}

/* By the function itself, or by whoever forwards: then @leave. */
static void sums(const struct rte_ether_addr *to, bool leave)
{
	uint32_t packets = 0;

	for (uint32_t payload = 1; payload < 1400; payload += payload < 8 ? 1 : 173)
		for (unsigned int kind = 0; kind < 4; kind++, packets++) {
			bool v6 = kind & 1, tcp = kind & 2;
			uint32_t len = wrong_sums(to, v6, tcp, payload);
			struct rte_mbuf *m = chain(len);

			if (!leave) {
				tcp_lengths(m, v6);
				m->l4_len = tcp ? TCP_LEN : 8;
				m->ol_flags |=
					tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
			}
			give(m);
			sums_check(len, v6, tcp);
		}
	printf("%u packets of TCP and UDP, IPv4 and IPv6, with right checksums\n", packets);
}

static void scattered(const struct rte_ether_addr *to)
{
	uint32_t frames = 0, most = 0;

	/* more buffers than the ring has */
	for (uint32_t round = 0; round < 200; round++, frames++) {
		uint32_t len = round % 2 ? 14 + MTU : 60 + round * 37, buffers;

		macs(to, TYPE);
		fill(14, len);
		sent[14] = (uint8_t)round;
		give(chain(len));
		equal(take(&buffers), len, "length");
		must(!memcmp(got, sent, len), "bytes of a frame in parts");
		equal(buffers, (len + 2047) / 2048, "buffers of a frame");
		most = RTE_MAX(most, buffers);
	}
	printf("%u frames in up to %u buffers\n", frames, most);
}

static void sctp(const struct rte_ether_addr *to, bool v6)
{
	uint32_t n = 0;

	for (uint32_t rest = 12; rest < 4000; rest += rest < 40 ? 4 : 396, n++) {
		uint32_t at = ip_header(to, v6, 132, rest), field;
		struct rte_mbuf *m;

		fill(at, at + rest);
		m = chain(at + rest);
		tcp_lengths(m, v6);
		m->l4_len = 0;
		m->ol_flags |= RTE_MBUF_F_TX_SCTP_CKSUM;
		give(m);
		must(take(NULL) >= at + rest, "the whole packet");
		field = crc32c_sctp_field(got + at);
		memset(got + at + 8, 0, 4);
		equal(field, crc32c_bits(got + at, rest), "SCTP checksum");
	}
	printf("IPv%c: %u SCTP packets\n", v6 ? '6' : '4', n);
}

static void refused(const struct rte_ether_addr *to)
{
	struct rte_mbuf *m = chain(tcp_packet(to, false, 5000));

	tcp_lengths(m, false);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	equal(rte_eth_tx_prepare(0, 0, &m, 1), 0, "segments of nothing");
	equal((uint32_t)rte_errno, EINVAL, "why");
	m->tso_segsz = 1000;
	m->l3_len = 500;
	equal(rte_eth_tx_prepare(0, 0, &m, 1), 0, "a header that is too long");
	equal((uint32_t)rte_errno, EINVAL, "why");
	m->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
	equal(rte_eth_tx_prepare(0, 0, &m, 1), 0, "UDP segmentation");
	equal((uint32_t)rte_errno, ENOTSUP, "why");
	rte_pktmbuf_free(m);
	printf("refused what cannot be\n");
}

/* All that is in flight has come home, or it would be missing here. */
static void nothing_else(void)
{
	struct rte_mbuf *m;

	rte_delay_us_sleep(10000);
	equal(rte_eth_rx_burst(1, 0, &m, 1), 0, "frames that nobody sent");
}

static void local(void)
{
	struct rte_ether_addr to;

	rte_eth_macaddr_get(1, &to);
	segmentation(&to, false, 20000, 1448);
	segmentation(&to, true, 20000, 1428);
	segmentation(&to, false, 65535 - 20 - TCP_LEN, 1448);
	segmentation(&to, false, 20000, 8948); /* segments that are scattered */
	segmentation(&to, false, 3 * 1448, 1448);
	segmentation(&to, true, 1, 1428);
	segmentation(&to, false, 6400, 64);
	whole(&to, 1000);
	whole(&to, 8000);
	sums(&to, false);
	scattered(&to);
	sctp(&to, false);
	sctp(&to, true);
	refused(&to);
	nothing_else();
}

static void by(const char *mac, uint32_t mss)
{
	struct rte_ether_addr to;

	must(!rte_ether_unformat_addr(mac, &to) && mss, "MAC and MSS");
	for (unsigned int i = 0; i < 20; i++) {
		uint32_t payload = 8000 + i;
		struct rte_mbuf *m = chain(tcp_packet(&to, false, payload));

		tcp_lengths(m, false);
		m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
		give(m);
		segments_check(false, payload, mss);
	}
	nothing_else();
}

static void sums_by(const char *mac)
{
	struct rte_ether_addr to;

	must(!rte_ether_unformat_addr(mac, &to), "MAC");
	sums(&to, true);
	nothing_else();
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);

	setvbuf(stdout, NULL, _IOLBF, 0);
	must(n >= 0 && n + 1 < argc, "EAL and what to do");
	argc -= n + 1;
	argv += n + 1;
	equal(rte_eth_dev_count_avail(), 2, "ports");
	pool = rte_pktmbuf_pool_create("offloads", 4095, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	must(pool, "pool");
	for (uint16_t port = 0; port < 2; port++)
		port_up(port);
	if (argc == 1 && !strcmp(argv[0], "local"))
		local();
	else if (argc == 3 && !strcmp(argv[0], "by"))
		by(argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
	else if (argc == 2 && !strcmp(argv[0], "sums"))
		sums_by(argv[1]);
	else
		must(false, "local, by MAC MSS, or sums MAC");
	for (uint16_t port = 0; port < 2; port++) {
		must(!rte_eth_dev_stop(port), "stop");
		must(!rte_eth_dev_close(port), "close");
	}
	rte_eal_cleanup();
	printf("all right\n");
	return 0;
}

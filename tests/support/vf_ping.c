/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of two protocols on one VF: our VF driver over the kernel's VFIO, polled or woken by
 * MSI-X, asks ARP and ICMP echo of a peer and answers both. What it saw goes to stdout, one JSON
 * object a line. Ends with 0 when every echo came back (and, with --irq, interrupts did wake it).
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <lib/clock.h>
#include <lib/mmio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <vfdrv/vfdrv_pcif.h>

#define ARP_GAP_US   (300 * USEC_PER_MSEC)
#define ECHO_WAIT_US clock_patient_us(5 * USEC_PER_SEC)
#define LINK_WAIT_US clock_patient_us(20 * USEC_PER_SEC)
#define PEER_WAIT_US clock_patient_us(20 * USEC_PER_SEC)
#define BURST	     16u
#define ECHO_BYTES   98u
#define ECHO_ID	     0x5646

struct options {
	struct pcif_vfio_config vfio;
	struct in_addr ip, peer;
	unsigned int count;
	unsigned int serve_s;
	uint64_t iova;
	bool irq;
	bool has_mac;
	uint8_t mac[6];
};

struct host {
	const struct options *o;
	struct vfdrv_pcif *home;
	struct vfdrv *v;
	int req_fd; /* the host wants the VF back */
	bool peer_known;
	uint8_t peer_mac[6];
	unsigned int echo_seen; /* sequence number of the last echo that came back, + 1 */
	uint64_t wakes, arp_answered, echo_answered;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Sends and forgets: whoever misses an answer asks again. */
static void send_frame(struct host *h, const uint8_t *frame, unsigned int len)
{
	struct vfdrv_pkt pkt = {.data = vfdrv_pool_get(&h->v->pool), .len = (uint16_t)len};

	if (!pkt.data)
		return;
	memcpy(pkt.data, frame, len);
	if (!vfdrv_tx_burst(h->v, &pkt, 1))
		vfdrv_pool_put(&h->v->pool, pkt.data);
}

static void ethernet(struct host *h, uint8_t *frame, const uint8_t to[6], unsigned int type)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, h->v->mac, 6);
	put16(frame + 12, type);
}

static void send_arp(struct host *h, unsigned int op, const uint8_t to[6], const uint8_t target[6],
		     struct in_addr ip)
{
	static const uint8_t fixed[] = {0, 1, 8, 0, 6, 4};
	uint8_t frame[60] = {0};

	ethernet(h, frame, to, 0x0806);
	memcpy(frame + 14, fixed, sizeof(fixed));
	put16(frame + 20, op);
	memcpy(frame + 22, h->v->mac, 6);
	memcpy(frame + 28, &h->o->ip, 4);
	memcpy(frame + 32, target, 6);
	memcpy(frame + 38, &ip, 4);
	send_frame(h, frame, sizeof(frame));
}

static void send_echo(struct host *h, unsigned int seq)
{
	uint8_t frame[ECHO_BYTES] = {0}, *ip = frame + 14, *icmp = frame + 34;

	ethernet(h, frame, h->peer_mac, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, ECHO_BYTES - 14);
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, &h->o->ip, 4);
	memcpy(ip + 16, &h->o->peer, 4);
	put16(ip + 10, checksum(ip, 20));
	icmp[0] = 8;
	put16(icmp + 4, ECHO_ID);
	put16(icmp + 6, seq);
	for (unsigned int i = 8; i < ECHO_BYTES - 34; i++)
		icmp[i] = (uint8_t)(i + seq);
	put16(icmp + 2, checksum(icmp, ECHO_BYTES - 34));
	send_frame(h, frame, sizeof(frame));
}

static void on_arp(struct host *h, const uint8_t *frame, unsigned int len)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6];
	struct in_addr from, to;

	if (len < 42)
		return;
	memcpy(&from, frame + 28, 4);
	memcpy(&to, frame + 38, 4);
	if (to.s_addr != h->o->ip.s_addr)
		return;
	if (get16(frame + 20) == 1) {
		h->arp_answered++;
		send_arp(h, 2, frame + 22, frame + 22, from);
	} else if (from.s_addr == h->o->peer.s_addr && memcmp(frame + 22, all, 6) &&
		   memcmp(frame + 22, none, 6)) {
		memcpy(h->peer_mac, frame + 22, 6);
		h->peer_known = true;
	}
}

static void on_ip(struct host *h, const uint8_t *frame, unsigned int len)
{
	const uint8_t *ip = frame + 14, *icmp = frame + 34;
	unsigned int total;

	if (len < 42 || ip[0] != 0x45 || ip[9] != 1 || memcmp(ip + 16, &h->o->ip, 4))
		return;
	total = get16(ip + 2);
	if (total < 28 || total > len - 14 || checksum(icmp, total - 20) != 0)
		return;
	if (icmp[0] == 0 && get16(icmp + 4) == ECHO_ID && !memcmp(ip + 12, &h->o->peer, 4)) {
		h->echo_seen = get16(icmp + 6) + 1u;
	} else if (icmp[0] == 8) {
		uint8_t answer[VFDRV_BUF_BYTES];

		memcpy(answer, frame, total + 14);
		ethernet(h, answer, frame + 6, 0x0800);
		memcpy(answer + 26, &h->o->ip, 4);
		memcpy(answer + 30, ip + 12, 4);
		answer[34] = 0;
		put16(answer + 36, 0);
		put16(answer + 36, checksum(answer + 34, total - 20));
		h->echo_answered++;
		send_frame(h, answer, total + 14);
	}
}

static bool look(struct host *h)
{
	struct vfdrv_pkt pkt[BURST];
	unsigned int n = vfdrv_rx_burst(h->v, pkt, BURST);

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *frame = pkt[i].data;

		if (pkt[i].len >= 14 && get16(frame + 12) == 0x0806)
			on_arp(h, frame, pkt[i].len);
		else if (pkt[i].len >= 14 && get16(frame + 12) == 0x0800)
			on_ip(h, frame, pkt[i].len);
		vfdrv_pool_put(&h->v->pool, pkt[i].data);
	}
	return n > 0;
}

static void arm(struct host *h)
{
	if (h->o->irq)
		vfdrv_irq_enable(h->v, 1u << VFDRV_PCIF_RX_VECTOR);
}

static void take_wake(struct host *h)
{
	eventfd_t n;

	if (h->o->irq && eventfd_read(vfdrv_pcif_irq_fd(h->home, VFDRV_PCIF_RX_VECTOR), &n) == 0)
		h->wakes++;
}

/* Arm, look once more, sleep: the order that loses no frame. Or just look. */
static void turn(struct host *h, unsigned int wait_ms)
{
	struct pollfd p = {.fd = vfdrv_pcif_irq_fd(h->home, VFDRV_PCIF_RX_VECTOR),
			   .events = POLLIN};

	take_wake(h);
	if (look(h))
		return;
	if (!h->o->irq) {
		cpu_relax();
		return;
	}
	arm(h);
	if (!look(h))
		(void)poll(&p, 1, (int)wait_ms);
	take_wake(h);
}

static int fail(const char *what, int r)
{
	printf("{\"event\":\"failed\",\"what\":\"%s\",\"error\":\"%s\"}\n", what, strerror(-r));
	return r;
}

static void mac_print(const char *key, const uint8_t m[6])
{
	printf("\"%s\":\"%02x:%02x:%02x:%02x:%02x:%02x\"", key, m[0], m[1], m[2], m[3], m[4], m[5]);
}

static int link_wait(struct host *h)
{
	uint64_t deadline_us = clock_us() + LINK_WAIT_US;
	bool up = false;

	while (clock_us() < deadline_us) {
		int r = vfdrv_link(h->v, &up);

		if (r < 0)
			return r;
		if (up)
			return 0;
		clock_sleep_us(10000);
	}
	return -ETIMEDOUT;
}

static int bring_up(struct host *h, struct pcif *f)
{
	const struct vfdrv_pcif_config config = {
		.no_irq = !h->o->irq,
		.iova = {h->o->iova},
	};
	uint64_t began_us = clock_us();
	char why[PCIF_ERR_MAX];
	bool given;
	int r;

	h->req_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = h->req_fd < 0 ? -errno : pcif_irq_set(f, PCIF_IRQ_REQ, 0, 1, &h->req_fd);
	if (r < 0)
		return fail("request interrupt", r);
	r = vfdrv_pcif_open(f, &config, &h->home);
	if (r < 0) {
		pcif_why(f, why, sizeof(why));
		return fail(why[0] ? why : "reset exchange", r);
	}
	h->v = vfdrv_pcif_core(h->home);
	given = h->v->has_mac;
	if (h->o->has_mac || !given) {
		uint8_t mac[6];

		memcpy(mac, h->o->mac, 6);
		if (!h->o->has_mac && getrandom(mac, 6, 0) != 6)
			return fail("getrandom", -EIO);
		mac[0] = h->o->has_mac ? mac[0] : (uint8_t)((mac[0] & 0xfc) | 2);
		r = vfdrv_set_mac(h->v, mac);
		if (r < 0)
			return fail("set_mac", r);
	}
	r = vfdrv_start(h->v);
	if (r < 0)
		return fail("start", r);
	r = link_wait(h);
	if (r < 0)
		return fail("link", r);
	printf("{\"event\":\"up\",");
	mac_print("mac", h->v->mac);
	printf(",\"mac_given\":%s,\"queue_pages\":%s,\"elapsed_ms\":%llu}\n",
	       given ? "true" : "false", h->v->env.queue_pages ? "true" : "false",
	       (unsigned long long)(clock_us() - began_us) / 1000);
	return 0;
}

static int find_peer(struct host *h)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6];
	uint64_t deadline_us = clock_us() + PEER_WAIT_US, next_us = 0;

	while (!h->peer_known) {
		uint64_t now = clock_us();

		if (now >= deadline_us)
			return fail("arp", -ETIMEDOUT);
		if (now >= next_us) {
			arm(h);
			send_arp(h, 1, all, none, h->o->peer);
			next_us = now + ARP_GAP_US;
		}
		turn(h, 50);
	}
	printf("{\"event\":\"peer\",");
	mac_print("mac", h->peer_mac);
	printf("}\n");
	return 0;
}

static int ping(struct host *h)
{
	uint64_t sum_us = 0, worst_us = 0;
	unsigned int received = 0;

	for (unsigned int i = 0; i < h->o->count; i++) {
		uint64_t began_us = clock_us(), took_us = 0;

		/* before: an answer may be there before this process runs again */
		arm(h);
		send_echo(h, i);
		while (h->echo_seen != i + 1 && took_us < ECHO_WAIT_US) {
			turn(h, 50);
			took_us = clock_us() - began_us;
		}
		received += h->echo_seen == i + 1;
		sum_us += took_us;
		worst_us = took_us > worst_us ? took_us : worst_us;
	}
	printf("{\"event\":\"ping\",\"sent\":%u,\"received\":%u,\"mean_us\":%llu,\"worst_us\":%llu}"
	       "\n",
	       h->o->count, received, (unsigned long long)(h->o->count ? sum_us / h->o->count : 0),
	       (unsigned long long)worst_us);
	return received == h->o->count ? 0 : -EIO;
}

static void serve(struct host *h)
{
	uint64_t deadline_us = clock_us() + h->o->serve_s * USEC_PER_SEC;
	eventfd_t n;

	while (clock_us() < deadline_us) {
		turn(h, 100);
		if (eventfd_read(h->req_fd, &n) == 0) {
			printf("{\"event\":\"wanted back\"}\n");
			return;
		}
	}
}

static int work(struct host *h, struct pcif *f)
{
	struct vfdrv_counters c;
	int r;

	r = bring_up(h, f);
	if (r < 0)
		return r;
	fflush(stdout);
	if (h->o->peer.s_addr) {
		r = find_peer(h);
		if (r < 0)
			return r;
		r = ping(h);
		fflush(stdout);
	}
	serve(h);
	vfdrv_counters(h->v, &c);
	printf("{\"event\":\"end\",\"mode\":\"%s\",\"wakes\":%llu,\"arp_answered\":%llu,"
	       "\"echo_answered\":%llu,\"rx\":%llu,\"tx\":%llu,\"rx_errors\":%llu}\n",
	       h->o->irq ? "irq" : "poll", (unsigned long long)h->wakes,
	       (unsigned long long)h->arp_answered, (unsigned long long)h->echo_answered,
	       (unsigned long long)c.rx_packets, (unsigned long long)c.tx_packets,
	       (unsigned long long)c.rx_errors);
	if (r == 0 && h->o->irq && h->o->count && h->wakes == 0)
		return fail("no interrupt came", -EIO);
	return r;
}

static int parse_mac(const char *text, uint8_t ret_mac[6])
{
	unsigned int b[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &rest) != 6)
		return -EINVAL;
	for (unsigned int i = 0; i < 6; i++)
		ret_mac[i] = (uint8_t)b[i];
	return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"bdf", required_argument, NULL, 'b'},
		{"token", required_argument, NULL, 't'},
		{"ip", required_argument, NULL, 'i'},
		{"peer", required_argument, NULL, 'p'},
		{"count", required_argument, NULL, 'c'},
		{"serve", required_argument, NULL, 's'},
		{"mac", required_argument, NULL, 'm'},
		{"sysfs", required_argument, NULL, 'y'},
		{"irq", no_argument, NULL, 'q'},
		{"iova", required_argument, NULL, 'a'},
		{NULL, 0, NULL, 0},
	};
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'b')
			o->vfio.bdf = optarg;
		else if (c == 't')
			o->vfio.token = optarg;
		else if (c == 'y')
			o->vfio.sysfs = optarg;
		else if (c == 'i')
			ok = ok && inet_pton(AF_INET, optarg, &o->ip) == 1;
		else if (c == 'p')
			ok = ok && inet_pton(AF_INET, optarg, &o->peer) == 1;
		else if (c == 'c')
			o->count = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 's')
			o->serve_s = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			ok = ok && parse_mac(optarg, o->mac) == 0 && (o->has_mac = true);
		else if (c == 'a')
			o->iova = strtoull(optarg, NULL, 0);
		else if (c == 'q')
			o->irq = true;
		else
			ok = false;
	}
	return ok && o->vfio.bdf && optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options o = {.count = 5};
	struct host h = {.o = &o, .req_fd = -1};
	char err[PCIF_ERR_MAX] = "";
	struct pcif *f = NULL;
	int r;

	if (parse(argc, argv, &o) < 0) {
		fputs("usage: vf-ping --bdf BDF [--token UUID] [--ip A --peer B [--count N]] "
		      "[--serve SECONDS] [--irq] [--mac MAC] [--iova ADDRESS] [--sysfs DIR]\n",
		      stderr);
		return 2;
	}
	r = pcif_open_vfio(&o.vfio, &f, err, sizeof(err));
	if (r < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	r = work(&h, f);
	vfdrv_pcif_close(h.home);
	pcif_close(f);
	fd_close(h.req_fd);
	return r < 0;
}

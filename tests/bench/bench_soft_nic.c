/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data path between two VFs, bursts of 32 frames in both directions.
 *
 * By default in lock-step: one thread plays both VFs and the NIC. No line crosses cores, so the
 * rate compares builds on one machine and nothing else. Instructions a frame: valgrind
 * --tool=callgrind --toggle-collect=dp_poll_once bench_soft_nic --frames 200000 With "--threaded
 * CPU" the NIC has a thread of its own on that processor; a second line gives the round trip of a
 * lone frame, VF to VF and back, as service time (the next starts when it is over). "--vfs" enables
 * more VFs than the two that are busy, "--peers" spreads what VF 0 sends over that many, "--idle"
 * tells what share of a processor a NIC costs that has nothing to do. "--pairs" gives the rate of
 * two pairs of VFs that have nothing to do with each other, on one and on two data threads; this
 * program's own thread plays all four drivers, so with fewer than three processors the two lines
 * say little.
 */
#include <lib/clock.h>
#include <stdio.h>
#include <sys/resource.h>
#include <support/snic_rig.h>
#include <sys/utsname.h>

#define BURST_MAX    32u
#define RING	     256u
#define IN_FLY	     (RING - 2 * BURST_MAX) /* frames a direction may have under way */
#define N_RTT	     20000u
#define IDLE_MAX     2.0 /* percent of a processor */
#define GIVE_UP_US   (5 * USEC_PER_SEC)
#define PAIRS_MAX_US (60 * USEC_PER_SEC)

struct options {
	uint64_t frames;
	uint32_t size;
	uint32_t rs_every;
	uint32_t burst;
	uint32_t vfs;	/* enabled */
	uint32_t peers; /* receivers of VF 0 */
	uint32_t idle_s;
	int cpu; /* -1: lock-step */
	bool pairs;
	uint32_t threads; /* that work: the NIC's, and this one */
};

/* Take what arrived, give the buffers back; the tail moves once, as a driver does it. */
static uint32_t repost(struct rig_queue *q)
{
	uint32_t n = 0;

	while (rig_rx(q, NULL, NULL)) {
		uint64_t *d = (uint64_t *)(void *)&q->rx_ring[q->rx_tail];

		d[0] = rig_iova(RIG_RX_BUF + q->rx_tail * RIG_STRIDE);
		d[1] = 0;
		q->rx_tail = (q->rx_tail + 1) % q->n;
		n++;
	}
	if (n)
		mmio_write32(q->rx + 0x18, q->rx_tail);
	return n;
}

static void burst(struct rig_queue *q, uint32_t n, uint32_t len, uint32_t rs_every)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = q->tx_next;

		q->tx_ring[at].addr = le64_of(rig_iova(RIG_TX_BUF + at * RIG_STRIDE));
		q->tx_ring[at].status = le32_of(len << 14);
		q->tx_ring[at].cmd_len = le32_of(RIG_TXD | NIC_TXD_EOP | len |
						 ((i + 1) % rs_every ? 0 : NIC_TXD_RS));
		q->tx_next = (at + 1) % q->n;
	}
	io_wmb();
	mmio_write32(q->tx + 0x18, q->tx_next);
}

static void print_line(const struct options *o, const char *metric, const char *unit, double value)
{
	struct utsname u;

	uname(&u);
	printf("{\"metric\":\"soft_nic_%s\",\"unit\":\"%s\",\"value\":%.3f,\"frame_bytes\":%u,"
	       "\"burst\":%u,\"ring\":%u,\"vfs\":%u,\"peers\":%u,\"rs_every\":%u,\"frames\":%llu,"
	       "\"threads\":%u,"
	       "\"machine\":\"%s %s\"}\n",
	       metric, unit, value, o->size, o->burst, RING, o->vfs, o->peers, o->rs_every,
	       (unsigned long long)o->frames,
	       o->threads   ? o->threads
	       : o->cpu < 0 ? 1
			    : 2,
	       u.sysname, u.release);
}

/* Mpps, or 0 if frames went missing. With several peers only VF 0 sends. */
static double lockstep(struct rig *r, struct rig_queue *q, const struct options *o)
{
	uint32_t senders = o->peers > 1 ? 1 : 2;
	uint64_t t0 = clock_us(), sent = 0, got = 0, us;

	while (sent < o->frames) {
		for (uint32_t i = 0; i < senders; i++)
			burst(&q[i], o->burst, o->size - 4, o->rs_every);
		snic_dp_poll_once(r->nic);
		for (uint32_t i = 0; i <= o->peers; i++)
			got += repost(&q[i]);
		sent += senders * o->burst;
	}
	us = clock_us() - t0;
	return got == sent && us ? (double)got / (double)us : 0;
}

/* Percent of a processor while queues are up and nothing moves. */
static double idle(struct rig *r, const struct options *o)
{
	struct rusage a, b;

	clock_sleep_us(4 * USEC_PER_SEC); /* down the ladder */
	getrusage(RUSAGE_SELF, &a);
	clock_sleep_us(o->idle_s * USEC_PER_SEC);
	getrusage(RUSAGE_SELF, &b);
	return ((double)(b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec -
			 a.ru_stime.tv_sec) +
		(double)(b.ru_utime.tv_usec - a.ru_utime.tv_usec + b.ru_stime.tv_usec -
			 a.ru_stime.tv_usec) /
			1e6) *
	       100 / o->idle_s;
}

static double threaded(struct rig_queue q[2], const struct options *o)
{
	uint64_t t0 = clock_us(), sent[2] = {0}, got[2] = {0}, us;

	while (got[0] + got[1] < o->frames) {
		for (unsigned int i = 0; i < 2; i++) {
			if (sent[i] - got[!i] <= IN_FLY - o->burst) {
				burst(&q[i], o->burst, o->size - 4, o->rs_every);
				sent[i] += o->burst;
			}
			got[i] += repost(&q[i]);
		}
		if (clock_us() - t0 > GIVE_UP_US + o->frames)
			return 0;
	}
	us = clock_us() - t0;
	for (uint64_t end = clock_us() + GIVE_UP_US;
	     got[0] + got[1] < sent[0] + sent[1] && clock_us() < end;)
		for (unsigned int i = 0; i < 2; i++)
			got[i] += repost(&q[i]);
	return got[0] + got[1] == sent[0] + sent[1] && us ? (double)o->frames / (double)us : 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median round trip in TSC ticks, 0 if a frame got lost. */
static uint64_t round_trip(struct rig_queue q[2], const struct options *o)
{
	static uint64_t ticks[N_RTT];

	for (unsigned int k = 0; k < N_RTT; k++) {
		uint64_t end = clock_us() + GIVE_UP_US, t0 = tsc_read();

		for (unsigned int i = 0; i < 2; i++) {
			burst(&q[i], 1, o->size - 4, 1);
			while (!repost(&q[!i]))
				if (tsc_read() % 4096 == 0 && clock_us() > end)
					return 0;
		}
		ticks[k] = tsc_read() - t0;
	}
	qsort(ticks, N_RTT, sizeof(ticks[0]), by_value);
	return ticks[N_RTT / 2];
}

static uint64_t tsc_per_ms(void)
{
	uint64_t t0 = clock_us(), c0 = tsc_read();

	clock_sleep_us(20000);
	return (tsc_read() - c0) * 1000 / (clock_us() - t0);
}

static bool parse(int argc, char **argv, struct options *o)
{
	if (argc == 2 && !strcmp(argv[1], "--pairs")) {
		o->pairs = true;
		o->vfs = 4;
		return true;
	}
	for (int i = 1; i < argc; i += 2) {
		uint64_t v = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;

		if (!strcmp(argv[i], "--frames"))
			o->frames = v;
		else if (!strcmp(argv[i], "--size"))
			o->size = (uint32_t)v;
		else if (!strcmp(argv[i], "--rs-every"))
			o->rs_every = (uint32_t)v;
		else if (!strcmp(argv[i], "--threaded"))
			o->cpu = (int)v;
		else if (!strcmp(argv[i], "--burst"))
			o->burst = (uint32_t)v;
		else if (!strcmp(argv[i], "--vfs"))
			o->vfs = (uint32_t)v;
		else if (!strcmp(argv[i], "--peers"))
			o->peers = (uint32_t)v;
		else if (!strcmp(argv[i], "--idle"))
			o->idle_s = (uint32_t)v;
		else
			return false;
	}
	return o->frames && o->size >= 64 && o->size <= 1518 && o->rs_every &&
	       o->rs_every <= BURST_MAX && o->burst && o->burst <= BURST_MAX && o->vfs >= 2 &&
	       o->vfs <= NIC_VFS_MAX && o->peers && o->peers < o->vfs && o->idle_s <= 60;
}

static void queues_up(struct rig *r, struct rig_queue *q, const struct options *o)
{
	uint8_t src[6], dst[6];

	rig_pf_up(r, o->vfs);
	rig_write(r, SNIC_PF, nic_DTXSWC(0), DTXSWC_LOOPBACK | 0xffff); /* spoof checks on */
	for (unsigned int i = 0; i < o->vfs; i++) {
		q[i] = rig_queue_up(r, i, i, RING, RING - 1);
		rig_mac(i, src);
		for (unsigned int k = 0; k < RING; k++) {
			rig_mac(o->pairs ? i ^ 2 : i ? 0 : 1 + k % o->peers, dst);
			rig_frame(r->mem[i] + RIG_TX_BUF + k * RIG_STRIDE, dst, src, -1,
				  o->size - 4);
		}
	}
}

static bool run_threaded(struct rig *r, struct rig_queue *q, const struct options *o)
{
	double mpps, percent;
	uint64_t rtt;

	if (snic_dp_start(r->nic, o->cpu) < 0) {
		fprintf(stderr, "no data thread on processor %d\n", o->cpu);
		return false;
	}
	if (o->idle_s) {
		percent = idle(r, o);
		print_line(o, "idle_cpu", "%", percent);
		return percent < IDLE_MAX;
	}
	mpps = threaded(q, o);
	print_line(o, "throughput", "Mpps", mpps);
	rtt = round_trip(q, o);
	print_line(o, "rtt_p50", "ns", (double)rtt * 1e6 / (double)tsc_per_ms());
	return mpps > 0 && rtt;
}

/* VFs 0 and 2, which belong to one thread, and 1 and 3, to the other if there is one. 0: frames
 * lost. */
static double pairs(struct rig_queue q[4], const struct options *o)
{
	uint64_t t0 = clock_us(), sent[4] = {0}, got[4] = {0}, sum = 0, all = 0, us;
	bool enough = false;

	/* until all that was sent has arrived */
	while (!enough || sum < all) {
		enough = sum >= o->frames;
		sum = all = 0;
		for (unsigned int i = 0; i < 4; i++) {
			if (!enough && sent[i] - got[i ^ 2] <= IN_FLY - o->burst) {
				burst(&q[i], o->burst, o->size - 4, o->rs_every);
				sent[i] += o->burst;
			}
			got[i] += repost(&q[i]);
			sum += got[i];
			all += sent[i];
		}
		if (clock_us() - t0 > PAIRS_MAX_US)
			return 0;
	}
	us = clock_us() - t0;
	return us ? (double)sum / (double)us : 0;
}

static bool run_pairs(struct options *o)
{
	static const char *const metric[] = {"two_pairs_one_thread", "two_pairs_two_threads"};
	static const int cpus[] = {-1, -1};
	bool ok = true;

	for (unsigned int n = 1; n <= 2; n++) {
		struct rig *r = rig_new();
		struct rig_queue q[NIC_VFS_MAX];
		double mpps = 0;

		if (snic_dp_threads(r->nic, n, cpus) >= 0) {
			queues_up(r, q, o);
			if (snic_dp_start(r->nic, -1) >= 0)
				mpps = pairs(q, o);
		}
		o->threads = n + 1;
		print_line(o, metric[n - 1], "Mpps", mpps);
		ok &= mpps > 0;
		rig_free(r);
	}
	return ok;
}

int main(int argc, char **argv)
{
	struct options o = {.frames = 4000000,
			    .size = 64,
			    .rs_every = 1,
			    .burst = BURST_MAX,
			    .vfs = 2,
			    .peers = 1,
			    .cpu = -1};
	struct rig_queue q[NIC_VFS_MAX];
	struct rig *r;
	double mpps;
	bool ok;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr,
			"bench_soft_nic [--frames N] [--size 64..1518] [--rs-every 1..%u] "
			"[--burst 1..%u] [--vfs 2..8] [--peers 1..7] [--threaded CPU "
			"[--idle SECONDS]] | --pairs\n",
			BURST_MAX, BURST_MAX);
		return 2;
	}
	if (o.pairs)
		return !run_pairs(&o);
	r = rig_new();
	queues_up(r, q, &o);
	if (o.cpu < 0) {
		mpps = lockstep(r, q, &o);
		print_line(&o, "lockstep", "Mpps", mpps);
		ok = mpps > 0;
	} else {
		ok = run_threaded(r, q, &o);
	}
	rig_free(r);
	return !ok;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An application on two ports of the DPDK port, for what testpmd does not show: sleeping until a
 * frame comes, and events. pmd_events EAL-ARGUMENTS -- ROUNDS
 *
 * First every round puts a queue of port 1 to sleep, sends it one frame from port 0 and measures
 * until it is awake: for each of its two queues, with the other one armed. Then it tells of events,
 * a line each, resets a port that has to be, and ends when both ports are gone or at the end of its
 * input. With one port only it goes to sleep ROUNDS times and tells who woke it: somebody else
 * sends.
 */
#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_interrupts.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS	   2u
#define WAKE_MS	   5000
#define LONE_MS	   60000
#define LONE_TRIES 1000
#define QUIET_MS   50
#define TYPE	   0x88b5
#define FLOWS	   256u /* one of so many lands on the queue that is looked for */

static struct rte_mempool *pool;
static atomic_uint events[PORTS]; /* bits of enum rte_eth_event_type not yet told */
static bool gone[PORTS];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("failed: %s\n", what);
	exit(1);
}

static int on_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	if (port < PORTS)
		atomic_fetch_or(&events[port], 1u << type);
	return 0;
}

/* The last port sleeps; the second one has both receive queues. */
static bool sleeps(uint16_t port)
{
	return port == rte_eth_dev_count_avail() - 1;
}

static uint16_t queues(uint16_t port)
{
	return port == 1 ? 2 : 1;
}

static void port_up(uint16_t port)
{
	struct rte_eth_conf conf = {.intr_conf = {.rxq = sleeps(port), .lsc = 1, .rmv = 1}};

	if (queues(port) > 1)
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	must(!rte_eth_dev_configure(port, queues(port), 1, &conf), "configure");
	for (uint16_t q = 0; q < queues(port); q++)
		must(!rte_eth_rx_queue_setup(port, q, 256, SOCKET_ID_ANY, NULL, pool),
		     "receive queue");
	must(!rte_eth_tx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL), "transmit queue");
	must(!rte_eth_dev_start(port), "start");
}

/* One frame: of UDP flow @flow, or with 0 one that no PF spreads. */
static void send_one(uint16_t from, uint16_t to, uint32_t flow)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *h;
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;

	must(m, "buffer");
	h = (struct rte_ether_hdr *)rte_pktmbuf_append(m, 64);
	memset(h, 0, 64);
	rte_eth_macaddr_get(to, &h->dst_addr);
	rte_eth_macaddr_get(from, &h->src_addr);
	h->ether_type = rte_cpu_to_be_16(TYPE);
	if (flow) {
		ip = (struct rte_ipv4_hdr *)(h + 1);
		udp = (struct rte_udp_hdr *)(ip + 1);
		h->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16(50);
		ip->time_to_live = 64;
		ip->next_proto_id = IPPROTO_UDP;
		ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1));
		ip->dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 2));
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		udp->src_port = rte_cpu_to_be_16((uint16_t)(1024 + flow));
		udp->dst_port = rte_cpu_to_be_16(9);
		udp->dgram_len = rte_cpu_to_be_16(30);
	}
	must(rte_eth_tx_burst(from, 0, &m, 1) == 1, "send");
}

/* Frames that are there now. */
static unsigned int take(uint16_t port, uint16_t queue)
{
	struct rte_mbuf *m[32];
	uint16_t n = rte_eth_rx_burst(port, queue, m, 32);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static unsigned int take_all(uint16_t port)
{
	unsigned int n = 0;

	for (uint16_t q = 0; q < queues(port); q++)
		n += take(port, q);
	return n;
}

/* A flow that port 1 receives on @queue. */
static uint32_t flow_of(uint16_t queue)
{
	for (uint32_t flow = 1; flow <= FLOWS; flow++) {
		uint64_t end = rte_get_timer_cycles() + WAKE_MS / 1000 * rte_get_timer_hz();

		send_one(0, 1, flow);
		for (;;) {
			if (take(1, queue))
				return flow;
			if (take(1, !queue))
				break;
			must(rte_get_timer_cycles() < end, "a frame arrives on some queue");
		}
	}
	must(false, "a flow for each queue");
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

/* The queue that woke us, which none but this one may. */
static void woken_by(uint16_t queue, const char *what)
{
	struct rte_epoll_event e;

	must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, WAKE_MS) == 1, what);
	must((uintptr_t)e.epdata.data == queue, "by the queue that has a frame");
}

static bool asleep(void)
{
	struct rte_epoll_event e;

	return rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, QUIET_MS) == 0;
}

/* Armed, and nothing comes; frames of before may have left a cause, which is told once. */
static void arm_quiet(uint16_t queue)
{
	for (unsigned int i = 0; i < 2; i++) {
		must(!rte_eth_dev_rx_intr_enable(1, queue), "arm");
		if (asleep())
			return;
	}
	must(false, "asleep while nothing comes");
}

static void sleep_and_wake(uint16_t queue, unsigned int rounds)
{
	double *us = calloc(rounds, sizeof(*us));
	uint32_t flow = flow_of(queue);
	unsigned int spurious = 0;

	must(us && rounds, "rounds");
	arm_quiet(!queue);
	arm_quiet(queue);
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t from;

		must(!rte_eth_dev_rx_intr_enable(1, queue), "arm");
		from = rte_get_timer_cycles();
		send_one(0, 1, flow);
		for (;;) {
			woken_by(queue, "wake");
			must(!rte_eth_dev_rx_intr_disable(1, queue), "disarm");
			if (take(1, queue))
				break;
			spurious++;
			must(!rte_eth_dev_rx_intr_enable(1, queue), "arm again");
		}
		us[i] = (double)(rte_get_timer_cycles() - from) * 1e6 / (double)rte_get_timer_hz();
	}
	/* disarmed: frames come, nobody is woken */
	send_one(0, 1, flow);
	must(asleep(), "asleep while disarmed");
	must(take(1, queue) == 1, "the frame is there");
	/* one that waits already when the queue is armed */
	send_one(0, 1, flow);
	rte_delay_us_sleep(20000);
	must(!rte_eth_dev_rx_intr_enable(1, queue), "arm late");
	woken_by(queue, "wake at once");
	must(take(1, queue) == 1, "the frame is there");
	must(!rte_eth_dev_rx_intr_disable(1, queue), "disarm");
	must(!rte_eth_dev_rx_intr_disable(1, !queue), "disarm the other");
	qsort(us, rounds, sizeof(*us), by_value);
	printf("queue %u: woken %u times, median %.1f us, spurious %u\n", queue, rounds,
	       us[rounds / 2], spurious);
	free(us);
}

static void both_queues(unsigned int rounds)
{
	for (uint16_t q = 0; q < queues(1); q++)
		must(!rte_eth_dev_rx_intr_ctl_q(1, q, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
						(void *)(uintptr_t)q),
		     "interrupt in the epoll set");
	for (uint16_t q = 0; q < queues(1); q++)
		sleep_and_wake(q, rounds);
	fflush(stdout);
}

/* Alone: what comes is not ours to say, so that a wake-up without a frame is no failure. */
static void wait_for_others(unsigned int rounds)
{
	struct rte_epoll_event e;

	must(!rte_eth_dev_rx_intr_ctl_q(0, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL),
	     "interrupt in the epoll set");
	for (unsigned int i = 0, n; i<rounds; i += n> 0) {
		must(!rte_eth_dev_rx_intr_enable(0, 0), "arm");
		printf("asleep\n");
		fflush(stdout);
		must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, LONE_MS) == 1, "wake");
		must(!rte_eth_dev_rx_intr_disable(0, 0), "disarm");
		n = take(0, 0);
		printf("woken by %u frames\n", n);
	}
	must(!rte_eth_dev_stop(0) && !rte_eth_dev_close(0), "stop and close");
}

static void tell(uint16_t port)
{
	unsigned int seen = atomic_exchange(&events[port], 0);
	struct rte_eth_link link;

	if (seen & 1u << RTE_ETH_EVENT_INTR_LSC) {
		rte_eth_link_get_nowait(port, &link);
		printf("port %u: link %s\n", port, link.link_status ? "up" : "down");
	}
	if (seen & 1u << RTE_ETH_EVENT_INTR_RMV) {
		printf("port %u: removed, %d\n", port, rte_eth_dev_is_removed(port));
		must(rte_eth_allmulticast_enable(port) < 0, "refused on a port that is gone");
		rte_eth_dev_stop(port);
		must(!rte_eth_dev_close(port), "close");
		gone[port] = true;
		return;
	}
	if (seen & 1u << RTE_ETH_EVENT_INTR_RESET) {
		must(!rte_eth_dev_reset(port), "reset");
		port_up(port);
		printf("port %u: reset\n", port);
	}
}

static void watch(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	while (!gone[0] || !gone[1]) {
		for (uint16_t port = 0; port < PORTS; port++) {
			if (gone[port])
				continue;
			if (take_all(port))
				printf("port %u: a frame\n", port);
			tell(port);
		}
		fflush(stdout);
		if (poll(&in, 1, 5) > 0) {
			char line[16];

			if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
				return;
			if (line[0] == 'p')
				printf("port 0: promiscuous %d\n",
				       rte_eth_promiscuous_enable(0) == 0);
			else
				send_one((uint16_t)(line[0] == '1'), (uint16_t)(line[0] != '1'), 0);
		}
	}
	printf("all gone\n");
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	uint16_t n_ports;
	unsigned int rounds;

	must(n >= 0 && n + 1 < argc, "EAL and rounds");
	n_ports = rte_eth_dev_count_avail();
	must(n_ports == 1 || n_ports == PORTS, "one or two ports");
	pool = rte_pktmbuf_pool_create("events", 2047, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	must(pool, "pool");
	for (uint16_t port = 0; port < n_ports; port++) {
		for (unsigned int type = RTE_ETH_EVENT_INTR_LSC; type <= RTE_ETH_EVENT_INTR_RMV;
		     type++)
			rte_eth_dev_callback_register(port, (enum rte_eth_event_type)type, on_event,
						      NULL);
		port_up(port);
	}
	rounds = (unsigned int)strtoul(argv[n + 1], NULL, 10);
	if (n_ports == 1) {
		wait_for_others(rounds);
	} else {
		both_queues(rounds);
		watch();
	}
	rte_eal_cleanup();
	return 0;
}

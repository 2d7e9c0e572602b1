/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An application on two ports of the DPDK port, for what testpmd does not show: sleeping until a
 * frame comes, and events. pmd_events EAL-ARGUMENTS -- ROUNDS
 *
 * First every round puts port 1 to sleep, sends it one frame from port 0 and measures until it is
 * awake. Then it tells of events, a line each, resets a port that has to be, and ends when both
 * ports are gone or at the end of its input.
 */
#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_interrupts.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS	 2u
#define WAKE_MS	 5000
#define QUIET_MS 50
#define TYPE	 0x88b5

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

static void port_up(uint16_t port, bool sleeps)
{
	struct rte_eth_conf conf = {.intr_conf = {.rxq = sleeps, .lsc = 1, .rmv = 1}};

	must(!rte_eth_dev_configure(port, 1, 1, &conf), "configure");
	must(!rte_eth_rx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL, pool), "receive queue");
	must(!rte_eth_tx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL), "transmit queue");
	must(!rte_eth_dev_start(port), "start");
}

static void send_one(uint16_t from, uint16_t to)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *h;

	must(m, "buffer");
	h = (struct rte_ether_hdr *)rte_pktmbuf_append(m, 64);
	memset(h, 0, 64);
	rte_eth_macaddr_get(to, &h->dst_addr);
	rte_eth_macaddr_get(from, &h->src_addr);
	h->ether_type = rte_cpu_to_be_16(TYPE);
	must(rte_eth_tx_burst(from, 0, &m, 1) == 1, "send");
}

/* Frames that are there now. */
static unsigned int take(uint16_t port)
{
	struct rte_mbuf *m[32];
	uint16_t n = rte_eth_rx_burst(port, 0, m, 32);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void sleep_and_wake(unsigned int rounds)
{
	double *us = calloc(rounds, sizeof(*us));
	struct rte_epoll_event e;
	unsigned int spurious = 0;

	must(us && rounds, "rounds");
	must(!rte_eth_dev_rx_intr_ctl_q(1, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL),
	     "interrupt in the epoll set");
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t from;

		must(!rte_eth_dev_rx_intr_enable(1, 0), "arm");
		if (i == 0)
			must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, QUIET_MS) == 0,
			     "asleep while nothing comes");
		from = rte_get_timer_cycles();
		send_one(0, 1);
		for (;;) {
			must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, WAKE_MS) == 1, "wake");
			must(!rte_eth_dev_rx_intr_disable(1, 0), "disarm");
			if (take(1))
				break;
			spurious++;
			must(!rte_eth_dev_rx_intr_enable(1, 0), "arm again");
		}
		us[i] = (double)(rte_get_timer_cycles() - from) * 1e6 / (double)rte_get_timer_hz();
	}
	/* disarmed: frames come, nobody is woken */
	send_one(0, 1);
	must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, QUIET_MS) == 0, "asleep while disarmed");
	must(take(1) == 1, "the frame is there");
	/* one that waits already when the queue is armed */
	send_one(0, 1);
	rte_delay_us_sleep(20000);
	must(!rte_eth_dev_rx_intr_enable(1, 0), "arm late");
	must(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, WAKE_MS) == 1, "wake at once");
	must(take(1) == 1, "the frame is there");
	must(!rte_eth_dev_rx_intr_disable(1, 0), "disarm");
	qsort(us, rounds, sizeof(*us), by_value);
	printf("woken %u times, median %.1f us, spurious %u\n", rounds, us[rounds / 2], spurious);
	free(us);
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
		port_up(port, port == 1);
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
			if (take(port))
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
				send_one((uint16_t)(line[0] == '1'), (uint16_t)(line[0] != '1'));
		}
	}
	printf("all gone\n");
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);

	must(n >= 0 && n + 1 < argc, "EAL and rounds");
	must(rte_eth_dev_count_avail() == PORTS, "two ports");
	pool = rte_pktmbuf_pool_create("events", 2047, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	must(pool, "pool");
	for (uint16_t port = 0; port < PORTS; port++) {
		for (unsigned int type = RTE_ETH_EVENT_INTR_LSC; type <= RTE_ETH_EVENT_INTR_RMV;
		     type++)
			rte_eth_dev_callback_register(port, (enum rte_eth_event_type)type, on_event,
						      NULL);
		port_up(port, port == 1);
	}
	sleep_and_wake((unsigned int)strtoul(argv[n + 1], NULL, 10));
	fflush(stdout);
	watch();
	rte_eal_cleanup();
	return 0;
}

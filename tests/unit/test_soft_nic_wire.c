/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire thread on a real tap device: frames to and from the kernel, and a NIC that naps. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <lib/clock.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <support/test.h>
#include <support/snic_rig.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TYPE	    0x88b5 /* local experimental */
#define DEADLINE_US (5 * USEC_PER_SEC)

struct tap {
	int fd;
	int sock; /* the kernel's side of it */
	unsigned int index;
};

static void kick(void *ctx)
{
	snic_dp_kick(((struct rig *)ctx)->nic);
}

static int tap_open(struct tap *t)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(TYPE)};
	struct ifreq i = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	if (ioctl(t->fd, TUNSETIFF, &i) < 0)
		return -errno;
	t->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(TYPE));
	if (t->sock < 0)
		return -errno;
	i.ifr_flags = IFF_UP;
	if (ioctl(t->sock, SIOCSIFFLAGS, &i) < 0)
		return -errno;
	t->index = if_nametoindex(i.ifr_name);
	a.sll_ifindex = (int)t->index;
	return bind(t->sock, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
}

static struct tap tap;

static void frames_travel_between_a_vf_and_the_kernel(void **state)
{
	struct rig *r = rig_new();
	struct snic_counters c;
	struct snic_tap *t;
	struct rig_queue q;
	uint8_t f[60], in[2048], mac[6], out_mac[6] = {2, 9, 9, 9, 9, 9};
	const uint8_t *buf = NULL;
	uint32_t got = 0;
	uint64_t end;
	ssize_t n = -1;

	rig_pf_up(r, 1);
	rig_mac(0, mac);
	q = rig_queue_up(r, 0, 0, 64, 60);
	assert_int_equal(snic_tap_start(r->wire, tap.fd, kick, r, &t), 0);
	assert_int_equal(snic_dp_start(r->nic, -1), 0);

	rig_frame(f, out_mac, mac, -1, 60);
	for (unsigned int i = 0; i < 20; i++)
		rig_tx(&q, f, 60);
	end = clock_us() + DEADLINE_US;
	for (unsigned int i = 0; i < 20 && clock_us() < end;) {
		n = recv(tap.sock, in, sizeof(in), 0);
		if (n < 0) {
			clock_sleep_us(100);
			continue;
		}
		assert_int_equal(n, 60);
		assert_memory_equal(in, f, 60);
		i++;
	}
	assert_int_equal(n, 60);

	/* let it nap: the wire wakes it. A short frame arrives padded */
	clock_sleep_us(80000);
	rig_frame(f, mac, out_mac, -1, 42);
	assert_int_equal(send(tap.sock, f, 42, 0), 42);
	end = clock_us() + DEADLINE_US;
	while (!got && clock_us() < end) {
		got = rig_rx(&q, &buf, NULL);
		if (!got)
			clock_sleep_us(100);
	}
	assert_int_equal(got, 60);
	assert_memory_equal(buf, f, 42);
	snic_counters(r->nic, &c);
	assert_int_equal(c.wire_tx_packets, 20);
	assert_true(c.wire_rx_packets >= 1);
	snic_dp_stop(r->nic);
	snic_tap_stop(t);
	close(tap.sock);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_travel_between_a_vf_and_the_kernel),
	};
	int r = tap_open(&tap);

	if (r < 0) {
		printf("no tap device can be made here: %s\n", strerror(-r));
		return 77;
	}
	return cmocka_run_group_tests_name("soft_nic_wire", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drives a real sriov-bridge from outside: bridge_traffic BRIDGE [--bench]. Three ports through the
 * VMM's own vhost-user front end, and a message socket in place of the tap.
 */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <support/vhost_port.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define WAIT_US	 clock_patient_us(2 * USEC_PER_SEC)
#define QUIET_US UINT64_C(20000)
#define FRAME	 64u

#define CHECK(x)                                                        \
	do {                                                            \
		if (!(x)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
			bridge_kill();                                  \
			exit(1);                                        \
		}                                                       \
	} while (0)

static struct {
	char dir[32];
	char ctl[64];
	pid_t pid;
	int uplink; /* our end of what the bridge takes for a tap */
	struct vhost_port port[3];
} t = {.dir = "/tmp/bridge-test-XXXXXX", .uplink = -1};

static const uint8_t mac[4][6] = {{2, 0, 0, 0, 0, 0xa},
				  {2, 0, 0, 0, 0, 0xb},
				  {2, 0, 0, 0, 0, 0xc},
				  {2, 0, 0, 0, 0, 0xee}}; /* a, b, c, behind the uplink */
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void bridge_kill(void)
{
	char path[64];

	if (t.pid > 0)
		kill(t.pid, SIGKILL);
	for (const char *n = "abc"; *n; n++) {
		snprintf(path, sizeof(path), "%s/%c.sock", t.dir, *n);
		unlink(path);
	}
	unlink(t.ctl);
	rmdir(t.dir);
}

static int call(const char *method, json_t *params, json_t **ret)
{
	char err[256] = "";
	int r = ctl_call_path(t.ctl, method, params, NULL, 0, 5 * USEC_PER_SEC, ret, err,
			      sizeof(err));

	if (r < 0 && !strstr(err, "none of that name"))
		fprintf(stderr, "%s: %s (%s)\n", method, err, strerror(-r));
	return r;
}

static void port_path(char name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%c.sock", t.dir, name);
}

static void port_add(char name)
{
	char path[64], text[2] = {name};

	port_path(name, path, sizeof(path));
	CHECK(call("port.add", json_pack("{s:s, s:s}", "name", text, "path", path), NULL) == 0);
}

/* A port that may send from @only_from alone. */
static void port_add_checked(char name, const char *only_from)
{
	char path[64], text[2] = {name};

	port_path(name, path, sizeof(path));
	CHECK(call("port.add",
		   json_pack("{s:s, s:s, s:s}", "name", text, "path", path, "mac", only_from),
		   NULL) == 0);
}

static int port_remove(char name)
{
	char text[2] = {name};

	return call("port.remove", json_pack("{s:s}", "name", text), NULL);
}

static int64_t port_value(char name, const char *key)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	json_t *p;
	size_t i;

	CHECK(call("port.list", NULL, &list) == 0);
	json_array_foreach (json_object_get(list, "ports"), i, p) {
		json_t *v = json_object_get(p, key);

		if (json_string_value(json_object_get(p, "name"))[0] == name)
			return json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
	}
	return -1;
}

static void port_connect(unsigned int i)
{
	uint64_t end = clock_us() + WAIT_US;
	char path[64];

	port_path((char)('a' + i), path, sizeof(path));
	CHECK(vhost_port_open(path, &t.port[i]) == 0);
	/* the last acknowledgement comes a moment before the port carries frames */
	while (port_value((char)('a' + i), "connected") != 1)
		CHECK(clock_us() < end);
}

static void bridge_spawn(const char *program, bool uplink)
{
	char fd_text[2][16];
	int pair[2] = {-1, -1}, fd;

	CHECK(mkdtemp(t.dir));
	snprintf(t.ctl, sizeof(t.ctl), "%s/ctl.sock", t.dir);
	CHECK(ctl_listen(t.ctl, &fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	t.uplink = pair[0];
	t.pid = fork();
	CHECK(t.pid >= 0);
	if (t.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = dup(fd); /* without close-on-exec */
		close(pair[0]);
		snprintf(fd_text[0], sizeof(fd_text[0]), "%d", fd);
		snprintf(fd_text[1], sizeof(fd_text[1]), "%d", pair[1]);
		execl(program, program, "--name", "test", "--control-fd", fd_text[0],
		      uplink ? "--tap-fd" : NULL, fd_text[1], NULL);
		_exit(127);
	}
	close(pair[1]);
	close(fd);
}

static void frame_make(uint8_t *f, const uint8_t *dst, const uint8_t *src, uint32_t seq)
{
	memset(f, 0, FRAME);
	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	f[12] = 0x88;
	f[13] = 0xb5;
	memcpy(f + 14, &seq, sizeof(seq));
}

static void send_one(unsigned int i, const uint8_t *dst, const uint8_t *src, uint32_t seq)
{
	uint8_t f[FRAME];

	frame_make(f, dst, src, seq);
	CHECK(vhost_port_send(&t.port[i], f, FRAME));
	vhost_port_flush(&t.port[i]);
}

/* Does a frame with @seq, and nothing else, come out of port @i within @wait_us? */
static bool recv_one(unsigned int i, uint32_t seq, uint64_t wait_us)
{
	uint64_t end = clock_us() + wait_us;
	const uint8_t *f;
	uint32_t len, got;

	while ((f = vhost_port_recv(&t.port[i], &len)) == NULL) {
		if (clock_us() > end)
			return false;
		clock_sleep_us(20);
	}
	memcpy(&got, f + 14, sizeof(got));
	vhost_port_done(&t.port[i]);
	return len == FRAME && got == seq;
}

static bool uplink_recv(uint32_t seq, uint64_t wait_us)
{
	struct pollfd p = {.fd = t.uplink, .events = POLLIN};
	uint8_t f[2048];
	uint32_t got;

	if (poll(&p, 1, (int)(wait_us / 1000)) != 1 || read(t.uplink, f, sizeof(f)) != FRAME)
		return false;
	memcpy(&got, f + 14, sizeof(got));
	return got == seq;
}

static void learns_and_floods(void)
{
	uint8_t f[FRAME];

	send_one(0, everybody, mac[0], 1);
	CHECK(recv_one(1, 1, WAIT_US) && recv_one(2, 1, WAIT_US) && uplink_recv(1, WAIT_US));
	send_one(1, mac[0], mac[1], 2);
	CHECK(recv_one(0, 2, WAIT_US));
	CHECK(!recv_one(2, 2, QUIET_US) && !uplink_recv(2, QUIET_US) && !recv_one(1, 2, 0));
	send_one(0, mac[2], mac[0], 3); /* c has not spoken yet */
	CHECK(recv_one(1, 3, WAIT_US) && recv_one(2, 3, WAIT_US) && uplink_recv(3, WAIT_US));
	/* to itself: goes nowhere */
	send_one(0, mac[0], mac[0], 4);
	CHECK(!recv_one(0, 4, QUIET_US) && !recv_one(1, 4, 0));
	/* the world beyond the uplink, both ways */
	frame_make(f, mac[0], mac[3], 5);
	CHECK(write(t.uplink, f, FRAME) == FRAME);
	CHECK(recv_one(0, 5, WAIT_US) && !recv_one(1, 5, QUIET_US));
	send_one(0, mac[3], mac[0], 6);
	CHECK(uplink_recv(6, WAIT_US) && !recv_one(1, 6, QUIET_US));
	/* a moves to where c is, and back */
	send_one(2, everybody, mac[0], 7);
	CHECK(recv_one(0, 7, WAIT_US) && recv_one(1, 7, WAIT_US) && uplink_recv(7, WAIT_US));
	send_one(1, mac[0], mac[1], 8);
	CHECK(recv_one(2, 8, WAIT_US) && !recv_one(0, 8, QUIET_US));
	send_one(0, mac[1], mac[0], 9);
	CHECK(recv_one(1, 9, WAIT_US));
	puts("learning, flooding, moving, uplink: as they should");
}

static void refuses_impossible_sources(void)
{
	int64_t dropped = port_value('a', "rx_dropped");

	send_one(0, mac[1], everybody, 10);
	send_one(0, mac[1], (const uint8_t[6]){0}, 11);
	CHECK(vhost_port_send(&t.port[0], mac[1], 6));
	vhost_port_flush(&t.port[0]);
	CHECK(!recv_one(1, 10, QUIET_US));
	/* librte_vhost drops what is shorter than a header's worth by itself */
	CHECK(port_value('a', "rx_dropped") >= dropped + 2);
	puts("frames from group addresses, from nobody, and of six bytes: dropped");
}

static void refuses_spoofed_sources(void)
{
	vhost_port_close(&t.port[2]);
	CHECK(port_remove('c') == 0);
	port_add_checked('c', "02:00:00:00:00:0c");
	port_connect(2);
	send_one(0, everybody, mac[0], 20); /* a is where it is */
	CHECK(recv_one(1, 20, WAIT_US) && recv_one(2, 20, WAIT_US));

	send_one(2, mac[1], mac[0], 21);
	CHECK(!recv_one(1, 21, QUIET_US));
	CHECK(port_value('c', "spoofed") == 1);
	send_one(1, mac[0], mac[1], 22); /* and a's traffic was not drawn to c */
	CHECK(recv_one(0, 22, WAIT_US) && !recv_one(2, 22, QUIET_US));
	send_one(2, mac[1], mac[2], 23);
	CHECK(recv_one(1, 23, WAIT_US));

	vhost_port_close(&t.port[2]);
	CHECK(port_remove('c') == 0);
	port_add('c');
	port_connect(2);
	puts("frames from another port's address: dropped, nothing learned");
}

struct flow {
	unsigned int from, to;
	uint32_t sent, received, bad;
};

/* One round of a flow with at most @window outstanding. Return: did anything move? */
static bool flow_step(struct flow *w, uint32_t total, uint32_t window)
{
	uint32_t before = w->sent + w->received, len, seq;
	const uint8_t *f;
	uint8_t out[FRAME];

	for (unsigned int i = 0; i < VHOST_PORT_BURST; i++) {
		if (w->sent >= total || w->sent - w->received >= window)
			break;
		frame_make(out, mac[w->to], mac[w->from], w->sent);
		if (!vhost_port_send(&t.port[w->from], out, FRAME))
			break;
		w->sent++;
	}
	vhost_port_flush(&t.port[w->from]);
	while ((f = vhost_port_recv(&t.port[w->to], &len)) != NULL) {
		memcpy(&seq, f + 14, sizeof(seq));
		w->bad += seq != w->received || len != FRAME || memcmp(f + 6, mac[w->from], 6) != 0;
		w->received++;
		vhost_port_done(&t.port[w->to]);
	}
	return w->sent + w->received != before;
}

static void flows_run(struct flow *w, unsigned int n, uint32_t total, uint32_t window)
{
	uint64_t moved = clock_us();
	bool all;

	do {
		bool any = false;

		all = true;
		for (unsigned int i = 0; i < n; i++) {
			any |= flow_step(&w[i], total, window);
			all &= w[i].received >= total;
		}
		if (any)
			moved = clock_us();
		CHECK(clock_us() - moved < WAIT_US);
	} while (!all);
}

static void carries_both_directions_in_order(void)
{
	struct flow w[2] = {{.from = 0, .to = 1}, {.from = 1, .to = 0}};
	int64_t rx = port_value('a', "rx_packets"), tx = port_value('a', "tx_packets");

	flows_run(w, 2, 200000, 128);
	CHECK(w[0].bad == 0 && w[1].bad == 0);
	CHECK(port_value('a', "rx_packets") == rx + 200000);
	CHECK(port_value('a', "tx_packets") == tx + 200000);
	CHECK(port_value('a', "tx_dropped") == 0 && port_value('b', "tx_dropped") == 0);
	CHECK(t.port[0].tx.used->flags & VRING_USED_F_NO_NOTIFY);
	puts("400000 frames both ways: none lost, none out of order, no kick asked for");
}

static _Atomic bool churn_done;

static void *churn(void *arg)
{
	for (unsigned int i = 0; i < 100; i++) {
		struct vhost_port p;
		char path[64];

		port_path('c', path, sizeof(path));
		int r = vhost_port_open(path, &p);

		if (r < 0)
			fprintf(stderr, "round %u: %s\n", i, strerror(-r));
		CHECK(r == 0);
		/* flood it, so that the data thread is inside this port all the time */
		for (unsigned int k = 0; k < 200; k++) {
			uint8_t f[FRAME];

			frame_make(f, everybody, mac[2], k);
			if (vhost_port_send(&p, f, FRAME))
				vhost_port_flush(&p);
		}
		if (i % 3 == 0)
			vhost_port_close(&p);
		CHECK(port_remove('c') == 0);
		CHECK(port_remove('c') == -ENOENT);
		port_add('c');
		if (i % 3 != 0)
			vhost_port_close(&p);
	}
	churn_done = true;
	return NULL;
}

/* a and b talk, and hear c's broadcasts as well, while c comes and goes. */
static void removes_ports_under_traffic(void)
{
	uint32_t sent = 0, received = 0, len, seq;
	pthread_t thread;
	uint64_t end;

	vhost_port_close(&t.port[2]);
	CHECK(pthread_create(&thread, NULL, churn, NULL) == 0);
	end = clock_us() + 60 * USEC_PER_SEC;
	while (!churn_done || received < sent) {
		const uint8_t *f;

		/* half a ring in flight: room for what c floods */
		if (!churn_done && sent - received < 32)
			send_one(0, mac[1], mac[0], sent++);
		while ((f = vhost_port_recv(&t.port[1], &len)) != NULL) {
			memcpy(&seq, f + 14, sizeof(seq));
			if (memcmp(f + 6, mac[0], 6) == 0)
				CHECK(seq == received++);
			vhost_port_done(&t.port[1]);
		}
		while (vhost_port_recv(&t.port[0], &len))
			vhost_port_done(&t.port[0]);
		CHECK(clock_us() < end);
	}
	pthread_join(thread, NULL);
	printf("port c added and removed 100 times under traffic: %u frames a to b, none lost\n",
	       sent);
	while (uplink_recv(0, QUIET_US) ||
	       poll(&(struct pollfd){.fd = t.uplink, .events = POLLIN}, 1, 0))
		;
	port_connect(2);
}

static void outlives_a_killed_client(void)
{
	uint64_t end;
	char path[64];
	pid_t pid;

	vhost_port_close(&t.port[2]);
	port_path('c', path, sizeof(path));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct vhost_port p;
		uint8_t f[FRAME];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (vhost_port_open(path, &p) < 0)
			_exit(1);
		frame_make(f, mac[0], mac[2], 99);
		vhost_port_send(&p, f, FRAME);
		vhost_port_flush(&p);
		for (;;)
			pause();
	}
	CHECK(recv_one(0, 99, WAIT_US));
	CHECK(port_value('c', "connected") == 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end = clock_us() + WAIT_US;
	while (port_value('c', "connected") != 0)
		CHECK(clock_us() < end);
	send_one(0, mac[1], mac[0], 100);
	CHECK(recv_one(1, 100, WAIT_US));
	port_connect(2);
	send_one(0, mac[2], mac[0], 101);
	CHECK(recv_one(2, 101, WAIT_US));
	puts("a killed client: disconnected, forgotten, and its successor served");
}

/* Descriptors that point nowhere, loop, or wrap: the port may stop, the others may not notice. */
static void outlives_a_hostile_ring(void)
{
	struct vhost_port *p = &t.port[2];
	unsigned int seed = 1;

	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < VHOST_PORT_RING; i++) {
			p->tx.desc[i].addr = rand_r(&seed) % 3
						     ? (uint64_t)rand_r(&seed) << 24
						     : (uint64_t)rand_r(&seed) % (4 << 20);
			p->tx.desc[i].len = (uint32_t)rand_r(&seed);
			p->tx.desc[i].flags = (uint16_t)rand_r(&seed) & 7;
			p->tx.desc[i].next = (uint16_t)rand_r(&seed);
			p->tx.avail->ring[i] = (uint16_t)rand_r(&seed);
			p->rx.desc[i].addr = (uint64_t)rand_r(&seed) << 20;
		}
		p->tx.avail->idx = (uint16_t)rand_r(&seed);
		send_one(0, everybody, mac[0], 1000 + round);
		/* c may have sent frames of its own by luck */
		for (unsigned int n = 0; n < 100000 && !recv_one(1, 1000 + round, WAIT_US); n++)
			;
		while (uplink_recv(0, 0) ||
		       poll(&(struct pollfd){.fd = t.uplink, .events = POLLIN}, 1, 0))
			;
	}
	puts("200 rings of rubbish on port c: a still reaches b");
}

static void ends_cleanly(void)
{
	struct stat st;
	char path[64];
	int status;

	CHECK(kill(t.pid, SIGTERM) == 0);
	CHECK(waitpid(t.pid, &status, 0) == t.pid);
	t.pid = 0;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (const char *n = "abc"; *n; n++) {
		port_path(*n, path, sizeof(path));
		CHECK(stat(path, &st) < 0);
	}
	puts("SIGTERM: exit 0, no socket left");
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

#define RTTS 200000u

static void bench(void)
{
	static uint64_t rtt[RTTS];
	struct flow w[2] = {{.from = 0, .to = 1}, {.from = 1, .to = 0}};
	const uint32_t total = 5000000;
	uint64_t start;
	cpu_set_t set;
	double s;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
	send_one(0, everybody, mac[0], 1);
	CHECK(recv_one(1, 1, WAIT_US));
	send_one(1, everybody, mac[1], 1);
	CHECK(recv_one(0, 1, WAIT_US));
	start = clock_us();
	flows_run(w, 2, total, 192);
	s = (double)(clock_us() - start) / 1e6;
	for (unsigned int i = 0; i < RTTS; i++) {
		uint32_t len;
		uint64_t at = tsc_read();

		send_one(0, mac[1], mac[0], i);
		while (!vhost_port_recv(&t.port[1], &len))
			;
		vhost_port_done(&t.port[1]);
		send_one(1, mac[0], mac[1], i);
		while (!vhost_port_recv(&t.port[0], &len))
			;
		vhost_port_done(&t.port[0]);
		rtt[i] = tsc_read() - at;
	}
	qsort(rtt, RTTS, sizeof(rtt[0]), compare);
	printf("{\"metric\":\"bridge\",\"frame_bytes\":64,\"mpps_both_directions\":%.2f,"
	       "\"rtt_ticks_p50\":%llu,\"rtt_ticks_p99\":%llu}\n",
	       2.0 * total / s / 1e6, (unsigned long long)rtt[RTTS / 2],
	       (unsigned long long)rtt[RTTS / 100 * 99]);
}

int main(int argc, char **argv)
{
	bool only_bench = argc == 3 && strcmp(argv[2], "--bench") == 0;

	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	bridge_spawn(argv[1], !only_bench);
	CHECK(call("bridge.info", NULL, NULL) == 0);
	for (unsigned int i = 0; i < 3; i++) {
		port_add((char)('a' + i));
		port_connect(i);
	}
	if (only_bench) {
		bench();
	} else {
		learns_and_floods();
		refuses_impossible_sources();
		refuses_spoofed_sources();
		carries_both_directions_in_order();
		removes_ports_under_traffic();
		outlives_a_killed_client();
		outlives_a_hostile_ring();
	}
	for (unsigned int i = 0; i < 3; i++)
		vhost_port_close(&t.port[i]);
	ends_cleanly();
	bridge_kill();
	return 0;
}

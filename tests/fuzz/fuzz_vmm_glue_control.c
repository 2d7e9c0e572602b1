/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests at sriov-vmm's control socket: every method with parameters of any type and value, and
 * descriptors of kinds that do not suit. The machine has memory and no processor. Whatever comes,
 * each request is answered or waits, and nothing is left open in the end.
 */
#include <control.h>
#include <hotplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <support/vmm_platform.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BYTES (UINT64_C(2) << 20)
#define FDS	  4u

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static const char *const methods[] = {
	"vm.create",	    "vm.boot",	     "vm.info",	    "vm.stop",	      "vm.console",
	"vm.input",	    "device.add",    "device.list", "device.remove",  "device.wait",
	"device.reconnect", "guest.request", "ctl.ping",    "event.subscribe"};
static const char *const keys[] = {
	"memory_mib",  "hugepages",  "kind",	    "cpus",	"cmdline",
	"id",	       "trapped",    "mac",	    "readonly", "queues",
	"for",	       "timeout_ms", "deadline_ms", "force",	"text",
	"bytes",       "a",	     "b",	    "count",	"warmup",
	"duration_us", "timeout_us", "dst_ipv4",    "burst",	"frame_bytes"};
static const char *const words[] = {
	"d0",	 "d1",	       "virtio-rng", "virtio-blk",	  "emulated", "virtio-net",
	"bench", "linux",      "up",	     "removed",		  "bound",    "ping",
	"rtt",	 "throughput", "10.0.0.1",   "02:00:00:00:00:01", "",	      "vfio"};

static json_t *value(struct input *in, unsigned int depth)
{
	uint8_t b = byte(in);

	switch (b & 7) {
	case 0:
		return json_true();
	case 1:
		return json_null();
	case 2:
		return json_integer(
			(json_int_t)(((uint64_t)byte(in) << (byte(in) & 63)) - (b >> 3)));
	case 3:
		return json_integer(b >> 3);
	case 4:
		return depth ? json_pack("[o]", value(in, depth - 1)) : json_array();
	case 5:
		return json_real(1e300 * b);
	default:
		return json_string(words[byte(in) % ARRAY_SIZE(words)]);
	}
}

/* A request as text: well formed, or what the input holds. */
static char *request(struct input *in)
{
	json_t *params = json_object(), *all;
	unsigned int n = byte(in) % 8;
	const char *method = methods[byte(in) % ARRAY_SIZE(methods)];
	char *text;

	/* a device is what most methods are about */
	if (!strcmp(method, "device.add")) {
		json_object_set_new(params, "id", json_string(words[byte(in) & 1]));
		json_object_set_new(params, "kind", json_string(words[2 + byte(in) % 4]));
		if (byte(in) & 1)
			json_object_set_new(params, "mac", json_string("02:00:00:00:00:01"));
	}
	for (unsigned int i = 0; i < n; i++)
		json_object_set_new(params, keys[byte(in) % ARRAY_SIZE(keys)], value(in, 2));
	all = json_pack("{s:i, s:s, s:o}", "id", 1, "method", method, "params", params);
	text = all ? json_dumps(all, 0) : NULL;
	json_decref(all);
	if (!text)
		abort();
	return text;
}

/* Descriptors that may come along: a file, half a socket pair, an event counter. */
static unsigned int fds_make(struct input *in, int *fds)
{
	unsigned int n = byte(in) % (FDS + 1);
	int pair[2];

	for (unsigned int i = 0; i < n; i++) {
		switch (byte(in) & 3) {
		case 0:
			fds[i] = memfd_create("f", MFD_CLOEXEC);
			if (fds[i] < 0 || ftruncate(fds[i], 4096) < 0)
				abort();
			break;
		case 1:
			fds[i] = eventfd(0, EFD_CLOEXEC);
			break;
		default:
			if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
				abort();
			fds[i] = pair[0];
			close(pair[1]);
			break;
		}
	}
	return n;
}

static void send_request(int fd, struct input *in)
{
	char control[CMSG_SPACE(FDS * sizeof(int))] = {0};
	char *text = request(in);
	int fds[FDS];
	unsigned int n = fds_make(in, fds);
	struct iovec iov = {.iov_base = text, .iov_len = strlen(text)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	(void)sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (unsigned int i = 0; i < n; i++)
		close(fds[i]);
	free(text);
}

static int listening(struct sockaddr_un *ret_sa, socklen_t *ret_len)
{
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret_sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_len = sizeof(*ret_sa);
	/* an abstract address the kernel chooses */
	if (l < 0 || bind(l, (struct sockaddr *)ret_sa, sizeof(ret_sa->sun_family)) < 0 ||
	    listen(l, 4) < 0 || getsockname(l, (struct sockaddr *)ret_sa, ret_len) < 0)
		abort();
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct control *c = NULL;
	struct sockaddr_un sa;
	sd_event *e = NULL;
	char sink[65536];
	socklen_t len;
	int l, fd;

	memset(&fake, 0, sizeof(fake));
	l = listening(&sa, &len);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len) < 0 || sd_event_new(&e) < 0 ||
	    control_new(e, "f", l, -1, &c) < 0)
		abort();
	c->vm.plat = &fake_ops;
	if (byte(&in) & 7) {
		if (vm_mem_new(&c->vm, RAM_BYTES, false) < 0)
			abort();
		c->created = true;
		c->vm.console.fd = -1;
	}
	for (unsigned int i = 0; i < 24 && in.left; i++) {
		send_request(fd, &in);
		for (unsigned int k = 0; k < 16 && sd_event_run(e, 0) > 0; k++)
			;
		while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
	close(fd);
	for (unsigned int k = 0; k < 16 && sd_event_run(e, 0) > 0; k++)
		;
	if (control_free(c) < 0)
		abort();
	sd_event_unref(e);
	if (fake_slots_used() > 1 || fake_irqfds_used() || fake.wrong)
		abort();
	return 0;
}

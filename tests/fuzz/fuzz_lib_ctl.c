/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes of a client at a control server: messages are cut from the input by a length byte each,
 * sent over a real socket to a server on its loop. Whatever comes, the server lives and loses no
 * memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <lib/ctl.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int m_echo(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	const char *text = NULL;
	json_int_t n = 0;
	json_t *any = NULL;
	int r = ctl_unpack(req, params, "{s?I, s?s, s?o", "n", &n, "text", &text, "any", &any);

	if (r < 0)
		return r;
	if (n == 1)
		return -EBUSY;
	ctl_reply(req, any && json_is_object(any) ? json_incref(any) : NULL);
	return 0;
}

static int m_emit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	ctl_emit(*(struct ctl_server **)userdata, "e", json_incref(params));
	ctl_reply(req, NULL);
	return 0;
}

static const struct ctl_method methods[] = {{"echo", m_echo}, {"emit", m_emit}, {NULL, NULL}};

/* An abstract address the kernel chooses: no name in any file system. */
static int dial(struct sd_event *e, struct ctl_server **ret_server)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa);
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (l < 0 || fd < 0 || bind(l, (struct sockaddr *)&sa, sizeof(sa.sun_family)) < 0 ||
	    listen(l, 4) < 0 || getsockname(l, (struct sockaddr *)&sa, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&sa, len) < 0 ||
	    ctl_server_new(e, l, "fuzz", methods, ret_server, ret_server) < 0)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_server *server = NULL;
	sd_event *e = NULL;
	char sink[4096];
	int fd;

	if (sd_event_new(&e) < 0)
		abort();
	fd = dial(e, &server);
	while (size > 1) {
		size_t n = data[0] | (size_t)(data[1] & 3) << 8;

		data += 2;
		size = size >= 2 ? size - 2 : 0;
		n = n < size ? n : size;
		if (n > 0)
			(void)send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		for (unsigned int i = 0; i < 16 && sd_event_run(e, 0) > 0; i++)
			;
		while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
		data += n;
		size -= n;
	}
	fd_close(fd);
	for (unsigned int i = 0; i < 16 && sd_event_run(e, 0) > 0; i++)
		;
	ctl_server_free(server);
	sd_event_unref(e);
	return 0;
}

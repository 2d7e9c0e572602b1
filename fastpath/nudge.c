/* SPDX-License-Identifier: BSD-3-Clause */
#include "nudge.h"

#include <lib/cleanup.h>
#include <poll.h>
#include <rte_vhost.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NUDGE_WAIT_MS 200

/* GET_FEATURES of the vhost-user protocol: changes nothing, and has an answer to wait for. */
static const uint32_t question[3] = {1, 1, 0};

static struct {
	int fd;
	char dir[32];
	char path[64];
} nudge = {.fd = -1, .dir = "/tmp/sriov-bridge-XXXXXX"};

static int on_new_device(int vid)
{
	return -1; /* it never has rings */
}

static void on_destroy_device(int vid)
{
}

static const struct rte_vhost_device_ops ops = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
};

static int listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;

	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* librte_vhost connects to us, as a back end may. */
static int connect_vhost(void)
{
	_cleanup_(fd_closep) int fd = listen_at(nudge.path);

	if (fd < 0)
		return fd;
	if (rte_vhost_driver_register(nudge.path,
				      RTE_VHOST_USER_CLIENT | RTE_VHOST_USER_NO_RECONNECT) < 0)
		return -EIO;
	if (rte_vhost_driver_callback_register(nudge.path, &ops) < 0 ||
	    rte_vhost_driver_start(nudge.path) < 0) {
		rte_vhost_driver_unregister(nudge.path);
		return -EIO;
	}
	nudge.fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return nudge.fd < 0 ? -errno : 0;
}

int fp_nudge_init(void)
{
	int r;

	if (!mkdtemp(nudge.dir))
		return -errno;
	snprintf(nudge.path, sizeof(nudge.path), "%s/nudge", nudge.dir);
	r = connect_vhost();
	unlink(nudge.path);
	rmdir(nudge.dir);
	return r;
}

void fp_nudge_done(void)
{
	if (nudge.fd < 0)
		return;
	rte_vhost_driver_unregister(nudge.path);
	nudge.fd = fd_close(nudge.fd);
}

void fp_nudge(void)
{
	struct pollfd p = {.fd = nudge.fd, .events = POLLIN};
	char answer[64];

	if (nudge.fd < 0)
		return;
	/* answers of earlier questions that came late */
	while (read(nudge.fd, answer, sizeof(answer)) > 0)
		;
	if (send(nudge.fd, question, sizeof(question), MSG_NOSIGNAL) < 0)
		return;
	(void)poll(&p, 1, NUDGE_WAIT_MS);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <lib/clock.h>
#include <sriovd/sock.h>
#include <sriovd/state.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RETRY_US (5 * USEC_PER_MSEC)

static int try_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = path_set(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int sock_connect(struct sriovd *d, const char *path, uint64_t wait_us, int *ret_fd)
{
	uint64_t deadline_us = clock_us() + clock_patient_us(wait_us);
	char copy[PATH_SIZE];
	int r;

	r = path_set(copy, sizeof(copy), "%s", path);
	if (r < 0)
		return r;
	baton_drop(d);
	for (;;) {
		r = try_connect(copy, ret_fd);
		if ((r != -ENOENT && r != -ECONNREFUSED && r != -EAGAIN) ||
		    clock_us() >= deadline_us)
			break;
		clock_sleep_us(RETRY_US);
	}
	baton_take(d);
	return r;
}

int sock_await(struct sriovd *d, const char *path, uint64_t wait_us)
{
	uint64_t deadline_us = clock_us() + clock_patient_us(wait_us);
	char copy[PATH_SIZE];
	int r;

	r = path_set(copy, sizeof(copy), "%s", path);
	if (r < 0)
		return r;
	baton_drop(d);
	while ((r = access(copy, F_OK)) < 0 && clock_us() < deadline_us)
		clock_sleep_us(RETRY_US);
	baton_take(d);
	return r < 0 ? -ETIMEDOUT : 0;
}

void sock_sweep(const char *dir)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *list = opendir(dir);

	while (list && (entry = readdir(list))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && strcmp(dot, ".sock") == 0 &&
		    path_set(path, sizeof(path), "%s/%s", dir, entry->d_name) >= 0)
			unlink(path);
	}
	if (list)
		closedir(list);
}

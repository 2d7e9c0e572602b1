/* SPDX-License-Identifier: BSD-3-Clause */
#include "io_thread.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include "jail.h"

enum io_wish {
	WISH_SLEEP,
	WISH_WORK,
	WISH_END,
};

struct io_thread {
	pthread_t thread;
	char name[16];
	io_work_t work;
	void *ctx;
	int wake_fd;
	_Atomic int wish;
	bool idle; /* below lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void *io_main(void *arg)
{
	struct io_thread *t = arg;
	eventfd_t n;

	pthread_setname_np(pthread_self(), t->name);
	vmm_jail_thread(THREAD_IO);
	pthread_mutex_lock(&t->lock);
	while (atomic_load(&t->wish) != WISH_END) {
		if (atomic_load(&t->wish) == WISH_SLEEP) {
			t->idle = true;
			pthread_cond_broadcast(&t->changed);
			pthread_cond_wait(&t->changed, &t->lock);
			continue;
		}
		t->idle = false;
		pthread_mutex_unlock(&t->lock);
		t->work(t->ctx, t);
		(void)eventfd_read(t->wake_fd, &n);
		pthread_mutex_lock(&t->lock);
	}
	t->idle = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

int io_thread_new(const char *name, io_work_t work, void *ctx, struct io_thread **ret_t)
{
	_cleanup_(freep) struct io_thread *t = NULL;
	pthread_condattr_t attr;
	int r;

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->work = work;
	t->ctx = ctx;
	t->idle = true;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0)
		return -errno;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&t->thread, NULL, io_main, t);
	if (r) {
		fd_close(t->wake_fd);
		return -r;
	}
	*ret_t = TAKE_PTR(t);
	return 0;
}

static struct timespec until(uint64_t timeout_us)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(timeout_us / 1000000);
	ts.tv_nsec += (long)(timeout_us % 1000000) * 1000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

void io_thread_run(struct io_thread *t)
{
	eventfd_t n;

	pthread_mutex_lock(&t->lock);
	(void)eventfd_read(t->wake_fd, &n); /* of a pause that found it asleep */
	t->idle = false;		    /* from now on, not from when it wakes */
	atomic_store(&t->wish, WISH_WORK);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

/* Lock held. */
static int wish_wait(struct io_thread *t, enum io_wish wish, uint64_t timeout_us)
{
	struct timespec ts = until(timeout_us);
	int r = 0;

	atomic_store(&t->wish, (int)wish);
	(void)eventfd_write(t->wake_fd, 1);
	pthread_cond_broadcast(&t->changed);
	while (!t->idle && r == 0)
		r = pthread_cond_timedwait(&t->changed, &t->lock, &ts);
	return t->idle ? 0 : -EINPROGRESS;
}

int io_thread_pause(struct io_thread *t, uint64_t timeout_us)
{
	int r;

	pthread_mutex_lock(&t->lock);
	r = wish_wait(t, WISH_SLEEP, timeout_us);
	pthread_mutex_unlock(&t->lock);
	return r;
}

bool io_thread_idle(struct io_thread *t)
{
	bool idle;

	pthread_mutex_lock(&t->lock);
	idle = t->idle;
	pthread_mutex_unlock(&t->lock);
	return idle;
}

bool io_thread_leaving(const struct io_thread *t)
{
	return atomic_load_explicit(&t->wish, memory_order_relaxed) != WISH_WORK;
}

int io_thread_wake_fd(const struct io_thread *t)
{
	return t->wake_fd;
}

void io_thread_wait(const struct io_thread *t, int fd)
{
	struct pollfd p[2] = {{.fd = t->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	eventfd_t n;

	if (poll(p, 2, -1) > 0 && p[1].revents & POLLIN)
		(void)eventfd_read(fd, &n);
}

int io_thread_free(struct io_thread *t, uint64_t timeout_us)
{
	struct timespec ts;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->wish, WISH_END);
	(void)eventfd_write(t->wake_fd, 1);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	ts = until(timeout_us);
	if (pthread_clockjoin_np(t->thread, NULL, CLOCK_MONOTONIC, &ts) != 0)
		return -ETIMEDOUT;
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	fd_close(t->wake_fd);
	free(t);
	return 0;
}

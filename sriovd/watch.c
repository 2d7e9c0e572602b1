/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/state.h>
#include <sriovd/watch.h>
#include <sys/epoll.h>

int watch_add(struct sriovd *d, int fd, struct child *c, enum watch_what what)
{
	/* children are aligned: the lowest bits of the pointer say which descriptor it is */
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uintptr_t)c | (uintptr_t)what};

	if (d->watch_fd < 0)
		return 0;
	return epoll_ctl(d->watch_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void watch_del(struct sriovd *d, int fd)
{
	if (fd >= 0 && d->watch_fd >= 0)
		epoll_ctl(d->watch_fd, EPOLL_CTL_DEL, fd, NULL);
}

static int on_watch(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct sriovd *d = userdata;
	struct epoll_event ev;

	/* one a turn: handling it may remove others, and the loop comes back at once */
	baton_take(d);
	if (epoll_wait(fd, &ev, 1, 0) == 1) {
		struct child *c = (struct child *)(uintptr_t)(ev.data.u64 & ~UINT64_C(3));

		if (ev.data.u64 & WATCH_END)
			child_ended(d, c);
		else if (ev.data.u64 & WATCH_WANTED)
			child_wanted(d, c);
		else
			child_events(d, c);
	}
	baton_drop(d);
	return 0;
}

int watch_init(struct sriovd *d)
{
	d->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->watch_fd < 0)
		return -errno;
	return sd_event_add_io(d->event, NULL, d->watch_fd, EPOLLIN, on_watch, d);
}

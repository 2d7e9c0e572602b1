#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watching children: sd-event belongs to one thread, but children are started by any. So the loop
 * watches one epoll descriptor, and threads add to that. Entries are removed and handled under the
 * baton, so a child that was unwatched is never reported.
 */
#include <lib/cleanup.h>

struct sriovd;
struct child;

enum watch_what {
	WATCH_EVENTS = 0, /* its event connection */
	WATCH_END = 1,	  /* its pidfd */
	WATCH_WANTED = 2, /* the kernel wants the PF that it drives */
};

/**
 * watch_init() - hang the epoll descriptor into d->event
 *
 * Return: 0; -errno. Context: start-up. Source: epoll(7).
 */
int watch_init(struct sriovd *d) _must_check_;

/**
 * watch_add() - watch @fd of @c
 *
 * Return: 0; -errno of epoll_ctl(2). Context: baton, any thread. Source: epoll(7).
 */
int watch_add(struct sriovd *d, int fd, struct child *c, enum watch_what what) _must_check_;

/**
 * watch_del() - watch @fd no more; fine when it was not
 *
 * Context: baton, any thread. Source: epoll(7).
 */
void watch_del(struct sriovd *d, int fd);

/**
 * child_ended(), child_events(), child_wanted() - what the loop calls with the baton; supervise.c
 *
 * Context: the loop, baton kept. Source: -.
 */
void child_ended(struct sriovd *d, struct child *c);
void child_events(struct sriovd *d, struct child *c);
void child_wanted(struct sriovd *d, struct child *c);

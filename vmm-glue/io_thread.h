#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that does a device's I/O: it works between io_thread_run() and io_thread_pause(), else
 * it sleeps. Nobody waits for it without a deadline: a disk may hang for as long as it likes.
 */
#include <lib/cleanup.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct io_thread;

/* Works until io_thread_leaving(); its waits include io_thread_wake_fd(). */
typedef void (*io_work_t)(void *ctx, struct io_thread *t);

/**
 * io_thread_new() - a sleeping thread called @name
 *
 * Context: main thread. Return: 0; -ENOMEM; -errno of eventfd(2), pthread_create(3). Source: -.
 */
int io_thread_new(const char *name, io_work_t work, void *ctx,
		  struct io_thread **ret_t) _must_check_;

/**
 * io_thread_run() - let it work; it slept
 *
 * Context: any thread, serialised by the caller; never blocks. Source: -.
 */
void io_thread_run(struct io_thread *t);

/**
 * io_thread_pause() - ask it to sleep, and wait for that up to @timeout_us
 *
 * Context: as io_thread_run(). Return: 0; -EINPROGRESS it will, but has not yet: io_thread_idle().
 * Source: -.
 */
int io_thread_pause(struct io_thread *t, uint64_t timeout_us) _must_check_;

/** io_thread_idle() - does it sleep? Context: any thread. Return: true or false. Source: -. */
bool io_thread_idle(struct io_thread *t);

/** io_thread_leaving() - should work() return? Context: the thread. Return: as said. Source: -. */
bool io_thread_leaving(const struct io_thread *t);

/**
 * io_thread_wait() - sleep until @fd (-1: none) or the wish to leave, and drain the eventfd @fd
 *
 * Context: the thread. Source: eventfd(2).
 */
void io_thread_wait(const struct io_thread *t, int fd);

/**
 * io_thread_wake_fd() - polls readable when the thread should leave
 *
 * Context: any thread. Return: the descriptor, owned by @t. Source: -.
 */
int io_thread_wake_fd(const struct io_thread *t);

/**
 * io_thread_free() - end it; NULL is fine
 * @timeout_us: how long to wait
 *
 * Context: main thread. Return: 0; -ETIMEDOUT it hangs in a system call: it and what it works on
 * have to stay. Source: -.
 */
int io_thread_free(struct io_thread *t, uint64_t timeout_us) _must_check_;

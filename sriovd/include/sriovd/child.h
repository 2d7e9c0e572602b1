#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A child process: started with a listening control socket as descriptor 3, watched by a pidfd and
 * a connection of its own for events, found again by a later sriovd through ledger and socket.
 * Children are never tied to our life: no PDEATHSIG, a session of their own.
 *
 * All functions: with the baton; those marked "drops the baton" give it up while they wait.
 */
#include <jansson.h>
#include <lib/cleanup.h>
#include <sriovd/config.h>
#include <sriovd/error.h>
#include <sriovd/ledger.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sriovd;

enum child_kind {
	CHILD_SOFT_NIC,
	CHILD_PF,
	CHILD_BRIDGE,
	CHILD_VMM,
	CHILD_KINDS,
};

#define CHILD_FDS_MAX  4u
#define CHILD_ARGS_MAX 20u

struct child {
	enum child_kind kind;
	char name[NAME_SIZE];
	char object[NAME_SIZE + 16]; /* "soft-nic p0", for messages */
	char ctl_path[PATH_SIZE];
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot, tells a reused pid */
	int pidfd;
	int event_fd;
	bool running;		    /* answered ctl.ping and is watched */
	char reason[LEDGER_REASON]; /* how the last one ended */
};

struct child_start {
	const char *args[CHILD_ARGS_MAX]; /* after "--name NAME --control-fd 3"; NULL ends */
	int fds[CHILD_FDS_MAX];		  /* become 4, 5, ... */
	size_t n_fds;
};

/**
 * child_init() - name a child; nothing is started
 *
 * Context: start-up, or baton kept. Return: 0; -ENAMETOOLONG @ctl_path fits no socket address.
 * Source: -.
 */
int child_init(struct child *c, enum child_kind kind, const char *name, const char *ctl_path,
	       struct op_error *e) _must_check_;

/**
 * child_start() - start the process and wait until it answers
 *
 * Context: drops the baton. The ledger knows about the child before it exists.
 * Return: 0; -ENOENT no executable; -ETIMEDOUT it does not answer; -ECONNRESET it died at once.
 * Source: docs/processes.md.
 */
int child_start(struct sriovd *d, struct child *c, const struct child_start *start,
		struct op_error *e) _must_check_;

/**
 * child_adopt() - find a child that outlived an earlier sriovd
 * @row: what the ledger says about it
 *
 * A process that is there but does not answer is killed: nobody could ever talk to it again.
 * Context: drops the baton. Return: 0 adopted; -ESRCH it is gone (and forgotten). Source: -
 */
int child_adopt(struct sriovd *d, struct child *c, const struct row_child *row) _must_check_;

/**
 * child_call() - one request on a connection of its own
 * @params: stolen, also on failure
 *
 * Context: drops the baton.
 * Return: as ctl_call(); -ENOTCONN the child does not run; @e is HTTP_CHILD or HTTP_DEADLINE.
 * Source: docs/processes.md.
 */
int child_call(struct sriovd *d, const struct child *c, const char *method, json_t *params,
	       const int *fds, size_t n_fds, uint64_t timeout_us, json_t **ret_result,
	       struct op_error *e) _must_check_;

/**
 * child_stop() - ctl.quit, then SIGTERM, then SIGKILL; forgets it
 *
 * Context: drops the baton, up to 6 s. Source: docs/processes.md.
 */
void child_stop(struct sriovd *d, struct child *c);

/**
 * child_await_exit() - wait for an exit that was asked for, else kill; forgets it
 *
 * Context: drops the baton, up to @timeout_us. Source: -.
 */
void child_await_exit(struct sriovd *d, struct child *c, uint64_t timeout_us);

/**
 * child_watch(), child_unwatch() - let the loop hear of its end and its events, or not (any more)
 *
 * Context: baton kept, any thread. Return: 0; -errno of epoll_ctl(2). Source: pidfd_open(2),
 * epoll(7).
 */
int child_watch(struct sriovd *d, struct child *c) _must_check_;
void child_unwatch(struct sriovd *d, struct child *c);

/**
 * child_resubscribe() - it cut our event connection and lives on; hold its owner
 *
 * Context: drops the baton. Return: 0; -ESRCH another process answers; -EBADMSG an answer of
 * another shape; as ctl_connect(), ctl_call(); -errno of epoll_ctl(2). Source: docs/processes.md.
 */
int child_resubscribe(struct sriovd *d, struct child *c) _must_check_;

/**
 * child_died() - its pidfd polls readable: note the reason, stop watching
 *
 * Context: the loop, baton kept. Source: -.
 */
void child_died(struct sriovd *d, struct child *c);

/**
 * child_forget() - remove it from the ledger and its socket from the run directory
 *
 * Context: baton kept; blocks on the disk. Source: -.
 */
void child_forget(struct sriovd *d, struct child *c);

/**
 * child_start_time() - field 22 of /proc/PID/stat
 *
 * Return: 0; -ESRCH no such process, or a zombie. Context: any thread. Source: proc_pid_stat(5).
 */
int child_start_time(pid_t pid, uint64_t *ret_start_time) _must_check_;

/**
 * child_kind_name() - "soft-nic" and so on, as the ledger has it
 *
 * Context: any; pure. Return: constant text. Source: -.
 */
const char *child_kind_name(enum child_kind kind);

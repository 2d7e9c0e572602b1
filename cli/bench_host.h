#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovctl bench --host: what software can switch between two ports of one generator, measured side
 * by side. It needs no sriovd: everything is started in namespaces of its own (processes, mounts,
 * network), so that nothing outlives it, whatever ends it.
 *
 * All paths are set up first. Then each is parked (SIGSTOP) unless it is measured, so that one
 * switch spins at a time, on one CPU, and the generator on another. A round visits every path once
 * in a random order; what is compared is compared within a round.
 *
 * The engine's protocol: docs/bench-engine.md. The result: docs/bench-format.md.
 */
#include <cli/calib.h>
#include <jansson.h>
#include <lib/cleanup.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench_host_plan.h"

#define BH_PATHS_MAX   16u
#define BH_PROCS_MAX   3u
#define BH_TEXT	       512u
#define BH_SOCKET_PATH 108u

#define BH_EXTRA_LISTEN 3 /* the descriptor a child finds its listening socket at */

enum bh_state {
	BH_ABSENT, /* not installed, or not possible here */
	BH_FAILED,
	BH_READY,
};

/* A child, stopped or running. */
struct bh_proc {
	char name[32];
	pid_t pid; /* 0: none */
	char log[BH_SOCKET_PATH];
	int input;	 /* write end of its standard input, or -1 */
	char ended[400]; /* how, once it has */
};

/* A running sriov-bench. */
struct bh_engine {
	struct bh_proc proc;
	int out;    /* its answers */
	char *line; /* the answer being read */
	size_t len, size;
	const volatile sig_atomic_t *stop;
};

struct bench_host;
struct bh_path;

/* What there is to be measured: a row of the table in bench_host_paths.c. */
struct bh_kind {
	const char *name;
	bool ours;
	const char *what;
	unsigned int traits; /* BH_TRAIT_* of bench_host_plan.h */
	/* Starts processes and fills in @p->port; -ENOENT: absent, with p->reason. */
	int (*start)(struct bench_host *b, struct bh_path *p);
	/* After the ports are there; may be NULL. */
	int (*started)(struct bench_host *b, struct bh_path *p);
};

struct bh_path {
	const struct bh_kind *kind;
	enum bh_state state;
	char reason[BH_TEXT];
	char version[128];
	json_t *commands;
	/* in the order in which they are stopped; continued the other way round */
	struct bh_proc proc[BH_PROCS_MAX];
	unsigned int n_procs;
	char port[2][256];		/* what the engine gets as --vdev */
	char ctl[BH_SOCKET_PATH];	/* of the switch, where it can be asked; else empty */
	const struct bh_device *device; /* what it runs on, if that was given; else NULL */
	bool plugged;			/* its ports are in the engine */
	unsigned int n_idle;		/* pairs of ports that are there and do nothing */
	uint64_t messages, packets;	/* poll mode, over all rounds */
	uint64_t messages_block; /* register accesses of a block that moves next to nothing */
	double mpps;		 /* 64 bytes, both ways: the last one */
	double mpps_one_way;	 /* the same, one way; 0 before it was measured */
	char rung[16];		 /* of the switch's idle ladder while frames moved, or empty */
	uint64_t sent, missing;	 /* of the last block */
	bool valid;
};

struct bh_options {
	bool quick;
	unsigned int rounds;
	uint64_t seed;
	const char *only;    /* names of paths with commas, or NULL for all */
	const char *bdf;     /* "BDF,BDF": two VFs on vfio-pci to be measured, or NULL */
	const char *libexec; /* where our programs are, or NULL */
	json_t *command;     /* the command line */
};

/* Two functions of the kernel's VFIO that were given to be measured, and what they are. */
struct bh_device {
	char bdf[2][24];
	char pci_id[16];    /* vendor:device */
	char subsystem[16]; /* of the same */
	bool qemu;	    /* the subsystem says that QEMU emulates it */
	char hypervisor[32];
};

struct bench_host {
	const struct bh_options *opt;
	const volatile sig_atomic_t *stop;
	char dir[64];	       /* sockets and logs; a tmpfs in our namespace */
	char cmd[4][PATH_MAX]; /* programs of ours, by enum bh_program */
	char plugin[PATH_MAX];
	unsigned int cpu_gen, cpu_switch;
	struct bh_engine engine;
	unsigned int n_vdevs; /* so that each gets a name of its own */
	struct bh_path path[BH_PATHS_MAX];
	unsigned int n_paths;
	struct bh_device device;
	struct bh_plan plan;
	json_t *blocks;
	json_t *calibration;
	json_t *notes;
	json_t *resets;
	json_t *engine_ports;		/* versions and CPUs as the engine sees them */
	uint64_t alone_us, alone_since; /* bench_host_alone.c */
	unsigned int n_alone;		/* blocks that had their CPUs for themselves */
	struct calib calib;		/* how far apart the two CPUs were when others had them */
	double near_ns;			/* as near as they ever were */
	unsigned int draw_ms;		/* that may be spent on drawing them near again */
	int alone_error;		/* why one had not, or 0 */
	char when[32];
	int pages; /* huge pages that were reserved for us */
};

enum bh_own {
	BH_SOFT_NIC,
	BH_SRIOV_PF,
	BH_BRIDGE,
	BH_ENGINE,
};

/* ---- bench_host_env.c -------------------------------------------------------------------- */

/** bh_find_programs() - ours, built or installed. Context: any. Return: 0; -ENOENT, told. */
int bh_find_programs(struct bench_host *b);

/** bh_choose_cpus() - two cores of those we may use. Context: any. Return: 0; -ENODEV, told. */
int bh_choose_cpus(struct bench_host *b);

/** bh_add_pages() - reserve @n more huge pages of 2 MiB, or fewer. Return: by how many. */
int bh_add_pages(int n);

/** bh_prepare() - mounts of our own, in our own namespace. Return: 0; negative errno. */
int bh_prepare(struct bench_host *b);

/* ---- bench_host_proc.c ------------------------------------------------------------------- */

struct bh_spawn {
	const char *const *argv; /* ends with NULL */
	const char *const *env;	 /* NAME=VALUE to add, ends with NULL; may be NULL */
	int listen_fd;		 /* becomes BH_EXTRA_LISTEN; -1 for none */
	bool keep_input;	 /* a pipe that stays open instead of /dev/null */
	int *ret_output;	 /* standard output by a pipe instead of the log; may be NULL */
};

/**
 * bh_spawn() - start a child that dies with us, its output in a log of its own
 * @commands: gets the command line as text; may be NULL
 *
 * Context: main thread, single-threaded process. Return: 0; -ENOENT no such program; -errno.
 * Source: none.
 */
int bh_spawn(struct bench_host *b, struct bh_proc *proc, const char *name,
	     const struct bh_spawn *how, json_t *commands);

/** bh_program() - is there such a program, by its path or in PATH? Context: any. Source: none. */
bool bh_program(const char *program);

/** bh_park() - stop the processes of @p, or let them go on. Context: main thread. Source: none. */
void bh_park(struct bh_path *p, bool parked);

/**
 * bh_alive() - has this child not ended? If it has, @why (of @size) says how
 * Context: main thread. Return: true while it runs or is parked. Source: none.
 */
bool bh_alive(struct bh_proc *proc, char *why, size_t size);

/** bh_log_tail() - what a log ends with, on one line; empty if nothing. Context: any. Source: -. */
void bh_log_tail(const char *log, char *text, size_t size);

/** bh_kill() - end a child and reap it. Context: main thread. Source: none. */
void bh_kill(struct bh_proc *proc);

/**
 * bh_run() - run a program to its end, its output in the log of @name
 * Context: main thread; waits, 20 s at most. Return: 0; -ENOENT no such program; -EIO it failed;
 * -ETIMEDOUT. Source: none.
 */
int bh_run(struct bench_host *b, const char *name, const struct bh_spawn *how, json_t *commands);

/**
 * bh_first_line() - first line that a program prints, such as its version
 * Context: main thread; waits, 20 s at most. Return: 0; negative errno. Source: none.
 */
int bh_first_line(struct bench_host *b, const char *const *argv, char *text, size_t size);

/** bh_wait_file() - wait until @path is there, or @proc has ended, or 20 s. Return: 0; -errno. */
int bh_wait_file(struct bench_host *b, struct bh_proc *proc, const char *path);

/** bh_wait_text() - wait until the log of @proc has @text, @proc has ended, or 20 s. Return: same.
 */
int bh_wait_text(struct bench_host *b, struct bh_proc *proc, const char *text);

/* ---- bench_host_engine.c ----------------------------------------------------------------- */

/**
 * bh_engine_start() - start sriov-bench
 * @name:      of this one
 * @memory_mb: for its ports
 * @ret_ports: its answer to the first question; may be NULL
 * @why:       of BH_TEXT bytes; a sentence on failure
 *
 * Context: main thread; waits. Return: 0; negative errno. Source: docs/bench-engine.md.
 */
int bh_engine_start(struct bench_host *b, struct bh_engine *e, const char *name,
		    unsigned int memory_mb, json_t **ret_ports, char *why);

/** bh_engine_end() - kill it, free what it had. Context: main thread. Source: none. */
void bh_engine_end(struct bh_engine *e);

/**
 * bh_engine_send() - one request, answered later; @request becomes ours, NULL is out of memory
 * Context: main thread. Return: 0; -ENOMEM; -EPIPE the engine is gone. Source:
 * docs/bench-engine.md.
 */
int bh_engine_send(struct bh_engine *e, json_t *request);

/**
 * bh_engine_answer() - the answer to the oldest request, or the reason for a refusal
 * @timeout_ms: how long at most
 * @why:        of BH_TEXT bytes; a sentence on failure
 *
 * Context: main thread; waits.
 * Return: 0; -EREMOTEIO the engine refused, and goes on; -EIO, -ETIMEDOUT, -EBADMSG the engine can
 * no longer be used; -EINTR.
 * Source: docs/bench-engine.md.
 */
int bh_engine_answer(struct bh_engine *e, unsigned int timeout_ms, json_t **ret_answer, char *why);

/** bh_engine_ask() - send and answer; both as above. Source: docs/bench-engine.md. */
int bh_engine_ask(struct bh_engine *e, json_t *request, unsigned int timeout_ms,
		  json_t **ret_answer, char *why);

/* ---- bench_host_paths.c, bench_host_ours.c, bench_host_peers.c --------------------------- */

/** bh_paths_choose() - paths from the table by name. Return: 0; -EINVAL an unknown name. */
int bh_paths_choose(struct bench_host *b);

/**
 * bh_paths_start() - bring every path up, warm it, park it; what does not come up says why
 * Context: waits; prints progress. Return: 0; -EINTR; -EIO the engine is gone. Source: none.
 */
int bh_paths_start(struct bench_host *b);

/** bh_path_fail() - @p is not measured from here on, for this reason. Return: -EIO. */
int bh_path_fail(struct bh_path *p, const char *fmt, ...) _printf_(2, 3);

/** bh_path_absent() - @p is not there, for this reason. Return: -ENOENT. */
int bh_path_absent(struct bh_path *p, const char *fmt, ...) _printf_(2, 3);

/** bh_path_dead() - has a process of @p ended? Then it has failed, with the reason. */
bool bh_path_dead(struct bh_path *p);

/** bh_path_proc() - a free slot for a process of @p. Return: never NULL: rows need few. */
struct bh_proc *bh_path_proc(struct bh_path *p);

/** bh_text() - snprintf() that says whether all of it fitted. Return: true if so. */
bool bh_text(char *text, size_t size, const char *fmt, ...) _printf_(3, 4);

/** bh_nic_start() - soft-nic, sriov-pf and @n_vfs VFs in a directory of @p's name. */
int bh_nic_start(struct bench_host *b, struct bh_path *p, unsigned int n_vfs);

int bh_start_vf(struct bench_host *b, struct bh_path *p);
int bh_start_vf8(struct bench_host *b, struct bh_path *p);
int bh_started_vf8(struct bench_host *b, struct bh_path *p);
int bh_start_emulated(struct bench_host *b, struct bh_path *p);
int bh_start_virtio(struct bench_host *b, struct bh_path *p);
int bh_start_vhost_packed(struct bench_host *b, struct bh_path *p);
int bh_start_vhost_split(struct bench_host *b, struct bh_path *p);
int bh_start_ovs(struct bench_host *b, struct bh_path *p);
int bh_start_memif(struct bench_host *b, struct bh_path *p);
int bh_start_memif_zc(struct bench_host *b, struct bh_path *p);
int bh_start_vhost_default(struct bench_host *b, struct bh_path *p);
int bh_start_memif_default(struct bench_host *b, struct bh_path *p);
int bh_start_kernel(struct bench_host *b, struct bh_path *p);
int bh_start_vfio(struct bench_host *b, struct bh_path *p);
int bh_start_igb_vf(struct bench_host *b, struct bh_path *p);

/**
 * bh_path_plug() - ports of @p in the engine; of given VFs, before each visit
 * Context: main thread; waits. Return: 0; as bh_engine_ask(), and then @p has failed. Source: -.
 */
int bh_path_plug(struct bench_host *b, struct bh_path *p);

/** bh_path_unplug() - take them out again. Context: main thread; waits. Return: as above. */
int bh_path_unplug(struct bench_host *b, struct bh_path *p);

/* ---- bench_host_given.c ------------------------------------------------------------------ */

/**
 * bh_device_read() - "BDF,BDF" of two functions, and what sysfs knows of them
 * @sysfs: directory descriptor of a sysfs
 * @err:   of BH_TEXT bytes; a sentence on failure
 *
 * Context: any. Return: 0; -EINVAL no two such addresses, or not of one kind; -ENODEV. Source: -.
 */
int bh_device_read(int sysfs, const char *text, struct bh_device *ret_device, char *err);

/** bh_device_json() - what a report says of them. Context: any. Return: new; NULL. Source: -. */
json_t *bh_device_json(const struct bh_device *device);

/** bh_device_text() - the same as words, into @text of @size. Context: any. Source: -. */
void bh_device_text(const struct bh_device *device, char *text, size_t size);

/* What a switch of ours has counted so far. */
struct bh_counters {
	uint64_t dropped;  /* frames that it took and did not deliver */
	uint64_t messages; /* register accesses that arrived as messages */
	uint64_t busy_tsc; /* ticks of its data threads in polls that moved something */
};

/**
 * bh_counters() - ask the switch of @p
 * Context: the switch is not parked; waits. Return: 0; -EOPNOTSUPP it cannot be asked; as
 * ctl_call(). Source: docs/processes.md.
 */
int bh_counters(const struct bh_path *p, struct bh_counters *ret_counters);

/** bh_filters() - does @p's switch deliver to addresses that it was told, not learned? */
bool bh_filters(const struct bh_path *p);

/**
 * bh_source_check() - whether @p's switch lets a VF send from its own address alone, as it does
 *
 * Context: the switch is not parked; waits. Return: 0, also if it has no such check; as ctl_call().
 * Source: docs/processes.md.
 */
int bh_source_check(const struct bench_host *b, const struct bh_path *p, bool on);

/**
 * bh_rung() - where the idle ladder of @p's switch stands now; empty if it cannot be asked
 * Context: the switch is not parked; waits. Source: docs/processes.md.
 */
void bh_rung(const struct bh_path *p, char *text, size_t size);

/* ---- bench_host_run.c -------------------------------------------------------------------- */

/** bh_rounds() - measure. Context: minutes; prints progress. Return: 0; -EINTR; -EIO. Source: -. */
int bh_rounds(struct bench_host *b);

/**
 * bh_resets() - kill the owner of a VF under load, again and again, and count what others lose
 * Context: seconds. Return: 0, also where it cannot be done; -EINTR; -EIO. Source: none.
 */
int bh_resets(struct bench_host *b);

/* ---- bench_host_report.c ----------------------------------------------------------------- */

/** bh_report() - the result. Context: main thread. Return: new object; NULL. Source: none. */
json_t *bh_report(struct bench_host *b);

/* ---- bench_host.c ------------------------------------------------------------------------ */

/* What becomes of the result; called in the namespaces. Return: 0; negative errno. */
typedef int (*bh_finish_t)(json_t *report, void *userdata);

/**
 * bh_main() - the whole of it, in namespaces of its own
 * @give: gets the result, also when some paths failed
 *
 * Context: main thread of a process with no other; minutes; catches SIGINT, SIGTERM, SIGHUP.
 * Return: exit status, see enum cli_exit; messages were printed. Source: none.
 */
int bh_main(const struct bh_options *opt, bh_finish_t give, void *userdata);

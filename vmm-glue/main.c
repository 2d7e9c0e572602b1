/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriov-vmm: one virtual machine. It opens nothing itself: every descriptor comes over the control
 * channel. See docs/processes.md.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <lib/log.h>
#include "control.h"
#include "jail.h"

#define UIDS_MAX 2000000000 /* plus a process id it is an int still */

struct options {
	const char *name;
	int control_fd;
	int cpu;
	int uids;
};

static int number(const char *text, int max, int *ret_val)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < 0 || v > max)
		return -EINVAL;
	*ret_val = (int)v;
	return 0;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: sriov-vmm --name NAME --control-fd FD [--cpu N] [--uids N]\n"
		    "  --name NAME      the VM's name\n"
		    "  --control-fd FD  inherited listening SOCK_SEQPACKET\n"
		    "  --cpu N          pin the first virtual processor to CPU N\n"
		    "  --uids N         become uid N plus the process's id\n"
		    "  --syscalls       print what is allowed once the jail is closed, and why\n"
		    "  --version, --help\n");
}

/* 0: go on; 1: done; -EINVAL */
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"name", required_argument, NULL, 'n'},
		{"control-fd", required_argument, NULL, 'f'},
		{"cpu", required_argument, NULL, 'c'},
		{"uids", required_argument, NULL, 'u'},
		{"syscalls", no_argument, NULL, 's'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt, r = 0;

	while (r == 0 && (opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'n':
			o->name = optarg;
			break;
		case 'f':
			r = number(optarg, INT_MAX, &o->control_fd);
			break;
		case 'c':
			r = number(optarg, 4095, &o->cpu);
			break;
		case 'u':
			r = number(optarg, UIDS_MAX, &o->uids);
			break;
		case 's':
			jail_table_print(stdout, &vmm_jail_calls, vmm_thread_names);
			return 1;
		case 'V':
			puts("sriov-vmm " SRIOVD_VERSION);
			return 1;
		case 'h':
			usage(stdout);
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (r == 0 && (optind != argc || !o->name || !*o->name || o->control_fd < 0 ||
		       fcntl(o->control_fd, F_GETFD) < 0))
		r = -EINVAL;
	return r;
}

static void event_unrefp(sd_event **e)
{
	sd_event_unref(*e);
}

static int serve(const struct options *o)
{
	_cleanup_(event_unrefp) sd_event *event = NULL;
	struct control *c;
	int r;

	r = sd_event_default(&event);
	if (r < 0)
		return log_error(r, "no event loop");
	r = control_new(event, o->name, o->control_fd, o->cpu, &c);
	if (r < 0)
		return log_error(r, "vm %s: cannot serve the control socket", o->name);
	/* from here on it reads what clients and guests write */
	r = vmm_jail_enter((uid_t)o->uids);
	if (r < 0)
		return log_error(r, "vm %s: the jail does not close", o->name);
	r = sd_event_loop(event);
	if (r < 0)
		log_error(r, "vm %s: event loop", o->name);
	if (control_free(c) < 0) {
		log_warning(-ETIMEDOUT, "vm %s: a vCPU does not stop; leaving anyway", o->name);
		_exit(EXIT_FAILURE);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct options o = {.control_fd = -1, .cpu = -1};
	int r = options_parse(argc, argv, &o);

	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		usage(stderr);
		return 2;
	}
	log_init("sriov-vmm");
	/* one arena: its threads allocate little, and memory is counted per VM */
	mallopt(M_ARENA_MAX, 1);
	/* large structures are hardly touched: pages of their own, which calloc() need not clear */
	mallopt(M_MMAP_THRESHOLD, 16 << 10);
	mallopt(M_TOP_PAD, 4 << 10);
	malloc_trim(0);
	signal(SIGPIPE, SIG_IGN); /* the console's reader may go */
	signal(SIGXFSZ, SIG_IGN); /* a disk or console at its size limit: an error of that write */
	r = jail_close_others(&o.control_fd, 1);
	if (r < 0)
		log_warning(r, "inherited descriptors stay open");
	return serve(&o) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process soft-nic: one software 82576, a vfio-user endpoint for each of its functions, a tap
 * device as its wire, a control socket. Everything but the data and wire threads is one event loop.
 */
#include <getopt.h>
#include <lib/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <lib/mac.h>
#include "host.h"
#include "mapguard.h"
#include "nic_jail.h"

static void usage(FILE *f)
{
	fprintf(f, "soft-nic --name NAME --control-fd FD --dir DIR [--tap-fd FD] [--mac MAC] "
		   "[--cpu N[,N]...] [--threads N]\n"
		   "\n"
		   "  --name NAME      what the NIC is called\n"
		   "  --control-fd FD  listening SOCK_SEQPACKET for control\n"
		   "  --dir DIR        where pf.sock and vfN.sock appear\n"
		   "  --tap-fd FD      tap device (IFF_TAP | IFF_NO_PI) that is the wire\n"
		   "  --mac MAC        address in the NVM; default: derived from the name\n"
		   "  --cpu N[,N]...   processors of the data threads, one each\n"
		   "  --syscalls       print what is allowed once the jail is closed, and why\n"
		   "  --threads N      data threads; default: as many as processors, or 1\n");
}

static bool parse_int(const char *text, int min, int max, int *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < min || v > max)
		return false;
	*ret = (int)v;
	return true;
}

/* Locally administered, the same at every start. */
static void mac_of_name(const char *name, uint8_t mac[6])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	mac[0] = 0x02;
	for (unsigned int i = 1; i < 6; i++)
		mac[i] = (uint8_t)(h >> (8 * i));
}

/* "2,3": a data thread on each. */
static bool parse_cpus(const char *text, struct host_options *o)
{
	char copy[64], *save = NULL, *word;
	unsigned int n = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (n == SNIC_DP_THREADS_MAX || !parse_int(word, 0, 1023, &o->cpu[n]))
			return false;
		n++;
	}
	if (n > o->n_threads)
		o->n_threads = n;
	return n > 0;
}

static int parse(int argc, char **argv, struct host_options *o)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"control-fd", required_argument, NULL, 'c'},
		{"dir", required_argument, NULL, 'd'},
		{"tap-fd", required_argument, NULL, 't'},
		{"mac", required_argument, NULL, 'm'},
		{"cpu", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 'T'},
		{"help", no_argument, NULL, 'h'},
		{"syscalls", no_argument, NULL, 's'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	bool mac = false, ok = true;
	int c, n;

	while (ok && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			o->name = optarg;
			break;
		case 'c':
			ok = parse_int(optarg, 0, 1 << 20, &o->control_fd);
			break;
		case 'd':
			o->dir = optarg;
			break;
		case 't':
			ok = parse_int(optarg, 0, 1 << 20, &o->tap_fd);
			break;
		case 'm':
			ok = mac = mac_from_text(optarg, o->mac) == 0 && nic_mac_valid(o->mac);
			break;
		case 'p':
			ok = parse_cpus(optarg, o);
			break;
		case 'T':
			ok = parse_int(optarg, 1, SNIC_DP_THREADS_MAX, &n);
			if (ok && (unsigned int)n > o->n_threads)
				o->n_threads = (unsigned int)n;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 's':
			jail_table_print(stdout, &nic_jail_calls, nic_thread_names);
			exit(0);
		case 'v':
			puts("soft-nic " SRIOVD_VERSION);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (!ok || optind != argc || !o->name || !o->name[0] || !o->dir || o->control_fd < 0)
		return -EINVAL;
	if (!mac)
		mac_of_name(o->name, o->mac);
	return 0;
}

int main(int argc, char **argv)
{
	struct host_options o = {.control_fd = -1, .tap_fd = -1, .n_threads = 1};
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	sigset_t signals;
	int r;

	log_init("soft-nic");
	for (unsigned int i = 0; i < SNIC_DP_THREADS_MAX; i++)
		o.cpu[i] = -1;
	r = parse(argc, argv, &o);
	if (r < 0) {
		usage(stderr);
		return 2;
	}
	/* before any thread exists: signals belong to the loop */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPIPE);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	r = mapguard_install();
	if (r >= 0)
		r = sd_event_new(&event);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	/* before any thread exists, and before a client is heard */
	if (r >= 0)
		r = nic_jail_enter(o.dir, &o.dir);
	if (r >= 0)
		r = host_new(event, &o, &h);
	if (r < 0) {
		log_object_error(o.name, r, "cannot start");
		return 1;
	}
	r = sd_event_loop(event);
	if (r < 0)
		log_object_error(o.name, r, "event loop failed");
	return r < 0;
}

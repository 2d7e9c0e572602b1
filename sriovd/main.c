/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovd: who owns which virtual function, and making it so. The main thread runs the loop
 * (signals, what children tell, watchdog); requests run on their connections' threads. See
 * docs/decisions/0001-operations-run-in-request-threads.md.
 */
#include <fcntl.h>
#include <getopt.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <malloc.h>
#include <signal.h>
#include <sriovd/http.h>
#include <sriovd/pf.h>
#include <sriovd/placement.h>
#include <sriovd/reconcile.h>
#include <sriovd/watch.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define DEFAULT_CONFIG	  "/etc/sriovd/sriovd.json"
#define DEFAULT_RUN_DIR	  "/run/sriovd"
#define DEFAULT_STATE_DIR "/var/lib/sriovd"
#define DRAIN_US	  (5 * USEC_PER_SEC)
#define DIR_MODE	  0750

static const char help[] =
	"Usage: sriovd [OPTION...]\n"
	"Carves NICs into virtual functions and gives them to virtual machines.\n"
	"\n"
	"  --config FILE      configuration (" DEFAULT_CONFIG ")\n"
	"  --run-dir DIR      sockets and logs (" DEFAULT_RUN_DIR ")\n"
	"  --state-dir DIR    state.db (" DEFAULT_STATE_DIR ")\n"
	"  --libexec-dir DIR  soft-nic, sriov-pf, sriov-bridge, sriov-vmm and bench-guest.elf\n"
	"                     (" SRIOVD_LIBEXECDIR ")\n"
	"  --version          print the version\n"
	"  --help             print this\n"
	"\n"
	"SRIOVD_LOG_LEVEL=error|warning|notice|info|debug sets how much is logged.\n";

enum {
	OPT_CONFIG = 256,
	OPT_RUN_DIR,
	OPT_STATE_DIR,
	OPT_LIBEXEC_DIR,
	OPT_VERSION,
	OPT_HELP,
};

struct options {
	const char *config;
	bool done; /* --help, --version */
};

static int dir_option(char *buf, size_t size, const char *name, const char *value)
{
	size_t n = strlen(value);

	while (n > 1 && value[n - 1] == '/')
		n--;
	/* children and sockets are named by it long after anybody could have changed directory */
	if (value[0] != '/' || n >= size) {
		fprintf(stderr, "sriovd: %s must be an absolute path shorter than %zu\n", name,
			size);
		return -EINVAL;
	}
	text_set(buf, size, "%.*s", (int)n, value);
	return 0;
}

static int options_parse(int argc, char **argv, struct options *o, struct config *cfg)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, OPT_CONFIG},
		{"run-dir", required_argument, NULL, OPT_RUN_DIR},
		{"state-dir", required_argument, NULL, OPT_STATE_DIR},
		{"libexec-dir", required_argument, NULL, OPT_LIBEXEC_DIR},
		{"version", no_argument, NULL, OPT_VERSION},
		{"help", no_argument, NULL, OPT_HELP},
		{},
	};
	int opt, r = 0;

	while (r >= 0 && (opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (opt) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_RUN_DIR:
			r = dir_option(cfg->run_dir, sizeof(cfg->run_dir), "--run-dir", optarg);
			break;
		case OPT_STATE_DIR:
			r = dir_option(cfg->state_dir, sizeof(cfg->state_dir), "--state-dir",
				       optarg);
			break;
		case OPT_LIBEXEC_DIR:
			r = dir_option(cfg->libexec_dir, sizeof(cfg->libexec_dir), "--libexec-dir",
				       optarg);
			break;
		case OPT_VERSION:
			puts("sriovd " SRIOVD_VERSION);
			o->done = true;
			return 0;
		case OPT_HELP:
			fputs(help, stdout);
			o->done = true;
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (r >= 0 && optind < argc) {
		fprintf(stderr, "sriovd: unexpected argument %s\n", argv[optind]);
		return -EINVAL;
	}
	return r;
}

/* Children inherit our CPUs: only among these is there a choice. */
static void place(struct config *cfg)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		log_notice("the CPUs we may use are not known, nothing is pinned by default");
		CPU_ZERO(&allowed);
	}
	placement_fill(&allowed, cfg);
}

static int make_dir(const char *path)
{
	if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST)
		return log_error(-errno, "%s", path);
	return 0;
}

/* One sriovd a state directory: two would promise the same VF twice. */
static int lock_state(struct sriovd *d)
{
	char path[sizeof(d->cfg.state_dir) + 8];

	text_set(path, sizeof(path), "%s/lock", d->cfg.state_dir);
	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return log_error(-errno, "%s", path);
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return log_error(-errno, "%s: another sriovd uses this state directory", path);
	return 0;
}

static int open_state(struct sriovd *d)
{
	char path[sizeof(d->cfg.state_dir) + 16];
	int r;

	r = make_dir(d->cfg.run_dir);
	if (r >= 0)
		r = make_dir(d->cfg.state_dir);
	if (r >= 0)
		r = lock_state(d);
	if (r < 0)
		return r;
	text_set(path, sizeof(path), "%s/state.db", d->cfg.state_dir);
	r = ledger_open(path, &d->ledger);
	if (r >= 0)
		r = reconcile_load(d);
	return r < 0 ? log_error(r, "%s", path) : 0;
}

static int api_socket(struct sriovd *d, int *ret_fd)
{
	char path[PATH_SIZE];
	int n, r;

	n = sd_listen_fds(1);
	if (n > 1)
		return log_error(-EINVAL, "systemd passed %d sockets, one is expected", n);
	if (n == 1) {
		*ret_fd = SD_LISTEN_FDS_START;
		return 0;
	}
	r = path_set(path, sizeof(path), "%s/sriovd.sock", d->cfg.run_dir);
	if (r >= 0)
		r = http_listen(path, ret_fd);
	return r < 0 ? log_error(r, "%s", path) : 0;
}

/* On a connection's thread; sd_event_exit() is the loop's alone, so a signal carries it over. */
static void on_exit_request(struct sriovd *d)
{
	kill(getpid(), SIGTERM);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int loop_init(struct sriovd *d)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_default(&d->event);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGTERM, on_signal, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_signal, d);
	if (r >= 0)
		r = watch_init(d);
	if (r < 0)
		return log_error(r, "event loop");
	/* a watchdog that cannot be set up is systemd's absence, no reason to stay down */
	(void)!sd_event_set_watchdog(d->event, true);
	return 0;
}

/*
 * Children and VMs stay: whoever starts next adopts them. What is still under way after the drain
 * is left to its intent in the ledger, as after a kill -9.
 */
static bool drain(struct sriovd *d)
{
	uint64_t deadline_us = clock_us() + DRAIN_US;
	bool idle;

	baton_take(d);
	d->stopping = true;
	pthread_cond_broadcast(&d->changed);
	while (d->jobs > 0 && clock_us() < deadline_us) {
		baton_drop(d);
		clock_sleep_us(10 * USEC_PER_MSEC);
		baton_take(d);
	}
	idle = d->jobs == 0;
	baton_drop(d);
	return idle;
}

/* After a shutdown request nothing of ours runs; the logs stay, for who wants to know why. */
static void remove_dirs(struct sriovd *d)
{
	static const char *const kinds[] = {"nic", "pf", "vm", "bridge"};
	char path[PATH_SIZE];

	for (struct pf *pf = d->pfs; pf; pf = pf->next) {
		rmdir(pf->dir);
		if (path_set(path, sizeof(path), "%s/pf/%s", d->cfg.run_dir, pf->name) >= 0)
			rmdir(path);
	}
	for (size_t i = 0; i < d->n_bridges; i++)
		rmdir(d->bridges[i].dir);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (path_set(path, sizeof(path), "%s/%s", d->cfg.run_dir, kinds[i]) >= 0)
			rmdir(path);
}

static int serve(struct sriovd *d)
{
	_cleanup_(http_stopp) struct http *http = NULL;
	int listen_fd, r;

	r = api_socket(d, &listen_fd);
	if (r < 0)
		return r;
	baton_take(d);
	r = reconcile_start(d);
	baton_drop(d);
	if (r >= 0)
		r = http_start(d, listen_fd, on_exit_request, &http);
	else
		fd_close(listen_fd);
	if (r < 0)
		return log_error(r, "start");

	log_info("ready, version " SRIOVD_VERSION ", pid %d", getpid());
	sd_notify(0, "READY=1");
	r = sd_event_loop(d->event);
	sd_notify(0, "STOPPING=1");
	if (!drain(d)) {
		log_notice("operations under way are left to the next start");
		_exit(0);
	}
	return r;
}

static int run(struct sriovd *d)
{
	char path[PATH_SIZE];
	int r;

	r = loop_init(d);
	if (r >= 0) {
		r = pcisys_open(NULL, &d->sysfs);
		if (r < 0)
			log_error(r, "sysfs");
	}
	if (r >= 0)
		r = open_state(d);
	/* without it everything works, and changes are noticed when something is used */
	if (r >= 0)
		(void)!pf_host_watch(d);
	if (r >= 0)
		r = serve(d);
	if (r >= 0 && d->closing) {
		remove_dirs(d);
		if (path_set(path, sizeof(path), "%s/sriovd.sock", d->cfg.run_dir) >= 0)
			unlink(path);
	}
	return r;
}

int main(int argc, char **argv)
{
	static struct sriovd d;
	struct options o = {.config = DEFAULT_CONFIG};
	static struct config cfg = {.run_dir = DEFAULT_RUN_DIR,
				    .state_dir = DEFAULT_STATE_DIR,
				    .libexec_dir = SRIOVD_LIBEXECDIR,
				    .vm_cpu = -1};
	struct op_error e = {};
	int r;

	log_init("sriovd");
	/* requests run one after the other: no heap for each of their threads */
	mallopt(M_ARENA_MAX, 1);
	r = options_parse(argc, argv, &o, &cfg);
	if (r < 0 || o.done)
		return r < 0 ? 2 : 0;
	if (config_load(o.config, &cfg, &e) < 0) {
		log_error(0, "%s: %s", o.config, e.text);
		return 2;
	}
	place(&cfg);
	r = state_init(&d, &cfg, &e);
	if (r < 0) {
		log_error(0, "%s", e.text);
		return 2;
	}
	r = run(&d);
	sd_event_unref(d.event);
	state_done(&d);
	return r < 0 ? 1 : 0;
}

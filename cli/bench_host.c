/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cli/cli.h>
#include <lib/clock.h>
#include <lib/pci_sysfs.h>

#include "bench_host.h"
#include "interrupt.h"

#define PAGES_ENGINE 300 /* 512 MiB for the generator, and some */
#define PAGES_PEERS  500 /* 512 MiB for Open vSwitch, the rest for others */
#define PAGES_PLAIN  260 /* a peer that is not told how many buffers to have */
#define WORK_DIR     "/run/sriov-bench.XXXXXX"
#define ENGINE_MB    512u
#define CALIBRATE_MS 60000u
#define END_US	     (20 * USEC_PER_SEC)
#define LOOK_US	     50000

/* ---- inside ------------------------------------------------------------------------------ */

static int calibrate(struct bench_host *b)
{
	char why[BH_TEXT];
	int r;

	fprintf(stderr, "bench: generator on CPU %u, switch on CPU %u; calibrating\n", b->cpu_gen,
		b->cpu_switch);
	r = bh_engine_ask(&b->engine, json_pack("{s:s}", "op", "calibrate"), CALIBRATE_MS,
			  &b->calibration, why);
	if (r < 0) {
		if (r != -EINTR)
			fprintf(stderr, "sriovctl bench: no calibration: %s\n", why);
		return r;
	}
	json_object_del(b->calibration, "ok");
	return 0;
}

static int run(struct bench_host *b)
{
	char why[BH_TEXT];
	unsigned int ready = 0;
	int r;

	r = bh_prepare(b);
	if (r < 0) {
		fprintf(stderr, "sriovctl bench: cannot prepare %s: %s\n", b->dir,
			strerrordesc_np(-r));
		return r;
	}
	r = bh_engine_start(b, &b->engine, "engine", ENGINE_MB, &b->engine_ports, why);
	if (r < 0) {
		if (r != -EINTR)
			fprintf(stderr, "sriovctl bench: sriov-bench does not start: %s\n", why);
		return r;
	}
	r = calibrate(b);
	if (r >= 0)
		r = bh_paths_start(b);
	for (unsigned int i = 0; i < b->n_paths; i++)
		ready += b->path[i].state == BH_READY;
	if (r >= 0 && !ready) {
		fprintf(stderr, "sriovctl bench: no path came up\n");
		return -EIO;
	}
	if (r >= 0)
		r = bh_rounds(b);
	if (r >= 0)
		r = bh_resets(b);
	return *b->stop ? -EINTR : r;
}

/* What was measured is told, also when something went wrong later. */
static int finish(struct bench_host *b, int r, bh_finish_t give, void *userdata)
{
	json_auto_t *report = NULL;
	int status = r < 0 ? CLI_FAILED : CLI_OK;

	if (r == -EINTR)
		return CLI_INTERRUPTED;
	if (!json_array_size(b->blocks))
		return CLI_FAILED;
	if (r < 0) {
		fprintf(stderr, "sriovctl bench: ended early: %s\n", strerrordesc_np(-r));
		json_array_append_new(b->notes,
				      json_sprintf("the run ended early: %s", strerrordesc_np(-r)));
	}
	for (unsigned int i = 0; i < b->n_paths; i++)
		if (b->path[i].kind->ours && b->path[i].state == BH_FAILED)
			status = CLI_FAILED;
	report = bh_report(b);
	if (!report) {
		fprintf(stderr, "sriovctl bench: no report: out of memory\n");
		return CLI_FAILED;
	}
	return give(report, userdata) < 0 ? CLI_FAILED : status;
}

/* Not to wait for others' work; where sessions are no groups for the scheduler, niceness does it.
 */
static void prefer(void)
{
	_cleanup_(fd_closep) int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "-20", 3) != 3)
		fprintf(stderr, "bench: the session keeps its priority: %s\n",
			strerrordesc_np(errno));
}

/* The first process of the namespace: when it ends, everything in there does. */
static _Noreturn void inside(struct bench_host *b, int lifeline, bh_finish_t give, void *userdata)
{
	struct pollfd p = {.fd = lifeline, .events = POLLIN};
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/*
	 * A session of our own: Ctrl-C is for the one outside, who passes it on, and the kernel
	 * shares processors out between sessions first.
	 */
	setsid();
	prefer();
	if (poll(&p, 1, 0) != 0)
		raise(SIGTERM);
	status = finish(b, *b->stop ? -EINTR : run(b), give, userdata);
	if (fflush(stdout) || ferror(stdout))
		status = CLI_FAILED;
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	/* nobody there to tidy up */
	if (poll(&p, 1, 0) != 0) {
		bh_add_pages(-b->pages);
		umount2(b->dir, MNT_DETACH);
		rmdir(b->dir);
	}
	_exit(status);
}

/* ---- outside ----------------------------------------------------------------------------- */

/* Waits for the inner process, passing signals on; its exit status. */
static int await(pid_t pid, const volatile sig_atomic_t *stop)
{
	uint64_t end = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (*stop && !end) {
			fprintf(stderr, "\nsriovctl bench: interrupted, ending what was started\n");
			kill(pid, SIGTERM);
			end = clock_us() + clock_patient_us(END_US);
		}
		if (end && clock_us() > end)
			kill(pid, SIGKILL);
		clock_sleep_us(LOOK_US);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "sriovctl bench: its inner process was killed by signal %d\n",
		WTERMSIG(status));
	return *stop ? CLI_INTERRUPTED : CLI_FAILED;
}

static int run_inside(struct bench_host *b, bh_finish_t give, void *userdata)
{
	_cleanup_(fd_closep) int keep = -1;
	int lifeline[2];
	long pid;

	if (pipe2(lifeline, O_CLOEXEC) < 0)
		return CLI_FAILED;
	keep = lifeline[1];
	/* a fork into namespaces of its own; this process has one thread */
	fflush(NULL);
	pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(keep);
		inside(b, lifeline[0], give, userdata);
	}
	close(lifeline[0]);
	if (pid < 0) {
		fprintf(stderr, "sriovctl bench: no namespaces of its own: %s\n",
			strerrordesc_np(errno));
		return CLI_FAILED;
	}
	return await((pid_t)pid, b->stop);
}

static int read_device(struct bench_host *b)
{
	_cleanup_(fd_closep) int sysfs = -1;
	char why[BH_TEXT] = "";
	int r;

	r = pcisys_open(NULL, &sysfs);
	if (r >= 0)
		r = bh_device_read(sysfs, b->opt->bdf, &b->device, why);
	if (r < 0)
		fprintf(stderr, "sriovctl bench: --bdf: %s\n", *why ? why : strerrordesc_np(-r));
	return r;
}

/* Those of the peers only where there may be peers. */
static int pages_wanted(const struct bench_host *b)
{
	int peers = 0, plain = 0;

	for (unsigned int i = 0; i < b->n_paths; i++) {
		if (b->path[i].kind->traits & BH_TRAIT_PLAIN)
			plain += PAGES_PLAIN;
		else if (!(b->path[i].kind->traits & BH_TRAIT_GIVEN))
			peers = PAGES_PEERS;
	}
	return PAGES_ENGINE + peers + plain;
}

static int init(struct bench_host *b, const struct bh_options *opt)
{
	time_t now = time(NULL);
	struct tm utc;
	int r;

	*b = (struct bench_host){.opt = opt, .engine.out = -1};
	strftime(b->when, sizeof(b->when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	bh_plan_init(&b->plan, opt->quick, opt->rounds);
	b->blocks = json_array();
	b->notes = json_array();
	if (!b->blocks || !b->notes)
		return -ENOMEM;
	r = opt->bdf ? read_device(b) : 0;
	if (r >= 0)
		r = bh_paths_choose(b);
	if (r < 0)
		return r;
	if (geteuid() != 0) {
		fprintf(stderr,
			"sriovctl bench: --host needs root: huge pages, namespaces, network "
			"devices\n");
		return -EPERM;
	}
	r = bh_find_programs(b);
	if (r >= 0)
		r = bh_choose_cpus(b);
	return r;
}

int bh_main(const struct bh_options *opt, bh_finish_t give, void *userdata)
{
	static struct bench_host b;
	int pages, r, status;

	r = init(&b, opt);
	if (r < 0)
		return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	b.stop = interrupt_catch();
	/* an engine that is gone is seen by its answer */
	signal(SIGPIPE, SIG_IGN);
	bh_text(b.dir, sizeof(b.dir), WORK_DIR);
	if (!mkdtemp(b.dir)) {
		fprintf(stderr, "sriovctl bench: %s: %s\n", b.dir, strerrordesc_np(errno));
		return CLI_FAILED;
	}
	pages = pages_wanted(&b);
	b.pages = bh_add_pages(pages);
	if (b.pages < pages)
		fprintf(stderr, "bench: %d of %d huge pages could be reserved: paths may fail\n",
			b.pages, pages);
	status = run_inside(&b, give, userdata);
	bh_add_pages(-b.pages);
	rmdir(b.dir);
	return status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* sriov-pf: the loop, the PF's descriptors on it, and what to do when the device goes. */
#include <getopt.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include "sriov_pf.h"

#define TICK_SLACK_US  UINT64_C(20000)
#define RESET_GAP_US   (100 * USEC_PER_MSEC)
#define REFUSED_GAP_US USEC_PER_SEC

static void event_link(void *userdata, bool up)
{
	struct pf_process *p = userdata;

	ctl_emit(p->server, "pf.link", json_pack("{s:b}", "up", up));
}

static bool told_lately(uint64_t *told_us, uint64_t gap_us)
{
	uint64_t now = clock_us();

	if (*told_us && now - *told_us < gap_us)
		return true;
	*told_us = now;
	return false;
}

static void event_vf_reset(void *userdata, unsigned int vf)
{
	struct pf_process *p = userdata;

	if (!told_lately(&p->reset_told_us[vf], RESET_GAP_US))
		ctl_emit(p->server, "vf.reset", json_pack("{s:i}", "vf", (int)vf));
}

static void event_vf_refused(void *userdata, unsigned int vf, const char *message)
{
	struct pf_process *p = userdata;

	if (!told_lately(&p->refused_told_us[vf], REFUSED_GAP_US))
		ctl_emit(p->server, "vf.refused",
			 json_pack("{s:i, s:s}", "vf", (int)vf, "message", message));
}

static void let_go(struct pf_process *p)
{
	p->irq_source = sd_event_source_disable_unref(p->irq_source);
	p->hangup_source = sd_event_source_disable_unref(p->hangup_source);
	p->tick_source = sd_event_source_disable_unref(p->tick_source);
	pfdrv_close(p->pf);
	p->pf = NULL;
	p->irq_fd = fd_close(p->irq_fd);
}

void pf_process_check(struct pf_process *p)
{
	int r;

	if (!p->pf)
		return;
	r = pfdrv_error(p->pf);
	if (r == 0 && pcif_lost(pfdrv_pcif(p->pf)))
		r = -ENODEV;
	if (r == 0)
		return;

	log_error(r, "pf %s: lost, waiting for pf.open", p->name);
	let_go(p);
	p->lost = true;
	ctl_emit(p->server, "pf.lost", NULL);
}

/* More to do than one call handles: come back by the loop, so that requests get their turn. */
static void serviced(struct pf_process *p, int r)
{
	if (r > 0)
		(void)eventfd_write(p->irq_fd, 1);
	pf_process_check(p);
}

static int on_irq(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct pf_process *p = userdata;
	eventfd_t n;

	(void)eventfd_read(fd, &n);
	serviced(p, pfdrv_service(p->pf));
	return 0;
}

/* Between calls nothing is due from the device: readable means that it hung up. */
static int on_hangup(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct pf_process *p = userdata;

	if (revents & (EPOLLHUP | EPOLLRDHUP | EPOLLERR | EPOLLIN)) {
		pf_process_check(p);
		if (p->pf) /* bytes nobody asked for: the next call finds out what they are */
			serviced(p, pfdrv_tick(p->pf));
	}
	return 0;
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct pf_process *p = userdata;
	int r;

	r = sd_event_source_set_time_relative(s, PFDRV_TICK_US);
	if (r < 0)
		return r;
	serviced(p, pfdrv_tick(p->pf));
	return 0;
}

static int watch(struct pf_process *p)
{
	int r, fd = pcif_fd(pfdrv_pcif(p->pf));

	r = sd_event_add_io(p->event, &p->irq_source, p->irq_fd, EPOLLIN, on_irq, p);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(p->event, &p->tick_source, CLOCK_MONOTONIC, PFDRV_TICK_US,
				       TICK_SLACK_US, on_tick, p);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(p->tick_source, SD_EVENT_ON);
	if (r < 0)
		return r;
	if (fd < 0)
		return 0;
	r = sd_event_add_io(p->event, &p->hangup_source, fd, EPOLLIN | EPOLLRDHUP, on_hangup, p);
	if (r < 0)
		return r;
	return sd_event_source_set_ratelimit(p->hangup_source, 100 * USEC_PER_MSEC, 10);
}

int pf_process_open(struct pf_process *p, struct pcif *function, bool *ret_adopted)
{
	const struct pfdrv_events events = {
		.link = event_link,
		.vf_reset = event_vf_reset,
		.vf_refused = event_vf_refused,
		.userdata = p,
	};
	_cleanup_(pcif_closep) struct pcif *f = function;
	_cleanup_(fd_closep) int irq_fd = -1;
	bool adopted = true;
	int r;

	irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (irq_fd < 0)
		return -errno;

	r = pfdrv_adopt(f, irq_fd, &events, &p->pf);
	if (r == -ENOENT || r == -EUCLEAN) {
		if (r == -EUCLEAN)
			log_warning(r, "pf %s: cannot be adopted, resetting it and its VFs",
				    p->name);
		adopted = false;
		r = pfdrv_open(f, irq_fd, &events, &p->pf);
	}
	if (r < 0)
		return r;
	TAKE_PTR(f);
	p->irq_fd = TAKE_FD(irq_fd);
	p->lost = false;

	r = watch(p);
	if (r < 0) {
		let_go(p);
		return r;
	}
	/* what queued up while nobody listened */
	(void)eventfd_write(p->irq_fd, 1);
	*ret_adopted = adopted;
	return 0;
}

static int usage(FILE *to)
{
	fputs("usage: sriov-pf --name NAME --control-fd FD\n"
	      "\n"
	      "Owns the physical function that comes with the method pf.open, and serves its VFs' "
	      "mailboxes. Started by sriovd.\n",
	      to);
	return to == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int parse_fd(const char *text)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	return errno || *end || end == text || v < 3 || v > 65535 ? -EINVAL : (int)v;
}

static int run(struct pf_process *p, int control_fd)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	r = sd_event_new(&p->event);
	if (r < 0)
		return r;
	r = sd_event_add_signal(p->event, NULL, SIGTERM, NULL, NULL);
	if (r < 0)
		return r;
	r = sd_event_add_signal(p->event, NULL, SIGINT, NULL, NULL);
	if (r < 0)
		return r;
	r = ctl_server_new(p->event, control_fd, p->name, pf_methods, p, &p->server);
	if (r < 0)
		return r;

	log_info("pf %s: serving", p->name);
	return sd_event_loop(p->event);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"control-fd", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct pf_process p = {.irq_fd = -1};
	int control_fd = -1, c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'n')
			p.name = optarg;
		else if (c == 'c')
			control_fd = parse_fd(optarg);
		else
			return usage(c == 'h' ? stdout : stderr);
	}
	if (!p.name || control_fd < 0 || optind != argc)
		return usage(stderr);

	log_init("sriov-pf");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	r = run(&p, control_fd);
	if (r < 0)
		log_error(r, "pf %s: ending", p.name);
	/* the PF goes on in the device: a successor adopts it */
	let_go(&p);
	ctl_server_free(p.server);
	sd_event_unref(p.event);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* PFs of the host come, go, and change behind our back. */
#include <lib/clock.h>
#include <lib/log.h>
#include <string.h>
#include <sys/epoll.h>

#include "pf_host.h"

#define EVENTS_TURN 64
#define AGAIN_US    (100 * USEC_PER_MSEC)
#define AGAIN_MAX   (1 * USEC_PER_SEC)
#define REWATCH_US  (5 * USEC_PER_SEC)
#define SLACK_US    (100 * USEC_PER_MSEC)

/* Why its VFs are no more; empty if they are. @r: of reading it, 0 or that it is gone. */
static void judge(const struct pf *pf, int r, const struct host_pf *now, char reason[LEDGER_REASON])
{
	reason[0] = '\0';
	if (r < 0)
		text_set(reason, LEDGER_REASON, "%s is not there any more", pf->host.bdf);
	else if (strcmp(now->driver, pf->host.driver) != 0)
		text_set(reason, LEDGER_REASON, "%s is driven by %s now, not by %s", pf->host.bdf,
			 now->driver[0] ? now->driver : "nothing", pf->host.driver);
	else if (pf->up && now->num_vfs != pf->num_vfs)
		text_set(reason, LEDGER_REASON, "somebody changed the VFs of %s from %u to %u",
			 pf->host.bdf, pf->num_vfs, now->num_vfs);
	else if (pf->num_vfs > 0 && pf->made && now->made && now->made != pf->made)
		text_set(reason, LEDGER_REASON, "somebody made the %u VFs of %s anew", pf->num_vfs,
			 pf->host.bdf);
}

static void compare(struct sriovd *d, struct pf *pf, int r, const struct host_pf *now)
{
	char reason[LEDGER_REASON];

	judge(pf, r, now, reason);
	pf->unread = false;
	if (!reason[0]) {
		host_pf_took(d, pf, now);
		pf->seen_us = 0;
		pf->hurry = pf->absent && !pf->up;
		pf->absent = pf->ops->kernel && now->ifindex <= 0;
		pthread_cond_broadcast(&d->changed);
		return;
	}
	pf->may_bind |= r < 0; /* when it is there again its kernel driver claims it first */
	pf->absent = r < 0 || strcmp(now->driver, pf->host.driver) != 0;
	if (pf->up || pf->num_vfs > 0) {
		log_object_warning(pf->object, 0, "lost: %s", reason);
		pf_lose(d, pf, reason);
	}
}

/*
 * A number that we are changing ourselves says nothing, and neither does a read that failed for
 * want of memory or descriptors. Return: true if it is to be looked at again.
 */
static bool check(struct sriovd *d, struct pf *pf)
{
	unsigned int serial = pf->serial;
	char bdf[sizeof(pf->host.bdf)];
	struct host_pf now;
	int r;

	if (pf->removed)
		return false;
	if (pf->hold.exclusive)
		return true;
	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	baton_drop(d);
	r = host_pf_read(d->sysfs, bdf, &now);
	if (r >= 0 && now.carrier)
		(void)!host_pf_speed(d->sysfs, bdf, &now.speed_mbps);
	baton_take(d);
	if (pf->removed)
		return false;
	if (pf->hold.exclusive || pf->serial != serial)
		return true;
	if (r < 0 && !host_gone(r)) {
		if (!pf->unread)
			log_object_warning(pf->object, r, "%s cannot be read, trying again", bdf);
		pf->unread = true;
		return true;
	}
	compare(d, pf, r, &now);
	return pf_kernel_settle(d, pf);
}

/* Until the next look, or the next event. */
static void pause_looking(struct sriovd *d, uint64_t us)
{
	uint64_t deadline_us = clock_us() + us;

	while (!d->host_changed && !d->closing && state_wait(d, deadline_us) >= 0)
		;
}

static void host_job(struct sriovd *d, void *arg)
{
	uint64_t pause_us = AGAIN_US;
	struct pf *pf;

	while (d->host_changed && !d->stopping && !d->closing) {
		bool again = false;

		d->host_changed = false;
		for (size_t n = 0; (pf = pf_at(d, n)); n++) {
			if (!pf->ops->host)
				continue;
			again |= check(d, pf_ref(pf));
			pf_unref(d, pf);
		}
		if (!again) {
			pause_us = AGAIN_US;
			continue;
		}
		pause_looking(d, pause_us);
		pause_us = 2 * pause_us < AGAIN_MAX ? 2 * pause_us : AGAIN_MAX;
		d->host_changed = true;
	}
	d->host_job = false;
}

void pf_host_changed(struct sriovd *d)
{
	bool any = false;

	for (const struct pf *pf = d->pfs; pf; pf = pf->next)
		any |= pf->ops->host;
	if (!any || d->stopping || d->closing)
		return;
	d->host_changed = true;
	pthread_cond_broadcast(&d->changed);
	if (d->host_job)
		return;
	d->host_job = true;
	if (job_start(d, host_job, NULL) < 0)
		d->host_job = false;
}

static int rewatch_later(struct sriovd *d);

static int on_host(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct sriovd *d = userdata;
	struct host_event ev;
	bool any = false;
	int r = 1;

	for (int i = 0; i < EVENTS_TURN && r > 0; i++) {
		r = host_watch_next(d->watch, &ev);
		any |= r > 0;
	}
	if (r < 0)
		log_warning(r, "changes of the host's devices are not heard of, trying again");
	baton_take(d);
	if (r < 0)
		text_set(d->watch_problem, sizeof(d->watch_problem),
			 "changes of the host's devices are not heard of: %s", strerrordesc_np(-r));
	if (any || r < 0)
		pf_host_changed(d);
	baton_drop(d);
	if (r >= 0)
		return 0;
	sd_event_source_disable_unref(s);
	host_watch_free(d->watch);
	d->watch = NULL;
	return rewatch_later(d);
}

static int watch_host(struct sriovd *d)
{
	int r;

	r = host_watch_new(d->sysfs, &d->watch);
	if (r < 0)
		return r;
	r = sd_event_add_io(d->event, NULL, host_watch_fd(d->watch), EPOLLIN, on_host, d);
	if (r >= 0)
		return 0;
	host_watch_free(d->watch);
	d->watch = NULL;
	return r;
}

static int on_rewatch(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct sriovd *d = userdata;

	sd_event_source_disable_unref(s);
	if (watch_host(d) < 0)
		return rewatch_later(d);
	log_info("changes of the host's devices are heard of again");
	baton_take(d);
	d->watch_problem[0] = '\0';
	pf_host_changed(d); /* what happened meanwhile */
	baton_drop(d);
	return 0;
}

static int rewatch_later(struct sriovd *d)
{
	return sd_event_add_time_relative(d->event, NULL, CLOCK_MONOTONIC, REWATCH_US, SLACK_US,
					  on_rewatch, d);
}

int pf_host_watch(struct sriovd *d)
{
	int r;

	r = watch_host(d);
	if (r >= 0)
		return 0;
	text_set(d->watch_problem, sizeof(d->watch_problem),
		 "changes of the host's devices are not heard of: %s", strerrordesc_np(-r));
	log_warning(r, "changes of the host's devices are not heard of, trying again");
	return rewatch_later(d);
}

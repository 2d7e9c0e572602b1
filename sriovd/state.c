/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/pf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_CALM_US (10 * USEC_PER_SEC)
#define BACKOFF_MIN_US	(100 * USEC_PER_MSEC)
#define BACKOFF_MAX_US	(5 * USEC_PER_SEC)

static const char *const vf_state_names[VF_STATES] = {
	[VF_FREE] = "free",
	[VF_PREPARING] = "preparing",
	[VF_ATTACHED] = "attached",
	[VF_DETACHING] = "detaching",
	[VF_SANITISING] = "sanitising",
	[VF_QUARANTINED] = "quarantined",
};
static const char *const vm_state_names[VM_STATES] = {
	[VM_STARTING] = "starting", [VM_RUNNING] = "running", [VM_STOPPING] = "stopping",
	[VM_STOPPED] = "stopped",   [VM_CRASHED] = "crashed", [VM_LOST] = "lost",
};
static const char *const net_state_names[NET_STATES] = {
	[NET_DETACHED] = "detached",   [NET_ATTACHING] = "attaching", [NET_ATTACHED] = "attached",
	[NET_DETACHING] = "detaching", [NET_LOST] = "lost",
};
static const char *const net_path_names[NET_PATHS] = {
	[PATH_VF] = "vf",
	[PATH_VIRTIO] = "virtio",
	[PATH_EMULATED] = "emulated",
};
static const char *const net_backend_names[NET_BACKENDS] = {
	[BACKEND_AUTO] = "",
	[BACKEND_NIC] = "nic",
	[BACKEND_BRIDGE] = "bridge",
	[BACKEND_TAP] = "tap",
};

const char *vf_state_name(enum vf_state s)
{
	return vf_state_names[s];
}

const char *vm_state_name(enum vm_state s)
{
	return vm_state_names[s];
}

const char *net_state_name(enum net_state s)
{
	return net_state_names[s];
}

const char *net_path_name(enum net_path p)
{
	return net_path_names[p];
}

const char *net_backend_name(enum net_backend b)
{
	return net_backend_names[b];
}

int vm_state_parse(const char *name, enum vm_state *ret_state)
{
	for (int i = 0; i < VM_STATES; i++)
		if (strcmp(name, vm_state_names[i]) == 0) {
			*ret_state = (enum vm_state)i;
			return 0;
		}
	return -EINVAL;
}

int net_path_parse(const char *name, enum net_path *ret_path)
{
	for (int i = 0; i < NET_PATHS; i++)
		if (strcmp(name, net_path_names[i]) == 0) {
			*ret_path = (enum net_path)i;
			return 0;
		}
	return -EINVAL;
}

int net_backend_parse(const char *name, enum net_backend *ret_backend)
{
	for (int i = 0; i < NET_BACKENDS; i++)
		if (strcmp(name, net_backend_names[i]) == 0) {
			*ret_backend = (enum net_backend)i;
			return 0;
		}
	return -EINVAL;
}

void event_add(struct sriovd *d, const char *object, const char *what, const char *fmt, ...)
{
	struct event *ev = &d->events[d->n_events++ % EVENTS_MAX];
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_REALTIME, &now);
	ev->time_us = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
	text_set(ev->object, sizeof(ev->object), "%s", object);
	text_set(ev->what, sizeof(ev->what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(ev->text, sizeof(ev->text), fmt, ap);
	va_end(ap);
}

void text_set(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, size, fmt, ap);
	va_end(ap);
}

int path_set(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

void baton_take(struct sriovd *d)
{
	pthread_mutex_lock(&d->baton);
}

void baton_drop(struct sriovd *d)
{
	pthread_mutex_unlock(&d->baton);
}

int state_wait(struct sriovd *d, uint64_t deadline_us)
{
	struct timespec ts = {.tv_sec = (time_t)(deadline_us / USEC_PER_SEC),
			      .tv_nsec = (long)(deadline_us % USEC_PER_SEC) * 1000};

	if (d->stopping)
		return -ECANCELED;
	if (pthread_cond_timedwait(&d->changed, &d->baton, &ts) == ETIMEDOUT)
		return -ETIMEDOUT;
	return d->stopping ? -ECANCELED : 0;
}

static void hold_mark(struct hold *h, bool exclusive, const char *fmt, va_list ap)
{
	vsnprintf(h->what, sizeof(h->what), fmt, ap);
	if (exclusive)
		h->exclusive = true;
	else
		h->users++;
}

int hold_take(struct hold *h, bool exclusive, const char *object, struct op_error *e,
	      const char *fmt, ...)
{
	va_list ap;

	if (h->exclusive || (exclusive && h->users > 0))
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "%s is busy: %s in progress", object,
			       h->what);
	va_start(ap, fmt);
	hold_mark(h, exclusive, fmt, ap);
	va_end(ap);
	return 0;
}

int hold_wait(struct sriovd *d, struct hold *h, bool exclusive, uint64_t deadline_us,
	      const char *fmt, ...)
{
	va_list ap;
	int r = 0;

	h->waiters++;
	while (!h->retired && (h->exclusive || (exclusive && h->users > 0))) {
		r = state_wait(d, deadline_us);
		if (r < 0)
			break;
	}
	h->waiters--;
	if (h->retired) {
		pthread_cond_broadcast(&d->changed);
		return -ESTALE;
	}
	if (r < 0)
		return r;
	va_start(ap, fmt);
	hold_mark(h, exclusive, fmt, ap);
	va_end(ap);
	return 0;
}

void hold_release(struct sriovd *d, struct hold *h, bool exclusive)
{
	if (exclusive)
		h->exclusive = false;
	else
		h->users--;
	pthread_cond_broadcast(&d->changed);
}

/* Nobody can find the object any more; those who wait for it leave without looking at it again. */
static void hold_retire(struct sriovd *d, struct hold *h)
{
	h->retired = true;
	pthread_cond_broadcast(&d->changed);
	while (h->waiters > 0)
		pthread_cond_wait(&d->changed, &d->baton);
}

int state_sleep(struct sriovd *d, uint64_t us)
{
	uint64_t deadline_us = clock_us() + us;
	int r;

	do
		r = state_wait(d, deadline_us);
	while (r == 0);
	return r == -ETIMEDOUT ? 0 : r;
}

int state_pause(struct sriovd *d, uint64_t us)
{
	uint64_t deadline_us = clock_us() + us;
	int r = 0;

	while (r == 0 && !d->closing)
		r = state_wait(d, deadline_us);
	if (d->closing)
		return -ECANCELED;
	return r == -ETIMEDOUT ? 0 : r;
}

uint64_t backoff_next(struct backoff *b)
{
	if (clock_us() - b->up_us > BACKOFF_CALM_US && b->up_us != 0) {
		b->up_us = 0;
		b->delay_us = 0;
		return 0;
	}
	b->delay_us = b->delay_us ? 2 * b->delay_us : BACKOFF_MIN_US;
	if (b->delay_us > BACKOFF_MAX_US)
		b->delay_us = BACKOFF_MAX_US;
	return b->delay_us;
}

struct job {
	struct sriovd *d;
	void (*fn)(struct sriovd *d, void *arg);
	void *arg;
};

static void *job_run(void *p)
{
	struct job job = *(struct job *)p;

	free(p);
	baton_take(job.d);
	job.fn(job.d, job.arg);
	job.d->jobs--;
	pthread_cond_broadcast(&job.d->changed);
	baton_drop(job.d);
	return NULL;
}

int job_start(struct sriovd *d, void (*fn)(struct sriovd *d, void *arg), void *arg)
{
	struct job *job;
	pthread_t thread;
	int r;

	job = malloc(sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = (struct job){.d = d, .fn = fn, .arg = arg};
	d->jobs++;
	r = pthread_create(&thread, NULL, job_run, job);
	if (r != 0) {
		d->jobs--;
		free(job);
		return log_error(-r, "cannot start a thread");
	}
	pthread_detach(thread);
	return 0;
}

struct pf *pf_find(struct sriovd *d, const char *name)
{
	for (struct pf *pf = d->pfs; pf; pf = pf->next)
		if (strcmp(pf->name, name) == 0)
			return pf;
	return NULL;
}

struct pf *pf_at(struct sriovd *d, size_t n)
{
	struct pf *pf = d->pfs;

	while (pf && n-- > 0)
		pf = pf->next;
	return pf;
}

struct pf *pf_ref(struct pf *pf)
{
	pf->refs++;
	return pf;
}

void pf_unref(struct sriovd *d, struct pf *pf)
{
	pf->refs--;
	pthread_cond_broadcast(&d->changed);
}

struct pf *pf_new(struct sriovd *d, const char *name)
{
	struct pf **at = &d->pfs;
	struct pf *pf;

	pf = calloc(1, sizeof(*pf));
	if (!pf)
		return NULL;
	text_set(pf->name, sizeof(pf->name), "%s", name);
	text_set(pf->object, sizeof(pf->object), "pf %s", name);
	text_set(pf->reason, sizeof(pf->reason), "not started yet");
	pf->drv.pidfd = pf->drv.event_fd = -1;
	pf->snic.pidfd = pf->snic.event_fd = -1;
	pf->device_fd = pf->container_fd = pf->request_fd = -1;
	while (*at)
		at = &(*at)->next;
	*at = pf;
	return pf;
}

struct bridge *bridge_find(struct sriovd *d, const char *name)
{
	for (size_t i = 0; i < d->n_bridges; i++)
		if (strcmp(d->bridges[i].cfg.name, name) == 0)
			return &d->bridges[i];
	return NULL;
}

struct vm *vm_find(struct sriovd *d, const char *name)
{
	for (struct vm *vm = d->vms; vm; vm = vm->next)
		if (strcmp(vm->name, name) == 0)
			return vm;
	return NULL;
}

struct net *net_find(struct sriovd *d, const char *name)
{
	for (struct net *net = d->nets; net; net = net->next)
		if (strcmp(net->id.name, name) == 0)
			return net;
	return NULL;
}

/* Lists are kept sorted by name: what is shown does not depend on history. */
struct vm *vm_new(struct sriovd *d, const char *name)
{
	struct vm **at = &d->vms;
	struct vm *vm;

	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	text_set(vm->name, sizeof(vm->name), "%s", name);
	vm->child.pidfd = -1;
	vm->child.event_fd = -1;
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	vm->next = *at;
	*at = vm;
	return vm;
}

struct net *net_new(struct sriovd *d, const char *name)
{
	struct net **at = &d->nets;
	struct net *net;

	net = calloc(1, sizeof(*net));
	if (!net)
		return NULL;
	text_set(net->id.name, sizeof(net->id.name), "%s", name);
	while (*at && strcmp((*at)->id.name, name) < 0)
		at = &(*at)->next;
	net->next = *at;
	*at = net;
	return net;
}

static void child_done(struct child *c)
{
	c->pidfd = fd_close(c->pidfd);
	c->event_fd = fd_close(c->event_fd);
}

void pf_free(struct sriovd *d, struct pf *pf)
{
	for (struct pf **at = &d->pfs; *at; at = &(*at)->next)
		if (*at == pf) {
			*at = pf->next;
			break;
		}
	pf->removed = true;
	hold_retire(d, &pf->hold);
	while (pf->refs > 0)
		pthread_cond_wait(&d->changed, &d->baton);
	child_done(&pf->drv);
	child_done(&pf->snic);
	fd_close(pf->device_fd);
	fd_close(pf->container_fd);
	fd_close(pf->request_fd);
	free(pf->seen);
	free(pf);
}

void vm_free(struct sriovd *d, struct vm *vm)
{
	for (struct vm **at = &d->vms; *at; at = &(*at)->next)
		if (*at == vm) {
			*at = vm->next;
			break;
		}
	hold_retire(d, &vm->hold);
	fd_close(vm->child.pidfd);
	fd_close(vm->child.event_fd);
	free(vm);
}

void net_free(struct sriovd *d, struct net *net)
{
	for (struct net **at = &d->nets; *at; at = &(*at)->next)
		if (*at == net) {
			*at = net->next;
			break;
		}
	hold_retire(d, &net->hold);
	free(net);
}

int ledger_trouble(struct sriovd *d, int r, const char *what)
{
	if (r < 0) {
		text_set(d->ledger_problem, sizeof(d->ledger_problem), "state.db: %s: %s", what,
			 strerrordesc_np(-r));
		log_error(r, "state.db: %s", what);
	}
	return r;
}

static int boot_id_read(char buf[BOOT_ID_SIZE])
{
	_cleanup_(fd_closep) int fd = -1;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, buf, BOOT_ID_SIZE - 1) != (ssize_t)BOOT_ID_SIZE - 1)
		return -EIO;
	buf[BOOT_ID_SIZE - 1] = '\0';
	return 0;
}

static int bridge_init(struct sriovd *d, struct bridge *br, const struct config_bridge *cfg,
		       struct op_error *e)
{
	char ctl[2 * PATH_SIZE];
	int r;

	br->cfg = *cfg;
	text_set(br->reason, sizeof(br->reason), "not started yet");
	r = path_set(br->dir, sizeof(br->dir), "%s/bridge/%s", d->cfg.run_dir, cfg->name);
	if (r < 0)
		return op_fail(e, HTTP_BAD_INPUT, r,
			       "bridge %s: the run directory's path is too long", cfg->name);
	text_set(ctl, sizeof(ctl), "%s/ctl.sock", br->dir);
	return child_init(&br->child, CHILD_BRIDGE, cfg->name, ctl, e);
}

int state_init(struct sriovd *d, const struct config *cfg, struct op_error *e)
{
	pthread_condattr_t attr;
	int r;

	memset(d, 0, sizeof(*d));
	d->cfg = *cfg;
	d->watch_fd = -1;
	d->lock_fd = -1;
	d->sysfs = -1;
	d->started_us = clock_us();
	pthread_mutex_init(&d->baton, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);

	r = boot_id_read(d->boot_id);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "boot id: %s", strerrordesc_np(-r));
	for (size_t i = 0; i < cfg->n_nics; i++) {
		r = pf_soft_new(d, &cfg->nics[i], e);
		if (r < 0)
			return r;
	}
	for (; d->n_bridges < cfg->n_bridges; d->n_bridges++) {
		r = bridge_init(d, &d->bridges[d->n_bridges], &cfg->bridges[d->n_bridges], e);
		if (r < 0)
			return r;
	}
	return 0;
}

void state_done(struct sriovd *d)
{
	while (d->pfs)
		pf_free(d, d->pfs);
	for (size_t i = 0; i < d->n_bridges; i++)
		child_done(&d->bridges[i].child);
	while (d->vms)
		vm_free(d, d->vms);
	while (d->nets)
		net_free(d, d->nets);
	ledger_close(d->ledger);
	fd_close(d->watch_fd);
	fd_close(d->lock_fd);
	host_watch_freep(&d->watch);
	fd_close(d->sysfs);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->baton);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backend of PFs of the host that our own driver has: the PF on vfio-pci, a sriov-pf on it.
 * The kernel resets the PF when its last descriptor is closed, so we keep copies: a new sriov-pf
 * finds it running. After a restart of sriovd they are taken back from the sriov-pf that lived on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <stdio.h>
#include <sriovd/pf_driver.h>
#include <sriovd/watch.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>

#include "pf_host.h"

#define OPEN_US	     (15 * USEC_PER_SEC)
#define SRIOV_SWITCH "module/vfio_pci/parameters/enable_sriov"

/* Another one than @pf that is on vfio-pci by our doing. */
static const struct pf *another(const struct sriovd *d, const struct pf *pf)
{
	for (const struct pf *one = d->pfs; one; one = one->next)
		if (one != pf && one->ops == &pf_ops_vfio && !one->removed)
			return one;
	return NULL;
}

bool pf_vfio_switched(const struct sriovd *d)
{
	const struct pf *first = another(d, NULL);

	return first ? first->host.switched : !pcisys_flag(d->sysfs, SRIOV_SWITCH);
}

/*
 * The last one puts back what the first one found. With the baton, so that none comes in between;
 * it is the VFs of all functions on vfio-pci that the switch is about.
 */
static void switch_back(struct sriovd *d, const struct pf *pf)
{
	int r;

	if (!pf->host.switched || another(d, pf))
		return;
	r = host_write(d->sysfs, SRIOV_SWITCH, "N");
	if (r < 0 && r != -ENOENT)
		log_object_warning(pf->object, r, "%s stays on", SRIOV_SWITCH);
}

static int bind_pf(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	char err[PCISYS_ERR_MAX] = "", bdf[sizeof(pf->host.bdf)];
	struct pcisys_binding before;
	int r = 0;

	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	baton_drop(d);
	if (!pcisys_flag(d->sysfs, SRIOV_SWITCH))
		r = host_write(d->sysfs, SRIOV_SWITCH, "Y");
	if (r < 0)
		op_fail(e, HTTP_CHILD, r, "pf %s: %s: %s", pf->name, SRIOV_SWITCH,
			r == -ENOENT ? "module vfio-pci is not loaded" : strerrordesc_np(-r));
	if (r >= 0) {
		r = pcisys_bind(d->sysfs, bdf, PCISYS_VFIO_DRIVER, &before, err, sizeof(err));
		if (r < 0)
			op_fail(e, HTTP_CHILD, r, "pf %s: %.240s", pf->name,
				err[0] ? err : strerrordesc_np(-r));
	}
	baton_take(d);
	return r;
}

/* Descriptor of process @pidfd that /proc shows as @what; -ENOENT it has none. */
static int fetch_fd(pid_t pid, int pidfd, const char *what)
{
	char path[64], link[64];
	struct dirent *entry;
	int r = -ENOENT;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && r == -ENOENT && (entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (strcmp(link, what) != 0)
			continue;
		r = pidfd_getfd(pidfd, atoi(entry->d_name), 0);
		r = r < 0 ? -errno : r;
	}
	if (dir)
		closedir(dir);
	return r;
}

/* It holds what an earlier sriovd gave it. Without a copy the PF is reset when it dies: no more. */
static void fetch_copies(struct pf *pf)
{
	pf->device_fd = fetch_fd(pf->drv.pid, pf->drv.pidfd, "anon_inode:[vfio-device]");
	pf->container_fd = fetch_fd(pf->drv.pid, pf->drv.pidfd, "/dev/vfio/vfio");
	if (pf->device_fd >= 0 && pf->container_fd >= 0)
		return;
	pf->device_fd = fd_close(pf->device_fd);
	pf->container_fd = fd_close(pf->container_fd);
	log_object_warning(pf->object, 0,
			   "no copy of the device's descriptor: it is reset if %s dies",
			   pf->drv.object);
}

static void drop_copies(struct sriovd *d, struct pf *pf)
{
	watch_del(d, pf->request_fd);
	pf->request_fd = fd_close(pf->request_fd);
	pf->device_fd = fd_close(pf->device_fd);
	pf->container_fd = fd_close(pf->container_fd);
}

/* Whoever wants the PF unbound or removed waits for us: hear of it. */
static void watch_request(struct sriovd *d, struct pf *pf)
{
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	int copy, r;

	if (pf->request_fd >= 0 || pf->device_fd < 0)
		return;
	copy = fcntl(pf->device_fd, F_DUPFD_CLOEXEC, 0);
	r = copy < 0 ? -errno : pcif_open_vfio_fds(copy, -1, &f, NULL, 0);
	if (r >= 0) {
		pf->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = pf->request_fd < 0 ? -errno : 0;
	}
	if (r >= 0)
		r = pcif_irq_set(f, PCIF_IRQ_REQ, 0, 1, &pf->request_fd);
	if (r >= 0)
		r = watch_add(d, pf->request_fd, &pf->drv, WATCH_WANTED);
	if (r >= 0)
		return;
	log_object_warning(pf->object, r, "the kernel cannot ask for it");
	pf->request_fd = fd_close(pf->request_fd);
}

static int open_pf(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	char err[PCIF_ERR_MAX] = "", bdf[sizeof(pf->host.bdf)], token[TOKEN_SIZE];
	const struct pcif_vfio_config config = {.bdf = bdf, .token = token, .sysfs = d->sysfs_root};
	int device = -1, container = -1;
	int r;

	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	memcpy(token, pf->host.token, sizeof(token));
	baton_drop(d);
	r = pcif_open_vfio(&config, &f, err, sizeof(err));
	if (r >= 0)
		r = pcif_vfio_fds(f, &device, &container);
	baton_take(d);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "pf %s: %.240s", pf->name,
			       err[0] ? err : strerrordesc_np(-r));
	drop_copies(d, pf);
	pf->device_fd = fcntl(device, F_DUPFD_CLOEXEC, 0);
	pf->container_fd = fcntl(container, F_DUPFD_CLOEXEC, 0);
	if (pf->device_fd >= 0 && pf->container_fd >= 0)
		return 0;
	r = op_fail(e, HTTP_INTERNAL, -errno, "pf %s: %s", pf->name, strerror(errno));
	drop_copies(d, pf);
	return r;
}

/* Have sriov-pf drive it. @ret_fresh: it was reset, so VFs of the past are no more. */
static int start_driver(struct sriovd *d, struct pf *pf, bool *ret_fresh, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	const struct child_start start = {};
	bool usable = false;
	int r = 0;

	*ret_fresh = false;
	if (pf->drv.running && pf->device_fd < 0)
		fetch_copies(pf);
	if (!pf->drv.running)
		r = child_start(d, &pf->drv, &start, e);
	if (r >= 0)
		r = pf_driver_info(d, pf, &usable, e);
	if (r < 0 || usable)
		return r;
	if (pf->device_fd < 0) {
		r = open_pf(d, pf, e);
		*ret_fresh = true;
	}
	if (r >= 0)
		r = child_call(d, &pf->drv, "pf.open", json_pack("{s:s}", "kind", "vfio"),
			       (int[]){pf->device_fd, pf->container_fd}, 2,
			       clock_patient_us(OPEN_US), &answer, e);
	if (r < 0) {
		/* whatever is wrong with them, new ones may not be */
		drop_copies(d, pf);
		return r;
	}
	if (!json_is_true(json_object_get(answer, "adopted")))
		*ret_fresh = true;
	r = pf_driver_info(d, pf, &usable, e);
	if (r >= 0 && !usable)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "%s: the PF is lost again", pf->drv.object);
	return r;
}

/* Both sides know the number: the kernel first, as the functions are its to make. */
static int vfio_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	int r;

	r = host_pf_look(d, pf, e);
	if (r >= 0 && pf->now.num_vfs > 0) {
		r = host_vfs_unused(d, pf, e);
		if (r >= 0)
			r = host_numvfs(d, pf, 0, e);
	}
	if (r >= 0 && pf->num_vfs > 0)
		r = pf_driver_set_vfs(d, pf, 0, e);
	if (r < 0 || num_vfs == 0)
		return r;
	r = host_numvfs(d, pf, num_vfs, e);
	if (r >= 0)
		r = pf_driver_set_vfs(d, pf, num_vfs, e);
	return r;
}

/*
 * After a start of the host its kernel driver has it, and is replaced. Whoever takes it from
 * vfio-pci while we run means it.
 */
static int own_pf(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r;

	if (host_driver_is(d, pf, PCISYS_VFIO_DRIVER)) {
		pf->may_bind = false;
		return 0;
	}
	if (!pf->may_bind)
		return op_fail(e, HTTP_CHILD, -ENODEV,
			       "pf %s: %s is driven by %s: somebody took it from vfio-pci",
			       pf->name, pf->host.bdf,
			       pf->now.driver[0] ? pf->now.driver : "nothing");
	drop_copies(d, pf);
	r = bind_pf(d, pf, e);
	if (r >= 0)
		pf->may_bind = false;
	return r;
}

static int vfio_bring_up(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	bool fresh = false;
	int r;

	if (pf->requested) {
		pf->requested = false;
		child_stop(d, &pf->drv);
		drop_copies(d, pf);
		return op_fail(e, HTTP_CHILD, -EAGAIN, "%s", pf->loss);
	}
	r = host_pf_look(d, pf, e);
	if (r >= 0)
		r = own_pf(d, pf, e);
	if (r >= 0)
		r = start_driver(d, pf, &fresh, e);
	if (r >= 0)
		watch_request(d, pf);
	if (r >= 0)
		r = host_pf_look(d, pf, e);
	if (r < 0)
		return r;
	if (fresh)
		for (unsigned int i = 0; i < VFS_MAX; i++)
			if (pf->vf[i].net && pf->vf[i].state == VF_ATTACHED) {
				pf_lose(d, pf, "the PF was reset");
				return op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: it was reset",
					       pf->name);
			}
	/* they disagree, or nobody set the VFs up since the reset: from the start */
	if (pf->now.num_vfs > 0 && (fresh || pf->num_vfs != pf->now.num_vfs))
		r = vfio_set_vfs(d, pf, 0, e);
	return r;
}

static int vfio_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
			struct op_error *e)
{
	struct vf_at at;
	int r;

	r = pf_driver_vf_list(d, pf, stats, list, e);
	for (unsigned int i = 0; r >= 0 && i < list->n; i++) {
		vf_at_set(d, pf, i, &at);
		baton_drop(d);
		host_vf_tell(&at, true, &list->vf[i]);
		baton_take(d);
	}
	return r;
}

static int vfio_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf,
			   const struct vf_attrs *want, struct op_error *e)
{
	struct host_vf now;
	struct vf_at at;
	int r;

	vf_at_set(d, pf, vf, &at);
	baton_drop(d);
	r = host_vf_fit(&at, &now, e);
	baton_take(d);
	return r < 0 ? r : pf_driver_vf_program(d, pf, vf, want, e);
}

static int vfio_vf_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	struct pcif *f = NULL;
	struct host_vf now;
	struct vf_at at;
	int r;

	if (!pf->drv.running)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", pf->name, pf->reason);
	vf_at_set(d, pf, vf, &at);
	baton_drop(d);
	r = host_vf_take(&at, &now, &f, e);
	if (r >= 0) {
		r = pcif_reset(f);
		pcif_close(f);
		if (r < 0)
			op_fail(e, HTTP_CHILD, r, "vf %s: reset: %s", at.name, strerrordesc_np(-r));
	}
	baton_take(d);
	return r < 0 ? r : pf_driver_scrub(d, pf, vf, e);
}

static bool vfio_alive(struct sriovd *d, struct pf *pf)
{
	struct pcisys_bdf first;

	return !pf->vfs_lost && host_driver_is(d, pf, PCISYS_VFIO_DRIVER) &&
	       (pf->device_fd >= 0 || pf->drv.running) &&
	       pcisys_virtfn(d->sysfs, pf->host.bdf, 0, &first) >= 0;
}

static const char *vfio_back_end(const struct pf *pf)
{
	return pf->object;
}

static int take_down(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r;

	r = host_pf_look(d, pf, e);
	if (r == -ENODEV)
		pf->now.num_vfs = 0; /* it has gone, they with it */
	else if (r < 0)
		return r;
	r = 0;
	if (pf->now.num_vfs > 0) {
		r = host_vfs_unused(d, pf, e);
		if (r >= 0)
			r = host_numvfs(d, pf, 0, e);
	}
	if (r < 0)
		return r;
	if (pf->drv.running && pf->num_vfs > 0 && pf_driver_set_vfs(d, pf, 0, e) < 0)
		log_object_warning(pf->drv.object, 0, "%s", e->text);
	child_stop(d, &pf->drv);
	drop_copies(d, pf);
	return 0;
}

static void vfio_stop(struct sriovd *d, struct pf *pf)
{
	struct op_error e = {};

	if (take_down(d, pf, &e) < 0) {
		log_object_warning(pf->object, 0, "%s", e.text);
		child_stop(d, &pf->drv);
		drop_copies(d, pf);
	}
}

static int vfio_give_back(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	struct pcisys_binding before = pf->host.before;
	char err[PCISYS_ERR_MAX] = "", bdf[sizeof(pf->host.bdf)];
	int r;

	r = take_down(d, pf, e);
	if (r < 0)
		return r;
	switch_back(d, pf);
	r = host_pf_look(d, pf, e);
	if (r < 0)
		return r == -ENODEV ? 0 : r; /* nothing is left to give back */
	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	baton_drop(d);
	r = pcisys_restore(d->sysfs, bdf, &before, err, sizeof(err));
	baton_take(d);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "pf %s: %.240s", pf->name,
			       err[0] ? err : strerrordesc_np(-r));
	/* a driver makes its network device anew, and down */
	if (pf->host.was_up && host_pf_look(d, pf, e) >= 0)
		(void)!host_netdev_up(d, pf, true, e);
	return 0;
}

const struct pf_ops pf_ops_vfio = {
	.host = true,
	.bring_up = vfio_bring_up,
	.set_vfs = vfio_set_vfs,
	.vf_list = vfio_vf_list,
	.vf_baseline = pf_driver_baseline,
	.vf_program = vfio_vf_program,
	.vf_open = host_vf_open,
	.vf_scrub = vfio_vf_scrub,
	.alive = vfio_alive,
	.back_end = vfio_back_end,
	.stop = vfio_stop,
	.give_back = vfio_give_back,
};

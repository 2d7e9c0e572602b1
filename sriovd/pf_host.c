/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PFs of the host and their VFs: what both backends need. A VF is known by its PF's address and
 * its number, and looked up anew at every use: addresses and names may change hands.
 */
#include <fcntl.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/link.h>
#include <string.h>

#include "pf_host.h"

#define OPEN_US	 (3 * USEC_PER_SEC)
#define RETRY_US (20 * USEC_PER_MSEC)

void vf_at_set(const struct sriovd *d, const struct pf *pf, unsigned int vf, struct vf_at *ret)
{
	*ret = (struct vf_at){.sysfs = d->sysfs, .root = d->sysfs_root, .vf = vf};
	memcpy(ret->pf, pf->host.bdf, sizeof(ret->pf));
	memcpy(ret->token, pf->host.token, sizeof(ret->token));
	text_set(ret->name, sizeof(ret->name), "%s/%u", pf->name, vf);
}

int host_vf_fit(const struct vf_at *at, struct host_vf *ret, struct op_error *e)
{
	int r;

	r = host_vf_read(at->sysfs, at->pf, at->vf, ret);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, -ENODEV, "vf %s: it is not there: %s", at->name,
			       strerrordesc_np(-r));
	if (ret->group < 0)
		return op_fail(e, HTTP_CONFLICT, -EPERM, "vf %s: %s has no IOMMU group", at->name,
			       ret->bdf.text);
	if (ret->foreign[0])
		return op_fail(e, HTTP_CONFLICT, -EPERM,
			       "vf %s: it is not alone in IOMMU group %d: %s", at->name, ret->group,
			       ret->foreign);
	if (ret->driver[0] && strcmp(ret->driver, PCISYS_VFIO_DRIVER) != 0)
		return op_fail(e, HTTP_CONFLICT, -EBUSY,
			       "vf %s: %s drives it: somebody else has it", at->name, ret->driver);
	return 0;
}

static int open_patiently(const struct vf_at *at, const char *bdf, struct pcif **ret_f,
			  struct op_error *e)
{
	const struct pcif_vfio_config config = {
		.bdf = bdf, .token = at->token[0] ? at->token : NULL, .sysfs = at->root};
	uint64_t deadline_us = clock_us() + clock_patient_us(OPEN_US);
	char err[PCIF_ERR_MAX] = "";
	int r;

	/* a VMM that was killed may need a moment to be rid of its descriptors */
	while ((r = pcif_open_vfio(&config, ret_f, err, sizeof(err))) == -EBUSY &&
	       clock_us() < deadline_us)
		clock_sleep_us(RETRY_US);
	if (r < 0)
		return op_fail(e, r == -EBUSY ? HTTP_CONFLICT : HTTP_CHILD, r, "vf %s: %.240s",
			       at->name, err[0] ? err : strerrordesc_np(-r));
	return 0;
}

int host_vf_take(const struct vf_at *at, struct host_vf *ret_vf, struct pcif **ret_f,
		 struct op_error *e)
{
	struct pcisys_binding before;
	struct pcisys_bdf physfn;
	char err[PCISYS_ERR_MAX] = "";
	int r;

	r = host_vf_fit(at, ret_vf, e);
	if (r < 0)
		return r;
	r = pcisys_bind(at->sysfs, ret_vf->bdf.text, PCISYS_VFIO_DRIVER, &before, err, sizeof(err));
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s: %.240s", at->name,
			       err[0] ? err : strerrordesc_np(-r));
	r = open_patiently(at, ret_vf->bdf.text, ret_f, e);
	if (r < 0)
		return r;
	/* while it is open the address cannot become somebody else's */
	r = pcisys_physfn(at->sysfs, ret_vf->bdf.text, &physfn);
	if (r >= 0 && strcmp(physfn.text, at->pf) == 0)
		return 0;
	pcif_close(TAKE_PTR(*ret_f));
	return op_fail(e, HTTP_CHILD, -ENODEV, "vf %s: %s is not a VF of %s any more", at->name,
		       ret_vf->bdf.text, at->pf);
}

void host_vf_tell(const struct vf_at *at, bool our_binding, struct vf_now *now)
{
	struct op_error e = {};
	struct host_vf vf = {.group = -1};

	if (host_vf_fit(at, &vf, &e) < 0)
		text_set(now->unfit, sizeof(now->unfit), "%s", e.text);
	else if (!our_binding && vf.driver[0])
		text_set(now->unfit, sizeof(now->unfit), "found on %s without a tenant", vf.driver);
	memcpy(now->address, vf.bdf.text, sizeof(now->address));
	memcpy(now->driver, vf.driver, sizeof(now->driver));
	now->group = vf.group;
}

int host_vf_open(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
		 struct op_error *e)
{
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	int device = -1, container = -1;
	struct host_vf now;
	struct vf_at at;
	int r;

	vf_at_set(d, pf, vf, &at);
	baton_drop(d);
	r = host_vf_take(&at, &now, &f, e);
	if (r >= 0)
		r = pcif_vfio_fds(f, &device, &container);
	if (r >= 0) {
		ret->kind = "vfio";
		ret->fds[0] = fcntl(device, F_DUPFD_CLOEXEC, 0);
		ret->fds[1] = fcntl(container, F_DUPFD_CLOEXEC, 0);
		ret->n_fds = 2;
		if (ret->fds[0] < 0 || ret->fds[1] < 0) {
			r = op_fail(e, HTTP_INTERNAL, -errno, "vf %s: %s", at.name,
				    strerror(errno));
			vf_handle_done(ret);
		}
	}
	baton_take(d);
	return r;
}

static int vf_unused(const struct vf_at *at, struct op_error *e)
{
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	struct host_vf vf;
	int r;

	r = host_vf_read(at->sysfs, at->pf, at->vf, &vf);
	if (r < 0 || !vf.driver[0])
		return 0;
	if (strcmp(vf.driver, PCISYS_VFIO_DRIVER) != 0)
		return op_fail(e, HTTP_CONFLICT, -EBUSY,
			       "vf %s: %s drives it: somebody else has it", at->name, vf.driver);
	r = open_patiently(at, vf.bdf.text, &f, e);
	return r == -EBUSY ? r : 0;
}

int host_vfs_unused(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	unsigned int n = pf->now.num_vfs;
	struct vf_at at;
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < n; i++) {
		vf_at_set(d, pf, i, &at);
		baton_drop(d);
		r = vf_unused(&at, e);
		baton_take(d);
	}
	return r;
}

/* ---- the PF ---- */

void host_pf_took(struct sriovd *d, struct pf *pf, const struct host_pf *now)
{
	struct host_pf was = pf->now;

	pf->now = *now;
	if (!pf->ops->kernel)
		pf->now.speed_mbps = was.speed_mbps; /* the kernel has no network device to ask */
	pf->unread = false;
	if (!pf->made)
		pf->made = now->made;
	pf->total_vfs = now->total_vfs < VFS_MAX ? now->total_vfs : VFS_MAX;
	if (!pf->ops->kernel)
		return;
	pf->link = now->carrier;
	if (now->ifindex > 0)
		pf->mac = now->mac;
	if (!was.vendor) /* never looked before */
		return;
	if (strcmp(was.netdev, now->netdev) != 0)
		event_add(d, pf->object, "netdev", "%s is called %s now",
			  was.netdev[0] ? was.netdev : "nothing",
			  now->netdev[0] ? now->netdev : "nothing");
	if (was.carrier != now->carrier)
		event_add(d, pf->object, "link", now->carrier ? "up" : "down");
}

int host_pf_look(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	char bdf[sizeof(pf->host.bdf)];
	struct host_pf now;
	int r;

	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	baton_drop(d);
	r = host_pf_read(d->sysfs, bdf, &now);
	baton_take(d);
	pf->absent = host_gone(r);
	if (pf->absent)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s: %s is not there", pf->name, bdf);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "pf %s: %s cannot be read: %s", pf->name, bdf,
			       strerrordesc_np(-r));
	/* that takes the RTNL: only after something happened to it */
	if (now.carrier == pf->now.carrier)
		now.speed_mbps = pf->now.speed_mbps;
	if (now.carrier && !now.speed_mbps) {
		baton_drop(d);
		(void)!host_pf_speed(d->sysfs, bdf, &now.speed_mbps);
		baton_take(d);
	}
	host_pf_took(d, pf, &now);
	return 0;
}

bool host_driver_is(const struct sriovd *d, const struct pf *pf, const char *driver)
{
	char now[PCISYS_DRIVER_MAX];

	return pcisys_driver(d->sysfs, pf->host.bdf, now) >= 0 && strcmp(now, driver) == 0;
}

int host_numvfs(struct sriovd *d, struct pf *pf, unsigned int n, struct op_error *e)
{
	char err[PCISYS_ERR_MAX] = "", bdf[sizeof(pf->host.bdf)];
	uint64_t made;
	int r;

	memcpy(bdf, pf->host.bdf, sizeof(bdf));
	baton_drop(d);
	r = pcisys_set_numvfs(d->sysfs, bdf, n, err, sizeof(err));
	made = host_pf_made(d->sysfs, bdf);
	baton_take(d);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "pf %s: %.240s", pf->name,
			       err[0] ? err : strerrordesc_np(-r));
	pf->now.num_vfs = n;
	pf->made = made;
	return 0;
}

int host_write(int sysfs, const char *path, const char *text)
{
	_cleanup_(fd_closep) int fd = -1;
	ssize_t n = (ssize_t)strlen(text);

	fd = openat(sysfs, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, (size_t)n) == n ? 0 : -errno;
}

int host_autoprobe(struct sriovd *d, struct pf *pf, bool on, struct op_error *e)
{
	char path[128];
	int r;

	text_set(path, sizeof(path), "bus/pci/devices/%s/sriov_drivers_autoprobe", pf->host.bdf);
	baton_drop(d);
	r = host_write(d->sysfs, path, on ? "1" : "0");
	baton_take(d);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "pf %s: %s: %s", pf->name, path,
			       strerrordesc_np(-r));
	pf->now.autoprobe = on;
	return 0;
}

int host_netdev_up(struct sriovd *d, struct pf *pf, bool up, struct op_error *e)
{
	int ifindex = pf->now.ifindex;
	int r;

	if (ifindex <= 0 || pf->now.up == up)
		return 0;
	baton_drop(d);
	r = link_set(ifindex, up, e);
	baton_take(d);
	if (r >= 0)
		pf->now.up = up;
	return r;
}

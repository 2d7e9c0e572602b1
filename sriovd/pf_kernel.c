/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend of PFs on their kernel driver: sysfs for the VFs, rtnetlink for their attributes. */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attrs.h>
#include <string.h>

#include "pf_host.h"

#define LINK_US	  (5 * USEC_PER_SEC)
#define LINK_STEP (100 * USEC_PER_MSEC)

/* Its driver and its network device, as they are now: VF attributes go by them. */
static int look(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r;

	r = host_pf_look(d, pf, e);
	if (r < 0)
		return r;
	pf->absent = strcmp(pf->now.driver, pf->host.driver) != 0 || pf->now.ifindex <= 0;
	if (strcmp(pf->now.driver, pf->host.driver) != 0)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s: %s is driven by %s, not by %s",
			       pf->name, pf->host.bdf,
			       pf->now.driver[0] ? pf->now.driver : "nothing", pf->host.driver);
	if (pf->now.ifindex <= 0)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s: %s has no network device", pf->name,
			       pf->host.bdf);
	return 0;
}

/* Some drivers restart the port for new VFs, and refuse rates until the link is back. */
static void await_link(struct sriovd *d, struct pf *pf)
{
	uint64_t deadline_us = clock_us() + clock_patient_us(LINK_US);

	/* a link that goes is told of late: what is read first may be of before */
	do {
		if (state_sleep(d, LINK_STEP) < 0 || host_pf_look(d, pf, NULL) < 0)
			return;
	} while (!pf->now.carrier && clock_us() < deadline_us && !d->closing);
}

static int record_baseline(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	struct row_baseline *row = &pf->baseline[vf];
	struct row_baseline new = {.vf = vf};
	int ifindex = pf->now.ifindex;
	int r;

	baton_drop(d);
	r = vf_rtnl_read(ifindex, vf, &new.attrs, &new.has, NULL, e);
	baton_take(d);
	if (r < 0)
		return r;
	text_set(new.pf, sizeof(new.pf), "%s", pf->name);
	r = ledger_put_baseline(d->ledger, &new);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	*row = new;
	return 0;
}

/*
 * What was never recorded never had a tenant: the count is committed after its baselines, and no
 * VF is free before that.
 */
static int record_baselines(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < pf->num_vfs; i++)
		if (!pf->baseline[i].has && !pf->vf[i].net)
			r = record_baseline(d, pf, i, e);
	return r;
}

/* @had_link: so it is worth waiting until it is back. */
static int probe(struct sriovd *d, struct pf *pf, bool had_link, struct op_error *e)
{
	unsigned int caps = 0;
	int ifindex, r;

	if (pf->host.caps || pf->num_vfs == 0 || pf->vf[0].net)
		return 0;
	if (had_link)
		await_link(d, pf);
	ifindex = pf->now.ifindex;
	baton_drop(d);
	r = vf_rtnl_probe(ifindex, 0, &caps, e);
	baton_take(d);
	if (r < 0)
		return r;
	pf->host.caps = caps;
	pf->caps = caps;
	r = ledger_put_host_pf(d->ledger, &pf->host);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	return 0;
}

static int kernel_bring_up(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r;

	r = look(d, pf, e);
	if (r >= 0 && pf->now.num_vfs > VFS_MAX)
		r = op_fail(e, HTTP_CONFLICT, -E2BIG, "pf %s: somebody made %u VFs", pf->name,
			    pf->now.num_vfs);
	if (r >= 0 && pf->now.autoprobe)
		r = host_autoprobe(d, pf, false, e);
	if (r >= 0)
		r = host_netdev_up(d, pf, true, e);
	if (r < 0)
		return r;
	pf->num_vfs = pf->now.num_vfs;
	pf->caps = pf->host.caps;
	/* otherwise they are about to be made anew */
	if (pf->num_vfs == pf->wanted)
		r = record_baselines(d, pf, e);
	if (r >= 0 && pf->num_vfs == pf->wanted)
		r = probe(d, pf, true, e);
	return r;
}

static int make_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	bool had_link = pf->now.carrier;
	int r;

	r = host_netdev_up(d, pf, true, e);
	if (r >= 0 && pf->now.autoprobe)
		r = host_autoprobe(d, pf, false, e);
	if (r >= 0)
		r = host_numvfs(d, pf, num_vfs, e);
	if (r < 0)
		return r;
	pf->num_vfs = num_vfs;
	r = look(d, pf, e);
	if (r >= 0)
		r = record_baselines(d, pf, e);
	if (r >= 0)
		r = probe(d, pf, had_link, e);
	if (r >= 0 && had_link)
		await_link(d, pf);
	return r;
}

static int kernel_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	int r;

	r = look(d, pf, e);
	if (r >= 0 && pf->now.num_vfs > 0) {
		r = host_vfs_unused(d, pf, e);
		if (r >= 0)
			r = host_numvfs(d, pf, 0, e);
	}
	if (r < 0)
		return r;
	pf->num_vfs = 0;
	memset(pf->baseline, 0, sizeof(pf->baseline));
	r = ledger_del_baselines(d->ledger, pf->name);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	return num_vfs > 0 ? make_vfs(d, pf, num_vfs, e) : 0;
}

static int read_one(const struct vf_at *at, int ifindex, bool stats, struct vf_now *now,
		    struct op_error *e)
{
	host_vf_tell(at, false, now);
	return vf_rtnl_read(ifindex, at->vf, &now->attrs, &now->has, stats ? &now->stats : NULL, e);
}

static int kernel_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
			  struct op_error *e)
{
	struct vf_at at;
	int ifindex, r;

	r = look(d, pf, e);
	ifindex = pf->now.ifindex;
	for (unsigned int i = 0; r >= 0 && i < list->n; i++) {
		vf_at_set(d, pf, i, &at);
		baton_drop(d);
		r = read_one(&at, ifindex, stats, &list->vf[i], e);
		baton_take(d);
	}
	return r;
}

static const struct row_baseline *kernel_baseline(const struct pf *pf, unsigned int vf)
{
	return pf->baseline[vf].has ? &pf->baseline[vf] : NULL;
}

static int kernel_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf,
			     const struct vf_attrs *want, struct op_error *e)
{
	unsigned int caps = pf->caps;
	struct host_vf now;
	struct vf_at at;
	int ifindex, r;

	r = look(d, pf, e);
	if (r < 0)
		return r;
	if ((want->max_tx_rate || want->min_tx_rate) && !pf->now.carrier)
		await_link(d, pf);
	vf_at_set(d, pf, vf, &at);
	ifindex = pf->now.ifindex;
	baton_drop(d);
	r = host_vf_fit(&at, &now, e);
	if (r >= 0)
		r = vf_rtnl_write(ifindex, vf, at.name, want, VF_ATTR_SETTABLE, caps, e);
	baton_take(d);
	return r;
}

static int scrub(const struct vf_at *at, int ifindex, const struct row_baseline *base,
		 unsigned int caps, struct op_error *e)
{
	static const struct pcisys_binding none = {};
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	char err[PCISYS_ERR_MAX] = "";
	struct host_vf vf;
	int r;

	r = host_vf_take(at, &vf, &f, e);
	if (r < 0)
		return r;
	r = pcif_reset(f);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s: reset: %s", at->name, strerrordesc_np(-r));
	pcif_close(TAKE_PTR(f));
	r = vf_rtnl_write(ifindex, at->vf, at->name, &base->attrs, base->has & caps, caps, e);
	if (r < 0)
		return r;
	r = pcisys_restore(at->sysfs, vf.bdf.text, &none, err, sizeof(err));
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s: %.240s", at->name,
			       err[0] ? err : strerrordesc_np(-r));
	return 0;
}

static int kernel_vf_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	struct row_baseline base = pf->baseline[vf];
	unsigned int caps = pf->caps;
	struct vf_at at;
	int ifindex, r;

	r = look(d, pf, e);
	if (r < 0)
		return r;
	if (!base.has)
		return op_fail(e, HTTP_CONFLICT, -ENOENT,
			       "vf %s/%u: what it had when it was made is not known", pf->name, vf);
	vf_at_set(d, pf, vf, &at);
	ifindex = pf->now.ifindex;
	baton_drop(d);
	r = scrub(&at, ifindex, &base, caps & ATTRS_SETTABLE, e);
	baton_take(d);
	return r;
}

static bool kernel_alive(struct sriovd *d, struct pf *pf)
{
	struct pcisys_bdf first;

	return !pf->vfs_lost && host_driver_is(d, pf, pf->host.driver) &&
	       pcisys_virtfn(d->sysfs, pf->host.bdf, 0, &first) >= 0;
}

static const char *kernel_back_end(const struct pf *pf)
{
	return pf->object;
}

static void kernel_stop(struct sriovd *d, struct pf *pf)
{
	struct op_error e = {};

	if (look(d, pf, &e) >= 0 && (pf->now.num_vfs == 0 || kernel_set_vfs(d, pf, 0, &e) >= 0))
		return;
	log_object_warning(pf->object, 0, "%s", e.text);
}

static int kernel_give_back(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	bool had_link;
	int r;

	if (host_pf_look(d, pf, e) < 0)
		return 0; /* nothing is left to give back */
	r = look(d, pf, e);
	had_link = pf->now.carrier && pf->host.was_up;
	if (r >= 0 && pf->now.num_vfs > 0) {
		r = kernel_set_vfs(d, pf, 0, e);
		if (r >= 0 && had_link)
			await_link(d, pf);
	}
	if (r == -ENODEV)
		r = 0; /* without its driver it has no VFs either */
	if (r >= 0 && pf->now.autoprobe != pf->host.autoprobe)
		r = host_autoprobe(d, pf, pf->host.autoprobe, e);
	if (r >= 0 && !pf->host.was_up)
		r = host_netdev_up(d, pf, false, e);
	return r;
}

const struct pf_ops pf_ops_kernel = {
	.host = true,
	.kernel = true,
	.bring_up = kernel_bring_up,
	.set_vfs = kernel_set_vfs,
	.vf_list = kernel_vf_list,
	.vf_baseline = kernel_baseline,
	.vf_program = kernel_vf_program,
	.vf_open = host_vf_open,
	.vf_scrub = kernel_vf_scrub,
	.alive = kernel_alive,
	.back_end = kernel_back_end,
	.stop = kernel_stop,
	.give_back = kernel_give_back,
};

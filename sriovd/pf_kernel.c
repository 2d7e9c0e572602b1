/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend of PFs on their kernel driver: sysfs for the VFs, rtnetlink for their attributes. */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attrs.h>
#include <string.h>

#include "pf_host.h"

#define LINK_US	  (5 * USEC_PER_SEC)
#define LINK_STEP (100 * USEC_PER_MSEC)
#define SETTLE_US (5 * USEC_PER_SEC)

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

/* Of all VFs by one message: the kernel makes a list of all of them for each that is asked for. */
static int read_vfs(struct sriovd *d, const struct pf *pf, bool stats, unsigned int n,
		    struct vf_told **ret, struct op_error *e)
{
	_cleanup_(freep) struct vf_told *told = calloc(n, sizeof(*told));
	int ifindex = pf->now.ifindex;
	int r;

	if (!told)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "pf %s: out of memory", pf->name);
	baton_drop(d);
	r = vf_rtnl_read_all(ifindex, stats, n, told, e);
	baton_take(d);
	if (r >= 0)
		*ret = TAKE_PTR(told);
	return r;
}

static bool without_baseline(const struct pf *pf, unsigned int vf)
{
	return !pf->baseline[vf].has && !pf->vf[vf].net;
}

static int record_baseline(struct sriovd *d, struct pf *pf, unsigned int vf,
			   const struct vf_told *told, struct op_error *e)
{
	struct row_baseline new = {.vf = vf, .has = told->has, .attrs = told->attrs};
	int r;

	text_set(new.pf, sizeof(new.pf), "%s", pf->name);
	r = ledger_put_baseline(d->ledger, &new);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	pf->baseline[vf] = new;
	return 0;
}

/*
 * What was never recorded never had a tenant: the count is committed after its baselines, and no
 * VF is free before that. One that the kernel does not tell of has none, and is free for nobody.
 */
static int record_baselines(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	_cleanup_(freep) struct vf_told *told = NULL;
	unsigned int n = pf->num_vfs, missing = 0;
	int r;

	for (unsigned int i = 0; i < n; i++)
		missing += without_baseline(pf, i);
	if (!missing)
		return 0;
	r = read_vfs(d, pf, false, n, &told, e);
	for (unsigned int i = 0; r >= 0 && i < n; i++)
		if (told[i].told && without_baseline(pf, i))
			r = record_baseline(d, pf, i, &told[i], e);
	return r;
}

/* One that nobody has, nor may have had without our knowing. -1: none. */
static int spare_vf(const struct pf *pf)
{
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		if (!pf->vf[i].net && pf->vf[i].state == VF_FREE)
			return (int)i;
	return -1;
}

static int keep_caps(struct sriovd *d, struct pf *pf, unsigned int caps, struct op_error *e)
{
	int r;

	pf->caps = caps | (pf->caps & VF_ATTR_STATS);
	if (pf->host.caps == caps)
		return 0;
	pf->host.caps = caps;
	r = ledger_put_host_pf(d->ledger, &pf->host);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	return 0;
}

/*
 * Once whenever it is brought up, as its driver may have changed. What is known already is not
 * tried without a link, and stands when that fails. @had_link: so it is worth waiting until it is
 * back.
 */
static int probe(struct sriovd *d, struct pf *pf, bool had_link, struct op_error *e)
{
	bool known = pf->host.caps, sure = false;
	struct op_error why = {};
	unsigned int caps = 0;
	int ifindex, vf, r;

	vf = spare_vf(pf);
	if (pf->caps_sure || vf < 0)
		return 0;
	if (had_link)
		await_link(d, pf);
	if (known && !pf->now.carrier)
		return 0;
	pf->probed_us = clock_us();
	ifindex = pf->now.ifindex;
	baton_drop(d);
	r = vf_rtnl_probe(ifindex, (unsigned int)vf, &caps, &sure, &why);
	baton_take(d);
	if (r < 0 && known) {
		log_object_warning(pf->object, 0, "%s; it counts as before", op_text(&why, r));
		return 0;
	}
	if (r < 0) {
		if (e)
			*e = why;
		return r;
	}
	pf->caps_sure = sure;
	return keep_caps(d, pf, caps, e);
}

bool pf_kernel_settle(struct sriovd *d, struct pf *pf)
{
	struct op_error e = {};

	if (!pf->ops->kernel || !pf->up || pf->caps_sure || !pf->now.carrier || spare_vf(pf) < 0)
		return false;
	/* trying is told of as a change too, and is not to follow from itself */
	if (pf->probed_us && clock_us() - pf->probed_us < SETTLE_US)
		return false;
	if (pf->removed || hold_take(&pf->hold, true, "", &e, "probe of %s", pf->name) < 0)
		return !pf->removed;
	pf->probing = true;
	if (pf->up && !pf->removed && probe(d, pf, false, &e) < 0)
		log_object_warning(pf->object, 0, "%s", e.text);
	pf->probing = false;
	hold_release(d, &pf->hold, true);
	return false;
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
	pf->caps = pf->host.caps | (pf->caps & VF_ATTR_STATS);
	pf->caps_sure = false;
	/* they are about to be made anew */
	if (pf->num_vfs != pf->wanted || pf->remake)
		return 0;
	r = record_baselines(d, pf, e);
	return r < 0 ? r : probe(d, pf, !pf->host.caps, e);
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

static void vf_fill(const struct vf_told *told, struct vf_now *now)
{
	now->attrs = told->attrs;
	now->has = told->has;
	now->stats = told->stats;
	if (!told->told && !now->unfit[0])
		text_set(now->unfit, sizeof(now->unfit),
			 "the kernel does not tell of its attributes");
}

static int kernel_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
			  struct op_error *e)
{
	_cleanup_(freep) struct vf_told *told = NULL;
	struct vf_at at;
	int r;

	r = look(d, pf, e);
	if (r >= 0 && list->n > 0)
		r = read_vfs(d, pf, stats, list->n, &told, e);
	for (unsigned int i = 0; r >= 0 && i < list->n; i++) {
		vf_at_set(d, pf, i, &at);
		baton_drop(d);
		host_vf_tell(&at, false, &list->vf[i]);
		baton_take(d);
		vf_fill(&told[i], &list->vf[i]);
		pf->caps |= told[i].has & VF_ATTR_STATS; /* seen once, they are there */
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

	r = host_pf_look(d, pf, e);
	if (r < 0)
		return r == -ENODEV ? 0 : r; /* nothing is left to give back */
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

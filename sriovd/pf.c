/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/attrs.h>
#include <sriovd/pf.h>
#include <string.h>

#define HOLD_US	 (30 * USEC_PER_SEC)
#define PROBE_US (2 * USEC_PER_SEC)

static bool has_tenants(const struct pf *pf)
{
	for (unsigned int i = 0; i < VFS_MAX; i++)
		if (pf->vf[i].net)
			return true;
	return false;
}

/* After the count was changed every VF is new: nothing of the past clings to it. */
static void vfs_renewed(struct sriovd *d, struct pf *pf)
{
	for (unsigned int i = 0; i < VFS_MAX; i++)
		if (!pf->vf[i].net)
			pf->vf[i] = (struct vf){.state = VF_FREE};
	ledger_trouble(d, ledger_del_quarantines(d->ledger, pf->name), "quarantine");
}

static int vfs_apply(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	struct row_pf row = {.num_vfs = num_vfs, .wanted = num_vfs};
	int r;

	pf->seen_us = 0;
	pf->serial++;
	r = pf->ops->set_vfs(d, pf, num_vfs, e);
	pf->serial++;
	if (r < 0)
		return r;
	if (pf->num_vfs != num_vfs)
		return op_fail(e, HTTP_CHILD, -EIO, "pf %s: asked for %u VFs, has %u", pf->name,
			       num_vfs, pf->num_vfs);
	pf->remake = false;
	vfs_renewed(d, pf);
	text_set(row.name, sizeof(row.name), "%s", pf->name);
	r = ledger_put_pf(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	event_add(d, pf->object, "num_vfs", "%u VFs", num_vfs);
	return 0;
}

void pf_vf_quarantine(struct sriovd *d, struct pf *pf, unsigned int i, const char *reason)
{
	char object[sizeof(pf->object) + 8];
	struct vf *vf = &pf->vf[i];

	*vf = (struct vf){.state = VF_QUARANTINED};
	text_set(vf->reason, sizeof(vf->reason), "%s", reason);
	text_set(object, sizeof(object), "vf %s/%u", pf->name, i);
	log_object_warning(object, 0, "quarantined: %s", reason);
	event_add(d, object, "quarantined", "%s", reason);
}

static int vf_check(struct sriovd *d, struct pf *pf, unsigned int i, const struct vf_now *now,
		    struct op_error *e)
{
	const struct row_baseline *base = pf->ops->vf_baseline(pf, i);
	struct vf *vf = &pf->vf[i];
	struct vf_attrs want;

	if (vf->state == VF_ATTACHED && vf->net) {
		attrs_of_net(&vf->net->id, &want);
		if (!attrs_differ(&now->attrs, &want, now->has))
			return 0;
		log_object_warning(pf->object, 0, "vf %u lost the identity of %s, setting it again",
				   i, vf->net->id.name);
		return pf_vf_program(d, pf, i, &vf->net->id, e);
	}
	if (vf->state != VF_FREE)
		return 0;
	if (now->unfit[0])
		pf_vf_quarantine(d, pf, i, now->unfit);
	else if (!base)
		pf_vf_quarantine(d, pf, i, "what it had when it was made is not known");
	else if (attrs_differ(&now->attrs, &base->attrs, now->has & base->has))
		pf_vf_quarantine(d, pf, i, "found with settings of an earlier tenant");
	return 0;
}

static int vfs_check(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	_cleanup_(freep) struct vf_list *list = NULL;
	int r;

	if (pf->num_vfs == 0)
		return 0;
	r = pf_vf_list(d, pf, false, &list, e);
	for (unsigned int i = 0; r >= 0 && i < list->n; i++)
		r = vf_check(d, pf, i, &list->vf[i], e);
	return r;
}

bool pf_ready(struct sriovd *d, struct pf *pf)
{
	return pf->ops->alive(d, pf) && (pf->ops->kernel || pf->drv.running);
}

/* VFs that somebody else made are not what baselines and quarantine are about. */
static bool must_make(const struct pf *pf)
{
	return pf->num_vfs != pf->wanted || (pf->remake && pf->num_vfs > 0);
}

int pf_bring_up(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	unsigned int epoch = pf->epoch;
	int r;

	pf->up = false;
	/*
	 * VFs of the past still have tenants then, and would keep new ones from getting any
	 */
	if (pf->vfs_lost)
		return op_fail(e, HTTP_CHILD, -EAGAIN, "%s", pf->loss);
	r = pf->ops->bring_up(d, pf, e);
	if (r >= 0 && must_make(pf) && has_tenants(pf))
		r = op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: VFs of its past are not given back yet",
			    pf->name);
	if (r >= 0 && must_make(pf))
		r = vfs_apply(d, pf, pf->wanted, e);
	if (r >= 0)
		r = vfs_check(d, pf, e);
	if (r < 0)
		return r;
	if (pf->epoch != epoch || (!pf->ops->kernel && !pf->drv.running))
		return op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: it was lost meanwhile", pf->name);
	pf->up = true;
	pf->reason[0] = '\0';
	pf->backoff.up_us = clock_us();
	event_add(d, pf->object, "up", "%u VFs", pf->num_vfs);
	pthread_cond_broadcast(&d->changed);
	return 0;
}

/* Nothing to wait for when the PF is taken away, or was struck again: somebody waits for us then.
 */
static int recover_pause(struct sriovd *d, struct pf *pf, uint64_t us)
{
	uint64_t deadline_us = clock_us() + us;
	int r = us ? 0 : -ETIMEDOUT;

	while (r >= 0 && !pf->removed && !d->closing && !pf->hurry && !pf->vfs_lost &&
	       !pf->requested)
		r = state_wait(d, deadline_us);
	pf->hurry = false;
	return d->stopping || pf->removed || d->closing ? -ECANCELED : 0;
}

/* One try. Return: 0 up; -ECANCELED; -errno try again. */
static int recover_once(struct sriovd *d, struct pf *pf)
{
	struct op_error e = {};
	int r;

	if (pf->vfs_lost) {
		pf->vfs_lost = false;
		nets_lost(d, pf);
	}
	r = recover_pause(d, pf, backoff_next(&pf->backoff));
	if (r >= 0)
		r = hold_wait(d, &pf->hold, true, clock_us() + HOLD_US, "recovery of %s", pf->name);
	if (r == -ESTALE)
		return -ECANCELED;
	if (r < 0)
		return r;
	r = d->closing || pf->removed ? -ECANCELED : pf_bring_up(d, pf, &e);
	hold_release(d, &pf->hold, true);
	if (r >= 0 && !pf->up)
		return -EAGAIN;
	if (r >= 0 || r == -ECANCELED || pf->vfs_lost)
		return r;
	/* it may be away for days: say it once */
	if (strcmp(pf->reason, op_text(&e, r)) != 0) {
		text_set(pf->reason, sizeof(pf->reason), "%s", op_text(&e, r));
		log_object_warning(pf->object, 0, "recovery: %s; trying again", pf->reason);
	}
	return r;
}

static void recover_job(struct sriovd *d, void *arg)
{
	struct pf *pf = arg;
	int r;

	do
		r = recover_once(d, pf);
	while (r < 0 && r != -ECANCELED);
	if (r >= 0)
		log_object_info(pf->object, "up again with %u VFs", pf->num_vfs);
	pf->recovering = false;
	pf_unref(d, pf);
}

void pf_recover(struct sriovd *d, struct pf *pf)
{
	pf->up = false;
	if (pf->recovering || pf->removed || d->stopping || d->closing)
		return;
	pf->recovering = true;
	if (job_start(d, recover_job, pf_ref(pf)) >= 0)
		return;
	pf->recovering = false;
	pf_unref(d, pf);
}

void pf_lose(struct sriovd *d, struct pf *pf, const char *reason)
{
	pf->epoch++;
	pf->vfs_lost = true;
	pf->num_vfs = 0;
	pf->made = 0;
	pf->remake = pf->ops->host;
	pf->seen_us = 0;
	text_set(pf->loss, sizeof(pf->loss), "%s", reason);
	text_set(pf->reason, sizeof(pf->reason), "%s", reason);
	event_add(d, pf->object, "lost", "%s", reason);
	pthread_cond_broadcast(&d->changed);
	pf_recover(d, pf);
}

int pf_refuse_in_use(const struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	for (unsigned int i = 0; i < VFS_MAX; i++) {
		const struct net *net = pf->vf[i].net;
		const char *why = "";

		if (!net)
			continue;
		if (i < num_vfs)
			why = ", and a change of the count destroys every VF: the driver goes "
			      "through 0";
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "vf %s/%u is used by %s (net %s)%s",
			       pf->name, i, net->vm ? net->vm->name : "?", net->id.name, why);
	}
	return 0;
}

static int set_vfs_held(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	struct row_pf row = {.num_vfs = pf->num_vfs, .wanted = num_vfs};
	unsigned int before = pf->wanted;
	int r;

	text_set(row.name, sizeof(row.name), "%s", pf->name);
	r = ledger_put_pf(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	pf->wanted = num_vfs;
	r = vfs_apply(d, pf, num_vfs, e);
	if (r >= 0)
		r = vfs_check(d, pf, e);
	if (r >= 0)
		return 0;

	/* the count may be anything now: what was wanted before is wanted again, and restored */
	pf->wanted = before;
	row.wanted = before;
	ledger_trouble(d, ledger_put_pf(d->ledger, &row), "pfs");
	text_set(pf->reason, sizeof(pf->reason), "%s", op_text(e, r));
	pf_recover(d, pf);
	return r;
}

static bool probing(const struct sriovd *d)
{
	for (const struct pf *pf = d->pfs; pf; pf = pf->next)
		if (pf->probing)
			return true;
	return false;
}

void pf_await_probes(struct sriovd *d)
{
	uint64_t deadline_us = clock_us() + clock_patient_us(PROBE_US);

	while (probing(d) && state_wait(d, deadline_us) >= 0)
		;
}

int pf_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	bool changes;
	int r;

	r = hold_take(&pf->hold, true, pf->object, e, "change of num_vfs to %u", num_vfs);
	if (r < 0)
		return r;
	changes = num_vfs != pf->num_vfs || num_vfs != pf->wanted;
	if (!pf->up)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", pf->name, pf->reason);
	else if (num_vfs > pf->total_vfs)
		r = op_fail(e, HTTP_BAD_INPUT, -ERANGE, "pf %s has at most %u VFs", pf->name,
			    pf->total_vfs);
	else if (changes)
		r = pf_refuse_in_use(pf, num_vfs, e);
	if (r >= 0 && changes)
		r = set_vfs_held(d, pf, num_vfs, e);
	hold_release(d, &pf->hold, true);
	return r;
}

void pf_stop(struct sriovd *d, struct pf *pf)
{
	pf->up = false;
	pf->ops->stop(d, pf);
	pf->num_vfs = 0;
}

/* ---- one VF ---- */

int pf_pick_vf(const struct pf *pf, unsigned int *ret_vf)
{
	if (!pf->up)
		return -ENOSPC;
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		if (pf->vf[i].state == VF_FREE) {
			*ret_vf = i;
			return 0;
		}
	return -ENOSPC;
}

int pf_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf, const struct row_net *id,
		  struct op_error *e)
{
	struct vf_attrs want;
	int r;

	r = attrs_allowed(id, pf->caps, pf->name, e);
	if (r < 0)
		return r;
	attrs_of_net(id, &want);
	pf->seen_us = 0;
	r = pf->ops->vf_program(d, pf, vf, &want, e);
	pf->seen_us = 0;
	return r;
}

int pf_vf_open(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
	       struct op_error *e)
{
	return pf->ops->vf_open(d, pf, vf, ret, e);
}

void vf_handle_done(struct vf_handle *h)
{
	while (h->n_fds > 0)
		fd_close(h->fds[--h->n_fds]);
}

int pf_vf_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	int r;

	r = pf->ops->vf_scrub(d, pf, vf, e);
	pf->seen_us = 0;
	return r;
}

int pf_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list **ret,
	       struct op_error *e)
{
	_cleanup_(freep) struct vf_list *list = NULL;
	int r;

	list = calloc(1, sizeof(*list) + pf->num_vfs * sizeof(list->vf[0]));
	if (!list)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "pf %s: out of memory", pf->name);
	list->n = pf->num_vfs;
	for (unsigned int i = 0; i < list->n; i++)
		list->vf[i].group = -1;
	r = pf->ops->vf_list(d, pf, stats, list, e);
	if (r >= 0)
		*ret = TAKE_PTR(list);
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/nic.h>
#include <sriovd/sock.h>
#include <sriovd/tap.h>
#include <string.h>

#define CALL_US	   (3 * USEC_PER_SEC)
#define OPEN_US	   (10 * USEC_PER_SEC)
#define SET_VFS_US (15 * USEC_PER_SEC)
#define SOCKET_US  (3 * USEC_PER_SEC)
#define HOLD_US	   (30 * USEC_PER_SEC)

static int snic_start(struct sriovd *d, struct nic *nic, struct op_error *e)
{
	struct child_start start = {};
	_cleanup_(fd_closep) int tap = -1;
	char cpu[12];
	size_t n = 0;
	int r;

	if (nic->snic.running)
		return 0;
	start.args[n++] = "--dir";
	start.args[n++] = nic->dir;
	if (nic->cfg.tap[0]) {
		r = tap_open(nic->cfg.tap, &tap, e);
		if (r < 0)
			return r;
		start.fds[start.n_fds++] = tap;
		start.args[n++] = "--tap-fd";
		start.args[n++] = "4";
	}
	if (nic->cfg.mac[0]) {
		start.args[n++] = "--mac";
		start.args[n++] = nic->cfg.mac;
	}
	if (nic->cfg.cpu >= 0) {
		text_set(cpu, sizeof(cpu), "%d", nic->cfg.cpu);
		start.args[n++] = "--cpu";
		start.args[n++] = cpu;
	}
	nic->num_vfs = 0;
	sock_sweep(nic->dir);
	return child_start(d, &nic->snic, &start, e);
}

/* What the PF driver says of itself; not open or lost is no error here. */
static int pf_info(struct sriovd *d, struct nic *nic, bool *ret_usable, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *info = NULL;
	int is_open = 0, lost = 0, total = 0, num = 0, link = 0;
	const char *mac = "";
	int r;

	r = child_call(d, &nic->pf, "pf.info", NULL, NULL, 0, CALL_US, &info, e);
	if (r < 0)
		return r;
	if (json_unpack(info, "{s:b, s:b, s?i, s?i, s?b, s?s}", "open", &is_open, "lost", &lost,
			"total_vfs", &total, "num_vfs", &num, "link", &link, "mac", &mac) < 0 ||
	    total < 0 || num < 0 || num > (int)VFS_MAX)
		return op_fail(e, HTTP_CHILD, -EBADMSG, "%s: pf.info: no sense in the answer",
			       nic->pf.object);
	*ret_usable = is_open && !lost;
	if (*ret_usable) {
		nic->total_vfs = (unsigned int)total < VFS_MAX ? (unsigned int)total : VFS_MAX;
		nic->num_vfs = (unsigned int)num;
		nic->link = link;
		(void)!mac_parse(mac, &nic->mac);
	}
	return 0;
}

static int pf_open(struct sriovd *d, struct nic *nic, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_SIZE];
	bool usable = false;
	int r;

	r = pf_info(d, nic, &usable, e);
	if (r < 0 || usable)
		return r;
	r = path_set(path, sizeof(path), "%s/pf.sock", nic->dir);
	if (r >= 0)
		r = sock_connect(d, path, SOCKET_US, &fd);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "%s: pf.sock: %s", nic->snic.object,
			       strerrordesc_np(-r));
	r = child_call(d, &nic->pf, "pf.open", NULL, &fd, 1, OPEN_US, NULL, e);
	if (r >= 0)
		r = pf_info(d, nic, &usable, e);
	if (r >= 0 && !usable)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "%s: the PF is lost again", nic->pf.object);
	return r;
}

static bool has_tenants(const struct nic *nic)
{
	for (unsigned int i = 0; i < VFS_MAX; i++)
		if (nic->vf[i].net)
			return true;
	return false;
}

/* After the count was changed every VF is new: nothing of the past clings to it. */
static void vfs_renewed(struct sriovd *d, struct nic *nic)
{
	for (unsigned int i = 0; i < VFS_MAX; i++)
		if (!nic->vf[i].net)
			nic->vf[i] = (struct vf){.state = VF_FREE};
	ledger_trouble(d, ledger_del_quarantines(d->ledger, nic->cfg.name), "quarantine");
}

static int vfs_apply(struct sriovd *d, struct nic *nic, unsigned int num_vfs, struct op_error *e)
{
	struct row_pf row = {.num_vfs = num_vfs, .wanted = num_vfs};
	bool usable = false;
	int r;

	r = child_call(d, &nic->pf, "pf.set_vfs", json_pack("{s:i}", "num_vfs", (int)num_vfs), NULL,
		       0, SET_VFS_US, NULL, e);
	if (r >= 0)
		r = pf_info(d, nic, &usable, e);
	if (r < 0)
		return r;
	if (!usable || nic->num_vfs != num_vfs)
		return op_fail(e, HTTP_CHILD, -EIO, "pf %s: asked for %u VFs, has %u",
			       nic->cfg.name, num_vfs, nic->num_vfs);
	for (unsigned int i = 0; i < num_vfs; i++) {
		r = nic_vf_await(d, nic, i, e);
		if (r < 0)
			return r;
	}
	vfs_renewed(d, nic);
	text_set(row.name, sizeof(row.name), "%s", nic->cfg.name);
	r = ledger_put_pf(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	return 0;
}

static int vf_check(struct sriovd *d, struct nic *nic, unsigned int i, json_t *now,
		    struct op_error *e)
{
	struct vf *vf = &nic->vf[i];

	if (vf->state == VF_ATTACHED && vf->net && !nic_vf_has(now, &vf->net->id)) {
		log_object_warning(nic->pf.object, 0,
				   "vf %u lost the identity of %s, setting it again", i,
				   vf->net->id.name);
		return nic_vf_program(d, nic, i, &vf->net->id, e);
	}
	if (vf->state == VF_FREE && !nic_vf_is_baseline(now)) {
		vf->state = VF_QUARANTINED;
		vf->retry_us = 0;
		text_set(vf->reason, sizeof(vf->reason),
			 "found with settings of an earlier tenant");
	}
	return 0;
}

static int vfs_check(struct sriovd *d, struct nic *nic, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	json_t *vfs;
	int r;

	if (nic->num_vfs == 0)
		return 0;
	r = nic_vf_list(d, nic, &list, e);
	if (r < 0)
		return r;
	vfs = json_object_get(list, "vfs");
	for (unsigned int i = 0; i < nic->num_vfs; i++) {
		r = vf_check(d, nic, i, json_array_get(vfs, i), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int nic_bring_up(struct sriovd *d, struct nic *nic, struct op_error *e)
{
	const struct child_start pf_start = {};
	unsigned int epoch;
	int r;

	nic->up = false;
	/*
	 * VFs of the old one still have tenants then, and would keep the new one from getting any
	 */
	if (nic->snic_died)
		return op_fail(e, HTTP_CHILD, -EAGAIN, "%s", nic->snic.reason);
	epoch = nic->epoch;
	r = snic_start(d, nic, e);
	if (r >= 0 && !nic->pf.running)
		r = child_start(d, &nic->pf, &pf_start, e);
	if (r >= 0)
		r = pf_open(d, nic, e);
	if (r >= 0 && nic->num_vfs != nic->wanted && has_tenants(nic))
		r = op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: VFs of its past are not given back yet",
			    nic->cfg.name);
	if (r >= 0 && nic->num_vfs != nic->wanted)
		r = vfs_apply(d, nic, nic->wanted, e);
	if (r >= 0)
		r = vfs_check(d, nic, e);
	if (r < 0)
		return r;
	if (nic->epoch != epoch || !nic->snic.running || !nic->pf.running)
		return op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: a child died meanwhile",
			       nic->cfg.name);
	nic->up = true;
	nic->reason[0] = '\0';
	nic->backoff.up_us = clock_us();
	pthread_cond_broadcast(&d->changed);
	return 0;
}

static void recover_job(struct sriovd *d, void *arg)
{
	struct nic *nic = arg;
	struct op_error e;
	int r;

	for (;;) {
		e.text[0] = '\0';
		if (nic->snic_died) {
			nic->snic_died = false;
			nets_lost(d, nic, NULL);
		}
		r = state_sleep(d, backoff_next(&nic->backoff));
		if (r >= 0)
			r = hold_wait(d, &nic->hold, true, clock_us() + HOLD_US, "recovery of %s",
				      nic->cfg.name);
		if (r >= 0 && d->closing)
			hold_release(d, &nic->hold, true);
		if (r == -ECANCELED || d->closing)
			break;
		if (r < 0)
			continue;
		r = nic_bring_up(d, nic, &e);
		hold_release(d, &nic->hold, true);
		if (r >= 0 && nic->up)
			break;
		if (nic->snic_died)
			continue;
		text_set(nic->reason, sizeof(nic->reason), "%s", op_text(&e, r));
		log_object_warning(nic->pf.object, 0, "recovery: %s; trying again", nic->reason);
	}
	if (r >= 0 && nic->up)
		log_object_info(nic->pf.object, "up again with %u VFs", nic->num_vfs);
	nic->recovering = false;
}

void nic_recover(struct sriovd *d, struct nic *nic)
{
	nic->up = false;
	if (nic->recovering || d->stopping || d->closing)
		return;
	nic->recovering = true;
	if (job_start(d, recover_job, nic) < 0)
		nic->recovering = false;
}

/* A VF in use: @e says whose, and why that stands in the way. */
static int refuse_in_use(const struct nic *nic, unsigned int num_vfs, struct op_error *e)
{
	for (unsigned int i = 0; i < nic->num_vfs; i++) {
		const struct net *net = nic->vf[i].net;
		const char *why = "";

		if (!net)
			continue;
		if (i < num_vfs)
			why = ", and a change of the count destroys every VF: the driver goes "
			      "through 0";
		return op_fail(e, HTTP_CONFLICT, -EBUSY, "vf %s/%u is used by %s (net %s)%s",
			       nic->cfg.name, i, net->vm ? net->vm->name : "?", net->id.name, why);
	}
	return 0;
}

static int set_vfs_held(struct sriovd *d, struct nic *nic, unsigned int num_vfs, struct op_error *e)
{
	struct row_pf row = {.num_vfs = nic->num_vfs, .wanted = num_vfs};
	unsigned int before = nic->wanted;
	int r;

	text_set(row.name, sizeof(row.name), "%s", nic->cfg.name);
	r = ledger_put_pf(d->ledger, &row);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	nic->wanted = num_vfs;
	r = vfs_apply(d, nic, num_vfs, e);
	if (r >= 0)
		return 0;

	/* the count may be anything now: what was wanted before is wanted again, and restored */
	nic->wanted = before;
	row.wanted = before;
	ledger_trouble(d, ledger_put_pf(d->ledger, &row), "pfs");
	nic_recover(d, nic);
	return r;
}

int nic_set_vfs(struct sriovd *d, struct nic *nic, unsigned int num_vfs, struct op_error *e)
{
	char object[NAME_SIZE + 4];
	int r;

	text_set(object, sizeof(object), "pf %s", nic->cfg.name);
	r = hold_take(&nic->hold, true, object, e, "change of num_vfs to %u", num_vfs);
	if (r < 0)
		return r;
	if (!nic->up)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", nic->cfg.name,
			    nic->reason);
	else if (num_vfs > nic->total_vfs)
		r = op_fail(e, HTTP_BAD_INPUT, -ERANGE, "pf %s has at most %u VFs", nic->cfg.name,
			    nic->total_vfs);
	else if (num_vfs != nic->num_vfs || num_vfs != nic->wanted)
		r = refuse_in_use(nic, num_vfs, e);
	if (r >= 0 && (num_vfs != nic->num_vfs || num_vfs != nic->wanted))
		r = set_vfs_held(d, nic, num_vfs, e);
	hold_release(d, &nic->hold, true);
	return r;
}

void nic_stop(struct sriovd *d, struct nic *nic)
{
	nic->up = false;
	if (nic->pf.running && nic->num_vfs > 0) {
		struct op_error e = {};

		if (child_call(d, &nic->pf, "pf.set_vfs", json_pack("{s:i}", "num_vfs", 0), NULL, 0,
			       SET_VFS_US, NULL, &e) < 0)
			log_object_warning(nic->pf.object, 0, "%s", e.text);
	}
	child_stop(d, &nic->pf);
	child_stop(d, &nic->snic);
	sock_sweep(nic->dir);
	nic->num_vfs = 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/log.h>
#include <sriovd/attach.h>
#include <sriovd/pf.h>
#include <sriovd/reconcile.h>
#include <sriovd/vm.h>
#include <string.h>
#include <sys/stat.h>

#include "reconcile_internal.h"

static int load_pf(const struct row_pf *row, void *userdata)
{
	struct pf *pf = pf_find(userdata, row->name);

	if (!pf) {
		log_warning(0, "pf %s is in state.db and not in the configuration", row->name);
		return 0;
	}
	/* an interrupted change is rolled forward: it was allowed when it was written down */
	pf->wanted = row->wanted < VFS_MAX ? row->wanted : VFS_MAX;
	return 0;
}

static int load_host_pf(const struct row_host_pf *row, void *userdata)
{
	return pf_host_load(userdata, row);
}

static int load_baseline(const struct row_baseline *row, void *userdata)
{
	struct pf *pf = pf_find(userdata, row->pf);

	if (pf && row->vf < VFS_MAX)
		pf->baseline[row->vf] = *row;
	return 0;
}

static int load_net(const struct row_net *row, void *userdata)
{
	struct net *net = net_new(userdata, row->name);
	enum net_backend backend;
	enum net_path path;

	if (!net)
		return -ENOMEM;
	if (row->home[0] && (net_path_parse(row->home_path, &path) < 0 ||
			     net_backend_parse(row->home_backend, &backend) < 0))
		return -EUCLEAN;
	net->id = *row;
	return 0;
}

static int load_spec(const struct row_vm *row, struct vm *vm)
{
	_cleanup_(json_decrefp) json_t *spec = NULL;
	struct op_error e = {};

	vm->spec.memory_mib = row->memory_mib;
	vm->spec.cpus = 1;
	if (!row->spec[0])
		return 0;
	spec = json_loads(row->spec, JSON_REJECT_DUPLICATES, NULL);
	if (vm_spec_decode(spec, row->name, &vm->spec, &e) < 0)
		return log_error(-EUCLEAN, "vm %s: %s", row->name, e.text);
	return 0;
}

static int load_vm(const struct row_vm *row, void *userdata)
{
	struct sriovd *d = userdata;
	struct op_error e = {};
	struct vm *vm;

	vm = vm_new(d, row->name);
	if (!vm)
		return -ENOMEM;
	vm->kept = row->kept;
	vm->fresh = strcmp(row->boot_id, d->boot_id) != 0;
	if (load_spec(row, vm) < 0)
		return -EUCLEAN;
	text_set(vm->reason, sizeof(vm->reason), "%s", row->reason);
	if (vm_state_parse(row->state, &vm->state) < 0)
		return -EUCLEAN;
	if (vm_child_init(d, vm, &e) < 0)
		return log_error(-ENAMETOOLONG, "%s", e.text);
	return 0;
}

static int load_plug(const struct row_plug *row, void *userdata)
{
	struct vm *vm = vm_find(userdata, row->vm);

	return vm ? plug_log_load(&vm->plugs, row) : 0;
}

static int load_op(const struct row_op *row, void *userdata)
{
	struct sriovd *d = userdata;

	return once_load(&d->once, row);
}

static int load_attachment(const struct row_attachment *row, void *userdata)
{
	static const enum net_state states[PHASES] = {
		[PHASE_ATTACHING] = NET_ATTACHING, [PHASE_ATTACHED] = NET_ATTACHED,
		[PHASE_DETACHING] = NET_DETACHING, [PHASE_SANITISING] = NET_DETACHING,
		[PHASE_LOST] = NET_LOST,
	};
	struct sriovd *d = userdata;
	struct net *net = net_find(d, row->net);

	if (!net || net_path_parse(row->path, &net->way.path) < 0 ||
	    net_backend_parse(row->backend, &net->way.backend) < 0)
		return -EUCLEAN;
	text_set(net->way.link, sizeof(net->way.link), "%s", row->link);
	net->way.queues = row->queues;
	if (row->phase == PHASE_LOST || row->phase == PHASE_ATTACHING)
		text_set(net->again, sizeof(net->again), "%s", row->again);
	net->state = states[row->phase];
	net->generation = row->generation;
	/* out of its VM already: what is left to do is to scrub, and no VM has a say in it */
	net->vm = row->phase == PHASE_SANITISING ? NULL : vm_find(d, row->vm);
	if (row->phase == PHASE_LOST) {
		text_set(net->reason, sizeof(net->reason),
			 "its %s vanished under an earlier sriovd",
			 net->way.backend == BACKEND_NIC ? "VF" : "bridge");
		return 0;
	}
	if (row->vf < 0) {
		net->bridge = bridge_find(d, row->pf);
		return 0;
	}
	net->pf = row->vf < (int)VFS_MAX ? pf_find(d, row->pf) : NULL;
	net->vf = (unsigned int)row->vf;
	if (net->pf) {
		net->pf->vf[net->vf].net = net;
		net->pf->vf[net->vf].state =
			row->phase == PHASE_ATTACHED ? VF_ATTACHED : VF_SANITISING;
	}
	return 0;
}

static int load_quarantine(const struct row_quarantine *row, void *userdata)
{
	struct pf *pf = pf_find(userdata, row->pf);

	if (!pf || row->vf >= VFS_MAX)
		return 0;
	pf->vf[row->vf].state = VF_QUARANTINED;
	text_set(pf->vf[row->vf].reason, sizeof(pf->vf[row->vf].reason), "%s", row->reason);
	return 0;
}

int reconcile_load(struct sriovd *d)
{
	int r;

	r = ledger_each_host_pf(d->ledger, load_host_pf, d);
	if (r >= 0)
		r = ledger_each_baseline(d->ledger, load_baseline, d);
	if (r >= 0)
		r = ledger_each_pf(d->ledger, load_pf, d);
	if (r >= 0)
		r = ledger_each_net(d->ledger, load_net, d);
	if (r >= 0)
		r = ledger_each_vm(d->ledger, load_vm, d);
	if (r >= 0)
		r = ledger_each_plug(d->ledger, load_plug, d);
	if (r >= 0)
		r = ledger_each_op(d->ledger, load_op, d);
	if (r >= 0)
		r = ledger_each_quarantine(d->ledger, load_quarantine, d);
	if (r >= 0)
		r = ledger_each_attachment(d->ledger, load_attachment, d);
	return r;
}

/* ---- children ---- */

struct rows {
	struct row_child *row;
	size_t n;
};

static int collect(const struct row_child *row, void *userdata)
{
	struct rows *rows = userdata;
	struct row_child *bigger;

	bigger = reallocarray(rows->row, rows->n + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	rows->row = bigger;
	rows->row[rows->n++] = *row;
	return 0;
}

static struct child *find_child(struct sriovd *d, const struct row_child *row)
{
	struct pf *pf = pf_find(d, row->name);
	struct bridge *br = bridge_find(d, row->name);
	struct vm *vm = vm_find(d, row->name);

	if (strcmp(row->kind, child_kind_name(CHILD_SOFT_NIC)) == 0)
		return pf && !pf->ops->host ? &pf->snic : NULL;
	if (strcmp(row->kind, child_kind_name(CHILD_PF)) == 0)
		return pf && !pf->ops->kernel ? &pf->drv : NULL;
	if (strcmp(row->kind, child_kind_name(CHILD_BRIDGE)) == 0)
		return br ? &br->child : NULL;
	if (strcmp(row->kind, child_kind_name(CHILD_VMM)) == 0)
		return vm ? &vm->child : NULL;
	return NULL;
}

/* A child nobody wants any more: out of the configuration, or its VM's row was never written. */
static void dismiss(struct sriovd *d, const struct row_child *row)
{
	struct child c;
	enum child_kind kind;

	for (kind = 0; kind < CHILD_KINDS && strcmp(row->kind, child_kind_name(kind)) != 0; kind++)
		;
	if (kind == CHILD_KINDS || child_init(&c, kind, row->name, row->ctl_path, NULL) < 0) {
		ledger_trouble(d, ledger_del_child(d->ledger, row->kind, row->name), "children");
		return;
	}
	log_object_info(c.object, "not wanted any more");
	if (child_adopt(d, &c, row) >= 0)
		child_stop(d, &c);
}

int reconcile_adopt(struct sriovd *d)
{
	struct rows rows = {};
	int r;

	r = ledger_each_child(d->ledger, collect, &rows);
	for (size_t i = 0; i < rows.n && r >= 0; i++) {
		struct child *c = find_child(d, &rows.row[i]);

		if (!c)
			dismiss(d, &rows.row[i]);
		else if (child_adopt(d, c, &rows.row[i]) < 0)
			log_object_info(c->object, "%s", c->reason);
	}
	free(rows.row);
	return r;
}

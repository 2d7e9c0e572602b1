/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <sriovd/net.h>
#include <sriovd/vm.h>
#include <string.h>
#include <support/sriovd_rig.h>

#define RIG_VFS 4

int sriovd_rig_open(struct sriovd *d)
{
	struct config cfg = {.run_dir = "/nonexistent/run",
			     .state_dir = "/nonexistent/state",
			     .libexec_dir = "/nonexistent/libexec",
			     .vm_cpu = -1,
			     .n_nics = 1,
			     .n_bridges = 1};
	struct op_error e = {};
	int r;

	strcpy(cfg.nics[0].name, "p0");
	strcpy(cfg.bridges[0].name, "br0");
	r = state_init(d, &cfg, &e);
	if (r >= 0)
		r = ledger_open(":memory:", &d->ledger);
	if (r >= 0)
		sriovd_rig_reset(d);
	return r;
}

void sriovd_rig_close(struct sriovd *d)
{
	state_done(d);
}

void sriovd_rig_reset(struct sriovd *d)
{
	struct pf *pf = d->pfs;
	struct vm *vm;

	baton_take(d);
	while (d->nets)
		if (net_delete(d, d->nets->id.name, NULL) < 0)
			abort(); /* still attached, or still held */
	while (d->vms)
		vm_remove(d, d->vms);
	if (pf->hold.exclusive || pf->hold.users || d->jobs)
		abort();
	memset(pf->vf, 0, sizeof(pf->vf));
	pf->num_vfs = RIG_VFS;
	pf->wanted = RIG_VFS;
	pf->total_vfs = 8;
	pf->up = true;
	pf->recovering = true; /* no recovery job: there is nothing to recover */
	d->bridges[0].up = true;
	d->closing = false;
	vm = vm_new(d, "vm1");
	if (!vm || vm_child_init(d, vm, NULL) < 0)
		abort();
	vm->state = VM_RUNNING;
	baton_drop(d);
}

json_t *sriovd_rig_call(struct sriovd *d, const char *method, const char *path, const char *body,
			size_t body_len, int *ret_status)
{
	struct api_request rq = {.method = method,
				 .path = path,
				 .body = body,
				 .body_len = body_len,
				 .rights = API_ALL,
				 .received_us = clock_us()};
	bool end = false;

	return api_handle(d, &rq, ret_status, &end);
}

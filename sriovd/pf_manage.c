/* SPDX-License-Identifier: BSD-3-Clause */
/* PFs of the host are taken over and given back. */
#include <lib/log.h>
#include <sriovd/watch.h>
#include <string.h>
#include <sys/random.h>

#include "pf_host.h"

#define INTEL	   0x8086
#define NIC_82576  0x10c9
#define UUID_BYTES 16

struct pf *pf_host_find(struct sriovd *d, const char *bdf)
{
	for (struct pf *pf = d->pfs; pf; pf = pf->next)
		if (pf->ops->host && strcmp(pf->host.bdf, bdf) == 0)
			return pf;
	return NULL;
}

static int host_pf_new(struct sriovd *d, const struct row_host_pf *row, struct pf **ret_pf,
		       struct op_error *e)
{
	char ctl[2 * PATH_SIZE];
	struct pf *pf;

	pf = pf_new(d, row->name);
	if (!pf)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "pf %s: out of memory", row->name);
	pf->host = *row;
	pf->caps = row->caps;
	pf->may_bind = true;
	pf->ops = strcmp(row->driver, PCISYS_VFIO_DRIVER) == 0 ? &pf_ops_vfio : &pf_ops_kernel;
	text_set(pf->now.bdf.text, sizeof(pf->now.bdf.text), "%s", row->bdf);
	*ret_pf = pf;
	text_set(ctl, sizeof(ctl), "%s/pf/%s/ctl.sock", d->cfg.run_dir, row->name);
	return child_init(&pf->drv, CHILD_PF, row->name, ctl, e);
}

int pf_host_load(struct sriovd *d, const struct row_host_pf *row)
{
	struct op_error e = {};
	struct pf *pf;

	if (pf_find(d, row->name))
		return log_error(-EUCLEAN, "pf %s is in state.db and in the configuration",
				 row->name);
	return host_pf_new(d, row, &pf, &e);
}

static int uuid_make(char text[TOKEN_SIZE])
{
	uint8_t b[UUID_BYTES];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -errno;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4: random */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	text_set(text, TOKEN_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

static int choose_name(struct sriovd *d, const char *name, char buf[NAME_SIZE], struct op_error *e)
{
	if (name && !name_valid(name))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "pf name %.40s: must be 1 to 32 of a-z, 0-9 and -", name);
	if (name && pf_find(d, name))
		return op_fail(e, HTTP_CONFLICT, -EEXIST, "pf %s exists already", name);
	if (name) {
		text_set(buf, NAME_SIZE, "%s", name);
		return 0;
	}
	for (unsigned int i = 0; i == 0 || pf_find(d, buf); i++)
		text_set(buf, NAME_SIZE, "p%u", i);
	return 0;
}

/* What is asked for and what is there: may we have it? */
static int judge(const struct host_pf *host, bool ours, struct op_error *e)
{
	const char *bdf = host->bdf.text;

	if (host->num_vfs > 0)
		return op_fail(e, HTTP_CONFLICT, -EBUSY,
			       "%s has %u VFs already, which somebody else made", bdf,
			       host->num_vfs);
	if (host->group < 0)
		return op_fail(e, HTTP_CONFLICT, -EPERM,
			       "%s has no IOMMU group: its VFs could not be kept apart", bdf);
	if (ours && (host->vendor != INTEL || host->device != NIC_82576))
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP,
			       "%s is %04x:%04x: driver sriov-pf knows 8086:10c9 (82576)", bdf,
			       host->vendor, host->device);
	if (ours)
		return 0;
	if (!host->driver[0] || strcmp(host->driver, PCISYS_VFIO_DRIVER) == 0)
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "%s has no kernel driver (%s)", bdf,
			       host->driver[0] ? host->driver : "none is bound");
	if (host->ifindex <= 0)
		return op_fail(e, HTTP_CONFLICT, -ENODEV,
			       "%s has no network device: VF attributes go by it", bdf);
	return 0;
}

/* Without the baton. */
static int find_device(const struct sriovd *d, const char *device, struct host_pf *ret,
		       struct op_error *e)
{
	struct pcisys_bdf bdf = {};
	int r = 0;

	if (pcisys_bdf_ok(device))
		text_set(bdf.text, sizeof(bdf.text), "%s", device);
	else
		r = host_pf_by_netdev(d->sysfs, device, &bdf);
	if (r >= 0)
		r = host_pf_read(d->sysfs, bdf.text, ret);
	if (r == -ENOENT && bdf.text[0])
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP, "%.64s has no SR-IOV", device);
	if (r < 0 && bdf.text[0] && !host_gone(r))
		return op_fail(e, HTTP_INTERNAL, r, "%s cannot be read: %s", bdf.text,
			       strerrordesc_np(-r));
	if (r < 0)
		return op_fail(e, HTTP_MISSING, -ENOENT,
			       "no PCI address and no network device of a PCI function: %.64s",
			       device);
	return 0;
}

static int fill_row(struct sriovd *d, const struct pf_add *add, struct row_host_pf *row,
		    struct op_error *e)
{
	bool ours = strcmp(add->driver, "sriov-pf") == 0;
	const struct pf *owner;
	struct host_pf host;
	int r;

	if (!ours && strcmp(add->driver, "kernel") != 0)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "driver %.32s: must be kernel or sriov-pf", add->driver);
	r = choose_name(d, add->name, row->name, e);
	if (r < 0)
		return r;
	baton_drop(d);
	r = find_device(d, add->device, &host, e);
	baton_take(d);
	/* somebody may have had the same idea meanwhile */
	if (r >= 0)
		r = choose_name(d, add->name, row->name, e);
	if (r < 0)
		return r;
	owner = pf_host_find(d, host.bdf.text);
	if (owner)
		return op_fail(e, HTTP_CONFLICT, -EEXIST, "%s is pf %s already", host.bdf.text,
			       owner->name);
	r = judge(&host, ours, e);
	if (r < 0)
		return r;
	text_set(row->bdf, sizeof(row->bdf), "%s", host.bdf.text);
	text_set(row->driver, sizeof(row->driver), "%s", ours ? PCISYS_VFIO_DRIVER : host.driver);
	text_set(row->before.driver, sizeof(row->before.driver), "%s", host.driver);
	row->autoprobe = host.autoprobe;
	row->was_up = host.up;
	row->switched = ours && pf_vfio_switched(d);
	r = ours ? uuid_make(row->token) : 0;
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "getrandom: %s", strerrordesc_np(-r));
	return 0;
}

/* Out of ledger and memory. With the hold, or never seen by anybody. */
static void forget(struct sriovd *d, struct pf *pf)
{
	char path[PATH_SIZE];

	pf->removed = true;
	ledger_trouble(d, ledger_remove_host_pf(d->ledger, pf->name), "host_pfs");
	if (path_set(path, sizeof(path), "%s/pf/%s", d->cfg.run_dir, pf->name) >= 0)
		rmdir(path);
	pthread_cond_broadcast(&d->changed);
	child_unwatch(d, &pf->drv);
	watch_del(d, pf->request_fd);
	pf_free(d, pf);
}

/* It did not come up: as if it had never been ours. Otherwise we keep it, to be removed again. */
static void undo_add(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	struct op_error undo = {};
	int r;

	pf->up = false;
	r = pf->ops->give_back(d, pf, &undo);
	if (r >= 0) {
		forget(d, pf);
		return;
	}
	text_set(pf->reason, sizeof(pf->reason), "it is not given back yet: %s", op_text(&undo, r));
	log_object_warning(pf->object, 0, "%s; it stays until it is removed", pf->reason);
	event_add(d, pf->object, "lost", "%s", pf->reason);
	text_set(undo.text, sizeof(undo.text), "%s", e->text);
	text_set(e->text, sizeof(e->text), "%.150s; pf %s has to be removed: %.200s", undo.text,
		 pf->name, pf->reason);
	hold_release(d, &pf->hold, true);
}

int pf_host_add(struct sriovd *d, const struct pf_add *add, struct pf **ret_pf, struct op_error *e)
{
	struct row_host_pf row = {};
	struct pf *pf = NULL;
	int r;

	r = fill_row(d, add, &row, e);
	if (r >= 0) {
		r = ledger_add_host_pf(d->ledger, &row);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	if (r < 0)
		return r;
	r = host_pf_new(d, &row, &pf, e);
	if (pf && r >= 0)
		r = hold_take(&pf->hold, true, pf->object, e, "taking over %s", row.bdf);
	if (pf && r >= 0) {
		r = pf_bring_up(d, pf, e);
		if (r >= 0) {
			event_add(d, pf->object, "added", "%s, driver %s", row.bdf, row.driver);
			log_object_info(pf->object, "%s is ours now, driver %s", row.bdf,
					row.driver);
			hold_release(d, &pf->hold, true);
			*ret_pf = pf_ref(pf);
			return 0;
		}
		undo_add(d, pf, e);
		return r;
	}
	if (pf)
		forget(d, pf);
	else
		ledger_trouble(d, ledger_remove_host_pf(d->ledger, row.name), "host_pfs");
	return r;
}

static int remove_held(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	int r;

	r = pf_refuse_in_use(pf, 0, e);
	if (r < 0)
		return r;
	pf->up = false;
	pf->serial++;
	r = pf->ops->give_back(d, pf, e);
	pf->serial++;
	if (r < 0) {
		text_set(pf->reason, sizeof(pf->reason), "%s", op_text(e, r));
		pf_recover(d, pf);
	}
	return r;
}

int pf_host_remove(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	char name[NAME_SIZE];
	int r;

	if (!pf->ops->host)
		return op_fail(e, HTTP_CONFLICT, -EPERM, "pf %s is of the configuration", pf->name);
	r = hold_take(&pf->hold, true, pf->object, e, "removal of %s", pf->name);
	if (r < 0)
		return r;
	r = remove_held(d, pf, e);
	if (r < 0) {
		hold_release(d, &pf->hold, true);
		return r;
	}
	event_add(d, pf->object, "removed", "%s", pf->host.bdf);
	text_set(name, sizeof(name), "%s", pf->name);
	forget(d, pf);
	log_info("pf %s: given back", name);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* PFs, VFs and events. */
#include <lib/ctl.h>
#include <sriovd/fields.h>
#include <sriovd/pf.h>
#include <sriovd/view.h>
#include <string.h>

#include "api_internal.h"

#define BODY "request body"

#define SEQ_DIGITS_MAX 18u

static int find_pf(struct sriovd *d, struct call *c, const char *name, struct pf **ret_pf)
{
	*ret_pf = pf_find(d, name);
	if (!*ret_pf && pcisys_bdf_ok(name))
		*ret_pf = pf_host_find(d, name);
	if (!*ret_pf)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no pf %s", name);
	return 0;
}

/* PFs of the host that nobody gave to us. */
static void add_unmanaged(struct sriovd *d, json_t *list)
{
	struct host_pf *pfs;
	int n = -ENOMEM;

	pfs = calloc(HOST_PFS_MAX, sizeof(*pfs));
	if (pfs) {
		/* it waits for whoever changes a PF meanwhile */
		baton_drop(d);
		n = host_pfs(d->sysfs, pfs);
		baton_take(d);
	}
	for (int i = 0; i < n; i++)
		if (!pf_host_find(d, pfs[i].bdf.text))
			json_array_append_new(list, view_host_pf(&pfs[i]));
	free(pfs);
}

int call_pf_list(struct sriovd *d, struct call *c)
{
	json_t *others = json_array(), *list = json_array();

	add_unmanaged(d, others);
	for (const struct pf *pf = d->pfs; pf; pf = pf->next)
		json_array_append_new(list, view_pf(pf));
	json_array_extend(list, others);
	json_decref(others);
	c->answer = json_pack("{s:o}", "pfs", list);
	return 0;
}

static int show_unmanaged(struct sriovd *d, struct call *c)
{
	struct host_pf host;
	int r;

	baton_drop(d);
	r = host_pf_read(d->sysfs, c->arg[0], &host);
	baton_take(d);
	if (r < 0)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no pf %s", c->arg[0]);
	c->answer = view_host_pf(&host);
	return 0;
}

int call_pf_show(struct sriovd *d, struct call *c)
{
	struct pf *pf;
	int r;

	if (pcisys_bdf_ok(c->arg[0]) && !pf_host_find(d, c->arg[0]))
		return show_unmanaged(d, c);
	r = find_pf(d, c, c->arg[0], &pf);
	if (r >= 0)
		c->answer = view_pf(pf);
	return r;
}

int call_pf_add(struct sriovd *d, struct call *c)
{
	static const struct field fields[] = {
		{.key = "device", .required = true, .offset = offsetof(struct pf_add, device)},
		{.key = "name", .offset = offsetof(struct pf_add, name)},
		{.key = "driver", .offset = offsetof(struct pf_add, driver)},
		{},
	};
	struct pf_add add = {.driver = "kernel"};
	struct pf *pf;
	int r;

	r = fields_decode(c->body, BODY, fields, &add, &c->error);
	if (r >= 0)
		r = pf_host_add(d, &add, &pf, &c->error);
	if (r < 0)
		return r;
	c->answer = view_pf(pf);
	c->status = 201;
	pf_unref(d, pf);
	return 0;
}

int call_pf_remove(struct sriovd *d, struct call *c)
{
	static const struct field no_fields[] = {{}};
	struct pf *pf;
	int r;

	pf_await_probes(d);
	r = find_pf(d, c, c->arg[0], &pf);
	if (r >= 0)
		r = fields_decode(c->body, BODY, no_fields, NULL, &c->error);
	return r < 0 ? r : pf_host_remove(d, pf, &c->error);
}

int call_pf_set(struct sriovd *d, struct call *c)
{
	int64_t num_vfs = 0;
	const struct field fields[] = {
		{.key = "num_vfs", FIELD_INT, .required = true, .max = UINT16_MAX},
		{},
	};
	struct pf *pf;
	int r;

	pf_await_probes(d);
	r = find_pf(d, c, c->arg[0], &pf);
	if (r >= 0)
		r = fields_decode(c->body, BODY, fields, &num_vfs, &c->error);
	if (r < 0)
		return r;
	pf_ref(pf);
	r = pf_set_vfs(d, pf, (unsigned int)num_vfs, &c->error);
	if (r >= 0)
		c->answer = view_pf(pf);
	pf_unref(d, pf);
	return r;
}

int call_vf_list(struct sriovd *d, struct call *c)
{
	json_t *list;
	struct pf *pf;
	int r;

	if (c->query) {
		r = find_pf(d, c, c->query, &pf);
		if (r < 0)
			return r;
	}
	list = json_array();
	for (size_t n = 0; (pf = pf_at(d, n)); n++) {
		json_t *vfs;

		if (c->query && strcmp(c->query, pf->name) != 0)
			continue;
		vfs = view_vfs(d, pf_ref(pf));
		json_array_extend(list, vfs);
		json_decref(vfs);
		pf_unref(d, pf);
	}
	c->answer = json_pack("{s:o}", "vfs", list);
	return 0;
}

int call_vf_show(struct sriovd *d, struct call *c)
{
	_cleanup_(json_decrefp) json_t *vfs = NULL;
	struct pf *pf;
	unsigned long vf;
	int r;

	r = find_pf(d, c, c->arg[0], &pf);
	if (r < 0)
		return r;
	vf = strtoul(c->arg[1], NULL, 10);
	if (strspn(c->arg[1], "0123456789") == strlen(c->arg[1]) && strlen(c->arg[1]) <= 4) {
		vfs = view_vfs(d, pf_ref(pf));
		c->answer = json_incref(json_array_get(vfs, vf));
		pf_unref(d, pf);
	}
	if (!c->answer)
		return op_fail(&c->error, HTTP_MISSING, -ENOENT, "no vf %s/%s: pf %s has %u",
			       c->arg[0], c->arg[1], c->arg[0],
			       vfs ? (unsigned int)json_array_size(vfs) : pf->num_vfs);
	return 0;
}

int call_event_list(struct sriovd *d, struct call *c)
{
	const char *after = c->query ? c->query : "0";
	size_t n = strlen(after);

	if (n == 0 || n > SEQ_DIGITS_MAX || strspn(after, "0123456789") != n)
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "query: after %.32s: must be the number of an event", after);
	c->answer = view_events(d, strtoull(after, NULL, 10));
	return 0;
}

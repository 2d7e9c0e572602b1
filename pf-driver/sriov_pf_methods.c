/* SPDX-License-Identifier: BSD-3-Clause */
/* The control methods of sriov-pf: parse, ask the driver, show. Contract: docs/processes.md. */
#include <stdio.h>
#include <string.h>
#include <lib/mac.h>
#include "sriov_pf.h"

#define ABSENT INT64_MIN /* of a number; a flag uses -1 */

static int need_pf(struct pf_process *p, struct ctl_req *req)
{
	if (p->pf)
		return 0;
	ctl_fail(req, -ENODEV, "%s: %s", p->name,
		 p->lost ? "the PF is lost, open it again" : "no PF is open");
	return -ENODEV;
}

static int driver_failed(struct pf_process *p, struct ctl_req *req, int error, const char *what)
{
	ctl_fail(req, error, "%s: %s: %s", p->name, what, strerror(-error));
	pf_process_check(p);
	return error;
}

struct open_args {
	const char *kind, *bdf, *token;
	bool vfio;
};

static int open_args(struct ctl_req *req, json_t *params, size_t n_fds, struct open_args *a)
{
	bool ok;
	int r;

	*a = (struct open_args){.kind = "vfio-user"};
	r = ctl_unpack(req, params, "{s?s, s?s, s?s", "kind", &a->kind, "bdf", &a->bdf, "token",
		       &a->token);
	if (r < 0)
		return r;
	a->vfio = !strcmp(a->kind, "vfio");
	if (a->vfio)
		ok = a->bdf ? n_fds == 0 : !a->token && (n_fds == 1 || n_fds == 2);
	else
		ok = !strcmp(a->kind, "vfio-user") && n_fds == 1 && !a->bdf && !a->token;
	if (ok)
		return 0;
	ctl_fail(req, -EINVAL,
		 "pf.open takes one descriptor of kind vfio-user, one or two of kind vfio, or kind "
		 "vfio "
		 "with a bdf; got kind %.32s, %zu descriptors",
		 a->kind, n_fds);
	return -EINVAL;
}

/*
 * Two kinds of function. A kernel one comes as the descriptors of its device and its container, so
 * that the sender's copies keep it open when this process ends; by its address alone for use
 * without one.
 */
static int open_function(const struct open_args *a, int *fds, size_t n_fds, struct pcif **ret_f,
			 char *err, size_t err_size)
{
	const struct pcif_vfio_config config = {.bdf = a->bdf, .token = a->token};

	if (!a->vfio)
		return pcif_open_vfu(TAKE_FD(fds[0]), 0, ret_f);
	if (a->bdf)
		return pcif_open_vfio(&config, ret_f, err, err_size);
	return pcif_open_vfio_fds(TAKE_FD(fds[0]), n_fds == 2 ? TAKE_FD(fds[1]) : -1, ret_f, err,
				  err_size);
}

static int m_open(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	char err[PCIF_ERR_MAX] = "";
	struct pf_process *p = userdata;
	struct open_args args;
	struct pcif *f = NULL;
	bool adopted;
	int r;

	r = open_args(req, params, n_fds, &args);
	if (r < 0)
		return r;
	pf_process_check(p);
	if (p->pf)
		return ctl_fail(req, -EBUSY, "%s: a PF is open already", p->name);

	r = open_function(&args, fds, n_fds, &f, err, sizeof(err));
	if (r >= 0)
		r = pf_process_open(p, f, &adopted);
	if (r < 0)
		return ctl_fail(req, r, "%s: cannot open the PF: %s", p->name,
				err[0] ? err : strerror(-r));
	ctl_reply(req, json_pack("{s:b, s:i}", "adopted", adopted, "num_vfs",
				 (int)pfdrv_num_vfs(p->pf)));
	return 0;
}

static int m_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct pf_process *p = userdata;
	struct pfdrv_link link = {0};
	uint8_t mac[6] = {0};
	char text[MAC_TEXT];
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	pf_process_check(p);
	if (p->pf) {
		pfdrv_mac(p->pf, mac);
		pfdrv_link(p->pf, &link);
	}
	ctl_reply(req, json_pack("{s:b, s:b, s:s, s:i, s:i, s:b, s:i}", "open", p->pf != NULL,
				 "lost", p->lost, "mac", mac_to_text(mac, text), "total_vfs",
				 p->pf ? (int)pfdrv_total_vfs(p->pf) : 0, "num_vfs",
				 p->pf ? (int)pfdrv_num_vfs(p->pf) : 0, "link", link.up,
				 "speed_mbps", (int)link.speed_mbps));
	return 0;
}

static int m_set_vfs(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct pf_process *p = userdata;
	json_int_t n;
	int r;

	r = ctl_unpack(req, params, "{s:I", "num_vfs", &n);
	if (r < 0)
		return r;
	r = need_pf(p, req);
	if (r < 0)
		return r;
	if (n < 0 || n > pfdrv_total_vfs(p->pf))
		return ctl_fail(req, -ERANGE, "num_vfs %lld: %s has at most %u VFs", (long long)n,
				p->name, pfdrv_total_vfs(p->pf));
	r = pfdrv_set_vfs(p->pf, (unsigned int)n);
	if (r == -EAGAIN)
		return ctl_fail(
			req, r,
			"num_vfs %lld: the host has not enabled so many VFs of %s; write its "
			"sriov_numvfs first",
			(long long)n, p->name);
	if (r < 0)
		return driver_failed(p, req, r, "set_vfs");
	ctl_reply(req, json_pack("{s:i}", "num_vfs", (int)pfdrv_num_vfs(p->pf)));
	return 0;
}

static json_t *vf_json(unsigned int vf, const struct pfdrv_vf_info *i)
{
	char mac[MAC_TEXT];

	return json_pack("{s:i, s:s, s:b, s:i, s:i, s:b, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I, s:I}",
			 "vf", (int)vf, "mac", mac_to_text(i->mac, mac), "mac_set", i->attr.mac_set,
			 "vlan", (int)i->attr.vlan, "vlan_qos", (int)i->attr.vlan_qos, "spoofchk",
			 i->attr.spoofchk, "link_state", pfdrv_link_state_name(i->attr.link_state),
			 "trust", i->attr.trust, "ready", i->ready, "rx_packets",
			 (json_int_t)i->rx_packets, "tx_packets", (json_int_t)i->tx_packets,
			 "rx_bytes", (json_int_t)i->rx_bytes, "tx_bytes", (json_int_t)i->tx_bytes,
			 "rx_multicast", (json_int_t)i->rx_multicast, "resets",
			 (json_int_t)i->resets, "messages", (json_int_t)i->messages, "refused",
			 (json_int_t)i->refused);
}

static int m_list(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct pf_process *p = userdata;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	r = need_pf(p, req);
	if (r < 0)
		return r;
	list = json_array();
	for (unsigned int vf = 0; vf < pfdrv_num_vfs(p->pf); vf++) {
		struct pfdrv_vf_info info;

		r = pfdrv_vf_get(p->pf, vf, &info);
		if (r < 0)
			return driver_failed(p, req, r, "vf.list");
		json_array_append_new(list, vf_json(vf, &info));
	}
	ctl_reply(req, json_pack("{s:O}", "vfs", list));
	return 0;
}

/* Return: 0 and @ret_vf below the number of VFs; else @req is refused. */
static int check_vf(struct pf_process *p, struct ctl_req *req, json_int_t vf, unsigned int *ret_vf)
{
	int r;

	r = need_pf(p, req);
	if (r < 0)
		return r;
	if (vf < 0 || vf >= pfdrv_num_vfs(p->pf)) {
		ctl_fail(req, -ENOENT, "vf %lld: %s has %u VFs", (long long)vf, p->name,
			 pfdrv_num_vfs(p->pf));
		return -ENOENT;
	}
	*ret_vf = (unsigned int)vf;
	return 0;
}

static void reply_vf(struct pf_process *p, struct ctl_req *req, unsigned int vf)
{
	struct pfdrv_vf_info info;
	int r;

	r = pfdrv_vf_get(p->pf, vf, &info);
	if (r < 0)
		driver_failed(p, req, r, "vf.get");
	else
		ctl_reply(req, vf_json(vf, &info));
}

/* For methods whose only parameter is the VF. */
static int unpack_vf(struct pf_process *p, struct ctl_req *req, json_t *params,
		     unsigned int *ret_vf)
{
	json_int_t v;
	int r;

	r = ctl_unpack(req, params, "{s:I", "vf", &v);
	return r < 0 ? r : check_vf(p, req, v, ret_vf);
}

static int m_get(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct pf_process *p = userdata;
	unsigned int vf;
	int r;

	r = unpack_vf(p, req, params, &vf);
	if (r < 0)
		return r;
	reply_vf(p, req, vf);
	return 0;
}

struct set_args {
	json_int_t vf, vlan, qos;
	const char *mac, *link_state;
	int spoofchk, trust;
};

/* VLAN and priority go together for the driver: the one not named keeps its value. */
static int merge_vlan(struct pf_process *p, const struct set_args *s, struct pfdrv_vf_attr *a)
{
	struct pfdrv_vf_info now;
	int r;

	r = pfdrv_vf_get(p->pf, (unsigned int)s->vf, &now);
	if (r < 0)
		return r;
	a->vlan = s->vlan == ABSENT ? now.attr.vlan : (uint16_t)s->vlan;
	a->vlan_qos = s->qos == ABSENT ? now.attr.vlan_qos : (uint8_t)s->qos;
	if (a->vlan == 0 && s->qos == ABSENT)
		a->vlan_qos = 0;
	return 0;
}

static int set_fields(struct pf_process *p, struct ctl_req *req, const struct set_args *s,
		      struct pfdrv_vf_attr *a, unsigned int *ret_fields)
{
	static const uint8_t none[6];
	unsigned int fields = 0;

	if (s->mac) {
		if (mac_from_text(s->mac, a->mac) < 0)
			return ctl_fail(req, -EINVAL, "mac '%.32s' is no MAC address", s->mac);
		a->mac_set = memcmp(a->mac, none, 6);
		fields |= PFDRV_SET_MAC;
	}
	if (s->vlan != ABSENT || s->qos != ABSENT) {
		int r;

		if (s->vlan != ABSENT && (s->vlan < 0 || s->vlan > 4094))
			return ctl_fail(req, -EINVAL, "vlan %lld is not in 0..4094",
					(long long)s->vlan);
		if (s->qos != ABSENT && (s->qos < 0 || s->qos > 7))
			return ctl_fail(req, -EINVAL, "vlan_qos %lld is not in 0..7",
					(long long)s->qos);
		r = merge_vlan(p, s, a);
		if (r < 0)
			return driver_failed(p, req, r, "vf.set");
		fields |= PFDRV_SET_VLAN;
	}
	if (s->link_state) {
		if (pfdrv_link_state_parse(s->link_state, &a->link_state) < 0)
			return ctl_fail(req, -EINVAL,
					"link_state '%.32s' is not auto, enable or disable",
					s->link_state);
		fields |= PFDRV_SET_LINK_STATE;
	}
	if (s->spoofchk >= 0) {
		a->spoofchk = s->spoofchk;
		fields |= PFDRV_SET_SPOOFCHK;
	}
	if (s->trust >= 0) {
		a->trust = s->trust;
		fields |= PFDRV_SET_TRUST;
	}
	*ret_fields = fields;
	return 1;
}

static int m_set(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct set_args s = {.vlan = ABSENT, .qos = ABSENT, .spoofchk = -1, .trust = -1};
	struct pf_process *p = userdata;
	struct pfdrv_vf_attr attr = {0};
	unsigned int vf, fields = 0;
	const char *why = "";
	int r;

	r = ctl_unpack(req, params, "{s:I, s?s, s?I, s?I, s?b, s?s, s?b", "vf", &s.vf, "mac",
		       &s.mac, "vlan", &s.vlan, "vlan_qos", &s.qos, "spoofchk", &s.spoofchk,
		       "link_state", &s.link_state, "trust", &s.trust);
	if (r < 0)
		return r;
	r = check_vf(p, req, s.vf, &vf);
	if (r < 0)
		return r;
	r = set_fields(p, req, &s, &attr, &fields);
	if (r <= 0)
		return r;

	r = pfdrv_vf_set(p->pf, vf, fields, &attr, &why);
	if (r < 0) {
		ctl_fail(req, r, "vf %u: %s", vf, why);
		pf_process_check(p);
		return 0;
	}
	reply_vf(p, req, vf);
	return 0;
}

static int m_baseline(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct pf_process *p = userdata;
	const char *reason = NULL;
	unsigned int vf;
	int r;

	r = unpack_vf(p, req, params, &vf);
	if (r < 0)
		return r;
	r = pfdrv_vf_baseline(p->pf, vf, &reason);
	if (r < 0)
		return driver_failed(p, req, r, "vf.baseline");
	ctl_reply(req,
		  json_pack("{s:b, s:s}", "clean", reason == NULL, "reason", reason ? reason : ""));
	return 0;
}

static int m_quit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct pf_process *p = userdata;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	ctl_reply(req, NULL);
	return sd_event_exit(p->event, 0);
}

const struct ctl_method pf_methods[] = {
	{"pf.open", m_open},	     {"pf.info", m_info},  {"pf.set_vfs", m_set_vfs},
	{"vf.list", m_list},	     {"vf.get", m_get},	   {"vf.set", m_set},
	{"vf.baseline", m_baseline}, {"ctl.quit", m_quit}, {NULL, NULL},
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <lib/log.h>
#include <lib/pcif.h>
#include <sriovd/nic.h>
#include <sriovd/sock.h>
#include <string.h>

#define CALL_US	  (3 * USEC_PER_SEC)
#define SOCKET_US (2 * USEC_PER_SEC)
#define RESET_US  (2 * USEC_PER_SEC)
#define RETRY_US  (10 * USEC_PER_MSEC)

int nic_pick_vf(const struct nic *nic, unsigned int *ret_vf)
{
	if (!nic->up)
		return -ENOSPC;
	for (unsigned int i = 0; i < nic->num_vfs; i++)
		if (nic->vf[i].state == VF_FREE) {
			*ret_vf = i;
			return 0;
		}
	return -ENOSPC;
}

int nic_vf_list(struct sriovd *d, struct nic *nic, json_t **ret_list, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	size_t i;
	json_t *vf;
	int r;

	r = child_call(d, &nic->pf, "vf.list", NULL, NULL, 0, CALL_US, &list, e);
	if (r < 0)
		return r;
	/* entry i is VF i: everybody indexes it */
	json_array_foreach (json_object_get(list, "vfs"), i, vf)
		if (json_integer_value(json_object_get(vf, "vf")) != (json_int_t)i)
			r = -EBADMSG;
	if (r < 0 || json_array_size(json_object_get(list, "vfs")) < nic->num_vfs)
		return op_fail(e, HTTP_CHILD, -EBADMSG, "%s: vf.list: not all VFs in the answer",
			       nic->pf.object);
	*ret_list = TAKE_PTR(list);
	return 0;
}

static bool vf_settings(json_t *vf, struct row_net *ret_id)
{
	const char *mac = NULL;
	int vlan = 0, qos = 0, spoofchk = 0;

	if (json_unpack(vf, "{s:s, s:i, s:i, s:b}", "mac", &mac, "vlan", &vlan, "vlan_qos", &qos,
			"spoofchk", &spoofchk) < 0 ||
	    mac_parse(mac, &ret_id->mac) < 0)
		return false;
	ret_id->vlan = (unsigned int)vlan;
	ret_id->vlan_qos = (unsigned int)qos;
	ret_id->spoofchk = spoofchk;
	return true;
}

bool nic_vf_has(json_t *vf, const struct row_net *id)
{
	struct row_net now;

	return vf_settings(vf, &now) && mac_equal(&now.mac, &id->mac) && now.vlan == id->vlan &&
	       now.vlan_qos == id->vlan_qos && now.spoofchk == id->spoofchk;
}

bool nic_vf_is_baseline(json_t *vf)
{
	static const struct row_net baseline = {.spoofchk = true};
	const char *link_state = NULL;
	int trust = 1;

	return nic_vf_has(vf, &baseline) &&
	       json_unpack(vf, "{s:s, s:b}", "link_state", &link_state, "trust", &trust) >= 0 &&
	       strcmp(link_state, "auto") == 0 && !trust;
}

int nic_vf_program(struct sriovd *d, struct nic *nic, unsigned int vf, const struct row_net *id,
		   struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *now = NULL;
	struct row_net want = *id;
	char mac[MAC_TEXT];
	int r;

	r = child_call(d, &nic->pf, "vf.set",
		       json_pack("{s:i, s:s, s:i, s:i, s:b, s:s, s:b}", "vf", (int)vf, "mac",
				 mac_format(&want.mac, mac), "vlan", (int)want.vlan, "vlan_qos",
				 (int)want.vlan_qos, "spoofchk", (int)want.spoofchk, "link_state",
				 "auto", "trust", 0),
		       NULL, 0, CALL_US, &now, e);
	if (r < 0)
		return r;
	if (!nic_vf_has(now, &want))
		return op_fail(e, HTTP_CHILD, -EIO,
			       "vf %s/%u: read back something else than net %s was promised",
			       nic->cfg.name, vf, want.name);
	return 0;
}

static int vf_socket(const struct nic *nic, unsigned int vf, char path[PATH_SIZE])
{
	return path_set(path, PATH_SIZE, "%s/vf%u.sock", nic->dir, vf);
}

int nic_vf_await(struct sriovd *d, struct nic *nic, unsigned int vf, struct op_error *e)
{
	char path[PATH_SIZE];
	int r;

	r = vf_socket(nic, vf, path);
	if (r >= 0)
		r = sock_await(d, path, SOCKET_US);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s/%u did not appear", nic->cfg.name, vf);
	return 0;
}

int nic_vf_connect(struct sriovd *d, struct nic *nic, unsigned int vf, int *ret_fd,
		   struct op_error *e)
{
	char path[PATH_SIZE];
	int r;

	r = vf_socket(nic, vf, path);
	if (r >= 0)
		r = sock_connect(d, path, SOCKET_US, ret_fd);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s/%u: no connection to %s: %s", nic->cfg.name,
			       vf, nic->snic.object, strerrordesc_np(-r));
	return 0;
}

/*
 * Connecting is also the proof that nobody else has the function: the NIC lets one client in, and a
 * VMM that has just let go may need a moment to be noticed.
 */
static int vf_reset(const char *path)
{
	uint64_t deadline_us = clock_us() + SOCKET_US;
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	int r;

	for (;;) {
		r = pcif_open_vfu_path(path, RESET_US, &f);
		if ((r != -EAGAIN && r != -ECONNRESET && r != -EBUSY) || clock_us() >= deadline_us)
			break;
		clock_sleep_us(RETRY_US);
	}
	return r < 0 ? r : pcif_reset(f);
}

int nic_vf_scrub(struct sriovd *d, struct nic *nic, unsigned int vf, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	const char *reason = "";
	char path[PATH_SIZE];
	int clean = 0;
	int r;

	if (!nic->snic.running || !nic->pf.running)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", nic->cfg.name,
			       nic->reason);
	r = vf_socket(nic, vf, path);
	if (r >= 0) {
		baton_drop(d);
		r = vf_reset(path);
		baton_take(d);
	}
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s/%u: reset: %s", nic->cfg.name, vf,
			       strerrordesc_np(-r));
	r = child_call(d, &nic->pf, "vf.baseline", json_pack("{s:i}", "vf", (int)vf), NULL, 0,
		       CALL_US, &result, e);
	if (r < 0)
		return r;
	if (json_unpack(result, "{s:b, s?s}", "clean", &clean, "reason", &reason) < 0)
		return op_fail(e, HTTP_CHILD, -EBADMSG, "%s: vf.baseline: no sense in the answer",
			       nic->pf.object);
	if (!clean)
		return op_fail(e, HTTP_CHILD, -EIO, "vf %s/%u: %s", nic->cfg.name, vf, reason);
	return 0;
}

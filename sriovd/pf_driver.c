/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/ctl.h>
#include <linux/if_ether.h>
#include <sriovd/attrs.h>
#include <string.h>

#include <sriovd/pf_driver.h>

#define CALL_US	   (3 * USEC_PER_SEC)
#define SET_VFS_US (15 * USEC_PER_SEC)

/* Not open, or lost, is no error here. */
int pf_driver_info(struct sriovd *d, struct pf *pf, bool *ret_usable, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *info = NULL;
	int is_open = 0, lost = 0, total = 0, num = 0, link = 0, speed = 0;
	const char *mac = "";
	int r;

	r = child_call(d, &pf->drv, "pf.info", NULL, NULL, 0, CALL_US, &info, e);
	if (r < 0)
		return r;
	if (json_unpack(info, "{s:b, s:b, s?i, s?i, s?b, s?s, s?i}", "open", &is_open, "lost",
			&lost, "total_vfs", &total, "num_vfs", &num, "link", &link, "mac", &mac,
			"speed_mbps", &speed) < 0 ||
	    total < 0 || num < 0 || num > (int)VFS_MAX || speed < 0)
		return op_fail(e, HTTP_CHILD, -EBADMSG, "%s: pf.info: no sense in the answer",
			       pf->drv.object);
	*ret_usable = is_open && !lost;
	if (*ret_usable) {
		pf->total_vfs = (unsigned int)total < VFS_MAX ? (unsigned int)total : VFS_MAX;
		pf->num_vfs = (unsigned int)num;
		pf->link = link;
		pf->caps = DRIVER_CAPS;
		pf->now.speed_mbps = (unsigned int)speed;
		(void)!mac_parse(mac, &pf->mac);
	}
	return 0;
}

int pf_driver_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	bool usable = false;
	int r;

	r = child_call(d, &pf->drv, "pf.set_vfs", json_pack("{s:i}", "num_vfs", (int)num_vfs), NULL,
		       0, SET_VFS_US, NULL, e);
	if (r >= 0)
		r = pf_driver_info(d, pf, &usable, e);
	if (r >= 0 && !usable)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "%s: the PF is lost", pf->drv.object);
	return r;
}

int pf_driver_decode(json_t *vf, struct vf_now *ret)
{
	const char *mac = NULL, *link = NULL;
	int vlan = 0, qos = 0, spoofchk = 0, trust = 0;
	json_int_t rx = 0, tx = 0, rx_bytes = 0, tx_bytes = 0;
	struct vf_attrs a = {.vlan_proto = ETH_P_8021Q};

	if (json_unpack(vf, "{s:s, s:i, s:i, s:b, s:s, s:b, s?I, s?I, s?I, s?I}", "mac", &mac,
			"vlan", &vlan, "vlan_qos", &qos, "spoofchk", &spoofchk, "link_state", &link,
			"trust", &trust, "rx_packets", &rx, "tx_packets", &tx, "rx_bytes",
			&rx_bytes, "tx_bytes", &tx_bytes) < 0 ||
	    mac_parse(mac, &a.mac) < 0 || attrs_link_parse(link, &a.link_state) < 0 || vlan < 0 ||
	    vlan > VLAN_MAX || qos < 0 || qos > VLAN_QOS_MAX)
		return -EBADMSG;
	a.vlan = (unsigned int)vlan;
	a.vlan_qos = (unsigned int)qos;
	a.spoofchk = spoofchk;
	a.trust = trust;
	*ret = (struct vf_now){.attrs = a, .has = DRIVER_CAPS, .group = -1};
	ret->stats = (struct vf_stats){.rx_packets = (uint64_t)rx,
				       .tx_packets = (uint64_t)tx,
				       .rx_bytes = (uint64_t)rx_bytes,
				       .tx_bytes = (uint64_t)tx_bytes};
	return 0;
}

int pf_driver_vf_list(struct sriovd *d, struct pf *pf, bool stats, struct vf_list *list,
		      struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_t *vfs, *vf;
	size_t i;
	int r;

	r = child_call(d, &pf->drv, "vf.list", NULL, NULL, 0, CALL_US, &answer, e);
	if (r < 0)
		return r;
	vfs = json_object_get(answer, "vfs");
	if (json_array_size(vfs) < list->n)
		r = -EBADMSG;
	/* entry i is VF i: everybody indexes it */
	json_array_foreach (vfs, i, vf) {
		if (i >= list->n || r < 0)
			break;
		if (json_integer_value(json_object_get(vf, "vf")) != (json_int_t)i)
			r = -EBADMSG;
		else
			r = pf_driver_decode(vf, &list->vf[i]);
	}
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "%s: vf.list: no sense in the answer",
			       pf->drv.object);
	return 0;
}

const struct row_baseline *pf_driver_baseline(const struct pf *pf, unsigned int vf)
{
	static const struct row_baseline baseline = {
		.has = DRIVER_CAPS & ATTRS_SETTABLE,
		.attrs = {.vlan_proto = ETH_P_8021Q, .spoofchk = true},
	};

	return &baseline;
}

int pf_driver_vf_program(struct sriovd *d, struct pf *pf, unsigned int vf,
			 const struct vf_attrs *want, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char mac[MAC_TEXT];
	struct vf_now now;
	unsigned int differ;
	int r;

	r = child_call(d, &pf->drv, "vf.set",
		       json_pack("{s:i, s:s, s:i, s:i, s:b, s:s, s:b}", "vf", (int)vf, "mac",
				 mac_format(&want->mac, mac), "vlan", (int)want->vlan, "vlan_qos",
				 (int)want->vlan_qos, "spoofchk", (int)want->spoofchk, "link_state",
				 attrs_link_name(want->link_state), "trust", (int)want->trust),
		       NULL, 0, CALL_US, &answer, e);
	if (r < 0)
		return r;
	r = pf_driver_decode(answer, &now);
	differ = r < 0 ? 0 : attrs_differ(&now.attrs, want, now.has & ATTRS_SETTABLE);
	if (r < 0 || differ)
		return op_fail(e, HTTP_CHILD, -EIO,
			       "vf %s/%u: %s reads back as something else than was set", pf->name,
			       vf, r < 0 ? "it" : vf_attr_name((enum vf_attr)(differ & -differ)));
	return 0;
}

int pf_driver_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	const char *reason = "";
	int clean = 0;
	int r;

	r = child_call(d, &pf->drv, "vf.baseline", json_pack("{s:i}", "vf", (int)vf), NULL, 0,
		       CALL_US, &result, e);
	if (r < 0)
		return r;
	if (json_unpack(result, "{s:b, s?s}", "clean", &clean, "reason", &reason) < 0)
		return op_fail(e, HTTP_CHILD, -EBADMSG, "%s: vf.baseline: no sense in the answer",
			       pf->drv.object);
	if (!clean)
		return op_fail(e, HTTP_CHILD, -EIO, "vf %s/%u: %s", pf->name, vf, reason);
	return 0;
}

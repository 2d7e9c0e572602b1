/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver can do is what it does when asked: that a call exists says little. */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include "vf_rtnl_internal.h"

#define PROBE_VLAN 2u
#define PROBE_QOS  1u
#define PROBE_RATE 100u /* Mbps; every link has that */

struct probe {
	struct vf_rtnl rt;
	struct vf_answer before;
	unsigned int caps;
	unsigned int touched; /* to be put back */
	bool unsure;	      /* about the rates */
};

static void probe_done(struct probe *p)
{
	vf_rtnl_close(&p->rt);
}

/* Answers that mean "not with this driver, or not this value". */
static bool cannot(int error)
{
	return error == -EOPNOTSUPP || error == -EPROTONOSUPPORT || error == -EINVAL ||
	       error == -ERANGE || error == -ENOSYS;
}

/* 1: it did; 0: it cannot, with the errno in @ret_error; -errno: nobody knows. */
static int attempt(struct probe *p, const struct vf_attrs *a, unsigned int which, int *ret_error)
{
	int r = vf_rtnl_set(&p->rt, a, which);

	*ret_error = r;
	if (r < 0)
		return cannot(r) ? 0 : r;
	p->touched |= which;
	return 1;
}

/*
 * The MAC as it is, since a driver may hold on to one that was ever set. Zero is refused as a value
 * by some, which says that they take others.
 */
static int probe_mac(struct probe *p)
{
	int error, r;

	r = attempt(p, &p->before.attrs, VF_ATTR_MAC, &error);
	if (r > 0 || (r == 0 && error == -EINVAL))
		p->caps |= VF_ATTR_MAC;
	return r;
}

static int probe_vlan(struct probe *p)
{
	struct vf_attrs a = p->before.attrs;
	int error, r;

	a.vlan = a.vlan == PROBE_VLAN ? PROBE_VLAN + 1 : PROBE_VLAN;
	a.vlan_qos = 0;
	a.vlan_proto = ETH_P_8021Q;
	r = attempt(p, &a, VF_ATTR_VLANS, &error);
	if (r <= 0)
		return r;
	p->caps |= VF_ATTR_VLAN;
	a.vlan_qos = PROBE_QOS;
	r = attempt(p, &a, VF_ATTR_VLANS, &error);
	if (r > 0)
		p->caps |= VF_ATTR_VLAN_QOS;
	if (r < 0)
		return r;
	a.vlan_qos = 0;
	a.vlan_proto = ETH_P_8021AD;
	r = attempt(p, &a, VF_ATTR_VLANS, &error);
	if (r > 0)
		p->caps |= VF_ATTR_VLAN_PROTO;
	return r;
}

static int probe_rates(struct probe *p)
{
	struct vf_attrs a = p->before.attrs;
	int error, r;

	a.min_tx_rate = 0;
	a.max_tx_rate = a.max_tx_rate == PROBE_RATE ? PROBE_RATE - 1 : PROBE_RATE;
	r = attempt(p, &a, VF_ATTR_RATES, &error);
	/* without a link a rate may be refused for that alone, and so may the other one */
	p->unsure = r == 0 && error == -EINVAL && !p->before.link;
	if (r > 0 || p->unsure)
		p->caps |= VF_ATTR_MAX_TX_RATE;
	if (r < 0)
		return r;
	a.min_tx_rate = a.max_tx_rate;
	r = attempt(p, &a, VF_ATTR_RATES, &error);
	if (r > 0 || (r == 0 && error == -EINVAL && p->unsure))
		p->caps |= VF_ATTR_MIN_TX_RATE;
	return r;
}

static int probe_switches(struct probe *p)
{
	struct vf_attrs a = p->before.attrs;
	static const unsigned int switches[] = {VF_ATTR_TRUST, VF_ATTR_LINK_STATE,
						VF_ATTR_SPOOFCHK};

	a.trust = !a.trust;
	a.spoofchk = !a.spoofchk;
	a.link_state = a.link_state == VF_LINK_ENABLE ? VF_LINK_AUTO : VF_LINK_ENABLE;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		int error, r = attempt(p, &a, switches[i], &error);

		if (r < 0)
			return r;
		if (r > 0)
			p->caps |= switches[i];
	}
	return 0;
}

/* All that was touched, and a look at whether it is so. */
static int put_back(struct probe *p, struct op_error *e)
{
	static const unsigned int order[] = {VF_ATTR_SPOOFCHK, VF_ATTR_MAC,   VF_ATTR_VLANS,
					     VF_ATTR_RATES,    VF_ATTR_TRUST, VF_ATTR_LINK_STATE};
	struct vf_answer now = {.n_vfs = 0};
	char list[VF_ATTR_NAMES_SIZE];
	unsigned int differ;
	int r, first = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(p->touched & order[i]) || order[i] == VF_ATTR_MAC)
			continue;
		r = vf_rtnl_set(&p->rt, &p->before.attrs, order[i]);
		if (r < 0 && !first)
			first = r;
	}
	r = vf_rtnl_get(&p->rt, false, &now);
	if (r < 0)
		return vf_rtnl_get_fail(&p->rt, &now, r, e);
	differ = vf_attrs_differ(&p->before.attrs, &now.attrs, p->before.has & VF_ATTR_SETTABLE);
	if (!differ)
		return 0;
	return op_fail(e, HTTP_INTERNAL, -EIO, "vf %u: after probing, %s did not come back%s%s",
		       p->rt.vf, vf_attr_names(differ, list), first ? ": " : "",
		       first ? strerrordesc_np(-first) : "");
}

int vf_rtnl_probe(int ifindex, unsigned int vf, unsigned int *ret_caps, bool *ret_sure,
		  struct op_error *e)
{
	int (*const parts[])(struct probe *) = {probe_mac, probe_vlan, probe_rates, probe_switches};
	_cleanup_(probe_done) struct probe p = {.caps = 0};
	int r, back;

	r = vf_rtnl_open(&p.rt, ifindex, vf);
	if (r >= 0)
		r = vf_rtnl_get(&p.rt, false, &p.before);
	if (r < 0)
		return vf_rtnl_get_fail(&p.rt, &p.before, r, e);
	for (size_t i = 0; r >= 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = parts[i](&p);
	if (r < 0)
		op_fail(e, r == -ENODEV ? HTTP_MISSING : HTTP_INTERNAL, r,
			"vf %u: probing its attributes: %s%s%s", vf, strerrordesc_np(-r),
			p.rt.words[0] ? ": " : "", p.rt.words);
	back = put_back(&p, r < 0 ? NULL : e);
	if (r >= 0)
		r = back;
	if (r < 0)
		return r;
	*ret_caps = p.caps;
	*ret_sure = !p.unsure;
	return 0;
}

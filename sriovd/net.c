/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if_ether.h>
#include <sriovd/attrs.h>
#include <sriovd/net.h>
#include <string.h>

#define MAC_TRIES 8
#define NETS_MAX  4096

static const struct net *mac_owner(struct sriovd *d, const struct mac *mac)
{
	for (const struct net *net = d->nets; net; net = net->next)
		if (mac_equal(&net->id.mac, mac))
			return net;
	return NULL;
}

static int mac_choose(struct sriovd *d, const char *text, struct mac *ret_mac, struct op_error *e)
{
	const struct net *owner;
	int r;

	if (text) {
		if (mac_parse(text, ret_mac) < 0)
			return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
				       "mac %.32s: must look like 02:00:00:00:00:01", text);
		if (!mac_assignable(ret_mac))
			return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
				       "mac %s is %s: no interface can have it", text,
				       ret_mac->b[0] & 1 ? "a multicast address" : "all zero");
		for (const struct pf *pf = d->pfs; pf; pf = pf->next)
			if (mac_equal(&pf->mac, ret_mac))
				return op_fail(e, HTTP_CONFLICT, -EEXIST,
					       "mac %s is taken by pf %s", text, pf->name);
		owner = mac_owner(d, ret_mac);
		if (owner)
			return op_fail(e, HTTP_CONFLICT, -EEXIST, "mac %s is taken by net %s", text,
				       owner->id.name);
		return 0;
	}
	for (int i = 0; i < MAC_TRIES; i++) {
		r = mac_make(ret_mac);
		if (r < 0)
			return op_fail(e, HTTP_INTERNAL, r, "getrandom: %s", strerrordesc_np(-r));
		if (!mac_owner(d, ret_mac))
			return 0;
	}
	return op_fail(e, HTTP_INTERNAL, -EEXIST, "no free address found");
}

/* Values that are fine one by one and make no sense together. */
static int spec_check(const struct net_spec *spec, struct row_net *row, struct op_error *e)
{
	if (spec->vlan_proto && attrs_proto_parse(spec->vlan_proto, &row->vlan_proto) < 0)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: vlan_proto %.16s: must be 802.1q or 802.1ad", spec->name,
			       spec->vlan_proto);
	if (spec->link_state && attrs_link_parse(spec->link_state, &row->link_state) < 0)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: link_state %.16s: must be auto, enable or disable",
			       spec->name, spec->link_state);
	if (row->vlan_qos && !row->vlan)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "net %s: vlan_qos needs a vlan",
			       spec->name);
	if (row->vlan_proto == ETH_P_8021AD && !row->vlan)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: vlan_proto 802.1ad needs a vlan", spec->name);
	if (row->max_tx_rate && row->min_tx_rate > row->max_tx_rate)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: min_tx_rate %u is above max_tx_rate %u", spec->name,
			       row->min_tx_rate, row->max_tx_rate);
	return 0;
}

static int spec_decode(struct sriovd *d, const struct net_spec *spec, struct row_net *row,
		       struct op_error *e)
{
	const struct pf *pf = spec->pf ? pf_find(d, spec->pf) : NULL;
	int r;

	*row = (struct row_net){.vlan = (unsigned int)spec->vlan,
				.vlan_qos = (unsigned int)spec->vlan_qos,
				.vlan_proto = ETH_P_8021Q,
				.spoofchk = spec->spoofchk,
				.trust = spec->trust,
				.min_tx_rate = (unsigned int)spec->min_tx_rate,
				.max_tx_rate = (unsigned int)spec->max_tx_rate};
	if (!name_valid(spec->name))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net name %.40s: must be 1 to 32 of a-z, 0-9 and -", spec->name);
	if (net_find(d, spec->name))
		return op_fail(e, HTTP_CONFLICT, -EEXIST, "net %s exists already", spec->name);
	r = spec_check(spec, row, e);
	if (r < 0)
		return r;
	if (spec->pf && !pf)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no pf %.64s", spec->pf);
	r = mac_choose(d, spec->mac, &row->mac, e);
	if (r < 0)
		return r;
	text_set(row->name, sizeof(row->name), "%s", spec->name);
	text_set(row->pf, sizeof(row->pf), "%s", spec->pf ? spec->pf : "");
	return pf ? attrs_allowed(row, pf->caps, pf->name, e) : 0;
}

int net_create(struct sriovd *d, const struct net_spec *spec, struct op_error *e)
{
	struct row_net row;
	struct net *net;
	size_t n = 0;
	int r;

	r = spec_decode(d, spec, &row, e);
	if (r < 0)
		return r;
	for (net = d->nets; net; net = net->next)
		n++;
	if (n >= NETS_MAX)
		return op_fail(e, HTTP_CONFLICT, -ENOSPC, "there are %u nets already", NETS_MAX);

	net = net_new(d, spec->name);
	if (!net)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "net %s: out of memory", spec->name);
	net->id = row;
	r = ledger_put_net(d->ledger, &row);
	if (r < 0) {
		net_free(d, net);
		return op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	return 0;
}

int net_delete(struct sriovd *d, const char *name, struct op_error *e)
{
	struct net *net = net_find(d, name);
	char object[NAME_SIZE + 4];
	int r;

	if (!net)
		return op_fail(e, HTTP_MISSING, -ENOENT, "no net %.64s", name);
	text_set(object, sizeof(object), "net %s", name);
	r = hold_take(&net->hold, true, object, e, "deletion of %s", name);
	if (r < 0)
		return r;
	if (net->state != NET_DETACHED)
		r = op_fail(e, HTTP_CONFLICT, -EBUSY, "net %s is %s (vm %s): detach it first", name,
			    net_state_name(net->state), net->vm ? net->vm->name : "?");
	if (r >= 0) {
		r = ledger_del_net(d->ledger, name);
		if (r < 0)
			op_fail(e, HTTP_INTERNAL, r, "state.db: %s", strerrordesc_np(-r));
	}
	hold_release(d, &net->hold, true);
	if (r >= 0)
		net_free(d, net);
	return r;
}

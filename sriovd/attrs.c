/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if_ether.h>
#include <sriovd/attrs.h>
#include <string.h>

static const char *const link_names[] = {
	[VF_LINK_AUTO] = "auto", [VF_LINK_ENABLE] = "enable", [VF_LINK_DISABLE] = "disable"};

void attrs_of_net(const struct row_net *id, struct vf_attrs *ret)
{
	*ret = (struct vf_attrs){
		.mac = id->mac,
		.vlan = id->vlan,
		.vlan_qos = id->vlan_qos,
		.vlan_proto = id->vlan_proto ?: ETH_P_8021Q,
		.spoofchk = id->spoofchk,
		.trust = id->trust,
		.min_tx_rate = id->min_tx_rate,
		.max_tx_rate = id->max_tx_rate,
		.link_state = id->link_state,
	};
}

static unsigned int bit_if(bool on, enum vf_attr bit)
{
	return on ? bit : 0;
}

unsigned int attrs_wanted(const struct vf_attrs *a)
{
	static const struct mac none;

	return bit_if(!mac_equal(&a->mac, &none), VF_ATTR_MAC) | bit_if(a->vlan, VF_ATTR_VLAN) |
	       bit_if(a->vlan_qos, VF_ATTR_VLAN_QOS) |
	       bit_if(a->vlan && a->vlan_proto == ETH_P_8021AD, VF_ATTR_VLAN_PROTO) |
	       bit_if(a->spoofchk, VF_ATTR_SPOOFCHK) | bit_if(a->trust, VF_ATTR_TRUST) |
	       bit_if(a->min_tx_rate, VF_ATTR_MIN_TX_RATE) |
	       bit_if(a->max_tx_rate, VF_ATTR_MAX_TX_RATE) |
	       bit_if(a->link_state != VF_LINK_AUTO, VF_ATTR_LINK_STATE);
}

unsigned int attrs_differ(const struct vf_attrs *a, const struct vf_attrs *b, unsigned int which)
{
	unsigned int bits;

	bits = bit_if(!mac_equal(&a->mac, &b->mac), VF_ATTR_MAC) |
	       bit_if(a->vlan != b->vlan, VF_ATTR_VLAN) |
	       bit_if(a->vlan_qos != b->vlan_qos, VF_ATTR_VLAN_QOS) |
	       bit_if(a->vlan && b->vlan && a->vlan_proto != b->vlan_proto, VF_ATTR_VLAN_PROTO) |
	       bit_if(a->spoofchk != b->spoofchk, VF_ATTR_SPOOFCHK) |
	       bit_if(a->trust != b->trust, VF_ATTR_TRUST) |
	       bit_if(a->min_tx_rate != b->min_tx_rate, VF_ATTR_MIN_TX_RATE) |
	       bit_if(a->max_tx_rate != b->max_tx_rate, VF_ATTR_MAX_TX_RATE) |
	       bit_if(a->link_state != b->link_state, VF_ATTR_LINK_STATE);
	return bits & which;
}

int attrs_allowed(const struct row_net *id, unsigned int caps, const char *pf, struct op_error *e)
{
	struct vf_attrs want;
	unsigned int missing;

	attrs_of_net(id, &want);
	missing = caps ? attrs_wanted(&want) & ~caps : 0;
	if (!missing)
		return 0;
	return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP, "net %s wants %s, which pf %s cannot do",
		       id->name, vf_attr_name((enum vf_attr)(missing & -missing)), pf);
}

const char *attrs_link_name(enum vf_link link)
{
	return link_names[link];
}

int attrs_link_parse(const char *name, enum vf_link *ret)
{
	for (int i = VF_LINK_AUTO; i <= VF_LINK_DISABLE; i++)
		if (strcmp(name, link_names[i]) == 0) {
			*ret = (enum vf_link)i;
			return 0;
		}
	return -EINVAL;
}

const char *attrs_proto_name(uint16_t proto)
{
	return proto == ETH_P_8021AD ? "802.1ad" : "802.1q";
}

int attrs_proto_parse(const char *name, uint16_t *ret)
{
	if (strcmp(name, "802.1q") == 0)
		*ret = ETH_P_8021Q;
	else if (strcmp(name, "802.1ad") == 0)
		*ret = ETH_P_8021AD;
	else
		return -EINVAL;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>
#include "vf_rtnl_internal.h"

#define NOT_TOLD UINT32_MAX /* what the kernel shows for settings that a driver leaves alone */

static int put_interface(struct nl_msg *msg, int type, int flags, int ifindex)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nlmsghdr *h =
		nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, (int)sizeof(info), flags);

	if (!h)
		return -ENOMEM;
	memcpy(nlmsg_data(h), &info, sizeof(info));
	return 0;
}

int vf_codec_get(struct nl_msg *msg, int ifindex, bool stats)
{
	uint32_t filter = RTEXT_FILTER_VF | (stats ? 0 : RTEXT_FILTER_SKIP_STATS);

	if (put_interface(msg, RTM_GETLINK, NLM_F_REQUEST, ifindex) < 0 ||
	    nla_put_u32(msg, IFLA_EXT_MASK, filter) < 0)
		return -ENOMEM;
	return 0;
}

/* The older attribute where it will do: drivers before Linux 4.9 know no other. */
static int put_vlan(struct nl_msg *msg, unsigned int vf, const struct vf_attrs *want)
{
	struct ifla_vf_vlan plain = {vf, want->vlan, want->vlan_qos};
	struct ifla_vf_vlan_info with_proto = {vf, want->vlan, want->vlan_qos,
					       htons(want->vlan_proto)};
	struct nlattr *list;

	/* taking a VLAN away is the same for both, and drivers without 802.1ad refuse its name */
	if (want->vlan_proto == ETH_P_8021Q || (!want->vlan && !want->vlan_qos))
		return nla_put(msg, IFLA_VF_VLAN, (int)sizeof(plain), &plain);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	if (!list || nla_put(msg, IFLA_VF_VLAN_INFO, (int)sizeof(with_proto), &with_proto) < 0)
		return -ENOMEM;
	nla_nest_end(msg, list);
	return 0;
}

static int put_attrs(struct nl_msg *msg, unsigned int vf, const struct vf_attrs *want,
		     unsigned int which)
{
	struct ifla_vf_mac mac = {.vf = vf};
	struct ifla_vf_rate rate = {vf, want->min_tx_rate, want->max_tx_rate};
	struct ifla_vf_spoofchk spoofchk = {vf, want->spoofchk};
	struct ifla_vf_link_state link = {vf, want->link_state};
	struct ifla_vf_trust trust = {vf, want->trust};

	memcpy(mac.mac, want->mac.b, sizeof(want->mac.b));
	if ((which & VF_ATTR_MAC && nla_put(msg, IFLA_VF_MAC, (int)sizeof(mac), &mac) < 0) ||
	    (which & VF_ATTR_VLANS && put_vlan(msg, vf, want) < 0) ||
	    (which & VF_ATTR_RATES && nla_put(msg, IFLA_VF_RATE, (int)sizeof(rate), &rate) < 0) ||
	    (which & VF_ATTR_SPOOFCHK &&
	     nla_put(msg, IFLA_VF_SPOOFCHK, (int)sizeof(spoofchk), &spoofchk) < 0) ||
	    (which & VF_ATTR_LINK_STATE &&
	     nla_put(msg, IFLA_VF_LINK_STATE, (int)sizeof(link), &link) < 0) ||
	    (which & VF_ATTR_TRUST && nla_put(msg, IFLA_VF_TRUST, (int)sizeof(trust), &trust) < 0))
		return -ENOMEM;
	return 0;
}

int vf_codec_set(struct nl_msg *msg, int ifindex, unsigned int vf, const struct vf_attrs *want,
		 unsigned int which)
{
	struct nlattr *list, *info;

	if (put_interface(msg, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, ifindex) < 0)
		return -ENOMEM;
	list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	info = list ? nla_nest_start(msg, IFLA_VF_INFO) : NULL;
	if (!info || put_attrs(msg, vf, want, which) < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	nla_nest_end(msg, list);
	return 0;
}

/* The message as such: complete, alone at the start, with a body of that size. NULL: not so. */
static struct nlmsghdr *message(const void *msg, size_t len, size_t body)
{
	struct nlmsghdr *h = (struct nlmsghdr *)msg;

	if (len > INT32_MAX || !nlmsg_ok(h, (int)len) || !nlmsg_valid_hdr(h, (int)body))
		return NULL;
	return h;
}

static void read_stats(struct nlattr *nest, struct vf_answer *a)
{
	static const struct {
		unsigned int attr;
		size_t at;
	} rows[] = {
		{IFLA_VF_STATS_RX_PACKETS, offsetof(struct vf_stats, rx_packets)},
		{IFLA_VF_STATS_TX_PACKETS, offsetof(struct vf_stats, tx_packets)},
		{IFLA_VF_STATS_RX_BYTES, offsetof(struct vf_stats, rx_bytes)},
		{IFLA_VF_STATS_TX_BYTES, offsetof(struct vf_stats, tx_bytes)},
		{IFLA_VF_STATS_RX_DROPPED, offsetof(struct vf_stats, rx_dropped)},
		{IFLA_VF_STATS_TX_DROPPED, offsetof(struct vf_stats, tx_dropped)},
		{IFLA_VF_STATS_MULTICAST, offsetof(struct vf_stats, multicast)},
		{IFLA_VF_STATS_BROADCAST, offsetof(struct vf_stats, broadcast)},
	};
	struct nlattr *tb[IFLA_VF_STATS_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VF_STATS_MAX, nest, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v;

		if (!tb[rows[i].attr] || nla_len(tb[rows[i].attr]) < (int)sizeof(v))
			continue;
		memcpy(&v, nla_data(tb[rows[i].attr]), sizeof(v));
		memcpy((char *)&a->stats + rows[i].at, &v, sizeof(v));
		if (v)
			a->has |= VF_ATTR_STATS;
	}
}

static void read_vlan(struct nlattr *const *tb, struct vf_answer *a)
{
	struct ifla_vf_vlan_info info;
	struct ifla_vf_vlan plain;
	struct nlattr *pos;
	int rem;

	a->attrs.vlan_proto = ETH_P_8021Q;
	if (tb[IFLA_VF_VLAN]) {
		memcpy(&plain, nla_data(tb[IFLA_VF_VLAN]), sizeof(plain));
		a->attrs.vlan = plain.vlan;
		a->attrs.vlan_qos = plain.qos;
		a->has |= VF_ATTR_VLAN | VF_ATTR_VLAN_QOS;
	}
	if (!tb[IFLA_VF_VLAN_LIST])
		return;
	/* the first is the outer one; no driver has two */
	nla_for_each_nested(pos, tb[IFLA_VF_VLAN_LIST], rem)
	{
		if (nla_type(pos) != IFLA_VF_VLAN_INFO || nla_len(pos) < (int)sizeof(info))
			continue;
		memcpy(&info, nla_data(pos), sizeof(info));
		a->attrs.vlan = info.vlan;
		a->attrs.vlan_qos = info.qos;
		a->attrs.vlan_proto = ntohs(info.vlan_proto);
		a->has |= VF_ATTR_VLANS;
		return;
	}
}

static void read_rates(struct nlattr *const *tb, struct vf_answer *a)
{
	struct ifla_vf_tx_rate old;
	struct ifla_vf_rate rate;

	if (tb[IFLA_VF_RATE]) {
		memcpy(&rate, nla_data(tb[IFLA_VF_RATE]), sizeof(rate));
		a->attrs.min_tx_rate = rate.min_tx_rate;
		a->attrs.max_tx_rate = rate.max_tx_rate;
		a->has |= VF_ATTR_RATES;
	} else if (tb[IFLA_VF_TX_RATE]) {
		memcpy(&old, nla_data(tb[IFLA_VF_TX_RATE]), sizeof(old));
		a->attrs.max_tx_rate = old.rate;
		a->has |= VF_ATTR_MAX_TX_RATE;
	}
}

/* Each of the structures begins with the VF's number and goes on with the setting. */
static bool setting(const struct nlattr *attr, uint32_t max, uint32_t *ret)
{
	uint32_t v[2];

	if (!attr)
		return false;
	memcpy(v, nla_data(attr), sizeof(v));
	if (v[1] == NOT_TOLD || v[1] > max)
		return false;
	*ret = v[1];
	return true;
}

static void read_vf(struct nlattr *const *tb, struct vf_answer *a)
{
	struct ifla_vf_mac mac;
	uint32_t v;

	memcpy(&mac, nla_data(tb[IFLA_VF_MAC]), sizeof(mac));
	memcpy(a->attrs.mac.b, mac.mac, sizeof(a->attrs.mac.b));
	a->has |= VF_ATTR_MAC;
	read_vlan(tb, a);
	read_rates(tb, a);
	if (setting(tb[IFLA_VF_SPOOFCHK], UINT32_MAX, &v)) {
		a->attrs.spoofchk = v;
		a->has |= VF_ATTR_SPOOFCHK;
	}
	if (setting(tb[IFLA_VF_TRUST], UINT32_MAX, &v)) {
		a->attrs.trust = v;
		a->has |= VF_ATTR_TRUST;
	}
	if (setting(tb[IFLA_VF_LINK_STATE], VF_LINK_DISABLE, &v)) {
		a->attrs.link_state = (enum vf_link)v;
		a->has |= VF_ATTR_LINK_STATE;
	}
	if (tb[IFLA_VF_STATS])
		read_stats(tb[IFLA_VF_STATS], a);
}

/* One of the list, with the number that it says it has; -EBADMSG. */
static int parse_vf(struct nlattr *info, struct nlattr **tb, uint32_t *ret_number)
{
	static struct nla_policy policy[IFLA_VF_MAX + 1] = {
		[IFLA_VF_MAC] = {.minlen = sizeof(struct ifla_vf_mac)},
		[IFLA_VF_VLAN] = {.minlen = sizeof(struct ifla_vf_vlan)},
		[IFLA_VF_TX_RATE] = {.minlen = sizeof(struct ifla_vf_tx_rate)},
		[IFLA_VF_SPOOFCHK] = {.minlen = sizeof(struct ifla_vf_spoofchk)},
		[IFLA_VF_LINK_STATE] = {.minlen = sizeof(struct ifla_vf_link_state)},
		[IFLA_VF_RATE] = {.minlen = sizeof(struct ifla_vf_rate)},
		[IFLA_VF_TRUST] = {.minlen = sizeof(struct ifla_vf_trust)},
	};

	if (nla_parse_nested(tb, IFLA_VF_MAX, info, policy) < 0 || !tb[IFLA_VF_MAC])
		return -EBADMSG;
	memcpy(ret_number, nla_data(tb[IFLA_VF_MAC]), sizeof(*ret_number));
	return 0;
}

static int read_list(struct nlattr *list, unsigned int vf, struct vf_answer *a)
{
	struct nlattr *tb[IFLA_VF_MAX + 1], *pos;
	bool found = false;
	int rem;

	nla_for_each_nested(pos, list, rem)
	{
		uint32_t number;

		if (nla_type(pos) != IFLA_VF_INFO)
			continue;
		if (parse_vf(pos, tb, &number) < 0)
			return -EBADMSG;
		a->n_told++;
		if (number != vf || found)
			continue;
		read_vf(tb, a);
		found = true;
	}
	return found ? 0 : -ENOENT;
}

/* What is said of the interface with that index; NULL: it is no such message. */
static const struct ifinfomsg *parse_interface(const void *msg, size_t len, int ifindex,
					       struct nlattr **tb)
{
	const struct ifinfomsg *info;
	struct nlmsghdr *h;

	h = message(msg, len, sizeof(*info));
	if (!h || h->nlmsg_type != RTM_NEWLINK)
		return NULL;
	info = nlmsg_data(h);
	if (info->ifi_index != ifindex || nlmsg_parse(h, sizeof(*info), tb, IFLA_MAX, NULL) < 0)
		return NULL;
	return info;
}

int vf_codec_answer_all(const void *msg, size_t len, int ifindex, unsigned int n,
			struct vf_told *ret)
{
	struct nlattr *top[IFLA_MAX + 1], *tb[IFLA_VF_MAX + 1], *pos;
	int rem;

	if (!parse_interface(msg, len, ifindex, top))
		return -EBADMSG;
	for (unsigned int i = 0; i < n; i++)
		ret[i] = (struct vf_told){.told = false};
	if (!top[IFLA_VFINFO_LIST])
		return 0;
	nla_for_each_nested(pos, top[IFLA_VFINFO_LIST], rem)
	{
		struct vf_answer a = {.attrs = {.vlan_proto = ETH_P_8021Q}};
		uint32_t number;

		if (nla_type(pos) != IFLA_VF_INFO || parse_vf(pos, tb, &number) < 0 ||
		    number >= n || ret[number].told)
			continue;
		read_vf(tb, &a);
		ret[number] = (struct vf_told){true, a.has, a.attrs, a.stats};
	}
	return 0;
}

int vf_codec_answer(const void *msg, size_t len, int ifindex, unsigned int vf,
		    struct vf_answer *ret)
{
	struct vf_answer a = {.attrs = {.vlan_proto = ETH_P_8021Q}};
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *info;
	int r = -ENOENT;

	info = parse_interface(msg, len, ifindex, tb);
	if (!info)
		return -EBADMSG;
	a.link = info->ifi_flags & IFF_LOWER_UP;
	if (tb[IFLA_NUM_VF] && nla_len(tb[IFLA_NUM_VF]) >= (int)sizeof(uint32_t))
		a.n_vfs = nla_get_u32(tb[IFLA_NUM_VF]);
	if (tb[IFLA_VFINFO_LIST])
		r = read_list(tb[IFLA_VFINFO_LIST], vf, &a);
	if (r == -ENOENT && vf < a.n_vfs)
		r = -EMSGSIZE;
	if (r != -EBADMSG)
		*ret = a;
	return r;
}

int vf_codec_error(const void *msg, size_t len, int *ret_error, char *ret_words)
{
	const struct nlmsgerr *err;
	const struct nlattr *words = NULL;
	struct nlmsghdr *h;
	int header = (int)sizeof(*err);

	h = message(msg, len, sizeof(*err));
	if (!h || h->nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	err = nlmsg_data(h);
	if (err->error > 0 || err->error < -4095)
		return -EBADMSG;
	/* what was refused is repeated in front of the words, unless it was asked not to be */
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(err->msg) ||
		    err->msg.nlmsg_len > (uint32_t)nlmsg_datalen(h))
			return -EBADMSG;
		header += (int)NLMSG_ALIGN(err->msg.nlmsg_len - sizeof(err->msg));
	}
	ret_words[0] = '\0';
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && header <= nlmsg_datalen(h))
		words = nlmsg_find_attr(h, header, NLMSGERR_ATTR_MSG);
	if (words)
		nla_strlcpy(ret_words, words, VF_WORDS_MAX);
	for (char *c = ret_words; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	*ret_error = err->error;
	return 0;
}

unsigned int vf_attrs_differ(const struct vf_attrs *a, const struct vf_attrs *b, unsigned int which)
{
	bool vlan = a->vlan || a->vlan_qos || b->vlan || b->vlan_qos;
	unsigned int d = 0;

	d |= mac_equal(&a->mac, &b->mac) ? 0 : VF_ATTR_MAC;
	d |= a->vlan == b->vlan ? 0 : VF_ATTR_VLAN;
	d |= a->vlan_qos == b->vlan_qos ? 0 : VF_ATTR_VLAN_QOS;
	d |= a->vlan_proto == b->vlan_proto || !vlan ? 0 : VF_ATTR_VLAN_PROTO;
	d |= a->spoofchk == b->spoofchk ? 0 : VF_ATTR_SPOOFCHK;
	d |= a->trust == b->trust ? 0 : VF_ATTR_TRUST;
	d |= a->min_tx_rate == b->min_tx_rate ? 0 : VF_ATTR_MIN_TX_RATE;
	d |= a->max_tx_rate == b->max_tx_rate ? 0 : VF_ATTR_MAX_TX_RATE;
	d |= a->link_state == b->link_state ? 0 : VF_ATTR_LINK_STATE;
	return d & which;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages about VFs, as the kernel writes them and worse; and the kernel itself, without a VF. */
#include <support/test.h>
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sched.h>
#include <string.h>
#include "vf_rtnl_internal.h"

#define IFINDEX 7
#define LO	1

static const struct vf_attrs full = {
	.mac = {{2, 0, 0, 0, 0, 0x10}},
	.vlan = 100,
	.vlan_qos = 3,
	.vlan_proto = ETH_P_8021AD,
	.spoofchk = true,
	.trust = true,
	.min_tx_rate = 10,
	.max_tx_rate = 200,
	.link_state = VF_LINK_ENABLE,
};

static int setup(void **state)
{
	*state = nlmsg_alloc_size(64 * 1024);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	nlmsg_free(*state);
	return 0;
}

static const void *bytes(struct nl_msg *msg)
{
	return nlmsg_hdr(msg);
}

static size_t length(struct nl_msg *msg)
{
	return nlmsg_hdr(msg)->nlmsg_len;
}

static struct nlattr *begin(struct nl_msg *msg, unsigned int n_vfs)
{
	struct ifinfomsg info = {.ifi_index = IFINDEX, .ifi_flags = IFF_UP | IFF_LOWER_UP};

	assert_non_null(nlmsg_put(msg, 0, 1, RTM_NEWLINK, 0, 0));
	assert_int_equal(nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO), 0);
	assert_int_equal(nla_put_string(msg, IFLA_IFNAME, "eth0"), 0);
	assert_int_equal(nla_put_u32(msg, IFLA_NUM_VF, n_vfs), 0);
	return nla_nest_start(msg, IFLA_VFINFO_LIST);
}

static void put_stats(struct nl_msg *msg, uint64_t first)
{
	struct nlattr *nest = nla_nest_start(msg, IFLA_VF_STATS);

	nla_put_u64(msg, IFLA_VF_STATS_RX_PACKETS, first);
	nla_put_u64(msg, IFLA_VF_STATS_TX_DROPPED, first ? first + 1 : 0);
	nla_nest_end(msg, nest);
}

/* What a VF looks like in the answer of Linux 6.12. */
static void put_vf(struct nl_msg *msg, uint32_t vf, const struct vf_attrs *a, uint32_t spoofchk)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_VF_INFO), *list;
	struct ifla_vf_vlan_info outer = {vf, a->vlan, a->vlan_qos, htons(a->vlan_proto)};
	struct ifla_vf_vlan vlan = {vf, a->vlan, a->vlan_qos};
	struct ifla_vf_rate rate = {vf, a->min_tx_rate, a->max_tx_rate};
	struct ifla_vf_tx_rate old = {vf, a->max_tx_rate};
	struct ifla_vf_spoofchk check = {vf, spoofchk};
	struct ifla_vf_link_state link = {vf, a->link_state};
	struct ifla_vf_trust trust = {vf, a->trust};
	struct ifla_vf_mac mac = {.vf = vf};

	memcpy(mac.mac, a->mac.b, 6);
	nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(msg, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
	nla_put(msg, IFLA_VF_TX_RATE, sizeof(old), &old);
	nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(check), &check);
	nla_put(msg, IFLA_VF_LINK_STATE, sizeof(link), &link);
	nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(outer), &outer);
	nla_nest_end(msg, list);
	put_stats(msg, vf);
	nla_nest_end(msg, info);
}

static void answer_of_three(struct nl_msg *msg)
{
	struct vf_attrs plain = {.vlan_proto = ETH_P_8021Q};
	struct nlattr *list = begin(msg, 3);

	put_vf(msg, 0, &plain, UINT32_MAX);
	put_vf(msg, 1, &full, 1);
	put_vf(msg, 2, &plain, 0);
	nla_nest_end(msg, list);
}

static void an_answer_is_read_for_the_vf_that_is_asked_for(void **state)
{
	struct nl_msg *msg = *state;
	struct vf_answer a;

	answer_of_three(msg);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 1, &a), 0);
	assert_int_equal(vf_attrs_differ(&a.attrs, &full, VF_ATTR_SETTABLE), 0);
	assert_int_equal(a.has, VF_ATTR_SETTABLE | VF_ATTR_STATS);
	assert_int_equal(a.stats.rx_packets, 1);
	assert_int_equal(a.stats.tx_dropped, 2);
	assert_int_equal(a.stats.rx_bytes, 0);
	assert_true(a.link);
	assert_int_equal(a.n_vfs, 3);
	assert_int_equal(a.n_told, 3);
}

static void what_a_driver_leaves_alone_is_not_told(void **state)
{
	struct nl_msg *msg = *state;
	struct vf_answer a;

	answer_of_three(msg);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 0, &a), 0);
	assert_int_equal(a.has & (VF_ATTR_SPOOFCHK | VF_ATTR_STATS), 0);
	assert_false(a.attrs.spoofchk);
	assert_int_equal(a.has & VF_ATTR_TRUST, VF_ATTR_TRUST);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 2, &a), 0);
	assert_int_equal(a.has & VF_ATTR_SPOOFCHK, VF_ATTR_SPOOFCHK);
}

static void a_vf_that_is_not_there_is_told_from_one_left_out(void **state)
{
	struct nl_msg *msg = *state;
	struct nlattr *list = begin(msg, 3);
	struct vf_answer a;

	put_vf(msg, 0, &full, 1);
	nla_nest_end(msg, list);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 0, &a), 0);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 3, &a), -ENOENT);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 2, &a), -EMSGSIZE);
	assert_int_equal(a.n_vfs, 3);
	assert_int_equal(a.n_told, 1);
}

static void one_answer_is_read_for_all_vfs(void **state)
{
	struct nl_msg *msg = *state;
	struct vf_told told[4];

	answer_of_three(msg);
	assert_int_equal(vf_codec_answer_all(bytes(msg), length(msg), IFINDEX, 4, told), 0);
	assert_true(told[0].told && told[1].told && told[2].told);
	assert_false(told[3].told);
	assert_int_equal(vf_attrs_differ(&told[1].attrs, &full, VF_ATTR_SETTABLE), 0);
	assert_int_equal(told[1].has, VF_ATTR_SETTABLE | VF_ATTR_STATS);
	assert_int_equal(told[1].stats.rx_packets, 1);
	assert_int_equal(told[2].stats.rx_packets, 2);
	assert_int_equal(told[0].has & VF_ATTR_SPOOFCHK, 0);
	/* fewer than there are */
	assert_int_equal(vf_codec_answer_all(bytes(msg), length(msg), IFINDEX, 1, told), 0);
	assert_int_equal(vf_codec_answer_all(bytes(msg), length(msg), IFINDEX + 1, 1, told),
			 -EBADMSG);
}

static void a_vf_that_cannot_be_read_does_not_hide_the_others(void **state)
{
	struct nl_msg *msg = *state;
	struct nlattr *list = begin(msg, 3), *info;
	struct vf_told told[3];

	put_vf(msg, 2, &full, 1);
	info = nla_nest_start(msg, IFLA_VF_INFO);
	nla_put_u32(msg, IFLA_VF_MAC, 1); /* too short */
	nla_nest_end(msg, info);
	put_vf(msg, 0, &full, 1);
	put_vf(msg, UINT32_MAX, &full, 1);
	nla_nest_end(msg, list);
	assert_int_equal(vf_codec_answer_all(bytes(msg), length(msg), IFINDEX, 3, told), 0);
	assert_true(told[0].told && told[2].told);
	assert_false(told[1].told);
}

static void an_answer_about_another_interface_is_none(void **state)
{
	struct nl_msg *msg = *state;
	struct vf_answer a;

	answer_of_three(msg);
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX + 1, 0, &a), -EBADMSG);
	nlmsg_hdr(msg)->nlmsg_type = RTM_DELLINK;
	assert_int_equal(vf_codec_answer(bytes(msg), length(msg), IFINDEX, 0, &a), -EBADMSG);
}

static void an_answer_cut_anywhere_is_refused(void **state)
{
	struct nl_msg *msg = *state;
	size_t len;

	answer_of_three(msg);
	len = length(msg);
	for (size_t n = 0; n < len; n++) {
		/* of exactly that size, so that the sanitizer sees a byte too many */
		_cleanup_(freep) unsigned char *cut = malloc(n + 1);
		struct vf_answer a;

		memcpy(cut, bytes(msg), n);
		assert_int_equal(vf_codec_answer(cut, n, IFINDEX, 1, &a), -EBADMSG);
		assert_int_equal(vf_codec_answer_all(cut, n, IFINDEX, 0, NULL), -EBADMSG);
	}
}

/* Attributes of any length inside a message that is whole. */
static void every_inner_length_may_lie(void **state)
{
	struct nl_msg *msg = *state;
	size_t len;

	answer_of_three(msg);
	len = length(msg);
	for (size_t at = NLMSG_HDRLEN + 16; at < len; at += 4) {
		for (unsigned int lie = 0; lie < 3; lie++) {
			static const uint16_t lies[] = {0, 5, UINT16_MAX};
			_cleanup_(freep) unsigned char *copy = malloc(len);
			struct vf_told told[3];
			struct vf_answer a;
			int r;

			memcpy(copy, bytes(msg), len);
			memcpy(copy + at, &lies[lie], sizeof(lies[lie]));
			r = vf_codec_answer(copy, len, IFINDEX, 1, &a);
			assert_true(r <= 0);
			r = vf_codec_answer_all(copy, len, IFINDEX, 3, told);
			assert_true(r <= 0);
		}
	}
}

/* What the kernel will find in a message of ours. */
static struct nlattr *sent(struct nl_msg *msg, struct nlattr **tb)
{
	struct nlattr *top[IFLA_MAX + 1], *info;

	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_SETLINK);
	assert_int_equal(nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), top, IFLA_MAX, NULL),
			 0);
	assert_non_null(top[IFLA_VFINFO_LIST]);
	info = nla_data(top[IFLA_VFINFO_LIST]);
	assert_int_equal(nla_type(info), IFLA_VF_INFO);
	assert_int_equal(nla_parse_nested(tb, IFLA_VF_MAX, info, NULL), 0);
	return info;
}

static void attributes_of_one_vf_go_into_one_message(void **state)
{
	struct nlattr *tb[IFLA_VF_MAX + 1], *list;
	struct nl_msg *msg = *state;
	struct ifla_vf_vlan_info vlan;
	struct ifla_vf_rate rate;

	assert_int_equal(vf_codec_set(msg, IFINDEX, 5, &full, VF_ATTR_SETTABLE), 0);
	list = sent(msg, tb);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index, IFINDEX);
	assert_memory_equal(((struct ifla_vf_mac *)nla_data(tb[IFLA_VF_MAC]))->mac, full.mac.b, 6);
	memcpy(&rate, nla_data(tb[IFLA_VF_RATE]), sizeof(rate));
	assert_int_equal(rate.vf, 5);
	assert_int_equal(rate.min_tx_rate, 10);
	assert_int_equal(rate.max_tx_rate, 200);
	assert_null(tb[IFLA_VF_VLAN]);
	memcpy(&vlan, nla_data(nla_data(tb[IFLA_VF_VLAN_LIST])), sizeof(vlan));
	assert_int_equal(vlan.vlan, 100);
	assert_int_equal(ntohs(vlan.vlan_proto), ETH_P_8021AD);
	assert_non_null(tb[IFLA_VF_SPOOFCHK]);
	assert_non_null(tb[IFLA_VF_TRUST]);
	assert_non_null(tb[IFLA_VF_LINK_STATE]);
	/* and nothing after it */
	assert_int_equal((char *)list + NLA_ALIGN(list->nla_len) - (char *)nlmsg_hdr(msg),
			 length(msg));
}

static void only_what_is_asked_for_is_sent(void **state)
{
	struct vf_attrs a = full;
	struct nlattr *tb[IFLA_VF_MAX + 1];
	struct nl_msg *msg = *state;
	struct ifla_vf_vlan vlan;

	/* without a VLAN its protocol does not matter, and not every driver takes its name */
	a.vlan = a.vlan_qos = 0;
	assert_int_equal(vf_codec_set(msg, IFINDEX, 2, &a, VF_ATTR_VLAN | VF_ATTR_SPOOFCHK), 0);
	sent(msg, tb);
	assert_null(tb[IFLA_VF_MAC]);
	assert_null(tb[IFLA_VF_RATE]);
	assert_null(tb[IFLA_VF_TRUST]);
	assert_null(tb[IFLA_VF_LINK_STATE]);
	assert_null(tb[IFLA_VF_VLAN_LIST]);
	memcpy(&vlan, nla_data(tb[IFLA_VF_VLAN]), sizeof(vlan));
	assert_int_equal(vlan.vf, 2);
	assert_int_equal(vlan.vlan, 0);
}

static void put_error(struct nl_msg *msg, int error, const char *words, bool capped)
{
	struct nlmsgerr err = {.error = error};

	err.msg.nlmsg_len = capped ? sizeof(err.msg) : sizeof(err.msg) + 8;
	assert_non_null(nlmsg_put(msg, 0, 1, NLMSG_ERROR, 0,
				  (capped ? NLM_F_CAPPED : 0) | (words ? NLM_F_ACK_TLVS : 0)));
	nlmsg_append(msg, &err, sizeof(err), NLMSG_ALIGNTO);
	if (!capped)
		nlmsg_append(msg, (char[8]){0}, 8, NLMSG_ALIGNTO);
	if (words)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, words);
}

static void a_refusal_comes_with_the_kernel_s_words(void **state)
{
	char words[VF_WORDS_MAX];

	for (int capped = 0; capped < 2; capped++) {
		struct nl_msg *msg = nlmsg_alloc();
		int error = 1;

		put_error(msg, -EOPNOTSUPP, "no such \x1b thing", capped);
		assert_int_equal(vf_codec_error(bytes(msg), length(msg), &error, words), 0);
		assert_int_equal(error, -EOPNOTSUPP);
		assert_string_equal(words, "no such ? thing");
		for (size_t n = 0; n < length(msg); n++) {
			_cleanup_(freep) unsigned char *cut = malloc(n + 1);

			memcpy(cut, bytes(msg), n);
			assert_int_equal(vf_codec_error(cut, n, &error, words), -EBADMSG);
		}
		nlmsg_free(msg);
	}
}

static void an_acknowledgement_without_words_is_one(void **state)
{
	struct nl_msg *msg = *state;
	char words[VF_WORDS_MAX];
	int error = 1;

	put_error(msg, 0, NULL, true);
	assert_int_equal(vf_codec_error(bytes(msg), length(msg), &error, words), 0);
	assert_int_equal(error, 0);
	assert_string_equal(words, "");
	((struct nlmsgerr *)nlmsg_data(nlmsg_hdr(msg)))->error = 5;
	assert_int_equal(vf_codec_error(bytes(msg), length(msg), &error, words), -EBADMSG);
}

static void differences_are_those_that_matter(void **state)
{
	struct vf_attrs a = full;

	a.vlan_proto = ETH_P_8021Q;
	a.mac.b[5]++;
	assert_int_equal(vf_attrs_differ(&a, &full, VF_ATTR_SETTABLE),
			 VF_ATTR_VLAN_PROTO | VF_ATTR_MAC);
	assert_int_equal(vf_attrs_differ(&a, &full, VF_ATTR_VLAN), 0);
	a = (struct vf_attrs){.vlan_proto = ETH_P_8021Q};
	assert_int_equal(vf_attrs_differ(&a, &(struct vf_attrs){.vlan_proto = ETH_P_8021AD},
					 VF_ATTR_SETTABLE),
			 0);
}

static void every_attribute_has_a_name(void **state)
{
	char list[VF_ATTR_NAMES_SIZE];

	assert_string_equal(vf_attr_name(VF_ATTR_MAX_TX_RATE), "max_tx_rate");
	assert_string_equal(vf_attr_names(VF_ATTR_MAC | VF_ATTR_TRUST, list), "mac, trust");
	assert_string_equal(vf_attr_names(0, list), "");
	assert_string_equal(vf_attr_names(~0u, list),
			    "mac, vlan, vlan_qos, vlan_proto, spoofchk, trust, min_tx_rate, "
			    "max_tx_rate, link_state, stats");
}

static void what_cannot_be_is_refused_before_it_is_sent(void **state)
{
	static const struct {
		struct vf_attrs a;
		unsigned int which, caps;
		int error;
		const char *text;
	} rows[] = {
		{{.trust = true, .link_state = VF_LINK_DISABLE},
		 VF_ATTR_TRUST | VF_ATTR_LINK_STATE,
		 VF_ATTR_TRUST,
		 -EOPNOTSUPP,
		 "vf p1/0: the PF's driver cannot set link_state"},
		{{.vlan = 4095},
		 VF_ATTR_VLAN,
		 ~0u,
		 -EINVAL,
		 "vf p1/0: vlan 4095 is not in 0..4094"},
		{{.vlan_qos = 8},
		 VF_ATTR_VLAN_QOS,
		 ~0u,
		 -EINVAL,
		 "vf p1/0: vlan_qos 8 is not in 0..7"},
		{{.vlan_proto = 7},
		 VF_ATTR_VLAN_PROTO,
		 ~0u,
		 -EINVAL,
		 "vf p1/0: vlan_proto 0x0007 is neither 802.1q nor 802.1ad"},
		{{.min_tx_rate = 9, .max_tx_rate = 8},
		 VF_ATTR_RATES,
		 ~0u,
		 -EINVAL,
		 "vf p1/0: min_tx_rate 9 is more than max_tx_rate 8"},
		{{.mac = {{1}}}, VF_ATTR_MAC, ~0u, -EINVAL, "vf p1/0: mac is a multicast address"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct op_error e = {.http = 0};

		assert_int_equal(
			vf_rtnl_write(-1, 0, "p1/0", &rows[i].a, rows[i].which, rows[i].caps, &e),
			rows[i].error);
		assert_string_equal(e.text, rows[i].text);
	}
}

static void none_of_what_a_driver_cannot_do_is_nothing_to_do(void **state)
{
	struct vf_attrs none = {.vlan_proto = ETH_P_8021Q};

	assert_int_equal(vf_rtnl_write(-1, 0, "p1/0", &none, VF_ATTR_SETTABLE, 0, NULL), 0);
}

static void the_kernel_tells_of_interfaces_without_vfs(void **state)
{
	struct op_error e = {.http = 0};
	struct vf_attrs a;
	unsigned int caps;
	struct vf_told told[2];
	bool sure;

	assert_int_equal(vf_rtnl_read(LO, 0, &a, NULL, NULL, &e), -ENOENT);
	assert_string_equal(e.text, "vf 0: the PF has 0 VFs");
	assert_int_equal(vf_rtnl_read(0x7ffffff0, 0, &a, NULL, NULL, &e), -ENODEV);
	assert_string_equal(e.text, "the PF's network device 2147483632 is gone");
	assert_int_equal(vf_rtnl_probe(LO, 0, &caps, &sure, &e), -ENOENT);
	assert_int_equal(vf_rtnl_read_all(LO, true, 2, told, &e), 0);
	assert_false(told[0].told || told[1].told);
	assert_int_equal(vf_rtnl_read_all(0x7ffffff0, true, 2, told, &e), -ENODEV);
	assert_string_equal(e.text, "the PF's network device 2147483632 is gone");
}

static void the_kernel_refuses_to_set_vfs_that_are_not_there(void **state)
{
	struct op_error e = {.http = 0};

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(vf_rtnl_write(LO, 3, "p1/3", &full, VF_ATTR_SETTABLE, ~0u, &e), -ENOENT);
	assert_string_equal(e.text, "vf 3: the PF has 0 VFs");
	assert_int_equal(vf_rtnl_write(77, 3, "p1/3", &full, VF_ATTR_MAC, ~0u, &e), -ENODEV);
	assert_string_equal(e.text, "vf p1/3: the PF's network device 77 is gone");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_answer_is_read_for_the_vf_that_is_asked_for),
		CASE(what_a_driver_leaves_alone_is_not_told),
		CASE(a_vf_that_is_not_there_is_told_from_one_left_out),
		CASE(one_answer_is_read_for_all_vfs),
		CASE(a_vf_that_cannot_be_read_does_not_hide_the_others),
		CASE(an_answer_about_another_interface_is_none),
		CASE(an_answer_cut_anywhere_is_refused),
		CASE(every_inner_length_may_lie),
		CASE(attributes_of_one_vf_go_into_one_message),
		CASE(only_what_is_asked_for_is_sent),
		CASE(a_refusal_comes_with_the_kernel_s_words),
		CASE(an_acknowledgement_without_words_is_one),
		CASE(differences_are_those_that_matter),
		CASE(every_attribute_has_a_name),
		CASE(what_cannot_be_is_refused_before_it_is_sent),
		CASE(none_of_what_a_driver_cannot_do_is_nothing_to_do),
		CASE(the_kernel_tells_of_interfaces_without_vfs),
		CASE(the_kernel_refuses_to_set_vfs_that_are_not_there),
	};

	return cmocka_run_group_tests_name("vf_rtnl", tests, NULL, NULL);
}

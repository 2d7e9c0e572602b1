/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if_ether.h>
#include <sriovd/attrs.h>
#include <sriovd/pf_driver.h>
#include <string.h>
#include <support/test.h>

static const struct row_net blue = {.name = "blue",
				    .mac = {{2, 0, 0, 0, 0, 1}},
				    .vlan = 10,
				    .vlan_proto = ETH_P_8021Q,
				    .spoofchk = true};

static void what_a_net_wants_is_what_is_not_the_default(void **state)
{
	struct row_net net = blue;
	struct vf_attrs a;

	attrs_of_net(&net, &a);
	assert_int_equal(attrs_wanted(&a), VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_SPOOFCHK);
	net.vlan = 0;
	net.spoofchk = false;
	net.trust = true;
	net.min_tx_rate = 1;
	net.max_tx_rate = 2;
	net.link_state = VF_LINK_DISABLE;
	attrs_of_net(&net, &a);
	assert_int_equal(attrs_wanted(&a), VF_ATTR_MAC | VF_ATTR_TRUST | VF_ATTR_MIN_TX_RATE |
						   VF_ATTR_MAX_TX_RATE | VF_ATTR_LINK_STATE);
}

static void differences_are_found_one_by_one(void **state)
{
	struct vf_attrs a, b;

	attrs_of_net(&blue, &a);
	b = a;
	assert_int_equal(attrs_differ(&a, &b, ATTRS_SETTABLE), 0);
	b.mac.b[5] = 9;
	assert_int_equal(attrs_differ(&a, &b, ATTRS_SETTABLE), VF_ATTR_MAC);
	b.trust = true;
	assert_int_equal(attrs_differ(&a, &b, VF_ATTR_TRUST | VF_ATTR_VLAN), VF_ATTR_TRUST);
	b = a;
	b.vlan_proto = ETH_P_8021AD;
	assert_int_equal(attrs_differ(&a, &b, ATTRS_SETTABLE), VF_ATTR_VLAN_PROTO);
	a.vlan = b.vlan = 0; /* no VLAN has no protocol */
	assert_int_equal(attrs_differ(&a, &b, ATTRS_SETTABLE), 0);
}

static void what_a_pf_cannot_do_is_refused_by_name(void **state)
{
	struct op_error e = {};
	struct row_net net = blue;

	assert_int_equal(attrs_allowed(&net, DRIVER_CAPS, "p0", &e), 0);
	net.max_tx_rate = 100;
	assert_int_equal(attrs_allowed(&net, DRIVER_CAPS, "p0", &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "net blue wants max_tx_rate, which pf p0 cannot do");
	assert_int_equal(attrs_allowed(&net, 0, "p0", &e), 0); /* not known yet */
	net = blue;
	assert_int_equal(attrs_allowed(&net, VF_ATTR_MAC | VF_ATTR_VLAN, "p0", &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "spoofchk"));
}

static void names_of_values_are_those_of_the_api(void **state)
{
	enum vf_link link;
	uint16_t proto;

	assert_int_equal(attrs_link_parse("disable", &link), 0);
	assert_int_equal(link, VF_LINK_DISABLE);
	assert_string_equal(attrs_link_name(link), "disable");
	assert_int_equal(attrs_link_parse("up", &link), -EINVAL);
	assert_int_equal(attrs_proto_parse("802.1ad", &proto), 0);
	assert_string_equal(attrs_proto_name(proto), "802.1ad");
	assert_int_equal(attrs_proto_parse("0x88a8", &proto), -EINVAL);
}

static void vf_of_our_driver_is_decoded(void **state)
{
	static const char good[] =
		"{\"vf\":1,\"mac\":\"02:00:00:00:00:01\",\"vlan\":10,\"vlan_qos\":3,"
		"\"spoofchk\":true,\"link_state\":\"disable\",\"trust\":true,\"rx_packets\":7}";
	static const char *const bad[] = {
		"{}",
		"{\"mac\":\"x\",\"vlan\":1,\"vlan_qos\":0,\"spoofchk\":true,"
		"\"link_state\":\"auto\",\"trust\":false}",
		"{\"mac\":\"02:00:00:00:00:01\",\"vlan\":4095,\"vlan_qos\":0,\"spoofchk\":true,"
		"\"link_state\":\"auto\",\"trust\":false}",
		"{\"mac\":\"02:00:00:00:00:01\",\"vlan\":1,\"vlan_qos\":0,\"spoofchk\":true,"
		"\"link_state\":\"on\",\"trust\":false}",
	};
	struct vf_now now;
	json_t *vf = json_loads(good, 0, NULL);

	assert_int_equal(pf_driver_decode(vf, &now), 0);
	json_decref(vf);
	assert_int_equal(now.attrs.mac.b[5], 1);
	assert_int_equal(now.attrs.vlan, 10);
	assert_int_equal(now.attrs.vlan_qos, 3);
	assert_int_equal(now.attrs.link_state, VF_LINK_DISABLE);
	assert_true(now.attrs.trust);
	assert_int_equal(now.stats.rx_packets, 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		vf = json_loads(bad[i], 0, NULL);
		assert_int_equal(pf_driver_decode(vf, &now), -EBADMSG);
		json_decref(vf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_net_wants_is_what_is_not_the_default),
		cmocka_unit_test(differences_are_found_one_by_one),
		cmocka_unit_test(what_a_pf_cannot_do_is_refused_by_name),
		cmocka_unit_test(names_of_values_are_those_of_the_api),
		cmocka_unit_test(vf_of_our_driver_is_decoded),
	};

	return cmocka_run_group_tests_name("attrs", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In what order VF attributes are set and probed, on models of drivers that are not at hand: the
 * exchange with the kernel is this file's own, everything above it is real.
 */
#include <support/test.h>
#include <lib/clock.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include "vf_rtnl_internal.h"

#define ALL VF_ATTR_SETTABLE

struct driver {
	struct vf_attrs now;
	unsigned int can;     /* all else is not supported */
	unsigned int sticks;  /* can be set, and cannot be changed back */
	unsigned int ignores; /* taken without effect */
	bool link;	      /* without one it refuses rates, as igb does */
	bool strict;	  /* a zero MAC only without spoof checking, and checking only with one */
	bool no_zero_mac; /* as a value */
	unsigned int late_gets; /* how often the former MAC is still shown */
	int fails;		/* every message with this errno */
	struct mac shown;
	char log[512]; /* a word a message: its attributes' initials */
};

static struct driver d;

int vf_rtnl_open(struct vf_rtnl *rt, int ifindex, unsigned int vf)
{
	*rt = (struct vf_rtnl){.ifindex = ifindex, .vf = vf};
	return 0;
}

void vf_rtnl_close(struct vf_rtnl *rt)
{
}

int vf_rtnl_get_all(struct vf_rtnl *rt, bool stats, unsigned int n, struct vf_told *ret)
{
	return -ENOSYS;
}

int vf_rtnl_get(struct vf_rtnl *rt, bool stats, struct vf_answer *ret)
{
	*ret = (struct vf_answer){.attrs = d.now, .has = ALL, .link = d.link, .n_vfs = 1};
	if (d.late_gets) {
		d.late_gets--;
		ret->attrs.mac = d.shown;
	}
	return 0;
}

static bool is_zero(const struct mac *mac)
{
	return mac_equal(mac, &(struct mac){{0}});
}

static int set_mac(const struct vf_attrs *want)
{
	if (!(d.can & VF_ATTR_MAC))
		return -EOPNOTSUPP;
	if (is_zero(&want->mac) && d.no_zero_mac)
		return -EINVAL;
	if (is_zero(&want->mac) && d.strict && d.now.spoofchk)
		return -EBUSY;
	d.now.mac = want->mac;
	return 0;
}

static int set_vlan(const struct vf_attrs *want)
{
	bool ad = want->vlan_proto == ETH_P_8021AD && (want->vlan || want->vlan_qos);

	if (!(d.can & VF_ATTR_VLAN))
		return -EOPNOTSUPP;
	if (ad && !(d.can & VF_ATTR_VLAN_PROTO))
		return -EPROTONOSUPPORT;
	if (want->vlan_qos && !(d.can & VF_ATTR_VLAN_QOS))
		return -EINVAL;
	d.now.vlan = want->vlan;
	d.now.vlan_qos = want->vlan_qos;
	d.now.vlan_proto = want->vlan_proto;
	return 0;
}

static int set_rates(const struct vf_attrs *want)
{
	if (!(d.can & VF_ATTR_RATES))
		return -EOPNOTSUPP;
	if (!d.link || (want->min_tx_rate && !(d.can & VF_ATTR_MIN_TX_RATE)))
		return -EINVAL;
	d.now.min_tx_rate = want->min_tx_rate;
	d.now.max_tx_rate = want->max_tx_rate;
	return 0;
}

static int set_spoofchk(const struct vf_attrs *want)
{
	if (!(d.can & VF_ATTR_SPOOFCHK))
		return -EOPNOTSUPP;
	if (want->spoofchk && d.strict && is_zero(&d.now.mac))
		return -EBUSY;
	d.now.spoofchk = want->spoofchk;
	return 0;
}

static int set_switches(const struct vf_attrs *want, unsigned int which)
{
	if (which & ~d.can)
		return -EOPNOTSUPP;
	if (which & VF_ATTR_LINK_STATE)
		d.now.link_state = want->link_state;
	if (which & VF_ATTR_TRUST && !(d.sticks & VF_ATTR_TRUST && d.now.trust) &&
	    !(d.ignores & VF_ATTR_TRUST))
		d.now.trust = want->trust;
	return 0;
}

/* As the kernel does: in its own order, and no further than the first that is refused. */
int vf_rtnl_set(struct vf_rtnl *rt, const struct vf_attrs *want, unsigned int which)
{
	static const char initials[] = "mvqpstnxl";
	size_t n = strlen(d.log);
	int r = d.fails;

	for (unsigned int i = 0; initials[i] && n + 2 < sizeof(d.log); i++)
		if (which & 1u << i)
			d.log[n++] = initials[i];
	d.log[n++] = ' ';
	d.log[n] = '\0';
	d.shown = d.now.mac;
	if (r >= 0 && which & VF_ATTR_MAC)
		r = set_mac(want);
	if (r >= 0 && which & VF_ATTR_VLANS)
		r = set_vlan(want);
	if (r >= 0 && which & VF_ATTR_RATES)
		r = set_rates(want);
	if (r >= 0 && which & VF_ATTR_SPOOFCHK)
		r = set_spoofchk(want);
	if (r >= 0 && which & VF_ATTR_LINK_STATE)
		r = set_switches(want, VF_ATTR_LINK_STATE);
	if (r >= 0 && which & VF_ATTR_TRUST)
		r = set_switches(want, VF_ATTR_TRUST);
	return r;
}

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
static const struct vf_attrs none = {.vlan_proto = ETH_P_8021Q};

static int setup(void **state)
{
	d = (struct driver){.now = none, .can = ALL, .link = true, .strict = true};
	return 0;
}

static int set(const struct vf_attrs *want, unsigned int which, struct op_error *e)
{
	*e = (struct op_error){.http = 0};
	d.log[0] = '\0';
	return vf_rtnl_write(7, 0, "p1/0", want, which, ALL, e);
}

static void there_and_back_needs_as_few_messages_as_there_can_be(void **state)
{
	struct op_error e;

	assert_int_equal(set(&full, ALL, &e), 0);
	assert_string_equal(d.log, "mvqpstnxl ");
	assert_int_equal(vf_attrs_differ(&d.now, &full, ALL), 0);
	/* a MAC goes after the check of it */
	assert_int_equal(set(&none, ALL, &e), 0);
	assert_string_equal(d.log, "s mvqptnxl ");
	assert_int_equal(vf_attrs_differ(&d.now, &none, ALL), 0);
}

static void one_that_is_refused_is_found_and_named(void **state)
{
	struct op_error e;

	d.can &= ~(unsigned int)VF_ATTR_LINK_STATE;
	assert_int_equal(set(&full, ALL, &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "vf p1/0: link_state: Operation not supported");
	assert_string_equal(d.log, "mvqpstnxl m vqp nx tl l ");
	d.now = none;
	d.can = ALL & ~(unsigned int)VF_ATTR_VLAN_PROTO;
	assert_int_equal(set(&full, ALL, &e), -EPROTONOSUPPORT);
	assert_string_equal(e.text, "vf p1/0: vlan_proto: Protocol not supported");
	d.can = ALL & ~(unsigned int)VF_ATTR_MIN_TX_RATE;
	assert_int_equal(set(&full, VF_ATTR_RATES, &e), -EINVAL);
	assert_string_equal(e.text, "vf p1/0: min_tx_rate: Invalid argument");
}

static void a_value_that_is_there_may_be_refused(void **state)
{
	struct vf_attrs want = none;
	struct op_error e;

	d.link = false;
	want.trust = true;
	assert_int_equal(set(&want, VF_ATTR_RATES | VF_ATTR_TRUST, &e), 0);
	assert_true(d.now.trust);
	want.max_tx_rate = 10;
	assert_int_equal(set(&want, VF_ATTR_RATES | VF_ATTR_TRUST, &e), -EINVAL);
	assert_string_equal(e.text, "vf p1/0: max_tx_rate: Invalid argument (the PF has no link)");
}

static void what_nobody_asked_to_change_stays(void **state)
{
	struct vf_attrs want = {.vlan = 5, .max_tx_rate = 300};
	struct op_error e;

	d.now = full;
	assert_int_equal(set(&want, VF_ATTR_VLAN | VF_ATTR_MAX_TX_RATE, &e), 0);
	assert_int_equal(d.now.vlan, 5);
	assert_int_equal(d.now.vlan_qos, full.vlan_qos);
	assert_int_equal(d.now.vlan_proto, full.vlan_proto);
	assert_int_equal(d.now.min_tx_rate, full.min_tx_rate);
	assert_int_equal(d.now.max_tx_rate, 300);
}

static void a_mac_may_come_late(void **state)
{
	struct op_error e;

	d.late_gets = 3;
	assert_int_equal(set(&full, ALL, &e), 0);
	assert_int_equal(d.late_gets, 0);
}

static void a_mac_that_never_comes_is_an_error_in_the_end(void **state)
{
	uint64_t began = clock_us();
	struct op_error e;

	d.late_gets = 1000;
	assert_int_equal(set(&full, VF_ATTR_MAC, &e), -EIO);
	assert_string_equal(
		e.text, "vf p1/0: mac reads back as 00:00:00:00:00:00, not as 02:00:00:00:00:10");
	assert_in_range(clock_us() - began, 1900000, 10000000);
}

static void what_reads_back_otherwise_is_an_error(void **state)
{
	struct op_error e;

	d.ignores = VF_ATTR_TRUST;
	assert_int_equal(set(&full, ALL, &e), -EIO);
	assert_string_equal(e.text, "vf p1/0: trust reads back as off, not as on");
}

static void a_device_that_is_gone_is_not_asked_again(void **state)
{
	struct op_error e;

	d.fails = -ENODEV;
	assert_int_equal(set(&full, ALL, &e), -ENODEV);
	assert_string_equal(e.text, "vf p1/0: the PF's network device 7 is gone");
	assert_string_equal(d.log, "mvqpstnxl ");
	assert_int_equal(e.http, HTTP_MISSING);
}

/* Of all, what a driver that can do this may have been set to. */
static struct vf_attrs within(unsigned int can)
{
	struct vf_attrs a = none;

	if (can & VF_ATTR_MAC)
		a.mac = full.mac;
	a.vlan = can & VF_ATTR_VLAN ? full.vlan : 0;
	a.vlan_qos = can & VF_ATTR_VLAN_QOS ? full.vlan_qos : 0;
	a.vlan_proto = can & VF_ATTR_VLAN_PROTO ? full.vlan_proto : ETH_P_8021Q;
	a.spoofchk = can & VF_ATTR_SPOOFCHK;
	a.trust = can & VF_ATTR_TRUST;
	a.min_tx_rate = can & VF_ATTR_MIN_TX_RATE ? full.min_tx_rate : 0;
	a.max_tx_rate = can & VF_ATTR_MAX_TX_RATE ? full.max_tx_rate : 0;
	a.link_state = can & VF_ATTR_LINK_STATE ? VF_LINK_DISABLE : VF_LINK_AUTO;
	return a;
}

static void probing_finds_what_a_driver_does_and_leaves_no_trace(void **state)
{
	static const unsigned int cans[] = {
		ALL,
		0,
		VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_VLAN_QOS | VF_ATTR_SPOOFCHK | VF_ATTR_TRUST |
			VF_ATTR_MAX_TX_RATE,
		VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_LINK_STATE,
		VF_ATTR_RATES | VF_ATTR_VLANS,
	};

	for (size_t i = 0; i < sizeof(cans) / sizeof(cans[0]); i++) {
		for (unsigned int was = 0; was < 2; was++) {
			struct vf_attrs before = within(was ? cans[i] : 0);
			struct op_error e;
			unsigned int caps;
			bool sure;

			/* spoof checking is only there with a MAC */
			d = (struct driver){.now = before, .can = cans[i], .link = true};
			assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, &e), 0);
			assert_int_equal(caps, cans[i]);
			assert_true(sure);
			assert_int_equal(vf_attrs_differ(&d.now, &before, ALL), 0);
		}
	}
}

static void probing_without_a_link_believes_in_rates_and_says_so(void **state)
{
	unsigned int caps;
	bool sure;

	d.link = false;
	d.strict = false;
	assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, NULL), 0);
	assert_int_equal(caps, ALL);
	assert_false(sure);
	d.can &= ~(unsigned int)VF_ATTR_RATES;
	assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, NULL), 0);
	assert_int_equal(caps, ALL & ~(unsigned int)VF_ATTR_RATES);
	assert_true(sure);
}

static void a_driver_that_takes_no_zero_mac_takes_others(void **state)
{
	unsigned int caps;
	bool sure;

	d.no_zero_mac = true;
	d.strict = false;
	assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, NULL), 0);
	assert_int_equal(caps, ALL);
}

static void probing_says_what_did_not_come_back(void **state)
{
	struct op_error e = {.http = 0};
	unsigned int caps;
	bool sure;

	d.sticks = VF_ATTR_TRUST;
	d.strict = false;
	assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, &e), -EIO);
	assert_string_equal(e.text, "vf 0: after probing, trust did not come back");
}

static void probing_a_device_that_is_gone_fails(void **state)
{
	struct op_error e = {.http = 0};
	unsigned int caps;
	bool sure;

	d.fails = -ENODEV;
	assert_int_equal(vf_rtnl_probe(7, 0, &caps, &sure, &e), -ENODEV);
	assert_string_equal(e.text, "vf 0: probing its attributes: No such device");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(there_and_back_needs_as_few_messages_as_there_can_be),
		CASE(one_that_is_refused_is_found_and_named),
		CASE(a_value_that_is_there_may_be_refused),
		CASE(what_nobody_asked_to_change_stays),
		CASE(a_mac_may_come_late),
		CASE(a_mac_that_never_comes_is_an_error_in_the_end),
		CASE(what_reads_back_otherwise_is_an_error),
		CASE(a_device_that_is_gone_is_not_asked_again),
		CASE(probing_finds_what_a_driver_does_and_leaves_no_trace),
		CASE(probing_without_a_link_believes_in_rates_and_says_so),
		CASE(a_driver_that_takes_no_zero_mac_takes_others),
		CASE(probing_says_what_did_not_come_back),
		CASE(probing_a_device_that_is_gone_fails),
	};

	return cmocka_run_group_tests_name("vf_order", tests, NULL, NULL);
}

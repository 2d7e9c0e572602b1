/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made of the facts about an attached net. */
#include <support/test.h>
#include <string.h>
#include <sriovd/verify.h>

static struct verify_facts fit(enum verify_how how)
{
	struct verify_facts f = {
		.how = how,
		.net = "blue",
		.back_end = "soft-nic p0",
		.address = "0000:01:10.0",
		.driver = "vfio-pci",
		.group = 9,
		.remapping = 1,
		.device_known = true,
		.msix_known = true,
		.msix_enabled = true,
		.vectors = 3,
		.unmasked = 3,
		.direct = 3,
		.want = {.mac = {{2, 0, 0, 0, 0, 1}}, .vlan = 5, .vlan_qos = 3, .spoofchk = true},
		.has = VF_ATTR_MAC | VF_ATTR_VLAN | VF_ATTR_VLAN_QOS | VF_ATTR_SPOOFCHK |
		       VF_ATTR_MAX_TX_RATE | VF_ATTR_STATS,
		.guest_known = true,
		.guest_state = "up",
		.guest_mac = "02:00:00:00:00:01",
		.port_known = true,
		.port_connected = true,
		.fdb_port = "blue",
		.window_ms = 1000,
		.traffic_known = true,
		.packets = 1000000,
		.traps = 3,
	};

	f.now = f.want;
	return f;
}

static void all_good(const struct verify_facts *f)
{
	json_auto_t *checks = NULL;
	const json_t *check;
	bool ok = false;
	size_t i;

	checks = verify_judge(f, &ok);
	assert_true(ok);
	json_array_foreach (checks, i, check)
		if (strcmp(json_string_value(json_object_get(check, "state")), "good") != 0)
			fail_msg("%s", json_string_value(json_object_get(check, "text")));
	assert_true(json_array_size(checks) >= 5);
}

/* Of a VF it must be known how it is handed over and who it is. */
static bool spoils(const struct verify_facts *f, const char *name, const char *state)
{
	static const char *const must[] = {"binding", "isolation", "interrupt-remapping",
					   "identity"};

	if (strcmp(state, "bad") == 0)
		return true;
	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (strcmp(must[i], name) == 0)
			return f->how != VERIFY_VIRTIO && strcmp(state, "good") != 0;
	return f->how != VERIFY_VIRTIO && !f->has; /* so identity is not known either */
}

static void says(const struct verify_facts *f, const char *name, const char *state,
		 const char *words)
{
	json_auto_t *checks = NULL;
	const json_t *check;
	bool ok = false;
	size_t i;

	checks = verify_judge(f, &ok);
	json_array_foreach (checks, i, check) {
		const char *text = json_string_value(json_object_get(check, "text"));

		if (strcmp(json_string_value(json_object_get(check, "name")), name) != 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(check, "state")), state);
		if (!strstr(text, words))
			fail_msg("%s: \"%s\" does not say \"%s\"", name, text, words);
		assert_true(ok == !spoils(f, name, state));
		return;
	}
	fail_msg("no check %s", name);
}

static void a_fit_net_is_good_on_every_path(void **state)
{
	struct verify_facts f = fit(VERIFY_SOFT);

	all_good(&f);
	f = fit(VERIFY_HOST);
	all_good(&f);
	f = fit(VERIFY_VIRTIO);
	all_good(&f);
}

static void a_vf_of_the_host_must_be_bound_alone_and_remapped(void **state)
{
	struct verify_facts f = fit(VERIFY_HOST);

	strcpy(f.driver, "igbvf");
	says(&f, "binding", "bad", "bound to igbvf, not to vfio-pci");
	f.address[0] = '\0';
	says(&f, "binding", "bad", "is not there");
	f = fit(VERIFY_HOST);
	strcpy(f.others, "0000:01:00.0");
	says(&f, "isolation", "bad", "group 9 is shared with 0000:01:00.0");
	f.group = -1;
	says(&f, "isolation", "bad", "no IOMMU group");
	f = fit(VERIFY_HOST);
	f.remapping = 0;
	says(&f, "interrupt-remapping", "bad", "off");
	f.remapping = -ENODATA;
	says(&f, "interrupt-remapping", "unknown", "does not tell");
	f.unsafe = true;
	says(&f, "interrupt-remapping", "bad", "allow_unsafe_interrupts");
}

static void every_attribute_that_differs_is_named_with_both_values(void **state)
{
	struct verify_facts f = fit(VERIFY_SOFT);

	f.now.mac.b[5] = 9;
	f.now.max_tx_rate = 100;
	says(&f, "identity", "bad", "mac is 02:00:00:00:00:09, not 02:00:00:00:00:01");
	says(&f, "identity", "bad", "max_tx_rate is 100, not 0");
	f = fit(VERIFY_SOFT);
	f.now.trust = true; /* nobody says so */
	says(&f, "identity", "good", "mac, vlan, vlan_qos, spoofchk, max_tx_rate");
	f.has = 0;
	strcpy(f.vf_reason, "pf p0 is lost");
	says(&f, "identity", "unknown", "pf p0 is lost");
	says(&f, "anti-spoof", "unknown", "");
	f = fit(VERIFY_SOFT);
	f.want.spoofchk = f.now.spoofchk = false;
	says(&f, "anti-spoof", "good", "off, as the net was created");
}

static void what_was_promised_and_is_not_told_is_not_good(void **state)
{
	struct verify_facts f = fit(VERIFY_HOST);

	f.want.trust = f.now.trust = true;
	f.want.min_tx_rate = 10;
	says(&f, "identity", "unknown", "does not say what trust, min_tx_rate is");
	f.now.vlan = 6;
	says(&f, "identity", "bad", "vlan is 6, not 5");
}

static void interrupts_must_not_pass_through_the_vmm(void **state)
{
	struct verify_facts f = fit(VERIFY_HOST);

	f.unmasked = 2;
	f.direct = 2;
	says(&f, "msix", "good", "all 2 vectors that the guest has unmasked (it has 3)");
	f.direct = 1;
	says(&f, "msix", "bad", "of 2 vectors that the guest has unmasked (it has 3) only 1");
	f.trapped = true;
	says(&f, "msix", "unknown", "only 1");
	f.trapped = false;
	f.unmasked = f.direct = 0;
	says(&f, "msix", "unknown", "unmasked none of 3");
	f.msix_enabled = false;
	says(&f, "msix", "unknown", "polls");
	f.device_known = false;
	says(&f, "msix", "unknown", "does not say");
}

static void the_guest_must_be_up_with_the_mac(void **state)
{
	struct verify_facts f = fit(VERIFY_SOFT);

	strcpy(f.guest_mac, "02:00:00:00:00:07");
	says(&f, "guest", "bad", "02:00:00:00:00:07, not 02:00:00:00:00:01");
	strcpy(f.guest_state, "\033down");
	says(&f, "guest", "bad", "is ?down");
	f.guest_state[0] = '\0';
	says(&f, "guest", "bad", "no such interface");
	f.guest_known = false;
	says(&f, "guest", "unknown", "does not say");
}

static void traps_are_counted_against_packets(void **state)
{
	struct verify_facts f = fit(VERIFY_SOFT);

	f.traps = 1001;
	says(&f, "traps", "bad", "1001 in 1000000 packets");
	f.traps = 1000;
	says(&f, "traps", "good", "0.001000 a packet");
	f.by_guest = true;
	says(&f, "traps", "good", "as the guest counts them");
	f.packets = 100;
	f.traps = 2;
	says(&f, "traps", "unknown", "only 100 packets");
	f.traps = 200;
	says(&f, "traps", "bad", "2.000000 a packet");
	f.packets = 0;
	says(&f, "traps", "unknown", "no packets moved in 1.0 s");
	f.traffic_known = false;
	says(&f, "traps", "unknown", "cannot be read");
}

static void a_bridge_must_see_the_mac_at_this_port(void **state)
{
	struct verify_facts f = fit(VERIFY_VIRTIO);

	strcpy(f.fdb_port, "uplink");
	says(&f, "identity", "bad", "last at port uplink");
	f.fdb_port[0] = '\0';
	says(&f, "identity", "unknown", "has seen no frame");
	f.port_connected = false;
	says(&f, "binding", "bad", "no connection");
	f.port_known = false;
	says(&f, "binding", "unknown", "does not say");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fit_net_is_good_on_every_path),
		cmocka_unit_test(a_vf_of_the_host_must_be_bound_alone_and_remapped),
		cmocka_unit_test(every_attribute_that_differs_is_named_with_both_values),
		cmocka_unit_test(what_was_promised_and_is_not_told_is_not_good),
		cmocka_unit_test(interrupts_must_not_pass_through_the_vmm),
		cmocka_unit_test(the_guest_must_be_up_with_the_mac),
		cmocka_unit_test(traps_are_counted_against_packets),
		cmocka_unit_test(a_bridge_must_see_the_mac_at_this_port),
	};

	return cmocka_run_group_tests_name("sriovd_verify", tests, NULL, NULL);
}

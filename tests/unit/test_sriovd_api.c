/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/ctl.h>
#include <lib/log.h>
#include <sriovd/reconcile.h>
#include <string.h>
#include <support/sriovd_rig.h>
#include <support/test.h>

static struct sriovd d;

static int setup(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	return sriovd_rig_open(&d);
}

static int teardown(void **state)
{
	sriovd_rig_close(&d);
	return 0;
}

static json_t *call(const char *method, const char *path, const char *body, int want)
{
	int status = 0;
	json_t *answer;

	answer = sriovd_rig_call(&d, method, path, body, body ? strlen(body) : 0, &status);
	assert_non_null(answer);
	if (status != want) {
		char *text = json_dumps(answer, 0);

		fail_msg("%s %s %s: %d, not %d: %s", method, path, body ?: "", status, want, text);
	}
	return answer;
}

static void ok(const char *method, const char *path, const char *body, int want)
{
	json_decref(call(method, path, body, want));
}

static void refused(const char *method, const char *path, const char *body, int want,
		    const char *code, const char *word)
{
	_cleanup_(json_decrefp) json_t *answer = call(method, path, body, want);
	const char *said = NULL, *text = NULL;

	assert_int_equal(
		json_unpack(answer, "{s:{s:s, s:s !} !}", "error", "code", &said, "message", &text),
		0);
	assert_string_equal(said, code);
	if (!strstr(text, word))
		fail_msg("%s %s: \"%s\" does not say %s", method, path, text, word);
}

static void unknown_calls_and_objects_are_told_apart(void **state)
{
	refused("GET", "/", NULL, 404, "ENOENT", "no such call");
	refused("GET", "/v1/pfs/", NULL, 404, "ENOENT", "no such call");
	refused("GET", "/v1/pfs/p0/", NULL, 404, "ENOENT", "no such call");
	refused("PUT", "/v1/pfs/p0", NULL, 405, "EOPNOTSUPP", "PUT");
	refused("GET", "/v1/pfs/p1", NULL, 404, "ENOENT", "no pf p1");
	refused("GET", "/v1/pfs/p0/vfs/4", NULL, 404, "ENOENT", "p0/4");
	refused("GET", "/v1/pfs/p0/vfs/+1", NULL, 404, "ENOENT", "p0/+1");
	refused("GET", "/v1/nets/blue", NULL, 404, "ENOENT", "no net blue");
	refused("GET", "/v1/vms/vm2", NULL, 404, "ENOENT", "no vm vm2");
	refused("GET", "/v1/status", "{}", 400, "EINVAL", "no body");
	ok("GET", "/v1/status", NULL, 200);
	ok("GET", "/v1/vfs", NULL, 200);
	ok("GET", "/v1/pfs/p0/vfs/3", NULL, 200);
}

static void readers_may_not_write(void **state)
{
	struct api_request rq = {.method = "POST",
				 .path = "/v1/nets",
				 .rights = API_READ,
				 .body = "{\"name\":\"blue\"}",
				 .body_len = 15};
	bool end = false;
	int status = 0;

	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 403);
	rq.method = "GET";
	rq.body_len = 0;
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 200);
	rq.rights = API_NONE;
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 403);
}

static void unknown_query_keys_are_refused(void **state)
{
	struct api_request rq = {.method = "GET",
				 .path = "/v1/vfs",
				 .rights = API_READ,
				 .query = {{"pf", "p0"}},
				 .n_query = 1};
	bool end = false;
	int status = 0;

	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 200);
	rq.query[0].key = "fp";
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 400);
	rq.query[0] = (struct api_query){"pf", NULL};
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 400);
	rq.query[0].value = "p9";
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 404);
}

static void values_that_contradict_each_other_are_refused(void **state)
{
	_cleanup_(json_decrefp) json_t *net = NULL;

	refused("POST", "/v1/nets", "{\"name\":\"x\",\"vlan_qos\":3}", 400, "EINVAL", "vlan_qos");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"vlan_proto\":\"802.1ad\"}", 400, "EINVAL",
		"needs a vlan");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"vlan_proto\":\"qinq\"}", 400, "EINVAL",
		"802.1q or 802.1ad");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"link_state\":\"up\"}", 400, "EINVAL",
		"auto, enable or disable");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"min_tx_rate\":9,\"max_tx_rate\":8}", 400,
		"EINVAL", "above max_tx_rate");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"max_tx_rate\":-1}", 400, "ERANGE",
		"max_tx_rate");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"rate\":1}", 400, "EINVAL", "unknown key");
	d.pfs->caps = VF_ATTR_MAC | VF_ATTR_SPOOFCHK | VF_ATTR_TRUST;
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"pf\":\"p0\",\"max_tx_rate\":8}", 409,
		"EOPNOTSUPP", "max_tx_rate, which pf p0 cannot do");
	net = call("POST", "/v1/nets",
		   "{\"name\":\"x\",\"pf\":\"p0\",\"trust\":true,\"link_state\":\"auto\"}", 201);
	assert_true(json_is_true(json_object_get(net, "trust")));
	assert_string_equal(json_string_value(json_object_get(net, "vlan_proto")), "802.1q");
}

static void events_are_kept_and_told_by_number(void **state)
{
	struct api_request rq = {.method = "GET",
				 .path = "/v1/events",
				 .rights = API_READ,
				 .query = {{"after", "298"}},
				 .n_query = 1};
	_cleanup_(json_decrefp) json_t *none = NULL;
	_cleanup_(json_decrefp) json_t *all = NULL;
	_cleanup_(json_decrefp) json_t *late = NULL;
	bool end = false;
	int status = 0;

	none = call("GET", "/v1/events", NULL, 200);
	assert_int_equal(json_integer_value(json_object_get(none, "last")), 0);
	for (int i = 1; i <= 300; i++)
		event_add(&d, "pf p0", "link", "%d", i);
	all = call("GET", "/v1/events", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(all, "events")), EVENTS_MAX);
	assert_int_equal(json_integer_value(json_object_get(all, "first")), 300 - EVENTS_MAX + 1);
	late = api_handle(&d, &rq, &status, &end);
	assert_int_equal(json_array_size(json_object_get(late, "events")), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(late, "events"), 0), "text")),
			    "299");
	rq.query[0].value = "-1";
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 400);
	rq.query[0].value = "9999999999999999999999";
	json_decref(api_handle(&d, &rq, &status, &end));
	assert_int_equal(status, 400);
}

static void ways_that_make_no_sense_are_refused_by_name(void **state)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"{\"vm\":\"vm1\",\"backend\":\"tap\",\"bridge\":\"br7\"}",
		 "path vf has no backend"},
		{"{\"vm\":\"vm1\",\"path\":\"virtio\",\"backend\":\"tap\"}", "needs the bridge"},
		{"{\"vm\":\"vm1\",\"path\":\"virtio\",\"bridge\":\"br7\"}", "for backend tap"},
		{"{\"vm\":\"vm1\",\"path\":\"virtio\",\"backend\":\"tap\",\"bridge\":\"../x\"}",
		 "network device"},
		{"{\"vm\":\"vm1\",\"path\":\"emulated\",\"backend\":\"tap\",\"bridge\":\"b\","
		 "\"queues\":2}",
		 "queues are for"},
		{"{\"vm\":\"vm1\",\"path\":\"virtio\",\"backend\":\"nic\"}", "for path emulated"},
		{"{\"vm\":\"vm1\",\"path\":\"virtio\",\"queues\":5}", "from 1 to 4"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused("POST", "/v1/nets/blue/attach", cases[i].body, 400,
			i == 6 ? "ERANGE" : "EINVAL", cases[i].words);
}

static void failed_attach_leaves_nothing_but_a_quarantined_vf(void **state)
{
	_cleanup_(json_decrefp) json_t *status = NULL;

	ok("POST", "/v1/nets", "{\"name\":\"blue\"}", 201);
	refused("POST", "/v1/nets/blue/attach", "{\"vm\":\"vm1\"}", 502, "ENOTCONN", "sriov-pf p0");
	assert_int_equal(net_find(&d, "blue")->state, NET_DETACHED);
	assert_null(net_find(&d, "blue")->vm);
	assert_int_equal(d.pfs->vf[0].state, VF_QUARANTINED);
	assert_null(d.pfs->vf[0].net);
	assert_true(d.pfs->vf[0].reason[0]);
	status = call("GET", "/v1/status", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(status, "problems")), 1);
	ok("DELETE", "/v1/nets/blue", NULL, 200);
}

static void failed_port_leaves_nothing(void **state)
{
	ok("POST", "/v1/nets", "{\"name\":\"blue\"}", 201);
	refused("POST", "/v1/nets/blue/attach", "{\"vm\":\"vm1\",\"path\":\"virtio\"}", 502,
		"ENOTCONN", "sriov-bridge br0");
	assert_int_equal(net_find(&d, "blue")->state, NET_DETACHED);
	ok("DELETE", "/v1/nets/blue", NULL, 200);
}

static void vf_in_use_protects_the_count(void **state)
{
	struct pf *pf = d.pfs;
	struct net *net;

	ok("POST", "/v1/nets", "{\"name\":\"blue\"}", 201);
	net = net_find(&d, "blue");
	net->vm = vm_find(&d, "vm1");
	pf->vf[1].net = net;
	refused("PATCH", "/v1/pfs/p0", "{\"num_vfs\":1}", 409, "EBUSY",
		"vf p0/1 is used by vm1 (net blue)");
	refused("PATCH", "/v1/pfs/p0", "{\"num_vfs\":8}", 409, "EBUSY", "goes through 0");
	refused("PATCH", "/v1/pfs/p0", "{\"num_vfs\":9}", 400, "ERANGE", "at most 8");
	ok("PATCH", "/v1/pfs/p0", "{\"num_vfs\":4}", 200);
	pf->vf[1].net = NULL;
	net->vm = NULL;
}

static void busy_objects_are_refused_with_the_reason(void **state)
{
	struct op_error e = {};

	ok("POST", "/v1/nets", "{\"name\":\"blue\"}", 201);
	baton_take(&d);
	assert_int_equal(hold_take(&net_find(&d, "blue")->hold, true, "", &e, "attach of blue"), 0);
	baton_drop(&d);
	refused("DELETE", "/v1/nets/blue", NULL, 409, "EBUSY", "attach of blue in progress");
	refused("POST", "/v1/nets/blue/detach", "{}", 409, "EBUSY", "attach of blue in progress");
	baton_take(&d);
	hold_release(&d, &net_find(&d, "blue")->hold, true);
	baton_drop(&d);
}

static void names_and_bodies_are_checked(void **state)
{
	refused("POST", "/v1/nets", "{\"name\":\"a\\u0000b\"}", 400, "EINVAL", "NUL");
	refused("POST", "/v1/nets", "{\"name\":\"../x\"}", 400, "EINVAL", "a-z");
	refused("POST", "/v1/nets", "{\"name\":\"x\",\"name\":\"y\"}", 400, "EINVAL", "duplicate");
	refused("POST", "/v1/vms", "{\"name\":\"vm1\"}", 409, "EEXIST", "vm1");
	refused("POST", "/v1/vms", "{\"name\":\"vm2\"}", 500, "ENOENT", "sriov-vmm");
	refused("GET", "/v1/vms/vm2", NULL, 404, "ENOENT", "vm2");
	refused("POST", "/v1/vms", "{\"name\":\"vm2\",\"memory_mib\":1}", 400, "ERANGE",
		"memory_mib");
	refused("POST", "/v1/vms/vm1/request", "{\"kind\":\"ping\",\"a\":\"blue\"}", 404, "ENOENT",
		"blue");
	refused("POST", "/v1/vms/vm1/request", "{\"kind\":\"ping\",\"a\":5}", 400, "EINVAL",
		"\"a\"");
}

static void interrupted_operations_are_settled_from_the_ledger(void **state)
{
	static const enum phase phases[] = {PHASE_ATTACHING, PHASE_DETACHING, PHASE_SANITISING,
					    PHASE_ATTACHED};
	struct row_vm vm = {.name = "gone", .memory_mib = 64, .state = "running"};
	struct row_attachment row = {.vm = "gone", .path = "vf", .pf = "p0"};
	struct row_net net = {.mac = {{2, 0, 0, 0, 0, 0}}};

	assert_int_equal(ledger_put_vm(d.ledger, &vm), 0);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		snprintf(net.name, sizeof(net.name), "n%zu", i);
		net.mac.b[5] = (uint8_t)i;
		strcpy(row.net, net.name);
		row.vf = (int)i;
		row.generation = i + 1;
		row.phase = phases[i];
		assert_int_equal(ledger_put_net(d.ledger, &net), 0);
		assert_int_equal(ledger_put_attachment(d.ledger, &row), 0);
	}
	baton_take(&d);
	assert_int_equal(reconcile_load(&d), 0);
	assert_ptr_equal(d.pfs->vf[3].net, net_find(&d, "n3"));
	assert_int_equal(reconcile_start(&d), 0);
	for (struct net *n = d.nets; n; n = n->next)
		assert_int_equal(n->state, NET_DETACHED);
	assert_int_equal(vm_find(&d, "gone")->state, VM_LOST);
	/* nobody could scrub them, so nobody gets them */
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		assert_int_equal(d.pfs->vf[i].state, VF_QUARANTINED);
	d.stopping = true;
	pthread_cond_broadcast(&d.changed);
	while (d.jobs > 0)
		pthread_cond_wait(&d.changed, &d.baton);
	baton_drop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unknown_calls_and_objects_are_told_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(readers_may_not_write, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_query_keys_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(values_that_contradict_each_other_are_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(events_are_kept_and_told_by_number, setup,
						teardown),
		cmocka_unit_test_setup_teardown(ways_that_make_no_sense_are_refused_by_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(failed_attach_leaves_nothing_but_a_quarantined_vf,
						setup, teardown),
		cmocka_unit_test_setup_teardown(failed_port_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(vf_in_use_protects_the_count, setup, teardown),
		cmocka_unit_test_setup_teardown(busy_objects_are_refused_with_the_reason, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_and_bodies_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupted_operations_are_settled_from_the_ledger,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}

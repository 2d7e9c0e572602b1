/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "api.h"
#include <cli/args.h>
#include "table.h"

static const struct table_col net_cols[] = {
	{"NET", "name", false},
	{"MAC", "mac", false},
	{"VLAN", "vlan", true},
	{"SPOOFCHK", "spoofchk", false},
	{"PF", "pf", false},
	{"STATE", "state", false},
	{"VM", "vm", false},
	{"PATH", "path", false},
	{"BACKEND", "backend", false},
	{"VF", "vf", false},
	{"GUEST", "guest.state", false},
	{"IPV4", "guest.ipv4", false},
	{},
};

static int run_list(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;

	if (api_call(cli, "GET", "/v1/nets", NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_rows(cli, reply, "nets", net_cols);
}

static int run_create(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);

	if (json_object_set_new(body, "name", json_string(args->operand[0])) < 0) {
		fprintf(stderr, "sriovctl net create: '%s' is no name\n", args->operand[0]);
		return CLI_USAGE;
	}
	if (api_call(cli, "POST", "/v1/nets", body, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_object(cli, reply);
}

static int run_show(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];

	if (api_path(path, "nets", args->operand[0], NULL) < 0 ||
	    api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_object(cli, reply);
}

static int run_delete(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];

	if (api_path(path, "nets", args->operand[0], NULL) < 0 ||
	    api_call(cli, "DELETE", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	printf("net %s deleted\n", args->operand[0]);
	return CLI_OK;
}

static const struct table_col verify_cols[] = {
	{"CHECK", "name", false},
	{"STATE", "state", false},
	{"TEXT", "text", false},
	{},
};

static int run_verify(const struct cli *cli, const struct cli_args *args)
{
	uint64_t ms = args_number(args, "seconds", 1) * 1000;
	char path[API_PATH_MAX], call[API_PATH_MAX + 32];
	json_auto_t *reply = NULL;
	int status;

	if (api_path(path, "nets", args->operand[0], "verify", NULL) < 0)
		return CLI_FAILED;
	snprintf(call, sizeof(call), "%s?ms=%u", path, (unsigned int)ms);
	if (api_call(cli, "GET", call, NULL, (unsigned int)ms + API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	status = table_rows(cli, reply, "checks", verify_cols);
	if (status == CLI_OK && !json_is_true(json_object_get(reply, "ok")))
		status = CLI_FAILED;
	return status;
}

static const struct cli_opt create_opts[] = {
	{"mac", CLI_TEXT, "MAC", "mac", 0, 0, "its address; without it sriovd makes one"},
	{"vlan", CLI_UINT, "VLAN", "vlan", 0, 4094, "port VLAN, 0 for none"},
	{"vlan-qos", CLI_UINT, "QOS", "vlan_qos", 0, 7, "priority in the VLAN tag"},
	{"spoofchk", CLI_ONOFF, "on|off", "spoofchk", 0, 0, "drop frames with another source"},
	{"vlan-proto", CLI_CHOICE, "802.1q|802.1ad", "vlan_proto", 0, 0, "kind of VLAN (802.1q)"},
	{"trust", CLI_ONOFF, "on|off", "trust", 0, 0, "let the guest change its filters (off)"},
	{"min-tx-rate", CLI_UINT, "MBPS", "min_tx_rate", 0, 1000000, "what it may always send"},
	{"max-tx-rate", CLI_UINT, "MBPS", "max_tx_rate", 0, 1000000, "what it may send at most"},
	{"link-state", CLI_CHOICE, "auto|enable|disable", "link_state", 0, 0,
	 "the link its guest sees (auto: the wire's)"},
	{"pf", CLI_TEXT, "PF", "pf", 0, 0, "only VFs of this physical function serve it"},
	{},
};

static const struct cli_opt verify_opts[] = {
	{"seconds", CLI_UINT, "N", NULL, 1, 60, "how long to watch traffic (1)"},
	{},
};

const struct cli_cmd cmd_net[] = {
	{"net create", "NET", "create a network interface (an identity; no VF yet)", create_opts,
	 run_create},
	{"net list", "", "network interfaces and where they are attached", NULL, run_list},
	{"net show", "NET", "one network interface", NULL, run_show},
	{"net verify", "NET", "prove an attached one: isolation, identity, traps a packet",
	 verify_opts, run_verify},
	{"net delete", "NET", "delete a detached network interface", NULL, run_delete},
	{},
};

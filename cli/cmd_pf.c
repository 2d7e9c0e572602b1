/* SPDX-License-Identifier: BSD-3-Clause */
#include "api.h"
#include <cli/args.h>
#include "table.h"

static const struct table_col pf_cols[] = {
	{"PF", "name", false},
	{"KIND", "kind", false},
	{"DRIVER", "driver", false},
	{"DEVICE", "device", false},
	{"NETDEV", "netdev", false},
	{"STATE", "state", false},
	{"MAC", "mac", false},
	{"LINK", "link", false},
	{"VFS", "num_vfs", true},
	{"MAX", "total_vfs", true},
	{"IN-USE", "vfs_in_use", true},
	{"TAP", "tap", false},
	{},
};

static int run_list(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;

	if (api_call(cli, "GET", "/v1/pfs", NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_rows(cli, reply, "pfs", pf_cols);
}

static int run_one(const struct cli *cli, const struct cli_args *args, const char *method)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	char path[API_PATH_MAX];

	if (api_path(path, "pfs", args->operand[0], NULL) < 0 ||
	    api_call(cli, method, path, json_object_size(body) ? body : NULL, API_SLOW_TIMEOUT_MS,
		     &reply) < 0)
		return CLI_FAILED;
	return table_object(cli, reply);
}

static int run_show(const struct cli *cli, const struct cli_args *args)
{
	return run_one(cli, args, "GET");
}

static int run_add(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);

	if (json_object_set_new(body, "device", json_string(args->operand[0])) < 0) {
		fprintf(stderr, "sriovctl pf add: '%s' is no device\n", args->operand[0]);
		return CLI_USAGE;
	}
	if (api_call(cli, "POST", "/v1/pfs", body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_object(cli, reply);
}

static int run_remove(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];

	if (api_path(path, "pfs", args->operand[0], NULL) < 0 ||
	    api_call(cli, "DELETE", path, NULL, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	printf("pf %s removed\n", args->operand[0]);
	return CLI_OK;
}

static int run_set(const struct cli *cli, const struct cli_args *args)
{
	if (!args_text(args, "num-vfs")) {
		fprintf(stderr, "sriovctl pf set: nothing to set; give --num-vfs N\n");
		return CLI_USAGE;
	}
	return run_one(cli, args, "PATCH");
}

static const struct cli_opt set_opts[] = {
	/* what the PF can do is sriovd's to say */
	{"num-vfs", CLI_UINT, "N", "num_vfs", 0, 65535, "how many VFs the PF shall have"},
	{},
};

static const struct cli_opt add_opts[] = {
	{"name", CLI_TEXT, "NAME", "name", 0, 0, "what it is called from now on (pN)"},
	{"driver", CLI_CHOICE, "kernel|sriov-pf", "driver", 0, 0, "who drives it (kernel)"},
	{},
};

const struct cli_cmd cmd_pf[] = {
	{"pf add", "DEVICE", "take over a PF of this host: its PCI address or network device",
	 add_opts, run_add},
	{"pf remove", "PF", "give a PF of this host back as it was found", NULL, run_remove},
	{"pf list", "", "physical functions", NULL, run_list},
	{"pf show", "PF", "one physical function", NULL, run_show},
	{"pf set", "PF", "set how many VFs a physical function has", set_opts, run_set},
	{},
};

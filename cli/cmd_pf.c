/* SPDX-License-Identifier: BSD-3-Clause */
#include "api.h"
#include <cli/args.h>
#include "table.h"

static const struct table_col pf_cols[] = {
	{"PF", "name", false},
	{"DRIVER", "driver", false},
	{"DEVICE", "device", false},
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

const struct cli_cmd cmd_pf[] = {
	{"pf list", "", "physical functions", NULL, run_list},
	{"pf show", "PF", "one physical function", NULL, run_show},
	{"pf set", "PF", "set how many VFs a physical function has", set_opts, run_set},
	{},
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* status and shutdown of sriovd itself. */
#include <stdio.h>

#include "api.h"
#include <cli/args.h>
#include "table.h"

static const struct table_col child_cols[] = {
	{"CHILD", "kind", false},
	{"NAME", "name", false},
	{"PID", "pid", true},
	{"STATE", "state", false},
	{},
};

static int run_status(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *children = NULL;

	if (api_call(cli, "GET", "/v1/status", NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	children = json_incref(json_object_get(reply, "children"));
	json_object_del(reply, "children");
	if (table_show(reply) < 0)
		return CLI_FAILED;
	if (json_array_size(children)) {
		putchar('\n');
		if (table_print(children, child_cols) < 0)
			return CLI_FAILED;
	}
	return CLI_OK;
}

static int run_shutdown(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	const json_t *stopped, *v;
	size_t i;

	if (api_call(cli, "POST", "/v1/shutdown", body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	stopped = json_object_get(reply, "stopped");
	json_array_foreach (stopped, i, v) {
		const char *name = json_string_value(v);

		printf("%s stopped\n", name ? name : "-");
	}
	printf("sriovd stopped\n");
	return CLI_OK;
}

static const struct cli_opt shutdown_opts[] = {
	{"vms", CLI_FLAG, NULL, "vms", 0, 0, "stop the virtual machines too"},
	{},
};

const struct cli_cmd cmd_daemon[] = {
	{"status", "", "the daemon, its children, its problems", NULL, run_status},
	{"shutdown", "", "stop sriovd and all its children", shutdown_opts, run_shutdown},
	{},
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include <cli/args.h>
#include "table.h"

static const struct table_col vm_cols[] = {
	{"VM", "name", false},
	{"STATE", "state", false},
	{"PID", "pid", true},
	{"MEMORY-MIB", "memory_mib", true},
	{"UPTIME-MS", "uptime_ms", true},
	{"FIRST-CONSOLE-MS", "first_console_ms", true},
	{"NETS", "nets", false},
	{},
};

static const struct table_col if_cols[] = {
	{"INTERFACE", "id", false},	 {"SLOT", "slot", true},	  {"KIND", "kind", false},
	{"STATE", "state", false},	 {"MAC", "mac", false},		  {"IPV4", "ipv4", false},
	{"RX-PKTS", "rx_packets", true}, {"TX-PKTS", "tx_packets", true}, {},
};

static int run_list(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;

	if (api_call(cli, "GET", "/v1/vms", NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_rows(cli, reply, "vms", vm_cols);
}

/* One line instead of an object: "uid 1900004711; mount net ipc; root empty; ..." */
static void jail_line(json_t *vm)
{
	json_t *jail = json_object_get(vm, "jail"), *name;
	const char *root = "-", *seccomp = "-";
	int uid = -1, landlock = 0;
	char text[192], names[96] = "";
	size_t i, len = 0;

	if (!jail)
		return;
	(void)json_unpack(jail, "{s?i, s?s, s?i, s?s}", "uid", &uid, "root", &root, "landlock",
			  &landlock, "seccomp", &seccomp);
	json_array_foreach (json_object_get(jail, "namespaces"), i, name)
		if (json_is_string(name) && len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, " %s",
						json_string_value(name));
	snprintf(text, sizeof(text), "uid %d; namespaces%s; root %s; landlock %d; seccomp %s", uid,
		 *names ? names : " none", root, landlock, seccomp);
	json_object_set_new(vm, "jail", json_string(text));
}

/* The interfaces are a table of their own below the VM's properties. */
static int print_vm(const struct cli *cli, json_t *vm)
{
	json_auto_t *ifs = NULL;

	if (cli->json)
		return table_object(cli, vm);
	ifs = json_incref(json_object_get(vm, "interfaces"));
	json_object_del(vm, "interfaces");
	jail_line(vm);
	if (table_show(vm) < 0)
		return CLI_FAILED;
	if (json_array_size(ifs)) {
		putchar('\n');
		if (table_print(ifs, if_cols) < 0)
			return CLI_FAILED;
	}
	return CLI_OK;
}

static int run_start(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);

	if (json_object_set_new(body, "name", json_string(args->operand[0])) < 0) {
		fprintf(stderr, "sriovctl vm start: '%s' is no name\n", args->operand[0]);
		return CLI_USAGE;
	}
	if (api_call(cli, "POST", "/v1/vms", body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return print_vm(cli, reply);
}

static int run_show(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];

	if (api_path(path, "vms", args->operand[0], NULL) < 0 ||
	    api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return print_vm(cli, reply);
}

static int run_stop(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	const char *how;
	char path[API_PATH_MAX];

	if (api_path(path, "vms", args->operand[0], NULL) < 0 ||
	    api_call(cli, "DELETE", path, json_object_size(body) ? body : NULL, API_SLOW_TIMEOUT_MS,
		     &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	how = json_string_value(json_object_get(reply, "how"));
	printf("vm %s stopped (%s)\n", args->operand[0], how ? how : "-");
	return CLI_OK;
}

static int run_console(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];
	const char *text;

	if (api_path(path, "vms", args->operand[0], "console", NULL) < 0 ||
	    api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	text = json_string_value(json_object_get(reply, "text"));
	/* a guest wrote this: it must not steer the caller's terminal */
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\r')
			continue;
		putchar((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
	}
	return CLI_OK;
}

static const struct cli_opt start_opts[] = {
	{"memory", CLI_UINT, "MIB", "memory_mib", 1, 1 << 20, "guest memory in MiB"},
	{},
};

static const struct cli_opt stop_opts[] = {
	{"force", CLI_FLAG, NULL, "force", 0, 0, "do not wait for the guest"},
	{"deadline", CLI_UINT, "MS", "deadline_ms", 0, 100000, "how long the guest has"},
	{},
};

const struct cli_cmd cmd_vm[] = {
	{"vm start", "VM", "start a virtual machine with the bench guest", start_opts, run_start},
	{"vm list", "", "virtual machines", NULL, run_list},
	{"vm show", "VM", "one virtual machine and its interfaces", NULL, run_show},
	{"vm stop", "VM", "stop a virtual machine; its networks are detached", stop_opts, run_stop},
	{"vm console", "VM", "what the guest wrote to its console", NULL, run_console},
	{},
};

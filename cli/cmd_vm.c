/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include <cli/args.h>
#include <lib/text.h>
#include "events.h"
#include "table.h"
#include "vm_body.h"

#define FOLLOW_NS    300000000
#define STOP_AT_ONCE 16u

static const struct table_col vm_cols[] = {
	{"VM", "name", false},
	{"STATE", "state", false},
	{"KIND", "kind", false},
	{"CPUS", "cpus", true},
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

static const struct table_col plug_cols[] = {
	{"TIME", "time", false},     {"NET", "net", false},   {"ASKED", "asked", false},
	{"RESULT", "result", false}, {"TEXT", "text", false}, {},
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
	size_t i;

	if (!jail)
		return;
	(void)json_unpack(jail, "{s?i, s?s, s?i, s?s}", "uid", &uid, "root", &root, "landlock",
			  &landlock, "seccomp", &seccomp);
	json_array_foreach (json_object_get(jail, "namespaces"), i, name)
		if (json_is_string(name))
			text_join(names, sizeof(names), " ", "%s", json_string_value(name));
	snprintf(text, sizeof(text), "uid %d; namespaces %s; root %s; landlock %d; seccomp %s", uid,
		 *names ? names : "none", root, landlock, seccomp);
	json_object_set_new(vm, "jail", json_string(text));
}

/* "/a.img, /b.img (ro)" */
static void disks_line(json_t *vm)
{
	json_t *disk;
	char text[2048] = "";
	size_t i;

	if (!json_object_get(vm, "disks"))
		return;
	json_array_foreach (json_object_get(vm, "disks"), i, disk) {
		const char *path = json_string_value(json_object_get(disk, "path"));

		if (path)
			text_join(text, sizeof(text), ", ", "%s%s", path,
				  json_is_true(json_object_get(disk, "readonly")) ? " (ro)" : "");
	}
	json_object_set_new(vm, "disks", json_string(text));
}

/* "disk.0 virtio-blk bound, blue vfio bound" */
static void devices_line(json_t *vm)
{
	json_t *device;
	char text[2048] = "";
	size_t i;

	if (!json_object_get(vm, "devices"))
		return;
	json_array_foreach (json_object_get(vm, "devices"), i, device) {
		const char *id = "-", *kind = "-", *state = "-";

		(void)json_unpack(device, "{s?s, s?s, s?s}", "id", &id, "kind", &kind, "state",
				  &state);
		text_join(text, sizeof(text), ", ", "%s %s %s", id, kind, state);
	}
	json_object_set_new(vm, "devices", json_string(text));
}

static int print_below(json_t *rows, const struct table_col *cols)
{
	if (!json_array_size(rows))
		return CLI_OK;
	putchar('\n');
	return table_print(rows, cols) < 0 ? CLI_FAILED : CLI_OK;
}

/* The interfaces are a table of their own below the VM's properties, and so is their coming and
 * going. */
static int print_vm(const struct cli *cli, json_t *vm)
{
	json_auto_t *ifs = NULL, *plugs = NULL;
	int status;

	if (cli->json)
		return table_object(cli, vm);
	ifs = json_incref(json_object_get(vm, "interfaces"));
	json_object_del(vm, "interfaces");
	plugs = json_incref(json_object_get(vm, "hotplug"));
	json_object_del(vm, "hotplug");
	jail_line(vm);
	disks_line(vm);
	devices_line(vm);
	if (table_show(vm) < 0)
		return CLI_FAILED;
	status = print_below(ifs, if_cols);
	return status == CLI_OK ? print_below(plugs, plug_cols) : status;
}

static bool is_defined(const struct cli *cli, const char *name)
{
	json_auto_t *vm = NULL;
	char path[API_PATH_MAX];

	return api_path(path, "vms", name, NULL) >= 0 &&
	       api_try(cli, "GET", path, NULL, API_TIMEOUT_MS, &vm) >= 0 &&
	       json_is_true(json_object_get(vm, "defined"));
}

static int run_create(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = vm_body(args);

	if (!body)
		return CLI_USAGE;
	if (api_call(cli, "POST", "/v1/vms", body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return print_vm(cli, reply);
}

/* As it was created; without a definition the bench guest. */
static int run_start(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	const char *name = args->operand[0];
	char path[API_PATH_MAX];
	int r;

	if (is_defined(cli, name)) {
		if (args_text(args, "memory")) {
			fprintf(stderr,
				"sriovctl vm start: %s is defined: --memory is for 'vm create'\n",
				name);
			return CLI_USAGE;
		}
		r = api_path(path, "vms", name, "start", NULL);
		if (r >= 0)
			r = api_call(cli, "POST", path, NULL, API_SLOW_TIMEOUT_MS, &reply);
	} else if (json_object_set_new(body, "name", json_string(name)) < 0) {
		fprintf(stderr, "sriovctl vm start: '%s' is no name\n", name);
		return CLI_USAGE;
	} else {
		r = api_call(cli, "POST", "/v1/vms", body, API_SLOW_TIMEOUT_MS, &reply);
	}
	return r < 0 ? CLI_FAILED : print_vm(cli, reply);
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

static int stop_ask(const struct cli *cli, const char *name, const json_t *body, json_t **ret_reply)
{
	char path[API_PATH_MAX];

	if (api_path(path, "vms", name, "stop", NULL) < 0 ||
	    api_call(cli, "POST", path, json_object_size(body) ? body : NULL, API_SLOW_TIMEOUT_MS,
		     ret_reply) < 0)
		return CLI_FAILED;
	return CLI_OK;
}

static void stop_print(const char *name, const json_t *reply)
{
	const char *how = json_string_value(json_object_get(reply, "how"));

	printf("vm %s stopped (%s)\n", name, how ? how : "-");
}

static int stop(const struct cli *cli, const char *name, const json_t *body)
{
	json_auto_t *reply = NULL;

	if (stop_ask(cli, name, body, &reply) != CLI_OK)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	stop_print(name, reply);
	return CLI_OK;
}

struct stopping {
	const struct cli *cli;
	const char *name;
	const json_t *body;
	json_t *reply;
	pthread_t thread;
	int status;
};

static void *stopping_run(void *arg)
{
	struct stopping *s = arg;

	s->status = stop_ask(s->cli, s->name, s->body, &s->reply);
	return NULL;
}

/* Side by side, as each guest may take its time. */
static int stop_some(struct stopping *s, size_t n, json_t *stopped)
{
	int status = CLI_OK;
	bool own[STOP_AT_ONCE];

	for (size_t i = 0; i < n; i++) {
		own[i] = pthread_create(&s[i].thread, NULL, stopping_run, &s[i]) == 0;
		if (!own[i])
			stopping_run(&s[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (own[i])
			pthread_join(s[i].thread, NULL);
		if (s[i].status != CLI_OK)
			status = s[i].status;
		else if (s[i].cli->json)
			json_array_append_new(stopped,
					      json_pack("{s:s, s:O*}", "name", s[i].name, "how",
							json_object_get(s[i].reply, "how")));
		else
			stop_print(s[i].name, s[i].reply);
		json_decref(s[i].reply);
	}
	return status;
}

static bool is_on(const json_t *vm)
{
	const char *state = json_string_value(json_object_get(vm, "state"));

	return json_string_value(json_object_get(vm, "name")) && state &&
	       (!strcmp(state, "running") || !strcmp(state, "starting"));
}

static int stop_all(const struct cli *cli, const json_t *body)
{
	json_auto_t *list = NULL, *told = json_pack("{s:[]}", "vms");
	json_t *stopped = json_object_get(told, "vms"), *vm;
	struct stopping s[STOP_AT_ONCE] = {};
	int status = CLI_OK;
	size_t i, n = 0;

	if (api_call(cli, "GET", "/v1/vms", NULL, API_TIMEOUT_MS, &list) < 0)
		return CLI_FAILED;
	json_array_foreach (json_object_get(list, "vms"), i, vm) {
		if (is_on(vm))
			s[n++] = (struct stopping){
				.cli = cli,
				.name = json_string_value(json_object_get(vm, "name")),
				.body = body,
			};
		if (n == STOP_AT_ONCE) {
			status = stop_some(s, n, stopped) == CLI_OK ? status : CLI_FAILED;
			n = 0;
		}
	}
	status = stop_some(s, n, stopped) == CLI_OK ? status : CLI_FAILED;
	if (cli->json && table_object(cli, told) != CLI_OK)
		return CLI_FAILED;
	return status;
}

static int run_stop(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *body = args_body(args);
	bool all = args_text(args, "all");

	if (all != !args->operand[0]) {
		fprintf(stderr, "sriovctl vm stop: either a VM or --all\n");
		return CLI_USAGE;
	}
	return all ? stop_all(cli, body) : stop(cli, args->operand[0], body);
}

static int run_kill(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *body = json_pack("{s:b, s:i}", "force", 1, "deadline_ms", 0);

	return stop(cli, args->operand[0], body);
}

static int run_delete(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX];

	/* one that was only started would be stopped by it */
	if (!is_defined(cli, args->operand[0])) {
		fprintf(stderr, "sriovctl vm delete: no vm %s was created\n", args->operand[0]);
		return CLI_FAILED;
	}
	if (api_path(path, "vms", args->operand[0], NULL) < 0 ||
	    api_call(cli, "DELETE", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	return printf("vm %s deleted\n", args->operand[0]) < 0 ? CLI_FAILED : CLI_OK;
}

static int run_events(const struct cli *cli, const struct cli_args *args)
{
	char object[64];

	snprintf(object, sizeof(object), "vm %s", args->operand[0]);
	return events_run(cli, args, object);
}

/* A guest wrote this: it must not steer the caller's terminal. */
static int print_console(const char *text)
{
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\r')
			continue;
		putchar((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
	}
	return fflush(stdout) ? CLI_FAILED : CLI_OK;
}

static int run_console(const struct cli *cli, const struct cli_args *args)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_NS};
	bool follow = args_text(args, "follow");
	char path[API_PATH_MAX], from[API_PATH_MAX + 32];
	int status = CLI_OK;

	if (api_path(path, "vms", args->operand[0], "console", NULL) < 0)
		return CLI_FAILED;
	snprintf(from, sizeof(from), "%s", path);
	do {
		json_auto_t *reply = NULL;

		if (api_call(cli, "GET", from, NULL, API_TIMEOUT_MS, &reply) < 0)
			return CLI_FAILED;
		if (cli->json && !follow)
			return table_object(cli, reply);
		status = print_console(json_string_value(json_object_get(reply, "text")));
		snprintf(from, sizeof(from), "%s?after=%" JSON_INTEGER_FORMAT, path,
			 json_integer_value(json_object_get(reply, "end")));
	} while (follow && status == CLI_OK && !nanosleep(&pause, NULL));
	return status;
}

static const struct cli_opt create_opts[] = {
	{"kernel", CLI_TEXT, "FILE", NULL, 0, 0, "what boots; without it the bench guest"},
	{"initrd", CLI_TEXT, "FILE", NULL, 0, 0, "initial RAM disk"},
	{"disk", CLI_LIST, "FILE[,ro]", NULL, 0, 0, "raw file or block device; again for more"},
	{"cpus", CLI_UINT, "N", "cpus", 1, 16, "processors (1)"},
	{"memory", CLI_UINT, "MIB", "memory_mib", 1, 1 << 20, "guest memory in MiB"},
	{"cmdline", CLI_TEXT, "TEXT", "cmdline", 0, 0, "the kernel's command line"},
	{"autostart", CLI_FLAG, NULL, "autostart", 0, 0, "start it with the host"},
	{"file", CLI_TEXT, "FILE", NULL, 0, 0, "all this as JSON, as in POST /v1/vms"},
	{},
};

static const struct cli_opt start_opts[] = {
	{"memory", CLI_UINT, "MIB", "memory_mib", 1, 1 << 20, "of a bench guest, in MiB"},
	{},
};

static const struct cli_opt stop_opts[] = {
	{"all", CLI_FLAG, NULL, NULL, 0, 0, "all that run, side by side"},
	{"force", CLI_FLAG, NULL, "force", 0, 0, "at the deadline stop it without the guest"},
	{"deadline", CLI_UINT, "MS", "deadline_ms", 0, 100000, "how long the guest has"},
	{},
};

static const struct cli_opt console_opts[] = {
	{"follow", CLI_FLAG, NULL, NULL, 0, 0, "go on with what it writes; also -f"},
	{},
};

const struct cli_cmd cmd_vm[] = {
	{"vm create", "VM", "define a virtual machine", create_opts, run_create},
	{"vm start", "VM", "start it; one that was not created: with the bench guest", start_opts,
	 run_start},
	{"vm stop", "[VM]", "ask the guest to switch off; its networks are detached", stop_opts,
	 run_stop},
	{"vm kill", "VM", "stop it without asking the guest", NULL, run_kill},
	{"vm list", "", "virtual machines", NULL, run_list},
	{"vm show", "VM", "one virtual machine and its interfaces", NULL, run_show},
	{"vm console", "VM", "what the guest wrote to its console", console_opts, run_console},
	{"vm events", "VM", "what happened to it", events_opts, run_events},
	{"vm delete", "VM", "forget a virtual machine that was created", NULL, run_delete},
	{},
};

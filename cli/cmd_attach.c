/* SPDX-License-Identifier: BSD-3-Clause */
/* attach, detach, and ping through the VM that holds a network interface. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include <cli/args.h>
#include <cli/stats.h>
#include "table.h"

#define PING_REPLY_US 1000000u

static int run_attach(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	const char *path_kind = args_text(args, "path");
	char path[API_PATH_MAX];
	const char *served;
	char *by, *ms;

	if (json_object_set_new(body, "vm", json_string(args->operand[1])) < 0 ||
	    json_object_set_new(body, "path", json_string(path_kind ? path_kind : "vf")) < 0) {
		fprintf(stderr, "sriovctl attach: '%s' is no name\n", args->operand[1]);
		return CLI_USAGE;
	}
	if (api_path(path, "nets", args->operand[0], "attach", NULL) < 0 ||
	    api_call(cli, "POST", path, body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);

	served = json_object_get(reply, "tap") ? "tap" : "vf";
	by = table_text(served, json_object_get(reply, served));
	ms = table_text("attach_ms", json_object_get(reply, "attach_ms"));
	printf("net %s attached to %s: path %s, %s %s, guest driver up after %s ms\n",
	       args->operand[0], args->operand[1], path_kind ? path_kind : "vf", served,
	       by ? by : "-", ms ? ms : "-");
	free(by);
	free(ms);
	return CLI_OK;
}

static int run_detach(const struct cli *cli, const struct cli_args *args)
{
	json_auto_t *reply = NULL, *body = args_body(args);
	char path[API_PATH_MAX];
	const char *how;

	if (api_path(path, "nets", args->operand[0], "detach", NULL) < 0 ||
	    api_call(cli, "POST", path, body, API_SLOW_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	if (cli->json)
		return table_object(cli, reply);
	how = json_string_value(json_object_get(reply, "how"));
	printf("net %s detached (%s)\n", args->operand[0], how ? how : "-");
	return CLI_OK;
}

static int get_net(const struct cli *cli, const char *name, json_t **ret_net)
{
	char path[API_PATH_MAX];
	int r = api_path(path, "nets", name, NULL);

	return r < 0 ? r : api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, ret_net);
}

/* A dotted address, or the address that another network interface has in its guest. */
static int target_address(const struct cli *cli, const char *target, uint32_t *ret_ipv4)
{
	json_auto_t *net = NULL;
	unsigned int m[6];
	struct in_addr in;
	const char *mac;
	int r;

	if (inet_pton(AF_INET, target, &in) == 1) {
		*ret_ipv4 = ntohl(in.s_addr);
		return 0;
	}
	r = get_net(cli, target, &net);
	if (r < 0)
		return r;
	/* the bench guest's rule: the address follows the identity, wherever it is attached */
	mac = json_string_value(json_object_get(net, "mac"));
	if (!mac ||
	    sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6) {
		fprintf(stderr, "sriovctl ping: net %s has no MAC\n", target);
		return -EINVAL;
	}
	*ret_ipv4 = 10u << 24 | m[3] << 16 | m[4] << 8 | m[5];
	return 0;
}

static int print_ping(const char *target, uint32_t ipv4, const json_t *reply)
{
	json_int_t sent = json_integer_value(json_object_get(reply, "sent"));
	json_int_t received = json_integer_value(json_object_get(reply, "received"));
	uint64_t khz = (uint64_t)json_integer_value(json_object_get(reply, "tsc_khz"));
	struct in_addr in = {.s_addr = htonl(ipv4)};
	static struct hist hist;

	printf("ping %s (%s): %" JSON_INTEGER_FORMAT " sent, %" JSON_INTEGER_FORMAT " received",
	       target, inet_ntoa(in), sent, received);
	if (khz && !stats_hist_decode(json_object_get(reply, "hist"), &hist) && hist.n)
		printf(", round trip min %.1f us, median %.1f us, max %.1f us",
		       stats_ticks_ns(hist.min, khz) / 1e3,
		       stats_ticks_ns(hist_percentile(&hist, 5000), khz) / 1e3,
		       stats_ticks_ns(hist.max, khz) / 1e3);
	putchar('\n');
	/* as ping(8): no answer at all is a failure */
	return received > 0 ? CLI_OK : CLI_FAILED;
}

static int run_ping(const struct cli *cli, const struct cli_args *args)
{
	uint64_t count = args_number(args, "count", 3);
	json_auto_t *net = NULL, *body = NULL, *reply = NULL;
	char path[API_PATH_MAX];
	const char *vm;
	uint32_t ipv4;
	int status;

	if (get_net(cli, args->operand[0], &net) < 0 ||
	    target_address(cli, args->operand[1], &ipv4) < 0)
		return CLI_FAILED;
	vm = json_string_value(json_object_get(net, "vm"));
	if (!vm || !*vm) {
		fprintf(stderr, "sriovctl ping: net %s is not attached to a VM\n",
			args->operand[0]);
		return CLI_FAILED;
	}
	body = json_pack("{s:s, s:s, s:I, s:I, s:I}", "kind", "ping", "a", args->operand[0],
			 "dst_ipv4", (json_int_t)ipv4, "count", (json_int_t)count, "timeout_us",
			 (json_int_t)(count * PING_REPLY_US));
	if (!body || api_path(path, "vms", vm, "request", NULL) < 0 ||
	    api_call(cli, "POST", path, body, (unsigned int)count * 1000 + API_TIMEOUT_MS, &reply) <
		    0)
		return CLI_FAILED;
	if (!cli->json)
		return print_ping(args->operand[1], ipv4, reply);
	status = table_object(cli, reply);
	if (!json_integer_value(json_object_get(reply, "received")))
		status = CLI_FAILED;
	return status;
}

static const struct cli_opt attach_opts[] = {
	{"path", CLI_CHOICE, "vf|virtio|emulated", NULL, 0, 0, "how packets travel (vf)"},
	{"backend", CLI_CHOICE, "bridge|tap|nic", "backend", 0, 0,
	 "what serves virtio and emulated: sriovd's bridge, a tap in one of the host's, a VF"},
	{"bridge", CLI_TEXT, "IFNAME", "bridge", 0, 0, "backend tap: the host's bridge"},
	{"queues", CLI_UINT, "N", "queues", 1, 4, "virtio, backend tap: queue pairs (1)"},
	{"timeout", CLI_UINT, "MS", "timeout_ms", 1, 100000, "how long the guest driver has"},
	{"op", CLI_TEXT, "ID", "op", 0, 0, "an id: a repeat is answered, not done again"},
	{},
};

static const struct cli_opt detach_opts[] = {
	{"force", CLI_FLAG, NULL, "force", 0, 0, "take it away when the guest does not answer"},
	{"deadline", CLI_UINT, "MS", "deadline_ms", 0, 100000, "how long the guest has"},
	{"op", CLI_TEXT, "ID", "op", 0, 0, "an id: a repeat is answered, not done again"},
	{},
};

static const struct cli_opt ping_opts[] = {
	{"count", CLI_UINT, "N", NULL, 1, 1000, "echo requests to send (3)"},
	{},
};

const struct cli_cmd cmd_attach[] = {
	{"attach", "NET VM", "attach a network interface to a running VM", attach_opts, run_attach},
	{"detach", "NET", "detach a network interface; its VF is scrubbed", detach_opts,
	 run_detach},
	{"ping", "NET IP|NET2", "ping from inside the VM that holds NET", ping_opts, run_ping},
	{},
};

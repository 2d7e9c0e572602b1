/* SPDX-License-Identifier: BSD-3-Clause */
/* events: what happened, and with --follow what happens. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include <cli/args.h>
#include "events.h"
#include "table.h"

#define POLL_NS 500000000

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "-";
}

/* Take the others away: whoever asked for JSON gets what the API has, of this object. */
static void keep_only(json_t *reply, const char *object)
{
	json_t *events = json_object_get(reply, "events");

	for (size_t i = json_array_size(events); object && i-- > 0;)
		if (strcmp(text_of(json_array_get(events, i), "object"), object) != 0)
			json_array_remove(events, i);
}

/* One line an event, so that lines can be read as they come. */
static int print_events(const struct cli *cli, const json_t *reply)
{
	const json_t *events = json_object_get(reply, "events"), *event;
	size_t i;

	json_array_foreach (events, i, event) {
		if (cli->json) {
			if (json_dumpf(event, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF)
				return CLI_FAILED;
			continue;
		}
		printf("%s  %-16s %-12s %s\n", text_of(event, "time"), text_of(event, "object"),
		       text_of(event, "event"), text_of(event, "text"));
	}
	return fflush(stdout) ? CLI_FAILED : CLI_OK;
}

int events_run(const struct cli *cli, const struct cli_args *args, const char *object)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	bool follow = args_text(args, "follow");
	json_int_t last = (json_int_t)args_number(args, "after", 0);
	int status;

	do {
		json_auto_t *reply = NULL;
		char path[64];

		snprintf(path, sizeof(path), "/v1/events?after=%" JSON_INTEGER_FORMAT, last);
		if (api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
			return CLI_FAILED;
		keep_only(reply, object);
		if (cli->json && !follow)
			return table_object(cli, reply);
		if (!follow && !json_array_size(json_object_get(reply, "events")))
			return printf("no events\n") < 0 ? CLI_FAILED : CLI_OK;
		status = print_events(cli, reply);
		last = json_integer_value(json_object_get(reply, "last"));
	} while (follow && status == CLI_OK && !nanosleep(&pause, NULL));
	return status;
}

static int run_events(const struct cli *cli, const struct cli_args *args)
{
	return events_run(cli, args, NULL);
}

const struct cli_opt events_opts[] = {
	{"follow", CLI_FLAG, NULL, NULL, 0, 0, "go on with what happens; also -f"},
	{"after", CLI_UINT, "SEQ", NULL, 0, INT64_MAX, "only what came later than this number"},
	{},
};

const struct cli_cmd cmd_events[] = {
	{"events", "", "what happened, the newest 256", events_opts, run_events},
	{},
};

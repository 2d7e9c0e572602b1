/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/args.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_JSON = 1000,
	OPT_SOCKET,
	OPT_HELP,
	OPT_VERSION,
	OPT_COMMON = 4,
};

static const struct option common_opts[OPT_COMMON] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
};

static const char common_help[] =
	"      --json             print the API's JSON\n"
	"      --socket PATH      where sriovd listens (or SRIOVD_SOCKET; " CLI_SOCKET ")\n"
	"      --help             this text\n";

static size_t n_opts(const struct cli_cmd *cmd)
{
	size_t n = 0;

	if (cmd && cmd->opts)
		while (cmd->opts[n].name)
			n++;
	return n;
}

static void print_help_all(const struct cli_cmd *const *tables)
{
	printf("usage: sriovctl COMMAND [OPTION]...\n\n"
	       "Carves a NIC into virtual functions and gives them to virtual machines.\n\n");
	for (; *tables; tables++) {
		for (const struct cli_cmd *c = *tables; c->name; c++) {
			char left[64];

			snprintf(left, sizeof(left), "%s %s", c->name, c->operands);
			printf("  %-24s %s\n", left, c->help);
		}
	}
	printf("\nOptions of every command:\n%s      --version          version of sriovctl\n",
	       common_help);
	printf("\n'sriovctl COMMAND --help' tells a command's own options.\n");
}

static void print_help_cmd(const struct cli_cmd *cmd)
{
	printf("usage: sriovctl %s%s%s [OPTION]...\n\n%s\n\nOptions:\n", cmd->name,
	       *cmd->operands ? " " : "", cmd->operands, cmd->help);
	for (size_t i = 0; i < n_opts(cmd); i++) {
		const struct cli_opt *o = &cmd->opts[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("      %-18s %s\n", left, o->help);
	}
	fputs(common_help, stdout);
}

int args_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	unsigned long long v;
	char *end;

	/* strtoull() would take signs and blanks */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || v < min || v > max)
		return -ERANGE;
	*ret_value = v;
	return 0;
}

static bool is_choice(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (;;) {
		size_t n = strcspn(words, "|");

		if (n == len && !strncmp(words, text, n))
			return true;
		if (!words[n])
			return false;
		words += n + 1;
	}
}

/* Prints what is wrong with @text as the value of @o. */
static bool check_value(const struct cli_cmd *cmd, const struct cli_opt *o, const char *text)
{
	uint64_t v;

	switch (o->type) {
	case CLI_UINT:
		if (!args_uint(text, o->min, o->max, &v))
			return true;
		fprintf(stderr, "sriovctl %s: --%s wants a number from %llu to %llu, not '%s'\n",
			cmd->name, o->name, (unsigned long long)o->min, (unsigned long long)o->max,
			text);
		return false;
	case CLI_ONOFF:
	case CLI_CHOICE:
		if (is_choice(o->value, text))
			return true;
		fprintf(stderr, "sriovctl %s: --%s wants %s, not '%s'\n", cmd->name, o->name,
			o->value, text);
		return false;
	case CLI_TEXT:
	case CLI_LIST:
		if (*text)
			return true;
		fprintf(stderr, "sriovctl %s: --%s is empty\n", cmd->name, o->name);
		return false;
	case CLI_FLAG:
		break;
	}
	return true;
}

static bool list_add(const struct cli_cmd *cmd, const char *text, struct cli_args *args)
{
	if (args->n_list == CLI_LIST_MAX) {
		fprintf(stderr, "sriovctl %s: '%s' is one too many: at most %u\n", cmd->name, text,
			CLI_LIST_MAX);
		return false;
	}
	args->list[args->n_list++] = text;
	return true;
}

/* Options of one level: @cmd's and the common ones; @first "+" stops at the first operand. */
static enum args_result parse_opts(int argc, char **argv, const char *first,
				   const struct cli_cmd *const *tables, const struct cli_cmd *cmd,
				   struct cli *cli, struct cli_args *args)
{
	struct option opts[CLI_OPTS_MAX + OPT_COMMON + 1] = {};
	size_t n = n_opts(cmd), follow = n;
	int c;

	for (size_t i = 0; i < n; i++)
		opts[i] = (struct option){cmd->opts[i].name,
					  cmd->opts[i].type == CLI_FLAG ? no_argument
									: required_argument,
					  NULL, (int)i};
	memcpy(&opts[n], common_opts, sizeof(common_opts));
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cmd->opts[i].name, "follow"))
			follow = i;

	/* the one short option: as tail(1) has it */
	while ((c = getopt_long(argc, argv, follow < n ? "f" : first, opts, NULL)) != -1) {
		if (c == 'f')
			c = (int)follow;
		if (c >= 0 && (size_t)c < n) {
			args->value[c] = optarg ? optarg : "";
			if (!check_value(cmd, &cmd->opts[c], args->value[c]) ||
			    (cmd->opts[c].type == CLI_LIST && !list_add(cmd, optarg, args)))
				return ARGS_USAGE;
		} else if (c == OPT_JSON) {
			cli->json = true;
		} else if (c == OPT_SOCKET) {
			cli->socket = optarg;
		} else if (c == OPT_HELP) {
			if (cmd)
				print_help_cmd(cmd);
			else
				print_help_all(tables);
			return ARGS_DONE;
		} else if (c == OPT_VERSION) {
			printf("sriovctl %s\n", SRIOVD_VERSION);
			return ARGS_DONE;
		} else {
			/* getopt named the option already */
			fprintf(stderr, "sriovctl: see 'sriovctl%s%s --help'\n", cmd ? " " : "",
				cmd ? cmd->name : "");
			return ARGS_USAGE;
		}
	}
	return ARGS_RUN;
}

/* How many words of @argv name @cmd: 0 if it is another command. */
static int cmd_match(const struct cli_cmd *cmd, int argc, char **argv)
{
	const char *blank = strchr(cmd->name, ' ');

	if (!blank)
		return !strcmp(cmd->name, argv[0]);
	if (argc < 2 || strlen(argv[0]) != (size_t)(blank - cmd->name) ||
	    strncmp(cmd->name, argv[0], (size_t)(blank - cmd->name)))
		return 0;
	return strcmp(blank + 1, argv[1]) ? 0 : 2;
}

/* Tells whether @word begins two-word commands, and if so which. */
static void print_unknown(const struct cli_cmd *const *tables, int argc, char **argv)
{
	size_t len = strlen(argv[0]);
	bool known = false;

	for (const struct cli_cmd *const *t = tables; *t; t++) {
		for (const struct cli_cmd *c = *t; c->name; c++) {
			if (strncmp(c->name, argv[0], len) || c->name[len] != ' ')
				continue;
			if (known) {
				fprintf(stderr, ", %s", c->name + len + 1);
				continue;
			}
			known = true;
			if (argc > 1)
				fprintf(stderr, "sriovctl: unknown command '%s %s'; %s knows: %s",
					argv[0], argv[1], argv[0], c->name + len + 1);
			else
				fprintf(stderr, "sriovctl: '%s' wants one of: %s", argv[0],
					c->name + len + 1);
		}
	}
	if (known)
		fputc('\n', stderr);
	else
		fprintf(stderr, "sriovctl: unknown command '%s'; see 'sriovctl --help'\n", argv[0]);
}

static bool take_operands(const struct cli_cmd *cmd, int argc, char **argv, struct cli_args *args)
{
	const char *want = cmd->operands;
	unsigned int n = 0;

	while (*want && (*want != '[' || (int)n < argc)) {
		size_t len = strcspn(want, " ");

		if ((int)n >= argc || n >= CLI_OPERANDS_MAX) {
			fprintf(stderr, "sriovctl %s: %.*s is missing; usage: sriovctl %s %s\n",
				cmd->name, (int)len, want, cmd->name, cmd->operands);
			return false;
		}
		if (!*argv[n]) {
			fprintf(stderr, "sriovctl %s: %.*s is empty\n", cmd->name, (int)len, want);
			return false;
		}
		args->operand[n] = argv[n];
		n++;
		want += len + (want[len] == ' ');
	}
	if (argc > (int)n) {
		fprintf(stderr, "sriovctl %s: unexpected '%s'\n", cmd->name, argv[n]);
		return false;
	}
	return true;
}

enum args_result args_parse(int argc, char **argv, const struct cli_cmd *const *tables,
			    struct cli *cli, struct cli_args *ret_args)
{
	static char prog[64];
	struct cli_args args = {};
	enum args_result r;
	int words = 0;

	optind = 0;
	r = parse_opts(argc, argv, "+", tables, NULL, cli, &args);
	if (r != ARGS_RUN)
		return r;
	argc -= optind;
	argv += optind;
	if (!argc) {
		fprintf(stderr, "sriovctl: no command; see 'sriovctl --help'\n");
		return ARGS_USAGE;
	}

	for (const struct cli_cmd *const *t = tables; *t && !words; t++) {
		for (const struct cli_cmd *c = *t; c->name && !words; c++) {
			words = cmd_match(c, argc, argv);
			args.cmd = c;
		}
	}
	if (!words) {
		print_unknown(tables, argc, argv);
		return ARGS_USAGE;
	}

	/* getopt prefixes its messages with argv[0] */
	snprintf(prog, sizeof(prog), "sriovctl %s", args.cmd->name);
	argc -= words - 1;
	argv += words - 1;
	argv[0] = prog;
	optind = 0;
	r = parse_opts(argc, argv, "", tables, args.cmd, cli, &args);
	if (r != ARGS_RUN)
		return r;
	if (!take_operands(args.cmd, argc - optind, argv + optind, &args))
		return ARGS_USAGE;

	*ret_args = args;
	return ARGS_RUN;
}

const char *args_text(const struct cli_args *args, const char *name)
{
	for (size_t i = 0; i < n_opts(args->cmd); i++)
		if (!strcmp(args->cmd->opts[i].name, name))
			return args->value[i];
	return NULL;
}

uint64_t args_number(const struct cli_args *args, const char *name, uint64_t otherwise)
{
	const char *text = args_text(args, name);
	uint64_t v;

	if (!text || args_uint(text, 0, UINT64_MAX, &v) < 0)
		return otherwise;
	return v;
}

json_t *args_body(const struct cli_args *args)
{
	json_auto_t *body = json_object();

	for (size_t i = 0; i < n_opts(args->cmd); i++) {
		const struct cli_opt *o = &args->cmd->opts[i];
		const char *text = args->value[i];
		json_t *v;

		if (!text || !o->key)
			continue;
		if (o->type == CLI_FLAG)
			v = json_true();
		else if (o->type == CLI_ONOFF)
			v = json_boolean(!strcmp(text, "on"));
		else if (o->type == CLI_UINT)
			v = json_integer((json_int_t)args_number(args, o->name, 0));
		else
			v = json_string(text); /* NULL when it is not UTF-8 */
		if (json_object_set_new(body, o->key, v) < 0)
			return NULL;
	}
	return json_incref(body);
}

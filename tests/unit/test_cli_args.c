/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/args.h>
#include <errno.h>
#include <string.h>
#include <support/test.h>

static const struct cli_cmd *const tables[] = {
	cmd_pf, cmd_vf, cmd_net, cmd_vm, cmd_attach, cmd_bench, cmd_daemon, NULL,
};

/* Splits @line at blanks, since args_parse() permutes what it gets. */
static enum args_result parse(const char *line, struct cli *cli, struct cli_args *args)
{
	static char copy[256];
	char *argv[16] = {(char *)"sriovctl"};
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w && argc < 15; w = strtok(NULL, " "))
		argv[argc++] = w;
	*cli = (struct cli){.socket = "default"};
	return args_parse(argc, argv, tables, cli, args);
}

static void a_command_takes_operands_and_options_in_any_order(void **state)
{
	struct cli_args args;
	struct cli cli;

	assert_int_equal(
		parse("--json net create --vlan 10 blue --spoofchk=off --socket x", &cli, &args),
		ARGS_RUN);
	assert_string_equal(args.cmd->name, "net create");
	assert_string_equal(args.operand[0], "blue");
	assert_true(cli.json);
	assert_string_equal(cli.socket, "x");
	assert_int_equal(args_number(&args, "vlan", 0), 10);
	assert_null(args_text(&args, "mac"));
}

static void options_become_keys_of_the_request(void **state)
{
	json_auto_t *want =
		json_pack("{s:s, s:i, s:b}", "mac", "02:00:00:00:00:01", "vlan", 7, "spoofchk", 0);
	json_auto_t *body = NULL;
	struct cli_args args;
	struct cli cli;

	assert_int_equal(
		parse("net create n --mac 02:00:00:00:00:01 --vlan 7 --spoofchk off", &cli, &args),
		ARGS_RUN);
	body = args_body(&args);
	assert_true(json_equal(body, want));
}

static void what_is_not_known_is_a_usage_error(void **state)
{
	static const char *const bad[] = {
		"",
		"frob",
		"pf",
		"pf frob",
		"pf list extra",
		"pf list --frob",
		"pf set",
		"pf set p0 --num-vfs",
		"pf set p0 --num-vfs 4x",
		"pf set p0 --num-vfs -1",
		"net create n --vlan 4095",
		"net create n --vlan-qos 8",
		"net create n --spoofchk maybe",
		"attach n v --path carrier-pigeon",
		"attach n v --path v",
		"attach n",
		"ping a b --count 0",
		"bench --rounds 0",
		"--frob pf list",
	};
	struct cli_args args;
	struct cli cli;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(bad[i], &cli, &args) != ARGS_USAGE)
			fail_msg("'%s' was accepted", bad[i]);
}

static void help_is_there_for_every_command(void **state)
{
	struct cli_args args;
	struct cli cli;
	char line[64];

	for (size_t t = 0; tables[t]; t++) {
		for (const struct cli_cmd *c = tables[t]; c->name; c++) {
			snprintf(line, sizeof(line), "%s --help", c->name);
			assert_int_equal(parse(line, &cli, &args), ARGS_DONE);
			assert_non_null(c->run);
		}
	}
	assert_int_equal(parse("--help", &cli, &args), ARGS_DONE);
	assert_int_equal(parse("--version", &cli, &args), ARGS_DONE);
}

static void numbers_are_decimal_and_in_range(void **state)
{
	uint64_t v = 77;

	assert_int_equal(args_uint("0", 0, 5, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(args_uint("6", 0, 5, &v), -ERANGE);
	assert_int_equal(args_uint("99999999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(args_uint(" 1", 0, 5, &v), -EINVAL);
	assert_int_equal(args_uint("+1", 0, 5, &v), -EINVAL);
	assert_int_equal(args_uint("0x1", 0, 5, &v), -EINVAL);
	assert_int_equal(args_uint("", 0, 5, &v), -EINVAL);
	assert_int_equal(v, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_takes_operands_and_options_in_any_order),
		cmocka_unit_test(options_become_keys_of_the_request),
		cmocka_unit_test(what_is_not_known_is_a_usage_error),
		cmocka_unit_test(help_is_there_for_every_command),
		cmocka_unit_test(numbers_are_decimal_and_in_range),
	};

	return cmocka_run_group_tests_name("cli args", tests, NULL, NULL);
}

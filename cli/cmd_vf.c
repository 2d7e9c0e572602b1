/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "api.h"
#include <cli/args.h>
#include <cli/http.h>
#include "table.h"

static const struct table_col vf_cols[] = {
	{"PF", "pf", false},
	{"VF", "vf", true},
	{"STATE", "state", false},
	{"NET", "net", false},
	{"VM", "vm", false},
	{"MAC", "mac", false},
	{"VLAN", "vlan", true},
	{"SPOOFCHK", "spoofchk", false},
	{"RX-PKTS", "rx_packets", true},
	{"TX-PKTS", "tx_packets", true},
	{"REASON", "reason", false},
	{},
};

static int run_list(const struct cli *cli, const struct cli_args *args)
{
	const char *pf = args_text(args, "pf");
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX] = "/v1/vfs";

	if (pf) {
		strcat(path, "?pf=");
		if (http_escape(path, sizeof(path), pf) < 0) {
			fprintf(stderr, "sriovctl vf list: --pf is too long\n");
			return CLI_USAGE;
		}
	}
	if (api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_rows(cli, reply, "vfs", vf_cols);
}

static int run_show(const struct cli *cli, const struct cli_args *args)
{
	const char *name = args->operand[0], *slash = strrchr(name, '/');
	json_auto_t *reply = NULL;
	char path[API_PATH_MAX], pf[128];
	uint64_t vf;

	if (!slash || slash == name || (size_t)(slash - name) >= sizeof(pf) ||
	    args_uint(slash + 1, 0, 65535, &vf) < 0) {
		fprintf(stderr, "sriovctl vf show: '%s' is no VF; write PF/N, such as p0/1\n",
			name);
		return CLI_USAGE;
	}
	memcpy(pf, name, (size_t)(slash - name));
	pf[slash - name] = '\0';
	if (api_path(path, "pfs", pf, "vfs", slash + 1, NULL) < 0 ||
	    api_call(cli, "GET", path, NULL, API_TIMEOUT_MS, &reply) < 0)
		return CLI_FAILED;
	return table_object(cli, reply);
}

static const struct cli_opt list_opts[] = {
	{"pf", CLI_TEXT, "PF", NULL, 0, 0, "only the VFs of this physical function"},
	{},
};

const struct cli_cmd cmd_vf[] = {
	{"vf list", "", "virtual functions and who uses them", list_opts, run_list},
	{"vf show", "PF/N", "one virtual function", NULL, run_show},
	{},
};

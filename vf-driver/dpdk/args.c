/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands behind "--vdev net_sriov_vf0," */
#include <rte_kvargs.h>
#include "pmd.h"

#define ARG_PATH    "path"
#define ARG_BDF	    "bdf"
#define ARG_TOKEN   "token"
#define ARG_BURST   "burst"
#define ARG_HEADWB  "head_wb"
#define ARG_TRAPPED "trapped"
#define ARG_RSS	    "rss"

static const char *const arg_names[] = {ARG_PATH,   ARG_BDF,	 ARG_TOKEN, ARG_BURST,
					ARG_HEADWB, ARG_TRAPPED, ARG_RSS,   NULL};

static int arg_string(const char *key, const char *value, void *ret)
{
	char **s = ret;

	if (!value || !*value || *s)
		return -EINVAL;
	*s = strdup(value);
	return *s ? 0 : -ENOMEM;
}

static int arg_flag(const char *key, const char *value, void *ret)
{
	if (!value || strlen(value) != 1 || (*value != '0' && *value != '1'))
		return -EINVAL;
	*(int *)ret = *value == '1';
	return 0;
}

int pmd_args_read(const char *text, struct pmd_args *ret)
{
	struct rte_kvargs *kv = rte_kvargs_parse(text, arg_names);
	_cleanup_(freep) char *burst = NULL;
	int trapped = 0, rss = 0, r = -EINVAL;

	ret->head_wb = -1;
	if (kv && rte_kvargs_process(kv, ARG_PATH, arg_string, &ret->path) >= 0 &&
	    rte_kvargs_process(kv, ARG_BDF, arg_string, &ret->bdf) >= 0 &&
	    rte_kvargs_process(kv, ARG_TOKEN, arg_string, &ret->token) >= 0 &&
	    rte_kvargs_process(kv, ARG_BURST, arg_string, &burst) >= 0 &&
	    rte_kvargs_process(kv, ARG_HEADWB, arg_flag, &ret->head_wb) >= 0 &&
	    rte_kvargs_process(kv, ARG_TRAPPED, arg_flag, &trapped) >= 0 &&
	    rte_kvargs_process(kv, ARG_RSS, arg_flag, &rss) >= 0)
		r = 0;
	rte_kvargs_free(kv);
	if (burst && strcmp(burst, "scalar") && strcmp(burst, "vector"))
		r = -EINVAL;
	ret->scalar = burst && !strcmp(burst, "scalar");
	ret->trapped = trapped;
	ret->rss = rss;
	if (r < 0 || !ret->path == !ret->bdf) {
		PMD_LOG(ERR,
			"'%s': needs path=SOCKET or bdf=ADDRESS, and knows token=UUID, "
			"burst=vector|scalar, head_wb=0|1, trapped=0|1, rss=0|1",
			text);
		return -EINVAL;
	}
	return 0;
}

void pmd_args_done(struct pmd_args *args)
{
	free(args->path);
	free(args->bdf);
	free(args->token);
	*args = (struct pmd_args){.head_wb = -1};
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/api.h>

#define CALL_ARGS_MAX 2u

struct call {
	const struct api_request *rq;
	char arg[CALL_ARGS_MAX][64]; /* what stood for the "*" of the route */
	size_t n_args;
	const char *query;
	json_t *body; /* an object */

	int status;
	json_t *answer;
	bool exit;
	bool resumed; /* sriovd was killed when it was at this request before */
	struct op_error error;
};

typedef int (*call_t)(struct sriovd *d, struct call *c);

struct route {
	const char *method;
	const char *path;
	enum api_rights rights;
	call_t call;
	const char *query; /* the one key it takes, or NULL */
	bool once;	   /* takes "op", see once.h */
};

/* All with the baton; -errno with c->error set, or c->answer. */
int call_status(struct sriovd *d, struct call *c);
int call_pf_list(struct sriovd *d, struct call *c);
int call_pf_show(struct sriovd *d, struct call *c);
int call_pf_add(struct sriovd *d, struct call *c);
int call_pf_remove(struct sriovd *d, struct call *c);
int call_pf_set(struct sriovd *d, struct call *c);
int call_event_list(struct sriovd *d, struct call *c);
int call_vf_list(struct sriovd *d, struct call *c);
int call_vf_show(struct sriovd *d, struct call *c);
int call_net_list(struct sriovd *d, struct call *c);
int call_net_create(struct sriovd *d, struct call *c);
int call_net_show(struct sriovd *d, struct call *c);
int call_net_delete(struct sriovd *d, struct call *c);
int call_net_attach(struct sriovd *d, struct call *c);
int call_net_detach(struct sriovd *d, struct call *c);
int call_net_verify(struct sriovd *d, struct call *c);
int call_vm_list(struct sriovd *d, struct call *c);
int call_vm_start(struct sriovd *d, struct call *c);
int call_vm_show(struct sriovd *d, struct call *c);
int call_vm_again(struct sriovd *d, struct call *c);
int call_vm_stop(struct sriovd *d, struct call *c);
int call_vm_delete(struct sriovd *d, struct call *c);
int call_vm_console(struct sriovd *d, struct call *c);
int call_vm_request(struct sriovd *d, struct call *c);
int call_shutdown(struct sriovd *d, struct call *c);

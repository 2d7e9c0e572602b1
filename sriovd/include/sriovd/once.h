#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests with an id that the client chose ("op"): however often one is sent, it is done once, and
 * each time it is answered alike. Whoever lost an answer asks again, also after a kill of sriovd.
 */
#include <stdbool.h>
#include <sriovd/ledger.h>

#define ONCE_KEPT LEDGER_OPS

struct sriovd;
struct call;

struct once_entry {
	struct row_op row; /* id "": free */
	bool running;	   /* by a request of this sriovd */
};

struct once {
	struct once_entry entry[ONCE_KEPT];
	uint64_t n; /* of all there ever were */
};

/** once_id_valid() - 1 to 64 letters, digits and "-_.:". Context: any; pure. Return: true or false.
 * Source: docs/api.md. */
bool once_id_valid(const char *id);

/**
 * once_load() - a row of the ledger
 *
 * Context: start-up. Return: 0; -EUCLEAN no sriovd wrote it. Source: -.
 */
int once_load(struct once *o, const struct row_op *row) _must_check_;

/**
 * once_call() - @call of a request whose body has "op", or what came of it before
 *
 * One that is under way is waited for. A refusal (400 to 409) is no outcome: the next try is a new
 * one. Those that were under way when sriovd was killed are begun anew, with c->resumed.
 *
 * Context: request, with the baton. Return: as @call; -EINVAL, -EEXIST the id was another
 * request's, -EBUSY too many are under way; as state_wait().
 * Source: docs/api.md.
 */
int once_call(struct sriovd *d, struct call *c, int (*call)(struct sriovd *d, struct call *c));

/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <sriovd/once.h>
#include <string.h>

#include "api_internal.h"

#define KEY	"op"
#define WAIT_US (240 * USEC_PER_SEC) /* longer than any attach or detach takes */

bool once_id_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:");

	return n > 0 && n < OP_ID_SIZE && !id[n];
}

int once_load(struct once *o, const struct row_op *row)
{
	if (!once_id_valid(row->id) || row->error > 0)
		return -EUCLEAN;
	o->entry[row->n % ONCE_KEPT] = (struct once_entry){.row = *row};
	if (row->n >= o->n)
		o->n = row->n + 1;
	return 0;
}

static struct once_entry *entry_find(struct once *o, const char *id)
{
	for (unsigned int i = 0; i < ONCE_KEPT; i++)
		if (strcmp(o->entry[i].row.id, id) == 0)
			return &o->entry[i];
	return NULL;
}

/* In the place of the oldest one that is not under way. */
static struct once_entry *entry_new(struct once *o, const char *id, const char *request)
{
	for (unsigned int i = 0; i < ONCE_KEPT; i++) {
		struct once_entry *e = &o->entry[o->n % ONCE_KEPT];

		if (e->running) {
			o->n++;
			continue;
		}
		*e = (struct once_entry){.row.n = o->n++};
		text_set(e->row.id, sizeof(e->row.id), "%s", id);
		text_set(e->row.request, sizeof(e->row.request), "%s", request);
		return e;
	}
	return NULL;
}

/* What makes a request the same: all of it but its id. */
static int request_text(const struct call *c, char request[OP_REQUEST_SIZE])
{
	_cleanup_(freep) char *body = json_dumps(c->body, JSON_COMPACT | JSON_SORT_KEYS);
	int n;

	if (!body)
		return -ENOMEM;
	n = snprintf(request, OP_REQUEST_SIZE, "%s %s %s", c->rq->method, c->rq->path, body);
	return n < 0 || n >= (int)OP_REQUEST_SIZE ? -EMSGSIZE : 0;
}

/* Takes the id out of the body, so that the call itself need not know of it. */
static int request_read(struct call *c, char id[OP_ID_SIZE], char request[OP_REQUEST_SIZE])
{
	const char *said = json_string_value(json_object_get(c->body, KEY));

	if (!said || !once_id_valid(said))
		return op_fail(&c->error, HTTP_BAD_INPUT, -EINVAL,
			       "request body: \"" KEY "\" must be 1 to %u letters, digits and -_.:",
			       OP_ID_SIZE - 1);
	text_set(id, OP_ID_SIZE, "%s", said);
	json_object_del(c->body, KEY);
	if (request_text(c, request) < 0)
		return op_fail(&c->error, HTTP_BAD_INPUT, -EMSGSIZE,
			       "request body: too long for one with \"" KEY "\"");
	return 0;
}

/* The entry of this id, when nobody is at it. Return: 0, *ret_e NULL there is none; -errno. */
static int entry_await(struct sriovd *d, struct call *c, const char *id, const char *request,
		       struct once_entry **ret_e)
{
	uint64_t deadline_us = clock_us() + WAIT_US;

	for (;;) {
		struct once_entry *e = entry_find(&d->once, id);
		int r;

		*ret_e = e;
		if (e && strcmp(e->row.request, request) != 0)
			return op_fail(&c->error, HTTP_CONFLICT, -EEXIST,
				       "op %s was another request: %s", id, e->row.request);
		if (!e || !e->running)
			return 0;
		r = state_wait(d, deadline_us);
		if (r < 0)
			return op_fail(&c->error, r == -ETIMEDOUT ? HTTP_DEADLINE : HTTP_CONFLICT,
				       r, "op %s is still under way", id);
	}
}

static int answer_again(const struct row_op *row, struct call *c)
{
	c->status = row->status;
	if (row->error < 0)
		return op_fail(&c->error, (unsigned int)row->status, row->error, "%s", row->answer);
	c->answer = json_loads(row->answer, 0, NULL);
	return c->answer ? 0 : -ENOMEM;
}

static void keep(struct sriovd *d, const struct row_op *row)
{
	ledger_trouble(d, ledger_put_op(d->ledger, row), "ops");
}

/* Return: does it count, or was it only refused? */
static bool outcome(const struct call *c, int r, struct row_op *row)
{
	_cleanup_(freep) char *answer = NULL;

	if (r < 0) {
		row->status = c->error.http ? (int)c->error.http : HTTP_INTERNAL;
		row->error = r;
		text_set(row->answer, sizeof(row->answer), "%s", op_text(&c->error, r));
		return row->status >= HTTP_INTERNAL && r != -ECANCELED;
	}
	answer = json_dumps(c->answer, JSON_COMPACT);
	if (!answer || strlen(answer) >= sizeof(row->answer))
		return false;
	row->status = c->status;
	row->error = 0;
	text_set(row->answer, sizeof(row->answer), "%s", answer);
	return true;
}

int once_call(struct sriovd *d, struct call *c, int (*call)(struct sriovd *d, struct call *c))
{
	char id[OP_ID_SIZE], request[OP_REQUEST_SIZE], object[NAME_SIZE + 8];
	struct once_entry *e;
	int r;

	r = request_read(c, id, request);
	if (r >= 0)
		r = entry_await(d, c, id, request, &e);
	if (r < 0)
		return r;
	if (e && e->row.status)
		return answer_again(&e->row, c);
	c->resumed = e;
	if (!e)
		e = entry_new(&d->once, id, request);
	if (!e)
		return op_fail(&c->error, HTTP_CONFLICT, -EBUSY,
			       "%u operations with an id are under way", ONCE_KEPT);
	e->running = true;
	keep(d, &e->row);
	r = call(d, c);
	e->running = false;
	if (outcome(c, r, &e->row)) {
		keep(d, &e->row);
		text_set(object, sizeof(object), "net %s", c->arg[0]);
		event_add(d, object, KEY, "%s: %s", id, r < 0 ? op_text(&c->error, r) : "done");
	} else {
		ledger_trouble(d, ledger_del_op(d->ledger, id), "ops");
		e->row.id[0] = '\0';
	}
	return r;
}
